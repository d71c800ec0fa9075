"""Two CTs of one body brought together; what can't be brought together says so."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from lutetia.imaging.registration import AlignmentSettings, align, identity_alignment, smallest_jacobian
from lutetia.imaging.registration.images import working_image
from lutetia.imaging.registration.profiles import start_offsets
from lutetia.imaging.registration.quality import dome_residual, uptake_agreement
from lutetia.model import Grid, Volume

SHAPE, SPACING = (110, 60, 80), 5.0
RIGID = AlignmentSettings(deformable=False, spacing_mm=6.0)


def body(shift_mm: tuple[float, float, float] = (0, 0, 0), swell_mm: float = 0.0, seed: int = 0) -> Volume:
    """A trunk on a 5 mm grid: skin, lungs, spine, ribs, a liver; moved by LPS (x, y, z) mm, liver dome raised."""
    z, y, x = np.meshgrid(*[np.arange(n) * SPACING for n in SHAPE], indexing="ij")
    x, y, z = x - 200.0 - shift_mm[0], y - 150.0 - shift_mm[1], z - 275.0 - shift_mm[2]
    waist = 1 - 0.12 * np.cos(z / 90)
    hu = np.full(SHAPE, -1000.0)
    skin = (x / (165 * waist)) ** 2 + (y / 105) ** 2 < 1
    skin &= np.abs(z) < 265
    hu[skin] = -100
    hu[skin & ((x / (145 * waist)) ** 2 + (y / 88) ** 2 < 1)] = 40
    for side in (-1, 1):
        lung = ((x - side * 70) / 52) ** 2 + (y / 70) ** 2 + ((z - 120) / 110) ** 2 < 1
        hu[skin & lung] = -820
    dome = 20 + swell_mm * np.exp(-(((x + 60) / 60) ** 2))
    hu[((x + 60) / 75) ** 2 + ((y + 10) / 65) ** 2 + ((z + dome * 0 - 20) / (75 + swell_mm)) ** 2 < 1] = 60
    hu[(x**2 + (y - 60) ** 2 < 22**2) & skin] = 350
    hu[(np.abs(x) < 130) & (np.abs(np.hypot(x / 1.5, y) - 84) < 5) & (np.mod(z, 30) < 9) & (z > 0) & skin] = 500
    hu[(np.abs(z + 200) < 30) & (np.abs(np.abs(x) - 90) < 18) & (np.abs(y) < 60)] = 420
    hu += np.random.default_rng(seed).normal(0, 15, SHAPE)
    return Volume(hu.astype(np.int16), Grid(SHAPE, (SPACING,) * 3, (-200.0, -150.0, -275.0)), "HU")


def test_a_moved_table_is_found_to_within_two_millimetres() -> None:
    found = align(body(), body(shift_mm=(12, -8, 35), seed=1), "CT", RIGID)
    points = np.array([[0.0, 60.0, 0.0], [-60.0, 0.0, 20.0], [70.0, 0.0, 150.0]])
    assert np.abs(found.to_moving(points) - (points + np.array((12, -8, 35)))).max() < 2.0
    assert np.abs(found.to_fixed(found.to_moving(points)) - points).max() < 0.01
    assert found.quality.status == "ok"


def test_another_field_of_view_is_lined_up_by_what_both_show() -> None:
    fixed, moving = body(), body(shift_mm=(5, 0, -20), seed=2)
    cut = Volume(moving.array[45:], Grid((65, 60, 80), (SPACING,) * 3, (-200.0, -150.0, -275.0 + 45 * SPACING)), "HU")
    found = align(fixed, cut, "CT", RIGID)
    point = np.array([[0.0, 60.0, 60.0]])
    assert np.abs(found.to_moving(point) - (point + np.array((5, 0, -20)))).max() < 3.0


def test_where_the_best_profile_leads_to_a_poor_alignment_the_next_table_position_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = import_module("lutetia.imaging.registration.align")
    fixed, moving = body(), body(shift_mm=(5, 0, -20), seed=2)
    astray, right = (400.0, 150.0), (-20.0, 500.0)
    monkeypatch.setattr(room, "start_offsets", lambda *_: (astray,))
    assert align(fixed, moving, "CT", RIGID).quality.status == "poor"
    monkeypatch.setattr(room, "start_offsets", lambda *_: (astray, right))
    found = align(fixed, moving, "CT", RIGID)
    point = np.array([[0.0, 60.0, 60.0]])
    assert found.quality.status == "ok"
    assert np.abs(found.to_moving(point) - (point + np.array((5, 0, -20)))).max() < 3.0


def test_table_positions_to_start_from_lie_apart() -> None:
    shifts = [dz for dz, _ in start_offsets(body(), body(shift_mm=(0, 0, 36), seed=3), "CT", RIGID)]
    assert len(shifts) > 1 and abs(shifts[0] - 36) <= 6
    assert min(abs(a - b) for n, a in enumerate(shifts) for b in shifts[:n]) >= 40


def test_the_same_input_gives_the_same_transform() -> None:
    a, b = body(), body(shift_mm=(4, 3, 10), seed=3)
    first = align(a, b, "CT", RIGID)
    second = align(a, b, "CT", RIGID)
    assert np.array_equal(first.rigid, second.rigid)


def test_deforming_never_folds_space() -> None:
    found = align(body(), body(swell_mm=18, seed=4), "CT", AlignmentSettings(spacing_mm=6.0))
    assert found.displacement_mm is None or smallest_jacobian(found.displacement_mm, 6.0) > 0


def test_images_of_different_things_are_called_poor() -> None:
    noise = np.random.default_rng(5).normal(0, 300, SHAPE).astype(np.int16)
    other = Volume(noise, body().grid, "HU")
    assert align(body(), other, "CT", RIGID).quality.status == "poor"


def test_a_study_lies_exactly_on_itself() -> None:
    points = np.array([[1.0, 2.0, 3.0]])
    assert np.array_equal(identity_alignment(body().grid).to_moving(points), points)


def test_a_point_may_come_alone() -> None:
    found = align(body(), body(shift_mm=(0, 0, 10), seed=6), "CT", RIGID)
    assert found.to_moving((0.0, 0.0, 0.0)).shape == (3,)
    assert found.to_moving((0.0, 0.0, 0.0))[2] == pytest.approx(10.0, abs=2.0)


def uptake(dome_mm: float, seed: int) -> Volume:
    """Working image of an uptake: a warm trunk, and a hot liver whose dome stands so much higher."""
    grid = Grid((60, 30, 40), (6.0,) * 3, (-120.0, -90.0, 0.0))
    z = np.arange(60)[:, None, None] * 6.0
    image = np.where(z < 150 + dome_mm, 3.0, 1.0) * np.ones(grid.shape)
    return Volume(
        (image + np.random.default_rng(seed).normal(0, 0.1, grid.shape)).astype(np.float32), grid, "sqrt(SUV)"
    )


def test_uptakes_agree_less_when_a_deformation_follows_the_breath_of_the_cts_alone() -> None:
    fixed, same, lifted = uptake(0, 1), uptake(0, 2), uptake(18, 3)
    rigid = identity_alignment(fixed.grid)
    field = np.zeros((*fixed.grid.shape, 3), np.float32)
    field[..., 2] = 18.0
    deformed = replace(rigid, displacement_mm=field)
    assert uptake_agreement(deformed, fixed, same) < uptake_agreement(rigid, fixed, same)
    assert uptake_agreement(deformed, fixed, lifted) > uptake_agreement(rigid, fixed, lifted)


def lung_over_liver(base: int, gas: bool = False) -> np.ndarray:
    """A working CT (4 mm): lung from slice `base` up, liver below, and on demand gas in the bowel."""
    image = np.full((70, 50, 60), -500.0, np.float32)
    image[2:68, 5:45, 5:55] = 50.0
    image[base:66, 12:38, 10:25] = -500.0
    if gas:
        image[10:16, 20:26, 40:46] = -500.0
    return image


def test_the_dome_is_measured_at_the_lung_and_not_at_gas_in_the_bowel() -> None:
    assert dome_residual(lung_over_liver(40), lung_over_liver(43, gas=True), 4.0) == 12.0
    assert dome_residual(lung_over_liver(40, gas=True), lung_over_liver(40), 4.0) == 0.0


def test_without_lungs_no_dome_is_claimed() -> None:
    abdomen = lung_over_liver(40)[:36]
    assert dome_residual(abdomen, abdomen, 4.0) is None


@pytest.mark.parametrize("spacing", [(3.0, 2.7, 2.7), (1.5, 0.98, 0.98)])
def test_a_ct_as_integers_gives_the_same_working_image_as_one_of_floats(spacing: tuple[float, float, float]) -> None:
    tilt = np.deg2rad(9.0)
    turned = ((0.0, 0.0, 1.0), (-np.sin(tilt), np.cos(tilt), 0.0), (np.cos(tilt), np.sin(tilt), 0.0))
    grid = Grid((40, 60, 60), spacing, (-80.0, -75.0, 10.0), direction=turned)
    ct = np.random.default_rng(3).integers(-1024, 3000, grid.shape, dtype=np.int16)
    ct[:, 15:45, 15:45] = 40
    whole, real = (working_image(Volume(ct.astype(kind), grid, "HU"), "CT") for kind in (np.int16, np.float32))
    assert np.array_equal(whole.array, real.array)
    assert whole.grid == real.grid
