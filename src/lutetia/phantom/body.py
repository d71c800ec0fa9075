"""From shapes to tissue numbers on a grid: the painter, and the whole patient in painting order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lutetia.phantom import abdomen, head, skeleton, trunk
from lutetia.phantom.plan import BodyPlan
from lutetia.phantom.shapes import Shape, Tube
from lutetia.phantom.tissues import NUMBER
from lutetia.phantom.trunk import Part

Axis = npt.NDArray[np.float32]
SLAB = 48  # slices evaluated at once, so that temporaries stay small


@dataclass(frozen=True)
class Axes:
    """Coordinates of a grid's columns, rows and slices in the standard man's millimetres.

    Each is monotonic; x falls where the patient is mirrored.
    """

    x: Axis
    y: Axis
    z: Axis

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        return len(self.z), len(self.y), len(self.x)


def window(axis: Axis, low: float, high: float) -> slice:
    """The part of a monotonic axis that lies in [low, high]; empty where nothing does."""
    inside = np.flatnonzero((axis >= low) & (axis <= high))
    return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)


def paint(labels: npt.NDArray[np.uint8], axes: Axes, shape: Shape, number: int) -> None:
    """Write `number` into `labels` (z, y, x) wherever a voxel's centre lies in `shape`."""
    if isinstance(shape, Tube):
        for x, y, z, r in shape.balls():
            _paint_ball(labels, axes, float(x), float(y), float(z), float(r), number)
        return
    (x0, x1), (y0, y1), (z0, z1) = shape.bounds()
    wx, wy, wz = window(axes.x, x0, x1), window(axes.y, y0, y1), window(axes.z, z0, z1)
    if wx.start == wx.stop or wy.start == wy.stop:
        return
    x, y = axes.x[wx][None, None, :], axes.y[wy][None, :, None]
    for k in range(wz.start, wz.stop, SLAB):
        slab = slice(k, min(k + SLAB, wz.stop))
        inside = shape.value(x, y, axes.z[slab][:, None, None]) <= 0
        labels[slab, wy, wx][inside] = number


def _paint_ball(labels: npt.NDArray[np.uint8], axes: Axes, x: float, y: float, z: float, r: float, number: int) -> None:
    wx, wy, wz = window(axes.x, x - r, x + r), window(axes.y, y - r, y + r), window(axes.z, z - r, z + r)
    dx = (axes.x[wx] - x) ** 2
    dy = (axes.y[wy] - y) ** 2
    dz = (axes.z[wz] - z) ** 2
    inside = dz[:, None, None] + dy[None, :, None] + dx[None, None, :] <= r * r
    labels[wz, wy, wx][inside] = number


def patient_parts(plan: BodyPlan) -> list[Part]:
    """Every tissue of the patient, in painting order (later covers earlier)."""
    return [
        *trunk.wall(plan),
        *head.head(plan),
        *skeleton.ribs(plan),
        *skeleton.girdle(plan),
        *skeleton.pelvis(plan),
        *trunk.chest(plan),
        *skeleton.spine(),
        *abdomen.abdominal_organs(plan),
        *trunk.aorta(plan),
        *head.thyroid(plan),
    ]


def paint_parts(labels: npt.NDArray[np.uint8], axes: Axes, parts: Sequence[Part]) -> None:
    """Paint `parts` in order."""
    for tissue, shape in parts:
        paint(labels, axes, shape, NUMBER[tissue])


def paint_patient(plan: BodyPlan, axes: Axes, *, with_couch: bool = False) -> npt.NDArray[np.uint8]:
    """Tissue numbers (`tissues.NUMBER`) on a grid, shape (nz, ny, nx)."""
    labels = np.zeros(axes.shape, np.uint8)
    if with_couch:
        paint_parts(labels, axes, trunk.couch(plan))
    paint_parts(labels, axes, patient_parts(plan))
    return labels
