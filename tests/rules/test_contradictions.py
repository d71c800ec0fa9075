"""The contradictions of the founding documents: all 39, each with both statements and the rules that show them."""

from __future__ import annotations

from lutetia.rules.contradictions import contradictions, contradictions_page
from lutetia.rules.loader import RuleSet


def test_all_39_are_there_with_two_cited_statements(rules: RuleSet) -> None:
    found = contradictions(rules)
    assert [entry.id for entry in found] == [f"I-{number:02d}" for number in range(1, 40)]
    assert all(entry.one.citations and entry.other.citations and entry.shown for entry in found)
    assert all(entry.one.text != entry.other.text for entry in found)


def test_every_contradiction_names_the_rules_that_show_it(rules: RuleSet) -> None:
    for entry in contradictions(rules):
        assert entry.rules, entry.id
        assert all(name in rules for name in entry.rules)


def test_the_page_has_a_row_for_each_and_the_sentences_of_the_verdicts(rules: RuleSet) -> None:
    page = contradictions_page(rules)
    assert all(f"| I-{number:02d} |" in page for number in range(1, 40))
    assert "by the review's prose C2, by its table no class" in page


def test_prose_and_table_of_karfis_part_as_the_page_says(rules: RuleSet) -> None:
    entry = next(e for e in contradictions(rules) if e.id == "I-20")
    assert entry.conventions == ("C-D1",)
    convention = next(c for c in rules["karfis"].file.conventions if c.key == "C-D1")
    assert set(convention.options) == {"prose", "table"}
