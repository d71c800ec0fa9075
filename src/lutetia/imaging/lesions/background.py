"""The local background a focus is judged against."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.working import Working

Array = npt.NDArray[Any]


def usual_levels(work: Working) -> dict[int, float]:
    """What uptake is usual in an organ of uneven uptake: the upper quartile of the bones (red marrow), by label."""
    bones = (LABELS["skeleton"], LABELS["spine"])
    inside = (work.labels == bones[0]) | (work.labels == bones[1])
    if inside.sum() < 500:
        return {}
    level = float(np.quantile(work.smooth[inside], 0.75))
    return dict.fromkeys(bones, level)


def local_background(work: Working, core: Array, usual: dict[int, float], share: float = 0.5) -> float:
    """Median (or another quantile) of the body 5–15 mm around a core; in bone, heart and aorta not less than these.

    Noise in marrow or heart is judged against marrow and heart, not against the muscle around them.
    """
    from scipy.ndimage import distance_transform_edt

    spacing = np.asarray(work.grid.spacing_mm)
    reach = np.ceil(15.0 / spacing).astype(int)
    low = np.maximum(core.min(0) - reach, 0)
    high = np.minimum(core.max(0) + reach + 1, work.smooth.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    outside = np.ones(tuple(high - low), bool)
    outside[tuple((core - low).T)] = False
    away = distance_transform_edt(outside, sampling=spacing)
    labels = work.labels[box]
    ring = (away > 5.0) & (away <= 15.0) & (labels > 0)
    image = work.smooth[box]
    if ring.sum() < 10:
        return float(np.median(image[outside])) if outside.any() else 0.0
    background = float(np.quantile(image[ring], share))
    counts = np.bincount(work.labels[tuple(core.T)], minlength=32)
    own = int(counts.argmax())
    for label, level in usual.items():
        if counts[label] >= 0.25 * len(core):
            background = max(background, level)
    blood = (LABELS["heart"], LABELS["aorta"])
    if own in blood:
        same = ring & np.isin(labels, blood)
        if same.sum() >= 10:
            background = max(background, float(np.median(image[same])))
    return background
