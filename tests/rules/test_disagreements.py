"""Where the PRRT profiles disagree: boundary values that one passes and another fails, units, the table."""

from __future__ import annotations

from typing import Any

import pytest

from lutetia.model import RuleError
from lutetia.rules import tables
from lutetia.rules.cases import Case, run_case
from lutetia.rules.loader import RuleSet
from lutetia.rules.positions import parse_yaml

QA, EU, N1, NANETS, LUTIA = "prrt-qa-page", "prrt-eu-smpc", "prrt-netter-1", "prrt-nanets-snmmi", "prrt-lutia"
N2, N3, COMPOSE = "prrt-netter-2", "prrt-netter-3", "prrt-compose"
met, not_met, caution = "met", "not_met", "caution"

#: (facts, {profile: (gate, state)}): values at the limits of one profile or another
VECTORS: list[tuple[dict[str, Any], dict[str, tuple[str, str]]]] = [
    (
        {"labs.platelets": 70.0},
        {
            QA: ("platelets", not_met),
            EU: ("platelets", caution),
            N1: ("platelets", not_met),
            NANETS: ("platelets", not_met),
            LUTIA: ("platelets", not_met),
        },
    ),
    (
        {"labs.platelets": 70.1},
        {
            QA: ("platelets", not_met),
            EU: ("platelets", caution),
            N1: ("platelets", not_met),
            NANETS: ("platelets", met),
            LUTIA: ("platelets", not_met),
        },
    ),
    (
        {"labs.platelets": 75.0},
        {
            QA: ("platelets", not_met),
            EU: ("platelets", met),
            N1: ("platelets", met),
            NANETS: ("platelets", met),
            LUTIA: ("platelets", not_met),
        },
    ),
    (
        {"labs.platelets": 75.1},
        {
            QA: ("platelets", met),
            EU: ("platelets", met),
            N1: ("platelets", met),
            NANETS: ("platelets", met),
            LUTIA: ("platelets", not_met),
        },
    ),
    (
        {"labs.platelets": 100.0},
        {
            QA: ("platelets", met),
            EU: ("platelets", met),
            N1: ("platelets", met),
            NANETS: ("platelets", met),
            LUTIA: ("platelets", met),
        },
    ),
    (
        {"labs.leucocytes": 2.0},
        {
            QA: ("leucocytes", not_met),
            EU: ("leucocytes", met),
            N1: ("leucocytes", met),
            NANETS: ("leucocytes", not_met),
            LUTIA: ("leucocytes", not_met),
        },
    ),
    (
        {"labs.leucocytes": 3.0},
        {
            QA: ("leucocytes", not_met),
            EU: ("leucocytes", met),
            N1: ("leucocytes", met),
            NANETS: ("leucocytes", met),
            LUTIA: ("leucocytes", met),
        },
    ),
    (
        {"labs.haemoglobin": 8.0},
        {
            QA: ("haemoglobin", "not_addressed"),
            EU: ("haemoglobin", met),
            N1: ("haemoglobin", caution),
            NANETS: ("haemoglobin", not_met),
            LUTIA: ("haemoglobin", not_met),
        },
    ),
    (
        {"labs.haemoglobin": 7.9},
        {
            QA: ("haemoglobin", "not_addressed"),
            EU: ("haemoglobin", caution),
            N1: ("haemoglobin", not_met),
            NANETS: ("haemoglobin", not_met),
            LUTIA: ("haemoglobin", not_met),
        },
    ),
    ({"labs.creatinine": 1.70 * 88.4}, {N1: ("creatinine", caution)}),
    (
        {"clinical.karnofsky": 60, "clinical.ecog": 2},
        {QA: ("performance", not_met), N1: ("performance", met), LUTIA: ("performance", not_met)},
    ),
    ({"clinical.karnofsky": 60, "clinical.ecog": 1}, {QA: ("performance", met), LUTIA: ("performance", met)}),
    ({"disease.ki67_percent": 15}, {COMPOSE: ("ki67", met), N2: ("ki67", met)}),
    ({"disease.ki67_percent": 14.9}, {COMPOSE: ("ki67", not_met), N2: ("ki67", met)}),
    ({"disease.ki67_percent": 55}, {COMPOSE: ("ki67", met), N2: ("ki67", met)}),
    ({"disease.ki67_percent": 55.1}, {COMPOSE: ("ki67", not_met), N2: ("ki67", not_met)}),
    ({"disease.ki67_percent": 10}, {N2: ("ki67", met), N3: ("ki67", not_met)}),
    ({"disease.ki67_percent": 9.9}, {N2: ("ki67", not_met), N3: ("ki67", met)}),
]
UPTAKE: list[tuple[int, float, dict[str, tuple[str, str]]]] = [
    (
        2,
        1.00,
        {
            QA: ("sstr-liver", met),
            EU: ("sstr", met),
            N1: ("sstr", met),
            NANETS: ("sstr", not_met),
            N2: ("sstr", not_met),
            N3: ("sstr", met),
        },
    ),
    (
        2,
        0.99,
        {QA: ("sstr-liver", not_met), EU: ("sstr", not_met), N1: ("sstr", not_met), NANETS: ("sstr", not_met)},
    ),
    (3, 1.01, {N2: ("sstr", met), NANETS: ("sstr", met)}),
]


def _state(rules: RuleSet, rule: str, gate: str, state: str, facts: dict[str, Any], *lesions: dict[str, Any]) -> None:
    case = Case("vector", facts, lesions, {}, {"gates": {gate: state}}, "vector")
    assert run_case(rules, rule, case).failures == []


@pytest.mark.parametrize(("facts", "states"), VECTORS, ids=lambda value: str(value)[:50])
def test_a_boundary_value_passes_some_profiles_and_fails_others(
    facts: dict[str, Any], states: dict[str, tuple[str, str]], rules: RuleSet
) -> None:
    for rule, (gate, state) in states.items():
        _state(rules, rule, gate, state, facts)


@pytest.mark.parametrize(("grade", "ratio", "states"), UPTAKE, ids=lambda value: str(value)[:30])
def test_uptake_at_the_liver_passes_some_profiles_and_fails_others(
    grade: int, ratio: float, states: dict[str, tuple[str, str]], rules: RuleSet
) -> None:
    lesion = {"target": True, "sstr.krenning": grade, "sstr.ratio_liver": ratio}
    for rule, (gate, state) in states.items():
        _state(rules, rule, gate, state, {}, lesion)


def test_three_kidney_numbers_never_stand_in_for_one_another(rules: RuleSet) -> None:
    only_egfr = {"labs.egfr": 90.0}
    for rule, gate in ((EU, "clearance"), (N1, "clearance"), (NANETS, "clearance"), (LUTIA, "gfr")):
        case = Case("eGFR only", only_egfr, (), {}, {}, "here")
        verdict = run_case(rules, rule, case).verdict
        assert verdict is not None
        found = next(item for item in verdict.gates if item.id == gate)
        assert found.state == "indeterminate"
        assert found.missing


def test_the_page_says_what_is_not_verified_and_gives_no_merged_answer(rules: RuleSet) -> None:
    page = tables.disagreements(rules)
    assert "*(not verified)*" in page
    assert "is information, not an error" in page
    assert "overall" not in page.lower().replace("overall score", "")


def test_a_cell_without_its_gate_is_refused(rules: RuleSet, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "title: T\nsentence: S\nprofiles: {prrt-us-label: US}\ndisagreements: []\ntwin_units: []\n"
        "rows: [{gate: X, cells: {prrt-us-label: {says: yes, gate: no-such-gate}}}]\n"
    )
    monkeypatch.setattr(tables, "_read", lambda name: parse_yaml(text, name))
    with pytest.raises(RuleError):
        tables.disagreements(rules)


def test_group_outcomes_carry_number_and_source() -> None:
    page = tables.group_outcomes()
    assert "319 in all" in page
    assert "Br J Cancer" in page
