"""A walk over the bytes of a little-endian DICOM file that keeps only the elements a slice needs.

Building a full dataset per slice is what makes reading a thousand files slow. This walk touches each top-level
element once, steps over sequences (also those of undefined length), and stops at the pixel data. Whatever it
does not expect it hands back as `SurpriseError`, and pydicom reads that file instead.

Layout of elements: DICOM PS3.5 §7.1 (explicit and implicit VR), §7.5 (sequences), §A.4 (encapsulated pixel data).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

UNDEFINED = 0xFFFFFFFF
#: tags are kept as the little-endian 32-bit word in the file: element in the high half, group in the low one
PIXEL_DATA = 0x00107FE0
FLOAT_PIXEL_DATA = 0x00087FE0
DOUBLE_PIXEL_DATA = 0x00097FE0
_ITEM = 0xE000FFFE
_ITEM_END = 0xE00DFFFE
_SEQUENCE_END = 0xE0DDFFFE

_EXPLICIT = Struct("<I2sH").unpack_from
_IMPLICIT = Struct("<II").unpack_from
_LONG = Struct("<I").unpack_from
_LONG_VR = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"))
_SHORT_VR = frozenset(
    (
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
        b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
    )
)  # fmt: skip
_MAX_DEPTH = 16


class SurpriseError(Exception):
    """The bytes are not what the walk expects: let pydicom read this file."""


class NeedMoreError(Exception):
    """The walk ran past the bytes it was given."""


def tag_word(group: int, element: int) -> int:
    """(group, element) as the 32-bit word the walk compares with."""
    return element << 16 | group


@dataclass(frozen=True, slots=True)
class Walked:
    """Raw values by tag word, and where the pixel data lie.

    `pixel_length` is None for encapsulated data (then `pixel_start` is the first item); `pixel_start` is None
    where there is no pixel data. `pixel_tag` tells integer from float pixel data.
    """

    transfer_syntax_uid: str
    media_class_uid: str
    values: dict[int, bytes]
    pixel_start: int | None
    pixel_length: int | None
    pixel_tag: int | None


def file_meta(data: bytes) -> tuple[str, str, int]:
    """Transfer syntax UID, SOP class UID and the offset of the dataset, of a file with preamble and meta header.

    Raises
    ------
    SurpriseError
        No preamble, no group length, or no transfer syntax.
    NeedMoreError
        The meta header is longer than `data`.
    """
    if data[128:132] != b"DICM":
        raise SurpriseError("no preamble")
    try:
        word, vr, size = _EXPLICIT(data, 132)
        if word != 0x00000002 or vr != b"UL" or size != 4:
            raise SurpriseError("no group length in the meta header")
        end = 144 + _LONG(data, 140)[0]
        position, syntax, media = 144, "", ""
        if end > len(data):
            raise NeedMoreError
        while position < end:
            word, vr, size = _EXPLICIT(data, position)
            if word & 0xFFFF != 2:
                raise SurpriseError("the meta header is longer or shorter than it says")
            if vr in _LONG_VR:
                size = _LONG(data, position + 8)[0]
                position += 12
            else:
                position += 8
            if word == 0x00100002:
                syntax = data[position : position + size].decode("ascii", "replace").strip(" \0")
            elif word == 0x00020002:
                media = data[position : position + size].decode("ascii", "replace").strip(" \0")
            position += size
    except StructError:
        raise NeedMoreError from None
    if position != end or not syntax:
        raise SurpriseError("no transfer syntax in the meta header")
    return syntax, media, end


def walk(data: bytes, wanted: Container[int], file_size: int) -> Walked:
    """Walk the top-level elements of `data`, the first bytes of a file of `file_size` bytes.

    Parameters
    ----------
    data : bytes
        The beginning of the file, or all of it.
    wanted : container of int
        Tag words (see `tag_word`) whose values are kept.
    file_size : int
        Size of the whole file; elements that claim to end beyond it are a `SurpriseError`.

    Raises
    ------
    SurpriseError
        The file is not little-endian with a meta header, or breaks the encoding rules.
    NeedMoreError
        `data` ends before the pixel data; call again with more.
    """
    syntax, media, position = file_meta(data)
    if syntax in (DEFLATED_LITTLE, EXPLICIT_BIG):
        raise SurpriseError(f"transfer syntax {syntax}")
    explicit = syntax != IMPLICIT_LITTLE
    values: dict[int, bytes] = {}
    length = len(data)
    long_vr, short_vr, head, plain, long = _LONG_VR, _SHORT_VR, _EXPLICIT, _IMPLICIT, _LONG
    previous, vr = -1, b""
    try:
        while True:
            if position + 8 > length:
                if position == file_size:
                    return Walked(syntax, media, values, None, None, None)
                if length >= file_size:
                    raise SurpriseError("the file ends inside an element")
                raise NeedMoreError
            if explicit:
                word, vr, size = head(data, position)
                if vr in short_vr:
                    position += 8
                elif vr in long_vr:
                    size = long(data, position + 8)[0]
                    position += 12
                else:
                    raise SurpriseError(f"unknown value representation {vr!r}")
            else:
                word, size = plain(data, position)
                position += 8
            order = (word & 0xFFFF) << 16 | word >> 16
            if order <= previous:
                raise SurpriseError("elements out of order")
            previous = order
            if word in (PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA):
                return Walked(syntax, media, values, position, None if size == UNDEFINED else size, word)
            if size == UNDEFINED:  # an unknown sequence of undefined length is implicit inside (PS3.5 §6.2.2)
                begin, position = position, _skip_sequence(data, position, explicit and vr != b"UN", 0)
                if word in wanted:
                    if position > length:
                        raise NeedMoreError
                    values[word] = data[begin:position]
                continue
            if word in wanted:
                if position + size > length:
                    if length >= file_size:
                        raise SurpriseError("the file ends inside an element")
                    raise NeedMoreError
                values[word] = data[position : position + size]
            position += size
            if position > file_size:
                raise SurpriseError("an element claims to end beyond the file")
    except StructError:
        if length >= file_size:
            raise SurpriseError("the file ends inside an element") from None
        raise NeedMoreError from None


def _skip_sequence(data: bytes, position: int, explicit: bool, depth: int) -> int:
    """Position behind a sequence of undefined length whose first item starts at `position`."""
    if depth > _MAX_DEPTH:
        raise SurpriseError("sequences nested too deep")
    while True:
        word, size = _IMPLICIT(data, position)
        position += 8
        if word == _SEQUENCE_END:
            return position
        if word != _ITEM:
            raise SurpriseError("a sequence holds something that is no item")
        position = _skip_item(data, position, explicit, depth) if size == UNDEFINED else position + size


def _skip_item(data: bytes, position: int, explicit: bool, depth: int) -> int:
    """Position behind an item of undefined length whose first element starts at `position`."""
    while True:
        word, size = _IMPLICIT(data, position)
        inside = explicit
        if word == _ITEM_END:
            return position + 8
        if explicit:
            _, vr, short = _EXPLICIT(data, position)
            if vr in _LONG_VR:
                size = _LONG(data, position + 8)[0]
                position += 12
                inside = vr != b"UN"
            elif vr in _SHORT_VR:
                size = short
                position += 8
            else:
                raise SurpriseError(f"unknown value representation {vr!r}")
        else:
            position += 8
        position = _skip_sequence(data, position, inside, depth + 1) if size == UNDEFINED else position + size
