"""Regions on the PET grid and what they measure. PET is never resampled here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.model import Grid, VoiMeasure
from lutetia.model.region import Region

#: volume over which PET noise is one independent sample: a cube of 8 mm, about one resolution element
RESOLUTION_ML = 0.5


@dataclass(frozen=True, eq=False)
class Placed:
    """What a region measures, and the voxels of the PET grid it was measured in."""

    measure: VoiMeasure
    region: Region


@dataclass(frozen=True, eq=False)
class Crop:
    """An organ's neighbourhood on the PET grid.

    Attributes
    ----------
    box : crop of the PET grid
    grid : the whole PET grid
    suv : unsmoothed SUV in the crop
    mask : the organ in the crop
    """

    box: mm.Box
    grid: Grid
    suv: npt.NDArray[np.float32]
    mask: mm.Mask

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size (dz, dy, dx), mm."""
        return self.grid.spacing_mm

    @cached_property
    def depth(self) -> npt.NDArray[np.float32]:
        """Depth of every voxel of the organ, mm."""
        return mm.depth_inside(self.mask, self.spacing, open_edges=True)

    def points(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """LPS mm of crop indices, shape (n, 3)."""
        return self.grid.to_lps(index + np.array([s.start for s in self.box]))

    def smooth(self, sigma_mm: float, within: mm.Mask | None = None) -> npt.NDArray[np.float32]:
        """Gaussian smoothing with `sigma_mm`; with `within`, the mean of the voxels of that mask only."""
        sigma = [sigma_mm / s for s in self.spacing]
        if within is None:
            plain: npt.NDArray[np.float32] = ndi.gaussian_filter(self.suv, sigma, truncate=3.0)
            return plain
        weight = ndi.gaussian_filter(within.astype(np.float32), sigma, truncate=3.0)
        value = ndi.gaussian_filter(np.where(within, self.suv, np.float32(0)), sigma, truncate=3.0)
        inside: npt.NDArray[np.float32] = np.where(within, value / np.maximum(weight, 1e-6), np.float32(0))
        return inside


def crop_organ(suv: npt.NDArray[np.float32], grid: Grid, mask: mm.Mask, margin_mm: float = 12.0) -> Crop | None:
    """Cut the neighbourhood of an organ; None when the mask is empty."""
    box = mm.bounding_box(mask, [int(np.ceil(margin_mm / s)) for s in grid.spacing_mm])
    if box is None:
        return None
    return Crop(box, grid, np.ascontiguousarray(suv[box]), np.ascontiguousarray(mask[box]))


def centroid_inside(crop: Crop, region: mm.Mask) -> tuple[float, float, float]:
    """Centroid of a region in LPS mm, moved to the nearest voxel of the region where it falls outside it."""
    index = np.argwhere(region)
    points = crop.points(index)
    centre = points.mean(axis=0)
    nearest = points[int(np.linalg.norm(points - centre, axis=1).argmin())]
    at = np.rint(crop.grid.to_index(centre)).astype(int) - np.array([s.start for s in crop.box])
    inside = bool(np.all(at >= 0) and np.all(at < region.shape) and region[tuple(at)])
    chosen = centre if inside else nearest
    return round(float(chosen[0]), 2), round(float(chosen[1]), 2), round(float(chosen[2]), 2)


def block_standard_error(crop: Crop, region: mm.Mask, block_mm: float = 15.0) -> float:
    """Standard error of a region's mean: scatter of the means of 15 mm blocks over the root of their number.

    The blocks are wider than the correlation of PET noise, so their scatter is honest about noise and texture.
    """
    index = np.argwhere(region)
    values = crop.suv[region]
    if len(values) < 2:
        return float("nan")
    size = np.array([block_mm / s for s in crop.spacing])
    keys = (index / size).astype(np.int64)
    flat = (keys[:, 0] * 4096 + keys[:, 1]) * 4096 + keys[:, 2]
    _, which, counts = np.unique(flat, return_inverse=True, return_counts=True)
    means = np.bincount(which, weights=values) / counts
    full = counts >= 0.4 * counts.max()
    if full.sum() >= 4:
        return float(max(mm.robust_sd(means[full]), 1e-9) / np.sqrt(full.sum()))
    samples = max(1.0, len(values) * crop.grid.voxel_ml / RESOLUTION_ML)
    return float(values.std(ddof=1) / np.sqrt(samples))


def measure_region(
    crop: Crop, region: mm.Mask, method: str, *, value: float | None = None, standard_error: float | None = None
) -> Placed:
    """SUV statistics of a region. `value` replaces the mean where the method is not a plain mean."""
    values = crop.suv[region]
    measure = VoiMeasure(
        method=method,
        suv_mean=float(values.mean()) if value is None else float(value),
        suv_sd=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        suv_max=float(values.max()),
        standard_error=block_standard_error(crop, region) if standard_error is None else float(standard_error),
        volume_ml=round(float(region.sum() * crop.grid.voxel_ml), 3),
        centroid_mm=centroid_inside(crop, region),
    )
    return Placed(measure, on_grid(crop, region))


def on_grid(crop: Crop, mask: mm.Mask) -> Region:
    """A mask of the crop as a region of the PET grid."""
    part = Region.from_mask(mask)
    start = tuple(s + b.start for s, b in zip(part.start, crop.box, strict=True))
    return Region((start[0], start[1], start[2]), part.mask)


def sphere_mask(crop: Crop, centre: Sequence[int], radius_mm: float) -> mm.Mask:
    """A sphere round a voxel of the crop."""
    z, y, x = np.ogrid[: crop.suv.shape[0], : crop.suv.shape[1], : crop.suv.shape[2]]
    s = crop.spacing
    inside: mm.Mask = ((z - centre[0]) * s[0]) ** 2 + ((y - centre[1]) * s[1]) ** 2 + (
        (x - centre[2]) * s[2]
    ) ** 2 <= radius_mm**2
    return inside
