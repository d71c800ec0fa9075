"""The noise a search is judged against: that of the image, not the unevenness of the liver."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.levels import measure_levels
from lutetia.imaging.lesions.working import working_grid
from lutetia.model import Grid, Reference, Tracer, Volume

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
SHAPE = (40, 40, 40)
REFERENCES = {
    "liver": Reference(name="liver", status="ok", suv_mean=6.0),
    "blood_pool": Reference(name="blood_pool", status="ok", suv_mean=1.5),
}


def noise_in(liver: NDArray[np.float64], relative: float) -> tuple[float, float]:
    """Measured noise (smoothed, voxel) of a liver of 10 cm with correlated noise of this relative SD."""
    z, y, x = (np.indices(SHAPE) - 20.0) * 4.0
    inside = z**2 + y**2 + x**2 <= 50.0**2
    grain = gaussian_filter(np.random.default_rng(5).normal(size=SHAPE), 0.6)
    image = np.where(inside, liver, 0.5) * (1 + relative * grain / grain.std())
    grid = Grid(SHAPE, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    labels = np.where(inside, LABELS["liver"], LABELS["body"]).astype(np.uint8)
    work = working_grid(Volume(image.astype(np.float32), grid, "SUVbw"), labels, 3.5, 2.0)
    levels = measure_levels(work, REFERENCES, DOTATATE)
    return levels.noise, levels.voxel_noise


@pytest.mark.parametrize("relative", [0.07, 0.12, 0.2])
def test_the_noise_of_an_even_liver_is_measured(relative: float) -> None:
    assert noise_in(np.full(SHAPE, 6.0), relative)[1] == pytest.approx(relative, rel=0.15)


def test_a_liver_that_fades_from_one_side_to_the_other_is_uneven_and_not_noisy() -> None:
    fading = 6.0 - 2.6 * np.clip((np.indices(SHAPE)[2] - 8) / 24, 0, 1)
    even, uneven = noise_in(np.full(SHAPE, 6.0), 0.1), noise_in(fading, 0.1)
    assert uneven[1] < 1.3 * even[1]
    assert uneven[0] < 1.3 * even[0]


def test_metastases_all_over_the_liver_do_not_make_it_noisy() -> None:
    z, y, x = np.indices(SHAPE)
    spots = np.where((z % 10 < 4) & (y % 10 < 4) & (x % 10 < 4), 25.0, 6.0)
    assert noise_in(spots, 0.1)[1] < 0.14
