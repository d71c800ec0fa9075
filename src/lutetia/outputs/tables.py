"""``lesions.csv``: the long form, one row per lesion and study, units in the column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from lutetia.model import Course, Grade, Lesion, Observation, Study

Cell = str | float | int | bool | None
_Column = tuple[str, Callable[[Study | None, Lesion, Observation], Cell]]


def _joined(grade: Grade | None) -> str | None:
    return None if grade is None else "|".join(grade.value)


def _pet(observation: Observation, field: str) -> Cell:
    grade = observation.krenning_modified
    if grade is None:
        return None
    value = getattr(grade, field)
    return "|".join(value) if isinstance(value, tuple) else value


_COLUMNS: tuple[_Column, ...] = (
    ("study", lambda s, le, ob: ob.study),
    ("study_date", lambda s, le, ob: s.date if s else None),
    ("visit", lambda s, le, ob: s.visit if s else None),
    ("tracer", lambda s, le, ob: s.tracer if s else None),
    ("lesion", lambda s, le, ob: le.id),
    ("label", lambda s, le, ob: ob.label),
    ("status", lambda s, le, ob: le.status),
    ("status_reason", lambda s, le, ob: le.status_reason),
    ("site", lambda s, le, ob: le.site),
    ("site_code", lambda s, le, ob: f"{le.site_code.scheme}:{le.site_code.value}" if le.site_code else None),
    ("side", lambda s, le, ob: le.side),
    ("region", lambda s, le, ob: le.region),
    ("tissue", lambda s, le, ob: le.tissue),
    ("confluent", lambda s, le, ob: le.confluent),
    ("marks", lambda s, le, ob: "|".join(le.marks)),
    ("suv_max", lambda s, le, ob: ob.suv_max),
    ("suv_mean", lambda s, le, ob: ob.suv_mean),
    ("suv_peak", lambda s, le, ob: ob.suv_peak),
    ("suv_peak_global", lambda s, le, ob: ob.suv_peak_global),
    ("suv_sd", lambda s, le, ob: ob.suv_sd),
    ("coefficient_of_variation", lambda s, le, ob: ob.coefficient_of_variation),
    ("volume_ml", lambda s, le, ob: ob.volume_ml),
    ("tlu_ml", lambda s, le, ob: ob.tlu),
    ("long_axis_mm", lambda s, le, ob: ob.long_axis_mm),
    ("short_axis_mm", lambda s, le, ob: ob.short_axis_mm),
    ("centroid_x_mm", lambda s, le, ob: ob.centroid_mm[0]),
    ("centroid_y_mm", lambda s, le, ob: ob.centroid_mm[1]),
    ("centroid_z_mm", lambda s, le, ob: ob.centroid_mm[2]),
    ("ratio_liver", lambda s, le, ob: ob.ratio_liver),
    ("ratio_spleen", lambda s, le, ob: ob.ratio_spleen),
    ("ratio_blood_pool", lambda s, le, ob: ob.ratio_blood_pool),
    ("local_background_suv", lambda s, le, ob: ob.local_background),
    ("core_mean_suv", lambda s, le, ob: ob.core_mean),
    ("mask_method", lambda s, le, ob: ob.mask_method),
    ("mask_threshold_suv", lambda s, le, ob: ob.mask_threshold_suv),
    ("ct_mean_hu", lambda s, le, ob: ob.ct_mean_hu),
    ("ct_sd_hu", lambda s, le, ob: ob.ct_sd_hu),
    ("ct_correlate", lambda s, le, ob: ob.ct_correlate),
    ("ct_long_axis_mm", lambda s, le, ob: ob.ct_long_axis_mm),
    ("krenning_modified", lambda s, le, ob: _joined(ob.krenning_modified)),
    ("krenning_modified_set", lambda s, le, ob: _pet(ob, "set")),
    ("krenning_modified_margin", lambda s, le, ob: _pet(ob, "margin")),
    ("krenning_modified_nearest_cut", lambda s, le, ob: _pet(ob, "nearest_cut")),
    ("krenning_modified_code", lambda s, le, ob: _pet(ob, "code")),
    ("krenning_modified_cautions", lambda s, le, ob: _pet(ob, "cautions")),
    ("krenning_spect", lambda s, le, ob: _joined(ob.krenning_spect)),
    ("krenning_spect_hours", lambda s, le, ob: ob.krenning_spect.hours if ob.krenning_spect else None),
    ("flags", lambda s, le, ob: "|".join(ob.flags)),
)

#: The columns of ``lesions.csv``, in order.
COLUMNS: tuple[str, ...] = tuple(name for name, _ in _COLUMNS)


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
    """One row per lesion and study in which it was measured: UTF-8, comma, ``\\n``, empty where unknown."""
    studies = {study.id: study for study in course.studies}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesion in course.lesions:
        for observation in lesion.observations:
            study = studies.get(observation.study)
            cells = [make(study, lesion, observation) for _, make in _COLUMNS]
            writer.writerow([_safe(_text(cell)) if isinstance(cell, str) else _text(cell) for cell in cells])
    return buffer.getvalue().encode()
