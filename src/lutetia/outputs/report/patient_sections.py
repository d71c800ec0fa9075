"""The patient in the report: headline numbers, what to know first, course matrix, rule results, conventions."""

from __future__ import annotations

from typing import Any

from lutetia.model import Course, Study
from lutetia.model.base import Level
from lutetia.outputs.report import wording
from lutetia.outputs.report.acquisition import acquisition_checks
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Notice,
    Notices,
    Paragraph,
    Row,
    Section,
    Steps,
    Table,
    Tile,
    Tiles,
)
from lutetia.outputs.report.chain import chain
from lutetia.outputs.report.figures import Shown
from lutetia.outputs.report.lesion_sections import grade_name
from lutetia.outputs.report.verdicts.subjects import numbered_words


def headline(study: Study, shown: tuple[Shown, ...], sought: bool) -> Tiles:
    """The numbers a reader looks for first; `sought` says whether lesions were looked for at all."""
    items = [item for item in shown if not item.quiet]
    summary = study.summary
    tiles = []
    if study.suv is None:
        tiles.append(Tile("refused", "SUV", study.suv_refusal.code if study.suv_refusal else "not computed"))
    small = sum("below_0.5_ml" in item.observation.flags for item in items)
    apart = sum(item.quiet for item in shown)
    note = f"{apart} set apart as physiological" if apart else ""
    if small:
        note = f"{small} below 0.5{wording.NARROW}mL" + (f"; {note}" if note else "")
    tiles.append(Tile(str(len(items)) if sought else "–", "candidate lesions", note if sought else "not sought"))
    if summary is not None:
        tiles.append(Tile(wording.with_unit(summary.volume_ml, "mL"), "total tumour volume", "lesions from 0.5 mL"))
    graded = [item.grade for item in items if item.grade and item.grade.value]
    if graded:
        values = sorted({value for grade in graded for value in grade.value})
        span = values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"
        borderline = sum(wording.is_borderline(grade) for grade in graded)
        tiles.append(Tile(span, f"{grade_name(study)}, range", f"{borderline} borderline" if borderline else ""))
    elif items:
        hottest = max(items, key=lambda item: item.observation.suv_max)
        tiles.append(Tile(wording.suv(hottest.observation.suv_max), "highest SUVmax", f"lesion {hottest.number}"))
    references = study.references
    if references and study.references_sought:
        trusted = sum(reference.status in ("ok", "user") for reference in references.values())
        values_words = " · ".join(
            f"{wording.REFERENCE_NAMES.get(n, n).lower()} {wording.suv(references[n].suv_mean)}"
            for n in ("blood_pool", "liver", "spleen")
            if n in references
        )
        tiles.append(Tile(f"{trusted} of {len(references)}", "references without reservation", values_words))
    return Tiles(tuple(tiles))


_RANK = {"error": 0, "caution": 1, "info": 2}


def issue_blocks(course: Course) -> tuple[Block, ...]:
    """Every issue, the gravest first; one that concerns several places is told once. Mere notes are folded away."""
    if not course.issues:
        checks = (c for study in course.studies for c in acquisition_checks(study) if c.status == "caution")
        outside = ", ".join(dict.fromkeys(c.item.lower() for c in checks))
        said = f" Outside what its source accepts, further down: {outside}." if outside else ""
        return (Paragraph(f"No issue was raised.{said}"),)
    several = len(course.studies) > 1
    places: dict[tuple[Level, str, str], dict[str, None]] = {}
    for issue in sorted(course.issues, key=lambda i: _RANK[i.level]):
        where = [issue.where, (issue.study or "") if several else "", issue.lesion or ""]
        found = places.setdefault((issue.level, issue.message, issue.code), {})
        found[", ".join(part for part in where if part)] = None
    items = [Notice(level, numbered_words(text), code, _joined(found)) for (level, text, code), found in places.items()]
    grave = tuple(item for item in items if item.level != "info")
    notes = tuple(item for item in items if item.level == "info")
    blocks: list[Block] = [Notices(grave)] if grave else []
    if notes:
        folded = f"{wording.plural(len(notes), 'note')} for information" if len(notes) > _MOST_NOTES else ""
        blocks.append(Notices(notes, folded))
    return tuple(blocks)


_MOST_NOTES = 3


def _joined(places: dict[str, None]) -> str:
    named = [place for place in places if place]
    more = len(named) - 4
    return "; ".join(named[:4]) + (f" and {more} more" if more > 0 else "")


def is_made_up(course: Course) -> bool:
    """Whether the images say of themselves that they are a phantom of ours."""
    return any(study.acquisition.manufacturer == "Lutetia" for study in course.studies)


def made_up_words(course: Course) -> str:
    """What a synthetic patient's report says of itself; "" for any other."""
    if not is_made_up(course):
        return ""
    words = "Synthetic patient: images, lesions and numbers are made up."
    if course.patient.id.upper().endswith("CAPTEM"):
        words += (
            " The course is made up after the CAPTEM case, Fig. 4 of the founding review: receptors before and after "
            "chemotherapy with capecitabine and temozolomide."
        )
    return words


def fact_section(course: Course) -> Section | None:
    """Treatments and facts that came with the case, in order of their dates, with their origin."""
    entries = sorted((*course.treatments, *course.facts), key=lambda entry: str(entry.get("date") or ""))
    if not entries:
        return None
    columns = (
        Column("Date", width=1.1),
        Column("Kind", width=0.6),
        Column("What", width=1),
        Column("Value", width=1),
        Column("More", width=1.5),
        Column("From", width=0.6),
    )
    return Section("Facts of the case", (Table(columns, tuple(map(_fact_row, entries)), dense=True),))


_FACT_FIELDS = ("kind", "date", "until", "agent", "name", "key", "value", "unit", "activity_gbq", "cycle", "origin")


def _fact_row(entry: dict[str, Any]) -> Row:
    when = wording.date_words(str(entry["date"]), short=True) if entry.get("date") else "–"
    if entry.get("until"):
        when += f" – {wording.date_words(str(entry['until']), short=True)}"
    value = entry.get("value")
    size = f"{value:,g}" if isinstance(value, float) else wording.value_words(value) if value is not None else ""
    if size and entry.get("unit"):
        size += f"{wording.NARROW}{entry['unit']}"
    if entry.get("activity_gbq") is not None:
        size = f"{entry['activity_gbq']:g}{wording.NARROW}GBq"
    amounts = [size, f"cycle {entry['cycle']}" if entry.get("cycle") is not None else ""]
    more = {key: item for key, item in entry.items() if key not in _FACT_FIELDS and item not in (None, "", [], {})}
    return Row(
        (
            Cell(when, "muted"),
            Cell(_KINDS.get(str(entry.get("kind") or ""), str(entry.get("kind") or "–"))),
            Cell(str(entry.get("agent") or entry.get("name") or entry.get("key") or "–"), "strong"),
            Cell(", ".join(part for part in amounts if part) or "–"),
            Cell("; ".join(f"{k.replace('_', ' ')}: {wording.value_words(v)}" for k, v in more.items()) or "–"),
            Cell(str(entry.get("origin") or "–").replace("_", " "), "muted"),
        )
    )


#: kinds of dated entries that are no plain words
_KINDS = {"ssa": "somatostatin analogue"}


def chain_section(course: Course, shown: tuple[Shown, ...]) -> Section | None:
    """One grade read back to its origin: the one nearest to a cut, since it is the first to be doubted."""
    graded = [item for item in shown if not item.quiet and item.grade is not None and item.grade.margin is not None]
    candidates = graded or [item for item in shown if not item.quiet]
    if not candidates:
        return None

    def nearness(item: Shown) -> float:
        return abs(item.grade.margin) if item.grade and item.grade.margin is not None else -item.observation.suv_max

    chosen = min(candidates, key=nearness)
    words = (
        f"Lesion {chosen.number} ({wording.site_words(chosen.lesion).lower()})"
        + (", the one nearest to a cut" if graded else "")
        + f". The command lutetia why DIR {chosen.lesion.id} prints this chain; any other lesion can be named."
    )
    steps = chain(course, chosen.lesion, chosen.observation)
    return Section("One result, read back to its origin", (Paragraph(words), Steps(steps)))


def convention_section(course: Course) -> Section | None:
    """The named choices in force; those that differ from the default stand out."""
    if not course.conventions:
        return None
    rows = []
    for use in course.conventions:
        changed = use.chosen != use.default
        rows.append(
            Row(
                (
                    Cell(use.title or use.key.replace("_", " ")),
                    Cell(use.chosen.replace("_", " "), "caution" if changed else ""),
                    Cell(use.default.replace("_", " ") if changed else "default", "muted"),
                    Cell(use.reason, "muted"),
                )
            )
        )
    columns = (Column("Convention", width=1.3), Column("In force", width=0.7), Column("Default", width=0.6))
    return Section("Conventions in force", (Table((*columns, Column("Why", width=2)), tuple(rows), dense=True),))


def software_section(course: Course) -> Section:
    """Versions, and what this software is and is not."""
    rows = [(name, version) for name, version in course.software.items()]
    rows.append(("Record", f"schema {course.schema_version}"))
    blocks: list[Block] = [Facts(tuple(rows), columns=3), Paragraph(wording.POSITION)]
    return Section("Software", tuple(blocks))
