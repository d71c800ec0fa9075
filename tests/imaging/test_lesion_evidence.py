"""What is asked of a focus in the abdomen: is it a ball or a band, and do the findings together make a lesion?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from builders.foci import focus
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.evidence import weigh
from lutetia.imaging.lesions.expectation import usual_need
from lutetia.imaging.lesions.fall_off import FallOff, fall_off
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.liver_membership import Densities, belongs_to_liver
from lutetia.imaging.lesions.own_bowel import compare_with_bowel
from lutetia.imaging.lesions.physiology_sstr import pelvic_uptake
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.model import Tracer

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
NEEDED = usual_need(DOTATATE)
SPACING = (3.0, 3.5, 4.0)
CENTRE = np.array([20, 20, 20])


def axes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Distances (mm) from the centre of a small image along its axes."""
    z, y, x = np.indices((41, 41, 41)).astype(float)
    return (z - 20) * SPACING[0], (y - 20) * SPACING[1], (x - 20) * SPACING[2]


def blurred(image: NDArray[np.float64], fwhm: float = 5.5) -> NDArray[np.float64]:
    return gaussian_filter(image, fwhm / 2.355 / np.asarray(SPACING))


def shown(image: NDArray[np.float64]) -> FallOff:
    return fall_off(image, SPACING, CENTRE, float(gaussian_filter(image, 0.6)[tuple(CENTRE)]))


def test_a_ball_falls_off_in_every_direction_alike() -> None:
    z, y, x = axes()
    fall = shown(blurred((z**2 + y**2 + x**2 <= 36).astype(float)))
    assert fall.weakest > 0.18
    assert fall.evenness > 0.8
    assert fall.ball_like


@pytest.mark.parametrize("turn", [0.0, 0.6, 1.2])
def test_a_loop_or_a_ureter_goes_on_along_one_direction_whichever_that_is(turn: float) -> None:
    z, y, x = axes()
    across = -np.sin(turn) * z + np.cos(turn) * y
    fall = shown(blurred((across**2 + x**2 <= 36).astype(float)))
    assert abs(fall.weakest) < 0.03
    assert fall.strongest > 0.2
    assert not fall.ball_like


def test_a_node_that_touches_a_band_of_bowel_is_still_a_ball() -> None:
    z, y, x = axes()
    image = 3.0 * (np.hypot(y + 17, x) <= 10).astype(float)  # a loop that runs past at 7 mm from the node's edge
    image += 9.0 * (z**2 + y**2 + x**2 <= 36)
    assert shown(blurred(image)).ball_like


def test_fall_off_does_not_change_with_the_unit_or_the_slope_it_stands_on() -> None:
    z, y, x = axes()
    ball = blurred((z**2 + y**2 + x**2 <= 36).astype(float))
    slope = 0.004 * (y + 80)
    peak = float(ball[tuple(CENTRE)])
    plain = fall_off(ball, SPACING, CENTRE, peak)
    assert fall_off(7 * ball, SPACING, CENTRE, 7 * peak).weakest == pytest.approx(plain.weakest, rel=1e-6)
    assert fall_off(ball + slope, SPACING, CENTRE, peak).weakest == pytest.approx(plain.weakest, abs=1e-6)


def around(**changed: Any) -> Surroundings:
    """A round soft-tissue nodule in fat, apart from everything, 12 HU denser than the bowel and as hot."""
    facts: dict[str, Any] = {
        "lateral": 20,
        "ventral": 70,
        "core_ml": 1.2,
        "elongation": 1.1,
        "thinness": 1.1,
        "length_mm": 12,
        "summit_elongation": 1.1,
        "joined": 0.2,
        "ct_hu": 35,
        "ct_peak_hu": 38,
        "fat": 0.7,
        "soft": 0.3,
        "gas": 0,
        "bone": 0,
        "lung": 0,
        "other_side": 2,
        "weakest": 0.15,
        "evenness": 0.75,
        "over_bowel_hu": (12.0, 12.0),
        "over_bowel_suv": 1.0,
    }
    return Surroundings(point=np.zeros(3), **{**facts, **changed})


BAND = {
    "weakest": 0.04,
    "evenness": 0.2,
    "elongation": 1.8,
    "summit_elongation": 1.7,
    "joined": 0.8,
    "core_ml": 6.0,
    "length_mm": 35.0,
}


def test_a_round_nodule_in_fat_that_stands_apart_is_a_lesion_at_an_uptake_that_bowel_reaches() -> None:
    assert weigh(focus(top=6.0), around(), 11.2, NEEDED).enough


def test_a_part_of_a_band_is_bowel_at_the_same_uptake() -> None:
    assert not weigh(focus(top=6.0), around(**BAND), 11.2, NEEDED).enough


@pytest.mark.parametrize("name", ["elongation", "summit_elongation", "joined", "core_ml"])
def test_no_single_finding_of_shape_decides_against_a_nodule(name: str) -> None:
    assert weigh(focus(top=8.0), around(**{name: BAND[name]}), 11.2, NEEDED).enough


def test_uptake_above_the_range_alone_makes_no_lesion_of_a_band() -> None:
    assert not weigh(focus(top=20.0), around(**BAND), 11.2, NEEDED).enough


def test_points_are_written_with_what_gave_and_what_withheld_them() -> None:
    found = weigh(focus(top=6.0), around(**BAND), 11.2, NEEDED)
    assert found.points < NEEDED.points
    assert "goes on in one direction" in found.text
    assert "long" in found.text
    assert "nodule in fat on CT" in found.text
    assert f"{found.points:.1f} of 20" in found.text


def test_spect_whose_blur_lets_nothing_fall_off_steeply_needs_fewer_points_than_pet_and_fdg_more() -> None:
    therapy = Tracer(
        key="lu177-dotatate", name="177Lu-DOTATATE", binds="sstr_agonist", radionuclide="177Lu", modality="SPECT"
    )
    fdg = Tracer(key="fdg", name="FDG", binds="glucose", radionuclide="18F")
    assert usual_need(therapy).points < NEEDED.points < usual_need(fdg).points


def test_without_ct_the_findings_of_ct_speak_neither_way() -> None:
    blind = {"ct_hu": np.nan, "ct_peak_hu": np.nan, "fat": 0.0, "soft": 0.0, "over_bowel_hu": (np.nan, np.nan)}
    seen = weigh(focus(), around(over_bowel_hu=(25.0, 25.0)), 11.2, NEEDED).points
    against = weigh(focus(), around(over_bowel_hu=(-30.0, -30.0), fat=0.0), 11.2, NEEDED).points
    assert against < weigh(focus(), around(**blind), 11.2, NEEDED).points < seen


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"over_bowel_hu": (30.0, 30.0)}, {"over_bowel_hu": (-5.0, -5.0)}),
        ({"over_bowel_suv": 4.0}, {"over_bowel_suv": 1.0}),
    ],
)
def test_what_is_denser_or_hotter_than_this_patients_bowel_speaks_for_a_lesion(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    gained = (
        weigh(focus(), around(**better), 11.2, NEEDED).points - weigh(focus(), around(**worse), 11.2, NEEDED).points
    )
    assert gained >= 2.0


def _loops(hu: float, number: int = 12) -> tuple[list[Focus], list[Surroundings]]:
    """Parts of bowel of this density at SUV 3, and one nodule at SUV 9 and 60 HU."""
    bowel = [around(**BAND, ct_hu=hu, ct_peak_hu=hu, fat=0.3) for _ in range(number)]
    return [focus(top=3.0)] * number + [focus(top=9.0)], [*bowel, around(ct_hu=60.0, ct_peak_hu=60.0)]


class _Belly(Landmarks):
    def __init__(self) -> None:
        pass

    def in_abdomen(self, z: float) -> bool:
        return True


def test_a_nodule_is_compared_with_the_bowel_of_the_same_patient() -> None:
    nodule = compare_with_bowel(*_loops(25.0), _Belly())[-1]
    assert nodule.over_bowel_hu == pytest.approx((35.0, 35.0))
    assert nodule.over_bowel_suv == pytest.approx(3.0)


@pytest.mark.parametrize(("hu", "number"), [(25.0, 5), (220.0, 12)])
def test_too_little_bowel_or_bowel_full_of_contrast_is_no_measure_of_density(hu: float, number: int) -> None:
    nodule = compare_with_bowel(*_loops(hu, number), _Belly())[-1]
    assert np.isnan(nodule.over_bowel_hu).all()


class _RightLiver(Landmarks):
    """A body with its liver on the right, 6 mm from every place asked for, and kidneys like any."""

    def __init__(self) -> None:
        self.swollen_kidney = frozenset()
        self.liver_x, self.liver_high, self.lung_base, self.lung_top = -50.0, 100.0, 80.0, 300.0
        self.bladder_middle = self.bladder_top = None

    def distance(self, name: str, points: object) -> float | None:
        return 6.0


def _in_right_kidney(**changed: float) -> tuple[Focus, Surroundings]:
    hot = replace(focus(top=20.0, background=3.5), label=LABELS["kidney_right"])
    return hot, around(**{"lateral": -104, "ventral": 10, "core_ml": 14, "fat": 0.15, **changed})


def test_the_outer_rim_of_a_kidney_in_a_broad_body_is_kidney_and_not_liver() -> None:
    rim, beside = _in_right_kidney(joined=0.93, evenness=0.35, weakest=0.05)
    belongs_to_liver(rim, beside, _RightLiver(), Levels(1.5, 7.0, 20.0, 0.05, 0.1, "reference"), DOTATATE)
    assert not rim.in_liver
    assert beside.renal_place


def test_a_ball_where_no_kidney_lies_is_of_the_liver_although_a_kidneys_mask_has_run_into_it() -> None:
    ball, beside = _in_right_kidney(lateral=-118, joined=0.4, evenness=0.7, weakest=0.15)
    part, along = _in_right_kidney(lateral=-118, joined=0.9, evenness=0.2, weakest=0.04)
    for one, its in ((ball, beside), (part, along)):
        belongs_to_liver(one, its, _RightLiver(), Levels(1.5, 7.0, 20.0, 0.05, 0.1, "reference"), DOTATATE)
    assert ball.in_liver
    assert not part.in_liver


@pytest.mark.parametrize(("hu", "fat", "in_liver"), [(52.0, 0.0, True), (31.0, 0.0, False), (52.0, 0.3, False)])
def test_what_is_dense_as_liver_without_fat_is_liver_in_the_mask_of_a_kidney(
    hu: float, fat: float, in_liver: bool
) -> None:
    piece, beside = _in_right_kidney(joined=0.95, evenness=0.2, weakest=0.03, ct_hu=hu, ct_peak_hu=hu, fat=fat)
    levels = Levels(1.5, 7.0, 20.0, 0.05, 0.1, "reference")
    belongs_to_liver(piece, beside, _RightLiver(), levels, DOTATATE, Densities(liver=56.0, kidney=29.0))
    assert piece.in_liver is in_liver


def test_where_liver_and_kidney_are_equally_dense_density_says_nothing() -> None:
    levels = Levels(1.5, 7.0, 20.0, 0.05, 0.1, "reference")
    piece, beside = _in_right_kidney(joined=0.5, evenness=0.2, weakest=0.03, ct_hu=38.0, ct_peak_hu=38.0, fat=0.0)
    belongs_to_liver(piece, beside, _RightLiver(), levels, DOTATATE, Densities(liver=37.0, kidney=29.0))
    assert not piece.in_liver


@pytest.mark.parametrize(
    ("fat", "elongation", "in_liver"), [(0.07, 1.15, True), (0.07, 1.6, False), (0.2, 1.15, False)]
)
def test_a_round_ball_with_liver_all_around_is_liver_though_the_kidneys_mask_took_some_fat_along(
    fat: float, elongation: float, in_liver: bool
) -> None:
    levels = Levels(1.5, 6.1, 20.0, 0.05, 0.1, "reference")
    shape = {"joined": 0.45, "evenness": 0.7, "weakest": 0.13, "elongation": elongation, "thinness": 1.08}
    ball, beside = _in_right_kidney(**shape, ct_hu=26.0, ct_peak_hu=25.0, fat=fat, core_ml=2.6)
    ball.background = 6.5
    belongs_to_liver(ball, beside, _RightLiver(), levels, DOTATATE, Densities(liver=56.0, kidney=29.0))
    assert ball.in_liver is in_liver


@pytest.mark.parametrize(("hu", "in_liver"), [(40.0, True), (6.0, False)])
def test_a_ball_as_thin_as_urine_in_the_mask_of_a_kidney_is_its_pelvis(hu: float, in_liver: bool) -> None:
    levels = Levels(1.5, 7.0, 20.0, 0.05, 0.1, "reference")
    ball, beside = _in_right_kidney(
        joined=0.7, evenness=0.6, weakest=0.1, ct_hu=hu, ct_peak_hu=hu, fat=0.0, lateral=-60
    )
    ball.background = 7.0
    belongs_to_liver(ball, beside, _RightLiver(), levels, DOTATATE, Densities(liver=90.0, kidney=29.0))
    assert ball.in_liver is in_liver


@pytest.mark.parametrize(
    ("sex", "z", "organ"),
    [
        ("F", -20.0, "uterus"),
        ("F", 20.0, "uterus"),
        ("M", -20.0, "prostate"),
        ("M", 20.0, "pelvic_organ"),  # a prostate does not lie above the middle of the bladder
        ("O", -20.0, "pelvic_organ"),
        (None, -20.0, "pelvic_organ"),
        (None, 20.0, "pelvic_organ"),
    ],
)
def test_faint_uptake_beside_the_bladder_is_named_after_an_organ_the_patient_can_have(
    sex: str | None, z: float, organ: str
) -> None:
    marks = _RightLiver()
    marks.bladder_middle, marks.bladder_top, marks.sex = np.zeros(3), 30.0, sex if sex != "O" else None
    beside = replace(around(lateral=5, core_ml=3.0), point=np.array([5.0, 0.0, z]))
    verdict = pelvic_uptake(focus(top=3.0), beside, marks, LesionSettings())
    assert verdict is not None
    assert verdict.physiological
    assert verdict.organ == organ
    assert ("uterus" in verdict.reason) == (sex not in ("M",))
    assert ("prostate" in verdict.reason) == (organ == "prostate" or sex in ("O", None))
