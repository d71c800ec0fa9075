"""Every DICOM image of the reference data: what each gives, or the name of its refusal."""

from __future__ import annotations

import tarfile

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from lutetia.dicom.pixels import load_ct, load_ct_image, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import UsageError


def of(series, **facts):
    (found,) = [s for s in series if all(getattr(s, k) == v for k, v in facts.items())]
    return found


@pytest.mark.parametrize(
    ("folder", "shape", "spacing", "first_z", "highest"),
    [
        ("pet_ge_sts001/pet_raw_bqml", (218, 128, 128), (3.27, 4.6875, 4.6875), -881.3, 273860.4),
        ("pet_philips_cnts/pet_chus005", (158, 144, 144), (4, 4, 4), -1061.9, 259373.8),
        ("pet_philips_cnts/pet_chus051_every8th", (21, 144, 144), (32, 4, 4), None, 66347.4),
        ("pet_siemens_qinhn/pet", (242, 168, 168), (2.025, 3.394, 3.394), -1559.5, 109857.6),
        ("lu177_dotatate_spect/scan1", (199, 168, 224), (1.953, 1.953, 1.953), 1156.9, 2281200.0),
        ("lu177_dotatate_spect/scan2", (199, 168, 224), (1.953, 1.953, 1.953), 1203.9, 3471000.0),
        ("nema_iq_phantom_no_header/pet", (30, 192, 192), (2.78, 2.083, 2.083), -44.5, 26465.9),
        ("pet_ge_headers/chum017_discovery_st", (30, 128, 128), (3.27, 3.516, 3.516), -394.9, None),
    ],
)
def test_real_pet_volumes(shared, folder, shape, spacing, first_z, highest):
    (series,) = scan(shared / "data" / folder).series
    image = load_pet(series)
    grid = image.volume.grid
    assert grid.shape == shape
    assert grid.spacing_mm == pytest.approx(spacing, abs=2e-3)
    if first_z is not None:
        assert grid.origin_mm[2] == pytest.approx(first_z, abs=0.06)
    if highest is not None:
        assert image.volume.array.max() == pytest.approx(highest, rel=1e-5)
    for k in (0, shape[0] // 2, shape[0] - 1):
        dataset = pydicom.dcmread(image.instances[k].path)
        expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        assert np.array_equal(image.volume.array[k], expected.astype(np.float32))
        assert grid.to_lps((k, 0, 0)) == pytest.approx(dataset.ImagePositionPatient, abs=0.06)


def test_the_real_ge_pet_lies_where_simpleitk_puts_it(shared):
    (series,) = scan(shared / "data" / "pet_ge_sts001" / "pet_raw_bqml").series
    image = load_pet(series)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([h.path for h in image.instances])
    theirs = reader.Execute()
    grid = image.volume.grid
    assert theirs.GetOrigin() == pytest.approx(grid.origin_mm, abs=1e-3)
    assert theirs.GetSpacing() == pytest.approx(grid.spacing_mm[::-1], abs=1e-3)
    assert np.allclose(sitk.GetArrayViewFromImage(theirs), image.volume.array, rtol=1e-6)


def test_the_converted_suv_series_matches_the_original_voxel_by_voxel(shared):
    series = scan(shared / "data" / "pet_ge_sts001").series
    raw = load_pet(of(series, description="PET AC"), 2.42903e-4, unit="SUVbw").volume
    suv = load_pet(of(series, description="IBSI_1_STS_001_PET_image")).volume
    z, y, x = np.rint(raw.grid.to_index(suv.grid.origin_mm)).astype(int)
    part = raw.array[z : z + 59, y : y + 43, x : x + 41]
    seen = suv.array[: len(part)] > 0.5
    assert np.median(part[seen] / suv.array[: len(part)][seen]) == pytest.approx(1.0, abs=2e-4)


def test_jpeg_ls_ct_equals_its_uncompressed_slice(shared):
    folder = shared / "data" / "pet_philips_cnts"
    ct = load_ct_image(of(scan(folder).series, modality="CT"))
    (original,) = (folder / "ct_chus005_one_uncompressed").iterdir()
    dataset = pydicom.dcmread(original)
    assert np.array_equal(ct.volume.array[0], dataset.pixel_array.astype(int) - 1024)
    assert "duplicate-images" in [i.code for i in ct.issues]


def test_rle_pet_equals_its_uncompressed_slices(shared):
    folder = shared / "data" / "pet_siemens_qinhn"
    image = load_pet(of(scan(folder).series, modality="PT"))
    assert image.volume.grid.shape[0] == 242
    assert [i.code for i in image.issues] == ["incomplete-series", "duplicate-images"]  # the head was cut off


def test_a_jpeg_2000_ct_without_uids_is_read(shared):
    (series,) = scan(shared / "data" / "ct_totalsegmentator" / "ct_dicom_siemens").series
    volume = load_ct(series)
    assert volume.grid.shape == (20, 512, 512)
    assert volume.grid.spacing_mm == pytest.approx((2, 0.9766, 0.9766), abs=1e-3)
    assert volume.array.min() == -1024


def test_all_seventeen_reference_objects_are_read(shared, tmp_path):
    with tarfile.open(shared / "data" / "ibsi_suv_dro" / "DRO.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    inventory = scan(tmp_path)
    pets = [s for s in inventory.series if s.modality == "PT"]
    assert len(pets) == 17
    for series in pets:
        image = load_pet(series)
        assert image.volume.grid.shape == (20, 256, 256)
        assert image.volume.grid.spacing_mm == (4, 4, 4)


def test_every_sample_file_ends_in_a_series_or_a_named_issue(shared):
    inventory = scan(shared / "data" / "dicom_samples")
    assert {i.code for i in inventory.issues} <= {
        "dicomdir",
        "dicomdir-files-missing",
        "not-dicom",
        "truncated-file",
        "unreadable-header",
    }
    with pytest.raises(UsageError) as error:
        select(inventory)
    assert error.value.code == "several-patients"


@pytest.mark.parametrize(
    ("folder", "modality", "tracer", "ct_images"),
    [
        ("pet_ge_sts001", "PET/CT", "fdg", 59),
        ("pet_siemens_qinhn", "PET", None, 0),
        ("lu177_dotatate_spect/scan1", "SPECT", None, 0),
    ],
)
def test_what_is_chosen_of_the_real_studies(shared, folder, modality, tracer, ct_images):
    (selection,) = select(scan(shared / "data" / folder))
    assert selection.modality == modality
    assert (selection.tracer.tracer.key if selection.tracer.tracer else None) == tracer
    assert (selection.ct.n_images if selection.ct else 0) == ct_images


def test_the_philips_patient_is_chosen_among_two(shared):
    (selection,) = select(scan(shared / "data" / "pet_philips_cnts"), patient="HN-CHUS-005")
    assert selection.pet.n_images == 158
    assert selection.ct is not None
    assert "ct-covers-part" in [i.code for i in selection.issues]
    assert selection.pet.first.private == {"7053,1000": "0.000388", "7053,1009": "1.265409"}
