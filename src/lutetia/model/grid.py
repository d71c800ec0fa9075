"""Where voxels lie: a regular grid in LPS millimetres, and an array on it.

Arrays are indexed ``(z, y, x)``: slice, row, column. Points are LPS millimetres in the order (x, y, z).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Grid:
    """A regular voxel grid.

    Attributes
    ----------
    shape : (nz, ny, nx)
    spacing_mm : (dz, dy, dx), all positive
    origin_mm : LPS (x, y, z) of the centre of voxel (0, 0, 0)
    direction : 3 × 3, row-major tuple of tuples; *column* a is the LPS unit vector of array axis a
        (axis 0 = z index, 1 = y index, 2 = x index)
    frame_of_reference_uid : the DICOM frame the coordinates live in ("" when unknown)
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    frame_of_reference_uid: str = ""

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """4 × 4: homogeneous index (z, y, x, 1) → LPS (x, y, z, 1) mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction, float) * np.asarray(self.spacing_mm, float)[None, :]
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def nifti_affine(self) -> npt.NDArray[np.float64]:
        """4 × 4: homogeneous index (x, y, z, 1) → RAS mm, for an array transposed to (x, y, z)."""
        to_lps = self.affine[:, [2, 1, 0, 3]]
        flipped: npt.NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0]) @ to_lps
        return flipped

    def to_lps(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Index (z, y, x), shape (..., 3) → LPS mm (x, y, z), shape (..., 3)."""
        matrix = self.affine
        points: npt.NDArray[np.float64] = np.asarray(index, float) @ matrix[:3, :3].T + matrix[:3, 3]
        return points

    def to_index(self, point_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm (x, y, z), shape (..., 3) → fractional index (z, y, x), shape (..., 3)."""
        matrix = np.linalg.inv(self.affine)
        index: npt.NDArray[np.float64] = np.asarray(point_mm, float) @ matrix[:3, :3].T + matrix[:3, 3]
        return index

    def same_as(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Same shape and the same place within `tolerance_mm` at every corner."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.to_lps(corners) - other.to_lps(corners)).max() <= tolerance_mm)


@dataclass(frozen=True, eq=False)
class Volume:
    """An array with its grid. `unit` is "SUVbw", "HU", "Bq/mL", "label", …"""

    array: npt.NDArray[Any]
    grid: Grid
    unit: str

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array shape {self.array.shape} does not fit the grid {self.grid.shape}")
