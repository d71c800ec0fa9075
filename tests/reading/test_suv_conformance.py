"""Every object with a known SUV: the 17 of IBSI-SUV, ours for all 58 header states, and the real scans."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lutetia.model import InputError
from lutetia.model.pet import SuvOverrides
from lutetia.phantom.suv_objects import suv_objects, write_suv_objects
from lutetia.reading.conformance import conformance
from lutetia.reading.suv import read_suv

REFERENCE_OBJECTS = Path(__file__).parents[1] / "data" / "ibsi_suv_dro" / "DRO.tar.xz"
IDS = [item.id for item in suv_objects()]
REFUSALS = {
    "DRO_error_2_0": "weight-missing",
    "DRO_error_2_1": "weight-impossible",
    "DRO_error_2_2": "sex-missing",
    "DRO_error_2_3": "sex-unknown",
    "DRO_error_2_4": "size-missing",
    "DRO_error_2_5": "size-impossible",
    "DRO_error_2_6": "counts-without-factor",
    "DRO_error_2_7": "units-not-convertible",
    "DRO_error_3_0": "dose-missing",
    "DRO_error_3_1": "dose-impossible",
    "DRO_error_3_2": "frame-duration-missing",
    "DRO_error_4_0": "injection-time-missing",
    "DRO_error_4_1": "injection-date-missing",
    "DRO_error_4_2": "uptake-time-impossible",
    "DRO_error_5_0": "half-life-missing",
}


@pytest.fixture(scope="module")
def reference_rows():
    # the folder as it is published: the archive of the objects beside its lists
    return {row.id: row for row in conformance(REFERENCE_OBJECTS.parent).rows}


@pytest.fixture(scope="module")
def own_rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    write_suv_objects(folder)
    return {row.id: row for row in conformance(folder).rows}


def test_all_seventeen_reference_objects_are_there(reference_rows):
    assert len(reference_rows) == 17


@pytest.mark.parametrize(
    "name",
    [f"DRO_{i}" for i in ("0_0", "1_0", "2_0", "2_1", "2_2", "2_4", "2_5", "3_0", "3_1", "3_2", "3_3", "3_4", "4_0",
                          "4_1", "4_2", "5_0")],
)  # fmt: skip
def test_a_reference_object_gives_02_1_4(reference_rows, name):
    assert reference_rows[name].measured == pytest.approx((0.20, 1.00, 4.00), rel=0.005)
    assert reference_rows[name].passed


def test_the_quantised_reference_object_gives_what_its_pixels_allow(reference_rows):
    assert reference_rows["DRO_2_3"].measured == pytest.approx((0.19, 0.98, 3.98), abs=0.005)
    assert reference_rows["DRO_2_3"].passed


def test_our_objects_are_those_of_the_published_list():
    listed = (REFERENCE_OBJECTS.parent / "DRO_list_v3.csv").read_text()
    assert len(IDS) == 58
    assert all(f'"{name}"' in listed for name in IDS)


@pytest.mark.parametrize("name", IDS)
def test_an_object_of_every_header_state(own_rows, name):
    row = own_rows[name]
    assert row.passed, row
    if name in REFUSALS:
        assert row.refusal_code == REFUSALS[name]
    else:
        assert row.measured == pytest.approx((0.20, 1.00, 4.00), rel=0.003)


def test_an_archive_that_is_none_and_a_folder_without_objects(tmp_path):
    (tmp_path / "broken.tar.xz").write_bytes(b"no archive")
    for path, code in ((tmp_path / "broken.tar.xz", "archive-unreadable"), (tmp_path / "gone", "no-such-path")):
        with pytest.raises(InputError) as caught:
            conformance(path)
        assert caught.value.code == code


def test_objects_mixed_in_one_folder_are_not_judged_by_the_first_of_them(tmp_path):
    with tarfile.open(REFERENCE_OBJECTS) as archive:
        for number, name in enumerate(
            ("DRO/DRO_0_0/PT/pet_dro_0_0_slice_010.dcm", "DRO/DRO_1_0/PT/pet_dro_1_0_slice_010.dcm")
        ):
            content = archive.extractfile(name)
            assert content is not None
            (tmp_path / f"{number}.dcm").write_bytes(content.read())
    (row,) = conformance(tmp_path).rows
    assert row.verdict == "unreadable"
    assert "2 series" in row.message


#: folder, factor, decay reference (None where the factor rests on no time), relative tolerance
KNOWN = [
    ("pet_ge_sts001/pet_raw_bqml", 2.42903e-4, "2000-09-07T11:20:11", 1e-5),
    ("pet_ge_sts001/ibsi_pet_suv_gml", 1.0, None, 1e-12),
    ("pet_ge_headers/chum017_discovery_st", 5.17802e-4, "T13:55:43", 1e-5),
    ("pet_ge_headers/hmr023_discovery_ste", 4.72996e-4, "T11:05:50", 1e-5),
    ("pet_ge_headers/hgj016_discovery_st", 2.13802e-4, "T14:07:59", 1e-5),
    ("pet_philips_cnts/pet_chus005", 3.88e-4, "T10:28:33", 1e-9),
    ("pet_philips_cnts/pet_chus051_every8th", 4.38e-4, "T11:07:08", 1e-9),
    ("pet_siemens_qinhn/pet", 4.01664e-4, "1988-09-13T10:27:31.687", 1e-5),
    ("pet_siemens_qinhn/one_uncompressed", 4.01664e-4, "1988-09-13T10:27:31.687", 1e-5),
    ("lu177_dotatate_spect/scan1", 92987 / 7210425599.6395, "2018-11-15T09:22:00", 1e-9),
    ("lu177_dotatate_spect/scan2", 92987 / 7210425599.6395, "2018-11-15T09:22:00", 1e-9),
    ("dicom_samples/pet_single/siemens_mct_fdg.dcm", 4.46364e-4, "2019-11-13T11:12:18", 1e-5),
    ("dicom_samples/pet_single/siemens1094_acrin_flt_029.dcm", 5.94249e-4, "T15:23:16.921", 1e-5),
    ("dicom_samples/pet_single/siemens1094_acrin_flt_028_late_frame.dcm", 4.73549e-4, "T11:19:59.109", 1e-5),
    ("dicom_samples/pet_single/ge_discovery_st_jpeglossless.dcm", 3.31764e-4, "2014-10-23T11:00:36", 1e-5),
    ("dicom_samples/pet_single/philips_gemini_tf_phantom_bqml_private_factors_1h_frame_nometa.dcm", 1.65985e-4,
     "2012-07-16T17:11:21", 2e-5),
    ("dicom_samples/multiframe/enhanced_pet_synthetic_from_dro_1_0.dcm", 2.77778e-4, "2025-01-01T11:00:00", 1e-5),
    ("dicom_samples/multiframe/legacy_converted_enhanced_pet_20frames.dcm", 2.42903e-4, "2000-09-07T11:20:11", 1e-5),
]  # fmt: skip


@pytest.mark.parametrize(("path", "factor", "reference", "tolerance"), KNOWN)
def test_a_real_scan_gives_its_known_factor(shared, path, factor, reference, tolerance):
    report = read_suv(shared / "data" / path)
    assert len(report.series) == 1
    suv = report.series[0].suv
    assert suv is not None, report.series[0].refusal
    assert suv.factor == pytest.approx(factor, rel=tolerance)
    assert suv.decay_reference is None if reference is None else reference in suv.decay_reference


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nema_iq_phantom_no_header", "units-missing"),
        ("dicom_samples/pet_single/philips_gemini_tf_no_dates_no_weight.dcm", "weight-missing"),
        ("dicom_samples/nm/mediso_jaszczak_spect_45frames_rle.dcm", "units-missing"),
    ],
)
def test_a_real_scan_without_the_facts_is_refused_with_all_that_is_missing(shared, path, code):
    series = read_suv(shared / "data" / path).series[0]
    assert (series.suv, series.stats) == (None, None)
    assert series.refusal.code == code
    if code == "weight-missing":
        assert "AcquisitionTime (0008,0032)" in series.refusal.message


def test_philips_activity_way_confirms_the_suv_factor(shared):
    folder = shared / "data" / "pet_philips_cnts"
    for name, weight in (("pet_chus005", 82.5), ("pet_chus051_every8th", 64.0)):
        by_factor = read_suv(folder / name).series[0].suv.factor
        by_activity = read_suv(folder / name, overrides=SuvOverrides(weight_kg=weight)).series[0].suv.factor
        assert by_activity == pytest.approx(by_factor, rel=1.5e-3)


def test_pixels_times_factor_are_what_others_converted_to_suv(shared):
    folder = shared / "data" / "pet_ge_sts001"
    ours = read_suv(folder / "pet_raw_bqml", mask=folder / "rtstruct_gtv.dcm").series[0].stats
    theirs = read_suv(folder / "ibsi_pet_suv_gml", mask=folder / "ibsi_pet_rtstruct_gtv_mass.dcm").series[0].stats
    assert ours.max == pytest.approx(theirs.max, rel=2e-4)


def test_one_slice_in_seven_transfer_syntaxes_gives_one_suv(shared):
    folder = shared / "data" / "dicom_samples" / "pet_transfer_syntax"
    files = sorted(folder.glob("*.dcm"))
    stats = [read_suv(file).series[0].stats for file in files]
    assert len(stats) == 7
    assert len({(s.min, s.median, s.max, s.mean) for s in stats}) == 1


def test_enhanced_object_of_the_reference_pixels_gives_its_triple(shared):
    data = shared / "data"
    series = read_suv(
        data / "dicom_samples" / "multiframe" / "enhanced_pet_synthetic_from_dro_1_0.dcm",
        mask=data / "ibsi_suv_dro" / "DRO_mask.nii.gz",
    ).series[0]
    assert (series.stats.min, series.stats.median, series.stats.max) == pytest.approx((0.2, 1.0, 4.0), rel=0.005)


@pytest.mark.parametrize(
    ("path", "centre", "mean", "voxels"),
    [
        ("pet_ge_sts001/pet_raw_bqml", (-91.4, 21.1, -358.1), 2.158, 205),
        ("pet_philips_cnts/pet_chus005", (-78.6, 71.4, -629.9), 1.904, 251),
        ("pet_siemens_qinhn/pet", (-139.4, -178.9, -1296.3), 2.482, 627),
    ],
)
def test_the_liver_of_a_real_scan_has_its_known_suv(shared, path, centre, mean, voxels):
    import numpy as np

    kept = []
    read_suv(shared / "data" / path, keep=kept.append)
    volume = kept[0].volume
    points = volume.grid.to_lps(np.stack(np.indices(volume.grid.shape), axis=-1))
    sphere = np.linalg.norm(points - np.array(centre), axis=-1) <= 15.0
    assert int(sphere.sum()) == pytest.approx(voxels, rel=0.05)
    assert volume.array[sphere].mean() == pytest.approx(mean, abs=0.005)
