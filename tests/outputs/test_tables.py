"""lesions.csv: one row per lesion and study."""

from __future__ import annotations

import csv
import io

from lutetia.model import HistoryEvent, Place
from lutetia.outputs.tables import COLUMNS, lesions_csv


def _rows(course):
    return list(csv.DictReader(io.StringIO(lesions_csv(course).decode())))


def test_one_row_per_lesion_and_study(two_visits):
    rows = _rows(two_visits.course)
    assert [(row["lesion"], row["study"]) for row in rows] == [
        ("lesion-1", "study-1"),
        ("lesion-1", "study-2"),
        ("lesion-2", "study-1"),
        ("lesion-2", "study-2"),
        ("lesion-3", "study-1"),
    ]


def test_a_lesion_that_is_no_focus_has_its_row_with_the_value_at_its_place_and_what_became_of_it(two_visits):
    first, second, third = two_visits.course.lesions
    place = Place(study="study-2", in_field=True, suv_mean=1.4, background_mean=0.7, centroid_mm=(1.0, 2.0, 3.0))
    away = HistoryEvent(study="study-2", event="outside_field")
    lesions = (
        first,
        second.model_copy(update={"places": (place,), "tracking_uid": "2.25.7"}),
        third.model_copy(update={"places": (Place(study="study-2", in_field=False),), "history": (away,)}),
    )
    rows = {(r["lesion"], r["study"]): r for r in _rows(two_visits.course.model_copy(update={"lesions": lesions}))}
    gone = rows["lesion-2", "study-2"]
    assert (gone["seen_as"], gone["event"], gone["suv_mean"], gone["volume_ml"]) == ("place", "not_visible", "1.4", "")
    assert (gone["local_background_suv"], gone["centroid_z_mm"], gone["study_date"]) == ("0.7", "3", "2026-09-20")
    assert rows["lesion-2", "study-1"]["tracking_uid"] == gone["tracking_uid"] == "2.25.7"
    assert (rows["lesion-1", "study-2"]["seen_as"], rows["lesion-1", "study-2"]["event"]) == ("focus", "shrinking")
    assert (rows["lesion-3", "study-2"]["seen_as"], rows["lesion-3", "study-2"]["suv_mean"]) == ("not imaged", "")


def test_units_stand_in_the_column_names():
    assert {"volume_ml", "long_axis_mm", "centroid_x_mm", "tlu_ml", "ct_mean_hu"} <= set(COLUMNS)


def test_a_grade_that_could_be_two_is_written_as_both(made_up):
    rows = _rows(made_up.course)
    assert rows[1]["krenning_modified"] == "3"
    assert rows[1]["krenning_modified_set"] == "2|3"
    assert float(rows[1]["krenning_modified_margin"]) == 0.0333


def test_unknown_is_an_empty_cell(made_up):
    assert _rows(made_up.course)[2]["krenning_modified"] == ""


def test_a_site_that_a_spreadsheet_would_run_is_written_as_text(made_up):
    lesion = made_up.course.lesions[0].model_copy(update={"site": "=HYPERLINK(1)"})
    course = made_up.course.model_copy(update={"lesions": (lesion,)})
    assert _rows(course)[0]["site"] == "'=HYPERLINK(1)"
