"""A DICOM study may hold several scans of the patient: two tracers on one day, or SPECTs on several days.

Each scan is read by itself. PET and SPECT series belong to one scan when their acquisitions begin within two hours of
one another and their radionuclides do not contradict; reconstructions of one scan share its acquisition time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lutetia.dicom.series import SeriesFiles, StudyFiles
from lutetia.dicom.suitability import is_emission
from lutetia.dicom.tracers import identify_tracer

#: series that begin further apart are different scans
GAP_HOURS = 2.0


def acquired(series: SeriesFiles) -> datetime | None:
    """When the series was begun: the earliest acquisition of its images, else its series date and time."""
    starts = [
        when
        for h in series.instances
        if (when := _moment(h.acquisition_date or h.series_date or h.study_date, h.acquisition_time)) is not None
    ]
    if starts:
        return min(starts)
    first = series.first
    return _moment(first.series_date or first.study_date, first.series_time)


def _moment(day: str | None, time: str | None) -> datetime | None:
    if not day or not time:
        return None
    try:
        return datetime.strptime(day[:8] + time[:6].ljust(6, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _radionuclide(series: SeriesFiles) -> str | None:
    return identify_tracer(series.dataset()).radionuclide


def _same_scan(group: list[SeriesFiles], series: SeriesFiles) -> bool:
    """Whether a series belongs to the scan of the group; what can't be told apart belongs together."""
    other = group[0]
    when, start = acquired(series), acquired(other)
    if when is not None and start is not None and abs((when - start).total_seconds()) > GAP_HOURS * 3600:
        return False
    nuclides = _radionuclide(series), _radionuclide(other)
    return None in nuclides or nuclides[0] == nuclides[1]


def split_scans(study: StudyFiles, is_ct: Callable[[SeriesFiles], bool]) -> list[StudyFiles]:
    """The scans of a study, in order of time; a study with one scan comes back as it is.

    Other series go to the scan whose frame of reference they share; failing that a CT goes to the nearest in time, and
    everything else to the first. A CT that shares the frame of several scans goes to the nearest of them, and to each
    that has no other: with one frame of reference, one CT serves two tracers.
    """
    groups: list[list[SeriesFiles]] = []
    for series in study.series:
        if not is_emission(series):
            continue
        own = next((g for g in groups if _same_scan(g, series)), None)
        if own is None:
            groups.append([series])
        else:
            own.append(series)
    if len(groups) < 2:
        return [study]
    groups.sort(key=lambda g: acquired(g[0]) or datetime.max)
    members: list[list[SeriesFiles]] = [list(g) for g in groups]
    for series in study.series:
        if is_emission(series):
            continue
        members[_scan_of(series, groups, is_ct(series))].append(series)
    for group, own_series in zip(groups, members, strict=True):
        if not any(is_ct(s) for s in own_series):
            own_series += [s for s in study.series if is_ct(s) and _shares_frame(s, group)]
    out = []
    for group, own_series in zip(groups, members, strict=True):
        when = acquired(group[0])
        date = when.strftime("%Y%m%d") if when is not None else study.date
        kept = tuple(s for s in study.series if any(s is m for m in own_series))
        out.append(StudyFiles(study.study_instance_uid, date, study.description, kept))
    return out


def _shares_frame(series: SeriesFiles, group: list[SeriesFiles]) -> bool:
    frame = series.first.frame_of_reference_uid
    return bool(frame) and any(s.first.frame_of_reference_uid == frame for s in group)


def _scan_of(series: SeriesFiles, groups: list[list[SeriesFiles]], is_ct: bool) -> int:
    """Number of the scan that a series belongs to."""
    sharing = [n for n, group in enumerate(groups) if _shares_frame(series, group)]
    if len(sharing) == 1 or (sharing and not is_ct):
        return sharing[0]
    candidates = sharing or range(len(groups))
    when = acquired(series)
    if not is_ct or when is None:
        return candidates[0]
    gaps = []
    for n in candidates:
        start = acquired(groups[n][0])
        if start is not None:
            gaps.append((abs((start - when).total_seconds()), n))
    return min(gaps)[1] if gaps else candidates[0]
