"""What every anatomy backend hands over: one label map, one record per organ, and what later rooms need to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.model import Issue, OrganRecord, Volume

Side = Literal["left", "right"]


@dataclass(frozen=True, eq=False)
class VesselTrack:
    """The centre line of a vessel, from the head downwards.

    Attributes
    ----------
    centres_mm : (n, 3) LPS (x, y, z) mm
    radius_mm : (n,) inner radius at each centre
    """

    centres_mm: npt.NDArray[np.float64]
    radius_mm: npt.NDArray[np.float64]

    @property
    def length_mm(self) -> float:
        """Length of the centre line."""
        if len(self.centres_mm) < 2:
            return 0.0
        return float(np.linalg.norm(np.diff(self.centres_mm, axis=0), axis=1).sum())


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The organs of one study.

    Attributes
    ----------
    labels : label map (uint8, numbers of `labels.LABELS`, 0 = outside the body) on the PET grid; on the CT grid
        when there is no PET
    organs : one record per organ that was found *or looked for*; `status` "absent" and "outside_field" are findings
    source : which backend: "embedded CT+PET", "embedded CT", "embedded PET", "TotalSegmentator 2.4 total", "user masks"
    zones : names whose region in `labels` is a coarse zone where the organ lies, not its outline
    aorta : centre line of the descending thoracic aorta, None when it was not found
    liver_side : the side of the body where the liver lies ("left" in situs inversus)
    spine_line_mm : (n, 3) LPS centres of the vertebral column, from the head downwards; None when not found
    midline_x_mm : (n,) LPS x of the plane of symmetry at each point of `spine_line_mm`
    evidence : per organ what was measured while finding it (windows, contact shares, HU), for the report and the checks
    concerns : per reference ("liver", "spleen", "blood_pool") every reason why its region may not be trusted
    tumour_suspected : organs whose uptake may be tumour's, by what was measured while they were sought
    issues : what the reader must know about the anatomy as a whole
    """

    labels: Volume
    organs: tuple[OrganRecord, ...]
    source: str
    zones: frozenset[str] = frozenset()
    aorta: VesselTrack | None = None
    liver_side: Side | None = None
    spine_line_mm: npt.NDArray[np.float64] | None = None
    midline_x_mm: npt.NDArray[np.float64] | None = None
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    concerns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tumour_suspected: frozenset[str] = frozenset()
    issues: tuple[Issue, ...] = ()

    def organ(self, name: str) -> OrganRecord | None:
        """The record of an organ, None when this backend did not look for it."""
        return next((o for o in self.organs if o.name == name), None)

    def has(self, name: str) -> bool:
        """Whether the organ was found (status ok or caution)."""
        record = self.organ(name)
        return record is not None and record.status in ("ok", "caution")

    def mask(self, name: str) -> npt.NDArray[np.bool_]:
        """Boolean mask of one organ on the label grid, shape (z, y, x); all False when it was not found."""
        mask: npt.NDArray[Any] = self.labels.array == LABELS[name]
        return mask
