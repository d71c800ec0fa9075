"""Molecular phenotypes inside tumour, voxel by voxel: which tissue binds somatostatin, which takes up glucose.

A lesion that is FDG-hot in one half and receptor-cold there is hidden by its averages; here it is not. The tumour is
the union of what either tracer outlines. Each voxel of the SSTR grid inside it carries both uptakes (FDG sampled
through the alignment) and one of four classes. Volumes come with a range: thresholds ±10 % and one voxel of
misalignment in every direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.imaging.registration import PointMap
from lutetia.model import Volume

Array = npt.NDArray[Any]

#: order of the classes in every table
CLASSES = ("sstr+/fdg-", "sstr+/fdg+", "sstr-/fdg+", "sstr-/fdg-")


@dataclass(frozen=True)
class PhenotypeThresholds:
    """SUV above which a voxel counts as positive; `liver_*` holds inside the liver, where background is the liver.

    `definition` names the choice: "background" (above blood pool, in the liver above liver; NETPET and Karfis say
    "above background") or "liver" (above liver everywhere; Zidan).
    """

    definition: str
    sstr: float
    fdg: float
    liver_sstr: float
    liver_fdg: float


@dataclass(frozen=True)
class PhenotypeVolumes:
    """Volumes in mL per class with their range, and the share of each class per lesion label of the SSTR study."""

    definition: str
    volume_ml: dict[str, float]
    low_ml: dict[str, float]
    high_ml: dict[str, float]
    by_lesion: dict[int, dict[str, float]]


def carry(volume: Volume, alignment: PointMap, like: Volume, where: Array, order: int = 1) -> Array:
    """Values of the moving study's image at voxels of the fixed study.

    Parameters
    ----------
    volume : image or label map of the moving study
    alignment : fixed → moving
    like : any volume on the fixed grid
    where : (n, 3) integer indices (z, y, x) on the fixed grid
    order : 1 linear, 0 nearest

    Returns
    -------
    (n,) float32, NaN outside the moving study's field
    """
    points = alignment.to_moving(like.grid.to_lps(where))
    index = volume.grid.to_index(points).T
    shape = np.array(volume.grid.shape)[:, None]
    inside = np.all((index >= -0.5) & (index <= shape - 0.5), axis=0)
    out = np.full(len(where), np.nan, np.float32)
    if inside.any():
        coordinates = np.clip(index[:, inside], 0, shape - 1.0)
        if order == 0:
            nearest = np.rint(coordinates).astype(int)
            out[inside] = volume.array[tuple(nearest)]
        else:
            out[inside] = ndi.map_coordinates(volume.array, coordinates, order=1, mode="nearest", output=np.float32)
    return out


def tumour_voxels(sstr_labels: Volume, fdg_labels: Volume, alignment: PointMap) -> npt.NDArray[np.int64]:
    """Indices (n, 3) on the SSTR grid of the union of both studies' lesions."""
    mask = sstr_labels.array > 0
    fdg_where = np.argwhere(fdg_labels.array > 0)
    if len(fdg_where):
        points = alignment.to_fixed(fdg_labels.grid.to_lps(fdg_where))
        half = 0.5 * np.asarray(fdg_labels.grid.spacing_mm) / np.asarray(sstr_labels.grid.spacing_mm)
        reach = np.ceil(half - 0.5).astype(int).clip(0)
        index = np.rint(sstr_labels.grid.to_index(points)).astype(int)
        mask = mask.copy()
        for dz in range(-reach[0], reach[0] + 1):
            for dy in range(-reach[1], reach[1] + 1):
                for dx in range(-reach[2], reach[2] + 1):
                    moved = index + np.array((dz, dy, dx))
                    inside = np.all((moved >= 0) & (moved < mask.shape), axis=1)
                    mask[tuple(moved[inside].T)] = True
    return np.argwhere(mask)


def _classify(sstr: Array, fdg: Array, in_liver: Array, t: PhenotypeThresholds, scale: float) -> Array:
    sstr_positive = sstr > scale * np.where(in_liver, t.liver_sstr, t.sstr)
    fdg_positive = fdg > scale * np.where(in_liver, t.liver_fdg, t.fdg)
    return np.where(sstr_positive, np.where(fdg_positive, 1, 0), np.where(fdg_positive, 2, 3))


def phenotype(
    sstr: Volume,
    sstr_labels: Volume,
    fdg: Volume,
    fdg_labels: Volume,
    liver: Array | None,
    alignment: PointMap,
    thresholds: PhenotypeThresholds,
) -> tuple[PhenotypeVolumes, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Classes of every tumour voxel.

    Parameters
    ----------
    sstr, fdg : SUV of the two studies on their own grids
    sstr_labels, fdg_labels : lesion labels of candidates and confirmed lesions, on the same grids
    liver : mask of the liver on the SSTR grid, or None
    alignment : SSTR (fixed) → FDG (moving)

    Returns
    -------
    (volumes, voxels, classes) : voxels (n, 3) on the SSTR grid; classes (n,) index into `CLASSES`, −1 where the FDG
        scan did not image the voxel
    """
    where = tumour_voxels(sstr_labels, fdg_labels, alignment)
    sstr_values = sstr.array[tuple(where.T)].astype(np.float32)
    in_liver = liver[tuple(where.T)] if liver is not None else np.zeros(len(where), bool)
    fdg_values = carry(fdg, alignment, sstr, where)
    imaged = np.isfinite(fdg_values)
    classes = np.full(len(where), -1, np.int8)
    classes[imaged] = _classify(sstr_values[imaged], fdg_values[imaged], in_liver[imaged], thresholds, 1.0)

    voxel_ml = sstr.grid.voxel_ml
    counts = _volumes(classes, voxel_ml)
    trials = [counts]
    for scale in (0.9, 1.1):
        other = np.full(len(where), -1, np.int8)
        other[imaged] = _classify(sstr_values[imaged], fdg_values[imaged], in_liver[imaged], thresholds, scale)
        trials.append(_volumes(other, voxel_ml))
    for axis in range(3):
        for step in (-1, 1):
            moved = where.copy()
            moved[:, axis] = np.clip(moved[:, axis] + step, 0, sstr.grid.shape[axis] - 1)
            shifted = carry(fdg, alignment, sstr, moved)
            seen = imaged & np.isfinite(shifted)
            other = np.full(len(where), -1, np.int8)
            other[seen] = _classify(sstr_values[seen], shifted[seen], in_liver[seen], thresholds, 1.0)
            trials.append(_volumes(other, voxel_ml))
    labels = sstr_labels.array[tuple(where.T)]
    by_lesion: dict[int, dict[str, float]] = {}
    for label in np.unique(labels[labels > 0]):
        own = classes[(labels == label) & imaged]
        if len(own):
            by_lesion[int(label)] = {name: round(float((own == k).mean()), 3) for k, name in enumerate(CLASSES)}
    volumes = PhenotypeVolumes(
        definition=thresholds.definition,
        volume_ml=counts,
        low_ml={name: min(t[name] for t in trials) for name in CLASSES},
        high_ml={name: max(t[name] for t in trials) for name in CLASSES},
        by_lesion=by_lesion,
    )
    return volumes, where, classes


def _volumes(classes: Array, voxel_ml: float) -> dict[str, float]:
    return {name: round(float((classes == k).sum()) * voxel_ml, 3) for k, name in enumerate(CLASSES)}
