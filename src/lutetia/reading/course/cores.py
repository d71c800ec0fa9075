"""The inner part of a lesion's place: the value least mixed with what lies around it, and its grade.

A cold lesion in a warm liver reads too high at its edge and too low a contrast over its whole. The grade of a place
without a focus is therefore taken from its core, as a lesion that is not hotter than its surroundings is graded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lutetia.imaging.matching import Focus
from lutetia.model import Grade, Place
from lutetia.reading.grading import spleen_state, tracer_class
from lutetia.reading.study import StudyReading
from lutetia.rules import grade_krenning_modified, grade_krenning_spect

#: lattice on which the outside of a place is laid out, mm
_LATTICE_MM = 4.0
#: share of the greatest depth that a point must have to belong to the core
CORE_DEPTH = 0.65


def core_of(focus: Focus) -> npt.NDArray[np.bool_]:
    """Which points of a focus lie in its core.

    Parameters
    ----------
    focus : points in LPS mm

    Returns
    -------
    (n,) bool
        True for points at least 0.65 of the greatest depth below the surface; all points of a focus of a few voxels.
    """
    points = focus.points_mm
    low, high = points.min(axis=0) - 2 * _LATTICE_MM, points.max(axis=0) + 3 * _LATTICE_MM
    axes = [np.arange(a, b, _LATTICE_MM) for a, b in zip(low, high, strict=True)]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    away, _ = cKDTree(points).query(lattice)
    outside = lattice[away > _LATTICE_MM]
    depth, _ = cKDTree(outside).query(points)
    inner: npt.NDArray[np.bool_] = depth >= CORE_DEPTH * depth.max()
    return inner


def grade_place(place: Place, reading: StudyReading, *, in_liver: bool, size_mm: float | None) -> Grade | None:
    """The grade of a place without a focus: modified Krenning on SSTR PET, the SPECT scale on 177Lu; None otherwise."""
    tracer = reading.tracer
    if not place.in_field or place.core_mean is None or tracer is None or not tracer.is_sstr:
        return None
    study = reading.study
    liver, spleen, blood = (study.reference_mean(name) for name in ("liver", "spleen", "blood_pool"))
    state = spleen_state(study.references.get("spleen"))
    if tracer.modality == "SPECT":
        minutes = reading.study.acquisition.uptake_minutes
        hours = None if minutes is None else round(minutes / 60, 2)
        return grade_krenning_spect(
            place.core_mean, liver, spleen, blood, spleen_state=state, size_mm=size_mm, hours=hours
        )
    return grade_krenning_modified(
        place.core_mean,
        liver,
        spleen,
        blood,
        spleen_state=state,
        size_mm=size_mm,
        in_liver=in_liver,
        tracer_class=tracer_class(tracer),
        uptake_measure="mean of the core of its place",
    )
