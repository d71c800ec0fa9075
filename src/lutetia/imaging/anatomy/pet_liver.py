"""The liver in a PET without CT, and every reason why it may not be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.pet_scene import (
    SPACING,
    SPACING_MM,
    VOXEL_ML,
    EvenPiece,
    PetScene,
    neighbourhood,
    placed,
)
from lutetia.imaging.anatomy.record import Side
from lutetia.model import Tracer

#: SUVmean of livers without much tumour: (lowest, highest); wide, for plausibility only.
_LIVER_RANGE = {"glucose": (1.2, 4.5), "sstr": (2.0, 13.0)}


@dataclass
class Found:
    """What is known of one organ while the search goes on."""

    mask: mm.Mask | None = None
    status: str = "caution"
    reasons: list[str] = field(default_factory=list)
    level: float = float("nan")
    tumour_suspected: bool = False
    evidence: dict[str, float] = field(default_factory=dict)


def grow(scene: PetScene, seed: mm.Mask, low: float, high: float, reach_mm: float, forbidden: mm.Mask) -> mm.Mask:
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


def overlap(a: EvenPiece, b: EvenPiece) -> float:
    """Share of the smaller piece that lies in the other."""
    shape = tuple(max(x.stop, y.stop) for x, y in zip(a.box, b.box, strict=True))
    both = (placed(a, shape) & placed(b, shape)).sum()
    return float(both / min(a.mask.sum(), b.mask.sum()))


def is_brain(scene: PetScene, piece: EvenPiece) -> bool:
    """A piece on the midline of a narrow cross-section."""
    trunk = float(np.percentile(scene.area[scene.area > 20], 90)) if (scene.area > 20).any() else 0.0
    return abs(piece.lateral_mm) < 25 and scene.area[round(piece.z)] < 0.6 * trunk


def kidney_pair(pieces: list[EvenPiece], soft: float) -> tuple[EvenPiece, EvenPiece] | None:
    """The lowest pair (right, left) of hot pieces in the back at one height: the kidneys, where uptake shows both."""
    hot = [p for p in pieces if p.level > 3 * soft and p.depth > 0.55 and 40 < abs(p.lateral_mm) < 100]
    pairs = [
        (a, b)
        for a in hot
        for b in hot
        if a.lateral_mm < 0 < b.lateral_mm and abs(a.z - b.z) * SPACING_MM < 60 and 0.4 < a.level / b.level < 2.5
    ]
    return min(pairs, key=lambda pair: pair[0].z + pair[1].z, default=None)


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


def _choose_liver(scene: PetScene, pieces: list[EvenPiece], *, sstr: bool) -> tuple[EvenPiece | None, list[str]]:
    """The piece that is the liver, and why it might not be.

    The liver is the largest even organ clearly above soft tissue, to one side of the midline. Right is the rule.
    When both sides show a large even organ, somatostatin tracers tell them apart (the spleen is the hotter one);
    with glucose the larger one is the liver.
    """
    soft = scene.soft_tissue
    kidneys = kidney_pair(pieces, soft)
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
        and not is_brain(scene, p)
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
        p for p in lateral if p.core_ml >= 0.5 * chosen.core_ml and p.level >= chosen.level and overlap(p, chosen) > 0.5
    ]
    return max([*same, chosen], key=lambda p: p.level), doubts


def _between_metastases(scene: PetScene, pieces: list[EvenPiece]) -> tuple[mm.Mask, EvenPiece] | None:
    """SSTR: even tissue left between hot foci of one side, when no whole even organ of a liver's uptake was found.

    Looks within 5 cm of the largest hot piece, at finer scale (4 mm neighbourhoods), and takes the level below the
    liver's upper limit that holds most volume, in one piece or several. Returns that tissue and the hot piece.
    """
    top = _LIVER_RANGE["sstr"][1]
    hot = [
        p
        for p in pieces
        if p.level > top and abs(p.lateral_mm) > 25 and p.reach_mm > 70 and p.core_ml > 20 and p.depth < 0.62
    ]
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


def find_liver(scene: PetScene, pieces: list[EvenPiece], *, sstr: bool, blurred: bool) -> tuple[Found, Side | None]:
    piece, doubts = _choose_liver(scene, pieces, sstr=sstr)
    found = Found(reasons=list(doubts))
    if piece is None or (sstr and (piece.core_ml < 100 or piece.level < _LIVER_RANGE["sstr"][0])):
        # no large piece has a liver's uptake: is it what is left between metastases?
        rest = _between_metastases(scene, pieces) if sstr and not blurred else None
        if rest is None and piece is None:
            return found, None
    else:
        rest = None
    if rest is not None:
        mask, largest = rest
        found.mask, found.level = mask, float(np.median(scene.smooth[mask]))
        found.reasons = ["only the tissue between hot foci was found: the liver is largely tumour"]
        found.tumour_suspected = True
        found.evidence = {"level": found.level, "core_ml": float(mask.sum() * VOXEL_ML), "fragments": 1.0}
        return found, "left" if largest.lateral_mm > 0 else "right"
    assert piece is not None
    nothing = np.zeros(scene.body.shape, bool)
    seed = _without_neighbours(placed(piece, scene.body.shape))
    edge = _edge_level(scene, seed, piece.level)
    mask = grow(scene, seed, edge, 1.55 * piece.level, 12.0, nothing)
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


def liver_concerns(scene: PetScene, liver: Found, spleen: Found, tracer: Tracer) -> list[str]:
    """Every reason why the liver's uptake may be wrong; empty only when several independent signs agree.

    `liver.tumour_suspected` is set where one of them is that tumour may be taken for liver.
    """
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
        liver.tumour_suspected = True
    if e["share_near_mode"] < 0.9:
        reasons.append(f"only {100 * e['share_near_mode']:.0f} % of the organ is near its usual uptake")
    if e["other_levels_ml"] > 0.1 * e["core_ml"]:
        reasons.append("the organ shows more than one level of uptake: tumour, or a neighbour taken in")
        liver.tumour_suspected = True
    if e["hotter_neighbours"] > 0.12:
        reasons.append("sizeable hotter tissue touches the organ: tumour load?")
        liver.tumour_suspected = True
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
            liver.tumour_suspected = True
        if tracer.binds == "glucose" and not 0.55 <= ratio <= 1.25:
            reasons.append(f"spleen to liver {ratio:.2f}: unusual for glucose")
    if tracer.modality == "SPECT":
        reasons.append("SPECT without CT: resolution hides small tumours and edges")
    if tracer.binds not in ("glucose", "sstr_agonist", "sstr_antagonist"):
        reasons.append("the order of organ uptake is not known for this tracer")
    return reasons
