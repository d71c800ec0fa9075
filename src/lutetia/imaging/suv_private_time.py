"""The decay reference that a vendor states in a private element, and what the other times of the header say of it."""

from __future__ import annotations

from lutetia.imaging.suv_evidence import Evidence
from lutetia.imaging.suv_readings import READINGS, SPREAD_S, Candidate, ReferenceTime, distinct_acquisitions
from lutetia.model.pet import PetFacts, PetFrame

#: a private time that lies so far from what several beds agree on was changed without them
CONTRADICTED_S = 30.0


def private_time(facts: PetFacts, evidence: Evidence) -> ReferenceTime | None:
    """The reference that GE or Siemens state in an element of their own; None where neither does."""
    if facts.ge.scan_datetime is not None:
        evidence.use("GEScanDateTime")
        return ReferenceTime(facts.ge.scan_datetime, "GE's private scan date-time (0009,100d)", "ge_private")
    if facts.siemens_decay_datetime is not None:
        evidence.use("SiemensDecayCorrectionDateTime")
        return ReferenceTime(
            facts.siemens_decay_datetime, "Siemens' private decay correction date-time (0071,1022)", "siemens_private"
        )
    return None


def check_private(
    private: ReferenceTime,
    candidates: dict[str, Candidate],
    frames: list[PetFrame],
    half_life_s: float,
    evidence: Evidence,
) -> ReferenceTime:
    """A private time holds unless the Decay Factors of several beds together say otherwise."""
    by_factor = candidates.get("decay_factor")
    beds = distinct_acquisitions(frames)
    if by_factor is not None and by_factor.consistent and beds > 1:
        apart = by_factor.moment.clock_since(private.moment)
        if abs(apart) > CONTRADICTED_S:
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
