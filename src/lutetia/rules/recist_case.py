"""The ``recist:`` section of a typed case: diameters that a reader gives or confirms.

::

    recist:
      slice_mm: 5
      targets:
        - {id: T1, organ: liver}
        - {id: N1, organ: lymph nodes, node: yes}
      visits:                                        # baseline first
        - {date: 2025-01-10, mm: {T1: 32.4, N1: 18}}
        - {date: 2025-04-10, mm: {T1: [12, 11.5], N1: 9.9}, non_target: persists, new_lesion: no}

No image and no SSTR number enters here: what is not typed is not measured.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from lutetia.model import Record
from lutetia.rules.recist import NonTarget

Diameter = Annotated[float, Field(ge=0, le=1000, strict=True, allow_inf_nan=False)]
DIAMETER_FORMS = "a number in mm, [a, b] if split, gone, too_small, not_measured, or {merged_with: ID}"


class Merged(Record):
    """A target that has merged with another one, which then carries the diameter of both."""

    merged_with: str


Shown = (
    Diameter
    | Annotated[tuple[Diameter, ...], Field(min_length=2)]
    | Literal["gone", "too_small", "not_measured"]
    | Merged
)


class RecistTarget(Record):
    """A target lesion: its organ, and whether it is a lymph node (short axis instead of longest diameter)."""

    id: str = Field(min_length=1)
    organ: str = Field(min_length=1)
    node: bool = False


class RecistVisit(Record):
    """One CT or MRI: diameters in mm by target, the non-target lesions as a whole, new lesions on CT, MRI or FDG PET.

    After the baseline both ``non_target`` and ``new_lesion`` must be answered: silence is never "none".
    """

    date: datetime.date
    mm: Mapping[str, Shown] = Field(default_factory=dict)
    non_target: NonTarget | None = None
    new_lesion: bool | None = None


class RecistCase(Record):
    """The section, checked: targets as chosen at baseline, visits in order of date, baseline first."""

    targets: tuple[RecistTarget, ...] = ()
    visits: tuple[RecistVisit, ...] = Field(min_length=1)
    slice_mm: float | None = Field(default=None, gt=0, le=20)
    reader: str | None = None
