"""The spleen: opposite the liver, against the lung base and the ribs, even in density and uptake."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.even_parts import even_parts
from lutetia.imaging.anatomy.liver import Liver
from lutetia.imaging.anatomy.region import Trunk, muscle_uptake
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML
from lutetia.imaging.threads import each

#: so many of the best candidates are grown before one is chosen
GROWN = 5


@dataclass(frozen=True, eq=False)
class Spleen:
    """The spleen in the trunk's crop, with what was measured while finding it."""

    mask: mm.Mask
    score: float
    evidence: dict[str, float] = field(default_factory=dict)


def spleen_bed(trunk: Trunk, liver: Liver, *, caged: bool = True) -> mm.Mask:
    """Where a spleen may lie: opposite the liver, more than 30 mm beside the column, from the diaphragm downwards.

    Without `caged` the ribs are not asked: in a rotated body the heads of ribs may hide a spleen behind them.
    """
    lateral = trunk.lateral_mm if liver.side == "right" else -trunk.lateral_mm
    bed = (lateral > 30) & ~liver.mask & (trunk.body_depth_mm > 9)
    height = trunk.below_dome_mm
    if np.isfinite(height).any():
        bed &= ((height > -30) & (height < 240))[:, None, None]
    # with PET, uptake tells spleen from muscle, and the cage need not
    tolerance = -1.0 if trunk.pet is None else -15.0
    if caged:
        bed &= np.where(trunk.cage_mm > 900, trunk.body_depth_mm > 15, trunk.cage_mm > tolerance)
    result: mm.Mask = bed & ~trunk.above_diaphragm
    return result


def judge(
    trunk: Trunk, mask: mm.Mask, rib_distance: mm.Floats, liver: Liver, sstr: bool, muscle_suv: float
) -> tuple[float, dict[str, float]]:
    """How much a piece looks like a spleen, and the numbers behind it."""
    volume = float(mask.sum() * VOXEL_ML)
    box = mm.bounding_box(mask, 1)
    if volume < 4 or volume > 3000 or box is None:
        return 0.0, {}
    trunk, mask = trunk.cropped(box), np.ascontiguousarray(mask[box])
    depth = mm.depth_inside(mask, SPACING, open_edges=True)
    half_thickness = float(np.percentile(depth[mask], 99.5))
    core = depth > min(6.0, 0.6 * half_thickness)
    shell = mask & (depth < 4)
    contact = float((trunk.lung_distance_mm[shell] < 12).mean())
    ribs = float((rib_distance[box][shell] < 16).mean())
    hu = float(np.median(trunk.ct_smooth[core]))
    hu_spread = mm.robust_sd(trunk.ct_smooth[core])
    evidence = {
        "volume_ml": volume,
        "half_thickness_mm": half_thickness,
        "lung_contact": contact,
        "rib_contact": ribs,
        "hu": hu,
        "hu_spread": hu_spread,
        "forward_mm": float(np.median(trunk.forward_mm[mask])),
        "lateral_mm": float(np.median(np.abs(trunk.lateral_mm[mask]))),
    }
    # the spleen lies behind; stomach and heart lie before the vertebral front, muscle behind the vertebral canal
    score_place = float(np.clip(1.2 - evidence["forward_mm"] / 40.0, 0.1, 1.0))
    score_place *= float(np.clip((70.0 + evidence["forward_mm"]) / 25.0, 0.1, 1.0))
    # the heart's lower face and the stomach lie nearer the midline and further forward
    score_place *= float(np.clip((evidence["lateral_mm"] - evidence["forward_mm"] - 40.0) / 35.0, 0.1, 1.0))
    like = float(np.exp(-0.5 * ((hu - max(liver.hu, 40.0)) / 40.0) ** 2))
    score = np.sqrt(volume) * (0.12 + contact) * (0.3 + ribs) * (0.2 + like)
    score *= score_place * float(np.clip(1.2 - hu_spread / 25.0, 0.3, 1.0))
    if trunk.pet_smooth is not None:
        values = trunk.pet_smooth[core & trunk.measured]
        if len(values) > 10:
            median = float(np.median(values))
            evidence["suv"] = median
            evidence["suv_cov"] = mm.robust_sd(values) / max(median, 1e-6)
            if np.isfinite(liver.suv):
                ratio = median / liver.suv
                evidence["to_liver"] = ratio
                if sstr:
                    score *= float(np.clip((ratio / 1.2) ** 2, 0.02, 2.0))
                else:
                    score *= float(np.clip(1.6 - abs(np.log(max(ratio, 0.05) / 0.85)), 0.1, 1.0))
            if np.isfinite(muscle_suv) and muscle_suv > 0:
                evidence["to_muscle"] = median / muscle_suv
                # the spleen holds blood, which takes up about twice what muscle does with any of these tracers
                score *= float(np.clip((evidence["to_muscle"] - 1.15) / 0.35, 0.05, 1.0))
            score *= float(np.clip(1.3 - 3.0 * evidence["suv_cov"], 0.15, 1.0))
    return float(score), evidence


def with_usual_uptake(trunk: Trunk, liver: Liver, sstr: bool) -> Liver:
    """The liver with an uptake that a normal liver may have: metastases are no yardstick for a spleen.

    A normal liver takes up at most twelve times (SSTR) or four times (FDG) what the muscles of the back do.
    """
    most = (12.0 if sstr else 4.0) * muscle_uptake(trunk)
    return replace(liver, suv=most) if np.isfinite(liver.suv) and liver.suv > most else liver


def looks_like_spleen(spleen: Spleen) -> bool:
    """A good-sized, even piece against the lung base, or far hotter than the liver: no second reading is needed."""
    e = spleen.evidence
    even = e["volume_ml"] > 40 and e["hu_spread"] < 20 and e.get("suv_cov", 0.0) < 0.12
    ratio = e.get("to_liver", 1.0)
    return even and ((e["lung_contact"] > 0.1 and ratio > 0.5) or ratio > 1.5)


def _candidates(trunk: Trunk, bed: mm.Mask, liver: Liver, sstr: bool) -> list[mm.Mask]:
    """Pieces that may be the spleen: thick tissue of the CT at several erosions; with SSTR tracers also what stays
    together at several levels of uptake, whole and cut at its necks."""
    found: list[mm.Mask] = []
    tissue = bed & (trunk.ct_smooth > 5) & (trunk.ct_smooth < 250)
    depth = mm.depth_inside(tissue, SPACING, open_edges=True)
    for erosion in (9.0, 6.0, 3.5):
        found.extend(mm.split_by_depth(tissue, depth, erosion)[:5])
    if trunk.pet_smooth is not None and not sstr and np.isfinite(liver.suv):
        # muscle takes up a quarter to a third of what the liver does, excreting or active organs more
        calm = ndi.gaussian_filter(trunk.pet_smooth, 4.5 / SPACING_MM, truncate=3.0)
        muscle = muscle_uptake(trunk)
        least = max(0.38 * liver.suv, 1.25 * muscle if np.isfinite(muscle) else 0.0)
        alike = tissue & (calm > least) & (calm < 1.6 * liver.suv)
        alike = mm.opened(alike)
        depth = mm.depth_inside(alike, SPACING, open_edges=True)
        for erosion in (2.9, 6.0):
            found.extend(mm.split_by_depth(alike, depth, erosion)[:4])
        # a small spleen is smaller than stomach and bowel in the bed, but it lies behind and under the lung
        behind = alike & (trunk.lung_distance_mm < 60) & (trunk.forward_mm < 15)
        found.extend(mm.split_by_depth(behind, mm.depth_inside(behind, SPACING, open_edges=True), 2.9)[:6])
        found.extend(even_parts(trunk, alike, depth))
    elif trunk.pet_smooth is None:
        found.extend(even_parts(trunk, tissue, depth))
    if trunk.pet_smooth is not None and sstr:
        loose = bed & (trunk.ct_smooth > -60) & ~trunk.bone
        inside = trunk.pet_smooth[loose & trunk.measured]
        if len(inside) > 100:
            high = float(np.percentile(inside, 99.9))
            background = float(np.median(inside))
            levels = np.geomspace(max(2.0 * background, 0.08 * high), 0.6 * high, 4)
            for parts in each(lambda level: _hotter_than(trunk, loose, level, level < 0.3 * high), levels):
                found.extend(parts)
    return found


def _hotter_than(trunk: Trunk, where: mm.Mask, level: float, divided: bool) -> list[mm.Mask]:
    """What is hotter than a level: its largest pieces, those cut at their necks and, where `divided`, even parts."""
    assert trunk.pet_smooth is not None
    hot = where & (trunk.pet_smooth > level)
    found = []
    for box, piece, _ in mm.components(hot, int(3 / VOXEL_ML))[:3]:
        mask = np.zeros_like(where)
        mask[box] = piece
        found.append(mask)
    depth = mm.depth_inside(hot, SPACING)
    found.extend(mm.split_by_depth(hot, depth, 4.5)[:4])
    if divided:
        found.extend(even_parts(trunk, hot, depth))
    return found


def _grow(trunk: Trunk, seed: mm.Mask, bed: mm.Mask) -> mm.Mask:
    """Grow a seed's core by its own HU and uptake windows."""
    depth = mm.depth_inside(seed, SPACING, open_edges=True)
    thickness = float(np.percentile(depth[seed], 99.5))
    core = depth > min(6.0, 0.5 * thickness)
    hu = float(np.median(trunk.ct_smooth[core]))
    width = float(np.clip(2.5 * mm.robust_sd(trunk.ct_smooth[core]), 26.0, 45.0))
    window = bed & (np.abs(trunk.ct_smooth - hu) < width)
    if trunk.pet_smooth is not None:
        known = core & trunk.measured
        if known.sum() > 10:
            suv = float(np.median(trunk.pet_smooth[known]))
            window &= ((trunk.pet_smooth > 0.5 * suv) & (trunk.pet_smooth < 1.8 * suv)) | ~trunk.measured
    reach = mm.dilate(core, max(14.0, thickness), SPACING)
    depth = mm.depth_inside(window & reach, SPACING, open_edges=True)
    kept = np.zeros_like(window)
    for box, piece, _ in mm.components((depth > 3.0) | (core & window), 5)[:6]:
        if (piece & core[box]).any():
            kept[box] |= piece
    if not kept.any():
        return core
    return mm.largest(mm.dilate(kept, 4.5, SPACING) & window)


def _each_once(pieces: list[mm.Mask]) -> list[mm.Mask]:
    """The pieces in their order, without empty ones and those that were there before."""
    unlike: dict[tuple[int, ...], mm.Mask] = {}
    for piece in pieces:
        key = mm.fingerprint(piece)
        if key is not None:
            unlike.setdefault(key, piece)
    return list(unlike.values())


def find_spleen(trunk: Trunk, liver: Liver, taken: mm.Mask, sstr: bool) -> Spleen | None:
    """The best candidate in the bed, grown; None when nothing there is thick or hot enough to be asked.

    Whether it *is* a spleen is judged later from its evidence: something always lies in the bed.
    """
    liver = with_usual_uptake(trunk, liver, sstr)
    whole = spleen_bed(trunk, liver) & ~taken
    box = mm.bounding_box(whole, 5)
    if box is None:
        return None
    local, bed = trunk.cropped(box), np.ascontiguousarray(whole[box])
    away_from_column = np.abs(local.lateral_mm) > 45
    rib_distance = mm.distance_to(np.ascontiguousarray(local.bone & away_from_column), SPACING)
    muscle_suv = muscle_uptake(trunk)

    def judgement(mask: mm.Mask) -> tuple[float, dict[str, float]]:
        return judge(local, mask, rib_distance, liver, sstr, muscle_suv)

    candidates = _each_once(_candidates(local, bed, liver, sstr))
    scores = [score for score, _ in each(judgement, candidates)]
    judged = [(score, mask) for score, mask in zip(scores, candidates, strict=True) if score > 0]
    # a candidate may still hold its neighbours: what it is shows once it has grown by its own density and uptake
    best: tuple[float, mm.Mask, dict[str, float]] | None = None
    likely = [mask for _, mask in sorted(judged, key=lambda pair: -pair[0])[:GROWN]]
    pieces = _each_once(each(lambda mask: _grow(local, mask, bed), likely))
    for grown, (score, evidence) in zip(pieces, each(judgement, pieces), strict=True):
        if evidence and (best is None or score > best[0]):
            best = (score, grown, evidence)
    if best is None:
        return None
    score, grown, evidence = best
    full = np.zeros_like(whole)
    full[box] = grown
    return Spleen(full, score, evidence)
