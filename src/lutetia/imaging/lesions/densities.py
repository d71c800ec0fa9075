"""How dense liver and kidney are on this CT, and which of them a focus is as dense as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.surroundings import Surroundings


@dataclass(frozen=True)
class Densities:
    """HU of liver and of kidney on this CT, whatever the contrast; NaN where unknown.

    The kidney's is that of the foci in the kidney away from the liver, whose mask no liver can have entered.
    """

    liver: float = float("nan")
    kidney: float = float("nan")

    def of_liver(self, around: Surroundings) -> bool:
        """Median and peak within 35 HU of the liver (metastases differ so much) and nearer to it than to kidney.

        Where liver and kidney are less than 12 HU apart (two SD of a core on a usual CT), density can't tell them.
        """
        if abs(self.liver - self.kidney) < 12.0:
            return False
        values = (around.ct_hu, around.ct_peak_hu)
        return all(abs(hu - self.liver) < min(35.0, abs(hu - self.kidney)) for hu in values)

    def as_dense_as_liver(self, around: Surroundings) -> bool:
        """Median and peak within 10 HU of the liver: neither the lipid of an adrenal nor the fluid of a loop."""
        return all(abs(hu - self.liver) <= 10.0 for hu in (around.ct_hu, around.ct_peak_hu))

    def unlike_liver(self, around: Surroundings) -> bool:
        """Median and peak more than 10 HU from the liver."""
        return all(abs(hu - self.liver) > 10.0 for hu in (around.ct_hu, around.ct_peak_hu))

    def of_urine(self, around: Surroundings) -> bool:
        """Median and peak more than 10 HU below the kidney: fluid, as in its pelvis."""
        return all(hu < self.kidney - 10.0 for hu in (around.ct_hu, around.ct_peak_hu))


UNKNOWN = Densities()


def measure_densities(
    foci: Sequence[Focus], facts: Sequence[Surroundings], marks: Landmarks, liver_hu: float
) -> Densities:
    """Take the kidney's density from the foci in the kidney away from the liver."""
    if marks.liver_x is None:
        return Densities()
    far = LABELS["kidney_left"] if marks.liver_x < 0 else LABELS["kidney_right"]
    values = [a.ct_hu for f, a in zip(foci, facts, strict=True) if f.label == far and f.label_share > 0.8 and a.has_ct]
    return Densities(liver_hu, float(np.median(values)) if values else float("nan"))
