"""Two tracers of one visit, as a course measured them, meet the dual-tracer rules."""

from __future__ import annotations

from typing import Any

from lutetia.model import Course, Lesion, Patient, Study, Tracer
from lutetia.rules.case import case_from_text
from lutetia.rules.loader import RuleSet
from lutetia.rules.measured import case_of_course
from lutetia.rules.score import score_course

STUDIES = (("s1", "2025-01-10", "sstr"), ("f1", "2025-01-14", "fdg"), ("s2", "2025-07-10", "sstr"))


def _study(name: str, date: str, kind: str) -> Study:
    binds = "sstr_agonist" if kind == "sstr" else "glucose"
    nuclide = "68Ga" if kind == "sstr" else "18F"
    key = "dotatate" if kind == "sstr" else "fdg"
    values = {"liver": 8.0, "blood_pool": 2.0, "spleen": 24.0} if kind == "sstr" else {"liver": 2.0, "blood_pool": 1.5}
    return Study.model_validate(
        {
            "id": name,
            "study_instance_uid": f"1.2.{name}",
            "date": date,
            "tracer": key,
            "tracer_detail": Tracer.model_validate(
                {"key": key, "name": key, "binds": binds, "radionuclide": nuclide}
            ).model_dump(),
            "references": {n: {"name": n, "status": "ok", "suv_mean": v} for n, v in values.items()},
        }
    )


def _focus(study: str, suv_max: float, size: float = 24.0) -> dict[str, Any]:
    return {
        "study": study,
        "label": 1,
        "suv_max": suv_max,
        "suv_mean": suv_max * 0.6,
        "suv_peak": suv_max * 0.9,
        "volume_ml": 4.0,
        "tlu": suv_max * 2.4,
        "centroid_mm": (0.0, 0.0, 0.0),
        "long_axis_mm": size,
    }


def _pair(phenotypes: tuple[str, str], ratio: float | None) -> list[dict[str, Any]]:
    return [
        {
            "visit": "v1",
            "sstr_study": "s1",
            "fdg_study": "f1",
            "definition": definition,
            "phenotype": phenotype,
            "normalised_ratio": ratio,
        }
        for definition, phenotype in zip(("background", "liver"), phenotypes, strict=True)
    ]


def _lesion(name: str, **fields: Any) -> Lesion:
    data = {"id": name, "site": "node mesenteric", "tissue": "lymph_node", "region": "lymph_nodes"}
    return Lesion.model_validate({**data, "status": "candidate", **fields})


def _course(lesions: tuple[Lesion, ...], studies: int = 2, **fields: Any) -> Course:
    chosen = STUDIES[:studies]
    visits = [{"id": "v1", "studies": ("s1", "f1")}, {"id": "v2", "studies": ("s2",)}][: 2 if studies == 3 else 1]
    made = {"patient": Patient(id="P"), "studies": [_study(*s) for s in chosen], "lesions": lesions, "visits": visits}
    return Course.model_validate({**made, **fields})


BOTH = _lesion("A", observations=[_focus("s1", 30), _focus("f1", 6)], pairs=_pair(("sstr+/fdg+", "sstr+/fdg+"), 0.8))
SSTR_ONLY = _lesion(
    "B",
    observations=[_focus("s1", 20)],
    places=[{"study": "f1", "in_field": True, "suv_mean": 1.2}],
    pairs=_pair(("sstr+/fdg-", "sstr+/fdg-"), 0.1),
)
FDG_ONLY = _lesion(
    "C",
    observations=[_focus("f1", 7, size=31.0)],
    places=[{"study": "s1", "in_field": True, "suv_mean": 1.5}],
    pairs=_pair(("sstr-/fdg+", "sstr-/fdg+"), 19.0),
)


def test_a_place_without_a_focus_is_a_value_not_a_gap(rules: RuleSet) -> None:
    result = score_course(_course((SSTR_ONLY,)), rules=rules)
    assert [result.of(name)[0].result for name in ("netpet", "karfis", "zidan")] == ["P1", "C1", "2"]


def test_an_fdg_lesion_without_receptor_focus_is_discordant_everywhere(rules: RuleSet) -> None:
    result = score_course(_course((SSTR_ONLY, FDG_ONLY)), rules=rules)
    assert [result.of(name)[0].result for name in ("netpet", "karfis", "zidan")] == ["P5", "C3", "4"]
    assert {k: v for k, _, v in result.of("netpet")[0].values}["largest_discordant"] == 31


def test_a_comparison_by_ratio_is_proposed_and_never_confirmed(rules: RuleSet) -> None:
    netpet = score_course(_course((BOTH, SSTR_ONLY)), rules=rules).of("netpet")[0]
    assert set(netpet.results) == {"P2a", "P3a", "P4a"}
    assert netpet.proposed == "P3a"
    question = next(q for q in netpet.questions if q.fact == "lesion.fdg_versus_sstr")
    assert question.subject == "A" and "proposed" in question.proposal


def test_the_reader_answer_stands_before_the_proposal(rules: RuleSet) -> None:
    answers = case_from_text('case: "1.0"\nlesions: [{id: A, fdg_versus_sstr: greater}]')
    netpet = score_course(_course((BOTH, SSTR_ONLY)), answers, rules=rules).of("netpet")[0]
    assert netpet.result == "P4a"


def test_uptake_above_the_liver_without_a_focus_leaves_the_liver_system_open(rules: RuleSet) -> None:
    blurred = FDG_ONLY.model_copy(update={"pairs": ()})
    blurred = Lesion.model_validate({**blurred.model_dump(), "pairs": _pair(("sstr-/fdg+", "sstr+/fdg+"), 1.5)})
    result = score_course(_course((blurred,)), rules=rules)
    assert result.of("netpet")[0].result == "P5"
    assert set(result.of("zidan")[0].results) == {"3", "4"}


def test_a_lesion_outside_the_field_is_named_and_not_scored(rules: RuleSet) -> None:
    away = _lesion(
        "D",
        observations=[_focus("s1", 15)],
        places=[{"study": "s2", "in_field": False}],
        history=[{"study": "s1", "event": "baseline"}, {"study": "s2", "event": "outside_field"}],
    )
    still = _lesion("E", observations=[_focus("s1", 20), _focus("s2", 22)])
    result = score_course(_course((away, still), studies=3), rules=rules)
    read = {"sstr": result.roles["sstr"], "previous": result.roles["previous"]}
    assert read == {"sstr": "s2", "previous": "s1"}
    without_fdg = case_of_course(_course((away, still), studies=3))
    assert without_fdg.lesions[0].seen["s2"]["observation.in_field"] is False
    assert without_fdg.lesions[0].seen["s2"]["lesion.seen_before"] is True


def test_a_resolved_lesion_is_in_no_score_and_named(rules: RuleSet) -> None:
    gone = _lesion(
        "G",
        observations=[_focus("s1", 15)],
        places=[{"study": "s2", "in_field": True, "suv_mean": 1.0}],
        history=[{"study": "s1", "event": "baseline"}, {"study": "s2", "event": "resolved"}],
    )
    still = _lesion("E", observations=[_focus("s1", 20), _focus("s2", 22)])
    studies = (STUDIES[0], STUDIES[2])
    course = Course.model_validate(
        {"patient": Patient(id="P"), "studies": [_study(*s) for s in studies], "lesions": (gone, still)}
    )
    result = score_course(course, rules=rules)
    assert {v.subject for v in result.of("sstr-rads-1.0")} == {"E"}
    assert any(note.code == "GONE" and "G" in note.message for note in result.notes)


def test_a_lesion_that_merged_into_another_is_not_said_to_have_nothing_at_its_place(rules: RuleSet) -> None:
    merged = _lesion(
        "M",
        observations=[_focus("s1", 15)],
        places=[{"study": "s2", "in_field": True, "suv_mean": 12.0}],
        history=[{"study": "s1", "event": "baseline"}, {"study": "s2", "event": "merged"}],
        merged_into="E",
    )
    whole = _lesion("E", observations=[_focus("s1", 20), _focus("s2", 22)])
    studies = [_study(*s) for s in (STUDIES[0], STUDIES[2])]
    course = Course.model_validate({"patient": Patient(id="P"), "studies": studies, "lesions": (merged, whole)})
    (note,) = [n.message for n in score_course(course, rules=rules).notes if n.code == "GONE"]
    assert "merged into another" in note and note.endswith(": M")


def test_a_lesion_is_not_dated_back_before_it_was_first_seen() -> None:
    later = _lesion(
        "N",
        observations=[_focus("s2", 12)],
        places=[{"study": "s1", "in_field": True}, {"study": "f1", "in_field": True}],
    )
    case = case_of_course(_course((later,), studies=3))
    assert set(case.lesions[0].seen) == {"s2"}


def test_scans_that_do_not_compare_say_so(rules: RuleSet) -> None:
    studies = [_study(*STUDIES[0]), _study(*STUDIES[2])]
    check = {"earlier": "s1", "later": "s2", "verdict": "not_comparable", "note": "Uptake time 50 → 95 min"}
    course = Course.model_validate({"patient": Patient(id="P"), "studies": studies, "comparability": [check]})
    assert [n.message for n in score_course(course, rules=rules).notes if n.code == "COMPARABILITY"] == [
        "s1 and s2: Uptake time 50 → 95 min"
    ]


def test_discordant_tissue_inside_lesions_is_reported(rules: RuleSet) -> None:
    record = {"visit": "v1", "sstr_study": "s1", "fdg_study": "f1", "definition": "background"}
    course = _course((BOTH,), phenotypes=[{**record, "volume_ml": {"sstr-/fdg+": 2.5}}])
    values = {k: v for k, _, v in score_course(course, rules=rules).of("discordance")[0].values}
    assert values["voxel_volume"] == 2.5
