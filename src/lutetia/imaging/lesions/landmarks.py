"""Where a point lies in the body: midline, levels, distance to organs. Everything in LPS mm, nothing in voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.lesions.working import Working

Array = npt.NDArray[Any]


#: from the apex of the lungs to the base of the skull, typical of adults; used only where the brain was not found
_NECK_MM = 140.0


class Landmarks:
    """Landmarks of one body, from whatever organs were found; what is missing is None, never guessed.

    Attributes
    ----------
    lung_top, lung_base : z of the apex and of the base of the lungs
    brain_base : z of the lower end of the brain
    bladder_top : z of the top of the bladder
    kidney : side → centroid (x, y, z) of each kidney found
    sex : of the patient, "M" or "F"; None where it is neither or not known
    """

    def __init__(self, work: Working, anatomy: Anatomy, sex: str | None = None) -> None:
        self._work = work
        self.sex = sex if sex in ("M", "F") else None
        self._index = _organ_voxels(work.labels)
        self._points: dict[str, Array] = {}
        self._trees: dict[str, Any] = {}
        self._line = anatomy.spine_line_mm
        self._middle = anatomy.midline_x_mm
        body = np.argwhere(work.labels[::6, ::6, ::6] > 0) * 6
        points = work.grid.to_lps(body) if len(body) else np.zeros((1, 3))
        self.body_low, self.body_high = float(points[:, 2].min()), float(points[:, 2].max())
        self._body_x = float(np.median(points[:, 0]))
        self._body_y = float(np.median(points[:, 1]))
        lungs = self._stack("lung_left", "lung_right")
        self.lung_top = float(np.quantile(lungs[:, 2], 0.995)) if len(lungs) else None
        self.lung_base = float(np.quantile(lungs[:, 2], 0.03)) if len(lungs) else None
        brain = self.points("brain")
        self.brain_base = float(np.quantile(brain[:, 2], 0.02)) if len(brain) > 100 else None
        self.brain_middle = brain.mean(0) if len(brain) > 100 else None
        self.brain_found = self.brain_base is not None
        bladder = self.points("urinary_bladder")
        self.bladder_top = float(np.quantile(bladder[:, 2], 0.98)) if len(bladder) else None
        self.bladder_middle = bladder.mean(0) if len(bladder) else None
        self.kidney = {}
        self.kidney_top = {}
        for side in ("left", "right"):
            kidney = self.points(f"kidney_{side}")
            if len(kidney) > 50:
                self.kidney[side] = kidney.mean(0)
                self.kidney_top[side] = float(np.quantile(kidney[:, 2], 0.97))
        self.swollen_kidney = self._swollen_kidney(anatomy)
        liver = self.points("liver")
        self.liver_low = float(np.quantile(liver[:, 2], 0.02)) if len(liver) else None
        self.liver_high = float(np.quantile(liver[:, 2], 0.98)) if len(liver) else None
        if not self.brain_found:
            self._head_without_brain()
        self.liver_x: float | None = None
        if len(liver):
            middle = liver.mean(0)
            self.liver_x = float(middle[0]) - self.midline(float(middle[2]))

    def _swollen_kidney(self, anatomy: Anatomy) -> frozenset[int]:
        """Label of a kidney so much larger than the other that its mask must hold something else as well."""
        volume = {}
        for side in ("left", "right"):
            record = anatomy.organ(f"kidney_{side}")
            volume[side] = record.volume_ml or 0.0 if record is not None else 0.0
        return frozenset(
            LABELS[f"kidney_{side}"]
            for side, other in (("left", "right"), ("right", "left"))
            if volume[side] > max(250.0, 2.0 * volume[other])
        )

    def _head_without_brain(self) -> None:
        """Level and middle of the head where the brain was not found: 14 cm above the lungs, if the body goes on."""
        if self.lung_top is None or self.body_high < self.lung_top + _NECK_MM + 40:
            return
        level = self.lung_top + _NECK_MM
        index = np.argwhere(self._work.labels[::4, ::4, ::4] > 0) * 4
        points = self._work.grid.to_lps(index)
        neck = self.midline(self.lung_top)
        head = points[(points[:, 2] > level) & (points[:, 2] < level + 80) & (np.abs(points[:, 0] - neck) < 85)]
        if len(head) < 20:
            return
        self.brain_base = level
        self.brain_middle = np.array([head[:, 0].mean(), head[:, 1].mean(), level + 60.0])

    def points(self, name: str) -> Array:
        """Working voxel centres of an organ (n, 3), LPS mm; empty when it was not found."""
        if name not in self._points:
            index = self._index.get(LABELS[name])
            self._points[name] = self._work.grid.to_lps(index) if index is not None else np.zeros((0, 3))
        return self._points[name]

    def _stack(self, *names: str) -> Array:
        return np.concatenate([self.points(n) for n in names])

    def distance(self, name: str, points: Array) -> float | None:
        """Least distance in mm from any of `points` to the organ, None when it was not found."""
        organ = self.points(name)
        if len(organ) == 0:
            return None
        if name not in self._trees:
            from scipy.spatial import cKDTree

            self._trees[name] = cKDTree(organ)
        return float(self._trees[name].query(np.atleast_2d(points), k=1)[0].min())

    def near_the_rim(self, name: str, point: Array, mm: float) -> bool:
        """Whether something else than the organ lies within `mm` of the point; outside the organ it always does."""
        spacing = np.asarray(self._work.grid.spacing_mm)
        index = self._work.grid.to_index(point)
        low = np.maximum(np.floor(index - mm / spacing).astype(int), 0)
        box = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, np.ceil(index + mm / spacing), strict=True))
        others = np.argwhere(self._work.labels[box] != LABELS[name]) + low
        return bool(len(others)) and bool((np.linalg.norm((others - index) * spacing, axis=1) <= mm).any())

    def spine(self, z: float) -> Array:
        """Centre (x, y) of the vertebral column at a level; the middle of the body when it is unknown."""
        if self._line is None or len(self._line) == 0:
            return np.array([self._body_x, self._body_y])
        order = np.argsort(self._line[:, 2])
        line = self._line[order]
        return np.array([np.interp(z, line[:, 2], line[:, 0]), np.interp(z, line[:, 2], line[:, 1])])

    def midline(self, z: float) -> float:
        """x of the plane of symmetry at a level: along the spine, in the head through the middle of the brain."""
        if self._line is None or self._middle is None or len(self._middle) == 0:
            return float(self.spine(z)[0])
        order = np.argsort(self._line[:, 2])
        levels, middle = self._line[order, 2], np.asarray(self._middle)[order]
        if self.brain_base is None or self.brain_middle is None or self.lung_top is None or z <= self.lung_top:
            return float(np.interp(z, levels, middle))
        neck = float(np.interp(self.lung_top, levels, middle))
        return float(np.interp(z, [self.lung_top, self.brain_base], [neck, float(self.brain_middle[0])]))

    def side(self, point: Array) -> str:
        """ "left", "right", or "midline" within 10 mm of it."""
        away = float(point[0]) - self.midline(float(point[2]))
        if abs(away) < 10.0:
            return "midline"
        return "left" if away > 0 else "right"

    def mirror(self, point: Array) -> Array:
        """The point on the other side of the plane of symmetry."""
        out = np.array(point, float)
        out[0] = 2 * self.midline(float(point[2])) - out[0]
        return out

    def in_pelvis(self, z: float) -> bool:
        """Near the level of the bladder, where the spine's line bends and tells depth no more."""
        return self.bladder_top is not None and z < self.bladder_top + 70

    def in_head_and_neck(self, z: float) -> bool:
        """Above the apex of the lungs, or above the base of the brain."""
        if self.lung_top is not None:
            return z > self.lung_top + 5
        if self.brain_base is not None:
            return z > self.brain_base - 120
        return False

    def in_abdomen(self, z: float) -> bool:
        """Below the dome of the liver and above the pelvic floor (as far as these are known)."""
        top = self.liver_high if self.liver_high is not None else self.lung_base
        if top is None:
            return not self.in_head_and_neck(z)
        low = self.bladder_middle[2] - 60 if self.bladder_middle is not None else top - 420
        return bool(low < z < top + 15)

    def in_chest(self, z: float) -> bool:
        """Between base and apex of the lungs."""
        return self.lung_top is not None and self.lung_base is not None and self.lung_base < z <= self.lung_top + 5


def _organ_voxels(labels: Array, most: int = 40000) -> dict[int, Array]:
    """Indices (n, 3) of the voxels of every organ, in one pass; thinned evenly to about `most` in a large one."""
    where = np.flatnonzero(labels > LABELS["body"])
    if not len(where):
        return {}
    values = labels.ravel()[where]
    order = np.argsort(values, kind="stable")
    where, values = where[order], values[order]
    names, start = np.unique(values, return_index=True)
    out = {}
    for name, a, b in zip(names.tolist(), start, [*start[1:], len(where)], strict=True):
        own = where[a : b : (b - a) // most + 1]
        out[int(name)] = np.stack(np.unravel_index(own, labels.shape), 1)
    return out
