"""Where the elements of a series are kept, and the times and scale of each of its slices or frames."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from lutetia.dicom.header_values import date_time, day, element_text, moment, number, offset_minutes, sequence
from lutetia.dicom.instance import InstanceHeader
from lutetia.model.pet import TAGS, PetFacts, PetFrame, element

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_UNASSIGNED = (0x00209170, 0x00209171)  # Unassigned Shared / Per-Frame Converted Attributes Sequence
_GE_CREATOR = "GEMS_PETD_01"


class HeaderReader:
    """Looks an element up at the top level, then where converted multi-frame objects hide it."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.shared = (sequence(dataset, _SHARED) or [None])[0]
        self.per_frame = sequence(dataset, _PER_FRAME)
        self.places = [dataset]
        for group in (self.shared, self.per_frame[0] if self.per_frame else None):
            if group is not None:
                self.places += [item for tag in _UNASSIGNED for item in sequence(group, tag)]
        self.elements: dict[str, str] = {}
        self.offset = offset_minutes(self.text("TimezoneOffsetFromUTC", 0x00080201))

    @property
    def multiframe(self) -> bool:
        """Whether this is an Enhanced or Legacy Converted object."""
        return self.shared is not None or bool(self.per_frame)

    def find(self, tag: int | tuple[int, int]) -> str | None:
        """Text of an element in the first place that has it."""
        found = None
        for place in self.places:
            text = element_text(place, tag)
            if text:
                return text
            found = text if found is None else found
        return found

    def text(self, keyword: str, tag: int | tuple[int, int]) -> str | None:
        """As `find`; the text is kept among the elements."""
        found = self.find(tag)
        if found is not None:
            self.elements[element(keyword)] = found
        return found

    def named(self, keyword: str) -> str | None:
        """As `text`, for a keyword of the table of tags."""
        group, number_ = TAGS[keyword].split(",")
        return self.text(keyword, (int(group, 16), int(number_, 16)))

    def values(self, keyword: str) -> tuple[str, ...]:
        """The values of a multi-valued element."""
        text = self.named(keyword)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def items(self, tag: int) -> list[Any]:
        """Items of a sequence in the first place that has it."""
        for place in self.places:
            found = sequence(place, tag)
            if found:
                return found
        return []


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _seconds(milliseconds: float | None) -> float | None:
    value = _finite(milliseconds)
    return None if value is None else value / 1000.0


def _duration(milliseconds: float | None) -> float | None:
    value = _seconds(milliseconds)
    return value if value is not None and 0 < value <= 1e6 else None


def frames_of(reader: HeaderReader, rows: tuple[InstanceHeader, ...]) -> tuple[PetFrame, ...]:
    """The timing and scale of every image: one frame per instance row, in the order of `rows`.

    Parameters
    ----------
    reader : headers of one image of the series, for what is the same in all
    rows : headers of every image, or frame, that are read slice by slice
    """
    start = date_time(reader.named("GEFrameStart"), reader.offset) if is_ge(reader) else None
    when = date_time(reader.named("AcquisitionDateTime"), reader.offset)
    suv = reader.named("PhilipsSUVScaleFactor")
    activity = reader.named("PhilipsActivityConcentrationScaleFactor")
    many = len(rows) > 1
    series_day = day(reader.find(0x00080021))
    frames = []
    for index, row in enumerate(rows):
        acquisition = moment(row.acquisition_date, row.acquisition_time)
        if acquisition is not None and acquisition.day is None:
            acquisition = acquisition.on(series_day)
        if acquisition is None and not many:
            acquisition = when
        frames.append(
            PetFrame(
                key=row.where,
                acquisition=acquisition,
                frame_start=start if index == 0 else None,  # of the representative image only
                frame_reference_s=_seconds(row.frame_reference_time_ms),
                duration_s=_duration(row.actual_frame_duration_ms),
                decay_factor=_finite(row.decay_factor),
                rescale_slope=row.rescale_slope,
                rescale_intercept=row.rescale_intercept,
                philips_suv_factor=number(row.private.get("7053,1000", suv)),
                philips_activity_factor=number(row.private.get("7053,1009", activity)),
            )
        )
    return tuple(frames)


def multiframe_frames_of(reader: HeaderReader, rows: tuple[InstanceHeader, ...]) -> tuple[PetFrame, ...]:
    """Frames of an Enhanced or Legacy Converted object; what a frame does not say the shared groups do."""
    frames = []
    common = frames_of(reader, rows)
    top = moment(reader.find(0x00080022), reader.find(0x00080032)) or date_time(reader.find(0x0008002A), reader.offset)
    for row, frame in zip(rows, common, strict=True):
        index = row.frame or 0
        group = reader.per_frame[index] if index < len(reader.per_frame) else None
        groups = [g for g in (group, reader.shared) if g is not None]
        content = [item for g in groups for item in sequence(g, 0x00209111)]
        loose = [item for g in groups for tag in _UNASSIGNED for item in sequence(g, tag)]
        representative = date_time(_first(reader, content, "FrameReferenceDateTime", 0x00189151), reader.offset)
        acquisition = date_time(_first(reader, content, "FrameAcquisitionDateTime", 0x00189074), reader.offset)
        acquisition = (
            acquisition or moment(_first(reader, loose, "", 0x00080022), _first(reader, loose, "", 0x00080032)) or top
        )
        duration = _duration(number(_first(reader, content, "FrameAcquisitionDuration", 0x00189220)))
        reference = number(_first(reader, loose, "FrameReferenceTime", 0x00541300))
        if reference is None:
            reference = number(reader.named("FrameReferenceTime"))
        factor = number(_first(reader, loose, "DecayFactor", 0x00541321)) or frame.decay_factor
        frames.append(
            replace(
                frame,
                acquisition=acquisition or frame.acquisition,
                frame_start=None,
                representative=representative,
                duration_s=_duration(number(_first(reader, loose, "ActualFrameDuration", 0x00181242)))
                or duration
                or frame.duration_s
                or _duration(number(reader.named("ActualFrameDuration"))),
                frame_reference_s=_seconds(reference) if reference is not None else frame.frame_reference_s,
                decay_factor=factor if factor is not None else number(reader.named("DecayFactor")),
            )
        )
    return tuple(frames)


def _first(reader: HeaderReader, places: list[Any], keyword: str, tag: int) -> str | None:
    for place in places:
        text = element_text(place, tag)
        if text:
            if keyword:
                reader.elements.setdefault(element(keyword), text)
            return text
    return None


def is_ge(reader: HeaderReader) -> bool:
    """GE by the private creator; by Manufacturer only where the creator is gone."""
    creator = element_text(reader.dataset, (0x0009, 0x0010))
    if creator:
        return creator == _GE_CREATOR
    return PetFacts(manufacturer=reader.find(0x00080070) or "").vendor == "GE"
