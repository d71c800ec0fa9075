"""A tree of files to an inventory: headers first, pixels never."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lutetia.dicom import archive
from lutetia.dicom.dicomdir import missing_files
from lutetia.dicom.files import DICOMDIR_CLASS, NotDicomError, as_issue, read_header
from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.multiframe import expand
from lutetia.dicom.pixels import same_pixels
from lutetia.dicom.series import Inventory, PatientFiles, SeriesFiles, StudyFiles
from lutetia.dicom.split import split_series
from lutetia.dicom.transfer_syntax import native_length
from lutetia.model import InputError, Issue
from lutetia.model.base import Level

Progress = Callable[[int, int], None]

_IGNORED_NAMES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
_IGNORED_FOLDERS = frozenset(("__MACOSX",))
#: single messages of one kind before the rest are only counted
_MAX_ALIKE = 10


def scan(paths: Sequence[Path | str] | Path | str, *, progress: Progress | None = None) -> Inventory:
    """Read the headers of every DICOM file under `paths`.

    Parameters
    ----------
    paths : path or sequence of paths
        Folders (walked to any depth), files, zip archives.
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
    roots = [os.fspath(p) for p in given]
    for root in roots:
        if not os.path.exists(root):
            raise InputError(
                "no-such-path",
                "There is no such file or folder",
                where=root,
                expected="a folder, a DICOM file or a zip archive",
                remedy="check the spelling of the path",
            )
    found = _Found()
    entries = _entries(roots, found)
    for done, (path, member) in enumerate(entries):
        if progress is not None and done % 64 == 0:
            progress(done, len(entries))
        found.read(path, member)
    if progress is not None:
        progress(len(entries), len(entries))
    for path, member in found.directories:
        found.issues.extend(missing_files(path, member))
    patients = _patients(found)
    if not found.instances:
        found.issues.append(
            Issue(code="no-dicom", level="error", message="No DICOM image was found", where=", ".join(roots))
        )
    return Inventory(
        patients=patients,
        issues=tuple(_condensed(found.issues)),
        n_files=len(entries),
        n_instances=len(found.instances),
        paths=tuple(roots),
    )


@dataclass
class _Found:
    """What the walk through the files gathers."""

    instances: list[InstanceHeader] = field(default_factory=list)
    directories: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def read(self, path: str, member: str) -> None:
        try:
            header = read_header(path, member)
        except NotDicomError as error:
            self._note_other(path, member, str(error))
            return
        except InputError as error:
            self.issues.append(as_issue(error))
            return
        except OSError as error:
            message = f"The file can't be opened ({error.strerror or error}); check its permissions"
            self.issues.append(Issue(code="unreadable-file", level="error", message=message, where=path))
            return
        if header.sop_class_uid == DICOMDIR_CLASS:
            self.directories.append((path, member))
        else:
            self.instances.append(header)

    def _note_other(self, path: str, member: str, kind: str) -> None:
        place = f"{path}!{member}" if member else path
        level: Level = "info"
        message = f"Skipped: {kind}"
        if kind == "a zip archive":
            level, message = "caution", "An archive inside an archive is not read; unpack it"
        elif kind != "not a DICOM file" and ("encrypted" in kind or "compressed" in kind or "archive" in kind):
            level, message = "caution", f"Skipped: this is {kind}; unpack or decrypt it first"
        self.issues.append(Issue(code="not-dicom", level=level, message=message, where=place))


def _entries(roots: Iterable[str], found: _Found) -> list[tuple[str, str]]:
    """Every file to look at, as (path, member), in a fixed order and each once."""
    entries: dict[tuple[str, str], None] = {}
    for root in roots:
        for path in _files(root):
            if _maybe_zip(path) and archive.is_zip(path):
                try:
                    names = archive.members(path)
                except InputError as error:
                    found.issues.append(as_issue(error))
                    continue
                for name in names:
                    if not _ignored(name):
                        entries[path, name] = None
            else:
                entries[path, ""] = None
    return list(entries)


def _maybe_zip(path: str) -> bool:
    """Only files that are not obviously DICOM are opened to see whether they are archives."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix not in (".dcm", ".ima")


def _ignored(name: str) -> bool:
    parts = name.split("/")
    return parts[-1] in _IGNORED_NAMES or parts[-1].startswith("._") or any(p in _IGNORED_FOLDERS for p in parts)


def _files(root: str) -> Iterator[str]:
    if not os.path.isdir(root):
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _IGNORED_FOLDERS)
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not _ignored(name) and (os.path.isfile(path) or os.path.islink(path)):
                yield path


def _condensed(issues: list[Issue]) -> Iterator[Issue]:
    """The first few issues of each kind, then how many more there were."""
    counts: Counter[tuple[str, Level]] = Counter()
    for issue in issues:
        counts[issue.code, issue.level] += 1
        if counts[issue.code, issue.level] <= _MAX_ALIKE:
            yield issue
    for (code, level), count in counts.items():
        if count > _MAX_ALIKE:
            message = f"… and {count - _MAX_ALIKE:,} more like this"
            yield Issue(code=code, level=level, message=message)


def _patients(found: _Found) -> tuple[PatientFiles, ...]:
    tree: dict[str, dict[str, dict[str, list[InstanceHeader]]]] = {}
    for header in found.instances:
        studies = tree.setdefault(_patient_key(header), {})
        studies.setdefault(header.study_instance_uid, {}).setdefault(_series_key(header), []).append(header)
    return tuple(_patient(key, tree[key], found.issues) for key in sorted(tree))


def _patient(key: str, tree: dict[str, dict[str, list[InstanceHeader]]], found: list[Issue]) -> PatientFiles:
    studies = []
    for study_uid, series in tree.items():
        parts = [part for headers in series.values() for part in _series(headers, found)]
        parts.sort(key=lambda s: (s.number is None, s.number or 0, s.series_instance_uid))
        first = next(iter(series.values()))[0]
        studies.append(StudyFiles(study_uid, first.study_date, first.study_description, tuple(parts)))
    studies.sort(key=lambda s: (s.date or "", s.study_instance_uid))
    header = next(iter(next(iter(tree.values())).values()))[0]
    return PatientFiles(key, header.patient_id, header.patient_name, tuple(studies))


def _patient_key(header: InstanceHeader) -> str:
    return header.patient_id or header.patient_name or header.study_instance_uid or "unknown"


def _series_key(header: InstanceHeader) -> str:
    """The SeriesInstanceUID; where de-identification blanked it, what else keeps series apart."""
    return header.series_instance_uid or f"{header.modality} {header.series_number} {header.series_description}"


def _series(headers: list[InstanceHeader], found: list[Issue]) -> Iterator[SeriesFiles]:
    headers.sort(key=lambda h: (h.instance_number is None, h.instance_number or 0, h.path, h.member))
    headers, issues = _without_copies(headers)
    good: list[InstanceHeader] = []
    damaged: list[InstanceHeader] = []
    for header in headers:
        fault = _fault(header)
        if fault is None:
            try:
                good.extend(expand(header))
                continue
            except InputError as error:
                fault = as_issue(error)
        issues.append(fault)
        damaged.append(header)
    first = headers[0]
    whole = SeriesFiles(
        first.series_instance_uid,
        first.modality,
        first.series_description,
        tuple(good),
        tuple(_condensed(issues)),
        tuple(damaged),
    )
    found.extend(issues)
    yield from split_series(whole)


def _without_copies(headers: list[InstanceHeader]) -> tuple[list[InstanceHeader], list[Issue]]:
    """The same image copied twice (one SOP Instance UID, equal header and pixels) counts once."""
    kept: list[InstanceHeader] = []
    by_uid: dict[str, InstanceHeader] = {}
    copies: list[InstanceHeader] = []
    for header in headers:
        first = by_uid.setdefault(header.sop_instance_uid, header)
        if header.sop_instance_uid and first is not header and _is_copy(first, header):
            copies.append(header)
        else:
            kept.append(header)
    if not copies:
        return kept, []
    message = f"{len(copies)} files are copies of others with the same SOP Instance UID; each image is used once"
    return kept, [Issue(code="duplicate-files", level="info", message=message, where=copies[0].where)]


def _is_copy(a: InstanceHeader, b: InstanceHeader) -> bool:
    if replace(a, path=b.path, member=b.member) != b or _fault(a) is not None:
        return False
    if not a.rows or a.n_frames > 1:
        return True
    try:
        return same_pixels(a, b)
    except InputError:
        return False


def _fault(header: InstanceHeader) -> Issue | None:
    """What makes the pixels of an image unreadable, as far as its header and size tell."""
    if header.pixel_offset is None or header.pixel_length is None:
        return None
    missing = header.pixel_offset + header.pixel_length - (header.file_size or 0)
    if missing > 0:
        message = f"The file is cut off: {missing:,} bytes of pixel data are missing; copy or export it again"
        return Issue(code="truncated-file", level="error", message=message, where=header.where)
    expected = native_length(header)
    row = max(2, header.columns * header.bits_allocated // 8)
    if header.rows and not 0 <= header.pixel_length - expected < row:
        message = (
            f"The header contradicts the pixels: {header.rows} rows × {header.columns} columns × "
            f"{header.n_frames} frames of {header.bits_allocated} bits need {expected:,} bytes, "
            f"the file holds {header.pixel_length:,}; export it again"
        )
        return Issue(code="pixel-length-mismatch", level="error", message=message, where=header.where)
    return None
