"""Coronal and sagittal maximum intensity projections, hung as readers know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from lutetia.model import Grid, Tracer, Volume
from lutetia.outputs.pictures.planes import Orientation, orientation
from lutetia.outputs.pictures.shades import inverted_grey, jpeg

#: Pixel size of the finished picture.
PIXEL_MM = 1.1
_MARGIN_MM = 12.0


@dataclass(frozen=True, eq=False)
class Projection:
    """A finished projection and how to find a point in it.

    Attributes
    ----------
    jpeg : the picture
    width, height : its size in pixels of `PIXEL_MM`
    upper : the SUV that is black
    """

    jpeg: bytes
    width: int
    height: int
    upper: float
    grid: Grid
    across: tuple[int, int]
    down: tuple[int, int]
    first: tuple[float, float]

    def locate(self, point_mm: tuple[float, float, float]) -> tuple[float, float]:
        """Picture coordinates (x, y), in pixels from the upper left, of a point in LPS mm."""
        index = self.grid.to_index(point_mm)
        place = []
        for (axis, sign), first in ((self.across, self.first[0]), (self.down, self.first[1])):
            along = index[axis] if sign > 0 else self.grid.shape[axis] - 1 - index[axis]
            place.append((along + 0.5) * self.grid.spacing_mm[axis] / PIXEL_MM - first)
        return place[0], place[1]


def window_top(liver: float | None, tracer: Tracer | None, observed_max: float) -> float:
    """The SUV shown black: 2.5 times the liver for SSTR tracers (8 to 25), 7 for FDG, else from the image itself."""
    if tracer is not None and tracer.binds == "glucose":
        return 7.0
    if tracer is not None and tracer.is_sstr:
        return float(np.clip(round(2.5 * liver), 8, 25)) if liver else 15.0
    return max(float(f"{observed_max * 0.25:.1g}"), 1e-6)


def projections(volume: Volume, upper: float) -> tuple[Projection, Projection]:
    """Coronal and sagittal projection of a volume, cropped to the body, both with the same rows.

    Parameters
    ----------
    volume : SUV (or stored values), shape (z, y, x)
    upper : the value that is black
    """
    way = orientation(volume.grid)
    views = [_projected(volume, way, "back"), _projected(volume, way, "left")]
    rows = np.zeros(views[0].shape[0], bool)
    boxes = []
    for view in views:
        body = view > 0.025 * upper
        rows |= body.any(axis=1)
        boxes.append(np.flatnonzero(body.any(axis=0)))
    row_index = np.flatnonzero(rows)
    head, down = way.head, (way.head[0], -way.head[1])
    finished = []
    for view, columns, across in zip(views, boxes, (way.left, way.back), strict=True):
        mm_down, mm_across = volume.grid.spacing_mm[head[0]], volume.grid.spacing_mm[across[0]]
        top, bottom = _span(row_index, view.shape[0], mm_down)
        left, right = _span(columns, view.shape[1], mm_across)
        grey = inverted_grey(view[top:bottom, left:right], upper)
        width = max(round(grey.shape[1] * mm_across / PIXEL_MM), 1)
        height = max(round(grey.shape[0] * mm_down / PIXEL_MM), 1)
        picture = Image.fromarray(grey).resize((width, height), Image.Resampling.BICUBIC)
        first = (left * mm_across / PIXEL_MM, top * mm_down / PIXEL_MM)
        pixels = np.asarray(picture)
        finished.append(Projection(jpeg(pixels), width, height, upper, volume.grid, across, down, first))
    return finished[0], finished[1]


def _projected(volume: Volume, way: Orientation, through: str) -> npt.NDArray[np.float32]:
    """Maximum through one patient axis; rows run to the feet, columns to the left (or to the back)."""
    gone, across = (way.back, way.left) if through == "back" else (way.left, way.back)
    view = np.asarray(volume.array.max(axis=gone[0]), np.float32)
    kept = [axis for axis in range(3) if axis != gone[0]]
    if kept.index(way.head[0]) == 1:
        view = view.T
    if way.head[1] > 0:
        view = view[::-1]
    if across[1] < 0:
        view = view[:, ::-1]
    return view


def _span(hits: npt.NDArray[np.intp], size: int, mm: float) -> tuple[int, int]:
    if hits.size == 0:
        return 0, size
    margin = round(_MARGIN_MM / mm)
    return max(int(hits[0]) - margin, 0), min(int(hits[-1]) + 1 + margin, size)
