"""The records everything else speaks in. Frozen, typed, no I/O."""

from lutetia.model.base import Citation, ConventionUse, Issue, Record, Refusal
from lutetia.model.course import (
    SCHEMA_VERSION,
    Acquisition,
    Code,
    Course,
    Grade,
    GridRecord,
    HistoryEvent,
    Lesion,
    Observation,
    OrganRecord,
    Patient,
    Reference,
    SeriesNote,
    Study,
    StudySummary,
    SuvRecord,
    VoiMeasure,
)
from lutetia.model.errors import InputError, LutetiaError, RuleError, UsageError
from lutetia.model.grid import Grid, Volume
from lutetia.model.tracer import Tracer, TracerClass

__all__ = [
    "SCHEMA_VERSION",
    "Acquisition",
    "Citation",
    "Code",
    "ConventionUse",
    "Course",
    "Grade",
    "Grid",
    "GridRecord",
    "HistoryEvent",
    "InputError",
    "Issue",
    "Lesion",
    "LutetiaError",
    "Observation",
    "OrganRecord",
    "Patient",
    "Record",
    "Reference",
    "Refusal",
    "RuleError",
    "SeriesNote",
    "Study",
    "StudySummary",
    "SuvRecord",
    "Tracer",
    "TracerClass",
    "UsageError",
    "VoiMeasure",
    "Volume",
]
