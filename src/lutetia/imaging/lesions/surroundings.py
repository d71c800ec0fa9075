"""What a focus looks like and what lies around it: shape, CT density, neighbours, the other side of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.fall_off import is_ball
from lutetia.imaging.lesions.foci import STRADDLING, Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.working import Working
from lutetia.imaging.measures import sample
from lutetia.model import Volume

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Facts about a focus.

    Attributes
    ----------
    point : LPS mm of the peak
    lateral, ventral : mm to the left of the midline, mm in front of the spine's centre (at its level)
    core_ml : volume from halfway to the peak on
    elongation : longest over second principal extent of the core (1 = round); `thinness` second over shortest
    length_mm : extent along the first principal axis (± 2 SD)
    summit_elongation : elongation of what hangs on the peak above 3/4 of its height
    joined : saddle over peak, 0 when it stands alone: how far it belongs to a larger structure
    ct_hu : median HU of the core (NaN without CT); `ct_peak_hu` that of the 5 mm around the peak
    fat, soft, gas, bone, lung : shares of the shell 2–7 mm around the core by HU
    other_side : peak over the highest uptake within 18 mm of the mirrored place
    weakest, evenness : fall of uptake in the direction in which it falls least, over the peak, and over the strongest
    companions : other foci above and below on the same course beside the spine (within 60 mm), drops or threads all
    over_bowel_hu : HU of core and peak, above what the bowel of this patient shows (NaN where that is not known)
    over_bowel_suv : SUV over that of the bowel of this patient (NaN where that is not known)
    neighbours : how many other foci border on it (NaN for a focus of the search inside the liver)
    """

    point: Array
    lateral: float
    ventral: float
    core_ml: float
    elongation: float
    thinness: float
    length_mm: float
    summit_elongation: float
    joined: float
    ct_hu: float
    ct_peak_hu: float
    fat: float
    soft: float
    gas: float
    bone: float
    lung: float
    other_side: float
    weakest: float
    evenness: float
    companions: int = 0
    over_bowel_hu: tuple[float, float] = (float("nan"), float("nan"))
    over_bowel_suv: float = float("nan")
    neighbours: float = float("nan")

    @property
    def ball_like(self) -> bool:
        """Uptake falls off in every direction, and alike in all, as it does around a small lesion."""
        return is_ball(self.weakest, self.evenness)

    @property
    def has_ct(self) -> bool:
        """Whether CT covers the focus."""
        return bool(np.isfinite(self.ct_hu))

    @property
    def nodule_in_fat(self) -> bool:
        """Soft tissue in the core with mostly fat around it: what a node looks like on CT."""
        return self.has_ct and -20.0 < self.ct_peak_hu < 130.0 and self.fat >= 0.4

    @property
    def renal_place(self) -> bool:
        """Beside or behind the vertebral column, never before it: where kidneys lie, whatever a mask says.

        As wide as the search for kidneys itself: in a broad body their outer rim lies 11 cm from the spine.
        """
        return 22 < abs(self.lateral) < 115 and -70 < self.ventral < 50

    @property
    def compact(self) -> bool:
        """Round, small enough for a focal lesion, and not part of a larger structure."""
        return self.elongation < 1.45 and self.joined < 0.6


def describe(focus: Focus, work: Working, ct: Volume | None, marks: Landmarks) -> Surroundings:
    """Measure the surroundings of one focus."""
    grid = work.grid
    spacing = np.asarray(grid.spacing_mm)
    point = grid.to_lps(focus.peak_index)
    spread = _extents(focus.core, spacing)
    tip = _extents(_summit(focus, work), spacing)
    spine = marks.spine(float(point[2]))
    hu = ct_peak = float("nan")
    shares = dict.fromkeys(("fat", "soft", "gas", "bone", "lung"), 0.0)
    if ct is not None:
        inside = sample(ct, grid.to_lps(focus.core))
        inside = inside[np.isfinite(inside)]
        if len(inside) >= 0.5 * len(focus.core):
            hu = float(np.median(inside))
            around = sample(ct, _ball(point, 4.0, 2.0))
            around = around[np.isfinite(around)]
            ct_peak = float(np.median(around)) if len(around) else hu
            shell = sample(ct, grid.to_lps(_shell(focus.core, spacing)))
            shell = shell[np.isfinite(shell)]
            if len(shell):
                shares = {
                    "fat": float(np.mean((shell > -200) & (shell < -30))),
                    "soft": float(np.mean((shell >= -30) & (shell < 150))),
                    "gas": float(np.mean(shell < -400)),
                    "bone": float(np.mean(shell >= 150)),
                    "lung": float(np.mean((shell < -400) & (shell > -960))),
                }
    return Surroundings(
        point=point,
        lateral=float(point[0]) - marks.midline(float(point[2])),
        ventral=float(spine[1] - point[1]),
        core_ml=len(focus.core) * grid.voxel_ml,
        elongation=float(spread[2] / spread[1]),
        thinness=float(spread[1] / spread[0]),
        length_mm=float(4 * spread[2]),
        summit_elongation=float(tip[2] / tip[1]),
        joined=max(0.0, focus.saddle) / focus.peak if np.isfinite(focus.saddle) else 0.0,
        ct_hu=hu,
        ct_peak_hu=ct_peak,
        other_side=_other_side(focus, work, marks, point),
        weakest=focus.fall.weakest,
        evenness=focus.fall.evenness,
        fat=shares["fat"],
        soft=shares["soft"],
        gas=shares["gas"],
        bone=shares["bone"],
        lung=shares["lung"],
    )


def compare_sides(facts: list[Surroundings], peaks: list[float], marks: Landmarks) -> list[Surroundings]:
    """Where a focus has a partner at about the mirrored place, compare with that: the midline is never exact.

    A partner lies on the other side at the same level and depth (20 and 25 mm), the pair's middle within 22 mm of the
    plane of symmetry.
    """
    if not facts:
        return []
    points = np.array([f.point for f in facts])
    middle = np.array([marks.midline(float(z)) for z in points[:, 2]])
    thin = np.array([f.core_ml < 3.0 and f.evenness < 0.5 and f.elongation > 1.3 for f in facts])
    out = []
    for i, fact in enumerate(facts):
        step = points - points[i]
        centre = 0.5 * (points[:, 0] + points[i, 0]) - middle[i]
        partner = (
            (np.abs(step[:, 2]) < 20) & (np.abs(step[:, 1]) < 25) & (np.abs(step[:, 0]) > 12) & (np.abs(centre) < 22)
        )
        ratio = min((peaks[i] / peaks[j] for j in np.flatnonzero(partner)), default=np.inf)
        along = (np.abs(step[:, 2]) > 8) & (np.abs(step[:, 2]) < 60) & thin
        course = along & (np.abs(step[:, 0]) < 12 + 0.25 * np.abs(step[:, 2])) & (np.abs(step[:, 1]) < 25)
        out.append(replace(fact, other_side=min(fact.other_side, float(ratio)), companions=int(course.sum())))
    return out


def compare_with_neighbours(foci: Sequence[Focus], facts: Sequence[Surroundings]) -> list[Surroundings]:
    """Count the foci that border on each.

    A loop of bowel goes on: other uptake of its kind borders on it, before and behind. A node touches one loop or none.
    """
    known = {focus.basin for focus in foci if _of_outer_search(focus)}
    return [
        replace(fact, neighbours=float(len(known & focus.contacts.keys()))) if _of_outer_search(focus) else fact
        for focus, fact in zip(foci, facts, strict=True)
    ]


def _of_outer_search(focus: Focus) -> bool:
    """Whether the focus has a basin of the search outside the liver, whose contacts are known."""
    return not focus.in_liver and 0 <= focus.basin < STRADDLING


def _extents(voxels: Array, spacing: Array) -> Array:
    """Standard deviations (mm) of a group of voxels along its principal axes, ascending; a voxel has its own extent."""
    if len(voxels) <= 3:
        return np.sort(spacing / np.sqrt(12))
    spread = np.linalg.eigvalsh(np.cov((voxels * spacing).T) + np.diag(spacing**2 / 12))
    extents: Array = np.sqrt(np.maximum(spread, 1e-6))
    return extents


def _summit(focus: Focus, work: Working) -> Array:
    """Voxels connected to the peak above three quarters of its height over background, within 25 mm."""
    from scipy.ndimage import label

    reach = np.ceil(25.0 / np.asarray(work.grid.spacing_mm)).astype(int)
    low = np.maximum(focus.peak_index - reach, 0)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, focus.peak_index + reach + 1, strict=True))
    parts, _ = label(work.smooth[box] >= focus.background + 0.75 * (focus.peak - focus.background))
    own: Array = np.argwhere(parts == parts[tuple(focus.peak_index - low)])
    return own


def _ball(point: Array, radius: float, step: float) -> Array:
    axis = np.arange(-radius, radius + step / 2, step)
    offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    ball: Array = point + offsets[(offsets**2).sum(1) <= radius**2]
    return ball


def _shell(core: Array, spacing: Array) -> Array:
    """Working voxels 2–7 mm outside a core."""
    from scipy.ndimage import distance_transform_edt

    reach = np.ceil(7.0 / spacing).astype(int)
    low = core.min(0) - reach
    outside = np.ones(tuple(core.max(0) + reach + 1 - low), bool)
    outside[tuple((core - low).T)] = False
    away = distance_transform_edt(outside, sampling=spacing)
    shell: Array = np.argwhere((away > 2.0) & (away <= 7.0)) + low
    return shell


def _other_side(focus: Focus, work: Working, marks: Landmarks, point: Array) -> float:
    mirrored = marks.mirror(point)
    index = np.rint(work.grid.to_index(mirrored)).astype(int)
    reach = np.ceil(18.0 / np.asarray(work.grid.spacing_mm)).astype(int)
    box = tuple(slice(max(0, int(i - r)), max(0, int(i + r + 1))) for i, r in zip(index, reach, strict=True))
    around = work.smooth[box]
    if around.size == 0:
        return float("inf")
    return focus.peak / max(float(around.max()), 1e-3)
