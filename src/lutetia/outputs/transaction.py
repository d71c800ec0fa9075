"""All files of a result change together: an interrupted run leaves the old result or the new one.

Files are written to a hidden folder inside the result. When all are there a journal is written, and only then are
they renamed into place. If the process dies during the renames, the next call finds the journal and finishes them.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType

from lutetia.model import InputError

_STAGING = ".lutetia-unfinished"
_JOURNAL = "journal.json"
MANIFEST = "manifest.json"


def cannot_write(path: Path, error: OSError) -> InputError:
    """The one message for a place that can't be written to."""
    return InputError(
        "cannot-write",
        f"{path} can't be written: {(error.strerror or str(error)).lower()}",
        where=str(error.filename or path),
        expected="a folder that may be written to, on a disk with room",
        remedy="give another place, or change its permissions",
    )


def check_place(out: Path) -> None:
    """Refuse a result folder that can't be written to, before hours of work and without making anything.

    Raises
    ------
    InputError
        ``cannot-write`` when `out` or the nearest folder above it that exists is a file or may not be written to.
    """
    place = out.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise cannot_write(out, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place)))
    if not os.access(place, os.W_OK | os.X_OK):
        raise cannot_write(out, PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place)))


@contextmanager
def writing_into(out: Path) -> Iterator[None]:
    """Turn every error of the disk under `out` within the block into the one message for it."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        if error.filename is not None and not Path(os.fsdecode(error.filename)).absolute().is_relative_to(
            out.absolute()
        ):
            raise
        raise cannot_write(out, error) from error


def _inside(name: str) -> PurePosixPath:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or "\\" in name or ":" in name:
        raise InputError(
            "path-outside-result",
            f"the name {name!r} does not stay inside the result folder",
            expected="a relative name without '..'",
        )
    return relative


def finish_interrupted(out: Path) -> bool:
    """Complete a result whose renames were interrupted, or clear one that never got that far. True if completed."""
    staging = out / _STAGING
    if not staging.is_dir():
        return False
    journal = staging / _JOURNAL
    if not journal.is_file():
        shutil.rmtree(staging, ignore_errors=True)
        return False
    _move_into_place(out, json.loads(journal.read_text(encoding="utf-8")))
    return True


def _move_into_place(out: Path, journal: dict[str, list[str]]) -> None:
    staging = out / _STAGING
    for name in journal["write"]:
        source, target = staging / name, out / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
    for name in journal["remove"]:
        (out / name).unlink(missing_ok=True)
        parent = (out / name).parent
        if parent != out and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    shutil.rmtree(staging, ignore_errors=True)


class Transaction:
    """Collects the files of one result; they appear in `out` together when the block ends without an error.

    Files of an earlier result that this one no longer has are removed; files that Lutetia did not write are not
    touched.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._staging = out / _STAGING
        self._names: list[str] = []

    def __enter__(self) -> Transaction:
        self.out.mkdir(parents=True, exist_ok=True)
        finish_interrupted(self.out)
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir()
        return self

    def path(self, name: str) -> Path:
        """Where to write the file that will be ``out/name``."""
        relative = _inside(name)
        target = self._staging.joinpath(*relative.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if name not in self._names:
            self._names.append(name)
        return target

    def write(self, name: str, content: bytes) -> None:
        """Write a small file at once."""
        self.path(name).write_bytes(content)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            return
        self._commit()

    def _commit(self) -> None:
        before = _manifest(self.out)
        names = [*self._names, MANIFEST]
        manifest = {"files": sorted(self._names)}
        (self._staging / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        journal = {"write": names, "remove": [name for name in before if name not in names]}
        draft = self._staging / (_JOURNAL + ".part")
        draft.write_text(json.dumps(journal), encoding="utf-8")
        os.replace(draft, self._staging / _JOURNAL)
        try:
            _move_into_place(self.out, journal)
        except KeyboardInterrupt:  # too late to go back: finish, then stop
            finish_interrupted(self.out)
            raise

    @property
    def files(self) -> list[Path]:
        """The finished files, in the order they were written."""
        return [self.out.joinpath(*PurePosixPath(name).parts) for name in self._names]


def _manifest(out: Path) -> list[str]:
    try:
        names = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        return [str(_inside(str(name))) for name in names]
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return []
