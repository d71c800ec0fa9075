"""A typed case: bad input never gives a score, and every refusal names its line and the remedy."""

from __future__ import annotations

import json

import pytest

from lutetia.model import InputError, UsageError
from lutetia.rules.case import case_from_text
from lutetia.rules.loader import RuleSet
from lutetia.rules.score import score
from lutetia.rules.template import json_schema, template
from lutetia.rules.text import render

VISITS = """
visits:
  - {id: s1, date: 2025-03-03, tracer: ga68-dotatate, blood_pool: 2, liver: 8, spleen: 24}
"""


def _case(body: str, version: str = "1.0") -> str:
    return f'case: "{version}"\n{body}'


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (_case("disease: {ki67_percent: 120}"), "impossible-value", 2),
        (_case("disease: {ki67: 12}"), "unknown-field", 2),
        (_case("diseases: {}"), "unknown-field", 2),
        (_case("", version="2.0"), "case-schema", 1),
        (_case("labs: {platelets: 210}"), "missing-unit", 2),
        (_case("labs: {platelets: 210 g/L}"), "wrong-unit", 2),
        (_case("disease: {grade: G7}"), "impossible-value", 2),
        (_case("disease: {grade: G1, grade: G2}"), "duplicate-key", 2),
        (_case("lesions:\n  - {proof: benign, biopsies: [{result: net}]}"), "contradiction", 3),
        (_case("lesions:\n  - {proof: [benign, net]}"), "contradiction", 3),
        (_case("lesions:\n  - {biopsies: [{result: benign}, {result: non_net}]}"), "contradiction", 3),
        (_case("lesions:\n  - {id: A}\n  - {id: A}"), "lesion-id", 4),
        (_case("lesions:\n  - {seen: {nowhere: {suv_max: 3}}}"), "unknown-visit", 3),
        (_case("lesions:\n  - {site: bone, tissue: soft}"), "contradiction", 3),
        (_case("patient: {sex: male, pregnancy: established}"), "contradiction", 2),
        (_case("therapy: {splenectomy: yes}" + VISITS), "contradiction", 4),
        (_case("imaging: {fdg_done: no}\nvisits: [{id: f, tracer: fdg}]"), "contradiction", 2),
        (_case("visits: [{id: a, date: 2025-01-01}]"), "visit-tracer", 2),
        (_case("patient: {assessment_date: 2025-13-40}"), "impossible-value", 2),
        (_case("disease: {ki67_percent: twelve}"), "impossible-value", 2),
        ("[]", "not-a-case", 1),
        ("case: '1.0'\n  bad: [", "yaml-syntax", 2),
    ],
)
def test_bad_input_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        case_from_text(text)
    assert caught.value.code == code
    assert f":{line}:" in caught.value.where


def test_two_visits_on_one_date_with_the_same_tracer_are_refused() -> None:
    with pytest.raises(InputError, match="same date and the same tracer"):
        case_from_text(
            _case("visits:\n  - {id: a, date: 2025-03-03, tracer: fdg}\n  - {id: b, date: 2025-03-03, tracer: fdg}")
        )


def test_a_refused_field_names_the_one_that_was_meant() -> None:
    with pytest.raises(InputError) as caught:
        case_from_text(_case("disease: {ki67_percnt: 12}"))
    assert "ki67_percent" in caught.value.remedy


def test_units_are_converted_as_printed() -> None:
    case = case_from_text(
        _case("labs: {haemoglobin: 80 g/L, platelets: 75000 /µL, creatinine: 1.7 mg/dL, albumin: 3 g/dL}")
    )
    assert case.facts["labs.haemoglobin"] == 8.0
    assert case.facts["labs.platelets"] == 75.0
    assert case.facts["labs.creatinine"] == pytest.approx(150.28)
    assert case.facts["labs.albumin"] == 30.0
    assert case.units["labs.platelets"] == "75000 /µL"


def test_a_negative_biopsy_is_no_proof_of_a_benign_lesion() -> None:
    case = case_from_text(_case("lesions:\n  - {biopsies: [{result: negative}]}"))
    assert case.lesions[0].facts["lesion.proof"] == "none"


def test_grade_and_ki67_that_do_not_go_together_are_shown(rules: RuleSet) -> None:
    result = score(case_from_text(_case("disease: {grade: G1, ki67_percent: 12}")), rules)
    assert [note.code for note in result.notes] == ["grade-ki67"]


def test_a_missing_liver_gives_no_grade(rules: RuleSet) -> None:
    text = _case(
        "visits: [{id: s, tracer: ga68-dotatate, blood_pool: 2, spleen: 24}]\n"
        "lesions: [{id: L1, seen: {s: {suv_max: 30, focal: yes}}}]"
    )
    result = score(case_from_text(text), rules)
    assert result.of("krenning-modified")[0].refused == "NO-LIVER"
    assert result.of("krenning-modified")[0].results == ()


def test_the_template_is_a_case_and_names_every_field(rules: RuleSet) -> None:
    text = template()
    case = case_from_text(text)
    assert case.lesions[0].id == "L1"
    assert "ki67_percent" in text
    score(case, rules)


def test_the_published_schema_is_closed() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["lesions"]["items"]["additionalProperties"] is False
    json.dumps(schema)


def test_an_unknown_convention_is_refused(rules: RuleSet) -> None:
    with pytest.raises(UsageError, match="C-X99"):
        score(case_from_text(_case("conventions: {C-X99: yes}")), rules)
    with pytest.raises(UsageError, match="no option"):
        score(case_from_text(_case("conventions: {C-B14: 7}")), rules).of("sstr-rads-1.0")


LESION = """
lesions:
  - {id: N1, site: axillary_nodes, proof: none, typicality: atypical, correlate: nonspecific, growth: no,
     seen: {s1: {suv_max: 5, focal: yes, size_mm: 8}}}
"""


def test_a_convention_chosen_in_the_case_changes_the_row_and_is_printed(rules: RuleSet) -> None:
    default = score(case_from_text(_case(VISITS + LESION)), rules)
    chosen = score(case_from_text(_case("conventions: {C-B14: 3A}" + VISITS + LESION)), rules)
    assert default.of("sstr-rads-1.0")[0].result == "2"
    assert chosen.of("sstr-rads-1.0")[0].result == "3A"
    assert "C-B14" in render(chosen)
    assert "(default 2)" in render(chosen)


def test_what_would_change_the_result_names_the_event_and_the_overall_score(rules: RuleSet) -> None:
    text = _case(
        VISITS + "lesions:\n  - {id: L1, site: thyroid, proof: none, typicality: highly_atypical, correlate: nil, "
        "growth: no, seen: {s1: {suv_max: 20, focal: yes}}}\n"
    )
    result = score(case_from_text(text), rules)
    verdict = result.of("sstr-rads-1.0")[0]
    assert verdict.result == "3C"
    benign = next(change for change in verdict.changes if change.value == "benign")
    assert benign.results == ("1B",)
    assert benign.overall_before == ("3 (3C)",)
    assert benign.overall == ("1",)


def test_a_grade_read_by_eye_stands_before_the_computed_one(rules: RuleSet) -> None:
    text = _case(VISITS + "lesions:\n  - {id: L1, site: liver, seen: {s1: {suv_max: 12, krenning_read: 4}}}\n")
    verdict = score(case_from_text(text), rules).of("krenning-modified")[0]
    assert verdict.result == "3"
    assert verdict.read == "4"
    assert "4 as read (computed 3)" in render(score(case_from_text(text), rules))


def test_the_questions_are_ranked_by_how_much_they_settle(rules: RuleSet) -> None:
    text = _case(
        VISITS + "lesions:\n  - {id: L1, site: regional_nodes, proof: none, seen: {s1: {suv_max: 20, focal: yes}}}\n"
    )
    result = score(case_from_text(text), rules)
    asked = result.of("sstr-rads-1.0")[0].questions
    assert [question.fact for question in asked][:2] == ["lesion.typicality", "lesion.correlate"]
    assert dict(asked[1].answers)["definitive"] == ("5", "3C")
    gains = [question.gain for question in result.questions]
    assert gains == sorted(gains, reverse=True)
