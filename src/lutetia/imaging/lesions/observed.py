"""What one study shows of a region, as an `Observation`: the same measures whoever outlined it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.measures import measure
from lutetia.model import Observation, Reference, Volume

Array = npt.NDArray[Any]


def observed(
    suv: Volume,
    voxels: Array,
    study: str,
    label: int,
    *,
    method: str,
    threshold: float | None = None,
    background: float | None = None,
    references: Mapping[str, Reference] | None = None,
    offsets: Array | None = None,
) -> Observation:
    """Measure a region.

    Parameters
    ----------
    suv : SUV, float32, shape (z, y, x)
    voxels : its voxels, shape (n, 3)
    study, label : the study's id, and the region's integer in that study's label map
    method : how it was outlined, in words
    threshold : the SUV that the outline follows
    background : SUV around it
    references : by name; those with a value give the ratios (SUVmax over the reference's mean)
    offsets : of the SUVpeak sphere, when they are known already
    """
    m = measure(suv, voxels, offsets)
    known = references or {}
    return Observation(
        study=study,
        label=label,
        suv_max=m.suv_max,
        suv_mean=m.suv_mean,
        suv_peak=m.suv_peak,
        suv_peak_global=m.suv_peak_global,
        suv_sd=m.suv_sd,
        coefficient_of_variation=m.coefficient_of_variation,
        volume_ml=m.volume_ml,
        tlu=m.tlu,
        centroid_mm=m.centroid_mm,
        max_position_mm=m.max_position_mm,
        long_axis_mm=m.long_axis_mm,
        short_axis_mm=m.short_axis_mm,
        local_background=background,
        mask_method=method,
        mask_threshold_suv=threshold,
        ratio_liver=_ratio(m.suv_max, known.get("liver")),
        ratio_spleen=_ratio(m.suv_max, known.get("spleen")),
        ratio_blood_pool=_ratio(m.suv_max, known.get("blood_pool")),
        core_mean=core_mean(suv.array, voxels),
    )


def _ratio(value: float, reference: Reference | None) -> float | None:
    if reference is None or not reference.suv_mean:
        return None
    return value / reference.suv_mean


def core_mean(suv: Array, voxels: Array) -> float:
    """Mean of the voxels that are not at the edge of the region; of all of them in a small region."""
    low = voxels.min(0) - 1
    mask = np.zeros(tuple(voxels.max(0) - low + 2), bool)
    at = voxels - low
    mask[tuple(at.T)] = True
    inner = np.ones(len(at), bool)
    for axis in range(3):
        for step in (-1, 1):
            moved = at.copy()
            moved[:, axis] += step
            inner &= mask[tuple(moved.T)]
    chosen = voxels[inner] if inner.sum() >= 3 else voxels
    return float(suv[tuple(chosen.T)].mean(dtype=np.float64))
