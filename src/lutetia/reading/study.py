"""What one study gave, and the stages that measure it: organs, references, lesions with their grades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lutetia.dicom.pixels import PetImage
from lutetia.dicom.select import StudySelection
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.lesions import LesionResult, LesionSettings
from lutetia.imaging.suv_plausibility import (
    liver_warning,
)
from lutetia.model import (
    ConventionUse,
    Issue,
    Lesion,
    Reference,
    Study,
    Tracer,
    UsageError,
    Volume,
)
from lutetia.model.pet import SuvOverrides
from lutetia.reading.settings import ReadSettings

Progress = Callable[[str, float], None]


def no_progress(stage: str, share: float) -> None:
    """Progress for callers that do not watch."""


@dataclass(eq=False)
class StudyReading:
    """What one study gave: its record and lesions, the pixels behind them, and what must be said.

    `suv` is None where SUV was refused; then `stored` holds the rescaled stored values, for pictures only.
    """

    study: Study
    selection: StudySelection
    tracer: Tracer | None = None
    lesions: tuple[Lesion, ...] = ()
    issues: list[Issue] = field(default_factory=list)
    suv: Volume | None = None
    stored: Volume | None = None
    ct: Volume | None = None
    pet: PetImage | None = None
    anatomy: Anatomy | None = None
    found: LesionResult | None = None
    reference_regions: dict[str, Any] = field(default_factory=dict)
    conventions: list[ConventionUse] = field(default_factory=list)
    source_dataset: Any = None
    slice_factors: tuple[float, ...] | None = None
    restored: bool = False  # measured by an earlier run: the anatomy is without its evidence
    issues_of_suv: int = 0  # how many issues there were when the SUV stage had ended


def overrides_of(settings: ReadSettings) -> SuvOverrides:
    """The SUV values entered by hand.

    Raises
    ------
    UsageError
        ``unknown-override`` or ``bad-override``: a name that does not exist, or a number that is none.
    """
    numbers = ("weight_kg", "size_m", "dose_mbq", "half_life_s")
    known = {f.name for f in fields(SuvOverrides)}
    values: dict[str, Any] = {}
    for name, text in settings.overrides.items():
        if name not in known:
            raise UsageError("unknown-override", f"{name!r} can't be overridden", expected=", ".join(sorted(known)))
        try:
            values[name] = float(text) if name in numbers else text
        except ValueError as error:
            raise UsageError("bad-override", f"{name} = {text!r} is not a number", expected="a number") from error
    return SuvOverrides(**values)


def anatomy_stage(reading: StudyReading, settings: ReadSettings) -> None:
    """Find the organs of a study."""
    from lutetia.reading.anatomy import anatomy_of

    assert reading.suv is not None and reading.tracer is not None
    anatomy = anatomy_of(reading.suv, reading.ct, reading.tracer, settings, reading.selection.pet)
    reading.anatomy = anatomy
    name = reading.study.id
    reading.issues.extend(i.model_copy(update={"study": name}) for i in anatomy.issues)
    reading.study = reading.study.model_copy(update={"anatomy_source": anatomy.source, "organs": anatomy.organs})


def reference_stage(reading: StudyReading, settings: ReadSettings, tumour: Any = None) -> dict[str, Reference]:
    """Measure the references of a study in its anatomy; known `tumour` (PET grid) is left out."""
    from lutetia.reading.anatomy import references_of

    assert reading.suv is not None and reading.anatomy is not None and reading.tracer is not None
    measured = references_of(
        reading.suv, reading.ct, reading.anatomy, reading.tracer, settings, reading.selection.pet, tumour
    )
    reading.reference_regions = measured.regions
    reading.issues.extend(i.model_copy(update={"study": reading.study.id}) for i in measured.issues)
    liver = measured.references.get("liver")
    if liver is not None and liver.suv_mean is not None:
        warning = liver_warning(liver.suv_mean, reading.tracer.key, settings.suv_basis)
        if warning is not None:
            reading.issues.append(warning.model_copy(update={"study": reading.study.id}))
    reading.study = reading.study.model_copy(update={"references": measured.references})
    return measured.references


def lesion_settings(settings: ReadSettings) -> LesionSettings:
    """The lesion step's settings of a reading."""
    chosen = LesionSettings(at_liver_noise=settings.liver_maximum_noise_k, count_small_volumes=settings.include_small)
    return chosen if settings.scheme == "default" else chosen.model_copy(update={"scheme": settings.scheme})


def lesion_stage(
    reading: StudyReading, references: dict[str, Reference], settings: ReadSettings, anatomy: Anatomy | None = None
) -> None:
    """Find and grade the lesions of a study, in its own anatomy or in the one given."""
    from lutetia.imaging.lesions import find_lesions
    from lutetia.reading.grading import graded

    assert reading.suv is not None and reading.anatomy is not None and reading.tracer is not None
    sex = overrides_of(settings).sex or reading.study.acquisition.sex or ""
    found = find_lesions(
        reading.suv,
        reading.ct,
        anatomy or reading.anatomy,
        references,
        reading.tracer,
        lesion_settings(settings),
        study=reading.study.id,
        sex=sex.strip().upper() or None,
    )
    reading.found = found
    reading.issues.extend(found.issues)
    reading.conventions.extend(found.conventions)
    reading.lesions = graded(found, reading.study, reading.tracer, settings)
    reading.found = replace(found, lesions=reading.lesions)
