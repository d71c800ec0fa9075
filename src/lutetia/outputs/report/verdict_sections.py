"""Rule results in the report. Every source speaks for itself, and what is missing stands before what is met."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Paragraph, Row, Section, Table, Tone

Verdict = dict[str, Any]

#: Shown with every lesion already, in the lesion table.
_SHOWN_ELSEWHERE = {"krenning-modified", "krenning-spect"}
_GATE_ORDER = ("indeterminate", "not_provided", "not_met", "caution", "met", "provided", "not_addressed")
_GATE_TONE: dict[str, Tone] = {
    "indeterminate": "caution",
    "not_provided": "caution",
    "not_met": "error",
    "caution": "caution",
    "not_addressed": "muted",
}
_MOST_QUESTIONS = 8
_MOST_SOURCES = 4
_UNVERIFIED = "°"


def verdict_section(course: Course) -> Section | None:
    """What each rule says. None when no rule was asked."""
    verdicts = [verdict for verdict in course.verdicts if verdict.get("rule") not in _SHOWN_ELSEWHERE]
    if not verdicts:
        return None
    results = [verdict for verdict in verdicts if not verdict.get("gates")]
    profiles = [verdict for verdict in verdicts if verdict.get("gates")]
    words = (
        "Each source speaks for itself; nothing is merged into one answer, and none of these is a recommendation. "
        "Several results in one row mean that the answers given so far leave all of these possible."
    )
    blocks: list[Block] = [Paragraph(words, "muted")]
    if course.questions:
        blocks.append(_open_questions(course))
    if results:
        blocks.append(_results(results))
    if profiles:
        blocks.append(_profiles(profiles))
    return Section("What the rules say", tuple(blocks), anchor="rules")


def _title(verdict: Verdict) -> str:
    title = str(verdict.get("title") or verdict.get("rule") or "rule")
    edition = str(verdict.get("edition") or "")
    return f"{title} – {edition}" if edition and edition not in title else title


def _by_rule(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    grouped: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(_title(verdict), []).append(verdict)
    return grouped


def subjects_words(subjects: Iterable[str]) -> str:
    """``lesion-1 … lesion-4, lesion-7`` at one visit → ``lesions 1–4, 7``; the patient stays the patient.

    A name with a question mark is one that may belong there: ``lesion-3?`` → ``perhaps lesion 3``.
    """
    numbered: dict[tuple[str, bool], list[int]] = {}
    others: list[str] = []
    for subject in subjects:
        name, _, visit = subject.rstrip("?").partition("@")
        found = re.fullmatch(r"lesion-(\d+)", name)
        if found:
            numbered.setdefault((visit, subject.endswith("?")), []).append(int(found.group(1)))
        else:
            others.append(subject)
    words = list(dict.fromkeys(others))
    visits = {visit for visit, _ in numbered}
    for (visit, open_), numbers in numbered.items():
        text = ("lesion " if len(numbers) == 1 else "lesions ") + _runs(sorted(set(numbers)))
        text = f"perhaps {text}" if open_ else text
        words.append(f"{text} at {visit}" if len(visits) > 1 else text)
    return "; ".join(words)


def _runs(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}{', ' if len(r) == 2 else '–'}{r[-1]}" for r in runs)


def _results(verdicts: list[Verdict]) -> Table:
    rows: list[Row] = []
    for title, group in _by_rule(verdicts).items():
        rows.append(Row(heading=title))
        same: dict[str, list[Verdict]] = {}
        for verdict in group:
            same.setdefault(_said(verdict), []).append(verdict)
        for said, alike in same.items():
            settled = all(len(v.get("results") or ()) == 1 and not v.get("refused") for v in alike)
            cells = (
                Cell(said, "strong" if settled else "caution"),
                Cell(subjects_words(str(v.get("subject") or "patient") for v in alike)),
                Cell(_because(alike), "muted"),
                Cell(_asked(alike), "muted"),
            )
            rows.append(Row(cells))
    columns = (
        Column("Result", width=0.9),
        Column("Of", width=0.9),
        Column("Because", width=1.8),
        Column("Would be settled by", width=1.5),
    )
    note = f"{_UNVERIFIED}: the place in the source could not be verified."
    return Table(columns, tuple(rows), notes=(note,), dense=True)


def _said(verdict: Verdict) -> str:
    if verdict.get("refused"):
        return f"refused: {verdict['refused']}"
    return wording.listed(tuple(str(result) for result in verdict.get("results") or ())) or "undecided"


def _because(verdicts: list[Verdict]) -> str:
    """Reasons that all share, and the sources of the rows that decided or may decide."""
    parts: list[str] = []
    reasons = {str(verdict.get("reason") or "") for verdict in verdicts}
    if len(reasons) == 1:
        parts += reasons
    parts.append(_sources(c for v in verdicts for row in v.get("rows") or () for c in row.get("citations") or ()))
    parts += [str(note.get("message") or "") for v in verdicts for note in v.get("notes") or ()]
    parts += [str(warning) for v in verdicts for warning in v.get("warnings") or ()]
    for verdict in verdicts:
        for _, name, members in verdict.get("lists") or ():
            parts.append(f"{name}: {subjects_words(str(member) for member in members)}")
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in parts if part)) or "–"


def _sources(citations: Iterable[dict[str, Any]]) -> str:
    """Sources with their places, a source once: ``F4: Table 1, Fig. 2; F2°``."""
    places: dict[str, dict[str, None]] = {}
    for citation in citations:
        mark = "" if citation.get("verified") else _UNVERIFIED
        place = str(citation.get("place") or "") + mark
        places.setdefault(str(citation.get("source") or "source not named"), {})[place] = None
    words = []
    for source, found in places.items():
        named = [place for place in found if place.strip(_UNVERIFIED)]
        text = ", ".join(named[:_MOST_SOURCES]) + (f" and {len(named) - _MOST_SOURCES} more" if len(named) > 4 else "")
        words.append(f"{source}: {text}" if text else source + (_UNVERIFIED if _UNVERIFIED in found else ""))
    return "; ".join(words)


def _asked(verdicts: list[Verdict]) -> str:
    asked = [str(q.get("ask") or q.get("fact") or "") for v in verdicts for q in v.get("questions") or ()]
    shown = [ask for ask in dict.fromkeys(asked) if ask]
    more = len(shown) - 3
    return " ".join(shown[:3]) + (f" And {more} more." if more > 0 else "") or "–"


def _profiles(verdicts: list[Verdict]) -> Table:
    """Per profile one row for each state, what is open first: which gates, for whom, and what is missing."""
    rows: list[Row] = []
    for title, group in _by_rule(verdicts).items():
        rows.append(Row(heading=title))
        states: dict[str, dict[str, list[str]]] = {}
        missing: dict[str, None] = {}
        citations: list[dict[str, Any]] = []
        for verdict in group:
            for gate in verdict["gates"]:
                state = str(gate.get("state") or "indeterminate")
                name = str(gate.get("title") or gate.get("id") or "gate")
                cited: list[dict[str, Any]] = gate.get("citations") or []
                if not cited or not all(citation.get("verified") for citation in cited):
                    name += _UNVERIFIED
                states.setdefault(state, {}).setdefault(name, []).append(str(verdict.get("subject") or "patient"))
                citations += gate.get("citations") or []
                if state in ("indeterminate", "not_provided"):
                    missing |= dict.fromkeys(_fact_words(fact) for fact in gate.get("missing") or ())
        for state in sorted(states, key=_rank):
            gates = states[state]
            everybody = len(group) == 1
            words = "; ".join(
                name if everybody else f"{name}: {subjects_words(subjects)}" for name, subjects in gates.items()
            )
            note = f"missing: {', '.join(missing)}" if state == "indeterminate" and missing else ""
            cells = (Cell(state.replace("_", " "), _GATE_TONE.get(state, "")), Cell(words), Cell(note, "muted"))
            rows.append(Row(cells))
        rows.append(Row((Cell("source", "muted"), Cell(_sources(citations) or "–", "muted"), Cell(""))))
    columns = (Column("State"), Column("Gates", width=2.4), Column("What is missing", width=1.2))
    note = (
        "Gates are judged one by one; there is no verdict on a profile as a whole. " + _UNVERIFIED + ": not verified."
    )
    return Table(columns, tuple(rows), notes=(note,), dense=True)


def _rank(state: str) -> int:
    return _GATE_ORDER.index(state) if state in _GATE_ORDER else 0


def _fact_words(fact: object) -> str:
    """``labs.creatinine_clearance`` → ``creatinine clearance``."""
    return str(fact).rsplit(".", 1)[-1].replace("_", " ")


def _open_questions(course: Course) -> Table:
    rows = []
    for question in course.questions[:_MOST_QUESTIONS]:
        unit = f" ({question['unit']})" if question.get("unit") else ""
        proposal = str(question.get("proposal") or "")
        if proposal:
            reason = str(question.get("proposal_reason") or "")
            proposal = f"proposed: {proposal}" + (f" ({reason})" if reason else "")
        cells = (
            Cell(str(question.get("ask") or question.get("fact") or "") + unit),
            Cell(subjects_words([str(question.get("subject") or "patient")])),
            Cell(str(question.get("rule") or ""), "muted"),
            Cell(proposal or "–", "muted"),
        )
        rows.append(Row(cells))
    hidden = len(course.questions) - len(rows)
    notes = (f"And {hidden} more in findings.json.",) if hidden > 0 else ()
    columns = (
        Column("Open question, the most settling first", width=1.8),
        Column("Of", width=0.7),
        Column("Asked by", width=1),
        Column("Proposal", width=1),
    )
    return Table(columns, tuple(rows), notes=notes, dense=True)
