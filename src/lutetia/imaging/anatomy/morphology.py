"""Morphology in millimetres: every operation is a distance transform on a crop of the mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage as ndi

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Box = tuple[slice, slice, slice]

FACES = ndi.generate_binary_structure(3, 1)
CORNERS = ndi.generate_binary_structure(3, 3)


def bounding_box(mask: npt.NDArray[Any], margin: Sequence[int] | int = 0) -> Box | None:
    """Smallest box that holds every True voxel, widened by `margin` voxels and cut at the array; None when empty."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if not len(slices):
        return None
    shadow = np.logical_or.reduce(mask[slices[0] : slices[-1] + 1], axis=0)
    hits = (slices, np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0)))
    margins = (margin,) * 3 if isinstance(margin, int) else tuple(margin)
    z, y, x = (
        slice(max(0, int(hit[0]) - wide), min(size, int(hit[-1]) + 1 + wide))
        for hit, wide, size in zip(hits, margins, mask.shape, strict=True)
    )
    return z, y, x


def fingerprint(mask: Mask) -> tuple[int, ...] | None:
    """Size and box of a mask: what two searches that find the same piece agree on; None when it is empty."""
    box = bounding_box(mask)
    if box is None:
        return None
    return (int(mask.sum()), *(s.start for s in box), *(s.stop for s in box))


def distance_to(mask: Mask, spacing_mm: Sequence[float]) -> Floats:
    """Distance in mm from every voxel to the nearest True voxel (0 inside); infinite when the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    image = sitk.GetImageFromArray(mask.view(np.uint8) if mask.flags.c_contiguous else mask.astype(np.uint8))
    image.SetSpacing([float(s) for s in reversed(spacing_mm)])
    signed = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    distance = np.maximum(sitk.GetArrayViewFromImage(signed), 0.0)
    result: Floats = np.where(mask, np.float32(0), distance).astype(np.float32, copy=False)
    return result


def depth_inside(mask: Mask, spacing_mm: Sequence[float], *, open_edges: bool = False) -> Floats:
    """Depth in mm of every True voxel: distance to the nearest False voxel; 0 outside the mask.

    With `open_edges` the array border does not count as an edge of the mask.
    """
    depth = np.zeros(mask.shape, np.float32)
    box = bounding_box(mask, 1)
    if box is None:
        return depth
    part = mask[box]
    if not open_edges:
        part = np.pad(part, 1)
    inside = distance_to(np.ascontiguousarray(~part), spacing_mm)
    if not open_edges:
        inside = inside[1:-1, 1:-1, 1:-1]
    depth[box] = np.where(np.isfinite(inside), inside, 1e3)
    depth[~mask] = 0
    return depth


def erode(mask: Mask, mm: float, spacing_mm: Sequence[float]) -> Mask:
    """Voxels deeper than `mm`; the array border does not erode (an organ cut by the field keeps its cut face)."""
    eroded: Mask = depth_inside(mask, spacing_mm, open_edges=True) > mm
    return eroded


def dilate(mask: Mask, mm: float, spacing_mm: Sequence[float]) -> Mask:
    """Voxels within `mm` of the mask."""
    grown = np.zeros_like(mask)
    box = bounding_box(mask, [int(np.ceil(mm / s)) + 1 for s in spacing_mm])
    if box is not None:
        grown[box] = distance_to(np.ascontiguousarray(mask[box]), spacing_mm) <= mm
    return grown


def opening(mask: Mask, mm: float, spacing_mm: Sequence[float]) -> Mask:
    """Erosion by `mm`, then dilation by the same."""
    return dilate(erode(mask, mm, spacing_mm), mm, spacing_mm) & mask


#: the two axes of an axial slice
IN_SLICE = (1, 2)


def shrunk(mask: Mask, axes: Sequence[int] = (0, 1, 2), *, outside: bool = False) -> Mask:
    """Voxels whose neighbours across the faces of these axes are True as well; beyond the array lies `outside`.

    As `scipy.ndimage.binary_erosion` with a cross, by shifts of the whole array.
    """
    result = mask.copy()
    for axis in axes:
        given, kept = np.moveaxis(mask, axis, 0), np.moveaxis(result, axis, 0)
        kept[1:] &= given[:-1]
        kept[:-1] &= given[1:]
        if not outside:
            kept[:1] = kept[-1:] = False
    return result


def grown(mask: Mask, axes: Sequence[int] = (0, 1, 2)) -> Mask:
    """Voxels that are True or have a True neighbour across a face of these axes: `scipy.ndimage.binary_dilation`."""
    result = mask.copy()
    for axis in axes:
        given, kept = np.moveaxis(mask, axis, 0), np.moveaxis(result, axis, 0)
        kept[1:] |= given[:-1]
        kept[:-1] |= given[1:]
    return result


def opened(mask: Mask, axes: Sequence[int] = (0, 1, 2)) -> Mask:
    """Shrunk by one voxel, then grown by one: threads and single voxels go."""
    return grown(shrunk(mask, axes), axes)


def components(mask: Mask, minimum: int = 1, *, corners: bool = False) -> list[tuple[Box, Mask, int]]:
    """Connected pieces of at least `minimum` voxels, largest first: (box, mask inside the box, number of voxels)."""
    box = bounding_box(mask)
    if box is None:
        return []
    labelled, count = ndi.label(mask[box], CORNERS if corners else FACES)
    sizes = np.bincount(labelled.ravel(), minlength=count + 1)
    found = []
    for number, local in enumerate(ndi.find_objects(labelled), start=1):
        if local is None or sizes[number] < minimum:
            continue
        where = tuple(slice(o.start + b.start, o.stop + b.start) for o, b in zip(local, box, strict=True))
        found.append(((where[0], where[1], where[2]), labelled[local] == number, int(sizes[number])))
    found.sort(key=lambda piece: -piece[2])
    return found


def split_by_depth(mask: Mask, depth: Floats, erosion_mm: float, minimum: int = 20) -> list[Mask]:
    """Cut a mask at its necks: pieces that survive an erosion by `erosion_mm` grow back until they meet.

    Watershed on `depth` (mm inside the mask) from the eroded pieces; every voxel of the mask connected to a piece
    belongs to exactly one.
    """
    markers, count = ndi.label(depth > erosion_mm)
    if not count:
        return []
    sizes = np.bincount(markers.ravel(), minlength=count + 1)
    keep = np.flatnonzero(sizes[1:] >= minimum) + 1
    if not len(keep):
        return []
    box = bounding_box(mask, 1)
    assert box is not None
    kept = np.where(np.isin(markers[box], keep), markers[box], 0).astype(np.int32)
    grown = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(-depth[box]), sitk.GetImageFromArray(kept), markWatershedLine=False
    )
    numbers = sitk.GetArrayViewFromImage(grown)
    pieces = []
    for number in keep[np.argsort(-sizes[keep])]:
        piece = np.zeros_like(mask)
        piece[box] = (numbers == number) & mask[box]
        pieces.append(piece)
    return pieces


def largest(mask: Mask) -> Mask:
    """The largest connected piece."""
    result = np.zeros_like(mask)
    pieces = components(mask)
    if pieces:
        result[pieces[0][0]] = pieces[0][1]
    return result


def slice_holes(solid: Mask) -> tuple[npt.NDArray[np.int32], int]:
    """Number what a slice encloses: components of ~solid per axial slice that do not reach its border.

    Returns
    -------
    labels : (z, y, x) number of the hole, 0 elsewhere
    count : highest number
    """
    in_plane = np.zeros((3, 3, 3), bool)
    in_plane[1] = ndi.generate_binary_structure(2, 1)
    labels, count = ndi.label(~solid, in_plane)
    if not count:
        return labels, 0
    keep = np.ones(count + 1, bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        keep[np.unique(edge)] = False
    keep[0] = False
    return np.where(keep[labels], labels, 0), count


def fill_slices(mask: Mask) -> Mask:
    """Holes filled in every axial slice."""
    box = bounding_box(mask, (0, 1, 1))
    if box is None:
        return mask.copy()
    filled = mask.copy()
    part = np.pad(mask[box], ((0, 0), (1, 1), (1, 1)))
    holes, count = slice_holes(part)
    if count:
        filled[box] |= holes[:, 1:-1, 1:-1] > 0
    return filled


def mode(values: npt.NDArray[Any], width: float, low: float, high: float) -> float:
    """Most frequent value: peak of the histogram smoothed by a Gaussian of standard deviation `width`.

    NaN where no value lies between `low` and `high`, or where these leave nothing between them.
    """
    if not (width > 0 and high > low):
        return float("nan")
    step = width / 4
    counts, edges = np.histogram(values, bins=np.arange(low, high + step, step))
    if not counts.any():
        return float("nan")
    smooth = ndi.gaussian_filter1d(counts.astype(float), 4.0)
    return float(edges[int(smooth.argmax())] + step / 2)


def robust_sd(values: npt.NDArray[Any]) -> float:
    """1.4826 × median absolute deviation: the standard deviation without its tails."""
    if not len(values):
        return float("nan")
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
