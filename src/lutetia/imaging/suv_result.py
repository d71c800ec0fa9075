"""The result of the SUV calculation: a factor and everything it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lutetia.model import Issue, SuvRecord
from lutetia.model.pet import Moment


@dataclass(frozen=True)
class SuvScale:
    """The factor, what it rests on, and what a reader must know.

    Attributes
    ----------
    basis : "bw", "lbm", "lbmjames128", "lbmjanma", "ibw" or "bsa"
    factor : SUV per unit of the rescaled stored value; where it differs from slice to slice, that of the first frame
        acquired
    frame_factors : one factor per frame of `PetFacts.frames` where they differ, else None
    suv_per_bqml : SUV per Bq/mL where the values are (or were made) Bq/mL and one factor holds for all
    """

    basis: str
    factor: float
    frame_factors: tuple[float, ...] | None
    unit: str
    stored_units: str
    decay_reference: str | None
    decay_reference_reason: str
    suv_per_bqml: float | None = None
    elements: dict[str, str] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()
    overrides: dict[str, str] = field(default_factory=dict)
    warnings: tuple[Issue, ...] = ()
    injection: Moment | None = None
    uptake_s: float | None = None
    dose_bq: float | None = None
    weight_used_kg: float | None = None
    half_life_s: float | None = None
    frame_keys: tuple[str, ...] = ()

    def slice_factors(self, keys: Iterable[str]) -> npt.NDArray[np.float64]:
        """Factors for the slices with these `PetFrame.key`, shape (n,)."""
        wanted = list(keys)
        if self.frame_factors is None:
            return np.full(len(wanted), self.factor)
        known = dict(zip(self.frame_keys, self.frame_factors, strict=True))
        return np.array([known[key] for key in wanted])

    def record(self) -> SuvRecord:
        """The part of it that findings.json keeps."""
        return SuvRecord(
            basis=self.basis,
            factor=self.factor,
            decay_reference=self.decay_reference,
            decay_reference_reason=self.decay_reference_reason,
            units=self.stored_units,
            elements=self.elements,
            repairs=self.repairs,
            overrides=self.overrides,
            suv_per_bqml=self.suv_per_bqml,
        )
