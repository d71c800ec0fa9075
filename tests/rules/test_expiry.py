"""How old the inputs of a verdict are, and until when its source lets them stand."""

from __future__ import annotations

import datetime

from lutetia.rules.evaluate import patient_view
from lutetia.rules.expiry import NONE_PUBLISHED, age_of, limits_of
from lutetia.rules.facts import Fact
from lutetia.rules.loader import RuleSet


def day(text: str) -> int:
    return datetime.date.fromisoformat(text).toordinal()


FACTS: dict[str, Fact] = {
    "sstr.tracer": "ga68-dotatate",
    "sstr.date": day("2025-07-10"),
    "labs.platelets": 150.0,
    "labs.date": day("2025-06-01"),
    "disease.ki67_percent": 8.0,
    "disease.grade": "G2",
    "disease.biopsy_date": day("2024-12-01"),
    "disease.histology_proven": True,
    "imaging.fdg_done": False,
}


def test_limits_are_those_that_the_gates_of_a_rule_carry(rules: RuleSet) -> None:
    assert limits_of(rules["prrt-netter-2"]) == (("imaging.sstr_days_before_assessment", 91),)
    assert limits_of(rules["prrt-compose"]) == (("imaging.fdg_days_before_assessment", 61),)
    assert limits_of(rules["prrt-eu-smpc"]) == (("labs.days_before_assessment", 28),)
    assert limits_of(rules["prrt-qa-page"]) == () and limits_of(rules["netpet"]) == ()


def test_the_first_limit_that_runs_out_is_the_expiry(rules: RuleSet) -> None:
    found = age_of(rules["prrt-netter-2"], patient_view(rules, FACTS))
    assert found.expires == "2025-10-09" and "within 91 days" in found.expiry
    labs = age_of(rules["prrt-eu-smpc"], patient_view(rules, FACTS))
    assert labs.expires == "2025-06-29"


def test_inputs_carry_the_date_of_their_scan_sample_or_biopsy(rules: RuleSet) -> None:
    found = age_of(rules["prrt-qa-page"], patient_view(rules, FACTS))
    assert found.dated["blood values"] == "2025-06-01" and found.dated["biopsy"] == "2024-12-01"
    assert found.oldest == "2024-12-01"
    assert "disease.histology_proven" in found.undated


def test_where_no_limit_is_published_none_is_made_up(rules: RuleSet) -> None:
    found = age_of(rules["prrt-qa-page"], patient_view(rules, FACTS))
    assert found.expires is None and found.expiry == NONE_PUBLISHED


def test_a_limit_without_the_date_it_counts_from_says_so(rules: RuleSet) -> None:
    found = age_of(rules["prrt-compose"], patient_view(rules, FACTS))
    assert found.expires is None and "not known" in found.expiry
