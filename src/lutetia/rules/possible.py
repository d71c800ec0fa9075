"""Three-valued evaluation: which results do the completions of the facts allow?

A `Decision` is a list of labelled conditions. With every fact known exactly one label holds. With facts missing,
each missing fact is replaced by one representative of every class of values that the conditions can tell apart
(for a number: below, at and above each cut), and the labels met are collected. Lesions are counted, not multiplied
out: what matters of a lesion is which of the counted conditions it meets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

from lutetia.rules.expressions import Aggregate, Comparison, Expression, Scalar, is_number
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf
from lutetia.rules.vocabulary import FactDefinition

MAX_COMPLETIONS = 60_000
MAX_STATES = 6_000
MAX_MEMO = 20_000
Label = Scalar


@dataclass(frozen=True)
class Possible:
    """The labels that completions allow, in the order of the decision.

    ``open`` are the facts that were not settled; ``exact`` is False when the completions were too many to enumerate.
    """

    labels: tuple[Label, ...]
    open: tuple[str, ...] = ()
    exact: bool = True


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


# ---------------------------------------------------------------------------------------------- representatives


def representatives(
    name: str,
    definition: FactDefinition,
    value: Fact,
    known: Mapping[str, Any],
    comparisons: Iterable[Comparison],
    mentioned: frozenset[str],
) -> tuple[Scalar, ...]:
    """One value of every class that the conditions can tell apart, of those still possible."""
    if isinstance(value, OneOf):
        return tuple(sorted(value.values, key=lambda v: (str(type(v)), v)))
    if value is not UNKNOWN:
        return (value,)  # type: ignore[return-value]
    if definition.kind == "yes_no":
        return (False, True)
    if definition.kind == "choice":
        named = [v for v in definition.values if v in mentioned]
        rest = [v for v in definition.values if v not in mentioned]
        return tuple(named + rest[:1])
    if definition.kind == "text":
        return ("",)
    if definition.kind == "integer" and definition.high - definition.low <= 12:
        return tuple(range(int(definition.low), int(definition.high) + 1))
    return _number_classes(name, definition, known, comparisons)


def _number_classes(
    name: str, definition: FactDefinition, known: Mapping[str, Any], comparisons: Iterable[Comparison]
) -> tuple[Scalar, ...]:
    low, high = definition.low, definition.high
    whole = definition.kind in ("integer", "date")
    cuts: set[float] = set()
    coupled = False
    for comparison in comparisons:
        if name not in comparison.names:
            continue
        if not (comparison.names - {name}) <= known.keys():
            coupled = True
            continue
        turns = roots(name, comparison, known)
        if turns is None:
            coupled = True
        else:
            cuts.update(turn for turn in turns if low <= turn <= high)
    if coupled:
        cuts.update({low + (high - low) * share for share in (0.001, 0.02, 0.2, 0.6)})
    ordered = sorted(cuts)
    if not ordered:
        return (int((low + high) / 2) if whole else (low + high) / 2,)
    points: list[float] = []
    previous = low
    for cut in ordered:
        if cut > previous:
            points.append((previous + cut) / 2)
        points.append(cut)
        previous = cut
    if previous < high:
        points.append((previous + high) / 2)
    if not whole:
        return tuple(points)
    return tuple(
        sorted({int(v) for p in points for v in (math.floor(p), math.ceil(p)) if low <= v <= high})
        or [int((low + high) / 2)]
    )


def answers_in_words(
    answers: Sequence[tuple[Scalar, tuple[str, ...]]], definition: FactDefinition
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Answers with what each would leave; neighbouring numbers that leave the same are one stretch (``≥ 40, < 60``).

    `answers` of a number must be representatives in rising order: stretches and cuts alternate, stretch first.
    """
    if definition.kind not in ("number", "integer") or len(answers) < 3 or len(answers) % 2 == 0:
        return tuple((_word(value), left) for value, left in answers)
    groups: list[tuple[int, int, tuple[str, ...]]] = []
    for index, (_, left) in enumerate(answers):
        if groups and groups[-1][2] == left:
            groups[-1] = (groups[-1][0], index, left)
        else:
            groups.append((index, index, left))
    last = len(answers) - 1
    words: list[tuple[str, tuple[str, ...]]] = []
    for first, end, left in groups:
        parts: list[str] = []
        if first == end and first % 2:
            parts.append(_word(answers[first][0]))
        else:
            if first > 0:
                parts.append(f"≥ {_word(answers[first][0])}" if first % 2 else f"> {_word(answers[first - 1][0])}")
            if end < last:
                parts.append(f"≤ {_word(answers[end][0])}" if end % 2 else f"< {_word(answers[end + 1][0])}")
        words.append((", ".join(parts) or "any", left))
    return tuple(words)


def _word(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def roots(name: str, comparison: Comparison, known: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Where the comparison turns, as a function of `name` alone; None if neither linear nor a simple quotient."""

    def difference(x: float) -> float:
        facts = {**known, name: x}
        left, right = comparison.left.value(facts), comparison.right.value(facts)
        if not (is_number(left) and is_number(right)):
            return math.nan
        return float(left) - float(right)

    one, two, three = difference(1.0), difference(2.0), difference(3.0)
    if any(math.isnan(v) for v in (one, two, three)):
        return None
    slope = two - one
    if math.isclose(three - two, slope, rel_tol=1e-9, abs_tol=1e-12):
        return () if slope == 0 else (_clean(1.0 - one / slope),)
    first, second, third = one, 2 * two, 3 * three
    slope = second - first
    if math.isclose(third - second, slope, rel_tol=1e-9, abs_tol=1e-12) and slope != 0:
        return (_clean(1.0 - first / slope),)
    return None


def _clean(value: float) -> float:
    return float(f"{value:.12g}")


# ---------------------------------------------------------------------------------------------- completions


def possible_labels(decision: Decision, view: FactView, *, assume: Mapping[str, Fact] | None = None) -> Possible:
    """The labels that some completion of the facts gives.

    `assume` replaces facts (of the patient, or of every lesion for names that start with ``lesion.``).
    """
    if assume:
        row = tuple(assume[name] if name in assume else view.get(name) for name in decision.scalars)
    else:
        row = tuple([view.get(name) for name in decision.scalars])
    columns: list[tuple[Fact, ...]] = []
    count = 0
    if decision.counters or decision.numbers:
        count = len(view.lesions)
        columns = [
            (assume[name],) * count if assume and name in assume else view.column(name)
            for name in decision.lesion_names
        ]
    key = ("possible", row, count, *columns)
    remembered: Possible | None = decision.memo.get(key)
    if remembered is None:
        lesion_values = list(zip(*columns, strict=True)) if columns else [()] * count
        remembered = _remember(decision, key, _possible(decision, view, row, columns, lesion_values))
    return remembered


def _possible(
    decision: Decision,
    view: FactView,
    row: Sequence[Fact],
    columns: Sequence[tuple[Fact, ...]],
    lesion_values: Sequence[tuple[Fact, ...]],
) -> Possible:
    values = dict(zip(decision.scalars, row, strict=True))
    still_open = [name for name, value in values.items() if isinstance(value, OneOf) or value is UNKNOWN]
    for name, column in zip(decision.lesion_names, columns, strict=bool(columns)):
        if any(value is UNKNOWN or isinstance(value, OneOf) for value in column):
            still_open.append(name)
    known = {name: value for name, value in values.items() if name not in still_open}
    open_scalars = [name for name in decision.scalars if name in still_open]
    found: set[Label] = set()
    exact = True
    budget = MAX_COMPLETIONS
    for completion in _completions(open_scalars, values, known, decision, view):
        budget -= 1
        if budget < 0:
            exact = False
            found.update(decision.labels)
            break
        states, exact_here = _lesion_states(decision, lesion_values, completion, view)
        exact = exact and exact_here
        if not exact_here:
            found.update(decision.labels)
        scalars = tuple(completion.get(name) for name in decision.scalars)
        for state, number_choice in states:
            key = ("labels", scalars, state, number_choice)
            labels = decision.memo.get(key)
            if labels is None:
                aggregates = aggregate_values(decision, state, number_choice)
                labels = _remember(decision, key, tuple(decision.label(completion, aggregates)))
            found.update(labels)
        if len(found) == len(decision.labels):
            break
    return Possible(tuple(label for label in decision.labels if label in found), tuple(still_open), exact)


def _completions(
    names: Sequence[str], values: Mapping[str, Fact], known: Mapping[str, Any], decision: Decision, view: FactView
) -> Iterator[dict[str, Any]]:
    if not names:
        yield dict(known)
        return
    name, rest = names[0], names[1:]
    for value in representatives(
        name,
        view.vocabulary[name],
        values[name],
        known,
        decision.comparisons,
        decision.symbols.get(name, frozenset()),
    ):
        yield from _completions(rest, values, {**known, name: value}, decision, view)


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
    states, exact = _lesion_states(decision, lesion_values, known, view, uncapped=uncapped)
    return [aggregate_values(decision, counts, numbers) for counts, numbers in states], exact


def _lesion_states(
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
            vectors = _remember(decision, key, truth_vectors(decision, row, known, view))
        if len(vectors) == 1:
            for index, truth in enumerate(next(iter(vectors))):
                base[index] += truth
        else:
            uncertain[vectors] = uncertain.get(vectors, 0) + 1
    caps: tuple[int | None, ...] = (None,) * width if uncapped else decision.caps
    states, exact = _sums(tuple(base), uncertain, caps)
    choices = [_number_candidates(a, decision, lesion_values, known, view) for a in decision.numbers]
    return [(state, tuple(choice)) for state in states for choice in product(*choices)], exact


def _remember(decision: Decision, key: Any, value: Any) -> Any:
    if len(decision.memo) > MAX_MEMO:
        decision.memo.clear()
    decision.memo[key] = value
    return value


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
    for count, facts in enumerate(_completions(open_names, values, settled, decision, view)):
        vectors.add(
            tuple(all(e.holds(facts) is wanted for e, wanted in counter.terms) for counter in decision.counters)
        )
        if count > MAX_COMPLETIONS:
            break
    return frozenset(vectors)


def aggregate_values(decision: Decision, counts: tuple[int, ...], numbers: tuple[float, ...]) -> list[tuple[Any, ...]]:
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


# ---------------------------------------------------------------------------------------------- numbers over lesions


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
    for facts in _completions([n for n in open_names if n in needed], values, settled, decision, view):
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
