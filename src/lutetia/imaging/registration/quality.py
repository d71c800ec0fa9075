"""How good an alignment is: overlap of body, bones and organs, and the residual at the lung–liver dome."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.registration.alignment import Alignment, AlignmentQuality, Array, Kind
from lutetia.model import Volume


def dice(a: Array, b: Array) -> float:
    """Dice coefficient of two masks; NaN when both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else float("nan")


#: gas of the bowel and of the stomach is less than this; a lung is more
_LUNG_ML = 300.0
#: lung above and solid tissue below a point of the dome, mm
_ABOVE_MM, _BELOW_MM = 40.0, 40.0
#: how far around the fixed organs a moved organ is looked for, mm
_ORGAN_REACH_MM = 50.0


def _lung_base(image: Array, spacing_mm: float) -> Array:
    """Height (slice) of the base of the lungs over each column (y, x); NaN where there is no lung of 40 mm."""
    inside = np.stack([ndi.binary_fill_holes(plane) for plane in image > -450])
    labels, _ = ndi.label(inside & (image < -380))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    lung = (sizes >= _LUNG_ML * 1000.0 / spacing_mm**3)[labels]
    base: Array = lung.argmax(axis=0).astype(float)
    base[(lung.sum(axis=0) < _ABOVE_MM / spacing_mm) | (base == 0)] = np.nan
    return base


def dome_residual(fixed: Array, moved: Array, spacing_mm: float) -> float | None:
    """Median absolute difference in height of the dome of the liver under the lung, mm; None where it is not seen.

    Parameters
    ----------
    fixed, moved : working CTs (z, y, x) on one grid, the moving one carried by the transform that is used
    """
    bases = _lung_base(fixed, spacing_mm), _lung_base(moved, spacing_mm)
    deep = int(_BELOW_MM / spacing_mm)
    rows, columns = np.nonzero(np.isfinite(bases[0]) & np.isfinite(bases[1]) & (bases[0] > deep))
    if not len(rows):
        return None
    heights = bases[0][rows, columns].astype(int)
    below = np.stack([fixed[heights - n, rows, columns] for n in range(2, deep + 1)])
    solid = (below > -30).all(axis=0) & (below < 250).all(axis=0)  # liver or spleen: no fat, gas or bone beneath
    if solid.sum() < 40:
        return None
    difference = np.abs(bases[0][rows, columns] - bases[1][rows, columns])[solid]
    return float(np.median(difference) * spacing_mm)


def uptake_agreement(alignment: Alignment, fixed: Volume, moving: Volume) -> float:
    """Normalised mutual information of two uptake images after alignment, 0 (unrelated) to 1.

    Parameters
    ----------
    fixed, moving : working images of PET or SPECT, of any two tracers; counted where the fixed one shows a body
    """
    index = np.argwhere(fixed.array > 0.4)
    if not len(index):
        return float("nan")
    there = moving.grid.to_index(alignment.to_moving(fixed.grid.to_lps(index))).T
    a = fixed.array[tuple(index.T)]
    b = ndi.map_coordinates(moving.array, there, order=1, mode="constant", cval=-1.0)
    joint, _, _ = np.histogram2d(a[b >= 0], b[b >= 0], bins=48)
    if not joint.sum():
        return float("nan")
    p = joint / joint.sum()

    def entropy(q: Array) -> float:
        return -float((q[q > 0] * np.log(q[q > 0])).sum())

    of_a, of_b = entropy(p.sum(axis=1)), entropy(p.sum(axis=0))
    return 2.0 * (of_a + of_b - entropy(p)) / (of_a + of_b) if of_a + of_b > 0 else float("nan")


def judge(fixed: Array, moved: Array, kind: Kind, spacing_mm: float, jacobian: float | None) -> AlignmentQuality:
    """Quality from the working images, the moving one carried by the transform that is used; see `AlignmentQuality`."""
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
    thin = fixed.array[tuple(slice(None, None, f) for f in step)]
    hits = [np.flatnonzero(np.isin(thin, list(names.values())).any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not all(len(hit) for hit in hits):
        return {}
    # a moved organ may lie beside the fixed one: look around it, not through the whole image
    reach = [int(np.ceil(_ORGAN_REACH_MM / (s * f))) for s, f in zip(fixed.grid.spacing_mm, step, strict=True)]
    spans = [
        (max(0, int(hit[0]) - r), min(n, int(hit[-1]) + r + 1))
        for hit, r, n in zip(hits, reach, thin.shape, strict=True)
    ]
    axes = [np.arange(low, high) * f for (low, high), f in zip(spans, step, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    labels = thin[tuple(slice(low, high) for low, high in spans)]
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
