"""Masks a user has, on the grid of a PET: NIfTI, DICOM SEG, RTSTRUCT, or a folder of NIfTI files.

A voxel belongs to a region when its centre lies inside: inside a closed contour in the contour's plane, inside a
voxel of a SEG or NIfTI that has another grid (nearest neighbour). PET is never resampled; masks are.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom.contours import beyond, fill_contours, plane_reach
from lutetia.dicom.mask_region import Mask, Region, unique_names
from lutetia.dicom.mask_sampling import sampled, share_outside
from lutetia.dicom.mask_seg import seg_regions
from lutetia.dicom.series import SeriesFiles
from lutetia.model import Grid, InputError, Volume

_SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # bits or fractions, and label maps
_RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_NIFTI = (".nii", ".nii.gz")


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
    header (TotalSegmentator writes them) or else its number. Regions that lie wholly outside the grid are all False.
    """
    place = Path(path)
    if not place.exists():
        raise _unreadable(place, "There is no such file")
    if place.is_dir():
        files = sorted(p for p in place.iterdir() if p.name.lower().endswith(_NIFTI))
        if files:
            found = {region.name: region for file in files for region in _nifti_regions(file, grid)}
            return list(found.values())
        inside = sorted(p for p in place.rglob("*") if p.is_file())
        if len(inside) != 1:
            raise _unreadable(place, "The folder holds neither NIfTI files nor one single DICOM file")
        place = inside[0]
    if place.name.lower().endswith(_NIFTI):
        return _nifti_regions(place, grid)
    return _dicom_regions(place, grid, series)


def _unreadable(place: Path, what: str) -> InputError:
    return InputError(
        "mask-unreadable",
        what,
        where=str(place),
        expected="a NIfTI file (.nii, .nii.gz), a DICOM SEG or an RTSTRUCT",
        remedy="export the mask in one of these formats",
    )


# -- NIfTI --------------------------------------------------------------------------------------------------------


def _nifti_regions(file: Path, grid: Grid) -> list[Region]:
    import nibabel

    try:
        image = nibabel.load(str(file))
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, float)
        placed = any(int(image.header.get(key, 1)) for key in ("sform_code", "qform_code"))
    except Exception as error:
        raise _unreadable(file, f"The NIfTI file can't be read ({error})") from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3 or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise _unreadable(file, f"The NIfTI file is no volume with a place (shape {data.shape})")
    if not placed:
        raise _unreadable(file, "The NIfTI file does not say where it lies (sform_code and qform_code are 0)")
    if data.dtype.kind == "f":
        data = np.nan_to_num(data)
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    labels = sampled(data, to_lps, grid)
    stem = re.sub(r"\.nii(\.gz)?$", "", file.name, flags=re.IGNORECASE)
    present = np.unique(data)
    whole = data.dtype.kind in "iu" or bool(np.all(present == np.round(present)))
    inside = data > (0 if whole else 0.5)
    reaches = share_outside(inside, to_lps, grid) > 0
    if not whole or len(present[present != 0]) <= 1:
        return [Region(stem, labels > (0 if whole else 0.5), reaches)]
    names = _label_names(image)
    return [Region(names.get(int(v), str(int(v))), labels == v, reaches) for v in present if v > 0]


def _label_names(image: Any) -> dict[int, str]:
    """Label names that TotalSegmentator writes into the header extension."""
    names: dict[int, str] = {}
    for extension in getattr(image.header, "extensions", []):
        content = extension.get_content()
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
        for key, name in re.findall(r'<Label Key="(\d+)"[^>]*>.*?<!\[CDATA\[(.*?)\]\]>', text, re.DOTALL):
            names[int(key)] = name
        for key, name in re.findall(r'<Label\b[^>]*Key="(\d+)"[^>]*>(?:<[^>]*>)*\s*([\w .-]+?)\s*</Label>', text):
            names.setdefault(int(key), name)
    return names


# -- DICOM --------------------------------------------------------------------------------------------------------


def _dicom_regions(file: Path, grid: Grid, series: SeriesFiles | None) -> list[Region]:
    import pydicom

    try:
        dataset = pydicom.dcmread(file, force=False)
        kind = str(dataset.SOPClassUID)
    except Exception as error:
        raise _unreadable(file, f"The file can't be read as DICOM ({error})") from error
    if kind not in (*_SEG_CLASSES, _RTSTRUCT_CLASS):
        raise _unreadable(file, f"The DICOM file is no SEG and no RTSTRUCT ({dataset.SOPClassUID.name})")
    try:
        _same_place(dataset, file, grid, series)
        if kind in _SEG_CLASSES:
            return seg_regions(dataset, grid)
        return _rtstruct_regions(dataset, grid, series)
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(file, f"The mask can't be read ({type(error).__name__}: {error})") from error


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
