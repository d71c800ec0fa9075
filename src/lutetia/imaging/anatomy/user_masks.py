"""Organs from masks that the user has, whatever program or person made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.aorta_mask import descending_track
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.organ_files import OrganMasks, usable
from lutetia.imaging.anatomy.organ_names import organ_of
from lutetia.imaging.anatomy.pet_scene import set_pet_scene
from lutetia.imaging.anatomy.record import Anatomy, Side
from lutetia.imaging.anatomy.scene import resample
from lutetia.masks.sampling import covered, sampled
from lutetia.model import Grid, InputError, Issue, OrganRecord, Volume

#: painted in this order; a later organ takes a voxel that two masks claim
_ORDER = (
    "body", "lung_left", "lung_right", "skeleton", "spine", "bowel", "stomach", "esophagus", "heart", "brain",
    "pancreas", "liver", "gallbladder", "spleen", "accessory_spleen", "kidney_left", "kidney_right", "ureter",
    "adrenal_gland_left", "adrenal_gland_right", "prostate", "uterus", "urinary_bladder", "thyroid_gland",
    "salivary_glands", "pituitary_gland", "aorta",
)  # fmt: skip
_PAIRS = (("kidney_left", "kidney_right"), ("lung_left", "lung_right"), ("adrenal_gland_left", "adrenal_gland_right"))
_NEEDED = ("liver", "spleen", "aorta")


def masks_by_organ(
    masks: Mapping[str, Volume], grid: Grid, *, source: str, own_ml: Mapping[str, float] | None = None
) -> OrganMasks:
    """Name the masks of a DICOM SEG, an RTSTRUCT or any other set, and bring them onto the PET's grid.

    Parameters
    ----------
    masks : segment label, ROI name or SNOMED CT code → mask (nonzero inside) on any grid
    grid : the PET's grid; the nearest voxel is taken
    source : what they are, for the record
    own_ml : volume of each mask in its own file, where it is larger than what lies on its grid here

    Raises
    ------
    InputError
        ``organs-elsewhere`` (another frame of reference, or nothing in the field), ``organs-none-known``,
        ``organs-empty``.
    """
    found: dict[str, mm.Mask] = {}
    volumes: dict[str, float] = {}
    covered_by = np.zeros(grid.shape, bool)
    unknown: list[str] = []
    for name, volume in masks.items():
        organ = organ_of(name)
        if not organ:
            unknown += [name] if organ is None else []
            continue
        theirs, ours = volume.grid.frame_of_reference_uid, grid.frame_of_reference_uid
        if theirs and ours and theirs != ours:
            raise InputError(
                "organs-elsewhere",
                f'The mask "{name}" lies in another frame of reference than the PET',
                where=source,
                expected=f"frame of reference {ours}",
                remedy="give the masks of this study",
            )
        if volume.grid.same_as(grid):
            mask, inside = np.asarray(volume.array) > 0, np.ones(grid.shape, bool)
        else:
            data, place = np.asarray(volume.array) > 0, volume.grid.affine
            mask, inside = sampled(data, place, grid), covered(data.shape, place, grid)
        covered_by |= inside
        found[organ] = found.get(organ, np.zeros(grid.shape, bool)) | mask
        here = float(np.count_nonzero(volume.array)) * volume.grid.voxel_ml
        volumes[organ] = volumes.get(organ, 0.0) + max(here, (own_ml or {}).get(name, 0.0))
    return usable(OrganMasks(found, grid, source, covered_by, volumes, tuple(unknown)), source)


def _mean_x(mask: mm.Mask, grid: Grid) -> float:
    return float(grid.to_lps(np.argwhere(mask).mean(axis=0))[0])


def _refuse_mirrored(masks: Mapping[str, mm.Mask], grid: Grid, source: str) -> None:
    """Left organs lie left of right ones in every patient, situs inversus included: else the masks are mirrored."""
    for left, right in _PAIRS:
        a, b = masks.get(left), masks.get(right)
        if a is None or b is None or not a.any() or not b.any():
            continue
        if _mean_x(a, grid) < _mean_x(b, grid):
            raise InputError(
                "organs-mirrored",
                f"{left} lies to the right of {right}: the masks are mirrored, or sides are exchanged",
                where=source,
                expected="masks in the orientation of the PET",
                remedy="write the masks again with the affine of the image they were drawn on",
            )


def _spine_line(spine: mm.Mask, grid: Grid) -> npt.NDArray[np.float64] | None:
    """Centre of the vertebral column every 6 mm, from the head downwards."""
    index = np.argwhere(spine)
    if not len(index):
        return None
    points = grid.to_lps(index)
    level = np.round(points[:, 2] / 6.0).astype(int)
    line = [points[level == z].mean(axis=0) for z in np.unique(level)[::-1] if (level == z).sum() > 10]
    return np.asarray(line) if len(line) >= 3 else None


def _diaphragm_mm(masks: Mapping[str, mm.Mask], grid: Grid) -> float | None:
    """LPS z of the dome: 2 cm below the top of the liver, or the lowest tenth of the lungs."""
    liver = masks.get("liver")
    if liver is not None and liver.any():
        return float(np.percentile(grid.to_lps(np.argwhere(liver))[:, 2], 99.5)) - 20.0
    for name in ("lung_left", "lung_right"):
        lung = masks.get(name)
        if lung is not None and lung.any():
            return float(np.percentile(grid.to_lps(np.argwhere(lung))[:, 2], 10))
    return None


def _concerns(
    name: str, organ: mm.Mask, given: OrganMasks, outline: mm.Mask, ends: mm.Mask
) -> tuple[Literal["ok", "caution", "outside_field"], list[str]]:
    """Status of one organ and every reason why its mask may not be trusted."""
    own = given.volumes_ml.get(name, 0.0)
    inside = float(organ.sum()) * given.grid.voxel_ml
    if own > 0 and inside < 0.1 * own:
        return "outside_field", [f"{100 * inside / own:.0f} % of its mask lies in the PET's field"]
    if own <= 0 and not organ.any():
        return "caution", ["its mask is empty: not found by whoever made it"]
    reasons = []
    if own > 0 and inside < 0.9 * own:
        reasons.append(f"only {100 * inside / own:.0f} % of its mask lies in the PET's field")
    if (organ & ends).any() and not given.covered.all():
        reasons.append("its mask reaches the end of the image it was drawn on: it may be cut off")
    stray = float((organ & ~outline).sum()) / max(1, int(organ.sum()))
    if stray > 0.2:
        reasons.append(f"{100 * stray:.0f} % of its mask lies outside the patient as the PET shows him: another scan?")
    return ("caution" if reasons else "ok"), reasons


def _outline(suv: Volume) -> npt.NDArray[np.bool_]:
    """The patient's outline on the PET grid, as uptake shows it."""
    scene = set_pet_scene(suv)
    return resample(scene.body.astype(np.uint8), scene.grid, suv.grid, 0.0, nearest=True).astype(bool)


def anatomy_without_organs(suv: Volume) -> Anatomy:
    """The patient's outline alone, for someone who wants no organs: lesions can be sought in it, not told from organs.

    Parameters
    ----------
    suv : SUV on the PET grid
    """
    body = _outline(suv)
    labels = np.where(body, np.uint8(LABELS["body"]), np.uint8(0))
    text = (
        "Organs were not sought: uptake of liver, spleen, kidneys, bladder and bowel can hardly be told from lesions, "
        "and may stand among the candidates and in their totals"
    )
    issue = Issue(code="organs-not-sought", message=text)
    volume_ml = int(body.sum()) * suv.grid.voxel_ml
    record = OrganRecord(
        name="body", label=LABELS["body"], source="outline of uptake", status="ok", volume_ml=volume_ml
    )
    return Anatomy(labels=Volume(labels, suv.grid, "label"), organs=(record,), source="none", issues=(issue,))


def anatomy_from_masks(suv: Volume, given: OrganMasks) -> Anatomy:
    """Organs of a study from given masks.

    Parameters
    ----------
    suv : SUV on the PET grid; used to see whether the masks lie on the patient
    given : organ masks on the same grid (`load_organ_masks`, `masks_by_organ`)

    Returns
    -------
    Anatomy; `source` says where the masks come from. An organ without a mask is not in `organs`.

    Raises
    ------
    InputError
        ``organs-mirrored``: left and right organs lie on the wrong sides.
    """
    grid = suv.grid
    _refuse_mirrored(given.masks, grid, given.source)
    outline = _outline(suv)
    issues = list(given.issues)
    masks = dict(given.masks)
    if "body" not in masks:
        masks["body"] = outline
    ends = given.covered & ~_shrunk(given.covered)
    labels = np.zeros(grid.shape, np.uint8)
    for name in _ORDER:
        if name in masks:
            labels[masks[name]] = LABELS[name]
    concerns: dict[str, tuple[str, ...]] = {}
    records = []
    for name in _ORDER:
        if name not in masks:
            continue
        status, reasons = _concerns(name, masks[name], given, outline, ends)
        if name in _NEEDED and reasons:
            concerns["blood_pool" if name == "aorta" else name] = tuple(reasons)
        painted = labels == LABELS[name]
        count = int(masks[name].sum())
        centre = grid.to_lps(np.argwhere(masks[name]).mean(axis=0)) if count else None
        records.append(
            OrganRecord(
                name=name,
                label=LABELS[name],
                source=given.source if name in given.masks else "outline of uptake",
                status=status,
                reasons=tuple(reasons),
                volume_ml=int(painted.sum()) * grid.voxel_ml if name != "body" else count * grid.voxel_ml,
                centroid_mm=None if centre is None else (float(centre[0]), float(centre[1]), float(centre[2])),
            )
        )
    missing = [n for n in _NEEDED if n not in given.masks]
    if missing:
        issues.append(
            Issue(
                code="organ-mask-missing",
                message=f"No mask of {', '.join(missing)} was given: no reference can be measured there.",
                where=given.source,
            )
        )
    track = None
    if "aorta" in given.masks:
        track = descending_track(given.masks["aorta"], grid, _diaphragm_mm(given.masks, grid))
        if track is None:
            concerns["blood_pool"] = (*concerns.get("blood_pool", ()), "the mask shows no descending thoracic aorta")
    side: Side | None = None
    liver = given.masks.get("liver")
    if liver is not None and liver.any():
        middle = _mean_x(masks["spine"], grid) if masks.get("spine", outline[:0]).any() else _mean_x(outline, grid)
        side = "left" if _mean_x(liver, grid) > middle else "right"
    line = _spine_line(masks["spine"], grid) if "spine" in masks else None
    return Anatomy(
        labels=Volume(labels, grid, "label"),
        organs=tuple(records),
        source=given.source,
        aorta=track,
        liver_side=side,
        spine_line_mm=line,
        midline_x_mm=None if line is None else line[:, 0],
        concerns=concerns,
        issues=tuple(issues),
    )


def _shrunk(covered: mm.Mask) -> mm.Mask:
    """The covered region without its two outermost slices along the body axis of the array."""
    inner = covered.copy()
    for _ in range(2):
        inner[1:] &= covered[:-1]
        inner[:-1] &= covered[1:]
        covered = inner.copy()
    return inner
