"""The phantom's series as DICOM files: one slice a file, as scanners export them.

PET (PS3.3 A.21): units BQML, decay corrected to the start of the series, one rescale slope a slice, the
radiopharmaceutical sequence with injection, dose, half-life and codes. CT (A.3). Every UID is a hash of what the
object is, so the same phantom has the same UIDs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

import lutetia
from lutetia.model import Grid
from lutetia.phantom.plan import BodyPlan, generator
from lutetia.phantom.scanner import Visit

CodeTriple = tuple[str, str, str]


@dataclass(frozen=True)
class Injected:
    """What the tracer is in DICOM's words, with usual dose per kilogram and waiting time."""

    text: str
    agent: CodeTriple
    nuclide: CodeTriple
    half_life_s: float
    positron_fraction: float
    mbq_per_kg: float
    wait_min: int


#: half-lives as in the IBSI/QIBA objects and DICOM practice; codes from CID 4020 and CID 4021
INJECTED: dict[str, Injected] = {
    "dotatate": Injected(
        "68Ga-DOTATATE",
        ("724025002", "SCT", "Dotatate Ga^68^"),
        ("35337001", "SCT", "^68^Gallium"),
        4062.6,
        0.891,
        2.1,
        60,
    ),
    "fdg": Injected(
        "18F-FDG",
        ("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
        ("77004003", "SCT", "^18^Fluorine"),
        6586.2,
        0.967,
        3.4,
        62,
    ),
}
BED_MM, BED_SECONDS = 150.0, 120


def uid(*keys: object) -> UID:
    """A UID under 2.25 made from the keys: same keys, same UID."""
    digest = hashlib.sha256("\x1f".join(str(k) for k in ("lutetia phantom", *keys)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def decimal(value: float) -> str:
    """A DS of at most 16 characters that reads back as nearly as 16 characters can."""
    for digits in range(15, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(f"{value} does not fit into a DS")


def _code(triple: CodeTriple) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = triple
    return item


@dataclass(frozen=True)
class StudyClock:
    """Times of one study; all on one day."""

    injection: dt.datetime
    start: dt.datetime
    dose_bq: float
    half_life_s: float
    weight_kg: float

    @property
    def suv_per_bqml(self) -> float:
        """SUVbw (g/mL) of one Bq/mL at the start of the series."""
        wait = (self.start - self.injection).total_seconds()
        return float(self.weight_kg * 1000.0 / (self.dose_bq * 2.0 ** (-wait / self.half_life_s)))


def study_clock(plan: BodyPlan, visit: Visit) -> StudyClock:
    """Injection and scan of a visit: a weekday morning that depends on the seed."""
    rng = generator(plan.seed, "clock", visit.id)
    day = dt.datetime(2025, 1, 6) + dt.timedelta(days=int(generator(plan.seed, "day").integers(0, 250)) + visit.day)
    injected = INJECTED[visit.tracer]
    injection = day + dt.timedelta(hours=9, minutes=int(rng.integers(0, 150)), seconds=int(rng.integers(0, 60)))
    wait = dt.timedelta(minutes=injected.wait_min + int(rng.integers(-4, 9)), seconds=int(rng.integers(0, 60)))
    dose = round(injected.mbq_per_kg * plan.weight_kg * float(np.exp(0.08 * rng.standard_normal()))) * 1e6
    return StudyClock(injection, injection + wait, dose, injected.half_life_s, plan.weight_kg)


def _da(moment: dt.datetime) -> str:
    return moment.strftime("%Y%m%d")


def _tm(moment: dt.datetime) -> str:
    return moment.strftime("%H%M%S")


@dataclass(frozen=True)
class SeriesWriter:
    """Writes the PET and CT of one study under `folder`/PT and `folder`/CT."""

    plan: BodyPlan
    visit: Visit
    clock: StudyClock
    folder: Path
    size: str = "standard"

    @property
    def key(self) -> tuple[object, ...]:
        """What the UIDs of this study are made of."""
        return (self.plan.seed, self.plan.variant, self.plan.story, self.visit.id, self.visit.tracer, self.size)

    @property
    def study_uid(self) -> UID:
        """Study Instance UID."""
        return uid(*self.key, "study")

    @property
    def frame_uid(self) -> UID:
        """Frame of Reference UID that PET and CT share."""
        return uid(*self.key, "frame")

    def series_uid(self, modality: str) -> UID:
        """Series Instance UID of "PT" or "CT"."""
        return uid(*self.key, "series", modality)

    def _common(self, modality: str, moment: dt.datetime, number: int, description: str) -> Dataset:
        p = self.plan
        d = Dataset()
        d.SpecificCharacterSet = "ISO_IR 192"
        d.StudyDate, d.StudyTime = _da(self.clock.injection), _tm(self.clock.injection)
        d.SeriesDate, d.SeriesTime = _da(moment), _tm(moment)
        d.AccessionNumber = f"P{p.seed % 10**6:06d}{self.visit.id[:2]}"
        d.Modality = modality
        d.Manufacturer, d.ManufacturerModelName = "Lutetia", "Analytic phantom"
        d.InstitutionName, d.ReferringPhysicianName = "Synthetic", ""
        d.StudyDescription = f"{INJECTED[self.visit.tracer].text} PET/CT"
        d.SeriesDescription = description
        kind = (p.story or p.variant).replace("_", " ").upper()
        d.PatientName = f"PHANTOM^{kind}"
        d.PatientID = f"PHANTOM {p.seed:04d} {kind}"
        d.PatientBirthDate = f"{self.clock.injection.year - p.age}0701"
        d.PatientSex, d.PatientAge = p.sex, f"{p.age:03d}Y"
        d.PatientSize, d.PatientWeight = decimal(p.height_m), decimal(p.weight_kg)
        d.DeviceSerialNumber, d.SoftwareVersions = "1", lutetia.__version__
        d.ProtocolName, d.BodyPartExamined = description, "WHOLEBODY"
        d.StudyInstanceUID, d.SeriesInstanceUID = self.study_uid, self.series_uid(modality)
        d.StudyID, d.SeriesNumber = self.visit.id[:2], number
        d.FrameOfReferenceUID, d.PositionReferenceIndicator = self.frame_uid, ""
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16, 15
        d.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        return d

    def _pet_template(self, grid: Grid) -> Dataset:
        injected, clock = INJECTED[self.visit.tracer], self.clock
        d = self._common("PT", clock.start, 4, f"PET AC {injected.text}")
        d.SOPClassUID = PositronEmissionTomographyImageStorage
        d.ImageType = ["ORIGINAL", "PRIMARY"]
        d.SeriesType, d.NumberOfSlices = ["WHOLE BODY", "IMAGE"], grid.shape[0]
        d.Units, d.CountsSource, d.DecayCorrection = "BQML", "EMISSION", "START"
        d.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"]
        d.RandomsCorrectionMethod, d.ScatterCorrectionMethod = "DLYD", "Model-based"
        d.AttenuationCorrectionMethod, d.ReconstructionMethod = "CT, measured", "Analytic phantom, Gaussian PSF"
        d.CollimatorType, d.LossyImageCompression = "NONE", "00"
        d.PixelRepresentation, d.RescaleIntercept = 0, "0"
        item = Dataset()
        item.Radiopharmaceutical, item.RadiopharmaceuticalRoute = injected.text, "Intravenous"
        item.RadiopharmaceuticalVolume = "0"
        item.RadiopharmaceuticalStartTime = _tm(clock.injection)
        item.RadionuclideTotalDose = decimal(clock.dose_bq)
        item.RadionuclideHalfLife = decimal(clock.half_life_s)
        item.RadionuclidePositronFraction = decimal(injected.positron_fraction)
        item.RadiopharmaceuticalStartDateTime = _da(clock.injection) + _tm(clock.injection)
        item.RadionuclideCodeSequence = DicomSequence([_code(injected.nuclide)])
        item.RadiopharmaceuticalCodeSequence = DicomSequence([_code(injected.agent)])
        d.RadiopharmaceuticalInformationSequence = DicomSequence([item])
        lying = _code(("102538003", "SCT", "recumbent"))
        lying.PatientOrientationModifierCodeSequence = DicomSequence([_code(("40199007", "SCT", "supine"))])
        d.PatientOrientationCodeSequence = DicomSequence([lying])
        d.PatientGantryRelationshipCodeSequence = DicomSequence([_code(("102540008", "SCT", "headfirst"))])
        return d

    def write_pet(self, suv: npt.NDArray[np.float32], grid: Grid) -> float:
        """Write the PET; SUV (z, y, x) is stored as Bq/mL. Returns the SUV of one Bq/mL."""
        static = self._encoder(self._pet_template(grid), grid)
        clock, d = self.clock, Dataset()
        factor = clock.suv_per_bqml
        for k in range(grid.shape[0]):
            bed = int(k * grid.spacing_mm[0] / BED_MM)  # the bed at the feet comes first
            begin = clock.start + dt.timedelta(seconds=bed * BED_SECONDS)
            d.AcquisitionDate, d.AcquisitionTime = _da(begin), _tm(begin)
            d.ContentDate, d.ContentTime = _da(begin), _tm(begin)
            d.ActualFrameDuration = str(BED_SECONDS * 1000)
            middle = bed * BED_SECONDS + BED_SECONDS / 2
            d.FrameReferenceTime = decimal(middle * 1000.0)
            d.DecayFactor = decimal(2.0 ** (middle / clock.half_life_s))
            d.DoseCalibrationFactor, d.ScatterFractionFactor, d.DeadTimeFactor = "1", "0.35", "1.05"
            slope = decimal(max(float(suv[k].max()) / factor, 1e-3) / 32700.0)
            stored = np.rint(suv[k] * np.float32(1.0 / factor / float(slope))).clip(0, 32767).astype("<u2")
            d.RescaleSlope = slope
            d.WindowCenter, d.WindowWidth = decimal(5.0 / factor), decimal(10.0 / factor)
            d.ImageIndex = grid.shape[0] - k
            self._save(static, d, grid, k, stored)
        return factor

    def write_ct(self, hu: npt.NDArray[np.int16], grid: Grid) -> None:
        """Write the CT: 12 bits, intercept −1024, three minutes before the PET."""
        moment = self.clock.start - dt.timedelta(minutes=3)
        name = "CT portal venous" if self.plan.contrast else "CT low dose AC"
        d = self._common("CT", moment, 2, name)
        d.SOPClassUID = CTImageStorage
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.PatientPosition = "HFS"
        d.AcquisitionDate, d.AcquisitionTime = _da(moment), _tm(moment)
        d.ContentDate, d.ContentTime = _da(moment), _tm(moment)
        d.AcquisitionNumber, d.KVP, d.ConvolutionKernel = 1, "120", "B30f"
        d.XRayTubeCurrent = 220 if self.plan.contrast else 60
        if self.plan.contrast:
            d.ContrastBolusAgent, d.ContrastBolusRoute = "Iodinated contrast", "INTRAVENOUS"
        d.BitsStored, d.HighBit, d.PixelRepresentation = 12, 11, 0
        d.RescaleIntercept, d.RescaleSlope, d.RescaleType = "-1024", "1", "HU"
        d.WindowCenter, d.WindowWidth = "40", "400"
        static = self._encoder(d, grid)
        for k in range(grid.shape[0]):
            self._save(static, Dataset(), grid, k, (hu[k] + 1024).astype("<u2"))

    def _save(self, static: SliceEncoder, d: Dataset, grid: Grid, k: int, stored: npt.NDArray[np.uint16]) -> None:
        nz, _, _ = grid.shape
        z = grid.origin_mm[2] + k * grid.spacing_mm[0]
        d.ImagePositionPatient = [decimal(round(v, 6)) for v in (*grid.origin_mm[:2], z)]
        d.SliceLocation = decimal(round(z, 6))
        d.InstanceNumber = nz - k  # numbered from the head
        d.SOPInstanceUID = uid(*self.key, static.modality, k)
        name = f"{static.modality}_{nz - k:04d}.dcm"
        (self.folder / static.modality / name).write_bytes(static.file(d, stored.tobytes()))

    def _encoder(self, d: Dataset, grid: Grid) -> SliceEncoder:
        _, ny, nx = grid.shape
        dz, dy, dx = grid.spacing_mm
        d.PixelSpacing, d.SliceThickness = [decimal(dy), decimal(dx)], decimal(dz)
        d.Rows, d.Columns = ny, nx
        (self.folder / str(d.Modality)).mkdir(parents=True, exist_ok=True)
        return SliceEncoder(d)


class SliceEncoder:
    """Encodes what all slices of a series share once, and of each slice only what is its own (explicit little endian).

    The order of elements, not the way they are made, is what makes a DICOM data set; so the encoded elements are
    merged by tag.
    """

    def __init__(self, shared: Dataset) -> None:
        self.modality = str(shared.Modality)
        self.sop_class = UID(shared.SOPClassUID)
        self._shared = self._encode(shared)

    @staticmethod
    def _encode(d: Dataset) -> dict[int, bytes]:
        out = {}
        for element in d:
            buffer = DicomBytesIO()
            buffer.is_little_endian, buffer.is_implicit_VR = True, False
            write_data_element(buffer, element, ["utf8"])
            out[int(element.tag)] = buffer.getvalue()
        return out

    def file(self, own: Dataset, pixels: bytes) -> bytes:
        """The whole file: preamble, file meta information, the merged elements, pixel data (OW)."""
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = self.sop_class, own.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.ImplementationClassUID = uid("implementation")
        meta.ImplementationVersionName = "LUTETIA PHANTOM"
        head = DicomBytesIO()
        head.is_little_endian, head.is_implicit_VR = True, False
        write_file_meta_info(head, meta, enforce_standard=True)
        merged = self._shared | self._encode(own)
        body = b"".join(merged[tag] for tag in sorted(merged))
        pixel_head = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", len(pixels))
        return b"\0" * 128 + b"DICM" + head.getvalue() + body + pixel_head + pixels
