"""Rules applied to what was measured, with the referral data of a typed case where one is given."""

from __future__ import annotations

from pathlib import Path

from lutetia.model import Course, Issue
from lutetia.reading.course.coverage import coverage
from lutetia.reading.course.dual import with_target
from lutetia.reading.course.response import response_metrics
from lutetia.reading.course.story import story
from lutetia.reading.course.trends import phenotype_changes
from lutetia.reading.course.visit_scores import score_visits
from lutetia.reading.settings import ReadSettings
from lutetia.rules.case import TypedCase
from lutetia.rules.loader import RuleSet, load_rules

#: answers on a lesion that keep it from being the place to biopsy
_NO_TARGET = {"lesion.nen": ("benign", "second_malignancy"), "lesion.proof": ("benign", "physiological", "non_net")}


def _left_out(case: TypedCase | None) -> frozenset[str]:
    """Lesions that a reader's answer excludes as a biopsy target. No number ever does."""
    found = set()
    for lesion in case.lesions if case is not None else ():
        excluded = any(lesion.facts.get(name) in values for name, values in _NO_TARGET.items())
        if excluded or lesion.facts.get("lesion.biopsy_unsafe") is True:
            found.add(lesion.id)
    return frozenset(found)


def _searched(course: Course) -> bool:
    """Whether any study was searched: what was not looked for must not count as "no lesion"."""
    return any(study.summary is not None for study in course.studies)


def rules_of(settings: ReadSettings) -> RuleSet:
    """The built-in rules and a site's own, under the conventions chosen.

    Raises
    ------
    RuleError, UsageError
        As `load_rules`.
    """
    folders = (Path(settings.rules_dir),) if settings.rules_dir else ()
    return load_rules(folders, settings.conventions)


def with_verdicts(course: Course, settings: ReadSettings, case: TypedCase | None = None) -> Course:
    """The course with every rule's verdict, the open questions and what the rules had to say.

    Raises
    ------
    InputError, RuleError
        The case or a site's own rule can't be read; with the line.
    """
    rules = rules_of(settings)
    left_out = _left_out(case)
    targets = tuple(with_target(p, course.lesions, left_out) for p in course.phenotypes)
    course = course.model_copy(update={"phenotypes": targets, "coverage": coverage(course, case)})
    course = course.model_copy(update={"phenotype_changes": phenotype_changes(course)})
    course = course.model_copy(update={"response": response_metrics(course, rules)})
    if not _searched(course) and not (case is not None and case.lesions):
        message = "The rules were not asked: no study was searched for lesions, and none found is no finding then"
        asked_none = Issue(code="rules-not-asked", level="info", message=message)
        return course.model_copy(update={"issues": (*course.issues, asked_none)})
    scored = score_visits(course, case, rules)
    data = scored.now.as_dict()
    notes = tuple(Issue(code=n.code, level="info", message=n.message) for n in scored.now.notes)
    course = course.model_copy(
        update={
            "verdicts": tuple(data["verdicts"]),
            "questions": tuple(data["questions"]),
            "rule_history": tuple(data["history"]),
            "crosswalk": data["crosswalk"] or {},
            "recist": data.get("recist") or {},
            "visit_scores": scored.visits,
            "events": (*course.events, *scored.events),
            "issues": (*course.issues, *notes),
        }
    )
    return course.model_copy(update={"story": story(course)})
