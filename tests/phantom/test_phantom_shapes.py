"""Shapes, lesions and grades of the phantom."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.model import Grid
from lutetia.phantom.body import Axes, paint
from lutetia.phantom.grids import Pose
from lutetia.phantom.lesions import merge_meeting
from lutetia.phantom.plan import plan_body
from lutetia.phantom.scanner import image
from lutetia.phantom.shapes import Below, Common, HalfSpace, Shape, Superquadric, Tube, Union, Without, ball, spline
from lutetia.phantom.truth import acceptable_grades

STEP = 1.0


def volume_mm3(shape: Shape) -> float:
    line = np.arange(-60.0, 60.0, STEP, dtype=np.float32)
    labels = np.zeros((line.size,) * 3, np.uint8)
    paint(labels, Axes(line, line, line), shape, 1)
    return float(labels.sum()) * STEP**3


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (ball((3.0, -4.0, 5.0), 20.0), 4 / 3 * np.pi * 20**3),
        (Superquadric((0, 0, 0), (30, 20, 10), 2.0, (35, 20, 10)), 4 / 3 * np.pi * 30 * 20 * 10),
        (Without(ball((0, 0, 0), 30), ball((0, 0, 0), 20)), 4 / 3 * np.pi * (30**3 - 20**3)),
        (Common((ball((0, 0, 0), 30), HalfSpace((0, 0, 0), (0, 0, 1)))), 2 / 3 * np.pi * 30**3),
        (Union((ball((-30, 0, 0), 20), ball((30, 0, 0), 20))), 8 / 3 * np.pi * 20**3),
        (Common((ball((0, 0, 0), 30), Below((0, 0), 0.0, (0, 0), (1, 1)))), 2 / 3 * np.pi * 30**3),
        (Tube(((-40, 0, 0, 8), (40, 0, 0, 8))), np.pi * 8**2 * 80 + 4 / 3 * np.pi * 8**3),
    ],
    ids=["ball", "turned ellipsoid", "shell", "half ball", "two balls", "under a dome", "tube"],
)
def test_painted_volume_is_the_volume_of_the_solid(shape: Shape, expected: float) -> None:
    assert volume_mm3(shape) == pytest.approx(expected, rel=0.05)


def test_a_mirrored_axis_paints_the_mirror_image() -> None:
    line = np.arange(-30.0, 31.0, dtype=np.float32)
    solid = Tube(((5, 0, 0, 4), (20, 10, 12, 7)))
    plain, mirrored = (np.zeros((line.size,) * 3, np.uint8) for _ in range(2))
    paint(plain, Axes(line, line, line), solid, 1)
    paint(mirrored, Axes(-line, line, line), solid, 1)
    assert plain.any()
    assert (mirrored == plain[:, :, ::-1]).all()


def test_a_line_passes_through_its_points_and_keeps_its_radii_positive() -> None:
    points = [(0, 0, 0, 3.0), (10, 5, 0, 1.0), (20, 0, 5, 9.0), (40, 0, 0, 2.0)]
    line = spline(points, 0.5)
    for point in points:
        assert np.abs(line[:, :3] - point[:3]).sum(1).min() < 1e-9
    assert line[:, 3].min() >= 1.0


def test_the_point_spread_function_keeps_activity_and_widens_a_point_to_its_width() -> None:
    grid = Grid(shape=(41, 41, 41), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    point = np.zeros(grid.shape, np.float32)
    point[20, 20, 20] = 1000.0
    seen = image(point, grid, grid, 6.0)
    assert seen.sum() == pytest.approx(1000.0, rel=1e-3)
    profile = seen[20, 20]
    assert (profile >= profile.max() / 2).sum() == pytest.approx(6.0, abs=1.0)


def test_nodules_that_meet_are_one_lesion_and_distant_ones_are_not() -> None:
    nodules = [(0.0, 0.0, 0.0, 10.0), (21.0, 0.0, 0.0, 10.0), (42.0, 0.0, 0.0, 10.0), (90.0, 0.0, 0.0, 10.0)]
    groups = sorted(len(g) for g in merge_meeting(nodules, (1.0, 1.0, 1.0)))
    assert groups == [1, 3]


def test_breathing_moves_the_dome_and_leaves_the_pelvis() -> None:
    plan = plan_body(1, "standard")
    grid = Grid(shape=(900, 1, 1), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, -300.0))
    still, lifted = Pose().axes(grid, plan).z, Pose(breathing_mm=10.0).axes(grid, plan).z
    moved = still - lifted
    assert moved.max() == pytest.approx(10.0 / plan.scale[2], rel=0.01)
    assert moved[0] < 0.5
    assert (np.diff(lifted) > 0).all()


@pytest.mark.parametrize(
    ("value", "spleen", "expected"),
    [
        (0.5, 20.0, ["0"]),
        (1.5, 20.0, ["0", "1", "2"]),
        (4.0, 20.0, ["2"]),
        (6.2, 20.0, ["2", "3"]),
        (12.0, 20.0, ["3"]),
        (19.0, 20.0, ["3", "4"]),
        (30.0, 20.0, ["4"]),
        (30.0, None, ["3", "4"]),
        (30.0, 5.0, ["3", "4"]),
    ],
)
def test_grades_a_careful_reader_may_give(value: float, spleen: float | None, expected: list[str]) -> None:
    assert acceptable_grades(value, 1.5, 6.0, spleen, 0.0) == expected
