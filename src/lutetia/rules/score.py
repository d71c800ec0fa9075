"""Score a typed case: every rule that is asked of it, lesions first, then the patient."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lutetia.model import Course
from lutetia.rules.case import TypedCase, read_case
from lutetia.rules.case_view import absent_notes, roles_of, view_of_case
from lutetia.rules.compiled import Rule
from lutetia.rules.crosswalk import crosswalk
from lutetia.rules.evaluate import evaluate
from lutetia.rules.facts import FactView
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.needs import needs_of
from lutetia.rules.proposals import as_proposed, proposals_of, proposed_for_all
from lutetia.rules.recist_visits import judge
from lutetia.rules.rollup import Rollup
from lutetia.rules.score_record import FOOTER, PATIENT, HistoryEntry, Score
from lutetia.rules.subject_rules import for_subject, is_asked, roles_for
from lutetia.rules.verdict import Change, Note, Question, Verdict
from lutetia.rules.visit_history import history_of_visits, visit_notes

#: with more unsettled lesions than this, what one of them would change in the overall score says nothing
MAX_UNSETTLED = 12


def score(
    case: TypedCase | str | Path,
    rules: RuleSet | None = None,
    *,
    conventions: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    questions: bool = True,
) -> Score:
    """Apply every rule to a typed case.

    Parameters
    ----------
    case : a checked case (`read_case`), or the path of a typed case in YAML
    rules : the rules; the built-in ones by default
    conventions : options chosen on top of those of the case
    only : ids of rules to apply
    questions : also rank the open questions and what would change the result

    Returns
    -------
    Score
        One verdict per rule and subject.
    """
    if not isinstance(case, TypedCase):
        case = read_case(Path(case))
    chosen = {**case.conventions, **(conventions or {})}
    at_hand = (rules or load_rules()).with_choices(chosen) if chosen else (rules or load_rules())
    roles = roles_of(case, at_hand.vocabulary)
    view = view_of_case(case, at_hand, roles)
    proposals = proposals_of(at_hand, view, case)
    verdicts: list[Verdict] = []
    for rule in at_hand:
        if only is None or rule.id in only:
            verdicts.extend(_verdicts(rule, view, roles, proposals, questions))
    if questions:
        verdicts = _with_overall_effects(verdicts, at_hand, view)
    return Score(
        case=case.id,
        roles=roles,
        verdicts=tuple(verdicts),
        questions=_ranked(verdicts) if questions else (),
        history=history_of_visits(case, at_hand, roles, only),
        notes=tuple(Note(code, text, level) for code, level, text in case.issues)
        + absent_notes(case, roles)
        + visit_notes(at_hand, view, roles),
        conventions=chosen,
        crosswalk=crosswalk(verdicts, at_hand, view),
        recist=judge(case.recist) if case.recist is not None and only is None else None,
    )


def _verdicts(
    rule: Rule,
    view: FactView,
    roles: Mapping[str, str],
    proposals: Mapping[str, Mapping[str, tuple[Any, str]]],
    questions: bool,
) -> list[Verdict]:
    if rule.file.scope == "patient":
        return [proposed_for_all(rule, evaluate(rule, view, questions=questions), view, proposals)]
    needed = needs_of(rule)
    found: list[Verdict] = []
    memo: dict[tuple[Any, ...], Verdict] = {}
    for lesion in view.lesions:
        for role in roles_for(rule, roles):
            seen = lesion.in_role(role)
            key = tuple(seen.get(name) for name in needed)
            if rule.file.scope == "observation" and not is_asked(rule, seen):
                continue
            subject = f"{lesion.identity}@{role}" if role else lesion.identity
            if key not in memo:
                memo[key] = evaluate(rule, lesion, role=role, questions=questions)
            verdict = memo[key]
            offered = {**proposals.get(PATIENT, {}), **proposals.get(lesion.identity, {})}
            found.append(as_proposed(rule, for_subject(verdict, subject), lesion, offered))
    return found


def _with_overall_effects(verdicts: list[Verdict], rules: RuleSet, view: FactView) -> list[Verdict]:
    """For every change of a lesion's result: what the patient-level rollups that rest on it would then say."""
    unsettled = sum(not v.settled and bool(v.changes) for v in verdicts)
    if unsettled > MAX_UNSETTLED:
        return verdicts
    rollups = [rule for rule in rules if isinstance(rule.body, Rollup) and rule.file.gives]
    lesions = {lesion.identity: lesion for lesion in view.lesions}
    before: dict[str, tuple[str, ...]] = {}
    memo: dict[tuple[Any, ...], tuple[str, ...]] = {}
    result: list[Verdict] = []
    for verdict in verdicts:
        if not verdict.changes or verdict.subject not in lesions:
            result.append(verdict)
            continue
        lesion = lesions[verdict.subject]
        changes: list[Change] = []
        for change in verdict.changes:
            affected = _resting_on(rollups, rules, verdict.rule)
            if affected is None:
                changes.append(change)
                continue
            body = affected.body
            assert isinstance(body, Rollup)
            if affected.id not in before:
                before[affected.id] = body.results(body.outcomes(view).labels)
            key = (affected.id, verdict.results, tuple(r.id for r in verdict.rows), change.fact, change.value)
            if key not in memo:
                other = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity="patient")
                other.lesions = tuple(
                    v if v is not lesion else lesion.changed({change.fact: change.value}) for v in view.lesions
                )
                memo[key] = body.results(body.outcomes(other).labels)
            changes.append(dataclasses.replace(change, overall=memo[key], overall_before=before[affected.id]))
        result.append(dataclasses.replace(verdict, changes=tuple(changes)))
    return result


def _resting_on(rollups: Sequence[Rule], rules: RuleSet, name: str) -> Rule | None:
    file = rules[name].file
    given = {file.gives, *file.also_gives}
    for rule in rollups:
        assert isinstance(rule.body, Rollup)
        if given & set(rule.body.decision.lesion_names):
            return rule
    return None


def _ranked(verdicts: Sequence[Verdict]) -> tuple[Question, ...]:
    """One question per fact and subject, ranked by how much it settles over all rules."""
    merged: dict[tuple[str, str], Question] = {}
    for verdict in verdicts:
        for question in verdict.questions:
            key = (question.fact, question.subject.partition("@")[0])
            known = merged.get(key)
            if known is None:
                merged[key] = question
            else:
                merged[key] = dataclasses.replace(
                    known if known.gain >= question.gain else question,
                    gain=round(known.gain + question.gain, 4),
                    rule=known.rule if question.rule in known.rule.split(", ") else f"{known.rule}, {question.rule}",
                    proposal=known.proposal or question.proposal,
                    proposal_reason=known.proposal_reason or question.proposal_reason,
                )
    return tuple(sorted((q for q in merged.values() if q.gain > 0), key=lambda q: (-q.gain, q.fact, q.subject)))


def score_course(course: Course, case: TypedCase | None = None, rules: RuleSet | None = None, **options: Any) -> Score:
    """Apply every rule to what was measured, with referral data and reader's answers from a typed case where given.

    Parameters
    ----------
    course : the record of one patient
    case : facts of the patient, and answers for lesions by their id; its visits are used only where the course has none
    rules, options : as for `score`
    """
    from lutetia.rules.measured import case_of_course

    return score(case_of_course(course, case), rules, **options)


__all__ = ["FOOTER", "PATIENT", "HistoryEntry", "Score", "roles_of", "score", "score_course", "view_of_case"]
