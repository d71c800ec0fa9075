"""Lesion and observation records from what was found and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.correlate import ct_correlate
from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.observed import observed
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working
from lutetia.imaging.measures import sample_at_voxels
from lutetia.model import Lesion, Reference, Volume

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
    measured = observed(
        suv,
        outline.voxels,
        study,
        number,
        method=outline.method,
        threshold=outline.threshold,
        background=entry.focus.background,
        references=references,
        offsets=offsets,
    )
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
        centre = np.asarray(measured.centroid_mm)
        for name in _DISTANCES:
            away = marks.distance(name, centre)
            if away is not None:
                distances[name] = round(away, 1)
    observation = measured.model_copy(
        update={
            "ct_mean_hu": hu_mean,
            "ct_sd_hu": hu_sd,
            "ct_correlate": correlate,
            "ct_long_axis_mm": ct_size,
            "organ_distances_mm": distances,
            "flags": _flags(suv, outline.voxels, measured.long_axis_mm or 0.0, measured.volume_ml, entry, settings),
        }
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


def size_flags(long_axis_mm: float, volume_ml: float, settings: LesionSettings) -> tuple[str, ...]:
    """What the size of an outline asks a reader to mind, as flags of its observation."""
    asked = {
        "small": long_axis_mm <= settings.small_mm,
        "partial_volume": long_axis_mm < 3 * settings.resolution_mm,
        "below_0.5_ml": volume_ml < settings.small_volume_ml,
    }
    return tuple(name for name, holds in asked.items() if holds)


def _flags(
    suv: Volume, voxels: Array, long_axis: float, volume: float, entry: Found, settings: LesionSettings
) -> tuple[str, ...]:
    flags = list(size_flags(long_axis, volume, settings))
    size = np.asarray(suv.array.shape)
    if ((voxels.min(0) <= 1) | (voxels.max(0) >= size - 2)).any():
        flags.append("near_field_edge")
    if entry.confluent:
        flags.append("confluent")
    if entry.outline is not None and entry.outline.filled > 0.05:
        flags.append("photopenic_centre")
    return tuple(flags)
