"""``findings.json``: the record, in one canonical form that gives the same bytes every time."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lutetia.model import SCHEMA_VERSION, Course, InputError, Record

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


def read_findings(path: Path) -> Course:
    """Read ``findings.json`` (or the folder that holds it) back into a record.

    Raises
    ------
    InputError
        ``no-findings`` when there is no such file, ``bad-findings`` when it is not a record of this schema.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(
            "no-findings",
            "there is no findings.json here",
            where=str(file),
            expected="a folder written by `lutetia read`",
            remedy="run `lutetia read PATH --out DIR` first, and name DIR",
        ) from error
    try:
        return Course.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            "bad-findings",
            f"findings.json is not a record of schema {SCHEMA_VERSION}: {first['msg']}",
            where=f"{file}: {'.'.join(str(part) for part in first['loc'])}",
            expected=f"a file that fits docs/findings.schema.json (version {SCHEMA_VERSION})",
            remedy="write it again with this version of lutetia",
        ) from error
