"""findings.json: the contract with everybody who reads results."""

from __future__ import annotations

import json
from pathlib import Path

from lutetia.model import Course, Grade
from lutetia.outputs.findings import findings_json
from lutetia.outputs.schema import (
    PAGE_FILE,
    SCHEMA_FILE,
    describe,
    field_notes,
    findings_page,
    findings_schema,
    records,
)


def test_the_same_course_gives_the_same_bytes(made_up):
    again = Course.model_validate(made_up.course.model_dump())
    assert findings_json(made_up.course) == findings_json(again)


def test_reading_back_and_writing_again_changes_nothing(made_up):
    written = findings_json(made_up.course)
    assert findings_json(Course.model_validate_json(written)) == written


def test_the_names_of_the_contract_are_there(made_up):
    data = json.loads(findings_json(made_up.course))
    study, lesion = data["studies"][0], data["lesions"][0]
    assert {"id", "study_instance_uid", "date", "tracer", "suv", "references"} <= set(study)
    assert {"basis", "factor", "decay_reference"} <= set(study["suv"])
    for name in ("liver", "spleen", "blood_pool"):
        assert {"suv_mean", "suv_sd", "volume_ml", "centroid_mm", "status"} <= set(study["references"][name])
    assert {"id", "site", "tissue", "status", "observations"} <= set(lesion)
    seen = lesion["observations"][0]
    assert {"study", "label", "suv_max", "suv_mean", "suv_peak", "volume_ml", "centroid_mm"} <= set(seen)
    assert seen["krenning_modified"]["value"] == ["3"]
    assert {"code", "level", "message"} <= set(data["issues"][0])


def test_a_study_has_the_pet_grade_or_the_spect_grade_and_not_a_null_for_the_other(made_up):
    lesion = made_up.course.lesions[0]
    spect = lesion.observations[0].model_copy(
        update={"krenning_modified": None, "krenning_spect": Grade(value=("4",), hours=24.0)}
    )
    course = made_up.course.model_copy(update={"lesions": (lesion.model_copy(update={"observations": (spect,)}),)})
    seen = json.loads(findings_json(course))["lesions"][0]["observations"][0]
    assert "krenning_modified" not in seen
    assert seen["krenning_spect"]["hours"] == 24.0


def test_a_refused_grade_is_an_empty_list_with_its_code(made_up):
    lesion = made_up.course.lesions[0]
    refused = lesion.observations[0].model_copy(update={"krenning_modified": Grade(value=(), code="NO-LIVER")})
    course = made_up.course.model_copy(update={"lesions": (lesion.model_copy(update={"observations": (refused,)}),)})
    grade = json.loads(findings_json(course))["lesions"][0]["observations"][0]["krenning_modified"]
    assert grade["value"] == []
    assert grade["code"] == "NO-LIVER"


def test_what_is_not_a_number_is_null_and_never_nan(made_up):
    lesion = made_up.course.lesions[0]
    odd = lesion.observations[0].model_copy(update={"suv_peak": float("nan"), "local_background": float("inf")})
    course = made_up.course.model_copy(update={"lesions": (lesion.model_copy(update={"observations": (odd,)}),)})
    seen = json.loads(findings_json(course))["lesions"][0]["observations"][0]
    assert seen["suv_peak"] is None
    assert seen["local_background"] is None


def test_the_order_of_a_mapping_does_not_change_the_bytes(made_up):
    study = made_up.study
    turned = study.model_copy(update={"references": dict(reversed(study.references.items()))})
    course = made_up.course.model_copy(update={"studies": (turned,)})
    assert findings_json(course) == findings_json(made_up.course)


DOCS = Path(__file__).parents[2] / "docs"


def test_the_published_schema_and_page_are_those_of_the_record():
    message = "run: python -m lutetia.outputs.schema docs"
    assert (DOCS / SCHEMA_FILE).read_bytes() == findings_schema(), message
    assert (DOCS / PAGE_FILE).read_text(encoding="utf-8") == findings_page(), message


def test_every_note_belongs_to_a_field_that_exists():
    fields = {record.__name__: set(record.model_fields) for record in records()}
    stray = [f"{name}.{field}" for name, notes in field_notes().items() for field in notes if field not in fields[name]]
    assert stray == []


def test_every_field_has_a_meaning():
    assert [
        f"{record.__name__}.{field}"
        for record in records()
        for field in record.model_fields
        if not describe(record, field)
    ] == []


def test_the_schema_closes_every_record_to_unknown_fields():
    schema = json.loads(findings_schema())
    assert schema["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values() if "properties" in part)
