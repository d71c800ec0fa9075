"""Uptake of the therapy agent after it was given: retention, in words that never call it response."""

from __future__ import annotations

from typing import Any

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Notice, Notices, Row, Section, Table

Entry = dict[str, Any]


def retention(course: Course) -> Section | None:
    """One row per lesion and SPECT, then effective half-lives; None without a SPECT of a therapy."""
    if not course.dosimetry:
        return None
    kept = [entry for entry in course.dosimetry if entry.get("kind", "retention") == "retention"]
    halves = [entry for entry in course.dosimetry if entry.get("kind") == "effective_half_life"]
    rows: list[Row] = []
    for study in dict.fromkeys(str(entry.get("study") or "–") for entry in kept):
        group = [entry for entry in kept if str(entry.get("study") or "–") == study]
        hours = group[0].get("hours_after_injection")
        when = f", {wording.number(hours)} h after injection" if hours is not None else ""
        rows.append(Row(heading=f"{study.replace('-', ' ')}{when}"))
        rows += [_row(entry) for entry in group]
    columns = (
        Column("Lesion"),
        Column("T/L", "right"),
        Column("T/S", "right"),
        Column("T/kidney", "right"),
        Column("Krenning PET", "center"),
        Column("on SPECT", "center"),
        Column("MBq", "right"),
        Column("Absorbed dose, Gy", "right", 1.0),
        Column("Remarks", width=2.4),
    )
    notice = next((str(e["dose"]["notice"]) for e in kept if (e.get("dose") or {}).get("notice")), "")
    words = "Retention of the therapy agent is not response, and SUV of PET and SPECT are not subtracted."
    words += f" Doses: {notice or 'research estimates, not for decisions'}."
    note = "T/L, T/S, T/kidney: lesion SUVmean over the mean of liver, spleen and kidneys on the same SPECT."
    blocks: list[Block] = [Notices((Notice("caution", words),)), Table(columns, tuple(rows), notes=(note,), dense=True)]
    if halves:
        blocks.append(_half_lives(halves))
    return Section("Retention after therapy", tuple(blocks))


def _lesion(entry: Entry) -> str:
    return str(entry.get("lesion") or entry.get("organ") or "–").replace("lesion-", "")


def _row(entry: Entry) -> Row:
    dose = entry.get("dose") or {}
    estimate = "–"
    if dose.get("gy") is not None:
        estimate = wording.number(dose["gy"])
        if dose.get("low_gy") is not None and dose.get("high_gy") is not None:
            estimate += f" ({wording.number(dose['low_gy'])}–{wording.number(dose['high_gy'])})"
    cells = (
        Cell(_lesion(entry), "strong"),
        *(Cell(wording.number(entry.get(f"tumour_to_{name}"), 2)) for name in ("liver", "spleen", "kidney")),
        Cell(wording.listed(tuple(entry.get("krenning_pet") or ())) or "–"),
        Cell(wording.listed(tuple(entry.get("krenning_spect") or ())) or "–"),
        Cell(wording.number(entry.get("activity_mbq"))),
        Cell(estimate),
        Cell("; ".join(str(reason) for reason in dose.get("reasons") or ()) or "–", "muted"),
    )
    return Row(cells)


def _half_lives(entries: list[Entry]) -> Table:
    rows = []
    for entry in entries:
        hours = " and ".join(wording.number(hour) for hour in entry.get("hours") or ())
        activity = " → ".join(wording.number(value) for value in entry.get("activity_mbq") or ())
        value = entry.get("half_life_h")
        cells = (
            Cell(_lesion(entry), "strong"),
            Cell(f"{hours} h" if hours else "–"),
            Cell(activity or "–"),
            Cell(
                wording.with_unit(value, "h") if value is not None else "refused",
                "" if value is not None else "caution",
            ),
            Cell("; ".join(map(str, filter(None, (*(entry.get("reasons") or ()), entry.get("note"))))) or "–", "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Lesion"),
        Column("Time points", width=0.8),
        Column("Activity, MBq", width=0.8),
        Column("Effective half-life", width=0.8),
        Column("Reasons, remarks", width=2),
    )
    return Table(columns, tuple(rows), dense=True)
