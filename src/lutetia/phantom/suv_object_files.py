"""A SUV object as DICOM: one file per slice, or one enhanced PET."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from lutetia.phantom.suv_object import FRAME_S, N_PIXELS, N_SLICES, VOXEL_MM, SuvObject, mean_time

_CLASSIC, _ENHANCED = "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130"


def _clock(seconds: float) -> str:
    whole, milli = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}{whole % 3600 // 60:02d}{whole % 60:02d}.{milli:03d}000"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _file(item: SuvObject, sop_class: str, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[item.id, str(number)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "PT"
    dataset.PatientName = "SUV^Objects"
    dataset.PatientID = "SUV-OBJECTS"
    dataset.PatientBirthDate = "19900101"
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["suv objects"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["suv objects", item.id])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=["suv objects", "frame"])
    dataset.SeriesDescription = f"SUV object {item.id}"
    dataset.InstanceNumber = number
    dataset.Rows = dataset.Columns = N_PIXELS
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    return dataset


def _radiopharmaceutical(item: SuvObject) -> Dataset:
    dataset = Dataset()
    for keyword, value in item.radiopharmaceutical.items():
        if keyword != "code":
            setattr(dataset, keyword, value)
    value, meaning = item.radiopharmaceutical["code"]
    dataset.RadionuclideCodeSequence = DicomSequence([_code(value, "SRT", meaning)])
    return dataset


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _stored(item: SuvObject, suv: npt.NDArray[np.float64], k: int) -> tuple[npt.NDArray[np.uint16], float]:
    """Stored values of slice k and its rescale slope: SUV 4 is 20,000 (or that over the relative slope)."""
    slope = float(_number(item.per_suv[k] * 4.0 / 20000.0 * item.coarse[k]))
    return np.rint(suv[k] * item.per_suv[k] / slope).astype(np.uint16), slope


def classic_files(item: SuvObject, suv: npt.NDArray[np.float64]) -> Iterator[tuple[str, FileDataset]]:
    """Name and dataset of every slice as PET Image Storage; `suv` (z, y, x) in g/mL."""
    for k in range(N_SLICES):
        dataset = _file(item, _CLASSIC, k + 1)
        for keyword, value in item.header.items():
            setattr(dataset, keyword, value)
        for (group, number), (vr, text) in item.private.items():
            dataset.add_new((group, number), vr, text)
        dataset.RadiopharmaceuticalInformationSequence = DicomSequence([_radiopharmaceutical(item)])
        dataset.AcquisitionTime = _clock(item.acquisition_s[k])
        dataset.FrameReferenceTime = _number(item.frame_reference_s[k] * 1000.0)
        if item.duration_s is not None:
            dataset.ActualFrameDuration = str(round(item.duration_s * 1000))
        dataset.PatientPosition = "HFS"
        dataset.ImagePositionPatient = [0, 0, k * VOXEL_MM]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [VOXEL_MM, VOXEL_MM]
        dataset.SliceThickness = VOXEL_MM
        stored, slope = _stored(item, suv, k)
        dataset.RescaleSlope, dataset.RescaleIntercept = _number(slope), "0"
        dataset.PixelData = stored.tobytes()
        yield f"{k + 1:03d}.dcm", dataset


def enhanced_files(item: SuvObject, suv: npt.NDArray[np.float64]) -> Iterator[tuple[str, FileDataset]]:
    """Name and dataset of the one file as Enhanced PET Image Storage; `suv` (z, y, x) in g/mL."""
    dataset = _file(item, _ENHANCED, 1)
    left_out = ("Units", "DecayCorrection", "CorrectedImage", "SeriesType", "AcquisitionDate", "DecayFactor", "SUVType")
    for keyword, value in item.header.items():
        if keyword not in left_out:
            setattr(dataset, keyword, value)
    corrected = item.header["DecayCorrection"] == "START"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "STATIC", "NONE"]
    dataset.AcquisitionDateTime = "20250101110000"
    dataset.DecayCorrected = "YES" if corrected else "NO"
    dataset.AttenuationCorrected = "YES"
    if corrected:
        dataset.DecayCorrectionDateTime = "20250101110000"
    dataset.RadiopharmaceuticalInformationSequence = DicomSequence([_radiopharmaceutical(item)])
    dataset.NumberOfFrames = N_SLICES
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [VOXEL_MM, VOXEL_MM], VOXEL_MM
    shared.PlaneOrientationSequence = DicomSequence([orientation])
    shared.PixelMeasuresSequence = DicomSequence([measures])
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames, pixels = [], []
    unit = ("g/ml{SUVbw}", "g/ml{SUVbw}") if item.header["Units"] == "GML" else ("Bq/ml", "Becquerels/milliliter")
    for k in range(N_SLICES):
        stored, slope = _stored(item, suv, k)
        frames.append(_frame(item, k, slope, unit))
        pixels.append(stored.tobytes())
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    dataset.PixelData = b"".join(pixels)
    yield "enhanced.dcm", dataset


def _frame(item: SuvObject, k: int, slope: float, unit: tuple[str, str]) -> Dataset:
    frame, content, position, rescale, mapping = Dataset(), Dataset(), Dataset(), Dataset(), Dataset()
    start = item.acquisition_s[k]
    content.FrameAcquisitionDateTime = f"20250101{_clock(start)}"
    content.FrameReferenceDateTime = f"20250101{_clock(start + mean_time(FRAME_S))}"
    content.FrameAcquisitionDuration = FRAME_S * 1000.0
    position.ImagePositionPatient = [0, 0, k * VOXEL_MM]
    rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = "0", _number(slope), "US"
    mapping.MeasurementUnitsCodeSequence = DicomSequence([_code(unit[0], "UCUM", unit[1])])
    mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = 0, 65535
    mapping.RealWorldValueIntercept, mapping.RealWorldValueSlope = 0.0, slope
    mapping.LUTLabel, mapping.LUTExplanation = "PET", "PET"
    frame.FrameContentSequence = DicomSequence([content])
    frame.PlanePositionSequence = DicomSequence([position])
    frame.PixelValueTransformationSequence = DicomSequence([rescale])
    frame.RealWorldValueMappingSequence = DicomSequence([mapping])
    return frame
