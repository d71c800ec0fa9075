"""The facts rules may ask for: typed names with units, allowed values and the question put to a reader."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from lutetia.model import RuleError
from lutetia.rules.expressions import Expression, Rename, Scalar, compile_expression, is_number
from lutetia.rules.positions import Document, read_yaml

Kind = Literal["choice", "yes_no", "integer", "number", "date", "text"]
VISIT_ROLES = ("sstr", "fdg", "previous", "spect")
_KINDS = ("choice", "yes_no", "integer", "number", "date", "text")
_FIELDS = {"type", "values", "unit", "accepts", "range", "ask", "derived", "note", "if_unknown"}


def data_folder() -> Path:
    """Where the built-in rule files lie."""
    return Path(str(resources.files("lutetia.rules"))) / "data"


@dataclass(frozen=True)
class FactDefinition:
    """One fact: its type, unit, allowed values, and how it is derived (if it is).

    ``derived`` is None, "rule", "case", "known", one expression text, or a tuple of (condition text or None, value).
    With "known" the fact is whether any of ``known`` is known. ``if_unknown`` is what an unsettled one counts as.
    """

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    unit: str = ""
    accepts: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = 1.0e6
    ask: str = ""
    note: str = ""
    derived: str | tuple[tuple[str | None, Scalar], ...] | None = None
    known: tuple[str, ...] = ()
    if_unknown: Scalar | None = None

    def check(self, value: Any) -> Scalar:
        """The value as rules see it, or a ValueError that says what was expected.

        Raises
        ------
        ValueError
            With what was expected, as a noun: "a number in mm", "one of yes, no".
        """
        if self.kind == "yes_no":
            if isinstance(value, bool):
                return value
            raise ValueError("yes or no")
        if self.kind == "choice":
            text = str(value) if is_number(value) or isinstance(value, str) else ""
            if text in self.values:
                return text
            if isinstance(value, bool) and ("yes" if value else "no") in self.values:
                return "yes" if value else "no"
            raise ValueError("one of " + ", ".join(self.values))
        if self.kind == "text":
            if isinstance(value, str) and value.strip():
                return value
            raise ValueError("text")
        if self.kind == "date":
            return _day_number(value)
        if not is_number(value) or value != value:
            raise ValueError("a number" + (f" in {self.unit}" if self.unit else ""))
        if self.kind == "integer" and float(value) != int(value):
            raise ValueError("a whole number")
        if not self.low <= value <= self.high:
            raise ValueError(f"a number between {self.low:g} and {self.high:g}")
        return int(value) if self.kind == "integer" else float(value)


def _day_number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, datetime.date):
        return value.toordinal()
    try:
        return datetime.date.fromisoformat(str(value)).toordinal()
    except ValueError:
        raise ValueError("a date as YYYY-MM-DD") from None


class Vocabulary:
    """All fact definitions, with the roles of visits and observations resolved."""

    def __init__(self, definitions: Mapping[str, FactDefinition]) -> None:
        self._definitions = dict(definitions)
        self._cache: dict[str, FactDefinition | None] = {}
        self.decisions: dict[str, Any] = {}
        self._typed: dict[str, tuple[str, ...]] = {}
        self._derivations: dict[str, tuple[tuple[Expression | None, Scalar | None], ...]] = {}

    def names(self) -> tuple[str, ...]:
        """All names as they stand in the file."""
        return tuple(self._definitions)

    def typed_fields(self, section: str) -> tuple[str, ...]:
        """Short names of the fields of a section that a case may type."""
        if section not in self._typed:
            heads = ((name.partition("."), definition) for name, definition in self._definitions.items())
            self._typed[section] = tuple(
                short for (head, _, short), item in heads if head == section and item.derived not in ("case", "known")
            )
        return self._typed[section]

    def find(self, name: str) -> FactDefinition | None:
        """The definition behind `name`: of ``observation.suv_max`` for ``lesion.fdg.suv_max``."""
        if name not in self._cache:
            self._cache[name] = self._find(name)
        return self._cache[name]

    def _find(self, name: str) -> FactDefinition | None:
        if name in self._definitions:
            return self._definitions[name]
        base, _ = split_role(name)
        return self._definitions.get(base)

    def askable(self, name: str) -> bool:
        """Whether a reader can answer it: not where a rule gives it and nobody reads it by eye."""
        definition = self.find(name)
        if definition is None or definition.derived in ("case", "known"):
            return False
        return definition.derived != "rule" or f"{name}_read" in self

    def __getitem__(self, name: str) -> FactDefinition:
        definition = self.find(name)
        if definition is None:
            raise RuleError("unknown-fact", f"There is no fact {name!r}", remedy="Add it to vocabulary.yaml.")
        return definition

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def derivation(self, name: str) -> tuple[tuple[Expression | None, Scalar | None], ...]:
        """How `name` is derived: (condition, value) pairs from the top; a lone expression is ((expression, None),)."""
        if name not in self._derivations:
            definition = self[name]
            rename = in_role(split_role(name)[1])
            where = f"vocabulary.yaml: {definition.name}"
            derived = definition.derived
            if isinstance(derived, str) and derived not in ("rule", "case", "known"):
                pairs: tuple[tuple[Expression | None, Scalar | None], ...] = (
                    (compile_expression(derived, where=where, resolve=rename, known=self.__contains__), None),
                )
            elif isinstance(derived, tuple):
                pairs = tuple(
                    (
                        compile_expression(when, where=where, resolve=rename, known=self.__contains__)
                        if when is not None
                        else None,
                        value,
                    )
                    for when, value in derived
                )
            else:
                pairs = ()
            self._derivations[name] = pairs
        return self._derivations[name]


def split_role(name: str) -> tuple[str, str | None]:
    """``lesion.fdg.suv_max`` → (``observation.suv_max``, ``fdg``); ``sstr.liver`` → (``visit.liver``, ``sstr``)."""
    parts = name.split(".")
    if len(parts) == 3 and parts[0] == "lesion" and parts[1] in VISIT_ROLES:
        return f"observation.{parts[2]}", parts[1]
    if len(parts) == 2 and parts[0] in VISIT_ROLES:
        return f"visit.{parts[1]}", parts[0]
    return name, None


@cache
def in_role(role: str | None) -> Rename:
    """Renames ``visit.X`` and ``observation.X`` to what they are in one role."""
    if role is None:
        return lambda name: name

    @cache
    def rename(name: str) -> str:
        if name.startswith("visit."):
            return f"{role}.{name[6:]}"
        if name.startswith("observation."):
            return f"lesion.{role}.{name[12:]}"
        return name

    return rename


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary file."""
    document = read_yaml(path)
    definitions: dict[str, FactDefinition] = {}
    for section, entries in (document.data or {}).items():
        for short, entry in entries.items():
            name = f"{section}.{short}"
            definitions[name] = _definition(name, entry, document, (section, short))
    vocabulary = Vocabulary(definitions)
    for name, definition in definitions.items():
        if definition.derived is not None:
            vocabulary.derivation(name)
    return vocabulary


def _definition(name: str, entry: Any, document: Document, path: tuple[str, ...]) -> FactDefinition:
    where = document.where(path)
    if not isinstance(entry, dict) or set(entry) - _FIELDS or entry.get("type") not in _KINDS:
        raise RuleError(
            "vocabulary", f"The fact {name!r} is not well defined", where=where, expected=f"type: {', '.join(_KINDS)}"
        )
    kind: Kind = entry["type"]
    values = tuple(str(value) for value in entry.get("values", ()))
    if kind == "choice" and not values:
        raise RuleError("vocabulary", f"The choice {name!r} has no values", where=where)
    low, high = entry.get("range", (0.0, 1.0e6))
    derived = entry.get("derived")
    known: tuple[str, ...] = ()
    if isinstance(derived, dict):
        if "known" in derived:
            listed = derived["known"]
            known = tuple(listed) if isinstance(listed, list) else (str(listed),)
        derived = "known" if known else str(derived["by"])
    elif isinstance(derived, list):
        derived = tuple(
            (None if "when" not in item else str(item["when"]), _value(item["value"], kind)) for item in derived
        )
    elif derived is not None:
        derived = str(derived)
    return FactDefinition(
        name=name,
        kind=kind,
        values=values,
        unit=str(entry.get("unit", "")),
        accepts={str(unit): float(factor) for unit, factor in entry.get("accepts", {}).items()},
        low=float(low),
        high=float(high),
        ask=str(entry.get("ask", "")),
        note=str(entry.get("note", "")),
        derived=derived,
        known=known,
        if_unknown=entry.get("if_unknown"),
    )


def _value(value: Any, kind: Kind) -> Scalar:
    return str(value) if kind == "choice" else value


@cache
def built_in_vocabulary() -> Vocabulary:
    """The vocabulary of the built-in rules."""
    return read_vocabulary(data_folder() / "vocabulary.yaml")
