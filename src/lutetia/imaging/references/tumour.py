"""Is the most frequent tissue of the liver normal liver? What uptake and density can say about it.

A healthy core is even. Metastases in a minority leave the most frequent uptake untouched. When tumour is the majority,
what remains of the liver is *colder* than the most frequent tissue (hot metastases) or *hotter* (cold ones). No SUV is
used: shares, evenness and density only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.references.region import Crop
from lutetia.imaging.references.solid_organ import Population, find_population
from lutetia.model import Volume

#: whole healthy livers: 0.08 to 0.16 at any noise level
EVEN = 0.20
#: share of the core that may be colder in a healthy liver (vessels, fissures, breathing at its edges)
COLD_SHARE = 0.04
#: what is darker than the liver by so much is bile or blood, not tissue
FLUID_HU = 25.0


@dataclass(frozen=True)
class LiverDoubts:
    """Reasons not to trust the liver's most frequent tissue; `refuse` when it is most likely tumour.

    `liver_like` is the colder population when it is denser on CT and large enough to be the liver that is left.
    """

    reasons: list[str] = field(default_factory=list)
    refuse: bool = False
    liver_like: Population | None = None
    evidence: dict[str, float] = field(default_factory=dict)


def density_gap(crop: Crop, part: mm.Mask, usual: mm.Mask, ct: Volume | None) -> float | None:
    """Median HU of a part less that of the most frequent tissue; None without CT or below 4 mL of either.

    Metastases are mostly darker than the liver around them, unenhanced and portal-venous.
    """
    if ct is None or min(part.sum(), usual.sum()) * crop.grid.voxel_ml < 4:
        return None
    values = []
    for region in (part, usual):
        index = np.argwhere(region)
        if len(index) > 20000:
            index = index[:: len(index) // 20000 + 1]
        place = ct.grid.to_index(crop.points(index))
        inside = np.all((place > -0.5) & (place < np.array(ct.grid.shape) - 0.5), axis=1)
        nearest = np.rint(place[inside]).astype(np.int64)
        hu = ct.array[nearest[:, 0], nearest[:, 1], nearest[:, 2]].astype(np.float64)
        hu = hu[(hu > -150) & (hu < 350)]
        if len(hu) < 50:
            return None
        values.append(float(np.median(hu)))
    return values[0] - values[1]


def cold_excess(population: Population) -> float:
    """Share of the core below 0.8 × mode beyond what its noise explains.

    The noise is the robust scatter of the lightly smoothed uptake round its own neighbourhood; a Gaussian of that width
    gives the share expected below 0.8.
    """
    inner = population.core & (np.abs(population.wide / population.mode - 1) < 0.1)
    if inner.sum() < 50:
        return population.colder
    residual = population.smooth[inner] / np.maximum(population.wide[inner], 1e-6) - 1
    noise = max(mm.robust_sd(residual), 1e-3)
    expected = float(normal_below(-0.2 / noise))
    return max(0.0, population.colder - expected)


def colder_population(crop: Crop, population: Population) -> Population | None:
    """The colder population with a peak of its own; None where the colder part is only the foot of the main peak."""
    for share in (0.8, 0.65, 0.5, 0.35):
        below = share * population.mode
        colder = find_population(crop, population.core, below=below)
        if colder is not None and colder.mode < 0.88 * below and colder.near > 0.1:
            return colder
    return None


def normal_below(z: float) -> float:
    """Standard normal distribution function."""
    from math import erf, sqrt

    return 0.5 * (1 + erf(z / sqrt(2)))


def liver_doubts(crop: Crop, population: Population, ct: Volume | None) -> LiverDoubts:
    """Judge whether the most frequent tissue of the core is normal liver.

    Parameters
    ----------
    crop, population : the liver on the PET grid
    ct : HU, or None

    Returns
    -------
    LiverDoubts
    """
    p = population
    ratio = np.where(p.core, p.wide / p.mode, 1.0)
    usual = p.core & (np.abs(ratio - 1) < 0.1)
    cold, hot = p.core & (ratio < 0.87), p.core & (ratio > 1.25)
    cold_gap, hot_gap = density_gap(crop, cold, usual, ct), density_gap(crop, hot, usual, ct)
    excess = cold_excess(p)
    evidence = {
        "near": p.near,
        "hotter": p.hotter,
        "colder": p.colder,
        "cold_excess": excess,
        "hotter_wide": p.hotter_wide,
        "colder_wide": p.colder_wide,
        "unevenness": p.unevenness,
        "cold_gap_hu": float("nan") if cold_gap is None else cold_gap,
        "hot_gap_hu": float("nan") if hot_gap is None else hot_gap,
    }
    reasons: list[str] = []
    refuse = False
    liver_like: Population | None = None
    share = max(excess, p.colder_wide)
    fluid = cold_gap is not None and cold_gap < -FLUID_HU
    denser = cold_gap is not None and cold_gap > 1.0
    # an uneven liver needs less proof than an even one, and a colder part that is denser (liver left over) the least
    enough = COLD_SHARE if p.unevenness > EVEN else 1.5 * COLD_SHARE
    if (share > enough and not fluid) or (share > COLD_SHARE / 2 + 0.005 and cold_gap is not None and cold_gap > 1.5):
        reasons.append(
            f"{100 * share:.0f} % of the liver is colder than its most frequent tissue: that may be tumour, "
            "and what is left of the liver colder"
        )
        # the colder part is denser: it is liver, and the most frequent tissue is tumour
        refuse = denser and share > 0.05
        if refuse and share > 0.25:
            liver_like = colder_population(crop, p)
    if p.unevenness > EVEN:
        if p.hotter_wide > 0.2 and (hot_gap is None or hot_gap > -1.0):
            reasons.append(
                f"{100 * p.hotter_wide:.0f} % of the liver is hotter than its most frequent tissue "
                "and not darker on CT: either may be tumour"
            )
            refuse = refuse or (hot_gap is not None and hot_gap > 3.0 and share > COLD_SHARE)
        if p.near < 0.25:
            reasons.append(f"only {100 * p.near:.0f} % of the liver is near its most frequent uptake")
    return LiverDoubts(reasons, refuse, liver_like, evidence)
