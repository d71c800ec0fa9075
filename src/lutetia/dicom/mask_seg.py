"""Segments of a DICOM SEG on the grid of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom.mask_region import Region, unique_names
from lutetia.masks.sampling import sampled, share_outside
from lutetia.model import Grid

#: distances of frames may be off a multiple of the spacing by this part of it
_WHOLE = 0.1


def seg_regions(dataset: Any, grid: Grid) -> list[Region]:
    """Every segment; frames that are left out are empty, and pixels of another grid are sampled.

    Raises
    ------
    AttributeError, KeyError, ValueError
        The object lacks what PS3.3 A.51 demands.
    """
    names = {int(s.SegmentNumber): str(s.get("SegmentLabel", "") or s.SegmentNumber) for s in dataset.SegmentSequence}
    labelmap = str(dataset.get("SegmentationType", "")).upper() == "LABELMAP"
    if labelmap:  # the value of no segment may be listed as a segment "Background" (PS3.3 C.8.20.2)
        names.pop(int(dataset.get("PixelPaddingValue", 0)), None)
    names = unique_names(names)
    pixels = dataset.pixel_array
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if str(dataset.get("SegmentationType", "")).upper() == "FRACTIONAL":
        pixels = pixels >= max(1, int(dataset.get("MaximumFractionalValue", 255)) / 2)
    groups = _Groups(dataset)
    cosines = np.array(groups.item(0, "PlaneOrientationSequence").ImageOrientationPatient, float)
    measures = groups.item(0, "PixelMeasuresSequence")
    spacing = np.array(measures.PixelSpacing, float)
    row_axis, column_axis = cosines[:3], cosines[3:]
    normal = np.cross(row_axis, column_axis)
    positions = np.array(
        [groups.item(k, "PlanePositionSequence").ImagePositionPatient for k in range(len(pixels))], float
    )
    depth = positions @ normal
    step = frame_step(depth, measures, grid, normal)
    index = np.rint((depth - depth.min()) / step).astype(int)
    to_lps = np.eye(4)
    to_lps[:3, 0], to_lps[:3, 1], to_lps[:3, 2] = normal * step, column_axis * spacing[0], row_axis * spacing[1]
    to_lps[:3, 3] = positions[int(np.argmin(depth))]
    numbers = None if labelmap else [groups.segment(k) for k in range(len(pixels))]
    regions = []
    for number, name in names.items():
        volume = np.zeros((int(index.max()) + 1, *pixels.shape[1:]), bool)
        for k, plane in enumerate(pixels):
            if numbers is None:
                volume[index[k]] |= plane == number
            elif numbers[k] == number:
                volume[index[k]] |= plane.astype(bool)
        beyond = share_outside(volume, to_lps, grid) > 0
        own_ml = float(volume.sum()) * abs(float(np.linalg.det(to_lps[:3, :3]))) / 1000.0
        regions.append(Region(name, sampled(volume, to_lps, grid), beyond, own_ml))
    return regions


def frame_step(depth: npt.NDArray[np.float64], measures: Any, grid: Grid, normal: npt.NDArray[np.float64]) -> float:
    """Distance of neighbouring planes in mm, though empty frames between them may be left out.

    What the object states (Spacing Between Slices, then Slice Thickness), then the image's own spacing where the
    planes are parallel, whichever first fits the distances of the frames; else the smallest distance.
    """
    offsets = np.unique(np.round(depth - depth.min(), 3))
    parallel = abs(abs(float(np.asarray(grid.direction)[:, 0] @ normal)) - 1.0) < 1e-3
    stated = [measures.get("SpacingBetweenSlices"), measures.get("SliceThickness")]
    for value in (*stated, grid.spacing_mm[0] if parallel else None):
        if value and float(value) > 0:
            multiples = offsets / abs(float(value))
            if np.abs(multiples - np.round(multiples)).max() <= _WHOLE and np.diff(np.round(multiples)).all():
                return abs(float(value))
    steps = np.diff(offsets)
    return float(steps.min()) if len(steps) else grid.spacing_mm[0]


class _Groups:
    """Functional groups of the frames: the frame's own first, then the shared ones."""

    def __init__(self, dataset: Any) -> None:
        self.shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
        self.frames = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])

    def item(self, frame: int, keyword: str) -> Any:
        for group in (self.frames[frame] if frame < len(self.frames) else None, self.shared):
            if group is not None and group.get(keyword):
                return group.get(keyword)[0]
        raise KeyError(f"{keyword} is missing")

    def segment(self, frame: int) -> int:
        return int(self.item(frame, "SegmentIdentificationSequence").ReferencedSegmentNumber)
