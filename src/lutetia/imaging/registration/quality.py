"""How good an alignment is: overlap of body, bones and organs, and the residual at the lung–liver dome."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.registration.alignment import Alignment, AlignmentQuality, Array, Kind
from lutetia.model import Volume


def dice(a: Array, b: Array) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else float("nan")


def dome_residual(fixed: Array, moved: Array, spacing_mm: float) -> float | None:
    """Median absolute difference in height of the lung–abdomen surface, mm; None where no lung is seen."""
    heights = []
    for image in (fixed, moved):
        lung = (image < -380) & ndi.binary_fill_holes(image > -480)
        column = lung.argmax(axis=0).astype(float)
        column[~lung.any(axis=0) | (column == 0)] = np.nan
        heights.append(column)
    difference = np.abs(heights[0] - heights[1])
    difference = difference[np.isfinite(difference)]
    return float(np.median(difference) * spacing_mm) if difference.size > 60 else None


def judge(fixed: Array, moved: Array, kind: Kind, spacing_mm: float, jacobian: float | None) -> AlignmentQuality:
    reasons = []
    body_level = -450 if kind == "CT" else 0.4
    body = dice(fixed > body_level, moved > body_level)
    both = (fixed > body_level) & (moved > body_level)
    similarity = float(np.corrcoef(fixed[both], moved[both])[0, 1]) if both.sum() > 1000 else float("nan")
    bone = dome = None
    if kind == "CT":
        bone = dice(fixed > 180, moved > 180)
        dome = dome_residual(fixed, moved, spacing_mm)
        poor = bone < 0.35 or body < 0.75
        caution = bone < 0.55 or (dome is not None and dome > 12.0)
        if bone < 0.55:
            reasons.append(f"bones overlap with a Dice of {bone:.2f} only")
        if dome is not None and dome > 12.0:
            reasons.append(f"the liver dome differs by {dome:.0f} mm")
    else:
        poor = not similarity > 0.5
        caution = True
        reasons.append("aligned by uptake alone: no CT")
        if poor:
            reasons.append(f"the images correlate with {similarity:.2f} only")
    if body < 0.75 and kind == "CT":
        reasons.append(f"the bodies overlap with a Dice of {body:.2f} only")
    return AlignmentQuality(
        status="poor" if poor else "caution" if caution else "ok",
        body_dice=body,
        bone_dice=bone,
        similarity=similarity,
        dome_residual_mm=dome,
        smallest_jacobian=jacobian,
        reasons=tuple(reasons),
    )


def organ_overlap(alignment: Alignment, fixed: Volume, moving: Volume, names: dict[str, int]) -> dict[str, float]:
    """Dice per organ after alignment, on the fixed label grid thinned to about 4 mm.

    Parameters
    ----------
    fixed, moving : label maps of the two studies
    names : organ name → label; organs empty in either map are left out
    """
    step = [max(1, round(4.0 / s)) for s in fixed.grid.spacing_mm]
    index = np.stack(
        np.meshgrid(*[np.arange(0, n, f) for n, f in zip(fixed.grid.shape, step, strict=True)], indexing="ij"), -1
    )
    labels = fixed.array[tuple(slice(None, None, f) for f in step)]
    points = alignment.to_moving(fixed.grid.to_lps(index))
    there = np.rint(moving.grid.to_index(points)).astype(int)
    inside = np.all((there >= 0) & (there < np.array(moving.grid.shape)), axis=-1)
    other = np.zeros(labels.shape, moving.array.dtype)
    other[inside] = moving.array[tuple(there[inside].T)]
    out = {}
    for name, label in names.items():
        a, b = (labels == label) & inside, other == label
        if a.sum() > 30 and b.sum() > 30:
            out[name] = round(dice(a, b), 3)
    return out
