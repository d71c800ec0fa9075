"""The whole of an alignment: rigid, then deformable where it helps, with its quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutetia.imaging.registration.alignment import Alignment, AlignmentQuality, AlignmentSettings, Array, Kind
from lutetia.imaging.registration.deformable import demons_field, smallest_jacobian
from lutetia.imaging.registration.images import cropped, moved_onto, overlap_box, warped, working_image
from lutetia.imaging.registration.profiles import start_offsets
from lutetia.imaging.registration.quality import judge, uptake_agreement
from lutetia.imaging.registration.rigid import rigid_matrix
from lutetia.model import Volume


def align(
    fixed: Volume,
    moving: Volume,
    kind: Kind,
    settings: AlignmentSettings | None = None,
    uptakes: tuple[Volume, Volume] | None = None,
) -> Alignment:
    """Align the moving study to the fixed one.

    A deformation is kept only where it helps: it must raise the similarity of the CTs without a fold, and, where the
    uptake of both studies is given, it must not make the uptakes agree less. CTs are taken in one breath, PET over
    many; a deformation that follows the breath of the CTs leads the lesions astray.

    Parameters
    ----------
    fixed, moving : two CTs in HU (`kind` "CT"), or two PET or SPECT images in SUV or any linear unit ("PET")
    settings : see `AlignmentSettings`
    uptakes : PET or SPECT of the fixed and of the moving study, in any unit

    Returns
    -------
    Alignment
        With `quality.status` "poor" when the result should not be trusted; never an exception for that.
    """
    settings = settings or AlignmentSettings()
    f, m = working_image(fixed, kind, settings.spacing_mm), working_image(moving, kind, settings.spacing_mm)
    spacing, fill = settings.spacing_mm, -500.0 if kind == "CT" else 0.0
    rigid, target, moved = _rigid(f, m, kind, settings, fill)
    if not settings.deformable or kind != "CT" or rigid.quality.status == "poor":
        return rigid
    grid, matrix, rigid_quality, overlap = rigid.grid, rigid.rigid, rigid.quality, rigid.overlap_mm
    displacement = demons_field(target, moved, grid, settings)
    jacobian = smallest_jacobian(displacement, spacing)
    quality = judge(target, warped(moved, displacement, spacing, fill), kind, spacing, jacobian)
    better = (quality.similarity or 0.0) > (rigid_quality.similarity or 0.0)
    found = Alignment(matrix, displacement, grid, "rigid + fast symmetric forces demons", overlap, quality)
    why = "the deformable field folded" if jacobian <= 0 else "" if better else "deforming did not help"
    if not why and uptakes is not None:
        seen = tuple(working_image(u, "PET", spacing) for u in uptakes)
        if not uptake_agreement(found, *seen) >= uptake_agreement(rigid, *seen):
            why = "the deformation follows the breath of the CTs and not the uptake"
    if why:
        return replace(rigid, quality=replace(rigid_quality, reasons=(*rigid_quality.reasons, f"{why}: rigid kept")))
    return found


def _rigid(
    fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings, fill: float
) -> tuple[Alignment, Array, Array]:
    """The rigid alignment from the first start that leads to one that is not poor, else the most alike.

    Returns
    -------
    tuple
        The alignment; the fixed image where both overlap, and the moving one carried there.
    """
    spacing = settings.spacing_mm
    tried: list[tuple[Alignment, Array, Array]] = []
    for dz, _ in start_offsets(fixed, moving, kind, settings):
        matrix = rigid_matrix(fixed, moving, kind, dz)
        z_range, _ = overlap_box(fixed, moving, matrix, kind)
        if z_range.stop - z_range.start < 8:
            quality = AlignmentQuality("poor", reasons=("the two studies image different parts of the body",))
            tried.append((Alignment(matrix, None, fixed.grid, "rigid", 0.0, quality), fixed.array, fixed.array))
            continue
        grid = cropped(fixed.grid, (z_range, slice(0, fixed.grid.shape[1]), slice(0, fixed.grid.shape[2])))
        target = np.ascontiguousarray(fixed.array[z_range])
        moved = np.maximum(moved_onto(moving, matrix, grid, fill), fill)
        quality = judge(target, moved, kind, spacing, None)
        overlap = (z_range.stop - z_range.start) * spacing
        tried.append((Alignment(matrix, None, grid, "rigid", overlap, quality), target, moved))
        if quality.status != "poor":
            return tried[-1]
    return max(tried, key=lambda one: np.nan_to_num(one[0].quality.similarity or 0.0))
