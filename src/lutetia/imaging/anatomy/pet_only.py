"""PET without CT: the organs as far as uptake alone shows them.

A named mode, used when no CT covers the PET. Liver, spleen, kidneys, bladder, heart and (in FDG) the brain are found
by evenness, order of uptake, side and position relative to each other; the body by its outline. Nothing here is
better than *caution* unless several independent signs agree, and the blood pool never is: without CT the aorta can't
be told from what lies beside it, so the blood inside the heart stands in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.pet_scene import (
    SPACING,
    SPACING_MM,
    VOXEL_ML,
    EvenPiece,
    PetScene,
    even_pieces,
    neighbourhood,
    placed,
    set_pet_scene,
)
from lutetia.imaging.anatomy.record import Anatomy, Side
from lutetia.imaging.anatomy.scene import resample
from lutetia.model import Issue, OrganRecord, Tracer, Volume

SOURCE = "embedded PET"
_WITHOUT_CT = "found from uptake alone, without CT"

#: SUVmean of livers without much tumour: (lowest, highest); wide, for plausibility only.
_LIVER_RANGE = {"glucose": (1.2, 4.5), "sstr": (2.0, 13.0)}


@dataclass
class _Found:
    """What is known of one organ while the search goes on."""

    mask: mm.Mask | None = None
    status: str = "caution"
    reasons: list[str] = field(default_factory=list)
    level: float = float("nan")
    evidence: dict[str, float] = field(default_factory=dict)


def _centroid(mask: mm.Mask) -> tuple[float, float, float]:
    z, y, x = (float(np.mean(c)) for c in np.nonzero(mask))
    return z, y, x


def _grow(scene: PetScene, seed: mm.Mask, low: float, high: float, reach_mm: float, forbidden: mm.Mask) -> mm.Mask:
    """Voxels connected to the seed, within `reach_mm` of it, whose smoothed uptake lies in [low, high]."""
    box = mm.bounding_box(seed, int(reach_mm / SPACING_MM) + 2)
    grown = np.zeros_like(seed)
    if box is None:
        return grown
    part = scene.smooth[box]
    allowed = (part > low) & (part < high) & ~forbidden[box] & scene.body[box]
    near = mm.distance_to(np.ascontiguousarray(seed[box]), SPACING) <= reach_mm
    numbers, _ = ndi.label((allowed & near) | seed[box])
    touched = np.unique(numbers[seed[box]])
    result = np.isin(numbers, touched[touched > 0])
    grown[box] = mm.fill_slices(mm.opening(result, 4.0, SPACING) | seed[box])
    return grown & ~forbidden


def _without_neighbours(core: mm.Mask) -> mm.Mask:
    """The main body of a core: what joins it only through a narrow neck (heart, vertebrae) is cut off."""
    depth = mm.depth_inside(core, SPACING, open_edges=True)
    for radius in (14.0, 10.0, 8.0, 6.0):
        main = mm.largest(depth > radius)
        if main.sum() > 0.2 * core.sum():
            return mm.largest(mm.dilate(main, radius + 3.0, SPACING) & core)
    return core


def _edge_level(scene: PetScene, seed: mm.Mask, level: float) -> float:
    """Where an organ ends: halfway between its level and what surrounds it, within 0.6 and 0.8 of its level."""
    ring = mm.dilate(seed, 30.0, SPACING) & ~mm.dilate(seed, 18.0, SPACING) & scene.body
    around = scene.smooth[ring]
    around = around[around < 0.85 * level]
    surrounding = float(np.percentile(around, 75)) if around.size else 0.0
    return float(np.clip(0.5 * (level + surrounding), 0.6 * level, 0.8 * level))


def block_unevenness(scene: PetScene, mask: mm.Mask) -> float:
    """(P95 - P5) / P50 of means over 8 mm (standard deviation) inside a mask eroded by 10 mm; NaN below 20 mL.

    Whole livers: 0.08-0.16 at any noise; livers with hidden tumour load more.
    """
    box = mm.bounding_box(mask, 4)
    if box is None:
        return float("nan")
    inner = mask[box].astype(np.float32)
    weight = ndi.gaussian_filter(inner, 8.0 / SPACING_MM)
    local = ndi.gaussian_filter(scene.pet[box] * inner, 8.0 / SPACING_MM) / np.maximum(weight, 1e-6)
    deep = mm.erode(mask[box], 10.0, SPACING)
    if deep.sum() * VOXEL_ML < 20:
        return float("nan")
    low, middle, high = np.percentile(local[deep], [5, 50, 95])
    return float((high - low) / middle)


def _is_brain(scene: PetScene, piece: EvenPiece) -> bool:
    """A piece on the midline of a narrow cross-section."""
    trunk = float(np.percentile(scene.area[scene.area > 20], 90)) if (scene.area > 20).any() else 0.0
    return abs(piece.lateral_mm) < 25 and scene.area[round(piece.z)] < 0.6 * trunk


def _overlap(a: EvenPiece, b: EvenPiece) -> float:
    """Share of the smaller piece that lies in the other."""
    shape = tuple(max(x.stop, y.stop) for x, y in zip(a.box, b.box, strict=True))
    both = (placed(a, shape) & placed(b, shape)).sum()
    return float(both / min(a.mask.sum(), b.mask.sum()))


def _kidney_pair(pieces: list[EvenPiece], soft: float) -> tuple[EvenPiece, EvenPiece] | None:
    """The lowest pair (right, left) of hot pieces in the back at one height: the kidneys, where uptake shows both."""
    hot = [p for p in pieces if p.level > 3 * soft and p.depth > 0.55 and 40 < abs(p.lateral_mm) < 100]
    pairs = [
        (a, b)
        for a in hot
        for b in hot
        if a.lateral_mm < 0 < b.lateral_mm and abs(a.z - b.z) * SPACING_MM < 60 and 0.4 < a.level / b.level < 2.5
    ]
    return min(pairs, key=lambda pair: pair[0].z + pair[1].z, default=None)


def _without_liver(scene: PetScene, pieces: list[EvenPiece]) -> dict[str, _Found]:
    """SSTR, no liver found: the pair of kidneys, and the even organ above and outside one of them as the spleen."""
    pair = _kidney_pair(pieces, scene.soft_tissue)
    if pair is None:
        return {}
    organs: dict[str, _Found] = {}
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
        mask = _grow(scene, placed(best, taken.shape), 0.6 * best.level, 1.5 * best.level, 10.0, taken)
        reasons = ["found by its place above a kidney, without a liver to compare with"]
        organs["spleen"] = _Found(mask=mask, level=best.level, reasons=reasons, evidence={"level": best.level})
        taken = taken | mask
    for name, kidney in zip(("kidney_right", "kidney_left"), pair, strict=True):
        mask = _grow(scene, placed(kidney, taken.shape), 0.45 * kidney.level, np.inf, 20.0, taken)
        organs[name] = _Found(mask=mask, level=kidney.level, reasons=[_WITHOUT_CT])
    return organs


def _choose_liver(scene: PetScene, pieces: list[EvenPiece], *, sstr: bool) -> tuple[EvenPiece | None, list[str]]:
    """The piece that is the liver, and why it might not be.

    The liver is the largest even organ clearly above soft tissue, to one side of the midline. Right is the rule.
    When both sides show a large even organ, somatostatin tracers tell them apart (the spleen is the hotter one);
    with glucose the larger one is the liver.
    """
    soft = scene.soft_tissue
    kidneys = _kidney_pair(pieces, soft)
    kidney_z = None if kidneys is None else (kidneys[0].z + kidneys[1].z) / 2
    lowest = (2.3 if sstr else 1.6) * soft
    highest = _LIVER_RANGE["sstr"][1] if sstr else np.inf
    lateral = [
        p
        for p in pieces
        if p.core_ml >= 30
        and lowest < p.level < highest
        and abs(p.lateral_mm) > 15
        and p.reach_mm > 55
        and p.depth < 0.68  # not at the back alone, as kidneys are
        and not _is_brain(scene, p)
        and not (kidney_z is not None and p.core_ml < 150 and (p.z - kidney_z) * SPACING_MM < -10)  # bowel
    ]
    doubts: list[str] = []

    def weight(p: EvenPiece) -> float:
        """Size, how far above soft tissue, off the midline, not below the kidneys."""
        aside = float(np.clip(abs(p.lateral_mm) / 40.0, 0.3, 1.0))
        below = 0.3 if kidney_z is not None and (p.box[0].stop - kidney_z) * SPACING_MM < -60 else 1.0
        return p.core_ml * float(np.log(p.level / soft)) * aside * below

    best: dict[str, EvenPiece] = {}
    for p in lateral:
        side = "left" if p.lateral_mm > 0 else "right"
        if side not in best or weight(p) > weight(best[side]):
            best[side] = p
    if not best:
        return None, ["no large even organ stands out from soft tissue"]
    right, left = best.get("right"), best.get("left")
    if right is None:
        chosen = left
        doubts.append("the large even organ lies on the left: mirrored anatomy, or a spleen taken for the liver")
    elif left is None:
        chosen = right
    else:
        mirrored = weight(left) > 2.5 * weight(right)
        if sstr and mirrored and left.level > 1.2 * right.level:
            mirrored = weight(right) < 0.12 * weight(left)  # else a large spleen, hotter than the liver on the right
        chosen = left if mirrored else right
        other = right if mirrored else left
        if mirrored:
            doubts.append("the larger even organ lies on the left: mirrored anatomy?")
        elif weight(other) > weight(chosen):
            doubts.append("an even organ as large lies on the other side: liver and spleen may be exchanged")
    assert chosen is not None
    # The same organ may appear again at a lower level, merged with its neighbours: take its highest sizeable level.
    same = [
        p
        for p in lateral
        if p.core_ml >= 0.5 * chosen.core_ml and p.level >= chosen.level and _overlap(p, chosen) > 0.5
    ]
    return max([*same, chosen], key=lambda p: p.level), doubts


def _between_metastases(scene: PetScene, pieces: list[EvenPiece]) -> tuple[mm.Mask, EvenPiece] | None:
    """SSTR: even tissue left between hot foci of one side, when no whole even organ of a liver's uptake was found.

    Looks within 5 cm of the largest hot piece, at finer scale (4 mm neighbourhoods), and takes the level below the
    liver's upper limit that holds most volume, in one piece or several. Returns that tissue and the hot piece.
    """
    top = _LIVER_RANGE["sstr"][1]
    hot = [p for p in pieces if p.level > top and abs(p.lateral_mm) > 25 and p.reach_mm > 70 and p.core_ml > 20]
    if not hot:
        return None
    largest = max(hot, key=lambda p: p.core_ml)
    near = mm.dilate(placed(largest, scene.body.shape), 50.0, SPACING) & scene.body
    low = neighbourhood(scene.smooth, 1, lowest=True)
    high = neighbourhood(scene.smooth, 1, lowest=False)
    best, best_ml, level = None, 0.0, top / 1.15
    while level > 2.3 * scene.soft_tissue:
        even = near & (low > 0.75 * level) & (high < 1.33 * level)
        even &= np.abs(scene.smooth / level - 1) < 0.15
        kept = np.zeros_like(even)
        for where, mask, _ in mm.components(even, int(1.0 / VOXEL_ML)):
            kept[where] |= mask
        volume = float(kept.sum() * VOXEL_ML)
        if volume > best_ml:
            best, best_ml = kept, volume
        level /= 1.05
    return (best, largest) if best is not None and best_ml > 15 else None


def _find_liver(scene: PetScene, pieces: list[EvenPiece], *, sstr: bool, blurred: bool) -> tuple[_Found, Side | None]:
    piece, doubts = _choose_liver(scene, pieces, sstr=sstr)
    found = _Found(reasons=list(doubts))
    if piece is None:
        rest = _between_metastases(scene, pieces) if sstr and not blurred else None
        if rest is None:
            return found, None
        mask, largest = rest
        found.mask, found.level = mask, float(np.median(scene.smooth[mask]))
        found.reasons = ["only the tissue between hot foci was found: the liver is largely tumour"]
        found.evidence = {"level": found.level, "core_ml": float(mask.sum() * VOXEL_ML), "fragments": 1.0}
        return found, "left" if largest.lateral_mm > 0 else "right"
    nothing = np.zeros(scene.body.shape, bool)
    seed = _without_neighbours(placed(piece, scene.body.shape))
    edge = _edge_level(scene, seed, piece.level)
    mask = _grow(scene, seed, edge, 1.55 * piece.level, 12.0, nothing)
    deep = mm.erode(mask, 8.0, SPACING)
    values = scene.smooth[deep if deep.any() else mask]
    level = mm.mode(values, 0.04 * piece.level, 0.4 * piece.level, 2.0 * piece.level)
    side: Side = "left" if piece.lateral_mm > 0 else "right"
    found.mask, found.level = mask, level
    near = mm.dilate(mask, 12.0, SPACING) & scene.body
    hotter = near & ~mask & (scene.smooth > 1.55 * level)
    whole = mm.dilate(mask, 8.0, SPACING)
    others = [
        p
        for p in pieces
        if abs(p.level / level - 1) > 0.15 and (placed(p, mask.shape) & whole).sum() > 0.6 * p.mask.sum()
    ]
    volume = float(mask.sum() * VOXEL_ML)
    found.evidence = {
        "level": level,
        "core_ml": piece.core_ml,
        "scatter": piece.scatter,
        "unevenness": block_unevenness(scene, mask),
        "share_near_mode": float((np.abs(values / level - 1) < 0.2).mean()),
        "share_colder": float((values < 0.8 * level).mean()),
        "share_hotter": float((values > 1.25 * level).mean()),
        "other_levels_ml": float(sum(p.core_ml for p in others)),
        "edge_level": edge,
        "hotter_neighbours": float(hotter.sum() * VOXEL_ML / max(volume, 1.0)),
        "lateral_mm": piece.lateral_mm,
    }
    return found, side


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


def _find_kidneys(scene: PetScene, liver: _Found, taken: mm.Mask, *, sstr: bool) -> dict[str, mm.Mask]:
    """Hot, retroperitoneal, one on each side, below the dome: 30-95 mm lateral, in the back half, 25-450 mL.

    Several cuts above the liver are tried, since a kidney may touch bowel, spleen or tumour at the lower ones; the
    largest piece of the right place and length wins.
    """
    assert liver.mask is not None
    forbidden = liver.mask | taken
    z_top = int(np.nonzero(liver.mask)[0].max())
    z_low = max(0, int(np.nonzero(liver.mask)[0].min() - 120 / SPACING_MM))
    kidneys: dict[str, mm.Mask] = {}
    best: dict[str, float] = {}
    y, x = np.arange(liver.mask.shape[1]), np.arange(liver.mask.shape[2])
    depth = (y[None] - scene.front[:, None]) / np.maximum(1.0, scene.back - scene.front)[:, None]
    lateral = (x[None] - scene.midline[:, None]) * SPACING_MM
    behind = ((depth > 0.45) & (depth < 0.97))[:, :, None]
    for factor in (1.3, 1.7, 2.2, 3.0, 4.5) if sstr else (1.3, 1.7, 2.2):
        hot = (scene.smooth > factor * liver.level) & scene.body & ~forbidden
        hot[:z_low] = False
        hot[z_top:] = False
        for side, sign in (("right", -1), ("left", 1)):
            zone = behind & ((sign * lateral > 20) & (sign * lateral < 115))[:, None, :]
            part = ndi.binary_closing(hot & zone, iterations=2) & ~forbidden
            for where, mask, count in mm.components(part, int(20 / VOXEL_ML)):
                z, _, x_ = (float(np.mean(c)) + w.start for c, w in zip(np.nonzero(mask), where, strict=True))
                length = (where[0].stop - where[0].start) * SPACING_MM
                volume = count * VOXEL_ML
                if volume > 450 or not 45 <= length <= 190 or not 30 < sign * scene.lateral_mm(z, x_) < 95:
                    continue
                score = volume * min(1.0, (z_top - z) * SPACING_MM / 90.0)
                if score > best.get(side, 0.0):
                    best[side] = score
                    full = np.zeros_like(hot)
                    full[where] = mask
                    kidneys[f"kidney_{side}"] = full
    return kidneys


def _find_spleen(scene: PetScene, liver: _Found, side: Side, *, sstr: bool) -> _Found:
    """Even, behind, high, far lateral, opposite the liver: hotter than the liver (SSTR) or of its order (glucose)."""
    assert liver.mask is not None
    found = _Found()
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
        p for s, p in ranked[1:] if s > 0.4 * score and abs(p.level / best.level - 1) > 0.15 and _overlap(p, best) < 0.3
    ]
    core = placed(best, scene.body.shape)
    mask = _grow(scene, core, 0.6 * best.level, 1.5 * best.level, 10.0, liver.mask)
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


def _find_bladder(scene: PetScene, liver: _Found) -> _Found | None:
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
        return _Found(mask=full, reasons=[_WITHOUT_CT], level=peak)
    return None


def _find_brain(scene: PetScene) -> _Found | None:
    """FDG: hot tissue of a narrow cross-section at the upper end, 500-2200 mL."""
    pieces = even_pieces(scene, scene.even, lowest_level=4 * scene.background, smallest_ml=150.0)
    brains = [p for p in pieces if _is_brain(scene, p) and p.z > 0.5 * scene.body.shape[0]]
    if not brains:
        return None
    top = max(brains, key=lambda p: p.core_ml)
    seed = placed(top, scene.body.shape)
    mask = _grow(scene, seed, 0.45 * top.level, 3.0 * top.level, 24.0, np.zeros_like(seed))
    if not 300 < mask.sum() * VOXEL_ML < 2500:
        return None
    return _Found(mask=mask, reasons=[_WITHOUT_CT], level=top.level)


def _find_heart(scene: PetScene, pieces: list[EvenPiece], liver: _Found, side: Side) -> _Found | None:
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
    mask = _grow(scene, seed, 0.75 * best.level, 1.4 * best.level, 10.0, liver.mask)
    return _Found(
        mask=mask,
        level=best.level,
        reasons=[_WITHOUT_CT, "the blood inside the heart, not its outline"],
        evidence={"level": best.level, "core_ml": best.core_ml, "scatter": best.scatter},
    )


def _above(scene: PetScene, liver: _Found, low: int, high: int) -> mm.Mask:
    assert liver.mask is not None
    region = np.zeros(scene.body.shape, bool)
    region[max(0, low) : max(0, high) + 1] = True
    return region & ~mm.dilate(liver.mask, 8.0, SPACING)


def _liver_concerns(scene: PetScene, liver: _Found, spleen: _Found, tracer: Tracer) -> list[str]:
    """Every reason why the liver's uptake may be wrong; empty only when several independent signs agree."""
    assert liver.mask is not None
    e = liver.evidence
    volume = float(liver.mask.sum() * VOXEL_ML)
    reasons = list(liver.reasons)
    slices = np.flatnonzero(liver.mask.any(axis=(1, 2)))
    ends = np.flatnonzero(scene.field.any(axis=(1, 2)))
    if slices[-1] >= ends[-1] - 1 or slices[0] <= ends[0] + 1:
        reasons.append("the organ reaches the end of the field")
    if not 600 <= volume <= 3500:
        reasons.append(f"volume {volume:.0f} mL is unusual for a liver")
    if "fragments" in e:
        return reasons
    if not e["unevenness"] < 0.2:
        reasons.append(f"uneven uptake ({e['unevenness']:.2f}, whole livers stay below 0.20): tumour load?")
    if e["share_near_mode"] < 0.9:
        reasons.append(f"only {100 * e['share_near_mode']:.0f} % of the organ is near its usual uptake")
    if e["other_levels_ml"] > 0.1 * e["core_ml"]:
        reasons.append("the organ shows more than one level of uptake: tumour, or a neighbour taken in")
    if e["hotter_neighbours"] > 0.12:
        reasons.append("sizeable hotter tissue touches the organ: tumour load?")
    low, high = _LIVER_RANGE["glucose" if tracer.binds == "glucose" else "sstr"]
    if not low <= liver.level <= high:
        reasons.append(
            f"SUV {liver.level:.1f} is outside {low:g}-{high:g}, the usual range of a liver with this tracer"
        )
    if spleen.mask is None:
        reasons.append("no spleen to compare with")
    elif spleen.reasons:
        reasons.append("the spleen it is compared with is uncertain itself")
    else:
        ratio = spleen.level / liver.level
        if tracer.is_sstr and ratio < 1.6:
            reasons.append(f"spleen only {ratio:.2f} times the liver: the organ may be largely tumour")
        if tracer.binds == "glucose" and not 0.55 <= ratio <= 1.25:
            reasons.append(f"spleen to liver {ratio:.2f}: unusual for glucose")
    if tracer.modality == "SPECT":
        reasons.append("SPECT without CT: resolution hides small tumours and edges")
    if tracer.binds not in ("glucose", "sstr_agonist", "sstr_antagonist"):
        reasons.append("the order of organ uptake is not known for this tracer")
    return reasons


def find_anatomy_pet_only(suv: Volume, tracer: Tracer) -> Anatomy:
    """Find organs in a PET (or quantitative SPECT) that has no CT.

    Parameters
    ----------
    suv : SUV (any basis; only plausibility ranges are absolute), array (z, y, x), any orientation
    tracer : decides the expected order of uptake (SSTR: liver < spleen; glucose: liver about equal to spleen)

    Returns
    -------
    Anatomy on the PET grid, `source` "embedded PET". `concerns` is empty for the liver only when volume, evenness,
    range, spleen and neighbours all agree; for spleen and blood pool it never is.
    """
    scene = set_pet_scene(suv, even_sd_mm=6.0 if tracer.modality == "SPECT" else 4.0)
    sstr = tracer.binds != "glucose"
    organs: dict[str, _Found] = {}
    concerns: dict[str, tuple[str, ...]] = dict.fromkeys(("liver", "spleen"), ("the image shows no body",))
    side: Side | None = None
    if scene.body.any():
        pieces = even_pieces(scene, scene.even, lowest_level=1.6 * scene.soft_tissue, smallest_ml=15.0)
        liver, side = _find_liver(scene, pieces, sstr=sstr, blurred=tracer.modality == "SPECT")
        organs["liver"] = liver
        if liver.mask is not None and side is not None:
            spleen = _find_spleen(scene, liver, side, sstr=sstr)
            organs["spleen"] = spleen
            nothing = np.zeros(scene.body.shape, bool)
            taken = nothing if spleen.mask is None else mm.dilate(spleen.mask, 4.0, SPACING)
            kidneys = _find_kidneys(scene, liver, taken, sstr=sstr)
            for name in ("kidney_left", "kidney_right"):
                kidney = kidneys.get(name)
                reason = _WITHOUT_CT if kidney is not None else "no hot organ at the place of the kidney"
                organs[name] = _Found(mask=kidney, reasons=[reason])
            organs["urinary_bladder"] = _find_bladder(scene, liver) or _Found(
                status="outside_field",
                reasons=["no urinary activity low on the midline, or the pelvis is not in the field"],
            )
            heart = _find_heart(scene, pieces, liver, side)
            organs["heart"] = heart or _Found(status="outside_field", reasons=["no blood pool above the liver"])
            concerns["liver"] = tuple(_liver_concerns(scene, liver, spleen, tracer))
            concerns["spleen"] = (_WITHOUT_CT, *spleen.reasons)
        else:
            concerns["liver"] = tuple(liver.reasons)
            organs.update(_without_liver(scene, pieces) if sstr else {})
            spleen = organs.setdefault("spleen", _Found(reasons=["no liver to find its place by"]))
            concerns["spleen"] = (_WITHOUT_CT, *spleen.reasons)
        if tracer.binds == "glucose":
            brain = _find_brain(scene)
            if brain is not None:
                organs["brain"] = brain
    concerns["blood_pool"] = ("without CT the aorta can't be outlined; the blood inside the heart stands in",)
    return _assemble(suv, scene, organs, concerns, side)


def _assemble(
    suv: Volume,
    scene: PetScene,
    organs: dict[str, _Found],
    concerns: dict[str, tuple[str, ...]],
    side: Side | None,
) -> Anatomy:
    """Write the organs into one label map on the PET grid and keep their records."""
    working: npt.NDArray[np.uint8] = scene.body.astype(np.uint8) * LABELS["body"]
    for name in ("heart", "brain", "urinary_bladder", "kidney_left", "kidney_right", "liver", "spleen"):
        found = organs.get(name)
        if found is not None and found.mask is not None:
            working[found.mask] = LABELS[name]
    labels = resample(working, scene.grid, suv.grid, 0.0, nearest=True).astype(np.uint8, copy=False)
    records = []
    for name, found in {"body": _Found(mask=scene.body, reasons=["outline of uptake"]), **organs}.items():
        mask = labels > 0 if name == "body" else labels == LABELS[name]
        count = int(mask.sum())
        centroid = None
        if count:
            point = suv.grid.to_lps([float(np.mean(c)) for c in np.nonzero(mask)])
            centroid = (float(point[0]), float(point[1]), float(point[2]))
        status = found.status if found.status == "outside_field" else "caution"
        if name == "liver" and count and not concerns.get("liver"):
            status = "ok"
        reasons = concerns.get(name, tuple(found.reasons)) or (_WITHOUT_CT,)
        records.append(
            OrganRecord(
                name=name,
                label=LABELS[name],
                source=SOURCE,
                status=status,
                reasons=reasons,
                volume_ml=count * suv.grid.voxel_ml if count else None,
                centroid_mm=centroid,
            )
        )
    message = "No CT covers this PET: organs were found from uptake alone. The aorta, lungs and bones are not outlined."
    return Anatomy(
        labels=Volume(labels, suv.grid, "label"),
        organs=tuple(records),
        source=SOURCE,
        liver_side=side,
        evidence={name: found.evidence for name, found in organs.items() if found.evidence},
        concerns=concerns,
        issues=(Issue(code="pet-without-ct", level="caution", message=message),),
    )
