"""What each therapy's SPECT shows beside the PET before it, as events of the course."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from lutetia.model import Course, CourseEvent, Lesion, Study, Visit
from lutetia.reading.course.events import THERAPY_RULE, events_of
from lutetia.reading.course.until import until
from lutetia.rules.case import TypedCase
from lutetia.rules.facts import Fact
from lutetia.rules.loader import RuleSet
from lutetia.rules.measured import case_of_course
from lutetia.rules.measured_pairs import visit_order
from lutetia.rules.measured_timeline import facts_at
from lutetia.rules.pairings import Pairing, grades_at, in_time
from lutetia.rules.score import score, view_of_case

#: a SPECT is graded at this time after injection; the scan of an injection nearest to it is taken
GRADED_HOURS = 24.0


def therapy_events(
    course: Course, case: TypedCase | None, rules: RuleSet, chain: Sequence[Pairing]
) -> list[CourseEvent]:
    """Patterns OT-1 to OT-7 of every injection, against the PET before it.

    Parameters
    ----------
    course : whole
    case : referral data and answers, or None
    rules : with the conventions chosen
    chain : the visits with an SSTR PET
    """
    order = visit_order(course)
    known_when = {visit.id for visit in course.visits if in_time(course, visit)}
    found: list[CourseEvent] = []
    firsts: dict[str, dict[str, tuple[int, ...]]] = {}
    therapies = {s.id for s in course.studies if s.is_therapy_spect}
    visits = [v for v in course.visits if not therapies.isdisjoint(v.studies)]
    for n, visit in enumerate(visits):
        spect = graded_spect(course, visit)
        pet = next((p for p in reversed(chain) if p.visit in known_when and order[p.sstr or ""] <= order[spect]), None)
        firsts[visit.id] = {lesion.id: grades_at(lesion, spect) for lesion in course.lesions}
        if pet is None:
            continue
        part = until(course, visit.id, spect)
        typed = case_of_course(part, case, pet)
        lesions = tuple(
            dataclasses.replace(
                lesion,
                facts={
                    **_after_therapy(next(x for x in part.lesions if x.id == lesion.id), firsts, visits, n),
                    **lesion.facts,
                },
            )
            for lesion in typed.lesions
        )
        scan = course.study(spect)
        date = scan.day if scan is not None else None
        dated = facts_at(case.timeline, date) if case is not None and date is not None else {}
        facts: dict[str, Fact] = {**typed.facts, **dated, **(case.facts if case is not None else {})}
        if n >= 1:
            facts.setdefault("therapy.prrt_cycles", n + 1)
        typed = dataclasses.replace(typed, lesions=lesions, facts=facts, read=pet.roles(spect))
        scored = score(typed, rules, questions=False, only=(THERAPY_RULE,))
        view = view_of_case(typed, rules, scored.roles)
        shown = Pairing(visit.id, spect, None, pet.sstr, None, pet.visit)
        iso = date.isoformat() if date is not None else None
        found += events_of(scored.verdicts, (THERAPY_RULE,), view, course, shown, iso)
    return found


def graded_spect(course: Course, visit: Visit) -> str:
    """The SPECT of a therapy visit nearest to 24 h after injection; the first where no time is known."""

    def distance(study: Study) -> float:
        minutes = study.acquisition.uptake_minutes
        return abs(minutes / 60 - GRADED_HOURS) if minutes is not None else 1e6

    spects = {s.id: s for s in course.studies if s.is_therapy_spect}
    return min((spects[name] for name in visit.studies if name in spects), key=distance).id


def _after_therapy(
    lesion: Lesion, firsts: Mapping[str, Mapping[str, tuple[int, ...]]], visits: Sequence[Visit], n: int
) -> dict[str, Fact]:
    """Facts of a lesion on a SPECT: seen with another tracer, and its grade after the first cycle."""
    facts: dict[str, Fact] = {}
    if any(o.krenning_spect is None for o in lesion.observations):
        facts["lesion.on_other_imaging"] = True
    first = firsts[visits[0].id].get(lesion.id, ()) if n else ()
    if len(first) == 1:
        facts["lesion.krenning_spect_first"] = first[0]
    return facts
