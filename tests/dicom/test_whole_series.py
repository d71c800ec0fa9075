"""What belongs to a whole series must be said alike by every image, and what scales a pixel must be one number."""

from __future__ import annotations

import numpy as np
import pytest

import lutetia


def only(k, change):
    """Change one image of a series."""
    return lambda d, index: change(d) if index == k else None


def dose(d):
    d.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "90000000"


def injection(d):
    d.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "090000"


def half_life(d):
    d.RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife = "6586.2"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (
            lambda d: setattr(d, "PatientWeight", "90"),
            "weight-missing",
            "is 70 in the first image, 90 in another",
        ),
        (lambda d: setattr(d, "Units", "CNTS"), "units-not-convertible", "BQML in the first image, CNTS in another"),
        (lambda d: setattr(d, "DecayCorrection", "NONE"), "decay-correction-unknown", "START in the first image"),
        (dose, "several-radiopharmaceuticals", "90000000"),
        (injection, "several-radiopharmaceuticals", "09:00:00"),
        (half_life, "several-radiopharmaceuticals", "6586.2 s"),
    ],
)
def test_one_image_in_the_middle_that_says_otherwise_is_not_overlooked(dicom_series, tmp_path, change, code, said):
    dicom_series(edit=only(3, change)).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == code
    assert said in series.refusal.message


def test_one_image_without_attenuation_correction_is_said(dicom_series, tmp_path):
    dicom_series(edit=only(3, lambda d: setattr(d, "CorrectedImage", ["DECY"]))).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert "not-attenuation-corrected" in {i.code for i in series.issues}


def test_a_series_exported_twice_with_a_corrected_weight_is_no_copy(dicom_series, tmp_path):
    dicom_series().write(tmp_path / "first")
    dicom_series(edit=lambda d, k: setattr(d, "PatientWeight", "90")).write(tmp_path / "second")
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "weight-missing"
    (settled,) = lutetia.suv(tmp_path, weight_kg=90).series
    assert settled.n_images == 12
    assert settled.suv is not None
    assert settled.stats.n_voxels == 6 * 8 * 10


def test_items_of_undefined_length_are_compared_too(dicom_series, tmp_path):
    def loose(d, k):
        sequence = d["RadiopharmaceuticalInformationSequence"]
        sequence.is_undefined_length = True
        if k == 2:
            dose(d)

    dicom_series(edit=loose).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "several-radiopharmaceuticals"


def test_an_injection_known_to_the_hour_alone_is_refused_not_taken_at_the_full_hour(dicom_series, tmp_path):
    def to_the_hour(d, k):
        item = d.RadiopharmaceuticalInformationSequence[0]
        item.RadiopharmaceuticalStartTime = "09"
        item.RadiopharmaceuticalStartDateTime = f"{d.SeriesDate}09"

    dicom_series(edit=to_the_hour).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "injection-time-missing"
    assert series.refusal.override == "--injection-time"


def test_a_slope_of_two_numbers_is_no_slope(dicom_series, tmp_path):
    dicom_series(edit=lambda d, k: setattr(d, "RescaleSlope", ["1.5", "3"])).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "rescale-slope-impossible"


def test_values_that_do_not_end_at_the_lowest_bit_are_refused(dicom_series, tmp_path):
    def high(d, k):
        d.BitsStored, d.HighBit = 12, 15

    dicom_series(edit=high).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "unsupported-pixels"
    assert "High Bit" in series.refusal.message


def test_padding_of_a_pet_is_no_uptake(dicom_series, tmp_path):
    stored = np.full((6, 8, 10), 100, np.uint16)
    stored[:, :2] = 65535
    dicom_series(stored=stored, edit=lambda d, k: setattr(d, "PixelPaddingValue", 65535)).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert series.stats.max == pytest.approx(100 * series.suv.factor)
    assert "pixel-padding" in {i.code for i in series.issues}


def test_fewer_slices_than_the_header_counts_is_said(dicom_series, tmp_path):
    dicom_series(edit=lambda d, k: setattr(d, "NumberOfSlices", 40)).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    (issue,) = [i for i in series.issues if i.code == "incomplete-series"]
    assert "40" in issue.message
    assert any(i["code"] == "incomplete-series" for i in lutetia.scan(tmp_path)["issues"])


def test_as_many_slices_as_the_header_counts_is_not_worth_a_word(dicom_series, tmp_path):
    dicom_series(edit=lambda d, k: setattr(d, "NumberOfSlices", 6)).write(tmp_path)
    (series,) = lutetia.suv(tmp_path).series
    assert "incomplete-series" not in {i.code for i in series.issues}


def test_a_series_of_which_one_image_is_cut_off_is_refused_and_still_says_what_it_is(dicom_series, tmp_path):
    dicom_series().write(tmp_path)
    cut = sorted(p for p in tmp_path.rglob("*") if p.is_file())[3]
    cut.write_bytes(cut.read_bytes()[:-20])
    (series,) = lutetia.suv(tmp_path).series
    assert series.refusal.code == "damaged-images"
    assert "1 of 6 images" in series.refusal.message
    assert series.refusal.element == str(cut)
    assert (series.units, series.tracer) == ("BQML", "dotatate")
