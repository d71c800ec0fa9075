"""The PET images that written DICOM objects refer to, as lean headers: no file is opened again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pydicom.dataset import Dataset

from lutetia.dicom.instance import InstanceHeader

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
    "SpecificCharacterSet",
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
        date = next((str(self.dataset.get(k) or "") for k in _DATES if self.dataset.get(k)), "")
        time = next((str(self.dataset.get(k) or "") for k in _TIMES if self.dataset.get(k)), "")
        date = date.replace("-", "") if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", date) else "19700101"
        found = re.fullmatch(r"(\d{2}):?(\d{2}):?(\d{2})(\.\d*)?", time)
        return date, "".join(found.group(1, 2, 3)) if found else "000000"

    @cached_property
    def study_header(self) -> Dataset:
        """Patient and study elements, those that DICOM requires present even where the source lacks them."""
        header = Dataset()
        for keyword in _PATIENT_AND_STUDY:
            value = self.dataset.get(keyword)
            setattr(header, keyword, "" if value is None else value)
        for keyword in _STUDY_OPTIONAL:
            if self.dataset.get(keyword) not in (None, ""):
                setattr(header, keyword, self.dataset.get(keyword))
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

    def instances(self) -> list[Dataset]:
        """One small header per object, each object once, under its own UID."""
        found: dict[str, Dataset] = {}
        for index, instance in enumerate(self.slices):
            if instance.sop_instance_uid not in found:
                lean = self._lean(index)
                lean.SOPInstanceUID = instance.sop_instance_uid
                found[instance.sop_instance_uid] = lean
        return list(found.values())

    def _lean(self, index: int) -> Dataset:
        instance = self.slices[index]
        dataset = Dataset()
        dataset.update(self.study_header)
        dataset.SOPClassUID = instance.sop_class_uid or self.dataset.SOPClassUID
        dataset.SOPInstanceUID = self.frame_uid(index)
        dataset.SeriesInstanceUID = self.series_instance_uid
        frame_of_reference = instance.frame_of_reference_uid or str(self.dataset.get("FrameOfReferenceUID") or "")
        if frame_of_reference:
            dataset.FrameOfReferenceUID = frame_of_reference
        dataset.Modality = instance.modality or self.dataset.Modality
        dataset.Rows = instance.rows
        dataset.Columns = instance.columns
        if instance.position_mm is not None and instance.orientation is not None:
            dataset.ImagePositionPatient = [_decimal(v) for v in instance.position_mm]
            dataset.ImageOrientationPatient = [_decimal(v) for v in instance.orientation]
        if instance.pixel_spacing_mm is not None:
            dataset.PixelSpacing = [_decimal(v) for v in instance.pixel_spacing_mm]
        if instance.slice_thickness_mm is not None:
            dataset.SliceThickness = _decimal(instance.slice_thickness_mm)
        dataset.InstanceNumber = instance.instance_number
        return dataset


_DATES = ("SeriesDate", "AcquisitionDate", "StudyDate", "ContentDate")
_TIMES = ("SeriesTime", "AcquisitionTime", "StudyTime", "ContentTime")


def _decimal(value: float) -> float:
    """A number that fits a decimal string of 16 characters."""
    for digits in range(16, 8, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return float(text)
    return float(f"{value:.9g}")
