"""A small mask inside a larger grid, kept as its bounding box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A small mask inside a larger grid: only its bounding box is kept.

    Attributes
    ----------
    start : (z, y, x) index of the mask's first voxel in the grid
    mask : bool, shape (dz, dy, dx)
    """

    start: tuple[int, int, int]
    mask: BoolArray

    @classmethod
    def from_mask(cls, mask: npt.NDArray[Any]) -> Region:
        """The bounding box of a mask on the whole grid, shape (z, y, x). An empty mask gives an empty region."""
        box: list[slice] = []
        view = np.asarray(mask, bool)
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            hit = np.flatnonzero(view.any(axis=others))
            if hit.size == 0:
                return cls((0, 0, 0), np.zeros((0, 0, 0), bool))
            box.append(slice(int(hit[0]), int(hit[-1]) + 1))
        cropped = np.ascontiguousarray(view[box[0], box[1], box[2]])
        return cls((box[0].start, box[1].start, box[2].start), cropped)
