"""A lesion has identity; an observation is what one study shows of it, a place what one shows where it is not seen."""

from __future__ import annotations

from typing import Literal

from lutetia.model.base import Point, Record

LesionStatus = Literal["candidate", "physiological", "confirmed", "rejected"]
Tissue = Literal["liver", "lymph_node", "bone", "lung", "soft", "other"]
Side = Literal["left", "right", "midline"]


class Code(Record):
    """A coded concept (SNOMED CT: scheme "SCT")."""

    value: str
    scheme: str
    meaning: str


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

    @property
    def counts(self) -> bool:
        """Whether it counts as tumour: proposed or confirmed, neither physiological nor rejected."""
        return self.status in ("candidate", "confirmed")

    def observation_in(self, study: str | None) -> Observation | None:
        """What a study measured of it; None where it is no focus there."""
        return next((o for o in self.observations if o.study == study), None)

    def place_in(self, study: str | None) -> Place | None:
        """What a study shows at its place without a focus there; None where that was not looked at."""
        return next((p for p in self.places if p.study == study), None)
