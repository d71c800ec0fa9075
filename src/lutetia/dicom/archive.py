"""Zip archives as folders: members are read in memory, nothing is unpacked to disk.

An archive from outside may lie about its names and sizes. What can't be trusted is refused as a whole, with
one message, before any member is decompressed.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TypeVar

from lutetia.dicom.instance import file_place
from lutetia.model import InputError

MAX_ENTRIES = 50_000
MAX_MEMBER_BYTES = 8 << 30
MAX_TOTAL_BYTES = 64 << 30
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


def members(path: str) -> list[str]:
    """Names of the files in an archive, in name order, after every check.

    Raises
    ------
    InputError
        ``archive-damaged``, ``archive-encrypted``, ``archive-unsafe-path``, ``archive-too-large``.
    """
    claimed = _claimed_entries(path)
    if claimed > MAX_ENTRIES:
        raise _too_large(path, f"it holds {claimed:,} entries")
    infos = _opened(*_identity(path)).infolist()
    files = [info for info in infos if not info.is_dir()]
    if len(infos) > MAX_ENTRIES:
        raise _too_large(path, f"it holds {len(infos):,} entries")
    for info in infos:
        _check_name(path, info)
    if any(info.flag_bits & 0x1 for info in files):
        raise InputError(
            "archive-encrypted",
            "The archive is protected by a password",
            where=file_place(path),
            expected="a zip archive without encryption",
            remedy="unpack it with its password and give the folder",
        )
    total = sum(info.file_size for info in files)
    packed = max(1, os.path.getsize(path))
    if total > MAX_TOTAL_BYTES or any(info.file_size > MAX_MEMBER_BYTES for info in files):
        raise _too_large(path, f"unpacked it would be {total / 2**30:,.0f} GiB")
    if total > _BOMB_FLOOR_BYTES and total / packed > MAX_RATIO:
        raise _too_large(path, f"it claims to unpack to {total / packed:,.0f} times its size")
    names = [info.filename for info in files]
    if len(set(names)) != len(names):
        raise InputError(
            "archive-damaged",
            "The archive holds two entries of the same name",
            where=file_place(path),
            expected="every name once",
            remedy="pack the folder again",
        )
    return sorted(names)


def _claimed_entries(path: str) -> int:
    """The number of entries the end record names, without reading the directory (0 where there is none)."""
    with open(path, "rb") as stream:
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


def _check_name(path: str, info: zipfile.ZipInfo) -> None:
    name = info.orig_filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    symlink = (info.external_attr >> 16) & 0o170000 == 0o120000
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":") or "\0" in name or symlink:
        raise InputError(
            "archive-unsafe-path",
            f"The archive holds an entry that points outside it: {info.orig_filename[:80]!r}",
            where=file_place(path),
            expected="relative names without '..', links or drive letters",
            remedy="do not trust this archive; ask for it again, or unpack it safely and give the folder",
        )


def _too_large(path: str, why: str) -> InputError:
    return InputError(
        "archive-too-large",
        f"The archive is refused: {why}",
        where=file_place(path),
        expected=f"at most {MAX_ENTRIES:,} entries and {MAX_TOTAL_BYTES >> 30} GiB, packed at most {MAX_RATIO} times",
        remedy="unpack it yourself and give the folder",
    )


def _identity(path: str) -> tuple[str, int, int]:
    status = os.stat(path)
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _opened(path: str, modified_ns: int, size: int) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise InputError(
            "archive-damaged",
            f"The zip archive can't be read ({error})",
            where=file_place(path),
            expected="a complete zip archive",
            remedy="copy or download it again",
        ) from error


def member_size(path: str, member: str) -> int:
    """Uncompressed size of a member in bytes, as the archive's directory says."""
    return _opened(*_identity(path)).getinfo(member).file_size


class MemberStream:
    """A member read forward; decompression errors become one clear `InputError`."""

    def __init__(self, path: str, member: str) -> None:
        self._place = file_place(path, member)
        self._stream = self._guarded(lambda: _opened(*_identity(path)).open(member))

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
