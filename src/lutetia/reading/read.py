"""The whole way: folders in, a Course out. Several studies of one patient become one course."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lutetia
from lutetia.dicom.scan import scan
from lutetia.dicom.select import StudySelection, select, without_ct
from lutetia.model import ConventionUse, Course, Issue, Patient, SeriesNote
from lutetia.reading.asked import check_asked
from lutetia.reading.corrections import apply_corrections, unplaced
from lutetia.reading.corrections_file import load_corrections
from lutetia.reading.one_study import read_study
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore
from lutetia.reading.study import StudyReading, lesion_settings
from lutetia.rules.case import read_case
from lutetia.rules.measured import not_this_tumour
from lutetia.rules.timeline import TimelineEntry

if TYPE_CHECKING:
    from lutetia.reading.course.frames import Frames

Progress = Callable[[str, float], None]


def _quiet(stage: str, share: float) -> None:
    """Progress nobody watches."""


@dataclass(eq=False)
class CourseReading:
    """A course with the pixels behind it. `studies` are in the order of their dates; `frames` carries points."""

    course: Course
    studies: tuple[StudyReading, ...]
    settings: ReadSettings
    inputs: tuple[str, ...] = field(default=())
    frames: Frames | None = None


def select_studies(
    paths: Sequence[str | Path], settings: ReadSettings, progress: Progress = _quiet
) -> tuple[tuple[StudySelection, ...], tuple[Issue, ...]]:
    """Scan the paths and choose what to read.

    Returns
    -------
    (selections in order of date, issues of the scan)

    Raises
    ------
    UsageError
        Several patients and none chosen; a series or patient that is not there.
    InputError
        No PET or SPECT at all; a path that does not exist.
    """
    inventory = scan(list(paths), progress=lambda done, total: progress("headers", 0.1 * done / max(total, 1)))
    selections = select(inventory, patient=settings.patient, pet=settings.pet, ct=settings.ct)
    if not settings.use_ct:
        selections = tuple(without_ct(s) for s in selections)
    return tuple(sorted(selections, key=_when)), inventory.issues


def _when(selection: StudySelection) -> tuple[str, str, str]:
    first = selection.pet.first if selection.pet is not None else None
    date = (first.series_date or first.study_date) if first is not None else selection.study.date
    time = (first.acquisition_time or first.series_time) if first is not None else ""
    return (date or selection.study.date or "", time or "", selection.study.study_instance_uid)


def study_names(selections: Sequence[StudySelection]) -> tuple[str, ...]:
    """Ids of the studies in the record and of their folders: study-1, study-2 … in order of date."""
    return tuple(f"study-{n}" for n in range(1, len(selections) + 1))


def read_course(
    paths: Sequence[str | Path],
    settings: ReadSettings | None = None,
    progress: Progress = _quiet,
    store: StageStore | None = None,
) -> CourseReading:
    """Read every study of one patient found under the paths.

    Parameters
    ----------
    paths : folders, files or archives
    settings : see `ReadSettings`
    progress : called with a stage's name and the share of the whole that is done
    store : where finished stages are kept and found again; None keeps none

    Raises
    ------
    InputError, UsageError
        As `select_studies`.
    """
    settings = settings or ReadSettings()
    check_asked(settings)
    selections, scan_issues = select_studies(paths, settings, progress)
    names = study_names(selections)
    readings = []
    for n, (selection, name) in enumerate(zip(selections, names, strict=True)):
        start, width = 0.1 + 0.8 * n / len(names), 0.8 / len(names)

        def step(stage: str, share: float, start: float = start, width: float = width, name: str = name) -> None:
            progress(f"{name}: {stage}", start + width * share)

        readings.append(read_study(selection, name, settings, step, store))
    inputs = tuple(str(p) for p in paths)
    return assemble(tuple(readings), scan_issues, settings, inputs, lambda stage, share: progress(stage, 0.9), store)


def _once(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Every issue once: what the scan said of a file, and the reading of its study said again, is the study's."""
    told = {(issue.code, issue.message, issue.where) for issue in issues if issue.study is not None}
    kept = [i for i in issues if i.study is not None or (i.code, i.message, i.where) not in told]
    return tuple(dict.fromkeys(kept))


def assemble(
    readings: tuple[StudyReading, ...],
    scan_issues: tuple[Issue, ...],
    settings: ReadSettings,
    inputs: tuple[str, ...],
    progress: Progress = _quiet,
    store: StageStore | None = None,
) -> CourseReading:
    """The Course of the studies that were read."""
    from lutetia.reading.course import bring_together, join_studies
    from lutetia.reading.course.tracking_uid import tracked
    from lutetia.reading.verdicts import with_verdicts

    case = read_case(Path(settings.case)) if settings.case else None
    entries = case.timeline if case is not None else ()
    treated = tuple(e.date for e in entries if e.kind == "treatment")
    together = bring_together(readings, settings, progress, treated, store)
    numbers: dict[tuple[str, str], int] = {}
    if settings.corrections is not None:
        corrections = load_corrections(settings.corrections)
        for reading in readings:
            numbers |= apply_corrections(reading, corrections, lesion_settings(settings))
        scan_issues = (*scan_issues, *unplaced(corrections, readings))
    apart = not_this_tumour({x.id: x for x in case.lesions}) if case is not None else frozenset()
    joined = join_studies(readings, together, settings, progress, numbers, entries, apart)
    patient = readings[0].selection.patient if readings else None
    sex = readings[0].study.acquisition.sex if readings else None
    course = Course(
        software=software(),
        patient=Patient(id=patient.patient_id or patient.key if patient else "unknown", sex=sex),
        settings=settings.model_dump(mode="json", exclude_defaults=True),
        studies=joined.studies,
        lesions=tracked(joined.lesions, joined.studies),
        conventions=_conventions(readings),
        issues=_once((*scan_issues, *joined.issues)),
        treatments=tuple(_entry(e) for e in entries if e.kind == "treatment"),
        facts=tuple(_entry(e) for e in entries if e.kind != "treatment"),
        visits=joined.visits,
        alignments=joined.alignments,
        events=joined.events,
        dosimetry=joined.dosimetry,
        phenotypes=joined.phenotypes,
        comparability=joined.comparability,
        not_used=_not_used(readings),
    )
    return CourseReading(with_verdicts(course, settings, case), readings, settings, inputs, joined.frames)


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    """A dated entry as findings.json keeps it, with its origin."""
    return entry.model_dump(mode="json", exclude_none=True) | {"origin": "case_file"}


def software() -> dict[str, str]:
    """Name and versions that go into every result."""
    import numpy
    import pydantic
    import scipy

    return {
        "name": "lutetia",
        "version": lutetia.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "pydantic": pydantic.__version__,
    }


def _conventions(readings: tuple[StudyReading, ...]) -> tuple[ConventionUse, ...]:
    seen: dict[str, ConventionUse] = {}
    for reading in readings:
        for use in reading.conventions:
            seen.setdefault(use.key, use)
    return tuple(seen[key] for key in sorted(seen))


def _not_used(readings: tuple[StudyReading, ...]) -> tuple[SeriesNote, ...]:
    notes: dict[str, SeriesNote] = {}
    for reading in readings:
        for note in reading.selection.notes:
            if not note.role:
                notes.setdefault(note.series_instance_uid + note.reason, note)
    return tuple(notes.values())
