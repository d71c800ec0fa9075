"""A scheme that floods: its outline runs into normal liver or into a second organ. An issue, never a stop."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.found import Found
from lutetia.imaging.lesions.levels import Levels
from lutetia.model import Issue

Array = npt.NDArray[Any]

_ORGANS = ("liver", "spleen", "kidney_left", "kidney_right", "urinary_bladder", "heart")
#: share of the liver that an outline may hold at liver level (convention)
_LIVER_SHARE = 0.05
#: an organ counts as entered from this share of the outline, and this volume, on
_ENTERED_SHARE, _ENTERED_ML = 0.2, 5.0


def flooding_issues(
    entries: list[Found], organs: Array, liver_voxels: int, levels: Levels, voxel_ml: float, scheme: str
) -> list[Issue]:
    """Issues for the candidates whose outline floods.

    Parameters
    ----------
    entries : candidates with their outlines, in the order of their labels
    organs : organ labels on the PET grid
    liver_voxels : voxels of the liver on that grid, about
    """
    issues = []
    for number, entry in enumerate(entries, 1):
        if entry.judgement.physiological or entry.outline is None:
            continue
        counts = np.bincount(organs[tuple(entry.outline.voxels.T)], minlength=32)
        in_liver = int(counts[LABELS["liver"]])
        at_liver_level = levels.liver is not None and entry.outline.threshold <= 1.05 * levels.liver
        reason = ""
        if liver_voxels and at_liver_level and in_liver > _LIVER_SHARE * liver_voxels:
            reason = f"holds {in_liver / liver_voxels:.0%} of the liver, with a threshold at or below liver level"
        else:
            least = max(_ENTERED_SHARE * len(entry.outline.voxels), _ENTERED_ML / voxel_ml)
            entered = [name.replace("_", " ") for name in _ORGANS if counts[LABELS[name]] > least]
            if len(entered) > 1:
                reason = f"runs through {' and '.join(entered)}"
        if reason:
            issues.append(
                Issue(
                    code="segmentation-flooded",
                    message=f"The outline of lesion L{number} {reason} ({scheme}): its volume is not that of a lesion.",
                    lesion=f"L{number}",
                )
            )
    return issues
