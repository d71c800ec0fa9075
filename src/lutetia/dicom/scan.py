"""A tree of files to an inventory: headers first, pixels never."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lutetia.dicom import archive
from lutetia.dicom.condense import condensed
from lutetia.dicom.dicomdir import missing_files
from lutetia.dicom.files import DICOMDIR_CLASS, ZIP, NotDicomError, as_issue, read_header
from lutetia.dicom.group import patients
from lutetia.dicom.instance import WITHIN, InstanceHeader, file_place
from lutetia.dicom.series import Inventory
from lutetia.model import InputError, Issue
from lutetia.model.base import Level

Progress = Callable[[int, int], None]

_IGNORED_NAMES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
_IGNORED_FOLDERS = frozenset(("__MACOSX", ".stages", ".lutetia-unfinished"))
#: a folder with this file, naming the record among its files, is a result of our own: no input, wherever it lies
_MANIFEST, _RECORD = "manifest.json", "findings.json"


def scan(paths: Sequence[Path | str] | Path | str, *, progress: Progress | None = None) -> Inventory:
    """Read the headers of every DICOM file under `paths`.

    Parameters
    ----------
    paths : path or sequence of paths
        Folders (walked to any depth), files, zip archives, and zip archives in these one level deep. A DICOMDIR
        stands for the disc or folder it lies in.
    progress : callable, optional
        Called as ``progress(done, total)`` now and then.

    Returns
    -------
    Inventory
        Patients, studies and series in a fixed order. What could not be read is in ``issues``; the rest is
        there. An input without any DICOM file gives an empty inventory with an issue ``no-dicom``.

    Raises
    ------
    InputError
        ``no-such-path`` when a path does not exist.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    roots = [_disc_of(os.fspath(p)) for p in given]
    for root in roots:
        if not os.path.exists(root):
            raise InputError(
                "no-such-path",
                "There is no such file or folder",
                where=file_place(root),
                expected="a folder, a DICOM file or a zip archive",
                remedy="check the spelling of the path",
            )
    found = _Found()
    entries = list(_entries(roots, found))
    for done, (path, member) in enumerate(entries):
        if progress is not None and done % 64 == 0:
            progress(done, len(entries))
        found.read(path, member)
    if progress is not None:
        progress(len(entries), len(entries))
    for path, member in found.directories:
        found.issues.extend(missing_files(path, member))
    tree = patients(found.instances, found.issues)
    if not found.instances:
        text = "No DICOM image was found"
        if found.own_results:
            text += f" beside the {found.own_results} files of an earlier Lutetia result, which are no input"
        found.issues.append(Issue(code="no-dicom", level="error", message=text, where=file_place(", ".join(roots))))
    return Inventory(
        patients=tree,
        issues=tuple(condensed(found.issues)),
        n_files=found.n_files,
        n_instances=len(found.instances),
        paths=tuple(map(file_place, roots)),
    )


@dataclass
class _Found:
    """What the walk through the files gathers."""

    instances: list[InstanceHeader] = field(default_factory=list)
    directories: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    budgets: dict[str, archive.Budget] = field(default_factory=dict)  # of every archive with those inside it
    n_files: int = 0
    own_results: int = 0  # files of an earlier result of Lutetia that lie among the input

    def read(self, path: str, member: str) -> None:
        """Read one file; an archive under any name is read as a folder."""
        self.n_files += 1
        try:
            header = read_header(path, member)
        except NotDicomError as error:
            kind = str(error)
            if (not member and archive.is_zip(path)) or (kind == ZIP and member and not archive.is_nested(member)):
                self.n_files -= 1
                for name in self.members(path, member):
                    self.read(path, name)
            else:
                self._note_other(path, member, kind)
            return
        except InputError as error:
            self.issues.append(as_issue(error))
            return
        except OSError as error:
            self.unreadable(error, path)
            return
        if header.sop_class_uid == DICOMDIR_CLASS:
            self.directories.append((path, member))
        else:
            self.instances.append(header)

    def members(self, path: str, inner: str = "") -> list[str]:
        """Names of the files in an archive, or in one inside it; none, with an issue, where it can't be trusted."""
        budget = self.budgets.setdefault(path, archive.Budget())
        try:
            return [name for name in archive.members(path, inner, budget) if not _ignored(name)]
        except InputError as error:
            self.issues.append(as_issue(error))
            return []

    def unreadable(self, error: OSError, path: str = "") -> None:
        """Note a file or folder that can't be opened."""
        where = path or str(error.filename or "")
        message = f"It can't be opened ({error.strerror or error}); check its permissions"
        if os.path.islink(where) and not os.path.exists(where):
            message = f"It is a link that leads nowhere ({error.strerror or error}); copy the file itself"
        self.issues.append(Issue(code="unreadable-file", level="error", message=message, where=file_place(where)))

    def _note_other(self, path: str, member: str, kind: str) -> None:
        place = file_place(path, member)
        level: Level = "info"
        message = f"Skipped: {kind}"
        if path.lower().endswith((".nii", ".nii.gz")):
            message = "Skipped: a NIfTI image, not DICOM; masks are given to the verbs that take them"
        elif kind == ZIP:
            level, message = "caution", "An archive two levels inside an archive is not read; unpack it"
        elif kind != "not a DICOM file" and ("encrypted" in kind or "compressed" in kind or "archive" in kind):
            level, message = "caution", f"Skipped: this is {kind}; unpack or decrypt it first"
        self.issues.append(Issue(code="not-dicom", level=level, message=message, where=place))


def _disc_of(path: str) -> str:
    """The folder of a DICOMDIR, any other path as it is."""
    is_directory_file = os.path.basename(path).upper() == "DICOMDIR" and os.path.isfile(path)
    return os.path.dirname(path) or "." if is_directory_file else path


def _entries(roots: Iterable[str], found: _Found) -> Iterator[tuple[str, str]]:
    """Every file to look at, as (path, member), in a fixed order and each once."""
    seen: set[str] = set()
    for root in roots:
        for path in _files(root, found):
            if path in seen:
                continue
            seen.add(path)
            if path.lower().endswith(".zip") and archive.is_zip(path):
                yield from ((path, name) for name in found.members(path))
            else:
                yield path, ""


def _ignored(name: str) -> bool:
    parts = name.rpartition(WITHIN)[2].split("/")
    return parts[-1] in _IGNORED_NAMES or parts[-1].startswith("._") or any(p in _IGNORED_FOLDERS for p in parts)


def _files(root: str, found: _Found) -> Iterator[str]:
    """Files under a folder in a fixed order; links to folders are followed, each folder once."""
    if not os.path.isdir(root):
        yield root
        return
    visited: set[tuple[int, int]] = set()
    own_paths: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=found.unreadable, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        if _MANIFEST in names:
            own = _own_files(folder)
            own_paths |= own
            found.own_results += len(own)
        folders[:] = sorted(f for f in folders if f not in _IGNORED_FOLDERS)
        for name in sorted(names):
            path = os.path.join(folder, name)
            if path not in own_paths and not _ignored(name) and (os.path.isfile(path) or os.path.islink(path)):
                yield path


def _own_files(folder: str) -> set[str]:
    """The files of a result of Lutetia in that folder, as its manifest lists them; none with another manifest."""
    try:
        with open(os.path.join(folder, _MANIFEST), encoding="utf-8") as stream:
            names = json.load(stream)["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    if not isinstance(names, list) or _RECORD not in names:
        return set()
    return {os.path.join(folder, *str(name).split("/")) for name in (*names, _MANIFEST)}
