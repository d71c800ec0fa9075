"""Rigid alignment by mutual information."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage as ndi

from lutetia.imaging.registration.alignment import Array, Kind
from lutetia.imaging.registration.images import bounds, to_sitk
from lutetia.imaging.registration.profiles import body_centre
from lutetia.imaging.threads import one_thread
from lutetia.model import Volume


def rigid_matrix(fixed: Volume, moving: Volume, kind: Kind, dz: float) -> Array:
    """Rigid alignment by mutual information from a shift of the table by `dz` mm; returns 4 × 4, fixed → moving."""
    f_low, f_high = (v[2] for v in bounds(fixed.grid))
    m_low, m_high = (v[2] for v in bounds(moving.grid))
    low, high = max(f_low, m_low - dz), min(f_high, m_high - dz)
    shift = body_centre(moving, kind, low + dz, high + dz) - body_centre(fixed, kind, low, high)
    middle = [float(v) for v in (*body_centre(fixed, kind, low, high), (low + high) / 2)]

    f_image, m_image = to_sitk(fixed.array, fixed.grid), to_sitk(moving.array, moving.grid)
    start = sitk.Euler3DTransform()
    start.SetCenter(middle)
    start.SetTranslation([float(shift[0]), float(shift[1]), float(dz)])
    z = fixed.grid.origin_mm[2] + np.arange(fixed.grid.shape[0]) * fixed.grid.spacing_mm[0]
    mask = fixed.array > (-450 if kind == "CT" else 0.3)
    mask[(z < low) | (z > high)] = False
    mask = ndi.binary_dilation(mask, iterations=2)

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(48)
    method.SetMetricFixedMask(sitk.Cast(to_sitk(mask, fixed.grid), sitk.sitkUInt8))
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([0.3, 0.15], seed=20)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, 120, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    with one_thread():
        result = method.Execute(f_image, m_image)
    found = sitk.Euler3DTransform(sitk.CompositeTransform(result).GetBackTransform())
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(found.GetMatrix()).reshape(3, 3)
    centre, move = np.asarray(found.GetCenter()), np.asarray(found.GetTranslation())
    matrix[:3, 3] = centre + move - matrix[:3, :3] @ centre
    return matrix
