"""The measured part of a study, written to and read from a stage folder: record, lesions, label maps, regions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.morphology import bounding_box
from lutetia.imaging.anatomy.record import Anatomy, VesselTrack
from lutetia.imaging.lesions import LesionResult
from lutetia.model import ConventionUse, Issue, Lesion, OrganRecord, Study, Volume
from lutetia.reading.study import StudyReading

#: what of the study's record is measured after the SUV stage; dates and identifiers stay out of the kept files
_MEASURED = ("anatomy_source", "organs", "references", "summary")


def keep(reading: StudyReading, folder: Path, issues_before: int) -> None:
    """Write what was measured after the SUV stage.

    Parameters
    ----------
    reading : a study read to its end
    folder : an empty folder
    issues_before : how many issues it had when the SUV stage ended; only later ones are kept
    """
    assert reading.anatomy is not None
    assert reading.found is not None
    found, anatomy = reading.found, reading.anatomy
    arrays: dict[str, Any] = {}
    for name, labels in (("lesions", found.labels.array), ("organs", anatomy.labels.array)):
        arrays[f"{name}_start"], arrays[name] = _cropped(labels)
    if anatomy.aorta is not None:
        arrays["aorta_centres"], arrays["aorta_radius"] = anatomy.aorta.centres_mm, anatomy.aorta.radius_mm
    regions = []
    for n, (name, region) in enumerate(sorted(reading.reference_regions.items())):
        arrays[f"region_{n}"] = np.packbits(region.mask)
        regions.append({"name": name, "start": [int(v) for v in region.start], "shape": region.mask.shape})
    _save_arrays(folder / "arrays.npz", arrays)
    record = {
        "study": reading.study.model_dump(mode="json", include=set(_MEASURED)),
        "lesions": [x.model_dump(mode="json") for x in reading.lesions],
        "issues": [i.model_dump(mode="json") for i in reading.issues[issues_before:]],
        "conventions": [c.model_dump(mode="json") for c in reading.conventions],
        "regions": regions,
        "anatomy": {
            "source": anatomy.source,
            "zones": sorted(anatomy.zones),
            "liver_side": anatomy.liver_side,
            "organs": [o.model_dump(mode="json") for o in anatomy.organs],
        },
        "found": {
            "liver_maximum_noise": found.liver_maximum_noise,
            "at_liver_limit": found.at_liver_limit,
            "at_liver_level": sorted(found.at_liver_level),
            "scheme": found.scheme,
        },
    }
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")


def _save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """An ``.npz`` as `numpy.savez_compressed` writes it, compressed fast instead of well: it is read once at most."""
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


def restore(reading: StudyReading, folder: Path) -> None:
    """Fill a study whose SUV stage is done with what an earlier run measured."""
    assert reading.suv is not None
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    grid = reading.suv.grid
    with np.load(folder / "arrays.npz") as arrays:
        lesion_array, organ_array = (
            _placed(arrays[name], arrays[f"{name}_start"], grid.shape) for name in ("lesions", "organs")
        )
        aorta = None
        if "aorta_centres" in arrays:
            aorta = VesselTrack(arrays["aorta_centres"], arrays["aorta_radius"])
        regions = {}
        for n, row in enumerate(record["regions"]):
            shape = tuple(row["shape"])
            size = int(np.prod(shape))
            mask = np.unpackbits(arrays[f"region_{n}"], count=size).astype(bool).reshape(shape)
            regions[row["name"]] = _region(tuple(row["start"]), mask)
    kept = Study.model_validate({**reading.study.model_dump(mode="json"), **record["study"]})
    a, f = record["anatomy"], record["found"]
    lesions = tuple(Lesion.model_validate(x) for x in record["lesions"])
    conventions = [ConventionUse.model_validate(c) for c in record["conventions"]]
    reading.anatomy = Anatomy(
        labels=Volume(organ_array, grid, "label"),
        organs=tuple(OrganRecord.model_validate(o) for o in a["organs"]),
        source=a["source"],
        zones=frozenset(a["zones"]),
        aorta=aorta,
        liver_side=a["liver_side"],
    )
    reading.found = LesionResult(
        labels=Volume(lesion_array, grid, "label"),
        lesions=lesions,
        issues=(),
        liver_maximum_noise=f["liver_maximum_noise"],
        at_liver_limit=f["at_liver_limit"],
        at_liver_level=frozenset(f["at_liver_level"]),
        conventions=tuple(conventions),
        scheme=f["scheme"],
    )
    reading.lesions = lesions
    reading.reference_regions = regions
    reading.conventions.extend(conventions)
    reading.issues.extend(Issue.model_validate(i) for i in record["issues"])
    measured = {name: getattr(kept, name) for name in _MEASURED}
    reading.study = reading.study.model_copy(update=measured)


def _cropped(labels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Where the labelled part of a map begins, and that part: most of a PET is outside the patient."""
    box = bounding_box(labels) or (slice(0, 0), slice(0, 0), slice(0, 0))
    return np.array([span.start for span in box]), labels[box]


def _placed(part: npt.NDArray[Any], start: npt.NDArray[np.int64], shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    """The map again from its labelled part."""
    out = np.zeros(shape, part.dtype)
    out[tuple(slice(int(low), int(low) + n) for low, n in zip(start, part.shape, strict=True))] = part
    return out


def _region(start: tuple[int, ...], mask: Any) -> Any:
    from lutetia.model.region import Region

    return Region((start[0], start[1], start[2]), mask)
