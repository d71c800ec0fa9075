"""From the headers of a PET or SPECT series to plain typed facts; nothing is judged or repaired here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lutetia.dicom.files import read_dataset
from lutetia.dicom.header_frames import HeaderReader, frames_of, is_ge, multiframe_frames_of
from lutetia.dicom.header_values import (
    binary_number,
    clock,
    date_time,
    element_text,
    moment,
    number,
    sequence,
    spread_text,
)
from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.series import SeriesFiles
from lutetia.model.pet import (
    GePrivate,
    Moment,
    PetFacts,
    Radiopharmaceutical,
    element,
)

#: UCUM code of a mapping → (Units, SUV Type, factor to that unit)
_MAPPED: dict[str, tuple[str, str | None, float]] = {
    "bq/ml": ("BQML", None, 1.0),
    "kbq/ml": ("BQML", None, 1e3),
    "mbq/ml": ("BQML", None, 1e6),
    "g/ml": ("GML", None, 1.0),
    "g/ml{suvbw}": ("GML", "BW", 1.0),
    "g/ml{suvlbm}": ("GML", "LBM", 1.0),
    "g/ml{suvlbm(james128)}": ("GML", "LBMJAMES128", 1.0),
    "g/ml{suvlbm(janma)}": ("GML", "LBMJANMA", 1.0),
    "g/ml{suvibw}": ("GML", "IBW", 1.0),
    "cm2/ml": ("CM2ML", None, 1.0),
    "cm2/ml{suvbsa}": ("CM2ML", "BSA", 1.0),
    "{counts}": ("CNTS", None, 1.0),
}
_CLASSIC_PET, _NM = "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.20"
_PHILIPS_CREATOR, _SIEMENS_CREATOR = "Philips PET Private Group", "SIEMENS"


def pet_facts(series: SeriesFiles) -> PetFacts:
    """The facts of a PET or SPECT series from its headers.

    Parameters
    ----------
    series : SeriesFiles
        One volume.

    Returns
    -------
    PetFacts
        `frames` in the order of ``series.instances``. A value that differs from image to image although the series
        has one (dose, weight, half-life, injection, units) is left out and its text says so.
    """
    facts = facts_of(series.dataset(), series.instances)
    if len(series.instances) > 1 and not facts.multiframe:
        for other in _others_to_ask(series):
            facts = _only_what_agrees(facts, facts_of(read_dataset(other), series.instances))
    return replace(facts, series_instance_uid=series.series_instance_uid)


def _others_to_ask(series: SeriesFiles) -> list[InstanceHeader]:
    """The last image, and one of each kind whose bytes differ in what belongs to the whole series."""
    first, last = series.instances[0], series.instances[-1]
    kinds = {i.of_the_series: i for i in reversed(series.instances)}
    kinds.pop(first.of_the_series, None)
    kinds.pop(last.of_the_series, None)
    return [*kinds.values(), last]


def facts_of(dataset: Any, rows: tuple[InstanceHeader, ...]) -> PetFacts:
    """The facts of one dataset (without pixels) and the rows of its series, one per slice or frame."""
    reader = HeaderReader(dataset)
    multiframe = reader.multiframe
    frames = multiframe_frames_of(reader, rows) if multiframe else frames_of(reader, rows)
    units, suv_type, per_rescaled = _units(reader, rows)
    if any(ratio != 1.0 for ratio in per_rescaled):
        frames = tuple(replace(f, unit_per_rescaled=r) for f, r in zip(frames, per_rescaled, strict=True))
    glucose, fasting = _glucose_and_fasting(reader)
    facts = PetFacts(
        series_instance_uid=reader.text("SeriesInstanceUID", 0x0020000E) or "",
        modality=reader.text("Modality", 0x00080060) or "",
        multiframe=multiframe,
        manufacturer=reader.named("Manufacturer") or "",
        model=reader.text("ManufacturerModelName", 0x00081090) or "",
        units=units,
        suv_type=suv_type,
        decay_correction=_decay_correction(reader),
        corrected_image=_corrected_image(reader),
        series_type=reader.values("SeriesType"),
        weight_kg=number(reader.named("PatientWeight")),
        size_m=number(reader.named("PatientSize")),
        sex=reader.named("PatientSex"),
        age_years=_age(reader.text("PatientAge", 0x00101010)),
        glucose_mmol_l=glucose,
        fasting_h=fasting,
        radiopharmaceuticals=tuple(_radiopharmaceuticals(reader)),
        study_time=moment(reader.text("StudyDate", 0x00080020), reader.text("StudyTime", 0x00080030)),
        series_time=moment(reader.named("SeriesDate"), reader.named("SeriesTime")),
        content_time=moment(reader.text("ContentDate", 0x00080023), reader.named("ContentTime")),
        decay_correction_datetime=date_time(reader.named("DecayCorrectionDateTime"), reader.offset),
        siemens_decay_datetime=_siemens_private(reader),
        ge=_ge_private(reader),
        philips_creator=_PHILIPS_CREATOR in (element_text(dataset, (0x7053, 0x0010)) or ""),
        frames=frames,
    )
    for keyword, values in _over_slices(rows).items():
        text = spread_text(values)
        if text is not None:
            reader.elements[element(keyword)] = text
    return replace(facts, elements=reader.elements)


def _over_slices(rows: tuple[InstanceHeader, ...]) -> dict[str, list[str | None]]:
    def shown(value: float | None) -> str | None:
        return None if value is None else f"{value:.10g}"

    found: dict[str, list[str | None]] = {
        "AcquisitionDate": [r.acquisition_date for r in rows],
        "AcquisitionTime": [r.acquisition_time for r in rows],
        "FrameReferenceTime": [shown(r.frame_reference_time_ms) for r in rows],
        "ActualFrameDuration": [shown(r.actual_frame_duration_ms) for r in rows],
        "DecayFactor": [shown(r.decay_factor) for r in rows],
        "RescaleSlope": [shown(r.rescale_slope) for r in rows],
        "RescaleIntercept": [shown(r.rescale_intercept) for r in rows],
    }
    return found


def _units(reader: HeaderReader, rows: tuple[InstanceHeader, ...]) -> tuple[str | None, str | None, list[float]]:
    """Units, SUV Type and, per frame, the factor from a rescaled value to that unit.

    Where the rows' rescale is a Real World Value Mapping already, its unit holds; else Units (0054,1001); else a
    mapping beside the rescale of an Enhanced object.
    """
    units, suv_type = reader.named("Units"), reader.named("SUVType")
    one = [1.0] * len(rows)
    codes = {row.value_unit for row in rows}
    if codes == {None} and (units or not reader.multiframe):
        return units, suv_type, one
    if codes == {None}:
        found = [_mapping_beside(reader, row) for row in rows]
        codes = {code for code, _ in found}
        one = [ratio for _, ratio in found]
    if len(codes) > 1:
        return "mixed", None, one
    code = codes.pop() if codes else None
    if code is None:
        return units, suv_type, one
    reader.elements[element("MeasurementUnitsCodeSequence")] = code
    known = _MAPPED.get(_ucum(code))
    if known is None:
        return code, None, one
    return known[0], known[1] if known[1] is not None else suv_type, [ratio * known[2] for ratio in one]


def _mapping_beside(reader: HeaderReader, row: InstanceHeader) -> tuple[str | None, float]:
    """Unit of a frame's Real World Value Mapping and its slope over the rescale slope; no intercept allowed."""
    index = row.frame or 0
    group = reader.per_frame[index] if index < len(reader.per_frame) else None
    for place in (group, reader.shared, reader.dataset):
        for item in sequence(place, 0x00409096) if place is not None else ():
            unit = (sequence(item, 0x004008EA) or [None])[0]
            code = element_text(unit, 0x00080100) if unit is not None else None
            slope = binary_number(item, (0x0040, 0x9225))
            if not code or slope is None or _ucum(code) not in _MAPPED or binary_number(item, (0x0040, 0x9224)):
                continue
            return code, slope / row.rescale_slope if row.rescale_slope else math.nan
    return None, 1.0


def _ucum(code: str) -> str:
    """Lower case, with an annotation that stands first ("{SUVbw}g/ml") moved to the end."""
    text = code.strip().lower()
    match = re.fullmatch(r"(\{.+?\})(.+)", text)
    return f"{match[2]}{match[1]}" if match else text


def _decay_correction(reader: HeaderReader) -> str | None:
    text = reader.named("DecayCorrection")
    if text:
        return text
    corrected = (reader.named("DecayCorrected") or "").strip().upper()
    return {"YES": "START", "NO": "NONE"}.get(corrected, text)


def _corrected_image(reader: HeaderReader) -> tuple[str, ...]:
    """Corrected Image, or the Enhanced object's flags in its terms."""
    values = reader.values("CorrectedImage")
    if values:
        return values
    flags = (
        ("DECY", "DecayCorrected", 0x00189758),
        ("ATTN", "AttenuationCorrected", 0x00189759),
        ("SCAT", "ScatterCorrected", 0x00189760),
        ("DTIM", "DeadTimeCorrected", 0x00189761),
        ("RAN", "RandomsCorrected", 0x00189765),
    )
    said = {term: reader.find(tag) for term, _, tag in flags}
    return tuple(term for term, text in said.items() if text == "YES")


def _radiopharmaceuticals(reader: HeaderReader) -> Iterator[Radiopharmaceutical]:
    items = reader.items(0x00540016)
    used = {
        text
        for group in (reader.shared, *reader.per_frame[:1])
        if group is not None
        for usage in sequence(group, 0x00189737)
        if (text := element_text(usage, 0x00189729))
    }
    if used and len(items) > 1:
        items = [item for item in items if element_text(item, 0x00189729) in used] or items
    # PS3.3: Bq in the PET Isotope Module, MBq in the NM and Enhanced PET Isotope Modules; an object that keeps the
    # classic module's attributes (Units) keeps its unit too
    sop_class = reader.find(0x00080016)
    declared = "MBq" if sop_class == _NM or (reader.multiframe and sop_class != _CLASSIC_PET + ".1") else "Bq"
    for index, item in enumerate(items):

        def stored(keyword: str, tag: int, item: Any = item, index: int = index) -> str | None:
            found = element_text(item, tag)
            if found is not None and index == 0:
                reader.elements[element(keyword)] = found
            return found

        code = (sequence(item, 0x00540300) or [None])[0]
        value = element_text(code, 0x00080100) or "" if code is not None else ""
        meaning = element_text(code, 0x00080104) or "" if code is not None else ""
        if code is not None and index == 0:
            reader.elements[element("RadionuclideCodeSequence")] = f"{value} {meaning}".strip()
        agent = number(element_text(item, 0x00189729))
        seconds = clock(stored("RadiopharmaceuticalStartTime", 0x00181072))
        yield Radiopharmaceutical(
            name=stored("Radiopharmaceutical", 0x00180031) or "",
            radionuclide_code=value,
            radionuclide=meaning,
            total_dose=number(stored("RadionuclideTotalDose", 0x00181074)),
            dose_unit=declared,
            half_life_s=number(stored("RadionuclideHalfLife", 0x00181075)),
            start_datetime=date_time(stored("RadiopharmaceuticalStartDateTime", 0x00181078), reader.offset),
            start_time=None if seconds is None else Moment(seconds),
            agent_number=None if agent is None else int(agent),
        )


def _ge_private(reader: HeaderReader) -> GePrivate:
    if not is_ge(reader):
        return GePrivate()
    data = reader.dataset
    return GePrivate(
        scan_datetime=date_time(reader.named("GEScanDateTime"), reader.offset),
        administration=date_time(reader.named("GEAdministrationDateTime"), reader.offset),
        measured_mbq=binary_number(data, (0x0009, 0x1038)),
        measured_at=date_time(element_text(data, (0x0009, 0x1039)), reader.offset),
        residual_mbq=binary_number(data, (0x0009, 0x103C)),
        residual_at=date_time(element_text(data, (0x0009, 0x103D)), reader.offset),
    )


def _siemens_private(reader: HeaderReader) -> Moment | None:
    creator = (element_text(reader.dataset, (0x0071, 0x0010)) or "").upper()
    vendor = PetFacts(manufacturer=reader.find(0x00080070) or "").vendor
    if not creator.startswith(_SIEMENS_CREATOR) and (creator or vendor != "Siemens"):
        return None
    return date_time(reader.named("SiemensDecayCorrectionDateTime"), reader.offset)


def _age(text: str | None) -> float | None:
    match = re.fullmatch(r"(\d{3})([DWMY])", (text or "").strip())
    if match is None or match[1] == "999":
        return None
    return int(match[1]) / {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}[match[2]]


_GLUCOSE = re.compile(r"(?:glucose|glyc\w*|bgl?|bsl?)\D{0,12}(\d{1,3}(?:[.,]\d+)?)\s*(mmol|mg)", re.IGNORECASE)
_FASTING = re.compile(r"(?:fast\w*|npo)\D{0,12}(\d{1,2}(?:[.,]\d+)?)\s*h", re.IGNORECASE)


def _glucose_and_fasting(reader: HeaderReader) -> tuple[float | None, float | None]:
    """Blood glucose (mmol/L) and hours of fasting from the acquisition context or, failing that, the free text."""
    glucose, fasting = None, None
    for item in reader.items(0x00400555):  # Acquisition Context Sequence
        name = (sequence(item, 0x0040A043) or [None])[0]
        meaning = (element_text(name, 0x00080104) or "").lower() if name is not None else ""
        value = number(element_text(item, 0x0040A30A))
        unit = (sequence(item, 0x004008EA) or [None])[0]
        code = (element_text(unit, 0x00080100) or "").lower() if unit is not None else ""
        if value is None:
            continue
        if "glucose" in meaning:
            glucose = value / 18.016 if code.startswith("mg/dl") else value
        elif "fasting" in meaning and code in ("h", "min"):
            fasting = value / 60.0 if code == "min" else value
    history = " ".join(reader.find(tag) or "" for tag in (0x001021B0, 0x00104000))
    if glucose is None and (match := _GLUCOSE.search(history)):
        value = float(match[1].replace(",", "."))
        glucose = value / 18.016 if match[2].lower() == "mg" else value
    if fasting is None and (match := _FASTING.search(history)):
        fasting = float(match[1].replace(",", "."))
    return glucose, fasting


_OF_THE_SERIES = {
    "weight_kg": "PatientWeight",
    "size_m": "PatientSize",
    "sex": "PatientSex",
    "units": "Units",
    "suv_type": "SUVType",
    "decay_correction": "DecayCorrection",
}


_DIFFERING = "differing"


def _only_what_agrees(facts: PetFacts, other: PetFacts) -> PetFacts:
    """Leave out what the first and another image say differently although it belongs to the whole series."""
    elements = dict(facts.elements)
    changed: dict[str, Any] = {}
    for name, keyword in _OF_THE_SERIES.items():
        own = getattr(facts, name)
        here, there = (f.elements.get(element(keyword), "absent") for f in (facts, other))
        if own != getattr(other, name) and not (own in (None, _DIFFERING) and " in the first image" in here):
            elements[element(keyword)] = f"{here} in the first image, {there} in another"
            changed[name] = _DIFFERING if name in ("units", "suv_type", "decay_correction") else None
    if set(facts.corrected_image) != set(other.corrected_image):
        changed["corrected_image"] = tuple(t for t in facts.corrected_image if t in other.corrected_image) or ("NONE",)
        elements[element("CorrectedImage")] = "\\".join(changed["corrected_image"]) + " in all images"
    new = tuple(i for i in other.radiopharmaceuticals if i not in facts.radiopharmaceuticals)
    if new or bool(facts.radiopharmaceuticals) != bool(other.radiopharmaceuticals):
        changed["radiopharmaceuticals"] = (facts.radiopharmaceuticals + new) if other.radiopharmaceuticals else ()
    return replace(facts, elements=elements, **changed) if changed else facts
