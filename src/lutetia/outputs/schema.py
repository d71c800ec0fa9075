"""The schema of ``findings.json`` and its documentation, generated from the record.

``python -m lutetia.outputs.schema docs`` writes ``docs/findings.schema.json`` and ``docs/findings.md``.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml

from lutetia.model import SCHEMA_VERSION, Course, Record

SCHEMA_FILE, PAGE_FILE = "findings.schema.json", "findings.md"

#: Endings of field names that name their unit.
_UNITS = {
    "_mm": "mm",
    "_ml": "mL",
    "_mbq": "MBq",
    "_kg": "kg",
    "_m": "m",
    "_s": "s",
    "_minutes": "min",
    "_years": "years",
    "_hu": "HU",
    "_kvp": "kVp",
    "_mmol_l": "mmol/L",
}


@cache
def field_notes() -> dict[str, dict[str, str]]:
    """What fields mean: record → field → sentence."""
    text = (files("lutetia.outputs") / "field_notes.yaml").read_text(encoding="utf-8")
    notes: dict[str, dict[str, str]] = yaml.safe_load(text)
    return notes


def records() -> tuple[type[Record], ...]:
    """Every kind of record that a Course can hold, the Course first, in the order in which they are met."""
    found: dict[type[Record], None] = {}

    def visit(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Record):
            if annotation not in found:
                found[annotation] = None
                for field in annotation.model_fields.values():
                    visit(field.annotation)
        else:
            for part in get_args(annotation):
                visit(part)

    visit(Course)
    return tuple(found)


def describe(record: type[Record], field: str) -> str:
    """The note of a field, with the unit its name carries."""
    note = field_notes().get(record.__name__, {}).get(field) or record.model_fields[field].description or ""
    unit = next((u for ending, u in _UNITS.items() if field.endswith(ending)), "")
    if unit and not note:
        return f"In {unit}."
    return note


def findings_schema() -> bytes:
    """JSON Schema (2020-12) of ``findings.json``, with the notes as descriptions."""
    schema = Course.model_json_schema(mode="validation")
    by_name = {record.__name__: record for record in records()}
    for name, part in [("Course", schema), *schema.get("$defs", {}).items()]:
        record = by_name.get(name)
        for field, entry in part.get("properties", {}).items():
            if record is not None and (note := describe(record, field)):
                entry["description"] = note
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"lutetia-findings-{SCHEMA_VERSION}",
        "title": f"Lutetia findings, schema {SCHEMA_VERSION}",
    }
    rest = {key: value for key, value in schema.items() if key not in head}
    return (json.dumps(head | rest, indent=2, ensure_ascii=False) + "\n").encode()


def type_words(annotation: Any) -> str:
    """A type as a reader of JSON calls it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation is NoneType:
        return "null"
    if origin is Literal:
        return " · ".join(f'"{part}"' for part in parts)
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"list of {type_words(parts[0])}"
        return f"[{', '.join(dict.fromkeys(type_words(p) for p in parts))} × {len(parts)}]"
    if origin is dict:
        return f"object of {type_words(parts[1])}"
    if parts:
        return " or ".join(dict.fromkeys(type_words(part) for part in parts))
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    names = {str: "text", float: "number", int: "integer", bool: "true/false", dict: "object"}
    return names.get(annotation, "any")


def findings_page() -> str:
    """The documentation of ``findings.json`` as Markdown, one table per kind of record."""
    lines = [
        "# findings.json",
        "",
        f"Schema version {SCHEMA_VERSION}. Generated from the record by `python -m lutetia.outputs.schema docs`; the "
        f"same as [JSON Schema]({SCHEMA_FILE}).",
        "",
        "- UTF-8, fields in the order below, mappings sorted by key, numbers with up to nine significant digits: the "
        "same input and settings give the same bytes.",
        "- Points are LPS millimetres (x, y, z): to the patient's left, back and head. SUV is g/mL.",
        "- Unknown is null, never a default. `krenning_modified` and `krenning_spect` are left out where they do not "
        "apply.",
        "- `label` is the lesion's integer in that study's `lesions.nii.gz`; `labels.json` beside it lists all.",
        "",
    ]
    for record in records():
        lines += [
            f"## {record.__name__}",
            "",
            _first_paragraph(record),
            "",
            "| field | type | meaning |",
            "|---|---|---|",
        ]
        for name, field in record.model_fields.items():
            kind = type_words(field.annotation).replace("|", "\\|")
            lines.append(f"| `{name}` | {kind} | {describe(record, name)} |")
        lines.append("")
    return "\n".join(lines)


def _first_paragraph(record: type[Record]) -> str:
    text = (record.__doc__ or "").strip().split("\n\n")[0]
    return re.sub(r"\s+", " ", text).replace("``", "`")


def write_documentation(folder: Path) -> None:
    """Write the schema and its page."""
    (folder / SCHEMA_FILE).write_bytes(findings_schema())
    (folder / PAGE_FILE).write_text(findings_page(), encoding="utf-8")


if __name__ == "__main__":
    write_documentation(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
