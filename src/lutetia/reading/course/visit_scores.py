"""Every rule judged as of each visit: with the scans up to that day, the facts of that day, and what changed since.

Retreatment is judged anew because every gate is: nothing is carried over from the visit before but what was measured
or dated. The score of the last visit is the one of the report; the others stand beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lutetia.model import Course, CourseEvent, VisitScore, VisitVerdict
from lutetia.reading.course.events import COURSE_RULES, events_of, new_lesion_events
from lutetia.reading.course.therapy_patterns import graded_spect, therapy_events
from lutetia.reading.course.until import until
from lutetia.rules.case import TypedCase
from lutetia.rules.expiry import age_of
from lutetia.rules.facts import Fact, FactView
from lutetia.rules.loader import RuleSet
from lutetia.rules.measured import case_of_course
from lutetia.rules.measured_pairs import visit_order
from lutetia.rules.pairings import Pairing, pairings
from lutetia.rules.score import PATIENT, Score, score, score_course, view_of_case
from lutetia.rules.verdict import Verdict

#: the dual-tracer systems whose class is compared from visit to visit (event DE-7)
CLASSES = ("netpet", "karfis", "zidan")


@dataclass
class CourseScores:
    """The score of the course as it stands, its earlier visits, and the events between them."""

    now: Score
    visits: tuple[VisitScore, ...] = ()
    events: tuple[CourseEvent, ...] = ()
    classes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def score_visits(course: Course, case: TypedCase | None, rules: RuleSet) -> CourseScores:
    """Score every visit with an SSTR PET, every therapy SPECT, and the course as it stands.

    Parameters
    ----------
    course : with lesions, pairs, phenotypes and their changes, comparability
    case : referral data, reader's answers, dated entries; or None
    rules : with the conventions chosen
    """
    chain = pairings(course)
    if not chain:
        return CourseScores(score_course(course, case, rules))
    visits: list[VisitScore] = []
    events: list[CourseEvent] = []
    classes: dict[str, dict[str, str]] = {}
    before: _Judged | None = None
    for pairing in chain:
        judged = _judge(until(course, pairing.visit), case, rules, pairing, classes.get(pairing.previous_visit or ""))
        classes[pairing.visit] = _classes(judged.score)
        visits.append(_visit_score(judged, before, rules, classes))
        events += _events(judged, course, classes)
        before = judged
    events += therapy_events(course, case, rules, chain)
    now = _standing(course, case, rules, chain[-1], classes.get(chain[-1].previous_visit or ""))
    order = [v.id for v in course.visits]
    return CourseScores(now, tuple(visits), tuple(sorted(events, key=lambda e: order.index(e.visit))), classes)


@dataclass(frozen=True)
class _Judged:
    """One visit scored."""

    pairing: Pairing
    case: TypedCase
    score: Score
    view: FactView
    date: str | None


def _judge(
    part: Course,
    case: TypedCase | None,
    rules: RuleSet,
    pairing: Pairing,
    classes_before: Mapping[str, str] | None,
) -> _Judged:
    """Score one visit as of its last day."""
    dates = [s.day for s in part.studies if s.id in (pairing.sstr, pairing.fdg) and s.day is not None]
    day = max(dates, default=None)
    typed = dataclasses.replace(case_of_course(part, case, pairing), read=pairing.roles())
    facts: dict[str, Fact] = dict(typed.facts)
    if day is not None:
        facts["patient.assessment_date"] = day.toordinal()
    typed = dataclasses.replace(typed, facts=facts)
    scored = score(typed, rules, questions=False)
    changed = _class_change(_classes(scored), classes_before)
    if changed is not None:
        typed = dataclasses.replace(typed, facts={**facts, "imaging.netpet_changed": changed})
        again = score(typed, rules, questions=False, only=("dual-tracer-course",))
        rest = tuple(v for v in scored.verdicts if v.rule != "dual-tracer-course")
        scored = dataclasses.replace(scored, verdicts=(*rest, *again.verdicts))
    view = view_of_case(typed, rules, scored.roles)
    return _Judged(pairing, typed, scored, view, day.isoformat() if day is not None else None)


def _classes(scored: Score) -> dict[str, str]:
    """Class of each dual-tracer system: its result, or "proposed: …"."""
    found = {}
    for name in CLASSES:
        verdict = next(iter(scored.of(name)), None)
        if verdict is None or verdict.refused is not None:
            continue
        if verdict.result is not None:
            found[name] = verdict.result
        elif verdict.proposed and " or " not in verdict.proposed:
            found[name] = f"proposed: {verdict.proposed}"
    return found


def _class_change(now: Mapping[str, str], before: Mapping[str, str] | None) -> bool | None:
    """Whether a settled class changed; None where none is settled at both visits."""
    settled = [
        now[name] != (before or {})[name]
        for name in CLASSES
        if not now.get(name, "proposed").startswith("proposed")
        and not (before or {}).get(name, "proposed").startswith("proposed")
    ]
    if any(settled):
        return True
    return False if len(settled) == len(CLASSES) else None


def _events(judged: _Judged, course: Course, classes: Mapping[str, Mapping[str, str]]) -> list[CourseEvent]:
    pairing = judged.pairing
    if pairing.previous is None:
        return []
    found = list(events_of(judged.score.verdicts, COURSE_RULES, judged.view, course, pairing, judged.date))
    found += new_lesion_events(judged.score.verdicts, judged.view, course, pairing, judged.date)
    return [_with_numbers(event, course, pairing, classes) for event in found]


def _with_numbers(
    event: CourseEvent, course: Course, pairing: Pairing, classes: Mapping[str, Mapping[str, str]]
) -> CourseEvent:
    """The volumes or classes that a patient's event is about."""
    if event.code == "DE-7":
        now, then = classes.get(pairing.visit, {}), classes.get(pairing.previous_visit or "", {})
        words = tuple(f"{n}: {then[n]} → {now[n]}" for n in CLASSES if n in now and n in then and now[n] != then[n])
        return event.model_copy(update={"evidence": words})
    if event.code in ("DE-5", "DE-9"):
        change = next(
            (
                c
                for c in course.phenotype_changes
                if c.later_visit == pairing.visit
                and c.earlier_visit == pairing.previous_visit
                and c.phenotype == "sstr-/fdg+"
            ),
            None,
        )
        if change is not None:
            numbers = {"discordant_ml_before": change.before_ml, "discordant_ml_now": change.now_ml}
            low, high = change.now_range_ml
            text = (
                f"FDG without SSTR {change.before_ml:.1f} → {change.now_ml:.1f} mL (range {low:.1f} to {high:.1f} mL)"
            )
            return event.model_copy(update={"numbers": numbers, "evidence": (text, *event.evidence)})
    return event


def _standing(
    course: Course,
    case: TypedCase | None,
    rules: RuleSet,
    last: Pairing,
    classes_before: Mapping[str, str] | None,
) -> Score:
    """The score of the course as it stands, with its questions; a SPECT only where it came after the last SSTR PET."""
    order = visit_order(course)
    after = {s.id for s in course.studies if s.is_therapy_spect and order[s.id] > order[last.sstr or ""]}
    later = [v for v in course.visits if not after.isdisjoint(v.studies)]
    spect = graded_spect(course, later[-1]) if later else None
    typed = case_of_course(until(course, course.visits[-1].id, spect), case, last)
    given = dict(case.read) if case is not None else {}
    read = {**last.roles(spect), **{k: v for k, v in given.items() if v in {x.id for x in typed.visits}}}
    typed = dataclasses.replace(typed, read=read)
    first = score(typed, rules, questions=False, only=CLASSES)
    changed = _class_change(_classes(first), classes_before)
    if changed is not None:
        typed = dataclasses.replace(typed, facts={"imaging.netpet_changed": changed, **typed.facts})
    return score(typed, rules)


def _visit_score(
    judged: _Judged, before: _Judged | None, rules: RuleSet, classes: Mapping[str, Mapping[str, str]]
) -> VisitScore:
    # without dates nobody knows which visit was before: nothing is said to have changed
    in_time = before is not None and before.date is not None and judged.date is not None
    earlier = {v.rule: v for v in before.score.verdicts if v.scope == PATIENT} if before and in_time else {}
    records = []
    for verdict in judged.score.verdicts:
        if verdict.scope != PATIENT:
            continue
        age = age_of(rules[verdict.rule], judged.view)
        records.append(
            VisitVerdict(
                rule=verdict.rule,
                title=verdict.title,
                edition=verdict.edition,
                results=verdict.results,
                refused=verdict.refused,
                reason=verdict.reason,
                gates={gate.id: gate.state for gate in verdict.gates},
                dated_inputs=dict(age.dated),
                undated_inputs=age.undated,
                oldest_input=age.oldest,
                expires=age.expires,
                expiry=age.expiry,
                changed=_changed(verdict, earlier.get(verdict.rule)),
            )
        )
    table: dict[str, Any] = judged.score.crosswalk.as_dict() if judged.score.crosswalk is not None else {}
    pairing = judged.pairing
    return VisitScore(
        visit=pairing.visit,
        sstr_study=pairing.sstr,
        fdg_study=pairing.fdg,
        previous_study=pairing.previous,
        date=judged.date,
        verdicts=tuple(records),
        crosswalk=table,
    )


def _result(verdict: Verdict) -> str:
    if verdict.refused is not None:
        return f"no result ({verdict.reason})"
    return " or ".join(verdict.results)


def _changed(now: Verdict, then: Verdict | None) -> tuple[str, ...]:
    """What a rule says otherwise than at the visit before."""
    if then is None:
        return ()
    words = []
    if now.shape != "profile" and _result(now) != _result(then):
        words.append(f"{_result(then)} → {_result(now)}")
    states = {gate.id: gate.state for gate in then.gates}
    for gate in now.gates:
        earlier = states.get(gate.id)
        if earlier is not None and earlier != gate.state:
            words.append(f"{gate.title}: {earlier.replace('_', ' ')} → {gate.state.replace('_', ' ')}")
    return tuple(words)
