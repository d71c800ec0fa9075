"""Measures of a lesion follow the IBSI definitions."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.imaging.diameters import axes, longest_between_centres
from lutetia.imaging.measures import measure, sample, sample_at_voxels
from lutetia.imaging.peak import PEAK_RADIUS_MM, peaks, sphere_offsets
from lutetia.model import Grid, Volume


def volume(array: np.ndarray, spacing: tuple[float, float, float] = (3.0, 4.0, 4.0)) -> Volume:
    return Volume(array.astype(np.float32), Grid(array.shape, spacing, (-50.0, -40.0, 100.0)), "SUVbw")


def test_the_peak_sphere_has_one_millilitre() -> None:
    assert 4 / 3 * np.pi * PEAK_RADIUS_MM**3 == pytest.approx(1000.0)
    offsets = sphere_offsets((1.0, 1.0, 1.0))
    assert len(offsets) == pytest.approx(1000, rel=0.03)


def test_local_peak_sits_on_the_hottest_voxel_and_global_peak_where_it_is_highest() -> None:
    array = np.ones((15, 15, 15))
    array[7, 7, 3] = 9.0  # a hot single voxel
    array[5:10, 5:10, 8:13] = 6.0  # a warm large region
    suv = volume(array)
    m = measure(suv, np.argwhere(array > 2))
    offsets = sphere_offsets(suv.grid.spacing_mm)
    assert m.suv_max == 9.0
    assert m.suv_peak == pytest.approx((9.0 + (len(offsets) - 1) * 1.0) / len(offsets), rel=0.2)
    assert m.suv_peak_global == pytest.approx(6.0)
    assert m.suv_peak_global > m.suv_peak


def test_mean_volume_uptake_and_coefficient_of_variation() -> None:
    array = np.zeros((8, 8, 8))
    array[2, 2, 2:4] = [4.0, 6.0]
    m = measure(volume(array), np.array([[2, 2, 2], [2, 2, 3]]))
    assert m.suv_mean == 5.0
    assert m.suv_sd == 1.0
    assert m.coefficient_of_variation == pytest.approx(0.2)
    assert m.volume_ml == pytest.approx(2 * 0.048)
    assert m.tlu == pytest.approx(5.0 * 0.096)


def test_centroid_is_of_the_shape_not_of_the_uptake() -> None:
    array = np.zeros((8, 8, 8))
    array[2, 2, 2:5] = [1.0, 1.0, 100.0]
    m = measure(volume(array), np.array([[2, 2, 2], [2, 2, 3], [2, 2, 4]]))
    assert m.centroid_mm == pytest.approx((-50 + 3 * 4, -40 + 2 * 4, 100 + 2 * 3))
    assert m.max_position_mm == pytest.approx((-50 + 4 * 4, -40 + 2 * 4, 100 + 2 * 3))


def test_no_voxel_is_an_error_not_a_number() -> None:
    with pytest.raises(ValueError, match="at least one voxel"):
        measure(volume(np.zeros((3, 3, 3))), np.zeros((0, 3), int))


def test_a_sphere_cut_by_the_image_edge_repeats_the_edge_voxels() -> None:
    array = np.full((10, 10, 10), 2.0, np.float32)
    assert peaks(array, np.array([[0, 0, 0], [9, 9, 9]]), sphere_offsets((3, 4, 4))) == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("radius", [8.0, 15.0])
def test_both_axes_of_a_sphere_are_its_diameter_within_a_voxel(radius: float) -> None:
    spacing = (3.0, 4.0, 4.0)
    z, y, x = np.indices((24, 24, 24))
    ball = ((z - 12) * 3.0) ** 2 + ((y - 12) * 4.0) ** 2 + ((x - 12) * 4.0) ** 2 <= radius**2
    long_axis, short_axis = axes(np.argwhere(ball), spacing)
    assert long_axis == pytest.approx(2 * radius, abs=5)
    assert short_axis == pytest.approx(2 * radius, abs=5)


def test_axes_of_a_rod_are_its_length_and_width() -> None:
    rod = np.argwhere(np.ones((1, 2, 10), bool))
    long_axis, short_axis = axes(rod, (4.0, 4.0, 4.0))
    assert long_axis == pytest.approx(40.0, abs=1.5)
    assert short_axis == pytest.approx(8.0, abs=1.5)


def test_a_flat_region_has_a_diameter_although_it_has_no_hull() -> None:
    flat = np.argwhere(np.ones((1, 9, 9), bool))
    assert longest_between_centres(flat, (4.0, 4.0, 4.0)) == pytest.approx(8 * 4 * np.sqrt(2))


def test_one_voxel_has_the_size_of_a_voxel() -> None:
    assert axes(np.array([[1, 1, 1]]), (4.0, 4.0, 4.0)) == pytest.approx((4.0, 4.0))


@pytest.mark.parametrize("spacing", [(3.0, 3.5, 3.5), (2.0, 4.0, 4.0), (4.0, 2.0, 2.0), (5.0, 5.0, 3.0)])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (1, 3, 1), (1, 2, 2), (5, 1, 2), (4, 4, 4)])
def test_the_short_axis_is_never_longer_than_the_long(spacing, shape):
    voxels = np.argwhere(np.ones(shape, bool))
    long_axis, short_axis = axes(voxels, spacing)
    assert 0 < short_axis <= long_axis


def test_ct_is_sampled_by_position_on_its_own_grid() -> None:
    ct_grid = Grid((10, 20, 20), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    z, y, x = np.indices(ct_grid.shape)
    ct = Volume((10 * z + 3 * y - x).astype(np.int16), ct_grid, "HU")
    pet = Grid((4, 4, 4), (3.0, 4.0, 4.0), (1.0, 2.0, 1.5))
    value = sample_at_voxels(ct, pet, np.array([[1, 1, 2]]))
    zz, yy, xx = (1.5 + 3) / 2, 2 + 4, 1 + 8
    assert value == pytest.approx([10 * zz + 3 * yy - xx], abs=1e-3)


def test_outside_the_ct_there_is_no_density() -> None:
    ct = Volume(np.zeros((4, 4, 4), np.int16), Grid((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), "HU")
    values = sample(ct, np.array([[1.0, 1.0, 1.0], [30.0, 1.0, 1.0], [-0.4, 0.0, 0.0]]))
    assert np.isfinite(values[[0, 2]]).all()
    assert np.isnan(values[1])
