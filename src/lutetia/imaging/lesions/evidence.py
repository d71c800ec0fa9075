"""Lesion or part of stomach, bowel or pancreas? Findings are weighed together; no single one decides.

Each finding is worth up to its points, in proportion between "speaks for bowel" and "speaks for a lesion":

* what this patient's own bowel shows counts most (8 of 20): what is hotter than the rest needs another reason, since
  bowel varies less along one patient than between patients (3½); a solid mass is denser than a loop and what it holds,
  by the mean of its core, which noise moves little (3), and at its peak (1½);
* how uptake falls off (4½), since a loop goes on in one direction and a lesion in none, and how far it goes on (3);
* uptake above what these organs reach in their published range (3) can't be explained by them, but many lesions are
  no hotter than bowel;
* a nodule in fat on CT (1½).

Standing apart, contrast, smallness and roundness say nothing more once these are known (measured on 155 patients).

On FDG the same findings are worth other points: normal bowel takes up FDG in spots, which stand apart and lie in
mesenteric fat as nodes do, so that says little; what is hotter than the rest of this patient's bowel says most. A loop
is one spot in a row of them: on how many others a focus borders (2), and whether it lies between two (1½), says more
than its own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.surroundings import Surroundings

#: share of its points for what can't be compared with this patient's bowel: a little less than neither way
_UNKNOWN = 0.3


@dataclass(frozen=True)
class Points:
    """What each finding is worth at most, together 20; from `enough` on they are not those of bowel (convention)."""

    weakest: float = 4.5
    evenness: float = 0.0
    suv: float = 3.0
    denser: float = 3.0
    denser_peak: float = 1.5
    hotter: float = 3.5
    short: float = 3.0
    nodule: float = 1.5
    small: float = 0.0
    round: float = 0.0
    summit: float = 0.0
    alone: float = 0.0
    end: float = 0.0
    enough: float = 8.5


SSTR = Points()
FDG = Points(
    weakest=2.0,
    evenness=1.0,
    suv=3.5,
    denser=3.0,
    denser_peak=0.0,
    hotter=4.0,
    short=0.0,
    nodule=0.0,
    small=0.5,
    round=1.5,
    summit=1.0,
    alone=2.0,
    end=1.5,
    enough=11.0,
)


@dataclass(frozen=True)
class Evidence:
    """Points for a lesion, and the findings that gave or withheld most of them, in words."""

    points: float
    needed: float
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether the findings are those of a lesion."""
        return self.points >= self.needed

    @property
    def text(self) -> str:
        """Points and findings, for the reason of a judgement."""
        parts = [f"{self.points:.1f} of 20 points for a lesion ({self.needed:g} needed)"]
        if self.speaks_for:
            parts.append("for: " + ", ".join(self.speaks_for))
        if self.speaks_against:
            parts.append("against: " + ", ".join(self.speaks_against))
        return "; ".join(parts)


def weigh(focus: Focus, around: Surroundings, ceiling: float, worth: Points = SSTR) -> Evidence:
    """Weigh what speaks for a lesion against stomach, bowel and pancreas.

    Parameters
    ----------
    ceiling : SUV above which uptake is not explained by these organs
    worth : what each finding is worth, `SSTR` or `FDG`
    """
    a, w = around, worth
    core_hu, peak_hu = a.over_bowel_hu
    denser = _known(_ramp(core_hu, 0.0, 20.0))
    denser_peak = _known(_ramp(peak_hu, 0.0, 20.0))
    solid = not a.has_ct or -20.0 < a.ct_peak_hu < 130.0
    hotter = _known(_ramp(np.log2(max(a.over_bowel_suv, 1e-3)), 0.0, 2.0))
    rows = (
        (w.weakest, _ramp(a.weakest, 0.05, 0.14), "falls off in every direction", "goes on in one direction"),
        (w.evenness, _ramp(a.evenness, 0.25, 0.65), "alike in all", "unlike across and along"),
        (
            w.suv,
            _ramp(np.log2(focus.top / ceiling), -1.5, 1.0),
            f"SUV {focus.top:.1f}",
            f"SUV {focus.top:.1f} is usual",
        ),
        (w.denser, denser, "denser than this patient's bowel", "no denser than this patient's bowel"),
        (w.denser_peak, denser_peak, "denser at its peak", "no denser at its peak"),
        (w.hotter, hotter, f"{a.over_bowel_suv:.1f} × this patient's bowel", "no hotter than this patient's bowel"),
        (w.short, _ramp(-np.log2(max(a.length_mm, 1.0)), -5.0, -3.3), "short", "long"),
        (w.small, _ramp(-np.log2(max(a.core_ml, 1e-3)), -3.5, -0.5), "small", "large"),
        (w.round, _ramp(-a.elongation, -1.9, -1.15), "round", "elongated"),
        (w.summit, _ramp(-a.summit_elongation, -1.8, -1.1), "round at the summit", "elongated at the summit"),
        (
            w.nodule,
            _ramp(a.fat, 0.2, 0.6) * solid if a.has_ct else 0.3,
            "nodule in fat on CT",
            "not set apart by fat on CT",
        ),
        (
            w.alone,
            _known(_ramp(-a.neighbours, -5.0, 0.0), 0.5),
            "borders on little other uptake",
            f"borders on {a.neighbours:.0f} other foci",
        ),
        (w.end, _known(_ramp(-a.between, -0.9, 0.5), 0.5), "between no others", "between others, as part of a loop"),
    )
    points = float(sum(most * share for most, share, _, _ in rows))
    return Evidence(
        points,
        w.enough,
        tuple(pro for most, share, pro, _ in rows if share > 0.7 and most * share >= 0.7),
        tuple(con for most, share, _, con in rows if share < 0.3 and most * (1 - share) >= 1.0),
    )


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, in proportion between."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _known(share: float, unknown: float = _UNKNOWN) -> float:
    """What can't be compared has a share of its own."""
    return share if np.isfinite(share) else unknown
