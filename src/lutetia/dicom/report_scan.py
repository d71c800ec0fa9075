"""An inventory and the selection in it as plain data, for ``lutetia scan`` and its ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lutetia.dicom.select import StudySelection, patients_called, select
from lutetia.dicom.series import Inventory, SeriesFiles, StudyFiles
from lutetia.model import Issue, LutetiaError, SeriesNote


def report(
    inventory: Inventory,
    *,
    patient: str | None = None,
    pet: str | Sequence[str] | None = None,
    ct: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """What was found and what would be read.

    Where nothing can be selected the reason is an issue; nothing is raised. With several patients each is
    listed with its own selection.

    Returns
    -------
    dict
        ``patients[].studies[].series[].{series_instance_uid, modality, description, part, series_number,
        n_images, role, reason}``, ``studies[].{tracer, modality, reading}``, ``issues``, ``n_files``,
        ``n_instances``.
    """
    issues = list(inventory.issues)
    patients = []
    listed = list(inventory.patients) if patient is None else patients_called(inventory.patients, patient)
    if patient is not None and not listed:
        there = "; ".join(p.key for p in inventory.patients) or "nobody"
        text = f"The patient {patient!r} is not there; the input holds {there}"
        issues.append(Issue(code="no-such-patient", level="error", message=text, where="--patient"))
    for files in listed:
        try:
            selected = select(inventory, patient=files.key, pet=pet, ct=ct)
        except LutetiaError as error:
            selected = ()
            issues.append(_as_issue(error))
        chosen: dict[str, list[StudySelection]] = {}
        for selection in selected:
            chosen.setdefault(selection.study.study_instance_uid, []).append(selection)
        notes = _first_notes(selected)
        patients.append(
            {
                "key": files.key,
                "patient_id": files.patient_id,
                "name": files.name,
                "studies": [_study(study, chosen.get(study.study_instance_uid, []), notes) for study in files.studies],
            }
        )
        issues += [issue for selection in selected for issue in selection.issues if issue not in issues]
        for selection in selected:
            if selection.tracer is not None:
                issues += selection.tracer.issues
    return {
        "patients": patients,
        "issues": [issue.model_dump(include={"code", "level", "message", "where"}) for issue in issues],
        "n_files": inventory.n_files,
        "n_instances": inventory.n_instances,
    }


def _as_issue(error: LutetiaError) -> Issue:
    message = f"{error.what}; {error.remedy}" if error.remedy else error.what
    return Issue(code=error.code, level="error", message=message, where=error.where)


def _first_notes(selected: tuple[StudySelection, ...]) -> dict[tuple[str, str], SeriesNote]:
    """One note per series: a study's own selection speaks before the others."""
    notes: dict[tuple[str, str], SeriesNote] = {}
    for selection in selected:
        own = {(s.series_instance_uid, _name(s)) for s in selection.study.series}
        for note in selection.notes:
            key = (note.series_instance_uid, note.description)
            if key in own or note.role or key not in notes:
                notes[key] = note
    return notes


def _name(series: SeriesFiles) -> str:
    return f"{series.description} ({series.part})" if series.part else series.description


def _study(
    study: StudyFiles, selections: list[StudySelection], notes: dict[tuple[str, str], SeriesNote]
) -> dict[str, Any]:
    """A study; what stands beside it is of the first scan in it that is read, `reading` of all."""
    read = [s for s in selections if s.pet is not None]
    tracer = read[0].tracer.tracer if read and read[0].tracer else None
    return {
        "study_instance_uid": study.study_instance_uid,
        "date": study.date,
        "description": study.description,
        "modality": read[0].modality if read else None,
        "tracer": tracer.key if tracer else None,
        "reading": "would be read as " + " and as ".join(map(_as_words, read)) if read else "",
        "series": [_series(s, notes.get((s.series_instance_uid, _name(s)))) for s in study.series],
    }


def _as_words(selection: StudySelection) -> str:
    tracer = selection.tracer.tracer if selection.tracer else None
    return f"{selection.modality}, {tracer.name if tracer else 'tracer unknown'}"


def _series(series: SeriesFiles, note: SeriesNote | None) -> dict[str, Any]:
    return {
        "series_instance_uid": series.series_instance_uid,
        "modality": series.modality,
        "description": series.description,
        "part": series.part,
        "series_number": series.number,
        "n_images": series.n_images,
        "role": note.role if note else "",
        "reason": note.reason if note else "",
        "sop_class_uid": series.first.sop_class_uid,
        "transfer_syntax_uid": series.first.transfer_syntax_uid,
    }
