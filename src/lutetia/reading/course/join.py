"""The studies of a patient joined: the one place where lesions × studies is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lutetia.imaging.summary import summarise
from lutetia.model import (
    AlignmentRecord,
    Comparison,
    CourseEvent,
    HistoryEvent,
    Issue,
    Lesion,
    Phenotypes,
    Place,
    Study,
    TracerPair,
    Visit,
)
from lutetia.reading.course.comparability import comparisons
from lutetia.reading.course.confluent import gather_confluent
from lutetia.reading.course.cores import grade_place
from lutetia.reading.course.dual import VisitPair, pair_of, phenotypes_of, visit_pairs, with_target
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.history import history_of
from lutetia.reading.course.identity import POSITIVE, Identified, identify
from lutetia.reading.course.in_doubt import set_apart_elsewhere
from lutetia.reading.course.places import measure_place
from lutetia.reading.course.relative import counts_issue, counts_only, organs_of, relative_place
from lutetia.reading.course.spread import with_percentiles
from lutetia.reading.course.therapy import retention
from lutetia.reading.course.together import Together
from lutetia.reading.settings import ReadSettings
from lutetia.reading.study import StudyReading, lesion_settings
from lutetia.rules.timeline import TimelineEntry

Progress = Callable[[str, float], None]
DEFINITIONS = ("background", "liver")


@dataclass(frozen=True, eq=False)
class JoinedStudies:
    """The parts of a Course that need every study. `frames` carries points."""

    studies: tuple[Study, ...]
    lesions: tuple[Lesion, ...]
    issues: tuple[Issue, ...]
    visits: tuple[Visit, ...] = ()
    alignments: tuple[AlignmentRecord, ...] = ()
    phenotypes: tuple[Phenotypes, ...] = ()
    comparability: tuple[Comparison, ...] = ()
    events: tuple[CourseEvent, ...] = ()
    dosimetry: tuple[dict[str, Any], ...] = ()
    frames: Frames | None = field(default=None)


def join_studies(
    readings: Sequence[StudyReading],
    together: Together,
    settings: ReadSettings,
    progress: Progress = lambda stage, share: None,
    corrections: Mapping[tuple[str, str], int] | None = None,
    entries: Sequence[TimelineEntry] = (),
    not_this_tumour: Collection[str] = (),
) -> JoinedStudies:
    """Join the studies of one patient.

    Parameters
    ----------
    readings : in order of date
    together : their visits and their frame, see `bring_together`
    settings : for the totals
    progress : called with a stage's name and the share done
    corrections : identities set by a reader, see `apply_corrections`
    entries : dated entries of the case, for the state of the somatostatin analogue at each scan
    not_this_tumour : ids of lesions that an answer calls benign or another malignancy; no part of phenotype volumes

    Returns
    -------
    JoinedStudies
        Lesions are numbered over the course; each keeps its id in every study.
    """
    visits, measured, seen, frames = together.visits, together.measured, together.seen, together.frames
    number = {study: visit.id for visit in visits for study in visit.studies}
    studies = tuple(r.study.model_copy(update={"visit": number[r.study.id]}) for r in readings)
    all_issues = [issue for reading in readings for issue in reading.issues] + list(together.issues)
    if frames is None:
        _spread(readings)
        lesions = _single(readings)
        return JoinedStudies(_summed(studies, lesions, settings), lesions, tuple(all_issues), visits)
    progress("matching lesions", 1.0)
    same = gather_confluent(measured, seen, frames)
    _spread(readings)
    found = identify(measured, seen, frames, corrections, same)
    pairs, pair_issues = visit_pairs(measured, seen)
    all_issues += pair_issues
    organs = organs_of(measured, frames) if any(map(counts_only, measured)) else {}
    places = {i.number: _places(i, measured, frames, organs) for i in found}
    all_issues += set_apart_elsewhere(found, places, measured, frames)
    all_issues += [counts_issue(r) for r in measured if counts_only(r) and r.study.id in frames.by_study]
    apart = {
        (study, member.observations[0].label)
        for i in found
        if f"lesion-{i.number}" in not_this_tumour
        for study, member in i.members.items()
    }
    inside, phenotypes = _phenotypes(pairs, frames, apart)
    by_lesion = {
        i.number: tuple(
            pair_of(i, pair, places[i.number], _inside(i, pair, inside, definition), definition, frames)
            for pair in pairs
            for definition in DEFINITIONS
        )
        for i in found
    }
    lesions = tuple(_lesion(i, places[i.number], by_lesion[i.number], measured, seen, frames) for i in found)
    lesions += _physiological(readings, start=max((i.number for i in found), default=0))
    phenotypes = [with_target(p, lesions, not_this_tumour) for p in phenotypes]
    return JoinedStudies(
        _summed(studies, lesions, settings),
        lesions,
        tuple(all_issues),
        visits,
        frames.records,
        tuple(phenotypes),
        comparisons(measured, seen, frames, entries),
        dosimetry=retention(lesions, measured),
        frames=frames,
    )


def _spread(readings: Sequence[StudyReading]) -> None:
    for reading in readings:
        reading.lesions = with_percentiles(reading)


def _summed(studies: Sequence[Study], lesions: Sequence[Lesion], settings: ReadSettings) -> tuple[Study, ...]:
    """The studies with their totals, over the lesions of the course."""
    chosen = lesion_settings(settings)
    return tuple(
        s.model_copy(update={"summary": summarise(lesions, s.id, chosen)}) if s.suv is not None and s.organs else s
        for s in studies
    )


def _single(readings: Sequence[StudyReading]) -> tuple[Lesion, ...]:
    out: list[Lesion] = []
    for reading in readings:
        for lesion in reading.lesions:
            history = (HistoryEvent(study=reading.study.id, event="baseline", evidence="first study with this tracer"),)
            out.append(lesion.model_copy(update={"id": f"lesion-{len(out) + 1}", "history": history}))
    return tuple(out)


def _places(
    lesion: Identified, readings: Sequence[StudyReading], frames: Frames, organs: Mapping[str, Any]
) -> dict[str, Place]:
    out = {}
    for reading in readings:
        if reading.study.id in lesion.members or not lesion.track.shapes:
            continue
        if counts_only(reading):
            relative = relative_place(reading, lesion.track.last_shape(reading.study.tracer), frames, organs)
            if relative is not None:
                out[reading.study.id] = relative
                continue
        place = measure_place(reading, lesion.track.last_shape(reading.study.tracer), frames)
        sizes = [m.observations[0].long_axis_mm for m in lesion.members.values()]
        size = max((s for s in sizes if s is not None), default=None)
        in_liver = any(m.tissue == "liver" for m in lesion.members.values())
        grade = grade_place(place, reading, in_liver=in_liver, size_mm=size)
        out[reading.study.id] = place.model_copy(update={"krenning_modified": grade})
    return out


def _phenotypes(
    pairs: Sequence[VisitPair], frames: Frames, left_out: Collection[tuple[str, int]]
) -> tuple[dict[tuple[str, str], dict[int, dict[str, float]]], list[Phenotypes]]:
    inside, records = {}, []
    for pair in pairs:
        for definition in DEFINITIONS:
            found = phenotypes_of(pair, frames, definition, left_out)
            if found is not None:
                records.append(found[0])
                inside[pair.sstr.study.id, definition] = found[1]
    return inside, records


def _inside(
    lesion: Identified, pair: VisitPair, inside: dict[tuple[str, str], dict[int, dict[str, float]]], definition: str
) -> dict[str, float]:
    member = lesion.members.get(pair.sstr.study.id)
    if member is None:
        return {}
    return inside.get((pair.sstr.study.id, definition), {}).get(member.observations[0].label, {})


def _lesion(
    found: Identified,
    places: dict[str, Place],
    pairs: tuple[TracerPair, ...],
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
) -> Lesion:
    """The record of a lesion of the course: named after its largest observation."""
    members = [found.members[r.study.id] for r in readings if r.study.id in found.members]
    named = max(members, key=lambda m: m.observations[0].volume_ml)
    track = found.track
    confirmed = any(m.status == "confirmed" for m in members)
    return named.model_copy(
        update={
            "id": f"lesion-{found.number}",
            "status": "confirmed" if confirmed else "candidate",
            "confluent": any(m.confluent for m in members),
            "marks": tuple(dict.fromkeys(mark for m in members for mark in m.marks)),
            "observations": tuple(o for m in members for o in m.observations),
            "history": history_of(found, places, readings, visits, frames),
            "places": tuple(places[r.study.id] for r in readings if r.study.id in places),
            "pairs": pairs,
            "corrected_by": next((m.corrected_by for m in members if m.corrected_by), None),
            "parent": None if track.parent is None else f"lesion-{track.parent}",
            "merged_into": None if track.merged_into is None else f"lesion-{track.merged_into[0]}",
        }
    )


def _physiological(readings: Sequence[StudyReading], start: int) -> tuple[Lesion, ...]:
    out: list[Lesion] = []
    for reading in readings:
        for lesion in reading.lesions:
            if lesion.status not in POSITIVE:
                out.append(lesion.model_copy(update={"id": f"lesion-{start + len(out) + 1}"}))
    return tuple(out)
