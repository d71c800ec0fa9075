"""Connected components from runs: the same grouping as labelling the whole volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from lutetia.imaging.components import components, hot_voxels
from lutetia.imaging.lesions.threshold import threshold_lesions
from lutetia.model import Grid, Volume


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    density=st.floats(0.0, 1.0),
    seed=st.integers(0, 10_000),
)
def test_grouping_equals_that_of_labelling_the_whole_volume(
    shape: tuple[int, int, int], density: float, seed: int
) -> None:
    mask = np.random.default_rng(seed).random(shape) < density
    expected, count = ndi.label(mask, np.ones((3, 3, 3)))
    found = components(np.flatnonzero(mask), shape)
    assert len(found) == count
    mine = np.zeros(shape, int)
    for i in range(len(found)):
        z, y, x = found.indices(i).T
        mine[z, y, x] = i + 1
    assert (mine == expected).all()


def test_the_end_of_a_row_does_not_touch_the_beginning_of_the_next() -> None:
    mask = np.zeros((1, 2, 8), bool)
    mask[0, 0, 7] = mask[0, 1, 0] = True
    assert len(components(np.flatnonzero(mask), (1, 2, 8))) == 2


def test_a_voxel_at_the_threshold_is_hot() -> None:
    array = np.zeros((3, 4, 5), np.float32)
    array[1, 2, 3], array[2, 0, 0] = 4.0, np.nextafter(np.float32(4), np.float32(0))
    assert hot_voxels(array, 4.0).tolist() == [1 * 20 + 2 * 5 + 3]


def test_kept_components_keep_their_order_and_voxels() -> None:
    mask = np.zeros((1, 1, 12), bool)
    mask[0, 0, [0, 2, 3, 5, 6, 7, 10]] = True
    found = components(np.flatnonzero(mask), (1, 1, 12))
    assert found.sizes.tolist() == [1, 2, 3, 1]
    kept = found.keep(found.sizes >= 2)
    assert [kept.indices(i)[:, 2].tolist() for i in range(len(kept))] == [[2, 3], [5, 6, 7]]
    assert len(found.keep(found.sizes > 9)) == 0


@pytest.fixture
def two_balls() -> tuple[Volume, Volume]:
    """SUV with a 12 mm and a 2 mm ball on a 2 mm grid, and a CT of 40 HU that rises by 1 HU a mm to the left."""
    grid = Grid(shape=(40, 40, 40), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(-40.0, -40.0, 0.0))
    z, y, x = (np.arange(40) * 2.0 + o for o in (0.0, -40.0, -40.0))
    far = (z[:, None, None] - 40) ** 2 + y[None, :, None] ** 2 + (x[None, None, :] - 4) ** 2
    near = (z[:, None, None] - 10) ** 2 + (y[None, :, None] + 20) ** 2 + (x[None, None, :] + 20) ** 2
    suv = np.where(far <= 144, 8.0, np.where(near <= 4, 20.0, 1.0)).astype(np.float32)
    ct_grid = Grid(shape=(20, 30, 30), spacing_mm=(5.0, 3.0, 3.0), origin_mm=(-45.0, -45.0, -5.0))
    hu = np.broadcast_to(40 + np.arange(30) * 3.0 - 45.0, ct_grid.shape).astype(np.int16)
    return Volume(suv, grid, "SUVbw"), Volume(np.ascontiguousarray(hu), ct_grid, "HU")


def test_a_fixed_threshold_measures_what_is_large_enough(two_balls: tuple[Volume, Volume]) -> None:
    suv, ct = two_balls
    result = threshold_lesions(suv, ct, 4.0, smallest_ml=0.3)
    assert len(result.lesions) == 1
    lesion = result.lesions[0]
    assert lesion.measures.volume_ml == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.05)
    assert lesion.measures.suv_max == 8.0
    assert lesion.measures.centroid_mm == pytest.approx((4.0, 0.0, 40.0), abs=1e-6)
    assert lesion.diameter_mm == pytest.approx(24.0)
    assert lesion.hu_mean == pytest.approx(44.0, abs=0.1)
    assert len(threshold_lesions(suv, None, 4.0, smallest_ml=0.0).lesions) == 2


def test_without_ct_there_is_no_density(two_balls: tuple[Volume, Volume]) -> None:
    assert threshold_lesions(two_balls[0], None, 4.0).lesions[0].hu_mean is None


def test_nothing_hot_gives_no_lesion(two_balls: tuple[Volume, Volume]) -> None:
    assert threshold_lesions(two_balls[0], None, 50.0).lesions == ()
