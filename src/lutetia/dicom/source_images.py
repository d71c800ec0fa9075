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
        if frame_of_reference:
            dataset.FrameOfReferenceUID = frame_of_reference
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


_DATES = ("SeriesDate", "AcquisitionDate", "StudyDate", "ContentDate")
_TIMES = ("SeriesTime", "AcquisitionTime", "StudyTime", "ContentTime")


def _decimal(value: float) -> float:
    """A number that fits a decimal string of 16 characters."""
    for digits in range(16, 8, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return float(text)
    return float(f"{value:.9g}")
