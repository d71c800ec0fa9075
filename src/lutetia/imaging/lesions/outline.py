"""Where a lesion ends: a named threshold, inside the lesion's own basin, on the PET grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.working import Working

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Outline:
    """A lesion's voxels on the PET grid.

    Attributes
    ----------
    voxels : (n, 3) indices (z, y, x)
    threshold : SUV at which it ends
    method : the formula with its numbers
    maximum : the SUV the threshold was taken from
    filled : share of the voxels that lie below the threshold in a hole of the lesion (photopenic centre)
    """

    voxels: Array
    threshold: float
    method: str
    maximum: float
    filled: float = 0.0


def owner_map(work: Working, foci: list[Focus]) -> Array:
    """Number of the focus (position in the list) each working voxel belongs to, −1 for none."""
    owner = np.full(work.smooth.shape, -1, np.int16)
    for n, focus in enumerate(foci):
        owner[tuple(focus.voxels.T)] = n
    return owner


def reference_maximum(suv: Array, focus: Focus, work: Working) -> float:
    """The maximum an outline is taken from.

    In a small focus the mean of the hottest 0.15 mL; in a large one the plateau (upper quartile of the core); between
    1 and 10 mL a mixture. A single hottest voxel lies above the lesion by noise, the more the larger the lesion, and
    an outline must not shrink with noise. SUVmax itself is reported unchanged.
    """
    index = work.to_pet(focus.core)
    half = [f // 2 for f in work.factor]
    low = index.min(0) - half
    high = index.max(0) + half + 1
    box = tuple(slice(max(0, int(a)), int(b)) for a, b in zip(low, high, strict=True))
    inside = np.zeros(suv[box].shape, bool)
    base = np.array([s.start for s in box])
    spread = np.array(np.meshgrid(*[np.arange(f) for f in work.factor], indexing="ij")).reshape(3, -1).T
    every = (focus.core * np.asarray(work.factor))[:, None] + spread[None] - base
    every = every.reshape(-1, 3)
    every = every[((every >= 0) & (every < np.asarray(inside.shape))).all(1)]
    inside[tuple(every.T)] = True
    values = np.sort(suv[box][inside])[::-1]
    voxel_ml = work.grid.voxel_ml / float(np.prod(work.factor))
    count = max(1, min(round(0.15 / voxel_ml), len(values) // 10))
    hottest = float(values[:count].mean())
    core_ml = len(values) * voxel_ml
    weight = float(np.clip(np.log10(max(core_ml, 1e-3)), 0.0, 1.0))
    return (1 - weight) * hottest + weight * float(values[len(values) // 4])


def grow_outline(
    suv: Array,
    focus: Focus,
    number: int,
    owner: Array,
    work: Working,
    threshold: float,
    elsewhere: Mapping[int, float] | None = None,
    reach_mm: float = 10.0,
) -> tuple[Array, float]:
    """Voxels at or above a threshold, connected with the peak and within the basin of the focus.

    Parameters
    ----------
    elsewhere : organ label → the threshold that holds inside that organ instead; infinity closes it

    Returns
    -------
    voxels : (n, 3) on the PET grid
    filled : share of them in holes below the threshold
    """
    from scipy.ndimage import binary_fill_holes, label

    factor = np.asarray(work.factor)
    spacing = np.asarray(work.grid.spacing_mm)
    reach = np.ceil(reach_mm / spacing).astype(int)
    low = np.maximum(focus.voxels.min(0) - reach, 0)
    high = np.minimum(focus.voxels.max(0) + reach + 1, work.smooth.shape)
    # a basin can be far larger than what lies above the threshold: stay near the voxels that do
    hot = focus.voxels[work.smooth[tuple(focus.voxels.T)] >= 0.8 * threshold]
    if len(hot):
        low = np.maximum(np.minimum(hot.min(0), focus.peak_index) - reach, 0)
        high = np.minimum(np.maximum(hot.max(0), focus.peak_index) + reach + 1, work.smooth.shape)
    near = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    coarse, organs = owner[near], work.labels[near]
    level = np.full(coarse.shape, threshold, np.float32)
    for organ, other in (elsewhere or {}).items():
        level[organs == organ] = other
    level[(coarse != number) & (coarse >= 0)] = np.inf
    for axis, times in enumerate(work.factor):
        if times > 1:
            level = np.repeat(level, times, axis)
    start = low * factor
    stop = start + np.asarray(level.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    image = suv[box]
    above = image >= level
    parts, count = label(above, np.ones((3, 3, 3), bool))
    if count == 0:
        return np.zeros((0, 3), np.intp), 0.0
    chosen = _part_of_peak(parts, image, focus, factor, start)
    if chosen == 0:
        return np.zeros((0, 3), np.intp), 0.0
    mask = parts == chosen
    n = int(mask.sum())
    whole = binary_fill_holes(mask)
    filled = 1 - n / int(whole.sum())
    return np.argwhere(whole) + start, float(filled)


def _part_of_peak(parts: Array, image: Array, focus: Focus, factor: Array, start: Array) -> int:
    """The part that holds the highest voxel of the peak's surroundings."""
    low = np.maximum((focus.peak_index - 1) * factor - start, 0)
    high = (focus.peak_index + 2) * factor - start
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    near = np.where(parts[box] > 0, image[box], -np.inf)
    if near.size == 0 or not np.isfinite(near.max()):
        return 0
    return int(parts[box][np.unravel_index(int(near.argmax()), near.shape)])
