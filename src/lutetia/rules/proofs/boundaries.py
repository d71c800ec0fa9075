"""Proof 5: just under, at and just over every cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lutetia.rules.answer_classes import roots
from lutetia.rules.cases import CaseFile
from lutetia.rules.compiled import Rule
from lutetia.rules.expressions import Expression, same
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table


def every_cut_bounded(rule: Rule, files: list[CaseFile]) -> Iterator[str]:
    """Every cut on a number has a case just under, at and just over it."""
    stated = [b for file in files for b in file.boundaries]
    for of, fact, at in required_boundaries(rule):
        if not any(_bounds(rule, b, of, fact, at) for b in stated):
            yield f"no boundary for {of}" + (f": {fact} at {at:g}" if fact else "")


def _bounds(rule: Rule, boundary: Mapping[str, Any], of: str, fact: str, at: float) -> bool:
    if str(boundary["of"]) != of:
        return False
    if not fact:
        return True
    given = boundary.get("fact")
    return given is not None and rule.frame.resolve(str(given)) == fact and same(float(boundary["at"]), at)


def required_boundaries(rule: Rule) -> list[tuple[str, str, float]]:
    """(row or gate, fact, cut) of every cut on one number; scales need one per cut, with the references of the case."""
    file, body = rule.file, rule.body
    needed: dict[tuple[str, str, float], None] = {}
    if isinstance(body, Scale):
        for cut in file.cuts:
            needed[(cut.id, "", 0.0)] = None
        return list(needed)
    if isinstance(body, Table):
        for column in body.columns:
            for number in column.cuts:
                needed[(column.name, column.fact, number)] = None
        return list(needed)
    expressions: list[tuple[str, Expression | None]] = []
    if isinstance(body, Rollup):
        expressions = [(str(label), condition) for label, condition in body.decision.options]
    else:
        for gate in body.gates:
            if gate.decision is not None:
                expressions += [(gate.entry.id, condition) for _, condition in gate.decision.options]
    for of, expression in expressions:
        for name, number in _cuts_of(expression):
            definition = rule.frame.vocabulary[name]
            if definition.kind in ("number", "date") or definition.high - definition.low > 12:
                needed[(of, name, number)] = None
    return list(needed)


def _cuts_of(expression: Expression | None) -> Iterator[tuple[str, float]]:
    if expression is None:
        return
    for comparison in expression.comparisons:
        if len(comparison.names) == 1:
            (name,) = comparison.names
            for cut in roots(name, comparison, {}) or ():
                yield name, cut
