"""Values that the images propose and nobody confirmed: carried beside the verdict, never counted as known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lutetia.rules.case import TypedCase
from lutetia.rules.compiled import Rule
from lutetia.rules.facts import UNKNOWN, Fact, FactView
from lutetia.rules.loader import RuleSet
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import spell
from lutetia.rules.score_record import PATIENT
from lutetia.rules.table import Table
from lutetia.rules.verdict import Verdict
from lutetia.rules.vocabulary import FactDefinition


def proposals_of(rules: RuleSet, view: FactView, case: TypedCase) -> dict[str, dict[str, tuple[Any, str]]]:
    """Values that cited tables (or the images) propose for open facts; never counted as answers."""
    found: dict[str, dict[str, tuple[Any, str]]] = {lesion: dict(values) for lesion, values in case.proposals.items()}
    for rule in rules:
        fact = rule.file.proposes
        if fact is None or not isinstance(rule.body, Table):
            continue
        for lesion in view.lesions:
            if lesion.get(fact) is not UNKNOWN:
                continue
            rows = rule.body.matching(rule.body.answers(lesion))
            results = rule.body.results(rows)
            definition = rules.vocabulary[fact]
            value = _as_value(definition, results[0]) if len(results) == 1 else None
            if value is not None:
                row = rule.body.rows[rows[0]]
                source = row.citations[0].source if row.citations else ", ".join(row.conventions)
                found.setdefault(lesion.identity, {}).setdefault(fact, (value, f"{rule.file.title} ({source})"))
    return found


def _as_value(definition: FactDefinition, label: str) -> Any:
    """A table's result as a value of the fact it proposes; None when it is none (a table may answer "ask")."""
    if definition.kind == "yes_no":
        return {"yes": True, "no": False}.get(label)
    return label if label in definition.values else None


def proposed_for_all(
    rule: Rule, verdict: Verdict, view: FactView, proposals: Mapping[str, Mapping[str, tuple[Any, str]]]
) -> Verdict:
    """What a rollup or a gate would give with what is proposed; the possible set stays the result."""
    body = rule.body
    if isinstance(body, Profile):
        return _proposed_gates(body, verdict, view, proposals)
    if verdict.settled or verdict.refused is not None or not isinstance(body, Rollup) or not proposals:
        return verdict
    asked = {question.fact for question in verdict.questions} or set(body.decision.lesion_names)
    used: dict[str, tuple[Any, str]] = {}
    lesions: list[FactView] = []
    for lesion in view.lesions:
        mine = {n: p for n, p in proposals.get(lesion.identity, {}).items() if lesion.get(n) is UNKNOWN}
        lesions.append(lesion.changed({n: value for n, (value, _) in mine.items()}) if mine else lesion)
        used |= {n: p for n, p in mine.items() if n in asked}
    other = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity="patient")
    other.lesions = tuple(lesions)
    results = body.results(body.outcomes(other).labels)
    if results == verdict.results:
        return verdict
    questions = tuple(
        dataclasses.replace(q, proposal="as proposed lesion by lesion", proposal_reason=used[q.fact][1])
        if q.fact in used
        else q
        for q in verdict.questions
    )
    return dataclasses.replace(verdict, questions=questions, proposed=" or ".join(results))


def _proposed_gates(
    body: Profile, verdict: Verdict, view: FactView, proposals: Mapping[str, Mapping[str, tuple[Any, str]]]
) -> Verdict:
    """The state that each open gate would have with the proposals, and which of them it hangs on."""
    if not proposals or not any(len(gate.possible) > 1 for gate in verdict.gates):
        return verdict
    used: set[str] = set()
    mine = {n: v for n, (v, _) in proposals.get(PATIENT, {}).items() if view.get(n) is UNKNOWN}
    used |= set(mine)
    lesions: list[dict[str, Fact]] = []
    for lesion in view.lesions:
        own = {n: v for n, (v, _) in proposals.get(lesion.identity, {}).items() if lesion.get(n) is UNKNOWN}
        used |= set(own)
        lesions.append({**lesion.given, **own})
    other = FactView({**view.given, **mine}, view.vocabulary, by_rule=view.by_rule, identity="patient")
    other.with_lesions(lesions, [lesion.identity for lesion in view.lesions])
    then = {gate.id: gate for gate in body.judge(other)}
    gates = []
    for gate in verdict.gates:
        found = then.get(gate.id)
        hangs_on = tuple(name for name in gate.missing if name in used)
        if len(gate.possible) > 1 and hangs_on and found is not None and len(found.possible) == 1:
            gate = dataclasses.replace(gate, proposed=found.state, proposed_from=hangs_on)
        gates.append(gate)
    return dataclasses.replace(verdict, gates=tuple(gates))


def as_proposed(rule: Rule, verdict: Verdict, lesion: FactView, proposals: Mapping[str, tuple[Any, str]]) -> Verdict:
    """The verdict of a table with what its open questions are proposed to be; the possible set stays the result."""
    if not proposals or verdict.settled or not isinstance(rule.body, Table) or rule.file.scope != "lesion":
        return verdict
    filled: dict[str, Fact] = {name: value for name, (value, _) in proposals.items() if lesion.get(name) is UNKNOWN}
    if not filled:
        return verdict
    body = rule.body
    results = body.results(body.matching(body.answers(lesion.changed(filled))))
    asked = tuple(
        dataclasses.replace(q, proposal=spell(proposals[q.fact][0]), proposal_reason=proposals[q.fact][1])
        if q.fact in proposals
        else q
        for q in verdict.questions
    )
    return dataclasses.replace(verdict, questions=asked, proposed=" or ".join(results))
