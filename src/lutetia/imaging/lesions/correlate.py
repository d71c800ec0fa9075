"""What CT shows at a lesion: its kind, and its size where an edge can be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.diameters import axes
from lutetia.imaging.lesions.found import Found
from lutetia.model import Volume

Array = npt.NDArray[Any]

#: half the side of the cube of CT that is looked at; what reaches its edge has no measurable size
_REACH_MM = 35.0


def ct_correlate(ct: Volume, entry: Found) -> tuple[str, float | None]:
    """The correlate in words, and its long axis in mm when it is set apart from what lies around it.

    Soft tissue in fat and nodules in lung have an edge on CT; in liver, bone and between bowel loops there is none to
    find by density alone, and the size is None.
    """
    around = entry.around
    if entry.site.tissue == "bone":
        hu = around.ct_peak_hu
        return ("sclerotic" if hu > 400 else "lytic" if hu < 60 else "no clear change of density"), None
    if entry.site.tissue == "lung":
        if around.ct_peak_hu < -400:
            return "no nodule", None
        return "nodule", _size(ct, around.point, -400.0, 300.0)
    if around.ct_peak_hu < -30:
        return "no soft tissue at the focus", None
    if around.nodule_in_fat:
        return "soft-tissue nodule", _size(ct, around.point, -20.0, 180.0)
    return "not separable from surrounding tissue", None


def _size(ct: Volume, point: Array, low: float, high: float) -> float | None:
    """Long axis of the connected tissue in a density window at a point; None when it reaches the edge of the box."""
    from scipy.ndimage import gaussian_filter, label

    spacing = np.asarray(ct.grid.spacing_mm)
    centre = np.rint(ct.grid.to_index(point)).astype(int)
    reach = np.ceil(_REACH_MM / spacing).astype(int)
    start = np.maximum(centre - reach, 0)
    stop = np.minimum(centre + reach + 1, ct.array.shape)
    if (centre < 0).any() or (centre >= ct.array.shape).any():
        return None
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    image = gaussian_filter(ct.array[box].astype(np.float32), 1.5 / spacing)
    parts, count = label((image > low) & (image < high))
    if count == 0:
        return None
    at = centre - start
    near = tuple(slice(max(0, int(i) - 2), int(i) + 3) for i in at)
    inside = parts[near][parts[near] > 0]
    if len(inside) == 0:
        return None
    voxels = np.argwhere(parts == np.bincount(inside).argmax())
    if (voxels.min(0) == 0).any() or (voxels.max(0) == np.asarray(parts.shape) - 1).any():
        return None
    return axes(voxels, ct.grid.spacing_mm)[0]
