"""Sequences as bytes in explicit little endian, for objects with thousands of small items (PS3.5 §7.1, §7.5).

pydicom asks a dozen questions of every element that have one answer here: the elements were made by us, hold plain
ASCII, and no value representation is open. What is otherwise is left to pydicom: one element, or the whole sequence.
The bytes are the same either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.multival import MultiValue

#: value representations whose values are strings, with what makes their length even
_TEXT = dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UR", "UT"), " ")
_TEXT["UI"] = "\0"
_NUMBER_TEXT = frozenset(("DS", "IS"))
_LONG = frozenset(("UC", "UR", "UT"))
_SHORT_HEAD, _LONG_HEAD, _ITEM_HEAD = Struct("<HH2sH").pack, Struct("<HH2s2xI").pack, Struct("<HHI").pack


class _UnknownError(Exception):
    """Something that only pydicom knows how to write."""


def encoded(element: DataElement | RawDataElement, encodings: Sequence[str] = ("utf8",)) -> bytes:
    """One element in explicit little endian, by pydicom."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_data_element(buffer, element, list(encodings))
    return buffer.getvalue()


def encoded_sequence(element: DataElement, encodings: Sequence[str]) -> bytes | None:
    """A sequence element with all that is in it; None where it holds something that is left to pydicom.

    Parameters
    ----------
    element : of value representation SQ
    encodings : Python's names of the character sets that hold for its texts
    """
    try:
        return _sequence(element, encodings)
    except _UnknownError:
        return None


def _sequence(element: DataElement, encodings: Sequence[str]) -> bytes:
    if element.is_undefined_length:
        raise _UnknownError
    items = b"".join([_item(item, encodings) for item in element.value or ()])
    tag = int(element.tag)
    return _LONG_HEAD(tag >> 16, tag & 0xFFFF, b"SQ", len(items)) + items


def _item(item: Dataset, encodings: Sequence[str]) -> bytes:
    if getattr(item, "is_undefined_length_sequence_item", False) or "SpecificCharacterSet" in item:
        raise _UnknownError
    parts = [_element(element, encodings) for element in sorted(item.values(), key=_tag)]
    content = b"".join(parts)
    return _ITEM_HEAD(0xFFFE, 0xE000, len(content)) + content


def _tag(element: DataElement | RawDataElement) -> int:
    return int(element.tag)


def _element(element: DataElement | RawDataElement, encodings: Sequence[str]) -> bytes:
    vr = element.VR
    if not isinstance(element, DataElement) or vr is None or len(vr) != 2 or not int(element.tag) & 0xFFFF:
        raise _UnknownError
    if vr == "SQ":
        return _sequence(element, encodings)
    text = _text_of(element.value, vr)
    if text is None or not text.isascii():
        return encoded(element, encodings)
    if len(text) % 2:
        text += _TEXT.get(vr, " ")
    tag = int(element.tag)
    if vr in _LONG:
        return _LONG_HEAD(tag >> 16, tag & 0xFFFF, vr.encode(), len(text)) + text.encode()
    if len(text) > 0xFFFF:
        return encoded(element, encodings)
    return _SHORT_HEAD(tag >> 16, tag & 0xFFFF, vr.encode(), len(text)) + text.encode()


def _text_of(value: Any, vr: str) -> str | None:
    """The text that stands for a value, several parted by backslashes; None where it is no text."""
    if vr in _TEXT:
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, MultiValue) and all(isinstance(one, str) for one in value):
            return "\\".join(value)
    elif vr in _NUMBER_TEXT and value is not None:
        if isinstance(value, MultiValue):
            return "\\".join(map(_number, value))
        return value if isinstance(value, str) else _number(value)
    return None


def _number(value: Any) -> str:
    """A decimal or integer string as it was read, else as its number is written."""
    return str(value.original_string) if hasattr(value, "original_string") else str(value)
