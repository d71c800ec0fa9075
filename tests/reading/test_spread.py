"""How uptake varies inside a lesion: percentiles of its voxels and their grades."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from lutetia.model import Grid, Lesion, Study, Tracer, Volume
from lutetia.reading.course.spread import with_percentiles
from lutetia.reading.study import StudyReading

AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def reading(records: Any, tracer: str, values: np.ndarray) -> StudyReading:
    made = records.study("s1", tracer, "2025-01-10")
    grid = Grid(values.shape, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXES)
    labels = Volume((values > 0).astype(np.int16), grid, "label")
    lesion: Lesion = records.lesion("L1", observations=[records.focus("s1", float(values.max()))])
    return StudyReading(
        Study.model_validate(made),
        selection=None,  # type: ignore[arg-type]
        tracer=Tracer.model_validate(made["tracer_detail"]),
        lesions=(lesion,),
        suv=Volume(values.astype(np.float32), grid, "suv"),
        found=SimpleNamespace(labels=labels),  # type: ignore[arg-type]
    )


def halves() -> np.ndarray:
    """A lesion of two halves: SUV 3 (below the liver of 6) and 12 (above it)."""
    values = np.zeros((4, 4, 8))
    values[1:3, :, :4], values[1:3, :, 4:] = 3.0, 12.0
    return values


def test_two_halves_have_two_grades(records: Any) -> None:
    (lesion,) = with_percentiles(reading(records, "dotatate", halves()))
    seen = lesion.observations[0]
    assert (seen.suv_p10, seen.suv_p90) == (3.0, 12.0)
    assert (seen.krenning_p10, seen.krenning_p90) == (("2",), ("3",))


def test_fdg_has_percentiles_and_no_grades(records: Any) -> None:
    (lesion,) = with_percentiles(reading(records, "fdg", halves()))
    assert lesion.observations[0].suv_p90 == 12.0 and lesion.observations[0].krenning_p90 == ()


def test_a_lesion_of_a_few_voxels_has_none(records: Any) -> None:
    values = np.zeros((4, 4, 8))
    values[1, 1, :5] = 9.0
    (lesion,) = with_percentiles(reading(records, "dotatate", values))
    assert lesion.observations[0].suv_p10 is None and lesion.observations[0].krenning_p10 == ()
