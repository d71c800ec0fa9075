"""The references of one PET study: liver, spleen, blood pool, each with two estimates, a status and its reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.blood_doubts import draft_blood_pool
from lutetia.imaging.references.by_hand import draft_given
from lutetia.imaging.references.draft import Draft
from lutetia.imaging.references.liver import draft_liver
from lutetia.imaging.references.settings import ReferenceSettings, UserReference
from lutetia.imaging.references.spleen import draft_spleen
from lutetia.imaging.references.weighing import References, weighed
from lutetia.imaging.threads import each, one_thread
from lutetia.model import Tracer, Volume


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
    tasks: dict[str, Callable[[], Draft]] = {
        "liver": lambda: draft_liver(array, suv, anatomy, tracer, ct, lesions, chosen),
        "spleen": lambda: draft_spleen(array, suv, anatomy, tracer, lesions, chosen),
        "blood_pool": lambda: draft_blood_pool(array, suv, anatomy, tracer, lesions, chosen),
    }
    with one_thread():
        drafts = dict(zip(tasks, each(lambda draft: draft(), tasks.values()), strict=True))
    for name, region in (user or {}).items():
        if name in drafts:
            drafts[name] = draft_given(array, suv, name, region)
    return weighed(drafts, tracer, chosen)


__all__ = ["References", "measure_references"]
