"""A score as one self-contained HTML page: no scripts, no fetched parts, printable."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from lutetia.model import Citation
from lutetia.rules.recist_report import recist_table
from lutetia.rules.score import FOOTER, Score
from lutetia.rules.text import count_states, number, reported, result_of
from lutetia.rules.verdict import Question, Verdict

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1d2730;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem} h2{font-size:1.1rem;margin:1.8rem 0 .5rem;border-bottom:2px solid #2f5d73}
h3{font-size:1rem;margin:1rem 0 .2rem} table{border-collapse:collapse;width:100%;margin:.4rem 0}
th,td{border-bottom:1px solid #d5dde2;padding:.3rem .5rem;text-align:left;vertical-align:top} th{color:#47606e}
.result{font-weight:600} .cite{color:#5b7482;font-size:.85em} .unverified{color:#9a4b00}
.caution{color:#7a4b00} .state{white-space:nowrap;font-weight:600} .muted{color:#5b7482}
.indeterminate{color:#5a3d8a} .not_met{color:#96281b} .met{color:#1d6b3a}
footer{margin-top:2rem;border-top:1px solid #d5dde2;padding-top:.6rem;color:#5b7482;font-size:.85em}
@media print{body{margin:0;max-width:none}}
"""


def render_page(score: Score) -> str:
    """The whole score as one HTML page."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>Lutetia: case {escape(score.case)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Case {escape(score.case)}</h1><p class='muted'>Research use. ",
        escape("; ".join(f"{role}: {visit}" for role, visit in score.roles.items()) or "no visit"),
        "</p>",
        *(f"<p class='caution'>{escape(note.message)}</p>" for note in score.notes),
        _questions(score.questions),
        _crosswalk(score),
        recist_table(score.recist),
        _verdicts("Patient", [v for v in score.verdicts if v.scope == "patient" and v.shape != "profile"]),
        _verdicts("Lesions", [v for v in score.verdicts if v.scope != "patient" and v.shape != "profile"]),
        _profiles([v for v in score.verdicts if v.shape == "profile"]),
        _history(score),
        _conventions(score),
        "".join(
            f"<p class='muted'>{escape(w)}</p>" for w in dict.fromkeys(w for v in score.verdicts for w in v.warnings)
        ),
        f"<footer>{escape(FOOTER)}</footer></body></html>",
    ]
    return "".join(parts)


def _cite(citations: Iterable[Citation]) -> str:
    shown = []
    for citation in citations:
        mark = "" if citation.verified else " <span class='unverified'>not verified</span>"
        shown.append(f"{escape(citation.source)} {escape(citation.place)}{mark}")
    return f" <span class='cite'>[{'; '.join(shown)}]</span>" if shown else ""


def _questions(questions: tuple[Question, ...]) -> str:
    if not questions:
        return ""
    rows = []
    for question in questions[:20]:
        answers = "<br>".join(
            f"{escape(answer)} → {escape(' or '.join(left) or '–')}" for answer, left in question.answers[:8]
        )
        proposed = (
            f"<br><span class='muted'>proposed: {escape(question.proposal)} ({escape(question.proposal_reason)}), "
            "not confirmed</span>"
            if question.proposal
            else ""
        )
        rows.append(
            f"<tr><td>{escape(question.subject)}</td><td>{escape(question.ask)}{proposed}</td><td>{answers}</td></tr>"
        )
    head = "<tr><th>Of</th><th>Question</th><th>What each answer would leave</th></tr>"
    return f"<h2>Open questions, the most settling first</h2><table>{head}{''.join(rows)}</table>"


def _crosswalk(score: Score) -> str:
    if score.crosswalk is None:
        return ""
    rows = "".join(
        f"<tr><td>{escape(row.system)}{'<br>' if row.reading else ''}"
        f"<span class='muted'>{escape(row.reading)}</span></td>"
        f"<td class='result'>{escape(row.result)}</td><td>{escape(row.threshold)}</td><td>{escape(row.unit)}</td>"
        f"<td>{escape(row.purpose)}</td></tr>"
        for row in score.crosswalk.rows
    )
    head = "<tr><th>System</th><th>Result</th><th>Threshold</th><th>Unit</th><th>Made for</th></tr>"
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in score.crosswalk.sentences)
    return f"<h2>Side by side</h2><table>{head}{rows}</table>" + (f"<ul>{said}</ul>" if said else "")


def _verdicts(title: str, verdicts: list[Verdict]) -> str:
    if not verdicts:
        return ""
    rows = [f"<tr>{_cells(verdict)}</tr>" for verdict in verdicts]
    head = "<tr><th>Of</th><th>System</th><th>Result</th><th>Basis</th></tr>"
    return f"<h2>{escape(title)}</h2><table>{head}{''.join(rows)}</table>"


def _cells(verdict: Verdict) -> str:
    basis: list[str] = []
    for row in verdict.rows[:8]:
        conventions = f" {{{escape(', '.join(row.conventions))}}}" if row.conventions else ""
        basis.append(f"{escape(row.id)} → {escape(row.result)}{_cite(row.citations)}{conventions}")
    for code, text in verdict.texts:
        basis.append(f"<span class='muted'>{escape(code)}: {escape(text)}</span>")
    for _, name, members in verdict.lists:
        basis.append(f"{escape(name)}: {escape(', '.join(members))}")
    if verdict.targets:
        basis.append(f"target lesions: {escape(', '.join(verdict.targets))}")
    basis += [f"{escape(title)}: {escape(number(value))}" for title, value in reported(verdict)]
    for note in verdict.notes:
        basis.append(f"<span class='caution'>{escape(note.message)}</span>{_cite(note.citations)}")
    if verdict.outside_population:
        word = "Outside" if verdict.outside_population == "yes" else "Possibly outside"
        basis.append(f"<span class='caution'>{word} the validated population: {escape(verdict.population)}</span>")
    for change in verdict.changes:
        overall = ""
        if change.overall and change.overall != change.overall_before:
            overall = f"; overall {' or '.join(change.overall_before)} → {' or '.join(change.overall)}"
        basis.append(f"would change: {escape(change.say)} → {escape(' or '.join(change.results) + overall)}")
    near = ""
    if verdict.near and verdict.near != verdict.results:
        near = f"<br><span class='muted'>set {escape(', '.join(verdict.near))}</span>"
    return (
        f"<td>{escape(verdict.subject)}</td><td>{escape(verdict.title)}<br>"
        f"<span class='muted'>{escape(verdict.edition)}</span></td>"
        f"<td class='result'>{escape(result_of(verdict))}{near}</td><td>{'<br>'.join(basis)}</td>"
    )


def _profiles(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return ""
    parts = [
        "<h2>Profiles, each source by itself</h2><p class='muted'>Nothing is merged. A gate met in one source and ",
        "not met in another is information, not an error.</p>",
    ]
    for verdict in verdicts:
        gates = [g for g in verdict.gates if g.state not in ("silent", "not_addressed")]
        if not gates and not verdict.notes:
            continue
        who = "" if verdict.subject == "patient" else f"{escape(verdict.subject)}: "
        count = f" <span class='muted'>{escape(count_states(verdict.gates))}</span>" if verdict.gates else ""
        parts.append(f"<h3>{who}{escape(verdict.title)}{count}</h3><table>")
        for gate in gates:
            missing = (
                f"<br><span class='muted'>missing: {escape(', '.join(gate.missing))}</span>" if gate.missing else ""
            )
            extra = "".join(f"<br>{escape(t)}" for t in (gate.say, gate.why, gate.ask) if t)
            parts.append(
                f"<tr><td class='state {escape(gate.state)}'>{escape(gate.state.replace('_', ' '))}</td>"
                f"<td>{escape(gate.title)}{_cite(gate.citations)}{extra}{missing}</td></tr>"
            )
        parts += [f"<tr><td></td><td>{escape(n.message)}{_cite(n.citations)}</td></tr>" for n in verdict.notes]
        parts.append("</table>")
    return "".join(parts)


def _history(score: Score) -> str:
    if not score.history:
        return ""
    rows = "".join(
        f"<tr><td>{escape(e.lesion)}</td><td>{escape(e.visit)} {escape(e.date)}</td>"
        f"<td>{escape(' or '.join(e.results))}</td><td>{escape(', '.join(e.rows[:3]))}</td></tr>"
        for e in score.history
    )
    return f"<h2>History</h2><table>{rows}</table>"


def _conventions(score: Score) -> str:
    used: dict[str, str] = {}
    for verdict in score.verdicts:
        for use in verdict.conventions:
            used.setdefault(
                use.key, f"<td>{escape(use.title)}</td><td>{escape(use.chosen)}</td><td>{escape(use.reason)}</td>"
            )
    if not used:
        return ""
    rows = "".join(f"<tr><td>{escape(key)}</td>{cells}</tr>" for key, cells in sorted(used.items()))
    head = "<tr><th>Key</th><th>Question</th><th>In force</th><th>Reason</th></tr>"
    return f"<h2>Conventions that decided something</h2><table>{head}{rows}</table>"
