"""Any tree, any names: what is read, and what each bad file says."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

from lutetia.dicom.pixels import load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import InputError, UsageError


def codes(inventory):
    return [issue.code for issue in inventory.issues]


def test_a_folder_gives_patients_studies_and_series_in_order(pet_ct):
    inventory = scan(pet_ct)
    (patient,) = inventory.patients
    (study,) = patient.studies
    assert patient.patient_id == "P1"
    assert [s.modality for s in study.series] == ["PT", "CT"]
    assert [s.n_images for s in study.series] == [6, 6]
    assert inventory.issues == ()


def test_file_names_and_depth_do_not_matter(tmp_path, dicom_series):
    dicom_series("PT").write(tmp_path / "a" / "b" / "c", name="I.{k}")
    for k, path in enumerate(sorted((tmp_path / "a" / "b" / "c").iterdir())):
        path.rename(tmp_path / "a" / f"{'x' * k}é {k}.txt")
    (series,) = scan([str(tmp_path)]).series
    assert series.n_images == 6


def test_folder_order_is_not_slice_order(tmp_path, dicom_series):
    series = dicom_series("PT")
    paths = series.write(tmp_path)
    for k, path in enumerate(paths):
        path.rename(tmp_path / f"{'fbadec'[k]}.dcm")
    image = load_pet(scan(tmp_path).series[0])
    assert np.array_equal(image.volume.array, series.stored.astype(np.float32))


def test_headers_by_the_fast_walk_equal_those_by_pydicom(tmp_path, dicom_series):
    def odds(d, k):
        block = d.private_block(0x0009, "GEMS_PETD_01", create=True)
        block.add_new(0x0D, "DT", "20250102101500.00")
        block = d.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.000388")

    dicom_series("PT", edit=odds).write(tmp_path)
    header = scan(tmp_path).series[0].instances[2]
    dataset = pydicom.dcmread(header.path)
    assert header.position_mm == tuple(dataset.ImagePositionPatient)
    assert header.orientation == tuple(dataset.ImageOrientationPatient)
    assert header.rescale_slope == float(dataset.RescaleSlope)
    assert header.corrected_image == tuple(dataset.CorrectedImage)
    assert header.private == {"0009,100d": "20250102101500.00", "7053,1000": "0.000388"}
    assert header.frame_reference_time_ms == 60000
    assert header.pixel_offset is not None
    assert "pydicom" not in header.problems


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"]
)
def test_every_uncompressed_syntax_gives_the_same_headers_and_pixels(tmp_path, dicom_series, syntax):
    series = dicom_series("PT", slopes=[0.5, 1.5, 2.0, 2.5, 3.0, 3.5])
    if syntax == "1.2.840.10008.1.2.2":
        series.edit = lambda d, k: setattr(d, "PixelData", d_bytes(series.stored[k]))
    paths = []
    for k in range(6):
        d = series.dataset(k)
        d.file_meta = pydicom.dataset.FileMetaDataset()
        d.file_meta.TransferSyntaxUID = syntax
        d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
        paths.append(tmp_path / f"{k}.dcm")
        d.save_as(paths[-1], enforce_file_format=True)
    inventory = scan(tmp_path)
    (found,) = inventory.series
    assert inventory.issues == ()
    assert [h.rescale_slope for h in found.instances] == series.slopes
    image = load_pet(found)
    expected = (series.stored * np.array(series.slopes)[:, None, None]).astype(np.float32)
    assert np.array_equal(image.volume.array, expected)


def d_bytes(frame):
    return frame.astype(">u2").tobytes()


def test_a_file_without_preamble_and_meta_header_is_read(tmp_path, dicom_series):
    dicom_series("PT").write(tmp_path, syntax="1.2.840.10008.1.2")
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        length = int.from_bytes(data[140:144], "little")
        path.write_bytes(data[144 + length :])
    inventory = scan(tmp_path)
    assert inventory.series[0].n_images == 6
    assert load_pet(inventory.series[0]).volume.grid.shape == (6, 8, 10)


def test_what_is_not_dicom_is_named_and_the_rest_is_read(pet_ct):
    (pet_ct / "notes.txt").write_text("weight 70 kg, measured today; see the request form")
    (pet_ct / "empty.dcm").write_bytes(b"")
    (pet_ct / "scan.gz").write_bytes(b"\x1f\x8b" + bytes(200))
    (pet_ct / "mask.nii.gz").write_bytes(b"\x1f\x8b" + bytes(200))
    (pet_ct / "secret").write_bytes(b"Salted__" + bytes(200))
    (pet_ct / "random").write_bytes(np.random.default_rng(1).bytes(5000))
    inventory = scan(pet_ct)
    assert [s.n_images for s in inventory.series] == [6, 6]
    assert sorted(codes(inventory)) == ["empty-file", *["not-dicom"] * 5]
    assert all(issue.where for issue in inventory.issues)
    assert any("encrypted" in issue.message for issue in inventory.issues)
    assert any("NIfTI" in issue.message for issue in inventory.issues)


def test_a_truncated_file_is_named_and_left_out(pet_ct):
    path = pet_ct / "PT" / "005"
    path.write_bytes(path.read_bytes()[:-40])
    inventory = scan(pet_ct)
    (issue,) = inventory.issues
    assert issue.code == "truncated-file"
    assert "40 bytes" in issue.message
    assert issue.where.endswith("005")
    assert [s.n_images for s in inventory.series] == [5, 6]


def test_a_file_cut_inside_its_header_is_named(pet_ct):
    path = pet_ct / "PT" / "005"
    path.write_bytes(path.read_bytes()[:700])
    inventory = scan(pet_ct)
    (issue,) = inventory.issues
    assert issue.code == "truncated-file"
    assert issue.where.endswith("005")
    assert [s.n_images for s in inventory.series] == [5, 6]


def test_a_lying_header_is_refused_by_name(pet_ct, dicom_series):
    def lie(d, k):
        d.Rows = 9

    shutil.rmtree(pet_ct / "PT")
    dicom_series("PT", edit=lie).write(pet_ct / "PT")
    inventory = scan(pet_ct)
    assert set(codes(inventory)) == {"pixel-length-mismatch"}
    assert "9 rows × 10 columns" in inventory.issues[0].message
    (selection,) = select(inventory)
    assert selection.pet is None
    assert selection.issues[-1].level == "error"


def test_thousands_of_alike_problems_are_condensed(tmp_path, pet_ct):
    for k in range(50):
        (pet_ct / f"{k}.txt").write_text("nothing")
    inventory = scan(pet_ct)
    assert len(inventory.issues) == 11
    assert "40 more" in inventory.issues[-1].message


def test_copies_of_a_file_count_once(pet_ct):
    for path in list((pet_ct / "PT").iterdir()):
        shutil.copy(path, pet_ct / f"copy-of-{path.name}")
    inventory = scan(pet_ct)
    assert inventory.series[0].n_images == 6
    assert codes(inventory) == ["duplicate-files"]


def test_no_such_path_says_so(tmp_path):
    with pytest.raises(InputError, match="no such file") as error:
        scan(tmp_path / "nowhere")
    assert error.value.code == "no-such-path"


def test_an_empty_folder_has_no_dicom(tmp_path):
    inventory = scan(tmp_path)
    assert codes(inventory) == ["no-dicom"]
    with pytest.raises(InputError) as error:
        select(inventory)
    assert error.value.code == "no-dicom"


def test_where_no_image_is_found_what_was_found_instead_is_said(tmp_path):
    (tmp_path / "export.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    with pytest.raises(InputError, match="7-Zip archive; unpack or decrypt it first") as error:
        select(scan(tmp_path))
    assert error.value.code == "no-dicom"


def test_several_patients_are_listed_and_one_is_chosen(tmp_path, dicom_series):
    dicom_series("PT", patient="P1").write(tmp_path / "1")
    dicom_series("PT", patient="P2", uid="1.2.3", study_uid="1.2.4").write(tmp_path / "2")
    inventory = scan(tmp_path)
    with pytest.raises(UsageError) as error:
        select(inventory)
    assert error.value.code == "several-patients"
    assert "P1" in error.value.expected
    assert "P2" in error.value.expected
    (selection,) = select(inventory, patient="P2")
    assert selection.patient.patient_id == "P2"
    with pytest.raises(UsageError) as error:
        select(inventory, patient="P3")
    assert error.value.code == "no-such-patient"


def test_progress_reaches_the_end(pet_ct):
    seen = []
    scan(pet_ct, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)


def test_series_without_uid_are_kept_apart_by_modality(pet_ct, dicom_series, tmp_path):
    def blank(d, k):
        d.SeriesInstanceUID = ""

    dicom_series("PT", edit=blank).write(tmp_path / "b" / "1")
    dicom_series("CT", edit=blank).write(tmp_path / "b" / "2")
    inventory = scan(tmp_path / "b")
    assert sorted(s.modality for s in inventory.series) == ["CT", "PT"]


def test_dicomdir_names_missing_files(shared):
    folder = shared / "data" / "dicom_samples" / "dicomdir" / "real_petct_dicomdir_only"
    issues = [i for i in scan(folder).issues if i.code == "dicomdir-files-missing"]
    assert len(issues) == 1
    assert "183" in issues[0].message


def test_dicomdir_with_all_its_files_is_only_noted(shared):
    folder = shared / "data" / "dicom_samples" / "dicomdir" / "pydicom_dicomdirtests"
    inventory = scan(folder)
    assert {i.code for i in inventory.issues} <= {"dicomdir", "not-dicom"}
    assert {s.modality for s in inventory.series} == {"CR", "CT", "MR"}


def test_scan_accepts_single_files_and_many_paths(pet_ct):
    files: list[Path] = sorted((pet_ct / "PT").iterdir())
    inventory = scan([files[0], files[1], files[1]])
    assert inventory.n_instances == 2


def test_pet_and_ct_under_one_series_uid_are_kept_apart(tmp_path, dicom_series):
    dicom_series("PT", uid="1.2.3.9").write(tmp_path / "a")
    ct = dicom_series("CT")
    ct.uid = "1.2.3.9"
    ct.edit = lambda d, k: setattr(d, "SOPInstanceUID", f"1.2.3.8.{k}")
    ct.write(tmp_path / "b")
    (selection,) = select(scan(tmp_path))
    assert (selection.pet.part, selection.ct.part) == ("PT", "CT")
    assert selection.modality == "PET/CT"


def test_links_to_folders_are_followed_once(pet_ct, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "study").symlink_to(pet_ct)
    (pet_ct / "round").symlink_to(tmp_path / "links")
    inventory = scan(tmp_path / "links")
    assert inventory.n_instances == 12
    assert inventory.issues == ()


def test_a_broken_link_is_named(pet_ct):
    (pet_ct / "gone").symlink_to(pet_ct / "nowhere")
    (issue,) = scan(pet_ct).issues
    assert issue.code == "unreadable-file"
    assert "a link that leads nowhere" in issue.message
    assert "permissions" not in issue.message


def test_a_dicomdir_stands_for_the_disc_it_lies_on(tmp_path, dicom_series):
    from pydicom.fileset import FileSet

    disc = FileSet()
    for path in dicom_series("PT", edit=lambda d, k: setattr(d, "StudyID", "1")).write(tmp_path / "made"):
        disc.add(path)
    disc.write(tmp_path / "disc")
    inventory = scan(tmp_path / "disc" / "DICOMDIR")
    assert [s.n_images for s in inventory.series] == [6]
    assert codes(inventory) == ["dicomdir"]


def test_file_names_that_are_no_utf8_are_read_and_shown(tmp_path, dicom_series):
    folder = tmp_path / os.fsdecode(b"\xff\xfe caf\xe9")
    dicom_series("PT").write(folder)
    (folder / os.fsdecode(b"\xfeempty")).write_bytes(b"")
    inventory = scan(folder)
    assert inventory.series[0].n_images == 6
    (issue,) = inventory.issues
    assert issue.code == "empty-file"
    issue.where.encode("utf-8")
    assert load_pet(inventory.series[0]).volume.grid.shape == (6, 8, 10)


def test_a_tar_archive_is_named(pet_ct):
    with tarfile.open(pet_ct / "more.tar", "w") as archive:
        archive.add(pet_ct / "CT", "CT")
    (issue,) = scan(pet_ct).issues
    assert (issue.level, issue.code) == ("caution", "not-dicom")
    assert "a tar archive" in issue.message


def test_files_of_a_result_of_ours_are_no_input_and_those_of_another_manifest_are(pet_ct, tmp_path):
    for name, record in (("ours", "findings.json"), ("theirs", "index.html")):
        folder = pet_ct / name
        folder.mkdir()
        shutil.copy(next((pet_ct / "PT").iterdir()), folder / "lesions.seg.dcm")
        (folder / "manifest.json").write_text(json.dumps({"files": [record, "lesions.seg.dcm"]}))
    found = scan(pet_ct)
    assert found.n_files == 6 + 6 + 2
    assert any(str(pet_ct / "theirs") in i.where for i in found.issues)
    assert not any(str(pet_ct / "ours") in i.where for i in found.issues)


def test_a_damaged_copy_of_an_image_that_is_there_whole_is_named_and_loses_nothing(pet_ct):
    image = next((pet_ct / "PT").iterdir())
    (pet_ct / "cut.dcm").write_bytes(image.read_bytes()[:-40])
    found = scan(pet_ct)
    assert codes(found) == ["truncated-file"]
    assert all(not s.damaged for s in found.series)
