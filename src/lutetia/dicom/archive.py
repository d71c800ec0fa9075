"""Zip archives as folders: members are read in memory, nothing is unpacked to disk.

An archive from outside may lie about its names and sizes. What can't be trusted is refused as a whole, with
one message, before any member is decompressed.

An archive inside an archive is a folder too, one level deep: its members are named ``inner.zip`` + `WITHIN` + name. It
keeps the same limits by itself, and what it holds counts towards those of the archive it lies in (`Budget`).
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import BinaryIO, TypeVar

from lutetia.dicom.instance import WITHIN, file_place
from lutetia.model import InputError

MAX_ENTRIES = 50_000
MAX_MEMBER_BYTES = 8 << 30
MAX_TOTAL_BYTES = 64 << 30
#: an archive inside an archive is held in memory as it is packed
MAX_INNER_BYTES = 1 << 30
#: above this total, an archive that claims to shrink more than `MAX_RATIO` times is taken for a bomb
_BOMB_FLOOR_BYTES = 1 << 30
MAX_RATIO = 200
_END_RECORD = b"PK\x05\x06"

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, KeyError, RuntimeError)

T = TypeVar("T")


def is_zip(path: str) -> bool:
    """Whether the file begins like a zip archive (also an empty one)."""
    try:
        with open(path, "rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", _END_RECORD)
    except OSError:
        return False


@dataclass
class Budget:
    """What an archive and the archives inside it may still hold, together."""

    entries: int = MAX_ENTRIES
    bytes: int = MAX_TOTAL_BYTES


def is_nested(member: str) -> bool:
    """Whether a member lies in an archive inside the archive."""
    return WITHIN in member


def members(path: str, inner: str = "", budget: Budget | None = None) -> list[str]:
    """Names of the files in an archive, in name order, after every check.

    Parameters
    ----------
    path : the archive
    inner : the member that is an archive itself, whose files are asked for; "" for those of the archive
    budget : what may be held together with other archives of the same file; what is found is taken from it

    Raises
    ------
    InputError
        ``archive-damaged``, ``archive-encrypted``, ``archive-unsafe-path``, ``archive-too-large``.
    """
    budget = budget or Budget()
    place = file_place(path, inner)
    with _bytes_of(path, inner) as stream:
        packed = max(1, stream.seek(0, os.SEEK_END))
        claimed = _claimed_entries(stream)
    if claimed > budget.entries:
        raise _too_large(place, f"it holds {claimed:,} entries")
    infos = _archive(path, inner).infolist()
    files = [info for info in infos if not info.is_dir()]
    if len(infos) > budget.entries:
        raise _too_large(place, f"it holds {len(infos):,} entries")
    for info in infos:
        _check_name(place, info)
    if any(info.flag_bits & 0x1 for info in files):
        raise InputError(
            "archive-encrypted",
            "The archive is protected by a password",
            where=place,
            expected="a zip archive without encryption",
            remedy="unpack it with its password and give the folder",
        )
    total = sum(info.file_size for info in files)
    if total > budget.bytes or any(info.file_size > MAX_MEMBER_BYTES for info in files):
        raise _too_large(place, f"unpacked it would be {total / 2**30:,.0f} GiB")
    if total > _BOMB_FLOOR_BYTES and total / packed > MAX_RATIO:
        raise _too_large(place, f"it claims to unpack to {total / packed:,.0f} times its size")
    names = [info.filename for info in files]
    if len(set(names)) != len(names):
        raise InputError(
            "archive-damaged",
            "The archive holds two entries of the same name",
            where=place,
            expected="every name once",
            remedy="pack the folder again",
        )
    budget.entries -= len(infos)
    budget.bytes -= total
    return sorted(f"{inner}{WITHIN}{name}" if inner else name for name in names)


def _bytes_of(path: str, inner: str) -> BinaryIO:
    """The packed bytes of an archive, or of the archive inside it."""
    return io.BytesIO(_inner_bytes(*_identity(path), inner)) if inner else open(path, "rb")


def _claimed_entries(stream: BinaryIO) -> int:
    """The number of entries the end record names, without reading the directory (0 where there is none)."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 65_557 - 20 - 56))
    tail = stream.read()
    end = tail.rfind(_END_RECORD)
    if end < 0 or end + 22 > len(tail):
        return 0
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    if count == 0xFFFF and wide >= 0:
        count = int.from_bytes(tail[wide + 32 : wide + 40], "little")
    return count


def _check_name(place: str, info: zipfile.ZipInfo) -> None:
    name = info.orig_filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    symlink = (info.external_attr >> 16) & 0o170000 == 0o120000
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":") or "\0" in name or symlink:
        raise InputError(
            "archive-unsafe-path",
            f"The archive holds an entry that points outside it: {info.orig_filename[:80]!r}",
            where=place,
            expected="relative names without '..', links or drive letters",
            remedy="do not trust this archive; ask for it again, or unpack it safely and give the folder",
        )


def _too_large(place: str, why: str) -> InputError:
    return InputError(
        "archive-too-large",
        f"The archive is refused: {why}",
        where=place,
        expected=f"at most {MAX_ENTRIES:,} entries and {MAX_TOTAL_BYTES >> 30} GiB, packed at most {MAX_RATIO} times",
        remedy="unpack it yourself and give the folder",
    )


def _identity(path: str) -> tuple[str, int, int]:
    status = os.stat(path)
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _opened(path: str, modified_ns: int, size: int) -> zipfile.ZipFile:
    return _directory(path, file_place(path))


@lru_cache(maxsize=2)
def _inner_bytes(path: str, modified_ns: int, size: int, inner: str) -> bytes:
    if member_size(path, inner) > MAX_INNER_BYTES:
        raise InputError(
            "archive-too-large",
            "An archive inside an archive is refused: it is too large to be held in memory",
            where=file_place(path, inner),
            expected=f"at most {MAX_INNER_BYTES >> 30} GiB",
            remedy="unpack the outer archive and give the folder",
        )
    return read_member(path, inner)


@lru_cache(maxsize=4)
def _opened_inner(path: str, modified_ns: int, size: int, inner: str) -> zipfile.ZipFile:
    return _directory(io.BytesIO(_inner_bytes(path, modified_ns, size, inner)), file_place(path, inner))


def _directory(file: str | BinaryIO, place: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise InputError(
            "archive-damaged",
            f"The zip archive can't be read ({error})",
            where=place,
            expected="a complete zip archive",
            remedy="copy or download it again",
        ) from error


def _archive(path: str, inner: str = "") -> zipfile.ZipFile:
    """The archive, or the archive inside it."""
    return _opened_inner(*_identity(path), inner) if inner else _opened(*_identity(path))


def _locate(path: str, member: str) -> tuple[zipfile.ZipFile, str]:
    """The archive that holds a member, and its name there."""
    inner, _, name = member.rpartition(WITHIN)
    return _archive(path, inner), name


def member_size(path: str, member: str) -> int:
    """Uncompressed size of a member in bytes, as the archive's directory says."""
    archive, name = _locate(path, member)
    return archive.getinfo(name).file_size


class MemberStream:
    """A member read forward; decompression errors become one clear `InputError`."""

    def __init__(self, path: str, member: str) -> None:
        self._place = file_place(path, member)
        archive, name = _locate(path, member)
        self._stream = self._guarded(lambda: archive.open(name))

    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except _DAMAGE as error:
            raise InputError(
                "archive-damaged",
                f"An entry of the archive can't be unpacked ({error})",
                where=self._place,
                expected="data that fit their checksum",
                remedy="copy or download the archive again",
            ) from error

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, or all that are left."""
        return self._guarded(lambda: self._stream.read(size))

    def __enter__(self) -> MemberStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def read_member(path: str, member: str) -> bytes:
    """All bytes of a member.

    Raises
    ------
    InputError
        ``archive-damaged`` when it does not decompress or its checksum is wrong.
    """
    with MemberStream(path, member) as stream:
        return stream.read()
