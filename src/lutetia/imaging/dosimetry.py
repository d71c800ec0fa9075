"""Research-only dose estimates from post-therapy 177Lu SPECT. Not for prescribing, not for stopping treatment.

Constants: 0.14795 MeV of non-penetrating radiation per decay of 177Lu (ICRP 107), hence
Δ = 0.0853 Gy·g/(MBq·h); physical half-life 6.647 d. One time point: D = 2Δ/ln 2 · t · C(t) (Hänscheid et al., J Nucl
Med 2018;59:75, formula second-hand), within ±10 % of mono-exponential clearance for 0.765 ≤ t/T_eff ≤ 2.44. Two time
points: T_eff = (t₂ − t₁) ln 2 / ln(A₁/A₂) of activities that are *not* decay-corrected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PHYSICAL_HALF_LIFE_H = 159.53
DELTA_GY_G_PER_MBQ_H = 0.0853
#: g/mL of the tissues that can be estimated; bone is not: its density and geometry are unknown
DENSITY_G_ML = {"soft": 1.04, "liver": 1.06, "lymph_node": 1.04, "spleen": 1.06, "kidney": 1.05}
SMALLEST_TUMOUR_ML = 4.0
BANDS = {"tumour": 0.30, "kidney": 0.20}
#: t/T_eff between which one time point errs by less than 10 %; with T_eff from 39 to 126 h that is about 96 h
SINGLE_POINT_HOURS = (72.0, 120.0)
#: convention: two time points are far enough apart, and the first is after uptake has ended
LEAST_GAP_H, EARLIEST_FIRST_H = 48.0, 24.0


@dataclass(frozen=True)
class Estimate:
    """A value with its band, or the reasons why there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reasons: tuple[str, ...] = ()


def remaining(hours: float, half_life_h: float = PHYSICAL_HALF_LIFE_H) -> float:
    """Share of activity left after so many hours."""
    return math.exp(-math.log(2) * hours / half_life_h)


def single_time_point_dose(
    concentration_mbq_ml: float, hours: float, volume_ml: float, tissue: str, organ: str = "tumour"
) -> Estimate:
    """Absorbed dose in Gy from one SPECT.

    Parameters
    ----------
    concentration_mbq_ml : mean activity concentration at the time of the scan (not corrected to injection), MBq/mL
    hours : after injection
    volume_ml : of the lesion or organ
    tissue : key of `DENSITY_G_ML`, or "bone"
    organ : "tumour" or "kidney": which error band is printed
    """
    reasons = []
    if tissue not in DENSITY_G_ML:
        reasons.append(f"density of {tissue} is not known")
    if organ == "tumour" and volume_ml < SMALLEST_TUMOUR_ML:
        reasons.append(f"{volume_ml:.1f} mL is below {SMALLEST_TUMOUR_ML:g} mL: partial volume")
    if not SINGLE_POINT_HOURS[0] <= hours <= SINGLE_POINT_HOURS[1]:
        reasons.append(
            f"{hours:.1f} h after injection; one time point errs by less than 10 % only near 96 h "
            f"({SINGLE_POINT_HOURS[0]:g} to {SINGLE_POINT_HOURS[1]:g} h)"
        )
    if reasons:
        return Estimate(None, reasons=tuple(reasons))
    per_gram = concentration_mbq_ml / DENSITY_G_ML[tissue]
    dose = 2 * DELTA_GY_G_PER_MBQ_H / math.log(2) * hours * per_gram
    band = BANDS[organ]
    return Estimate(dose, dose * (1 - band), dose * (1 + band))


def effective_half_life(first_mbq: float, first_h: float, second_mbq: float, second_h: float) -> Estimate:
    """Effective half-life in hours from two activities that are not decay-corrected.

    Parameters
    ----------
    first_mbq, second_mbq : activity at the time of each scan, MBq
    first_h, second_h : hours after injection

    Returns
    -------
    Estimate
        Without a value where the first time is earlier than 24 h, the two are less than 48 h apart, the activity rises,
        or the half-life would exceed the physical one.
    """
    reasons = []
    if first_h < EARLIEST_FIRST_H:
        reasons.append(f"first time {first_h:.1f} h is too early: uptake may still go on before {EARLIEST_FIRST_H:g} h")
    if second_h - first_h < LEAST_GAP_H:
        reasons.append(f"only {second_h - first_h:.1f} h lie between the scans; at least {LEAST_GAP_H:g} h are needed")
    if first_mbq <= 0 or second_mbq <= 0:
        reasons.append("an activity is not positive")
    elif second_mbq >= first_mbq:
        reasons.append(f"the activity rises from {first_mbq:.2f} to {second_mbq:.2f} MBq")
    else:
        half_life = (second_h - first_h) * math.log(2) / math.log(first_mbq / second_mbq)
        if half_life > PHYSICAL_HALF_LIFE_H:
            reasons.append(
                f"{half_life:.0f} h would exceed the physical half-life of {PHYSICAL_HALF_LIFE_H:.1f} h: "
                "uptake still going on, or an error"
            )
        elif not reasons:
            return Estimate(half_life)
    return Estimate(None, reasons=tuple(reasons))
