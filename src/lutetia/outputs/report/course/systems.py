"""The scoring systems side by side at each visit, where they part and why, and how old their inputs were."""

from __future__ import annotations

from typing import Any

from lutetia.model import Course, VisitScore, VisitVerdict
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Paragraph, Row, Section, Table, Tone
from lutetia.outputs.report.course.following import visit_words
from lutetia.outputs.report.verdicts.subjects import numbered_words


def systems(course: Course) -> Section | None:
    """A row per system and a column per visit; then what changed between visits, with dates. None without any."""
    walks = [(_visit_title(score), score.crosswalk) for score in course.visit_scores if score.crosswalk.get("rows")]
    if not walks and course.crosswalk.get("rows"):
        walks = [("Result", course.crosswalk)]
    blocks: list[Block] = []
    if walks:
        words = "Each system speaks for itself; where they part, the sentences below say why. Nothing is merged."
        blocks += [Paragraph(words, "muted"), _table(walks)]
        blocks += [
            Paragraph((f"{title}: " if len(walks) > 1 else "") + " ".join(map(numbered_words, walk["sentences"])))
            for title, walk in walks
            if walk.get("sentences")
        ]
    changes = _changes(course)
    if changes is not None:
        blocks.append(changes)
    return Section("Systems side by side", tuple(blocks), anchor="systems") if blocks else None


def _visit_title(score: VisitScore) -> str:
    date = f", {wording.date_words(score.date, short=True)}" if score.date else ""
    return f"{visit_words(score.visit).capitalize()}{date}"


def _table(walks: list[tuple[str, dict[str, Any]]]) -> Table:
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for title, walk in walks:
        for row in walk["rows"]:
            key = (str(row.get("system") or row.get("rule")), str(row.get("reading") or ""))
            found.setdefault(key, {})[title] = row
    rows = []
    for (system, reading), by_visit in found.items():
        given = [str(by_visit[title].get("result") or "–") if title in by_visit else "–" for title, _ in walks]
        differs = len({words for words in given if words != "–"}) > 1
        any_row = next(iter(by_visit.values()))
        cells = [Cell(system + (f" ({reading})" if reading else ""), "strong")]
        cells += [Cell(_few(words), "caution" if differs else "", more=_rest(words)) for words in given]
        cells += [Cell(str(any_row.get("threshold") or "–"), "muted"), Cell(str(any_row.get("unit") or "–"), "muted")]
        rows.append(Row(tuple(cells)))
    columns = [Column("System", width=1.1), *(Column(title, width=1.2) for title, _ in walks)]
    columns += [Column("Positive means", width=1.3), Column("It looks at", width=1.2)]
    return Table(tuple(columns), tuple(rows), dense=True)


#: Of more results than this that are still possible the first ones are shown.
MOST_RESULTS = 4


def _few(words: str) -> str:
    """``0 or 1 or 2 or 3 or 4 or 5`` → ``open: 0, 1, 2, 3 or 2 more``."""
    parts = words.split(" or ")
    if len(parts) <= MOST_RESULTS + 1:
        return words
    return f"open: {', '.join(parts[:MOST_RESULTS])} or {len(parts) - MOST_RESULTS} more"


def _rest(words: str) -> str:
    return words if _few(words) != words else ""


def _changes(course: Course) -> Table | None:
    """Verdicts that differ from the visit before, and those that a published limit lets expire."""
    rows: list[Row] = []
    for score in course.visit_scores:
        told = [verdict for verdict in score.verdicts if verdict.changed or verdict.expires]
        if told:
            rows.append(Row(heading=_visit_title(score)))
            rows += [_row(verdict, first=score is course.visit_scores[0]) for verdict in told]
    if not rows:
        return None
    columns = (
        Column("Evaluated again at each visit", width=1.4),
        Column("Different from the visit before", width=2.2),
        Column("Oldest input", width=0.8),
        Column("Holds until", width=1.1),
    )
    note = "Every gate of every rule at every visit, with the dates of its inputs: visit_scores in findings.json."
    return Table(columns, tuple(rows), notes=(note,), dense=True)


def _row(verdict: VisitVerdict, *, first: bool) -> Row:
    tone: Tone = "caution" if verdict.changed else "muted"
    until = wording.date_words(verdict.expires, short=True) if verdict.expires else "–"
    told = "; ".join(map(numbered_words, verdict.changed)) or ("first visit" if first else "as before")
    shown = "; ".join(" → ".join(map(_few, words.split(" → "))) for words in told.split("; "))
    undated = f"; without a date: {', '.join(verdict.undated_inputs)}" if verdict.undated_inputs else ""
    dated = ", ".join(f"{name} {day}" for name, day in verdict.dated_inputs.items())
    return Row(
        (
            Cell(verdict.title or verdict.rule, "strong", more=dated + undated),
            Cell(wording.shortened(shown, 260), tone, more=told if told != wording.shortened(shown, 260) else ""),
            Cell(wording.date_words(verdict.oldest_input, short=True) if verdict.oldest_input else "–", "muted"),
            Cell(f"{until} ({verdict.expiry})" if verdict.expires else until, "muted"),
        )
    )
