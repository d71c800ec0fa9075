"""RECIST 1.1 of a case in words: lines of text, and one table of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from lutetia.rules.recist_visits import JudgedVisit, RecistResult

TITLE = "RECIST 1.1 (diameters on CT or MRI, as the reader gave or confirmed them; no SSTR number enters)"


def _change(percent: float | None, mm: float | None) -> str:
    """A change as ``-29.90 % (-29.9 mm)``: two decimals, so that no rounding seems to cross a limit."""
    if mm is None:
        return "–"
    return (f"{percent:+.2f} % " if percent is not None else "") + f"({mm:+.1f} mm)"


def _response(visit: JudgedVisit) -> str:
    if visit.confirmed is None:
        return visit.overall.value
    return f"{visit.overall.value}, {'confirmed' if visit.confirmed else 'not confirmed'}"


def _sum(visit: JudgedVisit) -> str:
    return f"{visit.sum_mm:.1f} mm" if visit.sum_mm is not None else "–"


def _baseline(result: RecistResult) -> str:
    listed = ", ".join(f"{t.id} ({t.organ}{', node' if t.node else ''})" for t in result.targets)
    size = f"{result.baseline_mm:.1f} mm" if result.targets else "no target lesions"
    return f"{result.baseline_date} baseline: {size}" + (f"; targets {listed}" if listed else "")


def _unverified(result: RecistResult) -> list[str]:
    """Each statement that stands on general knowledge, with the visits that used it."""
    used: dict[str, list[str]] = {}
    for visit in result.visits:
        for text in visit.not_verified:
            used.setdefault(text, []).append(visit.date)
    return [f"{text} ({', '.join(dates)})" for text, dates in used.items()]


def recist_lines(result: RecistResult | None) -> Iterator[str]:
    """The section as text; nothing where there is none."""
    if result is None:
        return
    yield ""
    yield TITLE
    if result.reader:
        yield f"  read by {result.reader}"
    yield f"  {_baseline(result)}"
    for visit in result.visits:
        yield f"  {visit.date} (day {visit.day}): {_response(visit)} — {visit.decided_by}"
        if visit.target is not None:
            against = _change(visit.change_from_baseline_percent, visit.change_from_baseline_mm)
            smallest = _change(visit.change_from_nadir_percent, visit.change_from_nadir_mm)
            yield (
                f"    sum {_sum(visit)}; against baseline {against}; against nadir {visit.nadir_mm:.1f} mm {smallest}; "
                f"targets alone {visit.target.value}"
            )
    for note in result.notes:
        yield f"  ! {note}"
    for text in _unverified(result):
        yield f"  not verified: {text}"


def recist_table(result: RecistResult | None) -> str:
    """The section as HTML; empty where there is none."""
    if result is None:
        return ""
    rows = "".join(
        f"<tr><td>{escape(visit.date)}<br><span class='muted'>day {visit.day}</span></td>"
        f"<td>{_sum(visit) if visit.target is not None else '–'}</td>"
        f"<td>{_change(visit.change_from_baseline_percent, visit.change_from_baseline_mm)}</td>"
        f"<td>{_change(visit.change_from_nadir_percent, visit.change_from_nadir_mm)}<br>"
        f"<span class='muted'>nadir {visit.nadir_mm:.1f} mm</span></td>"
        f"<td>{visit.target.value if visit.target is not None else '–'}</td>"
        f"<td class='result'>{_response(visit)}</td><td>{escape(visit.decided_by)}</td></tr>"
        for visit in result.visits
    )
    head = (
        "<tr><th>Visit</th><th>Sum</th><th>Against baseline</th><th>Against nadir</th><th>Targets</th>"
        "<th>Overall</th><th>Decided by</th></tr>"
    )
    reader = f"<p class='muted'>Read by {escape(result.reader)}</p>" if result.reader else ""
    notes = "".join(f"<p class='caution'>{escape(note)}</p>" for note in result.notes)
    items = "".join(f"<li>{escape(text)}</li>" for text in _unverified(result))
    listed = f"<p class='unverified'>Not verified:</p><ul>{items}</ul>" if items else ""
    return (
        f"<h2>{escape(TITLE)}</h2>{reader}<p>{escape(_baseline(result))}</p><table>{head}{rows}</table>{notes}{listed}"
    )
