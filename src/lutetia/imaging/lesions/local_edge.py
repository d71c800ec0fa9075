"""The edge of large liver disease: where it ends by what lies next to its edge, not by its hottest part.

One threshold from the hottest part of a mass cuts off its fainter parts: with uneven uptake a fifth of the volume. The
convention stays the same, liver + 45 % of (maximum − liver), with the maximum of the mass within 8 mm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working

Array = npt.NDArray[Any]

#: smaller lesions have one level, mL
LARGE_ML = 20.0
#: how far the part of the mass may lie whose maximum decides: beyond the blur of the image, within one nodule, mm
NEAR_MM = 8.0
#: rounds of growth; each goes at most `NEAR_MM` further
ROUNDS = 3
#: smoothing of the image that is compared, mm, and the noise over liver that no edge goes below, in its SD
SMOOTH_MM, OVER_NOISE = 2.0, 2.0


def reach_edges(
    entries: list[Found], drawn: list[Found], suv: Array, work: Working, levels: Levels, settings: LesionSettings
) -> list[Found]:
    """Let every large lesion of the liver reach its edge; nothing is taken from another outline, nor from elsewhere.

    Parameters
    ----------
    entries : candidates of the liver, joined
    drawn : everything that has an outline
    suv : SUV on the PET grid
    """
    if settings.scheme != "lutetia" or levels.liver is None:
        return entries
    voxel_ml = float(work.grid.voxel_ml / np.prod(work.factor))
    outlines = [(entry, entry.outline) for entry in entries if entry.outline is not None]
    if not any(len(outline.voxels) * voxel_ml >= LARGE_ML for _, outline in outlines):
        return entries
    taken = np.zeros(suv.shape, bool)
    for other in (*entries, *drawn):
        if other.outline is not None:
            taken[tuple(other.outline.voxels.T)] = True
    out = []
    for entry in entries:
        outline = entry.outline
        if outline is None or len(outline.voxels) * voxel_ml < LARGE_ML:
            out.append(entry)
            continue
        voxels = _reach(outline.voxels, taken, suv, work, levels, settings.outline_fraction_liver)
        if len(voxels) > len(outline.voxels):
            taken[tuple(voxels.T)] = True
            method = f"{outline.method}; edge by the maximum within {NEAR_MM:g} mm"
            entry = replace(entry, outline=replace(outline, voxels=voxels, method=method))
        out.append(entry)
    return out


def _reach(voxels: Array, taken: Array, suv: Array, work: Working, levels: Levels, share: float) -> Array:
    """The voxels (n, 3) of an outline and those it grows by."""
    assert levels.liver is not None
    factor, spacing = np.asarray(work.factor), np.asarray(work.grid.spacing_mm)
    margin = np.ceil((ROUNDS + 1) * NEAR_MM / spacing).astype(int)
    low = np.maximum(voxels.min(0) // factor - margin, 0)
    high = np.minimum(voxels.max(0) // factor + margin + 1, work.smooth.shape)
    coarse = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    start, stop = low * factor, np.minimum(high * factor, suv.shape)
    fine = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    shape = suv[fine].shape

    def up(array: Array) -> Array:
        """From the working grid to the PET grid of the box."""
        for axis, times in enumerate(work.factor):
            if times > 1:
                array = np.repeat(array, times, axis)
        return array[tuple(slice(0, n) for n in shape)]

    mask = np.zeros(shape, bool)
    mask[tuple((voxels - start).T)] = True
    calm = ndi.gaussian_filter(suv[fine], SMOOTH_MM / (spacing / factor), truncate=3.0)
    free = (up(work.labels[coarse] == LABELS["liver"]) & ~taken[fine]) | mask
    floor = levels.liver + OVER_NOISE * float(levels.noise_at(levels.liver))
    reach = np.ceil(NEAR_MM / spacing).astype(int)
    steps = np.meshgrid(*[np.arange(-r, r + 1) * s for r, s in zip(reach, spacing, strict=True)], indexing="ij")
    ball = sum(s**2 for s in steps) <= NEAR_MM**2
    for _ in range(ROUNDS):
        held = np.zeros(work.smooth[coarse].shape, bool)
        held[tuple((np.argwhere(mask) // factor).T)] = True
        local = ndi.maximum_filter(np.where(held, work.smooth[coarse], -np.inf), footprint=ball)
        level = np.where(np.isfinite(local), levels.liver + share * (local - levels.liver), np.inf)
        grown = mask | (free & (calm >= np.maximum(up(level), floor)))
        parts, _count = ndi.label(grown)
        own = np.unique(parts[mask])
        grown = np.isin(parts, own[own > 0])
        if int(grown.sum()) == int(mask.sum()):
            break
        mask = grown
    found: Array = np.argwhere(mask) + start
    return found
