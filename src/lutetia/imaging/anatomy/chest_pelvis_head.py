"""Heart, urinary bladder and brain: organs that need no more than their surroundings."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.lungs import Lungs
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene
from lutetia.imaging.anatomy.skeleton import Spine


def find_heart(scene: Scene, lungs: Lungs, spine: Spine, taken: mm.Mask) -> mm.Mask:
    """Thick soft tissue between the lungs, above the surface of the diaphragm and before the vertebral column."""
    heart = np.zeros(scene.ct.shape, bool)
    if lungs.apex is None or not lungs.left.any() or not lungs.right.any():
        return heart
    domes = [d for d in (lungs.dome_left, lungs.dome_right) if d is not None]
    low = int(max(0, min(domes) - 30 / SPACING_MM)) if domes else 0
    high = int(min(lungs.apex - 50 / SPACING_MM, max(domes) + 130 / SPACING_MM if domes else lungs.apex))
    if high - low < 8:
        return heart
    both = lungs.both
    columns = np.flatnonzero(both[low:high].any(axis=(0, 1)))
    rows = np.flatnonzero(both[low:high].any(axis=(0, 2)))
    if not len(columns) or not len(rows):
        return heart
    box = (slice(low, high), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    part = scene.ct_smooth[box]
    tissue = (part > -30) & (part < 400) & ~taken[box]
    z = np.arange(low, high)
    surface = lungs.base[box[1], box[2]]
    with np.errstate(invalid="ignore"):
        tissue &= ~((z[:, None, None] < surface[None] - 1) & np.isfinite(surface)[None])
    front = spine.front[low:high] - box[1].start
    tissue &= np.arange(tissue.shape[1])[None, :, None] < (front[:, None, None] - 3)
    depth = mm.depth_inside(np.ascontiguousarray(tissue), SPACING, open_edges=True)
    core = mm.largest(depth > 14.0)
    if core.sum() * VOXEL_ML < 15:
        return heart
    heart[box] = mm.dilate(core, 15.0, SPACING) & tissue
    return heart


def find_bladder(scene: Scene, bone: mm.Mask, spine: Spine, below: int, excreted: bool) -> mm.Mask:
    """Water in the middle of the bony pelvis; hot where the tracer is excreted by the kidneys.

    Parameters
    ----------
    scene, bone, spine : as found before
    below : slice index under which the pelvis is sought
    excreted : whether the tracer reaches the bladder (then uptake helps)
    """
    empty = np.zeros(scene.ct.shape, bool)
    below = int(np.clip(below, 0, scene.ct.shape[0]))
    if below < 10:
        return empty
    columns = np.arange(scene.ct.shape[2])
    off = np.abs(columns[None, :] - spine.midline[:below, None]) * SPACING_MM
    bony = bone[:below].sum(axis=1)
    sign = columns[None, :] > spine.midline[:below, None]
    flank = (off > 50) & (off < 170)
    girdle = ((bony * (flank & sign)).sum(axis=1) * SPACING_MM**2 > 400) & (
        (bony * (flank & ~sign)).sum(axis=1) * SPACING_MM**2 > 400
    )
    girdle = ndi.binary_closing(girdle, iterations=5)
    if girdle.sum() * SPACING_MM < 40:
        return empty
    room = girdle[:, None, None] & (off < 75)[:, None, :] & scene.body[:below] & ~bone[:below]
    ct = scene.ct_smooth[:below]
    room = room & (ct > -25)
    if scene.pet_smooth is not None and excreted:
        pet = scene.pet_smooth[:below]
        inside = pet[room]
        if not len(inside):
            return empty
        top = float(np.percentile(inside, 99.9))
        background = float(np.median(inside))
        if top < 3 * background:
            return _water(ct, room, scene.ct.shape)
        hot = room & (pet > max(0.35 * top, 2.0 * background)) & (ct < 250)
        pieces = mm.components(hot, int(10 / VOXEL_ML))
        if not pieces:
            return _water(ct, room, scene.ct.shape)
        best, piece, _ = pieces[0]
        result = empty.copy()
        result[best] = piece
        if result.sum() * VOXEL_ML > 1500:
            return empty
        return result
    return _water(ct, room, scene.ct.shape)


def _water(ct: mm.Floats, room: mm.Mask, shape: tuple[int, ...]) -> mm.Mask:
    """Thick tissue of the density of water (-15 to 32 HU), the largest piece."""
    result = np.zeros(shape, bool)
    water = room & (ct > -15) & (ct < 32)
    depth = mm.depth_inside(np.ascontiguousarray(water), SPACING)
    for erosion in (9.0, 6.0):
        core = mm.largest(depth > erosion)
        if core.sum() * VOXEL_ML > 2:
            result[: ct.shape[0]] = mm.dilate(core, erosion, SPACING) & water
            break
    return result


def find_brain(scene: Scene, bone: mm.Mask, lungs: Lungs) -> mm.Mask:
    """Soft tissue that bone encloses in every slice of the skull."""
    brain = np.zeros(scene.ct.shape, bool)
    start = 0 if lungs.apex is None else int(lungs.apex + 90 / SPACING_MM)
    if lungs.apex is None or scene.ct.shape[0] - start < 10:
        return brain
    hard = (scene.ct_smooth[start:] > 130) & scene.body[start:]
    closed = ndi.binary_closing(hard, ndi.generate_binary_structure(2, 2)[None], iterations=2)
    for k in range(hard.shape[0]):
        filled = ndi.binary_fill_holes(closed[k]) & ~closed[k] & (scene.ct_smooth[start + k] > -20)
        brain[start + k] = filled
    depth = mm.depth_inside(np.ascontiguousarray(brain[start:]), SPACING, open_edges=True)
    core = mm.largest(depth > 9)
    if core.sum() * VOXEL_ML < 100:
        return np.zeros_like(brain)
    brain[start:] &= mm.dilate(core, 11.0, SPACING)
    return brain
