"""Where uptake parts: the basin of every peak, the saddles between basins, and which peaks are one.

A voxel belongs to the peak that steepest ascent leads to. Two basins are joined unless the lower of their peaks
rises clearly above the saddle between them, clearly meaning more than noise and texture explain. This is the
persistence of a peak (also known as its dynamics), computed on the listed voxels only, never on a whole volume.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: the 13 neighbour steps (z, y, x) that, with their opposites, make the 26-neighbourhood
_FORWARD = [(dz, dy, dx) for dz in (-1, 0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dz, dy, dx) > (0, 0, 0)]


@dataclass(frozen=True, eq=False)
class Basins:
    """Peaks that are distinct, and the voxels that drain to each.

    Attributes
    ----------
    voxels : (n,) flat indices of the voxels that were divided
    owner : (n,) number of the basin each of them belongs to, 0 … n_basins − 1
    peak_voxel : (n_basins,) flat index of the highest voxel
    peak : (n_basins,) its value
    saddle : (n_basins,) highest saddle towards any other basin, −inf for an isolated one
    neighbour : (n_basins,) the basin beyond that saddle, −1 for an isolated one
    contacts : (m, 2) every pair of basins that touch
    contact_level : (m,) the saddle between them
    """

    voxels: Array
    owner: Array
    peak_voxel: Array
    peak: Array
    saddle: Array
    neighbour: Array
    contacts: Array
    contact_level: Array

    def __len__(self) -> int:
        return len(self.peak)

    def heights(self, number: int) -> tuple[float, float, int]:
        """Peak, highest saddle and number of a basin."""
        return float(self.peak[number]), float(self.saddle[number]), number


def divide(values: Array, mask: Array, least_rise: Callable[[Array], Array], uptake: Array | None = None) -> Basins:
    """Divide the voxels of `mask` among the distinct peaks of `values`.

    Parameters
    ----------
    values : (z, y, x) float
        The image, best smoothed to about one resolution element.
    mask : (z, y, x) bool
        Voxels that take part.
    least_rise : callable
        Gives for peak values the height above a saddle from which a peak is distinct.
    uptake : (z, y, x) float, optional
        Image that peak and saddle heights are reported from, where `values` is a sharpened version of it.
    """
    shape = values.shape
    voxels = np.flatnonzero(mask)
    n = len(voxels)
    if n == 0:
        none = np.zeros(0, np.int64)
        empty = np.zeros(0, np.float32)
        return Basins(none, none, none, empty, empty, none, np.zeros((0, 2), np.int64), empty)
    position = np.full(mask.size, -1, np.int32)
    position[voxels] = np.arange(n, dtype=np.int32)
    height = values.ravel()[voxels].astype(np.float32)
    pairs = _neighbour_pairs(voxels, position, shape)
    del position
    parent = _steepest(height, pairs)
    peak_of, first = _number_peaks(parent)
    a, b = peak_of[pairs[0]], peak_of[pairs[1]]
    across = np.flatnonzero(a != b)
    left, right = pairs[0][across], pairs[1][across]
    edges, which = _highest_per_pair(a[across], b[across], np.minimum(height[left], height[right]), len(first))
    left, right = left[which], right[which]
    level = np.minimum(height[left], height[right])
    merged = _merge(height[first], edges, level, least_rise)
    names, owner = np.unique(merged, return_inverse=True)
    basin_of = owner[peak_of]
    count = len(names)
    order = np.lexsort((-height, basin_of))
    start = np.searchsorted(basin_of[order], np.arange(count))
    top = order[start]
    ea, eb = owner[edges[:, 0]], owner[edges[:, 1]]
    still = ea != eb
    contacts, which = _highest_per_pair(ea[still], eb[still], level[still], count)
    shown = height if uptake is None else uptake.ravel()[voxels].astype(np.float32)
    contact_level = np.minimum(shown[left[still][which]], shown[right[still][which]])
    saddle = np.full(count, -np.inf, np.float32)
    neighbour = np.full(count, -1, np.int64)
    for i in np.argsort(contact_level, kind="stable"):
        for one, other in (contacts[i], contacts[i][::-1]):
            saddle[one], neighbour[one] = contact_level[i], other
    return Basins(voxels, basin_of, voxels[top], shown[top], saddle, neighbour, contacts, contact_level)


def _neighbour_pairs(voxels: Array, position: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Positions (in the list) of all pairs of listed voxels that are 26-neighbours."""
    nz, ny, nx = shape
    z, rest = np.divmod(voxels, ny * nx)
    y, x = np.divmod(rest, nx)
    left, right = [], []
    for dz, dy, dx in _FORWARD:
        inside = np.ones(len(voxels), bool)
        for step, at, size in ((dz, z, nz), (dy, y, ny), (dx, x, nx)):
            if step > 0:
                inside &= at < size - 1
            elif step < 0:
                inside &= at > 0
        own = np.flatnonzero(inside)
        other = position[voxels[own] + (dz * ny + dy) * nx + dx]
        hit = other >= 0
        left.append(own[hit].astype(np.int32))
        right.append(other[hit])
    return np.concatenate(left), np.concatenate(right)


def _steepest(height: Array, pairs: tuple[Array, Array]) -> Array:
    """For each voxel its highest neighbour, or itself at a peak; ties go to the voxel listed first."""
    n = len(height)
    rank = np.empty(n, np.int32)
    rank[np.lexsort((-np.arange(n), height))] = np.arange(n, dtype=np.int32)  # higher value, higher rank; no ties
    best = rank.copy()
    np.maximum.at(best, pairs[0], rank[pairs[1]])
    np.maximum.at(best, pairs[1], rank[pairs[0]])
    at_rank = np.empty(n, np.int32)
    at_rank[rank] = np.arange(n, dtype=np.int32)
    parent: Array = at_rank[best]
    return parent


def _number_peaks(parent: Array) -> tuple[Array, Array]:
    """Follow every voxel to its peak; number the peaks."""
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            break
        parent = above
    first, peak_of = np.unique(parent, return_inverse=True)
    return peak_of, first


def _highest_per_pair(a: Array, b: Array, level: Array, count: int) -> tuple[Array, Array]:
    """The unordered pairs of numbers below `count`, and for each the position of the entry with the highest level."""
    if len(a) == 0:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.intp)
    key = np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b)
    order = np.lexsort((-level, key))
    key = key[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    return np.stack(np.divmod(key[first], count), 1), order[first]


def _merge(peak: Array, edges: Array, level: Array, least_rise: Callable[[Array], Array]) -> Array:
    """Join basins from the highest saddle down; the lower peak gives way unless it is distinct there."""
    root = list(range(len(peak)))
    height = peak.tolist()
    rise = np.asarray(least_rise(peak), float).tolist()

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    order = np.argsort(-level, kind="stable")
    for (a, b), at in zip(edges[order].tolist(), level[order].tolist(), strict=True):
        ra, rb = find(a), find(b)
        if ra == rb:
            continue
        low, high = (ra, rb) if (height[ra], -ra) < (height[rb], -rb) else (rb, ra)
        if height[low] - at < rise[low]:
            root[low] = high
    return np.array([find(i) for i in range(len(peak))], np.int64)
