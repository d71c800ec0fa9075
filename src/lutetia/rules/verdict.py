"""What a rule says: the results still possible, the rows behind them, the citations, and the questions left."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any

from lutetia.model import Citation, ConventionUse, Record


@dataclass(frozen=True, slots=True)
class Row:
    """A row, cut, outcome or gate that decided or may decide."""

    id: str
    result: str
    citations: tuple[Citation, ...] = ()
    conventions: tuple[str, ...] = ()
    then: tuple[tuple[str, Any], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """An open question and what each answer would leave.

    ``gain`` is the share of the possible results that an answer removes on average; questions are ranked by it.
    """

    fact: str
    ask: str
    subject: str
    answers: tuple[tuple[str, tuple[str, ...]], ...]
    gain: float
    unit: str = ""
    rule: str = ""
    proposal: str = ""
    proposal_reason: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that goes with a verdict: code, text, level, sources."""

    code: str
    message: str
    level: str = "caution"
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate of a profile, judged by itself. There is no overall verdict of a profile."""

    id: str
    title: str
    state: str
    possible: tuple[str, ...]
    citations: tuple[Citation, ...]
    missing: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    say: str = ""
    ask: str = ""
    why: str = ""
    inputs: tuple[tuple[str, Any], ...] = ()
    proposed: str = ""
    proposed_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What would change the result: an event, the fact it would set, and what would follow."""

    say: str
    fact: str
    value: Any
    results: tuple[str, ...]
    overall: tuple[str, ...] = ()
    overall_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one rule for one subject (a lesion on one visit, a lesion, or the patient)."""

    rule: str
    title: str
    edition: str
    shape: str
    scope: str
    subject: str
    results: tuple[str, ...] = ()
    refused: str | None = None
    reason: str = ""
    rows: tuple[Row, ...] = ()
    conventions: tuple[ConventionUse, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[Note, ...] = ()
    gates: tuple[Gate, ...] = ()
    lists: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    values: tuple[tuple[str, str, Any], ...] = ()
    targets: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    margin: float | None = None
    nearest_cut: str = ""
    codes: tuple[str, ...] = ()
    population: str = ""
    outside_population: str = ""
    warnings: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    proposed: str = ""
    read: str = ""
    exact: bool = True

    @property
    def settled(self) -> bool:
        """Whether exactly one result is possible."""
        return self.refused is None and len(self.results) == 1

    @property
    def result(self) -> str | None:
        """The result, when only one is possible."""
        return self.results[0] if self.settled else None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; empty parts are left out. Missing inputs of a profile come first."""
        found = _plain(self)
        if self.gates:
            missing = [gate.id for gate in self.gates if gate.state == "indeterminate"]
            found = {"indeterminate_gates": missing, **found}
        return found


def _plain(record: Any) -> dict[str, Any]:
    """A record of this room as plain data for JSON: lists for tuples, empty fields left out."""
    found: dict[str, Any] = {}
    for name in record.__dataclass_fields__:
        value = _value(getattr(record, name))
        if value is None or value == "" or value == () or value == []:
            continue
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return tuple(_value(item) for item in value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, Record):
        return dict(value)
    return _plain(value) if is_dataclass(value) else value
