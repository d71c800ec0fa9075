"""The expression language and the three-valued engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.model import RuleError
from lutetia.rules.decision import Decision
from lutetia.rules.expressions import compile_expression
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.possible import possible_labels
from lutetia.rules.vocabulary import built_in_vocabulary

VOCABULARY = built_in_vocabulary()


def _decision(text: str, **options: object) -> Decision:
    expression = compile_expression(text, where="test", known=VOCABULARY.__contains__)
    return Decision.of([(True, expression), (False, None)], **options)  # type: ignore[arg-type]


def _labels(text: str, facts: dict[str, object], lesions: list[dict[str, object]] | None = None) -> set[object]:
    view = FactView(facts, VOCABULARY).with_lesions(lesions or [])  # type: ignore[arg-type]
    return set(possible_labels(_decision(text), view).labels)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "labs.platelets.__class__ == 1",
        "(lambda: 1)()",
        "labs.platelets if true else 1",
        "[x for x in (1, 2)]",
        "labs.platelets ** 2 > 1",
        "labs.platletts > 3",
        "f'{labs.platelets}'",
        "labs.platelets >",
        "any()",
        "count(lesion.target, over=lesion.new)",
    ],
)
def test_what_is_not_part_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        compile_expression(text, where="test", known=VOCABULARY.__contains__)


def test_numbers_compare_as_the_decimals_that_were_typed() -> None:
    assert _labels("labs.albumin * 0.9 >= 2.7", {"labs.albumin": 3.0}) == {True}
    assert _labels(
        "labs.creatinine >= 1.2 * labs.creatinine_baseline", {"labs.creatinine": 32.4, "labs.creatinine_baseline": 27.0}
    ) == {True}


def test_a_condition_that_holds_either_way_is_settled_without_the_fact() -> None:
    assert _labels("labs.platelets > 75 or labs.platelets <= 75", {}) == {True}
    assert _labels("therapy.prior_prrt and not therapy.prior_prrt", {}) == {False}


def test_a_known_fact_settles_an_or() -> None:
    assert _labels("clinical.karnofsky > 60 or clinical.ecog < 2", {"clinical.karnofsky": 80}) == {True}
    assert _labels("clinical.karnofsky > 60 or clinical.ecog < 2", {"clinical.karnofsky": 60}) == {True, False}


def test_one_of_several_values_is_enumerated() -> None:
    facts: dict[str, object] = {"disease.grade": OneOf(frozenset({"G1", "G2"}))}
    assert _labels("disease.grade in (G1, G2)", facts) == {True}
    assert _labels("disease.grade == G1", facts) == {True, False}


def test_an_open_lesion_counts_both_ways_but_not_as_two_lesions() -> None:
    lesions: list[dict[str, object]] = [{"lesion.target": True}, {"lesion.target": UNKNOWN}]
    assert _labels("count(lesion.target) >= 1", {}, lesions) == {True}
    assert _labels("count(lesion.target) >= 2", {}, lesions) == {True, False}
    assert _labels("count(lesion.target) + count(not lesion.target) == 2", {}, lesions) == {True}


def test_all_over_nothing_is_true_and_a_share_of_nothing_is_neither() -> None:
    assert _labels("all(lesion.target)", {}, []) == {True}
    assert _labels("share(lesion.target) > 0.5", {}, []) == {False}


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4))
def test_counting_with_open_lesions_equals_trying_every_answer(yes: int, no: int, unknown: int) -> None:
    lesions: list[dict[str, object]] = [{"lesion.target": True}] * yes + [{"lesion.target": False}] * no
    lesions += [{"lesion.target": UNKNOWN}] * unknown
    total = yes + no + unknown
    expected = {total > 0 and (yes + extra) / total > 0.5 for extra in range(unknown + 1)}
    assert _labels("share(lesion.target) > 0.5", {}, lesions) == expected


@given(st.floats(0, 200), st.sampled_from(["<", "<=", ">", ">="]))
def test_the_classes_of_an_open_number_meet_both_sides_of_every_cut(cut: float, operator: str) -> None:
    cut = round(cut, 2)
    labels = _labels(f"labs.measured_gfr {operator} {cut}", {})
    assert labels == ({True, False} if 0 < cut < 300 else labels)
