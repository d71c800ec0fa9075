"""Frames that are not decay-corrected: each has its own mean time, and so its own factor."""

from __future__ import annotations

from lutetia.imaging.suv_decay import mean_time_s
from lutetia.imaging.suv_evidence import Evidence
from lutetia.model.pet import Moment, PetFacts, PetFrame

_LONGEST_FRAME_S = 3600.0


def mean_times(facts: PetFacts, half_life: float, evidence: Evidence) -> list[Moment]:
    """The mean time of every frame of a series that is not decay-corrected.

    Frame Reference DateTime (0018,9151) of an Enhanced object, else the start of the frame plus the time of mean
    activity within it.

    Raises
    ------
    SuvRefusedError
        A start or a duration is missing.
    """
    if not facts.frames:
        raise evidence.refuse("acquisition-time-missing", "There are no images with times", "AcquisitionTime")
    scan_start = _is_scan_start(facts)
    means = []
    for frame in facts.frames:
        if frame.representative is not None:
            evidence.use("FrameReferenceDateTime")
            means.append(frame.representative)
            continue
        evidence.use("AcquisitionDate", "AcquisitionTime", "ActualFrameDuration")
        start = frame.frame_start or frame.acquisition
        if start is None:
            raise evidence.refuse(
                "acquisition-time-missing",
                "AcquisitionTime (0008,0032) is missing: images that are not decay-corrected need it",
                "AcquisitionTime",
            )
        if scan_start and frame.frame_start is None and frame.frame_reference_s is not None:
            start = start.shifted(frame.frame_reference_s)
        if frame.duration_s is None and 2.0 ** (_LONGEST_FRAME_S / 2 / half_life) - 1.0 < 0.005:
            evidence.warn(
                "frame-duration-missing",
                "ActualFrameDuration (0018,1242) is missing; with this half-life even an hour changes SUV by less "
                "than 0.5 %, so the acquisition time is taken as the mean time",
            )
            means.append(start)
            continue
        if frame.duration_s is None:
            raise evidence.refuse(
                "frame-duration-missing",
                "ActualFrameDuration (0018,1242) is missing: images that are not decay-corrected need it",
                "ActualFrameDuration",
            )
        means.append(start.shifted(mean_time_s(frame.duration_s, half_life)))
    if scan_start:
        evidence.use("FrameReferenceTime")
        evidence.warn(
            "acquisition-time-of-the-scan",
            "AcquisitionTime (0008,0032) is the same in all slices although their FrameReferenceTime differs: "
            "it is taken as the start of the scan",
        )
    return means


def _is_scan_start(facts: PetFacts) -> bool:
    """GE's habit of writing the start of the scan into every Acquisition Time, where the slices show it."""
    frames: list[PetFrame] = [f for f in facts.frames if f.acquisition and f.frame_reference_s is not None]
    if facts.vendor != "GE" or len(frames) < 2:
        return False
    first = frames[0].acquisition
    assert first is not None
    same = all(f.acquisition is not None and abs(f.acquisition.clock_since(first)) < 1.0 for f in frames)
    times = [f.frame_reference_s for f in frames if f.frame_reference_s is not None]
    return same and max(times) - min(times) > 2.0
