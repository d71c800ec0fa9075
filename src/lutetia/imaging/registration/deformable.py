"""Deformable alignment by fast symmetric forces demons."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from lutetia.imaging.registration.alignment import AlignmentSettings, Array
from lutetia.imaging.registration.images import to_sitk
from lutetia.model import Grid


def demons_field(fixed: Array, moving: Array, grid: Grid, settings: AlignmentSettings) -> Array:
    """Displacement (z, y, x, 3) LPS mm by fast symmetric forces demons over three levels."""
    displacement: sitk.Image | None = None
    f_full, m_full = to_sitk(fixed, grid), to_sitk(moving, grid)
    for factor, iterations in zip((4, 2, 1), settings.demons_iterations, strict=True):
        f = sitk.Shrink(sitk.SmoothingRecursiveGaussian(f_full, factor * 1.0), [factor] * 3) if factor > 1 else f_full
        m = sitk.Shrink(sitk.SmoothingRecursiveGaussian(m_full, factor * 1.0), [factor] * 3) if factor > 1 else m_full
        demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
        demons.SetNumberOfIterations(iterations)
        demons.SetStandardDeviations(settings.field_smoothing_voxels)
        demons.SetSmoothDisplacementField(True)
        if displacement is None:
            displacement = demons.Execute(f, m)
        else:
            displacement = demons.Execute(f, m, sitk.Resample(displacement, f))
    assert displacement is not None
    return np.asarray(sitk.GetArrayFromImage(displacement), dtype=np.float32)


def smallest_jacobian(displacement_mm: Array, spacing_mm: float) -> float:
    """Smallest determinant of the Jacobian of ``x + displacement(x)``; ≤ 0 means the field folds."""
    gradient = np.empty((*displacement_mm.shape[:3], 3, 3), np.float32)
    for component in range(3):
        dz, dy, dx = np.gradient(displacement_mm[..., component], spacing_mm)
        gradient[..., component, 0], gradient[..., component, 1], gradient[..., component, 2] = dx, dy, dz
    gradient += np.eye(3, dtype=np.float32)
    return float(np.linalg.det(gradient).min())
