"""SUV of every PET and quantitative SPECT series under a path: factor, statistics, warnings, refusals."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lutetia.dicom.geometry import stack_slices
from lutetia.dicom.headers import pet_facts
from lutetia.dicom.mask_region import Region, region_issues
from lutetia.dicom.masks import load_regions, union_of
from lutetia.dicom.pixels import PetImage, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.series import SeriesFiles
from lutetia.dicom.suitability import is_emission, is_projection, other_kind
from lutetia.dicom.tracers import identify_tracer
from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_body import SUV_BASES
from lutetia.imaging.suv_plausibility import acquisition_warnings, injection_site_warning, total_activity_warning
from lutetia.model import InputError, Issue, Record, Refusal, UsageError, Volume
from lutetia.model.pet import SuvOverrides

#: basis → the unit string of a volume
SUV_UNITS = {basis: f"SUV{basis}" for basis in SUV_BASES}
_STORAGE = ("PT", "NM")


class SuvStats(Record):
    """SUV statistics of the mask, or of the whole volume. The median is of all voxels counted."""

    min: float
    median: float
    max: float
    mean: float
    n_voxels: int
    volume_ml: float


class SuvFactor(Record):
    """The factor and what it rests on. `factor` is SUV per unit of the rescaled stored value.

    Where it differs from slice to slice (`factor_range`), `factor` is that of the first frame acquired.
    """

    basis: str
    factor: float
    decay_reference: str | None
    decay_reference_reason: str
    unit: str
    factor_range: tuple[float, float]
    suv_per_bqml: float | None = None
    injection: str | None = None
    uptake_minutes: float | None = None
    dose_mbq: float | None = None
    weight_kg: float | None = None
    half_life_s: float | None = None
    elements: dict[str, str] = {}
    repairs: tuple[str, ...] = ()
    overrides: dict[str, str] = {}


class SuvSeries(Record):
    """One series: its SUV or why there is none. `warnings` are the messages of `issues` above the level "info"."""

    series_instance_uid: str
    description: str = ""
    modality: str = ""
    part: str = ""
    n_images: int = 0
    manufacturer: str = ""
    tracer: str = "unknown"
    units: str | None = None
    suv: SuvFactor | None = None
    stats: SuvStats | None = None
    warnings: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    refusal: Refusal | None = None


class SuvReport(Record):
    """All PET and SPECT series under a path, and what could not be read."""

    series: tuple[SuvSeries, ...]
    issues: tuple[Issue, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether any series gives no SUV."""
        return any(s.refusal is not None for s in self.series)

    @property
    def faulty(self) -> bool:
        """Whether a series was refused or an issue is an error: the call ends with 1."""
        issues = (*self.issues, *(i for s in self.series for i in s.issues))
        return self.refused or any(i.level == "error" for i in issues)


@dataclass(frozen=True, eq=False)
class SeriesSuv:
    """One series with its volume (None where it was refused)."""

    record: SuvSeries
    volume: Volume | None


def read_suv(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    overrides: SuvOverrides | None = None,
    basis: str = "bw",
    mask: str | os.PathLike[str] | None = None,
    series: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    keep: Callable[[SeriesSuv], None] | None = None,
) -> SuvReport:
    """SUV of every PET and SPECT series under `path`.

    Parameters
    ----------
    path : folder, file or zip archive, or several
    overrides : values entered by hand, for every series
    basis : "bw", "lbm", "lbmjames128", "lbmjanma", "ibw" or "bsa"
    mask : NIfTI, DICOM SEG or RTSTRUCT that the statistics are restricted to
    series : SeriesInstanceUID (or its beginning): only that series
    keep : called with each series and its volume while that is in memory

    Raises
    ------
    InputError
        ``no-such-path``; ``no-pet-series`` when there is nothing to make SUV of; ``mask-unreadable``.
    UsageError
        ``unknown-suv-basis``.
    """
    if basis not in SUV_BASES:
        raise UsageError("unknown-suv-basis", f"SUV basis {basis!r} is unknown", expected=", ".join(SUV_BASES))
    if mask is not None and not os.path.exists(mask):
        raise InputError("mask-unreadable", "There is no such mask file", where=os.fspath(mask))
    inventory = scan(
        [os.fspath(p) for p in ([path] if isinstance(path, (str, os.PathLike)) else path)], progress=progress
    )
    named = [s for s in inventory.series if s.modality in _STORAGE and _is_wanted(s, series)]
    wanted = [s for s in named if is_emission(s)]
    left_out = [
        Issue(
            code="series-not-measured", level="info", message=f"{s.label} is left out: {other_kind(s)}", where=s.label
        )
        for s in named
        if s not in wanted
    ]
    if not wanted:
        raise InputError(
            "no-pet-series",
            "There is no PET or SPECT series" + (f" {series}" if series else ""),
            where=", ".join(inventory.paths),
            expected="images with Modality (0008,0060) PT or NM",
            remedy="; ".join(list(dict.fromkeys(i.message for i in (*inventory.issues, *left_out)))[:3])
            or "give the folder that holds the PET",
        )
    records = []
    for one in wanted:
        result = series_suv(one, overrides or SuvOverrides(), basis, mask)
        records.append(result.record)
        if keep is not None:
            keep(result)
    return SuvReport(series=tuple(records), issues=(*inventory.issues, *left_out))


def _is_wanted(series: SeriesFiles, uid: str | None) -> bool:
    return uid is None or series.series_instance_uid == uid or series.series_instance_uid.startswith(uid)


def _damaged(series: SeriesFiles) -> InputError:
    return InputError(
        "damaged-images",
        f"{len(series.damaged)} of {len(series.damaged) + series.n_images} images of the series are damaged",
        where=series.damaged[0].where,
        expected="all images of the series",
        remedy="export the series again",
    )


def series_suv(
    series: SeriesFiles, overrides: SuvOverrides, basis: str = "bw", mask: str | os.PathLike[str] | None = None
) -> SeriesSuv:
    """SUV of one series. Whatever can't be read becomes a refusal in the record."""
    common = {
        "series_instance_uid": series.series_instance_uid,
        "description": series.description,
        "modality": series.modality,
        "part": series.part,
        "n_images": series.n_images,
    }
    issues: list[Issue] = list(series.issues)
    try:
        if series.damaged and not series.instances:
            raise _damaged(series)
        facts = pet_facts(series)
        common |= {"units": facts.units, "manufacturer": facts.manufacturer}
        finding = identify_tracer(series.dataset())
        key = finding.tracer.key if finding.tracer is not None else ""
        issues += [i.model_copy(update={"level": "caution"}) for i in finding.issues]  # SUV needs no tracer
        common |= {"tracer": key or "unknown"}
        if series.damaged:
            raise _damaged(series)
        if is_projection(series):
            text = "The images are projections of a volume: the statistics are of their pixels, not of voxels"
            issues.append(Issue(code="projection", level="caution", message=text, where=series.label))
        scale = suv_scale(facts, overrides, basis)
        if isinstance(scale, Refusal):
            return SeriesSuv(_record(common, issues, refusal=scale), None)
        issues += scale.warnings
        issues += acquisition_warnings(facts, scale, key)
        factor = _factor(scale)
        image = load_suv(series, scale)
    except InputError as error:
        message = f"{error.what}; {error.remedy}" if error.remedy else error.what
        refusal = Refusal(code=error.code, message=message, element=error.where)
        return SeriesSuv(_record(common, issues, refusal=refusal), None)
    issues += image.issues
    volume = image.volume
    for found in (
        total_activity_warning(volume, scale.weight_used_kg),
        injection_site_warning(volume, scale.weight_used_kg),
    ):
        if found is not None:
            issues.append(found)
    stats = None
    try:
        region = None
        if mask is not None:
            regions = load_regions(mask, volume.grid, series)
            region = union_of(regions, mask, volume.grid)
            issues += _of_the_mask(regions, os.fspath(mask))
        stats = _stats(volume, region)
    except InputError as error:
        if error.code == "mask-unreadable":
            raise
        issues.append(Issue(code=error.code, level="error", message=error.what, where=error.where))
    return SeriesSuv(_record(common, issues, suv=factor, stats=stats), volume)


def _of_the_mask(regions: Sequence[Region], place: str) -> list[Issue]:
    """What the statistics of a mask must be read with: several regions in it, or parts of it outside the image."""
    found = []
    filled = [r.name for r in regions if r.mask.any()]
    if len(filled) > 1:
        names = ", ".join(filled[:6]) + (f" and {len(filled) - 6} more" if len(filled) > 6 else "")
        text = f"The mask holds {len(filled)} regions ({names}): the statistics are of all of them together"
        found.append(Issue(code="mask-of-several-regions", message=text, where=place))
    if any(r.beyond for r in regions):
        text = "The mask reaches beyond the image: only the part inside it is counted"
        found.append(Issue(code="mask-beyond-image", message=text, where=place))
    return [*found, *region_issues(regions, place)]


def load_suv(series: SeriesFiles, scale: SuvScale) -> PetImage:
    """The series in SUV; a factor that differs from slice to slice is applied per slice."""
    unit = SUV_UNITS[scale.basis]
    if scale.frame_factors is None:
        return load_pet(series, scale.factor, unit=unit)
    stack = stack_slices(series)
    return load_pet(series, scale.slice_factors(h.where for h in stack.instances), unit=unit, stack=stack)


def _factor(scale: SuvScale) -> SuvFactor:
    factors = scale.frame_factors or (scale.factor,)
    return SuvFactor(
        basis=scale.basis,
        factor=scale.factor,
        decay_reference=scale.decay_reference,
        decay_reference_reason=scale.decay_reference_reason,
        unit=scale.unit,
        factor_range=(min(factors), max(factors)),
        suv_per_bqml=scale.suv_per_bqml,
        injection=None if scale.injection is None else scale.injection.isoformat(),
        uptake_minutes=None if scale.uptake_s is None else round(scale.uptake_s / 60.0, 4),
        dose_mbq=None if scale.dose_bq is None else scale.dose_bq / 1e6,
        weight_kg=scale.weight_used_kg,
        half_life_s=scale.half_life_s,
        elements=scale.elements,
        repairs=scale.repairs,
        overrides=scale.overrides,
    )


def _stats(volume: Volume, region: npt.NDArray[np.bool_] | None) -> SuvStats:
    values = volume.array.ravel() if region is None else volume.array[region]
    return SuvStats(
        min=float(values.min()),
        median=float(np.median(values)),
        max=float(values.max()),
        mean=float(values.mean(dtype=np.float64)),
        n_voxels=int(values.size),
        volume_ml=float(values.size * volume.grid.voxel_ml),
    )


def _record(
    common: dict[str, object],
    issues: list[Issue],
    *,
    suv: SuvFactor | None = None,
    stats: SuvStats | None = None,
    refusal: Refusal | None = None,
) -> SuvSeries:
    unique = tuple(dict.fromkeys(i.model_dump_json() for i in issues))
    kept = tuple(Issue.model_validate_json(text) for text in unique)
    warnings = tuple(i.message for i in kept if i.level != "info")
    return SuvSeries.model_validate(
        {**common, "suv": suv, "stats": stats, "refusal": refusal, "issues": kept, "warnings": warnings}
    )


def volume_file(path: str | os.PathLike[str]) -> Path:
    """The NIfTI file to write; its name must say that it is one."""
    place = Path(path)
    if not place.name.lower().endswith((".nii", ".nii.gz")):
        raise UsageError(
            "not-a-nifti-name", f"{place.name!r} is no NIfTI file name", where="--nifti", expected=".nii.gz or .nii"
        )
    if not place.parent.is_dir():
        raise UsageError("no-such-folder", f"The folder {place.parent} does not exist", where="--nifti")
    return place
