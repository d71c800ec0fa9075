"""Organ masks in NIfTI files: one file per organ, or label maps with names or a documented numbering."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import organ_names
from lutetia.model import Grid, InputError, Issue

Mask = npt.NDArray[np.bool_]
_ENDINGS = (".nii", ".nii.gz")


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


def nearest(data: npt.NDArray[Any], to_lps: npt.NDArray[np.float64], grid: Grid) -> tuple[npt.NDArray[Any], Mask]:
    """Gather the nearest voxel of `data` for every voxel centre of `grid`.

    Parameters
    ----------
    data : (i, j, k)
    to_lps : 4 × 4, homogeneous index (i, j, k, 1) → LPS mm
    grid : target

    Returns
    -------
    values (z, y, x), 0 outside; and where the target lies inside `data`
    """
    matrix = np.linalg.inv(to_lps) @ grid.affine
    matrix[np.abs(matrix) < 1e-6] = 0.0
    y, x = (np.arange(n, dtype=np.float64) for n in grid.shape[1:])
    values = np.zeros(grid.shape, data.dtype)
    inside = np.zeros(grid.shape, bool)
    limits = np.array(data.shape)
    for z in range(grid.shape[0]):
        index = [
            np.rint(matrix[a, 0] * z + matrix[a, 3] + matrix[a, 1] * y[:, None] + matrix[a, 2] * x[None, :]).astype(
                np.int32
            )
            for a in range(3)
        ]
        within = np.ones(grid.shape[1:], bool)
        for a in range(3):
            within &= (index[a] >= 0) & (index[a] < limits[a])
        if within.any():
            inside[z] = within
            values[z][within] = data[index[0][within], index[1][within], index[2][within]]
    return values, inside


def _refuse(code: str, what: str, where: str, expected: str, remedy: str) -> InputError:
    return InputError(code, what, where=where, expected=expected, remedy=remedy)


def _open(file: Path) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], Any]:
    import nibabel

    try:
        image = nibabel.load(str(file))
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, float)
    except Exception as error:
        raise _refuse(
            "organs-unreadable",
            f"The organ mask can't be read ({type(error).__name__}: {error})",
            str(file),
            "a NIfTI file",
            "write the file again, or leave it out of the folder",
        ) from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    placed = int(image.header.get("sform_code", 0)) > 0 or int(image.header.get("qform_code", 0)) > 0
    if data.ndim != 3 or not placed or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise _refuse(
            "organs-without-place",
            f"The organ mask is no volume with a place in the patient (shape {data.shape})",
            str(file),
            "a 3-D NIfTI file whose header says where it lies",
            "write it with the affine of the image it was drawn on",
        )
    if data.dtype.kind == "f":
        data = np.nan_to_num(data)
        whole = np.array_equal(data, np.round(data))
        data = data.astype(np.int32) if whole else (data > 0.5).astype(np.uint8)
    return data, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, image


def header_names(image: Any) -> dict[int, str]:
    """Label names in a NIfTI header extension, as TotalSegmentator writes them."""
    names: dict[int, str] = {}
    for extension in getattr(image.header, "extensions", []):
        content = extension.get_content()
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
        for key, name in re.findall(r'<Label\s[^>]*?Key="(\d+)"[^>]*>\s*<!\[CDATA\[(.*?)\]\]>', text, re.DOTALL):
            names[int(key)] = name.strip()
    return names


def _names_from_json(file: Path) -> dict[int, str]:
    """Label names in an index file: MOOSE's ``{"organ_indices": {"8": {"name": "liver"}}}``, or number → name."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    table = content.get("organ_indices", content.get("labels", content)) if isinstance(content, dict) else {}
    names: dict[int, str] = {}
    for key, value in table.items() if isinstance(table, dict) else ():
        if str(key).isdigit():
            name = value.get("name") if isinstance(value, dict) else value
            if isinstance(name, str):
                names[int(key)] = name
        elif isinstance(value, int) and not isinstance(value, bool):
            names[value] = str(key)  # nnU-Net's dataset.json: name → number
    return names


def _index_file(file: Path, stem: str) -> Path | None:
    """The index file that belongs to a label map: the same name, or MOOSE's with the longest shared beginning."""
    beside = sorted(file.parent.glob("*.json"))
    for candidate in beside:
        if candidate.stem.lower() == stem.lower():
            return candidate
    shared: list[tuple[int, Path]] = []
    for candidate in beside:
        name = candidate.stem.lower()
        if name.endswith("organ_indices"):
            prefix = name.removesuffix("organ_indices")
            if stem.lower().startswith(prefix):
                shared.append((len(prefix), candidate))
    if shared:
        return max(shared)[1]
    return None


def _label_names(
    file: Path, stem: str, image: Any, present: list[int], given: str | None
) -> tuple[dict[int, str], str, Issue | None]:
    """Names of a label map's numbers, where they come from, and what must be said about it."""
    names = header_names(image)
    if names:
        return names, "names in its header", None
    index = _index_file(file, stem)
    if index is not None:
        names = _names_from_json(index)
        if names:
            return names, f"names in {index.name}", None
    key = given or organ_names.numbering_for_file(stem)
    if key is None:
        raise _refuse(
            "organs-without-names",
            f"The label map names none of its {len(present)} labels",
            str(file),
            "label names in its header or in a JSON file beside it",
            "say which program wrote it: " + ", ".join(organ_names.numberings()),
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
        ``organs-unreadable``, ``organs-without-place``, ``organs-without-names``, ``organs-numbering-unknown``,
        ``organs-numbering-contradicts``, ``organs-none-known``, ``organs-elsewhere``.
    """
    place = Path(path)
    if place.is_dir():
        files = sorted(p for p in place.iterdir() if p.name.lower().endswith(_ENDINGS))
        if not files and (place / "segmentations").is_dir():
            return load_organ_masks(place / "segmentations", grid, numbering=numbering)
    else:
        files = [place] if place.is_file() and place.name.lower().endswith(_ENDINGS) else []
    if not files:
        raise _refuse(
            "organs-unreadable",
            "There is no NIfTI file to read organs from",
            str(place),
            "a .nii or .nii.gz file, or a folder of them",
            "give the folder that holds liver.nii.gz, or the label map",
        )
    masks: dict[str, Mask] = {}
    volumes: dict[str, float] = {}
    covered = np.zeros(grid.shape, bool)
    unknown: list[str] = []
    issues: list[Issue] = []
    how: list[str] = []
    for file in files:
        stem = re.sub(r"\.nii(\.gz)?$", "", file.name, flags=re.IGNORECASE)
        single = organ_names.organ_of(stem)
        if single == "":
            continue
        data, to_lps, image = _open(file)
        voxel_ml = abs(float(np.linalg.det(to_lps[:3, :3]))) / 1000.0
        counts = np.bincount(data.clip(0).ravel().astype(np.int64))
        present = [int(n) for n in np.flatnonzero(counts) if n > 0]
        gathered, inside = nearest(data, to_lps, grid)
        covered |= inside
        if single is not None and len(present) <= 1:
            masks[single] = masks.get(single, np.zeros(grid.shape, bool)) | (gathered > 0)
            volumes[single] = volumes.get(single, 0.0) + float(counts[1:].sum()) * voxel_ml
            how.append("one file per organ")
            continue
        if len(present) <= 1 and not header_names(image) and _index_file(file, stem) is None:
            if len(files) == 1 or present:
                unknown.append(stem)
            continue
        names, origin, issue = _label_names(file, stem, image, present, numbering)
        how.append(origin)
        if issue is not None:
            issues.append(issue)
        unknown += [f"label {n}" for n in present if n not in names]
        for number, name in names.items():
            organ = organ_names.organ_of(name)
            if organ is None:
                if number in present:
                    unknown.append(name)
                continue
            if organ:
                masks[organ] = masks.get(organ, np.zeros(grid.shape, bool)) | (gathered == number)
                own = float(counts[number]) * voxel_ml if number < len(counts) else 0.0
                volumes[organ] = volumes.get(organ, 0.0) + own
    if not masks:
        raise _refuse(
            "organs-none-known",
            "No organ name in it is known: " + ", ".join(unknown[:8]),
            str(place),
            "organ names such as liver, spleen, kidney_left, aorta",
            "rename the files or labels",
        )
    if not any(m.any() for m in masks.values()) and any(v > 0 for v in volumes.values()):
        raise _refuse(
            "organs-elsewhere",
            "None of the organ masks lies in the field of this PET",
            str(place),
            "masks drawn on this study (same patient, same scan)",
            "give the masks of this study",
        )
    if unknown:
        issues.append(
            Issue(
                code="organ-names-unknown",
                level="info",
                message=f"Not used, because the name is not known: {', '.join(sorted(set(unknown))[:12])}.",
                where=place.name,
            )
        )
    source = f"user masks {place.name} ({'; '.join(dict.fromkeys(how))})"
    return OrganMasks(masks, grid, source, covered, volumes, tuple(unknown), tuple(issues))
