"""SUVpeak: the mean of a 1 cm³ sphere, by the IBSI definitions (local and global intensity peak).

Local: the sphere is centred on the hottest voxel (IBSI VJGA). Global: the highest mean of all spheres centred on a
voxel of the region (IBSI 0F91). Only voxels whose centre lies within the radius count, all with equal weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: radius of a sphere of 1 cm³, mm
PEAK_RADIUS_MM = float((3000.0 / (4.0 * np.pi)) ** (1.0 / 3.0))


def sphere_offsets(spacing_mm: tuple[float, float, float], radius_mm: float = PEAK_RADIUS_MM) -> Array:
    """Index offsets (n, 3) of the voxels whose centre lies within `radius_mm` of a voxel's centre.

    Parameters
    ----------
    spacing_mm : (dz, dy, dx)
    """
    reach = [int(np.ceil(radius_mm / s)) for s in spacing_mm]
    axes = np.ogrid[tuple(slice(-r, r + 1) for r in reach)]
    squared = sum((np.asarray(a) * s) ** 2 for a, s in zip(axes, spacing_mm, strict=True))
    offsets: Array = np.argwhere(np.asarray(squared) <= radius_mm**2) - np.asarray(reach)
    return offsets


def peaks(array: Array, voxels: Array, offsets: Array, chunk: int = 4096) -> Array:
    """Mean of the sphere around each voxel; a sphere cut by the edge of the image repeats the edge voxels.

    Parameters
    ----------
    array : (z, y, x)
    voxels : (n, 3) indices
    offsets : from `sphere_offsets`

    Returns
    -------
    (n,) float32
    """
    shape = np.asarray(array.shape)
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    low, high = offsets.min(0), offsets.max(0)
    flat = array.reshape(-1)
    flat_offsets = np.sort(offsets @ strides)
    out = np.empty(len(voxels), np.float32)
    inside = ((voxels + low >= 0) & (voxels + high < shape)).all(1)
    where = np.flatnonzero(inside)
    linear = voxels @ strides
    for at in range(0, len(where), chunk):
        some = where[at : at + chunk]
        out[some] = flat[linear[some, None] + flat_offsets].mean(1)
    for i in np.flatnonzero(~inside):
        around = np.clip(voxels[i] + offsets, 0, shape - 1)
        out[i] = array[around[:, 0], around[:, 1], around[:, 2]].mean()
    return out
