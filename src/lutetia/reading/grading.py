"""Grades for what was measured: the rules room's Krenning scales on every observation."""

from __future__ import annotations

from typing import Literal

from lutetia.imaging.lesions import LesionResult
from lutetia.model import Grade, Lesion, Observation, Reference, Study, Tracer
from lutetia.reading.settings import ReadSettings
from lutetia.rules import grade_krenning_modified, grade_krenning_spect

SpleenState = Literal["present", "removed", "outside_field", "diseased", "unknown"]


def spleen_state(reference: Reference | None) -> SpleenState:
    """What the spleen's status means for the scale."""
    if reference is None:
        return "unknown"
    if reference.status == "absent":
        return "removed"
    if reference.status == "outside_field":
        return "outside_field"
    return "present" if reference.suv_mean is not None else "unknown"


def tracer_class(tracer: Tracer) -> str | None:
    """The tracer as the Krenning scale's convention C-A14 lists it."""
    if tracer.binds == "sstr_antagonist":
        return "antagonist"
    if tracer.binds != "sstr_agonist":
        return None
    return {"68Ga": "agonist_ga68", "64Cu": "agonist_cu64", "18F": "agonist_f18"}.get(tracer.radionuclide)


def uptake_for_grade(observation: Observation) -> tuple[float, str]:
    """The number that is graded: SUVmax, or the mean of the core where a lesion is not hotter than its surroundings."""
    if "not_hotter_than_surroundings" in observation.flags and observation.core_mean is not None:
        return observation.core_mean, "mean of the core"
    return observation.suv_max, "SUVmax"


def grade_observation(
    observation: Observation, study: Study, tracer: Tracer, *, in_liver: bool, at_liver_level: bool, hours: float | None
) -> Observation:
    """The observation with its grade: modified Krenning on SSTR PET, the SPECT scale on 177Lu, none otherwise."""
    liver, spleen, blood = (study.reference_mean(name) for name in ("liver", "spleen", "blood_pool"))
    state = spleen_state(study.references.get("spleen"))
    uptake, measure = uptake_for_grade(observation)
    grade: Grade
    if tracer.is_sstr and tracer.modality == "SPECT":
        grade = grade_krenning_spect(
            uptake,
            liver,
            spleen,
            blood,
            spleen_state=state,
            size_mm=observation.long_axis_mm,
            hours=hours,
        )
        return observation.model_copy(update={"krenning_spect": grade})
    if not tracer.is_sstr:
        return observation
    grade = grade_krenning_modified(
        uptake,
        liver,
        spleen,
        blood,
        spleen_state=state,
        size_mm=observation.long_axis_mm,
        at_liver_level=at_liver_level,
        in_liver=in_liver,
        tracer_class=tracer_class(tracer),
        uptake_measure=measure,
    )
    return observation.model_copy(update={"krenning_modified": grade})


def graded(found: LesionResult, study: Study, tracer: Tracer, settings: ReadSettings) -> tuple[Lesion, ...]:
    """Every lesion of one study with its grade."""
    hours = None
    if study.acquisition.uptake_minutes is not None:
        hours = round(study.acquisition.uptake_minutes / 60, 2)
    out = []
    for lesion in found.lesions:
        observations = tuple(
            grade_observation(
                o,
                study,
                tracer,
                in_liver=lesion.tissue == "liver",
                at_liver_level=o.label in found.at_liver_level,
                hours=hours,
            )
            for o in lesion.observations
        )
        out.append(lesion.model_copy(update={"observations": observations}))
    return tuple(out)
