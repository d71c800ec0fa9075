"""Which studies are one visit."""

from __future__ import annotations

from datetime import date
from typing import Any

from lutetia.model import Acquisition, Study, Tracer
from lutetia.reading.course.history import previous_study
from lutetia.reading.course.visits import group_visits
from lutetia.reading.study import StudyReading


def study(
    name: str, day: str | None, tracer: str = "dotatate", modality: Any = "PET/CT", injection: str = ""
) -> StudyReading:
    record = Study(
        id=name,
        study_instance_uid=f"1.2.{name[-1]}",
        date=day,
        tracer=tracer,
        modality=modality,
        acquisition=Acquisition(injection=injection or None),
    )
    return StudyReading(study=record, selection=None)  # type: ignore[arg-type]


def groups(*readings: StudyReading, days: int = 31, treatments: tuple[date, ...] = ()) -> list[tuple[str, ...]]:
    return [v.studies for v in group_visits(readings, days, treatments)[0]]


def test_sstr_and_fdg_six_days_apart_are_one_visit() -> None:
    assert groups(study("s1", "2024-03-01"), study("s2", "2024-03-07", "fdg")) == [("s1", "s2")]


def test_sstr_and_fdg_two_months_apart_are_two() -> None:
    assert len(groups(study("s1", "2024-03-01"), study("s2", "2024-05-07", "fdg"))) == 2


def test_the_same_tracer_again_opens_a_new_visit_however_soon() -> None:
    assert len(groups(study("s1", "2024-03-01"), study("s2", "2024-03-20"))) == 2


def test_a_treatment_between_two_scans_parts_them() -> None:
    pair = (study("s1", "2024-03-01"), study("s2", "2024-03-10", "fdg"))
    assert len(groups(*pair, treatments=(date(2024, 3, 5),))) == 2


def test_the_spects_of_one_injection_are_one_visit_and_the_next_cycle_is_another() -> None:
    spects = [
        study("s1", "2024-04-02", "lu177-dotatate", "SPECT/CT", "2024-04-01T09:00:00"),
        study("s2", "2024-04-05", "lu177-dotatate", "SPECT/CT", "2024-04-01T09:00:00"),
        study("s3", "2024-06-02", "lu177-dotatate", "SPECT/CT", "2024-06-01T09:00:00"),
    ]
    assert groups(*spects) == [("s1", "s2"), ("s3",)]


def test_a_study_without_a_date_stands_alone_and_says_so() -> None:
    visits, issues = group_visits([study("s1", None), study("s2", "2024-03-07", "fdg")], 31)
    assert [v.studies for v in visits] == [("s1",), ("s2",)]
    assert issues[0].code == "study-without-date"


def test_an_mibg_spect_is_a_study_of_its_visit_and_no_therapy(records: Any) -> None:
    rows = (("s1", "dotatate", "2025-01-10"), ("m1", "i123-mibg", "2025-01-20"), ("t1", "lu177-dotatate", "2025-02-20"))
    readings = []
    for row in rows:
        made = records.study(*row)
        detail = Tracer.model_validate(made["tracer_detail"])
        readings.append(StudyReading(Study.model_validate(made), selection=None, tracer=detail))  # type: ignore[arg-type]
    visits, _ = group_visits(readings, 31)
    assert [v.studies for v in visits] == [("s1", "m1"), ("t1",)]
    assert [v.note for v in visits] == ["", "therapy SPECT"]


def test_nothing_is_compared_in_time_with_a_study_without_a_date() -> None:
    readings = [study("s1", None), study("s2", "2024-03-07"), study("s3", "2024-09-07")]
    visits, _ = group_visits(readings, 31)
    previous = [previous_study(r, readings, visits) for r in readings]
    assert [p.study.id if p is not None else None for p in previous] == [None, None, "s2"]


def test_two_scans_of_one_day_with_one_tracer_are_two_visits_and_say_so() -> None:
    visits, issues = group_visits([study("s1", "2024-03-07"), study("s2", "2024-03-07")], 31)
    assert [v.studies for v in visits] == [("s1",), ("s2",)]
    assert issues[0].code == "same-tracer-same-day"


def test_sstr_and_fdg_of_one_day_are_one_visit_and_nothing_is_said() -> None:
    for order in (("dotatate", "fdg"), ("fdg", "dotatate")):
        visits, issues = group_visits([study(f"s{n}", "2024-03-07", t) for n, t in enumerate(order)], 31)
        assert [v.studies for v in visits] == [("s0", "s1")] and not issues


def test_two_visits_whose_dates_were_made_equal_stay_two_pairs_and_it_is_said() -> None:
    """A de-identified course with one date for all: the times of the scans give the order."""
    rows = ("dotatate", "fdg", "dotatate", "fdg")
    visits, issues = group_visits([study(f"s{n}", "2000-01-01", t) for n, t in enumerate(rows)], 31)
    assert [v.studies for v in visits] == [("s0", "s1"), ("s2", "s3")]
    assert [i.code for i in issues] == ["same-tracer-same-day"] and issues[0].study == "s2"
