"""What is one: foci of an uneven mass, and confluent liver disease, are volumes, not counts of lesions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.settings import LesionSettings

Array = npt.NDArray[Any]

#: so large a share of the liver is confluent disease, however few peaks it has
_MUCH_OF_LIVER = 0.15


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
        out.append(_union(group, "touching foci", confluent=True))
    return out


def mostly_tumour(entries: list[Found], shape: tuple[int, ...], liver_voxels: int) -> list[Found]:
    """Disease of a liver that is mostly tumour: what touches is one volume, and a large one is confluent by itself.

    Where tumour is the rule, its texture has few peaks of its own, and they are not lesions to be counted.

    Parameters
    ----------
    entries : candidates of the liver, outlined up to their edges
    shape : of the PET
    liver_voxels : voxels of the liver's mask on the PET grid
    """
    if not entries:
        return entries
    out = []
    for members in _touching(entries, shape):
        group = [entries[i] for i in members]
        joined = _union(group, "foci", confluent=True)
        assert joined.outline is not None
        large = len(joined.outline.voxels) > _MUCH_OF_LIVER * liver_voxels
        several = len(group) > 1 or any(e.confluent for e in group)
        out.append(replace(joined, members=sum(e.members for e in group), confluent=several or large))
    return out


def one_mass(entries: list[Found], settings: LesionSettings) -> list[Found]:
    """Join foci outside the liver that are parts of one uneven mass.

    They touch, and the saddle between them lies above `one_mass` of the lower peak over its background: necrosis and
    uneven uptake do that, two lesions side by side part more deeply.
    """
    if len(entries) < 2:
        return entries
    number = {entry.focus.basin: i for i, entry in enumerate(entries)}
    root = list(range(len(entries)))

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for i, entry in enumerate(entries):
        for basin, level in entry.focus.contacts.items():
            j = number.get(basin)
            if j is None or j <= i:
                continue
            low = min((entry.focus, entries[j].focus), key=lambda f: f.peak)
            shallow = level - low.background > settings.one_mass * (low.peak - low.background)
            if shallow and _touch(entry, entries[j]):
                root[max(find(i), find(j))] = min(find(i), find(j))
    groups: dict[int, list[Found]] = {}
    for i, entry in enumerate(entries):
        groups.setdefault(find(i), []).append(entry)
    return [_union(group, "parts of one mass", confluent=False) for group in groups.values()]


def _touch(one: Found, other: Found) -> bool:
    assert one.outline is not None
    assert other.outline is not None
    a, b = one.outline.voxels, other.outline.voxels
    low, high = b.min(0) - 1, b.max(0) + 1
    near = a[((a >= low) & (a <= high)).all(1)]
    if len(near) == 0:
        return False
    mask = np.zeros(tuple(high - low + 3), bool)
    at = b - low + 1
    for dz in (-1, 0, 1):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                mask[at[:, 0] + dz, at[:, 1] + dy, at[:, 2] + dx] = True
    return bool(mask[tuple((near - low + 1).T)].any())


def _union(group: list[Found], what: str, *, confluent: bool) -> Found:
    """One entry from several, named after the hottest."""
    if len(group) == 1:
        return group[0]
    first = max(group, key=lambda e: e.outline.maximum if e.outline else 0.0)
    assert first.outline is not None
    outlines = [e.outline for e in group if e.outline]
    outline = replace(
        first.outline,
        voxels=np.unique(np.concatenate([o.voxels for o in outlines]), axis=0),
        method=f"union of {len(group)} {what}, each {first.outline.method.split(' = ')[0]}",
        threshold=min(o.threshold for o in outlines),
    )
    return replace(first, outline=outline, members=len(group), confluent=confluent)


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
