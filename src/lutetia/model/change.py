"""What lies between two studies or visits: how they were aligned, whether they may be compared, what differs."""

from __future__ import annotations

from typing import Literal

from lutetia.model.base import Record


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


class Comparison(Record):
    """Whether two studies may be compared in numbers: each check by itself, and what is suppressed."""

    earlier: str
    later: str
    verdict: Literal["comparable", "caution", "not_comparable"]
    checks: tuple[dict[str, str], ...] = ()
    suppressed: tuple[str, ...] = ()
    note: str = ""
    measured: dict[str, float] = {}  # "thyroid_earlier", "thyroid_later": SUVmean behind the thyroid's check


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
