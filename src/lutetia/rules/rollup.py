"""Rollup: lesions → patient. The pick, the counts, and what must never be hidden by the pick."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lutetia.model import RuleError
from lutetia.rules.answer_classes import answers_in_words, representatives
from lutetia.rules.decision import Decision, condition
from lutetia.rules.expressions import Aggregate, Expression, Scalar, same
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf
from lutetia.rules.lesion_states import number_range, truth_vectors
from lutetia.rules.possible import Possible, possible_labels
from lutetia.rules.rule import Frame
from lutetia.rules.schema import ValueEntry
from lutetia.rules.verdict import Question, Row


@dataclass(frozen=True, eq=False)
class Rollup:
    """A compiled rollup."""

    frame: Frame
    decision: Decision
    rows: Mapping[str, Row]
    says: Mapping[str, str]
    sets: Mapping[str, Expression]
    among: Expression | None
    hidden: tuple[tuple[str, str, Expression], ...]
    values: tuple[tuple[ValueEntry, tuple[Decision, ...]], ...]
    requires: tuple[tuple[Decision, str], ...]
    eligible: Decision | None = None

    @staticmethod
    def compile(frame: Frame) -> Rollup:
        """Prepare a rollup from its file."""
        file = frame.file
        sets = {name: frame.expression(entry.when, ("sets", name, "when")) for name, entry in file.sets.items()}
        among = frame.expression(file.lesions, ("lesions",)) if file.lesions is not None else None
        options: list[tuple[Any, Expression | None]] = []
        rows: dict[str, Row] = {}
        for i, entry in enumerate(file.outcomes):
            path = ("outcomes", i)
            if entry.id in rows:
                raise RuleError(
                    "duplicate-row", f"The outcome {entry.id} stands twice", where=frame.document.where(path)
                )
            when = frame.expression(entry.when, (*path, "when")) if entry.when is not None else None
            if when is not None:
                _check_sets(when, sets, frame.document.where(path))
            options.append((entry.id, when))
            rows[entry.id] = Row(
                entry.id,
                entry.result,
                frame.citations(entry.cite, path),
                entry.conventions,
                tuple((k, str(v)) for k, v in entry.then.items()),
                entry.note,
            )
        hidden = []
        for i, item in enumerate(file.never_hidden):
            if item.set not in sets:
                raise RuleError(
                    "unknown-set", f"There is no set {item.set!r}", where=frame.document.where(("never_hidden", i))
                )
            hidden.append((item.set, item.title or file.sets[item.set].title or item.set, sets[item.set]))
        values = tuple(
            (
                value,
                tuple(
                    Decision.of([("x", frame.expression(of, ("values", i, "of")))], sets=sets, among=among)
                    for of in value.of
                ),
            )
            for i, value in enumerate(file.values)
        )
        requires = tuple(
            (Decision.of([(True, frame.expression(r.when, ("requires", i, "when"))), (False, None)], sets=sets), r.say)
            for i, r in enumerate(file.requires)
        )
        decision = Decision.of(options, sets=sets, among=among)
        says = {entry.id: entry.say for entry in file.outcomes if entry.say}
        eligible = None
        if file.targets is not None:
            eligible = condition(frame.expression(file.targets.when, ("targets", "when")))
        return Rollup(frame, decision, rows, says, sets, among, tuple(hidden), values, requires, eligible)

    def outcomes(self, view: FactView, *, assume: Mapping[str, Fact] | None = None) -> Possible:
        """Ids of the outcomes that completions allow."""
        return possible_labels(self.decision, view, assume=assume)

    def results(self, outcomes: Sequence[Any]) -> tuple[str, ...]:
        """The distinct results of outcomes."""
        return tuple(dict.fromkeys(self.rows[str(o)].result for o in outcomes))

    def not_scorable(self, view: FactView) -> str | None:
        """The first requirement that is certainly not met (or not known to be met)."""
        for decision, say in self.requires:
            if possible_labels(decision, view).labels != (True,):
                return say
        return None

    def members(self, view: FactView, which: Expression, *, among: bool = True) -> tuple[str, ...]:
        """Lesions that belong to a set; those that may belong carry a question mark."""
        names: list[str] = []
        counts = condition(self.among) if self.among is not None and among else None
        for lesion in view.lesions:
            labels = possible_labels(condition(which), lesion).labels
            inside = possible_labels(counts, lesion).labels if counts is not None else (True,)
            if True in labels and True in inside:
                certain = labels == (True,) and inside == (True,)
                names.append(lesion.identity if certain else f"{lesion.identity}?")
        return tuple(names)

    def reported(self, entry: ValueEntry, decisions: Sequence[Decision], view: FactView) -> Any:
        """A reported number; (low, high) where lesions are open; with ``who`` the lesions that have it."""
        numbers = [_reported(decision, view) for decision in decisions]
        if not entry.who:
            return numbers[0] if len(numbers) == 1 else tuple(numbers)
        measured = decisions[0].numbers[0].body
        if measured is None or len(measured.names) != 1 or not isinstance(numbers[0], int | float):
            return None
        (name,) = measured.names
        return tuple(v.identity for v in view.lesions if same(v.get(name), numbers[0]))

    def questions(self, view: FactView, possible: Possible) -> tuple[Question, ...]:
        """Open questions, each asked of all lesions that leave it open, the most settling first."""
        now = len(self.results(possible.labels))
        if now <= 1:
            return ()
        ranked: list[Question] = []
        for name in possible.open:
            definition = self.frame.vocabulary[name]
            if not self.frame.vocabulary.askable(name):
                continue  # the rule that gives it asks the question behind it
            value: Fact = UNKNOWN if name.startswith("lesion.") else view.get(name)
            tried: list[tuple[Scalar, tuple[str, ...]]] = []
            for answer in representatives(
                name,
                definition,
                value,
                {},
                self.decision.comparisons,
                self.decision.symbols.get(name, frozenset()),
            )[:13]:
                narrowed = _answered(view, name, answer) if name.startswith("lesion.") else view.changed({name: answer})
                tried.append((answer, self.results(self.outcomes(narrowed).labels)))
            left = answers_in_words(tried, definition)
            mean = sum(len(r) for _, r in left) / len(left)
            answers = tuple(answer for answer, _ in tried)
            subject = ", ".join(_asked(self.decision, view, name, answers)) if name.startswith("lesion.") else "patient"
            ranked.append(
                Question(
                    name,
                    definition.ask,
                    subject,
                    left,
                    round((now - mean) / now, 4),
                    definition.unit,
                    self.frame.file.rule,
                )
            )
        return tuple(sorted(ranked, key=lambda q: -q.gain))

    def targets(self, view: FactView) -> tuple[str, ...]:
        """The target lesions; where the largest of a group is not the chosen one it is named too, as ``(largest)``."""
        rule = self.frame.file.targets
        if rule is None:
            return ()
        chosen = [
            v for v in view.lesions if self.eligible is not None and possible_labels(self.eligible, v).labels == (True,)
        ]
        if rule.at_most_per:
            return _capped(chosen, rule.up_to, rule.at_most_per)
        if len(chosen) <= rule.up_to or rule.otherwise is None:
            return tuple(v.identity for v in chosen)
        groups: dict[str, list[FactView]] = {}
        for lesion in chosen:
            groups.setdefault(str(lesion.get(rule.otherwise.one_per)), []).append(lesion)
        names: list[str] = []
        for members in groups.values():
            by, tie = rule.otherwise.by, rule.otherwise.tie
            first = max(members, key=lambda v: (_number(v.get(by)), _number(v.get(tie))))
            largest = max(members, key=lambda v: (_number(v.get(tie)), _number(v.get(by))))
            names.append(first.identity)
            if largest is not first and _number(largest.get(tie)) > _number(first.get(tie)):
                names.append(f"{largest.identity} (largest)")
        return tuple(names)


def _capped(lesions: list[FactView], up_to: int, rule: Mapping[str, Any]) -> tuple[str, ...]:
    """At most `up_to` lesions, at most ``n`` per group, the hottest first."""
    names: list[str] = []
    taken: dict[str, int] = {}
    for lesion in sorted(lesions, key=lambda v: -_number(v.get(str(rule["by"])))):
        group = str(lesion.get(str(rule["group"])))
        if len(names) < up_to and taken.get(group, 0) < int(rule["n"]):
            names.append(lesion.identity)
            taken[group] = taken.get(group, 0) + 1
    return tuple(names)


def _number(value: Fact) -> float:
    return float(value) if isinstance(value, int | float) else -math.inf


def _answered(view: FactView, name: str, answer: Any) -> FactView:
    """Every lesion that leaves `name` open answered the same way."""
    patient = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity=view.identity)
    given: list[dict[str, Fact]] = []
    for lesion in view.lesions:
        value = lesion.get(name)
        is_open = value is UNKNOWN or (isinstance(value, OneOf) and answer in value.values)
        given.append({**lesion.given, name: answer} if is_open else dict(lesion.given))
    return patient.with_lesions(given, [lesion.identity for lesion in view.lesions])


def _asked(decision: Decision, view: FactView, name: str, answers: Sequence[Scalar]) -> tuple[str, ...]:
    """The lesions that leave `name` open and whose answer could matter; all of these if that can't be told."""
    still_open = [v for v in view.lesions if isinstance(v.get(name), OneOf) or v.get(name) is UNKNOWN]
    scalars = {n: view.get(n) for n in decision.scalars}
    mattering = still_open
    if not any(isinstance(value, OneOf) or value is UNKNOWN for value in scalars.values()):
        mattering = [v for v in still_open if _matters(decision, v, name, answers, scalars, view)] or still_open
    names = [v.identity for v in mattering]
    return tuple(names[:5] + (["…"] if len(names) > 5 else []))


def _matters(
    decision: Decision,
    lesion: FactView,
    name: str,
    answers: Sequence[Scalar],
    scalars: Mapping[str, Any],
    view: FactView,
) -> bool:
    row = tuple(lesion.get(n) for n in decision.lesion_names)
    position = decision.lesion_names.index(name) if name in decision.lesion_names else -1
    if position < 0:
        return True
    found = {
        truth_vectors(decision, (*row[:position], answer, *row[position + 1 :]), scalars, view) for answer in answers
    }
    return len(found) > 1


def _check_sets(expression: Expression, sets: Mapping[str, Expression], where: str) -> None:
    for aggregate in expression.aggregates:
        if aggregate.named_set is not None and aggregate.named_set not in sets:
            raise RuleError(
                "unknown-set", f"There is no set {aggregate.named_set!r}", where=where, expected=", ".join(sets)
            )


def _reported(decision: Decision, view: FactView) -> Any:
    """One number, or (low, high) when lesions leave it open."""
    key = (
        "reported",
        tuple(view.get(name) for name in decision.scalars),
        len(view.lesions),
        *(view.column(name) for name in decision.lesion_names),
    )
    if key not in decision.memo:
        decision.memo[key] = _number_or_range(decision, view)
    return decision.memo[key]


def _number_or_range(decision: Decision, view: FactView) -> Any:
    plans = decision.plans[0]
    values = {name: view.get(name) for name in decision.scalars}
    known = {n: v for n, v in values.items() if not (isinstance(v, OneOf) or v is UNKNOWN)}
    if len(known) < len(values):
        return None
    columns = [view.column(name) for name in decision.lesion_names]
    rows: list[tuple[Fact, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(view.lesions)
    if len(plans) == 1 and plans[0].number >= 0:
        low, high = number_range(decision.numbers[0], decision.lesion_names, rows, known, view, decision)
        if math.isnan(low) or (low != high and _unmeasured(decision.numbers[0], (low, high), decision, rows, view)):
            return None
        return _tidy(low) if low == high else (_tidy(low), _tidy(high))
    from lutetia.rules.lesion_states import lesion_states

    expression = decision.options[0][1]
    assert expression is not None
    states, _ = lesion_states(decision, rows, known, view, uncapped=True)
    found = sorted({float(expression.value(known, aggregates[0])) for aggregates in states})
    found = [v for v in found if not math.isnan(v)]
    if not found:
        return None
    return _tidy(found[0]) if len(found) == 1 else (_tidy(found[0]), _tidy(found[-1]))


def _unmeasured(
    aggregate: Aggregate,
    ends: tuple[float, float],
    decision: Decision,
    rows: Sequence[tuple[Fact, ...]],
    view: FactView,
) -> bool:
    """Whether a range only says that a measured number is missing: an end is the end of what is possible at all."""
    measured = aggregate.by if aggregate.kind == "share" else aggregate.body
    if measured is None or len(measured.names) != 1:
        return False
    (name,) = measured.names
    definition = view.vocabulary[name]
    if definition.kind != "number":
        return False
    if aggregate.kind in ("share", "total"):
        position = decision.lesion_names.index(name)
        return any(row[position] is UNKNOWN for row in rows)
    return ends[0] <= definition.low or ends[1] >= definition.high


def _tidy(value: float) -> float | int:
    return int(value) if float(value).is_integer() else round(value, 6)
