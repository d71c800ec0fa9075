"""Uptake alone as a witness against the CT's organs: where the two disagree, neither is trusted without a caution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.model import OrganRecord, Volume

#: a liver level that uptake alone finds must be met within 12 % by at least a fifth of the CT's liver
LIVER_DIFFERENCE = 0.12
LIVER_SHARE = 0.2
#: largest relative difference of the spleen's usual uptake between the two searches
SPLEEN_DIFFERENCE = 0.15


def _core(suv: Volume, anatomy: Anatomy, name: str) -> npt.NDArray[np.float32] | None:
    """Smoothed uptake of an organ deeper than 8 mm (half of its half-thickness in thin ones); None without it."""
    mask = anatomy.mask(name)
    box = mm.bounding_box(mask, 3)
    if box is None:
        return None
    depth = mm.depth_inside(np.ascontiguousarray(mask[box]), suv.grid.spacing_mm, open_edges=True)
    core = depth > min(8.0, 0.5 * float(np.percentile(depth[depth > 0], 99.5)))
    smooth = ndi.gaussian_filter(np.asarray(suv.array[box], np.float32), [3.0 / s for s in suv.grid.spacing_mm])
    values: npt.NDArray[np.float32] = smooth[core]
    return values


def _liver(suv: Volume, from_ct: Anatomy, from_pet: Anatomy) -> list[str]:
    """Why the two searches disagree about the liver."""
    if not from_ct.mask("liver").any() or not from_pet.mask("liver").any():
        return []
    if from_ct.liver_side != from_pet.liver_side:
        return [f"uptake alone places the liver on the {from_pet.liver_side}"]
    evidence = from_pet.evidence.get("liver", {})
    ours, theirs = _core(suv, from_ct, "liver"), evidence.get("level")
    if ours is None or theirs is None or not len(ours):
        return []
    share = float((np.abs(ours / theirs - 1) < LIVER_DIFFERENCE).mean())
    if share < LIVER_SHARE:
        return [f"uptake alone gives a liver of SUV {theirs:.2f}, which is {100 * share:.0f} % of the liver on CT"]
    return []


def _even_spleen(from_pet: Anatomy) -> bool:
    """Whether uptake alone shows a spleen without any doubt but the missing CT."""
    evidence = from_pet.evidence.get("spleen", {})
    return len(from_pet.concerns.get("spleen", ())) == 1 and evidence.get("core_ml", 0.0) > 15


def _spleen(suv: Volume, from_ct: Anatomy, from_pet: Anatomy) -> list[str]:
    """Why the two searches disagree about the spleen."""
    if not _even_spleen(from_pet):
        return []
    record = from_ct.organ("spleen")
    if record is not None and record.status == "absent":
        return ["uptake alone shows an even organ where a spleen may lie"]
    on_ct, alone = _core(suv, from_ct, "spleen"), _core(suv, from_pet, "spleen")
    if on_ct is None or alone is None or not len(on_ct) or not len(alone):
        return []
    ours, theirs = float(np.median(on_ct)), float(np.median(alone))
    if abs(theirs / ours - 1) > SPLEEN_DIFFERENCE:
        return [f"uptake alone finds another spleen, of SUV {theirs:.2f} instead of {ours:.2f}"]
    return []


def weighed(suv: Volume, from_ct: Anatomy, from_pet: Anatomy) -> Anatomy:
    """The CT's organs with a concern wherever uptake alone contradicts them.

    Nothing is replaced: of two contradicting searches neither is known to be right. "Absent" becomes a caution.

    Parameters
    ----------
    suv : SUV on the grid of both label maps
    from_ct : organs by CT and PET
    from_pet : organs by uptake alone
    """
    found = {"liver": _liver(suv, from_ct, from_pet), "spleen": _spleen(suv, from_ct, from_pet)}
    if from_ct.mask("spleen").any() and found["liver"] and from_ct.liver_side != from_pet.liver_side:
        found["spleen"] += found["liver"]
    if not any(found.values()):
        return from_ct
    concerns = dict(from_ct.concerns)
    evidence = {name: dict(numbers) for name, numbers in from_ct.evidence.items()}
    if from_ct.mask("liver").any() and from_ct.liver_side != from_pet.liver_side and found["liver"]:
        # the organ itself is in doubt, not its uptake: no value may be taken from it
        evidence.setdefault("liver", {})["side_disputed"] = 1.0
    records: list[OrganRecord] = []
    for record in from_ct.organs:
        reasons = found.get(record.name, [])
        if reasons:
            concerns[record.name] = (*concerns.get(record.name, ()), *reasons)
            status = "caution" if record.status in ("ok", "absent") else record.status
            record = record.model_copy(update={"status": status, "reasons": (*record.reasons, *reasons)})
        records.append(record)
    return replace(from_ct, organs=tuple(records), concerns=concerns, evidence=evidence)
