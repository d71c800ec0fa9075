"""The forward model: tissue to activity and density, point-spread function, noise, the scanner's grids.

Activity is made in SUV on a fine grid, blurred by a Gaussian and sampled on the PET grid in one separable step
(each axis one matrix product), then given noise whose variance is proportional to the local activity and whose
correlation is about half the resolution. CT is painted on its own grid with its own breathing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.model import Grid
from lutetia.phantom.body import Axes, Axis, paint_patient, window
from lutetia.phantom.grids import Pose, fine_grid, grid_axes
from lutetia.phantom.lesions import LesionPlan, coverage
from lutetia.phantom.plan import BodyPlan, generator
from lutetia.phantom.shapes import Superquadric
from lutetia.phantom.tissues import NUMBER, TISSUES, draw_uptake, hounsfield_table

Float = npt.NDArray[np.float32]
Slices = tuple[slice, slice, slice]
FWHM = 2.3548  # full width at half maximum of a Gaussian of SD 1


@dataclass(frozen=True)
class Visit:
    """One study of the patient: what was injected, when, on which scanner settings."""

    id: str
    tracer: str
    epoch: int = 0
    day: int = 0
    psf_mm: float = 5.6
    noise: float = 0.085  # coefficient of variation of a voxel of normal liver at the body's centre
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    breathing_pet_mm: float = 0.0
    breathing_ct_mm: float = 4.0


@dataclass
class FineActivity:
    """The patient on the fine grid: tissue numbers, SUV with lesions, and what each lesion covers."""

    grid: Grid
    axes: Axes
    labels: npt.NDArray[np.uint8]
    suv: Float
    cover: Float
    lesion_boxes: dict[str, tuple[Slices, Float, Float]] = field(default_factory=dict)  # box, share, SUV added
    uptake: dict[str, float] = field(default_factory=dict)


def texture(shape: tuple[int, int, int], rng: np.random.Generator, cell: int) -> Float:
    """A smooth random field of mean 0 and SD about 1, correlated over `cell` voxels."""
    coarse = rng.standard_normal(tuple(n // cell + 3 for n in shape)).astype(np.float32)
    for axis, n in enumerate(shape):
        position = np.arange(n, dtype=np.float32) / cell + 0.5
        low = position.astype(int)
        weight = (position - low).astype(np.float32)
        matrix = np.zeros((n, coarse.shape[axis]), np.float32)
        matrix[np.arange(n), low], matrix[np.arange(n), low + 1] = 1 - weight, weight
        coarse = along(coarse, matrix, axis)
    coarse *= np.float32(1.0 / max(float(coarse.std()), 1e-6))
    return coarse


def along(volume: Float, matrix: Float, axis: int) -> Float:
    """Apply `matrix` (n_out × n_in) along one axis of a (z, y, x) volume."""
    if axis == 0:
        flat = volume.reshape(volume.shape[0], -1)
        return (matrix @ flat).reshape(matrix.shape[0], *volume.shape[1:])
    if axis == 1:
        out: Float = np.matmul(matrix[None], volume)
        return out
    out = np.matmul(volume, np.ascontiguousarray(matrix.T))
    return out


def psf_matrix(targets: Axis, sources: Axis, sigma_mm: float) -> Float:
    """Rows that blur by a Gaussian and sample at `targets`; zero outside the sources' span."""
    distance = targets[:, None].astype(np.float64) - sources[None, :]
    step = abs(float(sources[1] - sources[0]))
    weights = np.exp(-0.5 * (distance / sigma_mm) ** 2) * step / (sigma_mm * np.sqrt(2 * np.pi))
    weights[np.abs(distance) > 4.5 * sigma_mm] = 0.0
    out: Float = weights.astype(np.float32)
    return out


def activity(plan: BodyPlan, lesions: tuple[LesionPlan, ...], visit: Visit, size: str) -> FineActivity:
    """Tissue uptake with texture, and the lesions laid into it.

    A lesion replaces what it covers; its `SUV added` is what the image would lose without it.
    """
    pose = Pose(visit.shift_mm, visit.breathing_pet_mm)
    grid = fine_grid(plan, pose, size)
    axes = pose.axes(grid, plan)
    labels = paint_patient(plan, axes)
    uptake = draw_uptake(generator(plan.seed, "uptake", visit.tracer), visit.tracer)
    level = np.array([uptake[t.name] for t in TISSUES], np.float32)
    amplitude = np.array([t.texture for t in TISSUES], np.float32)
    suv = amplitude[labels]
    suv *= texture(grid.shape, generator(plan.seed, "texture", visit.tracer), max(2, round(14 / grid.spacing_mm[0])))
    suv += np.float32(1.0)
    np.maximum(suv, 0.15, out=suv)
    suv *= level[labels]
    out = FineActivity(grid, axes, labels, suv, np.zeros(grid.shape, np.float32), uptake=uptake)
    for lesion in lesions:
        if not lesion.exists(visit.epoch):
            continue
        box, share = coverage(lesion.solid(plan, visit.epoch), axes, grid.spacing_mm[0] / plan.scale[0])
        value: Float | np.float32 = np.float32(lesion.suv[visit.tracer][visit.epoch])
        if visit.epoch == 0 and max(n[3] for n in lesion.nodules) > 26:  # a large mass has a colder core
            share_core = _core(lesion, axes, box)
            value = value * (1 - np.float32(0.5) * share_core)
        added = share * (value - suv[box])
        suv[box] += added
        out.cover[box] = np.maximum(out.cover[box], share)
        out.lesion_boxes[lesion.id] = (box, share, added)
    return out


def _core(lesion: LesionPlan, axes: Axes, box: Slices) -> Float:
    x, y, z, r = max(lesion.nodules, key=lambda n: n[3])
    core = Superquadric((x, y, z), (0.5 * r, 0.5 * r, 0.5 * r))
    value = core.value(axes.x[box[2]][None, None, :], axes.y[box[1]][None, :, None], axes.z[box[0]][:, None, None])
    out: Float = np.clip(0.5 - value / 6.0, 0.0, 1.0).astype(np.float32)
    return out


def image(volume: Float, source: Grid, target: Grid, psf_mm: float) -> Float:
    """`volume` on the fine grid → blurred by the point-spread function, on the PET grid."""
    sigma = psf_mm / FWHM
    for axis, (to, of) in enumerate(zip(grid_axes(target)[::-1], grid_axes(source)[::-1], strict=True)):
        volume = along(volume, psf_matrix(to, of, sigma), axis)
    return volume


def image_box(added: Float, box: Slices, source: Grid, target: Grid, psf_mm: float) -> tuple[Slices, Float]:
    """What a small box of the fine grid contributes to the PET image: the target's box and the blurred values."""
    sigma = psf_mm / FWHM
    out_box: list[slice] = []
    volume = added
    for axis, (to, of) in enumerate(zip(grid_axes(target)[::-1], grid_axes(source)[::-1], strict=True)):
        here = of[box[axis]]
        near = window(to, float(here.min()) - 4.5 * sigma, float(here.max()) + 4.5 * sigma)
        out_box.append(near)
        distance = to[near][:, None].astype(np.float64) - here[None, :]
        weights = np.exp(-0.5 * (distance / sigma) ** 2) * source.spacing_mm[axis] / (sigma * np.sqrt(2 * np.pi))
        weights[np.abs(distance) > 4.5 * sigma] = 0.0
        volume = along(volume, weights.astype(np.float32), axis)
    return (out_box[0], out_box[1], out_box[2]), volume


def add_noise(clean: Float, grid: Grid, plan: BodyPlan, visit: Visit, liver_suv: float) -> Float:
    """SD = noise × √(liver × local activity), 25 % more at the centre than at the skin; correlated; not below zero."""
    rng = generator(plan.seed, "noise", visit.id)
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    sigma = [0.45 * visit.psf_mm / s for s in grid.spacing_mm]
    sigma = [s / FWHM * 1.6 for s in sigma]
    noise = ndi.gaussian_filter(noise, sigma, truncate=3.0, mode="wrap")
    noise *= np.float32(1.0 / float(noise[:: max(1, grid.shape[0] // 40)].std()))
    x, y, _ = grid_axes(grid)
    depth = 0.85 + 0.3 * np.exp(
        -(((x[None, :] - visit.shift_mm[0]) / 170) ** 2) - ((y[:, None] - visit.shift_mm[1]) / 120) ** 2
    )
    for k in range(grid.shape[0]):
        spread = np.sqrt(np.maximum(clean[k], 0.004) * np.float32(liver_suv)) * np.float32(visit.noise)
        noise[k] *= spread * depth.astype(np.float32)
    noise += clean
    out: Float = np.maximum(noise, 0, out=noise)
    return out


def nearest(target: Grid, source: Grid) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Index of the fine voxel nearest to each column, row and slice of the target (z, y, x), clipped to the source."""
    out = []
    for axis, (to, of) in enumerate(zip(grid_axes(target)[::-1], grid_axes(source)[::-1], strict=True)):
        index = np.rint((to - of[0]) / source.spacing_mm[axis]).astype(int)
        out.append(np.clip(index, 0, len(of) - 1))
    return out[0], out[1], out[2]


def ct_image(plan: BodyPlan, lesions: tuple[LesionPlan, ...], visit: Visit, grid: Grid) -> npt.NDArray[np.int16]:
    """Hounsfield units (z, y, x): painted with the CT's own breathing, slightly smoothed, with quantum noise."""
    axes = Pose(visit.shift_mm, visit.breathing_ct_mm).axes(grid, plan)
    labels = paint_patient(plan, axes, with_couch=True)
    table = hounsfield_table(plan.contrast)
    out = np.empty(grid.shape, np.int16)
    edits: list[tuple[Slices, Float, LesionPlan]] = []
    for lesion in lesions:
        if lesion.exists(visit.epoch):
            box, share = coverage(lesion.solid(plan, visit.epoch), axes, grid.spacing_mm[1] / plan.scale[0])
            edits.append((box, share, lesion))
    blur = 0.45 if grid.spacing_mm[1] < 3 else 0.3
    noise_sd = 13.0 if plan.contrast else 19.0

    def one(k: int) -> None:
        rng = generator(plan.seed, "ct noise", visit.id, k)
        hu = table[labels[k]]
        for (wz, wy, wx), share, lesion in edits:
            if wz.start <= k < wz.stop:
                here, part = hu[wy, wx], share[k - wz.start]
                value = (
                    lesion.ct_hu
                    if lesion.ct_hu is not None
                    else here + lesion.ct_delta_hu * (2.0 if plan.contrast else 1.0)
                )
                hu[wy, wx] = here + part * (value - here)
        grain = ndi.gaussian_filter(rng.standard_normal(hu.shape, dtype=np.float32), 0.7, truncate=2.5)
        hu = ndi.gaussian_filter(hu, blur, truncate=3.0)
        hu += grain * np.float32(noise_sd / 0.40)
        np.clip(np.rint(hu), -1024, 3071, out=hu)
        out[k] = hu

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(grid.shape[0])))
    return out


__all__ = [
    "NUMBER",
    "FineActivity",
    "Visit",
    "activity",
    "add_noise",
    "ct_image",
    "image",
    "image_box",
    "nearest",
    "texture",
]
