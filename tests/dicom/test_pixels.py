"""Stored values to PET in float32 and CT in int16, in every transfer syntax."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from lutetia.dicom.pixels import load_ct, load_ct_image, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.suitability import judge_pet
from lutetia.model import InputError

SLOPES = [0.1, 1.7, 0.00123, 3.0, 2.5, 0.476545]


def only(path):
    (series,) = scan(path).series
    return series


def test_each_slice_has_its_own_slope(tmp_path, dicom_series):
    series = dicom_series("PT", slopes=SLOPES)
    series.write(tmp_path)
    image = load_pet(only(tmp_path))
    expected = series.stored.astype(float) * np.array(SLOPES)[:, None, None]
    assert image.volume.array.dtype == np.float32
    assert np.array_equal(image.volume.array, expected.astype(np.float32))
    assert image.volume.unit == "BQML"
    assert [h.rescale_slope for h in image.instances] == SLOPES


def test_a_factor_is_multiplied_before_the_one_rounding(tmp_path, dicom_series):
    series = dicom_series("PT", slopes=SLOPES)
    series.write(tmp_path)
    factor = 2.42903e-4
    image = load_pet(only(tmp_path), factor, unit="SUVbw")
    expected = (series.stored * (np.array(SLOPES) * factor)[:, None, None]).astype(np.float32)
    assert np.array_equal(image.volume.array, expected)
    assert image.volume.unit == "SUVbw"


def test_a_factor_per_slice_follows_the_stack(tmp_path, dicom_series):
    series = dicom_series("PT", stored=np.ones((6, 8, 10), np.uint16))
    series.write(tmp_path)
    image = load_pet(only(tmp_path), [1, 2, 3, 4, 5, 6])
    assert image.volume.array[:, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_signed_values_stay_negative(tmp_path, dicom_series):
    stored = np.arange(-240, 240).reshape(6, 8, 10).astype(np.int16)
    dicom_series("PT", stored=stored, signed=True, slopes=[2.0] * 6).write(tmp_path)
    assert np.array_equal(load_pet(only(tmp_path)).volume.array, stored * np.float32(2))


def test_monochrome1_never_inverts(tmp_path, dicom_series):
    series = dicom_series("PT", edit=lambda d, k: setattr(d, "PhotometricInterpretation", "MONOCHROME1"))
    series.write(tmp_path)
    image = load_pet(only(tmp_path))
    assert np.array_equal(image.volume.array, series.stored.astype(np.float32))
    assert [i.code for i in image.issues] == ["monochrome1"]


@pytest.mark.parametrize("text", ["0", "-1.5", "nan", "abc", "1e38"])
def test_a_slope_that_is_no_positive_number_is_refused(tmp_path, dicom_series, text):
    def change(d, k):
        if k == 3:
            d["RescaleSlope"]._value = text

    with pydicom.config.disable_value_validation():
        dicom_series("PT", edit=change).write(tmp_path)
    with pytest.raises(InputError) as error:
        load_pet(only(tmp_path))
    assert error.value.code == "bad-rescale"
    assert "003" in error.value.where


def test_a_missing_slope_is_never_one(tmp_path, dicom_series):
    dicom_series("PT", edit=lambda d, k: d.__delattr__("RescaleSlope")).write(tmp_path)
    with pytest.raises(InputError) as error:
        load_pet(only(tmp_path))
    assert error.value.code == "no-rescale"


def test_ct_becomes_hounsfield_units_in_int16(tmp_path, dicom_series):
    series = dicom_series("CT")
    series.write(tmp_path)
    volume = load_ct(only(tmp_path))
    assert volume.unit == "HU"
    assert volume.array.dtype == np.int16
    assert np.array_equal(volume.array, series.stored.astype(int) - 1024)


def test_ct_with_fractional_slope_is_rounded_not_truncated(tmp_path, dicom_series):
    series = dicom_series("CT", slopes=[0.7] * 6)
    series.write(tmp_path)
    assert np.array_equal(load_ct(only(tmp_path)).array, np.rint(series.stored * 0.7 - 1024))


def test_ct_padding_does_not_wrap_around(tmp_path, dicom_series):
    stored = np.array([-32768, -2000, 0, 32767], np.int16).reshape(1, 2, 2).repeat(3, 0)
    dicom_series("CT", stored=stored, signed=True).write(tmp_path)
    assert load_ct(only(tmp_path)).array[0].ravel().tolist() == [-32768, -3024, -1024, 31743]
    dicom_series("CT", stored=stored.view(np.uint16), uid="1.2.3").write(tmp_path / "unsigned")
    unsigned = load_ct(only(tmp_path / "unsigned")).array[0].ravel().tolist()
    assert unsigned == [32768 - 1024, 32767, -1024, 31743]


def test_foreign_bits_above_bits_stored_are_dropped(tmp_path, dicom_series):
    def twelve(d, k):
        d.BitsStored, d.HighBit = 12, 11

    stored = np.random.default_rng(3).integers(0, 4096, (4, 8, 10)).astype(np.uint16)
    overlay = stored | np.uint16(0x8000)
    dicom_series("CT", stored=overlay, edit=twelve).write(tmp_path)
    assert np.array_equal(load_ct(only(tmp_path)).array, stored.astype(int) - 1024)


def test_a_pet_whose_values_need_more_bits_than_are_stored_says_so(tmp_path, dicom_series):
    def twelve(d, k):
        d.BitsStored, d.HighBit = 12, 11

    stored = np.full((4, 8, 10), 100, np.uint16)
    stored[2, 3, 4] = 5000
    dicom_series("PT", stored=stored, edit=twelve).write(tmp_path)
    (issue,) = [i for i in load_pet(only(tmp_path)).issues if i.code == "bits-beyond-stored"]
    assert issue.level == "error" and issue.message.startswith("1 pixels hold bits above Bits Stored (0028,0101) 12")


def test_an_overlay_in_the_high_bits_of_a_pet_is_no_fault(tmp_path, dicom_series):
    def twelve(d, k):
        d.BitsStored, d.HighBit = 12, 11
        d.add_new(0x60000102, "US", 15)

    stored = np.full((4, 8, 10), 100, np.uint16)
    dicom_series("PT", stored=stored | np.uint16(0x8000), edit=twelve).write(tmp_path)
    image = load_pet(only(tmp_path))
    assert [i.level for i in image.issues if i.code == "bits-beyond-stored"] == ["info"]
    assert np.array_equal(image.volume.array, load_pet(only(tmp_path)).volume.array)
    assert len(np.unique(image.volume.array[0])) == 1


def test_padding_outside_the_stored_bits_is_air_not_bone(tmp_path, dicom_series):
    def twelve(d, k):
        d.BitsStored, d.HighBit, d.PixelPaddingValue = 12, 11, 63536  # −2000 as an unsigned word

    stored = np.array([[63536, 0], [1024, 4095]], np.uint16)[None].repeat(3, 0)
    dicom_series("CT", stored=stored, edit=twelve).write(tmp_path)
    assert load_ct(only(tmp_path)).array[0].ravel().tolist() == [-1024, -1024, 0, 3071]


def test_twelve_bit_signed_values_get_their_sign_back(tmp_path, dicom_series):
    def twelve(d, k):
        d.BitsStored, d.HighBit = 12, 11

    values = np.random.default_rng(3).integers(-2048, 2048, (4, 8, 10)).astype(np.int16)
    dicom_series("CT", stored=values & 0x0FFF, signed=True, edit=twelve).write(tmp_path)
    assert np.array_equal(load_ct(only(tmp_path)).array, values - 1024)


ENCODERS = {
    "1.2.840.10008.1.2.4.57": lambda f: imagecodecs.ljpeg_encode(f),
    "1.2.840.10008.1.2.4.70": lambda f: imagecodecs.ljpeg_encode(f),
    "1.2.840.10008.1.2.4.80": lambda f: imagecodecs.jpegls_encode(f),
    "1.2.840.10008.1.2.4.90": lambda f: imagecodecs.jpeg2k_encode(f, codecformat="j2k", reversible=True, level=0),
}


@pytest.mark.parametrize("syntax", [*ENCODERS, "1.2.840.10008.1.2.5"])
def test_compressed_slices_equal_native_ones(tmp_path, dicom_series, save_dicom, syntax):
    series = dicom_series("PT", slopes=SLOPES, stored=np.random.default_rng(5).integers(0, 4000, (6, 32, 40)))
    series.stored = series.stored.astype(np.uint16)
    for k in range(6):
        d = series.dataset(k)
        d.file_meta = pydicom.dataset.FileMetaDataset()
        d.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        if syntax == "1.2.840.10008.1.2.5":
            d.compress(syntax, generate_instance_uid=False)
        else:
            d.PixelData = encapsulate([ENCODERS[syntax](series.stored[k])])
            d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        save_dicom(d, tmp_path / f"{k}.dcm", syntax)
    found = only(tmp_path)
    assert found.first.encapsulated_offset is not None
    image = load_pet(found)
    expected = (series.stored * np.array(SLOPES)[:, None, None]).astype(np.float32)
    assert np.array_equal(image.volume.array, expected)


def test_a_damaged_compressed_slice_is_named(tmp_path, dicom_series, save_dicom):
    series = dicom_series("PT")
    for k in range(6):
        d = series.dataset(k)
        data = imagecodecs.jpegls_encode(series.stored[k])
        d.PixelData = encapsulate([data if k != 4 else data[: len(data) // 3]])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        save_dicom(d, tmp_path / f"{k}.dcm", "1.2.840.10008.1.2.4.80")
    with pytest.raises(InputError) as error:
        load_pet(only(tmp_path))
    assert error.value.code == "undecodable-pixels"
    assert error.value.where.endswith("4.dcm")


def test_an_unknown_transfer_syntax_is_named(tmp_path, dicom_series, save_dicom):
    series = dicom_series("PT")
    for k in range(6):
        d = series.dataset(k)
        d.PixelData = encapsulate([b"\0" * 20])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        save_dicom(d, tmp_path / f"{k}.dcm", "1.2.840.10008.1.2.4.100")
    with pytest.raises(InputError) as error:
        load_pet(only(tmp_path))
    assert error.value.code == "unsupported-transfer-syntax"


def test_a_private_transfer_syntax_is_refused_as_nobody_knows_its_byte_order(tmp_path, dicom_series):
    """GE's 1.2.840.113619.5.2 has big-endian pixels behind a little-endian header; read plainly, SUV would be noise."""
    for path in dicom_series("PT").write(tmp_path):
        data = path.read_bytes()
        known = b"1.2.840.10008.1.2.1"
        assert data.count(known + b"\0") == 1
        path.write_bytes(data.replace(known + b"\0", b"1.2.840.113619.5.2\0\0"))
    series = only(tmp_path)
    candidate = judge_pet(series)
    assert (candidate.usable, candidate.code) == (False, "unsupported-transfer-syntax")
    assert "1.2.840.113619.5.2" in candidate.reason
    with pytest.raises(InputError) as error:
        load_pet(series)
    assert error.value.code == "unsupported-transfer-syntax"


def test_a_negative_number_of_frames_is_named(tmp_path, dicom_series):
    dicom_series("PT", edit=lambda d, k: setattr(d, "NumberOfFrames", "-3")).write(tmp_path)
    assert "Number of Frames (0028,0008) is -3" in scan(tmp_path).issues[0].message


def test_colour_pixels_are_refused(tmp_path, dicom_series):
    def colour(d, k):
        d.SamplesPerPixel, d.PhotometricInterpretation = 3, "RGB"
        d.PixelData = bytes(8 * 10 * 3 * 2)

    dicom_series("PT", edit=colour).write(tmp_path)
    with pytest.raises(InputError) as error:
        load_pet(only(tmp_path))
    assert error.value.code == "unsupported-pixels"


def test_a_file_that_vanishes_between_scan_and_read_is_named(tmp_path, dicom_series):
    paths = dicom_series("PT").write(tmp_path)
    series = only(tmp_path)
    paths[0].unlink()
    with pytest.raises(InputError) as error:
        load_pet(series)
    assert error.value.code == "unreadable-file"


def test_the_seven_syntaxes_of_one_real_slice_agree(shared):
    folder = shared / "data" / "dicom_samples" / "pet_transfer_syntax"
    arrays = []
    for path in sorted(folder.glob("*.dcm")):
        image = load_pet(only(path))
        arrays.append(image.volume.array)
        assert image.volume.array.max() == pytest.approx(32767 * 0.476545, rel=1e-6)
    assert len(arrays) == 7
    assert all(np.array_equal(a, arrays[0]) for a in arrays)


def test_real_jpeg_lossless_decodes_like_pydicom_where_it_can(shared):
    path = shared / "data" / "dicom_samples" / "pet_single" / "ge_discovery_st_jpeglossless.dcm"
    image = load_pet(only(path))
    assert image.volume.grid.shape == (1, 128, 128)
    assert image.volume.array.max() == pytest.approx(0.234542 * 32767, rel=1e-5)
    assert get_decoder("1.2.840.10008.1.2.4.70") is not None


def test_lossy_compression_is_said(tmp_path, dicom_series):
    dicom_series("CT", edit=lambda d, k: setattr(d, "LossyImageCompression", "01")).write(tmp_path)
    assert [i.code for i in load_ct_image(only(tmp_path)).issues] == ["lossy-compression"]
