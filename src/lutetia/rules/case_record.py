"""What a typed case holds once it is checked: facts, visits, lesions and what each visit shows of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lutetia.rules.facts import Fact
from lutetia.rules.recist_case import RecistCase
from lutetia.rules.timeline import TimelineEntry

CASE_SCHEMA = "1.0"

SECTIONS = ("patient", "disease", "clinical", "labs", "therapy", "imaging")


@dataclass(frozen=True)
class Visit:
    """One scan of a case."""

    id: str
    facts: Mapping[str, Fact]

    @property
    def day(self) -> int | None:
        """Day number of the scan."""
        value = self.facts.get("visit.date")
        return value if isinstance(value, int) else None

    @property
    def tracer(self) -> str:
        """The tracer's key."""
        return str(self.facts.get("visit.tracer", "other"))


@dataclass(frozen=True)
class CaseLesion:
    """One lesion: what is known of it, and what each visit shows (by visit id)."""

    id: str
    facts: Mapping[str, Fact]
    seen: Mapping[str, Mapping[str, Fact]]


@dataclass(frozen=True)
class TypedCase:
    """A case, checked.

    ``facts`` are the patient's, ``read`` says which visit plays which role (sstr, fdg, previous, spect) where that is
    given, ``proposals`` are values that were proposed for lesions and not confirmed.
    """

    id: str
    facts: Mapping[str, Fact]
    visits: tuple[Visit, ...] = ()
    lesions: tuple[CaseLesion, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)
    proposals: Mapping[str, Mapping[str, tuple[Any, str]]] = field(default_factory=dict)
    issues: tuple[tuple[str, str, str], ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    timeline: tuple[TimelineEntry, ...] = ()
    recist: RecistCase | None = None


def iso_day(day: int | None) -> str:
    """A day number as YYYY-MM-DD."""
    return datetime.date.fromordinal(day).isoformat() if day is not None else ""
