"""What a reader corrects: found again by place, so that a correction survives a re-run.

A corrections file is YAML, kept as ``corrections.yaml`` beside the results or given with ``--corrections``::

    version: 1
    foci:
      - {study: study-2, at_mm: [12.0, -45.5, 610.0], lesion: lesion-4, by: AB}      # this focus is lesion-4
      - {study: study-1, at_mm: [80.1, 33.0, 402.0], status: rejected, by: AB, note: accessory spleen}
    added:
      - {study: study-1, at_mm: [20.0, 10.0, 500.0], diameter_mm: 14, tissue: liver, by: AB, name: seen on MRI}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import Field, ValidationError

from lutetia.imaging.measures import measure
from lutetia.model import InputError, Issue, Lesion, Observation, Point, Record, Side, Tissue, Volume
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
    """A lesion given by hand: seen on CT or MRI, or missed by the search."""

    study: str
    at_mm: Point
    diameter_mm: float = Field(gt=0, le=300)
    tissue: Tissue
    by: str = Field(min_length=1)
    site: str = ""
    side: Side | None = None
    name: str = ""


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
        return Corrections.model_validate(data or {})
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
            _add(reading, added)
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


def _add(reading: StudyReading, added: AddedLesion) -> None:
    """Measure a lesion given by hand in its study and add it to the label map."""
    if reading.suv is None or reading.found is None:
        message = f"The lesion added by {added.by} can't be measured: this study has no SUV"
        reading.issues.append(Issue(code="added-lesion-not-measured", message=message, study=reading.study.id))
        return
    voxels = _sphere(reading.suv, added.at_mm, added.diameter_mm)
    if not len(voxels):
        message = f"The lesion added by {added.by} lies outside the PET"
        reading.issues.append(Issue(code="added-lesion-outside", message=message, study=reading.study.id))
        return
    labels = reading.found.labels
    label = int(labels.array.max()) + 1
    free = voxels[labels.array[tuple(voxels.T)] == 0]
    own = free if len(free) else voxels
    labels.array[tuple(own.T)] = label
    m = measure(reading.suv, own)
    core = _sphere(reading.suv, added.at_mm, added.diameter_mm * 0.6)
    core_mean = float(reading.suv.array[tuple(core.T)].mean())
    shell = _sphere(reading.suv, added.at_mm, added.diameter_mm + 20)
    distance = np.linalg.norm(
        (shell - reading.suv.grid.to_index(added.at_mm)) * np.asarray(reading.suv.grid.spacing_mm), axis=1
    )
    around = reading.suv.array[tuple(shell[distance > added.diameter_mm / 2 + 4].T)]
    background = float(np.median(around)) if len(around) else None
    flags = ["by_hand"]
    if background is not None and core_mean < HOTTER * background:
        flags.append("not_hotter_than_surroundings")
    observation = Observation(
        study=reading.study.id,
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
        long_axis_mm=added.diameter_mm,
        local_background=background,
        mask_method=f"sphere of {added.diameter_mm:g} mm given by {added.by}",
        core_mean=core_mean,
        flags=tuple(flags),
    )
    lesion = Lesion(
        id=f"L{label}",
        site=added.site or added.tissue.replace("_", " "),
        side=added.side,
        region={"liver": "liver", "lymph_node": "lymph_nodes", "bone": "bone", "lung": "lung"}.get(
            added.tissue, "other"
        ),
        tissue=added.tissue,
        status="confirmed",
        status_reason=f"added by {added.by}" + (f": {added.name}" if added.name else ""),
        corrected_by=added.by,
        observations=(observation,),
    )
    if reading.tracer is not None:
        from lutetia.reading.course.therapy import hours_after_injection
        from lutetia.reading.grading import grade_observation

        graded = grade_observation(
            observation,
            reading.study,
            reading.tracer,
            in_liver=added.tissue == "liver",
            at_liver_level=False,
            hours=hours_after_injection(reading),
        )
        lesion = lesion.model_copy(update={"observations": (graded,)})
    reading.lesions = (*reading.lesions, lesion)
