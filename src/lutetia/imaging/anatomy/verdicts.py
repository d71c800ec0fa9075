"""Whether a found organ may be believed: every check returns its reason in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.aorta import AortaTrack
from lutetia.imaging.anatomy.kidneys import Kidney
from lutetia.imaging.anatomy.liver import Liver
from lutetia.imaging.anatomy.lungs import Lungs
from lutetia.imaging.anatomy.region import CORTEX_HU, Trunk, muscle_uptake
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene
from lutetia.imaging.anatomy.spleen import Spleen, looks_like_spleen, spleen_bed, with_usual_uptake
from lutetia.model import Issue, Tracer

#: a lens of so much in the bed, mL, may be a spleen
LEAST_ML = 8.0
#: no muscle takes up so many times what the muscles of the back do
HOTTER_THAN_MUSCLE = 2.0
#: the middle of a spleen lies so much further from the midline than that of its kidney, mm
BESIDE_MM = 15.0
#: heart, pericardium and great vessels of the largest adults, mL
LARGEST_HEART_ML = 1500.0

#: coefficient of variation of the core above which an FDG uptake is that of several organs: 60 spleens reach 0.12
UNEVEN_FDG = 0.14
#: SUV; no normal liver takes up more FDG (the usual range of its reference ends here)
HOTTEST_FDG_LIVER = 4.8


@dataclass(frozen=True, eq=False)
class OrganVerdict:
    """What is thought of one organ.

    Attributes
    ----------
    status : "ok", "caution", "absent" or "outside_field"
    reasons : why not "ok"
    concerns : why the organ may not serve as a reference without a flag
    keep : whether the mask enters the label map
    """

    status: str
    reasons: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    keep: bool = True
    evidence: Mapping[str, float] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def _field_rows(trunk: Trunk) -> tuple[int, int]:
    """First and last slice of the crop that PET (or CT alone) measured."""
    rows = np.flatnonzero(trunk.measured.any(axis=(1, 2)))
    return (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)


def judge_liver(trunk: Trunk, liver: Liver | None, spleen: Spleen | None, tracer: Tracer) -> OrganVerdict:
    """Checks of place and outline; checks of uptake are made with the reference itself."""
    if liver is None:
        return OrganVerdict("caution", ("no liver was found on the CT",), ("no liver was found",), keep=False)
    reasons: list[str] = []
    evidence = dict(liver.evidence)
    _first, last = _field_rows(trunk)
    rows = np.flatnonzero(liver.mask.any(axis=(1, 2)))
    inside = float(liver.mask[trunk.measured].sum() / max(1, liver.mask.sum()))
    evidence["in_field"] = inside
    if inside < 0.05:
        reason = "the liver lies outside the PET field"
        return OrganVerdict("outside_field", (reason,), (reason,), evidence=evidence)
    if rows[-1] >= last:
        evidence["cut_above"] = 1.0
    volume = evidence["volume_ml"]
    if volume < 150:
        reasons.append(f"only {volume:.0f} mL of liver was found")
    if liver.hu < 20:
        evidence["fatty"] = 1.0
    # an enlarged spleen rivals a small liver: no doubt once it was recognised as a spleen
    settled = (
        spleen is not None
        and looks_like_spleen(spleen)
        and (not tracer.is_sstr or spleen.evidence.get("to_liver", 0) > 1.2)
    )
    if evidence["side_score_ratio"] > 0.7 and not settled:
        reasons.append("both sides of the upper abdomen look like liver")
    return OrganVerdict("caution" if reasons else "ok", tuple(reasons), tuple(reasons), evidence=evidence)


def judge_spleen(
    trunk: Trunk, liver: Liver | None, spleen: Spleen | None, kidneys: Mapping[str, Kidney], tracer: Tracer
) -> OrganVerdict:
    """Spleen or something else in its bed; absent only when the whole bed is imaged and holds nothing unassigned."""
    if liver is None:
        reason = "no liver was found, so the bed of the spleen is unknown"
        return OrganVerdict("caution", (reason,), (reason,), keep=False)
    of_tumour = tracer.binds == "glucose" and liver.suv > HOTTEST_FDG_LIVER
    liver = with_usual_uptake(trunk, liver, tracer.is_sstr)
    # nothing outside the ribs is as hot as a spleen on SSTR, but bone
    bed = spleen_bed(trunk, liver, caged=not tracer.is_sstr)
    lung_side = "left" if liver.side == "right" else "right"
    lung_seen = bool((trunk.lung(lung_side) & trunk.measured).any())
    doubts: list[str] = []
    if spleen is not None:
        signs = _signs_of_spleen(spleen, kidneys, lung_side, lung_seen, _field_rows(trunk), tracer)
        doubts = [*_doubts_by_place(signs, tracer), *_doubts_by_kind(signs, tracer)]
        # where the bed is not wholly imaged one doubt is enough: the spleen may lie above the field
        if len(doubts) < (2 if lung_seen or signs.certain else 1):
            reasons = tuple(doubts) + (("the spleen is cut by the edge of the field",) if signs.cut else ())
            return OrganVerdict("caution" if reasons else "ok", reasons, reasons, evidence=signs.e)
    evidence = dict(spleen.evidence) if spleen is not None else {}
    if not lung_seen:
        reason = "the bed of the spleen is not wholly in the field"
        return OrganVerdict("outside_field", (reason, *doubts), (reason,), keep=False, evidence=evidence)
    left_over = _unassigned(trunk, liver, bed, kidneys, tracer)
    evidence["unassigned_ml"] = left_over
    if left_over > LEAST_ML:
        reason = f"no spleen was found, but {left_over:.0f} mL in its bed belong to no other organ"
        return OrganVerdict("caution", (reason, *doubts), (reason,), keep=False, evidence=evidence)
    if of_tumour:
        # on FDG a spleen is told from stomach and muscle by what the liver takes up, and this liver is tumour
        reason = "no spleen was found; beside a liver of tumour that does not show that there is none"
        return OrganVerdict("caution", (reason, *doubts), (reason,), keep=False, evidence=evidence)
    reason = "not seen; the whole bed is in the field: confirm splenectomy"
    return OrganVerdict("absent", (reason,), (reason,), keep=False, evidence=evidence)


@dataclass(frozen=True)
class _SpleenSigns:
    """What speaks for a piece in the bed of the spleen.

    Attributes
    ----------
    e : what was measured while finding it
    ratio : its uptake to that of the liver
    lung_seen : the lung on its side is imaged
    certain : the lung need not be asked (effusion): hot, or as avid as blood-rich tissue, at the ribs by its own kidney
    plain : hot, even and beside its own kidney, though stomach keeps it off lung and ribs
    at_edge : it reaches the first or last slice of the field
    part : the field, which begins below the lungs, holds a part of it
    fits : even in density and uptake, as one organ, and at the lung base
    """

    e: dict[str, float]
    ratio: float | None
    lung_seen: bool
    certain: bool
    plain: bool
    at_edge: bool
    part: bool
    fits: bool

    @property
    def cut(self) -> bool:
        """What is so plainly a spleen may be cut by the field: its core is measured, not its volume."""
        reaches = (self.at_edge or (self.part and not self.certain)) and not self.lung_seen
        return reaches and not (self.plain and self.e["volume_ml"] > 40)


def _signs_of_spleen(
    spleen: Spleen,
    kidneys: Mapping[str, Kidney],
    side: str,
    lung_seen: bool,
    field: tuple[int, int],
    tracer: Tracer,
) -> _SpleenSigns:
    e = spleen.evidence
    ratio = e.get("to_liver")
    even = e.get("suv_cov", 0.0) < 0.12 and e["hu_spread"] < 20 and 30 < e["hu"] < 170
    beside_kidney = kidneys.get(side)
    # a kidney of its own on that side, an even piece against the ribs, far hotter than the liver: no need of the
    # lung (effusion)
    own_kidney = beside_kidney is not None and beside_kidney.score > 4 and alike(kidneys)
    hot = even and tracer.is_sstr and (ratio or 0) > 1.3
    certain = hot and own_kidney and e["rib_contact"] >= 0.05
    # the spleen lies beside its kidney, not before or above it
    beside = beside_kidney is not None and _further_out(e, beside_kidney)
    # on FDG no uptake tells it; what is as even as one organ, as avid as blood-rich tissue and lies against the
    # ribs beside its own kidney is neither stomach (away from the ribs) nor muscle (colder)
    blood_rich = even and tracer.binds == "glucose" and 0.55 < (ratio or 0) < 1.3 and e["suv_cov"] < 0.10
    against_ribs = own_kidney and beside and e["rib_contact"] >= 0.15 and e["volume_ml"] > 40
    certain = certain or (blood_rich and against_ribs)
    first, last = field
    rows = np.flatnonzero(spleen.mask.any(axis=(1, 2)))
    # what an oblique edge cuts ends below it: beds keep 9 mm off the surface, and a core loses as much again
    near_edge = bool(rows[-1] >= last - round(18.0 / SPACING_MM))
    return _SpleenSigns(
        e=e,
        ratio=ratio,
        lung_seen=lung_seen,
        certain=certain,
        plain=certain or (hot and own_kidney and beside),
        at_edge=bool(rows[-1] >= last or rows[0] <= first),
        part=near_edge and not lung_seen and hot and own_kidney and beside,
        fits=e["lung_contact"] > 0.1 and even,
    )


def _doubts_by_place(signs: _SpleenSigns, tracer: Tracer) -> Iterator[str]:
    """Where and how large it is: a spleen lies under the lung, at the ribs, and is no nodule."""
    e = signs.e
    if e["lung_contact"] < 0.05 and signs.lung_seen and not (signs.certain and e["volume_ml"] > 20):
        yield "it does not touch the lung base"
        if not (signs.plain and e["volume_ml"] > 40):
            yield "nothing else sets it apart"
    imaged = signs.lung_seen or signs.at_edge or signs.part
    if not imaged and max(e["lung_contact"], e["rib_contact"]) < 0.05:
        # a whole spleen lies under lung: this is the upper pole of a kidney, in a field that begins below the lungs
        yield "it touches neither lung nor ribs, and the field does not cut it"
    thin = e["half_thickness_mm"] < 7.5
    # a few millilitres may be a nodule or an accessory spleen in an empty bed, and on FDG, where a spleen is no
    # hotter than what lies round it, so may 20
    # and what the edge of the field leaves of a spleen is small for that reason
    known = (signs.fits and tracer.is_sstr) or signs.certain or signs.part
    if thin or e["volume_ml"] < (12 if known else 30):
        yield f"it is small ({e['volume_ml']:.0f} mL)"
    glucose = tracer.binds == "glucose"
    if glucose and not signs.certain and max(e["lung_contact"], e["rib_contact"]) < 0.1 and signs.lung_seen:
        # no uptake tells an FDG spleen from stomach and bowel, which lie before it: its place must
        yield "it hardly touches lung or ribs"
    # so thin a piece is uneven from partial volume alone: that is the same doubt
    usual = UNEVEN_FDG if glucose else 0.18
    if e.get("suv_cov", 0) > (0.25 if thin else usual):
        yield "its uptake is uneven"
    if e["forward_mm"] < -60 and e.get("to_muscle", 1.0) < HOTTER_THAN_MUSCLE:
        # vertebral body 35 mm and canal 18 mm deep: what lies behind both is muscle of the back, unless it takes up
        # what no muscle does
        yield "it lies behind the vertebral canal"
        yield "nothing else sets it apart from muscle"


def _doubts_by_kind(signs: _SpleenSigns, tracer: Tracer) -> Iterator[str]:
    """What it is made of: a spleen is even, no darker than blood, and takes up more than muscle."""
    e, ratio = signs.e, signs.ratio
    if e["hu_spread"] > 13:
        yield "its density is uneven, as of several organs"
    if e.get("to_muscle", 9.0) < 1.35:
        yield "it takes up as little as muscle"
    if e["hu"] < 20:
        yield f"it is dark on CT ({e['hu']:.0f} HU)"
    if ratio is not None and tracer.is_sstr and ratio < 1.2 and not signs.fits:
        yield f"its uptake is {ratio:.2f} × liver"
    usual = (0.42, 1.6) if signs.fits else (0.5, 1.4)
    if ratio is not None and tracer.binds == "glucose" and not usual[0] < ratio < usual[1]:
        yield f"its uptake is {ratio:.2f} × liver"


def _further_out(spleen: Mapping[str, float], kidney: Kidney) -> bool:
    """Whether the middle of the spleen lies clearly further from the midline than that of its kidney."""
    return spleen.get("lateral_mm", 0.0) > kidney.evidence.get("lateral_mm", 999.0) + BESIDE_MM


def alike(kidneys: Mapping[str, Kidney]) -> bool:
    """Kidneys are a pair: one below 0.6 of the other may be what is left of it, the better part being called spleen.

    True where one of them has no measured uptake or was not found: then there is nothing to compare.
    """
    uptake = [k.evidence["suv_median"] for k in kidneys.values() if "suv_median" in k.evidence]
    return len(uptake) < 2 or min(uptake) >= 0.6 * max(uptake)


def _unassigned(trunk: Trunk, liver: Liver, bed: mm.Mask, kidneys: Mapping[str, Kidney], tracer: Tracer) -> float:
    """Volume in the bed that looks like a spleen and belongs to no organ: hot (SSTR) or even solid tissue under the
    lung base, in mL."""
    free = bed.copy()
    for kidney in kidneys.values():
        free &= ~mm.dilate(kidney.mask, 8.0, SPACING)
    # stomach and bowel lie before the bed, not in it
    near = free & (trunk.lung_distance_mm < 60) & (trunk.forward_mm < 15)
    if trunk.pet_smooth is not None and tracer.is_sstr and np.isfinite(liver.suv):
        # a liver full of tumour is hotter than any spleen: ten times the uptake round about is hot as well
        around = trunk.pet_smooth[near & (trunk.ct_smooth > 0)]
        level = min(0.9 * liver.suv, 10.0 * float(np.median(around))) if len(around) else 0.9 * liver.suv
        solid = near & (trunk.pet_smooth > level) & (trunk.ct_smooth > -30) & (trunk.ct_smooth < CORTEX_HU)
    else:
        solid = near & (trunk.ct_smooth > 25) & (trunk.ct_smooth < 220) & ~trunk.bone
        if trunk.pet_smooth is not None and np.isfinite(liver.suv):
            # muscle takes up a quarter to a third of what the liver does; a spleen more than half of it
            calm = ndi.gaussian_filter(trunk.pet_smooth, 3.5 / SPACING_MM, truncate=3.0)
            muscle = muscle_uptake(trunk)
            solid &= calm > max(0.45 * liver.suv, 1.4 * muscle if np.isfinite(muscle) else 0.0)
        else:
            solid &= np.abs(trunk.ct_smooth - max(liver.hu, 40.0)) < 20
    # a small spleen is a lens of 12 to 20 mm: an erosion by more would not leave any of it; bowel wall is thinner
    lens = mm.opening(solid & ~mm.dilate(liver.mask, 8.0, SPACING), 4.5, SPACING)
    pieces = mm.components(lens, 1)
    return float(pieces[0][2] * VOXEL_ML) if pieces else 0.0


def heart_doubts(heart: mm.Mask) -> tuple[str, ...]:
    """Why the mask of the heart may not be trusted: effusion beside it is as dense and may be taken in."""
    volume = float(heart.sum() * VOXEL_ML)
    if volume <= LARGEST_HEART_ML:
        return ()
    return (f"{volume:.0f} mL are more than a heart: effusion or mediastinum is in its outline",)


def judge_aorta(scene: Scene, lungs: Lungs, track: AortaTrack | None) -> OrganVerdict:
    """Checks of the track: length, contrast with its surroundings, radius."""
    if track is None:
        if lungs.apex is None:
            reason = "the descending thoracic aorta lies outside the field: no lungs in the image"
        else:
            reason = "too little of the thorax is in the field for the descending aorta"
        return OrganVerdict("outside_field", (reason,), (reason,), keep=False)
    reasons: list[str] = []
    quality = float(np.median(track.quality))
    evidence = {
        "length_mm": track.length_mm,
        "quality": quality,
        "poor_share": float((track.quality < 0.3).mean()),
        "radius_mm": float(np.median(track.radius_mm)),
        "blood_hu": track.blood_hu,
    }
    if track.length_mm < 45:
        reasons.append(f"only {track.length_mm:.0f} mm of the descending aorta is in the field")
    if quality < 0.3 or evidence["poor_share"] > 0.35:
        reasons.append("the aorta stands out poorly from its surroundings on this CT")
    return OrganVerdict("caution" if reasons else "ok", tuple(reasons), tuple(reasons), evidence=evidence)


__all__ = ["SPACING_MM", "OrganVerdict", "heart_doubts", "judge_aorta", "judge_liver", "judge_spleen"]
