"""Headers for outputs under a pseudonym: who the patient is goes out, what a reference to the images needs stays."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from pydicom.dataset import Dataset

_IDENTITY = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "OperatorsName",
    "RequestingPhysician",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "DeviceSerialNumber",
)
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime")
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_KEPT = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyTime",
    "SeriesTime",
    "AcquisitionTime",
    "ContentTime",
    "SeriesNumber",
    "InstanceNumber",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PositionReferenceIndicator",
    "NumberOfFrames",
    "Units",
    "PatientPosition",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


def identity_words(dataset: Dataset) -> frozenset[str]:
    """Every text in the header that names the patient, the people or the place."""
    words = set()
    for keyword in _IDENTITY:
        value = str(dataset.get(keyword, "") or "").strip()
        if value:
            words.add(value)
    return frozenset(words)


def pseudonymous_header(
    dataset: Dataset, name: str, move_date: Callable[[str], str], new_uid: Callable[[str], str]
) -> Dataset:
    """A header that keeps what references, geometry and units need and names nobody.

    Parameters
    ----------
    dataset : the original header, left as it is
    name : becomes Patient ID and Patient Name
    move_date : DICOM date or date-time text → shifted text
    new_uid : instance UID → derived UID
    """
    out = Dataset()
    for keyword in _KEPT:
        if keyword in dataset:
            out[keyword] = deepcopy(dataset[keyword])
    for keyword in _DATES:
        if dataset.get(keyword):
            setattr(out, keyword, move_date(str(dataset.get(keyword))))
    for keyword in _UIDS:
        if dataset.get(keyword):
            setattr(out, keyword, new_uid(str(dataset.get(keyword))))
    for element in out.iterall():
        if element.VR == "UI" and element.keyword not in _UIDS and element.value:
            values = [element.value] if isinstance(element.value, str) else list(element.value)
            moved = [new_uid(str(v)) for v in values]
            element.value = moved[0] if len(moved) == 1 else moved
        elif element.VR in ("DA", "DT") and element.keyword not in _DATES and element.value:
            element.value = move_date(str(element.value))
    out.PatientName = name
    out.PatientID = name
    out.PatientBirthDate = None
    out.PatientIdentityRemoved = "YES"
    out.DeidentificationMethod = "Lutetia: identity removed, dates shifted, UIDs replaced"
    return out
