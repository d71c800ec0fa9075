"""Diameters of a region given by its voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def _row_ends(voxels: Array) -> Array:
    """The two end voxels of each row: the convex hull of a region is that of its row ends."""
    ordered = voxels[np.lexsort((voxels[:, 2], voxels[:, 1], voxels[:, 0]))]
    new = np.r_[True, (np.diff(ordered[:, :2], axis=0) != 0).any(1)]
    last = np.r_[new[1:], True]
    ends: Array = ordered[new | last]
    return ends


def _hull(points: Array) -> Array:
    """Vertices of the convex hull; the points themselves when they are few or lie in a plane."""
    if len(points) <= 8:
        return points
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners: Array = points[ConvexHull(points).vertices]
    except QhullError:
        return points
    return corners


def _farthest(points: Array) -> tuple[float, Array]:
    """Greatest distance between two points, and the step between them; by blocks, since a plane has no hull here."""
    best, step = 0.0, np.zeros(points.shape[1])
    for at in range(0, len(points), 512):
        difference = points[at : at + 512, None] - points[None]
        squared = (difference**2).sum(-1)
        i, j = np.unravel_index(int(squared.argmax()), squared.shape)
        if squared[i, j] > best:
            best, step = float(squared[i, j]), difference[i, j]
    return float(np.sqrt(best)), step


def longest_between_centres(voxels: Array, spacing_mm: tuple[float, float, float]) -> float:
    """Greatest distance between two voxel centres, mm (0 for one voxel).

    Parameters
    ----------
    voxels : (n, 3) indices (z, y, x)
    spacing_mm : (dz, dy, dx)
    """
    return _farthest(_hull(_row_ends(voxels) * np.asarray(spacing_mm)))[0]


def axes(voxels: Array, spacing_mm: tuple[float, float, float]) -> tuple[float, float]:
    """Long and short axis of a region, mm.

    The long axis is the greatest distance between two voxel centres in space, plus one voxel measured along it, since a
    region reaches half a voxel beyond its outer centres. The short axis is taken as for nodes in RECIST 1.1: in the
    slice with the longest in-plane diameter, the longest chord at right angles to it, plus one voxel likewise. It is
    never longer than the long axis: in a round region of unequal voxels the voxel that is added may be the wider one.
    """
    spacing = np.asarray(spacing_mm, float)
    ends = _row_ends(voxels)
    long_axis, step = _farthest(_hull(ends * spacing))
    long_axis += _voxel_along(step, spacing)
    best, chosen, direction = -1.0, ends[:0], np.zeros(2)
    first = np.flatnonzero(np.r_[True, np.diff(ends[:, 0]) != 0])  # row ends come slice by slice
    planes = np.split(ends[:, 1:], first[1:])
    reach = [float(np.linalg.norm(np.ptp(plane, 0) * spacing[1:])) for plane in planes]
    for k in np.argsort(reach)[::-1]:
        if reach[k] <= best:
            break  # no diameter exceeds the diagonal of its bounding box
        length, in_plane = _farthest(_hull(planes[k] * spacing[1:]))
        if length > best:
            best, chosen, direction = length, planes[k], in_plane
    if best <= 0:
        return long_axis, min(long_axis, float(min(spacing[1:])))
    along = np.asarray(direction) / best
    across = np.array([-along[1], along[0]])
    points = chosen * spacing[1:]
    chord = _longest_chord(points @ along, points @ across, float(spacing[1:].max()))
    return long_axis, min(long_axis, chord + _voxel_along(across, spacing[1:]))


def _longest_chord(along: Array, across: Array, width: float) -> float:
    """Greatest extent `across` among points that lie within one voxel of each other `along`."""
    band = np.round((along - along.min()) / width).astype(int)
    low = np.full(band.max() + 1, np.inf)
    high = np.full(band.max() + 1, -np.inf)
    np.minimum.at(low, band, across)
    np.maximum.at(high, band, across)
    return float(np.max(high - low, where=np.isfinite(low), initial=0.0))


def _voxel_along(step: Array, spacing: Array) -> float:
    """Mean voxel size along a direction: spacing weighted by the squared direction cosines."""
    squared = step.astype(float) ** 2
    total = squared.sum()
    return float((squared * spacing).sum() / total) if total > 0 else float(spacing.mean())
