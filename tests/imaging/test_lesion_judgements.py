"""Places where an organ and a lesion are easily taken for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from builders.foci import focus
from lutetia.imaging.lesions.densities import Densities
from lutetia.imaging.lesions.evidence import weigh
from lutetia.imaging.lesions.expectation import NEEDED_PET, Needed
from lutetia.imaging.lesions.in_liver_mask import (
    bowel_in_liver_mask,
    loop_in_liver_mask,
    myocardium_in_liver_mask,
    neighbour_in_liver_mask,
)
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.liver_membership import belongs_to_liver
from lutetia.imaging.lesions.physiology import blood, bone_lesion, liver_rim, scrotum, uneven_liver
from lutetia.imaging.lesions.physiology_basics import lies_in
from lutetia.imaging.lesions.physiology_fdg import (
    brown_fat,
    faint_uptake,
    gonadal_uptake,
    kidney_taken_for_bone,
    marrow_uptake,
    rectal_uptake,
    urine_drop,
    urine_in_kidney,
    vascular_blood,
)
from lutetia.imaging.lesions.physiology_gut import gut
from lutetia.imaging.lesions.physiology_heart import heart_uptake, heart_wall, myocardium
from lutetia.imaging.lesions.physiology_sstr import adrenal_uptake, splenic_tissue, thyroid_uptake
from lutetia.imaging.lesions.physiology_urinary import ball_in_organ_mask, kidney_and_bladder, part_of_organ, ureter
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.sites import site_of
from lutetia.imaging.lesions.surroundings import Surroundings, compare_with_neighbours
from lutetia.imaging.lesions.working import Working
from lutetia.model import Grid, Tracer

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
LEVELS = Levels(1.5, 6.0, 20.0, 0.05, 0.1, "reference")
NEEDED = Needed(NEEDED_PET)


class Place(Landmarks):
    """The belly of an adult: kidneys at z 0, bladder at −200, the organs named at the distance given."""

    def __init__(self, **away: float) -> None:
        self.away = away
        self.sex = None
        self.kidney = {"left": np.array([60.0, 0.0, 0.0]), "right": np.array([-60.0, 0.0, 0.0])}
        self.kidney_top = {"left": 50.0, "right": 50.0}
        self.liver_low, self.liver_high, self.liver_x = 0.0, 120.0, -60.0
        self.swollen_kidney: frozenset[int] = frozenset()
        self.lung_base, self.lung_top, self.brain_base = 90.0, 330.0, None
        self.bladder_middle, self.bladder_top = np.array([0.0, 0.0, -200.0]), -180.0

    def distance(self, name: str, points: object) -> float | None:
        return self.away.get(name)

    def midline(self, z: float) -> float:
        return 0.0


BALL = {"elongation": 1.1, "thinness": 1.1, "joined": 0.1, "weakest": 0.16, "evenness": 0.7}
THREAD = {"elongation": 2.4, "thinness": 1.2, "joined": 0.4, "weakest": 0.03, "evenness": 0.15}
IN_FAT = {"fat": 0.8, "soft": 0.2, "ct_hu": -20.0, "ct_peak_hu": -15.0}
IN_LIVER = {"fat": 0.0, "soft": 1.0, "ct_hu": 50.0, "ct_peak_hu": 50.0}


def around(z: float, lateral: float, ventral: float, *facts: Mapping[str, float], **more: float) -> Surroundings:
    values: dict[str, float] = {
        "core_ml": 0.7,
        "length_mm": 12,
        "summit_elongation": 1.1,
        "gas": 0,
        "bone": 0,
        "lung": 0,
        "other_side": 2,
        "companions": 0,
    }
    for one in (*facts, more):
        values.update(one)
    return Surroundings(point=np.array([lateral, 0.0, z]), lateral=lateral, ventral=ventral, **values)  # type: ignore[arg-type]


def test_a_thread_in_the_ureters_course_is_ureter_and_one_round_focus_by_itself_is_weighed() -> None:
    thread = ureter(focus(8.0), around(-60, 35, 30, THREAD, IN_FAT), Place())
    assert thread is not None
    assert thread.organ == "ureter"
    assert ureter(focus(8.0), around(-60, 35, 30, BALL, IN_FAT), Place()) is None


def test_a_drop_among_other_drops_is_ureter_although_it_is_round() -> None:
    drop = ureter(focus(8.0), around(-60, 35, 30, BALL, IN_FAT, companions=2), Place())
    assert drop is not None
    assert drop.organ == "ureter"


@pytest.mark.parametrize(("peak", "bowel"), [(9.0, False), (5.0, True)])
def test_what_is_hotter_than_liver_where_ct_shows_lung_is_no_bowel(peak: float, bowel: bool) -> None:
    seen = {"ct_hu": -500.0, "ct_peak_hu": -650.0, "fat": 0.1, "soft": 0.3, "gas": 0.55, "lung": 0.5}
    verdict = gut(
        focus(peak),
        around(95, -80, 50, seen, elongation=1.5, thinness=1.8, joined=0.7, weakest=0.05, evenness=0.3),
        Place(lung_right=1.0),
        11.2,
        LEVELS,
        NEEDED,
    )
    assert (verdict is not None and verdict.physiological) is bowel


@pytest.mark.parametrize(("core_ml", "gland"), [(3.0, True), (8.0, False)])
def test_what_is_larger_than_an_adrenal_is_none(core_ml: float, gland: bool) -> None:
    shape = {"elongation": 1.4, "thinness": 1.2, "joined": 0.4, "weakest": 0.07, "evenness": 0.4}
    soft = {"fat": 0.2, "soft": 0.8, "ct_hu": 40.0, "ct_peak_hu": 40.0}
    seen = around(60, -32, 30, shape, soft, core_ml=core_ml, other_side=1.2)
    assert (adrenal_uptake(focus(15.0), seen, Place(), LesionSettings()) is not None) is gland


@pytest.mark.parametrize(("round_", "gland"), [(False, True), (True, False)])
def test_a_round_mass_of_more_than_four_millilitres_at_the_adrenal_is_not_the_gland(round_: bool, gland: bool) -> None:
    shape = {"elongation": 1.1 if round_ else 1.7, "thinness": 1.2, "joined": 0.4, "weakest": 0.07, "evenness": 0.4}
    seen = around(60, -32, 30, shape, fat=0.1, soft=0.9, ct_hu=68.0, ct_peak_hu=70.0, core_ml=6.5, other_side=0.8)
    verdict = adrenal_uptake(focus(18.0), seen, Place(), LesionSettings())
    assert verdict is not None
    assert verdict.physiological is gland
    assert gland or "in adrenal" in verdict.marks


@pytest.mark.parametrize("lateral", [-126.0, -60.0])
def test_an_intense_flat_metastasis_at_the_outer_rim_is_a_lesion_and_the_same_beside_the_kidney_is_not_sure(
    lateral: float,
) -> None:
    flat = {"elongation": 1.25, "thinness": 1.7, "joined": 0.3, "weakest": 0.05, "evenness": 0.25}
    seen = around(60, lateral, 20, flat, IN_LIVER, core_ml=10.0)
    verdict = uneven_liver(focus(30.0, "liver", background=6.0), seen, Place(), LEVELS)
    assert (verdict is None) is (abs(lateral) > 115)


@pytest.mark.parametrize(
    ("peak", "dense", "kidney_mm", "lesion"),
    [
        (13.0, 50.0, 60.0, True),
        (13.0, 24.0, 60.0, False),  # the lipid of an adrenal, the fluid of a loop of bowel
        (13.0, 50.0, 8.0, False),  # spill of the kidney
        (8.0, 50.0, 60.0, False),  # texture of the liver
    ],
)
def test_a_drawn_out_focus_with_liver_all_around_and_of_its_density_is_a_metastasis(
    peak: float, dense: float, kidney_mm: float, lesion: bool
) -> None:
    drawn_out = {"elongation": 1.7, "thinness": 1.6, "joined": 0.7, "weakest": 0.05, "evenness": 0.25}
    seen = around(60, -40, 60, drawn_out, IN_LIVER, core_ml=6.0, ct_hu=dense, ct_peak_hu=dense)
    verdict = uneven_liver(
        focus(peak, "liver", background=6.0), seen, Place(kidney_right=kidney_mm), LEVELS, Densities(50.0, 30.0)
    )
    assert (verdict is None) is lesion


@pytest.mark.parametrize(
    ("joined", "organ", "bone"), [(0.94, "body", False), (0.3, "body", True), (0.94, "spine", True)]
)
def test_an_enhanced_kidney_is_as_dense_as_bone_and_runs_on_into_its_mask(
    joined: float, organ: str, bone: bool
) -> None:
    shape = {"elongation": 1.05, "thinness": 1.6, "joined": joined, "weakest": 0.05, "evenness": 0.3, "core_ml": 19.0}
    seen = around(0, 31, 24, shape, fat=0.2, soft=0.45, bone=0.34, ct_hu=181.0, ct_peak_hu=181.0)
    verdict = bone_lesion(focus(24.6, organ, 1.0), seen, Place(kidney_left=12.6))
    assert (verdict is not None and verdict.reason == "in bone") is bone


def test_bone_beside_the_kidney_is_not_its_rim() -> None:
    shape = {"elongation": 1.7, "thinness": 1.8, "joined": 0.7, "weakest": 0.05, "evenness": 0.3}
    soft = around(0, -31, 19, shape, fat=0.3, soft=0.7, ct_hu=40.0, ct_peak_hu=45.0)
    dense = replace(soft, bone=0.7, soft=0.2, fat=0.1, ct_hu=600.0, ct_peak_hu=620.0)
    marks = Place(kidney_right=3.0)
    rim = kidney_and_bladder(focus(24.0), soft, marks)
    assert rim is not None
    assert rim.organ == "kidney_right"
    assert kidney_and_bladder(focus(24.0), dense, marks) is None


@pytest.mark.parametrize(("thinness", "heart"), [(2.6, True), (1.2, False)])
def test_a_large_sheet_of_fdg_between_heart_and_left_lobe_is_myocardium_and_a_round_mass_is_not(
    thinness: float, heart: bool
) -> None:
    shape = {"elongation": 1.2, "thinness": thinness, "joined": 0.5, "weakest": 0.05, "evenness": 0.3}
    seen = around(110, 50, 80, shape, IN_LIVER, core_ml=50.0)
    verdict = myocardium_in_liver_mask(focus(12.0, "liver", background=2.2), seen, Place(heart=5.0))
    assert (verdict is not None) is heart


@pytest.mark.parametrize(("top", "spleen"), [(20.0, True), (45.0, False)])
def test_a_large_body_of_the_spleens_own_uptake_that_runs_into_its_mask_is_more_of_it(top: float, spleen: bool) -> None:
    grid = Grid((1, 1, 1), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    nothing = np.zeros((1, 1, 1), np.float32)
    work = Working(nothing, nothing, np.zeros((1, 1, 1), np.uint8), grid, (1, 1, 1))
    seen = around(40, 110, 0, BALL, IN_FAT, core_ml=200.0)
    seen = replace(seen, point=np.array([110.0, 0.0, 40.0]))

    class BesideSpleen(Place):
        def distance(self, name: str, points: object) -> float | None:
            return 20.0 if np.ndim(points) == 1 else 0.0  # the peak lies 20 mm from a mask that the core runs into

    verdict = splenic_tissue(focus(top), seen, work, BesideSpleen(), LEVELS)
    assert (verdict is not None and verdict.organ == "spleen") is spleen


@pytest.mark.parametrize(
    ("facts", "lateral", "node"),
    [
        ({}, 33.0, True),
        ({}, 55.0, False),  # not between kidney and spine
        ({"ct_hu": 5.0, "ct_peak_hu": 4.0}, 33.0, False),  # fluid: the kidney's pelvis
        ({"joined": 0.9}, 33.0, False),  # no flank of its own
        ({"thinness": 2.0}, 33.0, False),  # a shell: cortex
    ],
)
def test_a_round_nodule_between_kidney_and_spine_is_a_node_and_no_part_of_the_kidney(
    facts: dict[str, float], lateral: float, node: bool
) -> None:
    grid = Grid((1, 1, 1), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    nothing = np.zeros((1, 1, 1), np.float32)
    work = Working(nothing, nothing, np.zeros((1, 1, 1), np.uint8), grid, (1, 1, 1))
    ball = {"elongation": 1.25, "thinness": 1.1, "joined": 0.7, "weakest": 0.15, "evenness": 0.6, "core_ml": 1.8}
    seen = around(0, lateral, 32, {**ball, "fat": 0.8, "soft": 0.2, "ct_hu": 25.0, "ct_peak_hu": 33.0, **facts})
    verdict = part_of_organ(focus(19.5), seen, work, Place(kidney_left=3.0))
    assert (verdict is None) is node


class AtTheRim(Place):
    """The liver's mask ends within 15 mm of every place."""

    def near_the_rim(self, name: str, point: object, mm: float) -> bool:
        return True


class DeepInLiver(Place):
    """Liver on every side."""

    def near_the_rim(self, name: str, point: object, mm: float) -> bool:
        return False


LOOP = {
    "elongation": 1.4,
    "thinness": 1.5,
    "joined": 0.6,
    "weakest": 0.05,
    "evenness": 0.3,
    "core_ml": 3.0,
    "length_mm": 25.0,
}


@pytest.mark.parametrize(
    ("over_bowel", "marks", "facts", "bowel"),
    [
        (4.0, AtTheRim(), LOOP, True),
        (30.0, AtTheRim(), LOOP, False),  # as dense as the liver
        (4.0, DeepInLiver(), LOOP, False),
        (4.0, AtTheRim(), {**BALL, "core_ml": 3.0}, False),
        (float("nan"), AtTheRim(), LOOP, False),  # too little bowel to compare with
    ],
)
def test_what_looks_like_this_patients_bowel_in_the_rim_of_the_livers_mask_is_bowel(
    over_bowel: float, marks: Landmarks, facts: Mapping[str, float], bowel: bool
) -> None:
    seen = replace(around(60, -50, 70, facts, IN_LIVER), over_bowel_hu=(over_bowel, over_bowel), over_bowel_suv=1.5)
    verdict = bowel_in_liver_mask(focus(12.0, "liver", background=6.0), seen, marks, 11.2, LEVELS)
    assert (verdict is not None and verdict.organ == "bowel") is bowel


def test_in_a_liver_mostly_of_tumour_nothing_in_its_mask_is_called_bowel() -> None:
    seen = replace(around(60, -50, 70, LOOP, IN_LIVER), over_bowel_hu=(4.0, 4.0), over_bowel_suv=1.5)
    mostly = replace(LEVELS, tumour=18.0)
    assert bowel_in_liver_mask(focus(12.0, "liver", background=6.0), seen, AtTheRim(), 11.2, mostly) is None


@pytest.mark.parametrize(
    ("away", "core_ml", "joined", "lesion"),
    [
        (45.0, 6.0, 0.5, True),
        (10.0, 6.0, 0.5, False),  # in the middle: urine in the pelvis
        (45.0, 2.0, 0.5, False),  # as small as a drop in a calix
        (45.0, 6.0, 0.9, False),  # one with the rest of the kidney
    ],
)
def test_a_ball_of_its_own_at_the_edge_of_a_kidneys_mask_lies_against_the_kidney(
    away: float, core_ml: float, joined: float, lesion: bool
) -> None:
    seen = around(away, -60, 0, BALL, IN_LIVER, core_ml=core_ml, joined=joined)
    seen = replace(seen, point=np.array([-60.0, 0.0, away]))
    verdict = ball_in_organ_mask(focus(30.0, "kidney_right", background=3.0), seen, Place())
    assert (verdict is not None) is lesion
    if verdict is not None:
        assert not verdict.physiological
        assert verdict.marks == ("against the kidney right",)


def test_a_second_ball_in_the_bladders_mask_far_from_its_middle_is_no_bladder() -> None:
    seen = around(-150, 30, 40, BALL, IN_FAT, core_ml=6.0)
    seen = replace(seen, point=np.array([30.0, 0.0, -150.0]))
    assert ball_in_organ_mask(focus(40.0, "urinary_bladder"), seen, Place()) is not None
    in_the_middle = replace(seen, point=np.array([5.0, 0.0, -195.0]))
    assert ball_in_organ_mask(focus(40.0, "urinary_bladder"), in_the_middle, Place()) is None


@pytest.mark.parametrize(("top", "is_blood"), [(2.5, True), (20.0, False)])
def test_uptake_far_above_blood_pool_in_the_hearts_mask_is_not_blood(top: float, is_blood: bool) -> None:
    seen = around(110, 40, 120, LOOP, IN_LIVER, core_ml=12.0)
    verdict = blood(focus(top, "heart"), seen, Place(), LEVELS)
    assert (verdict is not None and verdict.organ == "heart") is is_blood


@pytest.mark.parametrize(("top", "gland"), [(7.5, True), (9.0, False)])
def test_thyroid_alike_on_both_sides_is_the_gland_up_to_the_range_of_diffuse_uptake(top: float, gland: bool) -> None:
    seen = around(335, 20, 40, BALL, core_ml=4.0, other_side=1.05, fat=0.2, soft=0.8, ct_hu=85.0, ct_peak_hu=85.0)
    verdict = thyroid_uptake(focus(top), seen, LesionSettings())
    assert verdict is not None
    assert verdict.physiological is gland


@pytest.mark.parametrize(
    ("companions", "lateral", "hu", "is_ureter"),
    [(3, 35.0, -5.0, True), (0, 35.0, -5.0, False), (3, 4.0, -5.0, False), (3, 35.0, 55.0, False)],
)
def test_a_drop_joined_to_threads_above_and_below_is_urine_unless_ct_shows_a_nodule(
    companions: int, lateral: float, hu: float, is_ureter: bool
) -> None:
    drop = {**BALL, "weakest": 0.14, "joined": 0.4, "fat": 0.2, "soft": 0.8, "ct_hu": hu, "ct_peak_hu": hu}
    verdict = ureter(focus(12.0), around(-60, lateral, 30, drop, companions=companions), Place())
    assert (verdict is not None and verdict.organ == "ureter") is is_ureter


@pytest.mark.parametrize(("fat", "core_ml", "bladder"), [(0.8, 1.0, False), (0.2, 1.0, True), (0.8, 60.0, True)])
def test_a_ball_in_fat_that_the_bladders_mask_spills_over_is_no_urine(
    fat: float, core_ml: float, bladder: bool
) -> None:
    seen = around(0, 20, 50, BALL, IN_FAT, fat=fat, core_ml=core_ml, joined=0.6)
    assert (lies_in(focus(14.0, "urinary_bladder"), seen, "urinary_bladder") is not None) is bladder


@pytest.mark.parametrize(("joined", "kidney"), [(0.95, True), (0.5, False)])
def test_a_kidney_that_reaches_before_the_spine_in_one_piece_is_kidney(joined: float, kidney: bool) -> None:
    seen = around(0, 8, 15, LOOP, IN_LIVER, joined=joined, core_ml=20.0)
    verdict = lies_in(focus(25.0, "kidney_left"), seen, "kidney_left", "kidney_right")
    assert (verdict is not None) is kidney


@pytest.mark.parametrize(("label", "heart"), [("heart", True), ("body", False)])
def test_a_patch_of_fdg_in_the_hearts_mask_is_myocardium(label: str, heart: bool) -> None:
    verdict = heart_uptake(focus(6.0, label), around(200, 40, 80, BALL, IN_LIVER))
    assert (verdict is not None and verdict.organ == "heart") is heart


@pytest.mark.parametrize(("hu", "top", "urine"), [(12.0, 12.0, True), (40.0, 12.0, False), (12.0, 4.0, False)])
def test_an_intense_drop_of_fdg_with_nothing_on_ct_in_the_ureters_course_is_urine(
    hu: float, top: float, urine: bool
) -> None:
    seen = around(-60, 35, 30, BALL, {"fat": 0.3, "soft": 0.7, "ct_hu": hu, "ct_peak_hu": hu}, companions=1)
    verdict = urine_drop(focus(top), seen, Place(), Levels(1.5, 2.2, 1.9, 0.05, 0.1, "reference"))
    assert (verdict is not None and verdict.organ == "ureter") is urine


@pytest.mark.parametrize(
    ("lateral", "hu", "core_ml", "urine"),
    [(35.0, 0.0, 0.8, True), (35.0, 25.0, 0.8, False), (2.0, 0.0, 0.8, False), (35.0, 0.0, 3.0, False)],
)
def test_a_small_round_drop_as_thin_as_water_beside_the_spine_is_urine_however_faint(
    lateral: float, hu: float, core_ml: float, urine: bool
) -> None:
    seen = around(-60, lateral, 30, BALL, fat=0.3, soft=0.7, ct_hu=hu, ct_peak_hu=hu, core_ml=core_ml)
    assert (urine_drop(focus(4.0), seen, Place(), LEVELS) is not None) == urine


@pytest.mark.parametrize(("z", "top", "testis"), [(-285.0, 4.0, True), (-285.0, 9.0, False), (-230.0, 4.0, False)])
def test_round_fdg_uptake_well_below_the_bladder_is_a_testis_in_its_range(z: float, top: float, testis: bool) -> None:
    verdict = gonadal_uptake(focus(top), around(z, 15, 40, BALL, IN_LIVER), Place())
    assert (verdict is not None) is testis


@pytest.mark.parametrize(("sex", "organ", "word"), [("F", "pelvic_organ", "perineum"), ("M", "gonads", "testes")])
def test_a_woman_has_no_testes(sex: str, organ: str, word: str) -> None:
    marks = Place()
    marks.sex = sex
    below = around(-300, 15, 40, THREAD, IN_LIVER)
    drop = scrotum(focus(4.0), below, marks)
    assert drop is not None
    assert (drop.organ, word in drop.reason) == (organ, True)
    assert (gonadal_uptake(focus(4.0), around(-300, 15, 40, BALL, IN_LIVER), marks) is None) is (sex == "F")


@pytest.mark.parametrize(("needed", "physiological"), [(NEEDED_PET + 1.0, True), (NEEDED_PET, False)])
def test_the_same_spot_is_bowel_or_lesion_by_the_points_that_this_patient_asks_for(
    needed: float, physiological: bool
) -> None:
    spot = around(60, 20, 70, BALL, IN_FAT, core_ml=2.0, length_mm=24.0, over_bowel_suv=1.0)
    points = weigh(focus(3.0), spot, 5.0, Needed(needed)).points
    verdict = gut(focus(3.0), spot, Place(), 5.0, LEVELS, Needed(needed), glucose=True)
    assert verdict is not None and verdict.physiological is physiological
    assert verdict.points == points


def test_one_round_drop_of_fdg_with_no_other_on_the_ureters_course_is_weighed() -> None:
    unseen = around(-60, 35, 30, BALL, fat=0.5, soft=0.5, ct_hu=12.0, ct_peak_hu=12.0)
    assert urine_drop(focus(20.0), unseen, Place(), LEVELS) is None
    assert urine_drop(focus(20.0), replace(unseen, companions=2), Place(), LEVELS) is not None


@pytest.mark.parametrize(
    ("core_ml", "lateral", "top", "rectum"),
    [(5.0, 5.0, 8.0, True), (0.8, 5.0, 8.0, False), (5.0, 60.0, 8.0, False), (5.0, 5.0, 40.0, False)],
)
def test_fdg_behind_the_bladder_in_the_midline_as_wide_as_bowel_is_rectum(
    core_ml: float, lateral: float, top: float, rectum: bool
) -> None:
    place = around(-210, lateral, -20, BALL, IN_FAT, core_ml=core_ml)
    behind = replace(place, point=np.array([lateral, 60.0, -210.0]))
    assert (rectal_uptake(focus(top), behind, Place(), LEVELS) is not None) == rectum


@pytest.mark.parametrize(("joined", "kidney"), [(0.85, True), (0.1, False)])
def test_a_kidney_that_was_not_found_and_whose_mask_is_bones_runs_on_and_a_rib_lesion_stands_apart(
    joined: float, kidney: bool
) -> None:
    place = Place()
    place.kidney = {"left": place.kidney["left"]}
    rim = around(0, -55, 5, BALL, fat=0.0, soft=0.4, bone=0.6, ct_hu=60.0, ct_peak_hu=50.0, joined=joined)
    assert (kidney_taken_for_bone(focus(6.0, "skeleton"), rim, place) is not None) == kidney


def test_an_intense_uneven_sheet_near_the_heart_is_its_wall_and_a_round_mass_there_is_not() -> None:
    sheet = around(150, 70, 110, IN_LIVER, THREAD, thinness=1.8, core_ml=20.0)
    mass = around(150, 70, 110, IN_LIVER, BALL, core_ml=20.0)
    assert heart_wall(focus(9.0), sheet, Place(heart=40.0)) is not None
    assert heart_wall(focus(9.0), mass, Place(heart=40.0)) is None
    beside_lung = replace(mass, soft=0.5, lung=0.4, joined=0.5)
    assert heart_wall(focus(9.0), beside_lung, Place(heart=40.0)) is None
    assert heart_wall(focus(9.0), replace(beside_lung, joined=0.9, evenness=0.2), Place(heart=40.0)) is not None
    assert heart_wall(focus(9.0), replace(mass, joined=0.5), Place(heart=40.0)) is not None


@pytest.mark.parametrize(("away", "joined", "heart"), [(8.0, 0.85, True), (8.0, 0.3, False), (30.0, 0.85, False)])
def test_what_touches_the_heart_and_runs_on_is_its_wall_wherever_it_lies_and_however_round(
    away: float, joined: float, heart: bool
) -> None:
    base = around(200, 10, 60, BALL, fat=0.1, soft=0.9, ct_hu=40.0, ct_peak_hu=40.0, joined=joined)
    assert (heart_wall(focus(5.0), base, Place(heart=away)) is not None) == heart


@pytest.mark.parametrize(("joined", "heart"), [(0.3, True), (0.0, False)])
def test_an_ovoid_ball_against_the_heart_that_stands_alone_is_a_node(joined: float, heart: bool) -> None:
    seen = around(200, -20, 90, BALL, fat=0.1, soft=0.5, gas=0.3, lung=0.3, ct_hu=10.0, ct_peak_hu=10.0)
    seen = replace(seen, elongation=1.5, joined=joined)
    assert (myocardium(focus(4.3), seen, Place(heart=6.0)) is not None) == heart


@pytest.mark.parametrize(("hu", "heart"), [(-700.0, True), (40.0, False)])
def test_uptake_of_the_heart_over_lung_on_ct_has_been_moved_by_breathing(hu: float, heart: bool) -> None:
    spill = around(150, 10, 110, THREAD, fat=0.1, soft=0.3, gas=0.6, lung=0.6, ct_hu=hu, ct_peak_hu=hu, joined=0.9)
    assert (heart_wall(focus(5.0, background=2.0), spill, Place(heart=35.0)) is not None) == heart


@pytest.mark.parametrize(
    ("top", "background", "facts", "physiological"),
    [(1.9, 0.9, THREAD, True), (1.9, 0.9, BALL, False), (1.9, 0.4, THREAD, False), (3.0, 1.5, THREAD, False)],
)
def test_fdg_little_above_blood_pool_and_no_ball_is_no_lesion(
    top: float, background: float, facts: dict[str, float], physiological: bool
) -> None:
    faint = around(200, 60, 20, facts, IN_LIVER)
    assert (faint_uptake(focus(top, background=background), faint, LEVELS) is not None) == physiological
    in_bone = around(200, 60, 20, facts, fat=0.0, soft=0.2, bone=0.8, ct_hu=250.0, ct_peak_hu=250.0)
    assert faint_uptake(focus(top, "skeleton", background), in_bone, LEVELS) is None


CONTRAST_CT = Densities(liver=90.0, kidney=170.0)


@pytest.mark.parametrize(
    ("hu", "fat", "joined", "loop"),
    [
        (60.0, 0.0, 0.7, True),  # as this patient's bowel, not as the enhanced liver
        (90.0, 0.0, 0.7, False),  # as the liver
        (60.0, 0.0, 0.1, False),  # apart: a cold metastasis on CT
        (90.0, 0.2, 0.7, True),  # fat beside it
    ],
)
def test_fdg_that_runs_on_in_the_rim_of_the_livers_mask_and_is_no_liver_on_ct_is_bowel(
    hu: float, fat: float, joined: float, loop: bool
) -> None:
    seen = around(60, -50, 70, LOOP, IN_LIVER, ct_hu=hu, ct_peak_hu=hu, fat=fat, joined=joined)
    seen = replace(seen, over_bowel_hu=(hu - 57.0, hu - 57.0))
    assert (loop_in_liver_mask(seen, AtTheRim(), LEVELS, CONTRAST_CT) is not None) == loop
    assert loop_in_liver_mask(seen, AtTheRim(), replace(LEVELS, tumour=18.0), CONTRAST_CT) is None


def test_a_focus_in_a_row_of_others_has_fewer_points_than_the_same_by_itself() -> None:
    alone = around(60, 20, 70, BALL, IN_FAT, core_ml=2.0, neighbours=0.0)
    in_a_row = replace(alone, neighbours=4.0)
    spot = focus(5.0)
    assert weigh(spot, in_a_row, 5.0, NEEDED).points < weigh(spot, alone, 5.0, NEEDED).points


def test_neighbours_are_those_whose_uptake_borders() -> None:
    foci = [focus(5.0) for _ in range(3)]
    for number, one in enumerate(foci):
        one.basin = number
    foci[0].contacts, foci[1].contacts, foci[2].contacts = {1: 3.0}, {0: 3.0, 2: 3.0}, {1: 3.0}
    in_liver = focus(5.0, "liver")
    facts = [around(30.0 * n, 20, 70, BALL, IN_FAT) for n in range(4)]
    first, middle, last, inside = compare_with_neighbours([*foci, in_liver], facts)
    assert [first.neighbours, middle.neighbours, last.neighbours] == [1, 2, 1]
    assert np.isnan(inside.neighbours)


@pytest.mark.parametrize(("top", "facts", "marrow"), [(2.0, THREAD, True), (2.0, BALL, False), (5.0, BALL, False)])
def test_faint_fdg_with_a_flat_top_in_bone_is_marrow_and_a_ball_there_is_a_lesion(
    top: float, facts: dict[str, float], marrow: bool
) -> None:
    bone = around(0, 60, 0, facts, fat=0.0, soft=0.2, bone=0.8, ct_hu=250.0, ct_peak_hu=250.0)
    assert (marrow_uptake(focus(top, "skeleton", 0.7), bone, Place(), LEVELS) is not None) == marrow


@pytest.mark.parametrize(("gas", "rim"), [(1.0, True), (0.1, False)])
def test_a_thin_sheet_at_liver_level_deep_in_the_lung_of_the_ct_is_the_dome_of_another_breath(
    gas: float, rim: bool
) -> None:
    grid = Grid((1, 1, 1), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    nothing = np.zeros((1, 1, 1), np.float32)
    work = Working(nothing, nothing, np.zeros((1, 1, 1), np.uint8), grid, (1, 1, 1))
    sheet = {"elongation": 1.4, "thinness": 8.0, "joined": 0.0, "weakest": 0.02, "evenness": 0.25, "core_ml": 6.0}
    seen = around(140, -52, 70, sheet, lung=gas, gas=gas, fat=0.0, soft=1.0 - gas, ct_hu=-800.0, ct_peak_hu=-795.0)
    verdict = liver_rim(focus(5.6, "lung_right"), seen, work, Place(liver=20.0), LEVELS)
    assert (verdict is not None) is rim


@pytest.mark.parametrize(("other_side", "vessel"), [(1.1, True), (1.8, False)])
def test_faint_uptake_at_one_hilum_alone_is_no_vessel(other_side: float, vessel: bool) -> None:
    shape = {"elongation": 1.2, "thinness": 1.3, "joined": 0.0, "weakest": 0.08, "evenness": 0.45, "core_ml": 2.4}
    seen = around(200, -71, 31, shape, lung=0.5, gas=0.5, fat=0.15, soft=0.2, ct_hu=29.0, ct_peak_hu=10.0)
    verdict = blood(focus(2.2), replace(seen, other_side=other_side), Place(), LEVELS)
    assert (verdict is not None) is vessel


def test_a_faint_nodule_in_fat_far_from_the_great_vessels_is_no_vessel() -> None:
    node = around(250, 110, 40, BALL, fat=0.5, soft=0.5, ct_hu=35.0, ct_peak_hu=40.0, weakest=0.07, elongation=1.45)
    assert vascular_blood(focus(2.0), node, Place(), LEVELS) is None
    assert vascular_blood(focus(2.0), replace(node, fat=0.1), Place(), LEVELS) is not None
    assert vascular_blood(focus(2.0), replace(node, lateral=10.0), Place(), LEVELS) is not None


@pytest.mark.parametrize(("hu", "fat"), [(-90.0, True), (-380.0, False)])
def test_what_is_thinner_than_fat_on_ct_is_lung_and_no_brown_fat(hu: float, fat: bool) -> None:
    spot = around(250, 60, 20, BALL, fat=0.0, soft=0.0, ct_hu=hu, ct_peak_hu=hu)
    assert (brown_fat(focus(6.0), spot, Place(), LesionSettings()) is not None) == fat


@pytest.mark.parametrize(
    ("facts", "joined", "organ"), [(THREAD, 0.8, "kidney_right"), (THREAD, 0.0, None), (BALL, 0.8, None)]
)
def test_fdg_in_the_rim_of_the_livers_mask_that_runs_on_unevenly_is_its_neighbour_and_a_metastasis_is_not(
    facts: dict[str, float], joined: float, organ: str | None
) -> None:
    class Rim(Place):
        def near_the_rim(self, name: str, point: object, mm: float) -> bool:
            return True

    spot = around(0, -60, 10, IN_LIVER, facts, core_ml=5.0, joined=joined)
    verdict = neighbour_in_liver_mask(focus(4.0, "liver", 2.0), spot, Rim(), LEVELS)
    assert (verdict.organ if verdict is not None else None) == organ


def test_lung_holds_no_bowel() -> None:
    ovoid = replace(around(-20, 22, 42, BALL, IN_LIVER), weakest=0.06, evenness=0.3, elongation=1.4, joined=0.0)
    assert gut(focus(2.7), replace(ovoid, lung=0.6), Place(), 6.0, LEVELS, NEEDED, glucose=True) is None


@pytest.mark.parametrize(("hu", "top", "urine"), [(10.0, 18.0, True), (45.0, 18.0, False), (10.0, 4.0, False)])
def test_an_intense_fdg_ball_as_thin_as_fluid_in_a_kidneys_mask_is_urine(hu: float, top: float, urine: bool) -> None:
    ball = around(0, 60, 5, BALL, fat=0.1, soft=0.9, ct_hu=hu, ct_peak_hu=hu)
    assert (urine_in_kidney(focus(top, "kidney_left"), ball, LEVELS) is not None) == urine


def test_faint_fdg_that_runs_on_in_the_pelvis_is_marrow_although_its_density_is_not_that_of_bone() -> None:
    soft = {"fat": 0.0, "soft": 0.8, "ct_hu": 90.0, "ct_peak_hu": 90.0}
    marrow = around(-210, -120, 10, soft, THREAD, joined=0.9)
    assert marrow_uptake(focus(2.3), marrow, Place(), LEVELS) is not None
    assert marrow_uptake(focus(4.0), marrow, Place(), LEVELS) is None
    assert marrow_uptake(focus(2.3), replace(marrow, joined=0.1), Place(), LEVELS) is None


@pytest.mark.parametrize(
    ("background", "facts", "liver"),
    [
        (6.0, {}, True),
        (6.0, {"fat": 0.2, "soft": 0.8}, False),  # a node in the ligament, or bowel
        (6.0, {"gas": 0.1, "soft": 0.9}, False),
        (2.0, {}, False),  # stomach wall: liver is hotter
    ],
)
def test_a_metastasis_in_a_left_lobe_that_the_outline_left_out_is_one_of_the_liver(
    background: float, facts: Mapping[str, float], liver: bool
) -> None:
    one = focus(21.0, "body", background=background)
    seen = around(60.0, 30.0, 90.0, BALL, IN_LIVER, **facts)
    belongs_to_liver(one, seen, Place(liver=28.0), LEVELS, DOTATATE)
    assert one.in_liver is liver
    assert (site_of(one, seen, Place(liver=28.0), ()).name == "liver") is liver


def test_a_focus_far_below_the_dome_and_before_the_spine_is_not_mediastinal() -> None:
    behind_the_lungs_base = Place(liver=60.0)
    behind_the_lungs_base.lung_base = 10.0
    belly = around(50.0, 30.0, 90.0, BALL, IN_FAT)
    assert site_of(focus(9.0), belly, behind_the_lungs_base, ()).name == "node mesenteric"
    chest = around(200.0, 30.0, 90.0, BALL, IN_FAT)
    assert site_of(focus(9.0), chest, behind_the_lungs_base, ()).name == "node mediastinal"
