"""A course of one patient: two tracers, before and after therapy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
import pytest

from lutetia.model import UsageError
from lutetia.phantom import PhantomTruth, make_course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> PhantomTruth:
    return make_course(tmp_path_factory.mktemp("course"), 1, "captem", size="small")


def observation(lesion: dict[str, Any], study: str) -> dict[str, Any]:
    return next(row for row in lesion["observations"] if row["study"] == study)


def reference(course: PhantomTruth, study: str, name: str) -> float:
    return float(next(s for s in course.studies if s["id"] == study)["references"][name]["suv_mean"])


def test_sstr_and_fdg_are_a_week_apart_before_and_after_therapy(course: PhantomTruth) -> None:
    assert [(s["tracer"], s["epoch"]) for s in course.studies] == [
        ("dotatate", 0),
        ("fdg", 0),
        ("dotatate", 1),
        ("fdg", 1),
    ]
    days = [s["day"] for s in course.studies]
    assert days[1] - days[0] <= 7
    assert days[3] - days[2] <= 7
    treatment = course.record["treatments"][0]
    assert days[1] < treatment["from_day"] < treatment["to_day"] < days[2]


def test_all_studies_are_of_one_patient_in_frames_of_their_own(course: PhantomTruth) -> None:
    headers = [
        pydicom.dcmread(next((course.folder / s["dicom"] / "PT").glob("*.dcm")), stop_before_pixels=True)
        for s in course.studies
    ]
    assert len({h.PatientID for h in headers}) == 1
    assert len({h.FrameOfReferenceUID for h in headers}) == len({h.StudyInstanceUID for h in headers}) == 4
    dates = [h.StudyDate for h in headers]
    assert dates == sorted(dates)


def test_liver_metastases_rise_from_blood_pool_to_above_the_liver(course: PhantomTruth) -> None:
    liver = [row for row in course.lesions if row["site"] == "liver"]
    assert len(liver) >= 5
    for row in liver:
        assert row["fate"] == "redifferentiated"
        assert observation(row, "S1_SSTR")["suv_true"] <= reference(course, "S1_SSTR", "blood_pool") * 1.01
        after = observation(row, "S3_SSTR")["suv_true"]
        assert reference(course, "S3_SSTR", "liver") < after < reference(course, "S3_SSTR", "spleen")
        assert observation(row, "S2_FDG")["suv_true"] > 2 * reference(course, "S2_FDG", "liver")
        assert observation(row, "S3_SSTR")["event"] == "shrinking"


def test_one_lesion_loses_its_receptors_and_gains_glucose(course: PhantomTruth) -> None:
    (row,) = (r for r in course.lesions if r["fate"] == "sstr loss")
    sstr = [observation(row, s)["suv_true"] for s in ("S1_SSTR", "S3_SSTR")]
    glucose = [observation(row, s)["suv_true"] for s in ("S2_FDG", "S4_FDG")]
    assert sstr[1] < 0.2 * sstr[0]
    assert glucose[1] > 3 * glucose[0]


def test_new_and_resolved_lesions_are_named_at_the_later_visit(course: PhantomTruth) -> None:
    by_fate = {row["fate"]: row for row in course.lesions}
    for study in ("S3_SSTR", "S4_FDG"):
        assert observation(by_fate["new"], study)["event"] == "new"
        assert observation(by_fate["resolved"], study)["event"] == "resolved"
        assert not observation(by_fate["resolved"], study)["present"]


def test_a_lesion_keeps_its_label_in_every_study(course: PhantomTruth) -> None:
    for study in course.studies:
        present = {r["label"] for r in course.lesions if observation(r, study["id"])["present"]}
        assert set(np.unique(course.label_map(study["id"], "lesions"))) - {0} == present


def test_a_story_that_does_not_exist_is_refused(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="no course"):
        make_course(tmp_path, 1, "odyssey")
