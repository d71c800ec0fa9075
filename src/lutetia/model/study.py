"""One scan: how it was made, how SUV came about, its organs and reference regions, its totals."""

from __future__ import annotations

import datetime
from typing import Literal

from lutetia.model.base import Point, Record, Refusal
from lutetia.model.tracer import DIAGNOSTIC, Tracer

#: "tumour": the region, or what was taken for it, may be tumour; "cold_metastases": what is colder beside it is tumour
Suspicion = Literal["tumour", "cold_metastases"]

ReferenceStatus = Literal["ok", "caution", "fallback", "user", "absent", "outside_field"]


class SeriesNote(Record):
    """A series and why it was used or not."""

    series_instance_uid: str
    modality: str
    description: str = ""
    n_images: int = 0
    role: str = ""  # "PET", "CT", "" when not used
    reason: str = ""


class SuvRecord(Record):
    """How SUV came about. `factor` is SUV per unit of the rescaled stored value.

    `elements` holds every header element used, by keyword or tag, with its value as text;
    `repairs` every repaired value with both the old and the new one.
    """

    basis: str
    factor: float
    decay_reference: str | None
    decay_reference_reason: str = ""
    units: str = ""
    elements: dict[str, str] = {}
    repairs: tuple[str, ...] = ()
    overrides: dict[str, str] = {}
    suv_per_bqml: float | None = None


class VoiMeasure(Record):
    """What one volume of interest gives: SUV statistics with the standard error of the mean."""

    method: str
    suv_mean: float
    suv_sd: float
    suv_max: float
    standard_error: float
    volume_ml: float
    centroid_mm: Point


class Reference(Record):
    """A reference region of one study. The reported value is `suv_mean`; both estimates stand beside it."""

    name: Literal["liver", "spleen", "blood_pool"]
    status: ReferenceStatus
    reasons: tuple[str, ...] = ()
    suspected: tuple[Suspicion, ...] = ()  # what of its reasons a later step must heed
    method: str = ""
    suv_mean: float | None = None
    suv_sd: float | None = None
    suv_max: float | None = None
    standard_error: float | None = None
    volume_ml: float | None = None
    centroid_mm: Point | None = None
    classical: VoiMeasure | None = None
    whole_organ: VoiMeasure | None = None


class OrganRecord(Record):
    """An organ found in a study: where it came from and how sure it is."""

    name: str  # TotalSegmentator's class names: "liver", "kidney_left" …
    label: int
    source: str
    status: Literal["ok", "caution", "absent", "outside_field"]
    reasons: tuple[str, ...] = ()
    volume_ml: float | None = None
    centroid_mm: Point | None = None


class Acquisition(Record):
    """How the scan was made, as far as the headers say (None = not recorded)."""

    manufacturer: str | None = None
    model: str | None = None
    scan_start: str | None = None
    injection: str | None = None
    uptake_minutes: float | None = None
    injected_mbq: float | None = None
    weight_kg: float | None = None
    size_m: float | None = None
    sex: str | None = None
    age_years: float | None = None
    glucose_mmol_l: float | None = None
    reconstruction: str | None = None
    reconstruction_filter: str | None = None
    earl: str | None = None  # "EARL1", "EARL2" or "EARL" where a description of the series names it
    corrections: tuple[str, ...] = ()
    ct_kvp: float | None = None
    ct_contrast: str | None = None
    voxel_mm: Point | None = None


class GridRecord(Record):
    """The grid of a study's label maps."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: Point
    direction: tuple[Point, ...]
    frame_of_reference_uid: str = ""


class StudySummary(Record):
    """Totals of one study over candidate and confirmed lesions (those below 0.5 mL left out unless asked for)."""

    lesion_count: int = 0
    volume_ml: float = 0.0  # total tumour volume (SSTR: SSTR-TV)
    tlu: float = 0.0
    lowest_suv_mean: float | None = None
    lowest_suv_mean_lesion: str | None = None
    hottest_lesion: str | None = None
    coldest_lesion: str | None = None
    largest_distance_mm: float | None = None
    lesions_more_than_2cm_apart: bool | None = None
    count_by_grade: dict[str, int] = {}
    volume_share_by_grade: dict[str, float] = {}
    share_grade_3_or_more_by_count: float | None = None
    share_grade_3_or_more_by_volume: float | None = None
    volume_by_region_ml: dict[str, float] = {}
    segmentation_scheme: str = ""
    note: str = ""


class Study(Record):
    """One scan of the patient."""

    id: str
    study_instance_uid: str
    date: str | None
    visit: str | None = None
    modality: Literal["PET/CT", "PET", "SPECT/CT", "SPECT"] = "PET/CT"
    tracer: str  # the tracer's key, "unknown" when it could not be told
    tracer_detail: Tracer | None = None
    acquisition: Acquisition = Acquisition()
    series: tuple[SeriesNote, ...] = ()
    grid: GridRecord | None = None
    suv: SuvRecord | None = None
    suv_refusal: Refusal | None = None
    anatomy_source: str = ""
    organs: tuple[OrganRecord, ...] = ()
    references: dict[str, Reference] = {}
    summary: StudySummary | None = None

    @property
    def references_sought(self) -> bool:
        """Whether references were looked for; where not, each is a record without a value whose reason says why."""
        if not self.references:
            return False
        return bool(self.anatomy_source) or any(r.suv_mean is not None for r in self.references.values())

    def reference_mean(self, name: str) -> float | None:
        """SUVmean of a reference region, g/mL, where there is one that may serve a comparison."""
        reference = self.references.get(name)
        if reference is None or reference.status not in ("ok", "caution", "fallback", "user"):
            return None
        return reference.suv_mean

    @property
    def day(self) -> datetime.date | None:
        """Date of the scan; None where none is known."""
        try:
            return datetime.date.fromisoformat((self.date or "").replace("-", "")[:8])
        except ValueError:
            return None

    @property
    def is_sstr_pet(self) -> bool:
        """Whether it is a PET with a tracer that binds somatostatin receptors."""
        detail = self.tracer_detail
        return detail is not None and detail.is_sstr and detail.modality == "PET" and self.modality.startswith("PET")

    @property
    def is_therapy_spect(self) -> bool:
        """Whether it is the SPECT of a therapy; an 123I-MIBG or 111In SPECT is a scan of its visit like a PET."""
        detail = self.tracer_detail
        return self.modality.startswith("SPECT") and (detail is None or detail.radionuclide not in DIAGNOSTIC)

    @property
    def is_fdg(self) -> bool:
        """Whether its tracer is a glucose analogue."""
        return self.tracer_detail is not None and self.tracer_detail.binds == "glucose"
