"""What the lesion rules gave at each visit."""

from __future__ import annotations

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table
from lutetia.outputs.report.verdicts.subjects import subjects_words
from lutetia.outputs.report.verdicts.words import rule_title


def history_table(course: Course) -> Table | None:
    """What the lesion rules gave at each visit: a column per visit, lesions with the same course in one line."""
    visits = list(dict.fromkeys(str(entry.get("visit")) for entry in course.rule_history))
    if len(visits) < 2:
        return None
    given: dict[str, dict[str, dict[str, str]]] = {}
    for entry in course.rule_history:
        results = wording.listed(tuple(str(r) for r in entry.get("results") or ())) or "undecided"
        rule, lesion = str(entry.get("rule")), str(entry.get("lesion"))
        given.setdefault(rule, {}).setdefault(lesion, {})[str(entry.get("visit"))] = results
    titles = {str(verdict.get("rule")): rule_title(verdict) for verdict in course.verdicts}
    rows: list[Row] = []
    for rule, lesions in given.items():
        rows.append(Row(heading=titles.get(rule, rule)))
        alike: dict[tuple[str, ...], list[str]] = {}
        for lesion, by_visit in lesions.items():
            alike.setdefault(tuple(by_visit.get(visit, "–") for visit in visits), []).append(lesion)
        rows += [Row((Cell(subjects_words(who), "strong"), *map(Cell, told))) for told, who in alike.items()]
    columns = (Column("At each visit", width=1), *(Column(_visit_title(course, visit), width=1) for visit in visits))
    return Table(columns, tuple(rows), dense=True)


def _visit_title(course: Course, name: str) -> str:
    study = next((study for study in course.studies if name in (study.id, study.visit)), None)
    return name if study is None else f"{(study.visit or name).replace('-', ' ')}, {wording.tracer_words(study)}"
