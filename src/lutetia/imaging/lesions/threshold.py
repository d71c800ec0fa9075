"""Lesions by one threshold for the whole volume: the plainest scheme, kept so that tables can be compared.

The mask is labelled inside its bounding box, and after that only the voxels of lesions are touched: no pass over the
whole volume per lesion, no copy in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.diameters import longest_between_centres
from lutetia.imaging.measures import sample_at_voxels
from lutetia.imaging.peak import peaks, sphere_offsets
from lutetia.model import Volume

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ThresholdLesion:
    """Measures of one connected region above the threshold (units in the names; `tlu` is SUVmean × volume).

    `suv_peak` is the global one: the best sphere of 1 cm³ centred on any voxel of the region. `diameter_mm` is the
    greatest distance between two voxel centres. `hu_mean` is NaN without CT.
    """

    label: int
    n_voxels: int
    volume_ml: float
    suv_max: float
    suv_mean: float
    suv_peak: float
    tlu: float
    diameter_mm: float
    centroid_mm: tuple[float, float, float]
    hu_mean: float


def threshold_lesions(
    suv: Volume, threshold: float, ct: Volume | None = None, smallest_ml: float = 0.3
) -> tuple[Volume, tuple[ThresholdLesion, ...]]:
    """Connected regions (26 neighbours) at or above a threshold, measured.

    Parameters
    ----------
    suv : PET, SUV
    threshold : SUV
    ct : CT in HU on its own grid; sampled (linear, rounded to whole HU) at the lesions' voxels, never resampled whole
    smallest_ml : regions below this volume are dropped

    Returns
    -------
    labels : int32 label map on the PET grid
    lesions : from the hottest down; `label` is the number in the map
    """
    from scipy.ndimage import label

    array, grid = suv.array, suv.grid
    labels = np.zeros(array.shape, np.int32)
    box = _box_above(array, threshold)
    if box is None:
        return Volume(labels, grid, "label"), ()
    inside = array[box]
    parts, count = label(inside >= threshold, np.ones((3, 3, 3), bool))
    where = np.flatnonzero(parts)
    number = parts.ravel()[where]
    sizes = np.bincount(number, minlength=count + 1)
    keep = sizes * (grid.voxel_ml * 1000.0) >= smallest_ml * 1000.0
    keep[0] = False
    rank = np.zeros(count + 1, np.int32)
    rank[keep] = np.arange(1, int(keep.sum()) + 1)
    number = rank[number]
    kept = number > 0
    where, number = where[kept], number[kept]
    if len(where) == 0:
        return Volume(labels, grid, "label"), ()
    start = np.array([s.start for s in box])
    zyx = np.stack(np.unravel_index(where, parts.shape), 1) + start
    values = array[zyx[:, 0], zyx[:, 1], zyx[:, 2]]
    order = np.lexsort((-values, number))
    zyx, values, number = zyx[order], values[order], number[order]
    first = np.searchsorted(number, np.arange(1, int(number[-1]) + 2))
    hottest_first = np.argsort(-values[first[:-1]], kind="stable")
    hu = np.rint(sample_at_voxels(ct, grid, zyx)) if ct is not None else None
    offsets = sphere_offsets(grid.spacing_mm)
    out = []
    for new, old in enumerate(hottest_first, 1):
        a, b = int(first[old]), int(first[old + 1])
        some = zyx[a:b]
        labels[some[:, 0], some[:, 1], some[:, 2]] = new
        mean = float(values[a:b].mean(dtype=np.float64))
        volume = (b - a) * grid.voxel_ml
        x, y, z = (float(v) for v in grid.to_lps(some.mean(0)))
        out.append(
            ThresholdLesion(
                label=new,
                n_voxels=b - a,
                volume_ml=volume,
                suv_max=float(values[a]),
                suv_mean=mean,
                suv_peak=float(peaks(array, some, offsets).max()),
                tlu=mean * volume,
                diameter_mm=longest_between_centres(some, grid.spacing_mm),
                centroid_mm=(x, y, z),
                hu_mean=float(np.nanmean(hu[a:b])) if hu is not None else float("nan"),
            )
        )
    return Volume(labels, grid, "label"), tuple(out)


def _box_above(array: Array, threshold: float) -> tuple[slice, slice, slice] | None:
    """Bounding box of the voxels at or above a threshold, one slice at a time in a kept buffer."""
    nz, ny, nx = array.shape
    above = np.empty((ny, nx), bool)
    rows = np.zeros(ny, bool)
    columns = np.zeros(nx, bool)
    slices = np.zeros(nz, bool)
    for k in range(nz):
        np.greater_equal(array[k], threshold, out=above)
        in_row = above.any(1)
        if in_row.any():
            slices[k] = True
            rows |= in_row
            columns |= above.any(0)
    if not slices.any():
        return None
    z, y, x = (np.flatnonzero(v) for v in (slices, rows, columns))
    return (
        slice(int(z[0]), int(z[-1]) + 1),
        slice(int(y[0]), int(y[-1]) + 1),
        slice(int(x[0]), int(x[-1]) + 1),
    )
