"""The kidneys: beside the vertebral column, wrapped in fat, never against the lung, and a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.even_parts import even_parts
from lutetia.imaging.anatomy.region import Trunk, muscle_uptake
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML

#: below this nothing in the bed looks like a kidney: none is named
LEAST_SCORE = 0.5
#: what an empty bed counts as a kidney's score times its likeness
ALONE = 0.4
#: density of renal parenchyma without contrast (liver, spleen and muscle are denser) and with it (they are darker)
BANDS_HU = ((12.0, 42.0), (115.0, 300.0))
#: a kidney that scores this stands free: nobody else's tissue need be asked
PLAIN = 6.0
#: so many readings of a bed are weighed against those of the other side
READINGS = 8
#: a ball of two voxels (6 mm)
_BALL = np.linalg.norm(np.indices((5, 5, 5)) - 2, axis=0) <= 2.2


@dataclass(frozen=True, eq=False)
class Kidney:
    """One kidney in the trunk's crop, with what was measured while finding it."""

    mask: mm.Mask
    score: float
    evidence: dict[str, float] = field(default_factory=dict)


def depth_below_dome(trunk: Trunk) -> npt.NDArray[np.float64]:
    """Depth of every slice below the dome, mm; where no dome is in the field, it is taken 40 mm above the top slice."""
    if np.isfinite(trunk.below_dome_mm).any():
        return trunk.below_dome_mm
    count = len(trunk.below_dome_mm)
    depth: npt.NDArray[np.float64] = (count - 1 - np.arange(count, dtype=np.float64)) * SPACING_MM + 40.0
    return depth


def _bed(trunk: Trunk, side: str) -> mm.Mask:
    """Where a kidney may lie: 12 to 125 mm beside the column, from 55 mm before to 90 mm behind the vertebral front."""
    lateral = trunk.lateral_mm if side == "left" else -trunk.lateral_mm
    bed = (lateral > 12) & (lateral < 125) & (trunk.forward_mm < 55) & (trunk.forward_mm > -90)
    height = depth_below_dome(trunk)
    bed &= ((height > 10) & (height < 260))[:, None, None]
    result: mm.Mask = bed & (trunk.ct_smooth > -20) & (trunk.ct_smooth < 450) & (trunk.body_depth_mm > 12)
    return result


def least_uptake(trunk: Trunk, liver_suv: float, hot_tracer: bool) -> float:
    """What a kidney takes up at least, SUV; NaN where nothing is known.

    As much as the liver (SSTR) or 0.7 of it; muscle stays below half of that. Where the liver is full of metastases the
    muscles of the back give the yardstick: kidneys take up six times (2.5 times) as much.
    """
    if trunk.pet_smooth is None or not np.isfinite(liver_suv):
        return float("nan")
    share, times = (1.0, 6.0) if hot_tracer else (0.7, 2.5)
    muscle = muscle_uptake(trunk)
    return min(share * liver_suv, times * muscle) if np.isfinite(muscle) else share * liver_suv


def judge_kidney(trunk: Trunk, mask: mm.Mask, yardstick: float, hot_tracer: bool) -> tuple[float, dict[str, float]]:
    """How much a piece looks like a kidney: one rounded body of its size, fat round it, place, no lung contact, uptake.

    0 = no.
    """
    volume = float(mask.sum() * VOXEL_ML)
    box = mm.bounding_box(mask, 4)
    if box is None or volume < 20 or volume > 550:
        return 0.0, {}
    part = np.ascontiguousarray(mask[box])
    distance = mm.distance_to(part, SPACING)
    shell = (distance > 2.9) & (distance < 8)
    hu = trunk.ct[box]
    fat = float(((hu < -30) & (hu > -200))[shell].mean()) if shell.any() else 0.0
    edge = part & ~mm.shrunk(part)
    contact = float((trunk.lung_distance_mm[box][edge] < 12).mean())
    voxels = np.argwhere(part)
    moments = np.maximum(np.sort(np.linalg.eigvalsh(np.cov(voxels.T)))[::-1], 1e-6)
    spread = np.sqrt(moments)
    extent = 4 * float(spread[0]) * SPACING_MM
    # an ellipsoid fills the ellipsoid of its own second moments; bowel and vessels that hang on do not
    fill = len(voxels) / (4 / 3 * np.pi * 5**1.5 * float(np.prod(spread)))
    forward = float(trunk.forward_mm[box][part].mean())
    evidence = {
        "volume_ml": volume,
        "length_mm": extent,
        "fat_share": fat,
        "lung_contact": contact,
        "elongation": float(spread[0] / spread[1]),
        "fill": fill,
        "forward_mm": forward,
        "lateral_mm": float(np.abs(trunk.lateral_mm[box][part]).mean()),
        "hu": float(np.median(trunk.ct_smooth[box][part])),
    }
    rows = np.flatnonzero(mask.any(axis=(1, 2)))
    level = float(np.mean(depth_below_dome(trunk)[rows]))
    evidence["below_dome_mm"] = level
    seen = np.flatnonzero(trunk.measured.any(axis=(1, 2)))
    if len(seen) and rows[0] <= seen[0] and rows[-1] >= seen[-1]:
        return 0.0, evidence  # runs through the whole field: muscle or bowel, or too little is imaged to say
    if contact > 0.10 or not 35 <= extent <= 210:
        return 0.0, evidence
    score = (0.15 + fat) * np.sqrt(min(volume, 200.0))
    score *= float(np.clip((400 - volume) / 130, 0.1, 1.0))
    # length of an ellipsoid is 1.12 times this extent: kidneys are 90 to 140 mm long
    score *= float(np.clip((190 - extent) / 55, 0.15, 1.0))
    score *= float(np.clip((fill - 0.4) / 0.4, 0.1, 1.0))
    score *= 1.0 - contact / 0.12
    # the psoas lies between the column and the kidney
    score *= float(np.clip((evidence["lateral_mm"] - 25.0) / 15.0, 0.1, 1.0))
    # the hilum faces the vertebral body: bowel lies before it, back muscles behind it
    score *= float(np.exp(-0.5 * ((forward + 25.0) / 28.0) ** 2))
    score *= float(np.exp(-0.5 * ((level - 135.0) / 60.0) ** 2))
    if trunk.pet is not None and np.isfinite(yardstick):
        uptake = float(np.median(trunk.pet[box][part]))
        evidence["suv_median"] = uptake
        score *= float(np.clip((uptake / yardstick) ** 2, 0.02, 2.0 if hot_tracer else 1.0))
    return float(score), evidence


def likeness(own: Kidney, other: Kidney) -> float:
    """How much two pieces look like a pair: density, uptake, height, distance from the column. 0.15 to 1.

    One kidney may be larger, obstructed or higher than the other; wide limits, and no single one decides alone. The
    kidney under the liver (`own`) lies at the same height or up to 2 cm lower.
    """
    a, b = own.evidence, other.evidence
    misfit = ((a["hu"] - b["hu"]) / 15.0) ** 2
    misfit += ((a["below_dome_mm"] - b["below_dome_mm"] - 8.0) / 30.0) ** 2
    misfit += ((a["lateral_mm"] - b["lateral_mm"]) / 25.0) ** 2
    misfit += ((a["forward_mm"] - b["forward_mm"]) / 25.0) ** 2
    misfit += (np.log(a["volume_ml"] / b["volume_ml"]) / 1.0) ** 2
    if a.get("suv_median", 0) > 0 and b.get("suv_median", 0) > 0:
        misfit += (np.log(a["suv_median"] / b["suv_median"]) / 0.4) ** 2
    return float(max(0.15, np.exp(-0.5 * misfit)))


def _hot_pieces(trunk: Trunk, bed: mm.Mask, yardstick: float, hot_tracer: bool) -> Iterator[mm.Mask]:
    """Tissue above several levels of uptake, closed by 6 mm and cut at its necks.

    The levels are shares of the hottest of the bed, or of what a kidney takes up at least. Closing joins
    medulla and pelvis, which differ from the cortex.
    """
    assert trunk.pet_smooth is not None
    inside = trunk.pet_smooth[bed & trunk.measured]
    if len(inside) < 200:
        return
    top = float(np.percentile(inside, 99))
    levels = [0.25 * top, 0.45 * top] if hot_tracer else [0.7 * yardstick, 1.15 * yardstick]
    if hot_tracer and levels[0] > 2.0 * yardstick:
        levels.append(1.5 * yardstick)  # metastases beside it are far hotter than the kidney
    for level in levels:
        hot = bed & (trunk.pet_smooth > level)
        closed = (mm.fill_slices(ndi.binary_closing(hot, _BALL) | hot)) & bed
        depth = mm.depth_inside(closed, SPACING)
        for box, piece, _ in mm.components(closed, int(15 / VOXEL_ML))[:3]:
            mask = np.zeros_like(bed)
            mask[box] = piece
            yield mask
        for erosion in (3.5, 6.0, 9.0):
            yield from mm.split_by_depth(closed, depth, erosion)[:4]
        if hot_tracer:
            yield from even_parts(trunk, hot, mm.depth_inside(hot, SPACING), most=3)


def _cut_at_necks(where: mm.Mask, erosions: tuple[float, ...]) -> Iterator[mm.Mask]:
    """Pieces of a mask cut at its necks, for several widths of neck (mm)."""
    depth = mm.depth_inside(where, SPACING)
    for erosion in erosions:
        yield from mm.split_by_depth(where, depth, erosion)[:5]


def _plain_pieces(trunk: Trunk, bed: mm.Mask, taken: mm.Mask, yardstick: float, hot_tracer: bool) -> Iterator[mm.Mask]:
    """Pieces by uptake and by thickness, without what another organ claims."""
    free = bed & ~taken
    if trunk.pet_smooth is not None and np.isfinite(yardstick):
        yield from _hot_pieces(trunk, free, yardstick, hot_tracer)
    yield from _cut_at_necks(free & (trunk.ct_smooth > 0), (9.0, 6.0, 4.0))


def _pieces_of_others(trunk: Trunk, bed: mm.Mask, yardstick: float) -> Iterator[mm.Mask]:
    """What another organ claims may be kidney: asked again, cut at wider necks and by the density of kidneys."""
    whole = bed & (trunk.ct_smooth > 0)
    yield from _cut_at_necks(whole, (13.0, 9.0))
    yield from even_parts(trunk, whole, mm.depth_inside(whole, SPACING), most=3)
    for low, high in BANDS_HU:
        where = whole & (trunk.soft if low > 100 else ~trunk.bone)
        band = mm.opened(where & (trunk.ct_smooth > low) & (trunk.ct_smooth < high))
        if band.sum() * VOXEL_ML < 20:
            continue
        yield from _cut_at_necks(band, (3.5, 6.0))
        if np.isfinite(yardstick) and trunk.pet_smooth is not None:
            # with its pelvis, where urine differs in density
            hot = band & (trunk.pet_smooth > 0.8 * yardstick)
            closed = mm.fill_slices(ndi.binary_closing(hot, _BALL) | hot) & whole
            yield from _cut_at_necks(closed, (3.5, 6.0, 9.0))


def kidney_readings(trunk: Trunk, side: str, taken: mm.Mask, yardstick: float, hot_tracer: bool) -> list[Kidney]:
    """Pieces of one bed that look like a kidney, best first.

    Parameters
    ----------
    trunk : the upper abdomen
    side : "left" or "right"
    taken : voxels that belong to another organ for certain (core of the liver, spleen)
    yardstick : what a kidney takes up at least (`least_uptake`), NaN when unknown
    hot_tracer : whether kidneys take the tracer up strongly (SSTR ligands)
    """
    whole = _bed(trunk, side)
    box = mm.bounding_box(whole, 5)
    if box is None:
        return []
    local, bed = trunk.cropped(box), np.ascontiguousarray(whole[box])
    local = replace(local, below_dome_mm=depth_below_dome(trunk)[box[0]])
    found: list[Kidney] = []
    seen: set[tuple[int, ...]] = set()
    for pieces in (
        _plain_pieces(local, bed, np.ascontiguousarray(taken[box]), yardstick, hot_tracer),
        _pieces_of_others(local, bed, yardstick),
    ):
        for mask in pieces:
            key = mm.fingerprint(mask)
            if key is None or key in seen:
                continue
            seen.add(key)
            score, evidence = judge_kidney(local, mask, yardstick, hot_tracer)
            if score > 0:
                found.append(Kidney(mask, score, evidence))
        if any(k.score > PLAIN for k in found):
            break
    found.sort(key=lambda k: -k.score)
    readings = []
    for kidney in found[:READINGS]:
        full = np.zeros_like(whole)
        full[box] = kidney.mask
        readings.append(Kidney(full, kidney.score, kidney.evidence))
    return readings


def pair_of(own: list[Kidney], others: list[Kidney]) -> tuple[Kidney | None, Kidney | None]:
    """The two readings that are good kidneys and good likenesses of each other.

    A bed without a kidney (removed, outside the field) counts as a poor reading that fits anything: a good kidney is
    not given up for a poor one that has a likeness.
    """
    choices: list[tuple[float, Kidney | None, Kidney | None]] = [(0.0, None, None)]
    choices += [(a.score * ALONE, a, None) for a in own[:1] if a.score > LEAST_SCORE]
    choices += [(b.score * ALONE, None, b) for b in others[:1] if b.score > LEAST_SCORE]
    choices += [
        (a.score * b.score * likeness(a, b), a, b) for a in own for b in others if min(a.score, b.score) > LEAST_SCORE
    ]
    _, under_liver, opposite = max(choices, key=lambda c: c[0])
    return under_liver, opposite


def find_kidney(trunk: Trunk, side: str, taken: mm.Mask, yardstick: float, hot_tracer: bool) -> Kidney | None:
    """The best reading of one bed alone; None when nothing there looks like a kidney."""
    readings = kidney_readings(trunk, side, taken, yardstick, hot_tracer)
    return readings[0] if readings and readings[0].score > LEAST_SCORE else None
