"""The open questions, the most settling first."""

from __future__ import annotations

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table
from lutetia.outputs.report.verdicts.subjects import subjects_words
from lutetia.outputs.report.verdicts.words import Verdict

_MOST_QUESTIONS = 8


def question_table(course: Course) -> Table:
    """The questions of the record in their order; one that is asked of several lesions is one line."""
    grouped: dict[str, list[Verdict]] = {}
    for question in course.questions:
        unit = f" ({question['unit']})" if question.get("unit") else ""
        ask = str(question.get("ask") or question.get("fact") or "") + unit
        grouped.setdefault(ask, []).append(question)
    rows = []
    for ask, questions in list(grouped.items())[:_MOST_QUESTIONS]:
        proposals: dict[str, list[str]] = {}
        for question in questions:
            if question.get("proposal"):
                reason = str(question.get("proposal_reason") or "")
                words = str(question["proposal"]) + (f" ({reason})" if reason else "")
                proposals.setdefault(words, []).append(str(question.get("subject") or "patient"))
        alone = len(proposals) == 1
        told = "; ".join(w if alone else f"{subjects_words(who)}: {w}" for w, who in list(proposals.items())[:3])
        rules = list(dict.fromkeys(r for q in questions for r in str(q.get("rule") or "").split(", ") if r))
        by = ", ".join(rules) if len(rules) < 3 else wording.plural(len(rules), "rule")
        cells = (
            Cell(ask),
            Cell(subjects_words(str(question.get("subject") or "patient") for question in questions)),
            Cell(by or "–", "muted", more=", ".join(rules) if len(rules) >= 3 else ""),
            Cell(f"proposed: {told}" if told else "–", "muted"),
        )
        rows.append(Row(cells))
    hidden = len(grouped) - len(rows)
    notes = (f"And {hidden} more in findings.json.",) if hidden > 0 else ()
    columns = (
        Column("Open question, the most settling first", width=1.8),
        Column("Of", width=0.9),
        Column("Asked by", width=0.9),
        Column("Proposal", width=1.1),
    )
    return Table(columns, tuple(rows), notes=notes, dense=True)
