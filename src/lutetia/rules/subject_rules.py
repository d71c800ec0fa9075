"""Which rules are asked of whom, and their verdicts under the subject's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from lutetia.rules.compiled import Rule
from lutetia.rules.facts import UNKNOWN, FactView
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table
from lutetia.rules.verdict import Verdict


def for_subject(verdict: Verdict, subject: str) -> Verdict:
    """The verdict, and its questions, under the name of its subject."""
    if verdict.subject == subject:
        return verdict
    asked = tuple(dataclasses.replace(question, subject=subject) for question in verdict.questions)
    return dataclasses.replace(verdict, subject=subject, questions=asked)


def roles_for(rule: Rule, roles: Mapping[str, str]) -> tuple[str | None, ...]:
    """Roles of visits for which a rule about observations is asked; (None,) for any other rule."""
    if rule.file.scope != "observation":
        return (None,)
    if rule.id == "krenning-spect":
        return ("spect",) if "spect" in roles else ()
    return tuple(role for role in ("sstr", "previous") if role in roles)


def is_asked(rule: Rule, view: FactView) -> bool:
    """Whether a rule about observations has anything to go by."""
    body = rule.body
    if isinstance(body, Scale):
        return view.get(body.quantity) is not UNKNOWN
    if isinstance(body, Table):
        return any(
            view.get(column.fact) is not UNKNOWN and column.fact.startswith("observation.") for column in body.columns
        )
    return True
