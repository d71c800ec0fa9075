"""Blood pool: discs along the descending thoracic aorta, and the classical cylinder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.record import VesselTrack
from lutetia.imaging.references.region import Crop, Placed, measure_region
from lutetia.model import Grid


@dataclass(frozen=True, eq=False)
class TubeMeasure:
    """What the core of the vessel gives.

    Attributes
    ----------
    placed : the whole core
    sections : mean of each 6 mm section, from the head downwards
    rim_ratio : mean of the outer wall zone over the core
    length_mm : length measured (inside the PET field)
    region : voxels used, in the crop
    crop : the crop
    spill_share : share of the core that hot tissue beside it raises and that could not be left out
    spill_rise : how much higher the value is than that of the core out of reach of hot tissue, where all of it counts
    """

    placed: Placed
    sections: npt.NDArray[np.float64]
    rim_ratio: float
    length_mm: float
    region: mm.Mask
    crop: Crop
    spill_share: float = 0.0
    spill_rise: float = 0.0


def crop_track(suv: npt.NDArray[np.float32], grid: Grid, track: VesselTrack) -> Crop | None:
    """The neighbourhood of the track on the PET grid; None when it lies outside."""
    index = grid.to_index(track.centres_mm)
    reach = np.array([30.0 / s for s in grid.spacing_mm])
    low = np.maximum(0, np.floor(index.min(axis=0) - reach)).astype(int)
    high = np.minimum(grid.shape, np.ceil(index.max(axis=0) + reach).astype(int) + 1)
    if np.any(high - low < 1):
        return None
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    part = np.ascontiguousarray(suv[box])
    return Crop(box, grid, part, np.zeros(part.shape, bool))


def _nearest(crop: Crop, track: VesselTrack) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Distance of every voxel of the crop to the centre line, and the number of the nearest centre."""
    from scipy.spatial import cKDTree

    index = np.indices(crop.suv.shape).reshape(3, -1).T
    points = crop.points(index)
    distance, number = cKDTree(track.centres_mm).query(points, distance_upper_bound=35.0)
    number = np.minimum(number, len(track.centres_mm) - 1)
    return distance.reshape(crop.suv.shape), number.reshape(crop.suv.shape).astype(np.int64)


def core_radius(radius_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Radius of the core: 0.7 of the vessel's and 3.5 mm inside its wall (PET blurs that far), at least 4 mm."""
    core: npt.NDArray[np.float64] = np.maximum(np.minimum(0.7 * radius_mm, radius_mm - 3.5), 4.0)
    return core


def heart_uptake(suv: npt.NDArray[np.float32], grid: Grid, heart: mm.Mask) -> float | None:
    """Median uptake deeper than 12 mm in the heart: mostly blood, a second witness; None when that is under 30 mL."""
    box = mm.bounding_box(heart, 1)
    if box is None:
        return None
    core = mm.depth_inside(np.ascontiguousarray(heart[box]), grid.spacing_mm, open_edges=True) > 12.0
    values = suv[box][core]
    if len(values) * grid.voxel_ml < 30:
        return None
    return float(np.median(values))


def trimmed_mean(values: npt.NDArray[np.float64], share: float = 0.25) -> float:
    """Mean without the lowest and highest `share`: nearly as steady as the mean, nearly as robust as the median."""
    ordered = np.sort(values)
    cut = int(len(ordered) * share)
    return float(ordered[cut : len(ordered) - cut].mean())


def measure_tube(
    suv: npt.NDArray[np.float32], grid: Grid, track: VesselTrack, lesions: mm.Mask | None
) -> TubeMeasure | None:
    """Means of 6 mm sections of the core, then their trimmed mean.

    One hot neighbour (node, vertebra, oesophagus) spoils few sections, a fault of the track few more.
    None when fewer than three sections lie in the PET field.
    """
    crop = crop_track(suv, grid, track)
    if crop is None:
        return None
    distance, number = _nearest(crop, track)
    limit = core_radius(track.radius_mm)
    inside = distance <= limit[number]
    # the ends of the track are flat, not round
    last = len(track.centres_mm) - 1
    inside &= ~(((number == 0) | (number == last)) & (distance > 4.0))
    if lesions is not None:
        inside &= ~lesions[crop.box]
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track.centres_mm, axis=0), axis=1))])
    section = (arc // 6.0).astype(np.int64)[number]
    means, full = _section_means(crop, inside, section)
    if full.sum() < 3:
        return None
    length = float(full.sum() * 6.0)
    spilt = inside & near_hot(crop, inside, float(np.percentile(means[full], 30)))
    spill_share = spill_rise = 0.0
    if _widely_spilt(inside, spilt, section, full):
        kept, kept_full = _section_means(crop, inside & ~spilt, section, float(np.median(np.bincount(section[inside]))))
        enough = kept_full.sum() >= 4
        if _spill_matters(crop, inside, spilt):
            if enough:
                inside, means, full = inside & ~spilt, kept, kept_full
            else:
                spill_share = float(spilt.sum() / inside.sum())
        elif enough:
            spill_rise = trimmed_mean(means[full]) / trimmed_mean(kept[kept_full]) - 1.0
    sections = means[full]
    region = inside & full[np.minimum(section, len(full) - 1)] & (section < len(full))
    value = trimmed_mean(sections)
    # neighbouring sections share noise; two of them are one independent sample
    error = mm.robust_sd(sections) / np.sqrt(max(1.0, len(sections) / 1.5))
    rim = (distance > 0.75 * track.radius_mm[number]) & (distance <= track.radius_mm[number])
    rim_ratio = float(crop.suv[rim].mean() / value) if rim.any() and value > 0 else float("nan")
    placed = measure_region(
        crop,
        region,
        "core of the descending thoracic aorta: trimmed mean of 6 mm sections",
        value=value,
        standard_error=error,
    )
    return TubeMeasure(placed, sections, rim_ratio, length, region, crop, spill_share, spill_rise)


def _widely_spilt(inside: mm.Mask, spilt: mm.Mask, section: npt.NDArray[np.int64], full: mm.Mask) -> bool:
    """Whether hot neighbours reach more of the vessel than the trimmed mean bears: a quarter of the sections."""
    if not spilt.any():
        return False
    share = np.bincount(section[spilt], minlength=len(full)) / np.maximum(np.bincount(section[inside]), 1)
    return bool((share[full] > 0.25).mean() > 0.25)


def _spill_matters(crop: Crop, inside: mm.Mask, spilt: mm.Mask) -> bool:
    """Whether hot neighbours raise the plain mean by more than a tenth.

    Less is left in: what stays without it lies on the side of the lung and is a little too cold.
    """
    away = inside & ~spilt
    return not away.any() or float(crop.suv[inside].mean()) > 1.1 * float(crop.suv[away].mean())


def _section_means(
    crop: Crop, inside: mm.Mask, section: npt.NDArray[np.int64], usual: float | None = None
) -> tuple[npt.NDArray[np.float64], mm.Mask]:
    """Mean of each section and whether it holds enough voxels: 0.4 of the usual (median) number."""
    values, which = crop.suv[inside].astype(float), section[inside]
    if not len(values):
        return np.zeros(0), np.zeros(0, bool)
    counts = np.bincount(which)
    sums = np.bincount(which, weights=values)
    typical = float(np.median(counts[counts > 0])) if usual is None else usual
    full: mm.Mask = counts >= max(2, 0.4 * typical)
    return sums / np.maximum(counts, 1), full


def near_hot(crop: Crop, core: mm.Mask, blood: float) -> mm.Mask:
    """Voxels within 9 mm of something that takes up more than 1.7 times as much as blood: its blur reaches them.

    Myocardium in FDG, a node or a vertebra with tumour, an oesophagus, moved against the vessel by breathing. Pieces
    under 1 mL are noise; smoothing (2.5 mm) leaves noise of a tenth, so that blood itself is never that hot.
    """
    if not blood > 0:
        return np.zeros_like(core)
    hot = crop.smooth(2.5) > 1.7 * blood
    hot_pieces = np.zeros_like(hot)
    for box, piece, _ in mm.components(hot, max(1, int(1.0 / crop.grid.voxel_ml))):
        hot_pieces[box] |= piece
    if not hot_pieces.any():
        return hot_pieces
    near: mm.Mask = mm.distance_to(hot_pieces, crop.spacing) <= 9.0
    return near


def classical_cylinder(tube: TubeMeasure, track: VesselTrack, diameter_mm: float, length_mm: float) -> Placed | None:
    """A cylinder of 1 × 2 cm in the descending thoracic aorta where the vessel is widest and straightest."""
    crop = tube.crop
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track.centres_mm, axis=0), axis=1))])
    if arc[-1] < length_mm:
        return None
    field = crop.grid.to_index(track.centres_mm)
    measured = np.all((field > -0.5) & (field < np.array(crop.grid.shape) - 0.5), axis=1)
    best, place = -1.0, 0
    for n in range(len(arc)):
        span = np.abs(arc - arc[n]) <= length_mm / 2
        if arc[n] - length_mm / 2 < arc[0] or arc[n] + length_mm / 2 > arc[-1] or not measured[span].all():
            continue
        width = float(track.radius_mm[span].min())
        if width > best:
            best, place = width, n
    if best < 0:
        return None
    span = np.flatnonzero(np.abs(arc - arc[place]) <= length_mm / 2)
    axis = track.centres_mm[span[-1]] - track.centres_mm[span[0]]
    axis /= max(float(np.linalg.norm(axis)), 1e-9)
    index = np.indices(crop.suv.shape).reshape(3, -1).T
    offset = crop.points(index) - track.centres_mm[place]
    along = offset @ axis
    across = np.linalg.norm(offset - along[:, None] * axis, axis=1)
    region = ((np.abs(along) <= length_mm / 2) & (across <= diameter_mm / 2)).reshape(crop.suv.shape)
    if region.sum() < 4:
        return None
    return measure_region(
        crop, region, f"{diameter_mm / 10:g} × {length_mm / 10:g} cm cylinder in the descending aorta"
    )
