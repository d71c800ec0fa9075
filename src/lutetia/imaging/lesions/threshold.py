"""The plain scheme: everything at or above one SUV, split into connected pieces, measured.

No anatomy, no judgement: what a fixed threshold (SUV 4, 41 % of a known maximum, liver mean + 2 SD) finds. It is the
scheme that published volumes and simple scripts use, and the one that the benchmark compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutetia.imaging.components import Components, components, hot_voxels
from lutetia.imaging.diameters import longest_between_centres
from lutetia.imaging.measures import Measures, measure, sample_at_voxels
from lutetia.imaging.peak import sphere_offsets
from lutetia.model import Volume


@dataclass(frozen=True)
class ThresholdLesion:
    """One piece above the threshold.

    `measures` by IBSI definitions; `diameter_mm` between the farthest voxel centres; `hu_mean` of the CT at the
    piece's voxels, None without a CT there.
    """

    label: int
    measures: Measures
    diameter_mm: float
    hu_mean: float | None


@dataclass(frozen=True, eq=False)
class ThresholdResult:
    """Pieces in the order of their first voxel (`lesions[i]` is ``pieces.indices(i)``, label i + 1)."""

    threshold: float
    pieces: Components
    lesions: tuple[ThresholdLesion, ...]


def threshold_lesions(suv: Volume, ct: Volume | None, threshold: float, *, smallest_ml: float = 0.3) -> ThresholdResult:
    """Find and measure the 26-connected pieces of SUV ≥ `threshold`.

    Parameters
    ----------
    suv : Volume
        SUV on the PET grid.
    ct : Volume, optional
        HU on its own grid; sampled linearly at the pieces' voxels, never resampled as a whole.
    threshold : float
        SUV, inclusive.
    smallest_ml : float
        Pieces of a smaller volume are left out.
    """
    grid = suv.grid
    found = components(hot_voxels(suv.array, threshold), grid.shape)
    # counts × volume in mm³, as in scripts: 0.3 mL is 300 mm³ without rounding
    pieces = found.keep(found.sizes * float(np.prod(grid.spacing_mm)) >= 1000.0 * smallest_ml)
    offsets = sphere_offsets(grid.spacing_mm)
    lesions = []
    for i in range(len(pieces)):
        voxels = pieces.indices(i)
        hu = None
        if ct is not None:
            values = sample_at_voxels(ct, grid, voxels)
            seen = np.isfinite(values)
            hu = float(values[seen].mean(dtype=np.float64)) if seen.any() else None
        diameter = longest_between_centres(voxels, grid.spacing_mm)
        lesions.append(ThresholdLesion(i + 1, measure(suv, voxels, offsets), diameter, hu))
    return ThresholdResult(threshold, pieces, tuple(lesions))
