"""Lesion or part of stomach, bowel or pancreas? Findings are weighed together; no single one decides.

Each finding is worth up to its points, in proportion between "speaks for bowel" and "speaks for a lesion":

* what this patient's own bowel shows counts most (7½ of 20): what is hotter than the rest needs another reason, since
  bowel varies less along one patient than between patients (3); a solid mass is denser than a loop and what it holds,
  by the mean of its core, which noise moves little (3), and at its peak (1½);
* how uptake falls off (4), since a loop goes on in one direction and a lesion in none, and how far it goes on (3);
* uptake above what these organs reach in their published range (3) can't be explained by them, but many lesions are
  no hotter than bowel;
* a round summit (1), a nodule in fat on CT (1), and few neighbours (½): a loop is one focus in a row of them.

Standing apart, contrast, smallness and the shape of the whole core say nothing more once these are known (measured on
200 patients). The same findings hold for SSTR and FDG. How many points are needed depends on the patient:
`expectation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutetia.imaging.lesions.expectation import Needed
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.surroundings import Surroundings

#: share of its points for what can't be compared with this patient's bowel: a little less than neither way
_UNKNOWN = 0.3


@dataclass(frozen=True)
class Evidence:
    """Points for a lesion, and the findings that gave or withheld most of them, in words."""

    points: float
    needed: Needed
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether the findings are those of a lesion."""
        return self.points >= self.needed.points

    @property
    def text(self) -> str:
        """Points and findings, for the reason of a judgement."""
        why = f" with {self.needed.why}" if self.needed.why else ""
        parts = [f"{self.points:.1f} of 20 points for a lesion ({self.needed.points:.1f} needed{why})"]
        if self.speaks_for:
            parts.append("for: " + ", ".join(self.speaks_for))
        if self.speaks_against:
            parts.append("against: " + ", ".join(self.speaks_against))
        return "; ".join(parts)


def weigh(focus: Focus, around: Surroundings, ceiling: float, needed: Needed) -> Evidence:
    """Weigh what speaks for a lesion against stomach, bowel and pancreas.

    Parameters
    ----------
    ceiling : SUV above which uptake is not explained by these organs
    needed : points that make it a lesion
    """
    a = around
    solid = not a.has_ct or -20.0 < a.ct_peak_hu < 130.0
    core_hu, peak_hu = a.over_bowel_hu
    hotter = np.log2(max(a.over_bowel_suv, 1e-3))
    rows = (
        (4.0, _ramp(a.weakest, 0.05, 0.14), "falls off in every direction", "goes on in one direction"),
        (3.0, _ramp(-np.log2(max(a.length_mm, 1.0)), -5.0, -3.3), "short", "long"),
        (
            3.0,
            _known(_ramp(hotter, 0.0, 2.0)),
            f"{a.over_bowel_suv:.1f} × this patient's bowel",
            "no hotter than this patient's bowel",
        ),
        (
            3.0,
            _known(_ramp(core_hu, 0.0, 20.0)),
            "denser than this patient's bowel",
            "no denser than this patient's bowel",
        ),
        (1.5, _known(_ramp(peak_hu, 0.0, 20.0)), "denser at its peak", "no denser at its peak"),
        (
            3.0,
            _ramp(np.log2(focus.top / ceiling), -1.5, 1.0),
            f"SUV {focus.top:.1f}",
            f"SUV {focus.top:.1f} is usual",
        ),
        (1.0, _ramp(-a.summit_elongation, -1.8, -1.1), "round at the summit", "elongated at the summit"),
        (
            1.0,
            _ramp(a.fat, 0.2, 0.6) * solid if a.has_ct else 0.3,
            "nodule in fat on CT",
            "not set apart by fat on CT",
        ),
        (0.5, _known(_ramp(-a.neighbours, -5.0, 0.0), 0.5), "borders on little other uptake", "borders on other foci"),
    )
    points = float(sum(most * share for most, share, _, _ in rows))
    return Evidence(
        points,
        needed,
        tuple(pro for most, share, pro, _ in rows if share > 0.7 and most * share >= 0.7),
        tuple(con for most, share, _, con in rows if share < 0.3 and most * (1 - share) >= 1.0),
    )


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, in proportion between."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _known(share: float, unknown: float = _UNKNOWN) -> float:
    """What can't be compared has a share of its own."""
    return share if np.isfinite(share) else unknown
