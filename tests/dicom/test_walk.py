"""The byte walk: it steps over what it does not need, and hands back what it does not expect."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from lutetia.dicom.elements import WANTED
from lutetia.dicom.files import read_header
from lutetia.dicom.walk import NeedMoreError, SurpriseError, walk


def nested(depth):
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "x" * 40
    for _ in range(depth):
        outer = Dataset()
        outer.ConceptCodeSequence = Sequence([inner, Dataset()])
        outer.TextValue = "after the sequence"
        inner = outer
    return inner


@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
@pytest.mark.parametrize("depth", [1, 3, 8])
def test_nested_sequences_are_stepped_over(tmp_path, dicom_series, save_dicom, undefined, syntax, depth):
    def add(d, k):
        d.ConversionSourceAttributesSequence = Sequence([nested(depth), nested(1)])

    d = dicom_series("PT", edit=add).dataset(0)
    for sequence in [e for e in d.iterall() if e.VR == "SQ"]:
        sequence.is_undefined_length = undefined
        for item in sequence.value:
            item.is_undefined_length_sequence_item = undefined
    save_dicom(d, tmp_path / "x", syntax)
    data = (tmp_path / "x").read_bytes()
    walked = walk(data, WANTED, len(data))
    assert walked.pixel_length == 160
    assert data[walked.pixel_start :] == d.PixelData
    header = read_header(str(tmp_path / "x"))
    assert header.rescale_slope == 1
    assert header.pixel_offset == walked.pixel_start


def test_private_elements_of_any_kind_are_stepped_over(tmp_path, dicom_series, save_dicom):
    def add(d, k):
        block = d.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", bytes(60_000))
        block.add_new(0x11, "UN", bytes(7_000) + b"\x01")
        block.add_new(0x12, "FD", 3.5)

    save_dicom(dicom_series("PT", edit=add).dataset(0), tmp_path / "x")
    header = read_header(str(tmp_path / "x"))
    assert header.pixel_length == 160
    assert header.position_mm == (-20, -16, 100)


def test_an_unknown_sequence_of_undefined_length_is_implicit_inside(tmp_path, dicom_series, save_dicom):
    save_dicom(dicom_series("PT").dataset(0), tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    at = data.rindex(b"\xe0\x7f\x10\x00OW")
    implicit = b"\x08\x00\x00\x01" + (4).to_bytes(4, "little") + b"ABCD"
    unknown = (
        b"\x99\x00\x10\x10UN\x00\x00\xff\xff\xff\xff"
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        + implicit
        + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    )
    data = data[:at] + unknown + data[at:]
    assert walk(data, WANTED, len(data)).pixel_start == at + len(unknown) + 12


@pytest.mark.parametrize("end", [10, 140, 200, 600])
def test_a_beginning_that_is_too_short_asks_for_more(tmp_path, dicom_series, save_dicom, end):
    save_dicom(dicom_series("PT").dataset(0), tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    with pytest.raises((NeedMoreError, SurpriseError)):
        walk(data[:end], WANTED, len(data))


def test_elements_out_of_order_are_left_to_pydicom(tmp_path, dicom_series, save_dicom):
    save_dicom(dicom_series("PT").dataset(0), tmp_path / "x")
    data = bytearray((tmp_path / "x").read_bytes())
    at = data.index(b"\x10\x00\x20\x00LO")
    data[at : at + 4] = b"\x08\x00\x05\x00"
    with pytest.raises(SurpriseError):
        walk(bytes(data), WANTED, len(data))


def test_text_in_the_files_own_character_set(tmp_path, dicom_series, save_dicom):
    def add(d, k):
        d.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        d.PatientName = "Yamada^Tarou=山田^太郎"

    save_dicom(dicom_series("PT", edit=add).dataset(0), tmp_path / "x")
    header = read_header(str(tmp_path / "x"))
    assert header.patient_name == str(pydicom.dcmread(tmp_path / "x").PatientName)


def test_numbers_that_are_none_are_kept_as_problems(tmp_path, dicom_series, save_dicom):
    d = dicom_series("PT").dataset(0)
    d["SliceThickness"]._value = "thick"
    d["DecayFactor"]._value = "1_0"
    with pydicom.config.disable_value_validation():
        save_dicom(d, tmp_path / "x")
    header = read_header(str(tmp_path / "x"))
    assert set(header.problems) == {"SliceThickness", "DecayFactor"}
    assert header.decay_factor != header.decay_factor
