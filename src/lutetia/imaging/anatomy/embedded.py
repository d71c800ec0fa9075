"""The embedded anatomy: CT with or without PET, no weights. Joins the organs into one label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.aorta import AortaTrack, aorta_mask, find_aorta
from lutetia.imaging.anatomy.chest_pelvis_head import find_bladder, find_brain, find_heart
from lutetia.imaging.anatomy.kidney_pair import find_pair
from lutetia.imaging.anatomy.kidneys import LEAST_SCORE, Kidney, find_kidney, kidney_readings, least_uptake, likeness
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.liver import Liver, find_liver
from lutetia.imaging.anatomy.lungs import Lungs, find_lungs
from lutetia.imaging.anatomy.record import Anatomy, VesselTrack
from lutetia.imaging.anatomy.region import Trunk, cut_trunk
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene, resample, set_scene
from lutetia.imaging.anatomy.skeleton import Spine, column_zone, find_bone, find_spine
from lutetia.imaging.anatomy.spleen import Spleen, find_spleen, looks_like_spleen
from lutetia.imaging.anatomy.verdicts import OrganVerdict, heart_doubts, judge_aorta, judge_liver, judge_spleen
from lutetia.model import Grid, Issue, OrganRecord, Tracer, Volume

#: a kidney that scores this leaves no need for a second reading of its bed
SURE_KIDNEY = 4.0
#: shreds of an outline thinner than this, mm, beside an organ that was taken out of it
SHREDS_MM = 9.0


def labels_to_grid(labels: npt.NDArray[np.uint8], source: Grid, target: Grid) -> npt.NDArray[np.uint8]:
    """Take a label map to another grid by the nearest voxel; 0 outside the source."""
    direction = np.asarray(target.direction, float)[:, ::-1]
    if np.allclose(np.abs(direction), np.eye(3), atol=1e-5):
        indices = []
        for axis in range(3):
            lps = 2 - axis
            step = float(np.asarray(target.direction, float)[lps, axis]) * target.spacing_mm[axis]
            place = target.origin_mm[lps] + step * np.arange(target.shape[axis])
            at = np.rint((place - source.origin_mm[lps]) / source.spacing_mm[axis]).astype(np.int64)
            indices.append(at)
        valid = [(i >= 0) & (i < n) for i, n in zip(indices, source.shape, strict=True)]
        result = np.zeros(target.shape, np.uint8)
        if all(v.any() for v in valid):
            spans = [slice(int(v.argmax()), len(v) - int(v[::-1].argmax())) for v in valid]
            parts = [i[s] for i, s in zip(indices, spans, strict=True)]
            result[tuple(spans)] = labels[np.ix_(*parts)]
        return result
    moved = resample(labels, source, target, 0, nearest=True)
    return moved.astype(np.uint8, copy=False)


def _record(
    name: str, mask: mm.Mask, scene: Scene, source: str, status: str = "ok", reasons: Sequence[str] = ()
) -> OrganRecord | None:
    """An organ's record; None for an empty mask."""
    count = int(mask.sum())
    if not count:
        return None
    box = mm.bounding_box(mask)
    assert box is not None
    centre = np.array([a.mean() for a in np.nonzero(mask[box])]) + [s.start for s in box]
    point = scene.grid.to_lps(centre)
    return OrganRecord(
        name=name,
        label=LABELS[name],
        source=source,
        status=status,
        reasons=tuple(reasons),
        volume_ml=round(count * VOXEL_ML, 2),
        centroid_mm=(round(float(point[0]), 2), round(float(point[1]), 2), round(float(point[2]), 2)),
    )


def _into_scene(scene: Scene, trunk: Trunk, mask: mm.Mask) -> mm.Mask:
    """A mask of the trunk's crop in the whole working grid."""
    whole = np.zeros(scene.ct.shape, bool)
    whole[trunk.box] = mask
    return whole


def find_embedded(ct: Volume, suv: Volume | None, tracer: Tracer) -> Anatomy:
    """Find the organs on CT, with PET's help when it is there.

    Parameters
    ----------
    ct : HU
    suv : SUV, or None (then the labels lie on the CT grid)
    tracer : what was injected; only its class is used

    Returns
    -------
    Anatomy with labels on the PET grid (CT grid without PET)
    """
    scene = set_scene(ct, suv)
    target = suv.grid if suv is not None else ct.grid
    source = "embedded CT+PET" if suv is not None else "embedded CT"
    sstr = tracer.is_sstr
    bone = find_bone(scene)
    spine = find_spine(scene, bone)
    if spine is None:
        labels = np.where(scene.body, np.uint8(LABELS["body"]), np.uint8(0))
        issue = Issue(
            code="anatomy-no-spine",
            message="No vertebral column was found on the CT; no organs and no reference regions could be placed.",
        )
        return Anatomy(Volume(labels_to_grid(labels, scene.grid, target), target, "label"), (), source, issues=(issue,))
    lungs = find_lungs(scene, spine)
    track = find_aorta(scene, lungs, spine)
    tube = aorta_mask(scene, track) if track is not None else np.zeros(scene.ct.shape, bool)
    trunk = cut_trunk(scene, bone, spine, lungs, tube)
    liver = find_liver(trunk)
    occupied = tube.copy()
    if liver is not None:
        occupied[trunk.box] |= liver.mask
    heart = find_heart(scene, lungs, spine, occupied)
    kidneys, spleen = _kidneys_and_spleen(trunk, liver, heart[trunk.box], sstr)
    if liver is not None:
        liver = _without_kidneys(liver, kidneys, spleen)
    return _assemble(
        scene, target, source, tracer, bone, spine, lungs, track, tube, heart, trunk, liver, kidneys, spleen
    )


def _kidneys_and_spleen(
    trunk: Trunk, liver: Liver | None, heart: mm.Mask, sstr: bool
) -> tuple[dict[str, Kidney], Spleen | None]:
    """The kidneys as a pair, the spleen beside one of them, and that kidney again beside the spleen."""
    if liver is None:
        nothing = np.zeros(trunk.ct.shape, bool)
        found = {s: find_kidney(trunk, s, nothing, float("nan"), sstr) for s in ("left", "right")}
        return {s: k for s, k in found.items() if k is not None}, None
    core = mm.erode(liver.mask, 9.0, SPACING)
    like_liver = liver.mask & (np.abs(trunk.ct_smooth - liver.hu) < 13)
    if sstr and trunk.pet_smooth is not None and np.isfinite(liver.suv):
        # a kidney against the liver is hotter than it; what is that hot may still be asked whether it is a kidney
        core &= trunk.pet_smooth < 1.3 * liver.usual_suv
        like_liver &= trunk.pet_smooth < 1.15 * liver.usual_suv
    core |= like_liver
    side = "left" if liver.side == "right" else "right"
    yardstick = least_uptake(trunk, liver.suv, sstr)
    taken = {liver.side: core, side: core}
    kidneys = find_pair(trunk, taken, liver.mask, liver.side, yardstick, sstr)
    own, first = kidneys.get(liver.side), kidneys.get(side)

    def worth(kidney: Kidney | None, spleen: Spleen | None) -> float:
        alike = likeness(own, kidney) if own is not None and kidney is not None else 1.0
        return (0.05 + (alike * kidney.score if kidney else 0.0)) * (0.05 + (spleen.score if spleen else 0.0))

    beside = find_spleen(trunk, liver, heart | first.mask if first is not None else heart, sstr)
    sure = first is not None and first.score > SURE_KIDNEY
    spleen = beside
    if not (sure and beside is not None and looks_like_spleen(beside)):
        # two readings of the same bed: kidney first, or spleen first; the pair with the better product of scores wins
        alone = find_spleen(trunk, liver, heart, sstr)
        if alone is not None:
            readings = kidney_readings(trunk, side, taken[side] | alone.mask, yardstick, sstr)
            second = max(readings, key=lambda k: worth(k, alone), default=None)
            if worth(second, alone) > worth(first, beside):
                spleen = alone
                kidneys.pop(side, None)
                if second is not None and second.score > LEAST_SCORE:
                    kidneys[side] = second
    return kidneys, spleen


def _without_kidneys(liver: Liver, kidneys: Mapping[str, Kidney], spleen: Spleen | None) -> Liver:
    """The liver without kidneys and spleen, and without the shreds that are left of it around them."""
    others = np.zeros_like(liver.mask)
    for kidney in kidneys.values():
        others |= kidney.mask
    if spleen is not None:
        others |= spleen.mask
    if not (others & liver.mask).any():
        return liver
    alone = liver.mask & ~others
    near = mm.dilate(others, SHREDS_MM, SPACING)
    alone = mm.largest((alone & ~near) | mm.opening(alone, SHREDS_MM / 2, SPACING))
    ct_only = liver.ct_only & ~others
    agreement = float((alone & ct_only).sum() / max(1, (alone | ct_only).sum()))
    evidence = liver.evidence | {"volume_ml": float(alone.sum() * VOXEL_ML), "agreement": agreement}
    return replace(liver, mask=alone, ct_only=ct_only, evidence=evidence)


def _assemble(
    scene: Scene,
    target: Grid,
    source: str,
    tracer: Tracer,
    bone: mm.Mask,
    spine: Spine,
    lungs: Lungs,
    track: AortaTrack | None,
    tube: mm.Mask,
    heart: mm.Mask,
    trunk: Trunk,
    liver: Liver | None,
    kidneys: dict[str, Kidney],
    spleen: Spleen | None,
) -> Anatomy:
    """Join the organs into the label map, judge them, and write their records."""
    masks: dict[str, mm.Mask] = {"lung_left": lungs.left, "lung_right": lungs.right}
    column = column_zone(scene, spine) & scene.body & (scene.ct_smooth > -50)
    column &= (np.abs(spine.x - spine.midline) * SPACING_MM < 30)[:, None, None]
    masks["skeleton"], masks["spine"] = bone, column & (bone | (scene.ct_smooth > 85))
    liver_mask = np.zeros(scene.ct.shape, bool)
    if liver is not None:
        liver_mask = _into_scene(scene, trunk, liver.mask)
    masks["heart"] = heart
    masks["aorta"] = tube
    lowest = np.flatnonzero(liver_mask.any(axis=(1, 2)))
    pelvis_top = int(lowest[0] + 40 / SPACING_MM) if len(lowest) else trunk.box[0].start
    renal = tracer.is_sstr or tracer.binds == "glucose" or tracer.binds == "amino_acid_transport"
    masks["urinary_bladder"] = find_bladder(scene, bone, spine, pelvis_top, renal)
    masks["brain"] = find_brain(scene, bone, lungs)
    masks["liver"] = liver_mask
    for side, kidney in kidneys.items():
        masks[f"kidney_{side}"] = _into_scene(scene, trunk, kidney.mask)
    verdicts: dict[str, OrganVerdict] = {
        "liver": judge_liver(trunk, liver, spleen, tracer),
        "spleen": judge_spleen(trunk, liver, spleen, kidneys, tracer),
        "aorta": judge_aorta(scene, lungs, track),
    }
    if spleen is not None and verdicts["spleen"].keep:
        masks["spleen"] = _into_scene(scene, trunk, spleen.mask)
    labels = np.where(scene.body, np.uint8(LABELS["body"]), np.uint8(0))
    for name, mask in masks.items():
        labels[mask] = LABELS[name]
    records: list[OrganRecord] = []
    for name in masks:
        verdict = verdicts.get(name)
        status, reasons = (verdict.status, verdict.reasons) if verdict else ("ok", ())
        if name == "heart" and (doubts := heart_doubts(heart)):
            status, reasons = "caution", doubts
        record = _record(name, labels == LABELS[name], scene, source, status, reasons)
        if record is not None:
            records.append(record)
    for name, verdict in verdicts.items():
        if not any(r.name == name for r in records):
            status = verdict.status if verdict.status in ("absent", "outside_field", "caution") else "caution"
            records.append(
                OrganRecord(
                    name=name,
                    label=LABELS[name],
                    source=source,
                    status=status,
                    reasons=verdict.reasons or ("not found",),
                )
            )
    order = np.arange(scene.ct.shape[0])[::-1]
    line = scene.grid.to_lps(np.stack([order, spine.y[order], spine.x[order]], axis=1))
    midline = scene.grid.origin_mm[0] + spine.midline[order] * SPACING_MM
    vessel = None
    if track is not None:
        points = scene.grid.to_lps(np.stack([track.z, track.y, track.x], axis=1))[::-1]
        vessel = VesselTrack(points, track.radius_mm[::-1].copy())
    evidence = {name: dict(verdict.evidence) for name, verdict in verdicts.items()}
    for side, kidney in kidneys.items():
        evidence[f"kidney_{side}"] = kidney.evidence
    concerns = {
        "liver": verdicts["liver"].concerns,
        "spleen": verdicts["spleen"].concerns,
        "blood_pool": verdicts["aorta"].concerns,
    }
    return Anatomy(
        labels=Volume(labels_to_grid(labels, scene.grid, target), target, "label"),
        organs=tuple(sorted(records, key=lambda r: r.label)),
        source=source,
        aorta=vessel,
        liver_side=None if liver is None else ("left" if liver.side == "left" else "right"),
        spine_line_mm=line,
        midline_x_mm=midline,
        evidence=evidence,
        concerns=concerns,
        issues=tuple(issue for verdict in verdicts.values() for issue in verdict.issues),
    )


__all__ = ["find_embedded", "labels_to_grid"]
