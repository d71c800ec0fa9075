"""The pixels that the outputs need beside the record: one `StudyVolumes` per study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lutetia.model import Volume

if TYPE_CHECKING:
    from lutetia.dicom.source_images import SourceImages

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A small mask inside a larger grid: only its bounding box is kept.

    Attributes
    ----------
    start : (z, y, x) index of the mask's first voxel in the grid
    mask : bool, shape (dz, dy, dx)
    """

    start: tuple[int, int, int]
    mask: BoolArray

    @classmethod
    def from_mask(cls, mask: npt.NDArray[Any]) -> Region:
        """The bounding box of a mask on the whole grid, shape (z, y, x). An empty mask gives an empty region."""
        box: list[slice] = []
        view = np.asarray(mask, bool)
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            hit = np.flatnonzero(view.any(axis=others))
            if hit.size == 0:
                return cls((0, 0, 0), np.zeros((0, 0, 0), bool))
            box.append(slice(int(hit[0]), int(hit[-1]) + 1))
        cropped = np.ascontiguousarray(view[box[0], box[1], box[2]])
        return cls((box[0].start, box[1].start, box[2].start), cropped)


@dataclass(frozen=True, eq=False)
class StudyVolumes:
    """What one study's outputs are drawn and written from. Whatever is None is left out of the results.

    Attributes
    ----------
    suv : float32 SUV on the PET grid; None where SUV was refused (``stored`` may then stand in for pictures)
    ct : int16 HU on the CT's own grid
    lesions : integer labels on the PET grid; ``Observation.label`` names them
    organs : integer labels on the PET grid (or the CT grid when there is no PET)
    references : reference regions on the PET grid. Key ``"liver"`` is the whole-organ region that was averaged,
        ``"liver:classical"`` the sphere or cylinder; likewise ``spleen`` and ``blood_pool``. Optional: where a
        region is missing it is drawn from the record's centroid and volume.
    stored : rescaled stored values (for instance Bq/mL), for pictures when SUV was refused
    pet : the PET images that DICOM outputs refer to; None writes no DICOM
    """

    suv: Volume | None = None
    ct: Volume | None = None
    lesions: Volume | None = None
    organs: Volume | None = None
    references: Mapping[str, Region] = field(default_factory=dict)
    stored: Volume | None = None
    pet: SourceImages | None = None
