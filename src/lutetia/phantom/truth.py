"""What is really in the phantom, in the words of a judge: reference uptake, lesions, acceptable grades.

``truth.json`` has the format "lutetia-sim-truth/1"; lengths in mm, volumes in mL, points in DICOM LPS mm. SUV with
"blurred" or "max" in the name are noise-free after the point-spread function; the others are before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from lutetia.model import Grid
from lutetia.phantom.grids import grid_axes
from lutetia.phantom.lesions import LesionPlan
from lutetia.phantom.scanner import FineActivity, Float, Slices, Visit, image_box, nearest
from lutetia.phantom.tissues import NUMBER, organ_table

FORMAT = "lutetia-sim-truth/1"
PEAK_RADIUS_MM = (3000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)  # sphere of 1 mL
_REFERENCE_TISSUE = {"liver": "liver", "spleen": "spleen", "blood_pool": "aorta_thoracic"}
_CORE_MM = {"liver": 10.0, "spleen": 10.0, "blood_pool": 7.0}


def acceptable_grades(value: float, blood: float, liver: float, spleen: float | None, noise: float) -> list[str]:
    """Modified Krenning grades that a careful reader may give to an uptake value.

    Cuts: 0.9 and 1.2 × blood pool, liver, spleen. A grade is acceptable when the value, down or up by a tolerance
    (20 % at the blood-pool cuts, 12 % at the others; upwards also by `noise`, the bias of a maximum), falls in it.
    Without a spleen above the liver, 3 and 4 are not told apart.
    """
    cuts = [(0.9 * blood, 0.20), (min(1.2 * blood, liver), 0.20), (liver, 0.12)]
    if spleen is not None and spleen > liver:
        cuts.append((spleen, 0.12))
    grades = []
    for grade in range(len(cuts) + 1):
        reaches = grade == 0 or value * (1 + cuts[grade - 1][1] + noise) >= cuts[grade - 1][0]
        stays = grade == len(cuts) or value * (1 - cuts[grade][1]) <= cuts[grade][0]
        if reaches and stays:
            grades.append(str(grade))
    if len(cuts) == 3 and "3" in grades:
        grades.append("4")
    return grades


def centroid_mm(weights: npt.NDArray[Any], grid: Grid, start: tuple[int, int, int] = (0, 0, 0)) -> list[float]:
    """Centre of mass (LPS x, y, z mm) of weights that begin at voxel `start` of the grid."""
    total = float(weights.sum())
    index = [
        float((weights.sum(axis=tuple(b for b in range(3) if b != a), dtype=np.float64) * np.arange(n)).sum() / total)
        + start[a]
        for a, n in enumerate(weights.shape)
    ]
    return [round(float(v), 2) for v in grid.to_lps(index)]


def organ_map(fine: FineActivity, target: Grid) -> npt.NDArray[np.uint8]:
    """Values of `tissues.ORGAN_LABELS` on the PET grid (nearest fine voxel; 0 outside the patient)."""
    kz, ky, kx = nearest(target, fine.grid)
    out: npt.NDArray[np.uint8] = organ_table()[fine.labels[kz][:, ky][:, :, kx]]
    for axis, (to, of) in enumerate(zip(grid_axes(target)[::-1], grid_axes(fine.grid)[::-1], strict=True)):
        outside = (to < of[0] - fine.grid.spacing_mm[axis]) | (to > of[-1] + fine.grid.spacing_mm[axis])
        out[tuple(outside if a == axis else slice(None) for a in range(3))] = 0
    return out


def lesion_shares(fine: FineActivity, target: Grid) -> dict[str, tuple[Slices, Float]]:
    """For each lesion the share of every PET voxel it fills: linear averaging of the fine coverage."""
    out: dict[str, tuple[Slices, Float]] = {}
    for name, (box, share, _) in fine.lesion_boxes.items():
        small = share
        where: list[slice] = []
        for axis, (to, of) in enumerate(zip(grid_axes(target)[::-1], grid_axes(fine.grid)[::-1], strict=True)):
            step_to, step_of = target.spacing_mm[axis], fine.grid.spacing_mm[axis]
            here = of[box[axis]]
            near = np.flatnonzero((to > here[0] - step_to) & (to < here[-1] + step_to))
            where.append(slice(int(near[0]), int(near[-1]) + 1))
            edges_low = np.maximum(to[near][:, None] - step_to / 2, here[None, :] - step_of / 2)
            edges_high = np.minimum(to[near][:, None] + step_to / 2, here[None, :] + step_of / 2)
            matrix = (np.maximum(edges_high - edges_low, 0) / step_to).astype(np.float32)
            small = np.moveaxis(np.tensordot(matrix, small, (1, axis)), 0, axis)
        out[name] = ((where[0], where[1], where[2]), small.astype(np.float32))
    return out


def lesion_map(
    shares: dict[str, tuple[Slices, Float]], lesions: tuple[LesionPlan, ...], grid: Grid
) -> npt.NDArray[np.uint16]:
    """Label map: the lesion that fills at least half of a voxel, and most of it; a tiny one keeps its fullest voxel."""
    out = np.zeros(grid.shape, np.uint16)
    best = np.zeros(grid.shape, np.float32)
    for label, lesion in enumerate(lesions, start=1):
        if lesion.id not in shares:
            continue
        box, share = shares[lesion.id]
        mine = share >= 0.5
        if not mine.any():
            mine = share >= 0.999 * share.max()
        wins = mine & (share > best[box])
        best[box][wins] = share[wins]
        out[box][wins] = label
    return out


def references(
    fine: FineActivity, clean: Float, organs: npt.NDArray[np.uint8], lesions: npt.NDArray[np.uint16], grid: Grid
) -> dict[str, Any]:
    """True uptake of liver (free of lesions), spleen and blood pool (descending thoracic aorta)."""
    out: dict[str, Any] = {}
    for name, tissue in _REFERENCE_TISSUE.items():
        number = NUMBER[tissue]
        here = organs == organ_table()[number]
        seen = float(here.sum()) * grid.voxel_ml
        inside = fine.labels == number
        whole = float(inside.sum()) * fine.grid.voxel_ml
        row: dict[str, Any] = {"present": whole > 0, "in_field": round(min(1.0, seen / whole), 3) if whole else 0.0}
        if seen > 0.5:
            clear = inside & (fine.cover <= 0)
            values = fine.suv[clear if clear.sum() > 100 else inside]
            free = here & (lesions == 0)
            depth = ndi.distance_transform_edt(free[_around(free)], sampling=grid.spacing_mm)
            core = depth > _CORE_MM[name]
            blurred = clean[_around(free)]
            core_mean = float(blurred[core].mean()) if core.any() else None
            row |= {
                "suv_mean": round(float(values.mean(dtype=np.float64)), 4),
                "suv_sd": round(float(values.std(dtype=np.float64)), 4),
                "volume_ml": round(seen, 2),
                "lesion_free_volume_ml": round(float(free.sum()) * grid.voxel_ml, 2),
                "suv_mean_blurred": round(float(clean[free].mean(dtype=np.float64)), 4),
                "suv_mean_blurred_core": None if core_mean is None else round(core_mean, 4),
                "centroid_mm": centroid_mm(here, grid),
            }
            row["suv_mean_expected"] = row["suv_mean"]
            row["recovery"] = round(row["suv_mean_blurred"] / max(row["suv_mean"], 1e-6), 4)
        out[name] = row
    return out


def _around(mask: npt.NDArray[np.bool_]) -> Slices:
    found = []
    for axis in range(3):
        line = np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != axis)))
        found.append(slice(int(line[0]), int(line[-1]) + 1))
    return found[0], found[1], found[2]


def _peak_kernel(grid: Grid) -> Float:
    reach = [int(np.ceil(PEAK_RADIUS_MM / s)) for s in grid.spacing_mm]
    mesh = np.ogrid[tuple(slice(-n, n + 1) for n in reach)]
    distance2 = sum((g * s) ** 2 for g, s in zip(mesh, grid.spacing_mm, strict=True))
    inside = np.asarray(distance2 <= PEAK_RADIUS_MM**2, np.float32)
    kernel: Float = inside / inside.sum()
    return kernel


def observe(
    lesion: LesionPlan,
    label: int,
    shares: dict[str, tuple[Slices, Float]],
    fine: FineActivity,
    clean: Float,
    labels: npt.NDArray[np.uint16],
    organs: npt.NDArray[np.uint8],
    grid: Grid,
    visit: Visit,
    reference: dict[str, Any],
    noise: float,
) -> dict[str, Any]:
    """One lesion in one study: where, how large, how hot, whether a reader can see it, which grades are right."""
    if lesion.id not in shares:
        return {
            "study": visit.id,
            "exists": lesion.exists(visit.epoch),
            "present": False,
            "label": label,
            "event": None,
        }
    box, share = shares[lesion.id]
    margin = [int(np.ceil(18.0 / s)) for s in grid.spacing_mm]
    wide = tuple(
        slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(box, margin, labels.shape, strict=True)
    )
    here = labels[wide]
    mine = here == label
    if not mine.any():
        inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, wide, strict=True))
        mine[inner] = share >= 0.999 * share.max()
    values = clean[wide][mine]
    fine_box, fine_share, added = fine.lesion_boxes[lesion.id]
    spread_box, spread = image_box(added, fine_box, fine.grid, grid, visit.psf_mm)
    plain = clean[spread_box] - spread
    without = np.zeros(labels.shape, bool)
    without[wide] = mine
    own_plain = plain[without[spread_box]]
    away = ndi.distance_transform_edt(~mine, sampling=grid.spacing_mm)
    others = ndi.distance_transform_edt((here == 0) | mine, sampling=grid.spacing_mm)
    ring = (away > 5) & (away <= 15) & (others > 4) & (organs[wide] > 0)
    background = float(np.median(clean[wide][ring])) if ring.any() else float(np.median(own_plain))
    touching = sorted(int(n) for n in np.unique(here[(away <= 5.5) & (here > 0) & ~mine]))
    peaks = ndi.convolve(clean[wide], _peak_kernel(grid), mode="nearest")
    volume = float(fine_share.sum(dtype=np.float64)) * fine.grid.voxel_ml
    in_field = min(1.0, float(share.sum(dtype=np.float64)) * grid.voxel_ml / volume)
    in_field = 1.0 if in_field > 0.85 else round(in_field, 3)
    size = 2.0 * (3.0 * volume * 1000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
    top, top_plain = float(values.max()), float(own_plain.max())
    bright = values >= 0.7 * top
    contrast = float(np.median(values[bright] / np.maximum(own_plain[bright], 0.05)))
    blood = reference["blood_pool"].get("suv_mean_expected") or fine.uptake["aorta_thoracic"]
    liver = reference["liver"].get("suv_mean_expected")
    spleen = reference["spleen"].get("suv_mean_expected")
    peak = float(peaks[mine].max())
    by = None
    if visit.tracer != "fdg" and liver is not None:
        by = {
            "max": acceptable_grades(top, blood, liver, spleen, noise),
            "peak": acceptable_grades(peak, blood, liver, spleen, noise / 3),
            "mean": acceptable_grades(float(values.mean()), blood, liver, spleen, 0.0),
        }
    delta = lesion.ct_delta_hu if lesion.ct_hu is None else 20.0
    return {
        "study": visit.id,
        "exists": True,
        "present": True,
        "label": label,
        "centroid_mm": centroid_mm(share, grid, (box[0].start, box[1].start, box[2].start)),
        "volume_ml": round(volume, 4),
        "size_mm": round(size, 2),
        "long_axis_mm": round(_long_axis(np.argwhere(mine) * np.asarray(grid.spacing_mm)), 1),
        "suv_true": round(float(lesion.suv[visit.tracer][visit.epoch]), 4),
        "in_field": in_field,
        "necrotic": False,
        "suv_max": round(top, 4),
        "suv_mean": round(float(values.mean()), 4),
        "suv_peak": round(peak, 4),
        "suv_max_without_lesion": round(top_plain, 4),
        "own_contrast": round(contrast, 3),
        "local_background": round(background, 4),
        "detectable": bool(
            in_field >= 0.5 and size >= 8.0 and top > 1.5 * background and top > 1.2 * blood and contrast > 1.25
        ),
        "touching_labels": touching,
        "ct_delta_hu": delta,
        "ct_visible": abs(delta) >= 12.0 and size >= 5.0,
        "krenning_acceptable": by["max"] if by else None,
        "krenning_acceptable_by": by,
        "event": "baseline",
        "previous_study": None,
    }


def _long_axis(points: npt.NDArray[np.float64]) -> float:
    if len(points) < 2:
        return 0.0
    turn = np.arange(60) + 0.5
    polar, azimuth = np.arccos(1 - 2 * turn / 60), np.pi * (1 + 5**0.5) * turn
    ways = np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], 1)
    reach = points @ ways.T
    return float((reach.max(0) - reach.min(0)).max())


def name_events(record: dict[str, Any]) -> None:
    """Fill `event` and `previous_study` of every observation: what happened since the last visit with the same tracer.

    A volume above 1.25 or below 0.8 of the former one is growing or shrinking; between them stable.
    """
    previous: dict[str, str | None] = {}
    last: dict[str, tuple[int, str]] = {}
    for study in record["studies"]:
        epoch, former = last.get(study["tracer"], (study["epoch"], None))
        previous[study["id"]] = former if epoch < study["epoch"] else None
        last[study["tracer"]] = (study["epoch"], study["id"])
    for lesion in record["lesions"]:
        seen = {row["study"]: row for row in lesion["observations"]}
        for row in lesion["observations"]:
            before = previous[row["study"]]
            row["previous_study"] = before
            row["event"] = _event(row, seen[before] if before else None)


def _event(now: dict[str, Any], then: dict[str, Any] | None) -> str:
    if then is None or not then["present"]:
        if not now["present"]:
            return "absent"
        return "baseline" if then is None else "new"
    if not now["present"]:
        return "resolved"
    ratio = now["volume_ml"] / max(then["volume_ml"], 1e-6)
    return "growing" if ratio > 1.25 else "shrinking" if ratio < 0.8 else "stable"
