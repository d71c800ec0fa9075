"""The liver: the thickest even soft tissue under a lung base, on either side."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.liver_remnant import remnant_level
from lutetia.imaging.anatomy.region import Trunk, back_muscle, muscle_uptake
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML
from lutetia.imaging.threads import each

#: gaps up to twice this wide between parts of the liver belong to it when they are as dense
ENCLOSED_MM = 15.0

#: unenhanced livers below this are fatty
FATTY_HU = 40.0
#: a liver on the left must be so many times thicker than what lies on the right
MIRRORED = 1.5
#: SUV; no normal liver takes up more of an SSTR tracer (the usual range of its reference ends here)
HOTTEST_SSTR_LIVER = 13.0
#: metastases take up this many times what the liver does
HOT = 1.6
#: the lower quarter of a liver's uptake, against its most frequent one
LOW_QUARTER = 0.9
#: pieces of an outline that hang on by a neck narrower than twice this are asked whether they are liver, mm
NECK_MM = 8.0
#: ascites and effusion are thinner than this, and take up less than so many times what muscle does
WATER_HU, OF_MUSCLE = 20.0, 1.3


@dataclass(frozen=True, eq=False)
class Liver:
    """The liver in the trunk's crop.

    Attributes
    ----------
    mask : the organ with whatever lies inside it
    ct_only : what CT alone calls liver
    side : "right", or "left" in situs inversus
    hu : HU of its parenchyma (mode)
    suv : SUV of its most frequent tissue (mode), NaN without PET
    evidence : numbers measured while finding it
    """

    mask: mm.Mask
    ct_only: mm.Mask
    side: str
    hu: float
    suv: float
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def usual_suv(self) -> float:
        """SUV of most of what lies inside the outline: tumour's where tumour is the majority, else parenchyma's."""
        return self.evidence.get("tumour_suv", self.suv)


def _core(trunk: Trunk, side: str) -> tuple[mm.Mask, float] | None:
    """Thickest soft tissue of one side and its score: volume × share of its columns covered by that lung."""
    height = trunk.below_dome_mm
    rows = np.ones(len(height), bool) if not np.isfinite(height).any() else (height > -20) & (height < 200)
    where = trunk.soft & trunk.side(side) & rows[:, None, None] & ~trunk.above_diaphragm
    depth = mm.depth_inside(where, SPACING, open_edges=True)
    lungs_known = trunk.lung(side).any()
    for erosion in (15.0, 11.0, 8.0):
        best: tuple[mm.Mask, float] | None = None
        for box, piece, size in mm.components(depth > erosion, 30)[:6]:
            mask = np.zeros_like(where)
            mask[box] = piece
            covered = trunk.covered_by_lung(mask, side) if lungs_known else 0.5
            score = size * covered
            if best is None or score > best[1]:
                best = (mask, score)
        if best is not None and best[0].sum() * VOXEL_ML > 15:
            return best
    return None


def _window_piece(window: mm.Mask, core: mm.Mask, erosion_mm: float, growth_mm: float) -> mm.Mask:
    """Erode a window, keep the piece that holds most of the core, and grow it back inside the window."""
    depth = mm.depth_inside(window, SPACING, open_edges=True)
    best, overlap = None, 0
    for box, piece, _ in mm.components(depth > erosion_mm, 30)[:8]:
        common = int((piece & core[box]).sum())
        if common > overlap:
            best, overlap = (box, piece), common
    if best is None:
        return core & window
    mask = np.zeros_like(window)
    mask[best[0]] = best[1]
    return mm.dilate(mask, growth_mm, SPACING) & window


def _solid(mask: mm.Mask, trunk: Trunk, allowed: mm.Mask) -> mm.Mask:
    """Close gaps of 12 mm (vessels, lesions outside the windows) and fill what is enclosed, within `allowed`."""
    box = mm.bounding_box(mask, 5)
    if box is None:
        return mask
    part = mask[box]
    grown = mm.distance_to(np.ascontiguousarray(part), SPACING) <= 6.0
    closed = mm.depth_inside(grown, SPACING) > 6.0
    filled = mm.fill_slices(closed | part)
    result = mask.copy()
    result[box] = part | (filled & allowed[box])
    return result


def enclosed_liver(mask: mm.Mask, trunk: Trunk, room: mm.Mask, hu: float, suv: float) -> mm.Mask:
    """Tissue as dense as the liver that lies between its parts: what is left of the liver where tumour is the majority.

    Uptake can't tell it from a neighbour (it is as much colder than the tumour as a stomach is than a liver); that it
    is enclosed can. What is colder than a third of the usual uptake is blood, muscle or a cyst and stays out.
    """
    assert trunk.pet_smooth is not None
    box = mm.bounding_box(mask, 8)
    if box is None:
        return mask
    part = np.ascontiguousarray(mask[box])
    near = mm.distance_to(part, SPACING) <= ENCLOSED_MM
    closed = mm.depth_inside(near, SPACING) > ENCLOSED_MM
    density, uptake = trunk.ct_smooth[box], trunk.pet_smooth[box]
    alike = (density > hu - 20) & (density < hu + 45) & (uptake > 0.3 * suv)
    result = mask.copy()
    result[box] = part | mm.opened(closed & room[box] & (alike | part))
    return result


def _trend(values: mm.Floats, sure: mm.Mask, middle: float) -> mm.Floats:
    """Slow change of density through the liver (arms beside it, beam hardening): mean of the sure liver over 6 cm."""
    sigma = 30.0 / SPACING_MM
    weight = ndi.gaussian_filter(sure.astype(np.float32), sigma, truncate=2.0)
    mean = ndi.gaussian_filter(np.where(sure, values - np.float32(middle), np.float32(0)), sigma, truncate=2.0)
    trend: mm.Floats = np.float32(middle) + mean / np.maximum(weight, 0.02)
    return trend


def without_neighbours(mask: mm.Mask, trunk: Trunk, core: mm.Mask, hu: float, suv: float, low: float) -> mm.Mask:
    """Take away what leaned on the liver and passed for it: kidney, bowel, stomach, pancreas, gallbladder.

    Darker than the liver around and not as hot as a metastasis; in a fatty liver (below 40 HU and below muscle) also
    what is denser and colder. Never what is denser otherwise: beside dark metastases that is the liver. Then pieces
    that hang on by a neck: they belong to the liver when they lie under a lung or are as even and as hot as the liver.
    """
    assert trunk.pet_smooth is not None
    box = mm.bounding_box(mask, 4)
    if box is None:
        return mask
    part, inner = np.ascontiguousarray(mask[box]), core[box] & mask[box]
    if not inner.any():
        return mask
    density, uptake = trunk.ct_smooth[box], trunk.pet_smooth[box]
    spread = max(mm.robust_sd(density[inner]), 5.0)
    sure = inner & (np.abs(density - hu) < 2.5 * spread)
    # smoothed inside the outline only: fat round the liver must not darken its rim
    weight = ndi.gaussian_filter(part.astype(np.float32), 2.4 / SPACING_MM, truncate=3.0)
    inside = ndi.gaussian_filter(np.where(part, density, np.float32(0)), 2.4 / SPACING_MM, truncate=3.0)
    calm = inside / np.maximum(weight, 1e-3) - _trend(density, sure, hu)
    other = (calm < -max(12.0, 2.0 * spread)) & (uptake < HOT * suv)
    muscle = trunk.ct_smooth[back_muscle(trunk)]
    if hu < FATTY_HU and not (len(muscle) > 300 and hu > mm.mode(muscle, 4.0, 0.0, 110.0) - 10):
        other |= (calm > max(6.0, 1.2 * spread)) & (uptake < 0.9 * low)
    window = part & ~other
    kept = _window_piece(window, inner, 7.0, 10.0)
    depth = mm.depth_inside(kept, SPACING, open_edges=True)
    covering = trunk.lung_left | trunk.lung_right | trunk.above_diaphragm
    covered: mm.Mask = np.asarray(covering.any(axis=0))[box[1:]]
    for piece in mm.split_by_depth(kept, depth, NECK_MM):
        if (piece & inner).sum() > 0.02 * inner.sum():
            continue
        values = uptake[piece]
        middle = float(np.median(values))
        alike = low * 0.95 < middle < 1.15 * suv and mm.robust_sd(values) < 0.15 * middle
        if not alike and middle < HOT * suv and float(covered[np.nonzero(piece)[1:]].mean()) < 0.5:
            kept &= ~piece
            window &= ~piece
    result = np.zeros_like(mask)
    result[box] = mm.dilate(kept, 9.0, SPACING) & window
    return result


def _without_spleen(mask: mm.Mask, trunk: Trunk, other_mm: mm.Floats, suv: float) -> mm.Mask:
    """Take away large hot pieces across the midline that lie behind: a spleen that touches the left lobe.

    The left lobe lies in front; what is there and hot (metastases) stays.
    """
    assert trunk.pet_smooth is not None
    hot = mask & (other_mm > 20) & (trunk.pet_smooth > 1.5 * suv)
    result = mask.copy()
    for box, piece, size in mm.components(hot, int(30 / VOXEL_ML)):
        if float(trunk.forward_mm[box][piece].mean()) < 10:
            grown = np.zeros_like(mask)
            grown[box] = piece
            result &= ~mm.dilate(grown, 4.5, SPACING)
        del size
    return result


def find_liver(trunk: Trunk, *, sstr: bool = False) -> Liver | None:
    """Find the liver.

    Both sides compete; the core of the better gives the HU mode, then CT alone and CT with PET outline the organ. PET
    only takes away what is clearly colder than the liver's own lower quarter, never what is hotter (metastases).
    """
    seed = _seed(trunk, sstr=sstr)
    if seed is None:
        return None
    ct_only = _window_piece(seed.room & (np.abs(trunk.ct_smooth - seed.hu) < seed.width), seed.core, 7.0, 9.0)
    evidence = {
        "hu_mode": seed.hu,
        "hu_window": seed.width,
        "side_score_ratio": seed.rival,
        "core_ml": float(seed.core.sum() * VOXEL_ML),
        "ct_only_ml": float(ct_only.sum() * VOXEL_ML),
    }
    mask, hu, suv = ct_only, seed.hu, float("nan")
    if trunk.pet_smooth is not None:
        values = trunk.pet_smooth[mm.erode(ct_only, 9.0, SPACING) & trunk.measured]
        if len(values) > 100:
            mask, hu, suv, by_uptake = _by_uptake(trunk, seed, ct_only, values)
            evidence |= by_uptake
    allowed = (trunk.soft | ((trunk.ct_smooth > -40) & (trunk.cage_mm > 2))) & ~trunk.above_diaphragm
    mask = mm.largest(_solid(mask, trunk, allowed))
    evidence["volume_ml"] = float(mask.sum() * VOXEL_ML)
    evidence["lung_contact"] = trunk.lung_contact(mask)
    evidence["agreement"] = float((mask & ct_only).sum() / max(1, (mask | ct_only).sum()))
    return Liver(mask, ct_only, seed.side, hu, suv, evidence)


def is_fluid(trunk: Trunk, liver: Liver) -> bool:
    """Whether the outline holds water: as thin, and with no more uptake than muscle. A fatty liver takes up more."""
    return liver.hu < WATER_HU and bool(liver.suv < OF_MUSCLE * muscle_uptake(trunk))


def without_fluid(trunk: Trunk) -> Trunk:
    """The trunk with ascites and effusion taken out of its soft tissue."""
    if trunk.pet_smooth is None:
        return trunk
    thin = (trunk.ct_smooth < WATER_HU) & (trunk.pet_smooth < OF_MUSCLE * muscle_uptake(trunk)) & trunk.measured
    fluid = trunk.soft & thin
    return replace(trunk, soft=trunk.soft & ~fluid, ct_smooth=np.where(fluid, np.float32(-100.0), trunk.ct_smooth))


@dataclass(frozen=True, eq=False)
class _Seed:
    """Where the liver begins, by CT alone.

    Attributes
    ----------
    side : of the body, "right" or (mirrored) "left"
    core : what is liver for certain
    hu, width : mode and half width of its density
    rival : score of the other side over that of this one
    rows : slices that a liver may reach
    other_mm : distance beyond the column, towards the other side
    room : where the organ may lie
    """

    side: str
    core: mm.Mask
    hu: float
    width: float
    rival: float
    rows: npt.NDArray[np.bool_]
    other_mm: mm.Floats
    room: mm.Mask


def one_organ_on_the_left(trunk: Trunk, left: mm.Mask, right: mm.Mask) -> bool:
    """Whether SSTR uptake shows a liver on the left, and on the right several organs of which one is a spleen.

    A tenth of the right core takes up less than half, and another more than twice what is usual on the left, which is
    as even as one organ (its quartiles within 30 % of the median), at least three times as hot as muscle and no hotter
    than a normal liver.
    """
    if trunk.pet_smooth is None:
        return False
    low, usual, high = np.percentile(trunk.pet_smooth[left], (25, 50, 75))
    coldest, hottest = np.percentile(trunk.pet_smooth[right], (10, 90))
    even = high - low < 0.3 * usual and 3.0 * muscle_uptake(trunk) < usual < HOTTEST_SSTR_LIVER
    return bool(even and coldest < 0.5 * usual and hottest > 2.0 * usual)


def _seed(trunk: Trunk, *, sstr: bool) -> _Seed | None:
    """The core of the better side; None where neither has one."""
    sides = ("right", "left")
    cores = dict(zip(sides, each(lambda side: _core(trunk, side), sides), strict=True))
    scores = {side: (core[1] if core else 0.0) for side, core in cores.items()}
    if max(scores.values()) <= 0:
        return None
    # one liver in ten thousand lies on the left: a large spleen or a full stomach must not outweigh that
    mirrored = scores["left"] > MIRRORED * scores["right"]
    left, right = cores["left"], cores["right"]
    if sstr and not mirrored and left and right and left[1] > right[1]:
        mirrored = one_organ_on_the_left(trunk, left[0], right[0])
    side: str = "left" if mirrored else "right"
    found = cores[side]
    assert found is not None
    core = found[0]
    ct = trunk.ct_smooth
    height = trunk.below_dome_mm
    rows = np.ones(len(height), bool) if not np.isfinite(height).any() else (height > -30) & (height < 260)
    other = trunk.lateral_mm if side == "right" else -trunk.lateral_mm
    return _Seed(
        side=side,
        core=core,
        hu=mm.mode(ct[core], 6.0, -30.0, 300.0),
        width=float(np.clip(2.5 * mm.robust_sd(ct[core]), 26.0, 45.0)),
        rival=min(scores.values()) / max(scores.values()),
        rows=rows,
        other_mm=other,
        room=trunk.soft & rows[:, None, None] & (other < 110) & ~trunk.above_diaphragm,
    )


def _by_uptake(
    trunk: Trunk, seed: _Seed, ct_only: mm.Mask, values: npt.NDArray[np.float32]
) -> tuple[mm.Mask, float, float, dict[str, float]]:
    """The outline by density and uptake: mask, HU and SUV of the liver, evidence.

    Parameters
    ----------
    values : SUV well inside the outline by CT alone
    """
    assert trunk.pet_smooth is not None
    ct, pet, hu, width, room = trunk.ct_smooth, trunk.pet_smooth, seed.hu, seed.width, seed.room
    evidence: dict[str, float] = {}
    suv = mm.mode(values, max(0.04 * float(np.median(values)), 1e-3), 0.0, float(np.percentile(values, 99)) * 1.2)
    low = float(np.percentile(pet[mm.erode(ct_only, 12.0, SPACING) & trunk.measured], 25))
    cold = np.where(trunk.measured, np.clip((low - pet) / (0.45 * low), 0, None), 0)
    wide = room & (((ct - hu) / max(width, 30.0)) ** 2 + cold**2 < 1)
    mask = _window_piece(wide, seed.core, 7.0, 10.0)
    # what a strict cage or the rule for back muscles cut away comes back where density and uptake agree
    again = (np.abs(ct - hu) < 30) & (pet > 0.75 * low) & ~trunk.above_diaphragm & (trunk.body_depth_mm > 9)
    again &= mm.dilate(mask, 12.0, SPACING) & seed.rows[:, None, None]
    mask = mm.largest(mask | mm.opened(again | mask))
    mask = without_neighbours(mask, trunk, seed.core, hu, suv, low)
    mask = enclosed_liver(mask, trunk, room & trunk.measured, hu, suv)
    mask = _without_spleen(mask, trunk, seed.other_mm, suv)
    remnant = remnant_level(mask, trunk, room, hu, suv)
    if remnant is not None:
        evidence["tumour_hu"], evidence["tumour_suv"] = hu, suv
        tumour, (hu, suv) = mask, remnant
        low = LOW_QUARTER * suv
        alike = np.minimum(np.abs(ct - hu), np.abs(ct - evidence["tumour_hu"])) < width
        colder = np.where(trunk.measured, np.clip((low - pet) / (0.45 * low), 0, None), 0)
        mask = tumour | _window_piece(room & alike & (colder < 1), tumour, 7.0, 10.0)
        mask = tumour | without_neighbours(mask, trunk, tumour, hu, suv, low)
        mask = _without_spleen(mask, trunk, seed.other_mm, suv)
    return mask, hu, suv, evidence | {"suv_mode": suv, "suv_low_quarter": low}


__all__ = ["SPACING_MM", "Liver", "find_liver"]
