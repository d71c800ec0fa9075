"""The base of every record: frozen, closed to unknown fields, serialised in a fixed order."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Level = Literal["info", "caution", "error"]
#: (x, y, z), LPS mm
Point = tuple[float, float, float]


class Record(BaseModel):
    """A frozen record. Unknown fields are refused, so a typo can't hide."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Issue(Record):
    """Something a reader must know: stable `code`, `level`, one-sentence `message`, and the place it concerns."""

    code: str
    level: Level = "caution"
    message: str
    where: str = ""
    study: str | None = None
    lesion: str | None = None


class Refusal(Record):
    """A step that could not be done, with its reason: data in the record, not an exception.

    `element` names the DICOM element or field at fault, `override` the option that would settle it.
    """

    code: str
    message: str
    element: str = ""
    override: str = ""


class Citation(Record):
    """A source and the place in it; `verified` says whether it was read at the source."""

    source: str
    place: str = ""
    verified: bool = False
    note: str = ""


class ConventionUse(Record):
    """A named choice that was in force: its key, the option taken, the default, and why."""

    key: str
    chosen: str
    default: str
    reason: str = ""
    title: str = ""
