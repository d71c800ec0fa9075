"""Lesions are counted, not multiplied out: what matters of a lesion is which of the counted conditions it meets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

from lutetia.rules.completions import MAX_COMPLETIONS, completions
from lutetia.rules.decision import Decision, remember
from lutetia.rules.expressions import Aggregate
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf

MAX_STATES = 6_000

_State = tuple[tuple[int, ...], tuple[float, ...]]


def lesion_states(
    decision: Decision,
    lesion_values: Sequence[tuple[Fact, ...]],
    known: Mapping[str, Any],
    view: FactView,
    *,
    uncapped: bool = False,
) -> tuple[list[list[tuple[Any, ...]]], bool]:
    """The values of the aggregates for every state of the lesions that completions allow; and whether all were met."""
    states, exact = states_of_lesions(decision, lesion_values, known, view, uncapped=uncapped)
    return [aggregate_values(decision, counts, numbers) for counts, numbers in states], exact


def states_of_lesions(
    decision: Decision,
    lesion_values: Sequence[tuple[Fact, ...]],
    known: Mapping[str, Any],
    view: FactView,
    *,
    uncapped: bool = False,
) -> tuple[list[_State], bool]:
    """Every vector of counts (and numbers) that completions of the lesions' facts allow."""
    if not decision.counters and not decision.numbers:
        return [((), ())], True
    scalars = tuple(known.get(name) for name in decision.scalars)
    width = len(decision.counters)
    base = [0] * width
    uncertain: dict[frozenset[tuple[bool, ...]], int] = {}
    for row in lesion_values:
        key = ("vectors", scalars, row)
        vectors = decision.memo.get(key)
        if vectors is None:
            vectors = remember(decision, key, truth_vectors(decision, row, known, view))
        if len(vectors) == 1:
            for index, truth in enumerate(next(iter(vectors))):
                base[index] += truth
        else:
            uncertain[vectors] = uncertain.get(vectors, 0) + 1
    caps: tuple[int | None, ...] = (None,) * width if uncapped else decision.caps
    states, exact = _sums(tuple(base), uncertain, caps)
    choices = [_number_candidates(a, decision, lesion_values, known, view) for a in decision.numbers]
    return [(state, tuple(choice)) for state in states for choice in product(*choices)], exact


def _sums(
    base: tuple[int, ...],
    uncertain: Mapping[frozenset[tuple[bool, ...]], int],
    caps: tuple[int | None, ...],
) -> tuple[set[tuple[int, ...]], bool]:
    """Every vector of counts: the certain lesions plus one of the possible truth vectors of each uncertain one.

    Counts are held at the highest number that a condition can tell apart, so alike lesions soon add nothing new.
    """

    if all(cap == 1 for cap in caps):
        return _unions(base, uncertain)

    def add(state: tuple[int, ...], vector: tuple[bool, ...]) -> tuple[int, ...]:
        return tuple(
            n + t if cap is None or n + t <= cap else cap for n, t, cap in zip(state, vector, caps, strict=True)
        )

    states = {add(base, (False,) * len(base))}
    for vectors, times in uncertain.items():
        for _ in range(times):
            step = {add(state, vector) for state in states for vector in vectors}
            if step == states:
                break
            if len(step) > MAX_STATES:
                return set(sorted(step)[:: max(1, len(step) // 1000)]), False
            states = step
    return states, True


def _unions(
    base: tuple[int, ...], uncertain: Mapping[frozenset[tuple[bool, ...]], int]
) -> tuple[set[tuple[int, ...]], bool]:
    """As `_sums` where only "any or none" matters of every count: vectors are bit masks and adding is a union."""
    width = len(base)

    def mask(vector: Sequence[int]) -> int:
        return sum(1 << i for i, n in enumerate(vector) if n)

    states = {mask(base)}
    for vectors, times in uncertain.items():
        masks = [mask(vector) for vector in vectors]
        for _ in range(times):
            step = {state | m for state in states for m in masks}
            if step == states:
                break
            states = step
            if len(states) > MAX_STATES:
                kept = sorted(states)[:: max(1, len(states) // 1000)]
                return {tuple(m >> i & 1 for i in range(width)) for m in kept}, False
    return {tuple(m >> i & 1 for i in range(width)) for m in states}, True


def truth_vectors(
    decision: Decision, row: tuple[Fact, ...], known: Mapping[str, Any], view: FactView
) -> frozenset[tuple[bool, ...]]:
    """Which of the counted conditions one lesion may meet together, over every completion of its facts."""
    values = dict(zip(decision.lesion_names, row, strict=True))
    open_names = [n for n, v in values.items() if isinstance(v, OneOf) or v is UNKNOWN]
    settled = {**known, **{n: v for n, v in values.items() if n not in open_names}}
    vectors: set[tuple[bool, ...]] = set()
    for count, facts in enumerate(completions(open_names, values, settled, decision, view)):
        vectors.add(
            tuple(all(e.holds(facts) is wanted for e, wanted in counter.terms) for counter in decision.counters)
        )
        if count > MAX_COMPLETIONS:
            break
    return frozenset(vectors)


def aggregate_values(decision: Decision, counts: tuple[int, ...], numbers: tuple[float, ...]) -> list[tuple[Any, ...]]:
    """The values of a decision's aggregates, option by option, in one state of the lesions."""
    result: list[tuple[Any, ...]] = []
    for plans in decision.plans:
        values: list[Any] = []
        for plan in plans:
            if plan.number >= 0:
                values.append(numbers[plan.number])
            elif plan.kind == "any":
                values.append(counts[plan.counter] > 0)
            elif plan.kind == "none":
                values.append(counts[plan.counter] == 0)
            elif plan.kind == "share":
                values.append(counts[plan.counter] / counts[plan.base] if counts[plan.base] else math.nan)
            else:
                values.append(counts[plan.counter])
        result.append(tuple(values))
    return result


def _number_candidates(
    aggregate: Aggregate,
    decision: Decision,
    lesion_values: Sequence[tuple[Fact, ...]],
    known: Mapping[str, Any],
    view: FactView,
) -> list[float]:
    """The value of ``largest``, ``smallest``, ``total`` or a share by volume; its two ends when lesions are open."""
    low, high = number_range(aggregate, decision.lesion_names, lesion_values, known, view, decision)
    if math.isnan(low) or low == high:
        return [low]
    if float(low).is_integer() and float(high).is_integer() and high - low <= 10:
        return [float(v) for v in range(int(low), int(high) + 1)]
    return [low, (low + high) / 2, high]


def number_range(
    aggregate: Aggregate,
    names: Sequence[str],
    lesion_values: Sequence[tuple[Fact, ...]],
    known: Mapping[str, Any],
    view: FactView,
    decision: Decision,
) -> tuple[float, float]:
    """Lowest and highest value a number over lesions can take (NaN, NaN over no lesion)."""
    rows: list[tuple[bool, bool, float, float, bool, bool]] = []
    met: dict[tuple[Fact, ...], tuple[bool, bool, float, float, bool, bool]] = {}
    used = [i for i, name in enumerate(names) if name in _names_of(aggregate, decision)]
    for row in lesion_values:
        mine = tuple(row[i] for i in used)
        if mine not in met:
            values = {names[i]: row[i] for i in used}
            met[mine] = _row_range(aggregate, values, known, view, decision)
        rows.append(met[mine])
    if aggregate.kind == "share":
        sure = sum(low for member, _, low, _, inside, _ in rows if member and inside)
        maybe = sum(high for _, can, _, high, _, could in rows if can and could)
        total_low = sum(low for member, _, low, _, _, _ in rows if member)
        total_high = sum(high for _, can, _, high, _, _ in rows if can)
        if total_high <= 0:
            return math.nan, math.nan
        return sure / total_high, min(1.0, maybe / total_low) if total_low > 0 else 1.0
    certain = [(low, high) for member, _, low, high, _, _ in rows if member]
    possible = [(low, high) for _, can, low, high, _, _ in rows if can]
    if not possible:
        return math.nan, math.nan
    if aggregate.kind == "total":
        return sum(low for low, _ in certain), sum(high for _, high in possible)
    if aggregate.kind == "largest":
        top = max(high for _, high in possible)
        return (max(low for low, _ in certain) if certain else min(low for low, _ in possible)), top
    bottom = min(low for low, _ in possible)
    return bottom, (min(high for _, high in certain) if certain else max(high for _, high in possible))


@lru_cache(maxsize=4096)
def _names_of(aggregate: Aggregate, decision: Decision) -> frozenset[str]:
    """The facts that a number over lesions reads of one lesion."""
    names: frozenset[str] = frozenset()
    for part in (aggregate.body, aggregate.of, aggregate.by, decision.among):
        if part is not None:
            names |= part.names
    return names


def _row_range(
    aggregate: Aggregate, values: Mapping[str, Fact], known: Mapping[str, Any], view: FactView, decision: Decision
) -> tuple[bool, bool, float, float, bool, bool]:
    measured = aggregate.by if aggregate.kind == "share" else aggregate.body
    assert measured is not None
    open_names = [n for n, v in values.items() if isinstance(v, OneOf) or v is UNKNOWN]
    settled = {**known, **{n: v for n, v in values.items() if n not in open_names}}
    member: set[bool] = set()
    inside: set[bool] = set()
    low, high = math.inf, -math.inf
    needed = measured.names | (aggregate.of.names if aggregate.of else frozenset())
    if aggregate.kind == "share" and aggregate.body is not None:
        needed |= aggregate.body.names
    if decision.among is not None:
        needed |= decision.among.names
    for facts in completions([n for n in open_names if n in needed], values, settled, decision, view):
        counts = decision.among is None or decision.among.holds(facts)
        member.add(counts and (aggregate.of is None or aggregate.of.holds(facts)))
        if aggregate.kind == "share" and aggregate.body is not None:
            inside.add(aggregate.body.holds(facts))
        number = float(measured.value(facts))
        low, high = min(low, number), max(high, number)
    unknown_measure = [n for n in measured.names if values.get(n) is UNKNOWN]
    if unknown_measure and len(measured.names) == 1:
        definition = view.vocabulary[unknown_measure[0]]
        low, high = min(low, definition.low), max(high, definition.high)
    return member == {True}, True in member, low, high, inside == {True}, True in inside
