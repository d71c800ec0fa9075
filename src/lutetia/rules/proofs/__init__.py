"""The five proofs that run over every rule file, present and future.

1. exactly one row for every complete set of answers;
2. every citation resolves, and everything is cited;
3. every row is reached by a named case;
4. a partial answer gives exactly the union of what its completions give;
5. just under, at and just over every cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from lutetia.rules.cases import CaseFile, Outcome, run_case
from lutetia.rules.loader import RuleSet
from lutetia.rules.proofs.boundaries import every_cut_bounded, required_boundaries
from lutetia.rules.proofs.citations import everything_cited
from lutetia.rules.proofs.one_result import exactly_one
from lutetia.rules.proofs.reached import every_row_reached, required_rows
from lutetia.rules.proofs.unions import partial_is_union

__all__ = [
    "every_cut_bounded",
    "every_row_reached",
    "everything_cited",
    "exactly_one",
    "partial_is_union",
    "prove",
    "required_boundaries",
    "required_rows",
]


def prove(rules: RuleSet, name: str, case_files: Iterable[CaseFile]) -> list[str]:
    """All findings of the five proofs for one rule; empty when it holds."""
    rule = rules[name]
    mine = [f for f in case_files if f.rule == name]
    findings = [f"proof 1: {text}" for text in exactly_one(rule, rules)]
    findings += [f"proof 2: {text}" for text in everything_cited(rule)]
    outcomes: list[Outcome] = []
    for file in mine:
        for case in (*file.cases, *file.boundary_cases):
            outcome = run_case(rules, name, case)
            findings += [f"case: {text}" for text in outcome.failures]
            outcomes.append(outcome)
    findings += [f"proof 3: {text}" for text in every_row_reached(rule, outcomes, mine)]
    findings += [f"proof 4: {text}" for text in partial_is_union(rule, rules)]
    findings += [f"proof 5: {text}" for text in every_cut_bounded(rule, mine)]
    return findings
