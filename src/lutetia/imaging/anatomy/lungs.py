"""Lungs, left from right, and the surface of the diaphragm under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene
from lutetia.imaging.anatomy.skeleton import Spine


@dataclass(frozen=True, eq=False)
class Lungs:
    """Both lungs and what they tell about height.

    Attributes
    ----------
    left, right : masks
    base : (y, x) slice index of the diaphragm under each column, float; NaN where no lung is near
    on_diaphragm : (y, x) whether the lung of that column ends on the diaphragm (not on heart or mediastinum)
    apex : highest slice index with 6 cm² of lung on one side (higher up only the windpipe is left); None without lungs
    dome_left, dome_right : slice index of the top of each half of the diaphragm; None without that lung
    cut_above : the top of the CT field cuts the lungs
    """

    left: mm.Mask
    right: mm.Mask
    base: mm.Floats
    on_diaphragm: mm.Mask
    apex: float | None
    dome_left: float | None
    dome_right: float | None
    cut_above: bool

    @property
    def both(self) -> mm.Mask:
        """Left and right lung together."""
        return self.left | self.right


def find_lungs(scene: Scene, spine: Spine) -> Lungs:
    """Lungs: below -400 HU inside the body, large pieces whose core is denser than empty gas.

    Bowel gas is emptier than lung, whose vessels keep its core above -945 HU even in emphysema.
    Left and right are told apart by the vertebral column, not by the middle of the image.
    """
    air = (scene.ct < -400) & scene.body & scene.ct_field
    lung = np.zeros_like(air)
    under_edge = _under_upper_edge(scene.ct_field)
    for box, piece, size in mm.components(air, int(15 / VOXEL_ML)):
        touches_top = bool((piece & under_edge[box]).any())
        if size * VOXEL_ML < (15 if touches_top else 60):
            continue
        core = mm.shrunk(piece, outside=True)
        values = scene.ct[box][core if core.sum() > 30 else piece]
        if np.median(values) > -945 and np.median(values) < -450:
            lung[box] |= piece & (scene.ct[box] > -975)
    lung = mm.shrunk(mm.grown(lung)) & scene.body
    columns = np.arange(scene.ct.shape[2])
    is_left = columns[None, :] > spine.x[:, None]
    left, right = lung & is_left[:, None, :], lung & ~is_left[:, None, :]
    empty = np.full(lung.shape[1:], np.nan, np.float32)
    if not lung.any():
        return Lungs(left, right, empty, np.zeros(empty.shape, bool), None, None, None, False)
    cut_area = (lung & under_edge).any(axis=0).sum() * SPACING_MM**2
    area = np.maximum(left.sum(axis=(1, 2)), right.sum(axis=(1, 2))) * SPACING_MM**2
    heights = np.flatnonzero(area > 600.0)
    if not len(heights):
        return Lungs(left, right, empty, np.zeros(empty.shape, bool), None, None, None, False)
    base, on_diaphragm = _diaphragm(lung, spine)
    return Lungs(
        left,
        right,
        base,
        on_diaphragm,
        float(heights[-1]),
        _dome(left),
        _dome(right),
        bool(cut_area > 2000.0),
    )


def _under_upper_edge(field: mm.Mask) -> mm.Mask:
    """The uppermost measured 12 mm of every column; on an oblique table they are not the grid's uppermost slices.

    12 mm since the body's mask ends a little below a slanting edge.
    """
    depth = round(12 / SPACING_MM)
    edge = field.copy()
    edge[:-depth] &= ~field[depth:]
    return edge


def _lowest(lung: mm.Mask) -> mm.Floats:
    """Slice index of the lowest lung voxel per column; NaN where there is none."""
    lowest: mm.Floats = lung.argmax(axis=0).astype(np.float32)
    lowest[~lung.any(axis=0)] = np.nan
    return lowest


def _dome(lung: mm.Mask) -> float | None:
    """Top of one half of the diaphragm: 90th percentile of the lung's base over its outer half (off the heart)."""
    thick = lung.sum(axis=0) * SPACING_MM > 30
    if thick.sum() < 50:
        return None
    lowest = _lowest(lung)
    columns = np.nonzero(thick)[1]
    middle = np.median(columns)
    outer = np.zeros_like(thick)
    if middle > lung.shape[2] / 2:
        outer[:, int(middle) :] = True
    else:
        outer[:, : int(middle) + 1] = True
    return float(np.percentile(lowest[thick & outer], 90))


def _diaphragm(lung: mm.Mask, spine: Spine) -> tuple[mm.Floats, mm.Mask]:
    """Height of the diaphragm per column, by normalised blur (25 mm) of the lung's lowest voxels.

    Columns whose lung ends on the mediastinum (more lung follows below within the same column region, or the lung is
    thin there) are left out, so that lung over the heart does not lift the surface; under the heart it is extrapolated.
    """
    lowest = _lowest(lung)
    thickness = lung.sum(axis=0) * SPACING_MM
    valid = np.isfinite(lowest) & (thickness > 30)
    # a column ends on the diaphragm when soft tissue of at least 45 mm follows without air
    depth = lung.shape[0]
    bottom = np.where(valid, np.nan_to_num(lowest), 0).astype(int)
    rows, columns = np.indices(bottom.shape)
    middle = spine.midline[np.clip(bottom, 0, depth - 1)]
    off = np.abs(columns - middle) * SPACING_MM
    front = spine.front[np.clip(bottom, 0, depth - 1)]
    # heart and great vessels lie within 80 mm of the midline and in front of the vertebral column
    in_front = rows < front - 25 / SPACING_MM
    central = (off < 80) & in_front
    for is_left in (False, True):
        half = (columns > middle) == is_left
        outer = valid & half & ~central
        if outer.sum() < 50:
            continue
        level = np.percentile(lowest[outer], 75)
        valid &= ~(half & in_front & (lowest > level + 20 / SPACING_MM))
    weight = valid.astype(np.float32)
    value = np.where(valid, np.nan_to_num(lowest), 0).astype(np.float32)
    near = ndi.gaussian_filter(weight, 25 / SPACING_MM, truncate=3)
    far = ndi.gaussian_filter(weight, 60 / SPACING_MM, truncate=3)
    smooth = ndi.gaussian_filter(value, 25 / SPACING_MM, truncate=3) / np.maximum(near, 1e-6)
    wide = ndi.gaussian_filter(value, 60 / SPACING_MM, truncate=3) / np.maximum(far, 1e-6)
    surface = np.where(near > 0.03, smooth, np.where(far > 0.005, wide, np.nan))
    return surface.astype(np.float32), valid


__all__ = ["SPACING", "Lungs", "find_lungs"]
