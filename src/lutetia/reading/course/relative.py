"""A study in counts that nothing turns into activity: what can be said of a lesion's place is its ratio to others.

Raw counts of a SPECT without a calibration factor have no SUV and no unit; against the surroundings and the organs of
the same image they are still a measure, and are given as that and as nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.matching import Focus, thinned
from lutetia.model import Issue, Place
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.places import IN_FIELD, ring, sample
from lutetia.reading.study import StudyReading

Points = npt.NDArray[np.float64]

_ORGANS = {"liver": ("liver",), "spleen": ("spleen",), "kidneys": ("kidney_left", "kidney_right")}
#: a place brighter than its surroundings by this factor shows an uptake
BRIGHTER = 1.5
#: how the note begins, so that a reader of the record can tell
RELATIVE = "counts without calibration, relative only"


def counts_only(reading: StudyReading) -> bool:
    """Whether a study has an image but no SUV."""
    return reading.suv is None and reading.stored is not None


def organs_of(readings: Sequence[StudyReading], frames: Frames) -> dict[str, Points]:
    """Points of liver, spleen and kidneys in the reference frame, from the first aligned study that has organs."""
    source = next((r for r in readings if r.anatomy is not None and r.study.id in frames.by_study), None)
    if source is None or source.anatomy is None:
        return {}
    labels = source.anatomy.labels
    out = {}
    for name, parts in _ORGANS.items():
        where = np.argwhere(np.isin(labels.array, [LABELS[p] for p in parts]))
        if len(where) >= 50:
            out[name] = frames.to_reference(source.study.id, labels.grid.to_lps(thinned(where, 4000)))
    return out


def relative_place(reading: StudyReading, focus: Focus, frames: Frames, organs: Mapping[str, Points]) -> Place | None:
    """The place of a lesion in a study of raw counts; None where the study is not aligned or did not image it.

    Parameters
    ----------
    reading : a study with `stored` counts and no SUV
    focus : the lesion's last shape, in the reference frame
    organs : see `organs_of`

    Returns
    -------
    Place
        Without values: `note` holds the ratios. `in_field` stays False, since no rule may judge the place by a number.
    """
    name = reading.study.id
    if reading.stored is None or name not in frames.by_study:
        return None
    points = frames.to_study(name, focus.points_mm)
    values = sample(reading.stored, points)
    if np.isfinite(values).mean() < IN_FIELD:
        return None
    mean = float(np.nanmean(values))
    compared = {"its surroundings": ring(focus), **organs}
    ratios = {}
    for other, region in compared.items():
        counts = sample(reading.stored, frames.to_study(name, region))
        counts = counts[np.isfinite(counts)]
        if len(counts) >= 20 and float(np.median(counts)) > 0:
            ratios[other] = mean / float(np.median(counts))
    said = ", ".join(f"{ratio:.1f} × {other}" for other, ratio in ratios.items()) or "nothing to compare with"
    x, y, z = (round(float(v), 2) for v in points[np.isfinite(values)].mean(axis=0))
    return Place(study=name, in_field=False, centroid_mm=(x, y, z), note=f"{RELATIVE}: {said}")


def shows_uptake(place: Place) -> bool:
    """Whether a relative place is brighter than its surroundings."""
    before, found, _ = place.note.partition(" × its surroundings")
    return bool(found) and float(before.rpartition(" ")[2]) >= BRIGHTER


def counts_issue(reading: StudyReading) -> Issue:
    """What to say of a study that gives relative measures only."""
    message = (
        "This study is in counts that nothing turns into activity: no SUV, no grade, no dose. At the places of known "
        "lesions it is measured against its own surroundings and organs only"
    )
    return Issue(code="relative-measures-only", level="caution", message=message, study=reading.study.id)
