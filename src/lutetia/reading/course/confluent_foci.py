"""The foci of a study with their voxels, as the gathering of confluent disease handles them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.observed import observed
from lutetia.imaging.measures import sample_at_voxels
from lutetia.model import Lesion
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.course.places import sample
from lutetia.reading.grading import grade_observation
from lutetia.reading.study import StudyReading

Voxels = npt.NDArray[np.int64]
Key = tuple[str, str]

#: a focus is part of a mass when so large a share of its voxels lies in the outline of the mass
INSIDE = 0.5


@dataclass(frozen=True)
class Focus:
    """A focus of a study with its voxels on the grid of that study."""

    reading: StudyReading
    lesion: Lesion
    voxels: Voxels

    @property
    def key(self) -> Key:
        return self.reading.study.id, self.lesion.id

    @property
    def label(self) -> int:
        return self.lesion.observations[0].label


def foci_of(reading: StudyReading) -> list[Focus]:
    """The candidates of a study that the software itself outlined."""
    if reading.found is None:
        return []
    labels = reading.found.labels.array
    where = np.argwhere(labels > 0)
    numbers = labels[tuple(where.T)]
    return [
        Focus(reading, lesion, where[numbers == lesion.observations[0].label])
        for lesion in reading.lesions
        if lesion.status in POSITIVE and lesion.corrected_by is None and lesion.observations[0].volume_ml > 0
    ]


def _labels_at(focus: Focus, other: StudyReading, frames: Frames) -> npt.NDArray[np.float32]:
    """Labels of another study at the voxels of a focus, thinned; NaN outside its field."""
    assert focus.reading.found is not None and other.found is not None
    voxels = focus.voxels[:: max(1, len(focus.voxels) // 4000)]
    points = focus.reading.found.labels.grid.to_lps(voxels)
    bridge = frames.between(focus.reading.study.id, other.study.id)
    return sample(other.found.labels, bridge.to_moving(points))


def holds(mass: Focus, focus: Focus, frames: Frames) -> bool:
    """Whether a focus lies mostly in the outline of a mass of another study."""
    return float(np.mean(_labels_at(focus, mass.reading, frames) == mass.label)) >= INSIDE


def measured(reading: StudyReading, lesion: Lesion, voxels: Voxels, label: int, method: str) -> Lesion:
    """A lesion of the liver with the one observation that its voxels in a study give."""
    assert reading.suv is not None and reading.tracer is not None
    before = lesion.observations[0]
    same_study = before.study == reading.study.id
    seen = observed(
        reading.suv,
        voxels,
        reading.study.id,
        label,
        method=method,
        threshold=before.mask_threshold_suv if same_study else None,
        background=before.local_background if same_study else None,
        references=reading.study.references,
    )
    update: dict[str, object] = {"flags": ("confluent",) if lesion.confluent else ()}
    if reading.ct is not None:
        hu = sample_at_voxels(reading.ct, reading.suv.grid, voxels)
        hu = hu[np.isfinite(hu)]
        if len(hu):
            update |= {"ct_mean_hu": float(hu.mean()), "ct_sd_hu": float(hu.std())}
    if same_study:
        update |= {"ct_correlate": before.ct_correlate, "organ_distances_mm": before.organ_distances_mm}
        update["flags"] = tuple(dict.fromkeys((*before.flags, *update["flags"])))  # type: ignore[misc]
    minutes = reading.study.acquisition.uptake_minutes
    graded = grade_observation(
        seen.model_copy(update=update),
        reading.study,
        reading.tracer,
        in_liver=lesion.tissue == "liver",
        at_liver_level=False,
        hours=None if minutes is None else round(minutes / 60, 2),
    )
    return lesion.model_copy(update={"observations": (graded,)})


def labels_of(source: StudyReading, target: StudyReading, frames: Frames) -> tuple[Voxels, npt.NDArray[np.float32]]:
    """Voxels of the target's grid that lie in an outline of the source, and the source's label there."""
    assert source.found is not None and target.suv is not None
    grid = target.suv.grid
    bridge = frames.between(target.study.id, source.study.id)
    outlined = np.argwhere(source.found.labels.array > 0)
    index = grid.to_index(bridge.to_fixed(source.found.labels.grid.to_lps(outlined)))
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 3, grid.shape)
    if np.any(high <= low):
        return np.zeros((0, 3), np.int64), np.zeros(0, np.float32)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    there = sample(source.found.labels, bridge.to_moving(grid.to_lps(voxels)))
    inside = np.isfinite(there) & (there > 0)
    return voxels[inside], there[inside]
