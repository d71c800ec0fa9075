"""ROIs of an RTSTRUCT on the grid of an image: what each contour stands for, and what lies between two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom.contours import beyond, fill_contours, interpolate, plane_reach, slices_between, volume_ml
from lutetia.dicom.mask_region import Region, unique_names
from lutetia.dicom.series import SeriesFiles
from lutetia.model import Grid

Contours = list[npt.NDArray[np.float64]]
#: a contour lies on a slice of the image when it is off by less than this part of a slice
_ON_SLICE = 0.1


def rtstruct_regions(dataset: Any, grid: Grid, series: SeriesFiles | None) -> list[Region]:
    """Closed contours of every ROI.

    A contour that names the image it was drawn on, one of `series`, stands for that slice alone. Contours of another
    image cover their plane and half the way to the next: their slices may be thicker than those of `grid`. Contours
    that name no image and lie on the slices of `grid`, some left out, were drawn on it: what lies between two of them
    is interpolated up to 10 mm, and the region says so.

    Raises
    ------
    AttributeError, KeyError, ValueError
        The object lacks what PS3.3 C.8.8 demands.
    InputError
        ``contour-not-in-slice``.
    """
    names = unique_names(
        {int(r.ROINumber): str(r.get("ROIName", r.ROINumber)) for r in dataset.StructureSetROISequence}
    )
    contours: dict[str, Contours] = {name: [] for name in names.values()}
    images: dict[str, set[str]] = {name: set() for name in names.values()}
    for roi in dataset.get("ROIContourSequence", []) or []:
        name = names.get(int(roi.ReferencedROINumber))
        if name is None:
            continue
        for contour in roi.get("ContourSequence", []) or []:
            if str(contour.get("ContourGeometricType", "CLOSED_PLANAR")).startswith("CLOSED"):
                contours[name].append(np.array(contour.ContourData, float).reshape(-1, 3))
                images[name].add(_image_of(contour))
    own = {i.sop_instance_uid for i in series.instances} if series is not None else set()
    series_named = referenced_series(dataset)
    of_another = bool(series_named) and (series is None or series.series_instance_uid not in series_named)
    everywhere = _depths([c for found in contours.values() for c in found], grid)
    regions = []
    for name, found in contours.items():
        if images[name] and images[name] <= own:
            regions.append(_drawn_here(name, found, grid))
        elif not of_another and images[name] == {""} and _on_slices(found, grid):
            regions.append(_drawn_on_some(name, found, grid))
        else:
            regions.append(_drawn_elsewhere(name, found, grid, everywhere))
    return regions


def referenced_series(dataset: Any) -> set[str]:
    """Series instance UIDs that a SEG or RTSTRUCT names as the images it was drawn on."""
    found = {str(i.get("SeriesInstanceUID", "")) for i in dataset.get("ReferencedSeriesSequence", []) or []}
    for frame in dataset.get("ReferencedFrameOfReferenceSequence", []) or []:
        for study in frame.get("RTReferencedStudySequence", []) or []:
            for item in study.get("RTReferencedSeriesSequence", []) or []:
                found.add(str(item.get("SeriesInstanceUID", "")))
    return found


def _image_of(contour: Any) -> str:
    """The image a contour was drawn on, as far as it says."""
    images = contour.get("ContourImageSequence", []) or []
    return str(images[0].get("ReferencedSOPInstanceUID", "")) if images else ""


def _depths(contours: Contours, grid: Grid) -> npt.NDArray[np.float64]:
    """Place of every contour along the stack, in slices."""
    return np.array([float(grid.to_index(c)[:, 0].mean()) for c in contours])


def _on_slices(contours: Contours, grid: Grid) -> bool:
    depths = _depths(contours, grid)
    return bool(len(depths)) and bool(np.abs(depths - np.round(depths)).max() < _ON_SLICE)


def _region(name: str, found: Contours, grid: Grid, reach: float, filled: int = 0, left_out: int = 0) -> Region:
    mask = interpolate(found, grid) if filled else fill_contours(found, grid, reach)
    outside = beyond(found, grid)
    own_ml = volume_ml(found, grid, reach) if outside else float(mask.sum()) * grid.voxel_ml
    return Region(name, mask, outside, own_ml, filled, left_out)


def _drawn_here(name: str, found: Contours, grid: Grid) -> Region:
    filled, wide = slices_between(_depths(found, grid), grid.spacing_mm[0])
    return _region(name, found, grid, 0.5, left_out=filled + wide)


def _drawn_on_some(name: str, found: Contours, grid: Grid) -> Region:
    filled, wide = slices_between(_depths(found, grid), grid.spacing_mm[0])
    return _region(name, found, grid, 0.5, filled, wide)


def _drawn_elsewhere(name: str, found: Contours, grid: Grid, everywhere: npt.NDArray[np.float64]) -> Region:
    step_mm = grid.spacing_mm[0]
    return _region(
        name, found, grid, plane_reach(_depths(found, grid), step_mm) or plane_reach(everywhere, step_mm) or 0.5
    )
