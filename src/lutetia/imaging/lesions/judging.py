"""What every focus of a study is taken for: each by itself first, then with what that says of the patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lutetia.imaging.lesions.expectation import Needed, need_of_each, usual_need
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.in_liver_mask import judge_in_liver
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.physiology_fdg import judge_fdg
from lutetia.imaging.lesions.physiology_sstr import judge_sstr
from lutetia.imaging.lesions.physiology_urinary import ball_in_organ_mask, one_of_two_kidneys
from lutetia.imaging.lesions.scan import Scan
from lutetia.imaging.lesions.surroundings import Surroundings


def judge_all(foci: Sequence[Focus], facts: Sequence[Surroundings], scan: Scan) -> list[Judgement]:
    """Propose what each focus is, in the order of the foci.

    What points decide is decided twice: by what is usual, then by how many lesions and look-alikes that finds in this
    patient (`expectation`).
    """
    other_adrenal: set[int] = set()

    def judge(i: int, needed: Needed) -> Judgement:
        if i in other_adrenal:
            return judge_sstr(foci[i], facts[i], scan, needed, adrenal_known=True)
        return _judge(foci[i], facts[i], scan, needed)

    usual = usual_need(scan.tracer)
    judgements = [judge(i, usual) for i in range(len(foci))]
    other_adrenal.update(second_adrenals(judgements, facts, scan.marks))
    for i in other_adrenal:
        judgements[i] = judge(i, usual)
    needs = need_of_each(foci, judgements, usual)
    return [
        judgement if judgement.points is None else judge(i, needed)
        for i, (judgement, needed) in enumerate(zip(judgements, needs, strict=True))
    ]


def second_adrenals(judgements: Sequence[Judgement], facts: Sequence[Surroundings], marks: Landmarks) -> list[int]:
    """Foci taken for an adrenal although another on that side lies nearer to the kidney's upper pole."""
    out = []
    for side in ("left", "right"):
        organ = f"adrenal_gland_{side}"
        mine = [i for i, j in enumerate(judgements) if j.physiological and j.organ == organ]
        top = marks.kidney_top.get(side)
        if len(mine) < 2 or top is None:
            continue
        first = min(mine, key=lambda i: abs(float(facts[i].point[2]) - top))
        out += [i for i in mine if np.linalg.norm(facts[i].point - facts[first].point) > 14]
    return out


def _judge(focus: Focus, around: Surroundings, scan: Scan, needed: Needed) -> Judgement:
    apart = None if focus.in_liver else ball_in_organ_mask(focus, around, scan.marks)
    plain = apart or one_of_two_kidneys(focus, around, scan.marks, scan.levels)
    if plain is not None:
        return plain
    if focus.in_liver:
        return judge_in_liver(focus, around, scan)
    return (judge_fdg if scan.glucose else judge_sstr)(focus, around, scan, needed)
