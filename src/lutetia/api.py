"""The Python calls: each verb of the command line under the same name, with the same result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lutetia.model import Course
from lutetia.outputs.findings import findings_json
from lutetia.outputs.write import WriteOptions, write_results
from lutetia.reading.pseudonym import pseudonymised
from lutetia.reading.read import CourseReading, read_course
from lutetia.reading.settings import OutputSettings, ReadSettings
from lutetia.reading.stages import StageStore

PathLike = str | Path
Progress = Callable[[str, float], None]


def _paths(paths: PathLike | Sequence[PathLike]) -> list[PathLike]:
    return [paths] if isinstance(paths, str | Path) else list(paths)


def read(
    paths: PathLike | Sequence[PathLike],
    out: PathLike | None = None,
    *,
    settings: ReadSettings | Mapping[str, Any] | None = None,
    output: OutputSettings | Mapping[str, Any] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Course:
    """Read PET/CT of one patient: SUV, organs, references, lesions, grades.

    Parameters
    ----------
    paths : folders, files or zip archives with the DICOM export; several visits may lie in one or in many
    out : result folder; None returns the record and writes nothing
    settings : `ReadSettings`, or a mapping of its fields
    output : `OutputSettings`, or a mapping of its fields
    force : read again although inputs and settings are unchanged
    progress : called as ``progress(stage, share)``

    Returns
    -------
    Course
        The record that ``findings.json`` holds.

    Raises
    ------
    InputError, UsageError
        When nothing can be read, or the call can't be carried out as asked. What can't be read of an otherwise
        readable input is an issue or a refusal in the record.
    """
    chosen = settings if isinstance(settings, ReadSettings) else ReadSettings(**(settings or {}))
    wanted = output if isinstance(output, OutputSettings) else OutputSettings(**(output or {}))
    tell = progress or (lambda stage, share: None)
    reading: CourseReading
    if out is None:
        reading = read_course(_paths(paths), chosen, tell)
        return _as_written(pseudonymised(reading, wanted.pseudonym) if wanted.pseudonym else reading)
    folder = Path(out)
    beside = folder / "corrections.yaml"
    if chosen.corrections is None and beside.is_file():
        chosen = chosen.model_copy(update={"corrections": str(beside)})
    reading = read_course(_paths(paths), chosen, tell, StageStore(folder, force))
    if wanted.pseudonym:
        reading = pseudonymised(reading, wanted.pseudonym)
    tell("writing", 0.92)
    options = WriteOptions(
        suv_nifti=wanted.suv_nifti,
        seg_full=wanted.seg_full,
        seg_labelmap=wanted.seg_labelmap,
        rwvm=wanted.rwvm,
        html=wanted.report,
        pdf=wanted.report,
    )
    write_results(reading.course, volumes_of(reading), folder, options)
    tell("done", 1.0)
    return _as_written(reading)


def _as_written(reading: CourseReading) -> Course:
    """The record with the digits that findings.json holds: the call and the file say the same."""
    return Course.model_validate_json(findings_json(reading.course))


def volumes_of(reading: CourseReading) -> dict[str, Any]:
    """What the outputs need beside the record: the pixels of every study."""
    from lutetia.dicom.source_images import SourceImages
    from lutetia.outputs.volumes import StudyVolumes

    volumes = {}
    for name, study in zip([s.id for s in reading.course.studies], reading.studies, strict=True):
        pet = study.selection.pet
        source = None
        if pet is not None and study.pet is not None and not study.pet.interpolated:
            source = SourceImages(study.source_dataset or pet.dataset(), study.pet.instances, study.slice_factors)
        volumes[name] = StudyVolumes(
            suv=study.suv,
            ct=study.ct,
            lesions=study.found.labels if study.found is not None else None,
            organs=study.anatomy.labels if study.anatomy is not None else None,
            references=study.reference_regions,
            stored=study.stored,
            pet=source,
        )
    return volumes
