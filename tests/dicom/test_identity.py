"""One Patient ID is one person unless names and birth dates say otherwise."""

from __future__ import annotations

import pytest

import lutetia
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import UsageError


def named(name, birth=""):
    def edit(d, k):
        d.PatientName, d.PatientBirthDate = name, birth

    return edit


@pytest.fixture
def two_studies(tmp_path, dicom_series):
    """Two studies under one Patient ID, of the people given."""

    def make(*people):
        for n, (name, birth) in enumerate(people):
            uid = f"1.2.3.{n + 1}"
            dicom_series(study_uid=uid, uid=uid + ".7", patient="ANON", edit=named(name, birth)).write(tmp_path / uid)
        return tmp_path

    return make


def test_two_people_under_one_id_are_two_patients(two_studies):
    folder = two_studies(("Doe^Jane", "19500101"), ("Roe^John", "19620202"))
    inventory = scan(folder)
    assert [p.key for p in inventory.patients] == ["ANON (Doe^Jane)", "ANON (Roe^John)"]
    assert "patient-id-shared" in {i.code for i in inventory.issues}
    with pytest.raises(UsageError) as refused:
        select(inventory)
    assert refused.value.code == "several-patients"
    assert "ANON (Doe^Jane)" in refused.value.expected
    (selection,) = select(inventory, patient="ANON (Roe^John)")
    assert selection.patient.name == "Roe^John"


def test_the_shared_id_given_by_hand_means_all_of_them(two_studies):
    inventory = scan(two_studies(("Visit 1", ""), ("Baseline scan", "")))
    assert len(inventory.patients) == 2
    selections = select(inventory, patient="ANON")
    assert len(selections) == 2
    assert {s.patient.key for s in selections} == {"ANON"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("Doe^Jane", "19500101"), ("DOE^JANE^MARIA", "19500101")),
        (("Doe^Jane", "19500101"), ("Smith^Jane Married", "19500101")),
        (("Doe^Jane", ""), ("", "")),
        (("Jane Doe", "19500101"), ("Doe^Jane", "19501231")),
    ],
)
def test_another_spelling_a_new_name_or_none_is_no_other_person(two_studies, first, second):
    (patient,) = scan(two_studies(first, second)).patients
    assert patient.key == "ANON"
    assert len(patient.studies) == 2


def test_scan_says_that_a_patient_is_not_there(pet_ct):
    found = lutetia.scan(pet_ct, patient="nobody")
    assert found["patients"] == []
    assert [i["code"] for i in found["issues"]] == ["no-such-patient"]
    assert "P1" in found["issues"][0]["message"]


def test_scan_and_read_take_the_same_words_for_a_patient(pet_ct):
    for word in ("p1", "P1", "Test^P1", "test"):
        assert len(lutetia.scan(pet_ct, patient=word)["patients"]) == 1


def test_a_patient_without_a_readable_image_is_not_called_absent(tmp_path, dicom_series):
    dicom_series(edit=lambda d, k: setattr(d, "Rows", 30)).write(tmp_path)
    codes = {i["code"] for i in lutetia.scan(tmp_path)["issues"]}
    assert "no-such-patient" not in codes
    assert {"pixel-length-mismatch", "no-images"} <= codes
