"""The references of one PET study: liver, spleen, blood pool, each with two estimates, a status and its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.blood_pool import TubeMeasure, classical_cylinder, heart_uptake, measure_tube
from lutetia.imaging.references.checks import RANGES, implausible
from lutetia.imaging.references.region import Placed, crop_organ, measure_region
from lutetia.imaging.references.settings import ReferenceSettings, UserReference
from lutetia.imaging.references.solid_organ import Population, best_sphere, core_of, find_population, whole_organ
from lutetia.imaging.references.tumour import hotter_population, liver_doubts
from lutetia.model import Issue, Reference, Tracer, Volume
from lutetia.model.region import Region

NAMES = ("liver", "spleen", "blood_pool")
#: FDG in tissue so far below blood pool is no liver at all
FAR_BELOW = 0.8
Status = Literal["ok", "caution", "fallback", "user", "absent", "outside_field"]


@dataclass(frozen=True, eq=False)
class _Draft:
    """A reference before the references are compared with one another."""

    status: Status
    reasons: list[str] = field(default_factory=list)
    whole: Placed | None = None
    classical: Placed | None = None
    notes: list[str] = field(default_factory=list)
    trusted: bool = True
    population: Population | None = None
    hotter: Placed | None = None


@dataclass(frozen=True)
class References:
    """The references by name, the issues they raise, and where they were measured.

    `regions` holds voxels of the PET grid: ``"liver"`` the whole-organ region, ``"liver:classical"`` the sphere or
    cylinder; likewise ``spleen`` and ``blood_pool``. What was not measured is missing.
    """

    by_name: dict[str, Reference]
    issues: tuple[Issue, ...]
    regions: dict[str, Region] = field(default_factory=dict)


def measure_references(
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    *,
    ct: Volume | None = None,
    lesion_mask: npt.NDArray[Any] | None = None,
    user: Mapping[str, UserReference] | None = None,
    settings: ReferenceSettings | None = None,
) -> References:
    """Measure liver, spleen and blood pool.

    Parameters
    ----------
    suv : SUV on the PET grid
    anatomy : organs on the same grid
    tracer : chooses the plausible ranges; on SPECT the blood pool is at best a caution
    ct : HU, helps to tell tumour from normal liver
    lesion_mask : (z, y, x) nonzero where lesions are; they are left out with 6 mm around
    user : references given by hand; they replace ours, status "user"
    settings : sizes and the reported estimate

    Returns
    -------
    References
    """
    chosen = settings or ReferenceSettings()
    array = np.asarray(suv.array, np.float32)
    lesions = None if lesion_mask is None else np.asarray(lesion_mask) > 0
    drafts: dict[str, _Draft] = {
        "liver": _liver(array, suv, anatomy, tracer, ct, lesions, chosen),
        "spleen": _spleen(array, suv, anatomy, lesions, chosen),
        "blood_pool": _blood_pool(array, suv, anatomy, tracer, lesions, chosen),
    }
    for name, region in (user or {}).items():
        if name in drafts:
            drafts[name] = _user(array, suv, name, region)
    return _finish(drafts, tracer, chosen)


def _missing(anatomy: Anatomy, organ: str, reference: str) -> _Draft | None:
    """The draft for an organ that was not found; None when it is there."""
    record = anatomy.organ(organ)
    if record is None:
        return _Draft("caution", [f"the {organ} is not among the organs given"])
    if record.status == "absent":
        return _Draft("absent", list(record.reasons))
    if record.status == "outside_field":
        return _Draft("outside_field", list(record.reasons))
    return None


def _liver(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    ct: Volume | None,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> _Draft:
    """Liver: median of the normal population of the eroded organ; sphere in the lateral (right) lobe."""
    missing = _missing(anatomy, "liver", "liver")
    if missing is not None:
        return missing
    reasons = list(anatomy.concerns.get("liver", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("liver"))
    if crop is None:
        # a search that failed does not show that the liver lies outside
        return _Draft("caution", reasons or ["no liver was found"])
    nearby = None if lesions is None else lesions[crop.box]
    population = find_population(crop, core_of(crop, 10.0, nearby))
    if population is None:
        return _Draft("caution", [*reasons, "too little of the liver is left after erosion to measure it"])
    notes: list[str] = []
    doubts = liver_doubts(crop, population, ct)
    reasons += doubts.reasons + _left_out(anatomy, doubts.evidence)
    refuse = doubts.refuse
    if refuse and doubts.liver_like is not None:
        population, refuse = doubts.liver_like, False
        reasons.append("the colder, denser part is taken for liver")
    refuse = refuse or bool(anatomy.evidence.get("liver", {}).get("side_disputed"))
    whole = whole_organ(crop, population)
    hotter = hotter_population(crop, population) if tracer.binds == "glucose" and reasons else None
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
    return _Draft(
        "caution" if reasons else "ok",
        reasons,
        None if refuse else whole,
        None if refuse or sphere is None else sphere[0],
        notes,
        not reasons,
        population,
        None if hotter is None else whole_organ(crop, hotter),
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


def _spleen(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> _Draft:
    """Spleen: median of the part deeper than 6 mm (0.6 of the half-thickness in thin spleens); 2 cm sphere."""
    missing = _missing(anatomy, "spleen", "spleen")
    if missing is not None:
        return missing
    reasons = list(anatomy.concerns.get("spleen", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("spleen"))
    if crop is None:
        return _Draft("caution", reasons or ["no spleen was found"])
    nearby = None if lesions is None else lesions[crop.box]
    core = core_of(crop, 6.0, nearby)
    population = find_population(crop, core)
    if population is None:
        return _Draft("caution", [*reasons, "the spleen is too small to measure its core"])
    region = population.core
    whole = measure_region(
        crop, region, "median of the spleen deeper than 6 mm", value=float(np.median(crop.suv[region]))
    )
    spread = mm.robust_sd(population.smooth[region]) / max(population.mode, 1e-6)
    if spread > 0.2:
        reasons.append(f"uptake of the spleen is uneven (robust variation {100 * spread:.0f} %)")
    notes: list[str] = []
    sphere = best_sphere(crop, population, crop.mask, settings.spleen_sphere_mm, 8.0, "spleen")
    if sphere is None:
        notes.append("no sphere fits into the spleen")
    elif sphere[1] < settings.spleen_sphere_mm:
        notes.append(
            f"no {settings.spleen_sphere_mm / 10:g} cm sphere fits into the spleen, the largest: {sphere[1] / 10:g} cm"
        )
    core_ml = float(region.sum() * suv.grid.voxel_ml)
    if core_ml < 2.0:
        reasons.append(f"the core of the spleen measures only {core_ml:.1f} mL: partial volume lowers its uptake")
    return _Draft(
        "caution" if reasons else "ok",
        reasons,
        whole,
        None if sphere is None else sphere[0],
        notes,
        not reasons,
        population,
    )


def _blood_pool(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> _Draft:
    """Blood pool: the core of the descending thoracic aorta; cylinder of 1 × 2 cm."""
    track = anatomy.aorta
    if track is None and anatomy.source.startswith("embedded PET"):
        return _heart_blood(array, suv, anatomy, lesions)
    if track is None:
        missing = _missing(anatomy, "aorta", "blood_pool")
        return missing or _Draft("caution", ["no centre line of the descending aorta"])
    tube = measure_tube(array, suv.grid, track, lesions)
    if tube is None:
        return _Draft("outside_field", ["too little of the descending thoracic aorta lies in the PET field"])
    heart = heart_uptake(array, suv.grid, anatomy.mask("heart")) if tracer.is_sstr else None
    reasons = [*anatomy.concerns.get("blood_pool", ()), *_tube_doubts(tube, track.radius_mm, tracer, heart)]
    cylinder = classical_cylinder(tube, track, settings.cylinder_diameter_mm, settings.cylinder_length_mm)
    notes = [] if cylinder is not None else ["no straight 2 cm of aorta for the classical cylinder"]
    return _Draft("caution" if reasons else "ok", reasons, tube.placed, cylinder, notes, not reasons)


def _heart_blood(array: npt.NDArray[np.float32], suv: Volume, anatomy: Anatomy, lesions: mm.Mask | None) -> _Draft:
    """PET without CT: the blood inside the heart stands in for the aorta; never better than a caution."""
    reasons = list(anatomy.concerns.get("blood_pool", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("heart"))
    if crop is None:
        record = anatomy.organ("heart")
        if record is None or record.status != "outside_field":
            # nobody knows where the heart is: that does not show that it lies outside
            return _Draft("caution", [*reasons, "the heart was not found"])
        return _Draft("outside_field", [*reasons, *record.reasons])
    region = core_of(crop, 8.0, None if lesions is None else lesions[crop.box])
    if region.sum() * suv.grid.voxel_ml < 5:
        return _Draft("caution", [*reasons, "too little of the heart's blood is left to measure"])
    middle = float(np.median(crop.suv[region]))
    whole = measure_region(crop, region, "median of the blood inside the heart, 8 mm from its edge", value=middle)
    return _Draft("caution", reasons, whole, trusted=False)


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
    half = len(tube.sections) // 2
    if half >= 4:
        upper, lower = float(np.median(tube.sections[:half])), float(np.median(tube.sections[half:]))
        noise = mm.robust_sd(tube.sections) * 1.25 / np.sqrt(half / 1.5)
        gap = abs(upper - lower)
        if gap > 0.25 * value and gap > 2.5 * noise:
            doubts.append(f"upper and lower half of the aorta differ by {100 * gap / value:.0f} %")
    error = tube.placed.measure.standard_error
    gap_to_heart = None if heart is None or not value > 0 else heart / value - 1
    if gap_to_heart is not None and abs(gap_to_heart) > 0.22 and abs(gap_to_heart) > 2.5 * error / value:
        doubts.append(f"the heart takes up {100 * abs(gap_to_heart):.0f} % {'more' if gap_to_heart > 0 else 'less'}")
    agrees = gap_to_heart is not None and abs(gap_to_heart) < 0.10
    if error > (0.11 if agrees else 0.07) * value:
        doubts.append(f"the standard error is {100 * error / value:.0f} %")
    if float(np.median(radius_mm)) < 6.5:
        doubts.append("the vessel is thin: partial volume lowers its uptake")
    return doubts


def _user(array: npt.NDArray[np.float32], suv: Volume, name: str, region: UserReference) -> _Draft:
    """A reference given by hand."""
    if region.mask is not None:
        mask = np.asarray(region.mask) > 0
        method = "mask given by the user"
    elif region.centre_mm is not None and region.radius_mm is not None:
        index = suv.grid.to_index(region.centre_mm)
        mask = np.zeros(suv.grid.shape, bool)
        reach = [int(np.ceil(region.radius_mm / s)) + 1 for s in suv.grid.spacing_mm]
        low = [max(0, int(i) - r) for i, r in zip(index, reach, strict=True)]
        high = [min(n, int(i) + r + 2) for i, r, n in zip(index, reach, suv.grid.shape, strict=True)]
        if all(h > lo for lo, h in zip(low, high, strict=True)):
            z, y, x = np.mgrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            s = suv.grid.spacing_mm
            distance = ((z - index[0]) * s[0]) ** 2 + ((y - index[1]) * s[1]) ** 2 + ((x - index[2]) * s[2]) ** 2
            mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = distance <= region.radius_mm**2
        method = f"sphere of {2 * region.radius_mm:g} mm given by the user"
    else:
        return _Draft("user", [f"the {name} given by the user has neither a mask nor a centre with a radius"])
    crop = crop_organ(array, suv.grid, mask)
    if crop is None:
        return _Draft("user", [f"the {name} given by the user holds no voxel of the PET"])
    return _Draft("user", ["given by the user"], measure_region(crop, crop.mask, method))


def _tumour_level(value: float, tracer: Tracer, reasons: list[str]) -> bool:
    """Whether a doubtful liver is too hot to be liver: far above the usual range, or above it with another doubt."""
    limits = RANGES.get(tracer.binds)
    if limits is None or limits.liver is None or tracer.modality != "PET":
        return False
    return value > 1.5 * limits.liver[1] or (value > limits.liver[1] and len(reasons) > 1)


def _below_blood(value: float, blood: float | None, tracer: Tracer, reasons: list[str]) -> bool:
    """Whether a doubtful FDG liver is too cold to be liver: normal liver takes up more FDG than blood an hour later.

    Well differentiated metastases do not; where they are the majority, the most frequent tissue lies below blood pool.
    """
    return tracer.binds == "glucose" and blood is not None and value < blood and len(reasons) > 1


def _above_blood(hotter: Placed | None, blood: float | None) -> Placed | None:
    """The hotter part of a liver with cold tumour, where it takes up the FDG of a liver: 1 to 2.5 times blood."""
    if hotter is None or not blood:
        return None
    return hotter if 1.0 < hotter.measure.suv_mean / blood < 2.5 else None


def _finish(drafts: dict[str, _Draft], tracer: Tracer, settings: ReferenceSettings) -> References:
    """Compare the references, choose what is reported, write records and issues."""
    values = {n: (None if d.whole is None else d.whole.measure.suv_mean) for n, d in drafts.items()}
    sure = {n: d.trusted for n, d in drafts.items()}
    odd = implausible(tracer, values, sure)
    records: dict[str, Reference] = {}
    regions: dict[str, Region] = {}
    issues: list[Issue] = []
    for name, draft in drafts.items():
        status, reasons = draft.status, [*draft.reasons, *odd[name]]
        if status == "ok" and odd[name]:
            status = "caution"
        classical, whole = draft.classical, draft.whole
        if (
            name == "liver"
            and status == "caution"
            and whole is not None
            and _tumour_level(whole.measure.suv_mean, tracer, reasons)
        ):
            reasons.append("no value is given: so hot a liver is most likely tumour")
            classical = whole = None
        if name == "liver" and status == "caution" and whole is not None:
            blood = values["blood_pool"] if drafts["blood_pool"].trusted else None
            if _below_blood(whole.measure.suv_mean, blood, tracer, reasons):
                above = _above_blood(draft.hotter, blood)
                if above is not None:
                    classical, whole = None, above
                    reasons.append(
                        "tissue below blood pool on FDG is most likely cold tumour: the hotter part is taken for liver"
                    )
                elif whole.measure.suv_mean < FAR_BELOW * (blood or 0.0):
                    classical = whole = None
                    reasons.append(
                        "no value is given: tissue below blood pool on FDG is most likely cold tumour, not liver"
                    )
        for key, placed in ((name, whole), (f"{name}:classical", classical)):
            if placed is not None:
                regions[key] = placed.region
        chosen = classical if settings.estimate == "classical" and classical is not None else whole
        if status == "user":
            chosen = whole
        reported = None if chosen is None else chosen.measure
        if classical is not None and whole is not None and status != "user":
            small, large = classical.measure, whole.measure
            gap = abs(small.suv_mean - large.suv_mean)
            error = float(np.hypot(small.standard_error, large.standard_error))
            if gap > settings.disagreement * large.suv_mean and gap > settings.disagreement_sigma * error:
                issues.append(
                    Issue(
                        code="reference-estimates-disagree",
                        message=f"{name.replace('_', ' ')}: the classical region gives {small.suv_mean:.2f}, "
                        f"the whole organ {large.suv_mean:.2f}.",
                        where=name,
                    )
                )
        if status == "ok" and reported is None:
            status, reasons = "caution", [*reasons, "no region could be measured"]
        if status in ("caution", "fallback") or (status in ("absent", "outside_field")):
            issues.append(
                Issue(
                    code=f"reference-{status.replace('_', '-')}",
                    level="info" if status in ("absent", "outside_field") else "caution",
                    message=f"{name.replace('_', ' ')}: {'; '.join(reasons)}.",
                    where=name,
                )
            )
        records[name] = Reference(
            name=name,
            status=status,
            reasons=tuple(dict.fromkeys([*reasons, *draft.notes])),
            method="" if reported is None else reported.method,
            suv_mean=None if reported is None else reported.suv_mean,
            suv_sd=None if reported is None else reported.suv_sd,
            suv_max=None if reported is None else reported.suv_max,
            standard_error=None if reported is None else reported.standard_error,
            volume_ml=None if reported is None else reported.volume_ml,
            centroid_mm=None if reported is None else reported.centroid_mm,
            classical=None if classical is None else classical.measure,
            whole_organ=None if whole is None else whole.measure,
        )
    return References(records, tuple(issues), regions)
