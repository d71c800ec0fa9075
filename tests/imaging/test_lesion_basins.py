"""Touching foci are parted where they are distinct, and one lesion is not broken into pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutetia.imaging.lesions.basins import divide


def blobs(centres: list[tuple[float, float, float]], heights: list[float], sigma: float = 3.0) -> NDArray[np.float32]:
    z, y, x = np.indices((24, 24, 40), float)
    total = np.zeros((24, 24, 40))
    for (cz, cy, cx), height in zip(centres, heights, strict=True):
        total += height * np.exp(-((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    return total.astype(np.float32)


def a_fifth(peak: NDArray[np.float32]) -> NDArray[np.float32]:
    return 0.2 * peak


def test_two_foci_well_apart_are_two() -> None:
    image = blobs([(12, 12, 8), (12, 12, 30)], [10, 6])
    basins = divide(image, image > 0.5, a_fifth)
    assert len(basins) == 2
    assert sorted(np.round(basins.peak)) == [6, 10]


def test_two_touching_foci_with_a_valley_are_two_and_know_their_saddle() -> None:
    image = blobs([(12, 12, 14), (12, 12, 24)], [10, 10])
    basins = divide(image, image > 0.5, a_fifth)
    assert len(basins) == 2
    assert np.allclose(basins.saddle, image[12, 12, 19], atol=0.1)
    assert set(basins.neighbour) == {0, 1}


def test_two_foci_closer_than_the_resolution_are_one() -> None:
    image = blobs([(12, 12, 17), (12, 12, 21)], [10, 9])
    assert len(divide(image, image > 0.5, a_fifth)) == 1


def test_noise_on_a_plateau_does_not_break_a_lesion() -> None:
    rng = np.random.default_rng(1)
    image = np.zeros((20, 20, 20), np.float32)
    image[4:16, 4:16, 4:16] = 10 + rng.normal(0, 0.8, (12, 12, 12))
    assert len(divide(image, image > 2, lambda p: np.maximum(0.2 * p, 5.0))) == 1


def test_every_voxel_has_exactly_one_owner_and_the_peak_is_its_highest() -> None:
    rng = np.random.default_rng(2)
    image = rng.random((12, 13, 14)).astype(np.float32)
    basins = divide(image, image > 0.3, lambda p: 0.1 * p)
    assert len(basins.owner) == (image > 0.3).sum()
    for n in range(len(basins)):
        own = basins.voxels[basins.owner == n]
        assert image.ravel()[own].max() == basins.peak[n]


def test_equal_values_give_the_same_division_each_time() -> None:
    image = np.zeros((6, 6, 12), np.float32)
    image[2:4, 2:4, 2:4] = image[2:4, 2:4, 8:10] = 5.0
    image[2:4, 2:4, 4:8] = 1.0
    first, second = (divide(image, image > 0, a_fifth) for _ in range(2))
    assert len(first) == 2
    assert np.array_equal(first.owner, second.owner)


def test_an_empty_mask_has_no_basins() -> None:
    image = np.zeros((4, 4, 4), np.float32)
    assert len(divide(image, image > 1, a_fifth)) == 0


def test_a_node_on_the_slope_of_a_kidney_is_seen_on_the_sharpened_image_and_measured_on_the_plain_one() -> None:
    image = blobs([(12, 12, 12)], [20.0], 5.0) + blobs([(12, 12, 24)], [6.0], 2.0)
    from scipy.ndimage import gaussian_filter

    sharp = 2 * image - gaussian_filter(image, 5)
    basins = divide(sharp, image > 0.5, lambda p: np.maximum(0.15 * p, 0.3), image)
    assert len(basins) == 2
    low = int(basins.peak.argmin())
    assert basins.peak[low] == image.ravel()[basins.peak_voxel[low]]
