"""The distinct uptakes around a place: how many there are, and what each covers, whatever a search called them.

A search outlines foci and judges them one by one; this looks again at a small box, with one question: is there one
uptake or are there two? Two uptakes are distinct when the valley between them falls by a given share of the lower
peak's height above the surroundings, on an image smoothed to about one resolution element.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.lesions.basins import divide
from lutetia.model import Volume

#: Gaussian that leaves noise below the texture of a scanner's resolution, mm (sigma)
SMOOTHING_MM = 2.0
#: an uptake is outlined at this share of its height above the surroundings (the 41–42 % contour, on the excess)
CONTOUR = 0.42


@dataclass(frozen=True, eq=False)
class Uptake:
    """One uptake of a study.

    Attributes
    ----------
    points_mm : (n, 3) LPS mm of its voxels, in the frame of its study
    peak : its highest value on the smoothed image
    peak_mm : where that is
    height : the peak above the surroundings
    volume_ml : volume within its contour
    at_edge : whether its contour reaches the edge of the box that was looked at, so that it may go on beyond
    """

    points_mm: npt.NDArray[np.float64]
    peak: float
    peak_mm: npt.NDArray[np.float64]
    height: float
    volume_ml: float
    at_edge: bool

    @property
    def centre_mm(self) -> npt.NDArray[np.float64]:
        """Geometric centre."""
        return np.asarray(self.points_mm.mean(axis=0))


def box_around(suv: Volume, points_mm: npt.NDArray[np.float64], margin_mm: float) -> tuple[slice, slice, slice] | None:
    """Slices of the image that hold the points and a margin; None where the image does not reach."""
    spacing = np.asarray(suv.grid.spacing_mm)
    index = suv.grid.to_index(points_mm)
    low = np.maximum(np.floor(index.min(axis=0) - margin_mm / spacing).astype(int), 0)
    high = np.minimum(np.ceil(index.max(axis=0) + margin_mm / spacing).astype(int) + 1, suv.grid.shape)
    if np.any(high - low < 3):
        return None
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2]))


def distinct_uptakes(
    suv: Volume, points_mm: npt.NDArray[np.float64], background: float, valley: float, margin_mm: float = 45.0
) -> tuple[Uptake, ...]:
    """The distinct uptakes in a box around some points, hottest first.

    Parameters
    ----------
    suv : PET or SPECT
    points_mm : (n, 3) LPS mm of the study: the place that is asked about
    background : uptake of the surroundings
    valley : share of the lower peak's height above `background` by which the valley between two peaks must fall
    margin_mm : how far around the points to look
    """
    box = box_around(suv, points_mm, margin_mm)
    if box is None:
        return ()
    spacing = np.asarray(suv.grid.spacing_mm)
    smooth = ndi.gaussian_filter(suv.array[box].astype(np.float32), SMOOTHING_MM / spacing, mode="nearest")
    hot = smooth > 1.5 * max(background, 0.1)
    if not hot.any():
        return ()
    basins = divide(smooth, hot, lambda peak: valley * np.maximum(peak - background, 0.0))
    start = np.array([s.start for s in box])
    where = np.stack(np.unravel_index(basins.voxels, smooth.shape), axis=1)
    value = smooth.ravel()[basins.voxels]
    voxel_ml = float(np.prod(spacing)) / 1000.0
    out = []
    for n in range(len(basins)):
        peak = float(basins.peak[n])
        own = where[(basins.owner == n) & (value >= background + CONTOUR * (peak - background))]
        edge = bool((own == 0).any() or (own == np.array(smooth.shape) - 1).any())
        top = np.array(np.unravel_index(int(basins.peak_voxel[n]), smooth.shape))
        points, at = suv.grid.to_lps(own + start), suv.grid.to_lps(top + start)
        out.append(Uptake(points, peak, at, peak - background, len(own) * voxel_ml, edge))
    return tuple(sorted(out, key=lambda u: -u.peak))
