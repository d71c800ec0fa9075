"""The working images of an alignment: isotropic, along the patient's axes, freed of couch and sheets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage as ndi

from lutetia.imaging.registration.alignment import Array, Kind
from lutetia.model import Grid, Volume

#: air that is kept around the body, mm: half of a CT's field is air, and costs as much as the patient
MARGIN_MM = 24.0


def bounds(grid: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest LPS coordinates (x, y, z) mm of the voxel centres of a grid."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape], indexing="ij")).reshape(3, -1).T
    points = grid.to_lps(corners)
    return points.min(axis=0), points.max(axis=0)


def working_grid(grid: Grid, spacing_mm: float) -> Grid:
    """An isotropic grid along the LPS axes that covers `grid`."""
    low, high = bounds(grid)
    shape = np.maximum(np.ceil((high - low) / spacing_mm).astype(int) + 1, 2)
    return Grid(
        shape=(int(shape[2]), int(shape[1]), int(shape[0])),
        spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
        origin_mm=(float(low[0]), float(low[1]), float(low[2])),
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )


def to_sitk(array: Array, grid: Grid, dtype: npt.DTypeLike = np.float32) -> sitk.Image:
    """An ITK image of an array (z, y, x) on its grid; float32 unless another type is asked for."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=dtype))
    image.SetSpacing([float(s) for s in reversed(grid.spacing_mm)])
    image.SetOrigin([float(v) for v in grid.origin_mm])
    direction = np.asarray(grid.direction)[:, ::-1]
    image.SetDirection([float(v) for v in direction.ravel()])
    return image


def working_image(volume: Volume, kind: Kind, spacing_mm: float = 4.0) -> Volume:
    """The volume on an isotropic LPS grid, averaged over the voxel; CT clipped to tissue and freed of the couch.

    Parameters
    ----------
    volume : CT in HU, or PET in SUV
    kind : "CT" → HU clipped to −500…400, air outside the body; "PET" → square root of SUV, clipped at its 99.8th
        percentile, so that a bladder does not rule the match
    """
    grid = working_grid(volume.grid, spacing_mm)
    fill = -1000.0 if kind == "CT" else 0.0
    step = [max(1, int(spacing_mm // (2 * s))) for s in volume.grid.spacing_mm]
    array = volume.array
    if kind == "CT" and max(step) > 1:
        # mean over blocks: a quarter of the work, and averages the noise instead of sampling it
        trimmed = array[tuple(slice(0, (n // f) * f) for n, f in zip(array.shape, step, strict=True))]
        nz, ny, nx = (n // f for n, f in zip(trimmed.shape, step, strict=True))
        blocks = trimmed.reshape(nz, step[0], ny, step[1], nx, step[2])
        small = np.empty((nz, ny, nx), np.float32)
        for k in range(nz):
            small[k] = blocks[k].mean(axis=(0, 2, 4), dtype=np.float32)
        first = volume.grid.to_lps([(f - 1) / 2 for f in step])
        source = Grid(
            shape=(nz, ny, nx),
            spacing_mm=tuple(s * f for s, f in zip(volume.grid.spacing_mm, step, strict=True)),  # type: ignore[arg-type]
            origin_mm=(float(first[0]), float(first[1]), float(first[2])),
            direction=volume.grid.direction,
        )
        array = small
    else:
        source = volume.grid
    # a CT goes in as int16: as float32 a large one would take a gigabyte more, for the same values
    image = sitk.Resample(
        to_sitk(array, source, np.int16 if array.dtype == np.int16 else np.float32),
        [int(n) for n in reversed(grid.shape)],
        sitk.Transform(),
        sitk.sitkLinear,
        [float(v) for v in grid.origin_mm],
        [float(s) for s in reversed(grid.spacing_mm)],
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        fill,
        sitk.sitkFloat32,
    )
    out = sitk.GetArrayFromImage(image)
    if kind == "CT":
        body = body_mask(out)
        out = np.where(body, np.clip(out, -500.0, 400.0), -500.0).astype(np.float32)
        box = _box(body, int(np.ceil(MARGIN_MM / spacing_mm)))
        out, grid = np.ascontiguousarray(out[box]), cropped(grid, box)
    else:
        top = float(np.percentile(out[out > 0.1], 99.8)) if (out > 0.1).any() else 1.0
        out = np.sqrt(np.clip(out, 0.0, top)).astype(np.float32)
    return Volume(out, grid, "HU" if kind == "CT" else "sqrt(SUVbw)")


def cropped(grid: Grid, box: tuple[slice, slice, slice]) -> Grid:
    """The grid of a part of an image."""
    start = grid.to_lps([s.start for s in box])
    return replace(
        grid,
        shape=tuple(s.stop - s.start for s in box),
        origin_mm=(float(start[0]), float(start[1]), float(start[2])),
    )


def _box(mask: Array, margin: int) -> tuple[slice, slice, slice]:
    """The part of an image that holds a mask and so many voxels around it, along x and y; all of it along z."""
    _, rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    spans = [
        slice(max(0, int(hit[0]) - margin), min(n, int(hit[-1]) + margin + 1)) if len(hit) else slice(0, n)
        for hit, n in ((rows, mask.shape[1]), (columns, mask.shape[2]))
    ]
    return slice(0, mask.shape[0]), spans[0], spans[1]


def body_mask(hu: Array) -> npt.NDArray[np.bool_]:
    """The body on a 4 mm CT, shape (z, y, x): above −300 HU, opened so that couch and sheets fall away, filled."""
    opened = ndi.binary_opening(hu > -300, ndi.generate_binary_structure(3, 1), iterations=2)
    labels, n = ndi.label(opened)
    if n == 0:
        return np.asarray(hu > -300)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = labels == sizes.argmax()
    for k in range(body.shape[0]):
        body[k] = ndi.binary_fill_holes(body[k])
    return np.asarray(body)


def moved_onto(moving: Volume, matrix: Array, grid: Grid, fill: float) -> Array:
    """The moving image rigidly carried onto `grid`."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(v) for v in matrix[:3, :3].ravel()])
    transform.SetTranslation([float(v) for v in matrix[:3, 3]])
    image = sitk.Resample(
        to_sitk(moving.array, moving.grid),
        to_sitk(np.zeros(grid.shape, np.float32), grid),
        transform,
        sitk.sitkLinear,
        fill,
    )
    return np.asarray(sitk.GetArrayFromImage(image))


def warped(image: Array, displacement_mm: Array, spacing_mm: float, fill: float) -> Array:
    """The rigidly moved image through the displacement."""
    axes = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in image.shape], indexing="ij")
    coordinates = [axes[a] + displacement_mm[..., 2 - a] / spacing_mm for a in range(3)]
    return np.asarray(ndi.map_coordinates(image, coordinates, order=1, mode="constant", cval=fill))


def overlap_box(fixed: Volume, moving: Volume, matrix: Array, kind: Kind) -> tuple[slice, slice]:
    """Slices and rows of the fixed grid that the moving study covers: (z range, whole y)."""
    ones = Volume(np.ones(moving.grid.shape, np.float32), moving.grid, "1")
    covered = moved_onto(ones, matrix, fixed.grid, 0.0) > 0.5
    body = fixed.array > (-450 if kind == "CT" else 0.3)
    share = (covered & body).sum(axis=(1, 2)) / np.maximum(body.sum(axis=(1, 2)), 1)
    good = np.flatnonzero(share > 0.6)
    if len(good) < 8:
        return slice(0, 0), slice(None)
    return slice(int(good[0]), int(good[-1]) + 1), slice(None)
