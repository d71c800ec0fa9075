"""Events between two visits that a source has words for: descriptive, with the numbers and the source beside them."""

from __future__ import annotations

from lutetia.model import Course, CourseEvent
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table
from lutetia.outputs.report.course.following import visit_words
from lutetia.outputs.report.verdicts.subjects import numbered_words, subjects_words

#: Evidence of more lesions than this is folded away: a line in a table, not a page.
MOST_EVIDENCE = 3


def event_table(course: Course) -> Table | None:
    """One row per kind of event and visit, its lesions together; None when no source's event is raised or proposed."""
    if not course.events:
        return None
    alike: dict[tuple[object, ...], CourseEvent] = {}
    for event in course.events:
        same = event.model_dump(mode="json", exclude={"lesions", "evidence", "numbers"})
        key = tuple(map(str, same.values()))
        before = alike.get(key)
        alike[key] = event if before is None else _joined(before, event)
    columns = (
        Column("When", width=0.9),
        Column("What a source has words for", width=1.5),
        Column("Lesions", width=0.65),
        Column("Evidence", width=2.5),
        Column("Source", width=0.65),
    )
    note = "An event describes; none of them is response, progression or an order. Proposed: rests on what images only "
    note += "propose, until a reader confirms it."
    return Table(columns, tuple(map(_row, alike.values())), notes=(note,), dense=True)


def _joined(one: CourseEvent, other: CourseEvent) -> CourseEvent:
    lesions = tuple(dict.fromkeys((*one.lesions, *other.lesions)))
    return one.model_copy(update={"lesions": lesions, "evidence": (*one.evidence, *other.evidence), "numbers": {}})


def _row(event: CourseEvent) -> Row:
    when = visit_words(event.visit)
    if event.previous_visit:
        when = f"{visit_words(event.previous_visit)} → {when}"
    if event.date:
        when += f", {wording.date_words(event.date, short=True)}"
    proposed = event.state == "proposed"
    facts = ", ".join(name.rsplit(".", 1)[-1].replace("_", " ") for name in event.rests_on)
    what = f"{event.title}: {event.statement}" if event.title else event.statement
    asking = f"Proposed: {event.title}. To be confirmed: "
    if proposed and event.title and event.statement.startswith(asking):
        what = f"{event.title} (proposed; to be confirmed: {event.statement.removeprefix(asking)})"
    elif proposed:
        what += f" (proposed{f'; to be confirmed: {facts}' if facts else ''})"
    told = [numbered_words(sentence) for sentence in event.evidence] or [_numbers(event)]
    shown = "; ".join(told[:MOST_EVIDENCE])
    rest = told[MOST_EVIDENCE:]
    if rest:
        shown += f"; and {len(rest)} more"
    return Row(
        (
            Cell(when, "muted"),
            Cell(what, "" if proposed else "strong"),
            Cell(subjects_words(event.lesions) or "patient"),
            Cell(shown or "–", "muted", more="; ".join(rest)),
            Cell(" ".join(part for part in (event.code, event.source) if part), "muted"),
        )
    )


def _numbers(event: CourseEvent) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {wording.number(value)}" for name, value in event.numbers.items())
