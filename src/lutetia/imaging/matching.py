"""One identity per lesion: which focus of one study is which focus of another.

Foci travel as voxel clouds in the reference frame (that of the first study). Between two studies the link is
many-to-many: first the best one-to-one pairs (optimal assignment on distance and overlap), then the splits and
mergers that the overlap proves. Tolerance grows where the alignment is less sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # half a second of every reading of one study, which matches nothing
    from scipy.spatial import cKDTree

Points = npt.NDArray[np.float64]
Relation = Literal["same", "split", "merged"]


@dataclass(frozen=True)
class MatchSettings:
    """Tolerances of matching, mm. `caution_mm` applies where the alignment says caution, `poor_mm` where poor."""

    ok_mm: float = 8.0
    caution_mm: float = 12.0
    poor_mm: float = 15.0
    part_inside: float = 0.5  # share of a part that must lie in the whole's place to call it split or merged

    def tolerance(self, status: str) -> float:
        """Tolerance for an alignment of that status."""
        return {"ok": self.ok_mm, "caution": self.caution_mm}.get(status, self.poor_mm)


#: radius of the sphere of the volume of a 5 mm voxel
_VOXEL_MM = 3.1


@dataclass(frozen=True, eq=False)
class Focus:
    """A focus of uptake in the reference frame.

    Attributes
    ----------
    key : any name that is unique in its study
    points_mm : (n, 3) LPS mm in the reference frame; the voxels of the focus, thinned to some thousands
    volume_ml : its volume in its own study
    tissue : "liver", "bone", "lymph_node" … ("" when not known); liver, bone and lung are never the same lesion
    tracer : key of the tracer that shows it; "" when not known, and on SPECT, where a small lesion looks much larger
    peak_mm : its hottest voxel in the reference frame, None when not known
    """

    key: str
    points_mm: Points
    volume_ml: float
    tissue: str = ""
    tracer: str = ""
    peak_mm: Points | None = None

    @property
    def centre_mm(self) -> Points:
        """Geometric centre."""
        return np.asarray(self.points_mm.mean(axis=0))

    @property
    def radius_mm(self) -> float:
        """Radius of the sphere of the same volume."""
        return float((3000.0 * max(self.volume_ml, 0.01) / (4 * np.pi)) ** (1 / 3))

    @property
    def thinning_mm(self) -> float:
        """How far a point inside may lie from the nearest kept voxel because the focus was thinned; 0 where it was not.

        The radius of the sphere that each kept voxel stands for, less that of a 5 mm voxel.
        """
        return float(max(0.0, self.radius_mm / len(self.points_mm) ** (1 / 3) - _VOXEL_MM))


@dataclass(frozen=True)
class Link:
    """A focus of the earlier study tied to one of the later, with the evidence in words and numbers."""

    earlier: str
    later: str
    relation: Relation
    overlap: float
    distance_mm: float
    surface_mm: float
    tissues: tuple[str, str] = ("", "")

    @property
    def evidence(self) -> str:
        """One sentence for the record: overlap, distance, organ."""
        earlier, later = (t.replace("_", " ") for t in self.tissues)
        where = f", both {later}" if earlier == later and later else f", {earlier} then {later}" if later else ""
        return (
            f"overlap {self.overlap:.2f} of the smaller, centres {self.distance_mm:.0f} mm apart, "
            f"nearest voxels {self.surface_mm:.0f} mm{where}"
        )


_APART = ({"liver", "bone"}, {"lung", "bone"}, {"liver", "lung"})


def _compatible(a: str, b: str, surface_mm: float) -> bool:
    """Tissues that rule each other out do so only when the foci do not truly overlap: labels can err at an edge."""
    return {a, b} not in _APART or surface_mm < 2.0


def thinned(points_mm: npt.NDArray[Any], limit: int = 2000) -> Points:
    """At most `limit` points, evenly picked, always the same ones."""
    points = np.asarray(points_mm, float)
    if len(points) <= limit:
        return points
    picked: Points = points[np.linspace(0, len(points) - 1, limit).astype(int)]
    return picked


@dataclass(frozen=True)
class _Pair:
    overlap: float  # share of the smaller focus lying within the tolerance-free reach of the other
    earlier_inside: float
    later_inside: float
    distance_mm: float
    surface_mm: float
    peak_mm: float = 0.0  # mean distance of the hottest voxel of each to the other focus


def _compare(a: Focus, b: Focus, tree_a: cKDTree, tree_b: cKDTree, slack_mm: float) -> _Pair:
    """How two foci lie to each other. "Inside" means within `slack_mm` of a voxel of the other."""
    from_a, _ = tree_b.query(a.points_mm)
    from_b, _ = tree_a.query(b.points_mm)
    from_a, from_b = np.maximum(from_a - b.thinning_mm, 0.0), np.maximum(from_b - a.thinning_mm, 0.0)
    a_inside, b_inside = float((from_a <= slack_mm).mean()), float((from_b <= slack_mm).mean())
    overlap = a_inside if a.volume_ml <= b.volume_ml else b_inside
    distance = float(np.linalg.norm(a.centre_mm - b.centre_mm))
    peaks = [
        max(0.0, float(tree.query(one.peak_mm)[0]) - other.thinning_mm) if one.peak_mm is not None else 0.0
        for one, other, tree in ((a, b, tree_b), (b, a, tree_a))
    ]
    surface = float(min(from_a.min(), from_b.min()))
    return _Pair(overlap, a_inside, b_inside, distance, surface, sum(peaks) / 2)


def match(
    earlier: Sequence[Focus], later: Sequence[Focus], status: str = "ok", settings: MatchSettings | None = None
) -> tuple[Link, ...]:
    """Tie the foci of two studies.

    Parameters
    ----------
    earlier, later : foci in the reference frame
    status : quality of the alignment between the two ("ok", "caution", "poor"): sets the tolerance
    settings : tolerances

    Returns
    -------
    tuple of Link
        A focus that is whole in one study and in parts in the other is linked to every part with relation
        "split" (one earlier, several later) or "merged" (several earlier, one later). One in no link has no partner.
    """
    from scipy.spatial import cKDTree

    settings = settings or MatchSettings()
    tolerance = settings.tolerance(status)
    slack = 0.5 * tolerance
    trees_a = [cKDTree(f.points_mm) for f in earlier]
    trees_b = [cKDTree(f.points_mm) for f in later]
    pairs: dict[tuple[int, int], _Pair] = {}
    for i, a in enumerate(earlier):
        for j, b in enumerate(later):
            reach = a.radius_mm * 3 + b.radius_mm * 3 + tolerance + 40.0
            if np.linalg.norm(a.centre_mm - b.centre_mm) > reach:
                continue
            pair = _compare(a, b, trees_a[i], trees_b[j], slack)
            near = pair.surface_mm <= tolerance and (
                pair.overlap >= 0.25 or pair.distance_mm <= tolerance + 0.5 * min(a.radius_mm, b.radius_mm)
            )
            if near and _compatible(a.tissue, b.tissue, pair.surface_mm):
                pairs[i, j] = pair

    assigned = _assign(earlier, later, pairs, tolerance)
    relation: dict[tuple[int, int], Relation] = dict.fromkeys(assigned, "same")
    partner_of_earlier = dict(assigned)
    partner_of_later = {j: i for i, j in assigned}
    # a part left over lies in the place of a focus that has a partner: split (later parts) or merged (earlier parts)
    for (i, j), pair in sorted(pairs.items(), key=lambda item: -item[1].overlap):
        if j not in partner_of_later and i in partner_of_earlier:
            kept = pairs[i, partner_of_earlier[i]]
            whole = earlier[i].volume_ml > 0.8 * later[j].volume_ml and earlier[i].radius_mm > pair.surface_mm
            if pair.later_inside >= settings.part_inside and kept.later_inside >= settings.part_inside and whole:
                relation[i, j] = relation[i, partner_of_earlier[i]] = "split"
                partner_of_later[j] = i
        elif i not in partner_of_earlier and j in partner_of_later:
            kept = pairs[partner_of_later[j], j]
            whole = later[j].volume_ml > 0.8 * earlier[i].volume_ml and later[j].radius_mm > pair.surface_mm
            if pair.earlier_inside >= settings.part_inside and kept.earlier_inside >= settings.part_inside and whole:
                relation[i, j] = relation[partner_of_later[j], j] = "merged"
                partner_of_earlier[i] = j
    return tuple(
        Link(
            earlier[i].key,
            later[j].key,
            relation[i, j],
            round(pairs[i, j].overlap, 3),
            round(pairs[i, j].distance_mm, 1),
            round(pairs[i, j].surface_mm, 1),
            (earlier[i].tissue, later[j].tissue),
        )
        for i, j in sorted(relation)
    )


#: cost from which a focus is better left without a partner
UNMATCHED = 4.5
#: with another tracer a focus in the place of one of more than eight times its volume (twice its diameter) is likelier
#: a part of that mass, or a lesion of its own, than the same lesion; with one tracer a mass may shrink to a remnant
PART_OF, PART_COST = float(np.log(8.0)), 1.5


def _cost(a: Focus, b: Focus, pair: _Pair, tolerance: float) -> float:
    """How badly two foci fit: 0 for one in the same place, alike in size.

    The distance of the centres counts against the size of the smaller: a large mass may change its shape, a node not.
    """
    size = abs(float(np.log(max(a.volume_ml, 0.01) / max(b.volume_ml, 0.01))))
    reach = tolerance + min(a.radius_mm, b.radius_mm)
    fit = pair.distance_mm / reach + pair.surface_mm / tolerance + 2.0 * (1.0 - pair.overlap)
    fit += min(1.5, pair.peak_mm / tolerance)  # the hottest spot of one lies in the other, however blurred
    if not (a.tracer and b.tracer):  # on SPECT the size is that of the blur
        return fit
    apart = max(0.0, size - PART_OF) if a.tracer != b.tracer else 0.0
    return fit + 0.3 * size + PART_COST * apart


def _assign(
    earlier: Sequence[Focus], later: Sequence[Focus], pairs: dict[tuple[int, int], _Pair], tolerance: float
) -> list[tuple[int, int]]:
    """Optimal one-to-one assignment; only pairs that are near may be chosen, and any focus may stay alone."""
    if not pairs:
        return []
    from scipy.optimize import linear_sum_assignment

    cost = np.full((len(earlier), len(later)), UNMATCHED)
    for (i, j), pair in pairs.items():
        cost[i, j] = min(UNMATCHED, _cost(earlier[i], later[j], pair, tolerance))
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if (i, j) in pairs and cost[i, j] < UNMATCHED]
