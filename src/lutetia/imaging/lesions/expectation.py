"""What to expect of uptake among bowel in this patient: how many points a lesion needs there.

The same findings mean more where lesions are known and less where much looks like one. A patient whose bowel takes up
tracer in spots has many foci that are nearly lesions, and the one with the most points is the end of a row of them; a
patient with nodes elsewhere has more of them. Both act like the odds before a test: points needed grow with the
logarithm of look-alikes over lesions known otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.model import Tracer

#: of 20 points: from so many on the findings are not those of stomach, bowel and pancreas, where there are as many
#: lesions elsewhere as look-alikes; conventions. SPECT blurs two to three times as wide as PET: nothing falls off as
#: steeply or is as short, so fewer points can be had; normal bowel takes up FDG in spots, so more are asked there
NEEDED_PET, NEEDED_FDG, NEEDED_SPECT = 9.0, 9.5, 7.25
#: so many more for twice as many look-alikes over lesions
_PER_DOUBLING = 0.8
#: a look-alike has so much less than is needed
_LOOK_ALIKE = (3.5, 1.5)


@dataclass(frozen=True)
class Needed:
    """Points that make a lesion of uptake among bowel, and what moved them, in words."""

    points: float
    why: str = ""


def usual_need(tracer: Tracer) -> Needed:
    """What is needed where nothing is known of the patient yet."""
    if tracer.modality == "SPECT":
        return Needed(NEEDED_SPECT)
    return Needed(NEEDED_FDG if tracer.binds == "glucose" else NEEDED_PET)


def need_of_each(foci: Sequence[Focus], judgements: Sequence[Judgement], usual: Needed) -> list[Needed]:
    """What each focus needs, given what the others were taken for by `usual`.

    Parameters
    ----------
    judgements : of each focus; those that points decided carry them

    Returns
    -------
    list of Needed, in the order of the foci; what points did not decide keeps `usual`
    """
    known = [
        focus.in_liver
        for focus, judgement in zip(foci, judgements, strict=True)
        if judgement.points is None and not judgement.physiological
    ]
    # metastases of the liver say that there is disease, but their number says little of nodes and peritoneum
    lesions = known.count(False) + (True in known)
    points = np.array([np.nan if j.points is None else j.points for j in judgements])
    low, high = (usual.points - below for below in _LOOK_ALIKE)
    alike = (points >= low) & (points <= high)
    number = int(alike.sum())
    needs = []
    for judgement, itself in zip(judgements, alike.tolist(), strict=True):
        if judgement.points is None:
            needs.append(usual)
            continue
        others = number - itself
        more = _PER_DOUBLING * float(np.log2((1 + others) / (1 + lesions)))
        why = f"{_count(lesions, 'lesion')} elsewhere, {_count(others, 'part')} of bowel nearly like one"
        needs.append(Needed(usual.points + more, why))
    return needs


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
