"""The ways of reading a slice's times, and what each gives for a whole series."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from lutetia.imaging.suv_decay import mean_time_s
from lutetia.model.pet import Moment, PetFrame

SPREAD_S = 5.0  # slices of one series agree within this: times are often written in whole seconds
AGREE_S = 2.0  # and two statements of one time within this: each may be rounded to its second


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """The time chosen, why, and by which way of reading."""

    moment: Moment
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one way of reading gives: the middle of the slices' times and how far they scatter."""

    moment: Moment
    spread_s: float

    @property
    def consistent(self) -> bool:
        """Whether all slices give the same time."""
        return self.spread_s <= SPREAD_S


#: way of reading → in words
READINGS = {
    "mean": "AcquisitionTime + time of mean activity − FrameReferenceTime",
    "middle": "AcquisitionTime + half the frame − FrameReferenceTime",
    "start": "AcquisitionTime − FrameReferenceTime",
    "scan_start": "AcquisitionTime, which is the start of the scan in every slice",
    "decay_factor": "AcquisitionTime + time of mean activity − the time that DecayFactor (0054,1321) stands for",
}


def candidates_of(frames: list[PetFrame], half_life_s: float) -> dict[str, Candidate]:
    """Every way of reading that all slices allow."""
    offsets: dict[str, Callable[[PetFrame], float | None]] = {
        "mean": lambda f: _sum(_mean(f, half_life_s), _minus(f.frame_reference_s)),
        "middle": lambda f: _sum(None if f.duration_s is None else f.duration_s / 2, _minus(f.frame_reference_s)),
        "start": lambda f: _minus(f.frame_reference_s),
        "scan_start": lambda f: 0.0,
        "decay_factor": lambda f: _sum(_mean(f, half_life_s), _minus(_decay_time(f, half_life_s))),
    }
    found = {}
    for name, offset in offsets.items():
        moments = []
        for frame in frames:
            seconds = offset(frame)
            if seconds is None or frame.acquisition is None:
                break
            moments.append(frame.acquisition.shifted(seconds))
        else:
            if moments:
                found[name] = _middle(moments)
    return found


def _middle(moments: list[Moment]) -> Candidate:
    first = moments[0]
    differences = sorted(m.clock_since(first) for m in moments)
    return Candidate(first.shifted(differences[len(differences) // 2]), differences[-1] - differences[0])


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def _minus(a: float | None) -> float | None:
    return None if a is None else -a


def _mean(frame: PetFrame, half_life_s: float) -> float | None:
    return None if frame.duration_s is None else mean_time_s(frame.duration_s, half_life_s)


def _decay_time(frame: PetFrame, half_life_s: float) -> float | None:
    """Seconds from the reference to the frame's mean by Decay Factor; None where it is not filled (1.0)."""
    factor = frame.decay_factor
    if factor is None or not 1.00001 < factor < 1e6:
        return None
    return half_life_s * math.log2(factor)


def meaning_by_decay_factor(frames: list[PetFrame], half_life_s: float) -> str | None:
    """ "mean" or "start": what Frame Reference Time means by the Decay Factors, None when they don't tell."""
    votes = set()
    for frame in frames:
        decay, mean = _decay_time(frame, half_life_s), _mean(frame, half_life_s)
        if decay is None or mean is None or frame.frame_reference_s is None or frame.duration_s is None:
            return None
        # Decay Factor is written with five or six digits: what that leaves open, and a tenth of the frame
        tolerance = max(1.0, 0.1 * frame.duration_s, half_life_s * 1e-5)
        if tolerance > mean / 2:
            return None
        if abs(decay - frame.frame_reference_s) <= tolerance:
            votes.add("mean")
        elif abs(decay - frame.frame_reference_s - mean) <= tolerance:
            votes.add("start")
        else:
            return None
    return votes.pop() if len(votes) == 1 else None


def distinct_acquisitions(frames: list[PetFrame]) -> int:
    """Number of different acquisition times, seconds apart."""
    times = sorted(f.acquisition.clock_since(frames[0].acquisition) for f in frames if f.acquisition)  # type: ignore[arg-type]
    return 1 + sum(later - earlier > 1.0 for earlier, later in pairwise(times))


def varies(frames: list[PetFrame]) -> bool:
    """Whether Frame Reference Time differs from frame to frame by more than the tolerance."""
    values = [f.frame_reference_s for f in frames if f.frame_reference_s is not None]
    return bool(values) and max(values) - min(values) > AGREE_S


def not_filled(frames: list[PetFrame]) -> bool:
    """Frame Reference Time is 0 in every slice although the slices were acquired at different times."""
    return all(f.frame_reference_s == 0.0 for f in frames) and distinct_acquisitions(frames) > 1


def same_time(a: Moment | None, b: Moment, tolerance_s: float = 1.0) -> bool:
    """Whether two clock times agree within `tolerance_s`; an unknown time agrees with nothing."""
    return a is not None and abs(a.clock_since(b)) <= tolerance_s


def earliest(frames: list[PetFrame]) -> Moment:
    """The earliest acquisition time; the first frame must have one."""
    first = frames[0].acquisition
    assert first is not None
    return first.shifted(min(f.acquisition.clock_since(first) for f in frames if f.acquisition))


def after_first(moment: Moment, frames: list[PetFrame]) -> bool:
    """A reference after the first acquisition is none: the scan can't start after its first bed."""
    return moment.clock_since(earliest(frames)) > SPREAD_S
