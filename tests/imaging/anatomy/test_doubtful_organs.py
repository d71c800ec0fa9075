"""What an organ's neighbours and surroundings say: verdicts on spleen, aorta and side that once misled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import trunks
from builders.trunks import places
from lutetia.imaging.anatomy import LABELS, Anatomy
from lutetia.imaging.anatomy import door as door_module
from lutetia.imaging.anatomy.aorta import without_myocardium
from lutetia.imaging.anatomy.kidneys import Kidney
from lutetia.imaging.anatomy.liver import enclosed_liver, one_organ_on_the_left
from lutetia.imaging.anatomy.region import Trunk
from lutetia.imaging.anatomy.second_opinion import weighed
from lutetia.imaging.anatomy.spleen import Spleen, with_usual_uptake
from lutetia.imaging.anatomy.verdicts import heart_doubts, judge_spleen
from lutetia.model import Grid, OrganRecord, Tracer, Volume

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
FDG = Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="18F")
SHAPE = (40, 40, 60)


def trunk(*, lungs: bool = True) -> Trunk:
    """An empty upper abdomen, 3 mm: x to the left, the vertebral front in the middle, the dome at the top."""
    even, cold = np.full(SHAPE, 40.0, np.float32), np.full(SHAPE, 0.5, np.float32)
    where = places(SHAPE, dome_mm=120.0, front_mm=60.0, middle_mm=90.0)
    return trunks.trunk(even, cold, where, lung_slices=3 if lungs else 0, far_mm=50.0)


def liver_of(part: Trunk, suv: float):
    from lutetia.imaging.anatomy.liver import Liver

    mask = np.zeros(SHAPE, bool)
    mask[5:35, 5:35, 2:20] = True
    return Liver(mask, mask, "right", 55.0, suv, {"volume_ml": float(mask.sum() * 0.027), "side_score_ratio": 0.1})


def spleen_of(rows: slice, **changes: float) -> Spleen:
    mask = np.zeros(SHAPE, bool)
    mask[rows, 20:32, 42:54] = True
    evidence = {
        "volume_ml": 120.0,
        "half_thickness_mm": 15.0,
        "lung_contact": 0.3,
        "rib_contact": 0.5,
        "hu": 48.0,
        "hu_spread": 6.0,
        "forward_mm": -25.0,
        "suv": 20.0,
        "suv_cov": 0.05,
        "to_liver": 3.0,
    }
    return Spleen(mask, 5.0, {**evidence, **changes})


def kidneys_of(suv: float, lateral_mm: float) -> dict[str, Kidney]:
    """A pair of sure kidneys, alike in uptake and in distance from the midline."""
    evidence = {"suv_median": suv, "lateral_mm": lateral_mm}
    return {side: Kidney(np.zeros(SHAPE, bool), 6.0, evidence) for side in ("left", "right")}


def test_a_cold_fdg_spleen_that_fits_in_every_other_way_is_believed() -> None:
    part = trunk()
    verdict = judge_spleen(part, liver_of(part, 2.7), spleen_of(slice(10, 25), to_liver=0.46, suv=1.25), {}, FDG)
    assert verdict.status == "ok"


def test_a_piece_behind_the_vertebral_canal_is_muscle_and_no_spleen() -> None:
    part = trunk()
    muscle = spleen_of(slice(10, 25), to_liver=0.74, suv=0.76, forward_mm=-80.0, volume_ml=40.0)
    verdict = judge_spleen(part, liver_of(part, 1.0), muscle, {}, FDG)
    assert not verdict.keep
    assert verdict.status != "ok"


def test_a_spleen_that_reaches_behind_the_vertebral_canal_is_no_muscle_for_it_takes_up_far_more() -> None:
    part = trunk()
    behind = spleen_of(slice(10, 25), to_liver=2.5, to_muscle=23.0, forward_mm=-62.0)
    verdict = judge_spleen(part, liver_of(part, 6.2), behind, {}, DOTATATE)
    assert verdict.keep
    assert verdict.status == "ok"


@pytest.mark.parametrize(("beside_mm", "status"), [(40.0, "ok"), (5.0, "outside_field")])
def test_what_the_field_leaves_of_a_spleen_is_believed_where_it_lies_beside_its_own_kidney(
    beside_mm: float, status: str
) -> None:
    """An image that begins below the lungs and ribs: what lies before or above the kidney may be its upper pole."""
    part = trunk(lungs=False)
    kidneys = kidneys_of(suv=14.0, lateral_mm=56.0)
    lower_half = spleen_of(
        slice(25, 40), lung_contact=0.0, rib_contact=0.0, volume_ml=58.0, to_liver=4.0, lateral_mm=56.0 + beside_mm
    )
    verdict = judge_spleen(part, liver_of(part, 5.0), lower_half, kidneys, DOTATATE)
    assert verdict.status == status if status == "ok" else verdict.status in ("caution", "outside_field")


@pytest.mark.parametrize(
    ("changes", "believed"),
    [({}, True), ({"rib_contact": 0.02}, False), ({"suv_cov": 0.15}, False), ({"lateral_mm": 60.0}, False)],
)
def test_an_fdg_spleen_that_no_lung_touches_is_believed_by_its_ribs_its_kidney_and_its_evenness(
    changes: dict[str, float], believed: bool
) -> None:
    """A high diaphragm or a large liver keeps the lung away; stomach keeps off the ribs and is less even."""
    part = trunk()
    kidneys = kidneys_of(suv=2.1, lateral_mm=69.0)
    piece = {"lung_contact": 0.02, "rib_contact": 0.37, "volume_ml": 100.0, "suv": 2.1, "to_liver": 0.88}
    piece |= {"to_muscle": 2.0, "lateral_mm": 94.0}
    verdict = judge_spleen(part, liver_of(part, 2.4), spleen_of(slice(10, 25), **{**piece, **changes}), kidneys, FDG)
    assert (verdict.status == "ok") is believed


@pytest.mark.parametrize(("beside_mm", "valued"), [(30.0, True), (4.0, False)])
def test_a_hot_even_spleen_that_stomach_keeps_off_lung_and_ribs_is_valued_with_a_caution(
    beside_mm: float, valued: bool
) -> None:
    part = trunk()
    kidneys = kidneys_of(suv=17.0, lateral_mm=64.0)
    spleen = spleen_of(
        slice(10, 25), lung_contact=0.03, rib_contact=0.04, volume_ml=113.0, to_liver=1.63, lateral_mm=64.0 + beside_mm
    )
    verdict = judge_spleen(part, liver_of(part, 8.9), spleen, kidneys, DOTATATE)
    assert verdict.keep is valued
    assert verdict.status != "ok"


@pytest.mark.parametrize(("beside_mm", "valued"), [(30.0, True), (4.0, False)])
def test_the_lower_tip_of_a_spleen_that_an_oblique_field_cuts_is_valued_with_a_caution(
    beside_mm: float, valued: bool
) -> None:
    part = trunk(lungs=False)
    kidneys = kidneys_of(suv=17.0, lateral_mm=48.0)
    tip = spleen_of(
        slice(25, 36), lung_contact=0.0, rib_contact=0.0, volume_ml=18.0, to_liver=4.8, lateral_mm=48.0 + beside_mm
    )
    verdict = judge_spleen(part, liver_of(part, 4.1), tip, kidneys, DOTATATE)
    assert verdict.keep is valued
    assert verdict.status == ("caution" if valued else "outside_field")
    assert ("cut by the edge" in " ".join(verdict.concerns)) is valued


def test_a_small_piece_under_the_lung_stays_in_doubt_on_fdg_up_to_a_larger_size() -> None:
    part = trunk()
    for volume, certain_on_sstr in ((9.5, False), (20.0, True)):
        piece = {"volume_ml": volume, "half_thickness_mm": 9.0}
        sstr = judge_spleen(part, liver_of(part, 6.0), spleen_of(slice(10, 25), to_liver=3.9, **piece), {}, DOTATATE)
        fdg = judge_spleen(part, liver_of(part, 2.4), spleen_of(slice(10, 25), to_liver=0.8, **piece), {}, FDG)
        assert (sstr.status == "ok") is certain_on_sstr
        assert fdg.reasons == (f"it is small ({volume:.0f} mL)",)


def test_bowel_wall_hotter_than_the_liver_does_not_stand_in_for_a_removed_spleen() -> None:
    part = trunk()
    assert part.pet_smooth is not None
    part.pet_smooth[12:30, 26:28, 42:56] = 4.5  # 6 mm thick, 13 mL
    assert judge_spleen(part, liver_of(part, 3.3), None, {}, DOTATATE).status == "absent"
    part.pet_smooth[12:30, 24:30, 44:50] = 4.5  # a lens of 18 mm
    assert judge_spleen(part, liver_of(part, 3.3), None, {}, DOTATATE).status == "caution"


def test_in_a_field_that_ends_below_the_lungs_one_doubt_means_the_spleen_may_lie_above() -> None:
    part = trunk(lungs=False)
    doubtful = spleen_of(slice(25, 40), to_liver=1.08, lung_contact=0.0, volume_ml=35.0)
    verdict = judge_spleen(part, liver_of(part, 6.0), doubtful, {}, DOTATATE)
    assert verdict.status == "outside_field"
    assert not verdict.keep
    assert "not wholly in the field" in verdict.reasons[0]


def test_myocardium_is_not_taken_for_blood_after_contrast() -> None:
    assert without_myocardium([163.0, 111.0]) == [163.0]
    assert without_myocardium([111.0, 163.0]) == [163.0]
    assert without_myocardium([310.0, 170.0]) == [310.0, 170.0]  # right and left heart in an early phase
    assert without_myocardium([42.0, 30.0]) == [42.0, 30.0]  # no contrast: nothing to tell apart


def test_liver_enclosed_by_tumour_comes_back_and_a_stomach_beside_it_does_not() -> None:
    part = trunk()
    assert part.pet_smooth is not None
    z, y, x = np.indices(SHAPE)
    whole = (x < 22) & (y > 3) & (y < 36) & (z > 3) & (z < 36)
    strand = whole & (x > 9) & (x < 14) & (y > 8) & (y < 32)
    stomach = (x >= 22) & (x < 30) & (y > 3) & (y < 36) & (z > 3) & (z < 36)
    part.ct_smooth[whole | stomach] = 55.0
    part.pet_smooth[whole], part.pet_smooth[strand], part.pet_smooth[stomach] = 8.0, 3.9, 3.9
    found = enclosed_liver(whole & ~strand, part, part.soft, 55.0, 8.0)
    assert (found & strand).sum() > 0.9 * strand.sum()
    assert not (found & stomach).any()
    part.ct_smooth[strand] = 10.0  # bile
    assert not (enclosed_liver(whole & ~strand, part, part.soft, 55.0, 8.0) & strand).any()


def anatomy(side: str, *, ratio: float = 4.0, spleen_ml: float = 200.0, status: str = "ok") -> Anatomy:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0], labels[1] = LABELS["liver"], LABELS["spleen"]
    organs = tuple(
        OrganRecord(name=n, label=LABELS[n], source="drawn", status=s, volume_ml=v)
        for n, s, v in (("liver", "ok", 1500.0), ("spleen", status, spleen_ml))
    )
    grid = Grid((4, 4, 4), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    return Anatomy(
        Volume(labels, grid, "label"), organs, "drawn", liver_side=side, evidence={"spleen": {"to_liver": ratio}}
    )


@pytest.mark.parametrize(
    ("found", "plain"),
    [
        (anatomy("left"), True),
        (anatomy("left", ratio=1.0), False),
        (anatomy("left", spleen_ml=1300.0), False),
        (anatomy("left", status="caution"), False),
    ],
)
def test_a_far_hotter_smaller_organ_opposite_settles_a_mirrored_liver(found: Anatomy, plain: bool) -> None:
    assert door_module.plainly_mirrored(found, DOTATATE) is plain
    assert not door_module.plainly_mirrored(found, FDG)


def test_a_disputed_side_is_written_beside_the_concern() -> None:
    ours, witness = anatomy("left"), anatomy("right")
    suv = Volume(np.ones((4, 4, 4), np.float32), ours.labels.grid, "SUVbw")
    judged = weighed(suv, ours, replace(witness, concerns={"spleen": ("without CT",)}))
    assert judged.evidence["liver"]["side_disputed"] == 1.0
    assert judged.concerns["liver"]


@pytest.mark.parametrize(("uptake", "status"), [(9.0, "caution"), (0.7, "absent")])
def test_absent_is_not_said_of_a_spleen_that_is_colder_than_a_liver_full_of_tumour(uptake: float, status: str) -> None:
    part = trunk()
    assert part.pet_smooth is not None
    part.pet_smooth[10:30, 22:34, 42:56] = uptake
    verdict = judge_spleen(part, liver_of(part, 15.0), None, {}, DOTATATE)
    assert verdict.status == status


@pytest.mark.parametrize(("left_uptake", "ribs", "kept"), [(15.0, 0.3, True), (6.6, 0.3, False), (15.0, 0.03, False)])
def test_most_of_a_kidney_is_not_called_spleen_where_the_rest_passes_for_the_kidney(
    left_uptake: float, ribs: float, kept: bool
) -> None:
    part = trunk()
    rest = np.zeros(SHAPE, bool)
    kidneys = {
        "left": Kidney(rest, 6.0, {"suv_median": left_uptake}),
        "right": Kidney(rest, 8.0, {"suv_median": 15.0}),
    }
    away_from_lung = spleen_of(slice(10, 25), lung_contact=0.0, rib_contact=ribs, hu=33.0, to_liver=5.0)
    verdict = judge_spleen(part, liver_of(part, 4.5), away_from_lung, kidneys, DOTATATE)
    assert verdict.keep is kept


def test_a_small_even_spleen_far_hotter_than_the_liver_needs_no_lung_above_it() -> None:
    part = trunk()
    kidneys = {
        s: Kidney(np.zeros(SHAPE, bool), 8.0, {"suv_median": uptake}) for s, uptake in (("left", 16.0), ("right", 15.0))
    }
    found = spleen_of(slice(10, 25), lung_contact=0.0, rib_contact=0.6, volume_ml=30.0, to_liver=3.9)
    verdict = judge_spleen(part, liver_of(part, 7.0), found, kidneys, DOTATATE)
    assert verdict.keep
    assert verdict.status == "ok"


def test_a_thin_fdg_spleen_is_uneven_from_partial_volume_and_only_small() -> None:
    part = trunk()
    thin = spleen_of(slice(10, 25), volume_ml=22.0, half_thickness_mm=7.0, suv_cov=0.2, to_liver=0.7, to_muscle=2.6)
    verdict = judge_spleen(part, liver_of(part, 2.4), thin, {}, FDG)
    assert verdict.keep
    assert verdict.reasons == ("it is small (22 mL)",)


def test_what_takes_up_as_little_as_muscle_or_has_several_densities_is_no_small_spleen() -> None:
    part = trunk()
    for change in ({"to_muscle": 1.2}, {"hu_spread": 15.0}):
        doubtful = spleen_of(slice(10, 25), volume_ml=20.0, half_thickness_mm=7.0, to_liver=0.6, **change)
        assert not judge_spleen(part, liver_of(part, 1.6), doubtful, {}, FDG).keep


def test_absent_is_not_said_of_an_fdg_bed_with_a_lens_of_seventeen_millilitres() -> None:
    part = trunk()
    empty = judge_spleen(part, liver_of(part, 1.7), None, {}, FDG)
    assert empty.status == "absent"
    assert part.pet_smooth is not None
    z, y, x = np.indices(SHAPE)
    lens = ((z - 30) / 8.0) ** 2 + ((y - 26) / 7.0) ** 2 + ((x - 48) / 2.7) ** 2 <= 1
    part.pet_smooth[lens] = 1.7
    seen = judge_spleen(part, liver_of(part, 1.7), None, {}, FDG)
    assert seen.status == "caution"
    assert "belong to no other organ" in seen.reasons[0]


def test_a_liver_full_of_metastases_is_no_yardstick_for_the_spleen() -> None:
    part = replace(trunk(), forward_mm=trunk().forward_mm - 30.0)
    assert part.pet_smooth is not None
    part.pet_smooth[part.forward_mm < -60] = 0.6  # the muscles of the back
    fdg = with_usual_uptake(part, liver_of(part, 8.0), sstr=False)
    sstr = with_usual_uptake(part, liver_of(part, 6.0), sstr=True)
    assert fdg.suv < 3.0
    assert sstr.suv == pytest.approx(6.0, rel=0.2)


@pytest.mark.parametrize(("ribs", "status"), [(0.0, "outside_field"), (0.2, "ok")])
def test_where_no_lung_is_in_the_field_what_touches_no_rib_is_the_upper_pole_of_a_kidney(
    ribs: float, status: str
) -> None:
    """An image that begins below the lungs, a spleen removed: the pole is even, hot, and as dense as a spleen."""
    part = trunk(lungs=False)
    kidneys = {s: Kidney(np.zeros(SHAPE, bool), 6.0, {"suv_median": 14.0}) for s in ("left", "right")}
    pole = spleen_of(slice(10, 25), lung_contact=0.0, rib_contact=ribs, volume_ml=60.0, to_liver=3.8)
    assert judge_spleen(part, liver_of(part, 5.0), pole, kidneys, DOTATATE).status == status


@pytest.mark.parametrize(("ml", "doubted"), [(900, False), (2300, True)])
def test_a_heart_of_more_than_a_litre_and_a_half_holds_something_else(ml: int, doubted: bool) -> None:
    mask = np.zeros(100 * 1000, bool)
    mask[: round(ml / 0.027)] = True
    assert bool(heart_doubts(mask)) is doubted


@pytest.mark.parametrize(("liver_suv", "status"), [(1.6, "absent"), (4.0, "absent"), (6.7, "caution")])
def test_beside_an_fdg_liver_of_tumour_a_spleen_not_seen_is_not_said_to_be_absent(
    liver_suv: float, status: str
) -> None:
    """What a spleen takes up is told by the liver; metastases are no yardstick for it."""
    part = trunk()
    assert judge_spleen(part, liver_of(part, liver_suv), None, {}, FDG).status == status


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ok"),
        ({"suv_cov": 0.16}, "caution"),
        ({"suv_cov": 0.16, "lung_contact": 0.06, "rib_contact": 0.02}, "no value"),
    ],
)
def test_bowel_stomach_and_pancreas_in_one_piece_are_no_fdg_spleen(changes: dict[str, float], status: str) -> None:
    """They lie before the spleen, take up as much, and only evenness and place tell them apart."""
    part = trunk()
    piece = spleen_of(slice(10, 25), **{"to_liver": 0.8, "suv": 1.7, "to_muscle": 3.2, "volume_ml": 320.0, **changes})
    verdict = judge_spleen(part, liver_of(part, 2.1), piece, {}, FDG)
    assert (verdict.status if verdict.keep else "no value") == status


@pytest.mark.parametrize(("hot", "status"), [(True, "caution"), (False, "absent")])
def test_what_is_as_hot_as_a_spleen_beyond_the_ribs_line_forbids_to_call_it_absent(hot: bool, status: str) -> None:
    """In a rotated body the heads of ribs hid a spleen of 40 mL behind them, and it was said to be absent."""
    part = trunk()
    pet = part.pet_smooth.copy()
    if hot:
        pet[10:25, 20:32, 42:54] = 20.0
    part = replace(part, cage_mm=np.full(SHAPE, -40.0, np.float32), pet_smooth=pet)
    assert judge_spleen(part, liver_of(part, 5.0), None, {}, DOTATATE).status == status


@pytest.mark.parametrize(
    ("left", "right", "mirrored"),
    [
        ((6.0, 6.0), (1.2, 25.0), True),  # a liver; stomach and spleen
        ((25.0, 25.0), (5.0, 30.0), False),  # a spleen; a liver with metastases
        ((6.0, 1.2), (1.2, 25.0), False),  # stomach and bowel, uneven
        ((6.0, 6.0), (5.5, 6.5), False),  # two livers do not exist: what lies on the right is one organ
    ],
)
def test_sstr_uptake_tells_a_liver_on_the_left_that_is_hardly_thicker_than_what_lies_on_the_right(
    left: tuple[float, float], right: tuple[float, float], mirrored: bool
) -> None:
    part = trunk()
    pet, sides = part.pet_smooth.copy(), {}
    for side, x, (lower, upper) in (("left", 45, left), ("right", 5, right)):
        mask = np.zeros(SHAPE, bool)
        mask[10:30, 10:30, x : x + 10] = True
        pet[10:20, 10:30, x : x + 10], pet[20:30, 10:30, x : x + 10] = lower, upper
        sides[side] = mask
    part = replace(part, pet_smooth=pet)
    assert one_organ_on_the_left(part, sides["left"], sides["right"]) is mirrored
