"""``lutetia suv`` and ``lutetia conformance``: the JSON contract, exit status, text, overrides, NIfTI."""

from __future__ import annotations

import json
import shutil

import nibabel
import numpy as np
import pytest

from lutetia import conformance, suv
from lutetia.cli import main
from lutetia.cli.suv_text import issue_lines
from lutetia.dicom.condense import condensed
from lutetia.model import InputError, Issue, UsageError
from lutetia.phantom.suv_objects import suv_objects, suv_pattern, write_suv_objects


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    wanted = ("DRO_0_0", "DRO_2_1_0", "DRO_3_0", "DRO_3_4_0", "DRO_error_2_0", "DRO_error_3_0")
    write_suv_objects(folder, tuple(o for o in suv_objects() if o.id in wanted))
    return folder


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    output = capsys.readouterr()
    return caught.value.code, output.out, output.err


def test_json_keeps_the_contract(capsys, objects):
    status, out, _ = run(capsys, "suv", objects / "DRO_0_0", "--mask", objects / "DRO_mask.nii.gz", "--json")
    series = json.loads(out)["series"][0]
    assert status == 0
    assert series["series_instance_uid"].startswith("1.2.")
    assert series["units"] == "BQML"
    assert series["suv"]["basis"] == "bw"
    assert series["suv"]["factor"] == pytest.approx(2.77778e-4, rel=1e-4)
    assert series["suv"]["decay_reference"] == "2025-01-01T11:00:00"
    assert [series["stats"][k] for k in ("min", "median", "max")] == pytest.approx([0.2, 1.0, 4.0], rel=0.005)
    assert series["warnings"] == []
    assert series["refusal"] is None


def test_a_refusal_has_code_and_message_and_nulls(capsys, objects):
    status, out, _ = run(capsys, "suv", objects / "DRO_error_2_0", "--json")
    series = json.loads(out)["series"][0]
    assert status == 1
    assert (series["suv"], series["stats"]) == (None, None)
    assert series["refusal"]["code"] == "weight-missing"
    assert "PatientWeight (0010,1030)" in series["refusal"]["message"]
    assert series["refusal"]["override"] == "--weight-kg"


def test_an_override_settles_the_refusal_and_is_recorded(capsys, objects):
    status, out, _ = run(capsys, "suv", objects / "DRO_error_2_0", "--weight-kg", "70", "--json")
    series = json.loads(out)["series"][0]
    assert status == 0
    assert series["suv"]["overrides"] == {"--weight-kg": "70.0"}
    assert series["suv"]["factor"] == pytest.approx(2.77778e-4, rel=1e-4)


def test_text_shows_factor_reference_reason_elements_and_warnings(capsys, objects):
    status, out, _ = run(capsys, "suv", objects / "DRO_3_0")
    assert status == 0
    for expected in (
        "0.00027777",
        "2025-01-01T11:00:00",
        "because",
        "PatientWeight (0010,1030)",
        "368.08",
        "dose-in-mbq",
    ):
        assert expected in out


def test_stored_lean_mass_is_shown_as_body_weight_unless_asked(objects):
    stored = suv(objects / "DRO_2_1_0").series[0].suv
    assert stored.basis == "bw"
    assert stored.factor > 1.2
    assert suv(objects / "DRO_2_1_0", basis="lbmjames128").series[0].suv.factor == 1.0


@pytest.mark.parametrize("name", ["suv.nii.gz", "suv.nii"])
def test_the_suv_volume_is_written_as_nifti(tmp_path, objects, name):
    suv(objects / "DRO_3_4_0", nifti=tmp_path / name)
    image = nibabel.load(tmp_path / name)
    pattern, _ = suv_pattern()
    assert np.asarray(image.dataobj).transpose(2, 1, 0) == pytest.approx(pattern, abs=0.002)
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert np.allclose(image.affine, np.diag([-4, -4, 4, 1]))


def test_several_volumes_for_one_file_and_wrong_names_are_usage_errors(tmp_path, objects):
    with pytest.raises(UsageError, match="More than one"):
        suv([objects / "DRO_0_0", objects / "DRO_3_0"], nifti=tmp_path / "suv.nii.gz")
    with pytest.raises(UsageError):
        suv(objects / "DRO_0_0", nifti=tmp_path / "suv.txt")
    with pytest.raises(UsageError):
        suv(objects / "DRO_0_0", weight=70)
    assert list(tmp_path.iterdir()) == []


def test_a_series_can_be_chosen(objects):
    both = suv([objects / "DRO_0_0", objects / "DRO_3_0"])
    assert len(both.series) == 2
    uid = both.series[1].series_instance_uid
    assert [s.series_instance_uid for s in suv([objects / "DRO_0_0", objects / "DRO_3_0"], series=uid).series] == [uid]


def test_no_pet_is_one_clear_message(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("nothing")
    status, _, err = run(capsys, "suv", tmp_path)
    assert status == 2
    assert "no-pet-series" in err
    with pytest.raises(InputError):
        suv(tmp_path / "gone")


def test_a_truncated_image_is_a_refusal_of_its_series_and_the_rest_is_read(tmp_path, objects):
    for name in ("DRO_0_0", "DRO_3_0"):
        for file in (objects / name / "PT").iterdir():
            target = tmp_path / name / file.name
            target.parent.mkdir(exist_ok=True)
            content = file.read_bytes()
            target.write_bytes(content[:-200] if (name, file.name) == ("DRO_0_0", "003.dcm") else content)
    found = {s.refusal is None for s in suv(tmp_path).series}
    assert found == {True, False}


def test_conformance_prints_a_table_and_says_what_failed(capsys, objects):
    status, out, _ = run(capsys, "conformance", objects)
    assert status == 0
    assert "6 of 6 right" in out
    assert "weight-missing" in out
    assert conformance(objects).n_right == 6


def test_conformance_json_and_wrong_expectations(capsys, tmp_path):
    write_suv_objects(tmp_path, suv_objects()[:1])
    listing = (tmp_path / "DRO_list.csv").read_text().replace('"4.00"', '"5.00"')
    (tmp_path / "DRO_list.csv").write_text(listing)
    status, out, _ = run(capsys, "conformance", tmp_path, "--json")
    assert status == 1
    assert json.loads(out)["rows"][0]["verdict"] == "wrong"


def test_conformance_writes_its_objects_to_a_new_folder_only(capsys, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    status, _, err = run(capsys, "conformance", tmp_path, "--write")
    assert status == 2
    assert "folder-not-empty" in err


def test_what_is_wrong_with_a_file_is_said_once_with_its_place_and_ends_with_1(capsys, objects, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(objects / "DRO_0_0", folder)
    image = next((folder / "PT").iterdir())
    (folder / "cut.dcm").write_bytes(image.read_bytes()[:700])
    status, out, _ = run(capsys, "suv", folder)
    assert status == 1
    lines = [line for line in out.splitlines() if "cut off" in line]
    assert len(lines) == 1
    assert str(folder / "cut.dcm") in lines[0]
    assert "SUVbw =" in out


def test_many_faults_of_one_kind_are_counted(capsys, objects, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(objects / "DRO_0_0", folder)
    for n, image in enumerate(sorted((folder / "PT").iterdir())):
        image.write_bytes(image.read_bytes()[: -100 - n])
    status, out, _ = run(capsys, "suv", folder)
    assert status == 1
    assert out.count("bytes of pixel data are missing") == 3
    assert "and 3 more of this kind" in out
    assert "settle it with export" not in out


def test_the_count_of_faults_is_that_of_the_images_however_many_there_are():
    images = [Issue(code="pixel-length-mismatch", level="error", message=f"image {n}") for n in range(1169)]
    told = list(condensed(images))
    assert len(told) < 20
    assert issue_lines(told)[-1] == "ERROR: and 1,166 more of this kind [pixel-length-mismatch]"
