"""Two cores for independent parts of one step: results come in the order of the parts, whichever ends first.

NumPy, SciPy and ITK let go of the interpreter while they work on an array, so two threads are enough. Each part must
read only what nobody writes meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage as ndi

WORKERS = 2
#: below so many voxels starting a thread costs more than it saves
_SMALL = 1_000_000

Part = TypeVar("Part")
Result = TypeVar("Result")


def each(action: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """``[action(part) for part in parts]`` on two cores; the first error in the order of the parts is raised."""
    parts = list(parts)
    if len(parts) < 2:
        return [action(part) for part in parts]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(action, parts))


def halves(length: int) -> list[slice]:
    """An axis of this length in as many slices as there are workers."""
    edges = [length * n // WORKERS for n in range(WORKERS + 1)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def gaussian(
    volume: npt.NDArray[np.float32], sigma: float | Sequence[float], *, truncate: float, mode: str = "reflect"
) -> npt.NDArray[np.float32]:
    """`scipy.ndimage.gaussian_filter` of a (z, y, x) volume, the very same values, on two cores.

    Parameters
    ----------
    volume : float32
    sigma : standard deviation in voxels, one or per axis
    truncate : reach of the kernel in standard deviations
    mode : how the border goes on, as in SciPy

    Notes
    -----
    A line along one axis depends on no other line of that axis, so each pass may be cut along another axis.
    """
    widths = [float(s) for s in np.broadcast_to(np.asarray(sigma, float), (3,))]
    out = np.empty_like(volume)
    if volume.size < _SMALL:
        ndi.gaussian_filter(volume, widths, output=out, truncate=truncate, mode=mode)
        return out
    source = volume
    for axis, width in enumerate(widths):
        if width <= 1e-15:  # as SciPy: no pass along this axis
            continue
        across = 1 if axis == 0 else 0

        def one(
            part: slice, axis: int = axis, width: float = width, across: int = across, source: Any = source
        ) -> None:
            where = (part,) if across == 0 else (slice(None), part)
            ndi.gaussian_filter1d(source[where], width, axis=axis, output=out[where], truncate=truncate, mode=mode)

        each(one, halves(volume.shape[across]))
        source = out
    if source is volume:
        out[...] = volume
    return out


@contextmanager
def one_thread() -> Iterator[None]:
    """ITK in one thread within the block.

    For a step of many small filters, whose threads would wait for each other longer than they work; and for sums over
    samples, which then have one order, so that the same input gives the same transform.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
