"""Voxels of one grid on another: the value at each centre, and what falls outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.model import Grid

#: half-way positions are off by less than this through rounding alone
_TIE = 1e-6
#: coordinates looked at together
_CHUNK = 2_000_000


def sampled(data: npt.NDArray[Any], to_lps: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[Any]:
    """Values of `data` at the voxel centres of `grid`, nearest neighbour, 0 outside.

    A centre half-way between two voxels takes the upper one, everywhere alike.

    Parameters
    ----------
    data : array (i, j, k)
    to_lps : 4 × 4, homogeneous index (i, j, k, 1) → LPS mm
    grid : where to sample

    Returns
    -------
    array (z, y, x) of the same type
    """
    matrix = np.linalg.inv(to_lps) @ grid.affine
    matrix[np.abs(matrix) < 1e-9] = 0.0
    out = np.zeros(grid.shape, data.dtype)
    axes = [np.flatnonzero(np.abs(matrix[row, :3]) > 1e-6) for row in range(3)]
    if all(len(a) == 1 for a in axes) and len({int(a[0]) for a in axes}) == 3:
        # axes parallel: every source axis is picked along one target axis
        order = [int(a[0]) for a in axes]
        picks, holds = [], []
        for row, axis in enumerate(order):
            index = _nearest(matrix[row, axis] * np.arange(grid.shape[axis]) + matrix[row, 3])
            inside = (index >= 0) & (index < data.shape[row])
            picks.append(index[inside])
            holds.append(np.flatnonzero(inside))
        block = data[np.ix_(*picks)]
        target = [np.array([], int)] * 3
        for row, axis in enumerate(order):
            target[axis] = holds[row]
        out[np.ix_(*target)] = np.transpose(block, np.argsort(order))
        return out
    rows, columns = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[2]), indexing="ij")
    for z in range(grid.shape[0]):
        places = (
            matrix[:3, 0, None, None] * z
            + matrix[:3, 1, None, None] * rows
            + matrix[:3, 2, None, None] * columns
            + matrix[:3, 3, None, None]
        )
        nearest = _nearest(places)
        inside = np.all((nearest >= 0) & (nearest < np.array(data.shape)[:, None, None]), axis=0)
        i, j, k = nearest[:, inside]
        out[z][inside] = data[i, j, k]
    return out


def _nearest(index: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.floor(index + 0.5 + _TIE).astype(np.int64)


def share_outside(region: npt.NDArray[np.bool_], to_lps: npt.NDArray[np.float64], grid: Grid) -> float:
    """The part of a region's voxels, 0 … 1, whose centres lie outside `grid` (by more than half a voxel of it).

    Parameters
    ----------
    region : bool array (i, j, k)
    to_lps : 4 × 4, homogeneous index (i, j, k, 1) → LPS mm
    grid : the grid the region is brought to
    """
    places = np.argwhere(region)
    if not len(places):
        return 0.0
    matrix = np.linalg.inv(grid.affine) @ to_lps
    upper = np.array(grid.shape) - 0.5
    outside = 0
    for start in range(0, len(places), _CHUNK):
        index = places[start : start + _CHUNK] @ matrix[:3, :3].T + matrix[:3, 3]
        outside += int(np.count_nonzero(((index < -0.5 - _TIE) | (index > upper + _TIE)).any(axis=1)))
    return outside / len(places)


def covered(shape: tuple[int, ...], to_lps: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[np.bool_]:
    """Where the voxel centres of `grid` lie inside an array of this shape (i, j, k) with this place; bool (z, y, x)."""
    return sampled(np.broadcast_to(np.True_, shape), to_lps, grid)
