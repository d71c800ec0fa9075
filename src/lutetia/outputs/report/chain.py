"""Why a lesion has its grade: the chain from the grade back to voxels, SUV factor and header elements."""

from __future__ import annotations

from lutetia.model import Course, Grade, Lesion, Observation, Study
from lutetia.outputs.report import wording

Step = tuple[str, str]


def chain(course: Course, lesion: Lesion, observation: Observation) -> tuple[Step, ...]:
    """The chain of one lesion in one study, from the result to its origin: (what, in words) per link."""
    study = next(s for s in course.studies if s.id == observation.study)
    grade = observation.krenning_modified or observation.krenning_spect
    steps: list[Step] = []
    if lesion.status in ("physiological", "rejected"):
        steps.append(("Status", f"{lesion.status}: {lesion.status_reason or 'no reason recorded'}"))
    if grade is not None:
        steps.append(("Grade", _grade_words(grade)))
    steps += _reference_steps(study)
    steps.append(("Uptake", _uptake_words(observation, grade)))
    steps.append(("Outline", _outline_words(observation)))
    steps += _suv_steps(study)
    return tuple(steps)


def _grade_words(grade: Grade) -> str:
    words = wording.grade_words(grade)
    margin = wording.margin_words(grade)
    if margin:
        words += f"; {margin}"
    if grade.explanation:
        words += f". {grade.explanation}"
    if grade.rule:
        words += f" (rule {grade.rule})"
    return words


def _uptake_words(observation: Observation, grade: Grade | None) -> str:
    words = f"SUVmax {wording.suv(observation.suv_max)}, SUVmean {wording.suv(observation.suv_mean)}"
    if observation.suv_peak is not None:
        words += f", SUVpeak {wording.suv(observation.suv_peak)}"
    if grade is not None and grade.uptake is not None:
        words += f"; graded: {grade.uptake_measure or 'uptake'} {wording.suv(grade.uptake)}"
    place = observation.max_position_mm or observation.centroid_mm
    return words + f"; hottest voxel at ({', '.join(f'{v:.1f}' for v in place)}) mm, left–posterior–superior"


def _outline_words(observation: Observation) -> str:
    words = f"{wording.with_unit(observation.volume_ml, 'mL')} by {observation.mask_method or 'a method not recorded'}"
    if observation.mask_threshold_suv is not None:
        words += f", threshold SUV {wording.suv(observation.mask_threshold_suv)}"
    return words + f"; label {observation.label} in {observation.study}/lesions.nii.gz"


def _reference_steps(study: Study) -> list[Step]:
    steps = []
    for name in ("blood_pool", "liver", "spleen"):
        reference = study.references.get(name)
        if reference is None:
            continue
        status = wording.REFERENCE_STATUS.get(reference.status, reference.status)
        words = f"{wording.suv(reference.suv_mean)} ({status}"
        if reference.method:
            words += f"; {reference.method.replace('_', ' ')}"
        words += ")"
        if reference.reasons:
            words += ": " + "; ".join(reference.reasons)
        steps.append((wording.REFERENCE_NAMES[name], words))
    return steps


def _suv_steps(study: Study) -> list[Step]:
    if study.suv is None:
        refusal = study.suv_refusal
        return [("SUV", f"refused: {refusal.message}" if refusal else "not computed")]
    record = study.suv
    words = f"stored value × {record.factor:.6g} ({record.units or 'unit not stated'}), basis {record.basis}"
    reason = record.decay_reference_reason
    steps = [
        ("SUV factor", words),
        ("Decay reference", wording.moment_words(record.decay_reference) + (f": {reason}" if reason else "")),
    ]
    altered = [*record.repairs, *(f"{key} = {value} (entered by hand)" for key, value in record.overrides.items())]
    if altered:
        steps.append(("Altered values", "; ".join(altered)))
    if record.elements:
        steps.append(("Header", "; ".join(f"{key} = {value}" for key, value in record.elements.items())))
    used = [note for note in study.series if note.role]
    if used:
        steps.append(("Series", "; ".join(f"{note.role}: {note.series_instance_uid}" for note in used)))
    return steps
