"""PET without CT on a 4 mm working grid: the patient's outline, midline and pieces of even uptake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.scene import block_average, resample
from lutetia.model import Grid, Volume

SPACING_MM = 4.0
SPACING = (SPACING_MM,) * 3
VOXEL_ML = SPACING_MM**3 / 1000.0


@dataclass(frozen=True, eq=False)
class PetScene:
    """PET on the working grid, LPS axes: z to the head, y to the back, x to the patient's left.

    Attributes
    ----------
    grid : working grid, 4 mm
    pet : SUV, linear interpolation, 0 outside the field
    smooth : smoothed with 2.5 mm standard deviation, for membership
    even : smoothed with 4 mm standard deviation (6 mm for SPECT), for evenness
    field : where the PET was measured
    body : the patient's outline as uptake shows it
    background : median uptake of the body (fat, muscle, lung)
    soft_tissue : 75th percentile of the body's uptake (muscle rather than fat): the yardstick of all levels here
    midline : (nz,) x index of the plane of symmetry
    front, back : (nz,) y index of the body's front and back (5th and 95th percentile of its voxels)
    area : (nz,) cross-section in cm²
    """

    grid: Grid
    pet: mm.Floats
    smooth: mm.Floats
    even: mm.Floats
    field: mm.Mask
    body: mm.Mask
    background: float
    soft_tissue: float
    midline: npt.NDArray[np.float64]
    front: npt.NDArray[np.float64]
    back: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]

    def lateral_mm(self, z: float, x: float) -> float:
        """Distance from the midline, positive to the patient's left."""
        k = int(np.clip(round(z), 0, len(self.midline) - 1))
        return float((x - self.midline[k]) * SPACING_MM)

    def depth_fraction(self, z: float, y: float) -> float:
        """0 at the body's front, 1 at its back."""
        k = int(np.clip(round(z), 0, len(self.front) - 1))
        return float((y - self.front[k]) / max(1.0, self.back[k] - self.front[k]))


@dataclass(frozen=True, eq=False)
class EvenPiece:
    """A connected region whose every neighbourhood (8 mm) stays within a band around one uptake level.

    `box` and `mask` give its core on the working grid; `level` its median SUV; `scatter` its robust coefficient of
    variation; `lateral_mm` is positive to the left; `reach_mm` how far it extends from the midline on its side;
    `depth` 0 at the front, 1 at the back of the body.
    """

    box: mm.Box
    mask: mm.Mask
    level: float
    core_ml: float
    scatter: float
    z: float
    lateral_mm: float
    reach_mm: float
    depth: float


def _outline(even: mm.Floats, field: mm.Mask) -> mm.Mask:
    """The patient's outline from uptake.

    First cut: 0.06 of the mean uptake of what lies above the cut (a fixed point, whatever the tracer or the scale),
    which is above the haze round a body and below fat. Second cut: 0.3 of the median found inside. Gaps of up to
    12 mm (washed-out tissue in late or noisy images) are closed and holes filled.
    """
    values = even[field]
    if not values.size or float(values.max()) <= 0:
        return np.zeros(even.shape, bool)
    cut = 0.0
    for _ in range(8):
        above = values[values > cut]
        cut = 0.06 * float(above.mean())
    cut = 0.3 * float(np.median(values[values > cut]))
    closed = ndi.binary_closing(np.pad(field & (even > cut), 3), iterations=3)[3:-3, 3:-3, 3:-3]
    return mm.fill_slices(mm.largest(closed & field))


def _profiles(body: mm.Mask) -> tuple[npt.NDArray[np.float64], ...]:
    """Midline, front, back and area per slice; the midline is a straight line through the slices' centres."""
    nz = body.shape[0]
    area = body.sum(axis=(1, 2)) * SPACING_MM**2 / 100.0
    centre, front, back = (np.full(nz, np.nan) for _ in range(3))
    for k in np.flatnonzero(area > 20):
        y, x = np.nonzero(body[k])
        centre[k] = (np.percentile(x, 2) + np.percentile(x, 98)) / 4 + np.median(x) / 2
        front[k], back[k] = np.percentile(y, [3, 97])
    known = np.flatnonzero(np.isfinite(centre))
    if not len(known):
        half = (body.shape[2] - 1) / 2
        return np.full(nz, half), np.zeros(nz), np.full(nz, body.shape[1] - 1.0), area
    slope, offset = np.polyfit(known, centre[known], 1, w=np.sqrt(area[known])) if len(known) > 8 else (0.0, 0.0)
    line = slope * np.arange(nz) + offset if len(known) > 8 else np.full(nz, np.nanmedian(centre))
    for profile in (front, back):
        profile[:] = np.interp(np.arange(nz), known, ndi.median_filter(profile[known], 9, mode="nearest"))
    return line, front, back, area


def set_pet_scene(suv: Volume, *, even_sd_mm: float = 4.0) -> PetScene:
    """Bring a PET onto the working grid, cropped in plane to the body; `even_sd_mm` smooths the image `even`."""
    average, coarse = block_average(suv, SPACING_MM)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in coarse.shape], indexing="ij")).reshape(3, -1).T
    points = coarse.to_lps(corners)
    lower, upper = points.min(axis=0), points.max(axis=0)
    shape = np.maximum(1, np.floor((upper - lower) / SPACING_MM + 0.5).astype(int) + 1)
    grid = Grid(
        shape=(int(shape[2]), int(shape[1]), int(shape[0])),
        spacing_mm=(SPACING_MM, SPACING_MM, SPACING_MM),
        origin_mm=(float(lower[0]), float(lower[1]), float(lower[2])),
        frame_of_reference_uid=suv.grid.frame_of_reference_uid,
    )
    sampled = resample(average, coarse, grid, -1.0e6).astype(np.float32, copy=False)
    field = sampled > -0.5e6
    pet = np.where(field & np.isfinite(sampled), sampled, np.float32(0)).astype(np.float32, copy=False)
    even = ndi.gaussian_filter(pet, even_sd_mm / SPACING_MM, truncate=3.0)
    body = _outline(even, field)
    background = float(np.median(even[body])) if body.any() else 0.0
    box = mm.bounding_box(body, 2)
    if box is not None:
        box = (slice(0, grid.shape[0]), box[1], box[2])
        origin = grid.to_lps([0, box[1].start, box[2].start])
        pet, even, body, field = (np.ascontiguousarray(a[box]) for a in (pet, even, body, field))
        grid = Grid(
            shape=(pet.shape[0], pet.shape[1], pet.shape[2]),
            spacing_mm=grid.spacing_mm,
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
            frame_of_reference_uid=grid.frame_of_reference_uid,
        )
    smooth = ndi.gaussian_filter(pet, 2.5 / SPACING_MM, truncate=3.0)
    midline, front, back, area = _profiles(body)
    soft_tissue = float(np.percentile(even[body], 75)) if body.any() else 0.0
    return PetScene(grid, pet, smooth, even, field, body, background, soft_tissue, midline, front, back, area)


def neighbourhood(array: mm.Floats, passes: int, *, lowest: bool) -> mm.Floats:
    """Minimum (or maximum) over an octahedron of `passes` voxels; beyond the array there is nothing."""
    pick = np.minimum if lowest else np.maximum
    for _ in range(passes):
        result = array.copy()
        for axis in range(3):
            ahead = [slice(None)] * 3
            behind = [slice(None)] * 3
            ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
            a, b = tuple(ahead), tuple(behind)
            pick(result[a], array[b], out=result[a])
            pick(result[b], array[a], out=result[b])
        array = result
    return array


def even_pieces(
    scene: PetScene,
    image: mm.Floats,
    *,
    lowest_level: float,
    smallest_ml: float,
    radius_voxels: int = 2,
    within: mm.Mask | None = None,
    band: tuple[float, float] = (0.75, 1.33),
) -> list[EvenPiece]:
    """All even pieces, from the highest uptake level downwards.

    An organ of even uptake L shows as a piece at every level near L. It is taken at the highest level at which the
    piece's own median has caught up with the level (so the level is the organ's, not its edge's) and it has at least
    0.6 of the volume it reaches at any level that still contains it.

    Parameters
    ----------
    image : uptake on the working grid, already smoothed
    lowest_level : levels below this are not looked at
    smallest_ml : smallest core
    radius_voxels : half-width of the neighbourhood that must be even
    within : region to search
    band : bounds of the neighbourhood, as multiples of the level
    """
    low = neighbourhood(image, radius_voxels, lowest=True)
    high = neighbourhood(image, radius_voxels, lowest=False)
    region = scene.body if within is None else scene.body & within
    region = region & (low > lowest_level * band[0])
    box = mm.bounding_box(region)
    if box is None or lowest_level <= 0:
        return []
    low, high, part = low[box], high[box], image[box]
    region = region[box]
    top = float(part[region].max())
    smallest = max(1, int(smallest_ml / VOXEL_ML))
    found: list[EvenPiece] = []
    chains: list[tuple[npt.NDArray[np.intp], list[EvenPiece]]] = []
    level = top
    while level > lowest_level:
        core = region & (low > band[0] * level) & (high < band[1] * level)
        for where, mask, count in mm.components(core, smallest):
            values = part[where][mask]
            p16, median, p84 = np.percentile(values, [16, 50, 84])
            if median < 0.985 * level:
                continue
            index = np.flatnonzero(_placed(mask, where, part.shape))
            corner = [w.start + b.start for w, b in zip(where, box, strict=True)]
            z, y, x = (float(np.mean(c)) + start for c, start in zip(np.nonzero(mask), corner, strict=True))
            columns = corner[2] + np.flatnonzero(mask.any(axis=(0, 1)))
            ends = (scene.lateral_mm(z, float(columns[0])), scene.lateral_mm(z, float(columns[-1])))
            piece = EvenPiece(
                box=tuple(slice(w.start + b.start, w.stop + b.start) for w, b in zip(where, box, strict=True)),  # type: ignore[arg-type]
                mask=mask,
                level=float(median),
                core_ml=count * VOXEL_ML,
                scatter=float((p84 - p16) / 2 / median),
                z=z,
                lateral_mm=scene.lateral_mm(z, x),
                reach_mm=max(ends[1], 0.0) if scene.lateral_mm(z, x) > 0 else max(-ends[0], 0.0),
                depth=scene.depth_fraction(z, y),
            )
            for anchor, members in chains:
                if np.isin(anchor, index, assume_unique=True).mean() > 0.5:
                    members.append(piece)
                    break
            else:
                chains.append((index, [piece]))
        level /= 1.05
    for _, members in chains:
        most = max(p.core_ml for p in members)
        found.append(next(p for p in members if p.core_ml >= 0.6 * most))
    return found


def _placed(mask: mm.Mask, where: mm.Box, shape: tuple[int, ...]) -> mm.Mask:
    full = np.zeros(shape, bool)
    full[where] = mask
    return full


def placed(piece: EvenPiece, shape: tuple[int, ...]) -> mm.Mask:
    """The core of a piece as a mask on the working grid."""
    return _placed(piece.mask, piece.box, shape)
