"""A whole result on disk."""

from __future__ import annotations

import json

import pytest

from lutetia.model import InputError
from lutetia.outputs.write import WriteOptions, study_folder, write_results


def test_a_result_holds_everything_a_reader_expects(made_up, tmp_path):
    files = write_results(made_up.course, made_up.volumes, tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in files}
    assert names == {
        "findings.json",
        "lesions.csv",
        "report.html",
        "report.pdf",
        *(
            f"study-1/{name}"
            for name in (
                "lesions.nii.gz",
                "lesions.tsv",
                "organs.nii.gz",
                "organs.tsv",
                "labels.json",
                "lesions.seg.dcm",
                "organs.seg.dcm",
                "measurements.sr.dcm",
                "suv.rwvm.dcm",
            )
        ),
    }
    assert files[0].name == "findings.json"
    assert all(path.is_file() for path in files)


def test_writing_twice_gives_the_same_bytes_in_every_file(made_up, tmp_path):
    first = write_results(made_up.course, made_up.volumes, tmp_path / "a")
    second = write_results(made_up.course, made_up.volumes, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_manifest_lists_the_files(made_up, tmp_path):
    write_results(made_up.course, made_up.volumes, tmp_path, WriteOptions(dicom=False, html=False, pdf=False))
    listed = json.loads((tmp_path / "manifest.json").read_text())["files"]
    assert "study-1/lesions.nii.gz" in listed
    assert "report.html" not in listed


def test_without_pixels_the_record_and_the_report_are_still_written(made_up, tmp_path):
    names = {path.name for path in write_results(made_up.course, {}, tmp_path)}
    assert names == {"findings.json", "lesions.csv", "report.html", "report.pdf"}


def test_a_refused_suv_writes_organs_and_no_lesions(refused, tmp_path):
    names = {path.name for path in write_results(refused.course, refused.volumes, tmp_path, WriteOptions(pdf=False))}
    assert "organs.nii.gz" in names
    assert "lesions.nii.gz" not in names
    assert "suv.rwvm.dcm" not in names


def test_the_suv_volume_is_written_on_request(made_up, tmp_path):
    options = WriteOptions(suv_nifti=True, dicom=False, html=False, pdf=False)
    assert "suv.nii.gz" in {path.name for path in write_results(made_up.course, made_up.volumes, tmp_path, options)}


@pytest.mark.parametrize("bad", ["../x", "a/b", "", ".hidden", "x" * 65, "dot.", "a\\b"])
def test_a_study_id_that_is_no_folder_name_is_refused(made_up, bad):
    with pytest.raises(InputError):
        study_folder(made_up.study.model_copy(update={"id": bad}))
