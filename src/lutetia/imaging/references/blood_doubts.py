"""Blood pool as a reference: the descending aorta, or the heart's blood without CT, and why it may be doubted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy, VesselTrack
from lutetia.imaging.references.blood_pool import TubeMeasure, classical_cylinder, heart_uptake, measure_tube
from lutetia.imaging.references.certainty import noise_doubt
from lutetia.imaging.references.draft import Draft, not_found
from lutetia.imaging.references.region import crop_organ, measure_region
from lutetia.imaging.references.settings import ReferenceSettings
from lutetia.imaging.references.solid_organ import core_of
from lutetia.model import Tracer, Volume

#: a blood pool is reported without a flag where it is known so well, as a share of its value
WITHIN = 0.10

#: so much between the value and that of the core out of reach of hot neighbours; the truth lies between the two
SPILL_RISE = 0.06

#: heart and aorta hold the same blood: within 1.22 of each other in 130 bodies (SSTR, whose myocardium is cold)
SAME_BLOOD = 1.6

#: blood is mixed: slow variation along the vessel, SD over the value, beyond which the track has left it or something
#: hot lies beside it; 131 of 134 references without another doubt stay below, and the worst of them lies above
EVEN_ALONG = 0.10

#: share of the ring around the track that may be liver: at most 0.2 in 162 bodies, 0.5 where the track ran through it
MOST_LIVER = 0.35


def slow_variation(sections: npt.NDArray[np.float64]) -> float:
    """SD of the uptake along a vessel, averaged over a quarter of its length (3 to 7 sections); 0 for a short one."""
    width = int(np.clip(len(sections) // 4, 3, 7))
    if len(sections) < 2 * width:
        return 0.0
    return float(np.convolve(sections, np.ones(width) / width, "valid").std())


def liver_around(track: VesselTrack, labels: Volume) -> float:
    """Share of the ring 6 mm outside the vessel, over its whole length, that the mask of the liver holds."""
    turn = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    spokes = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1)
    ring = track.centres_mm[:, None, :] + (track.radius_mm[:, None, None] + 6.0) * spokes[None]
    index = np.rint(labels.grid.to_index(ring.reshape(-1, 3))).astype(int)
    index = index[np.all((index >= 0) & (index < np.asarray(labels.array.shape)), axis=1)]
    return float(np.mean(labels.array[tuple(index.T)] == LABELS["liver"])) if len(index) else 0.0


def draft_blood_pool(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> Draft:
    """Blood pool: the core of the descending thoracic aorta; cylinder of 1 × 2 cm."""
    track = anatomy.aorta
    if track is None and anatomy.source.startswith("embedded PET"):
        return _heart_blood(array, suv, anatomy, lesions)
    if track is None:
        missing = not_found(anatomy, "aorta")
        return missing or Draft("caution", ["no centre line of the descending aorta"])
    in_liver = liver_around(track, anatomy.labels)
    if in_liver > MOST_LIVER:
        # the descending aorta has the liver on one side of its lowest part at most
        why = f"no value is given: {100 * in_liver:.0f} % of what surrounds the track is liver, so it is no aorta"
        return Draft("caution", [why], trusted=False)
    tube = measure_tube(array, suv.grid, track, lesions)
    if tube is None:
        return Draft("outside_field", ["too little of the descending thoracic aorta lies in the PET field"])
    record = anatomy.organ("heart")
    witness = tracer.is_sstr and record is not None and record.status == "ok"
    heart = heart_uptake(array, suv.grid, anatomy.mask("heart")) if witness else None
    value = tube.placed.measure.suv_mean
    if heart is not None and value > 0 and not 1 / SAME_BLOOD < heart / value < SAME_BLOOD:
        why = f"no value is given: the heart takes up {heart / value:.1f} × what the track does, so it is no aorta"
        return Draft("caution", [why], trusted=False)
    reasons = [*anatomy.concerns.get("blood_pool", ()), *_tube_doubts(tube, track.radius_mm, tracer, heart)]
    cylinder = classical_cylinder(tube, track, settings.cylinder_diameter_mm, settings.cylinder_length_mm)
    notes = [] if cylinder is not None else ["no straight 2 cm of aorta for the classical cylinder"]
    return Draft("caution" if reasons else "ok", reasons, tube.placed, cylinder, notes, not reasons)


def _heart_blood(array: npt.NDArray[np.float32], suv: Volume, anatomy: Anatomy, lesions: mm.Mask | None) -> Draft:
    """PET without CT: the blood inside the heart stands in for the aorta; never better than a caution."""
    reasons = list(anatomy.concerns.get("blood_pool", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("heart"))
    if crop is None:
        record = anatomy.organ("heart")
        if record is None or record.status != "outside_field":
            # nobody knows where the heart is: that does not show that it lies outside
            return Draft("caution", [*reasons, "the heart was not found"])
        return Draft("outside_field", [*reasons, *record.reasons])
    region = core_of(crop, 8.0, None if lesions is None else lesions[crop.box])
    if region.sum() * suv.grid.voxel_ml < 5:
        return Draft("caution", [*reasons, "too little of the heart's blood is left to measure"])
    middle = float(np.median(crop.suv[region]))
    whole = measure_region(crop, region, "median of the blood inside the heart, 8 mm from its edge", value=middle)
    return Draft("caution", reasons, whole, trusted=False)


def _tube_doubts(
    tube: TubeMeasure, radius_mm: npt.NDArray[np.float64], tracer: Tracer, heart: float | None
) -> list[str]:
    """What makes a track or its uptake doubtful; the heart is a second witness where its wall is cold (SSTR)."""
    doubts: list[str] = []
    value = tube.placed.measure.suv_mean
    if tracer.modality == "SPECT":
        doubts.append("SPECT does not resolve the aorta")
    if tube.length_mm < 36:
        doubts.append(f"only {tube.length_mm:.0f} mm of the descending aorta could be measured")
    if tube.spill_share > 0.3:
        doubts.append(f"{100 * tube.spill_share:.0f} % of the aorta lies against something hot")
    if tube.spill_rise > SPILL_RISE:
        doubts.append(f"hot tissue beside the aorta may raise it by {100 * tube.spill_rise:.0f} %")
    uneven = slow_variation(tube.sections) / value if value > 0 else 0.0
    if uneven > EVEN_ALONG:
        doubts.append(f"uptake varies by {100 * uneven:.0f} % along the aorta, as mixed blood does not")
    error = tube.placed.measure.standard_error
    gap_to_heart = None if heart is None or not value > 0 else heart / value - 1
    if gap_to_heart is not None and abs(gap_to_heart) > 0.22 and abs(gap_to_heart) > 2.5 * error / value:
        doubts.append(f"the heart takes up {100 * abs(gap_to_heart):.0f} % {'more' if gap_to_heart > 0 else 'less'}")
    if (noise := noise_doubt(tube.placed.measure, WITHIN)) is not None:
        doubts.append(noise)
    if float(np.median(radius_mm)) < 6.5:
        doubts.append("the vessel is thin: partial volume lowers its uptake")
    return doubts
