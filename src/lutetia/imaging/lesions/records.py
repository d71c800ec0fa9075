"""Lesion and observation records from what was found and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.correlate import ct_correlate
from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working
from lutetia.imaging.measures import measure, sample_at_voxels
from lutetia.model import Lesion, Observation, Reference, Volume

Array = npt.NDArray[Any]

_DISTANCES = ("liver", "spleen", "kidney_left", "kidney_right", "urinary_bladder", "aorta", "spine", "heart")


def lesion_record(
    suv: Volume,
    ct: Volume | None,
    work: Working,
    marks: Landmarks,
    levels: Levels,
    references: dict[str, Reference],
    entry: Found,
    number: int,
    study: str,
    offsets: Array,
    settings: LesionSettings,
) -> Lesion:
    """The record of one lesion with its one observation."""
    outline = entry.outline
    assert outline is not None
    m = measure(suv, outline.voxels, offsets)
    candidate = not entry.judgement.physiological
    hu_mean = hu_sd = None
    correlate: str | None = None
    ct_size: float | None = None
    if ct is not None and candidate:
        hu = sample_at_voxels(ct, suv.grid, outline.voxels)
        hu = hu[np.isfinite(hu)]
        if len(hu):
            hu_mean, hu_sd = float(hu.mean()), float(hu.std())
            correlate, ct_size = ct_correlate(ct, entry)
    distances = {}
    if candidate:
        centre = np.asarray(m.centroid_mm)
        for name in _DISTANCES:
            away = marks.distance(name, centre)
            if away is not None:
                distances[name] = round(away, 1)
    observation = Observation(
        study=study,
        label=number,
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
        local_background=entry.focus.background,
        mask_method=outline.method,
        mask_threshold_suv=outline.threshold,
        ratio_liver=_ratio(m.suv_max, references.get("liver")),
        ratio_spleen=_ratio(m.suv_max, references.get("spleen")),
        ratio_blood_pool=_ratio(m.suv_max, references.get("blood_pool")),
        core_mean=_core_mean(suv.array, outline.voxels),
        ct_mean_hu=hu_mean,
        ct_sd_hu=hu_sd,
        ct_correlate=correlate,
        ct_long_axis_mm=ct_size,
        organ_distances_mm=distances,
        flags=_flags(suv, outline.voxels, m.long_axis_mm, m.volume_ml, entry, settings),
    )
    site = entry.site
    reason = entry.judgement.reason
    if entry.members > 1:
        reason = (
            f"{reason} ({entry.members} foci)" if reason else f"{entry.members} touching foci, reported as one volume"
        )
    return Lesion(
        id=f"L{number}",
        site=site.name,
        site_code=site.code,
        side=site.side,
        region=site.region,
        tissue=site.tissue,
        status="candidate" if candidate else "physiological",
        status_reason=reason,
        marks=tuple(m for m in entry.judgement.marks if m),
        confluent=entry.confluent,
        observations=(observation,),
    )


def _ratio(value: float, reference: Reference | None) -> float | None:
    if reference is None or not reference.suv_mean:
        return None
    return value / reference.suv_mean


def _core_mean(suv: Array, voxels: Array) -> float:
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


def _flags(
    suv: Volume, voxels: Array, long_axis: float, volume: float, entry: Found, settings: LesionSettings
) -> tuple[str, ...]:
    flags = []
    if long_axis <= settings.small_mm:
        flags.append("small")
    if long_axis < 3 * settings.resolution_mm:
        flags.append("partial_volume")
    if volume < settings.small_volume_ml:
        flags.append("below_0.5_ml")
    size = np.asarray(suv.array.shape)
    if ((voxels.min(0) <= 1) | (voxels.max(0) >= size - 2)).any():
        flags.append("near_field_edge")
    if entry.confluent:
        flags.append("confluent")
    if entry.outline is not None and entry.outline.filled > 0.05:
        flags.append("photopenic_centre")
    return tuple(flags)
