"""What the other scan of a visit says of an uptake that one scan alone takes for a lesion.

SSTR and FDG show gland and bowel each in its own way, at the same place. An uptake in the abdomen that one scan could
hardly tell from bowel is bowel when the other scan of the visit shows a loop there that runs on beyond it; an uptake of
the neck is a gland when the other scan shows the gland on both sides alike. Nothing else is concluded: that the other
tracer shows nothing at a place is no argument against a lesion, for that is what the second tracer is given for. Small
foci in the wall of a loop stay candidates (primaries are small and hot), and so does what a reader named.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage as ndi

from lutetia.model import Lesion, Visit
from lutetia.reading.course.dual import visit_pairs
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.course.places import sample
from lutetia.reading.study import StudyReading

#: share of an uptake that must lie in what the other scan set apart
IN_LOOP, IN_GLAND = 0.35, 0.5
#: a loop runs on: at most this share of its connected part lies in the uptake
RUNS_ON = 0.4
#: words of a judgement in which the findings of bowel and of a lesion were weighed together (`lesions.evidence`)
WEIGHED = "points for a lesion"
#: below this volume a focus in a loop may be a primary in its wall, mL (18 mm across)
LOOP_ML = 3.0


def heed_other_scan(readings: Sequence[StudyReading], visits: Sequence[Visit], frames: Frames) -> None:
    """Set apart, in place, what the other scan of the visit shows to be bowel or a gland.

    Parameters
    ----------
    readings : aligned studies, each read
    visits : which of them belong together
    frames : alignments; nothing is concluded through a poor one
    """
    pairs, _ = visit_pairs(readings, visits)
    verdicts: list[tuple[StudyReading, dict[str, Lesion]]] = []
    for pair in pairs:
        names = (pair.sstr.study.id, pair.fdg.study.id)
        if not set(names) <= set(frames.by_study) or "poor" in map(frames.status, names):
            continue
        for reading, other in ((pair.sstr, pair.fdg), (pair.fdg, pair.sstr)):
            verdicts.append((reading, _set_apart(reading, other, frames)))
    for reading, changed in verdicts:  # both scans are asked before either changes
        reading.lesions = tuple(changed.get(x.id, x) for x in reading.lesions)


def _set_apart(reading: StudyReading, other: StudyReading, frames: Frames) -> dict[str, Lesion]:
    """Candidates of one study that the other scan shows to be physiological, by id, as they now stand."""
    if reading.found is None or other.found is None:
        return {}
    doubted = [x for x in reading.lesions if x.status in POSITIVE and (_near_bowel(x) or _in_neck(x))]
    out: dict[str, Lesion] = {}
    if not doubted:
        return out
    labels = reading.found.labels
    apart = {x.observations[0].label: x for x in other.lesions if x.status == "physiological"}
    bridge = frames.between(reading.study.id, other.study.id)
    for lesion in doubted:
        own = np.argwhere(labels.array == lesion.observations[0].label)
        if not len(own):
            continue
        points = bridge.to_moving(labels.grid.to_lps(own))
        there = np.nan_to_num(sample(other.found.labels, points)).astype(int)
        for label, uptake in apart.items():
            share = float(np.mean(there == label))
            organ = None
            if _near_bowel(lesion) and uptake.site == "bowel" and share >= IN_LOOP:
                if _runs_on(other, label, points[there == label]):
                    organ, text = "bowel", "lies in a loop of bowel that runs on beyond it"
            elif _in_neck(lesion) and uptake.site == "salivary glands" and share >= IN_GLAND:
                organ, text = "salivary glands", "lies in a gland that takes up tracer on both sides alike"
            if organ is not None:
                reason = f"{share:.0%} of it {text} in {other.study.id}; alone: {lesion.status_reason}"
                update = {"status": "physiological", "site": organ, "tissue": "other", "status_reason": reason}
                out[lesion.id] = lesion.model_copy(update=update)
                break
    return out


def _near_bowel(lesion: Lesion) -> bool:
    """Whether the search itself weighed bowel against a lesion, and the uptake is too large for a primary in a wall."""
    soft = lesion.tissue in ("lymph_node", "soft")
    return soft and WEIGHED in lesion.status_reason and lesion.observations[0].volume_ml >= LOOP_ML


def _in_neck(lesion: Lesion) -> bool:
    return lesion.site == "node cervical"


def _runs_on(other: StudyReading, label: int, points: np.ndarray) -> bool:
    """Whether the connected part of a loop goes on well beyond the points that lie in it."""
    assert other.found is not None
    labels = other.found.labels
    parts, _ = ndi.label(labels.array == label, np.ones((3, 3, 3), bool))
    index = np.rint(labels.grid.to_index(points)).astype(int)
    index = np.unique(index[np.all((index >= 0) & (index < labels.grid.shape), axis=1)], axis=0)
    at = parts[tuple(index.T)]
    at = at[at > 0]
    if not len(at):
        return False
    part = int(np.bincount(at).argmax())
    return float((at == part).sum()) <= RUNS_ON * float((parts == part).sum())
