"""What a reader corrects: found again by place, so that a correction survives a re-run.

A corrections file is YAML, kept as ``corrections.yaml`` beside the results or given with ``--corrections``::

    version: 1
    foci:
      - {study: study-2, at_mm: [12.0, -45.5, 610.0], lesion: lesion-4, by: AB}      # this focus is lesion-4
      - {study: study-1, at_mm: [80.1, 33.0, 402.0], status: rejected, by: AB, note: accessory spleen}
    added:
      - {study: study-1, at_mm: [20.0, 10.0, 500.0], diameter_mm: 14, tissue: liver, by: AB, name: seen on MRI}
      - {study: study-1, mask: contours.dcm, roi: lesion 1, tissue: liver, by: AB, lesion: lesion-1}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import Field, ValidationError, model_validator
from scipy import ndimage as ndi

from lutetia.dicom.masks import load_label_masks
from lutetia.imaging.measures import measure
from lutetia.model import InputError, Issue, Lesion, Observation, Point, Record, Side, Tissue, Volume
from lutetia.reading.grading import grade_observation
from lutetia.reading.study import StudyReading

#: a focus is the one corrected when one of its voxels lies within this of the given place
NEAR_MM = 10.0
#: a place is hotter than its surroundings when its core is above them by this factor
HOTTER = 1.3
_REGIONS: dict[str, Literal["liver", "lymph_nodes", "bone", "lung"]] = {
    "liver": "liver",
    "lymph_node": "lymph_nodes",
    "bone": "bone",
    "lung": "lung",
}


class FocusCorrection(Record):
    """What a reader says of one focus."""

    study: str
    at_mm: Point
    by: str = Field(min_length=1)
    lesion: str | None = Field(default=None, pattern=r"^lesion-[1-9]\d*$")
    status: Literal["candidate", "confirmed", "rejected", "physiological"] | None = None
    site: str | None = None
    tissue: Tissue | None = None
    note: str = ""


class AddedLesion(Record):
    """A lesion given by hand: seen on CT or MRI, missed by the search, or outlined by a reader.

    Either `at_mm` with `diameter_mm`, or `mask` (NIfTI, DICOM SEG, RTSTRUCT; relative to the corrections file), with
    `roi` naming the region when the file holds several. `lesion` gives it the identity of a lesion of the course.
    """

    study: str
    at_mm: Point | None = None
    diameter_mm: float | None = Field(default=None, gt=0, le=300)
    mask: str | None = None
    roi: str | None = None
    lesion: str | None = Field(default=None, pattern=r"^lesion-[1-9]\d*$")
    tissue: Tissue
    by: str = Field(min_length=1)
    site: str = ""
    side: Side | None = None
    name: str = ""

    @model_validator(mode="after")
    def _has_a_place(self) -> AddedLesion:
        sphere = self.at_mm is not None and self.diameter_mm is not None
        if sphere == (self.mask is not None):
            raise ValueError("give either at_mm with diameter_mm, or mask")
        return self


class Corrections(Record):
    """A corrections file."""

    version: Literal[1] = 1
    foci: tuple[FocusCorrection, ...] = ()
    added: tuple[AddedLesion, ...] = ()


def load_corrections(path: str | Path) -> Corrections:
    """Read a corrections file.

    Raises
    ------
    InputError
        ``bad-corrections`` naming the field at fault.
    """
    try:
        data: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError("bad-corrections", f"The corrections can't be read: {error}", where=str(path)) from error
    try:
        corrections = Corrections.model_validate(data or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise InputError(
            "bad-corrections",
            f"{place}: {first['msg']}",
            where=str(path),
            expected="foci and added as the documentation of corrections shows",
            remedy="mend the field, or leave it out",
        ) from error
    folder = Path(path).parent
    added = tuple(
        a.model_copy(update={"mask": str(folder / a.mask)}) if a.mask is not None else a for a in corrections.added
    )
    return corrections.model_copy(update={"added": added})


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
            own = _add(reading, added)
            if own is not None and added.lesion is not None:
                numbers[name, own] = int(added.lesion.removeprefix("lesion-"))
    return numbers


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


def _voxels(reading: StudyReading, added: AddedLesion) -> np.ndarray:
    """Voxels of a lesion given by hand, (n, 3)."""
    assert reading.suv is not None
    if added.at_mm is not None and added.diameter_mm is not None:
        return _sphere(reading.suv, added.at_mm, added.diameter_mm)
    masks = load_label_masks(str(added.mask), reading.suv.grid, reading.selection.pet)
    if added.roi is None and len(masks) == 1:
        return np.argwhere(next(iter(masks.values())))
    if added.roi not in masks:
        raise InputError(
            "no-such-region",
            f"The mask holds no region {added.roi!r}",
            where=str(added.mask),
            expected="roi: " + ", ".join(sorted(masks)),
        )
    return np.argwhere(masks[added.roi])


def _replace_overlapping(reading: StudyReading, voxels: np.ndarray, by: str) -> None:
    """Foci that lie mostly in a region drawn by hand give way to it."""
    assert reading.found is not None
    labels = reading.found.labels.array
    numbers, counts = np.unique(labels[tuple(voxels.T)], return_counts=True)
    sizes = np.bincount(labels[labels > 0].ravel(), minlength=int(labels.max()) + 1)
    gone = {int(n) for n, c in zip(numbers, counts, strict=True) if n > 0 and c >= 0.3 * min(sizes[n], len(voxels))}
    for lesion in reading.lesions:
        if lesion.observations[0].label in gone:
            message = f"The focus at {lesion.site} gives way to the outline given by {by}"
            reading.issues.append(Issue(code="replaced-by-hand", level="info", message=message, study=reading.study.id))
    if gone:
        labels[np.isin(labels, list(gone))] = 0
        reading.lesions = tuple(x for x in reading.lesions if x.observations[0].label not in gone)


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


def _core_mean(suv: Volume, voxels: np.ndarray) -> float:
    """Mean of the inner part of a region: the half of its voxels deepest inside."""
    spacing = np.asarray(suv.grid.spacing_mm)
    low = voxels.min(axis=0) - 1
    region = np.zeros(voxels.max(axis=0) - low + 2, bool)
    region[tuple((voxels - low).T)] = True
    depth = ndi.distance_transform_edt(region, sampling=spacing)[tuple((voxels - low).T)]
    inner = voxels[depth >= np.median(depth)]
    return float(suv.array[tuple(inner.T)].mean(dtype=np.float64))


def _add(reading: StudyReading, added: AddedLesion) -> str | None:
    """Measure a lesion given by hand in its study and add it to the label map; returns its id in that study."""
    name = reading.study.id
    if reading.suv is None or reading.found is None:
        message = f"The lesion added by {added.by} can't be measured: this study has no SUV"
        reading.issues.append(Issue(code="added-lesion-not-measured", message=message, study=name))
        return None
    voxels = _voxels(reading, added)
    if not len(voxels):
        message = f"The lesion added by {added.by} lies outside the PET"
        reading.issues.append(Issue(code="added-lesion-outside", message=message, study=name))
        return None
    if added.mask is not None:
        _replace_overlapping(reading, voxels, added.by)
    labels = reading.found.labels
    label = max(int(labels.array.max()), *(x.observations[0].label for x in reading.lesions), 0) + 1
    free = voxels[labels.array[tuple(voxels.T)] == 0]
    own = free if len(free) and added.mask is None else voxels
    labels.array[tuple(own.T)] = label
    m = measure(reading.suv, own)
    core_mean, background = _core_mean(reading.suv, own), _surroundings(reading.suv, own)
    flags = ["by_hand"]
    if background is not None and core_mean < HOTTER * background:
        flags.append("not_hotter_than_surroundings")
    shape = (
        f"sphere of {added.diameter_mm:g} mm" if added.diameter_mm is not None else f"outline {added.roi or ''}".strip()
    )
    observation = Observation(
        study=name,
        label=label,
        suv_max=m.suv_max,
        suv_mean=m.suv_mean,
        suv_peak=m.suv_peak,
        suv_peak_global=m.suv_peak_global,
        suv_sd=m.suv_sd,
        coefficient_of_variation=m.coefficient_of_variation,
        volume_ml=m.volume_ml,
        tlu=m.tlu,
        centroid_mm=m.centroid_mm,
        max_position_mm=m.max_position_mm,
        long_axis_mm=added.diameter_mm if added.diameter_mm is not None else m.long_axis_mm,
        short_axis_mm=m.short_axis_mm,
        local_background=background,
        mask_method=f"{shape} given by {added.by}",
        core_mean=core_mean,
        flags=tuple(flags),
    )
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
