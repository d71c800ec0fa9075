"""Dated entries of a case as facts on the day of a visit."""

from __future__ import annotations

import datetime

import pytest

from lutetia.rules.case import case_from_text
from lutetia.rules.measured_timeline import (
    chromogranin_trend,
    facts_at,
    is_chemotherapy,
    is_radioligand,
    ssa_at,
    ssa_changed,
    treated_between,
)
from lutetia.rules.timeline import TimelineEntry

BEFORE, AFTER = datetime.date(2025, 1, 10), datetime.date(2025, 7, 10)


def entries(*rows: str) -> tuple[TimelineEntry, ...]:
    return case_from_text('case: "1.0"\ntimeline:\n' + "".join(f"  - {{{row}}}\n" for row in rows)).timeline


def test_agents_are_told_by_their_names() -> None:
    assert is_chemotherapy("CAPTEM") and is_chemotherapy("cisplatin/etoposide") and not is_chemotherapy("everolimus")
    assert is_radioligand("177Lu-DOTATATE") and is_radioligand("Lutathera") and not is_radioligand("CAPTEM")


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ("kind: ssa, agent: octreotide LAR, date: 2025-01-01", ("long_acting", 9)),
        ("kind: ssa, agent: lanreotide autogel, date: 2025-01-10", ("long_acting", 0)),
        ("kind: ssa, agent: octreotide s.c., date: 2025-01-01, until: 2025-01-11", ("short_acting", None)),
        ("kind: ssa, agent: octreotide s.c., date: 2025-01-01, until: 2025-01-09", ("none", None)),
        ("kind: ssa, agent: octreotide LAR, date: 2025-02-01", ("none", None)),
        ("kind: marker, name: CgA, date: 2025-01-01", (None, None)),
    ],
)
def test_state_of_the_analogue_on_a_day(row: str, state: tuple[str | None, int | None]) -> None:
    assert ssa_at(entries(row), BEFORE) == state


def test_an_analogue_started_stopped_or_retimed_is_a_change() -> None:
    started = entries("kind: ssa, agent: octreotide LAR, date: 2025-06-20")
    assert ssa_changed(started, BEFORE, AFTER) is True
    first = "kind: ssa, agent: octreotide LAR, date: 2024-12-31"  # 10 days before the first scan
    for date, changed in (("2025-06-23", False), ("2025-06-22", True), ("2025-07-07", False), ("2025-07-08", True)):
        assert ssa_changed(entries(first, f"kind: ssa, agent: octreotide LAR, date: {date}"), BEFORE, AFTER) is changed
    assert ssa_changed((), BEFORE, AFTER) is None


def test_a_treatment_belongs_between_two_scans_with_any_part_of_it() -> None:
    def captem(dates: str) -> tuple[TimelineEntry, ...]:
        return treated_between(entries(f"kind: treatment, agent: CAPTEM, {dates}"), BEFORE, AFTER)

    assert captem("date: 2024-12-01, until: 2025-01-11")
    assert not captem("date: 2024-12-01, until: 2025-01-10")
    assert not captem("date: 2025-07-10")


@pytest.mark.parametrize(("later", "trend"), [(125, "stable"), (126, "rising"), (75, "stable"), (74, "falling")])
def test_a_marker_moves_from_a_quarter_of_its_value_on(later: int, trend: str) -> None:
    found = entries(
        "kind: marker, name: CgA, date: 2025-01-05, value: 100, unit: ng/mL",
        f"kind: marker, name: CgA, date: 2025-07-05, value: {later}, unit: ng/mL",
    )
    assert chromogranin_trend(found, BEFORE, AFTER) == trend


@pytest.mark.parametrize(
    ("toxicity", "flagged"),
    [
        ("name: thrombocytopenia, date: 2025-06-01, value: G2", True),
        ("name: thrombocytopenia, date: 2025-06-01, value: G1", False),
        ("name: neutropenia, date: 2025-06-01, value: grade 3", True),
        ("name: anaemia, date: 2025-06-01, value: G2", False),
        ("name: lymphopenia, date: 2025-06-01, value: G4", False),
        ("name: thrombocytopenia, date: 2025-01-01, value: G4", False),
    ],
)
def test_a_toxicity_that_the_label_names_after_a_dose_raises_its_flag(toxicity: str, flagged: bool) -> None:
    found = entries("kind: treatment, agent: 177Lu-DOTATATE, date: 2025-03-01", f"kind: toxicity, {toxicity}")
    assert ("therapy.dose_modification_flag" in facts_at(found, AFTER)) is flagged


def test_markers_in_two_units_have_no_trend() -> None:
    found = entries(
        "kind: marker, name: CgA, date: 2025-01-05, value: 100, unit: ng/mL",
        "kind: marker, name: CgA, date: 2025-07-05, value: 4, unit: nmol/L",
    )
    assert chromogranin_trend(found, BEFORE, AFTER) is None


def test_facts_are_those_of_the_day_and_nothing_is_concluded_from_silence() -> None:
    found = entries(
        "kind: pathology, name: Ki-67, date: 2024-12-01, value: 8, unit: '%'",
        "kind: pathology, name: Ki-67, date: 2025-08-01, value: 30, unit: '%'",
        "kind: treatment, agent: 177Lu-DOTATATE, date: 2025-03-01, cycle: 1",
        "kind: treatment, agent: 177Lu-DOTATATE, date: 2025-05-01, cycle: 2",
        "kind: lab, name: haemoglobin, date: 2025-07-01, value: 110, unit: g/L",
        "kind: lab, name: platelets, date: 2025-06-01, value: 150, unit: G/L",
    )
    facts = facts_at(found, AFTER, BEFORE)
    assert facts["disease.ki67_percent"] == 8
    assert facts["therapy.prrt_cycles"] == 2 and facts["therapy.prrt_days"] == 70
    assert facts["labs.haemoglobin"] == 11
    assert facts["labs.date"] == datetime.date(2025, 6, 1).toordinal(), "the oldest of the values in use"
    assert "therapy.chemotherapy_between" not in facts and "therapy.ssa_changed" not in facts
