"""``lutetia scan``: a tree a physician can read, JSON for programs, and an exit status."""

from __future__ import annotations

import json

from typer.testing import CliRunner

import lutetia
from lutetia.cli import app

runner = CliRunner()


def test_the_tree_says_what_would_be_read_and_why(pet_ct):
    (pet_ct / "empty").write_bytes(b"")
    result = runner.invoke(app, ["scan", str(pet_ct)])
    assert "Patient P1" in result.output
    assert "shares the PET's frame of reference" in result.output
    assert "would be read as PET/CT, 68Ga-DOTATATE" in result.output
    assert "empty-file" in result.output
    assert result.exit_code == 1


def test_json_lists_every_series_with_role_and_reason(pet_ct):
    result = runner.invoke(app, ["scan", str(pet_ct), "--json"])
    found = json.loads(result.output)
    (study,) = found["patients"][0]["studies"]
    assert [(s["modality"], s["role"]) for s in study["series"]] == [("PT", "PET"), ("CT", "CT")]
    assert all(s["reason"] for s in study["series"])
    assert study["tracer"] == "dotatate"
    assert found["issues"] == []
    assert result.exit_code == 0


def test_nothing_to_read_is_status_two(tmp_path):
    result = runner.invoke(app, ["scan", str(tmp_path)])
    assert result.exit_code == 2
    assert "no-dicom" in result.output


def test_a_path_that_does_not_exist_is_one_clear_message(tmp_path):
    result = runner.invoke(app, ["scan", str(tmp_path / "nowhere")])
    assert result.exception.code == "no-such-path"


def test_patients_whose_ids_differ_in_capitals_alone_are_two_and_each_can_be_chosen(tmp_path, dicom_series):
    dicom_series("PT", patient="p1").write(tmp_path / "1")
    dicom_series("PT", patient="P1", uid="1.2.3", study_uid="1.2.4").write(tmp_path / "2")
    found = lutetia.scan(tmp_path)
    assert not [i for i in found["issues"] if i["level"] == "error"]
    assert all(study["reading"] for p in found["patients"] for study in p["studies"])
    (chosen,) = lutetia.scan(tmp_path, patient="p1")["patients"]
    assert chosen["patient_id"] == "p1"


def test_several_patients_are_all_listed(tmp_path, dicom_series):
    dicom_series("PT", patient="P1").write(tmp_path / "1")
    dicom_series("PT", patient="P2", uid="1.2.3", study_uid="1.2.4").write(tmp_path / "2")
    result = runner.invoke(app, ["scan", str(tmp_path)])
    assert "Patient P1" in result.output
    assert "Patient P2" in result.output
