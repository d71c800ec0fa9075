"""Numbers followed on SSTR and FDG PET, each by its published name, filled from two reads. None is called response.

Which number may be given at all is decided by the comparability of the two studies (eligibility §2.4); what counts as a
change, by repeatability (§5.3: −25 % and +33 % for SUV, borrowed from FDG where the tracer is another; ±30 % for
volume). Evidence and warnings are those of the rule file ``response-metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lutetia.model import Comparison, Course, Lesion, MetricValue, Observation, ResponseMetric, Study
from lutetia.reading.course.values import value_at
from lutetia.rules.loader import RuleSet
from lutetia.rules.measured_between import grades_at, is_fdg, is_sstr_pet
from lutetia.rules.profile import Profile
from lutetia.rules.rule import Spoken

Judgement = Literal["higher", "lower", "within", "suppressed", "not assessed"]
SUV_BAND = (-25.0, 33.0)
VOLUME_BAND = (-30.0, 30.0)
_BORROWED = "borrowed from FDG (review 2017): no test and retest of SSTR PET was readable"
_FDG_BAND = "FDG, careful protocol (review 2017)"
_VOLUME = "convention: no limit of repeatability was found for SSTR volume"
_KEPT = ("candidate", "confirmed")
_USABLE = ("ok", "caution", "fallback", "user")


@dataclass(frozen=True)
class Metric:
    """What a metric is: key in the rule file, name, definition, and which suppressed numbers it falls under."""

    key: str
    name: str
    definition: str
    falls_under: tuple[str, ...]
    warning: str
    band: tuple[float, float] | None = SUV_BAND
    band_source: str = _BORROWED


SSTR_METRICS = (
    Metric(
        "suv-max",
        "ΔSUVmax",
        "100 · (SUVmax now − SUVmax then) ÷ SUVmax then, same lesion",
        ("change of SUV",),
        "Never called response.",
    ),
    Metric(
        "tumour-spleen",
        "SUV T/S",
        "lesion SUVmax ÷ spleen SUVmean of the same scan",
        ("change of tumour to spleen ratio", "change of uptake ratios"),
        "The spleen's uptake falls under an analogue; after splenectomy the ratio does not exist.",
    ),
    Metric(
        "tumour-liver",
        "SUV T/L",
        "lesion SUVmax ÷ liver SUVmean of the same scan",
        ("change of tumour to liver ratio", "change of uptake ratios"),
        "The liver's uptake falls under an analogue and in liver disease.",
    ),
    Metric(
        "suv-max-baseline",
        "SUVmax baseline",
        "lesion SUVmax on the first SSTR PET",
        (),
        "No gate; bound to tracer and scanner, with wide overlap.",
        None,
        "",
    ),
    Metric(
        "volume",
        "SSTR-TV",
        "volume of all SSTR-positive tumour outlined, mL",
        ("change of volume",),
        "Depends on the threshold; falls with loss of receptor.",
        VOLUME_BAND,
        _VOLUME,
    ),
    Metric(
        "total-uptake",
        "TL-SSTR",
        "SSTR-TV × SUVmean, summed over lesions",
        ("change of TLU",),
        "Depends on the threshold; falls with loss of receptor.",
        VOLUME_BAND,
        _VOLUME,
    ),
    Metric(
        "lowest-suv-mean",
        "Minimum SUVmean",
        "SUVmean of the lesion with the lowest uptake",
        ("change of SUV",),
        "Which lesion is lowest depends on what CT shows.",
    ),
    Metric(
        "lesions-without-uptake",
        "Lesions without uptake",
        "number of known lesions without a focus on this SSTR PET that CT or another tracer shows",
        (),
        "Defined on CT; the review calls it unsuitable. Foci of FDG count here as shown by another tracer.",
        None,
        "",
    ),
    Metric(
        "krenning-change",
        "Krenning change",
        "grade now − grade then, modified Krenning",
        ("Krenning change as response",),
        "Ordinal, and moved by the liver and the spleen.",
        None,
        "",
    ),
    Metric(
        "heterogeneity",
        "Intra-lesional heterogeneity",
        "share of lesions over 2 cm whose grades at the 10th and 90th percentile differ (proposed, convention C-E2)",
        (),
        "No validated method; the source reads it by eye.",
        None,
        "",
    ),
)
FDG_METRICS = (
    Metric(
        "repeatability-fdg",
        "FDG ΔSUVmax",
        "100 · (SUVmax now − SUVmax then) ÷ SUVmax then, same lesion",
        ("change of SUV",),
        "No PERCIST category: that needs SULpeak of the hottest lesion and a reader.",
        SUV_BAND,
        _FDG_BAND,
    ),
)


def response_metrics(course: Course, rules: RuleSet) -> tuple[ResponseMetric, ...]:
    """Every metric for every pair of studies that `course.comparability` compares.

    Parameters
    ----------
    course : with comparability, lesions, study summaries
    rules : for the evidence behind each metric

    Returns
    -------
    tuple
        In the order of the pairs; a metric without any value on either scan is left out.
    """
    studies = {study.id: study for study in course.studies}
    spoken = _spoken(rules)
    out: list[ResponseMetric] = []
    for comparison in course.comparability:
        then, now = studies.get(comparison.earlier), studies.get(comparison.later)
        if then is None or now is None:
            continue
        metrics = SSTR_METRICS if is_sstr_pet(now) else FDG_METRICS if is_fdg(now) else ()
        for metric in metrics:
            values = _VALUES[metric.key](course, then, now, metric, comparison)
            if values:
                out.append(_record(metric, values, then, now, comparison, spoken))
    return tuple(out)


def _spoken(rules: RuleSet) -> dict[str, Spoken]:
    body = rules["response-metrics"].body if "response-metrics" in rules else None
    return {item.entry.id: item for item in body.statements} if isinstance(body, Profile) else {}


def _record(
    metric: Metric,
    values: Sequence[MetricValue],
    then: Study,
    now: Study,
    comparison: Comparison,
    spoken: dict[str, Spoken],
) -> ResponseMetric:
    said = spoken.get(metric.key)
    return ResponseMetric(
        key=metric.key,
        name=metric.name,
        definition=metric.definition,
        tracer=now.tracer,
        earlier_study=then.id,
        later_study=now.id,
        unit={"volume": "mL", "total-uptake": "g/mL · mL", "lesions-without-uptake": "lesions"}.get(metric.key, ""),
        change_unit={"krenning-change": "grades", "lesions-without-uptake": "lesions"}.get(metric.key, "%"),
        values=tuple(values),
        band_percent=metric.band,
        band_source=metric.band_source,
        evidence=said.entry.say if said is not None else "",
        numbers=said.entry.numbers if said is not None else "",
        sources=tuple(f"{c.source}: {c.place}" for c in said.citations) if said is not None else (),
        verified=all(c.verified for c in said.citations) if said is not None else False,
        warning=metric.warning,
        caution=comparison.note if comparison.verdict != "comparable" else "",
    )


# ------------------------------------------------------------------------------------------------ values

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


def _kept(course: Course) -> list[Lesion]:
    return [lesion for lesion in course.lesions if lesion.status in _KEPT]


def _focus(lesion: Lesion, study: Study) -> Observation | None:
    return next((o for o in lesion.observations if o.study == study.id), None)


def _reference(study: Study, name: str) -> float | None:
    reference = study.references.get(name)
    if reference is None or reference.status not in _USABLE or not reference.suv_mean:
        return None
    return reference.suv_mean


def _per_lesion(
    course: Course, then: Study, now: Study, metric: Metric, comparison: Comparison, reference: str = ""
) -> list[MetricValue]:
    """SUVmax of every lesion seen on either scan, over a reference of each scan where one is named."""
    divisors = [_reference(s, reference) if reference else 1.0 for s in (then, now)]
    if None in divisors:
        return []
    values = []
    for lesion in _kept(course):
        if _focus(lesion, then) is None and _focus(lesion, now) is None:
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
    first = next((s for s in course.studies if is_sstr_pet(s)), None)
    if first is None or first.id != then.id:
        return []
    foci = [(lesion.id, _focus(lesion, then)) for lesion in _kept(course)]
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
    for lesion in _kept(course):
        place = next((p for p in lesion.places if p.study == study.id and p.in_field), None)
        if place is None or _focus(lesion, study) is not None:
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
    for lesion in _kept(course):
        before, after = grades_at(lesion, then.id), grades_at(lesion, now.id)
        seen = _focus(lesion, then) is not None or _focus(lesion, now) is not None
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
    for lesion in _kept(course):
        focus = _focus(lesion, study)
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


_VALUES: dict[str, Filler] = {
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
