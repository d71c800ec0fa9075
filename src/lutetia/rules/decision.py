"""A decision: labelled conditions with everything prepared that evaluation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lutetia.rules.expressions import Aggregate, Comparison, Expression, Scalar

MAX_MEMO = 20_000

Label = Scalar


@dataclass(frozen=True)
class _Counter:
    """Counts the lesions that meet all of `terms` (expression, wanted truth)."""

    terms: tuple[tuple[Expression, bool], ...]

    def key(self) -> tuple[tuple[str, bool], ...]:
        return tuple((expression.text, wanted) for expression, wanted in self.terms)


@dataclass(frozen=True)
class _AggregatePlan:
    """How the value of one aggregate follows from counters or from numbers."""

    kind: str
    counter: int = -1
    base: int = -1
    number: int = -1


@dataclass(frozen=True, eq=False)
class Decision:
    """Labelled conditions with everything prepared that evaluation needs."""

    options: tuple[tuple[Label, Expression | None], ...]
    exclusive: bool
    scalars: tuple[str, ...]
    lesion_names: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    symbols: Mapping[str, frozenset[str]]
    counters: tuple[_Counter, ...]
    plans: tuple[tuple[_AggregatePlan, ...], ...]
    numbers: tuple[Aggregate, ...]
    caps: tuple[int | None, ...]
    among: Expression | None = None
    sets: Mapping[str, Expression] = field(default_factory=dict)
    labels: tuple[Label, ...] = field(default=())
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(
        options: Sequence[tuple[Label, Expression | None]],
        *,
        exclusive: bool = False,
        sets: Mapping[str, Expression] | None = None,
        among: Expression | None = None,
    ) -> Decision:
        """Prepare a decision.

        Parameters
        ----------
        options : (label, condition) from the top; None takes what is left
        exclusive : the conditions exclude each other (gates); otherwise the first that holds counts
        sets : named predicates over a lesion, for ``lesions('name')``
        among : which lesions count at all
        """
        return _prepare(tuple(options), exclusive, dict(sets or {}), among)

    def label(self, facts: Mapping[str, Any], aggregates: Sequence[tuple[Any, ...]] | None = None) -> list[Label]:
        """The labels that hold for complete facts (one, if the rule is sound)."""
        found: list[Label] = []
        for index, (label, condition) in enumerate(self.options):
            if condition is None:
                if not found:
                    found.append(label)
                continue
            if condition.holds(facts, aggregates[index] if aggregates else ()):
                found.append(label)
                if not self.exclusive:
                    return found
        return found


def _prepare(
    options: tuple[tuple[Label, Expression | None], ...],
    exclusive: bool,
    sets: dict[str, Expression],
    among: Expression | None,
) -> Decision:
    counters: dict[tuple[tuple[str, bool], ...], int] = {}
    counter_list: list[_Counter] = []
    caps: list[int | None] = []
    numbers: list[Aggregate] = []
    plans: list[tuple[_AggregatePlan, ...]] = []

    def counter(cap: int | None, *terms: tuple[Expression | None, bool]) -> int:
        wanted = [(e, w) for e, w in terms if e is not None]
        if among is not None:
            wanted.append((among, True))
        made = _Counter(tuple(wanted))
        if made.key() not in counters:
            counters[made.key()] = len(counter_list)
            counter_list.append(made)
            caps.append(cap)
        index = counters[made.key()]
        known = caps[index]
        caps[index] = None if cap is None or known is None else max(known, cap)
        return index

    for _, condition in options:
        mine: list[_AggregatePlan] = []
        aggregates = condition.aggregates if condition else ()
        counted = sum(a.kind in ("count", "lesions") for a in aggregates)
        cap: int | None = 1
        if condition is not None and counted:
            cap = int(max([0.0, *(abs(c) for c in condition.constants)])) + 1
            if counted > 1 and not _only_simple_counts(condition):
                cap = None
        for aggregate in aggregates:
            body, of = aggregate.body, aggregate.of
            if aggregate.kind == "lesions":
                body = sets[str(aggregate.named_set)]
            if aggregate.kind in ("largest", "smallest", "total") or aggregate.by is not None:
                mine.append(_AggregatePlan(aggregate.kind, number=len(numbers)))
                numbers.append(aggregate)
            elif aggregate.kind == "all":
                mine.append(_AggregatePlan("none", counter(1, (body, False), (of, True))))
            elif aggregate.kind == "share":
                mine.append(_AggregatePlan("share", counter(None, (body, True), (of, True)), counter(None, (of, True))))
            elif aggregate.kind in ("any", "none"):
                mine.append(_AggregatePlan(aggregate.kind, counter(1, (body, True), (of, True))))
            else:
                mine.append(_AggregatePlan(aggregate.kind, counter(cap, (body, True), (of, True))))
        plans.append(tuple(mine))
    expressions: list[Expression] = [c for _, c in options if c is not None]
    for made in counter_list:
        expressions.extend(e for e, _ in made.terms)
    for aggregate in numbers:
        expressions.extend(e for e in (aggregate.body, aggregate.of, aggregate.by, among) if e is not None)
    names: set[str] = set()
    comparisons: list[Comparison] = []
    symbols: dict[str, set[str]] = {}
    for expression in expressions:
        names |= expression.names
        comparisons.extend(expression.comparisons)
        for name, values in expression.symbols.items():
            symbols.setdefault(name, set()).update(values)
    any_lesion = bool(counter_list or numbers)
    lesion_names = tuple(sorted(n for n in names if any_lesion and n.startswith("lesion.")))
    scalars = tuple(sorted(names - set(lesion_names)))
    labels: list[Label] = []
    for label, _ in options:
        if label not in labels:
            labels.append(label)
    return Decision(
        options=options,
        exclusive=exclusive,
        scalars=scalars,
        lesion_names=lesion_names,
        comparisons=tuple(comparisons),
        symbols={name: frozenset(values) for name, values in symbols.items()},
        counters=tuple(counter_list),
        plans=tuple(plans),
        numbers=tuple(numbers),
        caps=tuple(caps),
        among=among,
        sets=sets,
        labels=tuple(labels),
    )


@lru_cache(maxsize=8192)
def condition(expression: Expression) -> Decision:
    """The decision whether a condition holds: labels True and False."""
    return Decision.of([(True, expression), (False, None)])


def _only_simple_counts(condition: Expression) -> bool:
    """Whether counts are compared with numbers only, never with one another (then they may be capped)."""
    text = condition.text
    return "+" not in text and "-" not in text and "*" not in text and "/" not in text and not _count_pair(text)


def _count_pair(text: str) -> bool:
    import re

    return bool(re.search(r"\)\s*(?:[<>]=?|==|!=)\s*(?:count|lesions)\(", text))


def remember(decision: Decision, key: Any, value: Any) -> Any:
    """Keep a result in the decision's memory, which is emptied when it is full; returns `value`."""
    if len(decision.memo) > MAX_MEMO:
        decision.memo.clear()
    decision.memo[key] = value
    return value
