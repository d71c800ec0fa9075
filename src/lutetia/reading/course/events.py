"""What the patterns of the sources raise between two visits: events with their lesions, numbers and source.

An event is raised when its gate is, or proposed when it hangs on what the images only propose. Its words are the rule
file's; nothing here orders a treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lutetia.model import Citation, Course, CourseEvent
from lutetia.reading.course.values import then_and_now
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.pairings import Pairing
from lutetia.rules.verdict import Gate, Verdict

#: profiles whose raised gates are events between two PET visits
COURSE_RULES = ("dual-tracer-course", "pseudoprogression")
#: the profile whose raised gates are events of a therapy SPECT
THERAPY_RULE = "post-therapy-patterns"
#: the table whose rows say what a newly visible focus is
NEW_LESION = "new-lesion"
#: rows of that table that are no event: known before, or not to be told
_QUIET_ROWS = ("NL-0", "NL-1")

Test = Callable[[FactView], bool]


def _values(lesion: FactView, name: str) -> tuple[float, ...]:
    value = lesion.get(name)
    if isinstance(value, OneOf):
        return tuple(float(v) for v in value.values)
    return (float(value),) if isinstance(value, int | float) and not isinstance(value, bool) else ()


def _least(lesion: FactView, name: str, limit: float) -> bool:
    found = _values(lesion, f"lesion.{name}")
    return bool(found) and min(found) >= limit


def _most(lesion: FactView, name: str, limit: float) -> bool:
    found = _values(lesion, f"lesion.{name}")
    return bool(found) and max(found) <= limit


def _is(lesion: FactView, name: str, value: bool = True) -> bool:
    return lesion.get(f"lesion.{name}") is value


def _apart(lesion: FactView, low: str, high: str, by: float) -> bool:
    a, b = _values(lesion, f"lesion.{low}"), _values(lesion, f"lesion.{high}")
    return bool(a) and bool(b) and min(b) - max(a) >= by


_PET, _SPECT = "sstr.krenning", "spect.krenning_spect"
#: which lesions an event is about
TESTS: dict[str, Test] = {
    "DE-1": lambda x: _is(x, "fdg_only") and (_is(x, "new") or _is(x, "fdg_positive_before", False)),
    "DE-2": lambda x: (
        _least(x, "previous.krenning", 3)
        and _most(x, _PET, 2)
        and _is(x, "fdg_positive_before", False)
        and _is(x, "fdg_positive_background")
    ),
    "DE-3": lambda x: _most(x, "previous.krenning", 2) and _least(x, _PET, 3),
    "DE-3-liver": lambda x: _is(x, "in_liver") and _most(x, "previous.krenning", 2) and _least(x, _PET, 3),
    "DE-4": lambda x: _is(x, "fdg_positive_before") and _is(x, "fdg_positive_background", False),
    "DE-6": lambda x: _is(x, "fdg_positive_background"),
    "DE-8": lambda x: _is(x, "fdg_positive_background") and _is(x, "fdg_positive_before", False),
    "DE-9": lambda x: _is(x, "fdg_only"),
    "DE-10": lambda x: _is(x, "fdg_positive_before"),
    "PP-1": lambda x: _apart(x, "previous.krenning", _PET, 1),
    "PP-2": lambda x: _is(x, "larger"),
    "PP-3": lambda x: _apart(x, "previous.krenning", _PET, 1),
    "OT-1": lambda x: _most(x, _PET, 2) and _least(x, _SPECT, 3),
    "OT-2": lambda x: _apart(x, _PET, _SPECT, 1),
    "OT-3": lambda x: _apart(x, _SPECT, _PET, 1),
    "OT-4": lambda x: _most(x, _SPECT, 1) and _is(x, "on_other_imaging"),
    "OT-5": lambda x: _least(x, "krenning_spect_first", 3) and _most(x, _SPECT, 1),
    "OT-7": lambda x: _apart(x, _PET, _SPECT, 2) or _apart(x, _SPECT, _PET, 2),
}


def cited(citations: Iterable[Citation]) -> str:
    """Sources as one text, unverified ones marked."""
    return "; ".join(f"{c.source}: {c.place}" + ("" if c.verified else " (not verified)") for c in citations)


def events_of(
    verdicts: Sequence[Verdict],
    rules: Sequence[str],
    view: FactView,
    course: Course,
    pairing: Pairing,
    date: str | None,
) -> tuple[CourseEvent, ...]:
    """Events that the profiles raise at one visit.

    Parameters
    ----------
    verdicts : of the score at that visit
    rules : the profiles to read
    view : the patient of that score
    course : for numbers and names
    pairing : the studies compared; for a SPECT `previous` is the PET before therapy and `sstr` the SPECT
    date : of the later study
    """
    found = []
    for verdict in verdicts:
        for gate in verdict.gates if verdict.rule in rules else ():
            proposed = gate.state != "raised" and gate.proposed == "raised"
            if gate.state == "raised" or proposed:
                found.append(_event(verdict.rule, gate, proposed, view, course, pairing, date))
    return tuple(found)


def _event(
    rule: str, gate: Gate, proposed: bool, view: FactView, course: Course, pairing: Pairing, date: str | None
) -> CourseEvent:
    test = TESTS.get(gate.id)
    counted = [lesion for lesion in view.lesions if lesion.get("lesion.nen") in ("nen", UNKNOWN)]
    names = tuple(lesion.identity for lesion in counted if test is not None and test(lesion))
    return CourseEvent(
        code=gate.id,
        visit=pairing.visit,
        previous_visit=pairing.previous_visit,
        lesions=names,
        statement=_statement(gate, view, proposed),
        source=cited(gate.citations),
        state="proposed" if proposed else "raised",
        rests_on=gate.proposed_from if proposed else (),
        rule=rule,
        title=gate.title,
        date=date,
        evidence=tuple(_evidence(course, name, pairing, rule) for name in names),
    )


def _statement(gate: Gate, view: FactView, proposed: bool) -> str:
    text = gate.say or gate.why or gate.title
    if not proposed:
        return text
    asks = [view.vocabulary[name].ask for name in gate.proposed_from if name in view.vocabulary]
    return f"Proposed: {gate.title}. To be confirmed: {' '.join(asks)}"


def _evidence(course: Course, name: str, pairing: Pairing, rule: str) -> str:
    lesion = course.lesion(name)
    if lesion is None:
        return name
    if rule == THERAPY_RULE:
        return then_and_now(lesion, (("PET before therapy → SPECT", pairing.previous, pairing.sstr),))
    steps = (("SSTR", pairing.previous, pairing.sstr), ("FDG", pairing.fdg_before, pairing.fdg))
    return then_and_now(lesion, steps)


#: what that table asks of a focus that is newly visible
_NEW_LESION_FACTS = ("imaging.comparable", "lesion.correlate_before", "lesion.correlate_now")


def new_lesion_events(
    verdicts: Sequence[Verdict], view: FactView, course: Course, pairing: Pairing, date: str | None
) -> tuple[CourseEvent, ...]:
    """What each newly visible focus is by the order of questions NL-1 to NL-7; known lesions raise nothing."""
    if pairing.previous is None:
        return ()
    found = []
    views = {lesion.identity: lesion for lesion in view.lesions}
    for verdict in verdicts:
        rows = [row for row in verdict.rows if row.id not in _QUIET_ROWS]
        lesion = course.lesion(verdict.subject)
        if verdict.rule != NEW_LESION or not rows or len(rows) != len(verdict.rows) or lesion is None:
            continue
        if not any(o.study == pairing.sstr for o in lesion.observations):
            continue
        settled = verdict.result is not None
        words = verdict.result or verdict.proposed or " or ".join(verdict.results)
        row = next((r for r in rows if r.result == words), None)
        found.append(
            CourseEvent(
                code=row.id if row is not None else "NL",
                visit=pairing.visit,
                previous_visit=pairing.previous_visit,
                lesions=(lesion.id,),
                statement=f"{words[:1].upper()}{words[1:]}." + _next(verdict),
                source=cited((row or rows[-1]).citations),
                state="raised" if settled else "proposed",
                rests_on=() if settled else _open(views.get(lesion.id)),
                rule=NEW_LESION,
                title="Newly visible on SSTR PET",
                date=date,
                evidence=(_evidence(course, lesion.id, pairing, NEW_LESION),),
            )
        )
    return tuple(found)


def _open(lesion: FactView | None) -> tuple[str, ...]:
    return tuple(n for n in _NEW_LESION_FACTS if lesion is not None and lesion.get(n) is UNKNOWN)


def _next(verdict: Verdict) -> str:
    said = " ".join(text for _, text in verdict.texts) if verdict.result is not None else ""
    return f" {said}" if said else ""
