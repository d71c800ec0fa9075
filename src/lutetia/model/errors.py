"""One exception tree: every error says what, where, what was expected and what to do."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError


class LutetiaError(Exception):
    """An error that a verb turns into one clear message.

    Parameters
    ----------
    code : str
        Stable, machine-readable, kebab-case: ``"no-pet-series"``.
    what : str
        What is wrong, in one sentence.
    where : str
        File, series, element, or line the error concerns.
    expected : str
        What was expected there.
    remedy : str
        What the user can do.
    """

    def __init__(self, code: str, what: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [f"{self.what} [{self.code}]"]
        if self.where:
            parts.append(f"  where:    {self.where}")
        if self.expected:
            parts.append(f"  expected: {self.expected}")
        if self.remedy:
            parts.append(f"  remedy:   {self.remedy}")
        return "\n".join(parts)


class InputError(LutetiaError):
    """The input can't be used: a missing, damaged or contradictory file or field."""


class UsageError(LutetiaError):
    """The call can't be carried out as asked: unknown option value, missing patient choice."""


class RuleError(LutetiaError):
    """A rule file or a case file breaks its schema or its proofs."""


class FieldFault(NamedTuple):
    """The field that a record refuses, and why.

    Attributes
    ----------
    path : keys and list positions that lead to the field; () for the record as a whole
    said : what is wrong with it: "missing", "there is no such field", "should be greater than 0", …
    value : what was given there; for a missing field, the record that lacks it
    """

    path: tuple[str | int, ...]
    said: str
    value: Any

    @property
    def field(self) -> str:
        """The path in one word, ``foci.0.at_mm``; "" for the record as a whole."""
        return ".".join(str(part) for part in self.path)

    @property
    def missing(self) -> bool:
        """Whether nothing was given."""
        return self.said == _MISSING

    def __str__(self) -> str:
        given = self.said.startswith("should ") and isinstance(self.value, str | int | float)
        said = f"{self.said}, not {self.value!r}" if given else self.said
        return f"{self.field}: {said}" if self.path else said


_MISSING = "missing"


def field_at_fault(error: ValidationError) -> FieldFault:
    """The first field that a record refuses. A name that does not exist stands first: it may explain a missing one."""
    found = error.errors()
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
    ours = {"extra_forbidden": "there is no such field", "missing": _MISSING}
    said = ours.get(first["type"]) or first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    # pydantic names the alternative it tried, which is no part of the place
    path = tuple(part for part in first["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    return FieldFault(path, said, first["input"])
