"""The Python calls: each verb of the command line under the same name, with the same result."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from lutetia.dicom.report_scan import report
from lutetia.dicom.scan import scan as scan_files
from lutetia.dicom.source_images import SourceImages
from lutetia.model import Course, UsageError, field_at_fault
from lutetia.model.pet import SuvOverrides
from lutetia.outputs.findings import FILE_NAME, findings_json
from lutetia.outputs.maps import write_volume
from lutetia.outputs.transaction import check_place, writing_into
from lutetia.outputs.volumes import StudyVolumes
from lutetia.outputs.write import WriteOptions, load_writers, with_dicom, write_results
from lutetia.reading.conformance import ConformanceReport
from lutetia.reading.pseudonym import pseudonymised
from lutetia.reading.read import CourseReading, read_course
from lutetia.reading.settings import OutputSettings, ReadSettings
from lutetia.reading.stages import StageStore
from lutetia.reading.suv import SeriesSuv, SuvReport, read_suv, volume_file

if TYPE_CHECKING:  # half a second of every reading, for a name
    from lutetia.phantom import PhantomTruth

PathLike = str | os.PathLike[str]
Progress = Callable[[str, float], None]
Chosen = TypeVar("Chosen", bound=BaseModel)


def _paths(paths: PathLike | Sequence[PathLike]) -> list[Path]:
    return [_path(p, "paths") for p in ([paths] if isinstance(paths, str | os.PathLike) else paths)]


def _path(given: PathLike, name: str) -> Path:
    """A path; the empty text, which `Path` takes for the working directory, is refused."""
    if not str(given).strip():
        raise UsageError(
            "empty-argument",
            f"{name} is empty",
            expected='a path; "." is the working directory',
        )
    return Path(given)


def scan(
    paths: PathLike | Sequence[PathLike],
    *,
    patient: str | None = None,
    pet: str | Sequence[str] | None = None,
    ct: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """What is in folders, files or zip archives; what would be read, and why not the rest.

    Parameters
    ----------
    paths : folders, DICOM files or zip archives
    patient : Patient ID or name, where there are several
    pet, ct : SeriesInstanceUID, its beginning, or series number
    progress : called as ``progress(done, total)`` over the files

    Returns
    -------
    dict
        What ``lutetia scan --json`` prints; see `lutetia.dicom.report_scan.report`.

    Raises
    ------
    InputError
        A path does not exist.
    """
    return report(scan_files(_paths(paths), progress=progress), patient=patient, pet=pet, ct=ct)


def suv(
    path: PathLike | Sequence[PathLike],
    *,
    basis: str = "bw",
    mask: PathLike | None = None,
    nifti: PathLike | None = None,
    series: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    **overrides: Any,
) -> SuvReport:
    """The SUV factor of every PET and SPECT series under `path`.

    Parameters
    ----------
    path : folder, DICOM file or zip archive, or several
    basis : "bw" (default), "lbm" (James, 120), "lbmjames128", "lbmjanma", "ibw" or "bsa"
    mask : NIfTI, DICOM SEG or RTSTRUCT; restricts the statistics
    nifti : write the SUV volume to this file (.nii.gz or .nii)
    series : SeriesInstanceUID, or its beginning
    progress : called as ``progress(done, total)`` over the files
    **overrides : fields of `lutetia.model.pet.SuvOverrides`, entered by hand: ``weight_kg``, ``size_m``, ``sex``,
        ``dose_mbq``, ``injection_time``, ``reference_time``, ``half_life_s``, ``units``, ``decay_correction``

    Returns
    -------
    SuvReport
        The same as ``lutetia suv --json`` prints.

    Raises
    ------
    InputError
        The path or the mask can't be read, or there is no PET or SPECT series.
    UsageError
        An unknown basis or override, or several volumes for one NIfTI file.
    """
    unknown = set(overrides) - set(SuvOverrides.__dataclass_fields__)
    if unknown:
        raise UsageError(
            "unknown-override",
            f"There is no override {', '.join(sorted(unknown))}",
            expected=", ".join(SuvOverrides.__dataclass_fields__),
        )
    target = None if nifti is None else volume_file(nifti)
    kept: list[SeriesSuv] = []

    def keep(result: SeriesSuv) -> None:
        if target is None or result.volume is None:
            return
        if kept:
            raise UsageError(
                "several-volumes",
                "More than one series gives an SUV volume, but one NIfTI file was asked for",
                where="--nifti",
                expected="one series",
                remedy=f"choose with --series: {kept[0].record.series_instance_uid} or "
                f"{result.record.series_instance_uid}",
            )
        kept.append(result)

    report = read_suv(
        _paths(path),
        overrides=SuvOverrides(**overrides),
        basis=basis,
        mask=mask,
        series=series,
        progress=progress,
        keep=keep if target is not None else None,
    )
    if target is not None and kept:
        record, volume = kept[0].record, kept[0].volume
        assert volume is not None
        write_volume(volume, target, f"{volume.unit} {record.suv.unit if record.suv else ''}")
    return report


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
    settings : `lutetia.ReadSettings`, or a mapping of its fields, as ``{"tracer": "fdg", "visit_days": 14}``
    output : `lutetia.OutputSettings`, or a mapping of its fields, as ``{"pseudonym": "A17"}``
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
    chosen = settings if isinstance(settings, ReadSettings) else _checked(ReadSettings, settings or {})
    wanted = output if isinstance(output, OutputSettings) else _checked(OutputSettings, output or {})
    tell = progress or (lambda stage, share: None)
    reading: CourseReading
    if out is None:
        reading = read_course(_paths(paths), chosen, tell)
        return _as_written(pseudonymised(reading, wanted.pseudonym) if wanted.pseudonym else reading)
    folder = _path(out, "out")
    beside = folder / "corrections.yaml"
    if chosen.corrections is None and beside.is_file():
        chosen = chosen.model_copy(update={"corrections": str(beside)})
    check_place(folder)
    with writing_into(folder):
        return _read_into(folder, _paths(paths), chosen, wanted, force, tell)


def _load_ahead(settings: ReadSettings, options: WriteOptions) -> None:
    """Load what the end of a reading needs: the rules, compiled, and the writers. A fault shows again when used."""
    from lutetia.reading.verdicts import rules_of

    load_writers(options)
    list(rules_of(settings))


def _read_into(
    folder: Path, paths: list[Path], chosen: ReadSettings, wanted: OutputSettings, force: bool, tell: Progress
) -> Course:
    options = WriteOptions(
        suv_nifti=wanted.suv_nifti,
        seg_full=wanted.seg_full,
        seg_labelmap=wanted.seg_labelmap,
        rwvm=wanted.rwvm,
        html=wanted.report,
        pdf=wanted.report,
    )
    # a kept stage may name the user's own mask files, and their paths may name the patient
    nameless = wanted.pseudonym is not None and (chosen.organs is not None or bool(chosen.references))
    store = None if nameless else StageStore(folder, force)
    with ThreadPoolExecutor(1) as beside:

        def step(stage: str, share: float) -> None:
            if stage.endswith("organs"):  # they are sought outside the interpreter, which may prepare the end
                beside.submit(_load_ahead, chosen, options)
            tell(stage, share)

        reading = read_course(paths, chosen, step, store)
    if wanted.pseudonym:
        reading = pseudonymised(reading, wanted.pseudonym)
    tell("writing", 0.92)
    volumes = volumes_of(reading)
    course, prepared, drawn = with_dicom(reading.course, volumes, options)
    write_results(course, volumes, folder, options, prepared, drawn)
    tell("done", 1.0)
    return Course.model_validate_json((folder / FILE_NAME).read_bytes())


def conformance(
    folder: PathLike, *, write: bool = False, progress: Callable[[str, float], None] | None = None
) -> ConformanceReport:
    """Read SUV objects with known answers and judge them.

    Parameters
    ----------
    folder : folder of objects, or an archive (.tar, .tar.xz, .tar.gz) of one
    write : first write the 58 objects of the IBSI-SUV list 3 into this new or empty folder
    progress : called as ``progress(object, share done)``

    Returns
    -------
    ConformanceReport
        One row per object; see `lutetia.reading.conformance.conformance`.

    Raises
    ------
    InputError
        ``no-such-path``, ``no-objects``, ``archive-unreadable``.
    UsageError
        ``folder-not-empty``: objects are not written beside other files.
    """
    from lutetia.reading.conformance import conformance as judge

    place = _path(folder, "folder")
    if write:
        from lutetia.phantom.suv_objects import write_suv_objects

        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UsageError(
                "folder-not-empty",
                "The objects are written to a new or empty folder only",
                where=str(place),
                expected="a name that does not exist yet",
            )
        write_suv_objects(place)
    return judge(place, progress=progress)


def make_phantom(
    out: PathLike,
    seed: int = 1,
    variant: str = "standard",
    *,
    tracer: str = "dotatate",
    size: str = "standard",
    course: str = "",
) -> PhantomTruth:
    """Write a synthetic PET/CT patient as DICOM, with the exact truth beside it.

    Parameters
    ----------
    out : folder to write into; made if missing. Same arguments, same bytes.
    seed : draws habitus, organ sizes and places, uptake, lesions, noise
    variant : see `lutetia.phantom.VARIANTS`; changes only what it names
    tracer : "dotatate" or "fdg"
    size : "standard", "small" (coarse grids, for tests) or "full" (for the benchmark)
    course : a story of several studies instead of one: see `lutetia.phantom.STORIES`

    Raises
    ------
    UsageError
        A variant, tracer, size or story that does not exist, or a variant or tracer beside a story.
    """
    from lutetia import phantom

    if not course:
        return phantom.make_phantom(_path(out, "out"), seed, variant, tracer=tracer, size=size)
    if (variant, tracer) != ("standard", "dotatate"):
        raise UsageError(
            "story-and-variant",
            "A course has its own patient and tracers",
            where="--course",
            expected="--course without --variant and --tracer",
        )
    return phantom.make_course(_path(out, "out"), seed, course, size=size)


def _checked(kind: type[Chosen], values: Mapping[str, Any]) -> Chosen:
    """Settings from a mapping.

    Raises
    ------
    UsageError
        ``bad-setting`` naming the setting at fault and what it may be.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        fault = field_at_fault(error)
        name = fault.field.replace("_", "-")
        raise UsageError(
            "bad-setting",
            f"{name} can't be {fault.value!r}",
            where=f"--{name}",
            expected=fault.said.removeprefix("should be "),
        ) from error


def _as_written(reading: CourseReading) -> Course:
    """The record with the digits that findings.json holds: the call and the file say the same."""
    return Course.model_validate_json(findings_json(reading.course))


def volumes_of(reading: CourseReading) -> dict[str, Any]:
    """What the outputs need beside the record: the pixels of every study."""
    volumes = {}
    frames = reading.frames
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
            from_reference=partial(frames.to_study, name) if frames is not None and name in frames.by_study else None,
        )
    return volumes
