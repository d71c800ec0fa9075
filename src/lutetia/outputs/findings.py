"""``findings.json``: the record, in one canonical form that gives the same bytes every time."""

from __future__ import annotations

import json
import math
from typing import Any

from lutetia.model import Course, Record

FILE_NAME = "findings.json"

#: Floats are written with this many significant digits: more than float32 carries, and the same on every machine.
SIGNIFICANT_DIGITS = 9

#: Written only when they exist: a study has the PET grade or the SPECT grade, and the other's name is not there.
_LEFT_OUT_WHEN_NONE = {"krenning_modified", "krenning_spect"}


def _canonical(value: Any) -> Any:
    """Records keep their field order, plain mappings are sorted, floats are rounded, non-finite floats are null."""
    if isinstance(value, Record):
        return {
            name: _canonical(getattr(value, name))
            for name in type(value).model_fields
            if not (name in _LEFT_OUT_WHEN_NONE and getattr(value, name) is None)
        }
    if isinstance(value, dict):
        return {str(key): _canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_canonical(item) for item in value), key=str)
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if hasattr(value, "item"):  # a NumPy scalar
        return _canonical(value.item())
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        rounded = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return 0.0 if rounded == 0 else rounded
    return str(value)


def findings_json(course: Course) -> bytes:
    """The course as canonical JSON: UTF-8, two-space indent, final newline.

    The same course gives the same bytes; reading them back and writing again changes nothing.
    """
    text = json.dumps(_canonical(course), indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()
