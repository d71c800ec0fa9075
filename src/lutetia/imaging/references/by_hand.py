"""A reference measured where the user put it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.imaging.references.draft import Draft
from lutetia.imaging.references.region import crop_organ, measure_region
from lutetia.imaging.references.settings import UserReference
from lutetia.model import Volume


def draft_given(array: npt.NDArray[np.float32], suv: Volume, name: str, region: UserReference) -> Draft:
    """A reference given by hand."""
    if region.mask is not None:
        mask = np.asarray(region.mask) > 0
        method = "mask given by the user"
    elif region.centre_mm is not None and region.radius_mm is not None:
        index = suv.grid.to_index(region.centre_mm)
        mask = np.zeros(suv.grid.shape, bool)
        reach = [int(np.ceil(region.radius_mm / s)) + 1 for s in suv.grid.spacing_mm]
        low = [max(0, int(i) - r) for i, r in zip(index, reach, strict=True)]
        high = [min(n, int(i) + r + 2) for i, r, n in zip(index, reach, suv.grid.shape, strict=True)]
        if all(h > lo for lo, h in zip(low, high, strict=True)):
            z, y, x = np.mgrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            s = suv.grid.spacing_mm
            distance = ((z - index[0]) * s[0]) ** 2 + ((y - index[1]) * s[1]) ** 2 + ((x - index[2]) * s[2]) ** 2
            mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = distance <= region.radius_mm**2
        method = f"sphere of {2 * region.radius_mm:g} mm given by the user"
    else:
        return Draft("user", [f"the {name} given by the user has neither a mask nor a centre with a radius"])
    crop = crop_organ(array, suv.grid, mask)
    if crop is None:
        return Draft("user", [f"the {name} given by the user holds no voxel of the PET"])
    return Draft("user", ["given by the user"], measure_region(crop, crop.mask, method))
