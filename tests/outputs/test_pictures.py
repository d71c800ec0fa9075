"""Pictures: right side, right place, right window."""

from __future__ import annotations

import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from lutetia.model import Grid, Tracer, Volume
from lutetia.outputs import colours
from lutetia.outputs.pictures import annotate, fused, mip, planes, shades
from lutetia.outputs.pictures.planes import Plane
from lutetia.outputs.volumes import Region

HEAD_FIRST = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
FEET_FIRST = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
DOWNWARDS = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))


def _body(direction) -> tuple[Volume, tuple[float, float, float]]:
    """A body with one hot voxel on the patient's left, in front, near the head."""
    grid = Grid((40, 30, 30), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), direction)
    array = np.full(grid.shape, 1.0, np.float32)
    corners = grid.to_lps([(0, 0, 0), (39, 29, 29)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    point = (low[0] + 0.8 * (high[0] - low[0]), low[1] + 0.2 * (high[1] - low[1]), low[2] + 0.85 * (high[2] - low[2]))
    index = np.rint(grid.to_index(point)).astype(int)
    array[tuple(index)] = 20.0
    return Volume(array, grid, "SUVbw"), tuple(float(v) for v in grid.to_lps(index))


@pytest.mark.parametrize("direction", [HEAD_FIRST, FEET_FIRST, DOWNWARDS])
def test_the_patients_left_is_on_our_right_and_the_head_is_up(direction):
    volume, point = _body(direction)
    coronal, sagittal = mip.projections(volume, 20.0)
    for view, across in ((coronal, 0.8), (sagittal, 0.2)):
        pixels = np.asarray(Image.open(io.BytesIO(view.jpeg)))
        row, column = np.unravel_index(pixels.argmin(), pixels.shape)
        assert column / view.width == pytest.approx(across, abs=0.05)
        assert row / view.height == pytest.approx(0.15, abs=0.05)
        x, y = view.locate(point)
        assert (x, y) == pytest.approx((column, row), abs=3.0)


def test_an_oblique_grid_uses_each_axis_once():
    turn = np.deg2rad(40.0)
    direction = ((0.0, -np.sin(turn), np.cos(turn)), (0.0, np.cos(turn), np.sin(turn)), (1.0, 0.0, 0.0))
    grid = Grid((3, 3, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), direction)
    way = planes.orientation(grid)
    assert {way.left[0], way.back[0], way.head[0]} == {0, 1, 2}


def test_sampling_gives_the_value_at_the_place_whatever_the_grid():
    grid = Grid((20, 20, 20), (3.0, 2.0, 2.5), (5.0, -7.0, 11.0), FEET_FIRST)
    index = np.stack(np.meshgrid(*[np.arange(20)] * 3, indexing="ij"), axis=-1)
    ramp = Volume(grid.to_lps(index)[..., 1].astype(np.float32), grid, "SUVbw")
    centre = tuple(float(v) for v in grid.to_lps((10, 10, 10)))
    plane = Plane(centre, planes.LEFT, planes.BACK, 12.0, 12)
    values = planes.sample(ramp, plane)
    assert values[:, 0] == pytest.approx(centre[1] + np.arange(12) - 5.5, abs=1e-3)


def test_a_plane_that_leaves_the_grid_is_filled():
    grid = Grid((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    volume = Volume(np.ones((4, 4, 4), np.float32), grid, "SUVbw")
    values = planes.sample(volume, Plane((1.5, 1.5, 1.5), planes.LEFT, planes.FEET, 40.0, 40), outside=-1.0)
    assert values.min() == -1.0
    assert values[20, 20] == 1.0


def test_an_outline_hides_nothing_of_what_it_surrounds():
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    line = planes.outline(mask)
    assert not (line & mask).any()
    assert line.sum() == 12


def test_the_window_follows_the_tracer_and_the_liver():
    sstr = Tracer(key="dotatate", name="x", binds="sstr_agonist", radionuclide="68Ga")
    fdg = Tracer(key="fdg", name="x", binds="glucose", radionuclide="18F")
    assert mip.window_top(6.0, sstr, 1.0) == 15.0
    assert mip.window_top(1.0, sstr, 1.0) == 8.0
    assert mip.window_top(30.0, sstr, 1.0) == 25.0
    assert mip.window_top(None, sstr, 1.0) == 15.0
    assert mip.window_top(2.0, fdg, 1.0) == 7.0
    assert mip.window_top(None, None, 40000.0) == 10000.0


def test_pet_is_white_at_zero_and_black_from_the_window_on():
    grey = shades.inverted_grey(np.array([0.0, 5.0, 10.0, 99.0], np.float32), 10.0)
    assert grey.tolist()[0] == 255
    assert grey.tolist()[2:] == [0, 0]
    assert 120 < grey[1] < 135


def test_fusion_shows_the_ct_alone_where_there_is_no_uptake():
    ct = np.full((2, 2), 40.0, np.float32)
    out = shades.fused(ct, np.zeros((2, 2), np.float32), 10.0)
    assert np.array_equal(out[..., 0], out[..., 2])


def test_without_ct_a_strip_shows_three_planes_of_the_pet(made_up):
    held = made_up.pixels
    assert held.suv is not None
    assert held.lesions is not None
    scene = fused.Scene(held.suv, None, 15.0)
    strip = fused.lesion_strip(scene, held.lesions, 1, (-60.0, 0.0, 10.0), 14.0, 20.0)
    assert strip.panels == ("axial PET", "coronal PET", "sagittal PET")


def test_where_the_ct_does_not_reach_a_strip_shows_the_pet_alone(made_up):
    held = made_up.pixels
    assert held.suv is not None
    assert held.lesions is not None
    short = Volume(np.full((4, 80, 96), 40, np.int16), Grid((4, 80, 96), (5.0, 2.0, 2.0), (-97.0, -81.0, -75.0)), "HU")
    strips = [
        fused.lesion_strip(fused.Scene(held.suv, short, 15.0), held.lesions, 1, centre, 14.0, 20.0)
        for centre in ((-60.0, 0.0, 10.0), (0.0, 0.0, -70.0))
    ]
    assert ["axial CT" in strip.panels for strip in strips] == [False, True]


def test_a_strip_is_outlined_where_the_lesion_is(made_up):
    held = made_up.pixels
    assert held.suv is not None
    assert held.lesions is not None
    strip = fused.lesion_strip(fused.Scene(held.suv, held.ct, 15.0), held.lesions, 1, (-60.0, 0.0, 10.0), 14.0, 20.0)
    pixels = np.asarray(Image.open(io.BytesIO(strip.jpeg))).astype(int)
    cyan = (pixels[..., 2] - pixels[..., 0] > 80) & (pixels[..., 1] > 120)
    panel = cyan[:, : fused.PANEL_PIXELS]
    rows, columns = np.nonzero(panel)
    assert rows.mean() == pytest.approx(fused.PANEL_PIXELS / 2, abs=3)
    assert columns.mean() == pytest.approx(fused.PANEL_PIXELS / 2, abs=3)


def test_a_faint_lesion_gets_a_narrower_window_and_a_hot_one_a_wider(made_up):
    held = made_up.pixels
    assert held.suv is not None
    assert held.lesions is not None
    scene = fused.Scene(held.suv, held.ct, 16.0)
    uppers = [fused.lesion_strip(scene, held.lesions, 1, (0.0, 0.0, 0.0), top, 20.0).upper for top in (1.0, 8.0, 90.0)]
    assert uppers == [4.0, 8.0, 40.0]


def test_a_region_is_kept_as_its_bounding_box():
    mask = np.zeros((10, 10, 10), bool)
    mask[2:5, 3:4, 6:9] = True
    region = Region.from_mask(mask)
    assert region.start == (2, 3, 6)
    assert region.mask.shape == (3, 1, 3)
    assert Region.from_mask(np.zeros((3, 3, 3), bool)).mask.size == 0


def _tags(svg: str) -> list[tuple[float, float, float]]:
    """(x, top, height) of every tag."""
    found = re.findall(r"<rect x='([-\d.]+)' y='([-\d.]+)' width='[\d.]+' height='([\d.]+)' rx", svg)
    return [(float(x), float(y), float(height)) for x, y, height in found]


@pytest.mark.parametrize("scale", [1.0, 2.3])
@pytest.mark.parametrize("count", [0, 1, 5, 25, 60, 120])
def test_tags_never_touch_and_stay_inside_the_picture(count, scale):
    marks = [annotate.Mark(40.0, 100.0, str(i), (200, 30, 30)) for i in range(count)]
    tags = _tags(annotate.annotated_svg(b"x", 300, 700, marks, "crowded", scale))
    assert len(tags) == count
    for (_, y, height), (_, below, _) in itertools.pairwise(tags):
        assert y + height <= below + 0.2
    assert all(y >= 0 and y + height <= 700.5 for _, y, height in tags)


def test_tags_that_have_room_stay_where_their_lesion_is():
    assert annotate.spread_heights([50.0, 200.0, 400.0], 10.0, 700.0, 21.5) == pytest.approx([50.0, 200.0, 400.0])


def test_text_in_a_mark_can_not_break_the_picture():
    mark = annotate.Mark(5.0, 5.0, "<script>", (1, 2, 3))
    svg = annotate.annotated_svg(b"x", 10, 10, [mark], "a & b < c")
    assert "<script>" not in svg
    assert "a &amp; b &lt; c" in svg


def test_every_grade_colour_can_be_read_on():
    def luminance(rgb):
        parts = [(c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for colour in (*colours.GRADE.values(), *colours.GRADE_SET.values(), colours.UNKNOWN_GRADE):
        dark, light = sorted((luminance(colour), luminance(colours.text_on(colour))))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_grades_get_darker_so_that_grey_print_keeps_their_order():
    def lightness(rgb):
        return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]

    order = [lightness(colours.GRADE[g]) for g in "01234"]
    assert order[0] > order[1] > order[2] > order[4]
    assert order[3] > order[4]


@pytest.mark.parametrize("pair", [planes.AXIAL, planes.CORONAL, planes.SAGITTAL])
@pytest.mark.parametrize("centre", [(3.0, 4.0, 5.0), (-9.0, 2.0, 11.3)])
def test_a_plane_along_the_axes_gives_what_a_turned_one_gives(pair, centre):
    generator = np.random.default_rng(3)
    grid = Grid(shape=(9, 11, 13), spacing_mm=(3.0, 2.0, 2.5), origin_mm=(-10.0, -8.0, -6.0))
    volume = Volume(generator.random((9, 11, 13), np.float32), grid, "SUV")
    straight = planes.Plane(centre, pair[0], pair[1], 40.0, 33)
    # turned by a hair: too little to matter, enough to take the general way
    turned = planes.Plane(centre, tuple(np.asarray(pair[0]) + 1e-6 * np.asarray(pair[1])), pair[1], 40.0, 33)
    a, b = planes.sample(volume, straight, outside=-1.0), planes.sample(volume, turned, outside=-1.0)
    edge = np.isclose(a, -1.0) != np.isclose(b, -1.0)
    assert edge.mean() < 0.07
    assert np.allclose(a[~edge], b[~edge], atol=1e-3)
