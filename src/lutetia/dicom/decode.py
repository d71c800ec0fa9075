"""Stored values of one frame, whatever the transfer syntax."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom import archive
from lutetia.dicom.files import read_dataset
from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.transfer_syntax import CODECS, bytes_per_frame, decodable
from lutetia.dicom.walk import EXPLICIT_BIG
from lutetia.model import InputError

Stored = npt.NDArray[Any]

_HAS_PREADV = hasattr(os, "preadv")


def stored_dtype(header: InstanceHeader) -> np.dtype[Any]:
    """Little-endian integer type of the stored values.

    Raises
    ------
    InputError
        ``unsupported-pixels`` for colour, float or odd bit depths.
    """
    if header.samples_per_pixel != 1:
        raise _unsupported(header, f"it has {header.samples_per_pixel} samples per pixel", "one grey value per pixel")
    if "FloatPixelData" in header.problems:
        raise _unsupported(header, "its pixels are floating-point numbers", "Pixel Data (7FE0,0010) with integers")
    if header.high_bit is not None and header.bits_stored > 0 and header.high_bit != header.bits_stored - 1:
        why = f"High Bit (0028,0102) is {header.high_bit} with {header.bits_stored} bits stored"
        raise _unsupported(header, why, "High Bit one below Bits Stored (PS3.5 section 8.1.1)")
    if header.bits_allocated not in (8, 16, 32):
        raise _unsupported(header, f"{header.bits_allocated} bits are allocated", "8, 16 or 32 bits allocated")
    kind = "i" if header.pixel_representation == 1 else "u"
    return np.dtype(f"<{kind}{header.bits_allocated // 8}")


def _unsupported(header: InstanceHeader, why: str, expected: str) -> InputError:
    return InputError(
        "unsupported-pixels",
        f"The pixels can't be read: {why}",
        where=header.where,
        expected=expected,
        remedy="export the original series",
    )


def read_stored(header: InstanceHeader, out: Stored) -> None:
    """Read the stored values of one frame into `out`, shape (rows, columns), of `stored_dtype`.

    Raises
    ------
    InputError
        ``truncated-file``, ``pixel-length-mismatch``, ``unsupported-transfer-syntax``, ``undecodable-pixels``,
        ``unreadable-file``.
    """
    if not decodable(header):
        raise _unknown_syntax(header)
    if header.pixel_offset is not None and not header.member:
        _read_native(header, out)
        return
    out[...] = _as_stored(header, _frame(header), out.dtype)


def _read_native(header: InstanceHeader, out: Stored) -> None:
    size = bytes_per_frame(header)
    offset = (header.pixel_offset or 0) + (header.frame or 0) * size
    view = out.reshape(-1).view(np.uint8).data
    try:
        descriptor = os.open(header.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            if _HAS_PREADV:
                got = os.preadv(descriptor, [view], offset)
            else:
                os.lseek(descriptor, offset, os.SEEK_SET)
                data = os.read(descriptor, size)
                got = len(data)
                view[:got] = data
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(
            "unreadable-file",
            f"The file can't be read ({error.strerror or error})",
            where=header.where,
            expected="the file found when the folder was scanned",
            remedy="check that the folder is still there",
        ) from error
    if got != size:
        raise _truncated(header, size - got)


def _truncated(header: InstanceHeader, missing: int) -> InputError:
    return InputError(
        "truncated-file",
        f"The file is cut off: {missing:,} bytes of pixel data are missing",
        where=header.where,
        expected=f"{header.rows} × {header.columns} pixels of {header.bits_allocated} bits",
        remedy="copy or export the file again",
    )


def _frame(header: InstanceHeader) -> bytes | Stored:
    """The frame as native little-endian bytes or as a decoded array."""
    if header.pixel_offset is not None:
        data = _whole_member(header.path, header.member)
        size = bytes_per_frame(header)
        start = header.pixel_offset + (header.frame or 0) * size
        return data[start : start + size]
    if header.encapsulated_offset is not None:
        return decode(header, _compressed(header, header.encapsulated_offset))
    return _by_pydicom(header)


@lru_cache(maxsize=2)
def _whole_member(path: str, member: str) -> bytes:
    return archive.read_member(path, member)


@lru_cache(maxsize=1)
def _whole_file(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


@lru_cache(maxsize=1)
def _frames(path: str, member: str, offset: int, n_frames: int) -> tuple[bytes, ...]:
    """The compressed bytes of every frame of a multi-frame object."""
    data = (_whole_member(path, member) if member else _whole_file(path))[offset:]
    return _split_frames(data, n_frames)


def _split_frames(data: bytes, n_frames: int) -> tuple[bytes, ...]:
    from pydicom.encaps import generate_frames

    return tuple(generate_frames(data, number_of_frames=n_frames))


def _compressed(header: InstanceHeader, offset: int) -> bytes:
    """The compressed bytes of one frame out of encapsulated pixel data (PS3.5 §A.4)."""
    try:
        if header.frame is not None:
            return _frames(header.path, header.member, offset, header.n_frames)[header.frame]
        if header.member:
            return _all_fragments(_whole_member(header.path, header.member)[offset:])
        with open(header.path, "rb") as stream:
            stream.seek(offset)
            return _all_fragments(stream.read())
    except (ValueError, struct.error, IndexError, TypeError) as error:
        raise _undecodable(header, f"the fragments are out of order ({error})") from error


def _all_fragments(data: bytes) -> bytes:
    position, fragments = 0, []
    while True:
        tag, size = struct.unpack_from("<II", data, position)
        position += 8
        if tag == 0xE0DDFFFE:
            break
        if tag != 0xE000FFFE or position + size > len(data):
            raise ValueError("the data end inside a fragment")
        fragments.append(data[position : position + size])
        position += size
    if len(fragments) < 2:
        raise ValueError("no fragment")
    return fragments[1] if len(fragments) == 2 else b"".join(fragments[1:])


def _undecodable(header: InstanceHeader, why: str) -> InputError:
    name = CODECS.get(header.transfer_syntax_uid, ("", header.transfer_syntax_uid))[1]
    return InputError(
        "undecodable-pixels",
        f"The compressed pixels can't be decoded: {why}",
        where=header.where,
        expected=f"one complete {name} image",
        remedy="copy or export the file again",
    )


def _unknown_syntax(header: InstanceHeader) -> InputError:
    return InputError(
        "unsupported-transfer-syntax",
        f"The transfer syntax {header.transfer_syntax_uid or '(none)'} can't be decoded",
        where=header.where,
        expected="uncompressed, RLE, JPEG lossless, JPEG-LS or JPEG 2000",
        remedy="export the series uncompressed (Explicit VR Little Endian)",
    )


def decode(header: InstanceHeader, data: bytes) -> Stored:
    """Decode one compressed frame to an array of shape (rows, columns).

    Raises
    ------
    InputError
        ``unsupported-transfer-syntax``, ``undecodable-pixels``.
    """
    codec, _ = CODECS.get(header.transfer_syntax_uid, ("", ""))
    if not codec:
        raise _unknown_syntax(header)
    try:
        import imagecodecs
    except ImportError as error:
        raise InputError(
            "no-decoder",
            "The package imagecodecs, which decodes compressed images, can't be loaded",
            where=header.where,
            expected="imagecodecs among the installed packages",
            remedy="pip install imagecodecs, or export the series uncompressed",
        ) from error
    try:
        if codec == "rle":
            flat = np.frombuffer(imagecodecs.dicomrle_decode(data, dtype=stored_dtype(header)), stored_dtype(header))
            array: Stored = flat.reshape(header.rows, header.columns)
        else:
            array = getattr(imagecodecs, f"{codec}_decode")(data)
    except InputError:
        raise
    except Exception as error:  # each codec has its own exception types
        raise _undecodable(header, str(error) or type(error).__name__) from error
    return array


def _by_pydicom(header: InstanceHeader) -> bytes | Stored:
    """Pixels of a file the walk could not follow: deflated, big-endian, without preamble or oddly encoded."""
    dataset = _parsed(header.path, header.member)
    data = dataset.get("PixelData")
    if not data:
        raise InputError(
            "no-pixel-data",
            "The image holds no pixel data",
            where=header.where,
            expected="Pixel Data (7FE0,0010)",
            remedy="copy or export the file again",
        )
    if header.transfer_syntax_uid in CODECS:
        try:
            frames = _split_frames(bytes(data), header.n_frames)
            return decode(header, frames[header.frame or 0])
        except (ValueError, struct.error, IndexError, TypeError) as error:
            raise _undecodable(header, f"the fragments are out of order ({error})") from error
    size = bytes_per_frame(header)
    expected, got = size * header.n_frames, len(data)
    if got < expected or got - expected >= max(2, header.columns * header.bits_allocated // 8):
        raise _length_mismatch(header, got)
    start = (header.frame or 0) * size
    frame = bytes(data[start : start + size])
    if header.transfer_syntax_uid == EXPLICIT_BIG:
        dtype = stored_dtype(header)
        return np.frombuffer(frame, dtype.newbyteorder(">")).astype(dtype)
    return frame


@lru_cache(maxsize=2)
def _parsed(path: str, member: str) -> Any:
    return read_dataset(InstanceHeader(path=path, member=member), pixels=True)


def forget() -> None:
    """Let go of the files that were kept in memory between frames."""
    for cache in (_whole_member, _whole_file, _frames, _parsed):
        cache.cache_clear()


def _length_mismatch(header: InstanceHeader, got: int) -> InputError:
    return InputError(
        "pixel-length-mismatch",
        f"The header contradicts the pixels: {header.rows} rows × {header.columns} columns, {got:,} values or bytes",
        where=header.where,
        expected="Rows × Columns as many pixels as the file holds",
        remedy="export the file again",
    )


def _as_stored(header: InstanceHeader, frame: bytes | Stored, dtype: np.dtype[Any]) -> Stored:
    if isinstance(frame, bytes | bytearray | memoryview):
        if len(frame) < bytes_per_frame(header):
            raise _truncated(header, bytes_per_frame(header) - len(frame))
        frame = np.frombuffer(frame, dtype)
    if frame.size != header.rows * header.columns:
        raise _length_mismatch(header, int(frame.size))
    frame = frame.reshape(header.rows, header.columns)
    if frame.dtype.itemsize == dtype.itemsize and frame.dtype.kind in "iu":
        return frame.view(dtype)
    return frame.astype(dtype)
