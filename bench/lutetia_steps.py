#!/usr/bin/env python3
"""Our rooms, doing the steps of baseline_read.py with its threshold scheme, so that the lesion tables can be compared.

    python bench/lutetia_steps.py STUDY [--json OUT.json] [--liver-box X0 X1 Y0 Y1 Z0 Z1]

scan, pet, ct, segment and measure are the product's own functions with all their checks. Two steps differ in kind: the
CT is sampled at the voxels that need it instead of being resampled as a whole (so `resample` holds only what the liver
cube needs), and `liver` is the script's search for a quiet cube, repeated here because a typed-in box is no part of the
product.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# imported by the product when they are needed; here they belong to the start-up, as all imports of the script do
import pydicom  # noqa: F401
import scipy.sparse.csgraph
import scipy.spatial  # noqa: F401
from scipy.ndimage import uniform_filter

from lutetia.dicom.headers import pet_facts
from lutetia.dicom.pixels import load_ct, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.imaging.components import components, hot_voxels
from lutetia.imaging.lesions.threshold import threshold_lesions
from lutetia.imaging.measures import sample_at_voxels
from lutetia.imaging.suv import SuvScale, suv_scale

SECONDS: dict[str, float] = {}
LIVER_BOX = (-115.0, -25.0, -45.0, 45.0, 45.0, 125.0)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the time of a step to SECONDS."""
    begin = time.perf_counter()
    yield
    SECONDS[step] = round(time.perf_counter() - begin, 4)


def crop_of(origin: tuple[float, ...], zyx: tuple[float, ...], box: tuple[float, ...]) -> tuple[slice, ...]:
    """The script's crop of a box in LPS mm."""
    limits = (box[4:6], box[2:4], box[0:2])
    return tuple(
        slice(max(int((low - start) / step), 0), int((high - start) / step))
        for (low, high), start, step in zip(limits, origin[::-1], zyx, strict=True)
    )


def quietest_cube(values: Any, density: Any, zyx: tuple[float, ...]) -> tuple[float, float]:
    """Mean and SD of SUV in the 24 mm cube with the lowest coefficient of variation."""
    size = [max(1, round(24 / step)) for step in zyx]
    mean = uniform_filter(values, size)
    variance = np.maximum(uniform_filter(values * values, size) - mean * mean, 0)
    tissue = (mean > 1) & (mean < 1.3 * np.median(mean)) & (uniform_filter(density, size) > 20)
    spread = np.where(tissue, np.sqrt(variance) / np.maximum(mean, 1e-6), np.inf)
    at = np.unravel_index(np.argmin(spread), spread.shape)
    return float(mean[at]), float(np.sqrt(variance[at]))


def read(study: Path, liver_box: tuple[float, ...], threshold: float = 4.0) -> dict[str, Any]:
    """All steps; returns what is printed."""
    begin = time.perf_counter()
    with timed("scan"):
        chosen = select(scan(study))[0]
        if chosen.pet is None or chosen.ct is None:
            raise SystemExit("the study needs a PET and a CT")
        scale = suv_scale(pet_facts(chosen.pet))
        if not isinstance(scale, SuvScale):
            raise SystemExit(f"no SUV: {scale}")
    with timed("pet"):
        suv = load_pet(chosen.pet, scale.factor, unit="SUVbw").volume
    with timed("ct"):
        ct = load_ct(chosen.ct)
    zyx = suv.grid.spacing_mm
    crop = crop_of(suv.grid.origin_mm, zyx, liver_box)
    with timed("resample"):
        mesh = np.stack(np.meshgrid(*[np.arange(s.start, s.stop) for s in crop], indexing="ij"), -1)
        density = sample_at_voxels(ct, suv.grid, mesh.reshape(-1, 3)).reshape(mesh.shape[:3])
    with timed("liver"):
        mean, sd = quietest_cube(suv.array[crop], density, zyx)
    with timed("segment"):
        level = max(threshold, mean + 2 * sd)
        components(hot_voxels(suv.array, level), suv.grid.shape)
    with timed("measure"):
        found = threshold_lesions(suv, ct, level)
    # threshold_lesions segments again; the table counts it once
    SECONDS["measure"] = round(max(SECONDS["measure"] - SECONDS["segment"], 0.0), 4)
    rows = [
        {
            "label": lesion.label,
            "volume_ml": lesion.measures.volume_ml,
            "suv_max": lesion.measures.suv_max,
            "suv_mean": lesion.measures.suv_mean,
            "suv_peak": lesion.measures.suv_peak_global,
            "uptake": lesion.measures.tlu,
            "diameter_mm": lesion.diameter_mm,
            "x": lesion.measures.centroid_mm[0],
            "y": lesion.measures.centroid_mm[1],
            "z": lesion.measures.centroid_mm[2],
            "hu": lesion.hu_mean,
        }
        for lesion in found.lesions
    ]
    rows.sort(key=lambda row: -float(row["suv_max"] or 0))
    SECONDS["total"] = round(time.perf_counter() - begin, 4)
    return {"seconds": SECONDS, "peak_rss_mb": peak_rss_mb(), "reference": {"mean": mean, "sd": sd}, "lesions": rows}


def peak_rss_mb() -> int:
    """Peak resident memory of this process, MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Parse the command line, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--json", type=Path, help="write the result here and print only the times")
    parser.add_argument(
        "--liver-box", type=float, nargs=6, default=LIVER_BOX, metavar=("X0", "X1", "Y0", "Y1", "Z0", "Z1")
    )
    args = parser.parse_args()
    result = read(args.study, tuple(args.liver_box))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))
        result = {"seconds": result["seconds"], "peak_rss_mb": result["peak_rss_mb"], "lesions": len(result["lesions"])}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
