"""The liver as a reference: the most frequent tissue of the eroded organ, and why it may not be liver."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.draft import Draft, not_found
from lutetia.imaging.references.region import crop_organ
from lutetia.imaging.references.settings import ReferenceSettings
from lutetia.imaging.references.solid_organ import best_sphere, core_of, find_population, whole_organ
from lutetia.imaging.references.tumour import FATTY_HU, hotter_population, liver_doubts
from lutetia.model import Tracer, Volume


def draft_liver(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    ct: Volume | None,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> Draft:
    """Liver: median of the normal population of the eroded organ; sphere in the lateral (right) lobe."""
    missing = not_found(anatomy, "liver")
    if missing is not None:
        return missing
    reasons = list(anatomy.concerns.get("liver", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("liver"))
    if crop is None:
        # a search that failed does not show that the liver lies outside
        return Draft("caution", reasons or ["no liver was found"])
    nearby = None if lesions is None else lesions[crop.box]
    population = find_population(crop, core_of(crop, 10.0, nearby))
    if population is None:
        return Draft("caution", [*reasons, "too little of the liver is left after erosion to measure it"])
    notes: list[str] = []
    doubts = liver_doubts(crop, population, ct, cold_tumour=tracer.binds == "glucose")
    left_out = _left_out(anatomy, doubts.evidence)
    reasons += doubts.reasons + left_out
    suspected = set(doubts.suspected)
    if left_out or "liver" in anatomy.tumour_suspected:
        suspected.add("tumour")
    refuse = doubts.refuse
    if refuse and doubts.liver_like is not None:
        population, refuse = doubts.liver_like, False
        reasons.append("the colder, denser part is taken for liver")
    elif left_out and "tumour" in doubts.suspected and not refuse and not doubts.evidence["usual_hu"] < FATTY_HU:
        # two witnesses that ask different things: in every body that had both, the most frequent tissue was tumour; but
        # beside a fatty liver bowel and gallbladder are as dense as it, and CT alone calls them liver
        refuse = True
        reasons.append("no value is given: by both signs the most frequent tissue is most likely tumour")
    refuse = refuse or bool(anatomy.evidence.get("liver", {}).get("side_disputed"))
    whole = whole_organ(crop, population)
    hotter = hotter_population(crop, population) if tracer.binds == "glucose" else None
    columns = np.nonzero(crop.mask)[2]
    x = crop.points(np.stack([np.zeros_like(columns), np.zeros_like(columns), columns], axis=1))[:, 0]
    # the right lobe is the lateral half of the organ, away from the midline
    middle = float(np.median(x))
    place = crop.points(np.array([[0, 0, c] for c in range(crop.suv.shape[2])]))[:, 0]
    lateral = (place > middle) if anatomy.liver_side == "left" else (place < middle)
    allowed = np.broadcast_to(lateral[None, None, :], crop.mask.shape) & crop.mask
    sphere = best_sphere(crop, population, allowed, settings.liver_sphere_mm, 10.0, "liver")
    if sphere is None:
        notes.append("no sphere of even 1 cm fits into even liver tissue")
    elif sphere[1] < settings.liver_sphere_mm:
        notes.append(
            f"no {settings.liver_sphere_mm / 10:g} cm sphere fits into normal liver, the largest: {sphere[1] / 10:g} cm"
        )
    return Draft(
        "caution" if reasons else "ok",
        reasons,
        None if refuse else whole,
        None if refuse or sphere is None else sphere[0],
        notes,
        not reasons,
        population,
        None if hotter is None else whole_organ(crop, hotter),
        tuple(sorted(suspected)),
    )


def _left_out(anatomy: Anatomy, evidence: Mapping[str, float]) -> list[str]:
    """A doubt where CT alone calls far more liver than uptake lets in: what takes up too little may be the liver.

    Both outlines share 0.62 to 0.93 of their union in healthy livers, 0.40 to 0.55 in half of those that are mostly
    tumour. A large hotter part inside explains it otherwise: then metastases spoil the density, not the uptake.
    """
    agreement = anatomy.evidence.get("liver", {}).get("agreement", 1.0)
    if agreement >= 0.6 or evidence.get("hotter_wide", 0.0) > 0.2:
        return []
    return [
        f"only {100 * agreement:.0f} % of what CT or uptake calls liver is liver on both: "
        "what takes up too little may be liver, and the rest tumour"
    ]
