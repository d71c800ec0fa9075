"""An upper abdomen on its own small grid, as the searches for organs get it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.region import Trunk

#: mm of a voxel along every axis
VOXEL_MM = 3.0


def places(
    shape: tuple[int, int, int], dome_mm: float, front_mm: float, middle_mm: float
) -> tuple[npt.NDArray[np.float32], ...]:
    """mm below the dome, forward of the vertebral front, to the left of the column; x runs to the left."""
    z, y, x = np.indices(shape, dtype=np.float32) * VOXEL_MM
    return dome_mm - z, front_mm - y, x - middle_mm


def trunk(
    hu: npt.NDArray[np.float32],
    suv: npt.NDArray[np.float32],
    where: tuple[npt.NDArray[np.float32], ...],
    *,
    soft: npt.NDArray[np.bool_] | None = None,
    lung_slices: int = 2,
    far_mm: float = 60.0,
) -> Trunk:
    """A trunk of these densities and uptakes, without bone.

    Parameters
    ----------
    hu, suv : (z, y, x)
    where : `places` of the same grid
    soft : soft tissue; everywhere where it is not given
    lung_slices : so many slices at the top are lung
    far_mm : distance of every voxel to lung, cage and the depth of the body
    """
    shape = hu.shape
    everywhere, nothing = np.ones(shape, bool), np.zeros(shape, bool)
    lung = nothing.copy()
    lung[shape[0] - lung_slices :] = True
    far = np.full(shape, far_mm, np.float32)
    below, forward, left = where
    return Trunk(
        box=(slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2])),
        ct=hu,
        ct_smooth=hu.copy(),
        pet=suv,
        pet_smooth=suv.copy(),
        soft=everywhere if soft is None else soft,
        lateral_mm=left,
        forward_mm=forward,
        below_dome_mm=below[:, 0, 0].astype(np.float64),
        lung_distance_mm=far,
        lung_left=lung,
        lung_right=lung,
        above_diaphragm=nothing,
        cage_mm=far,
        body_depth_mm=far,
        measured=everywhere,
        bone=nothing,
    )
