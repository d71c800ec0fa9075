"""Confluent liver disease: foci that touch are one volume, not a count of lesions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.settings import LesionSettings

Array = npt.NDArray[Any]


def confluent_groups(entries: list[Found], shape: tuple[int, ...], settings: LesionSettings) -> list[Found]:
    """Join liver foci that touch, where at least `confluent_parts` hang together.

    Two outlines touch when a voxel of one is a 26-neighbour of a voxel of the other. A pair stays two lesions.
    """
    if len(entries) < settings.confluent_parts:
        return entries
    parts = _touching(entries, shape)
    out: list[Found] = []
    for members in parts:
        group = [entries[i] for i in members]
        if len(group) < settings.confluent_parts:
            out += group
            continue
        first = max(group, key=lambda e: e.outline.maximum if e.outline else 0.0)
        assert first.outline is not None
        voxels = np.unique(np.concatenate([e.outline.voxels for e in group if e.outline]), axis=0)
        method = f"union of {len(group)} touching foci, each {first.outline.method.split(' = ')[0]}"
        thresholds = [e.outline.threshold for e in group if e.outline]
        outline = replace(first.outline, voxels=voxels, method=method, threshold=min(thresholds))
        out.append(replace(first, outline=outline, members=len(group), confluent=True))
    return out


def _touching(entries: list[Found], shape: tuple[int, ...]) -> list[list[int]]:
    """Groups of entries whose outlines touch."""
    from scipy.ndimage import label

    every = np.concatenate([e.outline.voxels for e in entries if e.outline])
    low, high = every.min(0), every.max(0) + 1
    mask = np.zeros(tuple(high - low), bool)
    mask[tuple((every - low).T)] = True
    parts, _ = label(mask, np.ones((3, 3, 3), bool))
    groups: dict[int, list[int]] = {}
    for i, entry in enumerate(entries):
        assert entry.outline is not None
        groups.setdefault(int(parts[tuple(entry.outline.voxels[0] - low)]), []).append(i)
    return list(groups.values())
