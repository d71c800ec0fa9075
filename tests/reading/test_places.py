"""What a study shows at the place of a lesion that is no focus there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lutetia.imaging.matching import Focus
from lutetia.imaging.registration import identity_alignment
from lutetia.model import Grid, Study, Volume
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.places import ct_contrast
from lutetia.reading.study import StudyReading

GRID = Grid((50, 50, 50), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
BALL = np.linalg.norm(POINTS - (75.0, 75.0, 75.0), axis=-1) <= 7.0


def test_a_healed_metastasis_in_bone_is_held_against_bone_and_not_against_muscle(records: Any) -> None:
    bone = np.abs(POINTS[..., 0] - 75.0) <= 7.0
    hu = np.where(bone, 180, 50).astype(np.int16)
    made = Study.model_validate(records.study("s1", "dotatate", "2025-01-10"))
    scan = StudyReading(made, None, ct=Volume(hu, GRID, "HU"))  # type: ignore[arg-type]
    frames = Frames("s1", {"s1": identity_alignment(GRID)}, (), ())
    points = POINTS[BALL]
    for tissue, seen in (("bone", False), ("lymph_node", True)):
        contrast = ct_contrast(scan, Focus("x", points, 3.0, tissue), frames)
        assert contrast is not None and contrast.seen is seen
    hu[BALL] = 420
    contrast = ct_contrast(scan, Focus("x", points, 3.0, "bone"), frames)
    assert contrast is not None and contrast.difference_hu == pytest.approx(240, abs=5)
