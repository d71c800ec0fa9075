"""DICOM objects from sources whose header is not as DICOM wants it: valid objects, or the rest without them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

import lutetia
from lutetia.dicom.source_images import writable
from lutetia.phantom import PhantomTruth

FAST = {"report": False}


@pytest.mark.parametrize(
    ("keyword", "value", "written"),
    [
        ("PatientBirthDate", "1960/01/31", "19600131"),
        ("PatientBirthDate", "19601341", None),
        ("StudyTime", "9:30", None),
        ("StudyTime", "09:30:15.5", "093015.5"),
        ("PatientSex", "female", None),
        ("PatientSex", "F", "F"),
        ("PatientAge", "61", None),
        ("PatientAge", "061Y", "061Y"),
        ("PatientWeight", "71.25", "71.25"),
        ("PatientWeight", "71,25", None),
        ("PatientID", "z" * 100, "z" * 64),
        ("StudyDescription", "first\nsecond", "first second"),
        ("StudyID", "", None),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)
def test_what_is_taken_over_is_what_dicom_allows(keyword, value, written):
    assert writable(keyword, value) == written


@pytest.fixture
def edited(tiny_patient: PhantomTruth, tmp_path: Path):
    """The small patient with another header in every PET image."""

    def make(change) -> Path:
        folder = tmp_path / "in"
        shutil.copytree(tiny_patient.dicom, folder)
        for file in folder.rglob("*"):
            if file.is_file():
                data = pydicom.dcmread(file)
                change(data)
                data.save_as(file)
        return folder

    return make


def test_a_pet_without_frame_of_reference_and_with_bad_dates_still_gives_its_objects(edited, tmp_path):
    def change(data):
        del data.FrameOfReferenceUID
        data.PatientBirthDate, data.PatientAge, data.PatientSex = "1960/01/01", "61", "female"
        data.StudyDescription, data.StudyTime = "y" * 100, "9:30"

    course = lutetia.read(edited(change), tmp_path / "out", output=FAST)
    assert "dicom-objects-not-written" not in {i.code for i in course.issues}
    segmentation = pydicom.dcmread(tmp_path / "out" / "study-1" / "lesions.seg.dcm")
    assert segmentation.PatientBirthDate == "19600101"
    assert segmentation.FrameOfReferenceUID.startswith("2.25.")
    assert len(segmentation.StudyDescription) == 64


def test_where_objects_can_not_be_built_the_rest_is_written_and_says_so(tiny_patient, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("no such header")

    monkeypatch.setattr("lutetia.outputs.dicom_objects.study_objects", broken)
    course = lutetia.read(tiny_patient.dicom, tmp_path / "out", output=FAST)
    (issue,) = [i for i in course.issues if i.code == "dicom-objects-not-written"]
    assert issue.level == "error"
    assert "no such header" in issue.message
    assert (tmp_path / "out" / "study-1" / "lesions.nii.gz").is_file()
    assert "dicom-objects-not-written" in (tmp_path / "out" / "findings.json").read_text()
