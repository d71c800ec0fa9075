"""A lesion given by hand is measured like any other: a sphere at a place, or an outline that a reader drew."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage as ndi

from lutetia.dicom.mask_region import region_issues
from lutetia.dicom.masks import load_regions
from lutetia.imaging.lesions.observed import observed
from lutetia.model import InputError, Issue, Lesion, Observation, Point, Volume
from lutetia.reading.corrections_file import AddedLesion
from lutetia.reading.grading import grade_observation
from lutetia.reading.study import StudyReading

#: a place is hotter than its surroundings when its core is above them by this factor
HOTTER = 1.3
#: a sphere is the candidate that holds more than so large a share of it, if that is at most so many times as large
SAME_SHARE, SAME_TIMES = 0.5, 8.0
_REGIONS: dict[str, Literal["liver", "lymph_nodes", "bone", "lung"]] = {
    "liver": "liver",
    "lymph_node": "lymph_nodes",
    "bone": "bone",
    "lung": "lung",
}


def _sphere(volume: Volume, at_mm: Point, diameter_mm: float) -> np.ndarray:
    index = volume.grid.to_index(at_mm)
    spacing = np.asarray(volume.grid.spacing_mm)
    reach = np.ceil(diameter_mm / 2 / spacing).astype(int) + 1
    low = np.maximum(np.floor(index).astype(int) - reach, 0)
    high = np.minimum(np.ceil(index).astype(int) + reach + 1, volume.grid.shape)
    if np.any(high <= low):
        return np.zeros((0, 3), int)
    box = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), -1)
    points = box.reshape(-1, 3)
    distance = np.linalg.norm((points - index) * spacing, axis=1)
    inside = points[distance <= max(diameter_mm / 2, float(spacing.min()) / 2)]
    return inside if len(inside) else points[[int(distance.argmin())]]


def voxels_by_hand(reading: StudyReading, added: AddedLesion) -> np.ndarray:
    """Voxels of a lesion given by hand, (n, 3)."""
    assert reading.suv is not None
    if added.at_mm is not None and added.diameter_mm is not None:
        return _sphere(reading.suv, added.at_mm, added.diameter_mm)
    regions = load_regions(str(added.mask), reading.suv.grid, reading.selection.pet)
    chosen = next((r for r in regions if r.name == added.roi or (added.roi is None and len(regions) == 1)), None)
    if chosen is None:
        raise InputError(
            "no-such-region",
            f"The mask holds no region {added.roi!r}",
            where=str(added.mask),
            expected="roi: " + ", ".join(sorted(r.name for r in regions)),
        )
    found = region_issues([chosen], Path(str(added.mask)).name)
    reading.issues.extend(i.model_copy(update={"study": reading.study.id}) for i in found)
    return np.argwhere(chosen.mask)


def _replace_overlapping(reading: StudyReading, voxels: np.ndarray, by: str) -> None:
    """Foci that lie mostly in a region drawn by hand give way to it; of any other it is cut out."""
    assert reading.found is not None
    labels = reading.found.labels.array
    numbers, counts = np.unique(labels[tuple(voxels.T)], return_counts=True)
    sizes = np.bincount(labels[labels > 0].ravel(), minlength=int(labels.max()) + 1)
    held = {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n > 0}
    gone = {
        n for n, c in held.items() if c >= 0.3 * min(sizes[n], len(voxels)) and sizes[n] <= SAME_TIMES * len(voxels)
    }
    for lesion in reading.lesions:
        label = lesion.observations[0].label
        if label in gone:
            message = f"The focus at {lesion.site} gives way to the outline given by {by}"
            reading.issues.append(Issue(code="replaced-by-hand", level="info", message=message, study=reading.study.id))
        elif label in held and lesion.counts:
            _cut_out(reading, lesion, voxels)
    if gone:
        labels[np.isin(labels, list(gone))] = 0
        reading.lesions = tuple(x for x in reading.lesions if x.observations[0].label not in gone)


def _cut_out(reading: StudyReading, lesion: Lesion, voxels: np.ndarray) -> None:
    """Measure a lesion without the voxels that another one was given: each voxel counts once."""
    from lutetia.reading.course.confluent_foci import measured

    assert reading.found is not None
    labels, seen = reading.found.labels.array, lesion.observations[0]
    labels[tuple(voxels[labels[tuple(voxels.T)] == seen.label].T)] = 0
    rest = np.argwhere(labels == seen.label)
    if not len(rest):
        reading.lesions = tuple(x for x in reading.lesions if x is not lesion)
        return
    method = "; ".join(filter(None, (seen.mask_method, "without what was given by hand")))
    less = measured(reading, lesion, rest, seen.label, method)
    reading.lesions = tuple(less if x is lesion else x for x in reading.lesions)


def _place_sphere(reading: StudyReading, sphere: np.ndarray) -> tuple[Lesion | None, np.ndarray]:
    """The candidate that a sphere is, None where it is none, and the voxels that are its own.

    A sphere inside a mass many times its size is cut out of it. Of a neighbour it takes nothing; what was set apart as
    physiological gives way.
    """
    assert reading.found is not None
    under = reading.found.labels.array[tuple(sphere.T)]
    foci = [x for x in reading.lesions if x.counts]
    shares = {x.id: float(np.mean(under == x.observations[0].label)) for x in foci}
    holder = next((x for x in foci if shares[x.id] > SAME_SHARE), None)
    if holder is not None:
        sphere_ml = len(sphere) * reading.found.labels.grid.voxel_ml
        if holder.observations[0].volume_ml <= SAME_TIMES * sphere_ml:
            return holder, sphere
        _cut_out(reading, holder, sphere)
    neighbours = [x.observations[0].label for x in foci if x is not holder]
    return None, sphere[~np.isin(under, neighbours)]


def _confirmed(reading: StudyReading, focus: Lesion, added: AddedLesion) -> str:
    """A lesion given by hand that the search had found: the focus keeps its outline and is confirmed."""
    reason = (
        f"added by {added.by}" + (f": {added.name}" if added.name else "") + f"; found by the search at {focus.site}"
    )
    update: dict[str, object] = {"status": "confirmed", "status_reason": reason, "corrected_by": added.by}
    update |= {"site": added.site} if added.site else {}
    update |= {"side": added.side} if added.side else {}
    message = f"The lesion added by {added.by} is the focus at {focus.site}: measured in the outline of the search"
    reading.issues.append(Issue(code="added-lesion-found", level="info", message=message, study=reading.study.id))
    reading.lesions = tuple(x.model_copy(update=update) if x is focus else x for x in reading.lesions)
    return focus.id


def _surroundings(suv: Volume, voxels: np.ndarray) -> float | None:
    """Median uptake 4 to 12 mm around a region."""
    spacing = np.asarray(suv.grid.spacing_mm)
    margin = np.ceil(12.0 / spacing).astype(int)
    low = np.maximum(voxels.min(axis=0) - margin, 0)
    high = np.minimum(voxels.max(axis=0) + margin + 1, suv.grid.shape)
    region = np.zeros(high - low, bool)
    region[tuple((voxels - low).T)] = True
    distance = ndi.distance_transform_edt(~region, sampling=spacing)
    shell = suv.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]][(distance > 4) & (distance <= 12)]
    return float(np.median(shell)) if shell.size else None


def add_by_hand(reading: StudyReading, added: AddedLesion) -> str | None:
    """Measure a lesion given by hand in its study and add it to the label map; returns its id in that study."""
    name = reading.study.id
    if reading.suv is None or reading.found is None:
        message = f"The lesion added by {added.by} can't be measured: this study has no SUV"
        reading.issues.append(Issue(code="added-lesion-not-measured", message=message, study=name))
        return None
    voxels = voxels_by_hand(reading, added)
    if not len(voxels):
        message = f"The lesion added by {added.by} lies outside the PET"
        reading.issues.append(Issue(code="added-lesion-outside", message=message, study=name))
        return None
    if added.mask is not None:
        _replace_overlapping(reading, voxels, added.by)
        own = voxels
    else:
        same, own = _place_sphere(reading, voxels)
        if same is not None:
            return _confirmed(reading, same, added)
    labels = reading.found.labels
    label = max(int(labels.array.max()), *(x.observations[0].label for x in reading.lesions), 0) + 1
    labels.array[tuple(own.T)] = label
    shape = (
        f"sphere of {added.diameter_mm:g} mm" if added.diameter_mm is not None else f"outline {added.roi or ''}".strip()
    )
    background = _surroundings(reading.suv, own)
    method, references = f"{shape} given by {added.by}", reading.study.references
    observation = observed(reading.suv, own, name, label, method=method, background=background, references=references)
    update: dict[str, object] = {"flags": ("by_hand",)}
    if background is not None and (observation.core_mean or 0.0) < HOTTER * background:
        update["flags"] = ("by_hand", "not_hotter_than_surroundings")
    if added.diameter_mm is not None:
        update["long_axis_mm"] = added.diameter_mm
    observation = observation.model_copy(update=update)
    lesion = Lesion(
        id=f"L{label}",
        site=added.site or added.tissue.replace("_", " "),
        side=added.side,
        region=_REGIONS.get(added.tissue, "other"),
        tissue=added.tissue,
        status="confirmed",
        status_reason=f"added by {added.by}" + (f": {added.name}" if added.name else ""),
        corrected_by=added.by,
        observations=(_graded(reading, observation, added.tissue),),
    )
    reading.lesions = (*reading.lesions, lesion)
    return lesion.id


def _graded(reading: StudyReading, observation: Observation, tissue: str) -> Observation:
    if reading.tracer is None:
        return observation
    minutes = reading.study.acquisition.uptake_minutes
    return grade_observation(
        observation,
        reading.study,
        reading.tracer,
        in_liver=tissue == "liver",
        at_liver_level=False,
        hours=None if minutes is None else round(minutes / 60, 2),
    )
