"""Headers to patients, studies and series; damaged images and copies are set apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lutetia.dicom.condense import condensed
from lutetia.dicom.files import as_issue
from lutetia.dicom.identity import Person, person_of, persons
from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.multiframe import expand
from lutetia.dicom.pixels import same_pixels
from lutetia.dicom.series import PatientFiles, SeriesFiles, StudyFiles
from lutetia.dicom.split import split_series
from lutetia.dicom.transfer_syntax import native_length
from lutetia.model import InputError, Issue


def patients(instances: list[InstanceHeader], issues: list[Issue]) -> tuple[PatientFiles, ...]:
    """Headers to patients, studies and series, in a fixed order; what is wrong with images is added to `issues`."""
    tree: dict[str, dict[str, dict[str, list[InstanceHeader]]]] = {}
    keys = _patient_keys(instances, issues)
    for header in instances:
        studies = tree.setdefault(keys[_patient_key(header), person_of(header)], {})
        studies.setdefault(header.study_instance_uid, {}).setdefault(_series_key(header), []).append(header)
    return tuple(_patient(key, tree[key], issues) for key in sorted(tree))


def _patient_keys(instances: list[InstanceHeader], issues: list[Issue]) -> dict[tuple[str, Person], str]:
    """What each patient is called: the Patient ID, with the name where several people share the ID."""
    by_id: dict[str, list[InstanceHeader]] = {}
    for header in instances:
        by_id.setdefault(_patient_key(header), []).append(header)
    keys: dict[tuple[str, Person], str] = {}
    for key, headers in by_id.items():
        people = persons(headers)
        if len(people) == 1:
            keys |= {(key, person): key for person in people[0]}
            continue
        names = []
        for group in people:
            first = next(h for h in headers if person_of(h) in group)
            names.append(first.patient_name)
            keys |= {(key, person): f"{key} ({first.patient_name})" for person in group}
        text = f"{len(people)} people share the Patient ID {key!r} by name and birth date: {'; '.join(names)}"
        issues.append(Issue(code="patient-id-shared", level="caution", message=text, where=headers[0].where))
    return keys


def _patient(key: str, tree: dict[str, dict[str, list[InstanceHeader]]], found: list[Issue]) -> PatientFiles:
    studies = []
    for study_uid, series in tree.items():
        parts = [part for headers in series.values() for part in _series(headers, found)]
        parts.sort(key=lambda s: (s.number is None, s.number or 0, s.series_instance_uid))
        first = next(iter(series.values()))[0]
        studies.append(StudyFiles(study_uid, first.study_date, first.study_description, tuple(parts)))
    studies.sort(key=lambda s: (s.date or "", s.study_instance_uid))
    header = next(iter(next(iter(tree.values())).values()))[0]
    return PatientFiles(key, header.patient_id, header.patient_name, tuple(studies))


def _patient_key(header: InstanceHeader) -> str:
    return header.patient_id or header.patient_name or header.study_instance_uid or "unknown"


def _series_key(header: InstanceHeader) -> str:
    """The SeriesInstanceUID; where de-identification blanked it, what else keeps series apart."""
    return header.series_instance_uid or f"{header.modality} {header.series_number} {header.series_description}"


def _series(headers: list[InstanceHeader], found: list[Issue]) -> Iterator[SeriesFiles]:
    headers.sort(key=lambda h: (h.instance_number is None, h.instance_number or 0, h.path, h.member))
    headers, issues = _without_copies(headers)
    good: list[InstanceHeader] = []
    damaged: list[InstanceHeader] = []
    for header in headers:
        fault = _fault(header)
        if fault is None:
            try:
                good.extend(expand(header))
                continue
            except InputError as error:
                fault = as_issue(error)
        issues.append(fault)
        damaged.append(header)
    whole_uids = {h.sop_instance_uid for h in good if h.sop_instance_uid}
    damaged = [h for h in damaged if h.sop_instance_uid not in whole_uids]  # the image is there undamaged as well
    first = headers[0]
    whole = SeriesFiles(
        first.series_instance_uid,
        first.modality,
        first.series_description,
        tuple(good),
        tuple(condensed(issues)),
        tuple(damaged),
    )
    found.extend(issues)
    yield from split_series(whole)


def _without_copies(headers: list[InstanceHeader]) -> tuple[list[InstanceHeader], list[Issue]]:
    """The same image copied twice (one SOP Instance UID, equal header and pixels) counts once."""
    kept: list[InstanceHeader] = []
    by_uid: dict[str, InstanceHeader] = {}
    copies: list[InstanceHeader] = []
    for header in headers:
        first = by_uid.setdefault(header.sop_instance_uid, header)
        if header.sop_instance_uid and first is not header and _is_copy(first, header):
            copies.append(header)
        else:
            kept.append(header)
    if not copies:
        return kept, []
    files = "1 file is a copy of another" if len(copies) == 1 else f"{len(copies)} files are copies of others"
    message = f"{files} with the same SOP Instance UID; each image is used once"
    return kept, [Issue(code="duplicate-files", level="info", message=message, where=copies[0].where)]


def _is_copy(a: InstanceHeader, b: InstanceHeader) -> bool:
    if replace(a, path=b.path, member=b.member) != b or _fault(a) is not None:
        return False
    if not a.rows or a.n_frames > 1:
        return True
    try:
        return same_pixels(a, b)
    except InputError:
        return False


def _fault(header: InstanceHeader) -> Issue | None:
    """What makes the pixels of an image unreadable, as far as its header and size tell."""
    if header.rows and header.n_frames < 0:
        message = f"Number of Frames (0028,0008) is {header.n_frames}; export it again"
        return Issue(code="pixel-length-mismatch", level="error", message=message, where=header.where)
    if header.pixel_offset is None or header.pixel_length is None:
        return None
    missing = header.pixel_offset + header.pixel_length - (header.file_size or 0)
    if missing > 0:
        message = f"The file is cut off: {missing:,} bytes of pixel data are missing; copy or export it again"
        return Issue(code="truncated-file", level="error", message=message, where=header.where)
    expected = native_length(header)
    row = max(2, header.columns * header.bits_allocated // 8)
    if header.rows and not 0 <= header.pixel_length - expected < row:
        message = (
            f"The header contradicts the pixels: {header.rows} rows × {header.columns} columns × "
            f"{header.n_frames} frames of {header.bits_allocated} bits need {expected:,} bytes, "
            f"the file holds {header.pixel_length:,}; export it again"
        )
        return Issue(code="pixel-length-mismatch", level="error", message=message, where=header.where)
    return None
