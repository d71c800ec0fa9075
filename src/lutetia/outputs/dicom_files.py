"""The DICOM objects of a result, built before anything is written: what can't be built is an issue in the record."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lutetia.model import Course, Issue, LutetiaError, Study
from lutetia.model.base import Level
from lutetia.outputs.volumes import StudyVolumes

if TYPE_CHECKING:
    from lutetia.outputs.dicom_objects import DicomObject


@dataclass(frozen=True, eq=False)
class PreparedDicom:
    """Study id → its finished objects, and what must be said of those that are not there."""

    objects: dict[str, tuple[DicomObject, ...]] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def prepare_dicom(
    course: Course, volumes: Mapping[str, StudyVolumes], *, full: bool, labelmap: bool, rwvm: bool
) -> PreparedDicom:
    """Build the SEG, SR and value mapping of every study.

    A header that DICOM does not allow, or an image that nothing can refer to, costs the objects of that study; the rest
    of the result is written all the same.
    """
    from lutetia.outputs.dicom_objects import study_objects

    objects: dict[str, tuple[DicomObject, ...]] = {}
    issues: list[Issue] = []
    for study in course.studies:
        held = volumes.get(study.id)
        if held is None:
            continue
        if held.pet is None:
            if held.suv is not None:
                issues.append(_not_written(study, "slices had to be interpolated, so no image stands for a slice"))
            continue
        if not all(s.sop_instance_uid for s in held.pet.slices):
            issues.append(_not_written(study, "images have no SOP Instance UID (0008,0018) to refer to"))
            continue
        with _collector_at_rest(), warnings.catch_warnings():
            # A patient's name of one word makes highdicom warn; whatever the name is, it is written as it was read.
            warnings.filterwarnings("ignore", message="The string .* is unlikely to represent", category=UserWarning)
            try:
                objects[study.id] = study_objects(course, study, held, full=full, labelmap=labelmap, rwvm=rwvm)
            except LutetiaError:
                raise
            except Exception as error:  # highdicom and pydicom raise many kinds over a header they can't write
                why = f"the source's header does not allow it ({type(error).__name__}: {str(error)[:200]})"
                issues.append(_not_written(study, why, "error"))
    return PreparedDicom(objects, tuple(issues))


def _not_written(study: Study, why: str, level: Level = "caution") -> Issue:
    text = f"DICOM SEG, SR and value mapping were not written: {why}"
    return Issue(code="dicom-objects-not-written", level=level, message=text, study=study.id)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Without the cyclic collector: it would walk a hundred thousand DICOM elements again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
