"""Two SPECTs after one injection give an effective half-life, or the reasons why none can be had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lutetia.model import Grid, Study, Tracer, Volume
from lutetia.reading.course.therapy import retention
from lutetia.reading.study import StudyReading

GRID = Grid((2, 2, 2), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
PHYSICAL_H = 159.53


def spect(records: Any, name: str, injection: str, start: str, hours: float) -> StudyReading:
    acquisition = {
        "injection": injection,
        "scan_start": start,
        "uptake_minutes": 60 * hours,
        "injected_mbq": 7400.0,
        "weight_kg": 74.0,
    }
    suv = {"basis": "bw", "factor": 1.0, "decay_reference": "start"}
    made = Study.model_validate(records.study(name, "lu177-dotatate", start[:10], acquisition=acquisition, suv=suv))
    image = Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw")
    return StudyReading(made, None, tracer=Tracer.model_validate(made.tracer_detail), suv=image)  # type: ignore[arg-type]


def half_lives(records: Any, second_injection: str, second_start: str, second_ml: float = 8.0) -> list[dict[str, Any]]:
    """A lesion of SUVmean 10 at 24 h and 5 at 96 h, both corrected to injection."""
    readings = (
        spect(records, "t1", "2025-02-01T09:00:00", "2025-02-02T09:00:00", 24.0),
        spect(records, "t2", second_injection, second_start, 96.0),
    )
    seen = (("t1", 10.0, 8.0), ("t2", 5.0, second_ml))
    foci = [records.focus(n, suv, suv_mean=suv, volume_ml=volume) for n, suv, volume in seen]
    lesion = records.lesion("lesion-1", observations=foci)
    return [row for row in retention((lesion,), readings) if row["kind"] == "effective_half_life"]


def test_half_the_retention_in_three_days_is_a_half_life_of_fifty_hours(records: Any) -> None:
    (row,) = half_lives(records, "2025-02-01T09:00:00", "2025-02-05T09:00:00")
    assert row["half_life_h"] == pytest.approx(1 / (1 / 72 + 1 / PHYSICAL_H), abs=0.1)
    assert row["reasons"] == [] and "note" not in row


def test_two_clock_times_of_one_injection_are_one_injection_and_it_is_said(records: Any) -> None:
    """The time between the scans is that of their clocks: 72.6 h, though each header counts from its own injection."""
    (row,) = half_lives(records, "2025-02-01T09:36:00", "2025-02-05T09:36:00")
    assert row["hours"] == [24.0, 96.6]
    assert row["half_life_h"] == pytest.approx(72.6 / (1 + 72 / PHYSICAL_H), abs=0.1)
    assert "09:00 and 09:36" in row["note"]


def test_the_scans_of_two_cycles_give_no_half_life(records: Any) -> None:
    assert half_lives(records, "2025-04-01T09:00:00", "2025-04-05T09:00:00") == []


def test_outlines_of_two_sizes_give_no_half_life_for_theirs_is_not_the_activity_of_one_volume(records: Any) -> None:
    (row,) = half_lives(records, "2025-02-01T09:00:00", "2025-02-05T09:00:00", 0.5)
    assert row["half_life_h"] is None
    assert row["reasons"] == ["the outlines differ (8.0 and 0.5 mL, beyond ±30 %): not the activity of one volume"]
    assert half_lives(records, "2025-02-01T09:00:00", "2025-02-05T09:00:00", 7.0)[0]["half_life_h"] is not None
