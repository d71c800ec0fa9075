"""Pixels once, straight into the final array: PET to float32, CT to int16.

Order of arithmetic, so that thresholds fall the same way every time: for each slice
``value = (stored × slope + intercept) × factor`` is formed in float64 (``stored × (slope·factor) +
intercept·factor``) in a buffer of one slice, and rounded once to float32. Without a factor the result is the
rescaled stored value, equal to what float64 arithmetic gives after one rounding.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.dicom.decode import forget, read_stored, stored_dtype
from lutetia.dicom.geometry import SliceStack, stack_slices
from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.series import SeriesFiles
from lutetia.dicom.transfer_syntax import LOSSY
from lutetia.model import InputError, Issue, Volume
from lutetia.model.base import Level

_WORKERS = 2
#: no image holds values this large; larger ones would overflow float32 further on
_LARGEST_VALUE = 1e30
Factor = float | Sequence[float] | npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class PetImage:
    """A PET (or SPECT) volume. ``instances[k]`` is the header of array slice k (the nearest one if interpolated)."""

    volume: Volume
    instances: tuple[InstanceHeader, ...]
    issues: tuple[Issue, ...] = ()
    interpolated: bool = False


@dataclass(frozen=True, eq=False)
class CtImage:
    """A CT volume in HU, int16. ``instances[k]`` is the header of array slice k (the nearest one if interpolated)."""

    volume: Volume
    instances: tuple[InstanceHeader, ...]
    issues: tuple[Issue, ...] = ()
    interpolated: bool = False


def load_pet(
    series: SeriesFiles, factor: Factor | None = None, *, unit: str | None = None, stack: SliceStack | None = None
) -> PetImage:
    """Read a PET series: rescaled stored values, or times a factor (SUV per rescaled unit), as float32.

    Parameters
    ----------
    series : SeriesFiles
        One volume.
    factor : float or (n,) array, optional
        Multiplied in the same step; an array has one factor per slice in the order of
        ``stack_slices(series).instances``.
    unit : str, optional
        Unit of the result; default the series' Units ("SUVbw" must be said by who knows the factor).
    stack : SliceStack, optional
        The stack, when the caller has it already.

    Returns
    -------
    PetImage
        ``volume.array`` has shape (z, y, x). MONOCHROME1 is a display hint and never inverts values.

    Raises
    ------
    InputError
        What `stack_slices` refuses; ``no-rescale``, ``bad-rescale``; ``different-images-same-place``; what
        `lutetia.dicom.decode.read_stored` raises for a file.
    """
    stack = stack or stack_slices(series)
    issues = [*stack.issues, *_pixel_issues(series)]
    slopes, intercepts = _rescale(series, stack.instances)
    issues += _check_duplicates(series, stack)
    factors = np.ones(len(slopes)) if factor is None else np.broadcast_to(np.asarray(factor, float), slopes.shape)
    slopes, intercepts = slopes * factors, intercepts * factors
    array = np.empty((len(stack.instances), *stack.grid.shape[1:]), np.float32)
    local = threading.local()
    padded = np.zeros(len(stack.instances), np.int64)
    foreign = np.zeros(len(stack.instances), np.int64)

    def one(k: int) -> None:
        header = stack.instances[k]
        stored, scaled = _buffers(local, header)
        read_stored(header, stored)
        padded[k] = _without_padding(header, stored)
        foreign[k] = _within_bits(header, stored)
        _within_mapping(header, stored)
        np.multiply(stored, slopes[k], out=scaled)
        if intercepts[k]:
            scaled += intercepts[k]
        array[k] = scaled

    _for_each(one, len(stack.instances))
    if padded.any():
        text = f"{int(padded.sum()):,} voxels are padding (Pixel Padding Value (0028,0120)), no measurement: taken as 0"
        issues.append(Issue(code="pixel-padding", message=text, where=series.label))
    issues += _foreign_bits(series, int(foreign.sum()))
    instances = stack.instances
    if not stack.regular:
        array, instances = _interpolated(array, stack)
    name = unit or series.first.value_unit or series.first.units or "unknown"
    return PetImage(Volume(array, stack.grid, name), instances, tuple(issues), not stack.regular)


def load_ct(series: SeriesFiles) -> Volume:
    """Read a CT series as HU, int16: the volume of `load_ct_image`."""
    return load_ct_image(series).volume


def load_ct_image(series: SeriesFiles, *, stack: SliceStack | None = None) -> CtImage:
    """Read a CT series as HU, int16, rounded to the nearest and clipped to the type's range.

    Where slices are missing the longest part without a gap is read and an issue says so: a CT locates, it is
    not measured for uptake.

    Raises
    ------
    InputError
        As `load_pet`.
    """
    stack = stack or stack_slices(series, allow_gaps=True)
    issues = [*stack.issues, *_pixel_issues(series)]
    slopes, intercepts = _rescale(series, stack.instances)
    issues += _check_duplicates(series, stack)
    array = np.empty((len(stack.instances), *stack.grid.shape[1:]), np.int16)
    local = threading.local()

    def one(k: int) -> None:
        header = stack.instances[k]
        slope, intercept = float(slopes[k]), float(intercepts[k])
        if slope == 1 and intercept.is_integer() and header.bits_allocated == 16 and abs(intercept) < 32768:
            raw = array[k].view(stored_dtype(header))
            read_stored(header, raw)
            _within_bits(header, raw)
            if _fits_int16(raw, int(intercept)):
                array[k] += np.int16(intercept)  # modulo 2^16, right because the sum fits
                return
            stored = raw.copy()
            scaled = np.empty(stored.shape)
        else:
            stored, scaled = _buffers(local, header)
            read_stored(header, stored)
            _within_bits(header, stored)
        np.multiply(stored, slope, out=scaled)
        scaled += intercept
        np.rint(scaled, out=scaled)
        array[k] = np.clip(scaled, -32768, 32767, out=scaled)

    _for_each(one, len(stack.instances))
    instances = stack.instances
    if not stack.regular:
        array, instances = _interpolated(array, stack)
    return CtImage(Volume(array, stack.grid, "HU"), instances, tuple(issues), not stack.regular)


def _for_each(action: Callable[[int], None], count: int) -> None:
    """Run `action` for 0 … count−1 in two threads, each over one contiguous half."""
    step = -(-count // _WORKERS)
    parts = [range(a, min(a + step, count)) for a in range(0, count, step)]

    def run(part: range) -> None:
        for k in part:
            action(k)

    try:
        if len(parts) < 2 or count < 4:
            for part in parts:
                run(part)
            return
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(run, parts))
    finally:
        forget()


def _buffers(local: threading.local, header: InstanceHeader) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """A stored-value and a float64 buffer of one slice, kept per thread."""
    shape, dtype = (header.rows, header.columns), stored_dtype(header)
    if getattr(local, "key", None) != (shape, dtype):
        local.key, local.stored, local.scaled = (shape, dtype), np.empty(shape, dtype), np.empty(shape)
    return local.stored, local.scaled


def _fits_int16(raw: npt.NDArray[Any], intercept: int) -> bool:
    low, high = int(raw.min()), int(raw.max())
    return low + intercept >= -32768 and high + intercept <= 32767


def _without_padding(header: InstanceHeader, stored: npt.NDArray[Any]) -> int:
    """Set the padding of an emission image to 0: it is no uptake. The number of such pixels."""
    if not header.pixel_padding_value or header.bits_allocated != 16:
        return 0
    hit = stored == np.uint16(header.pixel_padding_value).astype(stored.dtype)
    stored[hit] = 0
    return int(np.count_nonzero(hit))


def _within_bits(header: InstanceHeader, stored: npt.NDArray[Any]) -> int:
    """Bring values with fewer bits stored than allocated into range.

    Padding outside the range becomes the lowest value; foreign high bits (overlays of old) are dropped and the
    sign is extended. The number of pixels that held foreign bits.
    """
    bits = header.bits_stored
    if not 0 < bits < header.bits_allocated:
        return 0
    signed = header.pixel_representation == 1
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if stored.max() <= high and stored.min() >= low:
        return 0
    padding = header.pixel_padding_value
    if padding is not None and header.bits_allocated == 16:
        value = np.uint16(padding).astype(stored.dtype)
        if not low <= value <= high:
            stored[stored == value] = low
    foreign = (stored > high) | (stored < low)
    if foreign.any():
        if signed:  # a value of its own sign may stand in fewer bits: only what is not its extension is foreign
            foreign &= (stored >> bits) != 0
        stored &= stored.dtype.type((1 << bits) - 1)
        if signed:
            np.subtract(stored, 1 << bits, out=stored, where=stored > high)
    return int(np.count_nonzero(foreign))


def _foreign_bits(series: SeriesFiles, pixels: int) -> list[Issue]:
    """Bits above Bits Stored: of an overlay they are no value; with no overlay there the header or the values lie."""
    if not pixels:
        return []
    first = series.first
    overlay = any(e.tag.group >> 8 == 0x60 and e.tag.element == 0x0102 and e.value for e in series.dataset())
    text = f"{pixels:,} pixels hold bits above Bits Stored (0028,0101) {first.bits_stored}, which were left out"
    if not overlay:
        text += "; no overlay (60xx,0102) explains them: if Bits Stored is wrong, so are all values. Export it again"
    level: Level = "info" if overlay else "error"
    return [Issue(code="bits-beyond-stored", level=level, message=text, where=series.label)]


def _within_mapping(header: InstanceHeader, stored: npt.NDArray[Any]) -> None:
    """A real world value mapping says nothing about stored values outside its range."""
    if header.mapped_range is None:
        return
    first, last = header.mapped_range
    low, high = float(stored.min()), float(stored.max())
    if low < first or high > last:
        raise InputError(
            "outside-value-mapping",
            f"Stored values {low:g} … {high:g} leave the range {first:g} … {last:g} of the real world value mapping",
            where=header.where,
            expected="a mapping that covers all pixels (0040,9212), (0040,9213)",
            remedy="export the original series",
        )


def _rescale(
    series: SeriesFiles, instances: tuple[InstanceHeader, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Slope and intercept of every slice, checked."""
    for h in instances:
        if h.rescale_slope is None or (h.rescale_intercept is None and h.modality == "CT"):
            missing = "Rescale Slope (0028,1053)" if h.rescale_slope is None else "Rescale Intercept (0028,1052)"
            raise InputError(
                "no-rescale",
                f"{missing} is missing",
                where=h.where,
                expected=f"{missing} in every image; a default would be a guess",
                remedy="export the original series",
            )
        if not (math.isfinite(h.rescale_slope) and h.rescale_slope > 0):
            shown = "no number" if math.isnan(h.rescale_slope) else f"{h.rescale_slope:g}"
            raise InputError(
                "bad-rescale",
                f"Rescale Slope (0028,1053) is {shown}",
                where=h.where,
                expected="a number above zero",
                remedy="export the original series",
            )
        intercept = 0.0 if h.rescale_intercept is None else h.rescale_intercept
        if not abs(intercept) + h.rescale_slope * 2.0**32 < _LARGEST_VALUE:
            shown = "no number" if math.isnan(intercept) else f"{intercept:g} with slope {h.rescale_slope:g}"
            raise InputError(
                "bad-rescale",
                f"Rescale Intercept (0028,1052) is {shown}",
                where=h.where,
                expected=f"numbers that keep values below {_LARGEST_VALUE:g}",
                remedy="export the original series",
            )
    slopes = np.array([h.rescale_slope for h in instances], float)
    return slopes, np.array([h.rescale_intercept or 0.0 for h in instances], float)


def _pixel_issues(series: SeriesFiles) -> list[Issue]:
    first = series.first
    issues = []
    if any(h.lossy or h.transfer_syntax_uid in LOSSY for h in series.instances):
        text = "The pixels were compressed with loss at some time; values may be off"
        issues.append(Issue(code="lossy-compression", message=text, where=series.label))
    if first.photometric_interpretation == "MONOCHROME1":
        text = "Photometric Interpretation is MONOCHROME1: only a display hint, values were not inverted"
        issues.append(Issue(code="monochrome1", level="info", message=text, where=series.label))
    return issues


def _check_duplicates(series: SeriesFiles, stack: SliceStack) -> list[Issue]:
    """Images at one place must be the same image; then the second is left out."""
    for kept, dropped in stack.duplicates:
        if not same_pixels(kept, dropped):
            raise InputError(
                "different-images-same-place",
                f"Two different images lie at the same place: {kept.where} and {dropped.where}",
                where=series.label,
                expected="one image at each position of a volume",
                remedy="export the series alone; it may mix frames, gates or reconstructions",
            )
    if not stack.duplicates:
        return []
    images = "1 image was" if len(stack.duplicates) == 1 else f"{len(stack.duplicates)} images were"
    text = f"{images} there twice with the same pixels; each is used once"
    return [Issue(code="duplicate-images", level="info", message=text, where=series.label)]


def same_pixels(a: InstanceHeader, b: InstanceHeader) -> bool:
    """Whether two images have equal rescale, size and stored values."""
    facts = [(h.rows, h.columns, h.rescale_slope, h.rescale_intercept, stored_dtype(h)) for h in (a, b)]
    if facts[0] != facts[1]:
        return False
    first, second = (np.empty((a.rows, a.columns), stored_dtype(a)) for _ in range(2))
    read_stored(a, first)
    read_stored(b, second)
    return bool(np.array_equal(first, second))


def _interpolated(array: npt.NDArray[Any], stack: SliceStack) -> tuple[npt.NDArray[Any], tuple[InstanceHeader, ...]]:
    """Slices at uneven positions to the regular grid, linearly along the normal."""
    targets = np.arange(stack.grid.shape[0]) * stack.grid.spacing_mm[0]
    above = np.clip(np.searchsorted(stack.positions_mm, targets, side="left"), 1, len(stack.positions_mm) - 1)
    below = above - 1
    step = stack.positions_mm[above] - stack.positions_mm[below]
    weight = np.clip((targets - stack.positions_mm[below]) / step, 0.0, 1.0)
    weight[np.abs(weight) < 1e-6], weight[np.abs(weight - 1) < 1e-6] = 0.0, 1.0
    out = np.empty(stack.grid.shape, array.dtype)
    for k, (low, high, w) in enumerate(zip(below, above, weight, strict=True)):
        if w in (0.0, 1.0):
            out[k] = array[high if w else low]
            continue
        mixed = array[low] * np.float32(1 - w) + array[high] * np.float32(w)
        out[k] = np.rint(mixed) if array.dtype.kind == "i" else mixed
    nearest = np.where(weight < 0.5, below, above)
    return out, tuple(stack.instances[i] for i in nearest)
