"""The PET images that written DICOM objects refer to, as lean headers: no file is opened again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pydicom.dataset import Dataset

from lutetia.dicom.instance import InstanceHeader

#: Type 2 attributes that DICOM objects need and that exports often lack: present, but empty.
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
    "SpecificCharacterSet",
)


@dataclass(frozen=True, eq=False)
class SourceImages:
    """A PET (or SPECT) series in the order of its volume's slices.

    Attributes
    ----------
    dataset : header of one representative instance (pixels not needed)
    slices : the instance of every slice of the volume, index z; a multi-frame object stands once
    """

    dataset: Dataset
    slices: tuple[InstanceHeader, ...]

    @property
    def is_multiframe(self) -> bool:
        """Whether one object holds all slices."""
        return len(self.slices) == 1 or self.slices[0].n_frames > 1

    @cached_property
    def study_header(self) -> Dataset:
        """Patient and study elements, those that DICOM requires present even where the source lacks them."""
        header = Dataset()
        for keyword in _PATIENT_AND_STUDY:
            setattr(header, keyword, getattr(self.dataset, keyword, None))
        for keyword in _STUDY_OPTIONAL:
            if keyword in self.dataset:
                setattr(header, keyword, getattr(self.dataset, keyword))
        if not header.StudyID:
            header.StudyID = None
        return header

    def lean(self, indices: Iterable[int]) -> list[Dataset]:
        """One small header per slice: identity, place and what a reference to the image needs."""
        return [self._lean(self.slices[i]) for i in indices]

    def _lean(self, instance: InstanceHeader) -> Dataset:
        dataset = Dataset()
        dataset.update(self.study_header)
        dataset.SOPClassUID = instance.sop_class_uid or self.dataset.SOPClassUID
        dataset.SOPInstanceUID = instance.sop_instance_uid
        dataset.StudyInstanceUID = instance.study_instance_uid or self.dataset.StudyInstanceUID
        dataset.SeriesInstanceUID = instance.series_instance_uid or self.dataset.SeriesInstanceUID
        dataset.FrameOfReferenceUID = instance.frame_of_reference_uid or getattr(self.dataset, "FrameOfReferenceUID", "")
        dataset.Modality = instance.modality or self.dataset.Modality
        dataset.Rows = instance.rows
        dataset.Columns = instance.columns
        if instance.position_mm is not None and instance.orientation is not None:
            dataset.ImagePositionPatient = list(instance.position_mm)
            dataset.ImageOrientationPatient = list(instance.orientation)
        if instance.pixel_spacing_mm is not None:
            dataset.PixelSpacing = list(instance.pixel_spacing_mm)
        if instance.slice_thickness_mm is not None:
            dataset.SliceThickness = instance.slice_thickness_mm
        dataset.InstanceNumber = instance.instance_number
        return dataset
