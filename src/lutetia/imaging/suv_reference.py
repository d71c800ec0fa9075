"""To which time the stored values are decay-corrected when Decay Correction is START.

The standard says "acquisition start"; the headers say it in several ways, and real ones contradict each other:

* Frame Reference Time (0054,1300) counts from the reference to the frame's *mean* activity (Siemens), to its
  *middle* (Philips) or to its *start* (GE);
* Acquisition Time (0008,0032) is the start of the bed or, in one GE habit, the start of the scan in every slice;
* Series Time (0008,0031) is the reference until post-processing or de-identification rewrites it;
* Decay Factor (0054,1321), where it is filled, is 2^(time from the reference to the mean / half-life) and so tells
  which reading is right; private elements of GE and Siemens state the reference outright.

Each way of reading that gives one and the same time for every slice is a candidate; the choice and what it rests on
travel with the factor. Where nothing settles it, the SUV is refused rather than guessed.
Sources: PS3.3 C.8.9; QIBA pseudo-code; IBSI-SUV manual (Vácha et al.), "Determining the reference time".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from lutetia.imaging.suv_decay import mean_time_s
from lutetia.imaging.suv_evidence import Evidence
from lutetia.model.pet import Moment, PetFacts, PetFrame, element

SPREAD_S = 5.0  # slices of one series agree within this: times are often written in whole seconds
AGREE_S = 2.0
MATERIAL = 0.005  # relative change of the SUV that makes a disagreement worth a warning
FLAG = "--reference-time"


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
_BY_VENDOR = {"GE": "start", "Philips": "middle", "Siemens": "mean", "": "mean"}


def reference_time(facts: PetFacts, half_life_s: float, evidence: Evidence) -> ReferenceTime:
    """Choose the decay reference of a series that is corrected to START.

    Raises
    ------
    SuvRefusedError
        Nothing in the header settles it; the message names the element and ``--reference-time``.
    """
    if facts.decay_correction_datetime is not None:
        evidence.use("DecayCorrectionDateTime")
        return ReferenceTime(facts.decay_correction_datetime, "DecayCorrectionDateTime (0018,9701) states it", "stated")
    if facts.multiframe and element("DecayCorrected") in facts.elements:
        raise evidence.refuse(
            "reference-time-missing",
            "DecayCorrectionDateTime (0018,9701) is missing although the object says that it is decay-corrected",
            "DecayCorrectionDateTime",
            FLAG,
        )
    private = _private(facts, evidence)
    timed = [frame for frame in facts.frames if frame.acquisition is not None]
    candidates = _candidates(timed, half_life_s)
    if private is not None:
        return _check_private(private, candidates, timed, half_life_s, evidence)
    if len(timed) < len(facts.frames) or not timed:
        raise evidence.refuse(
            "acquisition-time-missing",
            f"AcquisitionTime (0008,0032) is {evidence.text('AcquisitionTime')} in "
            f"{len(facts.frames) - len(timed)} of {len(facts.frames)} images: the decay reference can't be worked out",
            "AcquisitionTime",
            FLAG,
        )
    evidence.use(
        "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "SeriesDate", "SeriesTime", "Manufacturer"
    )
    evidence.use("FrameReferenceTime", "ActualFrameDuration", "DecayFactor")
    chosen = _choose(facts, timed, candidates, half_life_s, evidence)
    return _compare_with_series(facts, timed, chosen, half_life_s, evidence)


def _private(facts: PetFacts, evidence: Evidence) -> ReferenceTime | None:
    if facts.ge.scan_datetime is not None:
        evidence.use("GEScanDateTime")
        return ReferenceTime(facts.ge.scan_datetime, "GE's private scan date-time (0009,100d)", "ge_private")
    if facts.siemens_decay_datetime is not None:
        evidence.use("SiemensDecayCorrectionDateTime")
        return ReferenceTime(
            facts.siemens_decay_datetime, "Siemens' private decay correction date-time (0071,1022)", "siemens_private"
        )
    return None


def _candidates(frames: list[PetFrame], half_life_s: float) -> dict[str, Candidate]:
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


def _meaning_by_decay_factor(frames: list[PetFrame], half_life_s: float) -> str | None:
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


def _check_private(
    private: ReferenceTime,
    candidates: dict[str, Candidate],
    frames: list[PetFrame],
    half_life_s: float,
    evidence: Evidence,
) -> ReferenceTime:
    """A private time holds unless the Decay Factors of several beds together say otherwise."""
    by_factor = candidates.get("decay_factor")
    beds = _distinct(frames)
    if by_factor is not None and by_factor.consistent and beds > 1:
        apart = by_factor.moment.clock_since(private.moment)
        if abs(apart) > 30.0:
            evidence.use("DecayFactor", "AcquisitionTime", "ActualFrameDuration")
            evidence.warn(
                "reference-time-contradicted",
                f"{private.reason} {private.moment.isoformat()} lies {apart:+.0f} s from what the decay factors of "
                f"{beds} beds agree on, {by_factor.moment.isoformat()}; the decay factors are followed",
            )
            return ReferenceTime(
                by_factor.moment, f"decay factors of {beds} beds agree ({READINGS['decay_factor']})", "decay_factor"
            )
        return ReferenceTime(private.moment, f"{private.reason}; the decay factors agree", private.source)
    agree = [
        name
        for name in ("start", "scan_start", "mean", "middle")
        if name in candidates and abs(candidates[name].moment.clock_since(private.moment)) <= SPREAD_S
    ]
    note = f"; agrees with {READINGS[agree[0]]}" if agree else "; it overrules the other times of the header"
    return ReferenceTime(private.moment, private.reason + note, private.source)


def _distinct(frames: list[PetFrame]) -> int:
    """Number of different acquisition times, seconds apart."""
    times = sorted(f.acquisition.clock_since(frames[0].acquisition) for f in frames if f.acquisition)  # type: ignore[arg-type]
    return 1 + sum(later - earlier > 1.0 for earlier, later in pairwise(times))


def _choose(
    facts: PetFacts,
    frames: list[PetFrame],
    candidates: dict[str, Candidate],
    half_life_s: float,
    evidence: Evidence,
) -> ReferenceTime:
    by_factor = _meaning_by_decay_factor(frames, half_life_s)
    why = f"the decay factors show that FrameReferenceTime is the frame's {by_factor} time" if by_factor else ""
    reading = by_factor or _BY_VENDOR[facts.vendor]
    if not by_factor:
        why = {
            "GE": "GE writes the frame's start into FrameReferenceTime",
            "Philips": "Philips writes the frame's middle into FrameReferenceTime",
            "Siemens": "Siemens writes the time of mean activity into FrameReferenceTime",
            "": "FrameReferenceTime is read as the time of mean activity (vendor unknown)",
        }[facts.vendor]
    durations_missing = any(f.duration_s is None for f in frames)
    if durations_missing and facts.vendor != "GE" and by_factor is None and not _single_spect(facts):
        raise evidence.refuse(
            "frame-duration-missing",
            "ActualFrameDuration (0018,1242) is missing: the decay reference can't be worked out",
            "ActualFrameDuration",
            FLAG,
        )
    if any(f.frame_reference_s is None for f in frames) or _not_filled(frames):
        return _without_frame_reference(facts, frames, candidates, evidence)
    if reading == "start":
        return _start_or_scan_start(facts, frames, candidates, half_life_s, why, evidence)
    scan_start = candidates["scan_start"]
    order = [reading] if by_factor else [reading, *(r for r in ("mean", "middle", "start") if r != reading)]
    series_is_acquisition = _same(facts.series_time, scan_start.moment) and scan_start.consistent
    for name in order:
        candidate = candidates.get(name)
        if candidate is None or not candidate.consistent or _after_first(candidate.moment, frames):
            continue
        if series_is_acquisition and not _same(facts.series_time, candidate.moment, AGREE_S) and not by_factor:
            break  # Series Time = Acquisition Time in every slice: followed below, as the IBSI-SUV manual does
        if name != reading:
            why = f"only this reading gives one time for all slices ({why} does not hold here)"
            evidence.warn("reference-time-unusual", f"The decay reference was found as {READINGS[name]}: {why}")
        return ReferenceTime(candidate.moment, f"{READINGS[name]}; {why}", name)
    if scan_start.consistent and (series_is_acquisition or (_varies(frames) and len(frames) > 1)):
        return _take_scan_start(facts, scan_start, evidence, warn=True)
    return _series_or_refuse(facts, frames, candidates, evidence)


def _single_spect(facts: PetFacts) -> bool:
    return facts.modality == "NM"


def _varies(frames: list[PetFrame]) -> bool:
    values = [f.frame_reference_s for f in frames if f.frame_reference_s is not None]
    return bool(values) and max(values) - min(values) > AGREE_S


def _not_filled(frames: list[PetFrame]) -> bool:
    """Frame Reference Time is 0 in every slice although the slices were acquired at different times."""
    return all(f.frame_reference_s == 0.0 for f in frames) and _distinct(frames) > 1


def _same(a: Moment | None, b: Moment, tolerance_s: float = 1.0) -> bool:
    return a is not None and abs(a.clock_since(b)) <= tolerance_s


def _earliest(frames: list[PetFrame]) -> Moment:
    first = frames[0].acquisition
    assert first is not None
    return first.shifted(min(f.acquisition.clock_since(first) for f in frames if f.acquisition))


def _after_first(moment: Moment, frames: list[PetFrame]) -> bool:
    """A reference after the first acquisition is none: the scan can't start after its first bed."""
    return moment.clock_since(_earliest(frames)) > SPREAD_S


def _take_scan_start(facts: PetFacts, candidate: Candidate, evidence: Evidence, *, warn: bool) -> ReferenceTime:
    series = _same(facts.series_time, candidate.moment)
    reason = READINGS["scan_start"] + ("; SeriesTime says the same" if series else "")
    if warn:
        evidence.warn(
            "reference-time-unusual",
            f"The decay reference is taken as {candidate.moment.isoformat()} ({reason}): "
            "FrameReferenceTime does not fit any usual reading",
        )
    return ReferenceTime(candidate.moment, reason, "scan_start")


def _start_or_scan_start(
    facts: PetFacts,
    frames: list[PetFrame],
    candidates: dict[str, Candidate],
    half_life_s: float,
    why: str,
    evidence: Evidence,
) -> ReferenceTime:
    """Frame Reference Time is the frame's start: is Acquisition Time that of the bed, or of the scan?"""
    start, scan = candidates["start"], candidates["scan_start"]
    per_bed = ReferenceTime(start.moment, f"{READINGS['start']}; {why}", "start")
    of_scan = ReferenceTime(scan.moment, f"{READINGS['scan_start']}; {why}", "scan_start")
    if scan.consistent and not start.consistent:
        return of_scan
    if start.consistent and not scan.consistent:
        return per_bed
    if not start.consistent:
        return _series_or_refuse(facts, frames, candidates, evidence)
    if abs(scan.moment.clock_since(start.moment)) <= AGREE_S:
        return per_bed
    # One bed alone: both fit. What else does the file say?
    for frame in frames:
        if frame.frame_start is not None and frame.acquisition is not None and frame.frame_reference_s is not None:
            evidence.use("GEFrameStart")
            if _same(frame.frame_start, frame.acquisition, AGREE_S):
                return per_bed
            if _same(frame.frame_start, frame.acquisition.shifted(frame.frame_reference_s), SPREAD_S):
                return of_scan
    if _same(facts.series_time, scan.moment):
        return ReferenceTime(scan.moment, of_scan.reason + "; SeriesTime says the same", "scan_start")
    if _same(facts.series_time, start.moment, AGREE_S):
        return ReferenceTime(start.moment, per_bed.reason + "; SeriesTime says the same", "start")
    by_content = _by_content_time(facts, frames)
    if by_content is not None:
        evidence.use("ContentTime")
        return per_bed if by_content == "start" else of_scan
    effect = abs(2.0 ** (scan.moment.clock_since(start.moment) / half_life_s) - 1.0)
    if effect > 0.02:
        raise evidence.refuse(
            "reference-time-unsettled",
            f"AcquisitionTime {scan.moment.isoformat()} may be the start of the bed (reference "
            f"{start.moment.isoformat()}) or of the scan (reference {scan.moment.isoformat()}); "
            f"the SUV would differ by {100 * effect:.1f} % and nothing in the file tells",
            "AcquisitionTime",
            FLAG,
        )
    evidence.warn(
        "reference-time-unsettled",
        f"The decay reference is {start.moment.isoformat()} if AcquisitionTime is the start of the bed (taken), "
        f"{scan.moment.isoformat()} if it is the start of the scan: {100 * effect:.1f} % in SUV",
    )
    return per_bed


def _by_content_time(facts: PetFacts, frames: list[PetFrame]) -> str | None:
    """An image is written within minutes after its frame ends; GE's Content Time then tells the two habits apart."""
    frame = frames[0]
    if facts.content_time is None or frame.acquisition is None:
        return None
    if frame.duration_s is None or frame.frame_reference_s is None:
        return None
    after_bed = facts.content_time.clock_since(frame.acquisition.shifted(frame.duration_s))
    after_scan = after_bed - frame.frame_reference_s
    bed, scan = -2.0 <= after_bed <= 90.0, -2.0 <= after_scan <= 90.0
    if bed == scan:
        return None
    return "start" if bed else "scan_start"


def _trusted(by_factor: Candidate, facts: PetFacts, frames: list[PetFrame]) -> bool:
    """Decay factors alone settle the reference when several beds, or Series Time, agree with them."""
    if not by_factor.consistent or _after_first(by_factor.moment, frames):
        return False
    return _distinct(frames) > 1 or _same(facts.series_time, by_factor.moment, AGREE_S)


def _without_frame_reference(
    facts: PetFacts, frames: list[PetFrame], candidates: dict[str, Candidate], evidence: Evidence
) -> ReferenceTime:
    by_factor = candidates.get("decay_factor")
    if by_factor is not None and _trusted(by_factor, facts, frames):
        return ReferenceTime(by_factor.moment, READINGS["decay_factor"], "decay_factor")
    earliest = _earliest(frames)
    if _same(facts.series_time, earliest):
        evidence.warn(
            "frame-reference-time-missing",
            f"FrameReferenceTime (0054,1300) says nothing ({evidence.text('FrameReferenceTime')}); SeriesTime equals "
            "the earliest AcquisitionTime and is taken as decay reference",
        )
        return ReferenceTime(earliest, "SeriesTime (0008,0031), equal to the earliest AcquisitionTime", "series_time")
    if _single_spect(facts) and candidates["scan_start"].consistent:
        evidence.warn(
            "frame-reference-time-missing",
            "The decay reference is taken as the start of the SPECT acquisition, AcquisitionTime (0008,0032)",
        )
        return ReferenceTime(earliest, "AcquisitionTime (0008,0032) of the only acquisition", "acquisition_time")
    raise evidence.refuse(
        "frame-reference-time-missing",
        f"FrameReferenceTime (0054,1300) is {evidence.text('FrameReferenceTime')} and SeriesTime "
        f"{evidence.text('SeriesTime')} is not the earliest AcquisitionTime {earliest.isoformat()}: "
        "the decay reference can't be worked out",
        "FrameReferenceTime",
        FLAG,
    )


def _series_or_refuse(
    facts: PetFacts, frames: list[PetFrame], candidates: dict[str, Candidate], evidence: Evidence
) -> ReferenceTime:
    by_factor = candidates.get("decay_factor")
    if by_factor is not None and _trusted(by_factor, facts, frames):
        return ReferenceTime(by_factor.moment, READINGS["decay_factor"], "decay_factor")
    tried = "; ".join(
        f"{READINGS[name]}: {c.moment.isoformat()} ± {c.spread_s / 2:.0f} s" for name, c in candidates.items()
    )
    raise evidence.refuse(
        "reference-time-contradictory",
        f"The times of the slices contradict each other, so the decay reference can't be worked out ({tried})",
        "FrameReferenceTime",
        FLAG,
    )


def _compare_with_series(
    facts: PetFacts, frames: list[PetFrame], chosen: ReferenceTime, half_life_s: float, evidence: Evidence
) -> ReferenceTime:
    """Add what Series Time says: the same, rewritten, blanked."""
    series = facts.series_time
    if series is None:
        return chosen
    apart = series.clock_since(chosen.moment)
    if abs(apart) <= AGREE_S:  # the same; the time as written is free of the rounding of the others
        note = "" if "SeriesTime" in chosen.reason else "; SeriesTime says the same"
        chosen = ReferenceTime(chosen.moment.shifted(apart), chosen.reason, chosen.source)
    elif facts.study_time is not None and _same(facts.study_time, series, 0.5) and series.seconds in _BLANKED:
        note = f"; SeriesTime {series.isoformat()} was blanked and is not used"
    elif series.clock_since(_earliest(frames)) > 1.0:
        note = f"; SeriesTime {series.isoformat()} lies after the first acquisition (post-processing) and is not used"
    else:
        effect = 2.0 ** (apart / half_life_s) - 1.0
        note = f"; SeriesTime {series.isoformat()} lies {abs(apart):.0f} s earlier and is not used"
        if abs(effect) > MATERIAL and chosen.source != "decay_factor":
            evidence.warn(
                "series-time-differs",
                f"SeriesTime (0008,0031) {series.isoformat()} would be a possible decay reference too; the times of "
                f"the slices give {chosen.moment.isoformat()} ({100 * effect:+.1f} % in SUV against SeriesTime)",
                level="info",
            )
    return ReferenceTime(chosen.moment, chosen.reason + note, chosen.source)


#: times of day that de-identification writes: 00:00:00, 11:11:11, 12:00:00
_BLANKED = frozenset({0.0, 40271.0, 43200.0})
