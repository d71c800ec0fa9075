"""The documentation of every rule is made from its table, and must not drift from it."""

from __future__ import annotations

from lutetia.rules.cases import CaseFile
from lutetia.rules.docs import docs_folder, drift, pages
from lutetia.rules.loader import RuleSet


def test_the_pages_of_the_rules_are_up_to_date(rules: RuleSet, case_files: list[CaseFile]) -> None:
    assert drift(docs_folder(), pages(rules, case_files)) == []


def test_unverified_sources_are_called_so_on_their_page(rules: RuleSet, case_files: list[CaseFile]) -> None:
    made = pages(rules, case_files)
    for rule in rules:
        if any(not rule.frame.sources[key].verified for key in rule.file.sources):
            assert "ot verified" in made[f"{rule.id}.md"]
