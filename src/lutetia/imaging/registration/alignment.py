"""The record of an alignment: a map of points between two studies, and what was measured of its quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.model import Grid

Array = npt.NDArray[Any]
Kind = Literal["CT", "PET"]


@dataclass(frozen=True)
class AlignmentSettings:
    """How studies are aligned. Lengths in mm; iterations from coarse to fine."""

    spacing_mm: float = 4.0
    deformable: bool = True
    demons_iterations: tuple[int, int, int] = (40, 30, 15)
    field_smoothing_voxels: float = 1.5
    smallest_overlap_mm: float = 120.0


@dataclass(frozen=True)
class AlignmentQuality:
    """Measured after alignment. Dice of bone (CT) or of warm tissue (PET), median residual of the lung–liver dome.

    `status`: "ok", "caution" (matching allows more distance), "poor" (matching says less).
    """

    status: Literal["ok", "caution", "poor"]
    body_dice: float | None = None
    bone_dice: float | None = None
    similarity: float | None = None
    dome_residual_mm: float | None = None
    organ_dice: dict[str, float] = field(default_factory=dict)
    smallest_jacobian: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Alignment:
    """A map from fixed LPS mm to moving LPS mm: ``rigid(x + displacement(x))``.

    Attributes
    ----------
    rigid : 4 × 4, fixed LPS → moving LPS
    displacement_mm : (nz, ny, nx, 3) LPS (x, y, z) mm on `grid`, None when rigid only
    grid : the working grid of the displacement
    overlap_mm : length along z in which both studies were imaged
    """

    rigid: npt.NDArray[np.float64]
    displacement_mm: npt.NDArray[np.float32] | None
    grid: Grid
    method: str
    overlap_mm: float
    quality: AlignmentQuality

    def _displacement(self, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.displacement_mm is None:
            return np.zeros_like(points_mm)
        index = self.grid.to_index(points_mm.reshape(-1, 3)).T
        index = np.clip(index, 0, np.array(self.grid.shape)[:, None] - 1.0)
        found = [ndi.map_coordinates(self.displacement_mm[..., a], index, order=1, mode="nearest") for a in range(3)]
        out: npt.NDArray[np.float64] = np.stack(found, axis=-1).reshape(points_mm.shape)
        return out

    def to_moving(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fixed LPS mm → moving LPS mm, shape (..., 3)."""
        points = np.asarray(points_mm, float)
        moved = points + self._displacement(points)
        result: npt.NDArray[np.float64] = moved @ self.rigid[:3, :3].T + self.rigid[:3, 3]
        return result

    def to_fixed(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Moving LPS mm → fixed LPS mm, shape (..., 3); the displacement is inverted by fixed-point iteration."""
        inverse = np.linalg.inv(self.rigid)
        target = np.asarray(points_mm, float) @ inverse[:3, :3].T + inverse[:3, 3]
        points = target.copy()
        for _ in range(12):
            points = target - self._displacement(points)
        result: npt.NDArray[np.float64] = points
        return result


class PointMap(Protocol):
    """Anything that carries points between two studies."""

    def to_moving(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fixed LPS mm → moving LPS mm."""

    def to_fixed(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Moving LPS mm → fixed LPS mm."""


def identity_alignment(grid: Grid) -> Alignment:
    """The alignment of a study with itself."""
    return Alignment(np.eye(4), None, grid, "same study", float("inf"), AlignmentQuality("ok", 1.0, 1.0, 1.0, 0.0))
