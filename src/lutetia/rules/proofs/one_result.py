"""Proof 1: exactly one row for every complete set of answers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement, product
from typing import Any

from lutetia.rules.answer_classes import representatives
from lutetia.rules.compiled import Rule
from lutetia.rules.decision import Decision
from lutetia.rules.facts import UNKNOWN, FactView
from lutetia.rules.lesion_states import aggregate_values, truth_vectors
from lutetia.rules.loader import RuleSet
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table


def exactly_one(rule: Rule, rules: RuleSet) -> Iterator[str]:
    """Exactly one row, state or grade for every complete set of answers."""
    body = rule.body
    if isinstance(body, Table):
        yield from _one_row(body)
    elif isinstance(body, Profile):
        for gate in body.gates:
            if gate.decision is not None:
                yield from _one_label(gate.entry.id, gate.decision, rule)
    elif isinstance(body, Scale):
        yield from _rising(body)
    elif isinstance(body, Rollup) and body.decision.options[-1][1] is not None:
        yield "the last outcome does not take what is left"


def _one_row(table: Table) -> Iterator[str]:
    domains = [[1 << i for i in range(len(c.classes)) if c.all & (1 << i)] for c in table.columns]
    size = 1
    for domain in domains:
        size *= len(domain)
    sets: Iterable[tuple[int, ...]] = product(*domains)
    if size > 300_000:
        pick = random.Random(1)
        sets = (tuple(pick.choice(domain) for domain in domains) for _ in range(50_000))
    reported = 0
    for answers in sets:
        found = table.matching(answers)
        if len(found) != 1 and reported < 5:
            reported += 1
            words = ", ".join(
                f"{c.name}={c.classes[a.bit_length() - 1]}" for c, a in zip(table.columns, answers, strict=True)
            )
            yield f"{len(found)} rows ({', '.join(table.rows[i].id for i in found)}) for {words}"
    for i, row in enumerate(table.rows):
        if not all(table.masks[i]):
            yield f"row {row.id} can't be met"


def _one_label(name: str, decision: Decision, rule: Rule) -> Iterator[str]:
    seen: set[str] = set()
    for facts, aggregates in _complete(decision, rule):
        labels = decision.label(facts, aggregates)
        if len(labels) != 1:
            text = f"{name}: {labels or 'no state'} at once"
            if text not in seen:
                seen.add(text)
                yield f"{text} (e.g. {dict(list(facts.items())[:4])})"


def _complete(decision: Decision, rule: Rule) -> Iterator[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """Complete facts of every class, with up to three lesions of every kind that the conditions tell apart."""
    vocabulary = rule.frame.vocabulary
    if decision.numbers:
        return
    empty = FactView({}, vocabulary)
    for facts in _assignments(list(decision.scalars), {}, decision, vocabulary):
        if not decision.counters:
            yield facts, aggregate_values(decision, (), ())
            continue
        kinds = sorted(truth_vectors(decision, (UNKNOWN,) * len(decision.lesion_names), facts, empty))
        most = 3 if len(kinds) <= 12 else 2 if len(kinds) <= 60 else 1
        for count in range(most + 1):
            for chosen in combinations_with_replacement(kinds, count):
                state = tuple(sum(column) for column in zip(*chosen, strict=True)) or (0,) * len(decision.counters)
                yield facts, aggregate_values(decision, state, ())


def _assignments(
    names: list[str], known: dict[str, Any], decision: Decision, vocabulary: Any
) -> Iterator[dict[str, Any]]:
    if not names:
        yield known
        return
    name = names[0]
    mentioned = decision.symbols.get(name, frozenset())
    for value in representatives(name, vocabulary[name], UNKNOWN, known, decision.comparisons, mentioned):
        yield from _assignments(names[1:], {**known, name: value}, decision, vocabulary)


def _rising(scale: Scale) -> Iterator[str]:
    """More uptake never gives a lower grade, and one grade is given, for references in their order."""
    grades = scale.frame.file.grades
    names = list(scale.references.values())
    for spread in (1.5, 3.0, 8.0):
        references = {name: 1.0 * spread**i for i, name in enumerate(names)}
        last = 0
        for step in range(1, 400):
            facts = {
                **scale.frame.parameters,
                **references,
                scale.quantity: step * 0.05 * spread ** (len(names) - 1) / 8,
            }
            result = scale.measure(facts, with_near=False)
            if result.refused:
                yield f"refused ({result.refused}) although all references are there and in order"
                return
            if len(result.value) != 1:
                yield f"{len(result.value)} grades for complete numbers"
                return
            now = grades.index(result.value[0])
            if now < last:
                yield "a higher uptake gave a lower grade"
                return
            last = now
        if last != len(grades) - 1:
            yield "the highest grade is out of reach"
