"""Connected components of a sparse mask, found from its runs.

A mask of hot voxels fills a few parts in a thousand of a whole-body PET. Labelling the whole volume spends its time on
the rest; here the mask is first read as runs (unbroken stretches of voxels along x), and only runs are joined. Two
voxels belong together when they share a face, an edge or a corner (26-connected), as is usual for lesions.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Index = npt.NDArray[np.int64]

_WORKERS = 2


@dataclass(frozen=True, eq=False)
class Components:
    """Components of a mask, numbered from 0 in the order of their first voxel.

    `voxels` holds flat indices into the volume, component after component and ascending within one;
    component i has ``voxels[start[i]:start[i + 1]]``.
    """

    shape: tuple[int, int, int]
    voxels: Index
    start: Index

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def sizes(self) -> Index:
        """Voxels of each component."""
        return np.diff(self.start)

    def indices(self, i: int) -> Index:
        """Voxels of component `i` as (n, 3) indices (z, y, x)."""
        return np.stack(np.unravel_index(self.voxels[self.start[i] : self.start[i + 1]], self.shape), axis=1)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> Components:
        """Only the components where `chosen` is true, in the same order."""
        parts = [self.voxels[self.start[i] : self.start[i + 1]] for i in np.flatnonzero(chosen)]
        start = np.r_[0, np.cumsum([len(p) for p in parts], dtype=np.int64)]
        return Components(self.shape, np.concatenate(parts) if parts else self.voxels[:0], start)


def hot_voxels(array: Array, threshold: float) -> Index:
    """Flat indices, ascending, of the voxels of a (z, y, x) array that are at least `threshold`; slice by slice."""
    plane = array.shape[1] * array.shape[2]

    def part(first: int, last: int) -> list[Index]:
        mask = np.empty(array.shape[1:], bool)
        found = []
        for k in range(first, last):
            np.greater_equal(array[k], threshold, out=mask)
            here = np.flatnonzero(mask)
            if len(here):
                found.append(here + k * plane)
        return found

    pieces = [piece for half in _in_halves(part, array.shape[0]) for piece in half]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def _in_halves(part: Callable[[int, int], list[Index]], count: int) -> list[list[Index]]:
    edges = [count * w // _WORKERS for w in range(_WORKERS + 1)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(part, edges[:-1], edges[1:]))


def components(voxels: Index, shape: tuple[int, int, int]) -> Components:
    """Group voxels into 26-connected components.

    Parameters
    ----------
    voxels : ascending flat indices of the mask's voxels, as from `hot_voxels` or `numpy.flatnonzero`
    shape : (nz, ny, nx) of the volume

    Returns
    -------
    Components
        The same grouping as ``scipy.ndimage.label`` with a full structuring element.
    """
    if len(voxels) == 0:
        return Components(shape, np.zeros(0, np.int64), np.zeros(1, np.int64))
    row = voxels // shape[2]
    new = np.r_[True, (np.diff(voxels) != 1) | (np.diff(row) != 0)]
    first = np.flatnonzero(new)
    length = np.diff(np.r_[first, len(voxels)])
    label = _join(voxels[first] % shape[2], length, row[first], shape)
    of_voxel = np.repeat(label, length)
    order = np.argsort(of_voxel, kind="stable")
    start = np.r_[0, np.cumsum(np.bincount(of_voxel))]
    return Components(shape, voxels[order], start)


def _join(x: Index, length: Index, row: Index, shape: tuple[int, int, int]) -> Index:
    """Component number of each run; runs are sorted by row (z·ny + y), then x."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ny, nx = shape[1], shape[2]
    # runs as intervals on one line on which rows lie nx + 2 apart, so that reaching one voxel further on both
    # sides never meets the next row
    stride = nx + 2
    low = row * stride + x
    high = low + length - 1
    ones, others = [], []
    y = row % ny
    for step, fits in ((1, y < ny - 1), (ny - 1, y > 0), (ny, slice(None)), (ny + 1, y < ny - 1)):
        here = np.arange(len(x))[fits]
        shift = step * stride
        begin = np.searchsorted(high, low[here] - 1 + shift, side="left")
        end = np.searchsorted(low, high[here] + 1 + shift, side="right")
        count = np.maximum(end - begin, 0)
        ones.append(np.repeat(here, count))
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        others.append(np.repeat(begin, count) + within)
    a, b = np.concatenate(ones), np.concatenate(others)
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(len(x), len(x)))
    _, label = connected_components(graph, directed=False)
    _, first, back = np.unique(label, return_index=True, return_inverse=True)
    rank: Index = np.argsort(np.argsort(first))[back]
    return rank
