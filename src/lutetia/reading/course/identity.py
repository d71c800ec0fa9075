"""From the lesions of single studies to lesions of the course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lutetia.imaging.matching import Focus, thinned
from lutetia.imaging.tracking import StudyFoci, Track, track
from lutetia.model import Lesion, Visit
from lutetia.reading.course.frames import Frames
from lutetia.reading.study import StudyReading

POSITIVE = ("candidate", "confirmed")
#: flag of an observation whose outline was cut out of a confluent mass: its own image does not show its border
PART = "part_of_confluent"
#: flag of an observation whose border to a neighbour is that of an earlier scan: no valley divides them any more
COALESCED = "coalesced"


@dataclass(frozen=True, eq=False)
class Identified:
    """A lesion of the course: its track, and study → the lesion that single study found."""

    track: Track
    members: dict[str, Lesion]

    @property
    def number(self) -> int:
        """Number of the lesion."""
        return self.track.number

    @property
    def confluent(self) -> bool:
        """Whether any study calls it confluent: one volume whose parts are not told apart."""
        return any(m.confluent for m in self.members.values())

    @property
    def part_of_confluent(self) -> bool:
        """Whether any outline was cut out of confluent disease, so that its image does not show its border."""
        return any(PART in m.observations[0].flags for m in self.members.values())


def lesion_points(reading: StudyReading) -> dict[int, np.ndarray]:
    """Label → voxel centres in LPS mm, thinned, for every lesion of a study."""
    if reading.found is None:
        return {}
    labels = reading.found.labels
    where = np.argwhere(labels.array > 0)
    numbers = labels.array[tuple(where.T)]
    order = np.argsort(numbers, kind="stable")
    where, numbers = where[order], numbers[order]
    values, starts = np.unique(numbers, return_index=True)
    parts = np.split(where, starts[1:]) if len(values) else []
    return {int(v): thinned(labels.grid.to_lps(part)) for v, part in zip(values, parts, strict=True)}


def study_foci(reading: StudyReading, visit: int, frames: Frames) -> StudyFoci:
    """The candidates of one study as foci in the reference frame."""
    points = lesion_points(reading)
    foci = []
    name = reading.study.id
    tracer = "" if reading.study.is_therapy_spect else reading.study.tracer
    for lesion in reading.lesions:
        observation = lesion.observations[0]
        own = points.get(observation.label)
        if lesion.status not in POSITIVE or own is None:
            continue
        place = frames.to_reference(name, own)
        hottest = observation.max_position_mm
        peak = frames.to_reference(name, np.array([hottest]))[0] if hottest is not None else None
        foci.append(Focus(lesion.id, place, observation.volume_ml, lesion.tissue, tracer, peak))
    binds = reading.tracer.binds if reading.tracer is not None else ""
    fine = not reading.study.is_therapy_spect
    return StudyFoci(name, reading.study.tracer, visit, tuple(foci), frames.status(name), binds, fine)


def identify(
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
    corrections: Mapping[tuple[str, str], int] | None = None,
    same: Mapping[tuple[str, str], str] | None = None,
) -> list[Identified]:
    """One identity per lesion over all aligned studies; studies that could not be aligned keep lesions of their own.

    `corrections` and `same` as in `track`.
    """
    number = {study: n for n, visit in enumerate(visits) for study in visit.studies}
    aligned = [r for r in readings if r.study.id in frames.by_study]
    tracks = track([study_foci(r, number[r.study.id], frames) for r in aligned], corrections=corrections, same=same)
    lesions = {(r.study.id, lesion.id): lesion for r in readings for lesion in r.lesions}
    out = [Identified(t, {study: lesions[study, key] for study, key in t.keys.items()}) for t in tracks]
    highest = max((i.number for i in out), default=0)
    for reading in readings:
        if reading.study.id in frames.by_study:
            continue
        for lesion in reading.lesions:
            if lesion.status in POSITIVE:
                highest += 1
                out.append(Identified(Track(highest, keys={reading.study.id: lesion.id}), {reading.study.id: lesion}))
    return out
