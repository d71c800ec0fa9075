"""What is measured in a lesion, by the definitions of the Image Biomarker Standardisation Initiative (IBSI).

SUVmean is the mean over the voxels (IBSI Q4LE), SUVmax their maximum (1GY5), volume the count of voxels times the voxel
volume (YEKZ), the coefficient of variation the population SD over the mean (7TET). TLU is SUVmean × volume.
PET is measured on its own grid, never resampled; CT is sampled at the lesion's voxels by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.diameters import axes
from lutetia.imaging.peak import peaks, sphere_offsets
from lutetia.model import Grid, Volume

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Measures:
    """Measures of one region (units in the names; SUV in g/mL, TLU in g/mL · mL)."""

    n_voxels: int
    suv_max: float
    suv_mean: float
    suv_sd: float
    coefficient_of_variation: float
    suv_peak: float
    suv_peak_global: float
    volume_ml: float
    tlu: float
    long_axis_mm: float
    short_axis_mm: float
    centroid_mm: tuple[float, float, float]
    max_position_mm: tuple[float, float, float]


def measure(suv: Volume, voxels: Array, offsets: Array | None = None) -> Measures:
    """Measure a region of a PET.

    Parameters
    ----------
    suv : the PET, SUV
    voxels : (n, 3) indices (z, y, x), n ≥ 1
    offsets : `sphere_offsets` of the grid, when many regions are measured

    Raises
    ------
    ValueError
        When there is no voxel.
    """
    if len(voxels) == 0:
        raise ValueError("a region needs at least one voxel")
    grid = suv.grid
    if offsets is None:
        offsets = sphere_offsets(grid.spacing_mm)
    values = suv.array[voxels[:, 0], voxels[:, 1], voxels[:, 2]]
    hottest = int(values.argmax())
    mean = float(values.mean(dtype=np.float64))
    sd = float(values.std(dtype=np.float64))
    sphere = peaks(suv.array, voxels, offsets)
    volume = len(voxels) * grid.voxel_ml
    long_axis, short_axis = axes(voxels, grid.spacing_mm)
    return Measures(
        n_voxels=len(voxels),
        suv_max=float(values[hottest]),
        suv_mean=mean,
        suv_sd=sd,
        coefficient_of_variation=sd / mean if mean > 0 else 0.0,
        suv_peak=float(sphere[hottest]),
        suv_peak_global=float(sphere.max()),
        volume_ml=volume,
        tlu=mean * volume,
        long_axis_mm=long_axis,
        short_axis_mm=short_axis,
        centroid_mm=_point(grid, voxels.mean(0)),
        max_position_mm=_point(grid, voxels[hottest]),
    )


def _point(grid: Grid, index: Array) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in grid.to_lps(index))
    return x, y, z


def sample(volume: Volume, points_mm: Array) -> Array:
    """Linear interpolation of a volume at points, NaN outside its outermost voxel centres by more than half a voxel.

    Parameters
    ----------
    volume : any scalar volume, for example CT in HU
    points_mm : (n, 3) LPS (x, y, z) mm

    Returns
    -------
    (n,) float32
    """
    return sample_index(volume.array, volume.grid.to_index(points_mm))


def sample_index(array: Array, index: Array) -> Array:
    """As `sample`, at fractional indices (n, 3) in (z, y, x)."""
    size = np.asarray(array.shape)
    inside = ((index >= -0.5) & (index <= size - 0.5)).all(1)
    at = np.clip(index, 0, size - 1)
    low = np.minimum(at.astype(np.intp), np.maximum(size - 2, 0))
    weight = (at - low).astype(np.float32)
    high = np.minimum(low + 1, size - 1)
    flat = array.reshape(-1)
    rows, columns = int(size[1]), int(size[2])
    total = np.zeros(len(at), np.float32)
    for z, wz in ((low[:, 0], 1 - weight[:, 0]), (high[:, 0], weight[:, 0])):
        for y, wy in ((low[:, 1], 1 - weight[:, 1]), (high[:, 1], weight[:, 1])):
            base = (z * rows + y) * columns
            for x, wx in ((low[:, 2], 1 - weight[:, 2]), (high[:, 2], weight[:, 2])):
                total += wz * wy * wx * flat[base + x]
    total[~inside] = np.nan
    return total


def sample_at_voxels(volume: Volume, grid: Grid, voxels: Array) -> Array:
    """A volume (CT) at the centres of voxels of another grid (PET), without resampling either."""
    if len(voxels) == 0:
        return np.zeros(0, np.float32)
    return sample(volume, grid.to_lps(voxels))
