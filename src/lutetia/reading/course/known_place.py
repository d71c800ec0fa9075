"""FDG uptake at the place of a lesion that the SSTR scan of the visit knows.

A search that knows one scan only sets a faint focus apart, for beside vessels and in fat much is as faint. Where the
SSTR scan of the same visit shows a lesion, another question is asked: does this known lesion take up FDG? It does where
FDG has a peak of its own at that place, in a closed contour, above its surroundings and above blood pool. Nothing is
added inside a larger uptake that the search set apart (a loop of bowel, a kidney): there the peak may be theirs. The
other way round is not concluded: foci that FDG alone shows are often not of the tumour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lutetia.imaging.lesions.records import size_flags
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.matching import Focus
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
    """Outline, in place, on each FDG scan the uptakes at the places of lesions of the SSTR scan of its visit.

    Parameters
    ----------
    readings : aligned studies, each read
    visits : which of them belong together
    frames : alignments; nothing is concluded through one that is not good
    settings : of the search, for the flags of size
    """
    pairs, _ = visit_pairs(readings, visits)
    order = {study: n for n, visit in enumerate(visits) for study in visit.studies}
    for pair in pairs:
        names = (pair.sstr.study.id, pair.fdg.study.id)
        if not set(names) <= set(frames.by_study) or any(frames.status(n) != "ok" for n in names):
            continue
        known = {x.id: x for x in pair.sstr.lesions if x.status in POSITIVE and not x.confluent}
        for focus in study_foci(pair.sstr, order[names[0]], frames).foci:
            if focus.key in known:
                _ask(pair.fdg, pair.sstr, known[focus.key], focus, frames, settings)


def _ask(
    fdg: StudyReading, sstr: StudyReading, lesion: Lesion, focus: Focus, frames: Frames, settings: LesionSettings
) -> None:
    """Outline the uptake of one known lesion, where it has one that no candidate covers."""
    if fdg.found is None or fdg.suv is None:
        return
    place = measure_place(fdg, focus, frames)
    if not place.in_field or uptake_at(fdg, focus, place, frames) != "focal":
        return
    uptake = own_uptakes(fdg, focus, place, frames)[0]
    if uptake.volume_ml > MOST_TIMES * lesion.observations[0].volume_ml:
        return
    labels, grid = fdg.found.labels.array, fdg.found.labels.grid
    voxels: Voxels = np.unique(np.rint(grid.to_index(uptake.points_mm)).astype(np.int64), axis=0)
    under = labels[tuple(voxels.T)]
    by_label = {x.observations[0].label: x for x in fdg.lesions}
    apart = [
        by_label[int(n)]
        for n in np.unique(under[under > 0])
        if int(n) in by_label and by_label[int(n)].status == "physiological" and by_label[int(n)].corrected_by is None
    ]
    same = [x for x in apart if x.observations[0].volume_ml <= SAME_SIZE * uptake.volume_ml]
    free = np.isin(under, [0, *(x.observations[0].label for x in same)])
    if free.mean() < FREE or any(by_label[int(n)].status in POSITIVE for n in np.unique(under) if int(n) in by_label):
        return
    voxels = voxels[free]
    for gone in same:
        labels[labels == gone.observations[0].label] = 0
    number = max([int(labels.max()), *by_label]) + 1
    labels[tuple(voxels.T)] = number
    over = f"peak {uptake.peak:.1f} over {place.background_mean or 0.0:.1f}"
    before = "".join(f"; alone: {x.status_reason}" for x in same)
    reason = f"{over} at the place of a lesion that {sstr.study.id} shows{before}"
    known = lesion.model_copy(
        update={"id": f"L{number}", "status": "candidate", "status_reason": reason, "marks": (), "corrected_by": None}
    )
    new = measured(fdg, known, voxels, number, f"42 % of the height at the place of a lesion of {sstr.study.id}")
    kept = (x for x in fdg.lesions if x not in same)
    fdg.lesions = (*kept, new.model_copy(update={"observations": (_flagged(new.observations[0], settings),)}))


def _flagged(seen: Observation, settings: LesionSettings) -> Observation:
    """An observation with the flags that its size asks for."""
    asked = size_flags(seen.long_axis_mm or 0.0, seen.volume_ml, settings)
    return seen.model_copy(update={"flags": (*seen.flags, *asked)})
