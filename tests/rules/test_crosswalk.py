"""All systems on one patient: every disagreement is explained, none is resolved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders.patients import read_patients
from lutetia.rules.case import case_from_text, case_of
from lutetia.rules.crosswalk import Crosswalk
from lutetia.rules.loader import RuleSet
from lutetia.rules.page import render_page
from lutetia.rules.positions import Document
from lutetia.rules.score import score
from lutetia.rules.text import render

VECTORS = read_patients(Path(__file__).parents[1] / "cases" / "patients" / "dual_tracer_crosswalk.yaml")
AGREE = {"D3-01", "D3-02", "D3-03", "D3-04", "D3-06", "D3-14", "D3-16"}
HEAD = (
    'case: "1.0"\nvisits: [{id: s, tracer: ga68-dotatate, blood_pool: 2, liver: 8, spleen: 24}, {id: f, tracer: fdg}]\n'
)


def _crosswalk(text: str, rules: RuleSet) -> Crosswalk:
    found = score(case_from_text(text), rules).crosswalk
    assert found is not None
    return found


@pytest.mark.parametrize("patient", VECTORS, ids=[p.name[:5] for p in VECTORS])
def test_every_disagreement_has_a_sentence(patient: object, rules: RuleSet) -> None:
    p = next(v for v in VECTORS if v is patient)
    walk = score(case_of(Document(p.where, p.data, {})), rules).crosswalk
    assert walk is not None
    said = " ".join(walk.sentences)
    assert ("do not contradict" in said) is (p.name[:5] in AGREE)
    assert [row.rule for row in walk.rows].count("karfis") == 2


def test_a_threshold_effect_names_the_lesion_and_both_thresholds(rules: RuleSet) -> None:
    walk = _crosswalk(
        HEAD + "lesions: [{id: N, site: regional_nodes, fdg_versus_sstr: greater, "
        "seen: {s: {suv_max: 5, focal: yes}, f: {above_liver: yes}}}]",
        rules,
    )
    assert any(
        "N is avid on both for NETPET and Karfis (above background), FDG only for Zidan (above the liver)" in s
        for s in walk.sentences
    )


def test_prose_and_table_of_karfis_stand_side_by_side(rules: RuleSet) -> None:
    walk = _crosswalk(
        HEAD + "lesions: [{id: A, site: regional_nodes, fdg_versus_sstr: less, "
        "seen: {s: {suv_max: 30, focal: yes}, f: {above_liver: yes}}}, "
        "{id: B, site: regional_nodes, seen: {s: {focal: no}, f: {focal: no}}}]",
        rules,
    )
    assert {(row.reading, row.result) for row in walk.rows if row.rule == "karfis"} == {
        ("", "C2"),
        ("the review's table", "unclassifiable"),
    }


def test_a_pattern_unlike_the_known_disease_is_scored_with_and_without(rules: RuleSet) -> None:
    walk = _crosswalk(
        HEAD + "lesions: [{id: A, site: liver, seen: {s: {suv_max: 30, focal: yes}, f: {above_background: no}}}, "
        "{id: M, site: bone, unlike_known_disease: yes, seen: {s: {focal: no}, f: {above_liver: yes}}}]",
        rules,
    )
    results = {(row.rule, bool(row.reading)): row.result for row in walk.rows if "table" not in row.reading}
    assert [results[rule, False] for rule in ("netpet", "karfis", "zidan")] == ["P5", "C3", "4"]
    assert [results[rule, True] for rule in ("netpet", "karfis", "zidan")] == ["P1", "C1", "2"]


def test_a_proven_second_cancer_is_left_out_and_the_literal_reading_shown(rules: RuleSet) -> None:
    walk = _crosswalk(
        HEAD + "lesions: [{id: A, site: liver, seen: {s: {suv_max: 30, focal: yes}, f: {above_background: no}}}, "
        "{id: M, site: bone, proof: non_net, seen: {s: {focal: no}, f: {above_liver: yes}}}]",
        rules,
    )
    literal = {row.rule: row.result for row in walk.rows if row.reading.startswith("by the letter")}
    assert literal == {"netpet": "P5", "karfis": "C3", "zidan": "4"}


def test_without_fdg_the_reason_is_given_and_nothing_is_guessed(rules: RuleSet) -> None:
    walk = _crosswalk(
        'case: "1.0"\nvisits: [{id: s, tracer: ga68-dotatate, blood_pool: 2, liver: 8}]\n'
        "lesions: [{id: A, seen: {s: {suv_max: 30}}}]",
        rules,
    )
    assert all(row.result.startswith("no result") for row in walk.rows if row.rule in ("netpet", "karfis", "zidan"))
    assert any("no result" in sentence for sentence in walk.sentences)


def test_the_crosswalk_is_in_text_json_and_page(rules: RuleSet) -> None:
    p = VECTORS[6]
    result = score(case_of(Document(p.where, p.data, {})), rules)
    assert "SIDE BY SIDE" in render(result)
    assert "Side by side" in render_page(result)
    assert json.loads(json.dumps(result.as_dict()))["crosswalk"]["rows"][0]["system"] == "Krenning, modified"


def test_a_lesion_within_five_percent_of_the_liver_is_named(rules: RuleSet) -> None:
    text = HEAD.replace("tracer: fdg}", "tracer: fdg, liver: 2}")
    walk = _crosswalk(text + "lesions: [{id: A, seen: {s: {suv_max: 8.01, focal: yes}, f: {suv_max: 2.01}}}]", rules)
    assert [s for s in walk.sentences if s.startswith("Near")] == [
        "Near the cut: A is within 5 % of the liver on SSTR.",
        "Near the cut: A is within 5 % of the liver on FDG.",
    ]
    far = _crosswalk(text + "lesions: [{id: A, seen: {s: {suv_max: 8.5, focal: yes}, f: {suv_max: 2.2}}}]", rules)
    assert not [s for s in far.sentences if s.startswith("Near")]


def test_no_lesion_has_no_crosswalk(rules: RuleSet) -> None:
    assert score(case_from_text(HEAD), rules).crosswalk is None
