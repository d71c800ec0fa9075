"""What tumour leaves of a liver: the first outline of a liver that is mostly tumour follows the tumour."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.region import Trunk, back_muscle
from lutetia.imaging.anatomy.scene import SPACING, VOXEL_ML

#: the rim looked at is as thick as the parenchyma that tumour leaves under the ribs, mm
RIM_MM = 30.0
#: nothing but liver lies between tumour of the liver and the ribs or the lung within this distance, mm
WALL_MM = 15.0
#: a remnant smaller than this is partial volume of the tumour's edge, mL
LEAST_ML = 20.0
#: parenchyma takes up more than so many times what back muscle does (SSTR 7 to 10); blood, muscle, effusion do not
MUSCLES = 4.0
#: and less than this share of the tumour (partial volume of a tumour's edge lies above)
OF_TUMOUR = 0.6


def remnant_level(mask: mm.Mask, trunk: Trunk, room: mm.Mask, hu: float, suv: float) -> tuple[float, float] | None:
    """HU and SUV of parenchyma between a liver's outline and the ribs or the lung; None where there is none.

    Parameters
    ----------
    mask : the outline found, as large as the trunk
    room : where the liver may be
    hu, suv : most frequent density and uptake within the outline
    """
    assert trunk.pet_smooth is not None
    muscle = trunk.pet_smooth[back_muscle(trunk) & trunk.measured]
    if not len(muscle):
        return None  # no yardstick: what lies beside the liver may be muscle or effusion
    least = MUSCLES * float(np.median(muscle))
    near = room & trunk.measured & ~mask & (mm.distance_to(mask, SPACING) <= RIM_MM)
    near &= (trunk.ct_smooth > hu - 20) & (trunk.ct_smooth < hu + 45)
    near &= (trunk.cage_mm < WALL_MM) | (trunk.lung_distance_mm < WALL_MM)
    near &= (trunk.pet_smooth > least) & (trunk.pet_smooth < OF_TUMOUR * suv)
    near = mm.opening(near, 4.0, SPACING)
    if near.sum() * VOXEL_ML < LEAST_ML:
        return None
    values = trunk.pet_smooth[near]
    middle = float(np.median(values))
    return mm.mode(trunk.ct_smooth[near], 6.0, hu - 20, hu + 45), mm.mode(values, 0.08 * middle, 0.0, 2.0 * middle)
