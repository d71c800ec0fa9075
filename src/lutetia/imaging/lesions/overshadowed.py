"""Liver lesions without a peak of their own, beside a hotter one that they drain to.

What lies 8 mm beyond the outline of a lesion (45 % of its height over the liver) is no spill of it: at any usual
resolution less than a tenth of its height is left there. What is higher is a lesion of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working

Array = npt.NDArray[Any]

#: so far beyond the outline of a lesion its own spill is spent
_BEYOND_SPILL_MM = 8.0
#: of its height over the liver, at most so much is left there
_SPILL = 0.1
#: what is overshadowed must be as large as a lesion that can be seen
_LEAST_ML = 0.5


def overshadowed(
    work: Working, levels: Levels, settings: LesionSettings, voxels: Array, peak: float, background: float
) -> list[Array]:
    """Groups of a basin's voxels that stand out of the liver and are no spill of its peak.

    Parameters
    ----------
    voxels : (n, 3) working voxels of the basin
    peak, background : its highest uptake, and the liver's level (SUV)

    Returns
    -------
    list of (m, 3) connected groups of 0.5 mL and more
    """
    from scipy.ndimage import label
    from scipy.spatial import cKDTree

    spacing = np.asarray(work.grid.spacing_mm)
    values = work.smooth[tuple(voxels.T)]
    height = peak - background
    least = background + max(
        (settings.liver_contrast_factor - 1.0) * background,
        settings.noise_factor_liver * float(levels.noise_at(background)),
        _SPILL * height,
    )
    outline, high = voxels[values >= background + 0.45 * height], voxels[values >= least]
    if not len(outline) or not len(high):
        return []
    rest = high[cKDTree(outline * spacing).query(high * spacing, k=1)[0] > _BEYOND_SPILL_MM]
    if len(rest) * work.grid.voxel_ml < _LEAST_ML:
        return []
    low = rest.min(0)
    box = np.zeros(tuple(rest.max(0) - low + 1), bool)
    box[tuple((rest - low).T)] = True
    parts, number = label(box, np.ones((3, 3, 3)))
    of = parts[tuple((rest - low).T)]
    groups = [rest[of == part] for part in range(1, number + 1)]
    return [group for group in groups if len(group) * work.grid.voxel_ml >= _LEAST_ML]
