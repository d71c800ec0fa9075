#!/usr/bin/env python3
"""The yardstick: the script that a competent user writes with pydicom, SimpleITK, SciPy and pandas.

    python bench/baseline_read.py STUDY [--json OUT.json] [--seg OUT.dcm] [--liver-box X0 X1 Y0 Y1 Z0 Z1]

It imports nothing of ours and uses the libraries as their documentation shows them: every file is opened with pydicom,
SimpleITK resamples, SciPy labels and filters, and each lesion is measured on a crop around it rather than on the whole
volume. Steps, timed one by one:

    scan      read all headers, group by series, sort along the normal
    pet       pixels, rescale, SUV by body weight, float32
    ct        pixels, Hounsfield units, int16
    resample  the CT on the PET's grid, linear
    liver     mean and SD of the quietest 24 mm cube in a box that the user typed in
    segment   SUV ≥ 4 and ≥ liver mean + 2 SD; 26-connected components; less than 0.3 mL dropped
    measure   SUVmax, SUVmean, SUVpeak (1 mL sphere), volume, uptake, longest diameter, centroid, mean HU
    seg       with --seg: one binary segment a lesion, by highdicom

Printed as JSON: seconds of each step, peak memory, the liver reference and the lesion table.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import SimpleITK as sitk
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

SECONDS: dict[str, float] = {}
Slices = list[tuple[Path, pydicom.Dataset]]
#: where the user sees normal liver in the benchmark's phantom: LPS mm, x, y, z
LIVER_BOX = (-115.0, -25.0, -45.0, 45.0, 45.0, 125.0)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the time of a step to SECONDS."""
    begin = time.perf_counter()
    yield
    SECONDS[step] = round(time.perf_counter() - begin, 4)


def find_series(folder: Path) -> dict[str, Slices]:
    """The PET and the CT, slices in order from the feet (along the normal of the image plane)."""
    series: dict[str, Slices] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        if "ImagePositionPatient" in header:
            series[header.SeriesInstanceUID].append((path, header))
    by_modality: dict[str, Slices] = {}
    for slices in series.values():
        orientation = np.array(slices[0][1].ImageOrientationPatient, float)
        normal = np.cross(orientation[:3], orientation[3:])
        slices.sort(key=lambda item: float(normal @ np.array(item[1].ImagePositionPatient, float)))
        by_modality.setdefault(slices[0][1].Modality, slices)
    return by_modality


def load(slices: Slices, dtype: type) -> np.ndarray:
    """Rescaled pixels of a series, (z, y, x)."""
    first = slices[0][1]
    volume = np.empty((len(slices), first.Rows, first.Columns), dtype)
    for k, (path, _) in enumerate(slices):
        image = pydicom.dcmread(path)
        volume[k] = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    return volume


def geometry(slices: Slices) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Origin and spacing (x, y, z) of an axial series."""
    low = np.array(slices[0][1].ImagePositionPatient, float)
    high = np.array(slices[-1][1].ImagePositionPatient, float)
    row, column = (float(v) for v in slices[0][1].PixelSpacing)
    return tuple(low.tolist()), (column, row, float(np.linalg.norm(high - low)) / (len(slices) - 1))


def suv_per_bqml(header: pydicom.Dataset) -> float:
    """Body weight over the dose at the start of the series."""
    if header.Units != "BQML" or header.DecayCorrection != "START":
        raise SystemExit("this script reads Bq/mL that is decay-corrected to the start of the series")
    injected = header.RadiopharmaceuticalInformationSequence[0]

    def seconds(text: str) -> float:
        return 3600 * int(text[:2]) + 60 * int(text[2:4]) + float(text[4:])

    wait = seconds(str(header.SeriesTime)) - seconds(str(injected.RadiopharmaceuticalStartTime))
    dose = float(injected.RadionuclideTotalDose) * 0.5 ** (wait / float(injected.RadionuclideHalfLife))
    return 1000 * float(header.PatientWeight) / dose


def as_image(array: np.ndarray, origin: tuple[float, ...], spacing: tuple[float, ...]) -> sitk.Image:
    """A SimpleITK image of an axial volume."""
    image = sitk.GetImageFromArray(array)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    return image


def quietest_cube(
    suv: np.ndarray, hu: np.ndarray, zyx: tuple[float, ...], origin: tuple[float, ...], box: tuple[float, ...]
) -> tuple[float, float]:
    """Mean and SD of SUV in the 24 mm cube with the lowest coefficient of variation within `box` (LPS mm)."""
    limits = (box[4:6], box[2:4], box[0:2])
    crop = tuple(
        slice(max(int((low - start) / step), 0), int((high - start) / step))
        for (low, high), start, step in zip(limits, origin[::-1], zyx, strict=True)
    )
    size = [max(1, round(24 / step)) for step in zyx]
    values, density = suv[crop], hu[crop].astype(np.float32)
    mean = ndi.uniform_filter(values, size)
    variance = np.maximum(ndi.uniform_filter(values * values, size) - mean * mean, 0)
    tissue = (mean > 1) & (mean < 1.3 * np.median(mean)) & (ndi.uniform_filter(density, size) > 20)
    spread = np.where(tissue, np.sqrt(variance) / np.maximum(mean, 1e-6), np.inf)
    at = np.unravel_index(np.argmin(spread), spread.shape)
    return float(mean[at]), float(np.sqrt(variance[at]))


def label_lesions(suv: np.ndarray, threshold: float, voxel_mm3: float) -> np.ndarray:
    """26-connected components of SUV ≥ threshold with at least 0.3 mL, numbered from 1."""
    labels, count = ndi.label(suv >= threshold, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes * voxel_mm3 >= 300
    keep[0] = False
    numbers = np.zeros(count + 1, labels.dtype)
    numbers[keep] = np.arange(1, keep.sum() + 1)
    return numbers[labels]


def peak_kernel(zyx: tuple[float, ...]) -> tuple[np.ndarray, list[int]]:
    """A 1 mL sphere as convolution weights, and its reach in voxels."""
    radius = (3000 / (4 * np.pi)) ** (1 / 3)
    reach = [int(np.ceil(radius / step)) for step in zyx]
    z, y, x = np.ogrid[tuple(slice(-n, n + 1) for n in reach)]
    ball = (z * zyx[0]) ** 2 + (y * zyx[1]) ** 2 + (x * zyx[2]) ** 2 <= radius**2
    return ball.astype(np.float32) / ball.sum(), reach


def longest_diameter(mask: np.ndarray, zyx: tuple[float, ...]) -> float:
    """Greatest distance between two voxel centres of a mask, by its convex hull."""
    rim = np.argwhere(mask & ~ndi.binary_erosion(mask)) * np.array(zyx)
    if len(rim) > 8:
        with suppress(QhullError):
            rim = rim[ConvexHull(rim).vertices]
    return float(pdist(rim).max()) if len(rim) > 1 else 0.0


def measure(
    suv: np.ndarray, hu: np.ndarray, labels: np.ndarray, zyx: tuple[float, ...], origin: tuple[float, ...]
) -> pd.DataFrame:
    """One row a lesion, the hottest first; every lesion on its own crop."""
    kernel, reach = peak_kernel(zyx)
    voxel_ml = float(np.prod(zyx)) / 1000
    rows = []
    for label, crop in enumerate(ndi.find_objects(labels), start=1):
        if crop is None:
            continue
        mask = labels[crop] == label
        values = suv[crop][mask]
        wide = tuple(
            slice(max(s.start - n, 0), min(s.stop + n, size)) for s, n, size in zip(crop, reach, suv.shape, strict=True)
        )
        inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(crop, wide, strict=True))
        smoothed = ndi.convolve(suv[wide], kernel, mode="nearest")[inner]
        centre = np.array(ndi.center_of_mass(mask)) + [s.start for s in crop]
        rows.append(
            {
                "label": label,
                "volume_ml": values.size * voxel_ml,
                "suv_max": float(values.max()),
                "suv_mean": float(values.mean()),
                "suv_peak": float(smoothed[mask].max()),
                "uptake": float(values.mean()) * values.size * voxel_ml,
                "diameter_mm": longest_diameter(mask, zyx),
                "x": origin[0] + centre[2] * zyx[2],
                "y": origin[1] + centre[1] * zyx[1],
                "z": origin[2] + centre[0] * zyx[0],
                "hu": float(hu[crop][mask].mean()),
            }
        )
    return pd.DataFrame(rows).sort_values("suv_max", ascending=False)


def write_seg(pet: Slices, labels: np.ndarray, table: pd.DataFrame, path: Path) -> None:
    """A DICOM segmentation with one segment a lesion, in the order of the table."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    family = hd.AlgorithmIdentificationSequence("threshold", family=codes.DCM.ArtificialIntelligence, version="1")
    segments = [
        hd.seg.SegmentDescription(
            segment_number=n,
            segment_label=f"lesion {n}",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Lesion,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=family,
        )
        for n in range(1, len(table) + 1)
    ]
    numbers = np.zeros(int(labels.max()) + 1, np.uint16)
    numbers[table["label"].to_numpy()] = np.arange(1, len(table) + 1)
    hd.seg.Segmentation(
        source_images=[header for _, header in pet],
        pixel_array=numbers[labels],
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=hd.UID(),
        series_number=900,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="script",
        manufacturer_model_name="script",
        software_versions="1",
        device_serial_number="1",
        omit_empty_frames=True,
    ).save_as(path)


def read(study: Path, liver_box: tuple[float, ...], seg: Path | None = None, threshold: float = 4.0) -> dict[str, Any]:
    """All steps; returns what is printed."""
    begin = time.perf_counter()
    with timed("scan"):
        series = find_series(study)
        pet, ct = series["PT"], series["CT"]
    with timed("pet"):
        suv = load(pet, np.float32)
        suv *= np.float32(suv_per_bqml(pet[0][1]))
        origin, spacing = geometry(pet)
    with timed("ct"):
        ct_image = as_image(load(ct, np.int16), *geometry(ct))
    with timed("resample"):
        reference = sitk.Image([int(n) for n in suv.shape[::-1]], sitk.sitkInt16)
        reference.SetOrigin(origin)
        reference.SetSpacing(spacing)
        resampled = sitk.Resample(ct_image, reference, sitk.Transform(), sitk.sitkLinear, -1000)
        hu = sitk.GetArrayFromImage(resampled)
    zyx = spacing[::-1]
    with timed("liver"):
        mean, sd = quietest_cube(suv, hu, zyx, origin, liver_box)
    with timed("segment"):
        labels = label_lesions(suv, max(threshold, mean + 2 * sd), float(np.prod(zyx)))
    with timed("measure"):
        table = measure(suv, hu, labels, zyx, origin)
    if seg is not None:
        with timed("seg"):
            write_seg(pet, labels, table, seg)
    SECONDS["total"] = round(time.perf_counter() - begin, 4)
    return {
        "seconds": SECONDS,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "reference": {"mean": mean, "sd": sd},
        "lesions": json.loads(table.to_json(orient="records", double_precision=10)),
    }


def main() -> None:
    """Parse the command line, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--json", type=Path, help="write the result here and print only the times")
    parser.add_argument("--seg", type=Path, help="write a DICOM segmentation too")
    parser.add_argument(
        "--liver-box", type=float, nargs=6, default=LIVER_BOX, metavar=("X0", "X1", "Y0", "Y1", "Z0", "Z1")
    )
    args = parser.parse_args()
    result = read(args.study, tuple(args.liver_box), args.seg)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))
        result = {"seconds": result["seconds"], "peak_rss_mb": result["peak_rss_mb"], "lesions": len(result["lesions"])}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
