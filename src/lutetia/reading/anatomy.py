"""Organs and references of one study by the backend that the settings name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lutetia.dicom.mask_region import region_issues
from lutetia.dicom.masks import load_regions, union_of
from lutetia.dicom.series import SeriesFiles
from lutetia.imaging.anatomy import find_anatomy
from lutetia.imaging.anatomy.organ_files import load_organ_masks
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.anatomy.user_masks import anatomy_from_masks, anatomy_without_organs, masks_by_organ
from lutetia.imaging.references import ReferenceSettings, UserReference, measure_references
from lutetia.imaging.references.given import user_reference
from lutetia.masks.nifti import nifti_files
from lutetia.model import Issue, Reference, Tracer, UsageError, Volume
from lutetia.model.region import Region
from lutetia.reading.settings import ReadSettings


@dataclass(frozen=True)
class MeasuredReferences:
    """References by name, the regions they were measured in, and what must be said."""

    references: dict[str, Reference]
    regions: dict[str, Region] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def given_organs(path: Path, suv: Volume, pet: SeriesFiles | None) -> Anatomy:
    """Organs from the user's own masks: NIfTI in any of the known layouts, DICOM SEG or RTSTRUCT.

    Raises
    ------
    InputError
        The masks can't be read, name no organ, hold no voxel, lie elsewhere, or are mirrored.
    """
    if nifti_files(path):
        return anatomy_from_masks(suv, load_organ_masks(path, suv.grid))
    regions = load_regions(path, suv.grid, pet)
    volumes = {r.name: Volume(r.mask, suv.grid, "mask") for r in regions}
    own_ml = {r.name: r.own_ml for r in regions}
    given = masks_by_organ(volumes, suv.grid, source=f"user masks: {path.name}", own_ml=own_ml)
    return anatomy_from_masks(suv, replace(given, issues=(*given.issues, *region_issues(regions, path.name))))


def anatomy_of(
    suv: Volume, ct: Volume | None, tracer: Tracer, settings: ReadSettings, pet: SeriesFiles | None = None
) -> Anatomy:
    """The organs of a study by the backend that was asked for.

    Raises
    ------
    LutetiaError
        The user's masks can't be used, or the backend asked for is not there.
    """
    if settings.organs is not None:
        return given_organs(Path(settings.organs), suv, pet)
    if settings.anatomy == "none":
        return anatomy_without_organs(suv)
    if settings.anatomy == "totalsegmentator":
        from lutetia.imaging.anatomy.totalsegmentator import run_totalsegmentator

        if ct is None:
            raise UsageError(
                "totalsegmentator-needs-ct",
                "TotalSegmentator needs a CT, and this study has none",
                expected="a CT, or --anatomy embedded",
            )
        return run_totalsegmentator(ct, suv)
    return find_anatomy(suv, ct, tracer)


def user_references(
    suv: Volume, settings: ReadSettings, pet: SeriesFiles | None
) -> tuple[dict[str, UserReference], list[Issue]]:
    """References given by hand, and what must be said of their masks.

    Raises
    ------
    UsageError, InputError
        As `user_reference`.
    """

    def load(path: Path) -> npt.NDArray[Any]:
        regions = load_regions(path, suv.grid, pet)
        issues.extend(region_issues(regions, path.name))
        return union_of(regions, path, suv.grid)

    found: dict[str, UserReference] = {}
    issues: list[Issue] = []
    for name, text in settings.references.items():
        known, reference = user_reference(name, text, suv.grid, load)
        found[known] = reference
    return found, issues


def references_of(
    suv: Volume,
    ct: Volume | None,
    anatomy: Anatomy,
    tracer: Tracer,
    settings: ReadSettings,
    pet: SeriesFiles | None = None,
    tumour: npt.NDArray[Any] | None = None,
) -> MeasuredReferences:
    """Liver, spleen and blood pool of a study; `tumour` (PET grid) is left out where it is known beforehand."""
    by_hand, of_masks = user_references(suv, settings, pet)
    measured = measure_references(
        suv,
        anatomy,
        tracer,
        ct=ct,
        lesion_mask=tumour,
        user=by_hand,
        settings=ReferenceSettings(estimate=settings.reference_estimate),
    )
    return MeasuredReferences(measured.by_name, measured.regions, (*of_masks, *measured.issues))
