"""Blood pool beside hot tissue: what spills into the aorta is left out, or said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lutetia.imaging.anatomy.record import VesselTrack
from lutetia.imaging.references.blood_doubts import EVEN_ALONG, SPILL_RISE, slow_variation
from lutetia.imaging.references.blood_pool import measure_tube
from lutetia.model import Grid

BLOOD = 1.5
GRID = Grid((60, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))


def aorta_beside(hot: float, share: float, gap_mm: float) -> tuple[np.ndarray, VesselTrack]:
    """An aorta of 10 mm radius, and a slab of tissue beside a share of its length, blurred by 6 mm."""
    z, y, x = (np.indices(GRID.shape) * 3.0).astype(float)
    suv = np.full(GRID.shape, 0.6)
    suv[(x > 60.0 + 10.0 + gap_mm) & (np.abs(y - 60.0) < 20.0) & (z < 180.0 * share)] = hot
    suv[(x - 60.0) ** 2 + (y - 60.0) ** 2 <= 10.0**2] = BLOOD
    height = np.arange(150.0, 20.0, -3.0)
    centres = np.stack([np.full_like(height, 60.0), np.full_like(height, 60.0), height], axis=1)
    blurred = gaussian_filter(suv, 2.6 / 3.0).astype(np.float32)
    return blurred, VesselTrack(centres, np.full(len(height), 10.0))


@pytest.mark.parametrize("hot", [2.0, 3.0, 4.0, 6.0, 12.0, 25.0])
@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("gap_mm", [0.0, 3.0])
def test_what_hot_tissue_beside_the_aorta_adds_is_left_out_or_said(hot: float, share: float, gap_mm: float) -> None:
    suv, track = aorta_beside(hot, share, gap_mm)
    tube = measure_tube(suv, GRID, track, None)
    assert tube is not None
    value = tube.placed.measure.suv_mean
    said = tube.spill_rise > SPILL_RISE or tube.spill_share > 0.3
    assert said or value == pytest.approx(BLOOD, rel=0.1)


def test_an_aorta_by_itself_is_not_said_to_be_raised() -> None:
    suv, track = aorta_beside(0.6, 1.0, 0.0)
    tube = measure_tube(suv, GRID, track, None)
    assert tube is not None
    assert tube.spill_rise == 0.0
    assert tube.placed.measure.suv_mean == pytest.approx(BLOOD, rel=0.07)


def test_uptake_that_wanders_along_the_aorta_shows_that_the_track_has_left_the_blood_and_noise_does_not() -> None:
    rng = np.random.default_rng(5)
    noisy = BLOOD * (1 + 0.12 * rng.standard_normal(20))
    shifted = noisy.copy()
    shifted[:8] *= 1.25  # scans out of step: beside the liver here, lung there
    shifted[8:13] *= 0.7
    assert slow_variation(noisy) < EVEN_ALONG * BLOOD < slow_variation(shifted)
    assert slow_variation(shifted[:5]) == 0.0  # too short to tell
