"""Where the scanners' grids lie, and how a point of the scanner maps to the standard man."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lutetia.model import Grid
from lutetia.phantom.body import Axes, Axis
from lutetia.phantom.plan import BodyPlan

ANCHOR_MM = 1100.0  # height of the standard man that lies at scanner z = 0
TOP_MM, BOTTOM_MM = 1726.0, 650.0  # vertex to mid thigh
DOME_MM, DOME_WIDTH_MM = 1195.0, 95.0  # where breathing moves organs, and how far that reaches


@dataclass(frozen=True)
class Matrix:
    """Columns (and rows), their spacing, the spacing of slices, and how many slices (None: as the patient needs)."""

    columns: int
    spacing_mm: float
    slice_mm: float
    slices: int | None = None


#: size → PET, CT, spacing of the fine grid (mm)
SIZES: dict[str, tuple[Matrix, Matrix, float]] = {
    "small": (Matrix(96, 6.0, 6.0), Matrix(112, 4.5, 6.0), 4.0),
    "standard": (Matrix(168, 3.5, 3.0), Matrix(288, 1.75, 2.5), 2.0),
    "full": (Matrix(400, 1.65, 3.0, 350), Matrix(512, 1.3672, 1.5, 700), 2.0),
}


@dataclass(frozen=True)
class Pose:
    """How the patient lies: `shift_mm` (x, y, z) of this study; `breathing_mm` lifts what is near the diaphragm."""

    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    breathing_mm: float = 0.0

    def axes(self, grid: Grid, plan: BodyPlan) -> Axes:
        """The grid's axes in the standard man's millimetres (grids of the phantom are never oblique)."""
        x, y, z = grid_axes(grid)
        sx, sy, sz = plan.scale
        side = -1.0 if plan.situs_inversus else 1.0
        height = (z - self.shift_mm[2]) / sz + ANCHOR_MM
        lift = self.breathing_mm / sz * np.exp(-(((height - DOME_MM) / DOME_WIDTH_MM) ** 2))
        return Axes(
            np.float32(side) * ((x - self.shift_mm[0]) / sx).astype(np.float32),
            ((y - self.shift_mm[1]) / sy).astype(np.float32),
            (height - lift).astype(np.float32),
        )


def grid_axes(grid: Grid) -> tuple[Axis, Axis, Axis]:
    """LPS coordinates (x, y, z) of an axis-aligned grid's columns, rows and slices."""
    (nz, ny, nx), (dz, dy, dx), (ox, oy, oz) = grid.shape, grid.spacing_mm, grid.origin_mm
    return (
        (ox + dx * np.arange(nx)).astype(np.float32),
        (oy + dy * np.arange(ny)).astype(np.float32),
        (oz + dz * np.arange(nz)).astype(np.float32),
    )


def axial_range(plan: BodyPlan, pose: Pose) -> tuple[float, float]:
    """Scanner z of the lowest and highest slice: mid thigh to vertex."""
    low, high = ((h - ANCHOR_MM) * plan.scale[2] + pose.shift_mm[2] for h in (BOTTOM_MM, TOP_MM))
    return low, high


def _square(matrix: Matrix, z: tuple[float, float], centre_y: float, frame: str) -> Grid:
    n, spacing, dz = matrix.columns, matrix.spacing_mm, matrix.slice_mm
    slices = matrix.slices or int(np.ceil((z[1] - z[0]) / dz))
    low = z[0] if matrix.slices is None else z[1] - slices * dz  # a fixed number is counted from the vertex
    half = 0.5 * (n - 1) * spacing
    return Grid(
        shape=(slices, n, n),
        spacing_mm=(dz, spacing, spacing),
        origin_mm=(-half, centre_y - half, round(low, 3)),
        frame_of_reference_uid=frame,
    )


def pet_grid(plan: BodyPlan, pose: Pose, size: str, frame: str) -> Grid:
    """PET: a square field of 576–600 mm, whatever the patient."""
    return _square(SIZES[size][0], axial_range(plan, pose), 0.0, frame)


def ct_grid(plan: BodyPlan, pose: Pose, size: str, frame: str) -> Grid:
    """CT: a 504 mm field, or an extended one where the arms lie beside the trunk or the patient is large.

    It begins half a slice lower than the PET and lies 6 mm further back, so that resampling is really needed.
    """
    matrix = SIZES[size][1]
    spacing, dz = matrix.spacing_mm, matrix.slice_mm
    half_body = 172.0 * plan.scale[0] + plan.fat_mm + (95.0 if plan.arms == "down" else 20.0)
    if 0.5 * matrix.columns * spacing < half_body:
        matrix = replace(matrix, columns=16 * int(np.ceil(2 * half_body / spacing / 16)))
    low, high = axial_range(plan, pose)
    return _square(matrix, (low - 0.4 * dz, high + dz), 6.0, frame)


def fine_grid(plan: BodyPlan, pose: Pose, size: str, margin_mm: float = 12.0) -> Grid:
    """The grid on which activity is made, 2 mm (4 mm for the small size), around the body and a margin."""
    step = SIZES[size][2]
    low, high = axial_range(plan, pose)
    arms = 95.0 if plan.arms == "down" else 20.0
    half_x = min(172.0 * plan.scale[0] + plan.fat_mm + arms + margin_mm + 40.0, 330.0)
    half_y = 118.0 * plan.scale[1] + plan.fat_mm + plan.belly_mm + margin_mm + 12.0
    shape = tuple(int(np.ceil(n / step)) for n in (high - low + 2 * margin_mm, 2 * half_y, 2 * half_x))
    origin = (pose.shift_mm[0] - half_x, pose.shift_mm[1] - half_y, low - margin_mm)
    return Grid(shape=(shape[0], shape[1], shape[2]), spacing_mm=(step, step, step), origin_mm=origin)
