"""Numbers followed on SSTR and FDG PET, each by its published name, filled from two reads. None is called response.

Which number may be given at all is decided by the comparability of the two studies, what counts as a change by
repeatability (`response_table`). Evidence and sources are those of the rule file ``response-metrics``.
"""

from __future__ import annotations

from collections.abc import Sequence

from lutetia.model import Comparison, Course, MetricValue, ResponseMetric, Study
from lutetia.reading.course.response_table import FDG_METRICS, SSTR_METRICS, Metric
from lutetia.reading.course.response_values import FILLERS
from lutetia.rules.loader import RuleSet
from lutetia.rules.profile import Profile
from lutetia.rules.rule import Spoken


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
        metrics = SSTR_METRICS if now.is_sstr_pet else FDG_METRICS if now.is_fdg else ()
        for metric in metrics:
            values = FILLERS[metric.key](course, then, now, metric, comparison)
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
        unit=metric.unit,
        change_unit=metric.change_unit,
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
