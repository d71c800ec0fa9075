"""How well the value of a reference is known: its noise, and what blur and placing add."""

from __future__ import annotations

import numpy as np

from lutetia.model import VoiMeasure

#: what blur and the placing of the core add to the standard error: the scatter left on images with little noise
BLUR = 0.02


def noise_doubt(measure: VoiMeasure, within: float) -> str | None:
    """The doubt that noise leaves a value less sure than `within` (share of it, 95 % interval), or None."""
    if not measure.suv_mean > 0:
        return None
    interval = 1.96 * float(np.hypot(measure.standard_error / measure.suv_mean, BLUR))
    return f"noise leaves it uncertain by {100 * interval:.0f} % (95 % interval)" if interval > within else None
