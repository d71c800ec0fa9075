"""Is the most frequent tissue of the liver normal liver? What uptake and density can say about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.references.region import Crop
from lutetia.imaging.references.solid_organ import Population
from lutetia.model import Tracer, Volume


@dataclass(frozen=True)
class LiverDoubts:
    """Reasons not to trust the liver's most frequent tissue; `refuse` when it is most likely tumour."""

    reasons: list[str] = field(default_factory=list)
    refuse: bool = False
    evidence: dict[str, float] = field(default_factory=dict)


def density_gap(crop: Crop, population: Population, ct: Volume | None) -> float | None:
    """HU of the core's hotter part less that of its most frequent part; None without CT or without a hotter part.

    Metastases are mostly darker than the liver around them on unenhanced and portal-venous CT.
    """
    if ct is None:
        return None
    ratio = population.wide / population.mode
    hot = population.core & (ratio > 1.25)
    usual = population.core & (np.abs(ratio - 1) < 0.1)
    if hot.sum() * crop.grid.voxel_ml < 5 or usual.sum() * crop.grid.voxel_ml < 5:
        return None
    values = []
    for part in (hot, usual):
        points = crop.points(np.argwhere(part))
        index = ct.grid.to_index(points)
        hu = ndi.map_coordinates(ct.array, index.T, order=0, mode="nearest")
        inside = np.all((index > -0.5) & (index < np.array(ct.grid.shape) - 0.5), axis=1)
        hu = hu[inside & (hu > -100) & (hu < 300)]
        if len(hu) < 50:
            return None
        values.append(float(np.median(hu)))
    return values[0] - values[1]


def liver_doubts(crop: Crop, population: Population, ct: Volume | None, tracer: Tracer) -> LiverDoubts:
    """Judge whether the mode of the core is normal liver.

    Only shares and evenness count, no SUV: a healthy core is even; metastases in a minority leave the mode untouched;
    when tumour is the majority, normal liver remains as a *colder* part (hot metastases) or a *hotter* part (cold ones).
    """
    p = population
    gap = density_gap(crop, population, ct)
    evidence = {
        "near": p.near,
        "hotter": p.hotter,
        "colder": p.colder,
        "hotter_wide": p.hotter_wide,
        "colder_wide": p.colder_wide,
        "unevenness": p.unevenness,
        "density_gap": float("nan") if gap is None else gap,
    }
    reasons: list[str] = []
    if p.unevenness > 0.20:
        if p.colder_wide > 0.10 or p.colder > 0.15:
            reasons.append(
                f"{100 * max(p.colder, p.colder_wide):.0f} % of the liver is colder than its most frequent tissue"
            )
        if p.near < 0.6:
            reasons.append(f"only {100 * p.near:.0f} % of the liver is near its most frequent uptake")
    return LiverDoubts(reasons, False, evidence)


__all__ = ["LiverDoubts", "density_gap", "liver_doubts", "mm"]
