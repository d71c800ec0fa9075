"""A small synthetic DICOM builder for the tests of the DICOM room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1337"
CLASSES = {"PT": "1.2.840.10008.5.1.4.1.1.128", "CT": "1.2.840.10008.5.1.4.1.1.2"}


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded entry."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


@dataclass
class DicomSeries:
    """A series to be written: change what a test is about, then `write`."""

    modality: str = "PT"
    stored: Any = None  # (slices, rows, columns) stored values
    number: int = 1
    description: str = "PET AC"
    uid: str = ROOT + ".3"
    study_uid: str = ROOT + ".2"
    frame_uid: str = ROOT + ".4"
    patient: str = "P1"
    origin: Sequence[float] = (-20.0, -16.0, 100.0)
    row: Sequence[float] = (1.0, 0.0, 0.0)
    column: Sequence[float] = (0.0, 1.0, 0.0)
    pixel: tuple[float, float] = (4.0, 3.0)  # between rows, between columns
    spacing: float = 5.0
    positions: Sequence[float] | None = None  # along the normal; default regular
    slopes: Sequence[float] | None = None
    intercept: float = 0.0
    signed: bool = False
    tracer: str = "Ga-68 DOTATATE"
    edit: Callable[[Dataset, int], None] = field(default=lambda d, k: None)

    def __post_init__(self) -> None:
        if self.stored is None:
            dtype = np.int16 if self.signed else np.uint16
            self.stored = np.random.default_rng(7).integers(0, 3000, (6, 8, 10)).astype(dtype)
        if self.modality == "CT" and self.description == "PET AC":
            self.description, self.intercept, self.uid, self.number = "CT WB", -1024.0, ROOT + ".5", 2

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.row, self.column)

    def position(self, k: int) -> np.ndarray:
        along = self.positions[k] if self.positions is not None else k * self.spacing
        return np.asarray(self.origin, float) + along * self.normal

    def dataset(self, k: int) -> Dataset:
        d = Dataset()
        d.SpecificCharacterSet = "ISO_IR 192"
        d.ImageType = ["ORIGINAL", "PRIMARY"] + (["AXIAL"] if self.modality == "CT" else [])
        d.SOPClassUID = CLASSES[self.modality]
        d.SOPInstanceUID = f"{self.uid}.{k + 1}"
        d.StudyDate = d.SeriesDate = d.AcquisitionDate = "20250102"
        d.StudyTime, d.SeriesTime, d.AcquisitionTime = "100000", "101500", f"1015{k:02d}"
        d.Modality, d.Manufacturer = self.modality, "Synthetic"
        d.StudyDescription, d.SeriesDescription = "NET PET/CT", self.description
        d.PatientName, d.PatientID = f"Test^{self.patient}", self.patient
        d.PatientWeight, d.PatientSize, d.PatientSex = "70", "1.7", "F"
        d.SliceThickness = f"{self.spacing:g}"
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = self.study_uid, self.uid, self.frame_uid
        d.SeriesNumber, d.InstanceNumber = self.number, k + 1
        d.ImagePositionPatient = [f"{v:.6f}"[:16] for v in self.position(k)]
        d.ImageOrientationPatient = [f"{v:.9f}"[:16] for v in (*self.row, *self.column)]
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.Rows, d.Columns = self.stored.shape[1:]
        d.PixelSpacing = [f"{v:g}" for v in self.pixel]
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation = 15, int(self.signed)
        d.RescaleIntercept = f"{self.intercept:g}"
        d.RescaleSlope = repr(float(1 if self.slopes is None else self.slopes[k]))[:16]
        if self.modality == "PT":
            self._emission(d, k)
        d.PixelData = np.ascontiguousarray(self.stored[k]).tobytes()
        d["PixelData"].VR = "OW"
        self.edit(d, k)
        return d

    def _emission(self, d: Dataset, k: int) -> None:
        d.SeriesType, d.Units, d.DecayCorrection = ["WHOLE BODY", "IMAGE"], "BQML", "START"
        d.CorrectedImage = ["DECY", "ATTN", "SCAT"]
        d.FrameReferenceTime, d.ActualFrameDuration, d.DecayFactor = "60000", "120000", "1.01"
        item = Dataset()
        item.Radiopharmaceutical = self.tracer
        item.RadiopharmaceuticalStartTime = "091500"
        item.RadionuclideTotalDose, item.RadionuclideHalfLife = "150000000", "4062.6"
        item.RadionuclideCodeSequence = [code("35337001", "SCT", "^68^Gallium")]
        d.RadiopharmaceuticalInformationSequence = [item]

    def write(self, folder: Path, syntax: str = ExplicitVRLittleEndian, name: str = "{k:03d}") -> list[Path]:
        """Write every slice; `name` is a pattern for the file names."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for k in range(len(self.stored)):
            path = folder / name.format(k=k, modality=self.modality)
            save(self.dataset(k), path, syntax)
            paths.append(path)
        return paths


def save(d: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> None:
    """Write a dataset as a file with preamble and meta header."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = syntax, ROOT + ".1"
    d.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    d.save_as(path, enforce_file_format=True)


@pytest.fixture(scope="session")
def dicom_series() -> type[DicomSeries]:
    """The builder of synthetic series."""
    return DicomSeries


@pytest.fixture(scope="session")
def save_dicom() -> Callable[..., None]:
    """Write one dataset as a DICOM file."""
    return save


@pytest.fixture(scope="session")
def coded() -> Callable[[str, str, str], Dataset]:
    """A coded entry."""
    return code


@pytest.fixture
def pet_ct(tmp_path: Path) -> Path:
    """A folder with a small PET and the CT that lies on it."""
    DicomSeries("PT").write(tmp_path / "study" / "PT")
    DicomSeries("CT").write(tmp_path / "study" / "CT")
    return tmp_path / "study"
