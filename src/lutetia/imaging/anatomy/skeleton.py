"""Bone, the line of the vertebral column, its front, and the inside of the rib cage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene

Line = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spine:
    """The vertebral column, one entry per slice of the working grid.

    Attributes
    ----------
    x, y : column and row of the middle of the vertebral column, in voxels (float)
    front : row of the front of the vertebral bodies, in voxels (float)
    midline : column of the plane of symmetry of the trunk, in voxels (float)
    """

    x: Line
    y: Line
    front: Line
    midline: Line


def find_bone(scene: Scene) -> mm.Mask:
    """Bone: pieces above 160 HU that hold something above 300 HU and exceed 1 mL, closed and filled per slice.

    The shell of a bone is dense at any age; its marrow may be as dark as soft tissue, hence the filling.
    """
    dense = ((scene.ct_smooth > 160) | (scene.ct > 220)) & scene.body
    labelled, count = ndi.label(dense)
    if not count:
        return dense
    flat = labelled.ravel()
    where = np.flatnonzero(flat)
    numbers = flat[where]
    sizes = np.bincount(numbers, minlength=count + 1)
    peak = np.bincount(numbers, weights=scene.ct.ravel()[where] > 300, minlength=count + 1)
    keep = (sizes * VOXEL_ML > 1.0) & (peak > 0)
    keep[0] = False
    bone = keep[labelled]
    closed = mm.grown(bone, mm.IN_SLICE)
    # what a slice encloses counts as bone only where it is small (marrow), not where a girdle closes round the pelvis
    holes, number = mm.slice_holes(closed)
    if number:
        small = np.bincount(holes.ravel(), minlength=number + 1) * SPACING_MM**2 < 1500.0
        small[0] = False
        closed |= small[holes]
    result: mm.Mask = mm.shrunk(closed, mm.IN_SLICE, outside=True) | bone
    return result


def find_spine(scene: Scene, bone: mm.Mask) -> Spine | None:
    """The vertebral column by dynamic programming over slices: the thickest bone near the plane of symmetry.

    Bone mass is blurred by 12 mm; the line moves by at most one 6 mm step per 6 mm of height. A prior keeps it near the
    midline of the trunk (running median over 12 cm) and 15 to 170 mm from the skin of the back.
    """
    depth, rows, columns = scene.ct.shape
    excess = np.clip(scene.ct_smooth - 100.0, 0.0, 500.0) * scene.body
    excess += 150.0 * bone
    half = excess[: depth // 2 * 2, : rows // 2 * 2, : columns // 2 * 2]
    if min(half.shape) < 8:
        return None
    half = half.reshape(depth // 2, 2, rows // 2, 2, columns // 2, 2).mean(axis=(1, 3, 5), dtype=np.float32)
    mass = ndi.gaussian_filter(half, (1.5, 2.0, 2.0))
    levels, height, width = mass.shape
    midline = np.zeros(levels)
    back = np.zeros(levels)
    body = scene.body[: levels * 2 : 2, : height * 2 : 2, : width * 2 : 2]
    for k in range(levels):
        profile = body[k].sum(axis=0).cumsum()
        total = profile[-1]
        midline[k] = np.searchsorted(profile, total / 2) if total else np.nan
    if not np.isfinite(midline).any():
        return None
    midline = _fill_gaps(midline)
    midline = ndi.median_filter(midline, size=21, mode="nearest")
    for k in range(levels):
        middle = round(midline[k])
        strip = body[k][:, max(0, middle - 4) : middle + 5].any(axis=1)
        back[k] = np.flatnonzero(strip)[-1] if strip.any() else np.nan
    back = ndi.median_filter(_fill_gaps(back), size=5, mode="nearest")
    y, x = np.mgrid[:height, :width].astype(np.float32)
    score = np.empty_like(mass)
    for k in range(levels):
        from_back = (back[k] - y) * 2 * SPACING_MM
        off = np.abs(x - midline[k]) * 2 * SPACING_MM
        prior = np.exp(-((off / 45.0) ** 2)) * ((from_back > 15) & (from_back < 170))
        score[k] = mass[k] * prior
    best = np.empty_like(score)
    choice = np.zeros(score.shape, np.int8)
    best[0] = score[0]
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for k in range(1, levels):
        padded = np.pad(best[k - 1], 1, constant_values=-np.inf)
        stack = np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in shifts])
        stack -= np.array([abs(dy) + abs(dx) for dy, dx in shifts], np.float32)[:, None, None]
        choice[k] = stack.argmax(axis=0)
        best[k] = score[k] + stack.max(axis=0)
    line_y, line_x = np.zeros(levels), np.zeros(levels)
    row, column = np.unravel_index(int(best[-1].argmax()), best[-1].shape)
    position = (int(row), int(column))
    for k in range(levels - 1, -1, -1):
        line_y[k], line_x[k] = position
        dy, dx = shifts[choice[k][position]]
        position = (int(np.clip(position[0] + dy, 0, height - 1)), int(np.clip(position[1] + dx, 0, width - 1)))
    at = (np.arange(depth) - 0.5) / 2
    line_x = np.interp(at, np.arange(levels), ndi.gaussian_filter1d(line_x, 2.0, mode="nearest")) * 2 + 0.5
    line_y = np.interp(at, np.arange(levels), ndi.gaussian_filter1d(line_y, 2.0, mode="nearest")) * 2 + 0.5
    middle = np.interp(at, np.arange(levels), ndi.gaussian_filter1d(midline, 3.0, mode="nearest")) * 2 + 0.5
    return Spine(line_x, line_y, _vertebral_front(scene, line_x, line_y), middle)


def _fill_gaps(values: Line) -> Line:
    """Interpolate over slices without a value."""
    good = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(good), values[good]) if good.any() else values


def _vertebral_front(scene: Scene, line_x: Line, line_y: Line) -> Line:
    """Front of the vertebral bodies: mean HU of a 24 mm wide strip in the midline, walked forward from the line.

    85 HU lies above muscle, unenhanced blood and disc and below osteoporotic marrow. A gap under 27 mm (the spinal
    canal) is crossed. Contrast-filled blood in front is kept out by the narrow strip and by the running median.
    """
    depth, rows, columns = scene.ct.shape
    strips = np.full((depth, rows), -1000.0, np.float32)
    for k in range(depth):
        centre = round(line_x[k])
        low, high = max(0, centre - 4), min(columns, centre + 5)
        # both halves must be dense: a contrast-filled aorta lies before one half only
        halves = [scene.ct_smooth[k, :, low : centre + 1], scene.ct_smooth[k, :, centre:high]]
        strips[k] = np.minimum(halves[0].mean(axis=1), halves[1].mean(axis=1))
    strips = ndi.gaussian_filter1d(strips, 3.0, axis=0, mode="nearest")
    front = np.full(depth, np.nan)
    canal, whole_body = int(27 / SPACING_MM), int(15 / SPACING_MM)
    for k in range(depth):
        start = round(line_y[k])
        limit = max(0, start - int(60 / SPACING_MM))
        last, missed, run, longest = np.nan, 0, 0, 0
        for row in range(min(rows - 1, start + 3), limit, -1):
            if strips[k, row] > 85:
                last, missed, run = row, 0, run + 1
                longest = max(longest, run)
            else:
                missed, run = missed + 1, 0
                # the canal may be crossed, but only until a vertebral body (15 mm of bone) has been passed
                if missed > (2 if longest >= whole_body else canal):
                    break
        front[k] = last
    front = _fill_gaps(front) if np.isfinite(front).any() else line_y - 5
    front = ndi.median_filter(front, size=int(45 / SPACING_MM) | 1, mode="nearest")
    smoothed: Line = ndi.gaussian_filter1d(front, 4.0, mode="nearest")
    return smoothed


def inside_cage(scene: Scene, bone: mm.Mask, spine: Spine) -> tuple[mm.Floats, npt.NDArray[np.bool_]]:
    """How far inside the rib cage each voxel lies.

    A polar map round a point 60 mm before the vertebral column holds the distance to the innermost bone for each angle
    and slice; it is interpolated between ribs (25 mm along the body, 10 degrees round it).

    Returns
    -------
    inside_mm : (z, y, x) mm inside the inner face of the ribs, negative outside; large where no rib is near
    known : (z,) whether a slice has ribs on both sides
    """
    depth, rows, columns = scene.ct.shape
    angles = 72
    distance = np.full((depth, angles), np.nan, np.float32)
    centre_y = spine.front - 45.0 / SPACING_MM
    centre_x = spine.x
    zz, yy, xx = np.nonzero(bone)
    dy, dx = yy - centre_y[zz], xx - centre_x[zz]
    radius = np.hypot(dy, dx) * SPACING_MM
    angle = np.arctan2(dx, -dy)  # 0 in front, positive to the left
    bins = np.floor((angle + np.pi) / (2 * np.pi) * angles).astype(int) % angles
    # vertebrae and their processes are no ribs: a 55 mm strip on each side of the line is left out
    useful = (radius > 45) & (radius < 260) & (np.abs(dx) * SPACING_MM > 55)
    flat = np.full(depth * angles, np.inf, np.float32)
    np.minimum.at(flat, zz[useful] * angles + bins[useful], radius[useful].astype(np.float32))
    distance = flat.reshape(depth, angles)
    weight = np.isfinite(distance).astype(np.float32)
    value = np.where(weight > 0, distance, 0)
    sigma = (25.0 / SPACING_MM / 2, 10.0 / (360.0 / angles))
    mode = ("nearest", "wrap")
    number = ndi.gaussian_filter(weight, sigma, mode=mode)
    smooth = ndi.gaussian_filter(value, sigma, mode=mode) / np.maximum(number, 1e-6)
    smooth = np.where(number > 0.02, smooth, np.nan)
    side = (number > 0.02)[:, [int(angles * f) for f in (0.2, 0.25, 0.3, 0.7, 0.75, 0.8)]]
    known = side[:, :3].any(axis=1) & side[:, 3:].any(axis=1)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    inside = np.empty(scene.ct.shape, np.float32)
    for k in range(depth):
        ry, rx = y - np.float32(centre_y[k]), x - np.float32(centre_x[k])
        here = np.hypot(ry, rx) * np.float32(SPACING_MM)
        which = ((np.arctan2(rx, -ry) + np.pi) * (angles / (2 * np.pi))).astype(np.int32) % angles
        wall = smooth[k][which]
        inside[k] = np.where(np.isnan(wall), 999.0, wall - here)
    return inside, known


def column_zone(scene: Scene, spine: Spine) -> mm.Mask:
    """The vertebral column as a zone: 24 mm to each side of its line, from its front to 70 mm behind it."""
    depth, rows, columns = scene.ct.shape
    zone = np.zeros(scene.ct.shape, bool)
    for k in range(depth):
        low, high = round(spine.x[k] - 8), round(spine.x[k] + 8) + 1
        top, bottom = round(spine.front[k]), round(spine.front[k] + 70 / SPACING_MM)
        zone[k, max(0, top) : min(rows, bottom), max(0, low) : min(columns, high)] = True
    return zone


__all__ = ["SPACING", "Spine", "column_zone", "find_bone", "find_spine", "inside_cage"]
