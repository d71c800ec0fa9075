"""The record: a Course is one patient; lesions have identity, observations are what one study shows of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lutetia.model.base import ConventionUse, Issue, Record, Refusal
from lutetia.model.tracer import Tracer

SCHEMA_VERSION = "1.0"

ReferenceStatus = Literal["ok", "caution", "fallback", "user", "absent", "outside_field"]
LesionStatus = Literal["candidate", "physiological", "confirmed", "rejected"]
Tissue = Literal["liver", "lymph_node", "bone", "lung", "soft", "other"]
Side = Literal["left", "right", "midline"]
Point = tuple[float, float, float]


class Code(Record):
    """A coded concept (SNOMED CT: scheme "SCT")."""

    value: str
    scheme: str
    meaning: str


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


class Grade(Record):
    """A Scale's result: `value` is the set of grades the rule gives, `set` those met between 0.95 and 1.05
    of the uptake, `margin` uptake ÷ nearest cut − 1, `code` the reason of a refusal."""

    value: tuple[str, ...]
    set: tuple[str, ...] = ()
    margin: float | None = None
    nearest_cut: str = ""
    uptake: float | None = None
    uptake_measure: str = ""
    code: str | None = None
    explanation: str = ""
    rule: str = ""
    cautions: tuple[str, ...] = ()
    hours: float | None = None  # SPECT: time after injection


class Observation(Record):
    """What one study shows of one lesion."""

    study: str
    label: int
    suv_max: float
    suv_mean: float
    suv_peak: float | None
    suv_peak_global: float | None = None
    suv_sd: float | None = None
    coefficient_of_variation: float | None = None
    volume_ml: float
    tlu: float  # total lesion uptake: SUVmean × volume_ml, g/mL · mL
    centroid_mm: Point
    max_position_mm: Point | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    local_background: float | None = None
    mask_method: str = ""
    mask_threshold_suv: float | None = None
    ratio_liver: float | None = None
    ratio_spleen: float | None = None
    ratio_blood_pool: float | None = None
    core_mean: float | None = None
    ct_mean_hu: float | None = None
    ct_sd_hu: float | None = None
    ct_correlate: str | None = None
    ct_long_axis_mm: float | None = None
    organ_distances_mm: dict[str, float] = {}
    flags: tuple[str, ...] = ()  # "small", "partial_volume", "below_0.5_ml", "near_field_edge", "confluent"
    krenning_modified: Grade | None = None
    krenning_spect: Grade | None = None


class HistoryEvent(Record):
    """What happened to a lesion between the previous visit with the same tracer and `study`."""

    study: str
    event: Literal[
        "baseline",
        "stable",
        "growing",
        "shrinking",
        "new",
        "resolved",
        "split",
        "merged",
        "not_visible",
        "outside_field",
    ]
    evidence: str = ""


class Place(Record):
    """What a study shows at the place of a lesion that is not seen as a focus there: a value, not a gap.

    `in_field` is False where the study did not image the place. `ct_correlate` is the evidence on that study's CT.
    """

    study: str
    in_field: bool
    centroid_mm: Point | None = None
    suv_max: float | None = None
    suv_mean: float | None = None
    background_mean: float | None = None
    background_sd: float | None = None
    ct_correlate: str | None = None
    note: str = ""


class TracerPair(Record):
    """One lesion at one visit with two tracers.

    `phenotype` is "sstr+/fdg-", "sstr+/fdg+", "sstr-/fdg+", "sstr-/fdg-" or "unknown", by the named `definition` of a
    positive lesion ("background" or "liver"). `relation` compares FDG with SSTR: "less", "equal", "greater", "unknown";
    `scale` says on what. `inside` is the share of its voxels in each class.
    """

    visit: str
    sstr_study: str
    fdg_study: str
    definition: str
    sstr_suv_max: float | None = None
    fdg_suv_max: float | None = None
    phenotype: str = "unknown"
    relation: Literal["less", "equal", "greater", "unknown"] = "unknown"
    scale: str = ""
    normalised_ratio: float | None = None
    raw_ratio: float | None = None
    inside: dict[str, float] = {}
    flags: tuple[str, ...] = ()


class Lesion(Record):
    """A lesion with its identity over all studies."""

    id: str
    site: str
    site_code: Code | None = None
    side: Side | None = None
    region: Literal["liver", "lymph_nodes", "bone", "lung", "other"] = "other"
    tissue: Tissue
    status: LesionStatus
    status_reason: str = ""
    marks: tuple[str, ...] = ()  # "in adrenal", "asymmetric", …
    confluent: bool = False
    tracking_uid: str = ""
    observations: tuple[Observation, ...] = ()
    history: tuple[HistoryEvent, ...] = ()
    places: tuple[Place, ...] = ()
    pairs: tuple[TracerPair, ...] = ()
    parent: str | None = None
    merged_into: str | None = None
    corrected_by: str | None = None


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


class Visit(Record):
    """Studies near each other in time, without a treatment between them."""

    id: str
    studies: tuple[str, ...]
    first_date: str | None = None
    last_date: str | None = None
    note: str = ""


class AlignmentRecord(Record):
    """How a study was brought into the frame of the course's reference study, and how well."""

    study: str
    reference_study: str
    method: str
    status: Literal["ok", "caution", "poor"]
    overlap_mm: float | None = None
    body_dice: float | None = None
    bone_dice: float | None = None
    similarity: float | None = None
    dome_residual_mm: float | None = None
    organ_dice: dict[str, float] = {}
    smallest_jacobian: float | None = None
    reasons: tuple[str, ...] = ()
    rigid: tuple[tuple[float, float, float, float], ...] = ()


class Phenotypes(Record):
    """Volumes of tumour by what it binds at one visit, mL, with their range (thresholds ±10 %, one voxel of shift)."""

    visit: str
    sstr_study: str
    fdg_study: str
    definition: str
    thresholds: dict[str, float] = {}
    volume_ml: dict[str, float] = {}
    low_ml: dict[str, float] = {}
    high_ml: dict[str, float] = {}
    discordant_largest_mm: float | None = None
    biopsy_target: str | None = None
    biopsy_position_mm: Point | None = None
    biopsy_reason: str = ""


class Comparison(Record):
    """Whether two studies may be compared in numbers: each check by itself, and what is suppressed."""

    earlier: str
    later: str
    verdict: Literal["comparable", "caution", "not_comparable"]
    checks: tuple[dict[str, str], ...] = ()
    suppressed: tuple[str, ...] = ()
    note: str = ""


class CourseEvent(Record):
    """Something that happened between two visits, in the words of its source."""

    code: str
    visit: str
    previous_visit: str | None = None
    lesions: tuple[str, ...] = ()
    statement: str
    source: str
    numbers: dict[str, float] = {}


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
    events: tuple[CourseEvent, ...] = ()
    dosimetry: tuple[dict[str, Any], ...] = ()
    not_used: tuple[SeriesNote, ...] = Field(default=(), description="Series left out of every study, and why")
