"""The classes of values that conditions can tell apart, one representative of each.

For a number: below, at and above each cut; for a choice: each allowed value that some condition names, and one other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lutetia.rules.expressions import Comparison, Scalar, is_number
from lutetia.rules.facts import UNKNOWN, Fact, OneOf
from lutetia.rules.vocabulary import FactDefinition


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
