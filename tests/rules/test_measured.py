"""What was measured meets the same rules as what was typed."""

from __future__ import annotations

from lutetia.model import Course, Lesion, Observation, Patient, Reference, Study, Tracer
from lutetia.rules.case import case_from_text
from lutetia.rules.loader import RuleSet
from lutetia.rules.measured import case_of_course
from lutetia.rules.score import score_course


def _observation(suv_max: float, study: str = "s1", correlate: str | None = None) -> Observation:
    return Observation(
        study=study,
        label=1,
        suv_max=suv_max,
        suv_mean=suv_max * 0.6,
        suv_peak=suv_max * 0.9,
        volume_ml=4.0,
        tlu=suv_max * 2.4,
        centroid_mm=(0.0, 0.0, 0.0),
        long_axis_mm=24.0,
        ct_correlate=correlate,
    )


def _reference(name: str, value: float | None, status: str = "ok") -> Reference:
    return Reference.model_validate({"name": name, "status": status, "suv_mean": value})


def _course(spleen: Reference, lesions: tuple[Lesion, ...]) -> Course:
    tracer = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
    study = Study(
        id="s1",
        study_instance_uid="1.2.3",
        date="2025-03-03",
        tracer="dotatate",
        tracer_detail=tracer,
        references={"liver": _reference("liver", 8.0), "spleen": spleen, "blood_pool": _reference("blood_pool", 2.0)},
    )
    return Course(patient=Patient(id="P1", sex="F"), studies=(study,), lesions=lesions)


def _lesion(name: str, suv_max: float, **fields: object) -> Lesion:
    data = {"id": name, "site": "liver", "tissue": "liver", "region": "liver", "status": "candidate", **fields}
    return Lesion.model_validate({**data, "observations": (_observation(suv_max),)})


def test_a_measured_lesion_gets_the_grade_a_typed_one_would_get(rules: RuleSet) -> None:
    result = score_course(_course(_reference("spleen", 24.0), (_lesion("L1", 12.0),)), rules=rules)
    assert result.of("krenning-modified")[0].result == "3"
    assert result.of("sstr-rads-level")[0].result == "3"


def test_a_removed_spleen_leaves_three_or_four(rules: RuleSet) -> None:
    result = score_course(_course(_reference("spleen", None, "absent"), (_lesion("L1", 12.0),)), rules=rules)
    assert result.of("krenning-modified")[0].results == ("3", "4")


def test_a_spleen_that_was_not_found_is_not_told_to_the_rules_as_present(rules: RuleSet) -> None:
    course = _course(_reference("spleen", None, "caution"), (_lesion("L1", 12.0),))
    (visit,) = case_of_course(course).visits
    assert "visit.spleen_state" not in visit.facts
    assert score_course(course, rules=rules).of("krenning-modified")[0].results == ("3", "4")


def test_physiological_and_rejected_lesions_are_not_scored(rules: RuleSet) -> None:
    lesions = (_lesion("L1", 12.0), _lesion("L2", 30.0, status="physiological"), _lesion("L3", 30.0, status="rejected"))
    result = score_course(_course(_reference("spleen", 24.0), lesions), rules=rules)
    assert {v.subject for v in result.of("sstr-rads-1.0")} == {"L1"}


def test_a_ct_correlate_from_the_images_is_a_proposal_and_never_an_answer(rules: RuleSet) -> None:
    lesion = _lesion("L1", 12.0).model_copy(update={"observations": (_observation(12.0, correlate="definitive"),)})
    case = case_from_text('case: "1.0"\nlesions:\n  - {id: L1, proof: none, typicality: typical, growth: no}\n')
    verdict = score_course(_course(_reference("spleen", 24.0), (lesion,)), case, rules).of("sstr-rads-1.0")[0]
    assert set(verdict.results) == {"4", "5", "3C"}
    assert verdict.proposed == "5"
    asked = next(question for question in verdict.questions if question.fact == "lesion.correlate")
    assert asked.proposal == "definitive"


def test_referral_data_and_readers_answers_stand_before_what_was_measured(rules: RuleSet) -> None:
    case = case_from_text(
        'case: "1.0"\ndisease: {ki67_percent: 12}\n'
        "lesions:\n  - {id: L1, proof: none, typicality: typical, growth: no, correlate: definitive}\n"
    )
    joined = case_of_course(_course(_reference("spleen", 24.0), (_lesion("L1", 12.0),)), case)
    assert joined.facts["disease.ki67_percent"] == 12.0
    result = score_course(_course(_reference("spleen", 24.0), (_lesion("L1", 12.0),)), case, rules)
    assert result.of("sstr-rads-1.0")[0].result == "5"


def test_a_refused_reference_gives_no_number(rules: RuleSet) -> None:
    course = _course(_reference("spleen", 24.0), (_lesion("L1", 12.0),))
    study = course.studies[0].model_copy(
        update={"references": {**course.studies[0].references, "liver": _reference("liver", 8.0, "absent")}}
    )
    result = score_course(course.model_copy(update={"studies": (study,)}), rules=rules)
    assert result.of("krenning-modified")[0].refused == "NO-LIVER"
