"""Proof 4: a partial answer gives exactly the union of what its completions give.

The union is found a second way here, plainly and without the evaluation it checks.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from lutetia.rules.answer_classes import representatives
from lutetia.rules.compiled import Rule
from lutetia.rules.decision import Decision
from lutetia.rules.evaluate import patient_view
from lutetia.rules.expressions import Aggregate
from lutetia.rules.facts import UNKNOWN
from lutetia.rules.loader import RuleSet
from lutetia.rules.possible import possible_labels
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table

SAMPLES = 60


def partial_is_union(rule: Rule, rules: RuleSet) -> Iterator[str]:
    """A partial answer gives exactly the union of what its completions give."""
    body = rule.body
    if isinstance(body, Table):
        yield from _table_unions(body)
    elif isinstance(body, Profile):
        for gate in body.gates:
            if gate.decision is not None:
                yield from _decision_unions(gate.entry.id, gate.decision, rule, rules)
    elif isinstance(body, Rollup):
        yield from _decision_unions("outcomes", body.decision, rule, rules)
    else:
        yield from _scale_unions(body)


def _table_unions(table: Table) -> Iterator[str]:
    """Enumerated: for every known/open pattern, one more answer splits the results without loss or gain."""
    domains = [[1 << i for i in range(len(c.classes)) if c.all & (1 << i)] + [c.all] for c in table.columns]
    size = 1
    for domain in domains:
        size *= len(domain)
    patterns: Iterable[tuple[int, ...]] = product(*domains)
    if size > 60_000:
        pick = random.Random(2)
        patterns = (tuple(pick.choice(domain) for domain in domains) for _ in range(4_000))
    for answers in patterns:
        for position, column in enumerate(table.columns):
            if answers[position] != column.all or column.all & (column.all - 1) == 0:
                continue
            union: set[int] = set()
            for i in range(len(column.classes)):
                if column.all & (1 << i):
                    union |= set(table.matching((*answers[:position], 1 << i, *answers[position + 1 :])))
            if union != set(table.matching(answers)):
                yield f"open {column.name}: {sorted(union ^ set(table.matching(answers)))} differ"
                return
            break


def _decision_unions(name: str, decision: Decision, rule: Rule, rules: RuleSet) -> Iterator[str]:
    """Sampled: hide facts of complete patients; the engine's set equals the union over their completions."""
    pick = random.Random(f"{rule.id} {name}")
    vocabulary = rule.frame.vocabulary
    for _ in range(SAMPLES if decision.counters else SAMPLES // 3):
        scalars = _random_facts(decision.scalars, decision, vocabulary, pick)
        lesions = [
            _random_facts(decision.lesion_names, decision, vocabulary, pick, scalars)
            for _ in range(pick.randint(0, 3) if decision.counters or decision.numbers else 0)
        ]
        if decision.numbers:
            return
        hidden_scalars = [n for n in decision.scalars if pick.random() < 0.4]
        hidden = [[n for n in decision.lesion_names if pick.random() < 0.3] for _ in lesions]
        partial = {n: v for n, v in scalars.items() if n not in hidden_scalars}
        partial_lesions = [
            {n: v for n, v in row.items() if n not in gone} for row, gone in zip(lesions, hidden, strict=True)
        ]
        blank = dict.fromkeys(hidden_scalars, UNKNOWN)
        view = patient_view(
            rules,
            {**partial, **blank},
            [{**row, **dict.fromkeys(gone, UNKNOWN)} for row, gone in zip(partial_lesions, hidden, strict=True)],
        )
        said = set(possible_labels(decision, view).labels)
        union = _union(decision, rule, rules, {**partial}, hidden_scalars, partial_lesions, hidden)
        if union is not None and said != union:
            open_names = hidden_scalars + [n for gone in hidden for n in gone]
            yield f"{name}: with {open_names} open the engine says {said}, completions give {union}"
            return


def _random_facts(
    names: Iterable[str],
    decision: Decision,
    vocabulary: Any,
    pick: random.Random,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    base = dict(known or {})
    for name in names:
        mentioned = decision.symbols.get(name, frozenset())
        options = representatives(name, vocabulary[name], UNKNOWN, {**base, **facts}, decision.comparisons, mentioned)
        facts[name] = pick.choice(options)
    return facts


def _union(
    decision: Decision,
    rule: Rule,
    rules: RuleSet,
    partial: dict[str, Any],
    hidden_scalars: list[str],
    lesions: list[dict[str, Any]],
    hidden: list[list[str]],
) -> set[Any] | None:
    """The labels of every completion, each evaluated as a complete patient."""
    found: set[Any] = set()
    vocabulary = rule.frame.vocabulary
    budget = 1500
    for scalars in _assign(hidden_scalars, partial, decision, vocabulary):
        choices = [
            [dict(c) for c in _assign(gone, {**scalars, **row}, decision, vocabulary)]
            for row, gone in zip(lesions, hidden, strict=True)
        ]
        for combination in product(*choices):
            budget -= 1
            if budget < 0:
                return None
            found.update(plain_labels(decision, scalars, [{**scalars, **row} for row in combination]))
    return found


def plain_labels(decision: Decision, facts: Mapping[str, Any], lesions: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The labels of a complete patient, worked out lesion by lesion without the engine's counting."""
    counted = [row for row in lesions if decision.among is None or decision.among.holds(row)]
    found: list[Any] = []
    for label, when in decision.options:
        if when is None:
            return found or [label]
        values = tuple(_plain_aggregate(aggregate, decision, counted) for aggregate in when.aggregates)
        if when.holds(facts, values):
            found.append(label)
            if not decision.exclusive:
                return found
    return found


def _plain_aggregate(aggregate: Aggregate, decision: Decision, lesions: Sequence[Mapping[str, Any]]) -> Any:
    body = decision.sets[str(aggregate.named_set)] if aggregate.named_set is not None else aggregate.body
    inside = [row for row in lesions if aggregate.of is None or aggregate.of.holds(row)]
    meets = [row for row in inside if body is None or body.holds(row)]
    if aggregate.kind in ("count", "lesions"):
        return len(meets)
    if aggregate.kind == "any":
        return bool(meets)
    if aggregate.kind == "all":
        return len(meets) == len(inside)
    if aggregate.kind == "none":
        return not meets
    return len(meets) / len(inside) if inside else math.nan


def _assign(names: list[str], known: dict[str, Any], decision: Decision, vocabulary: Any) -> Iterator[dict[str, Any]]:
    if not names:
        yield known
        return
    for value in representatives(
        names[0],
        vocabulary[names[0]],
        UNKNOWN,
        known,
        decision.comparisons,
        decision.symbols.get(names[0], frozenset()),
    ):
        yield from _assign(names[1:], {**known, names[0]: value}, decision, vocabulary)


def _scale_unions(scale: Scale) -> Iterator[str]:
    """With one reference missing, every grade that a fitting reference would give is among those returned.

    References that would make the scale refuse, or that lie so close that their order is in doubt, are no completions.
    """
    names = list(scale.references.values())
    for gone in names:
        for references in ((2.0, 8.0, 24.0), (1.5, 6.0, 20.0)):
            full = dict(zip(names, references, strict=False))
            if len(full) < len(names):
                return
            for uptake in (1.0, 2.0, 5.0, 8.0, 9.0, 12.0, 23.0, 30.0):
                partial = {**scale.frame.parameters, **full, scale.quantity: uptake}
                partial.pop(gone)
                said = scale.measure(partial, with_near=False)
                if said.refused:
                    continue
                order = sorted(full.values())
                position = order.index(full[gone])
                low = order[position - 1] * 1.12 if position else 0.05
                high = order[position + 1] / 1.12 if position + 1 < len(order) else 100.0
                for step in range(21):
                    value = low + (high - low) * step / 20
                    done = scale.measure({**partial, gone: value}, with_near=False)
                    if done.refused is None and not set(done.value) <= set(said.value):
                        yield f"without {gone}, {uptake:g}: {done.value} is possible, {said.value} was said"
                        return
