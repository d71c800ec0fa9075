"""The header states of the IBSI-SUV list, version 3, each as a change of one plain object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lutetia.phantom.suv_object import (
    DOSE_BQ,
    FRAME_S,
    GA68_S,
    INJECTION_S,
    N_SLICES,
    REFERENCE_S,
    SIZE_M,
    WEIGHT_KG,
    ZR89_S,
    SuvObject,
    decayed,
    mean_time,
)

_VENDORS = {
    "SIEMENS": "SIEMENS",
    "GE": "GE MEDICAL SYSTEMS",
    "PHILIPS": "Philips Medical Systems",
    "SYNTHETIC": "Synthetic",
}
_START = DOSE_BQ * decayed(REFERENCE_S - INJECTION_S) / (WEIGHT_KG * 1e3)  # Bq/mL of SUVbw 1
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


def states() -> tuple[SuvObject, ...]:
    """The 58 objects, in the order of the list."""
    return tuple(_valid()) + tuple(_enhanced()) + tuple(_errors())


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
                per_suv=(DOSE_BQ * decayed(3600, GA68_S) / (WEIGHT_KG * 1e3),) * N_SLICES)  # fmt: skip


def _times() -> Iterator[SuvObject]:
    """Decay Correction START and NONE with the vendors' habits."""
    frame_time: dict[str, Callable[[float], float]] = {
        "SIEMENS": lambda a: a - REFERENCE_S + mean_time(FRAME_S),
        "GE": lambda a: a - REFERENCE_S,
        "PHILIPS": lambda a: a - REFERENCE_S + FRAME_S / 2,
        "SYNTHETIC": lambda a: a - REFERENCE_S + mean_time(FRAME_S),
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
    uncorrected = tuple(DOSE_BQ * decayed(a + mean_time(FRAME_S) - INJECTION_S) / (WEIGHT_KG * 1e3) for a in _BEDS)
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
                per_suv=(DOSE_BQ * decayed(elapsed, ZR89_S) / (WEIGHT_KG * 1e3),) * N_SLICES)  # fmt: skip


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
                per_suv=tuple(DOSE_BQ * decayed(round(a + mean_time(FRAME_S), 3) - INJECTION_S)
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
