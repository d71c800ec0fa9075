"""Organ masks in NIfTI files: one file per organ, or label maps with names or a documented numbering."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import organ_names
from lutetia.masks.nifti import NiftiMask, nifti_files, read_nifti, stem_of, unreadable
from lutetia.masks.sampling import covered, sampled
from lutetia.model import Grid, InputError, Issue

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OrganMasks:
    """Organ masks on one grid.

    Attributes
    ----------
    masks : our organ name → boolean (z, y, x) on `grid`
    grid : the target grid
    source : what they are, for the record: "TotalSegmentator folder seg", "label map organs.nii.gz"
    covered : where the files' own grids reach on the target grid
    volumes_ml : organ → volume in its own file, before it was brought onto the grid
    unknown : names that were not recognised
    issues : what must be said
    """

    masks: dict[str, Mask]
    grid: Grid
    source: str
    covered: Mask
    volumes_ml: dict[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()


def _refuse(code: str, what: str, where: str, expected: str, remedy: str) -> InputError:
    return InputError(code, what, where=where, expected=expected, remedy=remedy)


def usable(given: OrganMasks, where: str) -> OrganMasks:
    """The masks, with an issue for names that are not known; refused where they can't be organs of this study.

    Raises
    ------
    InputError
        ``organs-none-known``, ``organs-empty`` (not one voxel in any), ``organs-elsewhere`` (none in the field).
    """
    if not given.masks:
        raise _refuse(
            "organs-none-known",
            "No organ name in it is known: " + (", ".join(given.unknown[:8]) or "there are no masks"),
            where,
            "organ names such as liver, spleen, kidney_left, aorta",
            "rename the files, labels or segments",
        )
    if not any(m.any() for m in given.masks.values()):
        empty = not any(v > 0 for v in given.volumes_ml.values())
        raise _refuse(
            "organs-empty" if empty else "organs-elsewhere",
            f"Not one voxel is in its {len(given.masks)} organ masks"
            if empty
            else "None of the organ masks lies in the field of this PET",
            where,
            "masks drawn on this study (same patient, same scan)",
            "run the program that made them again, or leave --organs out" if empty else "give the masks of this study",
        )
    if not given.unknown:
        return given
    names = ", ".join(dict.fromkeys(given.unknown[:12]))
    message = f"Not used, because the name is not known: {names}."
    issue = Issue(code="organ-names-unknown", level="info", message=message, where=Path(where).name)
    return replace(given, issues=(*given.issues, issue))


def _label_names(mask: NiftiMask, given: str | None) -> tuple[dict[int, str], str, Issue | None]:
    """Names of a label map's numbers, where they come from, and what must be said about it."""
    names, origin = mask.names
    if names:
        return names, origin, None
    file, present = mask.file, list(mask.counts)
    key = given or organ_names.numbering_for_file(mask.stem)
    if key is None:
        raise _refuse(
            "organs-without-names",
            f"The label map names none of its {len(present)} labels",
            str(file),
            "label names in its header or in a file beside it",
            f'put the names into {stem_of(file)}.json beside it, as {{"5": "liver", "1": "spleen"}}, or into '
            f"{stem_of(file)}.tsv with columns index and name",
        )
    if key not in organ_names.numberings():
        raise _refuse(
            "organs-numbering-unknown",
            f'There is no numbering "{key}"',
            str(file),
            "one of " + ", ".join(organ_names.numberings()),
            "name one of these, or put a JSON file with the names beside the label map",
        )
    names = organ_names.numbering(key)
    beyond = [n for n in present if n not in names]
    if beyond:
        raise _refuse(
            "organs-numbering-contradicts",
            f"The label map has label {beyond[0]}, which {organ_names.numbering_title(key)} does not use",
            str(file),
            f"labels of {organ_names.numbering_title(key)}",
            "put a JSON file with the names beside the label map",
        )
    issue = Issue(
        code="organ-numbering-assumed",
        message=f"{file.name} carries no label names; the numbering of {organ_names.numbering_title(key)} was used.",
        where=file.name,
    )
    return names, f"numbering of {organ_names.numbering_title(key)}", issue


def load_organ_masks(path: str | os.PathLike[str], grid: Grid, *, numbering: str | None = None) -> OrganMasks:
    """Organ masks from a NIfTI file or a folder of them, on `grid`.

    Reads as they are: a TotalSegmentator output folder (``liver.nii.gz`` …), its ``--ml`` label map, a MOOSE
    ``segmentations`` folder (label maps with ``*_organ_indices.json``, or the file names of MOOSE 2), any label map
    with names, any folder of one-organ files.

    Parameters
    ----------
    path : file or folder
    grid : the PET's grid (nearest voxel is taken; nothing is interpolated)
    numbering : a documented numbering for label maps without names (`organ_names.numberings`)

    Raises
    ------
    InputError
        ``mask-unreadable``, ``organs-without-names``, ``organs-numbering-unknown``, ``organs-numbering-contradicts``,
        ``organs-none-known``, ``organs-empty``, ``organs-elsewhere``.
    """
    place = Path(path)
    files = nifti_files(place)
    if not files:
        raise unreadable(place, "There is no NIfTI file to read organs from")
    masks: dict[str, Mask] = {}
    volumes: dict[str, float] = {}
    covers = np.zeros(grid.shape, bool)
    unknown: list[str] = []
    issues: list[Issue] = []
    how: list[str] = []
    for file in files:
        single = organ_names.organ_of(stem_of(file))
        if single == "":
            continue
        mask = read_nifti(file)
        gathered = sampled(mask.data, mask.to_lps, grid)
        covers |= covered(mask.data.shape, mask.to_lps, grid)
        if single is not None and len(mask.counts) <= 1:
            masks[single] = masks.get(single, np.zeros(grid.shape, bool)) | (gathered > 0)
            volumes[single] = volumes.get(single, 0.0) + sum(mask.counts.values()) * mask.voxel_ml
            how.append("one file per organ")
            continue
        if len(mask.counts) <= 1 and not mask.names[0]:
            if len(files) == 1 or mask.counts:
                unknown.append(mask.stem)
            continue
        names, origin, issue = _label_names(mask, numbering)
        how.append(origin)
        if issue is not None:
            issues.append(issue)
        unknown += [f"label {n}" for n in mask.counts if n not in names]
        for number, name in names.items():
            organ = organ_names.organ_of(name)
            if organ is None:
                if number in mask.counts:
                    unknown.append(name)
                continue
            if organ:
                masks[organ] = masks.get(organ, np.zeros(grid.shape, bool)) | (gathered == number)
                volumes[organ] = volumes.get(organ, 0.0) + mask.counts.get(number, 0) * mask.voxel_ml
    source = f"user masks {place.name} ({'; '.join(dict.fromkeys(how))})"
    return usable(OrganMasks(masks, grid, source, covers, volumes, tuple(unknown), tuple(issues)), str(place))
