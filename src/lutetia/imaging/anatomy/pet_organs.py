"""Spleen, kidneys, bladder, heart and brain in a PET without CT, each at its place relative to the liver."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.pet_liver import Found, grow, is_brain, kidney_pair, overlap
from lutetia.imaging.anatomy.pet_scene import SPACING, SPACING_MM, VOXEL_ML, EvenPiece, PetScene, even_pieces, placed
from lutetia.imaging.anatomy.record import Side

WITHOUT_CT = "found from uptake alone, without CT"


def _spleen_bed(scene: PetScene, liver: mm.Mask, side: Side) -> mm.Mask:
    """Opposite the liver: from 4 cm below the middle of the liver's height to 3 cm above its top, > 35 mm lateral."""
    z, _, _ = np.nonzero(liver)
    low, high = int(np.percentile(z, 10)), int(z.max() + 30 / SPACING_MM)
    bed = np.zeros(liver.shape, bool)
    sign = -1 if side == "left" else 1  # the spleen lies on the other side
    x = np.arange(liver.shape[2])
    for k in range(max(0, low), min(liver.shape[0], high + 1)):
        columns = sign * (x - scene.midline[k]) * SPACING_MM > 35
        rows = np.arange(liver.shape[1]) > scene.front[k] + 0.3 * (scene.back[k] - scene.front[k])
        bed[k] = rows[:, None] & columns[None, :]
    return bed & ~liver


def find_spleen(scene: PetScene, liver: Found, side: Side, *, sstr: bool) -> Found:
    """Even, behind, high, far lateral, opposite the liver: hotter than the liver (SSTR) or of its order (glucose)."""
    assert liver.mask is not None
    found = Found()
    bed = _spleen_bed(scene, liver.mask, side)
    if not bed.any():
        found.status, found.reasons = "outside_field", ["the bed of the spleen is outside the field"]
        return found
    lowest, highest = (1.15 * liver.level, np.inf) if sstr else (0.5 * liver.level, 1.5 * liver.level)
    pieces = even_pieces(
        scene, scene.smooth, lowest_level=lowest, smallest_ml=3.0, radius_voxels=1, within=bed, band=(0.7, 1.4)
    )
    z_middle = float(np.median(np.nonzero(liver.mask)[0]))
    ranked: list[tuple[float, EvenPiece]] = []
    for p in pieces:
        if p.level > highest or p.depth < 0.4:
            continue
        height = 1.0 + float(np.tanh((p.z - z_middle) * SPACING_MM / 40.0))
        outward = float(np.clip((abs(p.lateral_mm) - 45.0) / 40.0, 0.05, 1.0))
        behind = float(np.clip((p.depth - 0.4) / 0.2, 0.05, 1.0))
        even = float(np.clip((0.2 - p.scatter) / 0.12, 0.05, 1.0))
        ranked.append((p.core_ml * height * outward * behind * even, p))
    if not ranked:
        found.reasons = ["no even organ in the bed of the spleen: absent, small, or not above its surroundings"]
        return found
    ranked.sort(key=lambda item: -item[0])
    score, best = ranked[0]
    rivals = [
        p for s, p in ranked[1:] if s > 0.4 * score and abs(p.level / best.level - 1) > 0.15 and overlap(p, best) < 0.3
    ]
    core = placed(best, scene.body.shape)
    mask = grow(scene, core, 0.6 * best.level, 1.5 * best.level, 10.0, liver.mask)
    found.mask, found.level = mask, best.level
    volume = float(mask.sum() * VOXEL_ML)
    found.evidence = {
        "level": best.level,
        "core_ml": best.core_ml,
        "scatter": best.scatter,
        "lateral_mm": best.lateral_mm,
        "depth": best.depth,
        "height_mm": (best.z - z_middle) * SPACING_MM,
        "ratio_to_liver": best.level / liver.level,
    }
    if rivals:
        found.reasons.append("another even organ lies in the same bed: spleen, kidney and bowel may be exchanged")
    if volume < 50:
        found.reasons.append(f"only {volume:.0f} mL: its uptake is lowered by blurring")
    if best.scatter > 0.12:
        found.reasons.append("uneven: tumour, kidney or bowel rather than spleen")
    if (best.z - z_middle) * SPACING_MM < -30 or abs(best.lateral_mm) < 55:
        found.reasons.append("lies where a kidney lies")
    return found


def find_kidneys(scene: PetScene, liver: Found, taken: mm.Mask, *, sstr: bool) -> dict[str, mm.Mask]:
    """Hot, retroperitoneal, one on each side, below the dome: 30-95 mm lateral, in the back half, 25-450 mL.

    Several cuts above the liver are tried, since a kidney may touch bowel, spleen or tumour at the lower ones; the
    largest piece of the right place and length wins.
    """
    assert liver.mask is not None
    z_top = int(np.nonzero(liver.mask)[0].max())
    z_low = max(0, int(np.nonzero(liver.mask)[0].min() - 120 / SPACING_MM))
    slab = slice(z_low, z_top)
    smooth, body, forbidden = scene.smooth[slab], scene.body[slab], liver.mask[slab] | taken[slab]
    kidneys: dict[str, mm.Mask] = {}
    best: dict[str, float] = {}
    y, x = np.arange(liver.mask.shape[1]), np.arange(liver.mask.shape[2])
    front, back, midline = scene.front[slab], scene.back[slab], scene.midline[slab]
    depth = (y[None] - front[:, None]) / np.maximum(1.0, back - front)[:, None]
    lateral = (x[None] - midline[:, None]) * SPACING_MM
    behind = ((depth > 0.45) & (depth < 0.97))[:, :, None]
    for factor in (1.3, 1.7, 2.2, 3.0, 4.5) if sstr else (1.3, 1.7, 2.2):
        hot = (smooth > factor * liver.level) & body & ~forbidden
        for side, sign in (("right", -1), ("left", 1)):
            zone = behind & ((sign * lateral > 20) & (sign * lateral < 115))[:, None, :]
            part = ndi.binary_closing(hot & zone, iterations=2) & ~forbidden
            for where, mask, count in mm.components(part, int(20 / VOXEL_ML)):
                z, _, x_ = (float(np.mean(c)) + w.start for c, w in zip(np.nonzero(mask), where, strict=True))
                z += z_low
                length = (where[0].stop - where[0].start) * SPACING_MM
                volume = count * VOXEL_ML
                if volume > 450 or not 45 <= length <= 190 or not 30 < sign * scene.lateral_mm(z, x_) < 95:
                    continue
                score = volume * min(1.0, (z_top - z) * SPACING_MM / 90.0)
                if score > best.get(side, 0.0):
                    best[side] = score
                    full = np.zeros(liver.mask.shape, bool)
                    full[slab][where] = mask
                    kidneys[f"kidney_{side}"] = full
    return kidneys


def find_bladder(scene: PetScene, liver: Found) -> Found | None:
    """Hot, on the midline, at least 8 cm below the liver, 8-900 mL; None when there is none in the field."""
    assert liver.mask is not None
    z_liver = int(np.percentile(np.nonzero(liver.mask)[0], 5))
    top = int(z_liver - 80 / SPACING_MM)
    if top * SPACING_MM < 60:
        return None
    region = scene.smooth[:top]
    x = np.arange(region.shape[2])
    middle = np.abs(x[None, None, :] - scene.midline[:top, None, None]) * SPACING_MM < 45
    inside = scene.body[:top] & middle
    if not inside.any():
        return None
    peak = float(np.percentile(region[inside], 99.98))
    if peak < 1.5 * liver.level:
        return None
    hot = (region > 0.35 * peak) & scene.body[:top]
    for where, mask, count in mm.components(hot, int(8 / VOXEL_ML)):
        z, _, x_ = (float(np.mean(c)) + w.start for c, w in zip(np.nonzero(mask), where, strict=True))
        if count * VOXEL_ML > 900 or abs(scene.lateral_mm(z, x_)) > 30:
            continue
        full = np.zeros_like(scene.body)
        full[where] = mask
        return Found(mask=full, reasons=[WITHOUT_CT], level=peak)
    return None


def find_brain(scene: PetScene) -> Found | None:
    """FDG: hot tissue of a narrow cross-section at the upper end, 500-2200 mL."""
    pieces = even_pieces(scene, scene.even, lowest_level=4 * scene.background, smallest_ml=150.0)
    brains = [p for p in pieces if is_brain(scene, p) and p.z > 0.5 * scene.body.shape[0]]
    if not brains:
        return None
    top = max(brains, key=lambda p: p.core_ml)
    seed = placed(top, scene.body.shape)
    mask = grow(scene, seed, 0.45 * top.level, 3.0 * top.level, 24.0, np.zeros_like(seed))
    if not 300 < mask.sum() * VOXEL_ML < 2500:
        return None
    return Found(mask=mask, reasons=[WITHOUT_CT], level=top.level)


def _above(scene: PetScene, liver: Found, low: int, high: int) -> mm.Mask:
    assert liver.mask is not None
    region = np.zeros(scene.body.shape, bool)
    region[max(0, low) : max(0, high) + 1] = True
    return region & ~mm.dilate(liver.mask, 8.0, SPACING)


def find_heart(scene: PetScene, liver: Found, side: Side) -> Found | None:
    """The blood inside the heart: an even piece near the midline, above the middle of the liver, in the front half.

    Its uptake lies between soft tissue and liver. Hot myocardium around it is not part of it.
    """
    assert liver.mask is not None
    z = np.nonzero(liver.mask)[0]
    z_middle, z_top = float(np.median(z)), float(z.max())
    toward_apex = 1 if side == "right" else -1
    candidates = []
    finer = even_pieces(
        scene,
        scene.even,
        lowest_level=1.3 * scene.soft_tissue,
        smallest_ml=15.0,
        radius_voxels=2,
        within=_above(scene, liver, int(z_middle), int(z_top + 120 / SPACING_MM)),
        band=(0.78, 1.28),
    )
    for p in finer:
        lateral = p.lateral_mm * toward_apex
        if not (p.level < 0.92 * liver.level and -40 < lateral < 70 and 0.1 < p.depth < 0.65):
            continue
        if p.z < z_middle + 10 / SPACING_MM or p.z > z_top + 90 / SPACING_MM:
            continue
        candidates.append(p)
    if not candidates:
        return None
    best = max(candidates, key=lambda p: p.core_ml * float(np.log(p.level / scene.soft_tissue) + 0.05))
    seed = placed(best, scene.body.shape)
    mask = grow(scene, seed, 0.75 * best.level, 1.4 * best.level, 10.0, liver.mask)
    rows = np.arange(mask.shape[1])[None, :] > (scene.front + 0.62 * (scene.back - scene.front))[:, None]
    mask &= ~rows[:, :, None]  # vertebrae take up about as much as blood
    top = int(np.flatnonzero(scene.field.any(axis=(1, 2)))[-1])
    if mask[top - 1 :].any() and mask.sum() * VOXEL_ML < 200:
        return None  # a rim of heart at the end of the field: mostly wall and blur
    return Found(
        mask=mask,
        level=best.level,
        reasons=[WITHOUT_CT, "the blood inside the heart, not its outline"],
        evidence={"level": best.level, "core_ml": best.core_ml, "scatter": best.scatter},
    )


def find_without_liver(scene: PetScene, pieces: list[EvenPiece]) -> dict[str, Found]:
    """SSTR, no liver found: the pair of kidneys, and the even organ above and outside one of them as the spleen."""
    pair = kidney_pair(pieces, scene.soft_tissue)
    if pair is None:
        return {}
    organs: dict[str, Found] = {}
    taken = np.zeros(scene.body.shape, bool)
    above = [
        p
        for p in pieces
        if p.depth > 0.5
        and any(
            p.lateral_mm * k.lateral_mm > 0
            and 0.3 < p.level / k.level < 3
            and 35 < (p.z - k.z) * SPACING_MM < 140
            and abs(p.lateral_mm) > abs(k.lateral_mm)
            and p.scatter < 0.12
            for k in pair
        )
    ]
    if above:
        best = max(above, key=lambda p: p.core_ml)
        mask = grow(scene, placed(best, taken.shape), 0.6 * best.level, 1.5 * best.level, 10.0, taken)
        reasons = ["found by its place above a kidney, without a liver to compare with"]
        organs["spleen"] = Found(mask=mask, level=best.level, reasons=reasons, evidence={"level": best.level})
        taken = taken | mask
    for name, kidney in zip(("kidney_right", "kidney_left"), pair, strict=True):
        mask = grow(scene, placed(kidney, taken.shape), 0.45 * kidney.level, np.inf, 20.0, taken)
        organs[name] = Found(mask=mask, level=kidney.level, reasons=[WITHOUT_CT])
    return organs
