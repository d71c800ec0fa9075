"""The coarser grid on which foci are sought; every outline is drawn on the PET grid itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.threads import each, gaussian, halves
from lutetia.model import Grid, Volume

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Working:
    """A PET averaged over blocks of `factor` voxels, with the organ labels at the block centres.

    Attributes
    ----------
    suv : (z, y, x) float32, block means
    smooth : the same, smoothed
    labels : uint8 organ labels
    grid : the working grid
    factor : voxels of the PET per working voxel along (z, y, x)
    """

    suv: Array
    smooth: Array
    labels: Array
    grid: Grid
    factor: tuple[int, int, int]

    def to_pet(self, index: Array) -> Array:
        """Working index (n, 3) → index of the PET voxel at the block's centre."""
        pet: Array = index * np.asarray(self.factor) + np.asarray(self.factor) // 2
        return pet


def working_grid(suv: Volume, labels: Array, finest_mm: float, sigma_mm: float) -> Working:
    """Average a PET over blocks so that no working voxel is much smaller than `finest_mm`, and smooth it.

    Parameters
    ----------
    suv : the PET
    labels : organ labels on the PET grid
    finest_mm : axes with a spacing below 0.75 × this are halved (or divided further)
    sigma_mm : standard deviation of the Gaussian

    Notes
    -----
    Voxels left over at the far edge of an axis that the factor does not divide are not searched: at most
    ``factor − 1`` planes.
    """
    grid = suv.grid
    z, y, x = (max(1, round(finest_mm / s)) if s < 0.75 * finest_mm else 1 for s in grid.spacing_mm)
    factor = (z, y, x)
    shape = tuple(n // f for n, f in zip(grid.shape, factor, strict=True))
    array = suv.array[: shape[0] * z, : shape[1] * y, : shape[2] * x]
    if factor == (1, 1, 1):
        coarse = np.ascontiguousarray(array, dtype=np.float32)
    else:
        blocks = array.reshape(shape[0], z, shape[1], y, shape[2], x)
        coarse = np.zeros(shape, np.float32)

        def average(slabs: slice) -> None:
            for n in range(slabs.start, slabs.stop):  # slab by slab stays in the cache
                for i in range(z):
                    for j in range(y):
                        for k in range(x):
                            coarse[n] += blocks[n, i, :, j, :, k]
                coarse[n] *= np.float32(1.0 / (z * y * x))

        each(average, halves(shape[0]))
    np.nan_to_num(coarse, copy=False)
    coarse_grid = Grid(
        (shape[0], shape[1], shape[2]),
        (grid.spacing_mm[0] * z, grid.spacing_mm[1] * y, grid.spacing_mm[2] * x),
        tuple(float(v) for v in grid.to_lps([(f - 1) / 2 for f in factor])),  # type: ignore[arg-type]
        grid.direction,
        grid.frame_of_reference_uid,
    )
    smooth = gaussian(coarse, [sigma_mm / s for s in coarse_grid.spacing_mm], truncate=3.0, mode="nearest")
    organs = np.ascontiguousarray(labels[z // 2 :: z, y // 2 :: y, x // 2 :: x][: shape[0], : shape[1], : shape[2]])
    return Working(coarse, smooth, organs, coarse_grid, factor)
