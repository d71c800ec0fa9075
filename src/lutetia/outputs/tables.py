"""``lesions.csv``: the long form, one row per lesion and study, units in the column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from lutetia.model import Course, Grade, HistoryEvent, Lesion, Observation, Place, Study

Cell = str | float | int | bool | None


def _joined(grade: Grade | None) -> str | None:
    return None if grade is None else "|".join(grade.value)


def _pet(observation: Observation, field: str) -> Cell:
    grade = observation.krenning_modified
    if grade is None:
        return None
    value = getattr(grade, field)
    return "|".join(value) if isinstance(value, tuple) else value


#: what a row says of the study and the lesion
_OF_LESION: tuple[tuple[str, Callable[[Study, Lesion], Cell]], ...] = (
    ("study", lambda s, le: s.id),
    ("study_date", lambda s, le: s.date),
    ("visit", lambda s, le: s.visit),
    ("tracer", lambda s, le: s.tracer),
    ("lesion", lambda s, le: le.id),
    ("status", lambda s, le: le.status),
    ("status_reason", lambda s, le: le.status_reason),
    ("site", lambda s, le: le.site),
    ("site_code", lambda s, le: f"{le.site_code.scheme}:{le.site_code.value}" if le.site_code else None),
    ("side", lambda s, le: le.side),
    ("region", lambda s, le: le.region),
    ("tissue", lambda s, le: le.tissue),
    ("confluent", lambda s, le: le.confluent),
    ("marks", lambda s, le: "|".join(le.marks)),
)
#: what it says of a focus
_OF_FOCUS: tuple[tuple[str, Callable[[Observation], Cell]], ...] = (
    ("label", lambda ob: ob.label),
    ("suv_max", lambda ob: ob.suv_max),
    ("suv_mean", lambda ob: ob.suv_mean),
    ("suv_peak", lambda ob: ob.suv_peak),
    ("suv_peak_global", lambda ob: ob.suv_peak_global),
    ("suv_sd", lambda ob: ob.suv_sd),
    ("coefficient_of_variation", lambda ob: ob.coefficient_of_variation),
    ("volume_ml", lambda ob: ob.volume_ml),
    ("tlu_ml", lambda ob: ob.tlu),
    ("long_axis_mm", lambda ob: ob.long_axis_mm),
    ("short_axis_mm", lambda ob: ob.short_axis_mm),
    ("centroid_x_mm", lambda ob: ob.centroid_mm[0]),
    ("centroid_y_mm", lambda ob: ob.centroid_mm[1]),
    ("centroid_z_mm", lambda ob: ob.centroid_mm[2]),
    ("ratio_liver", lambda ob: ob.ratio_liver),
    ("ratio_spleen", lambda ob: ob.ratio_spleen),
    ("ratio_blood_pool", lambda ob: ob.ratio_blood_pool),
    ("local_background_suv", lambda ob: ob.local_background),
    ("core_mean_suv", lambda ob: ob.core_mean),
    ("mask_method", lambda ob: ob.mask_method),
    ("mask_threshold_suv", lambda ob: ob.mask_threshold_suv),
    ("ct_mean_hu", lambda ob: ob.ct_mean_hu),
    ("ct_sd_hu", lambda ob: ob.ct_sd_hu),
    ("ct_correlate", lambda ob: ob.ct_correlate),
    ("ct_long_axis_mm", lambda ob: ob.ct_long_axis_mm),
    ("krenning_modified", lambda ob: _joined(ob.krenning_modified)),
    ("krenning_modified_set", lambda ob: _pet(ob, "set")),
    ("krenning_modified_margin", lambda ob: _pet(ob, "margin")),
    ("krenning_modified_nearest_cut", lambda ob: _pet(ob, "nearest_cut")),
    ("krenning_modified_code", lambda ob: _pet(ob, "code")),
    ("krenning_modified_cautions", lambda ob: _pet(ob, "cautions")),
    ("krenning_spect", lambda ob: _joined(ob.krenning_spect)),
    ("krenning_spect_hours", lambda ob: ob.krenning_spect.hours if ob.krenning_spect else None),
    ("flags", lambda ob: "|".join(ob.flags)),
)
#: what it says of a place without a focus: the same columns, as far as a place has them
_OF_PLACE: dict[str, Callable[[Place], Cell]] = {
    "suv_max": lambda pl: pl.suv_max,
    "suv_mean": lambda pl: pl.suv_mean,
    "centroid_x_mm": lambda pl: pl.centroid_mm[0] if pl.centroid_mm else None,
    "centroid_y_mm": lambda pl: pl.centroid_mm[1] if pl.centroid_mm else None,
    "centroid_z_mm": lambda pl: pl.centroid_mm[2] if pl.centroid_mm else None,
    "local_background_suv": lambda pl: pl.background_mean,
    "core_mean_suv": lambda pl: pl.core_mean,
    "ct_correlate": lambda pl: pl.ct_correlate,
    "krenning_modified": lambda pl: _joined(pl.krenning_modified),
}
#: what it says of the course
_OF_COURSE = ("seen_as", "event", "event_evidence", "note", "tracking_uid")

#: The columns of ``lesions.csv``, in order.
COLUMNS: tuple[str, ...] = (*(name for name, _ in (*_OF_LESION, *_OF_FOCUS)), *_OF_COURSE)


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _safe(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is quoted as text."""
    return "'" + text if text[:1] in ("=", "@", "+", "\t", "\r") else text


def lesions_csv(course: Course) -> bytes:
    """One row per lesion and study: UTF-8, comma, ``\\n``, empty where unknown.

    `seen_as` is "focus", "place" (what the study shows where it has no focus: a value, not a gap) or "not imaged".
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesion in course.lesions:
        for study in course.studies:
            cells = _row(study, lesion)
            if cells is not None:
                values = [cells.get(name) for name in COLUMNS]
                writer.writerow([_safe(_text(cell)) if isinstance(cell, str) else _text(cell) for cell in values])
    return buffer.getvalue().encode()


def _row(study: Study, lesion: Lesion) -> dict[str, Cell] | None:
    """The cells of a lesion in a study; None where nothing is said of it there."""
    focus, place = lesion.observation_in(study.id), lesion.place_in(study.id)
    event = next((e for e in lesion.history if e.study == study.id), None)
    if focus is None and place is None and event is None:
        return None
    cells: dict[str, Cell] = {name: make(study, lesion) for name, make in _OF_LESION}
    if focus is not None:
        cells |= {name: make(focus) for name, make in _OF_FOCUS}
    elif place is not None:
        cells |= {name: make(place) for name, make in _OF_PLACE.items()}
    return cells | {
        "seen_as": _seen_as(focus, place, event),
        "event": event.event if event is not None else None,
        "event_evidence": event.evidence if event is not None else None,
        "note": place.note if focus is None and place is not None else None,
        "tracking_uid": lesion.tracking_uid,
    }


def _seen_as(focus: Observation | None, place: Place | None, event: HistoryEvent | None) -> str:
    if focus is not None:
        return "focus"
    outside = event.event == "outside_field" if event is not None else place is not None and not place.in_field
    return "not imaged" if outside else "place"
