"""The thyroid's uptake at two scans: its loss is the review's sign that a somatostatin analogue was started."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.reading.course.frames import Frames
from lutetia.reading.course.places import sample
from lutetia.reading.study import StudyReading

#: fewer voxels than this are no thyroid
FEWEST_VOXELS = 10
_THYROID = ("thyroid", "thyroid_gland", "in thyroid")


def _own_mask(reading: StudyReading) -> npt.NDArray[np.bool_] | None:
    """The thyroid's outline in a study: of the anatomy, else of the uptake that was set apart as thyroid."""
    if reading.suv is None:
        return None
    if reading.anatomy is not None:
        mask = reading.anatomy.mask("thyroid_gland")
        if mask.sum() >= FEWEST_VOXELS:
            return np.asarray(mask, bool)
    if reading.found is None:
        return None
    labels = [
        o.label
        for lesion in reading.lesions
        if lesion.status == "physiological" and lesion.site in _THYROID
        for o in lesion.observations
    ]
    if not labels:
        return None
    uptake = np.isin(reading.found.labels.array, labels)
    return uptake if uptake.sum() >= FEWEST_VOXELS else None


def _blood(reading: StudyReading) -> float | None:
    reference = reading.study.references.get("blood_pool")
    return reference.suv_mean if reference is not None and reference.suv_mean else None


def thyroid_pair(a: StudyReading, b: StudyReading, frames: Frames | None) -> tuple[float, float, str] | None:
    """Thyroid SUVmean over blood pool, then and now.

    Parameters
    ----------
    a, b : earlier and later study of one tracer
    frames : alignments; with them the thyroid of the earlier scan is measured at its place in the later one, where
        it may have lost its uptake

    Returns
    -------
    (then, now, how) or None
        None where the earlier scan shows no thyroid (removed, treated with levothyroxine, inflamed, not outlined), or
        the later one did not image it.
    """
    mask, blood_a, blood_b = _own_mask(a), _blood(a), _blood(b)
    if mask is None or blood_a is None or blood_b is None or a.suv is None or b.suv is None:
        return None
    then = float(a.suv.array[mask].mean()) / blood_a
    if then <= 0:
        return None
    later = _own_mask(b)
    if later is not None:
        return then, float(b.suv.array[later].mean()) / blood_b, "outlined in both"
    if frames is None or a.study.id not in frames.by_study or b.study.id not in frames.by_study:
        return None
    points = frames.between(a.study.id, b.study.id).to_moving(a.suv.grid.to_lps(np.argwhere(mask)))
    values = sample(b.suv, points)
    values = values[np.isfinite(values)]
    if len(values) < FEWEST_VOXELS:
        return None
    return then, float(values.mean()) / blood_b, "measured at its earlier place"
