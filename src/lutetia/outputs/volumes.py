"""The pixels that the outputs need beside the record: one `StudyVolumes` per study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lutetia.model import Volume
from lutetia.model.region import Region

if TYPE_CHECKING:
    from lutetia.dicom.source_images import SourceImages

__all__ = ["Region", "StudyVolumes"]


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
    from_reference : carries points (..., 3) from LPS mm of the course's reference study to LPS mm of this one, by the
        transform that is used, rigid or deformable; None where the study was not aligned
    """

    suv: Volume | None = None
    ct: Volume | None = None
    lesions: Volume | None = None
    organs: Volume | None = None
    references: Mapping[str, Region] = field(default_factory=dict)
    stored: Volume | None = None
    pet: SourceImages | None = None
    from_reference: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None
