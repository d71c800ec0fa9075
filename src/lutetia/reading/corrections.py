"""What a reader corrected, applied to a study: found again by place, so that a correction survives a re-run."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutetia.model import Issue, Lesion, Point
from lutetia.reading.by_hand import add_by_hand
from lutetia.reading.corrections_file import Corrections
from lutetia.reading.study import StudyReading

#: a focus is the one corrected when one of its voxels lies within this of the given place
NEAR_MM = 10.0


def focus_at(reading: StudyReading, at_mm: Point) -> Lesion | None:
    """The lesion of a study with a voxel nearest to the place, if one lies within 10 mm."""
    if reading.found is None:
        return None
    labels = reading.found.labels
    index = labels.grid.to_index(at_mm)
    reach = np.ceil(NEAR_MM / np.asarray(labels.grid.spacing_mm)).astype(int)
    low = np.maximum(np.floor(index).astype(int) - reach, 0)
    high = np.minimum(np.ceil(index).astype(int) + reach + 1, labels.grid.shape)
    if np.any(high <= low):
        return None
    box = labels.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    where = np.argwhere(box > 0)
    if not len(where):
        return None
    distance = np.linalg.norm((where + low - index) * np.asarray(labels.grid.spacing_mm), axis=1)
    nearest = int(distance.argmin())
    if distance[nearest] > NEAR_MM:
        return None
    label = int(box[tuple(where[nearest])])
    return next((x for x in reading.lesions if x.observations[0].label == label), None)


def apply_corrections(reading: StudyReading, corrections: Corrections) -> dict[tuple[str, str], int]:
    """Apply what concerns one study: statuses and sites in place, added lesions measured.

    Returns
    -------
    dict
        (study, the study's own lesion id) → number of the lesion of the course, for `identify`.
    """
    numbers: dict[tuple[str, str], int] = {}
    name = reading.study.id
    for n, wanted in enumerate(corrections.foci):
        if wanted.study != name:
            continue
        lesion = focus_at(reading, wanted.at_mm)
        if lesion is None:
            message = f"Correction {n + 1} by {wanted.by} finds no focus within {NEAR_MM:g} mm of its place; not used"
            reading.issues.append(Issue(code="correction-without-focus", message=message, study=name))
            continue
        update: dict[str, Any] = {"corrected_by": wanted.by}
        if wanted.status is not None:
            update |= {"status": wanted.status, "status_reason": wanted.note or f"set by {wanted.by}"}
        if wanted.site is not None:
            update["site"] = wanted.site
        if wanted.tissue is not None:
            update["tissue"] = wanted.tissue
        reading.lesions = tuple(x.model_copy(update=update) if x.id == lesion.id else x for x in reading.lesions)
        if wanted.lesion is not None:
            numbers[name, lesion.id] = int(wanted.lesion.removeprefix("lesion-"))
    for added in corrections.added:
        if added.study == name:
            own = add_by_hand(reading, added)
            if own is not None and added.lesion is not None:
                numbers[name, own] = int(added.lesion.removeprefix("lesion-"))
    return numbers
