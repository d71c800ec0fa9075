"""The working grid's morphology: what it saves in time changes no voxel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm

SHAPES = [(9, 11, 7), (1, 6, 5), (4, 1, 1), (2, 2, 2)]
AXES = [(0, 1, 2), mm.IN_SLICE]


def masks(shape: tuple[int, int, int]) -> list[mm.Mask]:
    """Sparse, dense, empty and full masks."""
    random = np.random.default_rng(7)
    return [random.random(shape) < share for share in (0.0, 0.1, 0.6, 0.9, 1.1)]


def cross(axes: tuple[int, ...]) -> mm.Mask:
    """The structuring element of faces along these axes."""
    return mm.FACES if len(axes) == 3 else ndi.generate_binary_structure(2, 1)[None]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axes", AXES)
def test_shrinking_growing_and_opening_are_those_of_scipy(shape: tuple[int, int, int], axes: tuple[int, ...]) -> None:
    element = cross(axes)
    for mask in masks(shape):
        before = mask.copy()
        assert np.array_equal(mm.shrunk(mask, axes), ndi.binary_erosion(mask, element))
        assert np.array_equal(mm.shrunk(mask, axes, outside=True), ndi.binary_erosion(mask, element, border_value=1))
        assert np.array_equal(mm.grown(mask, axes), ndi.binary_dilation(mask, element))
        assert np.array_equal(mm.opened(mask, axes), ndi.binary_opening(mask, element))
        assert np.array_equal(mm.shrunk(mm.grown(mask, axes), axes), ndi.binary_closing(mask, element))
        assert np.array_equal(mask, before)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("margin", [0, 2, (0, 1, 3)])
def test_a_box_holds_every_voxel_and_no_more_than_its_margin(
    shape: tuple[int, int, int], margin: int | tuple[int, ...]
) -> None:
    for mask in masks(shape):
        box = mm.bounding_box(mask, margin)
        if not mask.any():
            assert box is None
            continue
        assert box is not None
        wide = np.broadcast_to(margin, 3)
        for axis, (part, at) in enumerate(zip(box, np.nonzero(mask), strict=True)):
            assert part.start == max(0, at.min() - wide[axis])
            assert part.stop == min(shape[axis], at.max() + 1 + wide[axis])
