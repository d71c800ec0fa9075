"""The descending thoracic aorta: a track of discs along the vertebral column, found by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.lungs import Lungs
from lutetia.imaging.anatomy.scene import SPACING, SPACING_MM, VOXEL_ML, Scene
from lutetia.imaging.anatomy.skeleton import Spine

RADII_MM = (6.5, 8.0, 9.5, 11.0, 13.0, 15.0, 17.0, 19.5)


@dataclass(frozen=True, eq=False)
class AortaTrack:
    """The track in working-grid voxels, from the feet upwards.

    Attributes
    ----------
    z, y, x : centres; z are whole slices
    radius_mm : radius measured on the profile at each centre
    quality : (n,) mean likeness to blood in the disc minus that of the ring round it
    blood_hu : HU of blood on this CT
    side : on which side of the vertebral column it runs
    """

    z: npt.NDArray[np.int64]
    y: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    radius_mm: npt.NDArray[np.float64]
    quality: npt.NDArray[np.float64]
    blood_hu: float
    side: str
    score: float

    @property
    def length_mm(self) -> float:
        """Height of the track."""
        return len(self.z) * SPACING_MM


def blood_candidates(scene: Scene, lungs: Lungs, spine: Spine) -> tuple[list[float], float | None]:
    """HU that blood may have, and its uptake.

    HU: the modes of thick soft tissue between the lungs and above both domes of the diaphragm (heart: beside the dome
    it would be liver); with little of it in the field also those of tissue above 110 HU beside the vertebral front
    (contrast). Uptake: the mode of the lower half of that thick tissue, so that
    a hot myocardium does not count; None without PET or without a heart in the field.
    """
    ct = scene.ct_smooth
    candidates: list[float] = []
    uptake: float | None = None
    heart_ml = 0.0
    both = lungs.both
    if both.any():
        box = mm.bounding_box(both)
        assert box is not None
        part = ct[box]
        soft = (part > -20) & (part < 400) & scene.body[box]
        between = np.zeros_like(soft)
        left, right = lungs.left[box], lungs.right[box]
        domes = max(d for d in (lungs.dome_left, lungs.dome_right, 0.0) if d is not None) - box[0].start
        for k in range(max(0, int(domes)), soft.shape[0]):
            if left[k].any() and right[k].any():
                l_edge = np.flatnonzero(left[k].any(axis=0))
                r_edge = np.flatnonzero(right[k].any(axis=0))
                low, high = int(np.percentile(r_edge, 30)), int(np.percentile(l_edge, 70))
                rows = np.flatnonzero((left[k] | right[k]).any(axis=1))
                z = k + box[0].start
                between[k, rows[0] : int(spine.front[z]) - box[1].start, low:high] = True
        core = mm.depth_inside(np.ascontiguousarray(soft & between), SPACING) > 9
        heart_ml = float(core.sum() * VOXEL_ML)
        if core.sum() > 100:
            candidates.extend(without_myocardium(_peaks(part[core], 6.0, -20.0, 400.0)[:2]))
            if scene.pet_smooth is not None and scene.pet_field is not None:
                values = scene.pet_smooth[box][core & scene.pet_field[box]]
                if len(values) > 500:
                    median = float(np.median(values))
                    found = mm.mode(values[values < 1.2 * median], 0.08 * median, 0.0, 1.2 * median)
                    uptake = found if np.isfinite(found) else None  # a PET that shows nothing there says nothing
    beside = np.zeros(ct.shape, bool)
    for k in range(ct.shape[0]):
        y, x = int(spine.front[k]), int(spine.x[k])
        beside[k, max(0, y - 12) : y + 5, max(0, x - 13) : x + 14] = True
    bright = ct[beside & (ct > 110) & (ct < 450) & scene.body]
    # where 50 mL of the heart are in the field its blood is the aorta's: what is brighter beside the column is bone
    if heart_ml < 50 and len(bright) > 300:
        for value in _peaks(bright, 10.0, 110.0, 450.0)[:2]:
            # a peak at the end of the range is the foot of something darker
            if value > 120 and all(abs(value - c) > 25 for c in candidates):
                candidates.append(value)
    if not candidates:
        candidates.append(40.0)
    return [c for c in candidates if np.isfinite(c)][:3], uptake


def without_myocardium(peaks: list[float]) -> list[float]:
    """The heart's densities without its wall: after contrast myocardium reaches 130 HU, the blood in it more."""
    brightest = max(peaks, default=0.0)
    if brightest <= 130:
        return peaks
    return [p for p in peaks if p > 130 or brightest - p < 25]


def _peaks(values: npt.NDArray[np.float32], width: float, low: float, high: float) -> list[float]:
    """Peaks of the smoothed histogram that reach a fifth of the highest, highest first."""
    step = width / 4
    counts, edges = np.histogram(values, bins=np.arange(low, high + step, step))
    smooth = ndi.gaussian_filter1d(counts.astype(float), 4.0)
    reach = int(4 * width / step)
    peaks = [
        n
        for n in range(len(smooth))
        if smooth[n] > 0.2 * smooth.max() and smooth[n] == smooth[max(0, n - reach) : n + reach + 1].max()
    ]
    return [float(edges[n] + step / 2) for n in sorted(peaks, key=lambda n: -smooth[n])]


def _disc(radius_mm: float) -> mm.Floats:
    """A flat disc with a soft edge as a normalised kernel."""
    reach = int(np.ceil(radius_mm / SPACING_MM)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    r = np.hypot(y, x) * SPACING_MM
    kernel: mm.Floats = np.clip((radius_mm - r) / SPACING_MM + 0.5, 0, 1).astype(np.float32)
    kernel /= kernel.sum()
    return kernel


def track_aorta(
    scene: Scene, spine: Spine, low: int, high: int, blood: float, noise: float, uptake: float | None = None
) -> AortaTrack | None:
    """Track the descending aorta between two slices on both sides of the vertebral column; the better score wins.

    Per slice, discs of 6.5 to 19.5 mm radius compete. A disc scores by its likeness to blood inside less that of the
    ring around it (the 12 least blood-like of 16 directions, since oesophagus, crus or vertebra may touch), less a
    penalty when its centre is far from the vertebral column, inside it or behind its front third. With PET, discs as
    cold as muscle are penalised (crus, psoas, intercostal muscle have the density of unenhanced blood), and such as are
    two to three times as hot as the blood in the heart (liver that touches the column); what lies between earns
    nothing, so that noise does not draw the track.
    """
    count = high - low
    if count < 5:
        return None
    before, behind, across = int(75 / SPACING_MM), int(30 / SPACING_MM), int(60 / SPACING_MM)
    height, width = before + behind + 1, 2 * across + 1
    rows, columns = scene.ct.shape[1:]
    window = np.full((count, height, width), -1000.0, np.float32)
    origin = np.zeros((count, 2), int)
    for n in range(count):
        k = low + n
        y0, x0 = round(spine.front[k]) - before, round(spine.x[k]) - across
        origin[n] = y0, x0
        ya, yb, xa, xb = max(0, y0), min(rows, y0 + height), max(0, x0), min(columns, x0 + width)
        window[n, ya - y0 : yb - y0, xa - x0 : xb - x0] = scene.ct_smooth[k, ya:yb, xa:xb]
    width_hu = max(22.0, 2.2 * noise, 0.12 * blood)
    likeness = np.exp(-0.5 * ((window - blood) / width_hu) ** 2).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    from_front = (before - y) * SPACING_MM  # positive before the vertebral front
    lateral = (x - across) * SPACING_MM  # positive to the left
    # nearest point of the vertebral body: a half disc of 18 mm radius behind its front
    body_distance = np.hypot(from_front + 18.0, lateral) - 18.0
    inside = body_distance < 3.0
    far = np.clip((body_distance - 30.0) / 20.0, 0, None).astype(np.float32)
    far += np.clip((-12.0 - from_front) / 15.0, 0, None).astype(np.float32)
    cold: mm.Floats | None = None
    if uptake is not None and scene.pet_smooth is not None and scene.pet_field is not None:
        warm = np.ones(window.shape, np.float32)
        for n in range(count):
            k, (y0, x0) = low + n, origin[n]
            ya, yb, xa, xb = max(0, y0), min(rows, y0 + height), max(0, x0), min(columns, x0 + width)
            ratio = scene.pet_smooth[k, ya:yb, xa:xb] / uptake
            part = np.clip((ratio - 0.4) / 0.4, 0, 1) - np.clip((ratio - 2.0) / 1.0, 0, 1)
            part[~scene.pet_field[k, ya:yb, xa:xb]] = 1
            warm[n, ya - y0 : yb - y0, xa - x0 : xb - x0] = part
        cold = 1 - warm
    brighter = (window > max(blood + 70.0, 180.0)).astype(np.int8)
    scores = np.empty((len(RADII_MM), count, height, width), np.float32)
    for i, radius in enumerate(RADII_MM):
        mean = ndi.convolve(likeness, _disc(radius)[None], mode="constant")
        rim, bone = [], np.zeros(likeness.shape, np.int8)
        reach = radius + 4.5
        for a in range(16):
            dy = round(np.sin(a * np.pi / 8) * reach / SPACING_MM)
            dx = round(np.cos(a * np.pi / 8) * reach / SPACING_MM)
            rim.append(_shifted(likeness, dy, dx))
            bone += _shifted(brighter, dy, dx)
        ring = np.sort(np.stack(rim), axis=0)[:12].mean(axis=0)
        # a vessel may lie against bone, but bone does not enclose it: that is marrow or the spinal canal
        enclosed = np.clip((bone - 6) / 4.0, 0, 1)
        scores[i] = mean - ring - far - inside - enclosed
        if cold is not None:
            scores[i] -= 0.6 * ndi.convolve(cold, _disc(radius)[None], mode="nearest")
    best_track: AortaTrack | None = None
    for side, allowed in (("left", (lateral >= -12) & (lateral < 58)), ("right", (lateral <= 12) & (lateral > -58))):
        index, row, column = _follow(np.where(allowed, scores, np.float32(-3)))
        quality = scores[index, np.arange(count), row, column]
        total = float(np.mean(quality))
        if best_track is None or total > best_track.score:
            centre_y, centre_x = origin[:, 0] + row, origin[:, 1] + column
            best_track = AortaTrack(
                np.arange(low, high),
                ndi.gaussian_filter1d(centre_y.astype(float), 1.5, mode="nearest"),
                ndi.gaussian_filter1d(centre_x.astype(float), 1.5, mode="nearest"),
                np.asarray(RADII_MM)[index],
                quality.astype(float),
                blood,
                side,
                total,
            )
    assert best_track is not None
    return _measure_radius(scene, best_track)


def _shifted(array: npt.NDArray[np.generic], dy: int, dx: int) -> npt.NDArray[np.generic]:
    """Value at (y + dy, x + dx) of every slice; zero beyond the window."""
    result = np.zeros_like(array)
    height, width = array.shape[1:]
    result[:, max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)] = array[
        :, max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)
    ]
    return result


def _follow(scores: mm.Floats) -> tuple[npt.NDArray[np.int64], ...]:
    """Best path through (radius, slice, y, x): one step in each of radius, y and x per slice."""
    radii, count, height, width = scores.shape
    total = np.empty((count, radii, height, width), np.float32)
    total[0] = scores[:, 0]
    for k in range(1, count):
        total[k] = scores[:, k] + ndi.maximum_filter(total[k - 1], size=3, mode="nearest")
    path = np.zeros((3, count), np.int64)
    place = tuple(int(p) for p in np.unravel_index(int(total[-1].argmax()), total[-1].shape))
    for k in range(count - 1, -1, -1):
        path[:, k] = place
        if k:
            near = tuple(slice(max(0, p - 1), p + 2) for p in place)
            part = total[k - 1][near]
            step = np.unravel_index(int(part.argmax()), part.shape)
            place = tuple(int(n.start + s) for n, s in zip(near, step, strict=True))
    return path[0], path[1], path[2]


def _measure_radius(scene: Scene, track: AortaTrack) -> AortaTrack:
    """Radius by the half-level of the radial HU profile, 60 % of directions, smoothed along the vessel."""
    reach = np.arange(0, 30.0, 1.0)
    angle = np.arange(24) * 2 * np.pi / 24
    radius = np.full(len(track.z), np.nan)
    for n, k in enumerate(track.z):
        ys = track.y[n] + np.sin(angle)[:, None] * reach / SPACING_MM
        xs = track.x[n] + np.cos(angle)[:, None] * reach / SPACING_MM
        profile = ndi.map_coordinates(scene.ct[k], [ys, xs], order=1, mode="nearest")
        level = profile[:, :4].mean()
        out = np.abs(profile - level) > np.maximum(60.0, 0.35 * abs(level))
        first = np.where(out.any(axis=1), out.argmax(axis=1), np.nan)
        good = first[np.isfinite(first)]
        if len(good) >= 6:
            radius[n] = np.percentile(good, 40)
    fallback = track.radius_mm
    radius = np.where(np.isfinite(radius), radius, fallback)
    radius = np.clip(radius, 5.5, 22.0)
    radius = ndi.median_filter(radius, size=9, mode="nearest")
    # the disc that competed is the more cautious measure: never trust a profile that runs away from it
    radius = np.minimum(radius, fallback * 1.5 + 2.0)
    radius = ndi.gaussian_filter1d(radius, 2.0, mode="nearest")
    return AortaTrack(track.z, track.y, track.x, radius, track.quality, track.blood_hu, track.side, track.score)


def find_aorta(scene: Scene, lungs: Lungs, spine: Spine) -> AortaTrack | None:
    """The descending aorta from 8 cm below the dome (about its hiatus) to 8 cm below the lung apex (the arch).

    Without a lung apex in the field the track ends at the top of the field. None when the lungs are not in the field.
    """
    domes = [d for d in (lungs.dome_left, lungs.dome_right) if d is not None]
    if not domes or lungs.apex is None:
        return None
    low = int(max(0, max(domes) - 80 / SPACING_MM))
    high = lungs.apex + 1 if lungs.cut_above else lungs.apex - 80 / SPACING_MM
    measured = np.flatnonzero(scene.ct_field.any(axis=(1, 2)))
    high = int(min(high, measured[-1] + 1))
    if high - low < 5:
        return None
    box = scene.ct_smooth[low:high]
    best: AortaTrack | None = None
    candidates, uptake = blood_candidates(scene, lungs, spine)
    for blood in candidates:
        near = np.abs(box - blood) < 40
        noise = mm.robust_sd(box[near][::7]) if near.sum() > 500 else 15.0
        track = track_aorta(scene, spine, low, high, blood, min(noise, 15.0), uptake)
        if track is not None and (best is None or track.score > best.score):
            best = track
    return best


def aorta_mask(scene: Scene, track: AortaTrack, share: float = 1.0) -> mm.Mask:
    """The tube of the track, radius times `share`."""
    mask = np.zeros(scene.ct.shape, bool)
    rows, columns = scene.ct.shape[1:]
    for n, k in enumerate(track.z):
        r = track.radius_mm[n] * share / SPACING_MM
        ya, yb = int(max(0, track.y[n] - r - 1)), int(min(rows, track.y[n] + r + 2))
        xa, xb = int(max(0, track.x[n] - r - 1)), int(min(columns, track.x[n] + r + 2))
        y, x = np.mgrid[ya:yb, xa:xb]
        mask[k, ya:yb, xa:xb] = (y - track.y[n]) ** 2 + (x - track.x[n]) ** 2 <= r * r
    return mask
