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
    suv_p10: float | None = None
    suv_p90: float | None = None
    krenning_p10: tuple[str, ...] = ()  # grades that the 10th percentile of its voxels may have, SSTR PET
    krenning_p90: tuple[str, ...] = ()


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
    `core_mean` is the mean of the inner part of the place, least mixed with its surroundings; `krenning_modified`
    grades it on SSTR PET.
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
    core_mean: float | None = None
    krenning_modified: Grade | None = None


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
    biopsy_study: str | None = None  # in whose coordinates the position is given
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


class PhenotypeChange(Record):
    """Change of a phenotype's volume between two visits, and whether it is more than its uncertainty.

    `judgement`: "appeared" (nothing of it before, even at the upper end), "gone", "higher", "lower" (the ranges do not
    overlap and the change exceeds `band_percent`), "within" or "unknown".
    """

    definition: str
    phenotype: str
    earlier_visit: str
    later_visit: str
    before_ml: float
    before_range_ml: tuple[float, float]
    now_ml: float
    now_range_ml: tuple[float, float]
    change_percent: float | None = None
    band_percent: float = 30.0
    judgement: Literal["appeared", "gone", "higher", "lower", "within", "unknown"] = "unknown"
    note: str = ""


class MetricValue(Record):
    """One number of a response metric, then and now: of a lesion, or of the patient where `lesion` is None.

    `judgement`: "higher", "lower" (beyond repeatability), "within", "suppressed" (the two studies do not allow it, see
    `reason`) or "not assessed". `before_text`, `now_text` hold what is no number (a set of grades).
    """

    lesion: str | None = None
    before: float | None = None
    now: float | None = None
    before_text: str = ""
    now_text: str = ""
    change: float | None = None
    judgement: Literal["higher", "lower", "within", "suppressed", "not assessed"] = "not assessed"
    reason: str = ""


class ResponseMetric(Record):
    """A number followed between two studies of one tracer, by its published name. None of them is called response.

    `key` is the metric's id in the rule file ``response-metrics``; `evidence`, `numbers` and `sources` are that
    file's. `band_percent` is the repeatability beyond which a change counts, with its source in `band_source`;
    `caution` holds the reservations of the two studies' comparability.
    """

    key: str
    name: str
    definition: str
    tracer: str
    earlier_study: str
    later_study: str
    unit: str = ""
    change_unit: str = "%"
    values: tuple[MetricValue, ...] = ()
    band_percent: tuple[float, float] | None = None
    band_source: str = ""
    evidence: str = ""
    numbers: str = ""
    sources: tuple[str, ...] = ()
    verified: bool = True
    warning: str = ""
    caution: str = ""


class CourseEvent(Record):
    """Something that happened between two visits, in the words of its source.

    `state` is "raised", or "proposed" where it rests on what the images only propose (`rests_on` names those facts, to
    be confirmed by a reader). `rule` and `title` name the pattern and its trigger; `date` is that of the later study.
    """

    code: str
    visit: str
    previous_visit: str | None = None
    lesions: tuple[str, ...] = ()
    statement: str
    source: str
    numbers: dict[str, float] = {}
    state: Literal["raised", "proposed"] = "raised"
    rests_on: tuple[str, ...] = ()
    rule: str = ""
    title: str = ""
    date: str | None = None
    evidence: tuple[str, ...] = ()  # per lesion: what was measured then and now


class VisitVerdict(Record):
    """What one rule about the patient said at one visit, how old its inputs were, and until when its source holds.

    `gates` maps each gate to its state; `dated_inputs` each dated input to its date. `expires` is the earliest date by
    which a published limit of this rule runs out; None with `expiry` "no expiry published" where there is none.
    `changed` says in words what differs from the visit before.
    """

    rule: str
    title: str
    edition: str = ""
    results: tuple[str, ...] = ()
    refused: str | None = None
    reason: str = ""
    gates: dict[str, str] = {}
    dated_inputs: dict[str, str] = {}
    undated_inputs: tuple[str, ...] = ()
    oldest_input: str | None = None
    expires: str | None = None
    expiry: str = "no expiry published"
    changed: tuple[str, ...] = ()


class VisitScore(Record):
    """Every rule about the patient judged as of one visit, with the systems side by side (crosswalk rows)."""

    visit: str
    sstr_study: str | None = None
    fdg_study: str | None = None
    previous_study: str | None = None
    date: str | None = None
    verdicts: tuple[VisitVerdict, ...] = ()
    crosswalk: dict[str, Any] = {}


class CoverageColumn(Record):
    """A target of therapy or imaging: which studies show it, and what counts as reached."""

    target: str
    title: str
    studies: tuple[str, ...] = ()
    positivity: str
    origin: Literal["measured", "case_file", "mixed"] = "measured"
    reached: int = 0
    not_reached: int = 0
    uncertain: int = 0
    not_imaged: int = 0
    reached_ml: float = 0.0
    share_of_volume: float | None = None


class CoverageLesion(Record):
    """One lesion under every target: "reached", "not reached", "uncertain" or "not imaged".

    `volume_ml` is the largest that any study of the visit outlined.
    """

    lesion: str
    site: str
    volume_ml: float | None = None
    size_mm: float | None = None
    by_target: dict[str, str] = {}
    evidence: dict[str, str] = {}


class Coverage(Record):
    """Which lesions each target reaches at one visit, what two or more reach together, and what none does.

    `union` and `neither` speak of the therapy targets (somatostatin receptor, norepinephrine transporter) where both
    were imaged; other columns stand beside them. Reached in imaging is no promise of a dose.
    """

    visit: str
    columns: tuple[CoverageColumn, ...] = ()
    lesions: tuple[CoverageLesion, ...] = ()
    targets_joined: tuple[str, ...] = ()
    union: tuple[str, ...] = ()
    only: dict[str, tuple[str, ...]] = {}
    both: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    volume_ml: dict[str, float] = {}  # "total", "union", "both", "neither", "open", and "only <target>"
    source: str = ""
    note: str = ""


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
