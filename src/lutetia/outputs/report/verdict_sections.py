"""Rule results in the report. Every source speaks for itself, and what is missing stands before what is met."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Paragraph, Row, Section, Table, Tone

_GATE_ORDER = ("indeterminate", "not_met", "caution", "met", "not_addressed")
_GATE_TONE: dict[str, Tone] = {
    "indeterminate": "caution",
    "not_met": "error",
    "caution": "caution",
    "met": "",
    "not_addressed": "muted",
}
_UNVERIFIED = " (not verified)"


def verdict_section(course: Course) -> Section | None:
    """What each rule says. None when no rule was asked."""
    if not course.verdicts:
        return None
    results = [verdict for verdict in course.verdicts if not verdict.get("gates")]
    profiles = [verdict for verdict in course.verdicts if verdict.get("gates")]
    blocks: list[Block] = []
    if results:
        blocks.append(_results(results))
    for profile in profiles:
        blocks.append(_profile(profile))
    words = (
        "Each source speaks for itself; nothing is merged into one answer, and none of these is a recommendation. "
        "A result in the plural means that the answers given so far leave all of these possible."
    )
    blocks.append(Paragraph(words, "muted"))
    return Section("What the rules say", tuple(blocks))


def _title(verdict: dict[str, Any]) -> str:
    title = str(verdict.get("title") or verdict.get("rule") or "rule")
    return f"{title} ({verdict['edition']})" if verdict.get("edition") else title


def _results(verdicts: list[dict[str, Any]]) -> Table:
    rows: list[Row] = []
    last = ""
    for verdict in verdicts:
        title = _title(verdict)
        if title != last:
            rows.append(Row(heading=title))
            last = title
        results = tuple(str(result) for result in verdict.get("results") or ())
        if verdict.get("refused"):
            said, tone = f"refused: {verdict['refused']}", "caution"
        else:
            said, tone = wording.listed(results) or "undecided", "strong" if len(results) == 1 else "caution"
        cells = (
            Cell(str(verdict.get("subject") or "patient")),
            Cell(said, "caution" if tone == "caution" else "strong"),
            Cell(_because(verdict), "muted"),
            Cell(_questions(verdict.get("questions") or ()), "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Of", width=0.7),
        Column("Result", width=0.8),
        Column("Because", width=1.8),
        Column("Would be settled by", width=1.5),
    )
    return Table(columns, tuple(rows), dense=True)


def _because(verdict: dict[str, Any]) -> str:
    parts = [str(verdict.get("reason") or "")]
    for row in verdict.get("rows") or ():
        parts.append(f"row {row.get('id', '')}: {_sources(row.get('citations') or ())}".rstrip(": "))
    parts += [str(note.get("message") or note.get("code") or "") for note in verdict.get("notes") or ()]
    parts += [str(warning) for warning in verdict.get("warnings") or ()]
    return "; ".join(dict.fromkeys(part for part in parts if part)) or "–"


def _sources(citations: Iterable[dict[str, Any]]) -> str:
    words = []
    for citation in citations:
        place = f", {citation['place']}" if citation.get("place") else ""
        words.append(f"{citation.get('source', '')}{place}{'' if citation.get('verified') else _UNVERIFIED}")
    return "; ".join(dict.fromkeys(words))


def _questions(questions: Iterable[dict[str, Any]]) -> str:
    asked = [str(question.get("ask") or question.get("fact") or "") for question in questions]
    shown = [ask for ask in asked if ask]
    more = len(shown) - 3
    return "; ".join(shown[:3]) + (f"; and {more} more" if more > 0 else "") or "–"


def _profile(verdict: dict[str, Any]) -> Table:
    gates = sorted(verdict["gates"], key=lambda gate: _rank(str(gate.get("state", ""))))
    rows = []
    for gate in gates:
        state = str(gate.get("state") or "indeterminate")
        missing = [str(name).replace("_", " ") for name in gate.get("missing") or ()]
        words = [str(gate.get("say") or gate.get("why") or "")]
        if missing:
            words.insert(0, f"missing: {', '.join(missing)}")
        rows.append(
            Row(
                (
                    Cell(str(gate.get("title") or gate.get("id") or "gate")),
                    Cell(state.replace("_", " "), _GATE_TONE.get(state, "")),
                    Cell("; ".join(word for word in words if word) or "–", "muted"),
                    Cell(_sources(gate.get("citations") or ()) or "–", "muted"),
                )
            )
        )
    columns = (Column("Gate", width=1.3), Column("State"), Column("In words", width=1.4), Column("Source", width=1))
    return Table(columns, (Row(heading=_title(verdict)), *rows), dense=True)


def _rank(state: str) -> int:
    return _GATE_ORDER.index(state) if state in _GATE_ORDER else 0
