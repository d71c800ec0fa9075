"""The embedded anatomy on a small drawn body: organs, sides, field edges, and the failures that naive anatomy meets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import LABELS, Anatomy, find_anatomy
from lutetia.imaging.anatomy.aorta import blood_candidates
from lutetia.imaging.anatomy.lungs import find_lungs
from lutetia.imaging.anatomy.region import cut_trunk
from lutetia.imaging.anatomy.scene import resample, set_scene
from lutetia.imaging.anatomy.skeleton import find_bone, find_spine
from lutetia.imaging.references import References, measure_references
from lutetia.model import Grid, Tracer, Volume

SPACING = 4.0
SHAPE = (150, 72, 100)  # z up, y to the back, x to the left: 600 × 288 × 400 mm
DOTATATE = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="68Ga")
FDG = Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="18F")
SSTR_SUV = {"liver": 6.0, "spleen": 20.0, "kidney": 15.0, "blood": 1.4, "other": 0.6, "lung": 0.4, "bladder": 30.0}
FDG_SUV = {"liver": 2.4, "spleen": 2.0, "kidney": 2.6, "blood": 1.7, "other": 0.6, "lung": 0.4, "bladder": 25.0}

Mask = npt.NDArray[np.bool_]


def grid() -> Grid:
    return Grid(SHAPE, (SPACING,) * 3, (-198.0, -142.0, 0.0), frame_of_reference_uid="1.2.3")


def mm_axes() -> tuple[npt.NDArray[Any], ...]:
    z, y, x = np.indices(SHAPE, dtype=np.float32)
    return z * SPACING, y * SPACING - 142.0, x * SPACING - 198.0


def ellipsoid(centre: tuple[float, float, float], half: tuple[float, float, float]) -> Mask:
    """An ellipsoid; (x, y, z) mm in LPS."""
    z, y, x = mm_axes()
    inside: Mask = (
        ((x - centre[0]) / half[0]) ** 2 + ((y - centre[1]) / half[1]) ** 2 + ((z - centre[2]) / half[2]) ** 2
    ) <= 1
    return inside


class Body:
    """A drawn trunk: every organ as a mask, painted in order. x to the left, y to the back, z up, mm."""

    def __init__(self) -> None:
        z, y, x = mm_axes()
        self.trunk = (x / 165) ** 2 + (y / 110) ** 2 <= 1
        self.muscle = (x / 150) ** 2 + (y / 97) ** 2 <= 1
        self.inside = (x / 140) ** 2 + (y / 88) ** 2 <= 1
        chest = self.inside & (z > 300) & (z < 560)
        taper = np.clip((575 - z) / 120, 0.2, 1)
        self.lungs = chest & ((np.abs(x) / (132 * taper)) ** 2 + (y / (80 * taper)) ** 2 <= 1) & (np.abs(x) > 28)
        self.liver = ellipsoid((-62, -8, 285), (74, 72, 62)) | ellipsoid((0, -30, 300), (60, 40, 30))
        self.spleen = ellipsoid((92, 32, 290), (32, 38, 45))
        self.kidney_left = ellipsoid((62, 48, 205), (26, 26, 52))
        self.kidney_right = ellipsoid((-62, 48, 195), (26, 26, 52))
        self.heart = ellipsoid((22, -28, 375), (52, 45, 42))
        self.aorta = ((x - 24) ** 2 + (y - 32) ** 2 <= 12.5**2) & (z < 500)
        self.spine = (x**2 + (y - 58) ** 2 <= 18**2) & (z > 20)
        self.canal = x**2 + (y - 84) ** 2 <= 8**2
        angle = np.arctan2(x, -y)
        shell = self.muscle & ~((x / 143) ** 2 + (y / 91) ** 2 <= 1)
        self.ribs = shell & (np.mod(z + 30 * np.abs(np.sin(angle)), 28) < 9) & (z > 230) & (z < 540)
        self.pelvis = (((np.abs(x) - 95) / 22) ** 2 + ((y - 20) / 60) ** 2 <= 1) & (z < 110) & (z > 10)
        self.bladder = ellipsoid((0, -10, 60), (32, 28, 26))
        self.effusion = np.zeros(SHAPE, bool)
        self.ascites = np.zeros(SHAPE, bool)
        self.bowel = np.zeros(SHAPE, bool)
        self.arms = np.zeros(SHAPE, bool)
        self.metal = np.zeros(SHAPE, bool)
        self.liver_tumour = np.zeros(SHAPE, bool)
        self.nodule = np.zeros(SHAPE, bool)

    def draw(
        self, suv_of: dict[str, float], *, contrast: bool = False, noise: float = 0.05, breath_mm: float = 0.0
    ) -> tuple[Volume, Volume]:
        """CT (HU) and PET (SUV, blurred by 5 mm, with noise); the PET lies `breath_mm` higher than the CT."""
        rng = np.random.default_rng(5)
        hu = np.full(SHAPE, -1000.0, np.float32)
        pet = np.zeros(SHAPE, np.float32)

        def paint(mask: Mask, density: float, uptake: float) -> None:
            hu[mask], pet[mask] = density, uptake

        blood = 160.0 if contrast else 42.0
        paint(self.trunk, -100, 0.3)
        paint(self.muscle, 52, suv_of["other"])
        paint(self.inside, -95, 0.35)
        z, _, x = mm_axes()
        # the muscles of the back
        back = self.muscle & (mm_axes()[1] > 62) & (np.abs(x) < 70)
        paint(back, 52, suv_of["other"])
        paint(self.ascites & self.inside, 8, 0.5)
        paint(self.arms, 55, suv_of["other"])
        paint(ndi.binary_erosion(self.arms, iterations=3), 500, 0.6)
        paint(self.bowel, 35, 4.0)
        paint(self.lungs, -820, suv_of["lung"])
        paint(self.effusion, 8, 0.5)
        for side in (self.kidney_left, self.kidney_right):
            paint(side, 150 if contrast else 30, suv_of["kidney"])
        paint(self.spleen, 118 if contrast else 49, suv_of["spleen"])
        paint(self.liver, 108 if contrast else 57, suv_of["liver"])
        paint(self.liver_tumour, 85 if contrast else 40, 4.0 * suv_of["liver"])
        paint(self.heart, blood, suv_of["blood"])
        paint(self.aorta & (z < 500), blood, suv_of["blood"])
        paint(self.nodule, 45, 12.0)
        paint(self.bladder, 8, suv_of["bladder"])
        paint(self.spine, 180, 0.8)
        paint(self.spine & ~ndi.binary_erosion(self.spine, iterations=1), 400, 0.8)
        paint(self.canal, 30, 0.4)
        paint(self.ribs | self.pelvis, 450, 0.8)
        paint(self.metal, 3000, 0.8)
        if self.metal.any():  # streaks across every slice with metal in it
            streaks = 250 * np.sin(np.arange(SHAPE[1]) / 2.0)[None, :, None]
            hu += np.where(self.metal.any((1, 2))[:, None, None] & self.trunk, streaks, 0.0).astype(np.float32)
        pet = np.roll(pet, round(breath_mm / SPACING), axis=0)
        hu += ndi.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), 0.5) * 18
        smooth = ndi.gaussian_filter(pet, 2.2 / SPACING)
        grain = ndi.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), 0.6)
        grain *= noise / grain.std()
        smooth += grain * np.sqrt(np.maximum(smooth, 0) * suv_of["liver"])
        ct = Volume(np.clip(np.rint(hu), -1024, 3000).astype(np.int16), grid(), "HU")
        return ct, Volume(np.maximum(smooth, 0).astype(np.float32), grid(), "SUVbw")


def read(body: Body, tracer: Tracer = DOTATATE, **how: Any) -> tuple[Anatomy, References]:
    ct, suv = body.draw(SSTR_SUV if tracer.is_sstr else FDG_SUV, **how)
    anatomy = find_anatomy(suv, ct, tracer)
    return anatomy, measure_references(suv, anatomy, tracer, ct=ct)


def dice(anatomy: Anatomy, name: str, truth: Mask) -> float:
    mask = anatomy.mask(name)
    return float(2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum()))


def centre_inside(references: References, name: str, organ: Mask) -> bool:
    point = references.by_name[name].centroid_mm
    assert point is not None
    index = np.rint(grid().to_index(point)).astype(int)
    return bool(organ[tuple(index)])


@pytest.fixture(scope="module")
def ordinary() -> tuple[Anatomy, References]:
    return read(Body())


def test_an_ordinary_patient_has_all_organs_and_three_good_references(ordinary: tuple[Anatomy, References]) -> None:
    anatomy, references = ordinary
    body = Body()
    assert anatomy.source == "embedded CT+PET"
    assert anatomy.liver_side == "right"
    assert dice(anatomy, "liver", body.liver & ~body.heart) > 0.75
    assert dice(anatomy, "spleen", body.spleen & ~body.liver) > 0.7
    assert dice(anatomy, "kidney_left", body.kidney_left) > 0.7
    assert dice(anatomy, "kidney_right", body.kidney_right & ~body.liver) > 0.6
    assert dice(anatomy, "urinary_bladder", body.bladder) > 0.6
    assert anatomy.has("heart")
    assert anatomy.aorta is not None
    assert anatomy.aorta.length_mm > 60
    for name, truth, tolerance in (("liver", 6.0, 0.07), ("spleen", 20.0, 0.07), ("blood_pool", 1.4, 0.10)):
        reference = references.by_name[name]
        assert reference.status == "ok", (name, reference.reasons)
        assert reference.suv_mean == pytest.approx(truth, rel=tolerance)
        assert reference.classical is not None
        assert reference.whole_organ is not None
        assert reference.standard_error is not None
        assert reference.standard_error > 0


def test_every_region_lies_inside_its_organ(ordinary: tuple[Anatomy, References]) -> None:
    _, references = ordinary
    body = Body()
    assert centre_inside(references, "liver", body.liver)
    assert centre_inside(references, "spleen", body.spleen)
    assert centre_inside(references, "blood_pool", body.aorta)


def test_without_contrast_a_bright_vertebra_is_not_taken_for_blood(ordinary: tuple[Anatomy, References]) -> None:
    assert ordinary[0].evidence["aorta"]["blood_hu"] == pytest.approx(42, abs=12)


def test_a_mirrored_patient_gives_mirrored_organs() -> None:
    body = Body()
    for name, value in vars(body).items():
        setattr(body, name, value[:, :, ::-1].copy())
    anatomy, references = read(body)
    assert anatomy.liver_side == "left"
    assert references.by_name["liver"].suv_mean == pytest.approx(6.0, rel=0.07)
    assert references.by_name["spleen"].suv_mean == pytest.approx(20.0, rel=0.07)
    assert references.by_name["liver"].status == "ok"
    assert centre_inside(references, "liver", body.liver)


def test_twice_the_uptake_gives_twice_the_references(ordinary: tuple[Anatomy, References]) -> None:
    ct, suv = Body().draw(SSTR_SUV)
    doubled = replace(suv, array=suv.array * np.float32(2))
    anatomy = find_anatomy(doubled, ct, DOTATATE)
    references = measure_references(doubled, anatomy, DOTATATE, ct=ct)
    for name, reference in ordinary[1].by_name.items():
        assert reference.suv_mean is not None
        assert references.by_name[name].suv_mean == pytest.approx(2 * reference.suv_mean, rel=0.02)


@pytest.mark.parametrize("offset", [10])
def test_a_ct_off_by_ten_hounsfield_units_changes_nothing(ordinary: tuple[Anatomy, References], offset: int) -> None:
    ct, suv = Body().draw(SSTR_SUV)
    shifted = replace(ct, array=(ct.array + np.int16(offset)).astype(np.int16))
    anatomy = find_anatomy(suv, shifted, DOTATATE)
    references = measure_references(suv, anatomy, DOTATATE, ct=shifted)
    for name, reference in ordinary[1].by_name.items():
        assert references.by_name[name].status == reference.status
        assert references.by_name[name].suv_mean == pytest.approx(reference.suv_mean, rel=0.03)


def cropped(volume: Volume, low: int, high: int) -> Volume:
    origin = volume.grid.to_lps([low, 0, 0])
    shape = (high - low, *volume.grid.shape[1:])
    new = replace(volume.grid, shape=shape, origin_mm=tuple(float(v) for v in origin))
    return Volume(np.ascontiguousarray(volume.array[low:high]), new, volume.unit)


@pytest.mark.parametrize("top_mm", [430, 280])
def test_a_field_that_ends_lower_changes_the_status_not_the_values(top_mm: int) -> None:
    ct, suv = (cropped(v, 0, int(top_mm / SPACING)) for v in Body().draw(SSTR_SUV))
    anatomy = find_anatomy(suv, ct, DOTATATE)
    references = measure_references(suv, anatomy, DOTATATE, ct=ct).by_name
    for name, truth in (("liver", 6.0), ("spleen", 20.0), ("blood_pool", 1.4)):
        value = references[name].suv_mean
        if references[name].status == "ok":
            assert value == pytest.approx(truth, rel=0.15), name
        assert references[name].status != "absent"
    if top_mm <= 280:
        assert references["blood_pool"].status == "outside_field"
        assert references["blood_pool"].suv_mean is None


def tilted(volume: Volume, degrees: float, top_mm: float) -> Volume:
    """The volume on an oblique table, turned about the body's front-to-back axis; the field ends at `top_mm`."""
    sine, cosine = float(np.sin(np.radians(degrees))), float(np.cos(np.radians(degrees)))
    shape = (int(top_mm / SPACING), *SHAPE[1:])
    # index z → (sine, 0, cosine), y → y, x → (cosine, 0, -sine): rows of the matrix are the LPS axes
    direction = ((sine, 0.0, cosine), (0.0, 1.0, 0.0), (cosine, 0.0, -sine))
    start = np.array([-198.0, -142.0, 0.0]) + 0.5 * (SHAPE[2] - 1) * SPACING * np.array([1 - cosine, 0.0, sine])
    start -= 0.5 * top_mm * np.array([sine, 0.0, 0.0])
    new = Grid(shape, (SPACING,) * 3, tuple(map(float, start)), tuple(zip(*direction, strict=True)))
    moved = resample(volume.array, volume.grid, new, -1000.0 if volume.unit == "HU" else 0.0)
    return Volume(moved, new, volume.unit)


def test_the_aorta_is_followed_to_the_slanting_edge_of_an_oblique_field() -> None:
    ct, suv = (tilted(v, 12.0, 425.0) for v in Body().draw(SSTR_SUV, contrast=True))
    anatomy = find_anatomy(suv, ct, DOTATATE)
    assert anatomy.aorta is not None
    assert anatomy.aorta.centres_mm[:, 2].max() > 400
    blood = measure_references(suv, anatomy, DOTATATE, ct=ct).by_name["blood_pool"]
    assert blood.status == "ok"
    assert blood.suv_mean == pytest.approx(1.4, rel=0.1)


def test_the_dome_of_the_liver_between_the_lungs_is_not_taken_for_blood_in_the_heart() -> None:
    # the liver's dome lies between the lung bases; of the heart only its lower part is in the field
    ct, suv = (cropped(v, 0, int(368 / SPACING)) for v in Body().draw(SSTR_SUV, contrast=True))
    scene = set_scene(ct, suv)
    spine = find_spine(scene, find_bone(scene))
    assert spine is not None
    densities, uptake = blood_candidates(scene, find_lungs(scene, spine), spine)
    assert all(abs(hu - 108) > 20 for hu in densities)
    assert uptake is None or uptake < 2.5


def test_the_bowel_in_the_bed_of_a_removed_spleen_is_no_spleen() -> None:
    body = Body()
    body.spleen = np.zeros(SHAPE, bool)
    body.bowel = ellipsoid((92, 10, 285), (24, 24, 24))
    anatomy, references = read(body)
    spleen = references.by_name["spleen"]
    assert spleen.suv_mean is None
    assert spleen.status == "absent"
    assert "splenectomy" in " ".join(spleen.reasons)
    assert not anatomy.has("spleen")


def test_something_hot_left_in_the_bed_forbids_the_word_absent() -> None:
    body = Body()
    body.spleen = np.zeros(SHAPE, bool)
    body.nodule = ellipsoid((95, 45, 300), (17, 17, 17))
    _, references = read(body)
    assert references.by_name["spleen"].status == "caution"


def test_pleural_effusion_is_not_taken_for_liver_nor_lung() -> None:
    body = Body()
    z, _, x = mm_axes()
    body.effusion = body.lungs & (x > 0) & (z < 390)
    _, references = read(body)
    assert references.by_name["liver"].suv_mean == pytest.approx(6.0, rel=0.07)
    spleen = references.by_name["spleen"]
    assert spleen.status != "absent"
    assert spleen.suv_mean is None or spleen.suv_mean == pytest.approx(20.0, rel=0.1)


def right_or_flagged(references: References) -> None:
    """A reference with nothing said against it is right."""
    truths = (("liver", 6.0, 0.07), ("spleen", 20.0, 0.07), ("blood_pool", 1.4, 0.10))
    for name, truth, tolerance in truths:
        reference = references.by_name[name]
        assert reference.status != "ok" or reference.suv_mean == pytest.approx(truth, rel=tolerance), name


def test_effusion_on_the_right_is_not_taken_for_liver() -> None:
    body = Body()
    z, _, x = mm_axes()
    body.effusion = body.lungs & (x < 0) & (z < 400)
    anatomy, references = read(body)
    right_or_flagged(references)
    assert references.by_name["liver"].suv_mean == pytest.approx(6.0, rel=0.07)
    blood = references.by_name["blood_pool"].suv_mean  # a track beside the aorta gives no value
    assert blood is None or blood == pytest.approx(1.4, rel=0.15)
    assert not (anatomy.mask("liver") & body.effusion & (z > 360)).any()


def test_ascites_round_the_liver_is_not_taken_for_liver() -> None:
    body = Body()
    organs = body.liver | body.spleen
    body.ascites = ndi.binary_dilation(organs, iterations=round(15 / SPACING)) & ~organs & ~body.lungs
    anatomy, references = read(body)
    right_or_flagged(references)
    assert references.by_name["liver"].suv_mean == pytest.approx(6.0, rel=0.07)
    fluid = anatomy.mask("liver") & body.ascites & ~(body.liver | body.spleen | body.kidney_right)
    assert fluid.sum() < 0.12 * body.liver.sum()


def test_tense_ascites_that_outweighs_the_liver_is_not_taken_for_it() -> None:
    body = Body()
    z, _, _ = mm_axes()
    body.ascites = body.inside & ~body.liver & ~body.spleen & ~body.lungs & (z < 360) & (z > 120)
    anatomy, references = read(body)
    right_or_flagged(references)
    liver = references.by_name["liver"]
    assert liver.suv_mean is None or liver.suv_mean == pytest.approx(6.0, rel=0.07)
    assert (anatomy.mask("liver") & ~body.liver).sum() < 0.12 * body.liver.sum()


def test_arms_down_beside_the_liver_are_no_part_of_the_body_s_organs() -> None:
    body = Body()
    z, y, x = mm_axes()
    body.arms = ((np.abs(x) - 181) ** 2 + y**2 <= 15**2) & (z < 430)
    anatomy, references = read(body)
    right_or_flagged(references)
    for name in ("liver", "spleen", "kidney_left", "kidney_right"):
        assert not (anatomy.mask(name) & body.arms).any(), name
    assert references.by_name["liver"].status == "ok"


def test_a_hip_prosthesis_and_its_streaks_leave_the_references_alone() -> None:
    body = Body()
    body.metal = ellipsoid((100, 15, 55), (16, 16, 34))
    _, references = read(body)
    right_or_flagged(references)
    assert references.by_name["liver"].status == "ok"


@pytest.mark.parametrize("breath_mm", [-15.0, 15.0])
def test_a_dome_that_breathing_has_moved_between_ct_and_pet_is_right_or_flagged(breath_mm: float) -> None:
    right_or_flagged(read(Body(), breath_mm=breath_mm)[1])


def test_a_thin_aorta_is_right_or_flagged() -> None:
    body = Body()
    z, y, x = mm_axes()
    body.aorta = ((x - 24) ** 2 + (y - 32) ** 2 <= 8.0**2) & (z < 500)
    _, references = read(body)
    right_or_flagged(references)
    assert references.by_name["liver"].status == "ok"


def test_contrast_filled_vessels_are_found_inside_the_window_of_bone() -> None:
    _, references = read(Body(), contrast=True)
    assert references.by_name["blood_pool"].suv_mean == pytest.approx(1.4, rel=0.10)
    assert references.by_name["liver"].suv_mean == pytest.approx(6.0, rel=0.07)


def speckled(share: float, seed: int = 3) -> Mask:
    """Nodules of about 25 mm that fill a share of the space."""
    field = ndi.gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 9.0 / SPACING)
    inside: Mask = field > np.quantile(field, 1 - share)
    return inside


def test_metastases_in_a_third_of_the_liver_leave_the_reference_right() -> None:
    body = Body()
    body.liver_tumour = body.liver & speckled(0.3)
    _, references = read(body)
    liver = references.by_name["liver"]
    assert liver.suv_mean == pytest.approx(6.0, rel=0.15)


@pytest.mark.parametrize("share", [0.7])
def test_a_liver_with_more_tumour_than_liver_is_never_silently_wrong(share: float) -> None:
    body = Body()
    body.liver_tumour = body.liver & speckled(share)
    _, references = read(body)
    liver = references.by_name["liver"]
    assert liver.status != "ok"
    assert liver.reasons
    assert references.by_name["spleen"].suv_mean is None or references.by_name["spleen"].suv_mean == pytest.approx(
        20.0, rel=0.15
    )


def test_liver_left_under_the_ribs_beside_a_tumour_of_seven_tenths_belongs_to_the_liver() -> None:
    body = Body()
    _, _, x = mm_axes()
    body.liver_tumour = body.liver & (x > np.quantile(x[body.liver], 0.3))
    anatomy, references = read(body, contrast=True)
    rim = body.liver & ~body.liver_tumour
    assert dice(anatomy, "liver", body.liver) > 0.9
    assert float(anatomy.mask("liver")[rim].mean()) > 0.8
    liver = references.by_name["liver"]
    assert liver.status != "ok"
    assert liver.suv_mean is None or liver.suv_mean == pytest.approx(6.0, rel=0.2)


@pytest.mark.parametrize(("cortex_hu", "inside"), [(190.0, True), (600.0, False)])
def test_an_enhanced_kidney_is_no_wall_of_the_chest_and_thick_bone_with_a_cortex_is(
    cortex_hu: float, inside: bool
) -> None:
    """Kidneys full of contrast are as dense as marrow: the liver beside them still lies inside the ribs."""
    ct, suv = Body().draw(SSTR_SUV, contrast=True)
    blob = ellipsoid((-75, 40, 245), (26, 26, 26))
    dense = ct.array.copy()
    dense[blob] = cortex_hu
    dense[ellipsoid((-75, 40, 245), (20, 20, 20))] = 190
    scene = set_scene(Volume(dense, ct.grid, "HU"), suv)
    bone = find_bone(scene)
    spine = find_spine(scene, bone)
    assert spine is not None
    index = np.argwhere(np.ones(scene.ct.shape, bool))
    x, y, z = np.moveaxis(scene.grid.to_lps(index).reshape(*scene.ct.shape, 3), -1, 0)
    blob_here = (x + 75) ** 2 + (y - 40) ** 2 + (z - 245) ** 2 < 26**2
    beside = (x + 112) ** 2 + (y - 40) ** 2 + (z - 245) ** 2 < 8**2
    trunk = cut_trunk(scene, bone | blob_here, spine, find_lungs(scene, spine), np.zeros(scene.ct.shape, bool))
    assert bool((trunk.cage_mm[beside[trunk.box]] > 0).all()) == inside


def test_fdg_finds_the_same_organs() -> None:
    _, references = read(Body(), FDG)
    for name, truth, tolerance in (("liver", 2.4, 0.07), ("blood_pool", 1.7, 0.15)):
        assert references.by_name[name].suv_mean == pytest.approx(truth, rel=tolerance)
    spleen = references.by_name["spleen"]
    assert spleen.status != "ok" or spleen.suv_mean == pytest.approx(2.0, rel=0.1)


def test_ct_alone_labels_its_own_grid() -> None:
    body = Body()
    ct, _ = body.draw(SSTR_SUV)
    anatomy = find_anatomy(None, ct, DOTATATE)
    assert anatomy.source == "embedded CT"
    assert anatomy.labels.grid.same_as(ct.grid)
    assert dice(anatomy, "liver", body.liver & ~body.heart) > 0.65
    assert anatomy.mask("lung_left").any()
    assert int(anatomy.labels.array.max()) <= max(LABELS.values())


def test_an_image_without_a_patient_gives_no_organs_and_says_so() -> None:
    empty = Volume(np.full(SHAPE, -1000, np.int16), grid(), "HU")
    anatomy = find_anatomy(None, empty, DOTATATE)
    assert not anatomy.organs or not any(o.status == "ok" for o in anatomy.organs)
    assert anatomy.issues
