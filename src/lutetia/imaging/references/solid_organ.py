"""Liver and spleen: the median of the eroded, lesion-free organ, and the classical sphere."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.references.region import Crop, Placed, measure_region, sphere_mask


@dataclass(frozen=True, eq=False)
class Population:
    """The most frequent uptake in the core of an organ, and what differs from it.

    Attributes
    ----------
    core : the eroded organ without lesions
    normal : voxels of the core near the mode
    mode : SUV
    near, hotter, colder : shares of the core within, above and below ±20 % of the mode (smoothed 2.5 mm)
    hotter_wide, colder_wide : shares of the core whose 16 mm neighbourhood is 15 % above or below the mode
    unevenness : (P95 - P5) / P50 of means over 16 mm neighbourhoods; 0.08 to 0.16 in healthy livers at any noise
    """

    core: mm.Mask
    normal: mm.Mask
    mode: float
    near: float
    hotter: float
    colder: float
    hotter_wide: float
    colder_wide: float
    unevenness: float
    smooth: npt.NDArray[np.float32] = field(repr=False)
    wide: npt.NDArray[np.float32] = field(repr=False)


def core_of(crop: Crop, depth_mm: float, lesions: mm.Mask | None) -> mm.Mask:
    """The organ eroded by `depth_mm`, less where it is thinner (0.6 of its half-thickness), without lesions."""
    if not crop.mask.any():
        return crop.mask
    depth = crop.depth
    half = float(np.percentile(depth[crop.mask], 99.5))
    core = depth > min(depth_mm, 0.6 * half)
    if lesions is not None and lesions.any():
        core &= ~mm.dilate(lesions, 6.0, crop.spacing)
    result: mm.Mask = core
    return result


def find_population(crop: Crop, core: mm.Mask, below: float | None = None, above: float = 0.0) -> Population | None:
    """Mode of the smoothed uptake in the core and the shares on either side of it; None when the core is too small.

    With `below` or `above`, the mode is sought under or over that SUV only (a colder or hotter population than the most
    frequent one).
    """
    count = int(core.sum())
    if count < 20:
        return None
    smooth = crop.smooth(2.5)
    values = smooth[core]
    median = float(np.median(values))
    if not median > 0:
        return None
    high = float(values.max()) * 1.05 if below is None else below
    within = values[(values < high) & (values > above)]
    if len(within) < 20:
        return None
    mode = mm.mode(within, 0.04 * min(median, high), above, high)
    wide_map = crop.smooth(8.0, core)
    wide = wide_map[core]
    ratio, wide_ratio = values / mode, wide / mode
    p5, p50, p95 = np.percentile(wide, [5, 50, 95])
    normal = np.zeros_like(core)
    normal[core] = np.abs(ratio - 1) < 0.2
    return Population(
        core,
        normal,
        mode,
        float((np.abs(ratio - 1) <= 0.2).mean()),
        float((ratio > 1.2).mean()),
        float((ratio < 0.8).mean()),
        float((wide_ratio > 1.15).mean()),
        float((wide_ratio < 0.85).mean()),
        float((p95 - p5) / max(p50, 1e-6)),
        smooth,
        wide_map,
    )


def whole_organ(crop: Crop, population: Population) -> Placed:
    """Median of the core within ±20 % of the mode of the smoothed uptake."""
    region = population.normal if population.normal.sum() >= 20 else population.core
    return measure_region(
        crop,
        region,
        "median of the eroded organ within 20 % of its most frequent uptake",
        value=float(np.median(crop.suv[region])),
    )


def best_sphere(
    crop: Crop, population: Population, allowed: mm.Mask, diameter_mm: float, smallest_mm: float, name: str
) -> tuple[Placed, float] | None:
    """The classical sphere where the organ is most even and nearest its mode, with the diameter that fitted.

    The sphere lies wholly in the organ with 5 mm to spare and holds only tissue near the mode. Where none of the wanted
    size fits (between metastases, in a small organ) the diameter shrinks by steps of 2 mm to `smallest_mm`.
    """
    usable = crop.mask.copy()
    spoilt = crop.mask & (np.abs(population.smooth / population.mode - 1) > 0.35)
    core = crop.depth > 8.0
    usable &= ~(spoilt & core)
    depth = mm.depth_inside(np.ascontiguousarray(usable), crop.spacing, open_edges=True)
    diameter = diameter_mm
    while diameter >= smallest_mm - 1e-6:
        margin = 5.0 if diameter > 12 else 3.0
        places = (depth > diameter / 2 + margin) & allowed
        if places.any():
            index = np.argwhere(places)
            deviation = np.abs(population.wide[places] / population.mode - 1)
            deviation = np.where(population.wide[places] > 0, deviation, 1.0)
            # evenness first; among equals the deeper place
            cost = deviation - 0.002 * depth[places]
            centre = index[int(cost.argmin())]
            region = sphere_mask(crop, centre, diameter / 2) & crop.mask
            return measure_region(crop, region, f"{diameter / 10:g} cm sphere in the {name}"), diameter
        diameter -= 2.0
    return None
