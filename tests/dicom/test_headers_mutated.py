"""Headers changed at random, as files: one clear refusal or a positive factor, never anything else."""

from __future__ import annotations

import math
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from lutetia.model import LutetiaError
from lutetia.phantom.suv_objects import suv_objects, write_suv_objects
from lutetia.reading.suv import read_suv

TOP = [
    "PatientWeight", "PatientSize", "PatientSex", "Units", "SUVType", "DecayCorrection", "CorrectedImage",
    "SeriesTime", "SeriesDate", "AcquisitionTime", "AcquisitionDate", "FrameReferenceTime", "ActualFrameDuration",
    "DecayFactor", "RescaleSlope", "RescaleIntercept", "Manufacturer", "TimezoneOffsetFromUTC", "Modality", "Rows",
    "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "SeriesInstanceUID",
    "DecayCorrectionDateTime", "DecayCorrected", "BitsAllocated", "NumberOfFrames",
]  # fmt: skip
ITEM = ["RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
        "RadiopharmaceuticalStartDateTime", "RadionuclideCodeSequence"]  # fmt: skip
VALUES = [
    b"", b"0", b"-1", b"1e99", b"nan", b"abc", b"70\\80", b"  70 ", b"\xff\xfe", b"99999999", b"235959.999999",
    b"20250230", b"00000000", b"20250101100000+9999", b"+2500", b"GE MEDICAL SYSTEMS", b"Philips", b"START", b"CNTS",
    b"GML", b"M", b"1.5", b"9" * 64,
]  # fmt: skip


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    wanted = ("DRO_0_0", "DRO_2_5", "DRO_3_3_1", "DRO_3_4_0", "DRO_7_1_0")
    write_suv_objects(folder, tuple(o for o in suv_objects() if o.id in wanted))
    return {path.name: path / "PT" for path in folder.iterdir() if path.is_dir()}


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(["DRO_0_0", "DRO_2_5", "DRO_3_3_1", "DRO_3_4_0", "DRO_7_1_0"]),
    changes=st.lists(st.tuples(st.sampled_from(TOP + ITEM), st.sampled_from([None, *VALUES])), min_size=1, max_size=3),
    only_first=st.booleans(),
)
def test_a_mutated_header_gives_a_refusal_or_a_positive_factor(originals, tmp_path_factory, name, changes, only_first):
    folder = tmp_path_factory.mktemp("mutated")
    try:
        for index, file in enumerate(sorted(originals[name].iterdir())[:2]):
            shutil.copy(file, folder / file.name)
            if index and only_first:
                continue
            mutate(folder / file.name, changes)
        try:
            report = read_suv(folder)
        except LutetiaError:
            return
        for series in report.series:
            assert (series.suv is None) == (series.refusal is not None)
            if series.suv is not None:
                assert math.isfinite(series.suv.factor)
                assert series.suv.factor > 0
    finally:
        shutil.rmtree(folder)


def mutate(path, changes):
    """Replace the raw bytes of elements, whatever their type demands."""
    data = dcmread(path)
    for keyword, value in changes:
        place = data.RadiopharmaceuticalInformationSequence[0] if keyword in ITEM else data
        tag = Tag(tag_for_keyword(keyword))
        if tag in place:
            del place[tag]
        if value is not None:
            padded = value + b" " * (len(value) % 2)
            place[tag] = RawDataElement(tag, dictionary_VR(tag), len(padded), padded, 0, False, True)
    data.save_as(path)
