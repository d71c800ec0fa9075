"""A decision: labelled conditions with everything prepared that evaluation needs."""

from __future__ import annotations

import re
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


class _Counting:
    """What must be known of the lesions to judge a decision: counters, each once, how far they count, and numbers."""

    def __init__(self, sets: Mapping[str, Expression], among: Expression | None) -> None:
        self.sets, self.among = sets, among
        self.counters: list[_Counter] = []
        self.caps: list[int | None] = []
        self.numbers: list[Aggregate] = []
        self._index: dict[tuple[tuple[str, bool], ...], int] = {}

    def plan(self, condition: Expression | None) -> tuple[_AggregatePlan, ...]:
        """How the aggregates of one condition follow from counters and numbers."""
        if condition is None:
            return ()
        counted = sum(a.kind in ("count", "lesions") for a in condition.aggregates)
        cap: int | None = 1
        if counted:
            cap = int(max([0.0, *(abs(c) for c in condition.constants)])) + 1
            if counted > 1 and not _only_simple_counts(condition):
                cap = None
        return tuple(self._planned(aggregate, cap) for aggregate in condition.aggregates)

    def _planned(self, aggregate: Aggregate, cap: int | None) -> _AggregatePlan:
        kind, body, of = aggregate.kind, aggregate.body, aggregate.of
        if kind == "lesions":
            body = self.sets[str(aggregate.named_set)]
        if kind in ("largest", "smallest", "total") or aggregate.by is not None:
            self.numbers.append(aggregate)
            return _AggregatePlan(kind, number=len(self.numbers) - 1)
        if kind == "all":
            return _AggregatePlan("none", self._counter(1, (body, False), (of, True)))
        if kind == "share":
            counted = self._counter(None, (body, True), (of, True))
            return _AggregatePlan("share", counted, self._counter(None, (of, True)))
        return _AggregatePlan(kind, self._counter(1 if kind in ("any", "none") else cap, (body, True), (of, True)))

    def _counter(self, cap: int | None, *terms: tuple[Expression | None, bool]) -> int:
        """The index of the counter of lesions that meet these terms; it counts as far as any of its users needs."""
        wanted = [(e, w) for e, w in terms if e is not None]
        if self.among is not None:
            wanted.append((self.among, True))
        made = _Counter(tuple(wanted))
        if made.key() not in self._index:
            self._index[made.key()] = len(self.counters)
            self.counters.append(made)
            self.caps.append(cap)
        index = self._index[made.key()]
        known = self.caps[index]
        self.caps[index] = None if cap is None or known is None else max(known, cap)
        return index


def _prepare(
    options: tuple[tuple[Label, Expression | None], ...],
    exclusive: bool,
    sets: dict[str, Expression],
    among: Expression | None,
) -> Decision:
    counting = _Counting(sets, among)
    plans = tuple(counting.plan(condition) for _, condition in options)
    expressions: list[Expression] = [c for _, c in options if c is not None]
    for made in counting.counters:
        expressions.extend(e for e, _ in made.terms)
    for aggregate in counting.numbers:
        expressions.extend(e for e in (aggregate.body, aggregate.of, aggregate.by, among) if e is not None)
    names: set[str] = set()
    comparisons: list[Comparison] = []
    symbols: dict[str, set[str]] = {}
    for expression in expressions:
        names |= expression.names
        comparisons.extend(expression.comparisons)
        for name, values in expression.symbols.items():
            symbols.setdefault(name, set()).update(values)
    any_lesion = bool(counting.counters or counting.numbers)
    lesion_names = tuple(sorted(n for n in names if any_lesion and n.startswith("lesion.")))
    scalars = tuple(sorted(names - set(lesion_names)))
    return Decision(
        options=options,
        exclusive=exclusive,
        scalars=scalars,
        lesion_names=lesion_names,
        comparisons=tuple(comparisons),
        symbols={name: frozenset(values) for name, values in symbols.items()},
        counters=tuple(counting.counters),
        plans=plans,
        numbers=tuple(counting.numbers),
        caps=tuple(counting.caps),
        among=among,
        sets=sets,
        labels=tuple(dict.fromkeys(label for label, _ in options)),
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
    return bool(re.search(r"\)\s*(?:[<>]=?|==|!=)\s*(?:count|lesions)\(", text))


def remember(decision: Decision, key: Any, value: Any) -> Any:
    """Keep a result in the decision's memory, which is emptied when it is full; returns `value`."""
    if len(decision.memo) > MAX_MEMO:
        decision.memo.clear()
    decision.memo[key] = value
    return value
