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

#: stands in for blood pool where it could not be measured; never more than this share of the liver; always an issue
_TYPICAL_BLOOD = {"sstr": 1.5, "glucose": 1.6}
_BLOOD_BELOW_LIVER = {"sstr": 0.4, "glucose": 0.8}
#: no normal liver is hotter (SUVmean): it is tumour, and a multiple of blood pool stands in for liver; always an issue
_HIGHEST_NORMAL_LIVER = {"sstr": 12.0, "glucose": 4.0}
_LIVER_OVER_BLOOD = {"sstr": 4.5, "glucose": 1.3}


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
    """

    blood: float
    liver: float | None
    spleen: float | None
    noise: float
    voxel_noise: float
    liver_from: str
    issues: tuple[Issue, ...] = ()

    def noise_at(self, value: Array | float) -> Array:
        """SD of the smoothed image at an uptake: counting noise grows with the root of the uptake."""
        anchor = self.liver if self.liver is not None else self.blood
        sd: Array = self.noise * np.sqrt(np.maximum(value, 0.05) * anchor)
        return sd


def measure_levels(work: Working, references: dict[str, Reference], tracer: Tracer) -> Levels:
    """Take the levels from the references; where one can't be trusted, from the image, and say so."""
    kind = "glucose" if tracer.binds == "glucose" else "sstr"
    issues: list[Issue] = []
    liver_ref, blood_ref, spleen_ref = (references.get(n) for n in ("liver", "blood_pool", "spleen"))
    in_liver = work.labels == LABELS["liver"]
    values = work.smooth[in_liver]
    liver = liver_ref.suv_mean if liver_ref is not None and liver_ref.status in ("ok", "user", "fallback") else None
    liver_from = "reference"
    if liver is None and liver_ref is not None and liver_ref.suv_mean is not None and len(values) >= 50:
        # a reference under caution may be tumour: it is believed where the image has no clearly lower population
        liver = liver_ref.suv_mean if _lower_population(values) > 0.8 * liver_ref.suv_mean else None
    if liver is None and len(values) >= 50:
        liver, liver_from = _lower_population(values), "image"
        issues.append(
            Issue(
                code="lesions-liver-level-from-image",
                message=f"No trusted liver reference: liver lesions were sought above {liver:.2f}, the lower of two "
                "levels of uptake inside the liver. Where no normal liver is left, this is tumour.",
            )
        )
    elif liver is None:
        liver_from = "none"
    blood = blood_ref.suv_mean if blood_ref is not None else None
    if blood is None:
        blood = _TYPICAL_BLOOD[kind]
        if liver is not None:
            blood = min(blood, _BLOOD_BELOW_LIVER[kind] * liver)
        issues.append(
            Issue(
                code="lesions-no-blood-pool",
                message=f"No blood pool reference: foci outside the liver were sought above a typical {blood:.2f}.",
            )
        )
    if kind == "glucose" and liver is not None and blood < 0.5 * liver:
        issues.append(
            Issue(
                code="lesions-blood-pool-low",
                message=f"Blood pool {blood:.2f} is below half the liver, unlike FDG: foci were sought over "
                f"{0.5 * liver:.2f} in its place.",
            )
        )
        blood = 0.5 * liver
    if liver is not None and liver_from == "image" and float(np.median(values)) > _HIGHEST_NORMAL_LIVER[kind]:
        liver, liver_from = min(liver, _LIVER_OVER_BLOOD[kind] * blood), "typical"
        issues.append(
            Issue(
                code="lesions-liver-level-typical",
                level="caution",
                message=f"The liver's median SUV of {float(np.median(values)):.1f} is above any normal liver: mostly "
                f"tumour. Liver lesions were sought above a typical {liver:.1f}, a multiple of blood pool.",
            )
        )
    spleen = spleen_ref.suv_mean if spleen_ref is not None else None
    noise, voxel_noise = _noise(work, in_liver, liver)
    if liver_from != "reference":  # tumour in the liver is no noise
        noise, voxel_noise = min(noise, 0.12), min(voxel_noise, 0.2)
    return Levels(float(blood), liver, spleen, noise, voxel_noise, liver_from, tuple(issues))


def _lower_population(values: Array) -> float:
    """Mode of the lower of two populations parted by Otsu's threshold; the whole when there is but one."""
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
    low_part = v[v <= cut]
    if len(low_part) < 0.1 * n:
        low_part = v
    return float(np.median(low_part))


def _noise(work: Working, in_liver: Array, liver: float | None) -> tuple[float, float]:
    """Relative noise at liver level of the smoothed and of the plain image.

    From the spread below the liver level (lesions are above it), or, without a liver, from the difference between
    neighbouring slices in the body.
    """
    if liver is not None and in_liver.sum() >= 200:
        from scipy.ndimage import binary_erosion

        core = binary_erosion(in_liver, iterations=2)
        if core.sum() < 100:
            core = in_liver
        out = []
        for image in (work.smooth, work.suv):
            below = image[core]
            below = liver - below[(below < liver) & (below > 0.5 * liver)]
            if len(below) >= 30:
                out.append(float(1.4826 * np.median(below) / liver))
        if len(out) == 2:
            return max(out[0], 0.01), max(out[1], 0.01)
    return 0.06, 0.12
