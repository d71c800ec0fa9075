"""A CT that was stored in two or more series, bed by bed, is one CT again."""

from __future__ import annotations

import numpy as np

from lutetia.dicom.geometry import GAP_RATIO, REGULAR_TOLERANCE, ROUNDED_MM, SliceStack, stack_slices
from lutetia.dicom.series import SeriesFiles
from lutetia.dicom.suitability import Candidate
from lutetia.model import InputError

#: direction cosines that differ by less are one orientation
_SAME_DIRECTION = 1e-3


def why_not_one(first: Candidate, other: Candidate) -> str:
    """Why two CT series can't be two beds of one scan; "" where they can.

    Beds of one scan share frame of reference, orientation, matrix, pixel size and place, slice spacing, kernel and
    contrast agent, and lie end to end: they overlap, or no slice is missing between them.
    """
    if first.stack is None or other.stack is None:
        return "it is no regular stack"
    a, b = first.stack.grid, other.stack.grid
    frames = first.series.first.frame_of_reference_uid, other.series.first.frame_of_reference_uid
    if not frames[0] or frames[0] != frames[1]:
        return "another frame of reference"
    if np.abs(np.subtract(a.direction, b.direction)).max() > _SAME_DIRECTION:
        return "another orientation"
    if a.shape[1:] != b.shape[1:] or not np.allclose(a.spacing_mm[1:], b.spacing_mm[1:], rtol=1e-3):
        return "another field of view or matrix"
    if abs(a.spacing_mm[0] - b.spacing_mm[0]) > REGULAR_TOLERANCE * a.spacing_mm[0]:
        return "another slice spacing"
    if first.series.first.convolution_kernel != other.series.first.convolution_kernel:
        return "another kernel"
    if _contrast(first.series) != _contrast(other.series):
        return "one with contrast agent, one without"
    across = (np.subtract(b.origin_mm, a.origin_mm) @ np.array(a.direction))[1:]
    if np.abs(across).max() > ROUNDED_MM:
        return "another place of the table across"
    if _gap_mm(first.stack, other.stack) > GAP_RATIO * a.spacing_mm[0]:
        return "slices are missing between the two"
    return ""


def as_one(first: Candidate, others: list[Candidate]) -> tuple[Candidate, list[Candidate]]:
    """`first` with every bed of `others` that continues it, and those beds.

    Where beds overlap the slices of the longer-standing part are kept: those of `first`, then of each bed in turn.
    The series goes by the name of `first`.
    """
    joined: list[Candidate] = []
    waiting = list(others)
    while waiting:
        bed = next((c for c in waiting if not why_not_one(first, c)), None)
        if bed is None:
            break
        waiting.remove(bed)
        longer = _with(first, bed)
        if longer is not None:
            first = longer
            joined.append(bed)
    return first, joined


def _with(first: Candidate, bed: Candidate) -> Candidate | None:
    """Two beds as one candidate; None where they make no stack without a gap."""
    assert first.stack is not None and bed.stack is not None
    low, high = _ends(first.stack, first.stack)
    half = 0.5 * first.stack.grid.spacing_mm[0] - ROUNDED_MM
    normal = np.array(first.stack.grid.direction)[:, 0]
    beyond = [
        h
        for h in bed.stack.instances
        if h.position_mm is not None and not low - half < float(np.dot(h.position_mm, normal)) < high + half
    ]
    if not beyond:
        return None
    own = first.series
    series = SeriesFiles(
        series_instance_uid=own.series_instance_uid,
        modality=own.modality,
        description=own.description,
        instances=(*first.stack.instances, *beyond),
        issues=own.issues,
        damaged=(*own.damaged, *bed.series.damaged),
        part=own.part,
        part_kind=own.part_kind,
    )
    try:
        stack = stack_slices(series, allow_gaps=True)
    except InputError:
        return None
    if len(stack.instances) < len(series.instances):
        return None
    return Candidate(series, True, stack=stack, original=first.original)


def _ends(stack: SliceStack, along: SliceStack) -> tuple[float, float]:
    """The lowest and the highest slice of a stack along the normal of another, in millimetres."""
    normal = np.array(along.grid.direction)[:, 0]
    places = [float(np.dot(h.position_mm or (0.0, 0.0, 0.0), normal)) for h in stack.instances]
    return min(places), max(places)


def _gap_mm(a: SliceStack, b: SliceStack) -> float:
    """From the last slice of one stack to the first of the other; negative where they overlap."""
    (a_low, a_high), (b_low, b_high) = _ends(a, a), _ends(b, a)
    return max(b_low - a_high, a_low - b_high)


def _contrast(series: SeriesFiles) -> bool:
    """Whether Contrast/Bolus Agent (0018,0010) names one."""
    return bool(str(series.dataset().get("ContrastBolusAgent") or "").strip())
