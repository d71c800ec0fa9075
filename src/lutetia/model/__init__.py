"""The records everything else speaks in. Frozen, typed, no I/O."""

from lutetia.model.base import Citation, ConventionUse, Issue, Point, Record, Refusal
from lutetia.model.change import AlignmentRecord, Comparison, CourseEvent, MetricValue, PhenotypeChange, ResponseMetric
from lutetia.model.course import SCHEMA_VERSION, Course, Patient
from lutetia.model.errors import FieldFault, InputError, LutetiaError, RuleError, UsageError, field_at_fault
from lutetia.model.grid import Grid, Volume
from lutetia.model.lesion import Code, Grade, HistoryEvent, Lesion, Observation, Place, Side, Tissue, TracerPair
from lutetia.model.study import (
    Acquisition,
    GridRecord,
    OrganRecord,
    Reference,
    SeriesNote,
    Study,
    StudySummary,
    SuvRecord,
    VoiMeasure,
)
from lutetia.model.tracer import Tracer, TracerClass
from lutetia.model.visit import Coverage, CoverageColumn, CoverageLesion, Phenotypes, Visit, VisitScore, VisitVerdict

__all__ = [
    "SCHEMA_VERSION",
    "Acquisition",
    "AlignmentRecord",
    "Citation",
    "Code",
    "Comparison",
    "ConventionUse",
    "Course",
    "CourseEvent",
    "Coverage",
    "CoverageColumn",
    "CoverageLesion",
    "FieldFault",
    "Grade",
    "Grid",
    "GridRecord",
    "HistoryEvent",
    "InputError",
    "Issue",
    "Lesion",
    "LutetiaError",
    "MetricValue",
    "Observation",
    "OrganRecord",
    "Patient",
    "PhenotypeChange",
    "Phenotypes",
    "Place",
    "Point",
    "Record",
    "Reference",
    "Refusal",
    "ResponseMetric",
    "RuleError",
    "SeriesNote",
    "Side",
    "Study",
    "StudySummary",
    "SuvRecord",
    "Tissue",
    "Tracer",
    "TracerClass",
    "TracerPair",
    "UsageError",
    "Visit",
    "VisitScore",
    "VisitVerdict",
    "VoiMeasure",
    "Volume",
    "field_at_fault",
]
