"""Profile: a list of gates, each judged by itself. No overall verdict is built, here or anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lutetia.model import Citation, RuleError
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.possible import Decision, possible_labels, representatives
from lutetia.rules.rule import Frame, Spoken, plain, speak, spell
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
        gates = [gate for compiled in self.gates if (gate := judge_gate(compiled, view)) is not None]
        return tuple(sorted(gates, key=lambda gate: gate.state != INDETERMINATE))

    def questions(self, view: FactView, gates: Iterable[Gate]) -> tuple[Question, ...]:
        """What would settle the gates that are open, the most settling first."""
        by_id = {compiled.entry.id: compiled for compiled in self.gates}
        gains: dict[str, tuple[float, list[tuple[str, tuple[str, ...]]]]] = {}
        for gate in gates:
            compiled = by_id[gate.id]
            if not gate.missing or compiled.decision is None:
                continue
            for name in gate.missing:
                if not self.frame.vocabulary.askable(name):
                    continue
                answers = _answers(compiled.decision, view, name)
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


def judge_gate(compiled: CompiledGate, view: FactView) -> Gate | None:
    """The state of one gate; None when it certainly doesn't apply."""
    entry = compiled.entry
    open_names: tuple[str, ...] = ()
    applies: tuple[object, ...] = (True,)
    if compiled.applies is not None:
        found = possible_labels(compiled.applies, view)
        applies = found.labels
        if applies == (False,):
            return None
        if False in applies:
            open_names = found.open
    if compiled.decision is None:
        states: tuple[str, ...] = (str(entry.always),)
        inputs: tuple[tuple[str, object], ...] = ()
    else:
        found = possible_labels(compiled.decision, view)
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


def _answers(decision: Decision, view: FactView, name: str) -> list[tuple[str, tuple[str, ...]]]:
    value = UNKNOWN if name.startswith("lesion.") else view.get(name)
    if value is not UNKNOWN and not isinstance(value, OneOf):
        return [(spell(value), tuple(str(v) for v in possible_labels(decision, view).labels))]
    known = {n: v for n in decision.scalars if isinstance(v := view.get(n), bool | int | float | str)}
    result: list[tuple[str, tuple[str, ...]]] = []
    for answer in representatives(
        name,
        view.vocabulary[name],
        value,
        known,
        decision.comparisons,
        decision.symbols.get(name, frozenset()),
    )[:7]:
        labels = possible_labels(decision, view, assume={name: answer}).labels
        result.append((spell(answer), tuple(str(label) for label in labels)))
    return result
