"""The values of each response metric, then and now, read off two studies of a course."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from lutetia.model import Comparison, Course, Lesion, MetricValue, Study
from lutetia.reading.course.response_table import Metric
from lutetia.reading.course.values import value_at
from lutetia.rules.pairings import grades_at

Judgement = Literal["higher", "lower", "within", "suppressed", "not assessed"]
#: (course, study then, study now, metric, their comparability) → its values; [] where neither scan has one
Filler = Callable[[Course, Study, Study, Metric, Comparison], list[MetricValue]]


def suppressed_by(metric: Metric, comparison: Comparison) -> str:
    """Why the change of a metric is not given; "" where it may be."""
    barred = [name for name in metric.falls_under if name in comparison.suppressed]
    if not barred:
        return ""
    named = [c for c in comparison.checks if c["state"] in ("not_met", "caution")]
    return "; ".join(f"{c['title']}: {c['finding']}" for c in named) or comparison.note


def judged(
    metric: Metric, before: float | None, now: float | None, comparison: Comparison, lesion: str | None = None
) -> MetricValue:
    """A value then and now, with its change where the studies allow one."""
    reason = suppressed_by(metric, comparison)
    change: float | None = None
    judgement: Judgement = "not assessed"
    if before is None or now is None:
        reason = "not measured on both scans"
    elif reason:
        judgement = "suppressed"
    elif before > 0 and metric.band is not None:
        change = round(100 * (now / before - 1), 1)
        low, high = metric.band
        judgement = "lower" if change < low else "higher" if change > high else "within"
    return MetricValue(
        lesion=lesion,
        before=None if before is None else round(before, 3),
        now=None if now is None else round(now, 3),
        change=change,
        judgement=judgement,
        reason=reason,
    )


def _counting(course: Course) -> list[Lesion]:
    return [lesion for lesion in course.lesions if lesion.counts]


def _per_lesion(
    course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison, reference: str = ""
) -> list[MetricValue]:
    """SUVmax of every lesion seen on either scan, over a reference of each scan where one is named."""
    divisors = [s.reference_mean(reference) or None if reference else 1.0 for s in (then, now)]
    if None in divisors:
        return []
    values = []
    for lesion in _counting(course):
        if lesion.observation_in(then.id) is None and lesion.observation_in(now.id) is None:
            continue
        numbers = [value_at(lesion, s.id) for s in (then, now)]
        suv = [None if v is None else v.suv / (d or 1.0) for v, d in zip(numbers, divisors, strict=True)]
        value = judged(metric, suv[0], suv[1], comparison, lesion.id)
        texts = [_text(v.focus) if v is not None else "" for v in numbers]
        values.append(value.model_copy(update={"before_text": texts[0], "now_text": texts[1]}))
    return values


def _text(focus: bool) -> str:
    return "" if focus else "no focus: mean of the core of its place"


def _suv_max(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    return _per_lesion(course, then, now, metric, comparison)


def _baseline(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    first = next((s for s in course.studies if s.is_sstr_pet), None)
    if first is None or first.id != then.id:
        return []
    foci = [(lesion.id, lesion.observation_in(then.id)) for lesion in _counting(course)]
    return [MetricValue(lesion=name, before=round(o.suv_max, 3)) for name, o in foci if o is not None]


def _over_spleen(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    return _per_lesion(course, then, now, metric, comparison, "spleen")


def _over_liver(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    return _per_lesion(course, then, now, metric, comparison, "liver")


def _summary(name: str) -> Filler:
    def fill(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
        if then.summary is None or now.summary is None:
            return []
        return [judged(metric, getattr(then.summary, name), getattr(now.summary, name), comparison)]

    return fill


def _lowest(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    values = _summary("lowest_suv_mean")(course, then, now, metric, comparison)
    return [
        v.model_copy(
            update={
                "before_text": (then.summary.lowest_suv_mean_lesion if then.summary else None) or "",
                "now_text": (now.summary.lowest_suv_mean_lesion if now.summary else None) or "",
            }
        )
        for v in values
    ]


def lesions_without_uptake(course: Course, study: Study) -> tuple[str, ...]:
    """Known lesions without a focus on an SSTR PET that the same visit shows with another tracer or on CT."""
    visit = next((v for v in course.visits if study.id in v.studies), None)
    others = {s for s in visit.studies if s != study.id} if visit is not None else set()
    out = []
    for lesion in _counting(course):
        place = lesion.place_in(study.id)
        if place is None or not place.in_field or lesion.observation_in(study.id) is not None:
            continue
        if any(o.study in others for o in lesion.observations):
            out.append(lesion.id)
    return tuple(out)


def _without(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    before, after = lesions_without_uptake(course, then), lesions_without_uptake(course, now)
    return [
        MetricValue(
            before=float(len(before)),
            now=float(len(after)),
            before_text=", ".join(before),
            now_text=", ".join(after),
            change=float(len(after) - len(before)),
        )
    ]


def _grades(course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison) -> list[MetricValue]:
    reason = suppressed_by(metric, comparison)
    values = []
    for lesion in _counting(course):
        before, after = grades_at(lesion, then.id), grades_at(lesion, now.id)
        seen = lesion.observation_in(then.id) is not None or lesion.observation_in(now.id) is not None
        if not before or not after or not (seen or before != after):
            continue
        change: float | None = None
        judgement: Judgement = "suppressed" if reason else "not assessed"
        if not reason and len(before) == len(after) == 1:
            change = float(after[0] - before[0])
            judgement = "higher" if change > 0 else "lower" if change < 0 else "within"
        values.append(
            MetricValue(
                lesion=lesion.id,
                before=float(before[0]) if len(before) == 1 else None,
                now=float(after[0]) if len(after) == 1 else None,
                before_text=" or ".join(map(str, before)),
                now_text=" or ".join(map(str, after)),
                change=change,
                judgement=judgement,
                reason=reason,
            )
        )
    return values


def heterogeneous_share(course: Course, study: Study) -> float | None:
    """Share of lesions over 2 cm whose 10th and 90th percentile voxels have different grades; None without any."""
    spans = []
    for lesion in _counting(course):
        focus = lesion.observation_in(study.id)
        size = (focus.ct_long_axis_mm or focus.long_axis_mm) if focus is not None else None
        if focus is None or size is None or size <= 20 or not focus.krenning_p10 or not focus.krenning_p90:
            continue
        spans.append(not set(focus.krenning_p10) & set(focus.krenning_p90))
    return 100 * sum(spans) / len(spans) if spans else None


def _heterogeneity(
    course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison
) -> list[MetricValue]:
    before, after = heterogeneous_share(course, then), heterogeneous_share(course, now)
    if before is None and after is None:
        return []
    return [
        MetricValue(
            before=None if before is None else round(before, 1),
            now=None if after is None else round(after, 1),
            reason="share in percent; proposed from voxels, read by eye at the source",
        )
    ]


FILLERS: dict[str, Filler] = {
    "suv-max-baseline": _baseline,
    "suv-max": _suv_max,
    "repeatability-fdg": _suv_max,
    "tumour-spleen": _over_spleen,
    "tumour-liver": _over_liver,
    "volume": _summary("volume_ml"),
    "total-uptake": _summary("tlu"),
    "lowest-suv-mean": _lowest,
    "lesions-without-uptake": _without,
    "krenning-change": _grades,
    "heterogeneity": _heterogeneity,
}
