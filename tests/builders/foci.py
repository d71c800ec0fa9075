"""A focus of uptake, as the judgement of lesions gets it."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.fall_off import FallOff
from lutetia.imaging.lesions.foci import Focus


def focus(top: float = 6.0, label: str = "body", background: float = 1.0) -> Focus:
    """One voxel of this SUVmax in this organ, with a peak 5 % lower, falling off in every direction alike."""
    return Focus(
        voxels=np.zeros((1, 3), int),
        core=np.zeros((1, 3), int),
        peak_index=np.zeros(3, int),
        peak=0.95 * top,
        top=top,
        background=background,
        saddle=-np.inf,
        in_liver=label == "liver",
        label=LABELS[label],
        label_share=1.0,
        fall=FallOff(0.15, 0.2),
    )
