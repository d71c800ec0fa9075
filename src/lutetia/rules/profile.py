"""Profile: a list of gates, each judged by itself. No overall verdict is built, here or anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lutetia.model import Citation, RuleError
from lutetia.rules.answer_classes import answers_in_words, representatives
from lutetia.rules.decision import Decision
from lutetia.rules.expressions import Scalar
from lutetia.rules.facts import UNKNOWN, Fact, FactView
from lutetia.rules.possible import possible_labels
from lutetia.rules.rule import Frame, Spoken, plain, speak
from lutetia.rules.schema import GateEntry
from lutetia.rules.verdict import Gate, Question

INDETERMINATE = "indeterminate"


@dataclass(frozen=True, eq=False)
class CompiledGate:
    """One gate: its states as exclusive conditions, and when it applies."""

    entry: GateEntry
    decision: Decision | None
    applies: Decision | None
    citations: tuple[Citation, ...]
    memo: dict[tuple[Any, ...], Gate | None] = field(default_factory=dict, repr=False)

    def key(self, view: FactView) -> tuple[Any, ...]:
        """Everything this gate looks at."""
        parts: list[Any] = []
        for decision in (self.applies, self.decision):
            if decision is None:
                continue
            parts.extend([view.get(name) for name in decision.scalars])
            if decision.counters or decision.numbers:
                parts.append(len(view.lesions))
                parts.extend([view.column(name) for name in decision.lesion_names])
        return tuple(parts)


@dataclass(frozen=True, eq=False)
class Profile:
    """A compiled profile."""

    frame: Frame
    gates: tuple[CompiledGate, ...]
    statements: tuple[Spoken, ...]

    @staticmethod
    def compile(frame: Frame) -> Profile:
        """Prepare a profile from its file."""
        gates: list[CompiledGate] = []
        seen: set[str] = set()
        for i, entry in enumerate(frame.file.gates):
            path = ("gates", i)
            where = frame.document.where(path)
            if entry.id in seen:
                raise RuleError("duplicate-row", f"The gate {entry.id} stands twice", where=where)
            seen.add(entry.id)
            gates.append(_gate(frame, entry, i))
        return Profile(frame, tuple(gates), speak(frame, frame.file.statements, "statements"))

    def judge(self, view: FactView) -> tuple[Gate, ...]:
        """Every gate that applies, each by itself. Gates that can't be judged stand first."""
        gates = [gate for compiled in self.gates if (gate := _remembered(compiled, view)) is not None]
        return tuple(sorted(gates, key=lambda gate: gate.state != INDETERMINATE))

    def questions(self, view: FactView, gates: Iterable[Gate]) -> tuple[Question, ...]:
        """What would settle the gates that are open, the most settling first."""
        by_id = {compiled.entry.id: compiled for compiled in self.gates}
        gains: dict[str, tuple[float, list[tuple[str, tuple[str, ...]]]]] = {}
        for gate in gates:
            compiled = by_id[gate.id]
            if not gate.missing:
                continue
            for name in gate.missing:
                if not self.frame.vocabulary.askable(name):
                    continue
                answers = _answers(compiled, view, name)
                now = len(gate.possible)
                mean = sum(len(left) for _, left in answers) / len(answers)
                gain = (now - mean) / now if now else 0.0
                total, listed = gains.get(name, (0.0, []))
                listed = listed + [(f"{gate.id}: {answer}", left) for answer, left in answers]
                gains[name] = (total + gain, listed)
        vocabulary = self.frame.vocabulary
        ranked = [
            Question(
                name,
                vocabulary[name].ask,
                view.identity or "patient",
                tuple(answers),
                round(gain, 4),
                vocabulary[name].unit,
                self.frame.file.rule,
            )
            for name, (gain, answers) in gains.items()
        ]
        return tuple(sorted(ranked, key=lambda q: -q.gain))


def _gate(frame: Frame, entry: GateEntry, index: int) -> CompiledGate:
    path = ("gates", index)
    where = frame.document.where(path)
    conditions: Mapping[str, object] = entry.model_extra or {}
    states = frame.file.states
    for state in (
        *conditions,
        *([entry.otherwise] if entry.otherwise else []),
        *([entry.always] if entry.always else []),
    ):
        if state not in states:
            raise RuleError("state", f"{state!r} is no state of this profile", where=where, expected=", ".join(states))
    if bool(entry.always) == bool(conditions):
        raise RuleError("gate", f"The gate {entry.id} needs either 'always' or conditions", where=where)
    decision = None
    if conditions:
        options = [(state, frame.expression(_text(text), (*path, state))) for state, text in conditions.items()]
        final = [(entry.otherwise, None)] if entry.otherwise else []
        decision = Decision.of([*options, *final], exclusive=True)
    applies = None
    if entry.applies is not None:
        applies = Decision.of([(True, frame.expression(entry.applies, (*path, "applies"))), (False, None)])
    for key in entry.conventions:
        frame.convention(key)
    return CompiledGate(entry, decision, applies, frame.citations(entry.cite, path))


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _remembered(compiled: CompiledGate, view: FactView) -> Gate | None:
    key = compiled.key(view)
    if key not in compiled.memo:
        if len(compiled.memo) > 5_000:
            compiled.memo.clear()
        compiled.memo[key] = judge_gate(compiled, view)
    return compiled.memo[key]


def judge_gate(compiled: CompiledGate, view: FactView, *, assume: Mapping[str, Fact] | None = None) -> Gate | None:
    """The state of one gate; None when it certainly doesn't apply. `assume` answers facts otherwise."""
    entry = compiled.entry
    open_names: tuple[str, ...] = ()
    applies: tuple[object, ...] = (True,)
    if compiled.applies is not None:
        found = possible_labels(compiled.applies, view, assume=assume)
        applies = found.labels
        if applies == (False,):
            return None
        if False in applies:
            open_names = found.open
    if compiled.decision is None:
        states: tuple[str, ...] = (str(entry.always),)
        inputs: tuple[tuple[str, object], ...] = ()
    else:
        found = possible_labels(compiled.decision, view, assume=assume)
        states = tuple(str(label) for label in found.labels)
        if len(states) > 1:
            open_names = tuple(dict.fromkeys((*open_names, *found.open)))
        inputs = tuple(
            (name, plain(view.get(name))) for name in compiled.decision.scalars if view.get(name) is not UNKNOWN
        )
    if False in applies:
        states = (*states, "does not apply")
    state = states[0] if len(states) == 1 else INDETERMINATE
    return Gate(
        id=entry.id,
        title=entry.title,
        state=state,
        possible=states,
        citations=compiled.citations,
        missing=open_names,
        conventions=entry.conventions,
        say=entry.say.get(state, ""),
        ask=entry.ask if state not in ("silent", "not_addressed") else "",
        why=entry.why,
        inputs=inputs,
    )


def _answers(compiled: CompiledGate, view: FactView, name: str) -> list[tuple[str, tuple[str, ...]]]:
    """What each answer to one question would leave of a gate."""
    decisions = [d for d in (compiled.decision, compiled.applies) if d is not None]
    value: Fact = UNKNOWN if name.startswith("lesion.") else view.get(name)
    known = {
        n: v
        for d in decisions
        for n in d.scalars
        if n != name and isinstance(v := view.get(n), bool | int | float | str)
    }
    definition = view.vocabulary[name]
    mentioned = frozenset(symbol for d in decisions for symbol in d.symbols.get(name, ()))
    comparisons = [comparison for d in decisions for comparison in d.comparisons]
    left: list[tuple[Scalar, tuple[str, ...]]] = []
    for answer in representatives(name, definition, value, known, comparisons, mentioned)[:21]:
        gate = judge_gate(compiled, view, assume={name: answer})
        left.append((answer, gate.possible if gate is not None else ("does not apply",)))
    return list(answers_in_words(left, definition))
