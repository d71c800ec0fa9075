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

from lutetia.imaging.suv_evidence import Evidence
from lutetia.imaging.suv_private_time import check_private, private_time
from lutetia.imaging.suv_readings import (
    AGREE_S,
    READINGS,
    SPREAD_S,
    Candidate,
    ReferenceTime,
    after_first,
    candidates_of,
    distinct_acquisitions,
    earliest,
    meaning_by_decay_factor,
    not_filled,
    same_time,
    varies,
)
from lutetia.model.pet import PetFacts, PetFrame, element

MATERIAL = 0.005  # relative change of the SUV that makes a disagreement worth a warning
DOUBTFUL = 0.02  # and one that a reader of the SUV has to know
FLAG = "--reference-time"


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
    private = private_time(facts, evidence)
    timed = [frame for frame in facts.frames if frame.acquisition is not None]
    candidates = candidates_of(timed, half_life_s)
    if private is not None:
        return check_private(private, candidates, timed, half_life_s, evidence)
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


def _choose(
    facts: PetFacts,
    frames: list[PetFrame],
    candidates: dict[str, Candidate],
    half_life_s: float,
    evidence: Evidence,
) -> ReferenceTime:
    by_factor = meaning_by_decay_factor(frames, half_life_s)
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
    if any(f.frame_reference_s is None for f in frames) or not_filled(frames):
        return _without_frame_reference(facts, frames, candidates, evidence)
    if reading == "start":
        return _start_or_scan_start(facts, frames, candidates, half_life_s, why, evidence)
    scan_start = candidates["scan_start"]
    order = [reading] if by_factor else [reading, *(r for r in ("mean", "middle", "start") if r != reading)]
    series_is_acquisition = same_time(facts.series_time, scan_start.moment) and scan_start.consistent
    for name in order:
        candidate = candidates.get(name)
        if candidate is None or not candidate.consistent or after_first(candidate.moment, frames):
            continue
        if series_is_acquisition and not same_time(facts.series_time, candidate.moment, AGREE_S) and not by_factor:
            break  # Series Time = Acquisition Time in every slice: followed below, as the IBSI-SUV manual does
        if name != reading:
            why = f"only this reading gives one time for all slices ({why} does not hold here)"
            evidence.warn("reference-time-unusual", f"The decay reference was found as {READINGS[name]}: {why}")
        if not by_factor and not facts.vendor and not same_time(facts.series_time, candidate.moment, AGREE_S):
            _warn_of_other_readings(candidate, candidates, frames, half_life_s, evidence)
        return ReferenceTime(candidate.moment, f"{READINGS[name]}; {why}", name)
    if scan_start.consistent and (series_is_acquisition or (varies(frames) and len(frames) > 1)):
        return _take_scan_start(facts, scan_start, evidence, warn=True)
    return _series_or_refuse(facts, frames, candidates, evidence)


def _warn_of_other_readings(
    taken: Candidate, candidates: dict[str, Candidate], frames: list[PetFrame], half_life_s: float, evidence: Evidence
) -> None:
    """Vendor unknown and nothing confirms the reading: say what the others would give."""
    others = [
        c.moment.clock_since(taken.moment)
        for name, c in candidates.items()
        if name in ("mean", "start", "scan_start") and c.consistent and not after_first(c.moment, frames)
    ]
    effects = [100 * (2.0 ** (apart / half_life_s) - 1.0) for apart in others]
    if effects and max(abs(e) for e in effects) > 100 * MATERIAL:
        evidence.warn(
            "reference-time-unconfirmed",
            f"The manufacturer is not known and neither SeriesTime nor decay factors confirm the decay reference "
            f"{taken.moment.isoformat()}; other ways of reading FrameReferenceTime would change SUV by "
            f"{min(effects):+.1f} to {max(effects):+.1f} %",
        )


def _single_spect(facts: PetFacts) -> bool:
    return facts.modality == "NM"


def _take_scan_start(facts: PetFacts, candidate: Candidate, evidence: Evidence, *, warn: bool) -> ReferenceTime:
    series = same_time(facts.series_time, candidate.moment)
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
            if same_time(frame.frame_start, frame.acquisition, AGREE_S):
                return per_bed
            if same_time(frame.frame_start, frame.acquisition.shifted(frame.frame_reference_s), SPREAD_S):
                return of_scan
    if same_time(facts.series_time, scan.moment):
        return ReferenceTime(scan.moment, of_scan.reason + "; SeriesTime says the same", "scan_start")
    if same_time(facts.series_time, start.moment, AGREE_S):
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
    if not by_factor.consistent or after_first(by_factor.moment, frames):
        return False
    return distinct_acquisitions(frames) > 1 or same_time(facts.series_time, by_factor.moment, AGREE_S)


def _without_frame_reference(
    facts: PetFacts, frames: list[PetFrame], candidates: dict[str, Candidate], evidence: Evidence
) -> ReferenceTime:
    by_factor = candidates.get("decay_factor")
    if by_factor is not None and _trusted(by_factor, facts, frames):
        return ReferenceTime(by_factor.moment, READINGS["decay_factor"], "decay_factor")
    first = earliest(frames)
    if _single_spect(facts) and candidates["scan_start"].consistent:
        return ReferenceTime(
            first, "AcquisitionTime (0008,0032), the start of the SPECT acquisition", "acquisition_time"
        )
    if same_time(facts.series_time, first):
        evidence.warn(
            "frame-reference-time-missing",
            f"FrameReferenceTime (0054,1300) says nothing ({evidence.text('FrameReferenceTime')}); SeriesTime equals "
            "the earliest AcquisitionTime and is taken as decay reference",
        )
        return ReferenceTime(first, "SeriesTime (0008,0031), equal to the earliest AcquisitionTime", "series_time")
    raise evidence.refuse(
        "frame-reference-time-missing",
        f"FrameReferenceTime (0054,1300) is {evidence.text('FrameReferenceTime')} and SeriesTime "
        f"{evidence.text('SeriesTime')} is not the earliest AcquisitionTime {first.isoformat()}: "
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
    elif facts.study_time is not None and same_time(facts.study_time, series, 0.5) and series.seconds in _BLANKED:
        note = f"; SeriesTime {series.isoformat()} was blanked and is not used"
    elif series.clock_since(earliest(frames)) > 1.0:
        note = f"; SeriesTime {series.isoformat()} lies after the first acquisition (post-processing) and is not used"
    else:
        effect = 2.0 ** (apart / half_life_s) - 1.0
        side = "earlier" if apart < 0 else "later"
        note = f"; SeriesTime {series.isoformat()} lies {abs(apart):.0f} s {side} and is not used"
        if abs(effect) > MATERIAL and chosen.source != "decay_factor":
            evidence.warn(
                "series-time-differs",
                f"SeriesTime (0008,0031) {series.isoformat()} would be a possible decay reference too; the times of "
                f"the slices give {chosen.moment.isoformat()} ({100 * effect:+.1f} % in SUV against SeriesTime)",
                level="caution" if abs(effect) > DOUBTFUL else "info",
            )
    return ReferenceTime(chosen.moment, chosen.reason + note, chosen.source)


#: times of day that de-identification writes: 00:00:00, 11:11:11, 12:00:00
_BLANKED = frozenset({0.0, 40271.0, 43200.0})
