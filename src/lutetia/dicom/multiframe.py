"""Multi-frame objects to rows of one frame each, so that a volume is a list of slices whatever the object.

Enhanced and legacy converted PET and CT keep geometry, rescale and times in functional groups (PS3.3 §C.7.6.16);
tomographic NM keeps the first slice's place in its detector and stacks the rest along the normal (§C.8.4.15).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lutetia.dicom.files import read_dataset
from lutetia.dicom.instance import InstanceHeader
from lutetia.model import InputError

#: objects with functional groups: legacy converted and enhanced PET, legacy converted and enhanced CT
ENHANCED_CLASSES = frozenset(
    (
        "1.2.840.10008.5.1.4.1.1.128.1",
        "1.2.840.10008.5.1.4.1.1.130",
        "1.2.840.10008.5.1.4.1.1.2.2",
        "1.2.840.10008.5.1.4.1.1.2.1",
    )
)
NM_CLASS = "1.2.840.10008.5.1.4.1.1.20"

#: enhanced PET says YES or NO for each correction (PS3.3 §C.8.22.2); here as terms of Corrected Image
_CORRECTIONS = (
    ("DecayCorrected", "DECY"),
    ("AttenuationCorrected", "ATTN"),
    ("ScatterCorrected", "SCAT"),
    ("DeadTimeCorrected", "DTIM"),
    ("RandomsCorrected", "RAN"),
    ("DetectorNormalizationCorrection", "NORM"),
    ("SensitivityCalibrated", "DCAL"),
)
_BECQUEREL_PER_ML = frozenset(("Bq/ml", "Bq/mL"))


def expand(header: InstanceHeader) -> tuple[InstanceHeader, ...]:
    """The frames of an object, each as a header of its own; a single-frame image is its own row.

    Raises
    ------
    InputError
        ``unreadable-header`` or ``bad-functional-groups`` when the frames do not say where they lie.
    """
    if header.sop_class_uid in ENHANCED_CLASSES:
        rows = _enhanced
    elif header.sop_class_uid == NM_CLASS and "RECON TOMO" in header.image_type:
        rows = _nuclear
    else:
        return (header,)
    dataset = read_dataset(header)
    try:
        return tuple(rows(header, dataset))
    except InputError:
        raise
    except Exception as error:  # damaged sequences raise many kinds; each is one message
        raise InputError(
            "bad-functional-groups",
            f"The frames of the object can't be told apart ({type(error).__name__}: {error})",
            where=header.where,
            expected="functional groups or vectors for every frame (PS3.3 C.7.6.16, C.8.4.8)",
            remedy="export the series again, as single slices if possible",
        ) from error


def _enhanced(header: InstanceHeader, dataset: Any) -> Iterator[InstanceHeader]:
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    shared = dataset.get("SharedFunctionalGroupsSequence") or [None]
    if len(per_frame) != header.n_frames:
        raise ValueError(f"{len(per_frame)} functional groups for {header.n_frames} frames")
    corrected = header.corrected_image or tuple(t for k, t in _CORRECTIONS if dataset.get(k) == "YES")
    if not corrected and dataset.get("AttenuationCorrected") == "NO":
        corrected = ("NONE",)
    for index, group in enumerate(per_frame):
        facts = _Groups(group, shared[0], dataset)
        measures, values = facts.item("PixelMeasuresSequence"), facts.item("PixelValueTransformationSequence")
        content = facts.item("FrameContentSequence")
        factors = facts.item("PETFrameCorrectionFactorsSequence")
        date, time = _split_datetime(facts.text(content, "FrameAcquisitionDateTime"))
        slope, intercept, unit, mapped = _mapping(facts.sequence("RealWorldValueMappingSequence"))
        if unit not in _BECQUEREL_PER_ML and values is not None:
            slope, intercept = _number(values, "RescaleSlope"), _number(values, "RescaleIntercept")
            unit, mapped = None, None
        orientation = _numbers(facts.item("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        position = _numbers(facts.item("PlanePositionSequence"), "ImagePositionPatient", 3)
        pixel = _numbers(measures, "PixelSpacing", 2)
        duration = _number(content, "FrameAcquisitionDuration")
        yield replace(
            header,
            frame=index,
            position_mm=position,  # type: ignore[arg-type]
            orientation=orientation,
            pixel_spacing_mm=pixel,  # type: ignore[arg-type]
            slice_thickness_mm=_number(measures, "SliceThickness"),
            spacing_between_slices_mm=_number(measures, "SpacingBetweenSlices"),
            rescale_slope=slope,
            rescale_intercept=intercept,
            rescale_type=facts.text(values, "RescaleType").strip() or header.rescale_type,
            value_unit=unit,
            mapped_range=mapped,
            units=header.units or facts.unassigned("Units") or ("BQML" if unit in _BECQUEREL_PER_ML else None),
            corrected_image=corrected or facts.unassigned_codes("CorrectedImage"),
            series_type=header.series_type or facts.unassigned_codes("SeriesType"),
            acquisition_date=date or facts.unassigned("AcquisitionDate") or header.acquisition_date,
            acquisition_time=time or facts.unassigned("AcquisitionTime") or header.acquisition_time,
            actual_frame_duration_ms=duration if duration is not None else facts.decimal("ActualFrameDuration"),
            frame_reference_time_ms=facts.decimal("FrameReferenceTime"),
            decay_factor=_first(_number(factors, "DecayFactor"), facts.decimal("DecayFactor")),
            temporal_position=_whole(_number(content, "TemporalPositionIndex")),
            image_type=_frame_type(facts) or header.image_type,
        )


class _Groups:
    """Functional groups of one frame: the frame's own first, then the shared ones."""

    def __init__(self, own: Any, shared: Any, dataset: Any) -> None:
        self._levels = [level for level in (own, shared) if level is not None]
        self._dataset = dataset

    def sequence(self, keyword: str) -> list[Any]:
        for level in (*self._levels, self._dataset):
            items = level.get(keyword)
            if items:
                return list(items)
        return []

    def item(self, keyword: str) -> Any:
        items = self.sequence(keyword)
        return items[0] if items else None

    @staticmethod
    def text(item: Any, keyword: str) -> str:
        return "" if item is None else str(item.get(keyword) or "")

    def _unassigned_value(self, keyword: str) -> Any:
        for name in ("UnassignedPerFrameConvertedAttributesSequence", "UnassignedSharedConvertedAttributesSequence"):
            for level in self._levels:
                for item in level.get(name) or ():
                    if item.get(keyword) not in (None, ""):
                        return item.get(keyword)
        return None

    def unassigned(self, keyword: str) -> str | None:
        value = self._unassigned_value(keyword)
        return None if value is None else str(value)

    def unassigned_codes(self, keyword: str) -> tuple[str, ...]:
        value = self._unassigned_value(keyword)
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else tuple(str(v) for v in value)

    def decimal(self, keyword: str) -> float | None:
        value = self._unassigned_value(keyword)
        return None if value is None else float(value)


def _frame_type(facts: _Groups) -> tuple[str, ...]:
    for keyword in ("PETFrameTypeSequence", "CTImageFrameTypeSequence"):
        item = facts.item(keyword)
        if item is not None and item.get("FrameType"):
            return tuple(str(v) for v in item.FrameType)
    return ()


def _nuclear(header: InstanceHeader, dataset: Any) -> Iterator[InstanceHeader]:
    detectors = dataset.get("DetectorInformationSequence") or [dataset]
    orientation = _numbers(detectors[0], "ImageOrientationPatient", 6) or header.orientation
    origin = _numbers(detectors[0], "ImagePositionPatient", 3) or header.position_mm
    spacing = _first(header.spacing_between_slices_mm, header.slice_thickness_mm)
    slices = _vector(dataset, "SliceVector", header.n_frames) or list(range(1, header.n_frames + 1))
    moments = _vector(dataset, "TimeSlotVector", header.n_frames) or _vector(
        dataset, "RRIntervalVector", header.n_frames
    )
    windows = _vector(dataset, "EnergyWindowVector", header.n_frames)
    slope, intercept, unit, mapped = _mapping(list(dataset.get("RealWorldValueMappingSequence") or ()))
    if slope is None:
        slope, intercept = header.rescale_slope, header.rescale_intercept
    units = header.units or ("BQML" if unit in _BECQUEREL_PER_ML else None)
    if slope is None:  # NM without a mapping stores counts
        slope, intercept, units = 1.0, 0.0, units or "CNTS"
    for index in range(header.n_frames):
        position = None
        if orientation is not None and origin is not None and spacing:
            normal = np.cross(orientation[:3], orientation[3:])
            position = tuple(float(v) for v in np.asarray(origin) + (slices[index] - 1) * spacing * normal)
        yield replace(
            header,
            frame=index,
            orientation=orientation,
            position_mm=position,  # type: ignore[arg-type]
            rescale_slope=slope,
            rescale_intercept=intercept,
            value_unit=unit,
            mapped_range=mapped,
            units=units,
            temporal_position=moments[index] if moments and len(set(moments)) > 1 else None,
            acquisition_number=windows[index] if windows and len(set(windows)) > 1 else header.acquisition_number,
        )


def _mapping(
    items: list[Any],
) -> tuple[float | None, float | None, str | None, tuple[float, float] | None]:
    """Slope, intercept, unit (UCUM) and range of the real world value mapping that leads to Bq/mL, or of the first."""
    known = [(item, _unit(item)) for item in items if item.get("RealWorldValueSlope") is not None]
    known.sort(key=lambda pair: pair[1] not in _BECQUEREL_PER_ML)
    if not known:
        return None, None, None, None
    item, unit = known[0]
    first = _first(
        _number(item, "RealWorldValueFirstValueMapped"), _number(item, "DoubleFloatRealWorldValueFirstValueMapped")
    )
    last = _first(
        _number(item, "RealWorldValueLastValueMapped"), _number(item, "DoubleFloatRealWorldValueLastValueMapped")
    )
    mapped = None if first is None or last is None else (first, last)
    return _number(item, "RealWorldValueSlope"), _number(item, "RealWorldValueIntercept") or 0.0, unit, mapped


def _unit(mapping: Any) -> str | None:
    codes = mapping.get("MeasurementUnitsCodeSequence")
    return str(codes[0].get("CodeValue") or "") or None if codes else None


def _vector(dataset: Any, keyword: str, length: int) -> list[int] | None:
    value = dataset.get(keyword)
    if value is None:
        return None
    values = [int(v) for v in value] if hasattr(value, "__iter__") else [int(value)]
    if len(values) != length:
        raise ValueError(f"{keyword} has {len(values)} values for {length} frames")
    return values


def _numbers(item: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    value = None if item is None else item.get(keyword)
    if not value:
        return None
    values = tuple(float(v) for v in value)
    if len(values) != count or not all(math.isfinite(v) for v in values):
        raise ValueError(f"{keyword} has not {count} finite values")
    return values


def _number(item: Any, keyword: str) -> float | None:
    value = None if item is None else item.get(keyword)
    return None if value is None or value == "" else float(value)


def _first(*values: float | None) -> float | None:
    return next((v for v in values if v is not None), None)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _split_datetime(text: str) -> tuple[str | None, str | None]:
    """Date and time of a DICOM DT, without its offset."""
    plain = text.split("+")[0].split("-")[0].strip()
    return (plain[:8] or None), (plain[8:] or None)
