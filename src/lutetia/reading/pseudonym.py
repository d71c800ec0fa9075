"""Identity out, dates shifted: the same patient and pseudonym always give the same result.

Every text of the record is gone through: dates (``2025-01-31``, ``20250131``, ``20250131130500``) are shifted by one
number of days for the whole patient, so that intervals stay; instance UIDs are replaced by derived ones (those
that DICOM itself defines stay); the patient's name and identifiers, and the paths of the input, are removed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lutetia.dicom.deidentify import identity_words, pseudonymous_header
from lutetia.dicom.instance import InstanceHeader
from lutetia.model import Course
from lutetia.reading.read import CourseReading
from lutetia.reading.study import StudyReading

_UID = re.compile(r"(?<![\d.])(?=[\d.]{14,64}(?![\d.]))[0-2](?:\.\d+){2,}(?![\d.])")
_DATE = re.compile(
    r"(?<![\d.])((?:18|19|20)\d\d)(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?=(?:\d{6}(?:\.\d+)?)?(?![\d]))"
)
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\\/\s'\",;:!]+){2,}")
_STANDARD_UID = "1.2.840.10008."
REMOVED = "(removed)"


def shift_days(patient_key: str, name: str) -> int:
    """By how many days every date of this patient moves into the past: 1 to 3,650, derived, the same each time."""
    digest = hashlib.sha256(f"{patient_key}\0{name}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % 3650


def shifted(text: str, days: int) -> str:
    """The text with every date moved into the past by that many days."""

    def move(found: re.Match[str]) -> str:
        year, dash, month, day = found.groups()
        try:
            moved = date(int(year), int(month), int(day)) - timedelta(days=days)
        except ValueError:  # 31 February: no date, and no information to keep
            return REMOVED
        return moved.isoformat() if dash else moved.strftime("%Y%m%d")

    return _DATE.sub(move, text)


def derived_uid(uid: str, name: str) -> str:
    """A UID under 2.25 that stands for this one under that pseudonym."""
    if uid.startswith(_STANDARD_UID):
        return uid
    digest = hashlib.sha256(f"{name}\0{uid}".encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def scrubber(name: str, days: int, words: frozenset[str]) -> Callable[[str], str]:
    """A function that takes identity out of one text."""
    tokens = sorted((re.escape(w) for w in words if len(w) >= 3), key=len, reverse=True)
    # a word may stand between underscores, as in a file's name: only letters and digits make it part of another
    identity = re.compile(r"(?<![^\W_])(?:" + "|".join(tokens) + r")(?![^\W_])", re.IGNORECASE) if tokens else None

    def scrub(text: str) -> str:
        text = _UID.sub(lambda found: derived_uid(found.group(), name), text)
        text = _PATH.sub(REMOVED, text)
        if identity is not None:
            text = identity.sub(REMOVED, text)
        return shifted(text, days)

    return scrub


def _through(value: Any, scrub: Callable[[str], str], uid: Callable[[str], str]) -> Any:
    """The record with every text scrubbed; what a field calls a UID is one, however it is written."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {
            key: uid(item) if key.endswith("_uid") and isinstance(item, str) and item else _through(item, scrub, uid)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_through(item, scrub, uid) for item in value]
    return value


def _header(header: InstanceHeader, name: str, days: int) -> InstanceHeader:
    """The few elements of a slice's header that outputs refer to, without identity."""

    def moved(day: str | None) -> str | None:
        return shifted(day, days) if day else None

    return replace(
        header,
        path="",
        member="",
        patient_id=name,
        sop_instance_uid=derived_uid(header.sop_instance_uid, name),
        study_instance_uid=derived_uid(header.study_instance_uid, name),
        series_instance_uid=derived_uid(header.series_instance_uid, name),
        frame_of_reference_uid=derived_uid(header.frame_of_reference_uid, name)
        if header.frame_of_reference_uid
        else "",
        study_date=moved(header.study_date),
        series_date=moved(header.series_date),
        acquisition_date=moved(header.acquisition_date),
    )


def _study(reading: StudyReading, record: Any, name: str, days: int) -> StudyReading:
    """The reading with a record and source headers that name nobody."""
    dataset = None
    pet = reading.pet
    if pet is not None and reading.selection.pet is not None:
        dataset = pseudonymous_header(
            reading.selection.pet.dataset(), name, lambda t: shifted(t, days), lambda u: derived_uid(u, name)
        )
        pet = replace(pet, instances=tuple(_header(i, name, days) for i in pet.instances))
    other = object.__new__(StudyReading)
    other.__dict__.update(reading.__dict__)
    other.study, other.pet, other.source_dataset = record, pet, dataset
    return other


def pseudonymised(reading: CourseReading, name: str) -> CourseReading:
    """The reading under a pseudonym.

    Parameters
    ----------
    reading : what was read
    name : stands as Patient ID and Patient Name in every output

    Returns
    -------
    CourseReading
        A copy; the pixels are shared. Dates move by `shift_days`, the same for all studies of the patient.
    """
    course = reading.course
    days = shift_days(course.patient.id, name)
    words: set[str] = {course.patient.id}
    for study in reading.studies:
        patient = study.selection.patient
        words |= {patient.patient_id, patient.key, patient.name}
        if study.selection.pet is not None:
            words |= identity_words(study.selection.pet.dataset())
    for path in reading.inputs:
        words |= {path, os.path.basename(os.path.normpath(path))}
    words |= _mask_files(reading)
    parts = {part for word in words for part in re.split(r"[\^=\s]+", word)}
    scrub = scrubber(name, days, frozenset(w for w in words | parts if w and w.lower() not in _HARMLESS))
    data = _through(course.model_dump(mode="json"), scrub, lambda uid: derived_uid(uid, name))
    data["patient"] |= {"id": name, "pseudonymous": True}
    data["software"] = dict(course.software)
    for study_data in data["studies"]:
        age = study_data["acquisition"]["age_years"]
        if age is not None:
            study_data["acquisition"]["age_years"] = min(age, 90.0)
    for key in ("organs", "case", "rules_dir", "corrections", "patient"):
        data["settings"].pop(key, None)
    renamed = Course.model_validate(data)
    studies = tuple(_study(r, record, name, days) for r, record in zip(reading.studies, renamed.studies, strict=True))
    return CourseReading(renamed, studies, reading.settings, (), reading.frames)


def _mask_files(reading: CourseReading) -> set[str]:
    """Names of the mask files that were given and of what lies beside them: they may be named by the patient."""
    names: set[str] = set()
    for given in (reading.settings.organs, *reading.settings.references.values()):
        place = Path(given or "").expanduser()
        if not given or not place.exists():  # a reference may be a sphere in words
            continue
        folder = place if place.is_dir() else place.parent
        beside = [p.name for p in folder.iterdir() if p.suffix.lower() in (".json", ".tsv", ".nii", ".gz", ".dcm")]
        names |= {str(place), place.name, *beside}
    return names


#: words that stand in names, identifiers or folders and would tear holes into ordinary sentences
_HARMLESS = frozenset(
    {
        "pet",
        "the",
        "and",
        "dicom",
        "ct",
        "data",
        "study",
        "patient",
        "test",
        "unknown",
        "anonymous",
        "anonymized",
        "none",
        "liver",
        "spleen",
        "lesion",
        "read",
        "out",
        "input",
        "phantom",
        "petct",
        "series",
        "image",
        "images",
    }
)
