"""How a scan was made, as far as its headers say."""

from __future__ import annotations

import re
from typing import Any

from lutetia.imaging.suv import SuvScale
from lutetia.model import Acquisition, Grid
from lutetia.model.pet import Moment, PetFacts


def _text(dataset: Any, *keywords: str) -> str | None:
    for keyword in keywords:
        value = str(dataset.get(keyword, "") or "").strip() if dataset is not None else ""
        if value:
            return value
    return None


def earl_version(*texts: str | None) -> str | None:
    """The EARL version that a description names: "EARL1", "EARL2", "EARL" where it gives no number, None where none."""
    for text in texts:
        found = re.search(r"\bearl[ _-]*(1|2|ii|i)?(?![a-z0-9])", (text or "").replace("_", " "), re.IGNORECASE)
        if found is not None:
            number = (found.group(1) or "").lower()
            return "EARL" + {"i": "1", "ii": "2"}.get(number, number)
    return None


def _number(dataset: Any, keyword: str) -> float | None:
    try:
        return float(_text(dataset, keyword) or "")
    except ValueError:
        return None


def _first_start(facts: PetFacts) -> Moment | None:
    starts = [f.acquisition for f in facts.frames if f.acquisition is not None]
    if facts.ge.scan_datetime is not None:
        starts.append(facts.ge.scan_datetime)
    return min(starts, key=lambda m: (m.day or 0, m.seconds)) if starts else facts.series_time


def acquisition_of(facts: PetFacts, scale: SuvScale | None, pet: Any, ct: Any, grid: Grid) -> Acquisition:
    """The acquisition record.

    Parameters
    ----------
    facts : what the PET's headers say
    scale : the SUV scale, None where it was refused; its (possibly repaired or overridden) values win
    pet, ct : representative headers (mappings by DICOM keyword), `ct` None without CT
    grid : of the PET
    """
    start = _first_start(facts)
    dose = facts.radiopharmaceuticals[0] if facts.radiopharmaceuticals else None
    injected = scale.dose_bq / 1e6 if scale is not None and scale.dose_bq else None
    if injected is None and dose is not None and dose.total_dose is not None:
        in_bq = dose.dose_unit == "Bq"  # a number too small for Bq is in a unit that nobody knows
        injected = dose.total_dose if not in_bq else dose.total_dose / 1e6 if dose.total_dose >= 1e5 else None
    injection = scale.injection if scale is not None else None
    if injection is None and dose is not None:
        injection = dose.start_datetime or dose.start_time
    uptake = scale.uptake_s / 60 if scale is not None and scale.uptake_s is not None else None
    if uptake is None and start is not None and injection is not None:
        apart = start.since(injection) / 60
        uptake = apart if apart >= 0 else None
    dz, dy, dx = grid.spacing_mm
    return Acquisition(
        manufacturer=facts.manufacturer or None,
        model=facts.model or None,
        scan_start=start.isoformat() if start else None,
        injection=injection.isoformat() if injection is not None else None,
        uptake_minutes=None if uptake is None else round(uptake, 2),
        injected_mbq=None if injected is None else round(injected, 3),
        weight_kg=scale.weight_used_kg if scale is not None and scale.weight_used_kg else facts.weight_kg,
        size_m=facts.size_m,
        sex=facts.sex,
        age_years=facts.age_years,
        glucose_mmol_l=facts.glucose_mmol_l,
        reconstruction=_text(pet, "ReconstructionMethod", "ReconstructionAlgorithm"),
        reconstruction_filter=_text(pet, "ConvolutionKernel"),
        earl=earl_version(
            _text(pet, "SeriesDescription"), _text(pet, "ReconstructionMethod"), _text(pet, "ProtocolName")
        ),
        corrections=facts.corrected_image,
        ct_kvp=_number(ct, "KVP"),
        ct_contrast=_text(ct, "ContrastBolusAgent"),
        voxel_mm=(dx, dy, dz),
    )
