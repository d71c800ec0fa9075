"""The commented example of a typed case, and its JSON schema; both made from the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lutetia.rules.case_reader import DATED_LESION_FACTS
from lutetia.rules.case_record import CASE_SCHEMA, SECTIONS
from lutetia.rules.recist_case import RecistCase
from lutetia.rules.timeline import TimelineEntry
from lutetia.rules.vocabulary import FactDefinition, Vocabulary, built_in_vocabulary

_HEAD = f"""# A typed case for `lutetia score`. Leave out what is not known: an unknown answer is never "normal".
# Every field is listed below; take the leading # away and fill in. Laboratory values need their unit.
case: "{CASE_SCHEMA}"
id: example
# conventions: {{C-B14: 3A}}          # choose an option of a convention (see `lutetia rules show RULE`)
# read: {{sstr: sstr1, fdg: fdg1}}    # which visits to read; by default the latest SSTR PET and its nearest FDG PET
"""
_VISITS = """visits:
  - id: sstr1
    date: 2025-03-03
    tracer: ga68-dotatate
    blood_pool: 1.5      # SUVmean
    liver: 6.0           # SUVmean of normal liver
    spleen: 20.0         # SUVmean
"""
_LESIONS = """lesions:
  - id: L1
    site: liver
    proof: none
    typicality: typical
    correlate: definitive
    growth: no
    seen:                # what each visit shows of this lesion, by visit id
      sstr1: {suv_max: 18.0, size_mm: 31, focal: yes}
"""
_RECIST = """# RECIST 1.1, from diameters in mm that a reader gives or confirms on CT or MRI (nodes: short axis)
# recist:
#   reader: …
#   slice_mm: 5            # thickness of the CT slices
#   targets:               # at most 5, 2 per organ; 10 mm or more, nodes 15 mm or more
#     - {id: T1, organ: liver}
#     - {id: N1, organ: lymph nodes, node: yes}
#   visits:                # baseline first
#     - {date: 2025-01-10, mm: {T1: 32.4, N1: 18}}
#     - date: 2025-04-10
#       mm: {T1: [12, 11.5], N1: 9.9} # number | [parts if split] | gone | too_small | not_measured | {merged_with: T1}
#       non_target: persists            # none | complete | persists | progression | not_evaluable
#       new_lesion: no                  # on CT, MRI or FDG PET; an SSTR focus is none
"""


def template(vocabulary: Vocabulary | None = None) -> str:
    """A commented example with every field of the vocabulary."""
    known = vocabulary or built_in_vocabulary()
    lines = [_HEAD]
    for section in SECTIONS:
        lines.append(f"{section}:" if section == "disease" else f"# {section}:")
        if section == "disease":
            lines.append("  entity: gep_net")
        lines.extend(_comments(known, section, "#   "))
    lines.append(_VISITS.rstrip())
    lines.extend(_comments(known, "visit", "    # "))
    lines.append(_LESIONS.rstrip())
    lines.append("    # further fields of a lesion:")
    lines.extend(_comments(known, "lesion", "    # "))
    lines.append("    # biopsies: [{date: 2025-01-10, result: net, diagnosis: …}]   # benign, net, non_net, negative")
    lines.append("    # fields under `seen` (those of a lesion that change with time may stand there too:")
    lines.append(f"    # {', '.join(DATED_LESION_FACTS)})")
    lines.extend(_comments(known, "observation", "    #   "))
    lines.append(_RECIST.rstrip())
    return "\n".join(lines) + "\n"


def _typed(vocabulary: Vocabulary, section: str) -> Iterator[tuple[str, FactDefinition]]:
    for short in vocabulary.typed_fields(section):
        yield short, vocabulary[f"{section}.{short}"]


def _comments(vocabulary: Vocabulary, section: str, lead: str) -> Iterator[str]:
    for short, definition in _typed(vocabulary, section):
        yield f"{lead}{short}: {_example(definition)}  # {definition.ask}"


def _example(definition: FactDefinition) -> str:
    if definition.kind == "choice":
        return " | ".join(definition.values)
    if definition.kind == "yes_no":
        return "yes | no"
    if definition.kind == "date":
        return "2025-03-03"
    if definition.kind == "text":
        return "…"
    unit = definition.unit if definition.unit not in ("", "1") else ""
    return f"{definition.low:g}…{definition.high:g} {unit}".rstrip()


def json_schema(vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """The schema of a typed case (JSON Schema 2020-12)."""
    known = vocabulary or built_in_vocabulary()

    def fields(section: str) -> dict[str, Any]:
        return {short: _field(definition) for short, definition in _typed(known, section)}

    def closed(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
        return {**schema, "required": list(required)} if required else schema

    lesion = fields("lesion")
    seen = closed({**fields("observation"), **{k: lesion[k] for k in DATED_LESION_FACTS}})
    biopsy = closed(
        {
            "date": {"type": "string"},
            "result": {"enum": ["benign", "net", "non_net", "negative"]},
            "diagnosis": {"type": "string"},
        }
    )
    named = {"id": {"type": "string"}}
    recist = RecistCase.model_json_schema()
    parts = recist.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lutetia typed case",
        **closed(
            {
                "case": {"const": CASE_SCHEMA},
                "id": {"type": "string"},
                "note": {"type": "string"},
                "conventions": {"type": "object", "additionalProperties": {"type": "string"}},
                "read": closed({role: {"type": "string"} for role in ("sstr", "fdg", "previous", "spect")}),
                **{section: closed(fields(section)) for section in SECTIONS},
                "visits": {"type": "array", "items": closed({**named, **fields("visit")}, required=("id", "tracer"))},
                "lesions": {
                    "type": "array",
                    "items": closed(
                        {
                            **named,
                            **lesion,
                            "seen": {"type": "object", "additionalProperties": seen},
                            "biopsies": {"type": "array", "items": biopsy},
                        }
                    ),
                },
                "timeline": {"type": "array", "items": TimelineEntry.model_json_schema()},
                "recist": recist,
            },
            required=("case",),
        ),
        "$defs": parts,
    }


def _field(definition: FactDefinition) -> dict[str, Any]:
    described = {"description": definition.ask + (f" [{definition.unit}]" if definition.unit else "")}
    if definition.kind == "choice":
        one = {"enum": list(definition.values)}
        return {**described, "anyOf": [one, {"type": "array", "items": one}]}
    if definition.kind == "yes_no":
        return {**described, "type": "boolean"}
    if definition.kind in ("date", "text"):
        return {**described, "type": "string"}
    number = {"type": "number", "minimum": definition.low, "maximum": definition.high}
    if definition.unit in ("", "1", "%", "× ULN"):
        return {**described, "anyOf": [number, {"type": "string"}]}
    return {**described, "type": "string"}
