"""What the trunk looks like before any organ is known: the search space shared by liver, kidneys and spleen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.lungs import Lungs
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, Scene
from lutetia.imaging.anatomy.skeleton import Spine, column_zone, inside_cage

Side = str

#: ribs are at most 12 mm thick, 15 mm when blurred
THICKER_THAN_RIBS_MM = 16.0
#: kidneys lie nearer to the vertebral column than this, arms further away
BESIDE_COLUMN_MM = 110.0
#: cortical bone, smoothed by 2.4 mm, lies above this (320 to 900 HU measured); enhanced kidneys below (180 to 250)
CORTEX_HU, CORTEX_WITHIN_MM = 300.0, 12.0


@dataclass(frozen=True, eq=False)
class Trunk:
    """The upper abdomen, cut out of the scene.

    All arrays share the crop `box` of the scene. Coordinates in mm are signed from the vertebral column.

    Attributes
    ----------
    box : crop of the scene: slices from 40 mm above the dome to 260 mm below it
    ct, ct_smooth, pet, pet_smooth : the scene's arrays in the crop
    soft : soft tissue (-20 to 300 HU) of the trunk: no bone, column or aorta; inside the rib cage where ribs are
    lateral_mm : mm to the left (positive) of the vertebral column
    forward_mm : mm before (positive) the front of the vertebral bodies
    below_dome_mm : (z,) mm below the top of the diaphragm; NaN when no dome is known
    lung_distance_mm : mm to the nearest lung
    lung_left, lung_right : the lungs in the crop
    above_diaphragm : whether a voxel lies above the surface of the diaphragm (columns of heart and mediastinum)
    cage_mm : mm inside the inner face of the ribs; 999 where no rib is near
    measured : where both CT and (if there is one) PET were measured
    bone : bone
    """

    box: mm.Box
    ct: mm.Floats
    ct_smooth: mm.Floats
    pet: mm.Floats | None
    pet_smooth: mm.Floats | None
    soft: mm.Mask
    lateral_mm: mm.Floats
    forward_mm: mm.Floats
    below_dome_mm: npt.NDArray[np.float64]
    lung_distance_mm: mm.Floats
    lung_left: mm.Mask
    lung_right: mm.Mask
    above_diaphragm: mm.Mask
    cage_mm: mm.Floats
    body_depth_mm: mm.Floats
    measured: mm.Mask
    bone: mm.Mask

    def cropped(self, box: mm.Box) -> Trunk:
        """The same trunk cut to an index box of its arrays."""

        def cut(array: npt.NDArray[Any] | None) -> Any:
            return None if array is None else np.ascontiguousarray(array[box])

        whole = tuple(slice(o.start + b.start, o.start + b.stop) for o, b in zip(self.box, box, strict=True))
        return Trunk(
            (whole[0], whole[1], whole[2]),
            cut(self.ct),
            cut(self.ct_smooth),
            cut(self.pet),
            cut(self.pet_smooth),
            cut(self.soft),
            cut(self.lateral_mm),
            cut(self.forward_mm),
            self.below_dome_mm[box[0]],
            cut(self.lung_distance_mm),
            cut(self.lung_left),
            cut(self.lung_right),
            cut(self.above_diaphragm),
            cut(self.cage_mm),
            cut(self.body_depth_mm),
            cut(self.measured),
            cut(self.bone),
        )

    def side(self, side: Side) -> mm.Mask:
        """Voxels on one side of the vertebral column."""
        return self.lateral_mm > 0 if side == "left" else self.lateral_mm < 0

    def lung(self, side: Side) -> mm.Mask:
        """The lung of one side."""
        return self.lung_left if side == "left" else self.lung_right

    def covered_by_lung(self, mask: mm.Mask, side: Side) -> float:
        """Share of the mask's columns that have lung of that side somewhere above."""
        columns = mask.any(axis=0)
        total = int(columns.sum())
        return float((columns & self.lung(side).any(axis=0)).sum() / total) if total else 0.0

    def lung_contact(self, mask: mm.Mask) -> float:
        """Share of the mask's outer shell that lies within 12 mm of lung."""
        shell = mask & ~mm.erode(mask, SPACING_MM, SPACING)
        return float((self.lung_distance_mm[shell] < 12).mean()) if shell.any() else 0.0


def back_muscle(trunk: Trunk) -> mm.Mask:
    """The muscles of the back, beside the spinous processes: a yardstick of density and uptake in any patient.

    Behind the vertebral canal, which lies nearer to the front of the vertebra where the whole back is thin.
    """
    beside = (np.abs(trunk.lateral_mm) > 12) & (np.abs(trunk.lateral_mm) < 60) & (trunk.body_depth_mm > 3)
    if not beside.any():
        return beside
    skin = float(np.quantile(trunk.forward_mm[beside], 0.01))
    behind = (trunk.forward_mm < max(-62.0, 0.65 * skin)) & (trunk.forward_mm > -95)
    muscle: mm.Mask = beside & behind & (trunk.ct_smooth > 0) & (trunk.ct_smooth < 110)
    return muscle


def muscle_uptake(trunk: Trunk) -> float:
    """Median SUV of the muscles of the back; NaN without PET or where too few are imaged."""
    if trunk.pet_smooth is None:
        return float("nan")
    muscle = back_muscle(trunk) & trunk.measured
    return float(np.median(trunk.pet_smooth[muscle])) if muscle.sum() > 300 else float("nan")


def _thick(bone: mm.Mask, ct: mm.Floats, lateral: npt.NDArray[np.floating]) -> mm.Mask:
    """What is as dense as bone and no wall of the chest: kidneys and bowel full of contrast.

    Thicker than a rib, beside the column (arms that hang down are thick as well), and without a cortex, which every
    part of a bone as thick has within 12 mm (the pelvis).
    """
    core = mm.erode(bone, THICKER_THAN_RIBS_MM / 2, SPACING) & (np.abs(lateral) < BESIDE_COLUMN_MM)
    around = 2 * round(CORTEX_WITHIN_MM / SPACING_MM) + 1
    core &= ndi.maximum_filter(np.where(bone, ct, np.float32(-1000)), size=around) < CORTEX_HU
    return mm.dilate(core, THICKER_THAN_RIBS_MM, SPACING)


def cut_trunk(scene: Scene, bone: mm.Mask, spine: Spine, lungs: Lungs, aorta: mm.Mask) -> Trunk:
    """Cut the upper abdomen out of the scene.

    Without lungs in the field the crop begins at the top slice measured.
    """
    measured = np.flatnonzero(scene.ct_field.any(axis=(1, 2)))
    domes = [d for d in (lungs.dome_left, lungs.dome_right) if d is not None]
    dome = max(domes) if domes else float("nan")
    top = int(min(measured[-1] + 1, dome + 45 / SPACING_MM)) if domes else int(measured[-1] + 1)
    bottom = int(max(measured[0], top - 300 / SPACING_MM))
    body_box = mm.bounding_box(scene.body[bottom:top], 1)
    assert body_box is not None
    box: mm.Box = (slice(bottom, top), body_box[1], body_box[2])
    sub = slice(bottom, top)
    local_spine = Spine(
        spine.x[sub] - box[2].start,
        spine.y[sub] - box[1].start,
        spine.front[sub] - box[1].start,
        spine.midline[sub] - box[2].start,
    )

    def cut(array: npt.NDArray[Any]) -> Any:
        return np.ascontiguousarray(array[box])

    local = Scene(
        scene.grid,
        cut(scene.ct),
        cut(scene.ct_smooth),
        cut(scene.ct_field),
        None if scene.pet is None else cut(scene.pet),
        None if scene.pet_smooth is None else cut(scene.pet_smooth),
        None if scene.pet_field is None else cut(scene.pet_field),
        cut(scene.body),
    )
    local_bone = cut(bone)
    _depth, rows, columns = local.ct.shape
    lateral = (np.arange(columns)[None, None, :] - local_spine.x[:, None, None]) * SPACING_MM
    cage, _ = inside_cage(local, local_bone & ~_thick(local_bone, local.ct_smooth, lateral), local_spine)
    forward = (local_spine.front[:, None, None] - np.arange(rows)[None, :, None]) * SPACING_MM
    left, right = cut(lungs.left), cut(lungs.right)
    z = np.arange(bottom, top)
    surface = lungs.base[box[1], box[2]]
    with np.errstate(invalid="ignore"):
        # under lung that ends on the diaphragm everything is abdomen; elsewhere the surface decides
        beside = np.isfinite(surface) & ~lungs.on_diaphragm[box[1], box[2]]
        above = (z[:, None, None] > surface[None]) & beside[None]
    body_depth = mm.depth_inside(local.body, SPACING, open_edges=True)
    # with PET, uptake tells organ from muscle, and the cage may be taken less strictly
    tolerance = 2.0 if local.pet is None else -3.0
    inside = np.where(cage > 900, body_depth > 12, cage > tolerance)
    soft = (local.ct_smooth > -20) & (local.ct_smooth < 300) & inside & local.body
    # contrast-filled organs pass the bone threshold: only bone that touches the cage, the column or is dense stays out
    dense = local_bone & (local.ct_smooth > 230)
    soft &= ~dense & ~column_zone(local, local_spine) & ~cut(aorta)
    # the muscles of the back: beside the spinous processes, behind the vertebral canal
    reach = 80 if local.pet is None else 50
    back = (np.abs(lateral) < reach) & (((forward < -58) & (cage > 900)) | (forward < -85))
    soft &= ~back
    known = local.ct_field if local.pet_field is None else local.ct_field & local.pet_field
    return Trunk(
        box,
        local.ct,
        local.ct_smooth,
        local.pet,
        local.pet_smooth,
        soft,
        np.broadcast_to(lateral, soft.shape).astype(np.float32),
        np.broadcast_to(forward, soft.shape).astype(np.float32),
        (dome - z.astype(np.float64)) * SPACING_MM,
        mm.distance_to(np.ascontiguousarray(left | right), SPACING),
        left,
        right,
        above,
        cage,
        body_depth,
        known,
        local_bone,
    )
