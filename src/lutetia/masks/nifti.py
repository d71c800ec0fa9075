"""A mask in a NIfTI file: whole-numbered labels, their place, and their names as far as the file or its folder tells.

The one door for such files: organs given with ``--organs``, references, lesions drawn by hand, regions of statistics.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.model import InputError

ENDINGS = (".nii", ".nii.gz")
#: labels up to here are counted one by one
_MANY = 1_000_000
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class NiftiMask:
    """Labels of a NIfTI file.

    Attributes
    ----------
    file : where it was read from
    data : (i, j, k), whole numbers, 0 outside; probabilities were cut at 0.5
    to_lps : 4 × 4, homogeneous index (i, j, k, 1) → LPS mm
    header_names : label → name, from a header extension as TotalSegmentator writes it; empty where it has none
    """

    file: Path
    data: npt.NDArray[Any]
    to_lps: npt.NDArray[np.float64]
    header_names: dict[int, str]

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return stem_of(self.file)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel."""
        return abs(float(np.linalg.det(self.to_lps[:3, :3]))) / 1000.0

    @cached_property
    def counts(self) -> dict[int, int]:
        """Voxels of every label above 0, in the order of the labels."""
        highest = int(self.data.max(initial=0))
        if highest > _MANY:  # sparse numbers, such as codes
            labels, found = np.unique(self.data[self.data > 0], return_counts=True)
            return {int(label): int(count) for label, count in zip(labels, found, strict=True)}
        counts = np.zeros(max(highest, 0) + 1, np.int64)
        for k in range(self.data.shape[2]):
            counts += np.bincount(self.data[:, :, k].clip(0).ravel(), minlength=len(counts))
        return {int(label): int(counts[label]) for label in np.flatnonzero(counts) if label > 0}

    @cached_property
    def names(self) -> tuple[dict[int, str], str]:
        """Names of the labels and where they stand: in the header, else in a file beside it; empty and "" if nowhere.

        A JSON file belongs to the mask when it has its name, or is MOOSE's ``…organ_indices.json`` with the longest
        shared beginning; a table (.tsv with columns index and name, as BIDS and ``lutetia read`` write it) when it
        has its name.
        """
        if self.header_names:
            return self.header_names, "names in its header"
        index = _index_file(self.file, self.stem)
        names = _names_from_json(index) if index is not None else {}
        if not names:
            index = self.file.with_name(f"{self.stem}.tsv")
            names = _names_from_table(index)
        return (names, f"names in {index.name}") if index is not None and names else ({}, "")


def is_nifti(file: Path) -> bool:
    """Whether a file's name says that it is NIfTI."""
    return file.name.lower().endswith(ENDINGS)


def stem_of(file: Path) -> str:
    """The file's name without its ending."""
    return re.sub(r"\.nii(\.gz)?$", "", file.name, flags=re.IGNORECASE)


def nifti_files(place: Path) -> list[Path]:
    """The NIfTI files of a folder, else of its folder ``segmentations`` (MOOSE); the file itself when it is one."""
    if not place.is_dir():
        return [place] if place.is_file() and is_nifti(place) else []
    files = sorted(p for p in place.iterdir() if is_nifti(p))
    inner = place / "segmentations"
    return files or (nifti_files(inner) if inner.is_dir() else [])


def unreadable(place: Path, what: str) -> InputError:
    """The error of a mask that is none."""
    return InputError(
        "mask-unreadable",
        what,
        where=str(place),
        expected="a NIfTI file (.nii, .nii.gz), a DICOM SEG or an RTSTRUCT",
        remedy="export the mask in one of these formats, with the place of the image it was drawn on",
    )


def read_nifti(file: Path) -> NiftiMask:
    """Read a mask.

    Raises
    ------
    InputError
        ``mask-unreadable``: no NIfTI, no volume, or a header that does not say where it lies.
    """
    import nibabel

    try:
        image = nibabel.load(str(file))
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, float)
        placed = any(int(image.header.get(key, 1)) for key in ("sform_code", "qform_code"))
        if data.dtype.kind not in "iu":
            data = _whole(np.nan_to_num(data))
    except Exception as error:  # nibabel and zlib raise many kinds on damaged files; each is one message here
        raise unreadable(file, f"The NIfTI file can't be read ({type(error).__name__}: {error})") from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3 or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise unreadable(file, f"The NIfTI file is no volume with a place (shape {data.shape})")
    if not placed:
        raise unreadable(file, "The NIfTI file does not say where it lies (sform_code and qform_code are 0)")
    return NiftiMask(file, data, _RAS_TO_LPS @ affine, _names_in_header(image))


def _whole(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if np.array_equal(data, np.round(data)) and np.abs(data).max(initial=0) < 2**31:
        return data.astype(np.int32)
    return (data > 0.5).astype(np.uint8)


def _names_in_header(image: Any) -> dict[int, str]:
    names: dict[int, str] = {}
    for extension in getattr(image.header, "extensions", []):
        content = extension.get_content()
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
        for key, name in re.findall(r'<Label\s[^>]*?Key="(\d+)"[^>]*>\s*<!\[CDATA\[(.*?)\]\]>', text, re.DOTALL):
            names[int(key)] = name.strip()
        for key, name in re.findall(r'<Label\s[^>]*?Key="(\d+)"[^>]*>(?:<[^>]*>)*\s*([\w .-]+?)\s*</Label>', text):
            names.setdefault(int(key), name)
    return names


def _names_from_json(file: Path) -> dict[int, str]:
    """MOOSE's ``{"organ_indices": {"8": {"name": "liver"}}}``, nnU-Net's name → number, or number → name."""
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
            names[value] = str(key)
    return names


def _names_from_table(file: Path) -> dict[int, str]:
    """A table of labels as BIDS lays it beside a ``dseg`` file; empty where there is none."""
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    except (OSError, ValueError, csv.Error):
        return {}
    return {int(r["index"]): r["name"] for r in rows if (r.get("index") or "").isdecimal() and r.get("name")}


def _index_file(file: Path, stem: str) -> Path | None:
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
    return max(shared)[1] if shared else None
