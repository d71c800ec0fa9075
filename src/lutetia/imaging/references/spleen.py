"""The spleen as a reference: the median of its depth, and why it may not be trusted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.certainty import noise_doubt
from lutetia.imaging.references.draft import Draft, not_found
from lutetia.imaging.references.region import Crop, crop_organ, measure_region
from lutetia.imaging.references.settings import ReferenceSettings
from lutetia.imaging.references.solid_organ import best_sphere, core_of, find_population
from lutetia.model import Tracer, Volume

#: a spleen is reported without a flag where it is known so well, as a share of its value
WITHIN = 0.07
#: two resolution elements: what is smaller has no core
LEAST_CORE_ML = 1.0
#: core, mL, and half-thickness, mm, below which blur is asked for: in a small organ, and in one that hardly has a core
SMALL, THIN = (6.0, 10.0), (2.0, 7.5)
#: where blur leaves the middle alone, the median of the whole stays above this share of the median of the core …
LEVEL_SMALL, LEVEL_THIN = 0.85, 0.9
#: … and the very middle below this multiple of it
PEAK = 1.05
#: width of the blur of a therapy SPECT, mm: it reaches the middle of what no ball of this size fits into
SPECT_BLUR_MM = 15.0


def blurred(crop: Crop, core: mm.Mask) -> bool:
    """Whether blur reaches the middle of a small or thin organ, so that its core no longer has the organ's uptake.

    Then uptake rises from the edge to the middle without a level part. Drawn bodies (lenses, rods and balls 6 to 20 mm
    thick, resolution 5 to 7.5 mm, voxels of 2 to 4 mm, outlines at half of the uptake and narrower) that lose more than
    7 % in their core are all but one noticed in 630.
    """
    core_ml = float(core.sum() * crop.grid.voxel_ml)
    half_thickness = float(np.percentile(crop.depth[crop.mask], 99.5))
    middle = float(np.median(crop.suv[core]))
    whole = float(np.median(crop.suv[crop.mask]))
    if core_ml < THIN[0] or half_thickness < THIN[1]:
        deepest = crop.depth > 0.85 * float(crop.depth[crop.mask].max())
        return whole < LEVEL_THIN * middle or float(crop.suv[deepest].mean()) > PEAK * middle
    return (core_ml < SMALL[0] or half_thickness < SMALL[1]) and whole < LEVEL_SMALL * middle


def draft_spleen(
    array: npt.NDArray[np.float32],
    suv: Volume,
    anatomy: Anatomy,
    tracer: Tracer,
    lesions: mm.Mask | None,
    settings: ReferenceSettings,
) -> Draft:
    """Spleen: median of the part deeper than 6 mm (0.6 of the half-thickness in thin spleens); 2 cm sphere."""
    missing = not_found(anatomy, "spleen")
    if missing is not None:
        return missing
    reasons = list(anatomy.concerns.get("spleen", ()))
    crop = crop_organ(array, suv.grid, anatomy.mask("spleen"))
    if crop is None:
        return Draft("caution", reasons or ["no spleen was found"])
    nearby = None if lesions is None else lesions[crop.box]
    core = core_of(crop, 6.0, nearby)
    population = find_population(crop, core)
    if population is None:
        return Draft("caution", [*reasons, "the spleen is too small to measure its core"])
    region = population.core
    whole = measure_region(
        crop, region, "median of the spleen deeper than 6 mm", value=float(np.median(crop.suv[region]))
    )
    spread = mm.robust_sd(population.smooth[region]) / max(population.mode, 1e-6)
    if spread > 0.2:
        reasons.append(f"uptake of the spleen is uneven (robust variation {100 * spread:.0f} %)")
    if (noise := noise_doubt(whole.measure, WITHIN)) is not None:
        reasons.append(noise)
    notes: list[str] = []
    sphere = best_sphere(crop, population, crop.mask, settings.spleen_sphere_mm, 8.0, "spleen")
    if sphere is None:
        notes.append("no sphere fits into the spleen")
    elif sphere[1] < settings.spleen_sphere_mm:
        notes.append(
            f"no {settings.spleen_sphere_mm / 10:g} cm sphere fits into the spleen, the largest: {sphere[1] / 10:g} cm"
        )
    if tracer.modality == "SPECT" and (sphere is None or sphere[1] < SPECT_BLUR_MM):
        ball = f"no ball of {SPECT_BLUR_MM:g} mm fits into the spleen"
        reasons.append(f"{ball}: the blur of SPECT reaches its middle and lowers its uptake")
    core_ml = float(region.sum() * suv.grid.voxel_ml)
    if core_ml < LEAST_CORE_ML or blurred(crop, region):
        reasons.append(f"the core of the spleen measures only {core_ml:.1f} mL: partial volume lowers its uptake")
    return Draft(
        "caution" if reasons else "ok",
        reasons,
        whole,
        None if sphere is None else sphere[0],
        notes,
        not reasons,
        population,
    )
