"""A lesion that comes apart or comes together where the parts were not outlined as foci of their own.

The search may outline two touching parts as one, call a part bowel, or miss one; matching then sees a lesion that
shrank, or one that is gone. Here both images are asked again at the place: one uptake before and two after is a split,
two before and one after a merger. "One" and "two" are kept apart: two maxima are resolved (Rayleigh) when the valley
between them falls by a quarter, so a place is one uptake below that, and two only from twice that on; in between
nothing is said. Nothing is said either where the alignment is poor or an uptake runs out of the box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lutetia.imaging.matching import Focus, MatchSettings, thinned
from lutetia.imaging.uptakes import Uptake, distinct_uptakes
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import Identified
from lutetia.reading.course.places import ring, sample
from lutetia.reading.study import StudyReading

Points = npt.NDArray[np.float64]

#: share of the lower peak by which the valley falls: below the first one uptake, from the second on two
ONE, TWO = 0.26, 0.5
#: share of a part that lies in the place of the whole
INSIDE = 0.5
#: the smaller part against the whole, and at least this volume, mL
LEAST_SHARE, LEAST_ML = 0.06, 0.1
#: height of the lower part against the higher: below it, noise beside a remnant could pass for a part
LEAST_HEIGHT = 0.3


@dataclass(frozen=True)
class Parting:
    """A split or a merger seen in the images themselves, with its evidence in words."""

    relation: Literal["split", "merged"]
    evidence: str


@dataclass(frozen=True, eq=False)
class _Seen:
    uptake: Uptake
    points_mm: Points  # in the reference frame
    tree: cKDTree

    @property
    def centre_mm(self) -> Points:
        return np.asarray(self.points_mm.mean(axis=0))


def _seen(reading: StudyReading, place: Focus, frames: Frames, valley: float) -> list[_Seen]:
    """The distinct uptakes of a study around a place of the reference frame."""
    name = reading.study.id
    if reading.suv is None or name not in frames.by_study:
        return []
    around = sample(reading.suv, frames.to_study(name, ring(place)))
    around = around[np.isfinite(around)]
    if not len(around):
        return []
    points = frames.to_study(name, place.points_mm)
    found = distinct_uptakes(reading.suv, points, float(np.median(around)), valley)
    out = []
    for uptake in found:
        own = frames.to_reference(name, thinned(uptake.points_mm))
        out.append(_Seen(uptake, own, cKDTree(own)))
    return out


def _inside(points: Points, tree: cKDTree, slack_mm: float) -> float:
    distance, _ = tree.query(points)
    return float((distance <= slack_mm).mean())


def _one_and_two(
    whole_study: StudyReading, part_study: StudyReading, place: Focus, frames: Frames, slack_mm: float
) -> tuple[_Seen, _Seen, _Seen] | None:
    """A whole of one study that covers two uptakes of the other, at the place; the parts larger first."""
    at_place = cKDTree(place.points_mm)
    wholes = [
        w
        for w in _seen(whole_study, place, frames, ONE)
        if not w.uptake.at_edge and _inside(w.points_mm, at_place, slack_mm) >= 0.1
    ]
    parts = _seen(part_study, place, frames, TWO) if wholes else []
    for whole in wholes:
        least = max(LEAST_ML, LEAST_SHARE * whole.uptake.volume_ml)
        covered = [
            p
            for p in parts
            if not p.uptake.at_edge
            and p.uptake.volume_ml >= least
            and _inside(p.points_mm, whole.tree, slack_mm) >= INSIDE
        ]
        tallest = max((p.uptake.height for p in covered), default=0.0)
        covered = [p for p in covered if p.uptake.height >= LEAST_HEIGHT * tallest]
        covered.sort(key=lambda p: -p.uptake.volume_ml)
        if len(covered) >= 2 and any(_inside(p.points_mm, at_place, slack_mm) >= INSIDE for p in covered[:2]):
            return whole, covered[0], covered[1]
    return None


def parting(lesion: Identified, now: StudyReading, then: StudyReading, frames: Frames) -> Parting | None:
    """Whether a lesion came apart or together between two studies with the same tracer.

    Parameters
    ----------
    lesion : with its shape in at least one of the two studies
    now, then : the later and the earlier study, both with SUV
    frames : alignments

    Returns
    -------
    Parting or None
        None when nothing can be said: poor alignment, no uptake, an uptake that runs on, or neither split nor merger.
    """
    statuses = (frames.status(now.study.id), frames.status(then.study.id))
    shapes = [lesion.track.shapes[r.study.id] for r in (then, now) if r.study.id in lesion.track.shapes]
    if "poor" in statuses or not shapes:
        return None
    place = Focus("place", np.concatenate([s.points_mm for s in shapes]), max(s.volume_ml for s in shapes))
    settings = MatchSettings()
    slack = 0.5 * max(settings.tolerance(s) for s in statuses)
    for earlier_is_whole in (True, False):
        whole_study, part_study = (then, now) if earlier_is_whole else (now, then)
        found = _one_and_two(whole_study, part_study, place, frames, slack)
        if found is None:
            continue
        whole, first, second = found
        apart = float(np.linalg.norm(first.centre_mm - second.centre_mm))
        volumes = f"{first.uptake.volume_ml:.1f} and {second.uptake.volume_ml:.1f} mL"
        one = f"one uptake of {whole.uptake.volume_ml:.1f} mL in {whole_study.study.id}"
        two = f"two of {volumes}, {apart:.0f} mm apart, in {part_study.study.id}"
        valley = f"the valley between them falls by more than {TWO:.0%} of the lower"
        if earlier_is_whole:
            return Parting("split", f"at its place {one}, {two}; {valley}")
        return Parting("merged", f"at its place {two}, {one}; {valley}")
    return None
