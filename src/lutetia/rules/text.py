"""A score as plain text: what is missing first, then the patient, the lesions, the profiles, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lutetia.model import Citation
from lutetia.rules.recist_report import recist_lines
from lutetia.rules.score import FOOTER, Score
from lutetia.rules.verdict import Gate, Question, Verdict

UNVERIFIED = "not verified"


def cited(citations: Iterable[Citation]) -> str:
    """Citations in brackets: ``[F4 Table 1, 3A; F4 Fig. 4]``; what was not read at the source says so."""
    parts = [f"{c.source} {c.place}" + ("" if c.verified else f" ({UNVERIFIED})") for c in citations]
    return f" [{'; '.join(parts)}]" if parts else ""


def result_of(verdict: Verdict) -> str:
    """The result of a verdict in one phrase."""
    if verdict.refused is not None:
        return f"no result: {verdict.reason} ({verdict.refused})"
    if not verdict.results:
        return "nothing to say"
    listed = " or ".join(verdict.results)
    hidden = [f"{len(names)} × {title.split(':')[0]}" for name, title, names in verdict.lists if name in ("3C", "3D")]
    if hidden and not listed.startswith(("3", "not")):
        listed += " with " + " and ".join(hidden)
    if verdict.read:
        same = verdict.read in verdict.results and len(verdict.results) == 1
        return f"{verdict.read} as read" + ("" if same else f" (computed {listed})")
    if verdict.proposed and not verdict.settled:
        listed += f" — proposed {verdict.proposed}"
    return listed


def count_states(gates: Iterable[Gate]) -> str:
    """A count of states, the ones that can't be judged first: ``1 indeterminate, 7 met``."""
    order = ["indeterminate", "not_met", "caution", "met", "not_addressed"]
    counts: dict[str, int] = {}
    for gate in gates:
        counts[gate.state] = counts.get(gate.state, 0) + 1
    known = [s for s in order if s in counts] + [s for s in counts if s not in order]
    return ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in known)


def render(score: Score, *, every_gate: bool = True) -> str:
    """The whole score as text."""
    return "\n".join(_lines(score, every_gate)) + "\n"


def _lines(score: Score, every_gate: bool) -> Iterator[str]:
    yield f"Case {score.case}"
    for role, visit in score.roles.items():
        yield f"  read as {role}: {visit}"
    yield from _notes_block(score)
    yield from _questions(score.questions)
    yield from _crosswalk(score)
    yield from recist_lines(score.recist)
    patient = [v for v in score.verdicts if v.scope == "patient" and v.shape != "profile"]
    if patient:
        yield ""
        yield "PATIENT"
        for verdict in patient:
            yield from _verdict(verdict, "  ")
    lesions: dict[str, list[Verdict]] = {}
    for verdict in score.verdicts:
        if verdict.scope != "patient" and verdict.shape != "profile":
            lesions.setdefault(verdict.subject.partition("@")[0], []).append(verdict)
    if lesions:
        yield ""
        yield "LESIONS"
        for name, verdicts in lesions.items():
            yield f"  {name}"
            for verdict in verdicts:
                yield from _verdict(verdict, "    ")
    yield from _profiles(score, every_gate)
    yield from _history(score)
    yield from _conventions(score)
    yield ""
    for warning in dict.fromkeys(w for verdict in score.verdicts for w in verdict.warnings):
        yield f"- {warning}"
    yield ""
    yield FOOTER


def _notes_block(score: Score) -> Iterator[str]:
    for note in score.notes:
        yield f"  ! {note.message} [{note.code}]"


def _questions(questions: tuple[Question, ...]) -> Iterator[str]:
    if not questions:
        return
    yield ""
    yield "OPEN QUESTIONS (the most settling first)"
    for number, question in enumerate(questions[:12], 1):
        yield f"  {number}. {question.subject}: {question.ask} ({question.fact})"
        answers = "; ".join(f"{answer} → {' or '.join(left) or '–'}" for answer, left in question.answers[:6])
        yield f"     {answers}"
        if question.proposal:
            yield f"     proposed: {question.proposal} ({question.proposal_reason}); not confirmed"
    if len(questions) > 12:
        yield f"  … and {len(questions) - 12} more"


def _crosswalk(score: Score) -> Iterator[str]:
    if score.crosswalk is None:
        return
    yield ""
    yield "SIDE BY SIDE (every system under its own name; nothing is merged)"
    for row in score.crosswalk.rows:
        reading = f", {row.reading}" if row.reading else ""
        about = f"  [{row.threshold}; {row.unit}]" if not row.reading else ""
        yield f"  {row.system}{reading}: {row.result}{about}"
    for sentence in score.crosswalk.sentences:
        yield f"  - {sentence}"


def _verdict(verdict: Verdict, indent: str) -> Iterator[str]:
    at = f" ({verdict.subject.partition('@')[2]})" if "@" in verdict.subject else ""
    yield f"{indent}{verdict.title}{at}: {result_of(verdict)}"
    deeper = indent + "  "
    for row in verdict.rows[:6]:
        then = "; ".join(
            f"{key}: {', '.join(value) if isinstance(value, tuple) else value}" for key, value in row.then if value
        )
        conventions = f" {{{', '.join(row.conventions)}}}" if row.conventions else ""
        yield (
            f"{deeper}row {row.id} → {row.result}" + (f" ({then})" if then else "") + cited(row.citations) + conventions
        )
    if len(verdict.rows) > 6:
        yield f"{deeper}… {len(verdict.rows) - 6} more rows possible"
    if verdict.near and verdict.near != verdict.results:
        yield f"{deeper}within the set band: {', '.join(verdict.near)}"
    if verdict.margin is not None:
        yield f"{deeper}margin to the nearest cut ({verdict.nearest_cut}): {verdict.margin:+.1%}"
    for code, text in verdict.texts:
        yield f"{deeper}{code}: {text}"
    for name, title, members in verdict.lists:
        yield f"{deeper}{title}: {', '.join(members)}" if title != name else f"{deeper}{name}: {', '.join(members)}"
    if verdict.targets:
        yield f"{deeper}target lesions: {', '.join(verdict.targets)}"
    for title, value in reported(verdict):
        yield f"{deeper}{title}: {number(value)}"
    for note in verdict.notes:
        yield f"{deeper}! {note.message} [{note.code}]{cited(note.citations)}"
    if verdict.outside_population:
        word = "outside" if verdict.outside_population == "yes" else "possibly outside"
        yield f"{deeper}! {word} the validated population: {verdict.population}"
    for change in verdict.changes:
        overall = ""
        if change.overall and change.overall != change.overall_before:
            overall = f"; overall {' or '.join(change.overall_before)} → {' or '.join(change.overall)}"
        yield f"{deeper}would change: {change.say} → {' or '.join(change.results)}{overall}"


def reported(verdict: Verdict) -> list[tuple[str, Any]]:
    """Numbers that go with a rollup; a share that could still be anything says nothing and is left out."""
    if verdict.shape != "rollup":
        return []
    return [
        (title, value)
        for _, title, value in verdict.values
        if value is not None and value != () and not (value == (0, 1) and "share" in title.lower())
    ]


def number(value: Any) -> str:
    """A reported number; a range where lesions are open."""
    if isinstance(value, tuple):
        if value and all(isinstance(v, str) for v in value):
            return ", ".join(value)
        return "–".join(number(v) for v in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _profiles(score: Score, every_gate: bool) -> Iterator[str]:
    profiles = [v for v in score.verdicts if v.shape == "profile"]
    if not profiles:
        return
    yield ""
    yield "PROFILES (each source by itself; nothing is merged)"
    for verdict in profiles:
        who = "" if verdict.subject == "patient" else f"{verdict.subject}: "
        if verdict.gates:
            yield f"  {who}{verdict.title}: {count_states(verdict.gates)}"
        elif verdict.notes:
            yield f"  {who}{verdict.title}"
        shown = [g for g in verdict.gates if every_gate or g.state not in ("met", "not_addressed", "silent")]
        for gate in shown:
            if gate.state in ("silent", "not_addressed"):
                continue
            missing = f"; missing: {', '.join(gate.missing)}" if gate.missing else ""
            say = f" — {gate.say}" if gate.say else f" — {gate.why}" if gate.why else ""
            yield f"    {gate.state.replace('_', ' ')}: {gate.title}{say}{cited(gate.citations)}{missing}"
            if gate.ask:
                yield f"      ask: {gate.ask}"
        for note in verdict.notes:
            yield f"    {note.message}{cited(note.citations)}"
        if verdict.gates and verdict.outside_population == "yes":
            yield f"    ! outside: {verdict.population}"


def _history(score: Score) -> Iterator[str]:
    if not score.history:
        return
    yield ""
    yield "HISTORY"
    for entry in score.history:
        day = f" {entry.date}" if entry.date else ""
        yield f"  {entry.lesion} {entry.visit}{day}: {' or '.join(entry.results)} ({', '.join(entry.rows[:3])})"


def _conventions(score: Score) -> Iterator[str]:
    used: dict[str, str] = {}
    for verdict in score.verdicts:
        for use in verdict.conventions:
            changed = "" if use.chosen == use.default else f" (default {use.default})"
            used.setdefault(use.key, f"{use.title} {use.chosen}{changed} — {use.reason}")
    if not used:
        return
    yield ""
    yield "CONVENTIONS THAT DECIDED SOMETHING (chosen with --set KEY=OPTION)"
    for key, text in sorted(used.items()):
        yield f"  {key}: {text}"
