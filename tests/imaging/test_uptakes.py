"""How many uptakes there are at a place."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.uptakes import distinct_uptakes
from lutetia.model import Grid, Volume

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
CENTRE = np.array([[58.5, 58.5, 58.5]])


def picture(*balls: tuple[float, float, float, float, float], noise: float = 0.1) -> Volume:
    """Balls of (x, y, z, radius, SUV) on a background of 1."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1)
    points = GRID.to_lps(index)
    suv = 1.0 + np.random.default_rng(1).normal(0, noise, GRID.shape)
    for x, y, z, radius, value in balls:
        distance = np.linalg.norm(points - (x, y, z), axis=-1)
        suv += value / (1 + np.exp((distance - radius) / 1.5))
    return Volume(suv.astype(np.float32), GRID, "SUVbw")


def test_a_noisy_round_lesion_is_one_uptake() -> None:
    found = distinct_uptakes(picture((58, 58, 58, 12, 8), noise=0.6), CENTRE, 1.0, 0.26)
    found = tuple(u for u in found if u.height > 1.0)  # noise of the background has peaks of its own
    assert len(found) == 1
    assert 5.0 < found[0].volume_ml < 10.0


def test_two_balls_that_touch_are_one_and_two_that_part_are_two() -> None:
    touching = picture((50, 58, 58, 9, 8), (66, 58, 58, 9, 8))
    parted = picture((44, 58, 58, 7, 8), (73, 58, 58, 7, 8))
    assert len(distinct_uptakes(touching, CENTRE, 1.0, 0.5)) == 1
    assert len(distinct_uptakes(parted, CENTRE, 1.0, 0.5)) == 2


def test_an_uptake_that_runs_out_of_the_box_says_so() -> None:
    band = picture(*[(float(x), 58, 58, 8, 8) for x in range(0, 120, 6)])
    assert any(u.at_edge for u in distinct_uptakes(band, CENTRE, 1.0, 0.5))


def test_outside_the_image_there_is_nothing() -> None:
    assert distinct_uptakes(picture(), np.array([[900.0, 0.0, 0.0]]), 1.0, 0.5) == ()
