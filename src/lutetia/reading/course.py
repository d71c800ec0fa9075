"""Studies of one patient become a course: one identity per lesion, visits, and what happened between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lutetia.model import HistoryEvent, Issue, Lesion, Study
from lutetia.reading.settings import ReadSettings
from lutetia.reading.study import StudyReading


@dataclass(frozen=True)
class JoinedStudies:
    """The parts of a Course that need every study."""

    studies: tuple[Study, ...]
    lesions: tuple[Lesion, ...]
    issues: tuple[Issue, ...]
    visits: tuple[dict[str, Any], ...] = ()
    phenotypes: tuple[dict[str, Any], ...] = ()
    comparability: tuple[dict[str, Any], ...] = ()


def join_studies(readings: tuple[StudyReading, ...], settings: ReadSettings) -> JoinedStudies:
    """One study: its lesions as they are, with "baseline" as their history."""
    issues: list[Issue] = [issue for reading in readings for issue in reading.issues]
    lesions: list[Lesion] = []
    for reading in readings:
        for lesion in reading.lesions:
            name = f"lesion-{len(lesions) + 1}"
            history = (HistoryEvent(study=reading.study.id, event="baseline", evidence="first study"),)
            lesions.append(lesion.model_copy(update={"id": name, "history": history}))
    studies = tuple(reading.study.model_copy(update={"visit": "visit-1"}) for reading in readings)
    return JoinedStudies(studies, tuple(lesions), tuple(issues))
