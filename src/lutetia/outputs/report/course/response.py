"""Numbers followed between two studies of one tracer, each by its published name, its evidence and its warning."""

from __future__ import annotations

import re
from collections import Counter

from lutetia.model import Course, MetricValue, ResponseMetric
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Notice, Notices, Paragraph, Row, Section, Table, Tone
from lutetia.outputs.report.course.following import named_study
from lutetia.outputs.report.verdicts.subjects import subjects_words

#: a reason that is longer than this stands above the table
_SHORT = 60
_ORDER = ("higher", "lower", "within", "suppressed", "not assessed")
_WORDS = {"within": "within repeatability", "not assessed": "not assessed"}


def response(course: Course) -> Section | None:
    """A group per pair of studies, a row per metric; None where nothing is followed."""
    metrics = [metric for metric in course.response if metric.values]
    if not metrics:
        return None
    rows: list[Row] = []
    shared: list[Notice] = []
    for pair in dict.fromkeys((m.earlier_study, m.later_study) for m in metrics):
        group = [m for m in metrics if (m.earlier_study, m.later_study) == pair]
        heading = f"{named_study(course, pair[0])} → {named_study(course, pair[1])}"
        counts = Counter(reason for metric in group for reason in _why_suppressed(metric))
        once = {reason for reason, times in counts.items() if times > 1 or len(reason) > _SHORT}
        shared += [
            Notice("caution", f"{heading}: suppressed, since not met: {reason}") for reason in counts if reason in once
        ]
        rows.append(Row(heading=heading))
        rows += [_row(metric, once) for metric in group]
    columns = (
        Column("Metric, by its published name", width=1.3),
        Column("Before", "right", 0.6),
        Column("Now", "right", 0.6),
        Column("Change", "right", 0.7),
        Column("Beyond repeatability?", width=1.4),
        Column("Evidence and warning", width=2),
    )
    words = (
        "Numbers between two studies of one tracer. None of them is called response: how far each was ever shown to "
        "mean something stands beside it. °: not verified at the source."
    )
    told: list[Block] = [Notices(tuple(shared))] if shared else []
    blocks: list[Block] = [Paragraph(words, "muted"), *told, Table(columns, tuple(rows), dense=True)]
    return Section("Numbers over time, by name", tuple(blocks), anchor="response")


def _why_suppressed(metric: ResponseMetric) -> list[str]:
    """The reasons for which values of a metric are not reported, each once."""
    return list(dict.fromkeys(v.reason for v in metric.values if v.judgement == "suppressed" and v.reason))


def _row(metric: ResponseMetric, told: set[str]) -> Row:
    """A metric; the reasons in `told` stand above the table."""
    patient = next((value for value in metric.values if value.lesion is None), None)
    single = patient if patient is not None else metric.values[0] if len(metric.values) == 1 else None
    by_lesion = [value for value in metric.values if value.lesion is not None]
    judged: list[str] = []
    if patient is not None:
        judged.append(_judgement(patient))
    for state in _ORDER:
        who = [value for value in by_lesion if value.judgement == state]
        if who:
            judged.append(f"{_WORDS.get(state, state)}: {subjects_words(v.lesion or '' for v in who)}")
    judged += [f"suppressed because {reason}" for reason in _why_suppressed(metric) if reason not in told]
    tone: Tone = "caution" if any(v.judgement in ("higher", "lower") for v in metric.values) else ""
    name = metric.name + (f", {metric.unit}" if metric.unit else "") + ("" if metric.verified else "°")
    everything = _sentences(metric.evidence, metric.warning, metric.caution)
    shown = _sentences(metric.evidence, metric.warning, most=230)
    more = [metric.definition, metric.numbers, f"repeatability: {metric.band_source}" if metric.band_source else ""]
    more += [", ".join(metric.sources)]
    return Row(
        (
            Cell(name, "strong", more=". ".join(part.rstrip(".") for part in more if part)),
            Cell(_then(metric, single)),
            Cell(_now(metric, single)),
            Cell(_change(metric, single)),
            Cell("; ".join(judged) or "–", tone),
            Cell(shown or "–", "muted", more=everything if everything != shown else ""),
        )
    )


def _sentences(*texts: str, most: int = 10_000) -> str:
    """Every sentence once, as many as fit in `most` characters; at least the first.

    A sentence with no word that was not there before says nothing new.
    """
    parts = [part.strip(" .") for text in texts for part in re.split(r"(?<=[a-z%)]{2})\. ", text)]
    kept: list[str] = []
    said: set[str] = set()
    for part in parts:
        words = set(re.findall(r"\w+", part.lower()))
        if words <= said:
            continue
        said |= words
        if kept and len(". ".join([*kept, part])) > most:
            break
        kept.append(part)
    return ". ".join(kept)


def _value(metric: ResponseMetric, number: float | None, text: str) -> str:
    """The number, with the lesions that it is about; the words alone where there is no number."""
    ids = [part.strip() for part in text.split(",")]
    words = subjects_words(ids) if text and all(part.startswith("lesion-") for part in ids) else text
    if number is None:
        return words or "–"
    size = f"{number:.0f}" if metric.unit == "lesions" else wording.number(number)
    return f"{size} ({words})" if words else size


def _then(metric: ResponseMetric, value: MetricValue | None) -> str:
    return "–" if value is None else _value(metric, value.before, value.before_text)


def _now(metric: ResponseMetric, value: MetricValue | None) -> str:
    return "–" if value is None else _value(metric, value.now, value.now_text)


def _change(metric: ResponseMetric, value: MetricValue | None) -> str:
    if value is None or value.change is None:
        return "–"
    sign = "+" if value.change > 0 else ""
    unit = metric.change_unit if metric.change_unit == "%" else f" {metric.change_unit}"
    whole = f"{value.change:.0f}".replace("-", "−") if value.change == round(value.change) else ""
    return f"{sign}{whole or wording.number(value.change, 2)}{wording.NARROW if unit == '%' else ''}{unit}"


def _judgement(value: MetricValue) -> str:
    words = _WORDS.get(value.judgement, value.judgement)
    if value.judgement == "not assessed" and value.reason:
        return f"{words}: {value.reason}"
    return words
