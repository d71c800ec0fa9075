"""Scans made of arrays: an image, outlines drawn in it with their records, all aligned as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lutetia.imaging.lesions import LesionResult
from lutetia.imaging.registration import AlignmentQuality, identity_alignment
from lutetia.model import Grid, Lesion, Study, Tracer, Volume
from lutetia.reading.course.frames import Frames
from lutetia.reading.study import StudyReading


def scan(
    records: Any, name: str, tracer: str, date: str, grid: Grid, suv: np.ndarray, labels: np.ndarray, *found: Lesion
) -> StudyReading:
    """A scan that was read: `labels` numbers the outlines of the lesions that were `found`."""
    made = Study.model_validate(records.study(name, tracer, date))
    result = LesionResult(Volume(labels, grid, "label"), found, (), None, None, frozenset(), (), "drawn")
    return StudyReading(
        made,
        None,  # type: ignore[arg-type]
        tracer=Tracer.model_validate(made.tracer_detail),
        lesions=found,
        suv=Volume(suv, grid, "SUVbw"),
        found=result,
    )


def aligned(grid: Grid, names: Sequence[str], status: str = "ok") -> Frames:
    """Scans that lie on each other; `status` is what is said of every alignment to the first."""
    own = identity_alignment(grid)
    other = replace(own, quality=AlignmentQuality(status))  # type: ignore[arg-type]
    return Frames(names[0], {n: other if i else own for i, n in enumerate(names)}, (), ())
