"""How much a value hangs on the exact place of an outline that was carried over from another scan.

Breathing and an imperfect alignment leave such an outline some millimetres beside the organ. Where the value stays when
the core is moved so far in any direction, it stands on a plateau, and it does not matter where exactly the organ lay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.references.region import crop_organ
from lutetia.imaging.references.solid_organ import core_of
from lutetia.model import Volume


def change_when_moved(suv: Volume, organ: npt.NDArray[Any], by_mm: float, depth_mm: float = 6.0) -> float | None:
    """The largest change of an organ's median uptake when its core is moved along either way of each axis.

    Parameters
    ----------
    suv : PET
    organ : (z, y, x) nonzero inside the outline, on the grid of the PET
    by_mm : how far the core is moved, at least one voxel
    depth_mm : how deep below its outline the core lies

    Returns
    -------
    float or None
        Greatest absolute change as a share of the value; None where the organ has no core or the core no uptake.
    """
    array = np.asarray(suv.array, np.float32)
    crop = crop_organ(array, suv.grid, np.asarray(organ) > 0)
    if crop is None:
        return None
    where = np.argwhere(core_of(crop, depth_mm, None)) + np.array([s.start for s in crop.box])
    if not len(where):
        return None
    value = float(np.median(array[tuple(where.T)]))
    if not value > 0:
        return None
    largest = 0.0
    for axis, spacing in enumerate(suv.grid.spacing_mm):
        steps = max(1, round(by_mm / spacing))
        for way in (-steps, steps):
            there = where.copy()
            there[:, axis] += way
            inside = (there[:, axis] >= 0) & (there[:, axis] < array.shape[axis])
            if not inside.all():
                return None
            largest = max(largest, abs(float(np.median(array[tuple(there.T)])) / value - 1.0))
    return largest
