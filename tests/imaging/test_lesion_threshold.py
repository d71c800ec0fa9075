"""The plain threshold scheme, against the slow and obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi
from scipy.spatial.distance import pdist

from lutetia.imaging.lesions import threshold_lesions
from lutetia.model import Grid, Volume


@pytest.fixture
def scene() -> tuple[Volume, Volume]:
    rng = np.random.default_rng(5)
    grid = Grid((30, 40, 40), (3.0, 3.5, 3.5), (10.0, -20.0, 5.0))
    array = ndi.gaussian_filter(rng.random(grid.shape), 2.0).astype(np.float32)
    array = 10 * (array - array.min()) / np.ptp(array)
    ct_grid = Grid((50, 70, 70), (2.0, 2.2, 2.2), (5.0, -25.0, 0.0))
    ct = rng.integers(-200, 200, ct_grid.shape).astype(np.int16)
    return Volume(array, grid, "SUVbw"), Volume(ct, ct_grid, "HU")


def test_same_table_as_labelling_the_whole_volume(scene: tuple[Volume, Volume]) -> None:
    suv, ct = scene
    found = threshold_lesions(suv, ct, 6.0)
    parts, count = ndi.label(suv.array >= 6.0, np.ones((3, 3, 3)))
    expected = []
    for n in range(1, count + 1):
        where = np.argwhere(parts == n)
        if len(where) * suv.grid.voxel_ml < 0.3:
            continue
        values = suv.array[tuple(where.T)]
        centres = where * np.asarray(suv.grid.spacing_mm)
        expected.append((values.max(), values.mean(dtype=float), len(where), pdist(centres).max(), where))
    assert len(expected) == len(found.lesions) > 3
    for (top, mean, size, diameter, where), lesion in zip(expected, found.lesions, strict=True):
        assert lesion.measures.suv_max == top
        assert lesion.measures.suv_mean == pytest.approx(mean)
        assert lesion.measures.n_voxels == size
        assert lesion.diameter_mm == pytest.approx(diameter)
        assert lesion.measures.centroid_mm == pytest.approx(suv.grid.to_lps(where.mean(0)))


def test_density_is_that_of_a_linear_resampling(scene: tuple[Volume, Volume]) -> None:
    suv, ct = scene
    found = threshold_lesions(suv, ct, 6.0)
    index = ct.grid.to_index(suv.grid.to_lps(found.pieces.indices(0)))
    slow = ndi.map_coordinates(ct.array.astype(float), index.T, order=1)
    assert found.lesions[0].hu_mean == pytest.approx(slow.mean(), abs=0.05)
