"""One small PET object of the IBSI-SUV list before it is written, and the physics that all of them share.

Formulas are written here anew, apart from those of `lutetia.imaging`: an object must not agree with the software by
sharing its code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

N_SLICES, N_PIXELS, VOXEL_MM = 6, 16, 4.0
WEIGHT_KG, SIZE_M, DOSE_BQ = 70.0, 1.75, 368.08e6
INJECTION_S, REFERENCE_S = 36000.0, 39600.0
F18_S, GA68_S, ZR89_S = 6586.2, 4057.7, 282240.0
FRAME_S = 300.0


@dataclass(frozen=True)
class SuvObject:
    """One object before it is written: header values, per-slice times and what the pixels stand for.

    `per_suv[k]` is the rescaled value of SUVbw = 1 in slice k.
    """

    id: str
    description: str
    header: dict[str, Any] = field(default_factory=dict)
    radiopharmaceutical: dict[str, Any] = field(default_factory=dict)
    private: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    acquisition_s: tuple[float, ...] = (REFERENCE_S,) * N_SLICES
    frame_reference_s: tuple[float, ...] = (150.0,) * N_SLICES
    duration_s: float | None = FRAME_S
    per_suv: tuple[float, ...] = ()
    coarse: tuple[float, ...] = (1.0,) * N_SLICES  # relative rescale slope of the slices
    refused: bool = False
    enhanced: bool = False


def decayed(seconds: float, half_life_s: float = F18_S) -> float:
    """Share of activity left after so many seconds."""
    return float(2.0 ** (-seconds / half_life_s))


def mean_time(duration_s: float, half_life_s: float = F18_S) -> float:
    """Seconds into a frame at which the activity is the frame's mean."""
    product = np.log(2) * duration_s / half_life_s
    return float(np.log(product / -np.expm1(-product)) * half_life_s / np.log(2))
