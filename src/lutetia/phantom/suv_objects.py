"""Small PET objects for every header state of the IBSI-SUV list, version 3: 43 give 0.20 / 1.00 / 4.00, 15 a refusal.

The list is that of Vácha, Zwanenburg et al. (IBSI-SUV, oncoray/suv_computation, CC BY 4.0); the objects are written
here from its descriptions and the manual's formulas. A block of background (SUV 1.00) holds a hot (4.00) and a cold
(0.20) box and lies in air (0). Weight 70 kg, size 1.75 m, 368.08 MBq, injection 10:00, decay reference 11:00.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

N_SLICES, N_PIXELS, VOXEL_MM = 6, 16, 4.0
WEIGHT_KG, SIZE_M, DOSE_BQ = 70.0, 1.75, 368.08e6
INJECTION_S, REFERENCE_S = 36000.0, 39600.0
F18_S, GA68_S, ZR89_S = 6586.2, 4057.7, 282240.0
EXPECTED = ("0.20", "1.00", "4.00")
_CLASSIC, _ENHANCED = "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130"
_FRAME_S = 300.0
_VENDORS = {
    "SIEMENS": "SIEMENS",
    "GE": "GE MEDICAL SYSTEMS",
    "PHILIPS": "Philips Medical Systems",
    "SYNTHETIC": "Synthetic",
}


@dataclass(frozen=True)
class SuvObject:
    """One object before it is written: header values, per-slice times and what the pixels stand for.

    `per_suv[k]` is the rescaled value of SUVbw = 1 in slice k.
    """

    id: str
    description: str
    header: dict[str, Any] = field(default_factory=dict)
    radiopharmaceutical: dict[str, Any] = field(default_factory=dict)
    private: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    acquisition_s: tuple[float, ...] = (REFERENCE_S,) * N_SLICES
    frame_reference_s: tuple[float, ...] = (150.0,) * N_SLICES
    duration_s: float | None = _FRAME_S
    per_suv: tuple[float, ...] = ()
    coarse: tuple[float, ...] = (1.0,) * N_SLICES  # relative rescale slope of the slices
    refused: bool = False
    enhanced: bool = False


def suv_objects() -> tuple[SuvObject, ...]:
    """The 58 objects, in the order of the list."""
    return tuple(_valid()) + tuple(_enhanced()) + tuple(_errors())


def suv_pattern() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """SUV (z, y, x) and the mask around everything that is not air."""
    suv = np.zeros((N_SLICES, N_PIXELS, N_PIXELS))
    suv[:, 2:-2, 2:-2] = 1.0
    mask = suv > 0
    suv[:, 4:7, 4:7] = 4.0
    suv[:, 9:12, 9:12] = 0.2
    return suv, mask


def write_suv_objects(folder: Path, objects: tuple[SuvObject, ...] | None = None) -> dict[str, bool]:
    """Write every object to ``folder/<id>/PT``, the mask, and the list as CSV.

    Returns
    -------
    dict
        Id → whether a refusal is the right answer.
    """
    chosen = suv_objects() if objects is None else objects
    folder.mkdir(parents=True, exist_ok=True)
    suv, mask = suv_pattern()
    _write_mask(mask, folder / "DRO_mask.nii.gz")
    for item in chosen:
        place = folder / item.id / "PT"
        place.mkdir(parents=True, exist_ok=True)
        for name, dataset in _enhanced_files(item, suv) if item.enhanced else _classic_files(item, suv):
            dataset.save_as(place / name, enforce_file_format=True)
    with (folder / "DRO_list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["Section", "ID", "Description", "SUVmin_expected", "SUVmed_expected", "SUVmax_expected"])
        for item in chosen:
            values = ("ERROR",) * 3 if item.refused else EXPECTED
            writer.writerow(["", item.id, item.description, *values])
    return {item.id: item.refused for item in chosen}


# -- the states ---------------------------------------------------------------------------------------------------


def _decayed(seconds: float, half_life_s: float = F18_S) -> float:
    return float(2.0 ** (-seconds / half_life_s))


def _mean_time(duration_s: float, half_life_s: float = F18_S) -> float:
    product = np.log(2) * duration_s / half_life_s
    return float(np.log(product / -np.expm1(-product)) * half_life_s / np.log(2))


_START = DOSE_BQ * _decayed(REFERENCE_S - INJECTION_S) / (WEIGHT_KG * 1e3)  # Bq/mL of SUVbw 1
_BASE = SuvObject(
    id="DRO_0_0",
    description="Default DRO of the Positron Emission Tomography Image Storage SOP class",
    header={
        "Manufacturer": "Synthetic",
        "StudyDate": "20250101",
        "StudyTime": "110000.000000",
        "SeriesDate": "20250101",
        "SeriesTime": "110000.000000",
        "AcquisitionDate": "20250101",
        "PatientSex": "O",
        "PatientSize": "1.75",
        "PatientWeight": "70.0",
        "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
        "SeriesType": ["STATIC", "IMAGE"],
        "Units": "BQML",
        "DecayCorrection": "START",
        "DecayFactor": "1.0",
    },
    radiopharmaceutical={
        "Radiopharmaceutical": "FDG",
        "RadiopharmaceuticalStartTime": "100000.000000",
        "RadiopharmaceuticalStartDateTime": "20250101100000.000000",
        "RadionuclideTotalDose": "368080000.0",
        "RadionuclideHalfLife": "6586.2",
        "code": ("C-111A1", "^18^Fluorine"),
    },
    per_suv=(_START,) * N_SLICES,
)
_BEDS = tuple(REFERENCE_S + (150.0 if k < N_SLICES // 2 else 300.0) for k in range(N_SLICES))


def _with(
    ident: str,
    description: str,
    header: dict[str, Any] | None = None,
    item: dict[str, Any] | None = None,
    base: SuvObject = _BASE,
    **changes: Any,
) -> SuvObject:
    """A changed copy; a header value of None takes the element out."""
    merged = {k: v for k, v in (base.header | (header or {})).items() if v is not None}
    pharmaceutical = {k: v for k, v in (base.radiopharmaceutical | (item or {})).items() if v is not None}
    return replace(
        base, id=ident, description=description, header=merged, radiopharmaceutical=pharmaceutical, **changes
    )


def _body(kind: str, sex: str) -> float:
    """Normaliser over weight, from the manual's formulas (kg, cm)."""
    w, h = WEIGHT_KG, SIZE_M * 100.0
    bmi = w / SIZE_M**2
    formulas: dict[str, tuple[float, float]] = {
        "LBMJAMES128": (1.10 * w - 128 * (w / h) ** 2, 1.07 * w - 148 * (w / h) ** 2),
        "LBMJANMA": (9270 * w / (6680 + 216 * bmi), 9270 * w / (8780 + 244 * bmi)),
        "IBW": (48.0 + 1.06 * (h - 152), 45.5 + 0.91 * (h - 152)),
    }
    male, female = formulas[kind]
    return {"M": male, "F": female, "O": (male + female) / 2}[sex] / w


def _valid() -> Iterator[SuvObject]:
    yield _BASE
    yield _with(
        "DRO_1_0", "multiple values Rescale Slope", coarse=tuple(4.0 if k % 2 else 3.0 for k in range(N_SLICES))
    )
    yield _with(
        "DRO_2_0", "Units GML corresponding to SUVbw", {"Units": "GML", "SUVType": "BW"}, per_suv=(1.0,) * N_SLICES
    )
    for number, kind in ((1, "LBMJAMES128"), (2, "IBW"), (6, "LBMJANMA")):
        for index, sex in enumerate("MFO"):
            yield _with(
                f"DRO_2_{number}_{index}",
                f"Units GML with Patient's Sex {sex} corresponding to SUV {kind}",
                {"Units": "GML", "SUVType": kind, "PatientSex": sex},
                per_suv=(_body(kind, sex),) * N_SLICES,
            )
    surface = 0.007184 * 175.0**0.725 * 70.0**0.425 * 1e4 / (WEIGHT_KG * 1e3)
    yield _with("DRO_2_3", "Units CM2ML corresponding to SUVbsa", {"Units": "CM2ML", "SUVType": "BSA"},
                per_suv=(surface,) * N_SLICES)  # fmt: skip
    philips = {"Units": "CNTS", "Manufacturer": _VENDORS["PHILIPS"]}
    yield _with("DRO_2_4", "Units CNTS using Philips SUV scale factor", philips,
                private={(0x7053, 0x1000): ("DS", "0.0005")}, per_suv=(1 / 0.0005,) * N_SLICES)  # fmt: skip
    yield _with("DRO_2_5", "Units CNTS using Philips activity scale factor", philips,
                private={(0x7053, 0x1009): ("DS", "0.5")}, per_suv=(_START / 0.5,) * N_SLICES)  # fmt: skip
    yield _with("DRO_3_0", "Dose in MBq", item={"RadionuclideTotalDose": "368.08"})
    yield _with("DRO_3_1", "Decay Correction ADMIN", {"DecayCorrection": "ADMIN"},
                per_suv=(DOSE_BQ / (WEIGHT_KG * 1e3),) * N_SLICES)  # fmt: skip
    yield from _times()
    yield _with("DRO_4_0", "Start DateTime present and Start Time absent", item={"RadiopharmaceuticalStartTime": None})
    yield _with(
        "DRO_4_1", "Start Time present and Start DateTime absent", item={"RadiopharmaceuticalStartDateTime": None}
    )
    yield from _midnight()
    yield _with("DRO_5_0", "Radionuclide Ga68",
                item={"Radiopharmaceutical": "Ga68-PSMA", "RadionuclideHalfLife": "4057.7",
                      "code": ("C-131A3", "^68^Gallium")},
                per_suv=(DOSE_BQ * _decayed(3600, GA68_S) / (WEIGHT_KG * 1e3),) * N_SLICES)  # fmt: skip


def _times() -> Iterator[SuvObject]:
    """Decay Correction START and NONE with the vendors' habits."""
    frame_time: dict[str, Callable[[float], float]] = {
        "SIEMENS": lambda a: a - REFERENCE_S + _mean_time(_FRAME_S),
        "GE": lambda a: a - REFERENCE_S,
        "PHILIPS": lambda a: a - REFERENCE_S + _FRAME_S / 2,
        "SYNTHETIC": lambda a: a - REFERENCE_S + _mean_time(_FRAME_S),
    }
    later = {"SeriesTime": "113000.000000", "SeriesType": ["WHOLE BODY", "IMAGE"]}
    for index, (vendor, meaning) in enumerate(frame_time.items()):
        yield _with(f"DRO_3_2_{index}", f"START but Series Date/Time after Acquisition Date/Time {vendor}",
                    later | {"Manufacturer": _VENDORS[vendor]}, acquisition_s=_BEDS,
                    frame_reference_s=tuple(meaning(a) for a in _BEDS))  # fmt: skip
    stamp = "20250101110000.000000"
    for index, (vendor, tag) in enumerate((("SIEMENS", (0x0071, 0x1022)), ("GE", (0x0009, 0x100D)))):
        yield _with(f"DRO_3_3_{index}", f"as 3_2 and private scan start datetime present {vendor}",
                    later | {"Manufacturer": _VENDORS[vendor]}, private={tag: ("DT", stamp)},
                    acquisition_s=_BEDS)  # fmt: skip
    uncorrected = tuple(DOSE_BQ * _decayed(a + _mean_time(_FRAME_S) - INJECTION_S) / (WEIGHT_KG * 1e3) for a in _BEDS)
    none = {"DecayCorrection": "NONE", "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "RAN"]}
    for index, (vendor, meaning) in enumerate(frame_time.items()):
        counts = vendor == "PHILIPS"
        yield _with(f"DRO_3_4_{index}", f"NONE and multiple values Acquisition Date/Time {vendor}",
                    none | {"Manufacturer": _VENDORS[vendor], "Units": "CNTS" if counts else "BQML"},
                    private={(0x7053, 0x1009): ("DS", "0.5")} if counts else {}, acquisition_s=_BEDS,
                    frame_reference_s=tuple(meaning(a) for a in _BEDS),
                    per_suv=tuple(v / 0.5 for v in uncorrected) if counts else uncorrected)  # fmt: skip
    for index, (vendor, meaning) in enumerate(frame_time.items()):
        yield _with(f"DRO_3_5_{index}", f"START and Series Date/Time equal to Acquisition Date/Time {vendor}",
                    {"Manufacturer": _VENDORS[vendor]},
                    frame_reference_s=(meaning(REFERENCE_S),) * N_SLICES)  # fmt: skip


def _midnight() -> Iterator[SuvObject]:
    night = {"SeriesDate": "20250102", "SeriesTime": "003000.000000", "AcquisitionDate": "20250102"}
    after = (1800.0,) * N_SLICES
    evening = {"RadiopharmaceuticalStartTime": "233000.000000", "RadiopharmaceuticalStartDateTime": None}
    dated = evening | {"RadiopharmaceuticalStartDateTime": "20250101233000.000000"}
    yield _with(
        "DRO_4_2", "Uptake time spanning midnight and Start DateTime absent", night, evening, acquisition_s=after
    )
    yield _with(
        "DRO_4_3", "Uptake time spanning midnight and Start DateTime present", night, dated, acquisition_s=after
    )
    yield _with("DRO_4_4", "Uptake time spanning midnight and anonymized Acquisition Date",
                night | {"AcquisitionDate": "19000101"}, dated, acquisition_s=after)  # fmt: skip
    elapsed = 3 * 86400.0 + 3600.0
    yield _with("DRO_4_5", "Radionuclide Zr89 and uptake time more than 24 hours and Start DateTime present",
                {"SeriesDate": "20250104", "AcquisitionDate": "20250104"},
                {"Radiopharmaceutical": "Zr89-trastuzumab", "RadionuclideHalfLife": "282240",
                 "code": ("C-168A4", "^89^Zirconium")},
                per_suv=(DOSE_BQ * _decayed(elapsed, ZR89_S) / (WEIGHT_KG * 1e3),) * N_SLICES)  # fmt: skip


def _enhanced() -> Iterator[SuvObject]:
    item = {"RadionuclideTotalDose": "368.08", "RadiopharmaceuticalStartTime": None}
    base = _with("DRO_7_0_0", "Default DRO of the Enhanced PET Image Storage SOP class", item=item, enhanced=True)
    yield base
    yield _with("DRO_7_1_0", "Enhanced PET and multiple values Rescale Slope", base=base,
                coarse=tuple(4.0 if k % 2 else 3.0 for k in range(N_SLICES)))  # fmt: skip
    yield _with("DRO_7_2_0", "Enhanced PET and Units GML corresponding to SUVbw", {"Units": "GML"}, base=base,
                per_suv=(1.0,) * N_SLICES)  # fmt: skip
    yield _with("DRO_7_3_0", "Enhanced PET and Series Date/Time after Decay Correction DateTime",
                {"SeriesTime": "113000.000000"}, base=base)  # fmt: skip
    yield _with("DRO_7_3_1", "Enhanced PET, DecayCorrected NO and multiple values Frame Reference DateTime",
                {"DecayCorrection": "NONE"}, base=base, acquisition_s=_BEDS,
                per_suv=tuple(DOSE_BQ * _decayed(round(a + _mean_time(_FRAME_S), 3) - INJECTION_S)
                              / (WEIGHT_KG * 1e3) for a in _BEDS))  # fmt: skip


def _errors() -> Iterator[SuvObject]:
    ibw = {"Units": "GML", "SUVType": "IBW"}
    zirconium = {"Radiopharmaceutical": "Zr89-trastuzumab", "RadionuclideHalfLife": "282240",
                 "code": ("C-168A4", "^89^Zirconium")}  # fmt: skip
    later = {"SeriesDate": "20250104", "AcquisitionDate": "20250104"}
    states: tuple[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
        ("2_0", "Units BQML and Patient's Weight is missing", {"PatientWeight": None}, {}, {}),
        ("2_1", "Units BQML and Patient's Weight is 0", {"PatientWeight": "0"}, {}, {}),
        ("2_2", "Units GML (IBW) and Patient's Sex is absent", ibw | {"PatientSex": None}, {}, {}),
        ("2_3", "Units GML (IBW) and Patient's Sex has other value", ibw | {"PatientSex": "X"}, {}, {}),
        ("2_4", "Units GML (IBW) and Patient's Size is absent", ibw | {"PatientSize": None}, {}, {}),
        ("2_5", "Units GML (IBW) and Patient's Size is 0", ibw | {"PatientSize": "0"}, {}, {}),
        ("2_6", "Units CNTS and both scale factors are absent", {"Units": "CNTS", "Manufacturer": "Philips"}, {}, {}),
        ("2_7", "Units PROPCNTS", {"Units": "PROPCNTS"}, {}, {}),
        ("3_0", "Radionuclide Total Dose is absent", {}, {"RadionuclideTotalDose": None}, {}),
        ("3_1", "Radionuclide Total Dose is negative", {}, {"RadionuclideTotalDose": "-368080000"}, {}),
        ("3_2", "Actual Frame Duration is absent and not GE", {"Manufacturer": "SIEMENS"}, {}, {"duration_s": None}),
        ("4_0", "both Start Time and Start DateTime are absent", {},
         {"RadiopharmaceuticalStartTime": None, "RadiopharmaceuticalStartDateTime": None}, {}),
        ("4_1", "Uptake time more than 24 hours and Start DateTime is absent", later,
         zirconium | {"RadiopharmaceuticalStartDateTime": None}, {}),
        ("4_2", "Uptake time more than 24 hours and Start DateTime is anonymized", later,
         zirconium | {"RadiopharmaceuticalStartDateTime": "19000101100000.000000"}, {}),
        ("5_0", "Radionuclide Half Life is absent", {}, {"RadionuclideHalfLife": None}, {}),
    )  # fmt: skip
    for ident, description, header, item, changes in states:
        yield _with(f"DRO_error_{ident}", description, header, item, refused=True, **changes)


# -- writing ------------------------------------------------------------------------------------------------------


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


def _classic_files(item: SuvObject, suv: npt.NDArray[np.float64]) -> Iterator[tuple[str, FileDataset]]:
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


def _enhanced_files(item: SuvObject, suv: npt.NDArray[np.float64]) -> Iterator[tuple[str, FileDataset]]:
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
    content.FrameReferenceDateTime = f"20250101{_clock(start + _mean_time(_FRAME_S))}"
    content.FrameAcquisitionDuration = _FRAME_S * 1000.0
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


def _write_mask(mask: npt.NDArray[np.bool_], path: Path) -> None:
    import nibabel

    affine = np.diag([-VOXEL_MM, -VOXEL_MM, VOXEL_MM, 1.0])
    nibabel.Nifti1Image(mask.transpose(2, 1, 0).astype(np.uint8), affine).to_filename(str(path))
