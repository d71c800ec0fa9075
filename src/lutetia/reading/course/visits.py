"""Studies grouped into visits: SSTR and FDG near each other in time, and each therapy's SPECTs by their injection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lutetia.model import Issue, Visit
from lutetia.reading.study import StudyReading


def study_day(reading: StudyReading) -> date | None:
    """Day of the scan: from the acquisition, else the study date; None when neither is known."""
    try:
        return date.fromisoformat((reading.study.acquisition.scan_start or "")[:10])
    except ValueError:
        return reading.study.day


def injection_day(reading: StudyReading) -> date | None:
    """Day of the injection, else of the scan: a therapy is given once a day, whatever time each header writes."""
    try:
        return date.fromisoformat((reading.study.acquisition.injection or "")[:10])
    except ValueError:
        return study_day(reading)


def group_visits(
    readings: Sequence[StudyReading], days: int, treatments: Sequence[date] = ()
) -> tuple[tuple[Visit, ...], tuple[Issue, ...]]:
    """Visits in order of time.

    Parameters
    ----------
    readings : studies in order of date
    days : PET studies of different tracers within so many days of the visit's first belong together
    treatments : dates of systemic treatment: a PET before and one after are never one visit

    Returns
    -------
    (visits, issues)
        Studies without a date stand in a visit of their own, with an issue. A second PET with the same tracer opens a
        new visit; SPECTs of one injection are one visit.
    """
    groups: list[list[StudyReading]] = []
    issues: list[Issue] = []
    pet: list[StudyReading] | None = None
    therapy: list[StudyReading] | None = None
    for reading in readings:
        day = study_day(reading)
        if day is None:
            issues.append(
                Issue(
                    code="study-without-date",
                    level="caution",
                    message="The study has no date: it stands in a visit of its own, and nothing is compared in time",
                    study=reading.study.id,
                )
            )
            groups.append([reading])
            continue
        if reading.study.is_therapy_spect:
            if therapy is None or injection_day(therapy[0]) != injection_day(reading):
                therapy = []
                groups.append(therapy)
            therapy.append(reading)
            continue
        if pet is not None:
            first = study_day(pet[0])
            again = any(r.study.tracer == reading.study.tracer for r in pet)
            between = first is not None and any(first < t <= day for t in treatments)
            far = first is None or (day - first).days > days
            if again and not far and first == day:
                issues.append(
                    Issue(
                        code="same-tracer-same-day",
                        level="caution",
                        message=f"Two {reading.study.tracer} studies on {day.isoformat()}: read as two visits",
                        study=reading.study.id,
                    )
                )
            if again or far or between:
                pet = None
        if pet is None:
            pet = []
            groups.append(pet)
        pet.append(reading)
    visits = []
    for n, group in enumerate(groups, 1):
        dates = sorted(d.isoformat() for d in map(study_day, group) if d is not None)
        visits.append(
            Visit(
                id=f"visit-{n}",
                studies=tuple(r.study.id for r in group),
                first_date=dates[0] if dates else None,
                last_date=dates[-1] if dates else None,
                note="therapy SPECT" if group[0].study.is_therapy_spect else "",
            )
        )
    return tuple(visits), tuple(issues)
