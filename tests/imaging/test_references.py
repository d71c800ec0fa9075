"""References on drawn organs: estimates, noise, small spaces, user regions, plausibility and the tumour question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import LABELS, Anatomy, VesselTrack
from lutetia.imaging.references import References, ReferenceSettings, UserReference, measure_references
from lutetia.imaging.references.blood_pool import core_radius, trimmed_mean
from lutetia.imaging.references.certainty import noise_doubt
from lutetia.imaging.references.checks import implausible
from lutetia.imaging.references.region import centroid_inside, crop_organ
from lutetia.imaging.references.solid_organ import core_of
from lutetia.imaging.references.spleen import blurred
from lutetia.model import Grid, OrganRecord, Tracer, VoiMeasure, Volume

DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
FDG = Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="18F")
LU177 = Tracer(
    key="lu177-dotatate", name="177Lu-DOTATATE", binds="sstr_agonist", radionuclide="177Lu", modality="SPECT"
)
GRID = Grid((50, 40, 70), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
Mask = npt.NDArray[np.bool_]


def ball(centre: tuple[float, float, float], radius_mm: float) -> Mask:
    z, y, x = np.indices(GRID.shape) * 3.0
    inside: Mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius_mm**2
    return inside


LIVER = ball((50, 60, 75), 45)
SPLEEN = ball((150, 60, 75), 24)
AORTA_X, AORTA_Y = 110.0, 60.0


def record(name: str, status: str = "ok", reasons: tuple[str, ...] = ()) -> OrganRecord:
    return OrganRecord(name=name, label=LABELS[name], source="drawn", status=status, reasons=reasons)


def drawn(spleen: Mask = SPLEEN, **statuses: str) -> Anatomy:
    labels = np.ones(GRID.shape, np.uint8)
    labels[LIVER], labels[spleen] = LABELS["liver"], LABELS["spleen"]
    z = np.arange(130.0, 15.0, -3.0)
    track = VesselTrack(
        np.stack([np.full_like(z, AORTA_X), np.full_like(z, AORTA_Y), z], axis=1), np.full_like(z, 11.0)
    )
    organs = tuple(record(n, statuses.get(n, "ok"), ("as drawn",)) for n in ("liver", "spleen", "aorta"))
    return Anatomy(Volume(labels, GRID, "label"), organs, "drawn", aorta=track, liver_side="right")


def drawn_with(evidence: dict[str, float], *, side: str = "right", concerns: tuple[str, ...] = ()) -> Anatomy:
    """The drawn organs with what the search wrote of the liver."""
    found = drawn()
    return Anatomy(
        found.labels,
        found.organs,
        "drawn",
        aorta=found.aorta,
        liver_side=side,
        evidence={"liver": evidence},
        concerns={"liver": concerns} if concerns else {},
    )


def uptake(
    liver: float = 6.0, spleen: float = 20.0, blood: float = 1.4, *, noise: float = 0.04, lesion: Mask | None = None
) -> Volume:
    _z, y, x = np.indices(GRID.shape) * 3.0
    suv = np.full(GRID.shape, 0.6, np.float32)
    suv[LIVER], suv[SPLEEN] = liver, spleen
    suv[(x - AORTA_X) ** 2 + (y - AORTA_Y) ** 2 <= 11.0**2] = blood
    if lesion is not None:
        suv[lesion & LIVER] = 5 * liver
    suv = ndi.gaussian_filter(suv, 0.75)
    grain = ndi.gaussian_filter(np.random.default_rng(2).standard_normal(GRID.shape), 0.8)
    suv = suv * (1 + noise * grain / grain.std())
    return Volume(np.maximum(suv, 0).astype(np.float32), GRID, "SUVbw")


def measured(suv: Volume | None = None, anatomy: Anatomy | None = None, **how: object) -> References:
    return measure_references(suv or uptake(), anatomy or drawn(), DOTATATE, **how)  # type: ignore[arg-type]


def test_both_estimates_stand_beside_the_reported_value() -> None:
    references = measured().by_name
    for name, truth in (("liver", 6.0), ("spleen", 20.0), ("blood_pool", 1.4)):
        reference = references[name]
        assert reference.status == "ok", reference.reasons
        assert reference.whole_organ is not None
        assert reference.classical is not None
        assert reference.suv_mean == reference.whole_organ.suv_mean == pytest.approx(truth, rel=0.05)
        assert reference.classical.suv_mean == pytest.approx(truth, rel=0.10)
    assert references["liver"].classical.method.startswith("3 cm sphere")  # type: ignore[union-attr]
    assert references["spleen"].classical.method.startswith("2 cm sphere")  # type: ignore[union-attr]
    assert references["blood_pool"].classical.method.startswith("1 × 2 cm cylinder")  # type: ignore[union-attr]


def test_the_convention_chooses_which_estimate_is_reported() -> None:
    settings = ReferenceSettings(estimate="classical")
    liver = measured(settings=settings).by_name["liver"]
    assert liver.classical is not None
    assert liver.suv_mean == liver.classical.suv_mean
    assert settings.convention().chosen == "classical"


def test_the_volumes_of_the_classical_regions_are_those_of_their_definition() -> None:
    references = measured().by_name
    assert references["liver"].classical.volume_ml == pytest.approx(14.1, rel=0.08)  # type: ignore[union-attr]
    assert references["spleen"].classical.volume_ml == pytest.approx(4.19, rel=0.15)  # type: ignore[union-attr]
    assert references["blood_pool"].classical.volume_ml == pytest.approx(1.57, rel=0.5)  # type: ignore[union-attr]


def test_more_noise_gives_a_larger_standard_error() -> None:
    quiet, loud = measured(uptake(noise=0.03)).by_name, measured(uptake(noise=0.12)).by_name
    for name in quiet:
        assert loud[name].standard_error > 2 * quiet[name].standard_error  # type: ignore[operator]


def test_between_metastases_the_largest_sphere_that_fits_is_used_and_named() -> None:
    z, y, x = np.indices(GRID.shape) * 3.0
    lattice = ((x % 36 - 18) ** 2 + (y % 36 - 18) ** 2 + (z % 36 - 18) ** 2) <= 11.0**2
    references = measured(uptake(lesion=lattice)).by_name
    liver = references["liver"]
    assert any("no 3 cm sphere fits" in r for r in liver.reasons)
    assert liver.classical is not None
    assert 0.5 < liver.classical.volume_ml < 13


def test_a_lesion_mask_is_left_out_of_the_whole_organ() -> None:
    lesion = ball((50, 60, 75), 20)
    with_mask = measured(uptake(lesion=lesion), lesion_mask=lesion).by_name["liver"]
    assert with_mask.suv_mean == pytest.approx(6.0, rel=0.05)
    assert with_mask.suv_max < 15  # type: ignore[operator]


def test_a_reference_given_by_hand_replaces_ours() -> None:
    sphere = UserReference(centre_mm=(150.0, 60.0, 75.0), radius_mm=8.0)
    mask = UserReference(mask=ball((50, 60, 75), 12))
    references = measured(user={"spleen": sphere, "liver": mask}).by_name
    assert references["spleen"].status == references["liver"].status == "user"
    assert references["spleen"].suv_mean == pytest.approx(20.0, rel=0.05)
    assert "16 mm" in references["spleen"].method
    assert references["liver"].suv_mean == pytest.approx(6.0, rel=0.05)


def test_a_hand_placed_region_outside_the_image_says_so() -> None:
    nowhere = UserReference(centre_mm=(5000.0, 0.0, 0.0), radius_mm=5.0)
    spleen = measured(user={"spleen": nowhere}).by_name["spleen"]
    assert spleen.suv_mean is None
    assert "no voxel" in " ".join(spleen.reasons)


def test_absent_and_outside_are_handed_on_without_a_value() -> None:
    anatomy = drawn(spleen=np.zeros(GRID.shape, bool))
    anatomy = Anatomy(
        anatomy.labels,
        (record("liver"), record("spleen", "absent", ("confirm splenectomy",)), record("aorta")),
        "drawn",
    )
    references = measured(anatomy=anatomy).by_name
    assert references["spleen"].status == "absent"
    assert references["spleen"].suv_mean is None
    assert references["blood_pool"].status == "caution"
    assert references["blood_pool"].suv_mean is None


def test_a_spleen_at_the_level_of_the_liver_is_a_caution() -> None:
    references = measured(uptake(spleen=6.0))
    assert references.by_name["spleen"].status == "caution"
    assert "order" in " ".join(references.by_name["spleen"].reasons)
    assert any(i.code == "reference-caution" for i in references.issues)


def test_spect_blood_pool_is_at_best_a_caution() -> None:
    references = measure_references(uptake(), drawn(), LU177).by_name
    assert references["blood_pool"].status == "caution"
    assert references["blood_pool"].suv_mean is not None
    assert references["liver"].status == "ok"


def disagreement(references: References) -> tuple[float, bool]:
    """By how much the liver's two estimates differ, and whether that is an issue."""
    liver = references.by_name["liver"]
    assert liver.classical is not None and liver.whole_organ is not None
    gap = abs(liver.classical.suv_mean / liver.whole_organ.suv_mean - 1)
    return gap, any(i.code == "reference-estimates-disagree" and i.where == "liver" for i in references.issues)


def test_estimates_that_disagree_raise_an_issue_and_neither_is_trusted() -> None:
    half = ball((26, 60, 75), 35)
    suv = uptake()
    suv.array[half & LIVER] *= np.float32(1.3)
    apart = measured(suv)
    gap, said = disagreement(apart)
    assert gap > 0.10 and said
    assert apart.by_name["liver"].status == "caution"
    assert any("the classical region gives" in reason for reason in apart.by_name["liver"].reasons)
    gap, said = disagreement(measured())
    assert gap < 0.05 and not said


def test_a_liver_of_tumour_with_some_liver_left_is_flagged() -> None:
    field = ndi.gaussian_filter(np.random.default_rng(4).standard_normal(GRID.shape), 3.0)
    tumour = field > np.quantile(field, 0.25)
    liver = measured(uptake(lesion=tumour)).by_name["liver"]
    assert liver.status == "caution"
    assert liver.suspected == ("tumour",)


def test_the_colder_denser_part_of_a_liver_full_of_tumour_is_named() -> None:
    field = ndi.gaussian_filter(np.random.default_rng(4).standard_normal(GRID.shape), 4.0)
    tumour = field > np.quantile(field, 0.45)
    hu = np.full(GRID.shape, 60, np.int16)
    hu[tumour] = 35
    liver = measured(uptake(lesion=tumour), ct=Volume(hu, GRID, "HU")).by_name["liver"]
    assert liver.status == "caution" or liver.suv_mean == pytest.approx(6.0, rel=0.15)


def test_a_blood_pool_is_blamed_only_where_it_or_the_liver_is_unsure() -> None:
    values = {"liver": 6.0, "spleen": 5.0, "blood_pool": 1.4}
    both = implausible(DOTATATE, values, {"liver": True, "spleen": True, "blood_pool": True})
    one = implausible(DOTATATE, values, {"liver": False, "spleen": True, "blood_pool": True})
    assert both["liver"]
    assert both["spleen"]
    assert one["liver"]
    assert not one["spleen"]
    assert not one["blood_pool"]


def test_a_cold_fdg_liver_is_blamed_alone_where_the_blood_pool_is_sure_and_usual() -> None:
    sure = {"liver": True, "spleen": True, "blood_pool": True}
    cold = implausible(FDG, {"liver": 1.1, "spleen": None, "blood_pool": 1.9}, sure)
    assert (len(cold["liver"]), cold["blood_pool"]) == (1, [])
    hot = implausible(FDG, {"liver": 2.2, "spleen": None, "blood_pool": 3.9}, sure)
    assert len(hot["blood_pool"]) == 2  # above its range, and above the liver
    unsure = implausible(FDG, {"liver": 1.1, "spleen": None, "blood_pool": 1.9}, {**sure, "blood_pool": False})
    assert (unsure["liver"], len(unsure["blood_pool"])) == ([], 1)


def test_the_centroid_of_a_hollow_region_is_moved_into_it() -> None:
    shell = ball((60, 60, 75), 30) & ~ball((60, 60, 75), 20)
    crop = crop_organ(uptake().array, GRID, shell)
    assert crop is not None
    index = np.rint(GRID.to_index(centroid_inside(crop, crop.mask))).astype(int)
    assert shell[tuple(index)]


def test_one_hot_neighbour_does_not_move_the_blood_pool() -> None:
    suv = uptake()
    suv.array[ball((AORTA_X, AORTA_Y - 6, 60), 9)] = 25.0
    blood = measured(suv).by_name["blood_pool"]
    assert blood.suv_mean == pytest.approx(1.4, rel=0.10)


def test_the_core_of_a_thin_vessel_is_at_least_four_millimetres() -> None:
    radius = core_radius(np.array([5.0, 8.0, 12.0]))
    assert radius.tolist() == pytest.approx([4.0, 4.5, 8.4])


def test_a_trimmed_mean_leaves_out_a_quarter_on_each_side() -> None:
    assert trimmed_mean(np.array([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -50.0])) == pytest.approx(3.5)


def test_every_value_comes_with_the_voxels_it_was_measured_in() -> None:
    suv = uptake()
    references = measured(suv)
    assert set(references.regions) == {
        f"{name}{kind}" for name in ("liver", "spleen", "blood_pool") for kind in ("", ":classical")
    }
    for key, region in references.regions.items():
        name, _, kind = key.partition(":")
        record = references.by_name[name]
        measure = record.classical if kind else record.whole_organ
        assert measure is not None
        box = tuple(slice(s, s + n) for s, n in zip(region.start, region.mask.shape, strict=True))
        values = suv.array[box][region.mask]
        assert region.mask.sum() * GRID.voxel_ml == pytest.approx(measure.volume_ml, abs=1e-3)
        assert values.max() == pytest.approx(measure.suv_max)
        assert values.mean() == pytest.approx(measure.suv_mean, rel=0.03)


def test_a_blood_pool_that_noise_leaves_uncertain_by_more_than_a_tenth_is_a_caution() -> None:
    quiet, noisy = (measured(uptake(noise=noise)).by_name["blood_pool"] for noise in (0.04, 3.0))
    assert quiet.status == "ok"
    assert noisy.suv_mean is not None and noisy.standard_error is not None
    assert 1.96 * noisy.standard_error / noisy.suv_mean > 0.10
    assert noisy.status == "caution"
    assert any("noise" in reason for reason in noisy.reasons)


@pytest.mark.parametrize(("error", "doubted"), [(0.3, False), (0.7, True)])
def test_a_spleen_of_sixteen_is_sure_within_seven_percent_only_where_its_error_is_small(
    error: float, doubted: bool
) -> None:
    measure = VoiMeasure(
        method="median",
        suv_mean=16.0,
        suv_sd=2.0,
        suv_max=20.0,
        standard_error=error,
        volume_ml=8.0,
        centroid_mm=(0, 0, 0),
    )
    assert (noise_doubt(measure, 0.07) is not None) is doubted


@pytest.mark.parametrize("tracer", [DOTATATE, FDG])
def test_a_track_that_runs_through_the_liver_gives_no_blood_pool_however_usual_its_uptake(tracer: Tracer) -> None:
    found = drawn()
    assert found.aorta is not None
    z = np.arange(110.0, 40.0, -3.0)
    centres = np.stack([np.full_like(z, 50.0), np.full_like(z, 60.0), z], axis=1)
    through = replace(found, aorta=VesselTrack(centres, np.full_like(z, 11.0)))
    pool = measure_references(uptake(liver=1.8, spleen=2.2, blood=1.8), through, tracer).by_name["blood_pool"]
    assert (pool.status, pool.suv_mean) == ("caution", None)
    assert any("liver" in reason for reason in pool.reasons)


@pytest.mark.parametrize(("blood", "valued"), [(1.5, True), (5.9, False)])
def test_what_is_as_hot_as_the_liver_is_not_reported_as_blood_pool(blood: float, valued: bool) -> None:
    found = measure_references(uptake(blood=blood), drawn(), DOTATATE)
    pool = found.by_name["blood_pool"]
    assert (pool.suv_mean is not None) is valued
    assert (pool.status == "ok") is valued
    assert valued or "blood_pool" not in found.regions
    assert found.by_name["liver"].status == "ok", "what is not blood says nothing of the liver"


def test_a_hot_heart_against_the_aorta_does_not_move_the_blood_pool() -> None:
    suv = uptake(liver=2.6, spleen=2.0, blood=1.8)
    suv.array[ball((AORTA_X + 4, AORTA_Y - 22, 55), 17)] = 8.0
    blurred = Volume(ndi.gaussian_filter(suv.array, 1.2), GRID, "SUVbw")
    blood = measure_references(blurred, drawn(), FDG).by_name["blood_pool"]
    assert blood.suv_mean == pytest.approx(1.8, rel=0.10)


def test_a_blood_pool_in_hot_surroundings_all_along_is_a_caution() -> None:
    suv = uptake()
    z = np.indices(GRID.shape)[0] * 3.0
    _, y, x = np.indices(GRID.shape) * 3.0
    distance = np.hypot(x - AORTA_X, y - AORTA_Y)
    suv.array[(distance > 13) & (distance < 20) & (z > 5)] = 15.0
    blood = measured(suv).by_name["blood_pool"]
    assert blood.status == "caution"
    assert any("against something hot" in r for r in blood.reasons)


def test_a_liver_that_was_not_found_is_not_said_to_lie_outside_the_field() -> None:
    labels = np.ones(GRID.shape, np.uint8)
    found = drawn()
    anatomy = Anatomy(
        Volume(labels, GRID, "label"),
        (record("liver", "caution", ("no even organ",)), *found.organs[1:]),
        "embedded PET",
        concerns={"liver": ("no even organ under the right lung",)},
    )
    liver = measured(anatomy=anatomy).by_name["liver"]
    assert liver.status == "caution"
    assert liver.suv_mean is None
    assert "no even organ" in liver.reasons[0]


def test_no_value_is_taken_from_a_liver_whose_side_is_disputed() -> None:
    concern = "uptake alone places the liver on the right"
    anatomy = drawn_with({"side_disputed": 1.0}, side="left", concerns=(concern,))
    liver = measured(anatomy=anatomy).by_name["liver"]
    assert liver.status == "caution"
    assert liver.suv_mean is None
    assert "liver" not in measured(anatomy=anatomy).regions


def test_a_spleen_as_low_as_muscle_beside_the_blood_pool_is_doubted() -> None:
    values = {"liver": 1.0, "spleen": 0.76, "blood_pool": 1.7}
    odd = implausible(FDG, values, {"liver": False, "spleen": True, "blood_pool": True})
    assert any("muscle" in reason for reason in odd["spleen"])


@pytest.mark.parametrize(("heart", "status"), [((), "caution"), ((("heart", "outside_field"),), "outside_field")])
def test_without_ct_a_heart_that_was_not_looked_for_is_not_outside_the_field(
    heart: tuple[tuple[str, str], ...], status: str
) -> None:
    labels = Volume(np.ones(GRID.shape, np.uint8), GRID, "label")
    anatomy = Anatomy(labels, tuple(record(*h) for h in heart), "embedded PET")
    blood = measured(anatomy=anatomy).by_name["blood_pool"]
    assert blood.status == status
    assert blood.suv_mean is None


@pytest.mark.parametrize(("agreement", "status"), [(0.53, "caution"), (0.66, "ok")])
def test_a_liver_far_larger_on_ct_than_by_uptake_is_doubted(agreement: float, status: str) -> None:
    assert measured(anatomy=drawn_with({"agreement": agreement})).by_name["liver"].status == status


@pytest.mark.parametrize(("agreement", "hu", "given"), [(0.5, 55, False), (0.7, 55, True), (0.5, 19, True)])
def test_two_signs_that_the_usual_tissue_is_tumour_leave_no_value_one_leaves_it_with_a_caution(
    agreement: float, hu: int, given: bool
) -> None:
    """Beside a fatty liver bowel is as dense as it: that CT alone calls more of it liver is no sign there."""
    suv = uptake(liver=11.0)
    liver = drawn().labels.array == LABELS["liver"]
    places = np.nonzero(liver)
    left = np.zeros(liver.shape, bool)
    for axis in (1, 2):  # two strands of what is left, 12 mm wide, between the tumour
        index = np.indices(liver.shape)[axis]
        left |= liver & (np.abs(index - np.median(places[axis])) * GRID.spacing_mm[axis] < 6.0)
    array = suv.array.copy()
    array[left] = 5.0
    ct = Volume(np.full(GRID.shape, hu, np.int16), GRID, "HU")
    found = measured(Volume(array, GRID, "SUV"), drawn_with({"agreement": agreement}), ct=ct).by_name["liver"]
    assert found.status == "caution"
    assert any("colder than its most frequent" in reason for reason in found.reasons)
    assert (found.suv_mean is not None) == given


def test_hot_metastases_explain_a_liver_that_is_larger_on_ct() -> None:
    anatomy = drawn_with({"agreement": 0.5})
    lesion = ball((32, 60, 75), 24)
    hu = np.full(GRID.shape, 60, np.int16)
    hu[lesion] = 40
    liver = measured(uptake(lesion=lesion), anatomy, ct=Volume(hu, GRID, "HU")).by_name["liver"]
    assert liver.status == "ok", liver.reasons


def test_an_fdg_liver_far_below_blood_gives_no_value_though_nothing_else_speaks_against_it() -> None:
    cold = measure_references(uptake(liver=1.2, spleen=1.4, blood=1.7), drawn(), FDG).by_name["liver"]
    assert cold.suv_mean is None
    assert cold.status == "caution"
    assert any("below blood pool" in reason for reason in cold.reasons)


def test_an_fdg_liver_a_little_below_blood_keeps_its_value_under_a_caution() -> None:
    """Few livers take up less than blood an hour after injection; cold metastases in the majority do."""
    low = measure_references(uptake(1.7, 1.7, 1.8), drawn(), FDG).by_name["liver"]
    assert low.status == "caution"
    assert low.suv_mean == pytest.approx(1.7, rel=0.05)


def test_on_fdg_tissue_far_below_blood_is_no_liver_and_gives_no_value() -> None:
    cold = measure_references(uptake(0.9, 1.7, 1.7), drawn(), FDG).by_name["liver"]
    usual = measure_references(uptake(2.2, 1.9, 1.7), drawn(), FDG).by_name["liver"]
    assert (cold.status, cold.suv_mean) == ("caution", None)
    assert any("below blood pool" in reason for reason in cold.reasons)
    assert usual.status == "ok"
    assert usual.suv_mean == pytest.approx(2.2, rel=0.05)


@pytest.mark.parametrize("blood", [1.6, 2.4])
def test_on_fdg_the_hotter_half_of_a_liver_with_cold_tumour_is_taken_for_liver_with_a_caution(blood: float) -> None:
    """Some livers take up a little less FDG than blood does."""
    suv = uptake(1.25, 1.9, blood)
    x = np.indices(GRID.shape)[2]
    labels = drawn().labels.array
    liver = labels == LABELS["liver"]
    half = liver & (x > np.median(np.nonzero(liver)[2]))
    array = suv.array.copy()
    array[half] *= 2.2 / 1.25
    found = measure_references(Volume(array, GRID, "SUV"), drawn_with({"agreement": 0.5}), FDG).by_name["liver"]
    assert found.status == "caution"
    assert found.suv_mean == pytest.approx(2.2, rel=0.08)
    assert any("hotter part is taken for liver" in reason for reason in found.reasons)
    assert found.suspected == ("tumour",)


@pytest.mark.parametrize(("thickness_mm", "lost"), [(8.0, True), (12.0, True), (24.0, False)])
def test_blur_that_reaches_the_middle_of_a_thin_spleen_is_noticed(thickness_mm: float, lost: bool) -> None:
    grid = Grid((40, 40, 40), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    z, y, x = np.indices(grid.shape) * 2.0 - 39.0
    lens = (2 * x / thickness_mm) ** 2 + (y / 20) ** 2 + (z / 20) ** 2 <= 1
    suv = ndi.gaussian_filter(np.where(lens, 20.0, 0.6), 6.5 / 2.355 / 2.0).astype(np.float32)
    for outline in (lens, suv > 10.0):
        crop = crop_organ(suv, grid, outline)
        if crop is None:
            continue
        core = core_of(crop, 6.0, None)
        assert (1 - float(np.median(crop.suv[core])) / 20.0 > 0.07) is lost
        assert blurred(crop, core) is lost


def test_on_spect_the_value_of_a_spleen_thinner_than_its_blur_is_doubted() -> None:
    thin, usual = drawn(spleen=ball((150, 60, 75), 12)), drawn(spleen=ball((150, 60, 75), 20))
    found = measure_references(uptake(), thin, LU177).by_name["spleen"]
    assert found.status == "caution" and any("blur of SPECT" in reason for reason in found.reasons)
    assert measure_references(uptake(), usual, LU177).by_name["spleen"].status == "ok"
    assert not any("SPECT" in reason for reason in measured(anatomy=thin).by_name["spleen"].reasons)


def test_an_outline_narrower_than_a_spleen_takes_nothing_from_its_level() -> None:
    narrow = ball((150, 60, 75), 12)
    found = measured(anatomy=drawn(spleen=narrow)).by_name["spleen"]
    assert found.status == "ok"
    assert found.suv_mean == pytest.approx(20.0, rel=0.03)
