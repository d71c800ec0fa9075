"""Conformance of the SUV: a folder of objects with known answers, each read and judged by itself.

Made for the IBSI-SUV digital reference objects (Vácha, Zwanenburg et al.) and anything laid out like them: one folder
per object, a mask, and a list (CSV) with the expected minimum, median and maximum, or ERROR where a refusal is right.
"""

from __future__ import annotations

import csv
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from lutetia.model import InputError, Record
from lutetia.reading.suv import SuvSeries, read_suv

Verdict = Literal["right", "wrong", "refused", "not refused", "unreadable"]
Triple = tuple[float, float, float]
TOLERANCE = 0.005  # relative
#: object → absolute tolerance: its pixels are truncated to a Rescale Slope of 0.01 in cm²/mL, 0.04 in SUVbw
QUANTISED = {"DRO_2_3": 0.03}
DEFAULT: Triple = (0.20, 1.00, 4.00)
_OBJECT = re.compile(r"DRO(_error)?(_\d+)+", re.IGNORECASE)
_LARGEST_ARCHIVE = 4 * 2**30


class ConformanceRow(Record):
    """One object: what was expected, what came out, and the verdict."""

    id: str
    description: str = ""
    expected: Triple | None  # None where a refusal is right
    measured: Triple | None = None
    factor: float | None = None
    decay_reference: str | None = None
    refusal_code: str | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether the object came out as it should."""
        return self.verdict == "right"

    @property
    def expected_words(self) -> str:
        """Minimum, median and maximum SUV as expected, or "a refusal"."""
        return "a refusal" if self.expected is None else " / ".join(f"{v:.2f}" for v in self.expected)


class ConformanceReport(Record):
    """All objects of a folder."""

    rows: tuple[ConformanceRow, ...]

    @property
    def n_right(self) -> int:
        """Objects that came out as they should."""
        return sum(row.passed for row in self.rows)


def conformance(
    folder: str | os.PathLike[str], *, progress: Callable[[str, float], None] | None = None
) -> ConformanceReport:
    """Run every object of a folder, or of a ``.tar.xz`` of such a folder.

    Parameters
    ----------
    folder : folder of objects, an archive (.tar, .tar.xz, .tar.gz) of one, or a folder with such an archive
    progress : called as ``progress(object, share done)``

    Returns
    -------
    ConformanceReport
        Within 0.5 % of the expected values is right (object 2_3, which is quantised: within 0.03); where the list
        says ERROR, a refusal is right.

    Raises
    ------
    InputError
        ``no-such-path``, ``no-objects``, ``archive-unreadable``.
    """
    place = Path(folder)
    if not place.exists():
        raise InputError(
            "no-such-path",
            "There is no such folder or archive",
            where=str(place),
            expected="a folder of objects, or a .tar, .tar.gz or .tar.xz of one",
            remedy="check the spelling of the path; --write makes the 58 objects of list 3",
        )
    place = _archive_in(place) or place
    with _unpacked(place) as root:
        objects = _objects(root)
        if not objects:
            raise InputError(
                "no-objects",
                "There are no objects in the folder",
                where=str(place),
                expected="one folder of DICOM files per object, as DRO/DRO_0_0/PT",
            )
        listed = _lists(root) | (_lists(place.parent, deep=False) if place.is_file() else {})
        rows = []
        for done, (name, path) in enumerate(sorted(objects.items(), key=lambda pair: _order(pair[0]))):
            if progress is not None:
                progress(name, done / len(objects))
            rows.append(_judge(name, path, _mask_of(path, root, place), listed))
    return ConformanceReport(rows=tuple(rows))


def _archive_in(place: Path) -> Path | None:
    """The archive of the objects, where a folder holds one beside its lists and mask and no object unpacked."""
    if not place.is_dir() or any(_OBJECT.fullmatch(p.name) for p in place.rglob("*") if p.is_dir()):
        return None
    archives = [p for p in sorted(place.iterdir()) if p.name.lower().endswith((".tar", ".tar.xz", ".tar.gz"))]
    return archives[0] if len(archives) == 1 else None


@contextmanager
def _unpacked(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="lutetia-conformance-") as folder:
        try:
            with tarfile.open(place) as archive:
                if sum(member.size for member in archive.getmembers()) > _LARGEST_ARCHIVE:
                    raise InputError(
                        "archive-unreadable", "The archive is larger than 4 GiB unpacked", where=str(place)
                    )
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InputError(
                "archive-unreadable",
                f"The archive can't be unpacked ({error})",
                where=str(place),
                expected="a folder, or a .tar, .tar.gz or .tar.xz of one",
            ) from error
        yield Path(folder)


def _objects(root: Path) -> dict[str, Path]:
    """Object name → folder: folders named like the reference objects, else every folder that holds files."""
    folders = [root, *(p for p in sorted(root.rglob("*")) if p.is_dir())]
    named = {p.name: p for p in folders if _OBJECT.fullmatch(p.name)}
    if named:
        return named
    found: dict[str, Path] = {}
    for path in folders:
        if any(p.is_file() and not p.name.lower().endswith((".csv", ".nii", ".nii.gz", ".txt", ".md"))
               for p in path.iterdir()):  # fmt: skip
            owner = path.parent if path.name.upper() in ("PT", "PET", "RS") and path != root else path
            found.setdefault(owner.name, owner)
    return found


def _order(name: str) -> tuple[bool, list[int], str]:
    return "error" in name.lower(), [int(n) for n in re.findall(r"\d+", name)], name


def _lists(root: Path, *, deep: bool = True) -> dict[str, tuple[str, Triple | None]]:
    """Object → (description, expected or None for ERROR) of every list in the folder."""
    found: dict[str, tuple[str, Triple | None]] = {}
    for file in sorted(root.rglob("*.csv") if deep else root.glob("*.csv")):
        with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
            for row in csv.DictReader(stream):
                texts = [row.get(f"SUV{which}_expected") for which in ("min", "med", "max")]
                if not row.get("ID") or None in texts:
                    continue
                try:
                    values = tuple(float(text or "") for text in texts)
                    expected: Triple | None = (values[0], values[1], values[2])
                except ValueError:
                    expected = None
                found[row["ID"]] = (row.get("Description") or "", expected)
    return found


def _mask_of(path: Path, root: Path, given: Path) -> Path | None:
    """The object's own mask, else one beside the objects or the archive."""
    beside = given.parent if given.is_file() else root
    for folder, pattern in ((path, "**/*mask*.nii*"), (root, "**/*mask*.nii*"), (beside, "*mask*.nii*")):
        masks = sorted(folder.glob(pattern))
        if masks:
            return masks[0]
    return None


def _judge(name: str, path: Path, mask: Path | None, listed: dict[str, tuple[str, Triple | None]]) -> ConformanceRow:
    description, expected = listed.get(name, ("", None if "error" in name.lower() else DEFAULT))
    try:
        report = read_suv(path, mask=mask)
    except InputError as error:
        return ConformanceRow(
            id=name, description=description, expected=expected, message=error.what, refusal_code=error.code,
            verdict="unreadable",
        )  # fmt: skip
    if len(report.series) != 1:
        message = f"The folder holds {len(report.series)} series; an object is one"
        return ConformanceRow(
            id=name, description=description, expected=expected, message=message, verdict="unreadable"
        )
    series = report.series[0]
    common = {"id": name, "description": description, "expected": expected, "warnings": series.warnings}
    if series.refusal is not None:
        return ConformanceRow.model_validate(
            common
            | {
                "refusal_code": series.refusal.code,
                "message": series.refusal.message,
                "verdict": "right" if expected is None else "refused",
            }
        )
    measured = _measured(series)
    return ConformanceRow.model_validate(
        common
        | {
            "measured": measured,
            "factor": series.suv.factor if series.suv else None,
            "decay_reference": series.suv.decay_reference if series.suv else None,
            "message": series.suv.decay_reference_reason if series.suv else "",
            "verdict": _verdict(name, expected, measured),
        }
    )


def _measured(series: SuvSeries) -> Triple | None:
    return None if series.stats is None else (series.stats.min, series.stats.median, series.stats.max)


def _verdict(name: str, expected: Triple | None, measured: Triple | None) -> Verdict:
    if expected is None:
        return "not refused"
    if measured is None:
        return "unreadable"
    extra = QUANTISED.get(name, 0.0)
    fits = all(abs(m - e) <= TOLERANCE * e + extra for m, e in zip(measured, expected, strict=True))
    return "right" if fits else "wrong"
