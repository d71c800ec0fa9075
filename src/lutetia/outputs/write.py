"""Write a whole result: the record, tables, label maps, DICOM objects and reports, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lutetia.imaging.threads import each
from lutetia.model import Course, InputError, Study, Volume
from lutetia.outputs import maps
from lutetia.outputs.dicom_files import PreparedDicom, prepare_dicom
from lutetia.outputs.findings import FILE_NAME, findings_json
from lutetia.outputs.tables import lesions_csv
from lutetia.outputs.transaction import Transaction
from lutetia.outputs.volumes import StudyVolumes

if TYPE_CHECKING:
    from lutetia.outputs.report.figures import StudyPictures

#: one file of the result, or several that hang together, to be written to a place that is settled
Task = Callable[[], object]


@dataclass(frozen=True)
class WriteOptions:
    """Which outputs are written, and how.

    Attributes
    ----------
    maps : ``<study>/lesions.nii.gz``, ``organs.nii.gz`` and their label tables
    suv_nifti : ``<study>/suv.nii.gz``, float32 (large)
    dicom : ``<study>/lesions.seg.dcm``, ``organs.seg.dcm``, ``measurements.sr.dcm``
    rwvm : ``<study>/suv.rwvm.dcm``, which maps stored values to SUV
    seg_full : also write the empty frames of a SEG
    seg_labelmap : SEG as label map (smaller, newer, read by fewer viewers) instead of binary
    html, pdf : the report
    """

    maps: bool = True
    suv_nifti: bool = False
    dicom: bool = True
    rwvm: bool = True
    seg_full: bool = False
    seg_labelmap: bool = False
    html: bool = True
    pdf: bool = True


_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def study_folder(study: Study) -> str:
    """The folder of one study inside the result: its id.

    Raises
    ------
    InputError
        ``bad-study-id`` when the id can't be a folder name (path separators, leading dot, empty, too long).
    """
    if not _SAFE_NAME.fullmatch(study.id) or study.id.endswith("."):
        raise InputError(
            "bad-study-id",
            f"the study id {study.id!r} can't be a folder name",
            expected="letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64 long",
        )
    return study.id


def write_results(
    course: Course,
    volumes: Mapping[str, StudyVolumes],
    out: Path,
    options: WriteOptions | None = None,
    prepared: PreparedDicom | None = None,
    drawn: Mapping[str, StudyPictures] | None = None,
) -> list[Path]:
    """Write the result of a course to a folder.

    Everything is written beside its final place first and moved there together: an interrupted run leaves the old
    result or the new one. The same course, volumes and options give the same bytes.

    Parameters
    ----------
    course : the record
    volumes : study id → pixels; a study without an entry gets a record and no pictures
    out : the result folder, made when it does not exist; files that are not ours are not touched
    options : which outputs; default all but the large ones
    prepared : the DICOM objects of `with_dicom`; None builds them here
    drawn : the pictures of `with_dicom`; None draws them here

    Returns
    -------
    list of Path
        The files written, ``findings.json`` first.
    """
    wanted = options or WriteOptions()
    if prepared is None:
        course, prepared, drawn = with_dicom(course, volumes, wanted)
    folders = {study.id: study_folder(study) for study in course.studies}
    with Transaction(out) as result:
        # every file gets its name and its place in the list here; then they are written on two cores
        tasks: list[Task] = [_record_task(course, result)]
        for study in course.studies:
            held = volumes.get(study.id)
            if held is None:
                continue
            if wanted.maps:
                tasks += _map_tasks(course, study, held, result, folders[study.id])
            if wanted.suv_nifti and held.suv is not None:
                path = result.path(f"{folders[study.id]}/suv.nii.gz")
                tasks.append(partial(maps.write_nifti, held.suv, path, held.suv.unit))
            tasks += _dicom_tasks(prepared, study, result, folders[study.id])
        if wanted.html or wanted.pdf:
            tasks.insert(0, _report_task(course, volumes, result, wanted, drawn))  # the longest begins first
        each(lambda task: task(), tasks)
    return result.files


def load_writers(options: WriteOptions) -> None:
    """Import the libraries that these outputs need: they take half a second, which need not be the last one."""
    needed = ["lutetia.outputs.dicom_objects", *(f"lutetia.dicom.{n}" for n in ("seg", "sr", "rwvm"))]
    needed = needed if options.dicom else []
    needed += ["lutetia.outputs.report.html"] if options.html else []
    needed += ["lutetia.outputs.report.pdf", "typst"] if options.pdf else []
    needed += ["lutetia.outputs.report.content"] if options.html or options.pdf else []
    for name in needed:
        import_module(name)


def with_dicom(
    course: Course, volumes: Mapping[str, StudyVolumes], options: WriteOptions
) -> tuple[Course, PreparedDicom, Mapping[str, StudyPictures] | None]:
    """The DICOM objects that were asked for, and the course with an issue for those that can't be had.

    Beside them the report's pictures are drawn, which no such issue changes; None where no report is wanted.
    """
    with ThreadPoolExecutor(1) as beside:
        pictures = None
        if options.html or options.pdf:
            from lutetia.outputs.report.content import draw

            pictures = beside.submit(draw, course, volumes)
        prepared = PreparedDicom()
        if options.dicom:
            full, labelmap, rwvm = options.seg_full, options.seg_labelmap, options.rwvm
            prepared = prepare_dicom(course, volumes, full=full, labelmap=labelmap, rwvm=rwvm)
    if prepared.issues:
        course = course.model_copy(update={"issues": (*course.issues, *prepared.issues)})
    return course, prepared, pictures.result() if pictures is not None else None


def _record_task(course: Course, result: Transaction) -> Task:
    record, table = result.path(FILE_NAME), result.path("lesions.csv")

    def task() -> None:
        record.write_bytes(findings_json(course))
        table.write_bytes(lesions_csv(course))

    return task


def _dicom_tasks(prepared: PreparedDicom, study: Study, result: Transaction, folder: str) -> list[Task]:
    objects = prepared.objects.get(study.id)
    if not objects:
        return []
    from lutetia.dicom.writing import save

    return [partial(save, item.dataset, result.path(f"{folder}/{item.name}")) for item in objects]


def _report_task(
    course: Course,
    volumes: Mapping[str, StudyVolumes],
    result: Transaction,
    wanted: WriteOptions,
    drawn: Mapping[str, StudyPictures] | None,
) -> Task:
    html = result.path("report.html") if wanted.html else None
    pdf = result.path("report.pdf") if wanted.pdf else None

    def task() -> None:
        from lutetia.outputs.report.content import build_report

        report = build_report(course, volumes, drawn)
        if html is not None:
            from lutetia.outputs.report.html import report_html

            html.write_bytes(report_html(report))
        if pdf is not None:
            from lutetia.outputs.report.pdf import report_pdf

            pdf.write_bytes(report_pdf(report))

    return task


def _map_tasks(course: Course, study: Study, held: StudyVolumes, result: Transaction, folder: str) -> list[Task]:
    lesions, organs = maps.lesion_labels(course, study), maps.organ_labels(study, held.organs)
    tasks: list[Task] = []
    for name, volume, rows in (("lesions", held.lesions, lesions), ("organs", held.organs, organs)):
        if volume is None:
            continue
        tasks.append(partial(_write_map, volume, result.path(f"{folder}/{name}.nii.gz"), f"lutetia {name}"))
        result.write(f"{folder}/{name}.tsv", maps.label_table_tsv(rows))
    if tasks:
        result.write(f"{folder}/labels.json", maps.label_table_json(lesions, organs))
    return tasks


def _write_map(volume: Volume, path: Path, description: str) -> None:
    maps.write_nifti(maps.smallest_label_type(volume), path, description)
