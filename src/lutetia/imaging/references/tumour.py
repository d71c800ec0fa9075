"""Is the most frequent tissue of the liver normal liver? What uptake and density can say about it.

A healthy core is even. Metastases in a minority leave the most frequent uptake untouched. When tumour is the majority,
what remains of the liver is *colder* than the most frequent tissue (hot metastases) or *hotter* (cold ones), it lies
between the rounded metastases, and it is no darker on CT than they are. No SUV is used: shares, shape, evenness and
density only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.references.region import Crop
from lutetia.imaging.references.solid_organ import Population, find_population
from lutetia.model import Volume
from lutetia.model.study import Suspicion

#: whole healthy livers: 0.08 to 0.16 at any noise level
EVEN = 0.20
#: share of the core that is colder than noise explains, and as dense: below 0.035 in healthy livers of any noise
COLD_SHARE = 0.04
#: share of the core that is cold and lies between warm parts: 0.000 to 0.015 in healthy livers, up to 0.02 under noise
ENCLOSED_SHARE = 0.015
#: more than noise encloses in any healthy liver: no other sign is needed
ENCLOSED_BEYOND_NOISE = 0.02
#: nothing to speak of is hotter than the usual tissue, by 16 mm neighbourhoods: what is uneven there is what is colder
NOTHING_HOTTER = 0.05
#: so large a cold share needs no other sign
MUCH_COLD = 0.15
#: darker than the usual tissue by so much, and five times its error: metastases, however much of them there is
CLEARLY_DARKER_HU = 5.0
#: strands of liver between metastases are narrower than twice this, mm
STRAND_MM = 15.0
#: what is darker than the usual tissue by so much is bile, blood, fat or a dark metastasis, not liver that is left over
DARK_HU = 15.0
#: a liver this dark is fatty: everything round it is denser
FATTY_HU = 30.0
#: so much of a core near its most frequent uptake, and no more unevenness than healthy livers have: one tissue fills it
FILLED, EVEN_THROUGHOUT = 0.95, 0.16
#: robust scatter of what is hotter than usual, over its median: an even tissue stays below 0.2, metastases of several
#: levels and their spill lie above 0.4
ONE_TISSUE = 0.3
#: so much of a core, a little hotter and clearly denser than the rest, is liver beside cold tumour, not a vessel
DENSER_SHARE, A_LITTLE_HOTTER = 0.10, 1.12
#: smoothing of uptake and density, mm: wider than noise, narrower than the strands between metastases
CALM_MM = 4.0
#: volume that smoothing by `CALM_MM` makes one independent sample
SAMPLE_ML = 3.0

#: a colder population smaller than this is not measured: a sphere of 2.7 cm
LEAST_LIVER_ML = 10.0


@dataclass(frozen=True)
class LiverDoubts:
    """Reasons not to trust the liver's most frequent tissue; `refuse` when it is most likely tumour.

    `suspected` says of these reasons what the search for lesions must know: which part may be the tumour.
    `liver_like` is the colder population when it is denser on CT and large enough to be the liver that is left.
    """

    reasons: list[str] = field(default_factory=list)
    refuse: bool = False
    liver_like: Population | None = None
    evidence: dict[str, float] = field(default_factory=dict)
    suspected: tuple[Suspicion, ...] = ()


@dataclass(frozen=True)
class DensityGap:
    """How much denser (HU) a part is than the usual tissue, and the standard error of that."""

    hu: float
    error: float

    def denser(self) -> bool:
        """Denser by more than 1 HU and more than its error."""
        return self.hu > max(1.0, self.error)

    def darker(self) -> bool:
        """Darker by more than 2.5 HU and more than twice its error."""
        return self.hu < -max(2.5, 2 * self.error)

    def clearly_denser(self) -> bool:
        """Denser by more than 5 HU and more than five times its error."""
        return self.hu > max(CLEARLY_DARKER_HU, 5 * self.error)

    def clearly_darker(self) -> bool:
        """Darker by more than 5 HU and more than five times its error."""
        return self.hu < -max(CLEARLY_DARKER_HU, 5 * self.error)


class _Core:
    """The core of a liver: uptake and density at one smoothing, the usual tissue, what is colder and hotter."""

    def __init__(self, crop: Crop, population: Population, ct: Volume | None) -> None:
        self.crop, self.population, self.ct = crop, population, ct
        self.core = population.core
        self.calm = crop.smooth(CALM_MM, self.core)
        self.ratio = np.where(self.core, population.wide / population.mode, np.float32(1))
        self.usual = self.core & (np.abs(self.ratio - 1) < 0.1)

    @cached_property
    def density(self) -> npt.NDArray[np.float32] | None:
        """HU smoothed by 4 mm at the voxels of the core, NaN where CT did not measure; None without CT."""
        return None if self.ct is None else density_at(self.crop, self.core, self.ct)

    @cached_property
    def usual_hu(self) -> float:
        """Median HU of the usual tissue; NaN without CT."""
        if self.density is None or not self.usual.any():
            return float("nan")
        values = self.density[self.usual]
        return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else float("nan")

    @cached_property
    def solid(self) -> mm.Mask:
        """The core without what is much darker than its usual tissue."""
        if self.density is None or not np.isfinite(self.usual_hu):
            return self.core
        with np.errstate(invalid="ignore"):
            solid: mm.Mask = self.core & ~(self.density < self.usual_hu - DARK_HU)
        return solid

    @cached_property
    def cold(self) -> mm.Mask:
        """Solid tissue below 0.8 of the most frequent uptake."""
        cold: mm.Mask = self.solid & (self.calm < 0.8 * self.population.mode)
        return cold

    def cold_share(self) -> float:
        """Share of the solid core that is cold beyond what noise explains.

        The noise is the robust scatter of the smoothed uptake of the usual tissue round its own neighbourhood; a
        Gaussian of that width gives the share expected below 0.8.
        """
        count = int(self.solid.sum())
        if not count:
            return 0.0
        share = float(self.cold.sum() / count)
        if self.usual.sum() < 50:
            return share
        residual = self.calm[self.usual] / np.maximum(self.population.wide[self.usual], 1e-6) - 1
        noise = max(mm.robust_sd(residual), 1e-3)
        return max(0.0, share - normal_below(-0.2 / noise))

    def enclosed_share(self) -> float:
        """Share of the solid core that is cold and lies within a closing (15 mm) of the rest.

        Liver that is left between metastases is enclosed by them. Bowel or stomach that leaked into the outline lies
        beside the liver, and a large cold metastasis is wider than such strands.
        """
        rest = self.core & ~self.cold
        if not rest.any() or not self.cold.any():
            return 0.0
        near = mm.distance_to(rest, self.crop.spacing) <= STRAND_MM
        closed = mm.depth_inside(near, self.crop.spacing) > STRAND_MM
        return float((self.cold & closed).sum() / max(1, self.solid.sum()))

    def denser_and_hotter(self) -> float:
        """Share of the core that is a little hotter than the usual tissue and clearly denser on CT; 0 where it is not.

        Metastases are darker than liver: what is hotter and denser is the liver, and the usual tissue cold tumour.
        """
        hotter = self.core & (self.ratio > A_LITTLE_HOTTER)
        gap = self.gap(hotter)
        return float(hotter.sum() / self.core.sum()) if gap is not None and gap.clearly_denser() else 0.0

    def hot_scatter(self) -> float:
        """Robust scatter of the uptake above 1.2 times the usual, over its median; 0 where there is none.

        Liver left beside cold tumour is one tissue, as even as any liver. Metastases and their spill range widely.
        """
        hot = self.population.smooth[self.core & (self.population.smooth > 1.2 * self.population.mode)]
        return mm.robust_sd(hot) / float(np.median(hot)) if len(hot) else 0.0

    def gap(self, part: mm.Mask) -> DensityGap | None:
        """Mean HU of a part less that of the usual tissue; None without CT or below 2 mL of either.

        Metastases are mostly darker than the liver around them, unenhanced and portal-venous.
        """
        if self.density is None:
            return None
        ours, usual = (self.density[m] for m in (part, self.usual))
        ours, usual = ours[np.isfinite(ours)], usual[np.isfinite(usual)]
        volume = len(ours) * self.crop.grid.voxel_ml
        if min(volume, len(usual) * self.crop.grid.voxel_ml) < 2:
            return None
        error = mm.robust_sd(usual) / np.sqrt(max(1.0, volume / SAMPLE_ML))
        return DensityGap(float(ours.mean() - usual.mean()), float(error))


def density_at(crop: Crop, where: mm.Mask, ct: Volume) -> npt.NDArray[np.float32]:
    """HU smoothed by 4 mm at the voxels of a mask, NaN elsewhere and where CT did not measure."""
    result = np.full(where.shape, np.nan, np.float32)
    index = np.argwhere(where)
    place = np.rint(ct.grid.to_index(crop.points(index))).astype(np.int64)
    inside = np.all((place >= 0) & (place < np.array(ct.grid.shape)), axis=1)
    if not inside.any():
        return result
    index, place = index[inside], place[inside]
    reach = [int(np.ceil(3 * CALM_MM / s)) for s in ct.grid.spacing_mm]
    low = [max(0, int(v) - r) for v, r in zip(place.min(axis=0), reach, strict=True)]
    high = [int(v) + r + 1 for v, r in zip(place.max(axis=0), reach, strict=True)]
    part = ct.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.float32)
    calm = ndi.gaussian_filter(np.clip(part, -150, 300), [CALM_MM / s for s in ct.grid.spacing_mm], truncate=3.0)
    at = place - np.array(low)
    result[tuple(index.T)] = calm[tuple(at.T)]
    return result


def one_round_piece(part: mm.Mask, spacing: tuple[float, float, float]) -> bool:
    """Whether a part is one rounded piece: a metastasis is convex, the liver left between metastases is not.

    One piece holds 85 % of it and fills 0.7 of its convex hull.
    """
    from scipy.spatial import ConvexHull

    pieces = mm.components(part, 1)
    if not pieces or pieces[0][2] < 0.85 * part.sum() or pieces[0][2] < 60:
        return False
    piece = np.pad(pieces[0][1], 1)
    # the hull runs through the corners of the voxels, not through their centres
    corners = np.argwhere(ndi.convolve(piece.astype(np.uint8), np.ones((2, 2, 2), np.uint8), mode="constant") > 0)
    hull = float(ConvexHull(corners * np.array(spacing)).volume)
    return float(pieces[0][2] * np.prod(spacing)) > 0.7 * hull


def colder_population(crop: Crop, population: Population) -> Population | None:
    """The colder population with a peak of its own, of at least `LEAST_LIVER_ML`; None where there is only a foot of
    the main peak.

    What the tumours spill into the liver between them raises its uptake: the peak is sought again below twice the one
    found.
    """
    least = LEAST_LIVER_ML / max(float(population.core.sum()) * crop.grid.voxel_ml, 1e-6)

    def peak_below(below: float) -> Population | None:
        colder = find_population(crop, population.core, below=below)
        return colder if colder is not None and colder.mode < 0.88 * below and colder.near > least else None

    for share in (0.8, 0.65, 0.5, 0.35):
        found = peak_below(share * population.mode)
        if found is not None:
            nearer = peak_below(2.0 * found.mode) if 2.0 * found.mode < share * population.mode else None
            return nearer or found
    return None


def hotter_population(crop: Crop, population: Population) -> Population | None:
    """The hotter population with a peak of its own, of at least `LEAST_LIVER_ML`; None where there is only a tail."""
    least = LEAST_LIVER_ML / max(float(population.core.sum()) * crop.grid.voxel_ml, 1e-6)
    above = 1.2 * population.mode
    hotter = find_population(crop, population.core, above=above)
    own_peak = hotter is not None and hotter.mode > 1.1 * above and hotter.near > max(least, 0.1)
    return hotter if own_peak else None


def normal_below(z: float) -> float:
    """Standard normal distribution function."""
    from math import erf, sqrt

    return 0.5 * (1 + erf(z / sqrt(2)))


def one_even_tissue(population: Population) -> bool:
    """Whether nearly the whole core takes up the same, with no slow change from place to place."""
    return population.near > FILLED and population.unevenness <= EVEN_THROUGHOUT


def liver_doubts(crop: Crop, population: Population, ct: Volume | None, *, cold_tumour: bool = False) -> LiverDoubts:
    """Judge whether the most frequent tissue of the core is normal liver.

    Parameters
    ----------
    crop, population : the liver on the PET grid
    ct : HU, or None
    cold_tumour : whether metastases that take up less than liver are usual (FDG): then what is hotter must be clearly
        darker (5 HU, five standard errors) to be called metastases

    Returns
    -------
    LiverDoubts
    """
    p, core = population, _Core(crop, population, ct)
    share, enclosed = core.cold_share(), core.enclosed_share()
    cold_gap, hot_gap = core.gap(core.cold), core.gap(core.core & (core.ratio > 1.25))
    denser = cold_gap is not None and cold_gap.denser()
    scatter = core.hot_scatter()
    # liver that is left over is not darker than the tumour round it, nor one rounded piece: a cold metastasis is
    metastasis = cold_gap is not None and cold_gap.darker() and share < MUCH_COLD
    hollow = COLD_SHARE / 2 < share < 0.2 and one_round_piece(core.cold, crop.spacing)
    evidence = {
        "near": p.near,
        "hotter": p.hotter,
        "colder": p.colder,
        "cold_share": share,
        "enclosed_cold_share": enclosed,
        "hotter_wide": p.hotter_wide,
        "colder_wide": p.colder_wide,
        "unevenness": p.unevenness,
        "cold_gap_hu": float("nan") if cold_gap is None else cold_gap.hu,
        "hot_gap_hu": float("nan") if hot_gap is None else hot_gap.hu,
        "one_round_cold_piece": float(hollow),
        "hot_scatter": scatter,
        "usual_hu": core.usual_hu,
    }
    reasons: list[str] = []
    suspected: list[Suspicion] = []
    # several witnesses: much that is cold, or some of it between warm parts together with its amount or its density
    # a little that is denser may be a vessel or the pancreas: no witness where the rest is one even tissue, for
    # metastases differ from one another
    witness = denser and not one_even_tissue(p)
    # more uneven than any healthy liver, and not by what is hotter: then half as much that is cold is enough
    uneven = p.unevenness > EVEN_THROUGHOUT and p.hotter_wide < NOTHING_HOTTER
    left_over = (
        share > MUCH_COLD
        or enclosed > ENCLOSED_BEYOND_NOISE
        or (enclosed > ENCLOSED_SHARE and (share > COLD_SHARE or witness))
        or (uneven and share > COLD_SHARE / 2 and enclosed > ENCLOSED_SHARE / 2)
    )
    left_over = left_over and not hollow and not metastasis
    if left_over and cold_gap is not None and cold_gap.clearly_darker():
        suspected.append("cold_metastases")
        reasons.append(
            f"{100 * share:.0f} % of the liver is colder than its most frequent tissue and darker on CT: "
            "cold metastases, most likely"
        )
    elif left_over:
        suspected.append("tumour")
        reasons.append(
            f"{100 * share:.0f} % of the liver is colder than its most frequent tissue: that may be tumour, "
            "and what is left of the liver colder"
        )
    # the colder part is denser: it is liver, and the most frequent tissue is tumour; beside a fatty liver vessels,
    # bowel and muscle are denser as well, and a little of them says nothing
    fatty = core.usual_hu < FATTY_HU and share < MUCH_COLD
    refuse = left_over and denser and share > COLD_SHARE and not fatty
    liver_like = colder_population(crop, p) if refuse and share > 0.25 else None
    # hot and dark beside nothing colder: metastases, and the coldest, densest tissue is liver however little there is
    of_tumour = hot_gap is not None and (hot_gap.clearly_darker() if cold_tumour else hot_gap.darker())
    dark = of_tumour and share < COLD_SHARE / 2
    if cold_tumour and p.unevenness > EVEN and (liver_share := core.denser_and_hotter()) > DENSER_SHARE:
        suspected.append("tumour")
        reasons.append(
            f"{100 * liver_share:.0f} % of the liver is hotter and denser than its most frequent tissue: "
            "that may be the liver, and the rest cold tumour"
        )
    if p.unevenness > EVEN and not dark:
        if p.hotter_wide > 0.2 and scatter < ONE_TISSUE and not of_tumour:
            suspected.append("tumour")
            reasons.append(
                f"{100 * p.hotter_wide:.0f} % of the liver is hotter than its most frequent tissue "
                "and not darker on CT: either may be tumour"
            )
            refuse = refuse or (hot_gap is not None and hot_gap.hu > 3.0 and share > COLD_SHARE)
        if p.near < 0.25:
            reasons.append(f"only {100 * p.near:.0f} % of the liver is near its most frequent uptake")
    return LiverDoubts(reasons, refuse, liver_like, evidence, tuple(dict.fromkeys(suspected)))
