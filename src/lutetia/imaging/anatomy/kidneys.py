"""The kidneys: beside the vertebral column, wrapped in fat, and never against the lung."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.region import Trunk
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML

#: below this nothing in the bed looks like a kidney: none is named
LEAST_SCORE = 0.8
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


def _judge(trunk: Trunk, mask: mm.Mask, liver_suv: float, hot_tracer: bool) -> tuple[float, dict[str, float]]:
    """How much a piece looks like a kidney: volume, length, fat round it, place, no lung contact, uptake. 0 = no."""
    volume = float(mask.sum() * VOXEL_ML)
    box = mm.bounding_box(mask, 4)
    if box is None or volume < 20 or volume > 550:
        return 0.0, {}
    part = np.ascontiguousarray(mask[box])
    distance = mm.distance_to(part, SPACING)
    shell = (distance > 2.9) & (distance < 8)
    hu = trunk.ct[box]
    fat = float(((hu < -30) & (hu > -200))[shell].mean()) if shell.any() else 0.0
    edge = part & ~ndi.binary_erosion(part, mm.FACES)
    contact = float((trunk.lung_distance_mm[box][edge] < 12).mean())
    voxels = np.argwhere(part)
    spread = np.sqrt(np.maximum(np.sort(np.linalg.eigvalsh(np.cov(voxels.T)))[::-1], 1e-6))
    extent = 4 * float(spread[0]) * SPACING_MM
    forward = float(trunk.forward_mm[box][part].mean())
    evidence = {
        "volume_ml": volume,
        "length_mm": extent,
        "fat_share": fat,
        "lung_contact": contact,
        "elongation": float(spread[0] / spread[1]),
        "forward_mm": forward,
    }
    rows = np.flatnonzero(mask.any(axis=(1, 2)))
    seen = np.flatnonzero(trunk.measured.any(axis=(1, 2)))
    if len(seen) and rows[0] <= seen[0] and rows[-1] >= seen[-1]:
        return 0.0, evidence  # runs through the whole field: muscle or bowel, or too little is imaged to say
    if contact > 0.10 or not 35 <= extent <= 210:
        return 0.0, evidence
    score = (0.15 + fat) * np.sqrt(min(volume, 300.0))
    score *= float(np.clip((550 - volume) / 250, 0.1, 1.0) * np.clip((230 - extent) / 70, 0.2, 1.0))
    score *= 1.0 - contact / 0.12
    # the hilum faces the vertebral body: bowel lies before it, back muscles behind it
    score *= float(np.exp(-0.5 * ((forward + 25.0) / 28.0) ** 2))
    level = float(np.mean(depth_below_dome(trunk)[rows]))
    evidence["below_dome_mm"] = level
    score *= float(np.exp(-0.5 * ((level - 135.0) / 60.0) ** 2))
    if trunk.pet is not None and np.isfinite(liver_suv):
        uptake = float(np.median(trunk.pet[box][part]))
        evidence["suv_median"] = uptake
        # muscle stays below half of the liver's uptake with either tracer
        scale, most = (1.0, 2.0) if hot_tracer else (0.7, 1.0)
        score *= float(np.clip((uptake / (scale * liver_suv)) ** 2, 0.02, most))
    return float(score), evidence


def _hot_pieces(trunk: Trunk, bed: mm.Mask, liver_suv: float, hot_tracer: bool) -> Iterator[mm.Mask]:
    """Tissue above several levels of uptake, closed by 6 mm and cut at its necks.

    The levels are shares of the hottest of the bed, of the liver for tracers that kidneys do not bind. Closing joins
    medulla and pelvis, which differ from the cortex.
    """
    assert trunk.pet_smooth is not None
    inside = trunk.pet_smooth[bed & trunk.measured]
    if len(inside) < 200:
        return
    top = float(np.percentile(inside, 99))
    levels = (0.25 * top, 0.45 * top) if hot_tracer else (0.5 * liver_suv, 0.8 * liver_suv)
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


def find_kidney(trunk: Trunk, side: str, taken: mm.Mask, liver_suv: float, hot_tracer: bool) -> Kidney | None:
    """Find one kidney among pieces made at several erosions and, for tracers that kidneys take up, several uptakes.

    Parameters
    ----------
    trunk : the upper abdomen
    side : "left" or "right"
    taken : voxels that belong to another organ for certain (core of the liver, spleen)
    liver_suv : SUV mode of the liver, NaN when unknown
    hot_tracer : whether kidneys take the tracer up strongly (SSTR ligands)
    """
    whole = _bed(trunk, side) & ~taken
    box = mm.bounding_box(whole, 5)
    if box is None:
        return None
    local, bed = trunk.cropped(box), np.ascontiguousarray(whole[box])
    local = replace(local, below_dome_mm=depth_below_dome(trunk)[box[0]])
    candidates: list[mm.Mask] = []
    if local.pet_smooth is not None and (hot_tracer or np.isfinite(liver_suv)):
        candidates.extend(_hot_pieces(local, bed, liver_suv, hot_tracer))
    tissue = bed & (local.ct_smooth > 0)
    depth = mm.depth_inside(tissue, SPACING)
    for erosion in (9.0, 6.0, 4.0):
        candidates.extend(mm.split_by_depth(tissue, depth, erosion)[:5])
    seen: set[tuple[int, ...]] = set()
    best: Kidney | None = None
    for mask in candidates:
        place = mm.bounding_box(mask)
        if place is None:
            continue
        key = (int(mask.sum()), *(s.start for s in place), *(s.stop for s in place))
        if key in seen:
            continue
        seen.add(key)
        score, evidence = _judge(local, mask, liver_suv, hot_tracer)
        if score > 0 and (best is None or score > best.score):
            best = Kidney(mask, score, evidence)
    if best is None or best.score < LEAST_SCORE:
        return None
    full = np.zeros_like(whole)
    full[box] = best.mask
    return Kidney(full, best.score, best.evidence)
