"""The centre line of the descending thoracic aorta from a mask of the whole aorta."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import VesselTrack
from lutetia.imaging.anatomy.scene import resample
from lutetia.model import Grid

_STEP_MM = 2.0


def descending_track(aorta: mm.Mask, grid: Grid, lowest_z_mm: float | None) -> VesselTrack | None:
    """Follow the aorta upwards, slice by slice, from the diaphragm to the arch.

    The descending aorta is the part furthest back in its slice. It is followed from `lowest_z_mm` upwards and ends
    where its cross-section becomes longer than twice its width (the arch) or jumps.

    Parameters
    ----------
    aorta : boolean (z, y, x) on `grid`, any orientation
    lowest_z_mm : LPS z of the diaphragm; None takes the upper 15 cm below the arch

    Returns
    -------
    VesselTrack from the head downwards; None when fewer than 2 cm can be followed
    """
    box = mm.bounding_box(aorta, 2)
    if box is None:
        return None
    corners = np.array(np.meshgrid(*[(s.start, s.stop - 1) for s in box], indexing="ij")).reshape(3, -1).T
    points = grid.to_lps(corners)
    lower, upper = points.min(axis=0) - _STEP_MM, points.max(axis=0) + _STEP_MM
    shape = np.ceil((upper - lower) / _STEP_MM).astype(int) + 1
    working = Grid(
        shape=(int(shape[2]), int(shape[1]), int(shape[0])),
        spacing_mm=(_STEP_MM, _STEP_MM, _STEP_MM),
        origin_mm=(float(lower[0]), float(lower[1]), float(lower[2])),
    )
    tube = resample(aorta.astype(np.float32), grid, working, 0.0).astype(np.float32) > 0.5
    centres: list[tuple[float, float, float]] = []
    radii: list[float] = []
    last: tuple[float, float] | None = None
    first = 0 if lowest_z_mm is None else max(0, int(np.ceil((lowest_z_mm - working.origin_mm[2]) / _STEP_MM)))
    for k in range(first, tube.shape[0]):
        numbers, count = ndi.label(tube[k])
        if not count:
            if centres:
                break
            continue
        found = []
        for n in range(1, count + 1):
            y, x = np.nonzero(numbers == n)
            if len(y) * _STEP_MM**2 < 60:  # thinner than 9 mm: a rim or a branch
                continue
            found.append((float(y.mean()), float(x.mean()), y, x))
        if not found:
            continue
        if last is None:
            y0, x0, y, x = max(found, key=lambda f: f[0])
        else:
            before = last
            y0, x0, y, x = min(found, key=lambda f: (f[0] - before[0]) ** 2 + (f[1] - before[1]) ** 2)
            if np.hypot(y0 - before[0], x0 - before[1]) * _STEP_MM > 8:
                break
        spread = np.sqrt(np.linalg.eigvalsh(np.cov(np.stack([y, x]))))
        if spread[1] > 2.0 * max(spread[0], 1e-3):
            break  # the arch
        last = (y0, x0)
        centres.append((float(k), y0, x0))
        radii.append(float(np.sqrt(len(y) * _STEP_MM**2 / np.pi)))
    if len(centres) * _STEP_MM < 20:
        return None
    trim = min(int(10 / _STEP_MM), len(centres) // 4)  # the bend into the arch begins below the arch
    if trim:
        centres, radii = centres[:-trim], radii[:-trim]
    if lowest_z_mm is None:
        keep = int(150 / _STEP_MM)
        centres, radii = centres[-keep:], radii[-keep:]
    line = working.to_lps(np.asarray(centres, float))[::-1]
    return VesselTrack(ndi.uniform_filter1d(line, 5, axis=0, mode="nearest"), np.asarray(radii[::-1], float))
