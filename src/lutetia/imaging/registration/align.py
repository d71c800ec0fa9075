"""The whole of an alignment: rigid, then deformable where it helps, with its quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutetia.imaging.registration.alignment import Alignment, AlignmentQuality, AlignmentSettings, Kind
from lutetia.imaging.registration.deformable import demons_field, smallest_jacobian
from lutetia.imaging.registration.images import moved_onto, overlap_box, warped, working_image
from lutetia.imaging.registration.quality import judge
from lutetia.imaging.registration.rigid import rigid_matrix
from lutetia.model import Volume


def align(fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings | None = None) -> Alignment:
    """Align the moving study to the fixed one.

    Parameters
    ----------
    fixed, moving : two CTs in HU (`kind` "CT"), or two PET or SPECT images in SUV or any linear unit ("PET")
    settings : see `AlignmentSettings`

    Returns
    -------
    Alignment
        With `quality.status` "poor" when the result should not be trusted; never an exception for that.
    """
    settings = settings or AlignmentSettings()
    f, m = working_image(fixed, kind, settings.spacing_mm), working_image(moving, kind, settings.spacing_mm)
    matrix, _ = rigid_matrix(f, m, kind, settings)
    z_range, _ = overlap_box(f, m, matrix, kind)
    spacing = settings.spacing_mm
    if z_range.stop - z_range.start < 8:
        quality = AlignmentQuality("poor", reasons=("the two studies image different parts of the body",))
        return Alignment(matrix, None, f.grid, "rigid", 0.0, quality)
    overlap = (z_range.stop - z_range.start) * spacing
    start = f.grid.to_lps((z_range.start, 0, 0))
    grid = replace(
        f.grid,
        shape=(z_range.stop - z_range.start, *f.grid.shape[1:]),
        origin_mm=(float(start[0]), float(start[1]), float(start[2])),
    )
    target = np.ascontiguousarray(f.array[z_range])
    fill = -500.0 if kind == "CT" else 0.0
    moved = np.maximum(moved_onto(m, matrix, grid, fill), fill)
    rigid_quality = judge(target, moved, kind, spacing, None)
    rigid = Alignment(matrix, None, grid, "rigid", overlap, rigid_quality)
    if not settings.deformable or kind != "CT" or rigid_quality.status == "poor":
        return rigid
    displacement = demons_field(target, moved, grid, settings)
    jacobian = smallest_jacobian(displacement, spacing)
    quality = judge(target, warped(moved, displacement, spacing, fill), kind, spacing, jacobian)
    better = (quality.similarity or 0.0) > (rigid_quality.similarity or 0.0)
    if jacobian <= 0 or not better:
        reason = "the deformable field folded" if jacobian <= 0 else "deforming did not help"
        return replace(rigid, quality=replace(rigid_quality, reasons=(*rigid_quality.reasons, f"{reason}: rigid kept")))
    return Alignment(matrix, displacement, grid, "rigid + fast symmetric forces demons", overlap, quality)
