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
    if axis[0] <= axis[-1]:
        first, last = np.searchsorted(axis, low), np.searchsorted(axis, high, side="right")
    else:
        first, last = np.searchsorted(-axis, -high), np.searchsorted(-axis, -low, side="right")
    return slice(int(first), max(int(first), int(last)))


def paint(labels: npt.NDArray[np.uint8], axes: Axes, shape: Shape, number: int) -> None:
    """Write `number` into `labels` (z, y, x) wherever a voxel's centre lies in `shape`."""
    if isinstance(shape, Tube):
        _paint_balls(labels, axes, shape.balls(), number)
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


def _paint_balls(labels: npt.NDArray[np.uint8], axes: Axes, balls: npt.NDArray[np.float64], number: int) -> None:
    """Paint rows (x, y, z, radius): the windows of all balls at once, then ball by ball on its own box."""
    spans = []
    for axis, centre in zip((axes.x, axes.y, axes.z), balls.T[:3], strict=True):
        rising = axis if axis[0] <= axis[-1] else -axis
        middle = centre if axis[0] <= axis[-1] else -centre
        spans.append(np.searchsorted(rising, middle - balls[:, 3]).tolist())
        spans.append(np.searchsorted(rising, middle + balls[:, 3], side="right").tolist())
    for (x, y, z, r), x0, x1, y0, y1, z0, z1 in zip(balls.tolist(), *spans, strict=True):
        if x0 >= x1 or y0 >= y1 or z0 >= z1:
            continue
        across = (axes.y[y0:y1, None] - y) ** 2 + (axes.x[None, x0:x1] - x) ** 2
        inside = across[None] <= (r * r - (axes.z[z0:z1] - z) ** 2)[:, None, None]
        labels[z0:z1, y0:y1, x0:x1][inside] = number


def patient_parts(plan: BodyPlan) -> list[Part]:
    """Every tissue of the patient, in painting order (later covers earlier)."""
    return [
        *trunk.wall(plan),
        *head.head(plan),
        *skeleton.ribs(plan),
        *skeleton.girdle(plan),
        *trunk.chest(plan),
        *skeleton.spine(),
        *abdomen.abdominal_organs(plan),
        *skeleton.pelvis(plan),
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
