"""Guidelines and trials gate by gate; there is no verdict on a profile as a whole."""

from __future__ import annotations

from typing import Any

from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table, Tone
from lutetia.outputs.report.verdicts.subjects import subjects_words
from lutetia.outputs.report.verdicts.words import UNVERIFIED, Verdict, by_rule, citation_words

_TOLD = ("indeterminate", "not_provided", "not_met", "caution", "met", "provided")


def profile_table(verdicts: list[Verdict]) -> Table:
    """One line per profile: what is missing first, then what is not met, cautions, and what is met, gate by gate."""
    rows: list[Row] = []
    for title, group in by_rule(verdicts).items():
        states: dict[str, dict[str, list[str]]] = {}
        missing: dict[str, None] = {}
        citations: list[dict[str, Any]] = []
        for verdict in group:
            for gate in verdict["gates"]:
                state = str(gate.get("state") or "indeterminate")
                name = str(gate.get("title") or gate.get("id") or "gate")
                cited: list[dict[str, Any]] = gate.get("citations") or []
                if not cited or not all(citation.get("verified") for citation in cited):
                    name += UNVERIFIED
                states.setdefault(state, {}).setdefault(name, []).append(str(verdict.get("subject") or "patient"))
                citations += cited
                if state in ("indeterminate", "not_provided"):
                    missing |= dict.fromkeys(_fact_words(fact) for fact in gate.get("missing") or ())
        rows.append(_profile_row(title, states, missing, citations, one=len(group) == 1))
    columns = (
        Column("Profile", width=1.5),
        Column("Gates", width=0.9),
        Column("Open first, then not met and caution", width=2),
        Column("Met", width=1.2),
    )
    note = (
        "Gates are judged one by one; there is no verdict on a profile as a whole. "
        + UNVERIFIED
        + ": not verified. Every gate with its state, inputs and sources is in findings.json."
    )
    return Table(columns, tuple(rows), notes=(note,), dense=True)


_COUNTED = {"indeterminate": "open", "not_provided": "not provided", "not_met": "not met"}


def _profile_row(
    title: str,
    states: dict[str, dict[str, list[str]]],
    missing: dict[str, None],
    citations: list[Verdict],
    *,
    one: bool,
) -> Row:
    def told(state: str) -> str:
        gates = states.get(state, {})
        return "; ".join(name if one else f"{name}: {subjects_words(who)}" for name, who in gates.items())

    order = [*_TOLD, *sorted(state for state in states if state not in _TOLD)]
    counts = [
        f"{len(states[state])} {_COUNTED.get(state, state.replace('_', ' '))}" for state in order if states.get(state)
    ]
    parts, full = [], []
    for state in ("indeterminate", "not_provided", "not_met", "caution"):
        if states.get(state):
            words, name = told(state), _COUNTED.get(state, state)
            most = _MOST_OPEN if state in ("indeterminate", "not_provided") else 4 * _MOST_OPEN
            parts.append(f"{name}: {wording.shortened(words, most)}")
            full.append(f"{name}: {words}")
    if missing:
        full.append(f"missing: {', '.join(missing)}")
    good = "; ".join(told(state) for state in order if state not in _GRAVE and states.get(state))
    more = ". ".join(
        part for part in (". ".join(full), f"met: {good}" if good else "", citation_words(citations)) if part
    )
    tone: Tone = "error" if states.get("not_met") else ""
    return Row(
        (
            Cell(title, "strong", more=more),
            Cell(", ".join(counts), tone or ("caution" if parts else "")),
            Cell(". ".join(parts) or "–"),
            Cell(wording.shortened(good, _MOST_OPEN) if good else "–", "muted"),
        )
    )


_GRAVE = ("indeterminate", "not_provided", "not_met", "caution", "not_addressed", "silent")

_MOST_OPEN = 110


def _fact_words(fact: object) -> str:
    """``labs.creatinine_clearance`` → ``creatinine clearance``."""
    return str(fact).rsplit(".", 1)[-1].replace("_", " ")
