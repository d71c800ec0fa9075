"""Masks a user has, on the grid of a PET: NIfTI, DICOM SEG, RTSTRUCT, or a folder of NIfTI files.

A voxel belongs to a region when its centre lies inside: inside a closed contour in the contour's plane, inside a
voxel of a SEG or NIfTI that has another grid (nearest neighbour). PET is never resampled; masks are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from lutetia.dicom.mask_region import Mask, Region, told_apart, unique_names
from lutetia.dicom.mask_rtstruct import referenced_series, rtstruct_regions
from lutetia.dicom.mask_seg import seg_regions
from lutetia.dicom.series import SeriesFiles
from lutetia.masks.nifti import is_nifti, nifti_files, read_nifti, stem_of, unreadable
from lutetia.masks.sampling import sampled, share_outside
from lutetia.model import Grid, InputError

_SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # bits or fractions, and label maps
_RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


def union_of(regions: list[Region], path: str | os.PathLike[str], grid: Grid) -> Mask:
    """All regions as one mask.

    Raises
    ------
    InputError
        ``mask-empty``: nothing in it lies on the grid.
    """
    union = np.zeros(grid.shape, bool)
    for region in regions:
        union |= region.mask
    if not union.any():
        raise InputError(
            "mask-empty",
            "The mask holds no voxel of this image",
            where=os.fspath(path),
            expected="a region that overlaps the image",
            remedy="check that the mask belongs to this series",
        )
    return union


def load_regions(path: str | os.PathLike[str], grid: Grid, series: SeriesFiles | None = None) -> list[Region]:
    """Every region of a file or folder on `grid`, each name once.

    Names are the segment label, the ROI name, the file's stem, or for a NIfTI label map the label's name from its
    header (TotalSegmentator writes them) or the JSON file beside it, or else its number. Regions that lie wholly
    outside the grid are all False.

    Parameters
    ----------
    path : NIfTI file, DICOM SEG, RTSTRUCT, or a folder of NIfTI files
    grid : the PET's grid
    series : the PET series; a SEG or RTSTRUCT that names it is accepted whatever its frame of reference

    Raises
    ------
    InputError
        ``mask-unreadable``, ``mask-elsewhere`` (another frame of reference), ``contour-not-in-slice``.
    """
    place = mask_file(path)
    if place.is_dir():
        files = nifti_files(place)
        return told_apart((stem_of(file), region) for file in files for region in _nifti_regions(file, grid))
    if is_nifti(place):
        return _nifti_regions(place, grid)
    return _dicom_regions(place, grid, series)


def mask_file(path: str | os.PathLike[str]) -> Path:
    """The file that holds the masks, or the folder of NIfTI files; told by names and headers, no voxel is read.

    Raises
    ------
    InputError
        ``mask-unreadable``: nothing is there, or nothing that holds masks.
    """
    place = Path(path)
    if not place.exists():
        raise unreadable(place, "There is no such file")
    if place.is_dir():
        if nifti_files(place):
            return place
        inside = sorted(p for p in place.rglob("*") if p.is_file())
        if len(inside) != 1:
            raise unreadable(place, "The folder holds neither NIfTI files nor one single DICOM file")
        place = inside[0]
    if not is_nifti(place):
        _dicom_kind(place)
    return place


# -- NIfTI --------------------------------------------------------------------------------------------------------


def _nifti_regions(file: Path, grid: Grid) -> list[Region]:
    mask = read_nifti(file)
    labels = sampled(mask.data, mask.to_lps, grid)
    names, _ = mask.names
    whole_map = len(mask.counts) <= 1
    by_label = {0: mask.stem} if whole_map else unique_names({n: names.get(n, str(n)) for n in mask.counts})
    regions = []
    for label, name in by_label.items():
        own = mask.data > 0 if whole_map else mask.data == label
        here = labels > 0 if whole_map else labels == label
        voxels = sum(mask.counts.values()) if whole_map else mask.counts[label]
        beyond = share_outside(own, mask.to_lps, grid) > 0
        regions.append(Region(name, here, beyond, voxels * mask.voxel_ml))
    return regions


# -- DICOM --------------------------------------------------------------------------------------------------------


def _dicom_regions(file: Path, grid: Grid, series: SeriesFiles | None) -> list[Region]:
    import pydicom

    kind = _dicom_kind(file)
    try:
        dataset = pydicom.dcmread(file, force=False)
        _same_place(dataset, file, grid, series)
        if kind in _SEG_CLASSES:
            return seg_regions(dataset, grid)
        return rtstruct_regions(dataset, grid, series)
    except InputError:
        raise
    except Exception as error:
        raise unreadable(file, f"The mask can't be read ({type(error).__name__}: {error})") from error


def _dicom_kind(file: Path) -> str:
    """The SOP class of a DICOM file with masks; its pixels are not read."""
    import pydicom

    try:
        head = pydicom.dcmread(file, force=False, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        kind = str(head.SOPClassUID)
    except Exception as error:
        raise unreadable(file, "The file is neither NIfTI nor DICOM") from error
    if kind not in (*_SEG_CLASSES, _RTSTRUCT_CLASS):
        raise unreadable(file, f"The DICOM file is no SEG and no RTSTRUCT ({head.SOPClassUID.name})")
    return kind


def _same_place(dataset: Any, file: Path, grid: Grid, series: SeriesFiles | None) -> None:
    frames = {str(dataset.get("FrameOfReferenceUID", "") or "")}
    for item in dataset.get("ReferencedFrameOfReferenceSequence", []) or []:
        frames.add(str(item.get("FrameOfReferenceUID", "") or ""))
    for item in dataset.get("StructureSetROISequence", []) or []:
        frames.add(str(item.get("ReferencedFrameOfReferenceUID", "") or ""))
    frames.discard("")
    if not frames or not grid.frame_of_reference_uid or grid.frame_of_reference_uid in frames:
        return
    if series is not None and series.series_instance_uid in referenced_series(dataset):
        return
    raise InputError(
        "mask-elsewhere",
        "The mask lies in another frame of reference than the image",
        where=str(file),
        expected=f"frame of reference {grid.frame_of_reference_uid}, as the image",
        remedy="use the mask that was drawn on this study",
    )
