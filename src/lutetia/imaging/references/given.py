"""References given by the user in words: a sphere, or a file with a mask."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from lutetia.imaging.references.settings import ReferenceName, UserReference
from lutetia.model import Grid, InputError, UsageError

#: other words for the same region
_ALIASES = {"blood": "blood_pool", "bloodpool": "blood_pool", "blood-pool": "blood_pool", "aorta": "blood_pool"}


def reference_name(text: str) -> ReferenceName:
    """The reference a word means.

    Raises
    ------
    UsageError
        ``reference-unknown``.
    """
    name = text.strip().lower()
    name = _ALIASES.get(name, name)
    for known in get_args(ReferenceName):
        if name == known:
            result: ReferenceName = known
            return result
    raise UsageError(
        "reference-unknown",
        f'There is no reference "{text}"',
        where="--reference",
        expected="liver, spleen or blood_pool",
        remedy="--reference liver=x,y,z,radius or --reference liver=mask.nii.gz",
    )


def _numbers(name: str, text: str) -> tuple[float, float, float, float] | None:
    """Centre (x, y, z) and radius in LPS mm; None when the text is no list of numbers."""
    try:
        numbers = [float(part) for part in text.replace(";", ",").split(",")]
    except ValueError:
        return None
    if len(numbers) == 1:
        return None
    if len(numbers) != 4 or not all(math.isfinite(v) for v in numbers) or numbers[3] <= 0:
        raise UsageError(
            "reference-sphere",
            f'The reference {name} "{text}" is no sphere',
            where="--reference",
            expected="x,y,z,radius: LPS millimetres, radius above 0",
            remedy=f"--reference {name}=-80,20,-350,15",
        )
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _sphere(name: str, text: str, grid: Grid) -> UserReference | None:
    """The sphere that the text gives, on this PET; None when the text gives none."""
    numbers = _numbers(name, text)
    if numbers is None:
        return None
    centre, radius = numbers[:3], numbers[3]
    index = grid.to_index(centre)
    if np.any(index < -0.5) or np.any(index > np.asarray(grid.shape) - 0.5):
        corners = grid.to_lps(np.array([[0, 0, 0], [n - 1 for n in grid.shape]]))
        low, high = corners.min(axis=0).round(), corners.max(axis=0).round()
        raise UsageError(
            "reference-outside",
            f"The centre of the reference {name} lies outside the PET",
            where="--reference",
            expected=f"x {low[0]:g}…{high[0]:g}, y {low[1]:g}…{high[1]:g}, z {low[2]:g}…{high[2]:g} mm (LPS)",
            remedy="NIfTI viewers show RAS: change the sign of x and y",
        )
    if 4.19 * radius**3 < 1000 * grid.voxel_ml:
        raise UsageError(
            "reference-sphere",
            f"The sphere of the reference {name} is smaller than one voxel ({radius:g} mm)",
            where="--reference",
            expected="a radius in millimetres, usually 10 to 15",
            remedy="give the radius in mm, not in cm",
        )
    return UserReference(centre_mm=centre, radius_mm=radius)


def _file(name: str, text: str) -> Path:
    path = Path(os.path.expanduser(text))
    if not path.exists():
        raise InputError(
            "reference-file",
            f'The reference {name} is neither a sphere nor a file: "{text}"',
            where="--reference",
            expected="x,y,z,radius in LPS mm, or the path of a mask",
            remedy="check the path",
        )
    return path


def check_reference(name: str, text: str, check_mask: Callable[[Path], object]) -> None:
    """What can be known of a reference before its PET is read: its name, that it is a sphere, or a file with a mask.

    Raises
    ------
    UsageError
        ``reference-unknown``, ``reference-sphere``.
    InputError
        ``reference-file`` (no such file), and what `check_mask` raises.
    """
    known = reference_name(name)
    if _numbers(known, text) is None:
        check_mask(_file(known, text))


def user_reference(
    name: str, text: str, grid: Grid, load_mask: Callable[[Path], npt.NDArray[Any]]
) -> tuple[ReferenceName, UserReference]:
    """A reference given as text.

    Parameters
    ----------
    name : "liver", "spleen", "blood_pool" (or "blood", "aorta")
    text : "x,y,z,radius" in LPS mm, or the path of a mask (NIfTI, DICOM SEG, RTSTRUCT)
    grid : the PET's grid
    load_mask : reads a mask file onto the PET's grid, boolean (z, y, x)

    Returns
    -------
    name, UserReference

    Raises
    ------
    UsageError
        ``reference-unknown``, ``reference-sphere``, ``reference-outside``.
    InputError
        ``reference-file`` (no such file), ``mask-empty``, and what `load_mask` raises.
    """
    known = reference_name(name)
    sphere = _sphere(known, text, grid)
    if sphere is not None:
        return known, sphere
    path = _file(known, text)
    mask = np.asarray(load_mask(path)) > 0
    if mask.shape != grid.shape or not mask.any():
        raise InputError(
            "mask-empty",
            f"The mask of the reference {known} holds no voxel of the PET",
            where=str(path),
            expected="a region on this PET",
            remedy="give a mask that was drawn on this study",
        )
    return known, UserReference(mask=mask)
