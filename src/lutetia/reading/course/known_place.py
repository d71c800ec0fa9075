"""Uptake at the place of a lesion that another scan knows: the SSTR scan of the visit, or one of another visit.

A search that knows one scan only sets a faint focus apart, for beside vessels, in fat and in marrow much is as faint.
Where another scan shows a lesion, another question is asked: does this known lesion take up the tracer here? It does
where the scan has a peak of its own at that place, in a closed contour, above its surroundings and above blood pool.
FDG is asked at the lesions of the SSTR scan of its visit, SSTR at those of SSTR scans of other visits. Nothing is added
where the summit or most of the uptake lies in a larger one that the search set apart (a loop of bowel, a kidney): it
may be theirs. What FDG shows is not asked of another scan: foci that FDG alone shows are often not of the tumour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lutetia.imaging.lesions.records import size_flags
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.matching import Focus
from lutetia.imaging.uptakes import Uptake
from lutetia.model import Lesion, Observation, Visit
from lutetia.reading.course.confluent_foci import Voxels, measured
from lutetia.reading.course.dual import visit_pairs
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE, study_foci
from lutetia.reading.course.places import measure_place, own_uptakes, uptake_at
from lutetia.reading.study import StudyReading

#: a larger uptake is no longer that of the lesion (twice its diameter, as in matching)
MOST_TIMES = 8.0
#: what was set apart is this very uptake when at most so many times as large; else the uptake is part of it
SAME_SIZE = 2.0
#: share of the uptake that must be free of other outlines
FREE = 0.5


def outline_known_places(
    readings: Sequence[StudyReading], visits: Sequence[Visit], frames: Frames, settings: LesionSettings
) -> None:
    """Outline, in place, the uptakes of a scan at the places of lesions that another scan knows.

    Parameters
    ----------
    readings : aligned studies, each read
    visits : which of them belong together
    frames : alignments; nothing is concluded through one that is not good
    settings : of the search, for the flags of size
    """
    order = {study: n for n, visit in enumerate(visits) for study in visit.studies}
    sstr = [r for r in readings if r.tracer is not None and r.tracer.is_sstr and r.tracer.modality == "PET"]
    known = {r.study.id: _known(r, order, frames) for r in sstr}
    for asked in sstr:
        for other in sstr:
            if order[other.study.id] != order[asked.study.id]:
                _ask_all(asked, other, known[other.study.id], frames, settings)
    pairs, _ = visit_pairs(readings, visits)
    for pair in pairs:
        _ask_all(pair.fdg, pair.sstr, _known(pair.sstr, order, frames), frames, settings)


def _known(reading: StudyReading, order: Mapping[str, int], frames: Frames) -> list[tuple[Lesion, Focus]]:
    """The lesions of a well aligned scan that have a place of their own, with that place."""
    if reading.study.id not in frames.by_study or frames.status(reading.study.id) != "ok":
        return []
    own = {x.id: x for x in reading.lesions if x.status in POSITIVE and not x.confluent}
    foci = study_foci(reading, order[reading.study.id], frames).foci
    return [(own[focus.key], focus) for focus in foci if focus.key in own]


def _ask_all(
    asked: StudyReading,
    other: StudyReading,
    known: Sequence[tuple[Lesion, Focus]],
    frames: Frames,
    settings: LesionSettings,
) -> None:
    name = asked.study.id
    if name in frames.by_study and frames.status(name) == "ok":
        for lesion, focus in known:
            _ask(asked, other, lesion, focus, frames, settings)


def _ask(
    asked: StudyReading, other: StudyReading, lesion: Lesion, focus: Focus, frames: Frames, settings: LesionSettings
) -> None:
    """Outline the uptake of one known lesion, where it has one that no candidate covers."""
    if asked.found is None or asked.suv is None:
        return
    place = measure_place(asked, focus, frames)
    if not place.in_field or uptake_at(asked, focus, place, frames) != "focal":
        return
    uptake = own_uptakes(asked, focus, place, frames)[0]
    if uptake.volume_ml > MOST_TIMES * lesion.observations[0].volume_ml:
        return
    unclaimed = _unclaimed(asked, uptake)
    if unclaimed is None:
        return
    voxels, same = unclaimed
    labels = asked.found.labels.array
    for gone in same:
        labels[labels == gone.observations[0].label] = 0
    number = max([int(labels.max()), *(x.observations[0].label for x in asked.lesions)]) + 1
    labels[tuple(voxels.T)] = number
    over = f"peak {uptake.peak:.1f} over {place.background_mean or 0.0:.1f}"
    before = "".join(f"; alone: {x.status_reason}" for x in same)
    reason = f"{over} at the place of a lesion that {other.study.id} shows{before}"
    known = lesion.model_copy(
        update={"id": f"L{number}", "status": "candidate", "status_reason": reason, "marks": (), "corrected_by": None}
    )
    new = measured(asked, known, voxels, number, f"42 % of the height at the place of a lesion of {other.study.id}")
    kept = (x for x in asked.lesions if x not in same)
    asked.lesions = (*kept, new.model_copy(update={"observations": (_flagged(new.observations[0], settings),)}))


def _unclaimed(asked: StudyReading, uptake: Uptake) -> tuple[Voxels, list[Lesion]] | None:
    """The voxels of an uptake that no other outline holds, and what was set apart that is this very uptake.

    None where it is a candidate's, or where its summit or most of it lies in something larger that was set apart.
    """
    assert asked.found is not None
    labels, grid = asked.found.labels.array, asked.found.labels.grid
    voxels: Voxels = np.unique(np.rint(grid.to_index(uptake.points_mm)).astype(np.int64), axis=0)
    under = labels[tuple(voxels.T)]
    held = [x for x in asked.lesions if x.observations[0].label in under]
    same = [
        x
        for x in held
        if x.status == "physiological"
        and x.corrected_by is None
        and x.observations[0].volume_ml <= SAME_SIZE * uptake.volume_ml
    ]
    allowed = [0, *(x.observations[0].label for x in same)]
    free = np.isin(under, allowed)
    summit = labels[tuple(np.rint(grid.to_index(uptake.peak_mm)).astype(int))]
    if any(x.status in POSITIVE for x in held) or free.mean() < FREE or summit not in allowed:
        return None
    return voxels[free], same


def _flagged(seen: Observation, settings: LesionSettings) -> Observation:
    """An observation with the flags that its size asks for."""
    asked = size_flags(seen.long_axis_mm or 0.0, seen.volume_ml, settings)
    return seen.model_copy(update={"flags": (*seen.flags, *asked)})
