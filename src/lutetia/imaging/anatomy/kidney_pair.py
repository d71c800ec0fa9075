"""One kidney tells where and what the other is: its mirror image is laid where the other bed resembles it most, and
density, uptake and shape then share the tissue between kidney and neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.kidneys import LEAST_SCORE, Kidney, judge_kidney, kidney_readings, pair_of
from lutetia.imaging.anatomy.region import Trunk
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM
from lutetia.imaging.threads import each

#: a kidney that scores this may tell what the other looks like: no bowel or muscle does
MODEL_SCORE = 2.5
#: how far the other kidney may lie from the mirrored place, mm: along the body, forward, sideways
REACH_MM = (60.0, 30.0, 30.0)
#: the neighbourhood that is compared, mm round the kidney: its fat
COAT_MM = 9.0
#: least likeness (correlation of density and uptake) of a bed to the mirrored kidney
LEAST_CORRELATION = 0.25
#: what a shift by the whole of `REACH_MM` costs in correlation
FAR = 0.15
#: misfit (nats) at which tissue on the expected outline is no kidney
UNLIKE = 2.5
#: image against shape: a voxel this far (mm) outside the expected outline needs one nat more evidence
SHAPE_MM = 4.0
#: how far from the expected outline a voxel may change its owner, mm
CONTEST_MM = 12.0


@dataclass(frozen=True)
class Kind:
    """Density and uptake of an organ's tissue.

    Attributes
    ----------
    hu, hu_sd : median and spread of HU
    log_suv : median of the logarithm of SUV, NaN without PET
    below, above : its spread downwards and upwards. Upwards is wide: urine in a kidney, metastases in a liver
    """

    hu: float
    hu_sd: float
    log_suv: float
    below: float
    above: float


def kind_of(trunk: Trunk, mask: mm.Mask) -> Kind | None:
    """What the deeper part of a mask is made of; None where too little is left."""
    box = mm.bounding_box(mask, 1)
    if box is None:
        return None
    part = np.ascontiguousarray(mask[box])
    inner = mm.erode(part, 4.0, SPACING) & trunk.measured[box]
    if inner.sum() < 60:
        inner = part & trunk.measured[box]
    if inner.sum() < 60:
        return None
    hu = trunk.ct_smooth[box][inner]
    log_suv = below = float("nan")
    if trunk.pet_smooth is not None:
        values = np.log(np.maximum(trunk.pet_smooth[box][inner], 1e-3))
        log_suv = float(np.median(values))
        below = float(np.clip(log_suv - np.percentile(values, 16), 0.15, 0.6))
    return Kind(float(np.median(hu)), float(np.clip(mm.robust_sd(hu), 8.0, 30.0)), log_suv, below, 0.8)


def _misfit(trunk: Trunk, box: mm.Box, kind: Kind) -> npt.NDArray[np.float32]:
    """Negative log likelihood of a kind of tissue, per voxel of a box; each of the two witnesses counts at most 4."""
    away = (trunk.ct_smooth[box] - np.float32(kind.hu)) / np.float32(kind.hu_sd)
    cost = np.minimum(0.5 * away**2, 4.0) + np.log(kind.hu_sd / 10.0)
    if trunk.pet_smooth is not None and np.isfinite(kind.log_suv):
        off = np.log(np.maximum(trunk.pet_smooth[box], 1e-3)) - np.float32(kind.log_suv)
        off = np.where(off < 0, off / np.float32(kind.below), off / np.float32(kind.above))
        cost = cost + np.minimum(0.5 * off**2, 4.0) + np.log((kind.below + kind.above) / 1.2)
    result: npt.NDArray[np.float32] = cost.astype(np.float32)
    return result


def shared(trunk: Trunk, mine: mm.Mask, theirs: mm.Mask, my_kind: Kind, their_kind: Kind) -> mm.Mask:
    """What of two touching organs is mine: evidence smoothed over 3 mm, weighed against the distance to my outline.

    Parameters
    ----------
    mine : the expected outline (of a kidney)
    theirs : the neighbour; only voxels of the two change hands, within `CONTEST_MM` of my outline
    my_kind, their_kind : what either is made of

    Returns
    -------
    My voxels, one piece
    """
    box = mm.bounding_box(mine, int(CONTEST_MM / SPACING_MM) + 3)
    if box is None:
        return mine
    part, other = np.ascontiguousarray(mine[box]), theirs[box]
    gain = _misfit(trunk, box, their_kind) - _misfit(trunk, box, my_kind)
    gain = ndi.gaussian_filter(np.clip(gain, -6, 6), 3.0 / SPACING_MM, truncate=2.5)
    outside = mm.distance_to(part, SPACING)
    inside = mm.depth_inside(part, SPACING)
    gain -= (outside - inside) / np.float32(SHAPE_MM)
    kept = np.where(other, (gain > 0) & (outside < CONTEST_MM), part)
    kept = mm.largest(mm.opened(kept) | (kept & part & (inside > 6)))
    result = np.zeros_like(mine)
    result[box] = kept
    return result


@dataclass(frozen=True, eq=False)
class _Mirror:
    """A kidney mirrored at the vertebral column, ready to be laid on the other bed.

    Attributes
    ----------
    shape : the mirrored kidney in a small box
    corner : index of that box before any shift
    index : voxels of the kidney and its coat in the box
    looks : per channel (density, uptake) the values at `index`
    """

    shape: mm.Mask
    corner: npt.NDArray[np.int64]
    index: npt.NDArray[np.int64]
    looks: list[npt.NDArray[np.float32]]


def _mirror(trunk: Trunk, kidney: Kidney) -> _Mirror | None:
    """Cut a kidney out with its coat of fat and reflect it at the column."""
    tight = mm.bounding_box(kidney.mask)
    if tight is None:
        return None
    margin = int(np.ceil(COAT_MM / SPACING_MM))
    wide = tuple(slice(s.start, s.stop + 2 * margin) for s in tight)
    shape = np.ascontiguousarray(np.pad(kidney.mask, margin)[wide][:, :, ::-1])
    index = np.argwhere(mm.distance_to(shape, SPACING) <= COAT_MM)
    at = tuple(index.T)
    looks = [np.pad(c, margin, mode="edge")[wide][:, :, ::-1][at] for c in _channels(trunk)]
    middle = (tight[0].start + tight[0].stop) // 2
    column = float(np.interp(0.0, trunk.lateral_mm[middle, 0], np.arange(trunk.ct.shape[2])))
    corner = [tight[0].start, tight[1].start, round(2 * column - (tight[2].stop - 1))]
    return _Mirror(shape, np.array(corner) - margin, index, looks)


def _likeness_at(
    trunk: Trunk, channels: list[npt.NDArray[np.float32]], mirror: _Mirror, shift: npt.NDArray[np.int64], step: int
) -> float:
    """Correlation of density (and, at half weight, uptake) with the mirrored kidney at a shift; -1 in lung or outside.

    A far shift needs a better likeness: kidneys of a pair lie nearly at the same height, the right a little lower.
    """
    at = mirror.index[::step] + mirror.corner + shift
    inside = np.all((at >= 0) & (at < np.array(trunk.ct.shape)), axis=1)
    if inside.mean() < 0.9:
        return -1.0
    where = tuple(at[inside].T)
    if (trunk.lung_distance_mm[where] < 3).mean() > 0.08:
        return -1.0
    total = weights = 0.0
    for weight, looks, channel in zip((1.0, 0.5), mirror.looks, channels, strict=False):
        a, b = looks[::step][inside], channel[where]
        a, b = a - a.mean(), b - b.mean()
        total += weight * float((a * b).sum() / max(1e-6, float(np.sqrt((a * a).sum() * (b * b).sum()))))
        weights += weight
    far = float((((shift * SPACING_MM) / np.array(REACH_MM)) ** 2).sum())
    return total / weights - FAR * far


def mirrored(trunk: Trunk, kidney: Kidney, most: int = 3) -> list[tuple[mm.Mask, float]]:
    """The kidney's mirror image where the other side resembles it most: a few places with their likeness, best first.

    Mirrored at the vertebral column, then moved: the other kidney lies higher or lower, nearer or further.
    """
    mirror = _mirror(trunk, kidney)
    if mirror is None:
        return []
    channels = _channels(trunk)
    axes = []
    for reach in REACH_MM:
        steps = int(reach / SPACING_MM) // 3 * 3
        axes.append(np.arange(-steps, steps + 1, 3))
    coarse = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    step = max(1, len(mirror.index) // 1500)
    values = np.array([_likeness_at(trunk, channels, mirror, s, step) for s in coarse])
    places: list[tuple[mm.Mask, float]] = []
    tried: list[npt.NDArray[np.int64]] = []
    fine = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    step = max(1, len(mirror.index) // 4000)
    for n in np.argsort(-values):
        if len(tried) == most or values[n] < 0:
            break
        if any(np.abs(coarse[n] - t).max() * SPACING_MM < 18 for t in tried):
            continue
        tried.append(coarse[n])
        near = [_likeness_at(trunk, channels, mirror, coarse[n] + f, step) for f in fine]
        best = int(np.argmax(near))
        if near[best] < LEAST_CORRELATION:
            continue
        place = np.argwhere(mirror.shape) + mirror.corner + coarse[n] + fine[best]
        place = place[np.all((place >= 0) & (place < np.array(trunk.ct.shape)), axis=1)]
        mask = np.zeros(trunk.ct.shape, bool)
        mask[tuple(place.T)] = True
        places.append((mask, near[best]))
    return sorted(places, key=lambda p: -p[1])


def _channels(trunk: Trunk) -> list[npt.NDArray[np.float32]]:
    """Density (from fat to contrast) and the logarithm of uptake."""
    channels = [np.clip(trunk.ct_smooth, -120, 200)]
    if trunk.pet_smooth is not None:
        channels.append(np.log(np.maximum(trunk.pet_smooth, 0.1)))
    return channels


def _fitted(trunk: Trunk, expected: mm.Mask, kind: Kind, neighbour: mm.Mask, their_kind: Kind | None) -> mm.Mask | None:
    """The tissue near an expected outline that is like the kidney, shared with the neighbour where they touch."""
    box = mm.bounding_box(expected, int(CONTEST_MM / SPACING_MM) + 3)
    if box is None:
        return None
    tissue = (trunk.ct_smooth[box] > -20) & (trunk.ct_smooth[box] < 450) & (trunk.soft[box] | ~trunk.bone[box])
    part = np.ascontiguousarray(expected[box])
    outside, inside = mm.distance_to(part, SPACING), mm.depth_inside(part, SPACING)
    unlike = ndi.gaussian_filter(_misfit(trunk, box, kind), 3.0 / SPACING_MM, truncate=2.5)
    near = tissue & (outside < CONTEST_MM) & (UNLIKE - unlike - (outside - inside) / SHAPE_MM > 0)
    shape = np.zeros_like(expected)
    shape[box] = mm.largest(mm.opened(near))
    if not shape.any():
        return None
    if their_kind is not None and (neighbour[box] & (outside < CONTEST_MM)).any():
        contested = np.zeros_like(expected)
        contested[box] = neighbour[box] & (outside < CONTEST_MM)
        part_of_both = expected & contested
        part_of_both[box] &= tissue
        shape = shared(trunk, shape | part_of_both, contested, kind, their_kind)
    return shape


def other_kidneys(
    trunk: Trunk, kidney: Kidney, neighbour: mm.Mask, their_kind: Kind | None, yardstick: float, hot_tracer: bool
) -> list[Kidney]:
    """Readings of the other kidney by the likeness of this one; none where that bed holds nothing like it.

    Parameters
    ----------
    kidney : the kidney that was found
    neighbour : the organ the other kidney may lie against (the liver)
    their_kind : what that organ is made of
    """
    kind = kind_of(trunk, kidney.mask)
    if kind is None:
        return []
    readings = []
    for mask, correlation in mirrored(trunk, kidney):
        shape = _fitted(trunk, mask, kind, neighbour, their_kind)
        if shape is None:
            continue
        score, evidence = judge_kidney(trunk, shape, yardstick, hot_tracer)
        if score > 0:
            readings.append(Kidney(shape, score, evidence | {"mirror_correlation": correlation}))
    return readings


def find_pair(
    trunk: Trunk, taken: dict[str, mm.Mask], liver: mm.Mask, liver_side: str, yardstick: float, hot_tracer: bool
) -> dict[str, Kidney]:
    """Both kidneys: readings of either bed, the mirror image of the better one, and the pair that fits best.

    Parameters
    ----------
    taken : per side, what belongs to another organ for certain
    liver : outline of the liver, which may hold kidney
    liver_side : where the liver lies
    yardstick : what a kidney takes up at least, SUV
    hot_tracer : whether kidneys take the tracer up strongly (SSTR ligands)
    """
    other_side = "left" if liver_side == "right" else "right"
    sides = (liver_side, other_side)
    of_sides = each(lambda side: kidney_readings(trunk, side, taken[side], yardstick, hot_tracer), sides)
    readings = dict(zip(sides, of_sides, strict=True))

    def chosen() -> dict[str, Kidney]:
        pair = pair_of(readings[liver_side], readings[other_side])
        return {s: k for s, k in zip((liver_side, other_side), pair, strict=True) if k is not None}

    found = chosen()
    if not found:
        return {}
    better = max(found, key=lambda s: found[s].score)
    side = other_side if better == liver_side else liver_side
    their_kind = kind_of(trunk, mm.erode(liver, 6.0, SPACING))
    if found[better].score >= MODEL_SCORE:
        neighbour = liver if side == liver_side else np.zeros_like(liver)
        mirrors = other_kidneys(trunk, found[better], neighbour, their_kind, yardstick, hot_tracer)
        if mirrors:
            readings[side] = sorted([*readings[side], *mirrors], key=lambda k: -k.score)
            found = chosen()
    own = found.get(liver_side)
    if own is not None and their_kind is not None:
        kind = kind_of(trunk, own.mask)
        if kind is not None:
            mask = shared(trunk, own.mask, liver, kind, their_kind)
            score, evidence = judge_kidney(trunk, mask, yardstick, hot_tracer)
            if score > LEAST_SCORE:
                found[liver_side] = Kidney(mask, score, own.evidence | evidence)
    return found
