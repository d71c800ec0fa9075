"""Post-therapy SPECT against the pre-therapy PET: retention per lesion, ratios, and a research-only dose estimate.

Retention is never called response; SUV of a PET and of a SPECT are never subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from lutetia.imaging.dosimetry import effective_half_life, remaining, single_time_point_dose
from lutetia.model import Lesion, Observation
from lutetia.reading.course.history import GROWN, SHRUNK
from lutetia.reading.course.visits import injection_day, study_day
from lutetia.reading.study import StudyReading

NOTICE = "research estimate, not for prescribing, not for stopping treatment"


def hours_after_injection(reading: StudyReading) -> float | None:
    """Hours from injection to the scan."""
    minutes = reading.study.acquisition.uptake_minutes
    return None if minutes is None else minutes / 60


def concentration_mbq_ml(reading: StudyReading, suv: float) -> float | None:
    """Activity concentration at the time of the scan, MBq/mL, decay correction undone; None if unknown.

    SUV is concentration ÷ (dose ÷ weight) at one common time, so that the dose decayed to the scan gives it back.
    """
    acquisition, hours = reading.study.acquisition, hours_after_injection(reading)
    if reading.study.suv is None or hours is None or not acquisition.injected_mbq or not acquisition.weight_kg:
        return None
    half_life = reading.tracer.half_life_s if reading.tracer is not None else None
    left = remaining(hours, half_life / 3600) if half_life else remaining(hours)
    return suv * acquisition.injected_mbq * left / (acquisition.weight_kg * 1000)


def pre_therapy_pet(spect: StudyReading, readings: Sequence[StudyReading]) -> StudyReading | None:
    """The last SSTR PET before a SPECT."""
    day = study_day(spect)
    earlier = [
        r
        for r in readings
        if r.tracer is not None
        and r.tracer.is_sstr
        and r.tracer.modality == "PET"
        and (other := study_day(r)) is not None
        and day is not None
        and other <= day
    ]
    return earlier[-1] if earlier else None


def _status(reading: StudyReading, name: str) -> str:
    reference = reading.study.references.get(name)
    return reference.status if reference is not None else "absent"


def _kidney(reading: StudyReading) -> float | None:
    """Mean uptake of both kidneys, None where the anatomy has none."""
    if reading.anatomy is None or reading.suv is None:
        return None
    mask = reading.anatomy.mask("kidney_left") | reading.anatomy.mask("kidney_right")
    return float(reading.suv.array[mask].mean()) if mask.sum() > 50 else None


def _ratio(a: float, b: float | None) -> float | None:
    return None if not b else round(a / b, 4)


def retention(lesions: Sequence[Lesion], readings: Sequence[StudyReading]) -> tuple[dict[str, Any], ...]:
    """One row per lesion and SPECT: ratios within it, grade against the pre-therapy PET, activity, dose estimate."""
    rows: list[dict[str, Any]] = []
    for spect in (r for r in readings if r.study.is_therapy_spect and r.suv is not None):
        pet = pre_therapy_pet(spect, readings)
        kidney = _kidney(spect)
        for lesion in lesions:
            if not lesion.counts:
                continue
            now = lesion.observation_in(spect.study.id)
            if now is None:
                continue
            before = lesion.observation_in(pet.study.id) if pet is not None else None
            rows.append(_row(lesion, now, before, spect, pet, kidney))
    return (*rows, *_half_lives(lesions, readings))


def _row(
    lesion: Lesion,
    now: Observation,
    before: Observation | None,
    spect: StudyReading,
    pet: StudyReading | None,
    kidney: float | None,
) -> dict[str, Any]:
    hours = hours_after_injection(spect)
    concentration = concentration_mbq_ml(spect, now.suv_mean)
    row: dict[str, Any] = {
        "kind": "retention",
        "lesion": lesion.id,
        "study": spect.study.id,
        "pre_therapy_study": pet.study.id if pet is not None else None,
        "hours_after_injection": None if hours is None else round(hours, 2),
        "tumour_to_liver": _ratio(now.suv_mean, spect.study.reference_mean("liver")),
        "liver_status": _status(spect, "liver"),
        "tumour_to_spleen": _ratio(now.suv_mean, spect.study.reference_mean("spleen")),
        "tumour_to_kidney": _ratio(now.suv_mean, kidney),
        "krenning_spect": list(now.krenning_spect.value) if now.krenning_spect is not None else [],
        "krenning_pet": list(before.krenning_modified.value) if before is not None and before.krenning_modified else [],
        "note": "retention of the therapy agent; never response",
    }
    if concentration is None or hours is None:
        row["dose"] = {"gy": None, "reasons": ["no activity concentration: counts without calibration, dose or time"]}
        return row
    dose = single_time_point_dose(concentration, hours, now.volume_ml, _tissue(lesion))
    row |= {
        "concentration_mbq_ml": round(concentration, 6),
        "activity_mbq": round(concentration * now.volume_ml, 4),
        "activity_corrected_to_injection_mbq": round(concentration * now.volume_ml / remaining(hours), 4),
        "dose": {
            "gy": None if dose.value is None else round(dose.value, 2),
            "low_gy": None if dose.low is None else round(dose.low, 2),
            "high_gy": None if dose.high is None else round(dose.high, 2),
            "method": "one time point, 2Δ/ln 2 · t · C(t)",
            "notice": NOTICE,
            "reasons": list(dose.reasons),
        },
    }
    return row


def _tissue(lesion: Lesion) -> str:
    return lesion.tissue if lesion.tissue in ("liver", "lymph_node", "bone", "lung") else "soft"


def _half_lives(lesions: Sequence[Lesion], readings: Sequence[StudyReading]) -> list[dict[str, Any]]:
    """Effective half-life per lesion from two SPECTs of one injection."""
    rows = []
    spects = [r for r in readings if r.study.is_therapy_spect and r.suv is not None]
    for a, b in pairwise(spects):
        if injection_day(a) is None or injection_day(a) != injection_day(b):
            continue
        (first_h, second_h), note = _hours_of_both(a, b)
        for lesion in lesions:
            by_study = {o.study: o for o in lesion.observations}
            if a.study.id not in by_study or b.study.id not in by_study or first_h is None or second_h is None:
                continue
            one, two = by_study[a.study.id], by_study[b.study.id]
            c1, c2 = concentration_mbq_ml(a, one.suv_mean), concentration_mbq_ml(b, two.suv_mean)
            if c1 is None or c2 is None:
                continue
            found = effective_half_life(c1 * one.volume_ml, first_h, c2 * two.volume_ml, second_h)
            reasons = [*found.reasons, *_other_outline(one.volume_ml, two.volume_ml)]
            row: dict[str, Any] = {
                "kind": "effective_half_life",
                "lesion": lesion.id,
                "studies": [a.study.id, b.study.id],
                "hours": [round(first_h, 2), round(second_h, 2)],
                "activity_mbq": [round(c1 * one.volume_ml, 4), round(c2 * two.volume_ml, 4)],
                "half_life_h": None if found.value is None or reasons else round(found.value, 1),
                "reasons": reasons,
                "notice": NOTICE,
            }
            rows.append(row | ({"note": note} if note else {}))
    return rows


def _other_outline(first_ml: float, second_ml: float) -> tuple[str, ...]:
    """Why the activities of two outlines are not those of one volume; () where they agree within ±30 % (C-P26)."""
    if SHRUNK <= second_ml / max(first_ml, 1e-6) <= GROWN:
        return ()
    return (
        f"the outlines differ ({first_ml:.1f} and {second_ml:.1f} mL, beyond ±30 %): not the activity of one volume",
    )


def _hours_of_both(a: StudyReading, b: StudyReading) -> tuple[tuple[float | None, float | None], str]:
    """Hours after injection of two SPECTs of one injection, and what is said where their headers differ on its time.

    The time between the scans is that of their clocks; the activities do not depend on what a header says of the
    injection, for SUV was made with the same values.
    """
    first, second = hours_after_injection(a), hours_after_injection(b)
    injections = a.study.acquisition.injection, b.study.acquisition.injection
    if injections[0] == injections[1] or first is None or second is None:
        return (first, second), ""
    try:
        starts = [datetime.fromisoformat(r.study.acquisition.scan_start or "") for r in (a, b)]
        between = (starts[1] - starts[0]).total_seconds() / 3600
    except (TypeError, ValueError):
        return (first, second), ""
    clocks = " and ".join(str(text)[11:16] for text in injections)
    return (first, first + between), f"the headers give two times of one injection ({clocks}): the first is taken"
