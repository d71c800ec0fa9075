"""Lesions in a small body of ellipsoids with SSTR uptake: what is found, what is set apart, what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.lesions import LesionResult, LesionSettings, find_lesions
from lutetia.imaging.summary import summarise
from lutetia.model import Grade, Grid, Lesion, OrganRecord, Reference, Tracer, UsageError, Volume

SSTR = Tracer(key="dotatate", name="68Ga-DOTATATE", binds="sstr_agonist", radionuclide="Ga-68")
FDG = Tracer(key="fdg", name="18F-FDG", binds="glucose", radionuclide="F-18")

#: organ → centre (x, y, z) and radii in mm, SUV in SSTR, SUV in FDG, HU
ORGANS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], float, float, int]] = {
    "lung_left": ((75, 0, 540), (45, 60, 95), 0.4, 0.5, -800),
    "lung_right": ((-75, 0, 540), (45, 60, 95), 0.4, 0.5, -800),
    "heart": ((25, -25, 490), (45, 40, 45), 1.4, 1.6, 45),
    "spine": ((0, 60, 400), (20, 20, 320), 0.9, 1.2, 180),
    "aorta": ((12, 25, 450), (11, 11, 200), 1.5, 1.6, 45),
    "liver": ((-72, -10, 400), (72, 70, 58), 6.0, 2.3, 55),
    "spleen": ((95, 40, 420), (24, 28, 42), 20.0, 1.9, 50),
    "kidney_left": ((62, 50, 320), (26, 26, 52), 16.0, 3.0, 32),
    "kidney_right": ((-62, 50, 310), (26, 26, 52), 16.0, 3.0, 32),
    "urinary_bladder": ((0, -25, 110), (36, 36, 32), 25.0, 20.0, 5),
    "brain": ((0, 0, 800), (60, 72, 50), 0.15, 8.0, 36),
}


@dataclass
class Scene:
    """A body; `add` puts a sphere of uptake (and, with `hu`, of density) into it."""

    tracer: Tracer = SSTR
    noise: float = 0.03
    spheres: list[tuple[tuple[float, float, float], float, float, float | None]] = field(default_factory=list)
    grid: Grid = field(
        default_factory=lambda: Grid((176, 56, 80), (5.0, 4.5, 4.5), (-178.0, -124.0, 2.0), frame_of_reference_uid="1")
    )
    missing: tuple[str, ...] = ()
    no_reference: tuple[str, ...] = ()

    def add(self, centre: tuple[float, float, float], radius: float, suv: float, hu: float | None = 40.0) -> Scene:
        self.spheres.append((centre, radius, suv, hu))
        return self

    def build(self) -> tuple[Volume, Volume, Anatomy, dict[str, Reference]]:
        index = np.indices(self.grid.shape).reshape(3, -1).T
        x, y, z = (v.reshape(self.grid.shape) for v in self.grid.to_lps(index).T)
        head = z > 720
        body = np.where(head, (x / 78) ** 2 + (y / 92) ** 2 <= 1, (x / 160) ** 2 + (y / 105) ** 2 <= 1) & (z < 870)
        suv = np.where(body, 0.5, 0.0)
        hu = np.where(body, -90.0, -1000.0)
        labels = np.where(body, LABELS["body"], 0).astype(np.uint8)
        records = []
        for name, ((cx, cy, cz), (rx, ry, rz), sstr, fdg, density) in ORGANS.items():
            inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1
            suv[inside] = fdg if self.tracer.binds == "glucose" else sstr
            hu[inside] = density
            if name in self.missing:
                continue
            labels[inside] = LABELS[name]
            records.append(OrganRecord(name=name, label=LABELS[name], source="test", status="ok"))
        for (cx, cy, cz), radius, uptake, density in self.spheres:
            inside = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= radius**2
            suv[inside] = uptake
            if density is not None:
                hu[inside] = density
        spacing = np.asarray(self.grid.spacing_mm)
        image = gaussian_filter(suv, 2.5 / spacing)
        rng = np.random.default_rng(3)
        image += gaussian_filter(rng.normal(0, 1, image.shape), 0.6) * self.noise * 3 * np.sqrt(image * 6.0)
        line = np.array([(0.0, 60.0, v) for v in np.arange(860.0, 20.0, -10.0)])
        anatomy = Anatomy(
            labels=Volume(labels, self.grid, "label"),
            organs=tuple(records),
            source="test",
            spine_line_mm=line,
            midline_x_mm=line[:, 0],
        )
        values = (
            {"liver": 2.3, "spleen": 1.9, "blood_pool": 1.6}
            if self.tracer.binds == "glucose"
            else {
                "liver": 6.0,
                "spleen": 20.0,
                "blood_pool": 1.5,
            }
        )
        references = {
            name: Reference(name=name, status="outside_field")  # type: ignore[arg-type]
            if name in self.no_reference
            else Reference(name=name, status="ok", suv_mean=value)  # type: ignore[arg-type]
            for name, value in values.items()
        }
        return (
            Volume(np.maximum(image, 0).astype(np.float32), self.grid, "SUVbw"),
            Volume(hu.astype(np.int16), self.grid, "HU"),
            anatomy,
            references,
        )

    def read(self, settings: LesionSettings | None = None, *, ct: bool = True) -> LesionResult:
        suv, density, anatomy, references = self.build()
        return find_lesions(suv, density if ct else None, anatomy, references, self.tracer, settings, study="S1")


def candidates(result: LesionResult) -> list[Lesion]:
    return [x for x in result.lesions if x.status == "candidate"]


def near(lesions: list[Lesion], point: tuple[float, float, float], reach: float = 12.0) -> Lesion | None:
    for lesion in lesions:
        if np.linalg.norm(np.subtract(lesion.observations[0].centroid_mm, point)) < reach:
            return lesion
    return None


NODE = (-10.0, 5.0, 280.0)
VERTEBRA = (0.0, 60.0, 500.0)
IN_LIVER = (-90.0, -10.0, 410.0)


@pytest.fixture(scope="module")
def three_lesions() -> LesionResult:
    return Scene().add(NODE, 9, 14).add(VERTEBRA, 9, 10, None).add(IN_LIVER, 11, 18).read()


@pytest.fixture(scope="module")
def healthy() -> LesionResult:
    return Scene().read()


def test_a_healthy_body_has_no_candidates(healthy: LesionResult) -> None:
    assert [x.site for x in candidates(healthy)] == []


def test_physiological_uptake_is_set_apart_with_its_reason_and_not_deleted(healthy: LesionResult) -> None:
    sites = {x.site for x in healthy.lesions}
    assert {"kidney", "spleen", "bladder"} <= sites
    for lesion in healthy.lesions:
        assert lesion.status == "physiological"
        assert lesion.status_reason
        assert lesion.observations[0].volume_ml > 0


@pytest.mark.parametrize(
    ("point", "site", "tissue", "region"),
    [
        (NODE, "node retroperitoneal", "lymph_node", "lymph_nodes"),
        (VERTEBRA, "vertebra", "bone", "bone"),
        (IN_LIVER, "liver", "liver", "liver"),
    ],
)
def test_a_lesion_is_found_and_its_site_named(
    three_lesions: LesionResult, point: tuple[float, float, float], site: str, tissue: str, region: str
) -> None:
    lesion = near(candidates(three_lesions), point)
    assert lesion is not None
    assert (lesion.site, lesion.tissue, lesion.region) == (site, tissue, region)
    assert lesion.site_code is not None
    assert lesion.site_code.scheme == "SCT"


def test_only_the_three_lesions_are_candidates_hottest_first(three_lesions: LesionResult) -> None:
    found = candidates(three_lesions)
    assert len(found) == 3
    maxima = [x.observations[0].suv_max for x in found]
    assert maxima == sorted(maxima, reverse=True)


@pytest.mark.parametrize(("point", "radius"), [(NODE, 9.0), (IN_LIVER, 11.0)])
def test_the_outline_has_about_the_true_volume(
    three_lesions: LesionResult, point: tuple[float, float, float], radius: float
) -> None:
    lesion = near(candidates(three_lesions), point)
    assert lesion is not None
    assert lesion.observations[0].volume_ml == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.3)


def test_the_label_map_is_what_was_measured(three_lesions: LesionResult) -> None:
    labels = three_lesions.labels.array
    for lesion in three_lesions.lesions:
        seen = lesion.observations[0]
        assert (labels == seen.label).sum() * three_lesions.labels.grid.voxel_ml == pytest.approx(seen.volume_ml)
    assert set(np.unique(labels)) == {0, *(x.observations[0].label for x in three_lesions.lesions)}


def test_ratios_distances_and_the_outline_s_formula_travel_with_the_lesion(three_lesions: LesionResult) -> None:
    lesion = near(candidates(three_lesions), NODE)
    assert lesion is not None
    seen = lesion.observations[0]
    assert seen.ratio_liver == pytest.approx(seen.suv_max / 6.0)
    assert seen.organ_distances_mm["aorta"] < 30
    assert "background + 45%" in seen.mask_method
    assert seen.mask_threshold_suv is not None
    assert seen.ct_correlate == "soft-tissue nodule"
    assert seen.ct_long_axis_mm == pytest.approx(18.0, abs=6.0)


def test_the_same_input_gives_the_same_bytes(three_lesions: LesionResult) -> None:
    again = Scene().add(NODE, 9, 14).add(VERTEBRA, 9, 10, None).add(IN_LIVER, 11, 18).read()
    assert np.array_equal(again.labels.array, three_lesions.labels.array)
    assert again.lesions == three_lesions.lesions


def test_lesions_are_found_without_ct() -> None:
    found = candidates(Scene().add(NODE, 9, 14).add(IN_LIVER, 11, 18).read(ct=False))
    assert near(found, NODE) is not None
    assert near(found, IN_LIVER) is not None


def test_two_liver_lesions_that_touch_are_two() -> None:
    found = candidates(Scene().add((-100, -10, 400), 11, 18).add((-77, -10, 400), 11, 18).read())
    assert sum(x.tissue == "liver" for x in found) == 2
    assert not any(x.confluent for x in found)


def test_liver_foci_that_hang_together_are_one_confluent_volume() -> None:
    scene = Scene()
    for x in (-120.0, -95.0, -70.0, -45.0):
        scene.add((x, -10, 400), 12, 18)
    found = [x for x in candidates(scene.read()) if x.tissue == "liver"]
    assert len(found) == 1
    assert found[0].confluent
    assert "confluent" in found[0].observations[0].flags
    assert found[0].observations[0].volume_ml == pytest.approx(4 * 7.2, rel=0.25)


def test_an_uneven_mass_outside_the_liver_is_one_lesion_and_two_apart_are_two() -> None:
    left, right = (-22.0, -35.0, 620.0), (10.0, -35.0, 620.0)
    mass = Scene().add(left, 15, 12).add(right, 15, 10).add((-6.0, -35.0, 620.0), 8, 8)
    assert len(candidates(mass.read())) == 1
    apart = Scene().add((-24.0, -35.0, 620.0), 10, 12).add((14.0, -35.0, 620.0), 10, 10)
    assert len(candidates(apart.read())) == 2


def test_without_ct_the_reader_is_told_what_that_costs() -> None:
    assert any(i.code == "lesions-without-ct" for i in Scene().read(ct=False).issues)


def test_a_plain_share_of_the_maximum_floods_the_liver_and_ours_does_not() -> None:
    scene = Scene().add(IN_LIVER, 12, 11)
    ours = near(candidates(scene.read()), IN_LIVER)
    plain = scene.read(LesionSettings(scheme="relative-45"))
    flooded = candidates(plain)
    assert any(i.code == "segmentation-flooded" and i.study == "S1" for i in plain.issues)
    assert ours is not None
    assert ours.observations[0].volume_ml < 12
    assert max(x.observations[0].volume_ml for x in flooded) > 2 * ours.observations[0].volume_ml


def test_a_scheme_that_does_not_exist_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError) as error:
        Scene().read(LesionSettings(scheme="magic"))
    assert error.value.code == "unknown-segmentation-scheme"
    assert "relative-41" in error.value.expected


def test_the_scheme_is_printed_with_the_volumes() -> None:
    result = Scene().add(NODE, 9, 14).read(LesionSettings(scheme="fixed-4"))
    assert "SUV 4.0" in result.scheme
    assert "SUV 4.0" in candidates(result)[0].observations[0].mask_method


def test_like_adrenals_are_physiological() -> None:
    scene = Scene().add((35, 45, 375), 6, 25).add((-35, 45, 365), 6, 25)
    assert candidates(scene.read()) == []


def test_one_hot_adrenal_stays_a_candidate_marked_in_adrenal() -> None:
    scene = Scene().add((35, 45, 375), 8, 25).add((-35, 45, 365), 6, 6)
    found = candidates(scene.read())
    assert any("in adrenal" in x.marks and "asymmetric" in x.marks for x in found)


def test_a_thread_between_kidney_and_bladder_is_ureter() -> None:
    scene = Scene()
    for z in np.arange(200.0, 245.0, 4.0):
        scene.add((40.0, 20.0, z), 3.5, 25, 10)
    found = scene.read()
    assert any(x.site == "ureter" and x.status == "physiological" for x in found.lesions)
    assert candidates(found) == []


def test_a_long_band_of_moderate_uptake_in_the_belly_is_bowel() -> None:
    scene = Scene()
    for x in np.arange(-60.0, 60.0, 6.0):
        scene.add((x, -50.0, 250.0 + 15 * np.sin(x / 15)), 10, 4 - abs(x) / 40, 30)
    found = scene.read()
    assert any(x.site == "bowel" and x.status == "physiological" for x in found.lesions)
    assert candidates(found) == []


def test_a_small_pituitary_is_physiological_and_a_very_hot_one_is_not() -> None:
    assert candidates(Scene().add((0, 5, 752), 6, 12).read()) == []
    hot = candidates(Scene().add((0, 5, 752), 7, 70).read())
    assert any("above the published range" in x.marks for x in hot)


def test_a_liver_focus_within_noise_of_the_liver_is_handed_over_as_at_liver_level() -> None:
    result = Scene(noise=0.06).add(IN_LIVER, 13, 8.2).read(LesionSettings(at_liver_noise=4.0))
    lesion = near(candidates(result), IN_LIVER)
    assert lesion is not None
    assert result.liver_maximum_noise is not None
    assert result.at_liver_limit == pytest.approx(6.0 + 4.0 * result.liver_maximum_noise)
    below = lesion.observations[0].suv_max <= result.at_liver_limit
    assert (lesion.observations[0].label in result.at_liver_level) == below


def test_without_blood_pool_a_typical_value_stands_in_and_is_said() -> None:
    result = Scene(no_reference=("blood_pool",)).add(NODE, 9, 14).read()
    assert any(i.code == "lesions-no-blood-pool" for i in result.issues)
    assert near(candidates(result), NODE) is not None


def test_without_a_liver_reference_the_lower_uptake_in_the_liver_is_taken_and_said() -> None:
    scene = Scene(no_reference=("liver",)).add((-100, -10, 400), 28, 20)
    result = scene.read()
    issue = next(i for i in result.issues if i.code == "lesions-liver-level-from-image")
    assert issue.study == "S1"
    assert near(candidates(result), (-100, -10, 400)) is not None


def test_a_liver_hotter_than_any_normal_liver_is_not_its_own_background() -> None:
    scene = Scene(no_reference=("liver",)).add((-72, -10, 400), 75, 30)
    result = scene.read()
    assert any(i.code == "lesions-liver-level-typical" for i in result.issues)
    assert near(candidates(result), (-72, -10, 400), 60) is not None


def test_a_solid_node_before_the_spine_is_no_bowel_whatever_kidney_mask_it_lies_in() -> None:
    assert near(candidates(Scene().add((-8, 22, 300), 8, 9).read()), (-8, 22, 300)) is not None


def test_a_kidney_that_the_anatomy_missed_is_not_called_tumour() -> None:
    found = candidates(Scene(missing=("kidney_left",)).read())
    assert near(found, (62, 50, 320), 40) is None


def test_small_lesions_are_flagged_and_left_out_of_totals_unless_asked_for() -> None:
    mediastinum = (-10.0, -30.0, 600.0)
    result = Scene().add(mediastinum, 5.0, 30).add(VERTEBRA, 12, 10, None).read()
    small = near(candidates(result), mediastinum)
    assert small is not None
    assert {"small", "partial_volume"} <= set(small.observations[0].flags)
    settings = LesionSettings(small_volume_ml=3.0)
    without = summarise(result.lesions, "S1", settings)
    everything = summarise(result.lesions, "S1", settings.model_copy(update={"count_small_volumes": True}))
    assert without.lesion_count == everything.lesion_count == 2
    assert everything.volume_ml == pytest.approx(without.volume_ml + small.observations[0].volume_ml)
    assert "left out" in without.note


def test_the_body_may_lie_feet_first_on_another_grid() -> None:
    grid = Grid(
        (176, 56, 80),
        (5.0, 4.5, 4.5),
        (178.0, -124.0, 877.0),
        ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
        "1",
    )
    found = candidates(Scene(grid=grid).add(NODE, 9, 14).add(IN_LIVER, 11, 18).read())
    node, liver = near(found, NODE), near(found, IN_LIVER)
    assert node is not None
    assert liver is not None
    assert liver.side == "right"


def test_fdg_brain_bladder_and_kidneys_are_physiological_and_a_node_is_not() -> None:
    result = Scene(tracer=FDG).add((-10.0, -30.0, 600.0), 9, 9).read()
    assert near(candidates(result), (-10.0, -30.0, 600.0)) is not None
    assert {"brain", "bladder"} <= {x.site for x in result.lesions if x.status == "physiological"}


def graded(lesion: Lesion, grade: Grade) -> Lesion:
    seen = lesion.observations[0].model_copy(update={"krenning_modified": grade})
    return lesion.model_copy(update={"observations": (seen,)})


@pytest.fixture
def with_grades(three_lesions: LesionResult) -> Callable[..., tuple[Lesion, ...]]:
    def give(*grades: tuple[str, ...]) -> tuple[Lesion, ...]:
        return tuple(graded(x, Grade(value=g)) for x, g in zip(candidates(three_lesions), grades, strict=True))

    return give


def test_the_summary_counts_grades_by_number_and_by_volume(
    with_grades: Callable[..., tuple[Lesion, ...]],
) -> None:
    summary = summarise(with_grades(("3",), ("3", "4"), ("2",)), "S1")
    assert summary.count_by_grade == {"2": 1, "3": 1, "3/4": 1}
    assert sum(summary.volume_share_by_grade.values()) == pytest.approx(1.0)
    assert summary.share_grade_3_or_more_by_count == pytest.approx(2 / 3)
    assert summary.lesions_more_than_2cm_apart is True
    assert sum(summary.volume_by_region_ml.values()) == pytest.approx(summary.volume_ml)


@pytest.mark.parametrize(
    ("grades", "words"),
    [
        ((("3",), ("3",), ("3",)), "3 longer than 2 cm (grade 3)."),
        ((("3",), ("2",), ("3",)), "3 longer than 2 cm (grades 2, 3)."),
        (((), (), ()), "3 longer than 2 cm (refused)."),
    ],
)
def test_the_grades_of_what_is_longer_than_two_centimetres_are_said(
    with_grades: Callable[..., tuple[Lesion, ...]], grades: tuple[tuple[str, ...], ...], words: str
) -> None:
    lesions = [
        x.model_copy(update={"observations": (x.observations[0].model_copy(update={"long_axis_mm": 25.0}),)})
        for x in with_grades(*grades)
    ]
    assert words in summarise(lesions, "S1").note


def test_an_open_grade_leaves_the_share_open(with_grades: Callable[..., tuple[Lesion, ...]]) -> None:
    summary = summarise(with_grades(("3",), (), ("2",)), "S1")
    assert summary.count_by_grade["refused"] == 1
    assert summary.share_grade_3_or_more_by_count is None


def test_physiological_uptake_is_in_no_total(healthy: LesionResult) -> None:
    summary = summarise(healthy.lesions, "S1")
    assert summary.lesion_count == 0
    assert summary.volume_ml == 0


def test_indices_of_labels_fit_int16(three_lesions: LesionResult) -> None:
    kind: NDArray[np.int16] = three_lesions.labels.array
    assert kind.dtype == np.int16


def test_a_liver_that_is_mostly_tumour_is_one_volume_without_a_trusted_liver_level() -> None:
    scene = Scene(noise=0.01)
    for x in (-120.0, -95.0, -70.0, -45.0, -20.0):
        for y in (-50.0, -25.0, 0.0, 25.0):
            for z in (365.0, 390.0, 415.0, 440.0):
                if ((x + 72) / 60) ** 2 + ((y + 10) / 58) ** 2 + ((z - 400) / 46) ** 2 <= 1:
                    scene.add((x, y, z), 15.0, 13.0, 45.0)
    suv, ct, anatomy, references = scene.build()
    doubted = Reference(name="liver", status="caution", suspected=("tumour",))
    result = find_lesions(suv, ct, anatomy, {**references, "liver": doubted}, SSTR, study="S1")
    index = np.indices(scene.grid.shape).reshape(3, -1).T
    points = scene.grid.to_lps(index)
    truth = np.zeros(len(points), bool)
    for centre, radius, _, _ in scene.spheres:
        truth |= ((points - np.asarray(centre)) ** 2).sum(1) <= radius**2
    mass = next(x for x in candidates(result) if x.confluent)
    drawn = result.labels.array.ravel() == mass.observations[0].label
    dice = 2 * (drawn & truth).sum() / (drawn.sum() + truth.sum())
    assert dice > 0.8
    assert abs(drawn.sum() / truth.sum() - 1) < 0.2
    assert any(i.code == "lesions-liver-level-typical" for i in result.issues)


def test_a_liver_of_even_tumour_is_found_although_its_hottest_voxel_is_the_spill_of_the_kidney() -> None:
    """An even tumour has no peak of its own: the whole liver drains to where the kidney lies against it."""
    scene = Scene(noise=0.0).add((-72, -10, 400), 45.0, 14.0, None)
    scene.add((-60, 30, 372), 9.0, 40.0, None)  # kidney that reaches into the liver's mask
    suv, ct, anatomy, references = scene.build()
    labels = anatomy.labels.array
    index = np.indices(labels.shape).reshape(3, -1).T
    x, y, z = anatomy.labels.grid.to_lps(index).T
    labels.reshape(-1)[(x + 60) ** 2 + (y - 34) ** 2 + (z - 364) ** 2 <= 12.0**2] = LABELS["kidney_right"]
    result = find_lesions(suv, ct, anatomy, references, SSTR, study="S1")
    liver = near(candidates(result), (-72, -10, 400), 45.0)
    assert liver is not None
    assert liver.observations[0].volume_ml > 150


@pytest.mark.parametrize(("gap_mm", "found"), [(26.0, 2), (0.0, 1)])
def test_a_fainter_liver_lesion_that_drains_to_a_hotter_one_is_found_where_no_spill_reaches(
    gap_mm: float, found: int
) -> None:
    """Bridged by uptake between the two, so the fainter has no peak of its own; spill of one alone is no lesion."""
    hot = (-90.0, -15.0, 405.0)
    scene = Scene(noise=0.01).add(hot, 11.0, 60.0)
    for step in np.arange(12.0, gap_mm + 0.1, 2.0):
        scene.add((hot[0] + step, hot[1], hot[2]), 7.0, 20.0 - 0.15 * step)
    suv, ct, anatomy, references = scene.build()
    lesions = find_lesions(suv, ct, anatomy, references, SSTR).lesions
    at_liver = [
        one for one in lesions if one.status == "candidate" and abs(one.observations[0].centroid_mm[2] - 405) < 20
    ]
    assert len(at_liver) == found


@pytest.mark.parametrize("beyond_mm", [-6.0, 0.0, 3.0, 6.0, 9.0])
def test_a_hot_metastasis_is_found_wherever_the_rim_of_the_livers_mask_cuts_it(beyond_mm: float) -> None:
    centre = (-144.0 - beyond_mm, -10.0, 400.0)
    assert near(candidates(Scene().add(centre, 14, 40).read()), centre) is not None


@pytest.mark.parametrize("suv", [10.0, 12.0, 14.0])
def test_a_lesion_against_the_liver_does_not_take_the_liver_and_its_metastases_along(suv: float) -> None:
    """Its background is low, so its threshold lies at liver level: inside the liver the liver's own holds."""
    beside, inside = (-156.0, -10.0, 400.0), (-115.0, -10.0, 400.0)
    found = candidates(Scene().add(beside, 12, suv).add(inside, 10, 20).read())
    lesion, metastasis = near(found, beside), near(found, inside)
    assert lesion is not None and metastasis is not None
    assert lesion.observations[0].label != metastasis.observations[0].label
    assert lesion.observations[0].volume_ml < 3 * 7.2


def test_a_metastasis_of_the_liver_ends_at_the_kidney_that_lies_against_it() -> None:
    scene = Scene().add((-72, 20, 372), 12.0, 18.0, None)
    scene.add((-60, 46, 372), 14.0, 30.0, None)
    suv, ct, anatomy, references = scene.build()
    labels = anatomy.labels.array
    x, y, z = anatomy.labels.grid.to_lps(np.indices(labels.shape).reshape(3, -1).T).T
    kidney = (x + 60) ** 2 + (y - 46) ** 2 + (z - 372) ** 2 <= 15.0**2
    labels.reshape(-1)[kidney] = LABELS["kidney_right"]
    result = find_lesions(suv, ct, anatomy, references, SSTR, study="S1")
    lesion = near(candidates(result), (-72, 20, 372))
    assert lesion is not None
    drawn = result.labels.array.ravel() == lesion.observations[0].label
    assert not (drawn & kidney).any()


def test_confluent_disease_that_fades_to_one_side_keeps_its_faint_side() -> None:
    scene = Scene(noise=0.01)
    for x, suv in zip(np.linspace(-118, -52, 12), np.linspace(40, 10, 12), strict=True):
        scene.add((x, -10.0, 400.0), 20.0, suv)
    result = scene.read()
    grid = result.labels.grid
    points = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T)
    truth = np.zeros(len(points), bool)
    for centre, radius, _, _ in scene.spheres:
        truth |= ((points - np.asarray(centre)) ** 2).sum(1) <= radius**2
    labels = [x.observations[0].label for x in candidates(result)]
    drawn = np.isin(result.labels.array.ravel(), labels)
    assert abs(drawn.sum() / truth.sum() - 1) < 0.15
