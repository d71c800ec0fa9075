"""One region of a mask file, brought to the grid of an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lutetia.model import Issue

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A region of an image.

    Attributes
    ----------
    name : segment label, ROI name, label's name or file's stem
    mask : its voxels (z, y, x)
    beyond : whether it reaches beyond the image
    own_ml : its whole volume, also outside the image
    interpolated : slices between two of its contours, filled
    left_out : slices between two of its contours, not filled
    """

    name: str
    mask: Mask
    beyond: bool = False
    own_ml: float = 0.0
    interpolated: int = 0
    left_out: int = 0


def region_issues(regions: Sequence[Region], where: str) -> list[Issue]:
    """What must be known of regions that were drawn on some slices only."""
    issues = []
    filled = [r for r in regions if r.interpolated]
    if filled:
        text = (
            f"{_names(filled)}: contours on some slices only, at most 10 mm apart; the "
            f"{sum(r.interpolated for r in filled)} slices between them are interpolated"
        )
        issues.append(Issue(code="contours-interpolated", message=text, where=where))
    open_ = [r for r in regions if r.left_out]
    if open_:
        text = (
            f"{_names(open_)}: contours on some slices only; the {sum(r.left_out for r in open_)} slices between them "
            "are not part of the region"
        )
        issues.append(Issue(code="contours-with-gaps", message=text, where=where))
    return issues


def _names(regions: Sequence[Region]) -> str:
    names = [r.name for r in regions if r.name]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def unique_names(names: dict[int, str]) -> dict[int, str]:
    """The same name twice gets its number."""
    seen = list(names.values())
    return {n: name if seen.count(name) == 1 else f"{name} {n}" for n, name in names.items()}


def told_apart(regions: Iterable[tuple[str, Region]]) -> list[Region]:
    """Regions of several files; a name that two files hold gets its file's name before it."""
    pairs = list(regions)
    seen = [region.name for _, region in pairs]
    return [
        region if seen.count(region.name) == 1 else replace(region, name=f"{stem} {region.name}")
        for stem, region in pairs
    ]
