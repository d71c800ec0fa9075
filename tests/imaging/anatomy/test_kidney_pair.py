"""Kidneys are a pair: one tells where the other lies and what it is made of, even inside the outline of the liver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from builders import trunks
from lutetia.imaging.anatomy.kidney_pair import find_pair, kind_of, mirrored, shared
from lutetia.imaging.anatomy.kidneys import Kidney, judge_kidney, least_uptake, likeness, pair_of
from lutetia.imaging.anatomy.liver import without_neighbours
from lutetia.imaging.anatomy.region import Trunk

Mask = npt.NDArray[np.bool_]
SHAPE = (70, 70, 90)
FAT_HU, KIDNEY_HU, LIVER_HU, MUSCLE_HU = -100.0, 30.0, 57.0, 52.0


def ellipsoid(centre_mm: tuple[float, float, float], half_mm: tuple[float, float, float]) -> Mask:
    """Centre and half-axes in mm: below the dome, forward of the vertebral front, to the left of the column."""
    below, forward, left = places()
    distance = ((below - centre_mm[0]) / half_mm[0]) ** 2 + ((forward - centre_mm[1]) / half_mm[1]) ** 2
    inside: Mask = distance + ((left - centre_mm[2]) / half_mm[2]) ** 2 <= 1
    return inside


def places() -> tuple[npt.NDArray[np.float32], ...]:
    """mm below the dome, forward of the vertebral front, left of the column, on the test grid (3 mm)."""
    return trunks.places(SHAPE, dome_mm=230.0, front_mm=90.0, middle_mm=135.0)


LEFT = ellipsoid((130, -25, 62), (50, 24, 26))
RIGHT = ellipsoid((140, -25, -60), (46, 24, 26))
LIVER = ellipsoid((75, 25, -70), (70, 70, 62))


def abdomen(kidney_suv: float, liver_suv: float, *, liver_hu: float = LIVER_HU) -> Trunk:
    """Two kidneys in fat, the right one pressed into the liver, muscle of the back behind them."""
    below, forward, left = places()
    hu = np.full(SHAPE, FAT_HU, np.float32)
    suv = np.full(SHAPE, 0.3, np.float32)
    muscle = (forward < -60) & (np.abs(left) < 80)
    for where, density, uptake in (
        (muscle, MUSCLE_HU, 0.6),
        (LIVER, liver_hu, liver_suv),
        (LEFT, KIDNEY_HU, kidney_suv),
        (RIGHT, KIDNEY_HU, kidney_suv),
    ):
        hu[where], suv[where] = density, uptake
    rng = np.random.default_rng(5)
    hu += rng.normal(0, 5, SHAPE).astype(np.float32)
    return trunks.trunk(hu, suv, (below, forward, left), soft=(hu > -20) & (hu < 300))


def kidney_of(trunk: Trunk, mask: Mask, liver_suv: float = 2.2) -> Kidney:
    score, evidence = judge_kidney(trunk, mask, 0.7 * liver_suv, False)
    return Kidney(mask, score, evidence)


def dice(one: Mask, other: Mask) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_the_mirror_image_of_a_free_kidney_finds_the_one_that_hides_in_the_liver() -> None:
    trunk = abdomen(2.6, 2.2)
    outline = LIVER | RIGHT  # as by uptake alone: liver and kidney differ by a fifth
    core = outline & (trunk.ct_smooth > -20) & ~LEFT
    found = find_pair(trunk, {"right": core, "left": core}, outline, "right", 0.7 * 2.2, False)
    assert dice(found["right"].mask, RIGHT) > 0.85
    assert dice(found["left"].mask, LEFT) > 0.85
    assert (found["right"].mask & LIVER & ~RIGHT).sum() < 0.06 * RIGHT.sum()


def test_a_mirrored_kidney_is_laid_where_the_other_bed_resembles_it_not_at_the_same_height() -> None:
    trunk = abdomen(2.6, 2.2)
    (best, likeness_there), *_ = mirrored(trunk, kidney_of(trunk, LEFT))
    assert dice(best, RIGHT) > 0.8
    assert likeness_there > 0.5


def test_where_the_other_bed_is_empty_the_mirror_finds_nothing_like_a_kidney() -> None:
    trunk = abdomen(2.6, 2.2)
    empty = replace(trunk)
    for array, value in ((empty.ct, FAT_HU), (empty.ct_smooth, FAT_HU), (empty.pet, 0.3), (empty.pet_smooth, 0.3)):
        assert array is not None
        array[RIGHT | LIVER] = value
    nothing = np.zeros(SHAPE, bool)
    found = find_pair(empty, {"right": nothing, "left": nothing}, nothing, "right", 0.7 * 2.2, False)
    assert set(found) == {"left"}


def test_a_hot_metastasis_beside_the_kidney_stays_with_the_liver() -> None:
    trunk = abdomen(12.0, 5.0)
    metastasis = ellipsoid((95, -8, -78), (16, 16, 16)) & LIVER & ~RIGHT
    assert trunk.pet_smooth is not None
    trunk.pet_smooth[metastasis], trunk.ct_smooth[metastasis] = 30.0, 48.0
    kidney, liver = kind_of(trunk, RIGHT), kind_of(trunk, LIVER & ~RIGHT)
    assert kidney is not None and liver is not None
    mine = shared(trunk, RIGHT, LIVER, kidney, liver)
    assert (mine & metastasis).sum() < 0.1 * metastasis.sum()
    assert dice(mine, RIGHT) > 0.9


def test_bowel_that_hangs_on_makes_a_poor_kidney() -> None:
    trunk = abdomen(2.6, 2.2)
    bowel = ellipsoid((175, 25, 75), (14, 60, 14)) | ellipsoid((190, 30, 40), (14, 14, 50))
    alone, joined = kidney_of(trunk, LEFT), kidney_of(trunk, LEFT | bowel)
    assert joined.score < 0.5 * alone.score


def test_a_good_kidney_is_not_given_up_for_a_poor_pair() -> None:
    trunk = abdomen(2.6, 2.2)
    good = replace(kidney_of(trunk, LEFT), score=8.0)
    poor = {s: replace(good, score=1.2, evidence=good.evidence | {"hu": 5.0}) for s in ("left", "right")}
    own, other = pair_of([poor["right"]], [good, poor["left"]])
    assert other is good
    assert own is None or likeness(own, good) < 1


@pytest.mark.parametrize(("liver_suv", "least"), [(5.0, 3.6), (40.0, 3.6), (2.0, 2.0)])
def test_a_liver_full_of_metastases_is_no_yardstick_for_kidneys(liver_suv: float, least: float) -> None:
    assert least_uptake(abdomen(15.0, liver_suv), liver_suv, True) == pytest.approx(least, rel=0.02)


def test_kidney_and_pancreas_that_lean_on_a_liver_are_taken_out_of_its_outline() -> None:
    trunk = abdomen(2.6, 2.2)
    pancreas = ellipsoid((110, 30, -5), (12, 14, 40)) & ~LIVER
    assert trunk.pet_smooth is not None
    trunk.ct_smooth[pancreas], trunk.pet_smooth[pancreas] = 35.0, 1.5
    outline = LIVER | RIGHT | pancreas
    core = ellipsoid((70, 25, -70), (40, 40, 35))
    cleaned = without_neighbours(outline, trunk, core, LIVER_HU, 2.2, 2.1)
    assert (cleaned & (RIGHT | pancreas)).sum() < 0.25 * (RIGHT | pancreas).sum()
    assert (cleaned & LIVER & ~RIGHT).sum() > 0.95 * (LIVER & ~RIGHT).sum()


def test_denser_tissue_stays_in_a_liver_that_is_not_fatty_for_beside_dark_metastases_that_is_the_liver() -> None:
    trunk = abdomen(2.6, 2.2)
    rest = ellipsoid((40, 40, -60), (20, 25, 25)) & LIVER
    assert trunk.pet_smooth is not None
    trunk.ct_smooth[rest] += 15.0
    trunk.pet_smooth[rest] = 1.5
    cleaned = without_neighbours(LIVER, trunk, ellipsoid((85, 20, -75), (35, 35, 30)), LIVER_HU, 2.2, 2.1)
    assert (cleaned & rest).sum() > 0.95 * rest.sum()
