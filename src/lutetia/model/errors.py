"""One exception tree: every error says what, where, what was expected and what to do."""

from __future__ import annotations


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
