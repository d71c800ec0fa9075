"""Masks a user has, on the grid of a PET: NIfTI, DICOM SEG, RTSTRUCT, or a folder of NIfTI files.

A voxel belongs to a region when its centre lies inside: inside a closed contour in the contour's plane, inside a
voxel of a SEG or NIfTI that has another grid (nearest neighbour). PET is never resampled; masks are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom.contours import beyond, fill_contours, plane_reach
from lutetia.dicom.mask_region import Mask, Region, told_apart, unique_names
from lutetia.dicom.mask_seg import seg_regions
from lutetia.dicom.series import SeriesFiles
from lutetia.masks.nifti import is_nifti, nifti_files, read_nifti, stem_of, unreadable
from lutetia.masks.sampling import sampled, share_outside
from lutetia.model import Grid, InputError, Volume

_SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # bits or fractions, and label maps
_RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


def load_mask(path: str | os.PathLike[str], grid: Grid, series: SeriesFiles | None = None) -> Volume:
    """One mask on `grid`: the union of everything in the file.

    Parameters
    ----------
    path : NIfTI file, DICOM SEG, RTSTRUCT, or a folder of NIfTI files
    grid : the PET's grid
    series : the PET series; a SEG or RTSTRUCT that names it is accepted whatever its frame of reference

    Returns
    -------
    Volume
        bool array of the grid's shape, unit "mask".

    Raises
    ------
    InputError
        ``mask-unreadable``, ``mask-elsewhere`` (another frame of reference), ``mask-empty`` (nothing in it lies
        on the grid).
    """
    return Volume(union_of(load_regions(path, grid, series), path, grid), grid, "mask")


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


def load_label_masks(path: str | os.PathLike[str], grid: Grid, series: SeriesFiles | None = None) -> dict[str, Mask]:
    """Every region of a file or folder as a mask of its own, by name; see `load_regions`."""
    return {region.name: region.mask for region in load_regions(path, grid, series)}


def load_regions(path: str | os.PathLike[str], grid: Grid, series: SeriesFiles | None = None) -> list[Region]:
    """Every region of a file or folder on `grid`, each name once.

    Names are the segment label, the ROI name, the file's stem, or for a NIfTI label map the label's name from its
    header (TotalSegmentator writes them) or the JSON file beside it, or else its number. Regions that lie wholly
    outside the grid are all False.
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
        return _rtstruct_regions(dataset, grid, series)
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
        raise unreadable(file, f"The file can't be read as DICOM ({error})") from error
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
    if series is not None and series.series_instance_uid in _referenced_series(dataset):
        return
    raise InputError(
        "mask-elsewhere",
        "The mask lies in another frame of reference than the image",
        where=str(file),
        expected=f"frame of reference {grid.frame_of_reference_uid}, as the image",
        remedy="use the mask that was drawn on this study",
    )


def _referenced_series(dataset: Any) -> set[str]:
    found = {str(i.get("SeriesInstanceUID", "")) for i in dataset.get("ReferencedSeriesSequence", []) or []}
    for frame in dataset.get("ReferencedFrameOfReferenceSequence", []) or []:
        for study in frame.get("RTReferencedStudySequence", []) or []:
            for item in study.get("RTReferencedSeriesSequence", []) or []:
                found.add(str(item.get("SeriesInstanceUID", "")))
    return found


def _rtstruct_regions(dataset: Any, grid: Grid, series: SeriesFiles | None) -> list[Region]:
    """Closed contours of every ROI; each covers its plane and half the way to the next."""
    names = unique_names(
        {int(r.ROINumber): str(r.get("ROIName", r.ROINumber)) for r in dataset.StructureSetROISequence}
    )
    contours: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in names.values()}
    own = {i.sop_instance_uid for i in series.instances} if series is not None else set()
    drawn_on_it: dict[str, bool] = {}
    for roi in dataset.get("ROIContourSequence", []) or []:
        name = names.get(int(roi.ReferencedROINumber))
        if name is None:
            continue
        for contour in roi.get("ContourSequence", []) or []:
            if str(contour.get("ContourGeometricType", "CLOSED_PLANAR")).startswith("CLOSED"):
                contours[name].append(np.array(contour.ContourData, float).reshape(-1, 3))
                drawn_on_it[name] = drawn_on_it.get(name, True) and _image_of(contour) in own
    depths = [float(grid.to_index(c)[:, 0].mean()) for found in contours.values() for c in found]
    step_mm = grid.spacing_mm[0]
    regions = []
    for name, found in contours.items():
        of_roi = [float(grid.to_index(c)[:, 0].mean()) for c in found]
        reach = 0.5 if drawn_on_it.get(name) else plane_reach(of_roi, step_mm) or plane_reach(depths, step_mm) or 0.5
        regions.append(Region(name, fill_contours(found, grid, reach), beyond(found, grid)))
    return regions


def _image_of(contour: Any) -> str:
    """The image a contour was drawn on, as far as it says."""
    images = contour.get("ContourImageSequence", []) or []
    return str(images[0].get("ReferencedSOPInstanceUID", "")) if images else ""
