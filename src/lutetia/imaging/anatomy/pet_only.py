"""PET without CT: the organs as far as uptake alone shows them.

A named mode, used when no CT covers the PET. Liver, spleen, kidneys, bladder, heart and (in FDG) the brain are found
by evenness, order of uptake, side and position relative to each other; the body by its outline. Nothing here is
better than *caution* unless several independent signs agree, and the blood pool never is: without CT the aorta can't
be told from what lies beside it, so the blood inside the heart stands in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.pet_liver import Found, find_liver, liver_concerns
from lutetia.imaging.anatomy.pet_organs import (
    WITHOUT_CT,
    find_bladder,
    find_brain,
    find_heart,
    find_kidneys,
    find_spleen,
    find_without_liver,
)
from lutetia.imaging.anatomy.pet_scene import SPACING, PetScene, even_pieces, set_pet_scene
from lutetia.imaging.anatomy.record import Anatomy, Side
from lutetia.imaging.anatomy.scene import resample
from lutetia.model import Issue, OrganRecord, Tracer, Volume

SOURCE = "embedded PET"


def find_anatomy_pet_only(suv: Volume, tracer: Tracer) -> Anatomy:
    """Find organs in a PET (or quantitative SPECT) that has no CT.

    Parameters
    ----------
    suv : SUV (any basis; only plausibility ranges are absolute), array (z, y, x), any orientation
    tracer : decides the expected order of uptake (SSTR: liver < spleen; glucose: liver about equal to spleen)

    Returns
    -------
    Anatomy on the PET grid, `source` "embedded PET". `concerns` is empty for the liver only when volume, evenness,
    range, spleen and neighbours all agree; for spleen and blood pool it never is.
    """
    scene = set_pet_scene(suv, even_sd_mm=6.0 if tracer.modality == "SPECT" else 4.0)
    sstr = tracer.binds != "glucose"
    organs: dict[str, Found] = {}
    concerns: dict[str, tuple[str, ...]] = dict.fromkeys(("liver", "spleen"), ("the image shows no body",))
    side: Side | None = None
    if scene.body.any():
        pieces = even_pieces(scene, scene.even, lowest_level=1.6 * scene.soft_tissue, smallest_ml=15.0)
        liver, side = find_liver(scene, pieces, sstr=sstr, blurred=tracer.modality == "SPECT")
        organs["liver"] = liver
        if liver.mask is not None and side is not None:
            spleen = find_spleen(scene, liver, side, sstr=sstr)
            organs["spleen"] = spleen
            nothing = np.zeros(scene.body.shape, bool)
            taken = nothing if spleen.mask is None else mm.dilate(spleen.mask, 4.0, SPACING)
            kidneys = find_kidneys(scene, liver, taken, sstr=sstr)
            for name in ("kidney_left", "kidney_right"):
                kidney = kidneys.get(name)
                reason = WITHOUT_CT if kidney is not None else "no hot organ at the place of the kidney"
                organs[name] = Found(mask=kidney, reasons=[reason])
            organs["urinary_bladder"] = find_bladder(scene, liver) or Found(
                status="outside_field",
                reasons=["no urinary activity low on the midline, or the pelvis is not in the field"],
            )
            heart = find_heart(scene, liver, side)
            organs["heart"] = heart or Found(status="outside_field", reasons=["no blood pool above the liver"])
            concerns["liver"] = tuple(liver_concerns(scene, liver, spleen, tracer))
            concerns["spleen"] = (WITHOUT_CT, *spleen.reasons)
        else:
            concerns["liver"] = tuple(liver.reasons)
            organs.update(find_without_liver(scene, pieces) if sstr else {})
            spleen = organs.setdefault("spleen", Found(reasons=["no liver to find its place by"]))
            concerns["spleen"] = (WITHOUT_CT, *spleen.reasons)
        if tracer.binds == "glucose":
            brain = find_brain(scene)
            if brain is not None:
                organs["brain"] = brain
    concerns["blood_pool"] = ("without CT the aorta can't be outlined; the blood inside the heart stands in",)
    return _assemble(suv, scene, organs, concerns, side)


def _assemble(
    suv: Volume,
    scene: PetScene,
    organs: dict[str, Found],
    concerns: dict[str, tuple[str, ...]],
    side: Side | None,
) -> Anatomy:
    """Write the organs into one label map on the PET grid and keep their records."""
    working: npt.NDArray[np.uint8] = scene.body.astype(np.uint8) * LABELS["body"]
    for name in ("heart", "brain", "urinary_bladder", "kidney_left", "kidney_right", "liver", "spleen"):
        found = organs.get(name)
        if found is not None and found.mask is not None:
            working[found.mask] = LABELS[name]
    labels = resample(working, scene.grid, suv.grid, 0.0, nearest=True).astype(np.uint8, copy=False)
    counts = np.zeros(256, np.int64)
    for part in labels:  # a slice at a time: counting converts to 64 bits
        counts += np.bincount(part.ravel(), minlength=256)
    records = []
    for name, found in {"body": Found(mask=scene.body, reasons=["outline of uptake"]), **organs}.items():
        count = int(counts[1:].sum() if name == "body" else counts[LABELS[name]])
        centroid = None
        if count:
            on_working = working > 0 if name == "body" else working == LABELS[name]
            point = scene.grid.to_lps(np.argwhere(on_working).mean(axis=0))
            centroid = (float(point[0]), float(point[1]), float(point[2]))
        status = found.status if found.status == "outside_field" else "caution"
        if name == "liver" and count and not concerns.get("liver"):
            status = "ok"
        reasons = concerns.get(name, tuple(found.reasons)) or (WITHOUT_CT,)
        records.append(
            OrganRecord(
                name=name,
                label=LABELS[name],
                source=SOURCE,
                status=status,
                reasons=reasons,
                volume_ml=count * suv.grid.voxel_ml if count else None,
                centroid_mm=centroid,
            )
        )
    message = "No CT covers this PET: organs were found from uptake alone. The aorta, lungs and bones are not outlined."
    return Anatomy(
        labels=Volume(labels, suv.grid, "label"),
        organs=tuple(records),
        source=SOURCE,
        liver_side=side,
        evidence={name: found.evidence for name, found in organs.items() if found.evidence},
        concerns=concerns,
        tumour_suspected=frozenset(name for name, found in organs.items() if found.tumour_suspected),
        issues=(Issue(code="pet-without-ct", level="caution", message=message),),
    )
