"""The search: places that stand out from what is around them, on the working grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.background import local_background, usual_levels
from lutetia.imaging.lesions.basins import Basins, divide
from lutetia.imaging.lesions.fall_off import FallOff, fall_off
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.overshadowed import overshadowed
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working
from lutetia.imaging.threads import each, gaussian, halves

Array = npt.NDArray[Any]

#: basins of the liver's own search are numbered from here when their focus is handed to the search outside
STRADDLING = 1_000_000
_HOT_ORGANS = tuple(LABELS[n] for n in ("liver", "spleen", "kidney_left", "kidney_right", "urinary_bladder"))
#: a basin that holds so much away from a hot organ is more than that organ's spill
_LARGE_BASIN_ML = 20.0
HOT_BESIDE_LIVER = tuple(LABELS[n] for n in ("spleen", "kidney_left", "kidney_right"))


@dataclass(eq=False)
class Focus:
    """A place of uptake that stands out.

    Attributes
    ----------
    voxels : (n, 3) working voxels of the whole basin
    core : (m, 3) those from halfway between background and peak on
    peak_index : (3,) working voxel of the peak
    peak : smoothed SUV there
    top : highest unsmoothed working voxel of the core
    background : local background (liver level inside the liver)
    saddle : highest saddle towards another peak, −inf when it stands alone
    in_liver : whether it was found against the liver
    label : the commonest organ label of the core, and `label_share` its share
    fall : how uptake falls off around the peak
    basin, contacts : number of its basin, and of every basin that touches it with the saddle between them
    """

    voxels: Array
    core: Array
    peak_index: Array
    peak: float
    top: float
    background: float
    saddle: float
    in_liver: bool
    label: int
    label_share: float
    fall: FallOff
    basin: int = -1
    contacts: dict[int, float] = field(default_factory=dict)

    @property
    def contrast(self) -> float:
        """Smoothed peak over background."""
        return self.peak / max(self.background, 1e-3)


def find_foci(work: Working, levels: Levels, settings: LesionSettings) -> list[Focus]:
    """All foci, outside the liver first, then those in it; each list from the hottest down."""
    outside = _outside(work, levels, settings)
    return outside + _in_liver(work, levels, settings, outside)


def _outside(work: Working, levels: Levels, settings: LesionSettings) -> list[Focus]:
    floor = 0.9 * settings.blood_pool_factor * levels.blood
    liver = LABELS["liver"]
    mask = (work.smooth > floor) & (work.labels > 0) & (work.labels != liver)

    def least_rise(peak: Array) -> Array:
        return np.maximum(settings.split_rise * peak, settings.split_noise * levels.noise_at(peak))

    basins = divide(sharpened(work, settings), mask, least_rise, work.smooth)
    found = []
    usual = usual_levels(work)
    for number, voxels in _members(basins, work.smooth.shape):
        peak_at = np.array(np.unravel_index(basins.peak_voxel[number], work.smooth.shape))
        if _on_a_slope(work, peak_at, (liver,)):
            continue
        focus = _focus(work, levels, settings, *basins.heights(number), voxels, peak_at, usual, in_liver=False)
        if focus is not None:
            found.append(focus)
    _note_contacts(found, basins)
    return sorted(found, key=lambda f: -f.peak)


def _note_contacts(found: list[Focus], basins: Basins) -> None:
    by_basin = {focus.basin: focus for focus in found}
    for (a, b), level in zip(basins.contacts.tolist(), basins.contact_level.tolist(), strict=True):
        if a in by_basin and b in by_basin:
            by_basin[a].contacts[b] = level
            by_basin[b].contacts[a] = level


def _away_from(work: Working, voxels: Array, organs: tuple[int, ...], mm: float) -> Array:
    """Those of the voxels that lie farther than this from every voxel of the organs."""
    from scipy.ndimage import distance_transform_edt

    reach = np.ceil(mm / np.asarray(work.grid.spacing_mm)).astype(int)
    low = np.maximum(voxels.min(0) - reach, 0)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, voxels.max(0) + reach + 1, strict=True))
    organ = np.isin(work.labels[box], organs)
    if not organ.any():
        return voxels
    away = distance_transform_edt(~organ, sampling=work.grid.spacing_mm)
    rest: Array = voxels[away[tuple((voxels - low).T)] > mm]
    return rest


def _on_a_slope(work: Working, peak_at: Array, organs: tuple[int, ...], reach: int = 1) -> bool:
    """Whether a peak at the rim of an organ only continues it: a voxel of the organ beside it is hotter."""
    low = np.maximum(peak_at - reach, 0)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, peak_at + reach + 1, strict=True))
    beside = np.isin(work.labels[box], organs)
    return bool(beside.any() and work.smooth[box][beside].max() > work.smooth[tuple(peak_at)])


def sharpened(work: Working, settings: LesionSettings) -> Array:
    """The smoothed image plus what stands out of its surroundings, so that a node beside a hot organ has a peak.

    Unsharp masking: a node on the slope of a kidney has no maximum of its own in a blurred image, but it bends the
    slope. Only where peaks part is decided on this image; every height is read from the smoothed one.
    """
    width = [settings.sharpen_mm / s for s in work.grid.spacing_mm]
    sharp = gaussian(work.smooth, width, truncate=2.0, mode="nearest")

    def stand_out(slabs: slice) -> None:
        np.subtract(work.smooth[slabs], sharp[slabs], out=sharp[slabs])
        sharp[slabs] *= settings.sharpen
        sharp[slabs] += work.smooth[slabs]

    each(stand_out, halves(len(sharp)))
    return sharp


def _in_liver(work: Working, levels: Levels, settings: LesionSettings, outside: list[Focus]) -> list[Focus]:
    from scipy.ndimage import binary_dilation, find_objects

    if levels.liver is None:
        return []
    liver = work.labels == LABELS["liver"]
    box = find_objects(liver.astype(np.uint8))
    if not box or box[0] is None:
        return []
    pad = [int(np.ceil(12.0 / s)) for s in work.grid.spacing_mm]
    box = tuple(
        slice(max(0, s.start - p), min(n, s.stop + p)) for s, p, n in zip(box[0], pad, liver.shape, strict=True)
    )
    near = binary_dilation(liver[box], iterations=max(1, round(10.0 / max(work.grid.spacing_mm))))
    noise = float(levels.noise_at(levels.liver))
    floor = max(levels.liver * (1 + 0.5 * (settings.liver_contrast_factor - 1)), levels.liver + 2.0 * noise)
    mask = np.zeros(liver.shape, bool)
    hot = np.isin(work.labels[box], HOT_BESIDE_LIVER)  # their slope would swallow what lies beside them in the liver
    mask[box] = near & (work.smooth[box] > floor) & ~hot
    base = levels.liver

    def least_rise(peak: Array) -> Array:
        rise = settings.split_rise * np.maximum(peak - base, 0.0)
        return np.maximum(rise, settings.split_noise * levels.noise_at(peak))

    basins = divide(work.smooth, mask, least_rise)
    found = []
    for number, voxels in _members(basins, work.smooth.shape):
        peak_at = np.array(np.unravel_index(basins.peak_voxel[number], work.smooth.shape))
        focus = _focus(work, levels, settings, *basins.heights(number), voxels, peak_at, {}, in_liver=True)
        if focus is not None and not focus.fall.ball_like and _on_a_slope(work, peak_at, HOT_BESIDE_LIVER, 2):
            rest = _away_from(work, voxels, HOT_BESIDE_LIVER, 15.0)
            if len(rest) * work.grid.voxel_ml < _LARGE_BASIN_ML:
                continue
            # a whole liver of tumour drains to where the kidney spills into it: judged by the rest of it
            peak_at = rest[work.smooth[tuple(rest.T)].argmax()]
            basins.peak[number] = work.smooth[tuple(peak_at)]
            focus = _focus(work, levels, settings, *basins.heights(number), rest, peak_at, {}, in_liver=True)
        if focus is None:
            continue
        share = (work.labels[tuple(focus.core.T)] == LABELS["liver"]).mean()
        peak_inside = work.labels[tuple(peak_at)] == LABELS["liver"]
        if share >= (0.5 if peak_inside else 0.8):
            found += [focus, *_beside(work, levels, settings, focus)]
        elif share >= 0.15 and focus.peak > 1.5 * base and (peak_inside or not _claimed(focus, outside)):
            # a hot focus that straddles the mask's rim: found here, as the search outside stops at the rim
            focus.in_liver, focus.basin = False, STRADDLING + number  # no basin of the search outside
            found.append(focus)
    return sorted(found, key=lambda f: -f.peak)


def _claimed(focus: Focus, others: list[Focus]) -> bool:
    """Whether the peak of another focus lies in the core of this one, or its own in that of another."""
    core = {tuple(v) for v in focus.core.tolist()}
    peak = tuple(focus.peak_index.tolist())
    return any(tuple(f.peak_index.tolist()) in core or (f.core == peak).all(1).any() for f in others)


def _beside(work: Working, levels: Levels, settings: LesionSettings, hot: Focus) -> list[Focus]:
    """Lesions that drain to a hotter one; their voxels are taken from its basin."""
    found = []
    flat = np.ravel_multi_index(tuple(hot.voxels.T), work.smooth.shape)
    for group in overshadowed(work, levels, settings, hot.voxels, hot.peak, hot.background):
        if (work.labels[tuple(group.T)] == LABELS["liver"]).mean() < 0.8:
            continue
        peak_at = group[work.smooth[tuple(group.T)].argmax()]
        peak = float(work.smooth[tuple(peak_at)])  # it has no saddle: it runs on into the hotter one
        focus = _focus(work, levels, settings, peak, peak, -1, group, peak_at, {}, in_liver=True)
        if focus is not None:
            found.append(focus)
            apart = ~np.isin(flat, np.ravel_multi_index(tuple(group.T), work.smooth.shape))
            hot.voxels, flat = hot.voxels[apart], flat[apart]
    return found


def _members(basins: Basins, shape: tuple[int, ...]) -> list[tuple[int, Array]]:
    """The voxels (n, 3) of every basin."""
    order = np.argsort(basins.owner, kind="stable")
    start = np.searchsorted(basins.owner[order], np.arange(len(basins) + 1))
    index = np.stack(np.unravel_index(basins.voxels[order], shape), 1)
    return [(n, index[start[n] : start[n + 1]]) for n in range(len(basins))]


def _focus(
    work: Working,
    levels: Levels,
    settings: LesionSettings,
    peak: float,
    saddle: float,
    basin: int,
    voxels: Array,
    peak_at: Array,
    usual: dict[int, float],
    *,
    in_liver: bool,
) -> Focus | None:
    """A basin (or a part of one) as a focus, None when it does not stand out."""
    values = work.smooth[tuple(voxels.T)]
    smallest = max(settings.smallest_core_ml / work.grid.voxel_ml, 1.0)
    if in_liver:
        assert levels.liver is not None
        background = levels.liver
    else:
        if len(voxels) < 2:
            return None
        background = local_background(work, voxels[values >= 0.5 * peak], usual)
    fall = fall_off(work.suv, work.grid.spacing_mm, peak_at, peak)
    if not in_liver and fall.ball_like and peak < settings.contrast_factor * background:
        # half of what lies around a ball beside an organ may be that organ: judged against the other half
        background = local_background(work, voxels[values >= 0.5 * peak], usual, 0.3)
    half = background + 0.5 * (peak - background)
    core = voxels[values >= half]
    if not in_liver and work.labels[tuple(peak_at)] not in _HOT_ORGANS:
        # the slope of a hot organ may drain to a focus beside it, but is no part of that
        own = core[~np.isin(work.labels[tuple(core.T)], _HOT_ORGANS)]
        core = own if len(own) else core
    if len(core) < 8 * smallest and not np.isfinite(saddle):
        grown = _below_the_floor(work, peak_at, half)
        core = grown if len(grown) else core
    if not in_liver and len(core) * work.grid.voxel_ml > 8.0:
        background, core = _summit(work, voxels, values, peak, background, core)
    if len(core) < (smallest if peak < 2 * background else 0.75 * smallest):
        return None
    top = float(work.suv[tuple(core.T)].max())
    height = 0.5 * (peak + top)
    if in_liver:
        if height < settings.liver_contrast_factor * background:
            return None
    elif height < settings.blood_pool_factor * levels.blood or height < settings.contrast_factor * background:
        return None
    factor = settings.noise_factor_liver if in_liver else settings.noise_factor
    if peak - background < factor * float(levels.noise_at(background)):
        return None
    labels = np.bincount(work.labels[tuple(core.T)], minlength=2)
    label = int(labels.argmax())
    return Focus(
        voxels=voxels,
        core=core,
        peak_index=peak_at,
        peak=peak,
        top=top,
        background=background,
        saddle=saddle,
        in_liver=in_liver,
        label=label,
        label_share=float(labels[label] / len(core)),
        fall=fall,
        basin=basin,
    )


def _summit(
    work: Working, voxels: Array, values: Array, peak: float, background: float, core: Array
) -> tuple[float, Array]:
    """A small summit on a broad plateau is judged against the plateau, not against what lies around that.

    A node beside the heart takes the heart's blood into its basin. Where the top quarter of the peak is small and what
    lies around it is low enough for contrast, background and core are those of the summit.
    """
    top = voxels[values >= 0.75 * peak]
    if len(top) == 0 or len(top) * work.grid.voxel_ml > 4.0 or len(top) > 0.25 * len(core):
        return background, core
    plateau = local_background(work, top, {})
    if plateau <= background or peak < 1.5 * plateau:
        return background, core
    return plateau, voxels[values >= plateau + 0.5 * (peak - plateau)]


def _below_the_floor(work: Working, peak_at: Array, half: float) -> Array:
    """The core of a faint focus that stands alone: its half level may lie below the level foci are sought from."""
    from scipy.ndimage import label

    reach = np.ceil(16.0 / np.asarray(work.grid.spacing_mm)).astype(int)
    low = np.maximum(peak_at - reach, 0)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, peak_at + reach + 1, strict=True))
    parts, _ = label(work.smooth[box] >= half)
    core: Array = np.argwhere(parts == parts[tuple(peak_at - low)]) + low
    if work.smooth[tuple(core.T)].max() > 1.05 * work.smooth[tuple(peak_at)]:  # it runs into something hotter
        return np.zeros((0, 3), core.dtype)
    return core
