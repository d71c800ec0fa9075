"""Planes through volumes in patient space, and which way an index axis points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from lutetia.model import Grid, Volume

FloatImage = npt.NDArray[np.float32]
Vector = tuple[float, float, float]

#: Unit vectors in LPS mm: to the patient's left, back and head.
LEFT: Vector = (1.0, 0.0, 0.0)
BACK: Vector = (0.0, 1.0, 0.0)
HEAD: Vector = (0.0, 0.0, 1.0)
FEET: Vector = (0.0, 0.0, -1.0)

#: What runs to the right and what runs down in a picture, as radiologists hang them (patient's right on our left).
AXIAL: tuple[Vector, Vector] = (LEFT, BACK)
CORONAL: tuple[Vector, Vector] = (LEFT, FEET)
SAGITTAL: tuple[Vector, Vector] = (BACK, FEET)


@dataclass(frozen=True)
class Orientation:
    """Which array axis runs along left, back and head, and whether it runs that way (+1) or against it (−1)."""

    left: tuple[int, int]
    back: tuple[int, int]
    head: tuple[int, int]


def orientation(grid: Grid) -> Orientation:
    """The array axis nearest to each patient axis; every array axis is used once, also on oblique grids."""
    direction = np.asarray(grid.direction, float)  # column a: LPS direction of array axis a
    best = max(permutations(range(3)), key=lambda order: sum(abs(direction[i, order[i]]) for i in range(3)))
    signed = [(axis, 1 if direction[i, axis] >= 0 else -1) for i, axis in enumerate(best)]
    return Orientation(left=signed[0], back=signed[1], head=signed[2])


@dataclass(frozen=True)
class Plane:
    """A square picture plane: `centre` in LPS mm, what runs right and down, its width in mm and in pixels."""

    centre: Vector
    right: Vector
    down: Vector
    width_mm: float
    pixels: int

    def index_lines(self, grid: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Fractional grid index (z, y, x) of pixel (row, column) is ``rows[row] + columns[column]``."""
        step = self.width_mm / self.pixels
        offsets = (np.arange(self.pixels) - (self.pixels - 1) / 2) * step
        origin = grid.to_index(self.centre)
        along = np.linalg.inv(grid.affine)[:3, :3]
        right, down = along @ np.asarray(self.right), along @ np.asarray(self.down)
        return origin + offsets[:, None] * down, offsets[:, None] * right


def sample(volume: Volume, plane: Plane, outside: float = 0.0) -> FloatImage:
    """Trilinear values on a plane, float32, shape (pixels, pixels); `outside` where the plane leaves the grid.

    Where a plane follows the grid's axes only the lines it needs are gathered, so a panel costs a millisecond.
    """
    rows, columns = plane.index_lines(volume.grid)
    index = rows[:, None, :] + columns[None, :, :]
    shape = np.asarray(volume.array.shape)
    inside = ((index > -0.5) & (index < shape - 0.5)).all(axis=2)
    clipped = np.clip(index, 0, shape - 1)
    low = np.minimum(clipped.astype(np.int32), np.maximum(shape - 2, 0).astype(np.int32))
    weight = (clipped - low).astype(np.float32)
    high = np.minimum(low + 1, shape - 1)
    z, y, x = (np.stack([low[..., a], high[..., a]]) for a in range(3))
    wz, wy, wx = (np.stack([1 - weight[..., a], weight[..., a]]) for a in range(3))
    out = np.zeros(inside.shape, np.float32)
    for i in range(2):
        if not wz[i].any():
            continue
        for j in range(2):
            if not wy[j].any():
                continue
            for k in range(2):
                if wx[k].any():
                    out += wz[i] * wy[j] * wx[k] * volume.array[z[i], y[j], x[k]]
    out[~inside] = outside
    return out


def sample_labels(volume: Volume, plane: Plane) -> npt.NDArray[np.int32]:
    """Nearest labels on a plane, int32, shape (pixels, pixels); 0 outside the grid."""
    rows, columns = plane.index_lines(volume.grid)
    index = np.rint(rows[:, None, :] + columns[None, :, :]).astype(np.int32)
    shape = np.asarray(volume.array.shape)
    inside = ((index >= 0) & (index < shape)).all(axis=2)
    index = np.clip(index, 0, shape - 1)
    labels = volume.array[index[..., 0], index[..., 1], index[..., 2]].astype(np.int32)
    labels[~inside] = 0
    return labels


def outline(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels just outside a mask (4-neighbourhood): a line that hides nothing of what it surrounds."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown & ~mask
