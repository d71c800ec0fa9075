"""What a study shows at the place of a lesion that is not a focus there: a value, not a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lutetia.imaging.matching import Focus
from lutetia.imaging.uptakes import Uptake, distinct_uptakes
from lutetia.model import Place, Volume
from lutetia.reading.course.cores import core_of
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.study import StudyReading

#: the ring around a place in which its background is taken, mm outside its radius
RING_MM = (5.0, 12.0)
#: share of the place that must be imaged
IN_FIELD = 0.5
#: density of bone with its marrow, HU: a lesion of bone is held against the bone around it, not against muscle or lung
BONE_HU = 100.0
#: an uptake belongs to a place when its peak lies so near a voxel of it; at this valley two peaks are resolved
NEAR_MM, VALLEY = 4.0, 0.26


@dataclass(frozen=True)
class CtContrast:
    """Density of a place against its surroundings, HU, with the standard error of the difference."""

    difference_hu: float
    error_hu: float

    @property
    def seen(self) -> bool:
        """Whether something is there: 15 HU and three standard errors."""
        return abs(self.difference_hu) > max(15.0, 3 * self.error_hu)


def sample(volume: Volume, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Nearest values at LPS points, (n,), NaN outside the image."""
    index = np.rint(volume.grid.to_index(points_mm)).astype(int)
    inside = np.all((index >= 0) & (index < np.array(volume.grid.shape)), axis=1)
    out = np.full(len(index), np.nan, np.float32)
    out[inside] = volume.array[tuple(index[inside].T)]
    return out


def ring(focus: Focus) -> npt.NDArray[np.float64]:
    """Points around a focus, 5 to 12 mm outside it, on a 4 mm lattice; LPS mm of the reference frame."""
    reach = RING_MM[1] + 2
    low, high = focus.points_mm.min(axis=0) - reach, focus.points_mm.max(axis=0) + reach
    axes = [np.arange(a, b + 4, 4.0) for a, b in zip(low, high, strict=True)]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    distance, _ = cKDTree(focus.points_mm).query(lattice)
    around: npt.NDArray[np.float64] = lattice[(distance >= RING_MM[0]) & (distance <= RING_MM[1])]
    return around


def ct_contrast(reading: StudyReading, focus: Focus, frames: Frames) -> CtContrast | None:
    """Density at a place against its ring on a study's CT (in bone: against bone); None without a CT there."""
    if reading.ct is None:
        return None
    inside = sample(reading.ct, frames.to_study(reading.study.id, focus.points_mm))
    around = sample(reading.ct, frames.to_study(reading.study.id, ring(focus)))
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if focus.tissue == "bone" and np.count_nonzero(around > BONE_HU) >= 20:
        around = around[around > BONE_HU]
    if len(inside) < 5 or len(around) < 20:
        return None
    # voxels of a CT are correlated over some mm: count an independent sample per 8 voxels
    error = float(np.hypot(inside.std() / np.sqrt(max(1.0, len(inside) / 8)), around.std() / np.sqrt(len(around) / 8)))
    return CtContrast(float(inside.mean() - np.median(around)), error)


def measure_place(reading: StudyReading, focus: Focus, frames: Frames) -> Place:
    """Uptake of a study at the place of a lesion.

    Parameters
    ----------
    reading : the study
    focus : the lesion's last shape, in the reference frame
    frames : alignments
    """
    name = reading.study.id
    if name not in frames.by_study or reading.suv is None:
        return Place(study=name, in_field=False, note="not aligned" if reading.suv is not None else "no SUV")
    points = frames.to_study(name, focus.points_mm)
    values = sample(reading.suv, points)
    imaged = np.isfinite(values)
    if imaged.mean() < IN_FIELD:
        return Place(study=name, in_field=False)
    around_mm = frames.to_study(name, ring(focus))
    around = sample(reading.suv, around_mm)
    if reading.found is not None:
        other = sample(reading.found.labels, around_mm)
        around = np.where(other > 0, np.nan, around)
    around = around[np.isfinite(around)]
    contrast = ct_contrast(reading, focus, frames)
    centre = points[imaged].mean(axis=0)
    inner = values[core_of(focus) & imaged]
    return Place(
        study=name,
        in_field=True,
        centroid_mm=(round(float(centre[0]), 2), round(float(centre[1]), 2), round(float(centre[2]), 2)),
        suv_max=round(float(np.nanmax(values)), 4),
        suv_mean=round(float(np.nanmean(values)), 4),
        background_mean=round(float(around.mean()), 4) if len(around) else None,
        background_sd=round(float(around.std()), 4) if len(around) else None,
        ct_correlate=None
        if contrast is None or not contrast.seen
        else f"{contrast.difference_hu:+.0f} HU against its surroundings",
        core_mean=round(float(inner.mean()), 4) if len(inner) else None,
    )


def focus_over(reading: StudyReading, focus: Focus, frames: Frames) -> str | None:
    """The candidate of a study whose outline holds more than half of a place; None where there is none."""
    if reading.found is None or reading.study.id not in frames.by_study:
        return None
    labels = sample(reading.found.labels, frames.to_study(reading.study.id, focus.points_mm))
    for lesion in reading.lesions:
        if lesion.status in POSITIVE and float(np.mean(labels == lesion.observations[0].label)) > 0.5:
            return lesion.site or lesion.tissue
    return None


def stands_out(place: Place) -> bool:
    """Whether the place is brighter than its surroundings, though it was not outlined as a focus."""
    if place.suv_mean is None or not place.background_mean:
        return False
    spread = place.background_sd or 0.0
    return place.suv_mean > max(1.5 * place.background_mean, place.background_mean + spread)


def uptake_at(reading: StudyReading, focus: Focus, place: Place, frames: Frames) -> Literal["focal", "runs on", "none"]:
    """What the uptake at the place of a lesion is that was not outlined there.

    Returns
    -------
    str
        "none": not above its surroundings, or not above blood pool (the lowest cut of the Krenning and PERCIST scales).
        "focal": a peak of its own at the place, within a closed contour. "runs on": brighter than its surroundings, but
        part of something larger, as marrow of a vertebra in fat, or a loop of bowel.
    """
    if reading.suv is None or not stands_out(place):
        return "none"
    here = own_uptakes(reading, focus, place, frames)
    blood = reading.study.references.get("blood_pool")
    floor = blood.suv_mean if blood is not None and blood.suv_mean is not None else 0.0
    if here:
        return "focal" if max(u.peak for u in here) > floor else "none"
    return "runs on" if (place.suv_mean or 0.0) > floor else "none"


def own_uptakes(reading: StudyReading, focus: Focus, place: Place, frames: Frames) -> list[Uptake]:
    """Uptakes of a study with a peak at the place of a lesion and a closed contour, hottest first."""
    assert reading.suv is not None
    points = frames.to_study(reading.study.id, focus.points_mm)
    found = distinct_uptakes(reading.suv, points, place.background_mean or 0.0, VALLEY)
    tree = cKDTree(points)
    return [u for u in found if tree.query(u.peak_mm)[0] <= NEAR_MM and not u.at_edge]
