"""A Course is one patient: studies, lesions over all of them, what the rules say. ``findings.json`` is this record."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lutetia.model.base import ConventionUse, Issue, Record
from lutetia.model.change import AlignmentRecord, Comparison, CourseEvent, PhenotypeChange, ResponseMetric
from lutetia.model.lesion import Lesion
from lutetia.model.study import SeriesNote, Study
from lutetia.model.visit import Coverage, Phenotypes, Visit, VisitScore

SCHEMA_VERSION = "1.0"


class Patient(Record):
    """Who: as in the header, or the pseudonym."""

    id: str
    sex: str | None = None
    pseudonymous: bool = False


class Course(Record):
    """One patient: studies, lesions × studies, facts, verdicts, and every issue. ``findings.json`` is this record."""

    schema_version: str = SCHEMA_VERSION
    software: dict[str, str] = {}
    research_use: str = "Research software. Not a medical device; not for diagnosis or treatment decisions."
    patient: Patient
    settings: dict[str, Any] = {}
    studies: tuple[Study, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    verdicts: tuple[dict[str, Any], ...] = ()
    questions: tuple[dict[str, Any], ...] = ()
    rule_history: tuple[dict[str, Any], ...] = ()
    recist: dict[str, Any] = {}  # RECIST 1.1 on diameters that a reader gave in the case file
    crosswalk: dict[str, Any] = {}  # all systems side by side: "rows", and "sentences" on where they part
    conventions: tuple[ConventionUse, ...] = ()
    issues: tuple[Issue, ...] = ()
    treatments: tuple[dict[str, Any], ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    visits: tuple[Visit, ...] = ()
    alignments: tuple[AlignmentRecord, ...] = ()
    phenotypes: tuple[Phenotypes, ...] = ()
    comparability: tuple[Comparison, ...] = ()
    phenotype_changes: tuple[PhenotypeChange, ...] = ()
    response: tuple[ResponseMetric, ...] = ()
    visit_scores: tuple[VisitScore, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    events: tuple[CourseEvent, ...] = ()
    story: tuple[str, ...] = Field(default=(), description="The course in sentences, each made from the parts above")
    dosimetry: tuple[dict[str, Any], ...] = ()
    not_used: tuple[SeriesNote, ...] = Field(default=(), description="Series left out of every study, and why")

    def study(self, name: str | None) -> Study | None:
        """The study of that id."""
        return next((study for study in self.studies if study.id == name), None)

    def lesion(self, name: str | None) -> Lesion | None:
        """The lesion of that id."""
        return next((lesion for lesion in self.lesions if lesion.id == name), None)
