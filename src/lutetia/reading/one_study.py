"""One study from its files: PET and CT loaded, SUV, then organs, references and lesions, or what was kept of them."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lutetia.dicom.headers import pet_facts
from lutetia.dicom.pixels import PetImage, load_ct_image, load_pet
from lutetia.dicom.select import StudySelection
from lutetia.dicom.series import SeriesFiles
from lutetia.dicom.tracers import TracerFinding, identify_tracer
from lutetia.imaging.references import ReferenceName
from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_plausibility import (
    acquisition_warnings,
    injection_site_warning,
    total_activity_warning,
)
from lutetia.model import (
    Acquisition,
    GridRecord,
    InputError,
    Issue,
    Reference,
    Refusal,
    Study,
    Volume,
)
from lutetia.model.pet import PetFacts
from lutetia.reading.acquisition import acquisition_of
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore, fingerprint, stage_key
from lutetia.reading.study import (
    Progress,
    StudyReading,
    anatomy_stage,
    lesion_stage,
    no_progress,
    overrides_of,
    reference_stage,
)
from lutetia.reading.suv import load_suv

#: a CT with less than this denser than lung shows no patient: its values are wrong, or the pixels were lost
BODY_HU, LEAST_BODY_ML = -300.0, 50.0


def tracer_of(selection: StudySelection, settings: ReadSettings) -> TracerFinding:
    """The tracer: the one given by hand, else what the header tells."""
    assert selection.pet is not None
    if settings.tracer:
        return identify_tracer(selection.pet.dataset(), settings.tracer)
    return selection.tracer or identify_tracer(selection.pet.dataset())


def _load_ct(series: SeriesFiles, issues: list[Issue], study: str) -> Volume | None:
    """The CT; one that can't be read is an issue, and the PET is read without it."""
    try:
        image = load_ct_image(series)
    except InputError as error:
        text = f"The CT was not used: {error.what}"
        issues.append(Issue(code=error.code, level="caution", message=text, where=error.where, study=study))
        return None
    issues.extend(i.model_copy(update={"study": study}) for i in image.issues)
    body_ml = 0.0
    for plane in image.volume.array:  # a slice or two tell
        body_ml += float(np.count_nonzero(plane > BODY_HU)) * image.volume.grid.voxel_ml
        if body_ml >= LEAST_BODY_ML:
            break
    else:
        text = f"The CT was not used: it shows no body ({body_ml:.0f} mL denser than {BODY_HU:g} HU)"
        issues.append(Issue(code="ct-shows-no-body", level="caution", message=text, where=series.label, study=study))
        return None
    return image.volume


def _load_suv(pet: SeriesFiles, scale: SuvScale | Refusal) -> PetImage:
    """The PET in SUV, or in stored units where SUV is refused."""
    return load_pet(pet) if isinstance(scale, Refusal) else load_suv(pet, scale)


def grid_record(volume: Volume) -> GridRecord:
    """The grid of a volume as findings.json keeps it."""
    grid = volume.grid
    return GridRecord(
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        origin_mm=grid.origin_mm,
        direction=grid.direction,
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )


def read_study(
    selection: StudySelection,
    name: str,
    settings: ReadSettings,
    progress: Progress = no_progress,
    store: StageStore | None = None,
) -> StudyReading:
    """Read one study.

    Parameters
    ----------
    selection : what to read of it
    name : the study's id in the record
    settings : see `ReadSettings`
    progress : called with the stage's name and the share done
    store : where finished stages are kept; None keeps none

    Returns
    -------
    StudyReading
        With a `suv_refusal` in its record where SUV can't be had, and with whatever came before a stage that refused.
    """
    issues = [i.model_copy(update={"study": name}) for i in selection.issues]
    study = Study(
        id=name,
        study_instance_uid=selection.study.study_instance_uid,
        date=iso_date(selection.study.date),
        modality=selection.modality,
        tracer="unknown",
        series=selection.notes,
    )
    reading = StudyReading(study=study, selection=selection, issues=issues)
    if selection.pet is None:
        refusal = Refusal(code="no-usable-pet", message="No PET or SPECT series of this study can be read")
        reading.study = study.model_copy(update={"suv_refusal": refusal, "references": not_measured(refusal.message)})
        return reading
    finding = tracer_of(selection, settings)
    reading.tracer = finding.tracer
    if not settings.tracer:
        known = {(i.code, i.message) for i in issues}
        new = [i for i in finding.issues if (i.code, i.message) not in known]
    else:
        new = list(finding.issues)
    issues.extend(i.model_copy(update={"study": name}) for i in new)

    with ThreadPoolExecutor(1) as pool:
        ct_task: Future[Volume | None] | None = None
        if selection.ct is not None and settings.use_ct:
            ct_task = pool.submit(_load_ct, selection.ct, issues, name)
        progress("SUV", 0.05)
        _suv_stage(reading, finding, settings)
        reading.ct = ct_task.result() if ct_task is not None else None
    if reading.suv is None:
        refused = reading.study.suv_refusal
        why = f"SUV was refused ({refused.message})" if refused is not None else "there is no SUV"
        reading.study = reading.study.model_copy(update={"references": not_measured(why)})
        return reading
    if reading.tracer is None:
        reading.study = reading.study.model_copy(update={"references": not_measured("the tracer is unknown")})
        reading.issues.append(
            Issue(
                code="tracer-needed",
                level="error",
                message="Organs, references and lesions were not sought because the tracer is unknown; "
                "name it with --tracer",
                study=name,
            )
        )
        return reading
    key = measure_key(selection, settings)
    kept = store.find(f"measure-{name}", key) if store is not None else None
    reading.issues_of_suv = len(reading.issues)
    if kept is not None:
        from lutetia.reading.kept import restore

        restore(reading, kept)
        reading.restored = True
        progress("kept from an earlier run", 1.0)
        return reading
    _measure(reading, settings, progress)
    if store is not None:
        from lutetia.reading.kept import keep

        with store.writing(f"measure-{name}", key) as folder:
            keep(reading, folder, reading.issues_of_suv)
    return reading


def not_measured(why: str) -> dict[str, Reference]:
    """The references of a study in which none was looked for: no values, and the reason."""
    names: tuple[ReferenceName, ...] = ("blood_pool", "liver", "spleen")
    return {n: Reference(name=n, status="caution", reasons=(f"not measured: {why}",)) for n in names}


def measure_key(selection: StudySelection, settings: ReadSettings) -> str:
    """What the measured part of a study depends on."""
    images = [i for series in (selection.pet, selection.ct) if series is not None for i in series.instances]
    files = [i.path for i in images]
    # a header corrected with its time of change kept (a synchronised copy) is another input
    headers = [(i.sop_instance_uid, i.of_the_series, i.rescale_slope, i.rescale_intercept) for i in images]
    named = [os.path.expanduser(p) for p in (settings.organs, *settings.references.values()) if p]
    own = [p for p in named if Path(p).exists()]  # a reference may be a sphere in words
    given = [str(f) for p in own for f in ([Path(p)] if Path(p).is_file() else sorted(Path(p).rglob("*")))]
    chosen = settings.model_dump(mode="json", exclude={"case", "rules_dir", "visit_days", "deformable", "corrections"})
    return stage_key("measure, cropped maps", fingerprint(files), headers, fingerprint(given), chosen)


def _measure(reading: StudyReading, settings: ReadSettings, progress: Progress) -> None:
    """Organs, references, lesions, grades."""
    progress("organs", 0.2)
    anatomy_stage(reading, settings)
    progress("references", 0.5)
    references = reference_stage(reading, settings)
    progress("lesions", 0.6)
    lesion_stage(reading, references, settings)
    progress("grades", 0.95)


def iso_date(text: str | None) -> str | None:
    """``20250131`` → ``2025-01-31``; what is not a date is left as it stands."""
    if text and len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text or None


def _suv_stage(reading: StudyReading, finding: TracerFinding, settings: ReadSettings) -> None:
    pet = reading.selection.pet
    assert pet is not None
    name = reading.study.id
    facts = pet_facts(pet)
    scale: SuvScale | Refusal
    if not finding.measurable:
        scale = Refusal(code="tracer-not-measured", message=finding.refusal, element="Radiopharmaceutical")
    else:
        scale = suv_scale(facts, overrides_of(settings), settings.suv_basis)
    try:
        reading.pet = _load_suv(pet, scale)
    except InputError as error:
        refusal = Refusal(code=error.code, message=error.what, element=error.where)
        known = {"tracer": finding.tracer.key, "tracer_detail": finding.tracer} if finding.tracer else {}
        reading.study = reading.study.model_copy(update={"suv_refusal": refusal, **known})
        reading.issues.append(Issue(code=error.code, level="error", message=error.what, where=error.where, study=name))
        return
    reading.issues.extend(i.model_copy(update={"study": name}) for i in reading.pet.issues)
    volume = reading.pet.volume
    update: dict[str, Any] = {
        "tracer": finding.tracer.key if finding.tracer else "unknown",
        "tracer_detail": finding.tracer,
        "grid": grid_record(volume),
        "acquisition": _acquisition(reading, facts, scale),
    }
    if not isinstance(scale, Refusal) and not volume.array.max() > 0:
        scale = Refusal(code="pet-without-uptake", message="The PET shows no uptake: no value is above 0")
    if isinstance(scale, Refusal):
        reading.stored = volume
        update["suv_refusal"] = scale
        message = f"{scale.message} (option {scale.override})" if scale.override else scale.message
        reading.issues.append(Issue(code=scale.code, level="error", message=message, where=scale.element, study=name))
    else:
        reading.suv = volume
        if scale.frame_factors is not None:
            reading.slice_factors = tuple(float(f) for f in scale.slice_factors(i.where for i in reading.pet.instances))
        update["suv"] = scale.record()
        key = finding.tracer.key if finding.tracer else ""
        found = [
            *scale.warnings,
            *acquisition_warnings(facts, scale, key),
            total_activity_warning(volume, scale.weight_used_kg),
            injection_site_warning(volume, scale.weight_used_kg),
        ]
        reading.issues.extend(i.model_copy(update={"study": name}) for i in found if i is not None)
    reading.study = reading.study.model_copy(update=update)


def _acquisition(reading: StudyReading, facts: PetFacts, scale: SuvScale | Refusal) -> Acquisition:
    selection = reading.selection
    assert selection.pet is not None and reading.pet is not None
    ct = selection.ct.dataset() if selection.ct is not None else None
    return acquisition_of(
        facts, None if isinstance(scale, Refusal) else scale, selection.pet.dataset(), ct, reading.pet.volume.grid
    )
