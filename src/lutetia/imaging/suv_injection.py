"""When the tracer was given, and how long before the decay reference: dates shifted, blanked or missing included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lutetia.imaging.suv_decay import nuclide_of_half_life
from lutetia.imaging.suv_evidence import Evidence, SuvRefusedError
from lutetia.model.pet import DAY_S, Moment, PetFacts, Radiopharmaceutical

FLAG = "--injection-time"
LONG_LIVED_S = 13 * 3600.0  # above 64Cu (12.7 h): such tracers are imaged days after injection
MAX_HALF_LIVES = 10.0  # later than this nothing is left to image
MAX_UNDATED_S = 12 * 3600.0  # a scan "earlier" than its injection by more than this is no scan after midnight
DYNAMIC_START_S = 600.0  # a dynamic scan may start before the injection
_HEADER_DAYS = 2  # dates this far apart were shifted by de-identification


@dataclass(frozen=True, slots=True)
class Uptake:
    """Injection, and the seconds from it to the moment asked for (negative only in a dynamic scan)."""

    injection: Moment
    seconds: float
    reason: str


def parse_moment(text: str) -> Moment | None:
    """``2025-01-31T13:05:00``, ``2025-01-31 13:05``, ``20250131130500`` or ``13:05[:00]``; None when unreadable."""
    match = re.fullmatch(
        r"\s*(?:(\d{4})-?(\d{2})-?(\d{2})[T ]?)?(\d{2}):?(\d{2})(?::?(\d{2}(?:\.\d+)?))?\s*", text
    )  # fmt: skip
    if match is None:
        return None
    year, month, day, hours, minutes, seconds = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + float(seconds or 0)
    if int(hours) > 23 or int(minutes) > 59 or whole >= DAY_S or float(seconds or 0) >= 60:
        return None
    if year is None:
        return Moment(whole)
    from datetime import date

    try:
        return Moment(whole, date(int(year), int(month), int(day)).toordinal())
    except ValueError:
        return None


def uptake(
    facts: PetFacts, item: Radiopharmaceutical, half_life_s: float, until: Moment, until_name: str, evidence: Evidence
) -> Uptake:
    """Time from the injection to `until` (the decay reference, or the mean time of an uncorrected frame).

    Raises
    ------
    SuvRefusedError
        No time of injection, or one that can't be true and that nothing in the file settles.
    """
    keywords = ("RadiopharmaceuticalStartDateTime", "RadiopharmaceuticalStartTime")
    evidence.use(*keywords)
    dated, time = item.start_datetime, item.start_time
    if dated is None and time is None:
        if facts.ge.administration is not None:
            evidence.use("GEAdministrationDateTime")
            evidence.repair(
                "injection-time-from-private",
                f"Injection time taken from GE's private (0009,103b) {facts.ge.administration.isoformat()}: "
                "RadiopharmaceuticalStartTime (0018,1072) and StartDateTime (0018,1078) are missing",
            )
            dated = facts.ge.administration
        else:
            raise evidence.refuse(
                "injection-time-missing",
                f"RadiopharmaceuticalStartTime (0018,1072) is {evidence.text(keywords[1])} and "
                f"RadiopharmaceuticalStartDateTime (0018,1078) is {evidence.text(keywords[0])}",
                keywords[1],
                FLAG,
            )
    if dated is not None and not facts.multiframe and (time is None or abs(time.clock_since(dated)) > 60.0):
        _warn_of_offset(evidence, keywords[0])
    limits = _Limits(facts, half_life_s)
    if dated is not None and dated.day is not None and until.day is not None:
        seconds = until.since(dated)
        if limits.possible(seconds):
            _not_blank(dated, seconds, limits, keywords[0], time, evidence)
            return _agree(dated, time, seconds, until, limits, evidence)
        for found in _settled_elsewhere(facts, dated, time, until, limits, evidence):
            return found
        if limits.short_lived and abs(until.day - dated.day) >= _HEADER_DAYS:
            seconds = _by_clock(until, dated, limits)
            if limits.possible(seconds, undated=True):
                _not_blank(dated, seconds, limits, keywords[0], None, evidence)
                _not_two_times(dated, time, until, limits, evidence)
                evidence.repair(
                    "dates-shifted",
                    f"Injection {dated.isoformat()} and {until_name} {until.isoformat()} carry dates "
                    f"{abs(until.day - dated.day)} days apart (de-identification); the times of day are used: "
                    f"{seconds / 60:.1f} min of uptake",
                )
                return Uptake(dated.on(None), seconds, "times of day; the dates were shifted")
        raise _impossible(dated, until, until_name, seconds, limits, keywords[0], evidence)
    clock = time if time is not None and (dated is None or dated.day is None or dated.seconds == 0.0) else dated
    assert clock is not None
    keyword = keywords[1] if clock is time else keywords[0]
    return _undated(facts, clock, half_life_s, until, until_name, limits, keyword, evidence)


def _warn_of_offset(evidence: Evidence, keyword: str) -> None:
    """A UTC offset that stands alone: whether the scan's times are of the same zone can't be told."""
    text = evidence.text(keyword)
    if re.search(r"[+\-]\d{4}$", text) and evidence.text("TimezoneOffsetFromUTC") == "absent":
        evidence.warn(
            "time-zone-unknown",
            f"RadiopharmaceuticalStartDateTime (0018,1078) {text} carries an offset from UTC, but the times of the "
            "scan have none (TimezoneOffsetFromUTC (0008,0201) is absent): both are read as local time",
        )


def uptake_by_hand(text: str, until: Moment, until_name: str, half_life_s: float, evidence: Evidence) -> Uptake:
    """Injection time entered by hand; a time of day alone is the last such time before `until`."""
    moment = parse_moment(text)
    if moment is None:
        raise evidence.refuse(
            "override-unreadable",
            f"--injection-time {text!r} is no time; write 2025-01-31T13:05:00 or 13:05:00",
            "RadiopharmaceuticalStartDateTime",
            FLAG,
        )
    evidence.entered(FLAG, text)
    if moment.day is not None and until.day is not None:
        seconds = until.since(moment)
    else:
        seconds = (until.seconds - moment.seconds) % DAY_S
    if not 0 <= seconds <= MAX_HALF_LIVES * half_life_s:
        raise evidence.refuse(
            "override-impossible",
            f"--injection-time {text} lies {_span(seconds)} before {until_name} {until.isoformat()}: impossible",
            "RadiopharmaceuticalStartDateTime",
            FLAG,
        )
    return Uptake(moment, seconds, "entered by hand")


class _Limits:
    """What uptake time is possible for this tracer and kind of scan."""

    def __init__(self, facts: PetFacts, half_life_s: float) -> None:
        self.half_life_s = half_life_s
        self.short_lived = half_life_s <= LONG_LIVED_S
        self.dynamic = "DYNAMIC" in facts.series_type
        self.earliest = -DYNAMIC_START_S if self.dynamic else 0.0
        self.latest = MAX_HALF_LIVES * half_life_s

    def possible(self, seconds: float, *, undated: bool = False) -> bool:
        latest = min(self.latest, MAX_UNDATED_S) if undated else self.latest
        return self.earliest <= seconds <= latest


def _by_clock(until: Moment, injection: Moment, limits: _Limits) -> float:
    """Seconds by time of day: the last injection at that time before `until` (a dynamic scan may start before it)."""
    seconds = until.clock_since(injection)
    if seconds < limits.earliest:
        seconds += DAY_S
    return seconds


def _agree(
    dated: Moment, time: Moment | None, seconds: float, until: Moment, limits: _Limits, evidence: Evidence
) -> Uptake:
    """A plausible dated injection, compared with the undated time beside it."""
    if time is not None and abs(time.clock_since(dated)) > 60.0:
        other = _by_clock(until, time, limits)
        if dated.seconds == 0.0 and limits.possible(other, undated=True) and other < seconds:
            chosen = dated.on(None if dated.day is None or until.day is None else dated.day)
            moment = time.on(chosen.day)
            if limits.possible(until.since(moment)):
                evidence.repair(
                    "injection-time-blanked",
                    f"RadiopharmaceuticalStartDateTime {dated.isoformat()} holds no time of day; "
                    f"RadiopharmaceuticalStartTime {time.isoformat()} is used",
                )
                return Uptake(moment, until.since(moment), "date from (0018,1078), time from (0018,1072)")
        evidence.warn(
            "injection-times-differ",
            f"RadiopharmaceuticalStartDateTime (0018,1078) {dated.isoformat()} is used; RadiopharmaceuticalStartTime "
            f"(0018,1072) says {time.isoformat()}, which would be {other / 60:.0f} instead of {seconds / 60:.0f} min "
            "of uptake",
        )
    return Uptake(dated, seconds, "RadiopharmaceuticalStartDateTime (0018,1078)")


def _settled_elsewhere(
    facts: PetFacts, dated: Moment, time: Moment | None, until: Moment, limits: _Limits, evidence: Evidence
) -> Iterator[Uptake]:
    """Another element of the same file that makes a dated injection possible."""
    scan, given = facts.ge.scan_datetime, facts.ge.administration
    if scan is not None and scan.day is not None and abs(until.clock_since(scan)) < 4 * 3600:
        # the private scan time is in its own shift of dates; `until` lies a little after it
        later = until.clock_since(scan)
        for private, name in ((given, "(0009,103b)"), (dated, "(0018,1078)")):
            if private is None or private.day is None:
                continue
            seconds = scan.since(private) + later
            if abs(private.clock_since(dated)) <= 60.0 and limits.possible(seconds):
                evidence.use("GEScanDateTime", "GEAdministrationDateTime")
                evidence.repair(
                    "injection-date-repaired",
                    f"RadiopharmaceuticalStartDateTime (0018,1078) {dated.isoformat()} can't be true beside the scan "
                    f"{until.isoformat()}; GE's private scan time (0009,100d) {scan.isoformat()} and injection {name} "
                    f"{private.isoformat()} settle it: {seconds / 60:.1f} min of uptake",
                )
                yield Uptake(private, seconds, "GE's private scan and administration times")
                return
        seconds = _by_clock(until, dated, limits)
        near = limits.short_lived and dated.day is not None and abs(scan.day - dated.day) <= 1 and dated.seconds > 0
        if near and limits.possible(seconds, undated=True):
            evidence.use("GEScanDateTime")
            evidence.repair(
                "injection-date-repaired",
                f"RadiopharmaceuticalStartDateTime (0018,1078) {dated.isoformat()} is dated after the scan; beside "
                f"GE's private scan time (0009,100d) {scan.isoformat()} its time of day gives "
                f"{seconds / 60:.1f} min of uptake",
            )
            yield Uptake(dated.on(None), seconds, "time of day beside GE's private scan time")
            return
    if facts.series_time is not None and facts.series_time.day is not None and facts.series_time.day != until.day:
        moved = until.on(facts.series_time.day)
        seconds = moved.since(dated)
        if limits.possible(seconds):
            evidence.use("SeriesDate")
            evidence.repair(
                "scan-date-repaired",
                f"The scan date of {until.isoformat()} can't be true beside the injection {dated.isoformat()}; "
                f"SeriesDate gives {moved.isoformat()}: {seconds / 60:.1f} min of uptake",
            )
            _not_blank(dated, seconds, limits, "RadiopharmaceuticalStartDateTime", time, evidence)
            found = _agree(dated, time, seconds, moved, limits, evidence)
            yield Uptake(found.injection, found.seconds, f"{found.reason}, with the scan on SeriesDate")
            return
    if time is not None and limits.short_lived and abs(time.clock_since(dated)) > 60.0:
        seconds = _by_clock(until, time, limits)
        by_dated = _by_clock(until, dated, limits)
        shifted = until.day is not None and dated.day is not None and abs(until.day - dated.day) >= _HEADER_DAYS
        doubtful = shifted and dated.seconds != 0.0 and limits.possible(by_dated, undated=True)
        if limits.possible(seconds, undated=True) and not doubtful:
            evidence.repair(
                "injection-time-repaired",
                f"RadiopharmaceuticalStartDateTime (0018,1078) {dated.isoformat()} can't be true beside the scan "
                f"{until.isoformat()}; RadiopharmaceuticalStartTime (0018,1072) {time.isoformat()} is used: "
                f"{seconds / 60:.1f} min of uptake",
            )
            yield Uptake(time.on(None), seconds, "RadiopharmaceuticalStartTime (0018,1072)")


def _undated(
    facts: PetFacts,
    clock: Moment,
    half_life_s: float,
    until: Moment,
    until_name: str,
    limits: _Limits,
    keyword: str,
    evidence: Evidence,
) -> Uptake:
    scan, given = facts.ge.scan_datetime, facts.ge.administration
    if scan is not None and given is not None and abs(given.clock_since(clock)) <= 60.0:
        seconds = scan.since(given) + until.clock_since(scan)
        if scan.day is not None and given.day is not None and limits.possible(seconds):
            evidence.use("GEScanDateTime", "GEAdministrationDateTime")
            return Uptake(given, seconds, "GE's private scan and administration times")
    if not limits.short_lived:
        raise evidence.refuse(
            "injection-date-missing",
            f"The injection {clock.isoformat()} or the scan has no date, and with a half-life of "
            f"{half_life_s / 3600:.0f} h the scan may lie days after it",
            "RadiopharmaceuticalStartDateTime",
            FLAG,
        )
    seconds = _by_clock(until, clock, limits)
    if not limits.possible(seconds, undated=True):
        raise _impossible(clock, until, until_name, seconds, limits, keyword, evidence)
    _not_blank(clock, seconds, limits, keyword, None, evidence)
    day = until.day
    midnight = until.seconds < clock.seconds and seconds > 0
    if day is not None and midnight:
        day -= 1
    reason = "RadiopharmaceuticalStartTime (0018,1072)"
    if midnight:
        reason += ", on the day before the scan"
        evidence.warn(
            "injection-before-midnight",
            f"The injection at {clock.isoformat()} is taken to be on the day before the scan at {until.isoformat()}: "
            f"{seconds / 60:.0f} min of uptake",
            level="info",
        )
    if nuclide_of_half_life(half_life_s) == "64Cu":
        evidence.warn(
            "injection-date-missing",
            f"The injection {clock.isoformat()} has no date; the same day is assumed. If this 64Cu scan was made a "
            "day later, the SUV is far too low: give --injection-time with its date",
        )
    return Uptake(clock.on(day), seconds, reason)


def _not_blank(
    injection: Moment, seconds: float, limits: _Limits, keyword: str, beside: Moment | None, evidence: Evidence
) -> None:
    """00:00:00 long before the scan of a short-lived tracer is a blanked time, not an injection at midnight."""
    if injection.seconds == 0.0 and limits.short_lived and seconds > 2 * limits.half_life_s and beside is None:
        raise evidence.refuse(
            "injection-time-blank",
            f"The injection time is 00:00:00, {_span(seconds)} before the scan: it was blanked",
            keyword,
            FLAG,
        )


def _not_two_times(dated: Moment, time: Moment | None, until: Moment, limits: _Limits, evidence: Evidence) -> None:
    """Shifted dates leave only times of day; two that differ and could both be true settle nothing."""
    if time is None or abs(time.clock_since(dated)) <= 60.0:
        return
    if limits.possible(_by_clock(until, time, limits), undated=True):
        raise evidence.refuse(
            "injection-times-differ",
            f"The dates were shifted, and RadiopharmaceuticalStartDateTime (0018,1078) {dated.isoformat()} and "
            f"RadiopharmaceuticalStartTime (0018,1072) {time.isoformat()} give different times of day",
            "RadiopharmaceuticalStartDateTime",
            FLAG,
        )


def _impossible(
    injection: Moment, until: Moment, until_name: str, seconds: float, limits: _Limits, keyword: str, evidence: Evidence
) -> SuvRefusedError:
    if seconds < 0 or (seconds > MAX_UNDATED_S and (injection.day is None or until.day is None)):
        return evidence.refuse(
            "injection-after-scan",
            f"The injection {injection.isoformat()} lies after {until_name} {until.isoformat()}",
            keyword,
            FLAG,
        )
    return evidence.refuse(
        "uptake-time-impossible",
        f"From the injection {injection.isoformat()} to {until_name} {until.isoformat()} are {_span(seconds)}, "
        f"{seconds / limits.half_life_s:.0f} half-lives",
        keyword,
        FLAG,
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if abs(seconds) < 2 * DAY_S else f"{seconds / DAY_S:.0f} days"
