"""Bringing two studies into one frame: rigid first, then deformable where it helps, with a measured quality.

The reference frame is that of the *fixed* study. An `Alignment` carries points from fixed LPS mm to moving LPS mm
and back; label maps and images are never resampled to be measured, only points and masks travel.

Rigid: Mattes mutual information on a 4 mm grid, levels 8–4 mm, started from the table offset that best
lines up the profiles of body, lung and bone along the body. Deformable: fast symmetric forces demons on the CTs
(equal intensities), levels 16–8–4 mm, smoothed so that the field stays invertible; a fold (Jacobian ≤ 0) drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage as ndi

from lutetia.model import Grid, Volume

Array = npt.NDArray[Any]
Kind = Literal["CT", "PET"]


@dataclass(frozen=True)
class AlignmentSettings:
    """How studies are aligned. Lengths in mm; iterations from coarse to fine."""

    spacing_mm: float = 4.0
    deformable: bool = True
    demons_iterations: tuple[int, int, int] = (40, 30, 15)
    field_smoothing_voxels: float = 1.5
    smallest_overlap_mm: float = 120.0


@dataclass(frozen=True)
class AlignmentQuality:
    """Measured after alignment. Dice of bone (CT) or of warm tissue (PET), median residual of the lung–liver dome.

    `status`: "ok", "caution" (matching allows more distance), "poor" (matching says less).
    """

    status: Literal["ok", "caution", "poor"]
    body_dice: float | None = None
    bone_dice: float | None = None
    similarity: float | None = None
    dome_residual_mm: float | None = None
    organ_dice: dict[str, float] = field(default_factory=dict)
    smallest_jacobian: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Alignment:
    """A map from fixed LPS mm to moving LPS mm: ``rigid(x + displacement(x))``.

    Attributes
    ----------
    rigid : 4 × 4, fixed LPS → moving LPS
    displacement_mm : (nz, ny, nx, 3) LPS (x, y, z) mm on `grid`, None when rigid only
    grid : the working grid of the displacement
    overlap_mm : length along z in which both studies were imaged
    """

    rigid: npt.NDArray[np.float64]
    displacement_mm: npt.NDArray[np.float32] | None
    grid: Grid
    method: str
    overlap_mm: float
    quality: AlignmentQuality

    def _displacement(self, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.displacement_mm is None:
            return np.zeros_like(points_mm)
        index = self.grid.to_index(points_mm.reshape(-1, 3)).T
        index = np.clip(index, 0, np.array(self.grid.shape)[:, None] - 1.0)
        found = [ndi.map_coordinates(self.displacement_mm[..., a], index, order=1, mode="nearest") for a in range(3)]
        out: npt.NDArray[np.float64] = np.stack(found, axis=-1).reshape(points_mm.shape)
        return out

    def to_moving(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fixed LPS mm → moving LPS mm, shape (..., 3)."""
        points = np.asarray(points_mm, float)
        moved = points + self._displacement(points)
        result: npt.NDArray[np.float64] = moved @ self.rigid[:3, :3].T + self.rigid[:3, 3]
        return result

    def to_fixed(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Moving LPS mm → fixed LPS mm, shape (..., 3); the displacement is inverted by fixed-point iteration."""
        inverse = np.linalg.inv(self.rigid)
        target = np.asarray(points_mm, float) @ inverse[:3, :3].T + inverse[:3, 3]
        points = target.copy()
        for _ in range(12):
            points = target - self._displacement(points)
        result: npt.NDArray[np.float64] = points
        return result


class PointMap(Protocol):
    """Anything that carries points between two studies."""

    def to_moving(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fixed LPS mm → moving LPS mm."""

    def to_fixed(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Moving LPS mm → fixed LPS mm."""


def identity_alignment(grid: Grid) -> Alignment:
    """The alignment of a study with itself."""
    return Alignment(np.eye(4), None, grid, "same study", float("inf"), AlignmentQuality("ok", 1.0, 1.0, 1.0, 0.0))


# --------------------------------------------------------------------------------------------------------------
# The working images
# --------------------------------------------------------------------------------------------------------------
def _bounds(grid: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape], indexing="ij")).reshape(3, -1).T
    points = grid.to_lps(corners)
    return points.min(axis=0), points.max(axis=0)


def _working_grid(grid: Grid, spacing_mm: float) -> Grid:
    """An isotropic grid along the LPS axes that covers `grid`."""
    low, high = _bounds(grid)
    shape = np.maximum(np.ceil((high - low) / spacing_mm).astype(int) + 1, 2)
    return Grid(
        shape=(int(shape[2]), int(shape[1]), int(shape[0])),
        spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
        origin_mm=(float(low[0]), float(low[1]), float(low[2])),
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )


def _sitk(array: Array, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=np.float32))
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
    grid = _working_grid(volume.grid, spacing_mm)
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
    image = sitk.Resample(
        _sitk(array, source),
        [int(n) for n in reversed(grid.shape)],
        sitk.Transform(),
        sitk.sitkLinear,
        [float(v) for v in grid.origin_mm],
        [float(s) for s in reversed(grid.spacing_mm)],
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        fill,
    )
    out = sitk.GetArrayFromImage(image)
    if kind == "CT":
        body = body_mask(out)
        out = np.where(body, np.clip(out, -500.0, 400.0), -500.0).astype(np.float32)
    else:
        top = float(np.percentile(out[out > 0.1], 99.8)) if (out > 0.1).any() else 1.0
        out = np.sqrt(np.clip(out, 0.0, top)).astype(np.float32)
    return Volume(out, grid, "HU" if kind == "CT" else "sqrt(SUVbw)")


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


# --------------------------------------------------------------------------------------------------------------
# Rigid
# --------------------------------------------------------------------------------------------------------------
def _profiles(image: Volume, kind: Kind) -> npt.NDArray[np.float64]:
    """Per slice: how much body, lung and bone (CT) or uptake (PET) there is. Shape (nz, n_features)."""
    array = image.array
    if kind == "CT":
        features = [
            (array > -450).sum(axis=(1, 2)),
            ((array > -499) & (array < -400)).sum(axis=(1, 2)),
            (array > 180).sum(axis=(1, 2)),
        ]
    else:
        features = [array.sum(axis=(1, 2)), (array**2).sum(axis=(1, 2)), (array > 0.5).sum(axis=(1, 2))]
    stack = np.stack(features, axis=1).astype(float)
    return np.asarray(ndi.gaussian_filter1d(stack, 2.0, axis=0))


def _start_offset(fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings) -> tuple[float, float]:
    """The shift along z (moving minus fixed, mm) that best lines up the profiles, and the overlap in mm there."""
    a, b = _profiles(fixed, kind), _profiles(moving, kind)
    step = settings.spacing_mm
    least = min(int(settings.smallest_overlap_mm / step), len(a), len(b))
    best = (-np.inf, 0, 0)
    for shift in range(-len(b) + least, len(a) - least + 1):  # fixed slice k faces moving slice k − shift
        low, high = max(0, shift), min(len(a), len(b) + shift)
        x, y = a[low:high], b[low - shift : high - shift]
        correlation = []
        for n in range(a.shape[1]):
            u, v = x[:, n] - x[:, n].mean(), y[:, n] - y[:, n].mean()
            scale = np.sqrt((u**2).sum() * (v**2).sum())
            correlation.append(float((u * v).sum() / scale) if scale > 0 else 0.0)
        # equal amounts count as well as equal shape: two thighs look alike in shape only
        amount = -float(np.mean(np.abs(x - y) / (np.maximum(a.max(axis=0), b.max(axis=0)) + 1e-6)))
        score = float(np.mean(correlation)) + amount + 0.15 * (high - low) / min(len(a), len(b))
        if score > best[0]:
            best = (score, shift, high - low)
    _, shift, overlap = best
    z_fixed = fixed.grid.origin_mm[2] + shift * step
    return moving.grid.origin_mm[2] - z_fixed, overlap * step


def _centre(image: Volume, kind: Kind, low_mm: float, high_mm: float) -> npt.NDArray[np.float64]:
    """Centre of the body (LPS x, y) within a range of z."""
    z = image.grid.origin_mm[2] + np.arange(image.grid.shape[0]) * image.grid.spacing_mm[0]
    inside = image.array > (-450 if kind == "CT" else 0.4)
    inside = inside[(z >= low_mm) & (z <= high_mm)]
    if not inside.any():
        inside = image.array > (-450 if kind == "CT" else 0.4)
    where = np.argwhere(inside)
    mean = where.mean(axis=0) if len(where) else np.array(image.grid.shape) / 2
    return np.asarray(image.grid.to_lps(mean)[:2])


def _rigid(fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings) -> tuple[Array, float]:
    """Rigid alignment by mutual information; returns (4 × 4 fixed → moving, overlap in mm)."""
    dz, overlap = _start_offset(fixed, moving, kind, settings)
    f_low, f_high = (v[2] for v in _bounds(fixed.grid))
    m_low, m_high = (v[2] for v in _bounds(moving.grid))
    low, high = max(f_low, m_low - dz), min(f_high, m_high - dz)
    shift = _centre(moving, kind, low + dz, high + dz) - _centre(fixed, kind, low, high)
    middle = [float(v) for v in (*_centre(fixed, kind, low, high), (low + high) / 2)]

    f_image, m_image = _sitk(fixed.array, fixed.grid), _sitk(moving.array, moving.grid)
    start = sitk.Euler3DTransform()
    start.SetCenter(middle)
    start.SetTranslation([float(shift[0]), float(shift[1]), float(dz)])
    z = fixed.grid.origin_mm[2] + np.arange(fixed.grid.shape[0]) * fixed.grid.spacing_mm[0]
    mask = fixed.array > (-450 if kind == "CT" else 0.3)
    mask[(z < low) | (z > high)] = False
    mask = ndi.binary_dilation(mask, iterations=2)

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(48)
    method.SetMetricFixedMask(sitk.Cast(_sitk(mask, fixed.grid), sitk.sitkUInt8))
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([0.3, 0.15], seed=20)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, 120, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    with _one_thread():
        result = method.Execute(f_image, m_image)
    found = sitk.Euler3DTransform(sitk.CompositeTransform(result).GetBackTransform())
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(found.GetMatrix()).reshape(3, 3)
    centre, move = np.asarray(found.GetCenter()), np.asarray(found.GetTranslation())
    matrix[:3, 3] = centre + move - matrix[:3, :3] @ centre
    return matrix, overlap


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over samples then have one order, and the same input gives the same transform."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _moved(moving: Volume, matrix: Array, grid: Grid, fill: float) -> Array:
    """The moving image rigidly carried onto `grid`."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(v) for v in matrix[:3, :3].ravel()])
    transform.SetTranslation([float(v) for v in matrix[:3, 3]])
    image = sitk.Resample(
        _sitk(moving.array, moving.grid),
        _sitk(np.zeros(grid.shape, np.float32), grid),
        transform,
        sitk.sitkLinear,
        fill,
    )
    return np.asarray(sitk.GetArrayFromImage(image))


# --------------------------------------------------------------------------------------------------------------
# Deformable
# --------------------------------------------------------------------------------------------------------------
def _overlap_box(fixed: Volume, moving: Volume, matrix: Array, kind: Kind) -> tuple[slice, slice]:
    """Slices and rows of the fixed grid that the moving study covers: (z range, whole y)."""
    ones = Volume(np.ones(moving.grid.shape, np.float32), moving.grid, "1")
    covered = _moved(ones, matrix, fixed.grid, 0.0) > 0.5
    body = fixed.array > (-450 if kind == "CT" else 0.3)
    share = (covered & body).sum(axis=(1, 2)) / np.maximum(body.sum(axis=(1, 2)), 1)
    good = np.flatnonzero(share > 0.6)
    if len(good) < 8:
        return slice(0, 0), slice(None)
    return slice(int(good[0]), int(good[-1]) + 1), slice(None)


def _demons(fixed: Array, moving: Array, grid: Grid, settings: AlignmentSettings) -> Array:
    """Displacement (z, y, x, 3) LPS mm by fast symmetric forces demons over three levels."""
    displacement: sitk.Image | None = None
    f_full, m_full = _sitk(fixed, grid), _sitk(moving, grid)
    for factor, iterations in zip((4, 2, 1), settings.demons_iterations, strict=True):
        f = sitk.Shrink(sitk.SmoothingRecursiveGaussian(f_full, factor * 1.0), [factor] * 3) if factor > 1 else f_full
        m = sitk.Shrink(sitk.SmoothingRecursiveGaussian(m_full, factor * 1.0), [factor] * 3) if factor > 1 else m_full
        demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
        demons.SetNumberOfIterations(iterations)
        demons.SetStandardDeviations(settings.field_smoothing_voxels)
        demons.SetSmoothDisplacementField(True)
        if displacement is None:
            displacement = demons.Execute(f, m)
        else:
            displacement = demons.Execute(f, m, sitk.Resample(displacement, f))
    assert displacement is not None
    return np.asarray(sitk.GetArrayFromImage(displacement), dtype=np.float32)


def smallest_jacobian(displacement_mm: Array, spacing_mm: float) -> float:
    """Smallest determinant of the Jacobian of ``x + displacement(x)``; ≤ 0 means the field folds."""
    gradient = np.empty((*displacement_mm.shape[:3], 3, 3), np.float32)
    for component in range(3):
        dz, dy, dx = np.gradient(displacement_mm[..., component], spacing_mm)
        gradient[..., component, 0], gradient[..., component, 1], gradient[..., component, 2] = dx, dy, dz
    gradient += np.eye(3, dtype=np.float32)
    return float(np.linalg.det(gradient).min())


# --------------------------------------------------------------------------------------------------------------
# Quality
# --------------------------------------------------------------------------------------------------------------
def _dice(a: Array, b: Array) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else float("nan")


def _dome_residual(fixed: Array, moved: Array, spacing_mm: float) -> float | None:
    """Median absolute difference in height of the lung–abdomen surface, mm; None where no lung is seen."""
    heights = []
    for image in (fixed, moved):
        lung = (image < -380) & ndi.binary_fill_holes(image > -480)
        column = lung.argmax(axis=0).astype(float)
        column[~lung.any(axis=0) | (column == 0)] = np.nan
        heights.append(column)
    difference = np.abs(heights[0] - heights[1])
    difference = difference[np.isfinite(difference)]
    return float(np.median(difference) * spacing_mm) if difference.size > 60 else None


def _judge(fixed: Array, moved: Array, kind: Kind, spacing_mm: float, jacobian: float | None) -> AlignmentQuality:
    reasons = []
    body_level = -450 if kind == "CT" else 0.4
    body = _dice(fixed > body_level, moved > body_level)
    both = (fixed > body_level) & (moved > body_level)
    similarity = float(np.corrcoef(fixed[both], moved[both])[0, 1]) if both.sum() > 1000 else float("nan")
    bone = dome = None
    if kind == "CT":
        bone = _dice(fixed > 180, moved > 180)
        dome = _dome_residual(fixed, moved, spacing_mm)
        poor = bone < 0.35 or body < 0.75
        caution = bone < 0.55 or (dome is not None and dome > 12.0)
        if bone < 0.55:
            reasons.append(f"bones overlap with a Dice of {bone:.2f} only")
        if dome is not None and dome > 12.0:
            reasons.append(f"the liver dome differs by {dome:.0f} mm")
    else:
        poor = not similarity > 0.5
        caution = True
        reasons.append("aligned by uptake alone: no CT")
        if poor:
            reasons.append(f"the images correlate with {similarity:.2f} only")
    if body < 0.75 and kind == "CT":
        reasons.append(f"the bodies overlap with a Dice of {body:.2f} only")
    return AlignmentQuality(
        status="poor" if poor else "caution" if caution else "ok",
        body_dice=body,
        bone_dice=bone,
        similarity=similarity,
        dome_residual_mm=dome,
        smallest_jacobian=jacobian,
        reasons=tuple(reasons),
    )


def align(fixed: Volume, moving: Volume, kind: Kind, settings: AlignmentSettings | None = None) -> Alignment:
    """Align the moving study to the fixed one.

    Parameters
    ----------
    fixed, moving : two CTs in HU (`kind` "CT"), or two PET or SPECT images in SUV or any linear unit ("PET")
    settings : see `AlignmentSettings`

    Returns
    -------
    Alignment
        With `quality.status` "poor" when the result should not be trusted; never an exception for that.
    """
    settings = settings or AlignmentSettings()
    f, m = working_image(fixed, kind, settings.spacing_mm), working_image(moving, kind, settings.spacing_mm)
    matrix, _ = _rigid(f, m, kind, settings)
    z_range, _ = _overlap_box(f, m, matrix, kind)
    spacing = settings.spacing_mm
    if z_range.stop - z_range.start < 8:
        quality = AlignmentQuality("poor", reasons=("the two studies image different parts of the body",))
        return Alignment(matrix, None, f.grid, "rigid", 0.0, quality)
    overlap = (z_range.stop - z_range.start) * spacing
    start = f.grid.to_lps((z_range.start, 0, 0))
    grid = replace(
        f.grid,
        shape=(z_range.stop - z_range.start, *f.grid.shape[1:]),
        origin_mm=(float(start[0]), float(start[1]), float(start[2])),
    )
    target = np.ascontiguousarray(f.array[z_range])
    fill = -500.0 if kind == "CT" else 0.0
    moved = np.maximum(_moved(m, matrix, grid, fill), fill)
    rigid_quality = _judge(target, moved, kind, spacing, None)
    rigid = Alignment(matrix, None, grid, "rigid", overlap, rigid_quality)
    if not settings.deformable or kind != "CT" or rigid_quality.status == "poor":
        return rigid
    displacement = _demons(target, moved, grid, settings)
    jacobian = smallest_jacobian(displacement, spacing)
    warped = _warp(moved, displacement, spacing, fill)
    quality = _judge(target, warped, kind, spacing, jacobian)
    better = (quality.similarity or 0.0) > (rigid_quality.similarity or 0.0)
    if jacobian <= 0 or not better:
        reason = "the deformable field folded" if jacobian <= 0 else "deforming did not help"
        return replace(rigid, quality=replace(rigid_quality, reasons=(*rigid_quality.reasons, f"{reason}: rigid kept")))
    return Alignment(matrix, displacement, grid, "rigid + fast symmetric forces demons", overlap, quality)


def _warp(image: Array, displacement_mm: Array, spacing_mm: float, fill: float) -> Array:
    """The rigidly moved image through the displacement."""
    axes = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in image.shape], indexing="ij")
    coordinates = [axes[a] + displacement_mm[..., 2 - a] / spacing_mm for a in range(3)]
    return np.asarray(ndi.map_coordinates(image, coordinates, order=1, mode="constant", cval=fill))


def organ_overlap(alignment: Alignment, fixed: Volume, moving: Volume, names: dict[str, int]) -> dict[str, float]:
    """Dice per organ after alignment, on the fixed label grid thinned to about 4 mm.

    Parameters
    ----------
    fixed, moving : label maps of the two studies
    names : organ name → label; organs empty in either map are left out
    """
    step = [max(1, round(4.0 / s)) for s in fixed.grid.spacing_mm]
    index = np.stack(
        np.meshgrid(*[np.arange(0, n, f) for n, f in zip(fixed.grid.shape, step, strict=True)], indexing="ij"), -1
    )
    labels = fixed.array[tuple(slice(None, None, f) for f in step)]
    points = alignment.to_moving(fixed.grid.to_lps(index))
    there = np.rint(moving.grid.to_index(points)).astype(int)
    inside = np.all((there >= 0) & (there < np.array(moving.grid.shape)), axis=-1)
    other = np.zeros(labels.shape, moving.array.dtype)
    other[inside] = moving.array[tuple(there[inside].T)]
    out = {}
    for name, label in names.items():
        a, b = (labels == label) & inside, other == label
        if a.sum() > 30 and b.sum() > 30:
            out[name] = round(_dice(a, b), 3)
    return out
