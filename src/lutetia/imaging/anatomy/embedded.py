"""The embedded anatomy: CT with or without PET, no weights. Joins the organs into one label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.aorta import AortaTrack, aorta_mask, find_aorta
from lutetia.imaging.anatomy.chest_pelvis_head import find_bladder, find_brain, find_heart
from lutetia.imaging.anatomy.kidney_pair import find_pair
from lutetia.imaging.anatomy.kidneys import LEAST_SCORE, Kidney, find_kidney, kidney_readings, least_uptake, likeness
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.liver import Liver, find_liver, is_fluid, without_fluid
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
    with ThreadPoolExecutor(1) as beside:  # the head and the column need nothing of the abdomen
        brain = beside.submit(find_brain, scene, bone, lungs)
        column = beside.submit(_column, scene, bone, spine)
        abdomen = _find_abdomen(scene, bone, spine, lungs, tracer)
    masks = {"lung_left": lungs.left, "lung_right": lungs.right, "skeleton": bone, "spine": column.result()}
    masks |= {"heart": abdomen.heart, "aorta": abdomen.tube, "urinary_bladder": abdomen.bladder}
    masks |= {"brain": brain.result()} | _organs_of_trunk(scene, abdomen)
    verdicts = _verdicts(scene, lungs, abdomen, tracer)
    if abdomen.spleen is not None and verdicts["spleen"].keep:
        masks["spleen"] = _into_scene(scene, abdomen.trunk, abdomen.spleen.mask)
    labels = np.where(scene.body, np.uint8(LABELS["body"]), np.uint8(0))
    for name, mask in masks.items():
        labels[mask] = LABELS[name]
    evidence = {name: dict(verdict.evidence) for name, verdict in verdicts.items()}
    for side, kidney in abdomen.kidneys.items():
        evidence[f"kidney_{side}"] = kidney.evidence
    line, midline = _column_line(scene, spine)
    return Anatomy(
        labels=Volume(labels_to_grid(labels, scene.grid, target), target, "label"),
        organs=_records(scene, labels, tuple(masks), verdicts, heart_doubts(abdomen.heart), source),
        source=source,
        aorta=_vessel(scene, abdomen.track),
        liver_side=None if abdomen.liver is None else ("left" if abdomen.liver.side == "left" else "right"),
        spine_line_mm=line,
        midline_x_mm=midline,
        evidence=evidence,
        concerns={
            "liver": verdicts["liver"].concerns,
            "spleen": verdicts["spleen"].concerns,
            "blood_pool": verdicts["aorta"].concerns,
        },
        issues=tuple(issue for verdict in verdicts.values() for issue in verdict.issues),
    )


@dataclass(frozen=True, eq=False)
class _Abdomen:
    """What was found from the heart down: `tube` is the aorta's mask, the organs of `trunk` lie in its crop."""

    track: AortaTrack | None
    tube: mm.Mask
    trunk: Trunk
    heart: mm.Mask
    bladder: mm.Mask
    liver: Liver | None
    kidneys: dict[str, Kidney]
    spleen: Spleen | None


def _find_abdomen(scene: Scene, bone: mm.Mask, spine: Spine, lungs: Lungs, tracer: Tracer) -> _Abdomen:
    """Aorta, liver, heart, kidneys and spleen, each with those before it out of its way, and the bladder below."""
    track = find_aorta(scene, lungs, spine)
    tube = aorta_mask(scene, track) if track is not None else np.zeros(scene.ct.shape, bool)
    trunk = cut_trunk(scene, bone, spine, lungs, tube)
    liver = find_liver(trunk, sstr=tracer.is_sstr)
    if liver is not None and is_fluid(trunk, liver):  # tense ascites outweighs the liver
        liver = find_liver(without_fluid(trunk), sstr=tracer.is_sstr)
        liver = None if liver is None or is_fluid(trunk, liver) else liver
    occupied = tube.copy()
    if liver is not None:
        occupied[trunk.box] |= liver.mask
    heart = find_heart(scene, lungs, spine, occupied)
    kidneys, spleen = _kidneys_and_spleen(trunk, liver, heart[trunk.box], tracer.is_sstr)
    if liver is not None:
        liver = _without_kidneys(liver, kidneys, spleen)
    pelvis_top = trunk.box[0].start
    if liver is not None and liver.mask.any():
        pelvis_top += int(np.flatnonzero(liver.mask.any(axis=(1, 2)))[0] + 40 / SPACING_MM)
    renal = tracer.is_sstr or tracer.binds == "glucose" or tracer.binds == "amino_acid_transport"
    bladder = find_bladder(scene, bone, spine, pelvis_top, renal)
    return _Abdomen(track, tube, trunk, heart, bladder, liver, kidneys, spleen)


def _column(scene: Scene, bone: mm.Mask, spine: Spine) -> mm.Mask:
    """The vertebral column: its zone within 30 mm of the midline where it is bone, or dense."""
    column = column_zone(scene, spine) & scene.body & (scene.ct_smooth > -50)
    column &= (np.abs(spine.x - spine.midline) * SPACING_MM < 30)[:, None, None]
    dense: mm.Mask = column & (bone | (scene.ct_smooth > 85))
    return dense


def _organs_of_trunk(scene: Scene, abdomen: _Abdomen) -> dict[str, mm.Mask]:
    """Liver and kidneys in the whole working grid; the liver is there, empty, where none was found."""
    liver = np.zeros(scene.ct.shape, bool)
    if abdomen.liver is not None:
        liver = _into_scene(scene, abdomen.trunk, abdomen.liver.mask)
    kidneys = abdomen.kidneys.items()
    return {"liver": liver} | {f"kidney_{s}": _into_scene(scene, abdomen.trunk, k.mask) for s, k in kidneys}


def _verdicts(scene: Scene, lungs: Lungs, abdomen: _Abdomen, tracer: Tracer) -> dict[str, OrganVerdict]:
    """What may be measured in liver, spleen and aorta."""
    trunk, liver, spleen = abdomen.trunk, abdomen.liver, abdomen.spleen
    return {
        "liver": judge_liver(trunk, liver, spleen, tracer),
        "spleen": judge_spleen(trunk, liver, spleen, abdomen.kidneys, tracer),
        "aorta": judge_aorta(scene, lungs, abdomen.track),
    }


def _records(
    scene: Scene,
    labels: npt.NDArray[np.uint8],
    names: Sequence[str],
    verdicts: Mapping[str, OrganVerdict],
    doubts_of_heart: Sequence[str],
    source: str,
) -> tuple[OrganRecord, ...]:
    """A record for every organ with voxels, and for every one that was judged, found or not."""
    records: list[OrganRecord] = []
    for name in names:
        verdict = verdicts.get(name)
        status, reasons = (verdict.status, verdict.reasons) if verdict else ("ok", ())
        if name == "heart" and doubts_of_heart:
            status, reasons = "caution", tuple(doubts_of_heart)
        record = _record(name, labels == LABELS[name], scene, source, status, reasons)
        if record is not None:
            records.append(record)
    for name, verdict in verdicts.items():
        if not any(r.name == name for r in records):
            status = verdict.status if verdict.status in ("absent", "outside_field", "caution") else "caution"
            reasons = verdict.reasons or ("not found",)
            records.append(OrganRecord(name=name, label=LABELS[name], source=source, status=status, reasons=reasons))
    return tuple(sorted(records, key=lambda r: r.label))


def _column_line(scene: Scene, spine: Spine) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The column's centre (LPS mm) and the midline's x, from the head down."""
    order = np.arange(scene.ct.shape[0])[::-1]
    line = scene.grid.to_lps(np.stack([order, spine.y[order], spine.x[order]], axis=1))
    return line, scene.grid.origin_mm[0] + spine.midline[order] * SPACING_MM


def _vessel(scene: Scene, track: AortaTrack | None) -> VesselTrack | None:
    """The aorta's course in LPS mm, from the head down."""
    if track is None:
        return None
    points = scene.grid.to_lps(np.stack([track.z, track.y, track.x], axis=1))[::-1]
    return VesselTrack(points, track.radius_mm[::-1].copy())


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


__all__ = ["find_embedded", "labels_to_grid"]
