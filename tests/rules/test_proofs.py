"""The five proofs, over every rule file that there is and will be."""

from __future__ import annotations

import pytest

from lutetia.rules import proofs
from lutetia.rules.cases import CaseFile, run_case
from lutetia.rules.loader import RuleSet, load_rules

NAMES = load_rules().names()


@pytest.mark.parametrize("name", NAMES)
def test_every_complete_set_of_answers_meets_exactly_one_row(name: str, rules: RuleSet) -> None:
    assert list(proofs.exactly_one(rules[name], rules)) == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_cited_and_every_citation_resolves(name: str, rules: RuleSet) -> None:
    assert list(proofs.everything_cited(rules[name])) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_case_agrees_and_every_row_is_reached(name: str, rules: RuleSet, case_files: list[CaseFile]) -> None:
    mine = [file for file in case_files if file.rule == name]
    outcomes = [run_case(rules, name, case) for file in mine for case in (*file.cases, *file.boundary_cases)]
    assert [text for outcome in outcomes for text in outcome.failures] == []
    assert list(proofs.every_row_reached(rules[name], outcomes, mine)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_partial_answer_gives_the_union_of_its_completions(name: str, rules: RuleSet) -> None:
    assert list(proofs.partial_is_union(rules[name], rules)) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_has_a_case_just_under_at_and_just_over(
    name: str, rules: RuleSet, case_files: list[CaseFile]
) -> None:
    mine = [file for file in case_files if file.rule == name]
    assert list(proofs.every_cut_bounded(rules[name], mine)) == []


def test_every_case_file_names_a_rule(rules: RuleSet, case_files: list[CaseFile]) -> None:
    assert [file.name for file in case_files if file.rule not in rules] == []
