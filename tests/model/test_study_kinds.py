"""What kind of scan a study is, told by its tracer and modality."""

from __future__ import annotations

import pytest

from lutetia.model import Study, Tracer
from lutetia.outputs.report.course.following import tracer_group


def study(binds: str, radionuclide: str, modality: str) -> Study:
    tracer = Tracer.model_validate(
        {"key": "x", "name": "x", "binds": binds, "radionuclide": radionuclide, "modality": modality}
    )
    return Study.model_validate(
        {"id": "s", "study_instance_uid": "1", "date": None, "tracer": "x", "tracer_detail": tracer}
        | {"modality": f"{modality}/CT"}
    )


@pytest.mark.parametrize(
    ("binds", "radionuclide", "modality", "lane"),
    [
        ("sstr_agonist", "68Ga", "PET", "SSTR PET"),
        ("sstr_antagonist", "68Ga", "PET", "SSTR PET"),
        ("glucose", "18F", "PET", "FDG PET"),
        ("sstr_agonist", "177Lu", "SPECT", "therapy SPECT"),
        ("norepinephrine_transporter", "123I", "SPECT", "other"),
        ("sstr_agonist", "111In", "SPECT", "other"),
    ],
)
def test_a_spect_that_is_given_to_see_is_no_therapy(binds: str, radionuclide: str, modality: str, lane: str) -> None:
    scan = study(binds, radionuclide, modality)
    assert tracer_group(scan) == lane
    assert scan.is_therapy_spect is (lane == "therapy SPECT")
    assert scan.is_sstr_pet is (lane == "SSTR PET")


def test_a_spect_with_a_tracer_that_could_not_be_told_is_taken_for_a_therapy() -> None:
    scan = study("other", "177Lu", "SPECT").model_copy(update={"tracer_detail": None})
    assert scan.is_therapy_spect
