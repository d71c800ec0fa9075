"""What a scan finds: patients, their studies, and series as lists of slice headers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lutetia.dicom.instance import InstanceHeader
from lutetia.model import Issue


@dataclass(frozen=True, eq=False)
class SeriesFiles:
    """One series, or one part of a series that mixes several volumes.

    Attributes
    ----------
    series_instance_uid, modality, description : str
        As in the headers.
    instances : tuple of InstanceHeader
        The images that can be read, one row per frame, in the order of InstanceNumber and frame.
    issues : tuple of Issue
        What was wrong with files of this series, and why it was split.
    damaged : tuple of InstanceHeader
        Images of the series whose pixels can't be read (truncated, or a header that contradicts itself).
    part : str
        What tells this part from the others of the same series ("time frame 2 of 30"), "" when it is whole.
    """

    series_instance_uid: str
    modality: str
    description: str
    instances: tuple[InstanceHeader, ...]
    issues: tuple[Issue, ...] = ()
    damaged: tuple[InstanceHeader, ...] = ()
    part: str = ""
    part_kind: str = ""  # "orientation", "matrix", "time frame", "gate", "acquisition", ""

    @property
    def first(self) -> InstanceHeader:
        """A representative header."""
        return (self.instances or self.damaged)[0]

    @property
    def number(self) -> int | None:
        """Series number, when there is one."""
        return self.first.series_number

    @property
    def n_images(self) -> int:
        """Images (frames) that can be read."""
        return len(self.instances)

    @property
    def label(self) -> str:
        """The series in words, for messages: modality, number, description, part."""
        number = "" if self.number is None else f" {self.number}"
        text = f"{self.modality or '?'}{number} {self.description!r}"
        return f"{text} ({self.part})" if self.part else text

    @cached_property
    def _dataset(self) -> Any:
        from lutetia.dicom.files import read_dataset

        return read_dataset(self.first)

    def dataset(self) -> Any:
        """The full header of one representative instance as a `pydicom.Dataset` without pixels (cached)."""
        return self._dataset


@dataclass(frozen=True, eq=False)
class StudyFiles:
    """The series of one study."""

    study_instance_uid: str
    date: str | None
    description: str
    series: tuple[SeriesFiles, ...]


@dataclass(frozen=True, eq=False)
class PatientFiles:
    """The studies of one patient. `key` is the Patient ID, or the name or study where there is none."""

    key: str
    patient_id: str
    name: str
    studies: tuple[StudyFiles, ...]


@dataclass(frozen=True, eq=False)
class Inventory:
    """Everything that was found under the paths of a scan."""

    patients: tuple[PatientFiles, ...]
    issues: tuple[Issue, ...] = ()
    n_files: int = 0
    n_instances: int = 0
    paths: tuple[str, ...] = field(default=())

    @property
    def series(self) -> tuple[SeriesFiles, ...]:
        """All series of all patients."""
        return tuple(s for p in self.patients for st in p.studies for s in st.series)
