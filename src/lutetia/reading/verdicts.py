"""Rules applied to what was measured, with the referral data of a typed case where one is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lutetia.model import Course, CourseEvent, Issue
from lutetia.reading.settings import ReadSettings
from lutetia.rules.case import TypedCase
from lutetia.rules.loader import load_rules
from lutetia.rules.score import score_course

#: profiles whose raised gates are events of a course
_EVENT_RULES = ("dual-tracer-course", "pseudoprogression", "post-therapy-patterns", "new-lesion")


def _events(verdict: dict[str, Any], course: Course) -> tuple[CourseEvent, ...]:
    """What a profile of patterns raises, in its own words; nothing for a course of one study."""
    if verdict["rule"] not in _EVENT_RULES or len(course.studies) < 2:
        return ()
    last = course.visits[-1].id if course.visits else ""
    before = course.visits[-2].id if len(course.visits) > 1 else None
    events = []
    for gate in verdict.get("gates", ()):
        if gate.get("state") != "raised":
            continue
        sources = "; ".join(
            f"{c['source']}: {c['place']}" + ("" if c["verified"] else " (not verified)") for c in gate["citations"]
        )
        said = gate.get("say") or gate.get("why") or gate["title"]
        subject = verdict.get("subject", "")
        lesions = (subject.split("@")[0],) if str(subject).startswith("lesion-") else ()
        events.append(
            CourseEvent(
                code=gate["id"], visit=last, previous_visit=before, lesions=lesions, statement=str(said), source=sources
            )
        )
    return tuple(events)


def with_verdicts(course: Course, settings: ReadSettings, case: TypedCase | None = None) -> Course:
    """The course with every rule's verdict, the open questions and what the rules had to say.

    Raises
    ------
    InputError, RuleError
        The case or a site's own rule can't be read; with the line.
    """
    folders = (Path(settings.rules_dir),) if settings.rules_dir else ()
    rules = load_rules(folders, settings.conventions)
    scored = score_course(course, case, rules)
    data = scored.as_dict()
    events = tuple(e for verdict in data["verdicts"] for e in _events(verdict, course))
    notes = tuple(Issue(code=n.code, level="info", message=n.message) for n in scored.notes)
    return course.model_copy(
        update={
            "verdicts": tuple(data["verdicts"]),
            "questions": tuple(data["questions"]),
            "rule_history": tuple(data["history"]),
            "crosswalk": data["crosswalk"] or {},
            "recist": data.get("recist") or {},
            "events": (*course.events, *events),
            "issues": (*course.issues, *notes),
        }
    )
