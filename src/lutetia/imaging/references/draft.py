"""A reference before the references are compared with one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.region import Placed
from lutetia.imaging.references.solid_organ import Population
from lutetia.model.study import Suspicion

Status = Literal["ok", "caution", "fallback", "user", "absent", "outside_field"]


@dataclass(frozen=True, eq=False)
class Draft:
    """A reference before the references are compared with one another."""

    status: Status
    reasons: list[str] = field(default_factory=list)
    whole: Placed | None = None
    classical: Placed | None = None
    notes: list[str] = field(default_factory=list)
    trusted: bool = True
    population: Population | None = None
    hotter: Placed | None = None
    suspected: tuple[Suspicion, ...] = ()


def not_found(anatomy: Anatomy, organ: str) -> Draft | None:
    """The draft for an organ that was not found; None when it is there."""
    record = anatomy.organ(organ)
    if record is None:
        return Draft("caution", [f"the {organ} is not among the organs given"])
    if record.status == "absent":
        return Draft("absent", list(record.reasons))
    if record.status == "outside_field":
        return Draft("outside_field", list(record.reasons))
    return None
