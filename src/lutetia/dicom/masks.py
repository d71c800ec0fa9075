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

from lutetia.dicom.contours import fill_contours
from lutetia.dicom.series import SeriesFiles
from lutetia.model import Grid, InputError, Volume

Mask = npt.NDArray[np.bool_]
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
    masks = load_label_masks(path, grid, series)
    union = np.zeros(grid.shape, bool)
    for mask in masks.values():
        union |= mask
    if not union.any():
        raise InputError(
            "mask-empty",
            "The mask holds no voxel of this image",
            where=os.fspath(path),
            expected="a region that overlaps the image",
            remedy="check that the mask belongs to this series",
        )
    return Volume(union, grid, "mask")


def load_label_masks(path: str | os.PathLike[str], grid: Grid, series: SeriesFiles | None = None) -> dict[str, Mask]:
    """Every region of a file or folder as a mask of its own, by name.

    Names are the segment label, the ROI name, the file's stem, or for a NIfTI label map the label's name from its
    header (TotalSegmentator writes them) or else its number. Regions that lie wholly outside the grid are all False.
    """
    place = Path(path)
    if not place.exists():
        raise _unreadable(place, "There is no such file")
    if place.is_dir():
        files = sorted(p for p in place.iterdir() if p.name.lower().endswith(_NIFTI))
        if files:
            found: dict[str, Mask] = {}
            for file in files:
                found |= _nifti_masks(file, grid)
            return found
        inside = sorted(p for p in place.rglob("*") if p.is_file())
        if len(inside) != 1:
            raise _unreadable(place, "The folder holds neither NIfTI files nor one single DICOM file")
        place = inside[0]
    if place.name.lower().endswith(_NIFTI):
        return _nifti_masks(place, grid)
    return _dicom_masks(place, grid, series)


def _unreadable(place: Path, what: str) -> InputError:
    return InputError(
        "mask-unreadable",
        what,
        where=str(place),
        expected="a NIfTI file (.nii, .nii.gz), a DICOM SEG or an RTSTRUCT",
        remedy="export the mask in one of these formats",
    )


# -- NIfTI --------------------------------------------------------------------------------------------------------


def _nifti_masks(file: Path, grid: Grid) -> dict[str, Mask]:
    import nibabel

    try:
        image = nibabel.load(str(file))
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, float)
    except Exception as error:
        raise _unreadable(file, f"The NIfTI file can't be read ({error})") from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3 or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise _unreadable(file, f"The NIfTI file is no volume with a place (shape {data.shape})")
    if data.dtype.kind == "f":
        data = np.nan_to_num(data)
    labels = sampled(data, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, grid)
    stem = re.sub(r"\.nii(\.gz)?$", "", file.name, flags=re.IGNORECASE)
    values = np.unique(labels[labels != 0])
    whole = data.dtype.kind in "iu" or bool(np.all(values == np.round(values)))
    present = np.unique(data) if whole else values
    if not whole or len(present[present != 0]) <= 1:
        return {stem: labels > (0.5 if not whole else 0)}
    names = _label_names(image)
    return {names.get(int(v), str(int(v))): labels == v for v in present if v > 0}


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


def sampled(data: npt.NDArray[Any], to_lps: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[Any]:
    """Values of `data` at the voxel centres of `grid`, nearest neighbour, 0 outside.

    Parameters
    ----------
    data : array (i, j, k)
    to_lps : 4 × 4, homogeneous index (i, j, k, 1) → LPS mm
    grid : where to sample

    Returns
    -------
    array (z, y, x) of the same type
    """
    matrix = np.linalg.inv(to_lps) @ grid.affine
    matrix[np.abs(matrix) < 1e-9] = 0.0
    out = np.zeros(grid.shape, data.dtype)
    axes = [np.flatnonzero(np.abs(matrix[row, :3]) > 1e-6) for row in range(3)]
    if all(len(a) == 1 for a in axes) and len({int(a[0]) for a in axes}) == 3:
        # axes parallel: every source axis is picked along one target axis
        order = [int(a[0]) for a in axes]
        picks, holds = [], []
        for row, axis in enumerate(order):
            index = np.rint(matrix[row, axis] * np.arange(grid.shape[axis]) + matrix[row, 3]).astype(int)
            inside = (index >= 0) & (index < data.shape[row])
            picks.append(index[inside])
            holds.append(np.flatnonzero(inside))
        block = data[np.ix_(*picks)]
        target = [np.array([], int)] * 3
        for row, axis in enumerate(order):
            target[axis] = holds[row]
        out[np.ix_(*target)] = np.transpose(block, np.argsort(order))
        return out
    rows, columns = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[2]), indexing="ij")
    for z in range(grid.shape[0]):
        index = (
            matrix[:3, 0, None, None] * z
            + matrix[:3, 1, None, None] * rows
            + matrix[:3, 2, None, None] * columns
            + matrix[:3, 3, None, None]
        )
        nearest = np.rint(index).astype(int)
        inside = np.all((nearest >= 0) & (nearest < np.array(data.shape)[:, None, None]), axis=0)
        i, j, k = nearest[:, inside]
        out[z][inside] = data[i, j, k]
    return out


# -- DICOM --------------------------------------------------------------------------------------------------------


def _dicom_masks(file: Path, grid: Grid, series: SeriesFiles | None) -> dict[str, Mask]:
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
        return _seg_masks(dataset, grid) if kind in _SEG_CLASSES else _rtstruct_masks(dataset, grid)
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


def _seg_masks(dataset: Any, grid: Grid) -> dict[str, Mask]:
    """Segments of a DICOM SEG; frames that are left out are empty, and pixels of another grid are sampled."""
    names = {int(s.SegmentNumber): str(s.get("SegmentLabel", "") or s.SegmentNumber) for s in dataset.SegmentSequence}
    names = _unique(names)
    pixels = dataset.pixel_array
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    labelmap = str(dataset.get("SegmentationType", "")).upper() == "LABELMAP"
    if str(dataset.get("SegmentationType", "")).upper() == "FRACTIONAL":
        pixels = pixels >= max(1, int(dataset.get("MaximumFractionalValue", 255)) / 2)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    frames = dataset.PerFrameFunctionalGroupsSequence
    first = frames[0]

    def group(keyword: str) -> Any:
        return first[keyword].value[0] if keyword in first else shared[keyword].value[0]

    cosines = np.array(group("PlaneOrientationSequence").ImageOrientationPatient, float)
    spacing = np.array(group("PixelMeasuresSequence").PixelSpacing, float)
    row_axis, column_axis = cosines[:3], cosines[3:]
    normal = np.cross(row_axis, column_axis)
    positions = np.array(
        [
            (
                f.PlanePositionSequence[0] if "PlanePositionSequence" in f else shared.PlanePositionSequence[0]
            ).ImagePositionPatient
            for f in frames
        ],
        float,
    )
    depth = positions @ normal
    unique = np.unique(np.round(depth, 3))
    steps = np.diff(unique)
    step = float(steps.min()) if len(steps) else float(group("PixelMeasuresSequence").get("SliceThickness", 1.0))
    index = np.rint((depth - depth.min()) / step).astype(int)
    origin = positions[int(np.argmin(depth))]
    to_lps = np.eye(4)
    to_lps[:3, 0], to_lps[:3, 1], to_lps[:3, 2] = normal * step, column_axis * spacing[0], row_axis * spacing[1]
    to_lps[:3, 3] = origin
    shape = (int(index.max()) + 1, pixels.shape[1], pixels.shape[2])
    found: dict[str, Mask] = {}
    for number, name in names.items():
        volume = np.zeros(shape, bool)
        for k, frame in enumerate(frames):
            if labelmap:
                volume[index[k]] |= pixels[k] == number
            elif int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber) == number:
                volume[index[k]] |= pixels[k].astype(bool)
        found[name] = sampled(volume, to_lps, grid)
    return found


def _unique(names: dict[int, str]) -> dict[int, str]:
    """The same label twice gets its number."""
    seen = list(names.values())
    return {n: name if seen.count(name) == 1 else f"{name} {n}" for n, name in names.items()}


def _rtstruct_masks(dataset: Any, grid: Grid) -> dict[str, Mask]:
    names = _unique({int(r.ROINumber): str(r.get("ROIName", r.ROINumber)) for r in dataset.StructureSetROISequence})
    found = {name: np.zeros(grid.shape, bool) for name in names.values()}
    for roi in dataset.get("ROIContourSequence", []) or []:
        name = names.get(int(roi.ReferencedROINumber))
        if name is None:
            continue
        contours = []
        for contour in roi.get("ContourSequence", []) or []:
            if str(contour.get("ContourGeometricType", "CLOSED_PLANAR")).startswith("CLOSED"):
                contours.append(np.array(contour.ContourData, float).reshape(-1, 3))
        found[name] = fill_contours(contours, grid)
    return found
