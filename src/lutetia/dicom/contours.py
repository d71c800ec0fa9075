"""Closed planar contours to a mask: a voxel belongs to it when its centre lies inside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from lutetia.model import Grid, InputError

Mask = npt.NDArray[np.bool_]
_FLAT = 0.05  # a contour may leave its plane by this part of a slice
#: images are not thicker: contour planes further apart are not neighbours, something lies between them
_THICKEST_MM = 10.0


def fill_contours(contours: Sequence[npt.NDArray[np.float64]], grid: Grid, reach: float | None = None) -> Mask:
    """Mask of the closed contours of one region.

    Parameters
    ----------
    contours : sequence of (n, 3) arrays, LPS mm (x, y, z); each lies in a plane parallel to the slices
    grid : the grid of the mask
    reach : how far a contour stands for its surroundings, in slices; None takes `plane_reach` of these contours

    Returns
    -------
    bool array (z, y, x)
        Each slice takes the contours of the nearest contour plane within `reach`. A contour
        inside another is a hole, one inside a hole an island; overlapping ones are joined.

    Raises
    ------
    InputError
        ``contour-not-in-slice``: a contour lies in no plane parallel to the slices.
    """
    mask = np.zeros(grid.shape, bool)
    planes = _by_plane(contours, grid)
    if not planes:
        return mask
    depths = np.array(sorted(planes))
    if reach is None:
        reach = plane_reach(depths, grid.spacing_mm[0]) or 0.5
    for z in range(grid.shape[0]):
        nearest = float(depths[int(np.argmin(np.abs(depths - z)))])
        if -reach + 1e-6 < z - nearest <= reach + 1e-6:  # one end only: n planes of a slice's thickness are n slices
            mask[z] = _fill_plane(planes[float(nearest)], grid.shape[1:])
    return mask


def interpolate(contours: Sequence[npt.NDArray[np.float64]], grid: Grid) -> Mask:
    """Mask of contours that were drawn on some slices of the image: those between two of them are filled.

    A slice between takes the shape whose signed distance from the edge lies between those of the two contours
    (shape-based interpolation, Raya and Udupa, IEEE Trans Med Imaging 1990, doi 10.1109/42.52980). Contours more than
    10 mm apart stay apart.

    Parameters
    ----------
    contours : as for `fill_contours`, each on a slice of `grid`
    grid : the grid of the mask

    Raises
    ------
    InputError
        ``contour-not-in-slice``.
    """
    mask = fill_contours(contours, grid, 0.5)
    drawn = sorted({round(depth) for depth in _by_plane(contours, grid)})
    for low, high in pairwise(drawn):
        apart = high - low
        if apart == 1 or apart * grid.spacing_mm[0] > _THICKEST_MM or low < 0 or high >= len(mask):
            continue
        below, above = (_signed_distance(mask[z], grid.spacing_mm[1:]) for z in (low, high))
        for z in range(low + 1, high):
            share = (z - low) / apart
            mask[z] = (1 - share) * below + share * above > 0
    return mask


def slices_between(depths: Sequence[float] | npt.NDArray[np.float64], spacing_mm: float) -> tuple[int, int]:
    """Slices between the contours of a region that was drawn on some slices only.

    Parameters
    ----------
    depths : places of its contours along the stack, in slices
    spacing_mm : distance of the slices

    Returns
    -------
    slices between contours at most 10 mm apart, and between contours further apart; (0, 0) where most neighbours are
    one slice apart: then the region was drawn on every slice, and a gap parts it
    """
    steps = np.diff(np.unique(np.round(np.asarray(depths, float)))).astype(int)
    if not len(steps) or int(np.bincount(steps).argmax()) <= 1:
        return 0, 0
    near = steps * spacing_mm <= _THICKEST_MM
    return int((steps[near] - 1).sum()), int((steps[~near] - 1).sum())


def volume_ml(contours: Sequence[npt.NDArray[np.float64]], grid: Grid, reach: float) -> float:
    """Volume of the contours themselves, also of those outside `grid`; each plane stands for twice `reach` slices."""
    pixels = 0
    for polygons in _by_plane(contours, grid).values():
        low = np.floor(np.min([p.min(axis=0) for p in polygons], axis=0)) - 1
        high = np.ceil(np.max([p.max(axis=0) for p in polygons], axis=0)) + 2
        rows, columns = (high - low).astype(int)
        pixels += int(_fill_plane([p - low for p in polygons], (rows, columns)).sum())
    return pixels * 2 * reach * grid.voxel_ml


def _by_plane(contours: Sequence[npt.NDArray[np.float64]], grid: Grid) -> dict[float, list[npt.NDArray[np.float64]]]:
    """Contours as (row, column) of the grid by their place along the stack, in slices."""
    planes: dict[float, list[npt.NDArray[np.float64]]] = {}
    for points in contours:
        if len(points) < 3:
            continue
        index = grid.to_index(points)
        depth = index[:, 0]
        if depth.max() - depth.min() > 2 * _FLAT:
            raise InputError(
                "contour-not-in-slice",
                "A contour does not lie in a plane parallel to the image's slices",
                expected="contours drawn on the slices of this study",
                remedy="draw or export the contours on the image's own slices, or give a mask",
            )
        planes.setdefault(round(float(depth.mean()), 3), []).append(index[:, 1:])
    return planes


def _signed_distance(plane: Mask, spacing_mm: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Distance from the edge in mm, positive inside."""
    if not plane.any():
        return np.full(plane.shape, -np.inf)
    inside, outside = (distance_transform_edt(p, sampling=spacing_mm) for p in (plane, ~plane))
    distance: npt.NDArray[np.float64] = inside - outside
    return distance


def plane_reach(depths: Sequence[float] | npt.NDArray[np.float64], spacing_mm: float) -> float | None:
    """Half the usual distance of neighbouring contour planes in slices, at least half a slice.

    Parameters
    ----------
    depths : places of the contours along the stack, in slices
    spacing_mm : distance of the slices

    Returns
    -------
    float or None
        None where no two planes are neighbours: planes more than 10 mm apart belong to different parts of the region,
        and nothing between them was drawn.
    """
    steps = np.diff(np.unique(np.round(np.asarray(depths, float), 2)))
    steps = steps[(steps > 0.1) & (steps * spacing_mm <= _THICKEST_MM)]
    if not len(steps):
        return None
    values, counts = np.unique(np.round(steps, 1), return_counts=True)
    usual = float(steps[np.abs(steps - values[int(np.argmax(counts))]) <= 0.1].mean())
    return max(0.5, usual / 2.0)


def beyond(contours: Sequence[npt.NDArray[np.float64]], grid: Grid) -> bool:
    """Whether some point of the contours lies outside the image by more than a voxel."""
    limit = np.array(grid.shape, float)
    for points in contours:
        index = grid.to_index(points)
        if (index < -1.0).any() or (index > limit).any():
            return True
    return False


def _fill_plane(polygons: list[npt.NDArray[np.float64]], shape: tuple[int, int]) -> Mask:
    filled = {region.tobytes(): region for region in (fill_polygon(polygon, shape) for polygon in polygons)}
    mask = np.zeros(shape, bool)
    for region in sorted(filled.values(), key=lambda m: -int(m.sum())):  # the same contour twice counts once
        if region.any() and not (region & ~mask).any():
            mask &= ~region
        else:
            mask |= region
    return mask


def fill_polygon(points: npt.NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Pixels whose centre lies inside a polygon (even-odd rule).

    Parameters
    ----------
    points : (n, 2) array of (row, column) in pixels, pixel centres at whole numbers
    shape : (rows, columns)
    """
    mask = np.zeros(shape, bool)
    rows, columns = points[:, 0], points[:, 1]
    next_rows, next_columns = np.roll(rows, -1), np.roll(columns, -1)
    first = max(0, int(np.ceil(rows.min())))
    last = min(shape[0] - 1, int(np.floor(rows.max())))
    for row in range(first, last + 1):
        crosses = (rows <= row) != (next_rows <= row)
        if not crosses.any():
            continue
        r0, r1, c0, c1 = rows[crosses], next_rows[crosses], columns[crosses], next_columns[crosses]
        at = np.sort(c0 + (row - r0) / (r1 - r0) * (c1 - c0))
        for left, right in zip(at[0::2], at[1::2], strict=False):
            begin, end = max(0, int(np.ceil(left))), min(shape[1], int(np.ceil(right)))
            if begin < end:
                mask[row, begin:end] ^= True
    return mask
