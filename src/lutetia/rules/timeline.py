"""Dated entries of a course in the typed case: treatments, somatostatin analogues, markers, symptoms, pathology.

::

    timeline:
      - {kind: treatment, agent: CAPTEM, date: 2025-09-20, until: 2026-02-10, cycle: 6}
      - {kind: treatment, agent: 177Lu-DOTATATE, date: 2026-04-01, activity_gbq: 7.4, cycle: 1,
         condition: continue only if retention is high}
      - {kind: ssa, agent: octreotide LAR, date: 2026-03-01}
      - {kind: marker, name: CgA, date: 2026-03-20, value: 230, unit: ng/mL}
      - {kind: pathology, name: Ki-67, date: 2025-08-02, value: 8, unit: "%", site: liver}
"""

from __future__ import annotations

import datetime
import math
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from lutetia.model import InputError, Record, field_at_fault
from lutetia.rules.positions import Document

Kind = Literal["treatment", "ssa", "marker", "symptom", "toxicity", "lab", "pathology"]


class TimelineEntry(Record):
    """One dated entry. Doses of therapy are GBq; other values carry their unit."""

    kind: Kind
    date: datetime.date
    until: datetime.date | None = None
    agent: str | None = None
    name: str | None = None
    activity_gbq: float | None = Field(default=None, gt=0, le=50)
    cycle: int | None = Field(default=None, ge=1, le=99)
    condition: str | None = None
    value: float | str | None = None
    unit: str | None = None
    site: str | None = None
    note: str | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        """A symptom that is there or not: YAML reads yes and no as a truth value, not as the words."""
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _says_what(self) -> TimelineEntry:
        if self.kind in ("treatment", "ssa") and not self.agent:
            raise ValueError("agent is missing")
        if self.kind not in ("treatment", "ssa") and not self.name:
            raise ValueError("name is missing")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(f"value: should be a number, not {self.value}")
        if isinstance(self.value, float) and not self.unit:
            raise ValueError("a number needs its unit")
        if self.until is not None and self.until < self.date:
            raise ValueError("until lies before date")
        return self


def read_timeline(data: Any, document: Document) -> tuple[TimelineEntry, ...]:
    """The entries in order of date.

    Raises
    ------
    InputError
        ``bad-timeline`` with the line and the field at fault.
    """
    if data is None:
        return ()
    if not isinstance(data, list):
        raise InputError("bad-timeline", "timeline is a list of entries", where=document.where(("timeline",)))
    entries = []
    for n, row in enumerate(data):
        try:
            entries.append(TimelineEntry.model_validate(row))
        except ValidationError as error:
            raise InputError(
                "bad-timeline",
                f"Entry {n + 1} of the timeline: {field_at_fault(error)}",
                where=document.where(("timeline", n)),
                expected="kind, date, and agent (treatment, ssa) or name",
                remedy="see the documentation of the course",
            ) from error
    return tuple(sorted(entries, key=lambda e: (e.date, e.kind, e.agent or e.name or "")))
