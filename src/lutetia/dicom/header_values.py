"""Header elements as text, numbers and times, whatever their state: nothing here raises on a bad value."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from lutetia.model.pet import Moment

_TIME = re.compile(r"(\d{2}):?(\d{2}):?(?:(\d{2})(?:\.(\d{1,}))?)?")
_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_DATETIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,})?)?)?)\s*([&+\-]?[+\-]?\d{4})?")
_OFFSET = re.compile(r"([+\-])(\d{2})(\d{2})")


def element_text(dataset: Any, tag: int | tuple[int, int]) -> str | None:
    """The text of an element, None when it is absent. Values are joined by a backslash as in the file."""
    try:
        if tag not in dataset:
            return None
        item = dataset.get_item(tag)
    except Exception:
        return None
    if item is None:
        return None
    value = item.value
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0\r\n\t")
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return "\\".join(str(part) for part in value)
    return str(value).strip()


def sequence(dataset: Any, tag: int | tuple[int, int]) -> list[Any]:
    """The items of a sequence, empty when it is absent or can't be read."""
    try:
        if tag not in dataset:
            return []
        value = dataset[tag].value
        return [item for item in value if hasattr(item, "get_item")]
    except Exception:
        return []


def number(text: str | None) -> float | None:
    """A finite number, None for everything else (several values too)."""
    if text is None or "_" in text:
        return None
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def binary_number(dataset: Any, tag: tuple[int, int]) -> float | None:
    """A number stored as FL, FD or text."""
    try:
        if tag not in dataset:
            return None
        value = dataset[tag].value
        if isinstance(value, bytes):
            return number(value.decode("latin-1").strip(" \0"))
        return number(str(value))
    except Exception:
        return None


def clock(text: str | None) -> float | None:
    """A TM value ("1105", "110530.25", "11:05:30") as seconds since midnight; an hour alone is no time."""
    match = _TIME.fullmatch((text or "").strip())
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    h, m, s = int(hours), int(minutes), int(seconds or 0)
    if h > 23 or m > 59 or s > 60:
        return None
    return min(h * 3600.0 + m * 60.0 + s + float(f"0.{fraction or 0}"), 86399.999999)


def day(text: str | None) -> int | None:
    """A DA value as proleptic ordinal."""
    match = _DATE.fullmatch((text or "").strip())
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups())).toordinal()
    except ValueError:
        return None


def moment(date_text: str | None, time_text: str | None) -> Moment | None:
    """DA and TM together; without a readable date the moment is undated, without a time there is none."""
    seconds = clock(time_text)
    return None if seconds is None else Moment(seconds, day(date_text))


def offset_minutes(text: str | None) -> int | None:
    """``+0200`` → 120; of several values the first."""
    match = _OFFSET.fullmatch((text or "").split("\\")[0].strip())
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    return (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes))


def date_time(text: str | None, local_offset: int | None) -> Moment | None:
    """A DT value in the series' own time zone.

    A UTC offset in the value is honoured when the series' own (0008,0201) is known; else the value is taken as
    local time, as all others are. A value without a time of day gives None.
    """
    match = _DATETIME.fullmatch((text or "").strip())
    if match is None:
        return None
    year, month, dom, time_text, suffix = match.groups()
    seconds, ordinal = clock(time_text), day(f"{year}{month}{dom}")
    if seconds is None:
        return None
    found = Moment(seconds, ordinal)
    own = offset_minutes((suffix or "").removeprefix("&"))
    if own is not None and local_offset is not None and own != local_offset and ordinal is not None:
        found = found.shifted((local_offset - own) * 60.0)
    return found


def spread_text(values: Iterable[str | None]) -> str | None:
    """Texts of one element over the slices: the value, or "least … greatest (n different)"; numbers by their size."""
    seen = sorted({v for v in values if v is not None})
    with contextlib.suppress(ValueError):  # what is no number stays in the order of the alphabet
        seen.sort(key=float)
    if not seen:
        return None
    return seen[0] if len(seen) == 1 else f"{seen[0]} … {seen[-1]} ({len(seen)} different)"
