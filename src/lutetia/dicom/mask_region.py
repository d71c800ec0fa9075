"""One region of a mask file, brought to the grid of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A region: its name, the voxels (z, y, x) of the image, and whether it reaches beyond the image."""

    name: str
    mask: Mask
    beyond: bool = False


def unique_names(names: dict[int, str]) -> dict[int, str]:
    """The same name twice gets its number."""
    seen = list(names.values())
    return {n: name if seen.count(name) == 1 else f"{name} {n}" for n, name in names.items()}
