"""One file, on disk or inside an archive, to its header: the fast walk first, pydicom on any surprise."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from lutetia.dicom import archive
from lutetia.dicom.elements import WANTED, header_fields
from lutetia.dicom.instance import InstanceHeader, file_place
from lutetia.dicom.walk import (
    DEFLATED_LITTLE,
    FLOAT_PIXEL_DATA,
    PIXEL_DATA,
    NeedMoreError,
    SurpriseError,
    Walked,
    tag_word,
    walk,
)
from lutetia.model import InputError, Issue
from lutetia.model.base import Level

_FIRST_BYTES = 12_288
#: PET, CT and NM images, single- and multi-frame
_IMAGE_CLASSES = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("128", "128.1", "130", "2", "2.1", "2.2", "20")
)
DICOMDIR_CLASS = "1.2.840.10008.1.3.10"

#: what a zip archive is called
ZIP = "a zip archive"
#: how the first bytes of a file that is no DICOM may look, and what to call it
_MAGIC = (
    (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x30\x82", "perhaps an encrypted DICOM envelope (CMS)"),
    (b"Salted__", "an encrypted file"),
)


class NotDicomError(Exception):
    """The file is no DICOM file; the message says what it looks like."""


def read_header(path: str, member: str = "") -> InstanceHeader:
    """The header of one DICOM file.

    Parameters
    ----------
    path : str
        The file, or the archive that holds it.
    member : str
        The entry's name inside the archive.

    Raises
    ------
    NotDicomError
        The file is something else.
    InputError
        It is DICOM (or empty) but can't be read: ``empty-file``, ``truncated-file``, ``unreadable-header``.
    OSError
        The file can't be opened.
    """
    if member:
        size = archive.member_size(path, member)
        with archive.MemberStream(path, member) as stream:
            return _from_stream(stream, size, path, member)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        want = _FIRST_BYTES
        while True:
            os.lseek(descriptor, 0, os.SEEK_SET)
            head = os.read(descriptor, want)
            try:
                return _header(walk(head, WANTED, size), size, path, "")
            except NeedMoreError:
                if len(head) >= size:
                    break
                want *= 8
            except SurpriseError:
                break
    finally:
        os.close(descriptor)
    with open(path, "rb") as stream:
        return _by_pydicom(stream, size, path, "")


def _from_stream(stream: archive.MemberStream, size: int, path: str, member: str) -> InstanceHeader:
    head = stream.read(_FIRST_BYTES)
    while True:
        try:
            return _header(walk(head, WANTED, size), size, path, member)
        except NeedMoreError:
            more = stream.read(len(head) * 7)
            if not more:
                break
            head += more
        except SurpriseError:
            break
    return _by_pydicom(io.BytesIO(head + stream.read()), size, path, member)


def _header(walked: Walked, size: int, path: str, member: str) -> InstanceHeader:
    found = header_fields(walked.values)
    start, length = walked.pixel_start, walked.pixel_length
    if start is not None and walked.pixel_tag == PIXEL_DATA:
        if length is None:
            found["encapsulated_offset"] = start
        else:
            found["pixel_offset"], found["pixel_length"] = start, length
    elif walked.pixel_tag is not None:
        found["problems"] = (*found.get("problems", ()), "FloatPixelData")
    found["sop_class_uid"] = found.get("sop_class_uid") or walked.media_class_uid or _class_of_modality(found, start)
    if start is None:
        _require_pixels(found, file_place(path, member))
    return InstanceHeader(
        path=path, member=member, transfer_syntax_uid=walked.transfer_syntax_uid, file_size=size, **found
    )


def _require_pixels(found: dict[str, Any], place: str) -> None:
    """A file of an image class that ends before its pixels was cut off."""
    if found["sop_class_uid"] in _IMAGE_CLASSES:
        raise InputError(
            "truncated-file",
            "The file is cut off: the image has no pixel data",
            where=place,
            expected="Pixel Data (7FE0,0010)",
            remedy="copy or export the file again",
        )


def _class_of_modality(found: dict[str, Any], pixel_start: int | None) -> str:
    """De-identification may blank the SOP class; a single-frame PT or CT image can't be anything else."""
    if pixel_start is None or found.get("n_frames", 1) > 1:
        return ""
    return {"PT": "1.2.840.10008.5.1.4.1.1.128", "CT": "1.2.840.10008.5.1.4.1.1.2"}.get(found.get("modality", ""), "")


def _by_pydicom(stream: BinaryIO, size: int, path: str, member: str) -> InstanceHeader:
    """The slow way: pydicom parses the header, and its raw values go through the same conversion."""
    place = file_place(path, member)
    if size == 0:
        raise InputError(
            "empty-file",
            "The file is empty (0 bytes)",
            where=place,
            expected="a DICOM file",
            remedy="copy or export the file again",
        )
    head = stream.read(512)
    stream.seek(0)
    has_preamble = head[128:132] == b"DICM"
    if not has_preamble and not _looks_like_dataset(head):
        raise NotDicomError(_description(head))
    try:
        dataset = _dcmread(stream, force=not has_preamble)
        values, kind = _raw_values(dataset)
        pixels = "Rows" in dataset
        meta = dataset.file_meta
        syntax = str(meta.get("TransferSyntaxUID", "")) or ("" if has_preamble else "1.2.840.10008.1.2")
        media = str(meta.get("MediaStorageSOPClassUID", ""))
    except Exception as error:  # pydicom raises many kinds on damaged files; each is one message here
        raise InputError(
            "unreadable-header",
            f"The DICOM header can't be read ({type(error).__name__})",
            where=place,
            expected="a DICOM file that keeps the encoding rules (PS3.5)",
            remedy="copy or export the file again; the rest of the input is read without it",
        ) from error
    found = header_fields(values)
    found["sop_class_uid"] = found.get("sop_class_uid") or media or _class_of_modality(found, 1 if pixels else None)
    if not found["sop_class_uid"]:
        if has_preamble:
            raise InputError(
                "unreadable-header",
                "The DICOM header names no SOP class",
                where=place,
                expected="SOP Class UID (0008,0016)",
                remedy="copy or export the file again; the rest of the input is read without it",
            )
        raise NotDicomError(_description(head))
    if syntax != DEFLATED_LITTLE and stream.tell() >= size:
        _require_pixels(found, place)
    if kind == FLOAT_PIXEL_DATA:
        found["problems"] = (*found.get("problems", ()), "FloatPixelData")
    return InstanceHeader(path=path, member=member, transfer_syntax_uid=syntax, file_size=size, **found)


def _dcmread(stream: BinaryIO, *, force: bool, pixels: bool = False) -> Any:
    import pydicom

    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(stream, stop_before_pixels=not pixels, force=force)


def _raw_values(dataset: Any) -> tuple[dict[int, bytes], int | None]:
    """The wanted elements of a pydicom dataset as little-endian bytes."""
    from pydicom.dataelem import RawDataElement

    values: dict[int, bytes] = {}
    for tag in sorted(dataset.keys()):
        word = tag_word(tag.group, tag.element)
        if word not in WANTED:
            continue
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            raw = element.value or b""
            if element.VR == "US" and not element.is_little_endian:
                raw = b"".join(raw[i : i + 2][::-1] for i in range(0, len(raw) - 1, 2))
            values[word] = bytes(raw)
        elif element.VR == "US":
            values[word] = int(element.value).to_bytes(2, "little") if element.value is not None else b""
        else:
            value = element.value
            many = not isinstance(value, str | bytes) and hasattr(value, "__iter__")
            values[word] = ("\\".join(map(str, value)) if many else str("" if value is None else value)).encode()
    return values, FLOAT_PIXEL_DATA if (0x7FE0, 0x0008) in dataset or (0x7FE0, 0x0009) in dataset else None


def _looks_like_dataset(head: bytes) -> bool:
    """Whether bytes without a preamble may be a bare DICOM dataset: a first element of group 0002 or 0008."""
    group, element = head[:2], head[2:4]
    return len(head) >= 8 and (
        (group == b"\x02\x00" and element == b"\x00\x00") or (group == b"\x08\x00" and element <= b"\x70\x00")
    )


def _description(head: bytes) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return "a tar archive" if head[257:262] == b"ustar" else "not a DICOM file"


def read_dataset(instance: InstanceHeader, *, pixels: bool = False) -> Any:
    """The pydicom dataset of an instance (a `pydicom.Dataset`), without pixels unless asked for.

    Raises
    ------
    InputError
        ``unreadable-header`` when the file can't be parsed (any more).
    """
    try:
        with open_instance(instance) as stream:
            head = stream.read(132)
            stream.seek(0)
            return _dcmread(stream, force=head[128:132] != b"DICM", pixels=pixels)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            "unreadable-header",
            f"The file can't be read ({type(error).__name__}: {error})",
            where=instance.where,
            expected="the DICOM file that was found when the folder was scanned",
            remedy="copy or export the file again",
        ) from error


def open_instance(instance: InstanceHeader) -> BinaryIO:
    """The instance's bytes as a seekable stream."""
    if instance.member:
        return io.BytesIO(archive.read_member(instance.path, instance.member))
    return Path(instance.path).open("rb")


def as_issue(error: InputError, level: Level = "error") -> Issue:
    """An `InputError` about one file as an issue in the record."""
    message = error.what + (f"; {error.remedy}" if error.remedy else "")
    return Issue(code=error.code, level=level, message=message, where=error.where)
