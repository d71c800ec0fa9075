"""Is the most frequent tissue of a liver its normal tissue? Drawn livers in which it is, and in which it is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi

from lutetia.imaging.references.region import Crop, crop_organ
from lutetia.imaging.references.solid_organ import core_of, find_population
from lutetia.imaging.references.tumour import (
    LiverDoubts,
    colder_population,
    density_at,
    hotter_population,
    liver_doubts,
    one_round_piece,
)
from lutetia.model import Grid, Volume

GRID = Grid((48, 48, 48), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
Mask = npt.NDArray[np.bool_]
MIDDLE = (71.0, 71.0, 71.0)


def ball(centre: tuple[float, float, float], radius_mm: float) -> Mask:
    z, y, x = np.indices(GRID.shape) * 3.0
    inside: Mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius_mm**2
    return inside


LIVER = ball(MIDDLE, 62)


def between_metastases(radius_mm: float = 18.5, pitch_mm: float = 32.0) -> Mask:
    """What a lattice of overlapping rounded metastases leaves of the liver: strands and gusset-shaped rests."""
    z, y, x = np.indices(GRID.shape) * 3.0
    half = pitch_mm / 2
    near = (x % pitch_mm - half) ** 2 + (y % pitch_mm - half) ** 2 + (z % pitch_mm - half) ** 2
    rest: Mask = LIVER & (near > radius_mm**2)
    return rest


def judged(
    parts: list[tuple[Mask, float, float]], *, noise: float = 0.05, with_ct: bool = True, cold_tumour: bool = False
) -> LiverDoubts:
    """Doubts about a liver of SUV 6 and 58 HU in which `parts` (mask, uptake, HU) were painted."""
    rng = np.random.default_rng(11)
    suv, hu = np.full(GRID.shape, 0.8, np.float32), np.full(GRID.shape, -90.0, np.float32)
    suv[LIVER], hu[LIVER] = 6.0, 58.0
    for mask, uptake, density in parts:
        suv[mask], hu[mask] = uptake, density
    suv = ndi.gaussian_filter(suv, 0.9)
    grain = ndi.gaussian_filter(rng.standard_normal(GRID.shape), 0.8)
    suv *= 1 + noise * grain / grain.std()
    hu += 20 * rng.standard_normal(GRID.shape)
    crop = crop_organ(suv.astype(np.float32), GRID, LIVER)
    assert crop is not None
    population = find_population(crop, core_of(crop, 10.0, None))
    assert population is not None
    ct = Volume(np.rint(hu).astype(np.int16), GRID, "HU") if with_ct else None
    return liver_doubts(crop, population, ct, cold_tumour=cold_tumour)


@pytest.mark.parametrize("noise", [0.03, 0.08, 0.15])
def test_an_even_liver_raises_no_doubt_at_any_noise(noise: float) -> None:
    assert not judged([], noise=noise).reasons
    assert not judged([], noise=noise, with_ct=False).reasons


@pytest.mark.parametrize("hot", [12.0, 25.0])
@pytest.mark.parametrize("with_ct", [True, False])
def test_liver_left_between_metastases_is_noticed_with_and_without_ct(hot: float, with_ct: bool) -> None:
    rest = between_metastases()
    assert 0.05 < rest.sum() / LIVER.sum() < 0.3
    doubts = judged([(LIVER & ~rest, hot, 48.0)], with_ct=with_ct)
    assert doubts.reasons
    assert doubts.refuse or not with_ct


def test_the_last_strands_of_liver_between_metastases_are_noticed_though_they_are_few() -> None:
    """Twice the liver's uptake would pass for liver otherwise: no healthy liver encloses so much that is colder."""
    rest = between_metastases(21.0)
    doubts = judged([(LIVER & ~rest, 12.0, 58.0)])
    assert doubts.evidence["cold_share"] < 0.04
    assert doubts.evidence["enclosed_cold_share"] > 0.02
    assert "tumour" in doubts.suspected


def test_a_liver_more_uneven_than_healthy_ones_by_what_is_colder_needs_less_of_it() -> None:
    """One confluent mass fills the liver: little is cold, nothing is hotter, and it is uneven."""
    x = np.indices(GRID.shape)[2] * 3.0
    faded, rest = LIVER & (x < 48), ball((75, 60, 71), 10.4) | ball((95, 90, 80), 10.4) | ball((22, 71, 71), 12)
    doubts = judged([(LIVER, 10.0, 58.0), (faded, 8.3, 58.0), (rest, 5.0, 58.0)])
    assert doubts.evidence["unevenness"] > 0.16
    assert doubts.evidence["enclosed_cold_share"] < 0.02
    assert "tumour" in doubts.suspected
    even = judged([(LIVER, 10.0, 58.0), (rest, 5.0, 58.0)])
    assert not even.reasons


def test_density_alone_decides_that_no_value_is_given() -> None:
    rest = between_metastases()
    same = judged([(LIVER & ~rest, 12.0, 58.0)])
    darker_tumour = judged([(LIVER & ~rest, 12.0, 43.0)])
    assert same.reasons
    assert not same.refuse
    assert darker_tumour.refuse


def test_liver_beside_one_large_cold_metastasis_of_its_own_density_is_noticed() -> None:
    """The metastasis is the most frequent tissue; that the liver is a Hounsfield unit darker proves nothing."""
    x = np.indices(GRID.shape)[2] * 3.0
    metastasis: Mask = LIVER & (x < MIDDLE[0] + 8)
    doubts = judged([(metastasis, 4.5, 59.5)])
    assert -2.5 < doubts.evidence["hot_gap_hu"] < -1.0
    assert doubts.reasons
    assert "tumour" in doubts.suspected


def test_where_cold_tumour_is_usual_a_little_darker_does_not_make_metastases_of_what_is_hotter() -> None:
    """On FDG one large cold metastasis may be denser than a fatty or cirrhotic liver."""
    x = np.indices(GRID.shape)[2] * 3.0
    metastasis: Mask = LIVER & (x < MIDDLE[0] + 8)
    parts = [(metastasis, 4.5, 62.0)]
    fdg = judged(parts, cold_tumour=True)
    assert -5.0 < fdg.evidence["hot_gap_hu"] < -2.5
    assert "tumour" in fdg.suspected
    assert not judged(parts).reasons
    assert not judged([(metastasis, 4.5, 75.0)], cold_tumour=True).reasons


@pytest.mark.parametrize(("tumour_hu", "doubted"), [(45.0, True), (58.0, False)])
def test_on_fdg_what_is_hotter_and_denser_is_the_liver_beside_cold_metastases_in_the_majority(
    tumour_hu: float, doubted: bool
) -> None:
    x = np.indices(GRID.shape)[2] * 3.0
    metastases: Mask = LIVER & (x < MIDDLE[0] + 29)
    doubts = judged([(metastases, 4.7, tumour_hu)], cold_tumour=True)
    assert doubts.evidence["hotter_wide"] < 0.2
    assert any("hotter and denser" in reason for reason in doubts.reasons) is doubted
    assert not any("hotter and denser" in reason for reason in judged([(metastases, 4.7, tumour_hu)]).reasons)


def test_a_minority_of_hot_metastases_leaves_the_liver_undoubted() -> None:
    spots = ball((50, 71, 71), 16) | ball((92, 60, 85), 18) | ball((71, 95, 60), 12)
    assert not judged([(spots, 25.0, 45.0)]).reasons


def test_hot_dark_metastases_everywhere_leave_the_densest_and_coldest_tissue_to_be_liver() -> None:
    z = np.indices(GRID.shape)[0] * 3.0
    tumour = LIVER & ~between_metastases(17.0, 34.0)
    doubts = judged([(tumour & (z < 60), 13.0, 40.0), (tumour & (z >= 60), 24.0, 40.0)])
    assert doubts.evidence["hotter_wide"] > 0.5
    assert not doubts.reasons


def test_a_single_cold_metastasis_is_not_liver_left_over_even_when_it_is_denser() -> None:
    doubts = judged([(ball((55, 71, 75), 27), 4.0, 67.0)])
    assert doubts.evidence["cold_share"] > 0.05
    assert doubts.evidence["one_round_cold_piece"]
    assert not doubts.reasons


def test_cold_dark_metastases_are_not_liver_left_over() -> None:
    spots = ball((45, 71, 71), 15) | ball((92, 60, 85), 16) | ball((71, 95, 60), 14) | ball((80, 50, 50), 14)
    assert not judged([(spots, 3.8, 50.0)]).reasons


def test_much_that_is_cold_and_clearly_darker_is_named_as_cold_metastases_and_the_value_stays_under_caution() -> None:
    rest = between_metastases(20.0, 44.0)
    doubts = judged([(LIVER & ~rest, 3.8, 48.0)])
    assert doubts.evidence["cold_share"] > 0.15
    assert doubts.suspected == ("cold_metastases",)
    assert not doubts.refuse


def test_bowel_that_leaked_into_the_outline_is_not_liver_left_over() -> None:
    z = np.indices(GRID.shape)[0] * 3.0
    assert not judged([(LIVER & (z < 28), 4.0, 64.0)]).reasons


def test_a_spared_lobe_is_noticed() -> None:
    x = np.indices(GRID.shape)[2] * 3.0
    assert judged([(LIVER & (x < 90), 18.0, 45.0)]).reasons


def test_one_round_piece_is_told_from_a_net() -> None:
    assert one_round_piece(ball(MIDDLE, 20), GRID.spacing_mm)
    assert not one_round_piece(between_metastases(), GRID.spacing_mm)
    assert not one_round_piece(ball((40, 71, 71), 15) | ball((100, 71, 71), 15), GRID.spacing_mm)


def test_density_outside_the_ct_is_not_known() -> None:
    crop = crop_organ(np.ones(GRID.shape, np.float32), GRID, LIVER)
    assert isinstance(crop, Crop)
    upper = Grid((24, 48, 48), (3.0, 3.0, 3.0), (0.0, 0.0, 72.0))
    density = density_at(crop, crop.mask, Volume(np.full(upper.shape, 55, np.int16), upper, "HU"))
    assert np.isfinite(density).sum() == pytest.approx(LIVER[24:].sum(), rel=0.05)
    assert density[np.isfinite(density)] == pytest.approx(55)


def core_population(uptake: np.ndarray):
    crop = crop_organ(ndi.gaussian_filter(uptake.astype(np.float32), 0.9), GRID, LIVER)
    assert crop is not None
    population = find_population(crop, core_of(crop, 10.0, None))
    assert population is not None
    return crop, population


def test_a_third_of_a_liver_between_far_hotter_metastases_still_gives_its_own_level() -> None:
    x = np.indices(GRID.shape)[2] * 3.0
    uptake = np.where(x < 85, 42.0, 6.0)
    crop, population = core_population(np.where(LIVER, uptake, 0.8))
    assert population.mode == pytest.approx(42, rel=0.05)
    liver = colder_population(crop, population)
    assert liver is not None
    assert liver.mode == pytest.approx(6, rel=0.08)


def test_the_hotter_part_of_a_liver_with_cold_tumour_has_a_peak_of_its_own_and_a_tail_has_none() -> None:
    x = np.indices(GRID.shape)[2] * 3.0
    cold_tumour = core_population(np.where(LIVER, np.where(x < 75, 1.25, 2.2), 0.5))
    even = core_population(np.where(LIVER, 2.2, 0.5))
    liver = hotter_population(*cold_tumour)
    assert liver is not None
    assert liver.mode == pytest.approx(2.2, rel=0.06)
    assert hotter_population(*even) is None


def test_denser_vessels_and_bowel_beside_a_fatty_liver_do_not_take_its_value_away() -> None:
    # a little colder, denser tissue between parts of the liver: a sign of tumour only where the liver is not fatty
    rest = between_metastases(17.2, 32.0)
    usual = judged([(rest, 4.0, 74.0)])
    fatty = judged([(LIVER & ~rest, 6.0, 14.0), (rest, 4.0, 30.0)])
    assert usual.evidence["cold_share"] == pytest.approx(fatty.evidence["cold_share"], abs=0.03)
    assert usual.evidence["cold_share"] < 0.15
    assert usual.refuse
    assert not fatty.refuse
    assert fatty.reasons


def test_vessels_denser_and_colder_than_one_even_fatty_liver_are_no_sign_of_tumour() -> None:
    z, y, x = np.indices(GRID.shape) * 3.0
    vessels = np.zeros(GRID.shape, bool)
    for height in (47.0, 71.0, 95.0):
        vessels |= ((y - 71) ** 2 + (z - height) ** 2 <= 5.0**2) & (np.abs(x - 71) < 40)
    found = judged([(LIVER, 4.0, 10.0), (vessels & LIVER, 1.4, 42.0)], noise=0.03)
    assert 0.015 < found.evidence["enclosed_cold_share"] <= found.evidence["cold_share"] < 0.04
    assert found.evidence["cold_gap_hu"] > 5
    assert not found.reasons


def test_the_spill_of_very_hot_metastases_is_not_the_liver_left_beside_cold_tumour() -> None:
    hot = ball((45, 60, 71), 13) | ball((100, 71, 80), 11) | ball((71, 105, 60), 11)
    found = judged([(hot, 60.0, 60.0)])
    assert found.evidence["hotter_wide"] > 0.2
    assert found.evidence["hot_scatter"] > 0.3
    assert not found.reasons
    # the same share of liver between cold tumour as dense: one even, hotter tissue
    beside_cold_tumour = judged([(LIVER, 2.6, 58.0), (between_metastases(20.0, 32.0), 5.0, 58.0)])
    assert beside_cold_tumour.evidence["hot_scatter"] < 0.3
