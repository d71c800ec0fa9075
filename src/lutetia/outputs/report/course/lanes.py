"""Visits and treatments in order of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from lutetia.model import Course, Study
from lutetia.outputs.pictures.swimlane import Scan, Stop, Therapy, swimlane_svg
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Figure
from lutetia.outputs.report.course.chosen import svg_figure, svg_size
from lutetia.outputs.report.course.following import (
    tracer_group,
    visit_words,
)


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text or "")[:10])
    except ValueError:
        return None


def swimlane(course: Course) -> Figure | None:
    """Visits and treatments in order of time; None without visits."""
    if not course.visits:
        return None
    by_id = {study.id: study for study in course.studies}
    stops: list[Stop] = []
    last: date | None = None
    for visit in course.visits:
        first = _day(visit.first_date)
        dates = " – ".join(
            dict.fromkeys(wording.date_words(d, short=True) for d in (visit.first_date, visit.last_date))
        )
        scans = tuple(
            Scan(tracer_group(by_id[s]), _scan_words(by_id[s], len(course.visits))) for s in visit.studies if s in by_id
        )
        since = (first - last).days if first is not None and last is not None else None
        stops.append(Stop(visit_words(visit.id).capitalize(), dates, scans, since))
        last = _day(visit.last_date) or first
    picture = swimlane_svg(stops, _therapies(course))
    width, height = svg_size(picture)
    alt = picture.split("<title>", 1)[1].split("</title>", 1)[0]
    return svg_figure("course-lanes", picture, alt, width, height)


def _scan_words(study: Study, visits: int) -> str:
    words = f"{study.id.replace('-', ' ')}, {wording.tracer_words(study)}"
    if study.modality.startswith("SPECT") and study.acquisition.uptake_minutes is not None:
        words = f"{study.id.replace('-', ' ')}, {study.acquisition.uptake_minutes / 60:.0f} h"
    room = (736 - 56 * (visits - 1)) / visits / 6.6 - 5
    return words if len(words) <= room else study.id.replace("-", " ")


def _therapies(course: Course) -> list[Therapy]:
    """Treatments of the record, and the therapy that each SPECT's own header states."""
    found: list[tuple[str, date, date]] = []
    for entry in course.treatments:
        start = next((d for key in ("date", "from", "start", "first_date") if (d := _day(entry.get(key)))), None)
        end = next((d for key in ("until", "to", "end", "last_date") if (d := _day(entry.get(key)))), None)
        if start is not None:
            found.append((treatment_words(entry), start, end or start))
    if not course.treatments:
        found += _therapies_of_spect(course)
    firsts = [_day(visit.first_date) for visit in course.visits]

    def before(day: date) -> int:
        """The first visit that is not before a day."""
        return next((i for i, first in enumerate(firsts) if first is not None and first >= day), len(firsts))

    return [Therapy(words, before(start), before(end)) for words, start, end in sorted(found, key=lambda t: t[1])]


def _therapies_of_spect(course: Course) -> list[tuple[str, date, date]]:
    """What the SPECTs of a therapy say was given, one entry a day; activities of several headers stand side by side."""
    given: dict[tuple[date, str], list[str]] = {}
    for study in course.studies:
        day, dose = _day(study.acquisition.injection), study.acquisition.injected_mbq
        if not study.is_therapy_spect or day is None:
            continue
        name = study.id.replace("-", " ")
        words = f"{wording.with_unit(dose / 1000, 'GBq')} (header of {name})" if dose else f"header of {name}"
        given.setdefault((day, wording.tracer_words(study)), []).append(words)
    return [(f"{tracer}: {', '.join(words)}", day, day) for (day, tracer), words in given.items()]


def treatment_words(entry: Mapping[str, Any]) -> str:
    """``177Lu-DOTATATE, cycle 2, 7.4 GBq``."""
    name = next((str(entry[k]) for k in ("agent", "name", "kind", "text") if entry.get(k)), "treatment")
    parts = [name]
    if entry.get("cycle"):
        parts.append(f"cycle {entry['cycle']}")
    if entry.get("cycles"):
        parts.append(f"{entry['cycles']} cycles")
    if isinstance(entry.get("activity_gbq"), int | float):
        parts.append(wording.with_unit(float(entry["activity_gbq"]), "GBq"))
    return ", ".join(parts)
