"""The kidneys: beside the vertebral column, wrapped in fat, and never against the lung."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.region import Trunk
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML


@dataclass(frozen=True, eq=False)
class Kidney:
    """One kidney in the trunk's crop, with what was measured while finding it."""

    mask: mm.Mask
    score: float
    evidence: dict[str, float] = field(default_factory=dict)


def _bed(trunk: Trunk, side: str) -> mm.Mask:
    """Where a kidney may lie: 12 to 120 mm beside the column, from 50 mm before to 80 mm behind the vertebral front."""
    lateral = trunk.lateral_mm if side == "left" else -trunk.lateral_mm
    bed = (lateral > 12) & (lateral < 120) & (trunk.forward_mm < 50) & (trunk.forward_mm > -85)
    height = trunk.below_dome_mm
    if np.isfinite(height).any():
        bed &= ((height > 20) & (height < 280))[:, None, None]
    result: mm.Mask = bed & (trunk.ct_smooth > -20) & (trunk.ct_smooth < 400) & (trunk.body_depth_mm > 12)
    return result


def _judge(trunk: Trunk, mask: mm.Mask, liver_suv: float, hot_tracer: bool) -> tuple[float, dict[str, float]]:
    """How much a piece looks like a kidney: volume, length, fat round it, no lung contact, uptake. 0 = impossible."""
    volume = float(mask.sum() * VOXEL_ML)
    box = mm.bounding_box(mask, 4)
    if box is None or volume < 30 or volume > 500:
        return 0.0, {}
    part = np.ascontiguousarray(mask[box])
    length = (box[0].stop - box[0].start - 8) * SPACING_MM
    shell_distance = mm.distance_to(part, SPACING)
    shell = (shell_distance > 2.9) & (shell_distance < 8)
    fat = float(((trunk.ct[box] < -30) & (trunk.ct[box] > -200))[shell].mean()) if shell.any() else 0.0
    contact = trunk.lung_contact(mask)
    columns = np.argwhere(part)
    spread = np.sort(np.linalg.eigvalsh(np.cov(columns.T)))[::-1]
    elongation = float(np.sqrt(spread[0] / max(spread[1], 1e-6)))
    extent = 4 * float(np.sqrt(spread[0])) * SPACING_MM
    evidence = {
        "volume_ml": volume,
        "length_mm": extent,
        "fat_share": fat,
        "lung_contact": contact,
        "elongation": elongation,
    }
    if contact > 0.08 or not max(length, extent) >= 40 or extent > 200:
        return 0.0, evidence
    score = (0.15 + fat) * np.sqrt(volume)
    # long down the body: bowel and psoas run on
    score *= float(np.clip((230 - extent) / 60, 0.2, 1))
    if trunk.pet is not None and hot_tracer:
        uptake = float(np.median(trunk.pet[mask]))
        evidence["suv_median"] = uptake
        if np.isfinite(liver_suv):
            score *= float(np.clip((uptake / liver_suv) ** 2, 0.05, 2.0))
    return float(score), evidence


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
    bed = _bed(trunk, side) & ~taken
    candidates: list[mm.Mask] = []
    if trunk.pet_smooth is not None and hot_tracer:
        inside = trunk.pet_smooth[bed]
        if len(inside) > 200:
            top = float(np.percentile(inside, 99))
            for share in (0.3, 0.45, 0.6):
                hot = bed & (trunk.pet_smooth > share * top)
                for box, piece, size in mm.components(hot, int(10 / VOXEL_ML))[:3]:
                    wide = mm.bounding_box(hot, 0)
                    assert wide is not None
                    mask = np.zeros_like(bed)
                    mask[box] = piece
                    candidates.append(_closed(mask, bed, trunk, share * top))
                    del size
    for erosion in (9.0, 6.0, 4.0):
        depth = mm.depth_inside(bed & (trunk.ct_smooth > 0), SPACING)
        for box, piece, _ in mm.components(depth > erosion, int(4 / VOXEL_ML))[:6]:
            mask = np.zeros_like(bed)
            mask[box] = piece
            candidates.append(mm.dilate(mask, erosion + 1.5, SPACING) & bed)
    best: Kidney | None = None
    for mask in candidates:
        score, evidence = _judge(trunk, mask, liver_suv, hot_tracer)
        if score > 0 and (best is None or score > best.score):
            best = Kidney(mask, score, evidence)
    return best


def _closed(hot: mm.Mask, bed: mm.Mask, trunk: Trunk, level: float) -> mm.Mask:
    """Hot cortex closed by 8 mm, so that medulla and pelvis belong to the kidney; kept on tissue of the CT."""
    box = mm.bounding_box(hot, 5)
    assert box is not None
    part = np.ascontiguousarray(hot[box])
    grown = mm.distance_to(part, SPACING) <= 8.0
    closed = mm.depth_inside(np.ascontiguousarray(grown), SPACING) > 8.0
    closed = mm.fill_slices(closed | part)
    result = np.zeros_like(hot)
    result[box] = closed & bed[box]
    pieces, count = ndi.label(result[box])
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        result[box] = pieces == sizes.argmax()
    return result
