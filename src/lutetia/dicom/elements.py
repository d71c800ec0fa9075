"""Which elements an `InstanceHeader` keeps, and how their raw bytes become values.

One table serves both ways of reading: the fast walk and pydicom's raw elements.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.walk import tag_word

_MAX_REMEMBERED = 50_000


class _UnreadableError(Exception):
    """The bytes are no value of the kind the element holds."""


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii", "replace").strip(" \0")


def _number(text: str) -> float:
    if "_" in text:
        raise _UnreadableError
    try:
        value = float(text)
    except ValueError:
        raise _UnreadableError from None
    if not math.isfinite(value):
        raise _UnreadableError
    return value


def _text(raw: bytes, charset: str) -> str:
    stripped = raw.strip(b" \0")
    if stripped.isascii() and b"\x1b" not in stripped:
        return stripped.decode("ascii")
    if charset in ("ISO_IR 192", "GB18030"):
        return stripped.decode("utf-8" if charset == "ISO_IR 192" else "gb18030", "replace")
    if charset in ("", "ISO_IR 6", "ISO_IR 100"):
        return stripped.decode("latin-1")
    from pydicom.charset import convert_encodings, decode_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encodings = convert_encodings([part.strip() for part in charset.split("\\")])
        return str(decode_bytes(stripped, encodings, set(b"\r\n\f\t\\^="))).strip(" \0")


def _code(raw: bytes, charset: str) -> str:
    return _ascii(raw)


def _code_or_none(raw: bytes, charset: str) -> str | None:
    return _ascii(raw) or None


def _codes(raw: bytes, charset: str) -> tuple[str, ...]:
    text = _ascii(raw)
    return tuple(part.strip() for part in text.split("\\")) if text else ()


def _decimal(raw: bytes, charset: str) -> float | None:
    text = _ascii(raw)
    return _number(text.split("\\")[0]) if text else None


def _one_decimal(raw: bytes, charset: str) -> float | None:
    """A number that scales or times the pixels: of several the first would be a guess."""
    text = _ascii(raw)
    return _number(text) if text else None


def _decimals(count: int) -> Callable[[bytes, str], tuple[float, ...] | None]:
    def convert(raw: bytes, charset: str) -> tuple[float, ...] | None:
        text = _ascii(raw)
        if not text:
            return None
        values = tuple(_number(part) for part in text.split("\\"))
        if len(values) != count:
            raise _UnreadableError
        return values

    return convert


def _integer(raw: bytes, charset: str) -> int | None:
    value = _decimal(raw, charset)
    return None if value is None else int(value)


def _count(raw: bytes, charset: str) -> int:
    return _integer(raw, charset) or 1


def _unsigned(raw: bytes, charset: str) -> int:
    if len(raw) < 2 or len(raw) % 2:
        raise _UnreadableError
    return int.from_bytes(raw[:2], "little")


def _lossy(raw: bytes, charset: str) -> bool:
    return _ascii(raw) == "01"


_CHARSET = tag_word(0x0008, 0x0005)

#: tag word → (field of InstanceHeader, keyword, how to read it)
KEPT: dict[int, tuple[str, str, Callable[[bytes, str], Any]]] = {
    tag_word(group, element): (name, keyword, convert)
    for group, element, name, keyword, convert in (
        (0x0008, 0x0008, "image_type", "ImageType", _codes),
        (0x0008, 0x0016, "sop_class_uid", "SOPClassUID", _code),
        (0x0008, 0x0018, "sop_instance_uid", "SOPInstanceUID", _code),
        (0x0008, 0x0020, "study_date", "StudyDate", _code_or_none),
        (0x0008, 0x0021, "series_date", "SeriesDate", _code_or_none),
        (0x0008, 0x0022, "acquisition_date", "AcquisitionDate", _code_or_none),
        (0x0008, 0x0030, "study_time", "StudyTime", _code_or_none),
        (0x0008, 0x0031, "series_time", "SeriesTime", _code_or_none),
        (0x0008, 0x0032, "acquisition_time", "AcquisitionTime", _code_or_none),
        (0x0008, 0x0060, "modality", "Modality", _code),
        (0x0008, 0x0070, "manufacturer", "Manufacturer", _text),
        (0x0008, 0x1030, "study_description", "StudyDescription", _text),
        (0x0008, 0x103E, "series_description", "SeriesDescription", _text),
        (0x0010, 0x0010, "patient_name", "PatientName", _text),
        (0x0010, 0x0020, "patient_id", "PatientID", _text),
        (0x0010, 0x0030, "patient_birth_date", "PatientBirthDate", _code_or_none),
        (0x0018, 0x0050, "slice_thickness_mm", "SliceThickness", _decimal),
        (0x0018, 0x0088, "spacing_between_slices_mm", "SpacingBetweenSlices", _decimal),
        (0x0018, 0x1060, "trigger_time_ms", "TriggerTime", _decimal),
        (0x0018, 0x1120, "gantry_tilt_deg", "GantryDetectorTilt", _decimal),
        (0x0018, 0x1210, "convolution_kernel", "ConvolutionKernel", _code),
        (0x0018, 0x1242, "actual_frame_duration_ms", "ActualFrameDuration", _one_decimal),
        (0x0020, 0x000D, "study_instance_uid", "StudyInstanceUID", _code),
        (0x0020, 0x000E, "series_instance_uid", "SeriesInstanceUID", _code),
        (0x0020, 0x0011, "series_number", "SeriesNumber", _integer),
        (0x0020, 0x0012, "acquisition_number", "AcquisitionNumber", _integer),
        (0x0020, 0x0013, "instance_number", "InstanceNumber", _integer),
        (0x0020, 0x0032, "position_mm", "ImagePositionPatient", _decimals(3)),
        (0x0020, 0x0037, "orientation", "ImageOrientationPatient", _decimals(6)),
        (0x0020, 0x0052, "frame_of_reference_uid", "FrameOfReferenceUID", _code),
        (0x0020, 0x0100, "temporal_position", "TemporalPositionIdentifier", _integer),
        (0x0028, 0x0002, "samples_per_pixel", "SamplesPerPixel", _unsigned),
        (0x0028, 0x0004, "photometric_interpretation", "PhotometricInterpretation", _code),
        (0x0028, 0x0008, "n_frames", "NumberOfFrames", _count),
        (0x0028, 0x0010, "rows", "Rows", _unsigned),
        (0x0028, 0x0011, "columns", "Columns", _unsigned),
        (0x0028, 0x0030, "pixel_spacing_mm", "PixelSpacing", _decimals(2)),
        (0x0028, 0x0051, "corrected_image", "CorrectedImage", _codes),
        (0x0028, 0x0100, "bits_allocated", "BitsAllocated", _unsigned),
        (0x0028, 0x0101, "bits_stored", "BitsStored", _unsigned),
        (0x0028, 0x0102, "high_bit", "HighBit", _unsigned),
        (0x0028, 0x0103, "pixel_representation", "PixelRepresentation", _unsigned),
        (0x0028, 0x0120, "pixel_padding_value", "PixelPaddingValue", _unsigned),
        (0x0028, 0x1052, "rescale_intercept", "RescaleIntercept", _one_decimal),
        (0x0028, 0x1053, "rescale_slope", "RescaleSlope", _one_decimal),
        (0x0028, 0x1054, "rescale_type", "RescaleType", _code_or_none),
        (0x0028, 0x2110, "lossy", "LossyImageCompression", _lossy),
        (0x0054, 0x0081, "number_of_slices", "NumberOfSlices", _unsigned),
        (0x0054, 0x1000, "series_type", "SeriesType", _codes),
        (0x0054, 0x1001, "units", "Units", _code_or_none),
        (0x0054, 0x1300, "frame_reference_time_ms", "FrameReferenceTime", _one_decimal),
        (0x0054, 0x1321, "decay_factor", "DecayFactor", _one_decimal),
    )
}

#: numeric fields that become NaN when their text is no number: a default would be silently wrong
_NAN_FIELDS = frozenset(
    ("rescale_slope", "rescale_intercept", "frame_reference_time_ms", "actual_frame_duration_ms", "decay_factor")
)

#: private elements that matter for SUV: (group, creator) → elements within the creator's block
_PRIVATE = {(0x0009, "GEMS_PETD_01"): (0x0D, 0x3B), (0x7053, "Philips PET Private Group"): (0x00, 0x09)}
_BLOCKS = range(0x10, 0x18)
_PRIVATE_WORDS: dict[int, None] = {
    tag_word(group, element): None
    for (group, _), elements in _PRIVATE.items()
    for block in _BLOCKS
    for element in (block, *(block << 8 | e for e in elements))
}

#: what the SUV of a whole series rests on: every image of it must say the same
_OF_THE_SERIES = tuple(
    tag_word(group, element)
    for group, element in (
        (0x0010, 0x0040),  # PatientSex
        (0x0010, 0x1020),  # PatientSize
        (0x0010, 0x1030),  # PatientWeight
        (0x0028, 0x0051),  # CorrectedImage
        (0x0054, 0x0016),  # RadiopharmaceuticalInformationSequence, as its bytes
        (0x0054, 0x1001),  # Units
        (0x0054, 0x1006),  # SUVType
        (0x0054, 0x1102),  # DecayCorrection
    )
)

WANTED: frozenset[int] = frozenset((_CHARSET, *KEPT, *_PRIVATE_WORDS, *_OF_THE_SERIES))

_remembered: dict[tuple[int, bytes, str], Any] = {}
_FIELD_NAMES = frozenset(f.name for f in fields(InstanceHeader))
assert all(name in _FIELD_NAMES for name, _, _ in KEPT.values())


def header_fields(values: Mapping[int, bytes]) -> dict[str, Any]:
    """Fields of an `InstanceHeader` from raw element values (little endian), by tag word.

    An element that can't be read is left out (NaN where a default would change numbers) and its keyword is
    listed under ``problems``. Most values repeat from slice to slice and are converted only once.
    """
    charset = _ascii(values.get(_CHARSET, b""))
    found: dict[str, Any] = {}
    problems: list[str] = []
    remembered = _remembered
    if len(remembered) > _MAX_REMEMBERED:
        remembered.clear()
    for word, raw in values.items():
        entry = KEPT.get(word)
        if entry is None:
            continue
        key = (word, raw, charset)
        name = entry[0]
        if key in remembered:
            found[name] = remembered[key]
            continue
        try:
            found[name] = remembered[key] = entry[2](raw, charset)
        except (_UnreadableError, ValueError, LookupError, OverflowError):
            problems.append(entry[1])
            if name in _NAN_FIELDS:
                found[name] = math.nan
    found["of_the_series"] = _of_the_series(tuple(values.get(word, b"") for word in _OF_THE_SERIES))
    private = _private(values)
    if private:
        found["private"] = private
    if problems:
        found["problems"] = tuple(problems)
    return found


@lru_cache(maxsize=256)
def _of_the_series(raw: tuple[bytes, ...]) -> str:
    """A digest that is equal for images that say the same of the patient, the injection and the kind of values."""
    return hashlib.blake2b(b"\0\0".join(raw), digest_size=8).hexdigest()


def _private(values: Mapping[int, bytes]) -> dict[str, str]:
    """The vendor's private elements, named as if their block were the first ("0009,100d")."""
    present = [word for word in values if word in _PRIVATE_WORDS]
    found: dict[str, str] = {}
    for (group, creator), elements in _PRIVATE.items() if present else ():
        for block in _blocks_of(values, group, creator):
            for element in elements:
                raw = values.get(tag_word(group, block << 8 | element))
                if raw is not None:
                    found.setdefault(f"{group:04x},10{element:02x}", _ascii(raw))
    return found


def _blocks_of(values: Mapping[int, bytes], group: int, creator: str) -> Iterable[int]:
    """Blocks reserved by `creator`; block 10 also where de-identification dropped the creator."""
    named = [block for block in _BLOCKS if _ascii(values.get(tag_word(group, block), b"")) == creator]
    if not named and tag_word(group, 0x10) not in values:
        return (0x10,)
    return named
