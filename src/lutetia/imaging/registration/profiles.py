"""Where to start: the table positions that best line up the profiles of body, lung and bone along the body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.registration.alignment import AlignmentSettings, Kind
from lutetia.model import Volume


def profiles(image: Volume, kind: Kind) -> npt.NDArray[np.float64]:
    """Per slice: how much body, lung and bone (CT) or uptake (PET) there is. Shape (nz, n_features)."""
    array = image.array
    if kind == "CT":
        features = [
            (array > -450).sum(axis=(1, 2)),
            ((array > -499) & (array < -400)).sum(axis=(1, 2)),
            (array > 180).sum(axis=(1, 2)),
        ]
    else:
        features = [array.sum(axis=(1, 2)), (array**2).sum(axis=(1, 2)), (array > 0.5).sum(axis=(1, 2))]
    stack = np.stack(features, axis=1).astype(float)
    return np.asarray(ndi.gaussian_filter1d(stack, 2.0, axis=0))


#: how many table positions are worth a start, and how far apart they must lie to be different ones, mm
STARTS, APART_MM = 4, 40.0


def start_offsets(
    fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings
) -> tuple[tuple[float, float], ...]:
    """The shifts along z (moving minus fixed) that line up the profiles, best first, each with its overlap; mm.

    A short or an oblique image, whose first and last slices are imaged in part only, may fit better elsewhere than
    where it belongs: what follows is another place, not the neighbourhood of the first.
    """
    a, b = profiles(fixed, kind), profiles(moving, kind)
    step = settings.spacing_mm
    least = min(int(settings.smallest_overlap_mm / step), len(a), len(b))
    scored: list[tuple[float, int, int]] = []
    for shift in range(-len(b) + least, len(a) - least + 1):  # fixed slice k faces moving slice k − shift
        low, high = max(0, shift), min(len(a), len(b) + shift)
        x, y = a[low:high], b[low - shift : high - shift]
        correlation = []
        for n in range(a.shape[1]):
            u, v = x[:, n] - x[:, n].mean(), y[:, n] - y[:, n].mean()
            scale = np.sqrt((u**2).sum() * (v**2).sum())
            correlation.append(float((u * v).sum() / scale) if scale > 0 else 0.0)
        # equal amounts count as well as equal shape: two thighs look alike in shape only
        amount = -float(np.mean(np.abs(x - y) / (np.maximum(a.max(axis=0), b.max(axis=0)) + 1e-6)))
        score = float(np.mean(correlation)) + amount + 0.15 * (high - low) / min(len(a), len(b))
        scored.append((score, shift, high - low))
    scored.sort(key=lambda one: -one[0])
    kept: list[tuple[float, int, int]] = []
    for one in scored:
        if len(kept) < STARTS and all(abs(one[1] - other[1]) * step >= APART_MM for other in kept):
            kept.append(one)
    gap = moving.grid.origin_mm[2] - fixed.grid.origin_mm[2]
    return tuple((gap - shift * step, overlap * step) for _, shift, overlap in kept)


def body_centre(image: Volume, kind: Kind, low_mm: float, high_mm: float) -> npt.NDArray[np.float64]:
    """Centre of the body (LPS x, y) within a range of z."""
    z = image.grid.origin_mm[2] + np.arange(image.grid.shape[0]) * image.grid.spacing_mm[0]
    inside = image.array > (-450 if kind == "CT" else 0.4)
    inside = inside[(z >= low_mm) & (z <= high_mm)]
    if not inside.any():
        inside = image.array > (-450 if kind == "CT" else 0.4)
    where = np.argwhere(inside)
    mean = where.mean(axis=0) if len(where) else np.array(image.grid.shape) / 2
    return np.asarray(image.grid.to_lps(mean)[:2])
