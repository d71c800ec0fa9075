"""What the bowel of this patient looks like on this scan: its density and its uptake.

Contrast, what was drunk, metformin and an analogue change bowel from patient to patient far more than along the bowel
of one. Compared with it, a solid mass is denser than a loop and what it holds, and a lesion often hotter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.surroundings import Surroundings

#: fewer parts of bowel than this say nothing about the rest
_FEWEST = 8
#: denser bowel holds contrast that was drunk: nothing solid is as dense
_CONTRAST_HU = 100.0


def compare_with_bowel(foci: Sequence[Focus], facts: Sequence[Surroundings], marks: Landmarks) -> list[Surroundings]:
    """Set density and uptake of every focus beside those of the patient's own bowel.

    Bowel is what runs on from a larger uptake and falls off unlike in different directions, in the abdomen before the
    spine, in the mask of no organ and away from bone. The median of eight such foci or more is its usual density and
    uptake.
    """
    parts = [(f, a) for f, a in zip(foci, facts, strict=True) if _runs_on_like_bowel(f, a, marks)]
    hu = [a.ct_peak_hu for _, a in parts if a.has_ct]
    usual_hu = float(np.median(hu)) if len(hu) >= _FEWEST else float("nan")
    if usual_hu > _CONTRAST_HU:
        usual_hu = float("nan")
    usual_suv = float(np.median([f.top for f, _ in parts])) if len(parts) >= _FEWEST else float("nan")
    return [
        replace(a, over_bowel_hu=(a.ct_hu - usual_hu, a.ct_peak_hu - usual_hu), over_bowel_suv=f.top / usual_suv)
        for f, a in zip(foci, facts, strict=True)
    ]


def _runs_on_like_bowel(focus: Focus, around: Surroundings, marks: Landmarks) -> bool:
    if focus.in_liver or focus.label != LABELS["body"] or not marks.in_abdomen(float(around.point[2])):
        return False
    band = around.joined > 0.5 and around.evenness < 0.4
    return band and around.ventral > 20 and around.bone < 0.1
