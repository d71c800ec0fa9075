"""The PET images that written DICOM objects refer to, as lean headers: no file is opened again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pydicom.dataset import Dataset

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.uids import derived_uid, valid_uid

#: Attributes that DICOM objects need present, if only empty, and that exports often lack.
_PATIENT_AND_STUDY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_STUDY_OPTIONAL = (
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
)


@dataclass(frozen=True, eq=False)
class SourceImages:
    """A PET (or SPECT) series in the order of its volume's slices.

    Attributes
    ----------
    dataset : header of one representative instance (pixels not needed); patient and study are taken from it
    slices : the instance of every slice of the volume, index z; frames of one object share their UID
    suv_factors : SUV per rescaled unit of every slice, where it is not the same for all
    """

    dataset: Dataset
    slices: tuple[InstanceHeader, ...]
    suv_factors: tuple[float, ...] | None = None

    @property
    def series_instance_uid(self) -> str:
        """The series that is referred to."""
        return str(self.slices[0].series_instance_uid or self.dataset.SeriesInstanceUID)

    @property
    def moment(self) -> tuple[str, str]:
        """Date and time of the study's images (DA, TM): written objects carry it instead of the clock's."""
        days = (_day(str(self._own(keyword) or "")) for keyword in _DATES)
        times = (_time(str(self._own(keyword) or "")) for keyword in _TIMES)
        time = next((t for t in times if len(t) >= 6), "000000")
        return next((day for day in days if day), "19700101"), time[:6]

    def _own(self, keyword: str) -> Any:
        """The source's value as it may be written; None where it has none or one that can't be read."""
        try:
            return writable(keyword, self.dataset.get(keyword))
        except (ValueError, TypeError, OverflowError):
            return None

    @cached_property
    def study_header(self) -> Dataset:
        """Patient and study elements, those that DICOM requires present even where the source lacks them."""
        header = Dataset()
        for keyword in _PATIENT_AND_STUDY:
            value = self._own(keyword)
            setattr(header, keyword, "" if value is None else value)
        if not valid_uid(str(header.StudyInstanceUID)):
            header.StudyInstanceUID = derived_uid("study", str(header.StudyInstanceUID), self.series_instance_uid)
        for keyword in _STUDY_OPTIONAL:
            value = self._own(keyword)
            if value is not None:
                setattr(header, keyword, value)
        # Names were decoded when they were read; whatever they hold, Unicode can write it.
        header.SpecificCharacterSet = "ISO_IR 192"
        return header

    def frame_uid(self, index: int) -> str:
        """An identity for one slice: the image's UID, with the frame's number behind it for frames of one object."""
        instance = self.slices[index]
        if instance.frame is None:
            return instance.sop_instance_uid
        return f"{instance.sop_instance_uid[:58]}.{instance.frame + 1}"

    def lean(self, indices: Iterable[int]) -> list[Dataset]:
        """One small header per slice: identity (`frame_uid`), place and what a reference to the image needs."""
        return [self._lean(i) for i in indices]

    def references(self) -> list[tuple[str, str]]:
        """(SOP class, SOP instance) of every object, each once."""
        default = str(self.dataset.get("SOPClassUID") or "")
        found = {s.sop_instance_uid: s.sop_class_uid or default for s in self.slices}
        return [(sop_class, uid) for uid, sop_class in found.items()]

    @cached_property
    def _shared(self) -> Dataset:
        """What all lean headers have in common; the elements are shared, not copied, since there may be thousands."""
        first = self.slices[0]
        dataset = Dataset()
        dataset.update(self.study_header)
        dataset.SOPClassUID = first.sop_class_uid or self.dataset.SOPClassUID
        dataset.SeriesInstanceUID = self.series_instance_uid
        frame_of_reference = first.frame_of_reference_uid or str(self.dataset.get("FrameOfReferenceUID") or "")
        # a segmentation must have one; the images of one series lie in one place whether they name it or not
        dataset.FrameOfReferenceUID = frame_of_reference or derived_uid("frame of reference", self.series_instance_uid)
        dataset.Modality = first.modality or self.dataset.Modality
        dataset.Rows = first.rows
        dataset.Columns = first.columns
        if first.orientation is not None:
            dataset.ImageOrientationPatient = [_decimal(v) for v in first.orientation]
        if first.pixel_spacing_mm is not None:
            dataset.PixelSpacing = [_decimal(v) for v in first.pixel_spacing_mm]
        if first.slice_thickness_mm is not None:
            dataset.SliceThickness = _decimal(first.slice_thickness_mm)
        return dataset

    def _lean(self, index: int) -> Dataset:
        instance = self.slices[index]
        dataset = Dataset(dict(self._shared.items()))
        dataset.SOPInstanceUID = self.frame_uid(index)
        if instance.position_mm is not None:
            dataset.ImagePositionPatient = [_decimal(v) for v in instance.position_mm]
        dataset.InstanceNumber = instance.instance_number
        return dataset


def writable(keyword: str, value: Any) -> Any:
    """A value as DICOM allows it to be written; None where nothing of it can be.

    Exports hold dates with slashes, ages without a unit and texts that are too long; an object made from them would be
    no valid one, or could not be made at all.
    """
    if value is None or value == "":
        return None
    rule = _RULES.get(keyword)
    if rule is None:
        return value
    return rule(str(value).strip()) or None


def _day(text: str) -> str:
    found = re.fullmatch(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})", text)
    try:
        return date(*map(int, found.groups())).strftime("%Y%m%d") if found else ""
    except ValueError:
        return ""


def _time(text: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):?([0-5]\d)?:?([0-5]\d)?(\.\d{1,6})?", text)
    return "".join(part for part in found.groups() if part) if found else ""


def _line(longest: int) -> Callable[[str], str]:
    return lambda text: re.sub(r"[\\\x00-\x1f]", " ", text)[:longest].strip()


def _matching(pattern: str) -> Callable[[str], str]:
    return lambda text: text if re.fullmatch(pattern, text) else ""


_NUMBER = r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?"
#: how an element that is taken over has to look
_RULES: dict[str, Callable[[str], str]] = {
    "PatientName": lambda text: "=".join(_line(64)(group) for group in text.split("=")[:3]),
    "PatientID": _line(64),
    "PatientBirthDate": _day,
    "PatientSex": _matching(r"[MFO]"),
    "StudyID": _line(16),
    "StudyDate": _day,
    "StudyTime": _time,
    "AccessionNumber": _line(16),
    "PatientAge": _matching(r"\d{3}[DWMY]"),
    "PatientSize": _matching(rf"(?=.{{1,16}}$){_NUMBER}"),
    "PatientWeight": _matching(rf"(?=.{{1,16}}$){_NUMBER}"),
    "StudyDescription": _line(64),
    "PatientIdentityRemoved": _matching(r"YES|NO"),
}

_DATES = ("SeriesDate", "AcquisitionDate", "StudyDate", "ContentDate")
_TIMES = ("SeriesTime", "AcquisitionTime", "StudyTime", "ContentTime")


def _decimal(value: float) -> float:
    """A number that fits a decimal string of 16 characters."""
    for digits in range(16, 8, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return float(text)
    return float(f"{value:.9g}")
