"""Identity out of every output, dates shifted by one number of days, the same each time."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pydicom

import lutetia
from lutetia.phantom import PhantomTruth
from lutetia.reading.pseudonym import derived_uid, scrubber, shift_days, shifted


def test_dates_in_every_notation_move_by_the_same_days() -> None:
    assert shifted("2025-01-31T13:17:03 and 20250131130500.5", 30) == "2025-01-01T13:17:03 and 20250101130500.5"


def test_numbers_that_are_no_dates_stay() -> None:
    assert shifted("SUV 20.25, label 20251399, 177806000 Bq", 30) == "SUV 20.25, label 20251399, 177806000 Bq"


def test_intervals_between_visits_are_kept() -> None:
    days = shift_days("ID7", "P1")
    first, second = (date.fromisoformat(shifted(t, days)) for t in ("2024-02-27", "2024-03-04"))
    assert (second - first).days == 6


def test_instance_uids_are_replaced_and_standard_ones_stay() -> None:
    assert derived_uid("1.2.840.10008.5.1.4.1.1.128", "P1") == "1.2.840.10008.5.1.4.1.1.128"
    assert derived_uid("1.3.12.2.1107.5", "P1").startswith("2.25.")
    assert derived_uid("1.3.12.2.1107.5", "P1") != derived_uid("1.3.12.2.1107.5", "P2")


def test_names_identifiers_and_paths_leave_every_sentence() -> None:
    scrub = scrubber("P1", 10, frozenset({"Meier", "4711-A"}))
    text = scrub("The file /data/Meier^Anna/scan 1.dcm of MEIER (4711-A) is cut off")
    assert "eier" not in text.lower()
    assert "4711" not in text
    assert "/data" not in text


def test_a_name_between_underscores_is_found_and_a_part_of_another_word_is_not() -> None:
    scrub = scrubber("P1", 10, frozenset({"Meier"}))
    assert scrub("organs_Meier_2.nii.gz; Strohmeiers") == "organs_(removed)_2.nii.gz; Strohmeiers"


def test_a_uid_with_leading_zeros_or_a_short_one_is_replaced(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    scrub = scrubber("P1", 10, frozenset())
    assert "0045" not in scrub("the series 1.2.840.113619.2.55.0045.1234 is left out")

    for path in sorted(tiny_patient.dicom.rglob("*.dcm")):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = "1.2.77" if dataset.Modality == "CT" else dataset.SeriesInstanceUID
        dataset.save_as(tmp_path / f"{dataset.Modality}-{path.name}")
    course = lutetia.read(tmp_path, settings={"anatomy": "none"}, output={"pseudonym": "NET-007"})
    assert len(course.studies[0].series) == 2
    assert '"1.2.77"' not in course.model_dump_json()


def test_a_mask_file_named_by_the_patient_is_not_named_in_the_output(
    tiny_patient: PhantomTruth, tmp_path: Path
) -> None:
    labels = tiny_patient.label_map("S1_SSTR", "organs")
    source = tiny_patient.dicom.parent / "truth" / "S1_SSTR" / "organs.nii.gz"
    folder = tmp_path / "masks"
    folder.mkdir()
    (folder / "Zwirbel_Xaver.nii.gz").write_bytes(source.read_bytes())
    names = {str(number): name for name, number in tiny_patient.record["organ_labels"].items() if number in labels}
    (folder / "Zwirbel_Xaver.json").write_text(json.dumps(names))
    settings = {"organs": str(folder / "Zwirbel_Xaver.nii.gz")}
    lutetia.read(
        tiny_patient.dicom, tmp_path / "out", settings=settings, output={"pseudonym": "NET-007", "report": False}
    )
    for path in sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        assert b"Zwirbel" not in path.read_bytes(), path.name


def test_no_output_names_the_patient(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    plain = lutetia.read(tiny_patient.dicom)
    course = lutetia.read(tiny_patient.dicom, tmp_path / "out", output={"pseudonym": "NET-007"})
    assert course.patient.id == "NET-007"
    assert course.patient.pseudonymous
    source = pydicom.dcmread(next(p for p in sorted(tiny_patient.dicom.rglob("*.dcm"))), stop_before_pixels=True)
    secrets = [str(source.PatientID), str(source.StudyInstanceUID), str(source.StudyDate)]
    secrets.append(f"{source.StudyDate[:4]}-{source.StudyDate[4:6]}-{source.StudyDate[6:]}")
    for path in sorted((tmp_path / "out").rglob("*")):
        if not path.is_file():
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in data, f"{secret} in {path.name}"
    assert len(course.lesions) == len(plain.lesions)
    assert course.studies[0].references["liver"] == plain.studies[0].references["liver"]
    again = lutetia.read(tiny_patient.dicom, tmp_path / "out", output={"pseudonym": "NET-007"})
    assert again == course, "the finished stage is reused"
