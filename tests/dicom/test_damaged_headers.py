"""Whatever happens to a header or a file: a named refusal or an issue, never another exception."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutetia.dicom.pixels import load_ct_image, load_pet
from lutetia.dicom.report_scan import report
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import LutetiaError

GARBAGE = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "nan",
        "inf",
        "1e400",
        "abc",
        "1\\2",
        "1\\2\\3",
        "9" * 40,
        "-0.0",
        "é",
        "1_0",
        "\\\\\\\\\\",
        "1e-400",
    ]
)
ELEMENTS = st.sampled_from(
    [
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
        "SliceThickness",
        "SeriesInstanceUID",
        "StudyInstanceUID",
        "SOPClassUID",
        "SOPInstanceUID",
        "FrameOfReferenceUID",
        "Modality",
        "ImageType",
        "SpecificCharacterSet",
        "PatientID",
        "PatientName",
        "SeriesNumber",
        "InstanceNumber",
        "Units",
        "CorrectedImage",
        "FrameReferenceTime",
        "AcquisitionTime",
        "NumberOfFrames",
        "RadionuclideHalfLife",
        "Radiopharmaceutical",
    ]
)
NUMBERS = st.sampled_from(["Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "SamplesPerPixel"])


SYNTAXES = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory, dicom_series, save_dicom):
    """Folder by transfer syntax; each holds a PET and a CT of six slices."""
    folders = {}
    for name, syntax in SYNTAXES.items():
        folder = folders[name] = tmp_path_factory.mktemp(name)
        dicom_series("CT").write(folder / "CT")
        series = dicom_series("PT")
        for k in range(6):
            d = series.dataset(k)
            if name == "rle":
                d.file_meta = pydicom.dataset.FileMetaDataset()
                d.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
                d.compress(syntax, generate_instance_uid=False)
            save_dicom(d, folder / "PT" / f"{k:03d}", syntax)
    return folders


def read_everything(folder):
    """Every step of the intake; what it may raise is a LutetiaError, nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pydicom on values it finds odd
        warnings.simplefilter("error", RuntimeWarning)  # an overflow or a NaN of ours
        inventory = scan(folder)
        assert report(inventory)["n_files"] == inventory.n_files
        for series in inventory.series:
            load = load_ct_image if series.modality == "CT" else load_pet
            refusal_of(lambda series=series, load=load: load(series))
        refusal_of(lambda: select(inventory))


def refusal_of(action):
    """Run a step; a refusal must carry its code."""
    refused = None
    try:
        action()
    except LutetiaError as error:
        refused = error
    assert refused is None or refused.code


def holder(dataset, keyword):
    if keyword.startswith("Radio"):
        return dataset.RadiopharmaceuticalInformationSequence[0]
    return dataset


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_altered_elements_never_raise_anything_but_a_named_refusal(originals, data):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(originals[data.draw(st.sampled_from(list(SYNTAXES)))], folder, dirs_exist_ok=True)
        for index in data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True)):
            path = Path(folder) / "PT" / f"{index:03d}"
            with warnings.catch_warnings(), pydicom.config.disable_value_validation():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(path)
                keyword = data.draw(ELEMENTS)
                part = holder(dataset, keyword)
                if data.draw(st.booleans()):
                    if keyword in part:
                        del part[keyword]
                else:
                    part.add_new(pydicom.datadict.tag_for_keyword(keyword), "LO", data.draw(GARBAGE))
                if data.draw(st.booleans()):
                    setattr(dataset, data.draw(NUMBERS), data.draw(st.sampled_from([0, 1, 7, 8, 16, 32, 64, 65535])))
                if data.draw(st.booleans()) and dataset.file_meta.TransferSyntaxUID == SYNTAXES["explicit"]:
                    dataset.file_meta.TransferSyntaxUID = data.draw(st.sampled_from(list(SYNTAXES.values())[1:3]))
                dataset.save_as(path, enforce_file_format=False)
        read_everything(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_never_raise_anything_but_a_named_refusal(originals, data):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(originals[data.draw(st.sampled_from(list(SYNTAXES)))], folder, dirs_exist_ok=True)
        for index in data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True)):
            path = Path(folder) / "PT" / f"{index:03d}"
            content = bytearray(path.read_bytes())
            kind = data.draw(st.sampled_from(["cut", "flip", "insert", "delete", "zeros"]))
            at = data.draw(st.integers(0, len(content) - 1))
            if kind == "cut":
                content = content[:at]
            elif kind == "flip":
                for _ in range(data.draw(st.integers(1, 8))):
                    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
            elif kind == "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=40))
            elif kind == "delete":
                del content[at : at + data.draw(st.integers(1, 60))]
            else:
                content[at : at + 30] = bytes(len(content[at : at + 30]))
            path.write_bytes(content)
        read_everything(folder)
