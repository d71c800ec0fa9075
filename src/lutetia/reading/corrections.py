"""What a reader corrected, applied to a study: found again by place, so that a correction survives a re-run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lutetia.imaging.lesions.records import size_flags
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.model import Issue, Lesion, Point
from lutetia.reading.by_hand import add_by_hand
from lutetia.reading.corrections_file import AddedLesion, Corrections, FocusCorrection
from lutetia.reading.study import StudyReading

#: a focus is the one corrected when one of its voxels lies within this of the given place
NEAR_MM = 10.0


def focus_at(reading: StudyReading, at_mm: Point) -> Lesion | None:
    """The lesion of a study with a voxel nearest to the place, if one lies within 10 mm."""
    if reading.found is None:
        return None
    labels = reading.found.labels
    index = labels.grid.to_index(at_mm)
    reach = np.ceil(NEAR_MM / np.asarray(labels.grid.spacing_mm)).astype(int)
    low = np.maximum(np.floor(index).astype(int) - reach, 0)
    high = np.minimum(np.ceil(index).astype(int) + reach + 1, labels.grid.shape)
    if np.any(high <= low):
        return None
    box = labels.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    where = np.argwhere(box > 0)
    if not len(where):
        return None
    distance = np.linalg.norm((where + low - index) * np.asarray(labels.grid.spacing_mm), axis=1)
    nearest = int(distance.argmin())
    if distance[nearest] > NEAR_MM:
        return None
    label = int(box[tuple(where[nearest])])
    return next((x for x in reading.lesions if x.observations[0].label == label), None)


def concerns(entry: FocusCorrection | AddedLesion, reading: StudyReading) -> bool:
    """Whether an entry of the corrections is about a study: by its id in the record or its Study Instance UID."""
    return entry.study in (reading.study.id, reading.study.study_instance_uid)


def unplaced(corrections: Corrections, readings: Sequence[StudyReading]) -> tuple[Issue, ...]:
    """An issue for every entry whose study is not among those read: nothing entered is dropped in silence."""
    studies = ", ".join(r.study.id for r in readings)
    kinds: tuple[tuple[str, Sequence[FocusCorrection | AddedLesion]], ...] = (
        ("Correction", corrections.foci),
        ("Added lesion", corrections.added),
    )
    return tuple(
        Issue(
            code="correction-without-study",
            message=f"{kind} {n} by {entry.by} is for {entry.study}, which was not read ({studies}); not used",
        )
        for kind, entries in kinds
        for n, entry in enumerate(entries, 1)
        if not any(concerns(entry, reading) for reading in readings)
    )


def apply_corrections(
    reading: StudyReading, corrections: Corrections, settings: LesionSettings | None = None
) -> dict[tuple[str, str], int]:
    """Apply what concerns one study: statuses and sites in place, added lesions measured, parts of one lesion joined.

    Parameters
    ----------
    reading : the study, changed in place
    corrections : of all studies
    settings : of the search, for the flags of size of what is joined

    Returns
    -------
    dict
        (study, the study's own lesion id) → number of the lesion of the course, for `identify`.
    """
    given: dict[int, str] = {}
    name = reading.study.id
    for n, wanted in enumerate(corrections.foci):
        if not concerns(wanted, reading):
            continue
        lesion = focus_at(reading, wanted.at_mm)
        if lesion is None:
            message = f"Correction {n + 1} by {wanted.by} finds no focus within {NEAR_MM:g} mm of its place; not used"
            reading.issues.append(Issue(code="correction-without-focus", message=message, study=name))
            continue
        update: dict[str, Any] = {"corrected_by": wanted.by}
        if wanted.status is not None:
            update |= {"status": wanted.status, "status_reason": wanted.note or f"set by {wanted.by}"}
        if wanted.site is not None:
            update["site"] = wanted.site
        if wanted.tissue is not None:
            update["tissue"] = wanted.tissue
        reading.lesions = tuple(x.model_copy(update=update) if x.id == lesion.id else x for x in reading.lesions)
        if wanted.lesion is not None:
            _give(reading, given, lesion.id, wanted.lesion, wanted.by, settings)
    for added in corrections.added:
        if concerns(added, reading):
            own = add_by_hand(reading, added)
            if own is not None and added.lesion is not None:
                _give(reading, given, own, added.lesion, added.by, settings)
    return {(name, own): number for number, own in given.items()}


def _give(
    reading: StudyReading, given: dict[int, str], own: str, lesion: str, by: str, settings: LesionSettings | None
) -> None:
    """Note which lesion of the course a focus is; a second focus that is the same lesion is joined to the first."""
    number = int(lesion.removeprefix("lesion-"))
    there = {x.id for x in reading.lesions}
    first = given.get(number)
    if first is None or first == own or first not in there:
        given[number] = own
        return
    given[number] = _joined(reading, (first, own), by, settings or LesionSettings())


def _joined(reading: StudyReading, parts: tuple[str, str], by: str, settings: LesionSettings) -> str:
    """Two foci of a study made one, measured over both outlines; the id of the larger, which goes on."""
    from lutetia.reading.course.confluent_foci import measured

    assert reading.found is not None
    both = sorted((x for x in reading.lesions if x.id in parts), key=lambda x: -x.observations[0].volume_ml)
    kept, other = both
    labels, label = reading.found.labels.array, kept.observations[0].label
    labels[labels == other.observations[0].label] = label
    one = measured(reading, kept, np.argwhere(labels == label), label, f"two outlines joined by {by}")
    seen = one.observations[0]
    every = size_flags(0.0, 0.0, settings)
    flags = [f for f in (*seen.flags, *other.observations[0].flags) if f not in every]
    flags += size_flags(seen.long_axis_mm or 0.0, seen.volume_ml, settings)
    joined = one.model_copy(
        update={
            "observations": (seen.model_copy(update={"flags": tuple(dict.fromkeys(flags))}),),
            "corrected_by": by,
        }
    )
    reading.lesions = tuple(joined if x is kept else x for x in reading.lesions if x is not other)
    return kept.id
