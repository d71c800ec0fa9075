"""One region of a mask file, brought to the grid of an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A region: its name, the voxels (z, y, x) of the image, whether it reaches beyond the image, its whole volume."""

    name: str
    mask: Mask
    beyond: bool = False
    own_ml: float = 0.0


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
