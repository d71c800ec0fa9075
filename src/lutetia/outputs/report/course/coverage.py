"""What each therapy target reaches, lesion by lesion and by volume; their union, and what none of them reaches."""

from __future__ import annotations

from lutetia.model import Course, Coverage, CoverageColumn
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Paragraph, Row, Section, Table, Tone
from lutetia.outputs.report.course.following import visit_words
from lutetia.outputs.report.verdicts.subjects import subjects_words

_REGION = {"reached": "reached", "not_reached": "not reached", "uncertain": "uncertain", "not_imaged": "not imaged"}


def coverage(course: Course) -> Section | None:
    """Two tables per visit with at least two targets: the targets, then the lesions with the same answers together."""
    if not course.coverage:
        return None
    blocks: list[Block] = []
    for entry in course.coverage:
        blocks += [_targets(entry), _lesions(entry), Paragraph(_joined(entry), "muted")]
    return Section("What each target reaches", tuple(blocks), anchor="coverage")


def _targets(entry: Coverage) -> Table:
    rows = [Row(tuple(map(Cell, _target(column)))) for column in entry.columns]
    columns = (
        Column(visit_words(entry.visit).capitalize(), width=1),
        Column("Reached means", width=1.8),
        Column("Reached", "right"),
        Column("Not reached", "right"),
        Column("Uncertain", "right"),
        Column("Not imaged", "right"),
        Column("mL", "right"),
        Column("Of the volume", "right"),
    )
    return Table(columns, tuple(rows), dense=True)


def _target(column: CoverageColumn) -> tuple[str, ...]:
    title = column.title + (" (case file)" if column.origin == "case_file" else "")
    counts = (column.reached, column.not_reached, column.uncertain, column.not_imaged)
    return (
        title,
        column.positivity,
        *map(str, counts),
        wording.number(column.reached_ml),
        wording.percent(column.share_of_volume),
    )


def _lesions(entry: Coverage) -> Table:
    alike: dict[tuple[str, ...], list[str]] = {}
    volume: dict[tuple[str, ...], float] = {}
    for lesion in entry.lesions:
        key = tuple(lesion.by_target.get(column.target, "not_imaged") for column in entry.columns)
        alike.setdefault(key, []).append(lesion.lesion)
        volume[key] = volume.get(key, 0.0) + (lesion.volume_ml or 0.0)
    rows = []
    for key, lesions in alike.items():
        cells = [Cell(subjects_words(lesions), "strong"), Cell(wording.number(volume[key]))]
        cells += [Cell(_REGION.get(state, state.replace("_", " ")), _tone(state)) for state in key]
        rows.append(Row(tuple(cells)))
    columns = (
        Column("Lesions", width=1.4),
        Column("mL", "right"),
        *(Column(column.title, width=1) for column in entry.columns),
    )
    notes = tuple(part for part in (entry.note, entry.source) if part)
    return Table(columns, tuple(rows), notes=notes, dense=True)


def _tone(state: str) -> Tone:
    return "caution" if state in ("not_reached", "uncertain") else "muted" if state == "not_imaged" else ""


def _joined(entry: Coverage) -> str:
    """``Together (SSTR, MIBG): lesions 1–4, 33 mL. Neither: lesion 5, 1.2 mL.``"""
    names = {column.target: column.title for column in entry.columns}

    def told(title: str, key: str, lesions: tuple[str, ...]) -> str:
        ml = entry.volume_ml.get(key)
        amount = f", {wording.with_unit(ml, 'mL')}" if ml is not None and lesions else ""
        return f"{title}: {subjects_words(lesions) or 'none'}{amount}"

    together = ", ".join(names.get(target, target) for target in entry.targets_joined)
    parts = [told(f"Reached by at least one of {together}" if together else "Reached", "union", entry.union)]
    parts.append(told("by both", "both", entry.both))
    parts += [told(f"only by {names.get(t, t)}", f"only {t}", who) for t, who in entry.only.items()]
    parts.append(told("by neither", "neither", entry.neither))
    if entry.open:
        parts.append(told("open", "open", entry.open))
    return "; ".join(parts) + "."
