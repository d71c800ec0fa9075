"""Proof 3: every row is reached by a named case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lutetia.rules.cases import CaseFile, Outcome
from lutetia.rules.compiled import Rule
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table


def every_row_reached(rule: Rule, outcomes: Iterable[Outcome], files: list[CaseFile]) -> Iterator[str]:
    """Every row is reached by a named case."""
    if not files:
        yield "no case file"
        return
    reached: set[str] = set()
    for outcome in outcomes:
        reached |= outcome.reached
    for needed in required_rows(rule):
        if needed not in reached:
            yield f"{needed} is reached by no case"


def required_rows(rule: Rule) -> list[str]:
    """What the cases of a rule must reach: rows, outcomes, grades, refusals, states of gates."""
    file, body = rule.file, rule.body
    if isinstance(body, Table):
        return [row.id for row in body.rows]
    if isinstance(body, Rollup):
        return list(body.rows)
    if isinstance(body, Scale):
        refusals = [entry.code for entry in file.refuse]
        return [cut.id for cut in file.cuts] + [f"over {file.cuts[-1].id}"] + refusals + [c.code for c in file.codes]
    needed: list[str] = []
    for gate in body.gates:
        if gate.decision is None:
            needed.append(f"{gate.entry.id}={gate.entry.always}")
        else:
            needed.extend(f"{gate.entry.id}={label}" for label in gate.decision.labels)
    needed.extend(statement.entry.id for statement in body.statements)
    return needed
