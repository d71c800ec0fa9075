"""Bringing two studies into one frame: rigid first, then deformable where it helps, with a measured quality.

The reference frame is that of the *fixed* study. An `Alignment` carries points from fixed LPS mm to moving LPS mm
and back; label maps and images are never resampled to be measured, only points and masks travel.

Rigid: Mattes mutual information on a 4 mm grid, levels 8–4 mm, started from the table offset that best
lines up the profiles of body, lung and bone along the body. Deformable: fast symmetric forces demons on the CTs
(equal intensities), levels 16–8–4 mm, smoothed so that the field stays invertible; a fold (Jacobian ≤ 0) drops it.
"""

from lutetia.imaging.registration.align import align
from lutetia.imaging.registration.alignment import (
    Alignment,
    AlignmentQuality,
    AlignmentSettings,
    Kind,
    PointMap,
    identity_alignment,
)
from lutetia.imaging.registration.deformable import smallest_jacobian
from lutetia.imaging.registration.images import working_image
from lutetia.imaging.registration.quality import organ_overlap

__all__ = [
    "Alignment",
    "AlignmentQuality",
    "AlignmentSettings",
    "Kind",
    "PointMap",
    "align",
    "identity_alignment",
    "organ_overlap",
    "smallest_jacobian",
    "working_image",
]
