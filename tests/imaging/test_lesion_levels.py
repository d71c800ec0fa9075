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
from lutetia.model.study import Suspicion

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
FDG = Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="18F")
SHAPE = (40, 40, 40)
REFERENCES = {
    "liver": Reference(name="liver", status="ok", suv_mean=6.0),
    "blood_pool": Reference(name="blood_pool", status="ok", suv_mean=1.5),
}


def noise_in(
    liver: NDArray[np.float64], relative: float, references: dict[str, Reference] = REFERENCES
) -> tuple[float, float]:
    """Measured noise (smoothed, voxel) of a liver of 10 cm with correlated noise of this relative SD at SUV 6."""
    z, y, x = (np.indices(SHAPE) - 20.0) * 4.0
    inside = z**2 + y**2 + x**2 <= 50.0**2
    grain = gaussian_filter(np.random.default_rng(5).normal(size=SHAPE), 0.6)
    plain = np.where(inside, liver, 0.5)
    image = np.maximum(plain + relative * np.sqrt(6.0 * plain) * grain / grain.std(), 0.0)
    grid = Grid(SHAPE, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    labels = np.where(inside, LABELS["liver"], LABELS["body"]).astype(np.uint8)
    work = working_grid(Volume(image.astype(np.float32), grid, "SUVbw"), labels, 3.5, 2.0)
    levels = measure_levels(work, references, DOTATATE)
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


@pytest.mark.parametrize("relative", [0.06, 0.2])
def test_where_the_liver_is_full_of_tumour_the_rest_of_the_body_says_how_noisy_the_image_is(relative: float) -> None:
    rng = np.random.default_rng(2)
    tumour = 8.0 + 8.0 * gaussian_filter(rng.normal(size=SHAPE), 2.0) / 0.07
    doubted = {
        "liver": Reference(name="liver", status="caution", suv_mean=None),
        "blood_pool": REFERENCES["blood_pool"],
    }
    smooth, voxel = noise_in(np.clip(tumour, 4.0, 40.0), relative, doubted)
    even_smooth, even_voxel = noise_in(np.full(SHAPE, 6.0), relative)
    # the level is that of the stand-in: noise over it grows as the root of the uptake falls
    assert 0.6 * even_voxel < voxel < 1.7 * even_voxel
    assert 0.6 * even_smooth < smooth < 1.7 * even_smooth


@pytest.mark.parametrize(("suspected", "level"), [("cold_metastases", 6.0), ("tumour", 2.5)])
def test_beside_cold_dark_metastases_the_rest_of_the_liver_is_the_level_above_which_lesions_are_sought(
    suspected: Suspicion, level: float
) -> None:
    z, y, x = (np.indices(SHAPE) - 20.0) * 4.0
    inside = z**2 + y**2 + x**2 <= 50.0**2
    image = np.where(inside, np.where(x < -20, 2.5, 6.0), 0.5).astype(np.float32)
    labels = np.where(inside, LABELS["liver"], LABELS["body"]).astype(np.uint8)
    work = working_grid(Volume(image, Grid(SHAPE, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)), "SUVbw"), labels, 3.5, 2.0)
    doubted = {
        "liver": Reference(name="liver", status="caution", suv_mean=6.0, suspected=(suspected,)),
        "blood_pool": Reference(name="blood_pool", status="ok", suv_mean=1.0),
    }
    assert measure_levels(work, doubted, DOTATATE).liver == pytest.approx(level, rel=0.02)


@pytest.mark.parametrize(("share", "tumour"), [(0.8, 24.0), (0.3, None)])
def test_tumour_in_most_of_a_liver_that_has_a_reference_has_a_level_of_its_own(
    share: float, tumour: float | None
) -> None:
    z, y, x = (np.indices(SHAPE) - 20.0) * 4.0
    inside = z**2 + y**2 + x**2 <= 50.0**2
    image = np.where(inside, np.where(x < np.quantile(x[inside], share), 24.0, 6.0), 0.5).astype(np.float32)
    labels = np.where(inside, LABELS["liver"], LABELS["body"]).astype(np.uint8)
    work = working_grid(Volume(image, Grid(SHAPE, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)), "SUVbw"), labels, 3.5, 2.0)
    levels = measure_levels(work, REFERENCES, DOTATATE)
    assert levels.liver == 6.0
    assert levels.tumour == (None if tumour is None else pytest.approx(tumour, rel=0.05))


@pytest.mark.parametrize(("tracer", "level"), [(FDG, 2.3), (DOTATATE, 1.0)])
def test_an_fdg_level_in_the_liver_far_below_blood_is_not_the_livers_and_the_hotter_part_is_taken(
    tracer: Tracer, level: float
) -> None:
    z, y, x = (np.indices(SHAPE) - 20.0) * 4.0
    inside = z**2 + y**2 + x**2 <= 50.0**2
    image = np.where(inside, np.where(x < 5, 1.0, 2.3), 0.5).astype(np.float32)
    labels = np.where(inside, LABELS["liver"], LABELS["body"]).astype(np.uint8)
    work = working_grid(Volume(image, Grid(SHAPE, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)), "SUVbw"), labels, 3.5, 2.0)
    cold = {
        "liver": Reference(name="liver", status="caution", suv_mean=1.0, reasons=("blood pool is 1.7 × liver",)),
        "blood_pool": Reference(name="blood_pool", status="ok", suv_mean=1.7),
    }
    assert measure_levels(work, cold, tracer).liver == pytest.approx(level, rel=0.02)
