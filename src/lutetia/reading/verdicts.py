"""Rules applied to what was measured, with the referral data of a typed case where one is given."""

from __future__ import annotations

from pathlib import Path

from lutetia.model import Course, Issue
from lutetia.reading.settings import ReadSettings
from lutetia.rules.case import read_case
from lutetia.rules.loader import load_rules
from lutetia.rules.score import score_course


def with_verdicts(course: Course, settings: ReadSettings) -> Course:
    """The course with every rule's verdict, the open questions and what the rules had to say.

    Raises
    ------
    InputError, RuleError
        The case or a site's own rule can't be read; with the line.
    """
    case = read_case(Path(settings.case)) if settings.case else None
    folders = (Path(settings.rules_dir),) if settings.rules_dir else ()
    rules = load_rules(folders, settings.conventions)
    scored = score_course(course, case, rules)
    data = scored.as_dict()
    notes = tuple(Issue(code=n.code, level="info", message=n.message) for n in scored.notes)
    return course.model_copy(
        update={
            "verdicts": tuple(data["verdicts"]),
            "questions": tuple(data["questions"]),
            "rule_history": tuple(data["history"]),
            "issues": (*course.issues, *notes),
        }
    )
