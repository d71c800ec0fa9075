"""The uptake levels a study is judged against: blood pool, liver, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.working import Working
from lutetia.model import Issue, Reference, Tracer

Array = npt.NDArray[Any]

#: SD of the Gaussian within which the noise of a part of the liver is measured
_NOISE_SCALE_MM = 8.0
#: of the smoothed and of the plain working image where neither liver nor body can be measured
_USUAL_NOISE = (0.06, 0.12)

#: stands in for blood pool where it could not be measured; never more than this share of the liver; always an issue
_TYPICAL_BLOOD = {"sstr": 1.5, "glucose": 1.6}
_BLOOD_BELOW_LIVER = {"sstr": 0.4, "glucose": 0.8}
#: no normal liver is hotter (SUVmean): it is tumour, and a multiple of blood pool stands in for liver; always an issue
_HIGHEST_NORMAL_LIVER = {"sstr": 12.0, "glucose": 4.0}
#: FDG: below this share of blood pool a level inside the liver is that of cold tumour, or of what else its mask holds
_COLD_LIVER = 0.8
_LIVER_OVER_BLOOD = {"sstr": 4.5, "glucose": 1.3}
#: FDG: blood pool is 0.6 to 0.9 of the liver; below this share of it the measured region was not blood
_LOW_BLOOD = 0.5
#: voxels of the working image in the liver's mask from which its populations are told apart
_LEAST_VOXELS = 50
#: tumour is hotter than a trusted liver level by so much; from two thirds of the liver's mask on, what its mask holds
#: beside tumour (kidney, bowel) is no more told by its shape: below that the rules for it gain more than they cost
OVER_LIVER, MAJORITY = 1.5, 0.67


@dataclass(frozen=True)
class Levels:
    """Uptake levels of one study (SUV).

    Attributes
    ----------
    blood : blood pool, or what stands in for it
    liver : liver background, None when there is no liver in the field
    spleen : spleen, None when unknown
    noise : relative standard deviation of the smoothed working image at liver level
    voxel_noise : the same for single voxels of the working image
    liver_from : "reference", "image", "typical" (a stand-in, the liver being mostly tumour), "none"
    tumour : usual uptake of the tumour where the liver is mostly tumour
    """

    blood: float
    liver: float | None
    spleen: float | None
    noise: float
    voxel_noise: float
    liver_from: str
    tumour: float | None = None
    issues: tuple[Issue, ...] = ()

    def noise_at(self, value: Array | float) -> Array:
        """SD of the smoothed image at an uptake: counting noise grows with the root of the uptake."""
        anchor = self.liver if self.liver is not None else self.blood
        sd: Array = self.noise * np.sqrt(np.maximum(value, 0.05) * anchor)
        return sd


def measure_levels(work: Working, references: dict[str, Reference], tracer: Tracer) -> Levels:
    """Take the levels from the references; where one can't be trusted, from the image, and say so."""
    kind = "glucose" if tracer.binds == "glucose" else "sstr"
    in_liver = work.labels == LABELS["liver"]
    values = work.smooth[in_liver]
    liver_ref, blood_ref, spleen_ref = (references.get(n) for n in ("liver", "blood_pool", "spleen"))
    liver, liver_from, of_liver = _liver_level(liver_ref, values)
    blood, of_blood = _blood_level(None if blood_ref is None else blood_ref.suv_mean, liver, kind)
    suspected = liver_ref is not None and liver_ref.status == "caution" and "tumour" in liver_ref.suspected
    # an hour after injection normal liver takes up more FDG than blood: what is far below is tumour or not the liver
    too_cold = kind == "glucose" and blood_ref is not None and liver is not None and liver < _COLD_LIVER * blood
    tumour: float | None = None
    if liver is not None and len(values):
        other = _beside_tumour(liver, liver_from, values, blood, kind, suspected=suspected, too_cold=too_cold)
        if other is not None:
            liver, liver_from, tumour, of_liver = other
    if tumour is None and liver is not None and liver_from == "reference" and len(values) >= _LEAST_VOXELS:
        hotter = values[values > OVER_LIVER * liver]
        tumour = float(np.median(hotter)) if len(hotter) > MAJORITY * len(values) else None
    if liver_from == "reference" and tumour is None:
        noise, voxel_noise = _noise(work, in_liver, liver)
    else:  # tumour in the liver is no noise
        noise, voxel_noise = _noise_of_body(work, liver if liver is not None else blood)
    spleen = spleen_ref.suv_mean if spleen_ref is not None else None
    return Levels(blood, liver, spleen, noise, voxel_noise, liver_from, tumour, (*of_liver, *of_blood))


def _liver_level(reference: Reference | None, values: Array) -> tuple[float | None, str, list[Issue]]:
    """The level of the liver, where it comes from, and what is to be said of it; `values` are those in its mask."""
    level = reference.suv_mean if reference is not None and reference.status in ("ok", "user", "fallback") else None
    if level is None and reference is not None and reference.suv_mean is not None and len(values) >= _LEAST_VOXELS:
        # a reference under caution may be tumour: it is believed where the image has no clearly lower population
        even = _lower_population(values) > 0.8 * reference.suv_mean
        level = reference.suv_mean if even or "cold_metastases" in reference.suspected else None
    if level is not None:
        return level, "reference", []
    if len(values) < _LEAST_VOXELS:
        return None, "none", []
    level = _lower_population(values)
    message = (
        f"No trusted liver reference: liver lesions were sought above {level:.2f}, the lower of two "
        "levels of uptake inside the liver. Where no normal liver is left, this is tumour."
    )
    return level, "image", [Issue(code="lesions-liver-level-from-image", message=message)]


def _blood_level(measured: float | None, liver: float | None, kind: str) -> tuple[float, list[Issue]]:
    """Blood pool, or what stands in for it, and what is to be said of it."""
    issues = []
    blood = measured
    if blood is None:
        blood = _TYPICAL_BLOOD[kind]
        if liver is not None:
            blood = min(blood, _BLOOD_BELOW_LIVER[kind] * liver)
        message = f"No blood pool reference: foci outside the liver were sought above a typical {blood:.2f}."
        issues.append(Issue(code="lesions-no-blood-pool", message=message))
    if kind == "glucose" and liver is not None and blood < _LOW_BLOOD * liver:
        message = (
            f"Blood pool {blood:.2f} is below half the liver, unlike FDG: foci were sought over "
            f"{_LOW_BLOOD * liver:.2f} in its place."
        )
        issues.append(Issue(code="lesions-blood-pool-low", message=message))
        blood = _LOW_BLOOD * liver
    return float(blood), issues


def _beside_tumour(
    liver: float, liver_from: str, values: Array, blood: float, kind: str, *, suspected: bool, too_cold: bool
) -> tuple[float, str, float | None, list[Issue]] | None:
    """Another level where much of the liver may be tumour: (level, where from, the tumour's level, issues), or None.

    Hot tumour leaves a stand-in; cold tumour leaves the hotter of the two levels in the liver's mask.
    """
    plateau = _upper_population(values)
    # as hot as a usual liver beside this blood pool, it may be one: an even FDG liver, an SSTR liver at 4.5 x blood
    too_hot = plateau > (_LIVER_OVER_BLOOD[kind] * blood if kind == "sstr" else _HIGHEST_NORMAL_LIVER[kind])
    usual = float(np.median(values))
    if liver_from == "image" and too_hot and (suspected or usual > _HIGHEST_NORMAL_LIVER[kind]):
        # The lower of two populations is still tumour where little else is left. Lesions that take over a liver stand
        # out of it, so half of their own uptake bounds what liver there was.
        level = min(liver, _LIVER_OVER_BLOOD[kind] * blood, 0.5 * plateau)
        message = (
            f"Most of the liver may be tumour (SUV {plateau:.1f}). Liver lesions were sought above a "
            f"stand-in of {level:.1f}: a usual multiple of blood pool, and at most half of the tumour's uptake."
        )
        return level, "typical", plateau, [Issue(code="lesions-liver-level-typical", level="caution", message=message)]
    if (suspected or too_cold) and not too_hot and plateau > 1.2 * liver:
        # cold tumour leaves the liver the hotter of the two, and no hotter than a usual liver
        message = (
            "Much of the liver may be cold tumour or not the liver: liver lesions were sought above "
            f"{plateau:.1f}, the hotter of two levels inside the liver, which a usual liver reaches. "
            "Cold lesions are not sought."
        )
        issue = Issue(code="lesions-liver-level-hotter", level="caution", message=message)
        return plateau, liver_from, None, [issue]
    return None


def _two_populations(values: Array) -> tuple[Array, Array]:
    """Values below and above Otsu's threshold, the extremes left out; both the whole where one would be tiny."""
    v = np.sort(values.astype(np.float64))
    v = v[int(0.02 * len(v)) : int(0.995 * len(v)) + 1]
    grid = np.quantile(v, np.linspace(0.05, 0.95, 91))
    total, n = v.cumsum(), len(v)
    best, cut = -1.0, grid[-1]
    for t in grid:
        k = int(np.searchsorted(v, t))
        if 0 < k < n:
            low, high = total[k - 1] / k, (total[-1] - total[k - 1]) / (n - k)
            between = k * (n - k) * (high - low) ** 2
            if between > best:
                best, cut = between, t
    low_part, high_part = v[v <= cut], v[v > cut]
    return (low_part if len(low_part) >= 0.1 * n else v), (high_part if len(high_part) >= 0.1 * n else v)


def _lower_population(values: Array) -> float:
    """Median of the lower of two populations."""
    return float(np.median(_two_populations(values)[0]))


def _upper_population(values: Array) -> float:
    """Median of the upper of two populations."""
    return float(np.median(_two_populations(values)[1]))


def _noise(work: Working, in_liver: Array, liver: float | None) -> tuple[float, float]:
    """Relative noise at liver level of the smoothed and of the plain image.

    From the spread below the liver level, since lesions are above it. An uneven liver, or one whose mask is larger than
    it, spreads as well without being noisy: noise is the same in every part of a liver, so the quietest quarter of it,
    by the SD within some 16 mm, says what noise can be at most.
    """
    if liver is not None and in_liver.sum() >= 200:
        from scipy.ndimage import binary_erosion, find_objects, gaussian_filter

        core = binary_erosion(in_liver, iterations=2)
        if core.sum() < 100:
            core = in_liver
        pad = [int(np.ceil(2 * _NOISE_SCALE_MM / s)) for s in work.grid.spacing_mm]
        found = find_objects(core.astype(np.uint8))[0]
        box = tuple(slice(max(0, s.start - p), s.stop + p) for s, p in zip(found, pad, strict=True))
        core = core[box]
        wide = [_NOISE_SCALE_MM / s for s in work.grid.spacing_mm]
        out = []
        for image in (work.smooth[box], work.suv[box]):
            inside = image[core]
            mean = gaussian_filter(image, wide, truncate=2.0)
            local = np.sqrt(np.maximum(gaussian_filter(image**2, wide, truncate=2.0) - mean**2, 0.0))
            quiet = float(np.quantile(local[core], 0.25)) / liver
            below = liver - inside[(inside < liver) & (inside > 0.5 * liver)]
            spread = 1.4826 * float(np.median(below)) / liver if len(below) >= 30 else quiet
            out.append(spread if spread < 1.5 * quiet else 1.2 * quiet)
        return max(out[0], 0.01), max(out[1], 0.01)
    return _USUAL_NOISE


def _noise_of_body(work: Working, level: float) -> tuple[float, float]:
    """Noise as `_noise`, at a level, from the quietest quarter of the body outside its organs.

    Counting noise grows with the root of the uptake, so that of muscle and fat says what it is at another level.
    """
    from scipy.ndimage import gaussian_filter

    body = work.labels == LABELS["body"]
    if body.sum() < 1000:
        return _USUAL_NOISE
    wide = [_NOISE_SCALE_MM / s for s in work.grid.spacing_mm]
    out = []
    for image in (work.smooth, work.suv):
        mean = gaussian_filter(image, wide, truncate=2.0)
        variance = np.maximum(gaussian_filter(image**2, wide, truncate=2.0) - mean**2, 0.0)
        relative = np.sqrt(variance[body] / (np.maximum(mean[body], 0.05) * level))
        out.append(max(float(np.quantile(relative, 0.25)), 0.01))
    return out[0], out[1]
