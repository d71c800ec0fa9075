"""Slices to a stack: order, spacing and orientation, exact in LPS millimetres, or a refusal by name.

Positions and orientations: DICOM PS3.3 §C.7.6.2 (Image Plane Module). Slices are ordered along the normal
(row × column), so the axes are right-handed whatever the patient's position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.series import SeriesFiles
from lutetia.model import Grid, InputError, Issue
from lutetia.model.base import Level

#: a slice may be off the regular grid by this part of the spacing before the stack counts as irregular
REGULAR_TOLERANCE = 0.05
#: and by this much where positions are rounded to tenths of a millimetre
ROUNDED_MM = 0.06
#: a gap this many times the usual one means that slices are missing
GAP_RATIO = 1.5
#: so many equal wide steps in a row are a coarser part of the volume, where the slices are as thick as the steps
_COARSE_STEPS = 3
#: slices nearer than this are at one place
SAME_PLACE_MM = 0.02
_ORTHOGONAL_TOLERANCE = 1e-3
#: sideways drift per slice, in parts of the spacing, above which a stack is sheared (0.3°)
_SHEAR_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Ordered slices and the grid they lie on.

    Attributes
    ----------
    grid : Grid
        The regular grid of the volume.
    instances : tuple of InstanceHeader
        ``instances[k]`` lies at ``positions_mm[k]``; where the stack is regular it is slice k of the array.
    positions_mm : (n,) float64
        Distance of each slice along the normal from the first.
    regular : bool
        False where the slices have to be interpolated onto the grid (bed joins).
    duplicates : tuple of (InstanceHeader, InstanceHeader)
        Pairs at one place whose pixels have to be equal: (kept, left out).
    issues : tuple of Issue
    """

    grid: Grid
    instances: tuple[InstanceHeader, ...]
    positions_mm: npt.NDArray[np.float64]
    regular: bool = True
    duplicates: tuple[tuple[InstanceHeader, InstanceHeader], ...] = ()
    issues: tuple[Issue, ...] = ()


def stack_slices(series: SeriesFiles, *, allow_gaps: bool = False) -> SliceStack:
    """Order the slices of a series and find their grid.

    Parameters
    ----------
    series : SeriesFiles
        One volume (see `split_series`).
    allow_gaps : bool
        What happens when slices are missing: False refuses (a PET is measured, and nothing can be said
        about the hole); True keeps the longest part without a gap and says so (a CT only locates).

    Raises
    ------
    InputError
        ``no-images``, ``no-position``, ``no-pixel-spacing``, ``orientation-not-orthogonal``,
        ``mixed-orientations``, ``sheared-stack``, ``missing-slices``, ``too-few-slices``.
    """
    instances = series.instances
    _require(series)
    row, column, normal = _axes(series)
    positions = np.array([h.position_mm for h in instances], float)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    issues: list[Issue] = []
    keep, duplicates = _one_per_place(series, order, along)
    ordered = [instances[i] for i in keep]
    along, positions = along[keep], positions[keep]
    _check_shear(series, along, positions, normal)
    if len(ordered) == 1:
        thickness = ordered[0].slice_thickness_mm or ordered[0].spacing_between_slices_mm
        if not thickness or not thickness > 0:
            raise _refuse(series, "too-few-slices", "One slice without a thickness is no volume", "two or more slices")
        issues.append(_issue(series, "single-slice", "The series is a single slice; its thickness is the spacing"))
        spacing, regular = float(thickness), True
    else:
        first, last, usual = _longest_run(series, ordered, along, allow_gaps, issues)
        ordered = ordered[first:last]
        along, positions = along[first:last], positions[first:last]
        spacing, regular = _spacing(series, along, usual, issues)
    n_slices = len(ordered) if regular else math.floor((along[-1] - along[0]) / spacing + 1e-6) + 1
    head = ordered[0]
    pixel = head.pixel_spacing_mm or (0.0, 0.0)
    grid = Grid(
        shape=(n_slices, head.rows, head.columns),
        spacing_mm=(spacing, float(pixel[0]), float(pixel[1])),
        origin_mm=tuple(float(v) for v in positions[0]),  # type: ignore[arg-type]
        direction=tuple(tuple(float(v) for v in triple) for triple in np.stack([normal, column, row], axis=1)),  # type: ignore[misc]
        frame_of_reference_uid=head.frame_of_reference_uid,
    )
    issues.extend(_thickness_issue(series, ordered, spacing))
    if not allow_gaps:
        issues.extend(_count_issue(series, len(ordered)))
    return SliceStack(grid, tuple(ordered), along - along[0], regular, tuple(duplicates), tuple(issues))


def _refuse(series: SeriesFiles, code: str, what: str, expected: str, remedy: str = "") -> InputError:
    return InputError(code, what, where=series.label, expected=expected, remedy=remedy or "export the series again")


def _issue(series: SeriesFiles, code: str, message: str, level: Level = "caution") -> Issue:
    return Issue(code=code, level=level, message=message, where=series.label)


def _require(series: SeriesFiles) -> None:
    """Every slice must say where it lies and how large its pixels are."""
    if not series.instances:
        raise _refuse(series, "no-images", "The series holds no readable image", "images with pixel data")
    for h in series.instances:
        if h.position_mm is None or h.orientation is None:
            missing = "ImagePositionPatient" if h.position_mm is None else "ImageOrientationPatient"
            what = f"An image does not say where it lies: {missing} is missing or unreadable in {h.where}"
            raise _refuse(series, "no-position", what, "(0020,0032) and (0020,0037) in every image")
        if h.pixel_spacing_mm is None or min(h.pixel_spacing_mm) <= 0 or not h.rows or not h.columns:
            what = f"An image does not say how large its pixels are: {h.where}"
            raise _refuse(series, "no-pixel-spacing", what, "Rows, Columns and Pixel Spacing (0028,0030) above zero")
    shapes = {(h.rows, h.columns) for h in series.instances}
    if len(shapes) > 1:
        what = f"The series mixes matrices: {sorted(shapes)}"
        raise _refuse(series, "mixed-matrices", what, "one matrix in a volume")


def _axes(series: SeriesFiles) -> tuple[npt.NDArray[np.float64], ...]:
    """Unit vectors along rows (x index), columns (y index) and slices."""
    vectors = np.array(sorted({h.orientation or () for h in series.instances}), float)
    if np.abs(vectors - vectors[0]).max() > 2 * _ORTHOGONAL_TOLERANCE:
        what = f"The series mixes {len(vectors)} orientations"
        raise _refuse(series, "mixed-orientations", what, "one orientation in a volume")
    row, column = np.array(series.instances[0].orientation, float).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    off = float(max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(row @ column)))
    if not off <= _ORTHOGONAL_TOLERANCE:
        what = f"Rows and columns are not perpendicular unit vectors: {series.instances[0].orientation}"
        raise _refuse(series, "orientation-not-orthogonal", what, "direction cosines (PS3.3 C.7.6.2.1.1)")
    row = row / lengths[0]
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    return row, column, np.cross(row, column)


def _one_per_place(
    series: SeriesFiles, order: npt.NDArray[np.intp], along: npt.NDArray[np.float64]
) -> tuple[list[int], list[tuple[InstanceHeader, InstanceHeader]]]:
    keep: list[int] = []
    duplicates = []
    for index in order:
        if keep and along[index] - along[keep[-1]] <= SAME_PLACE_MM:
            duplicates.append((series.instances[keep[-1]], series.instances[index]))
        else:
            keep.append(int(index))
    return keep, duplicates


def _check_shear(
    series: SeriesFiles,
    along: npt.NDArray[np.float64],
    positions: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
) -> None:
    sideways = positions - positions[0] - np.outer(along - along[0], normal)
    drift = np.linalg.norm(sideways, axis=1)
    pixel = min(series.first.pixel_spacing_mm or (1.0, 1.0))
    if drift.max() <= max(ROUNDED_MM, 0.02 * pixel):
        return
    depth = along[-1] - along[0]
    slope = drift.max() / depth if depth > 0 else math.inf
    if slope <= _SHEAR_TOLERANCE and drift.max() <= 0.5 * pixel:
        return
    tilt = math.degrees(math.atan(slope)) if math.isfinite(slope) else 90.0
    header = [h.gantry_tilt_deg for h in series.instances if h.gantry_tilt_deg]
    stated = f" (Gantry/Detector Tilt {header[0]:g}°)" if header else ""
    what = (
        f"The slices are not stacked along their normal: they drift {drift.max():.1f} mm sideways, {tilt:.1f}°{stated}"
    )
    raise _refuse(
        series, "sheared-stack", what, "slices behind one another (no gantry tilt)", "reformat the series without tilt"
    )


def _coarser(ordered: list[InstanceHeader], steps: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which steps between slices belong to a part with wider slices that touch: nothing is missing there."""
    thick = np.array([h.slice_thickness_mm or 0.0 for h in ordered])
    touch = np.minimum(thick[:-1], thick[1:]) >= (1 - REGULAR_TOLERANCE) * steps
    alike = np.abs(np.diff(steps)) <= REGULAR_TOLERANCE * steps[:-1]
    found = np.zeros(len(steps), bool)
    bounds = [0, *(np.flatnonzero(~alike) + 1), len(steps)]
    for a, b in pairwise(bounds):
        found[a:b] = b - a >= _COARSE_STEPS and bool(touch[a + 1 : b - 1].all())
    return found


def _longest_run(
    series: SeriesFiles,
    ordered: list[InstanceHeader],
    along: npt.NDArray[np.float64],
    allow_gaps: bool,
    issues: list[Issue],
) -> tuple[int, int, float]:
    """First and last (exclusive) slice of the longest part without missing slices, and the usual spacing."""
    steps = np.diff(along)
    usual = float(np.median(steps))
    gaps = np.flatnonzero((steps > GAP_RATIO * usual) & ~_coarser(ordered, steps))
    if not len(gaps):
        return 0, len(along), usual
    places = [f"{along[i]:.1f} and {along[i + 1]:.1f} mm (about {round(steps[i] / usual) - 1})" for i in gaps]
    listed = ", ".join(places[:4]) + (f" and in {len(places) - 4} more places" if len(places) > 4 else "")
    number = len(series.damaged)
    damaged = "1 image" if number == 1 else f"{number} images"
    lost = f"; {damaged} of the series can't be read" if series.damaged else ""
    what = f"Slices are missing between {listed} along the stack, whose spacing is {usual:.3g} mm{lost}"
    if not allow_gaps:
        raise _refuse(
            series, "missing-slices", what, "every slice of the volume", "export or send the whole series again"
        )
    bounds = [0, *(int(g) + 1 for g in gaps), len(along)]
    first, last = max(pairwise(bounds), key=lambda b: b[1] - b[0])
    issues.append(_issue(series, "missing-slices", f"{what}. Only the longest part is used ({last - first} slices)"))
    return first, last, usual


def _spacing(
    series: SeriesFiles, along: npt.NDArray[np.float64], usual: float, issues: list[Issue]
) -> tuple[float, bool]:
    """The grid's spacing, and whether the slices lie on it."""
    mean = float(along[-1] - along[0]) / (len(along) - 1)
    off = np.abs(along - along[0] - mean * np.arange(len(along))).max()
    if off <= max(REGULAR_TOLERANCE * mean, ROUNDED_MM):
        return mean, True
    steps = np.round(np.diff(along), 3)
    values, counts = np.unique(steps, return_counts=True)
    top = np.argsort(-counts)[:6]
    listed = ", ".join(f"{values[i]:g} mm × {counts[i]}" for i in sorted(top))
    text = (
        f"The slices are not evenly spaced ({listed}); they are interpolated linearly to every {usual:.4g} mm, "
        "so values between uneven slices are means of their neighbours"
    )
    issues.append(_issue(series, "irregular-spacing", text))
    return usual, False


def _thickness_issue(series: SeriesFiles, ordered: list[InstanceHeader], spacing: float) -> list[Issue]:
    thickness = ordered[0].slice_thickness_mm
    if thickness is None or not thickness > 0 or len(ordered) < 2:
        return []
    if spacing > 1.5 * thickness:
        text = f"Slices {thickness:g} mm thick lie {spacing:.4g} mm apart: between them nothing was measured"
        return [_issue(series, "gaps-between-slices", text)]
    return []


def _count_issue(series: SeriesFiles, there: int) -> list[Issue]:
    """Slices lost at the ends leave no hole; only Number of Slices (0054,0081) tells of them."""
    counted = max((h.number_of_slices or 0 for h in series.instances), default=0)
    if there >= counted:
        return []
    text = (
        f"The header counts {counted} slices (Number of Slices (0054,0081)), {there} are here: the export is "
        "incomplete or was cropped; what lies outside is not seen"
    )
    return [_issue(series, "incomplete-series", text)]
