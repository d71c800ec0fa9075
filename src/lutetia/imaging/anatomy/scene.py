"""The working grid: CT and PET of one study on 3 mm voxels along the patient's axes, cropped to the body.

Arrays are (z, y, x) with z towards the head, y towards the back and x towards the patient's left (LPS). Whatever the
obliquity, patient position or voxel size of the input, every later rule can speak of "above", "behind" and "left".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.threads import WORKERS, each, gaussian, halves
from lutetia.model import Grid, Volume

SPACING_MM = 3.0
SPACING = (SPACING_MM, SPACING_MM, SPACING_MM)
VOXEL_ML = SPACING_MM**3 / 1000.0
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Scene:
    """CT and PET on the working grid.

    Attributes
    ----------
    grid : the working grid, LPS axes
    ct : HU, float32, averaged over the voxel; air outside the CT's field
    ct_smooth : `ct` smoothed with 2.4 mm standard deviation, for decisions
    ct_field : where the CT was measured
    pet : SUV, linear interpolation, 0 outside the PET's field; None without PET
    pet_smooth : `pet` smoothed with 2.5 mm standard deviation, for membership
    pet_field : where the PET was measured; None without PET
    body : the patient without couch, lungs and bowel gas filled in
    """

    grid: Grid
    ct: mm.Floats
    ct_smooth: mm.Floats
    ct_field: mm.Mask
    pet: mm.Floats | None
    pet_smooth: mm.Floats | None
    pet_field: mm.Mask | None
    body: mm.Mask


def block_average(volume: Volume, target_mm: float = SPACING_MM) -> tuple[mm.Floats, Grid]:
    """Average blocks of whole voxels so that none is larger than `target_mm`, as float32, with the coarser grid."""
    grid, array = volume.grid, volume.array
    blocks = [max(1, int(target_mm / s + 0.1)) for s in grid.spacing_mm]
    shape = [n // b for n, b in zip(grid.shape, blocks, strict=True)]
    if min(shape) == 0:
        blocks, shape = [1, 1, 1], list(grid.shape)
    average = np.zeros(shape, np.float32)
    if blocks == [1, 1, 1]:
        average[...] = array
    else:
        wide = np.int32 if np.issubdtype(array.dtype, np.integer) else np.float32

        def part(slabs: slice) -> None:
            for k in range(slabs.start, slabs.stop):
                slab = array[k * blocks[0] : (k + 1) * blocks[0], : shape[1] * blocks[1], : shape[2] * blocks[2]]
                total = slab[0].astype(wide) if blocks[0] == 1 else slab.sum(axis=0, dtype=wide)
                rows = total.reshape(shape[1], blocks[1], -1).sum(axis=1)
                columns = rows[:, 0 :: blocks[2]].astype(np.float32)
                for shift in range(1, blocks[2]):
                    columns += rows[:, shift :: blocks[2]]
                average[k] = columns
            average[slabs] /= np.float32(np.prod(blocks))

        each(part, halves(shape[0]))
    centre = grid.to_lps([(b - 1) / 2 for b in blocks])
    spacing = [s * b for s, b in zip(grid.spacing_mm, blocks, strict=True)]
    coarse = Grid(
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        origin_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        direction=grid.direction,
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )
    return average, coarse


def to_image(array: npt.NDArray[np.generic], grid: Grid) -> sitk.Image:
    """An ITK image of an array (z, y, x) on a grid."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(s) for s in reversed(grid.spacing_mm)])
    image.SetOrigin([float(v) for v in grid.origin_mm])
    image.SetDirection(np.asarray(grid.direction, float)[:, ::-1].ravel().tolist())
    return image


def resample(
    array: npt.NDArray[np.generic], source: Grid, target: Grid, outside: float, *, nearest: bool = False
) -> npt.NDArray[np.generic]:
    """Take an array from one grid to another, linearly or from the nearest voxel; `outside` beyond the source."""
    resampler = sitk.ResampleImageFilter()
    resampler.SetNumberOfThreads(WORKERS)  # one large image: its parts are worth their threads
    resampler.SetSize([int(n) for n in reversed(target.shape)])
    resampler.SetOutputSpacing([float(s) for s in reversed(target.spacing_mm)])
    resampler.SetOutputOrigin([float(v) for v in target.origin_mm])
    resampler.SetOutputDirection(np.asarray(target.direction, float)[:, ::-1].ravel().tolist())
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear)
    resampler.SetDefaultPixelValue(outside)
    result: npt.NDArray[np.generic] = sitk.GetArrayFromImage(resampler.Execute(to_image(array, source)))
    return result


def axis_aligned_grid(corners_of: Grid, lower_mm: npt.NDArray[np.float64], upper_mm: npt.NDArray[np.float64]) -> Grid:
    """A working grid over an LPS box."""
    shape = np.maximum(1, np.ceil((upper_mm - lower_mm) / SPACING_MM).astype(int) + 1)
    return Grid(
        shape=(int(shape[2]), int(shape[1]), int(shape[0])),
        spacing_mm=SPACING,
        origin_mm=(float(lower_mm[0]), float(lower_mm[1]), float(lower_mm[2])),
        frame_of_reference_uid=corners_of.frame_of_reference_uid,
    )


def _corner_box(grid: Grid, box: mm.Box | None = None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """LPS bounds of a grid (or of an index box in it)."""
    limits = box or (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    corners = np.array(np.meshgrid(*[(s.start, s.stop - 1) for s in limits], indexing="ij")).reshape(3, -1).T
    points = grid.to_lps(corners)
    return points.min(axis=0), points.max(axis=0)


def find_body(ct: mm.Floats) -> mm.Mask:
    """The patient: denser than -300 HU (between air and fat), opened by 9 mm against couch shells, largest piece.

    Holes (lungs, gas) are filled in every slice; a hole counts only where the patient lies behind it, so that the
    hollow couch stays outside.
    """
    solid = ct > -300
    slabs = halves(len(solid))
    kept = mm.largest(np.concatenate(each(lambda slab: mm.opened(solid[slab], mm.IN_SLICE), slabs)))

    def filled(slab: slice) -> mm.Mask:
        part, own = solid[slab], kept[slab]
        body = mm.grown(mm.grown(own, mm.IN_SLICE), mm.IN_SLICE) & part
        holes, count = mm.slice_holes(part)
        if count:
            behind = np.maximum.accumulate(own[:, ::-1], axis=1)[:, ::-1]
            where = np.flatnonzero(holes)
            numbers = holes.ravel()[where]
            area = np.bincount(numbers, minlength=count + 1)
            backed = np.bincount(numbers, weights=behind.ravel()[where], minlength=count + 1)
            inner = backed > 0.6 * np.maximum(area, 1)
            inner[0] = False
            body |= inner[holes]
        return mm.fill_slices(body)

    return np.concatenate(each(filled, slabs))  # each slice is opened and filled by itself


def set_scene(ct: Volume, suv: Volume | None) -> Scene:
    """Bring CT and PET onto the working grid.

    Parameters
    ----------
    ct : HU on its own grid
    suv : SUV on its own grid, or None

    Returns
    -------
    Scene cropped to the body, 3 mm voxels
    """
    average, coarse = block_average(ct)
    seen = mm.opened(average[::2, ::2, ::2] > -300)
    box = mm.bounding_box(seen, 2)
    if box is not None:
        box = tuple(slice(s.start * 2, min(n, s.stop * 2)) for s, n in zip(box, coarse.shape, strict=True))  # type: ignore[assignment]
    lower, upper = _corner_box(coarse, box)
    bottom, top = _corner_box(coarse)
    lower[2], upper[2] = bottom[2], top[2]
    grid = axis_aligned_grid(ct.grid, lower, upper)
    hu = resample(average, coarse, grid, -5000.0).astype(np.float32, copy=False)
    field = hu > -4000.0
    hu = np.where(field, np.clip(hu, -1024.0, 3071.0), np.float32(AIR_HU)).astype(np.float32, copy=False)
    body = find_body(hu)
    crop = mm.bounding_box(body, 2)
    if crop is not None:
        rows = field.any(axis=(1, 2))
        hit = np.flatnonzero(rows)
        crop = (slice(int(hit[0]), int(hit[-1]) + 1), crop[1], crop[2])
        origin = grid.to_lps([s.start for s in crop])
        shape = tuple(s.stop - s.start for s in crop)
        grid = Grid(
            shape=(shape[0], shape[1], shape[2]),
            spacing_mm=SPACING,
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
            frame_of_reference_uid=ct.grid.frame_of_reference_uid,
        )
        hu = np.ascontiguousarray(hu[crop])
        field, body = np.ascontiguousarray(field[crop]), np.ascontiguousarray(body[crop])
    ct_smooth = gaussian(hu, 2.4 / SPACING_MM, truncate=3.0)
    pet = pet_smooth = pet_field = None
    if suv is not None:
        sampled = resample(np.asarray(suv.array, np.float32), suv.grid, grid, -1.0e6).astype(np.float32, copy=False)
        pet_field = sampled > -0.5e6
        pet = np.where(pet_field, sampled, np.float32(0))
        pet_smooth = gaussian(pet, 2.5 / SPACING_MM, truncate=3.0)
    return Scene(grid, hu, ct_smooth, field, pet, pet_smooth, pet_field, body)
