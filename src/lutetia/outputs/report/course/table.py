"""Lesions × studies in numbers: the table behind the pictures and curves."""

from __future__ import annotations

from lutetia.model import (
    Course,
    Lesion,
    Study,
)
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import (
    Cell,
    Column,
    Row,
    Section,
    Table,
)
from lutetia.outputs.report.course.following import (
    class_words,
    followed,
    study_title,
    visit_words,
)
from lutetia.outputs.report.figures import Shown
from lutetia.outputs.report.verdicts.subjects import numbered_words


def lesion_table(course: Course) -> Section | None:
    """A row per lesion and a column per study; None where no lesion is followed."""
    lesions = followed(course)
    if not lesions:
        return None
    columns = [Column("No.", "right"), Column("Site", width=1.1)]
    columns += [Column(_column(study), width=1) for study in course.studies]
    paired = any(lesion.pairs for lesion in lesions)
    if paired:
        columns.append(Column("Class of the pair", width=1.1))
    rows = []
    for region, name in wording.REGIONS.items():
        group = [lesion for lesion in lesions if lesion.region == region]
        if group:
            rows.append(Row(heading=f"{name} – {wording.plural(len(group), 'lesion')}"))
        for lesion in group:
            cells = [Cell(_number(lesion), "strong"), Cell(_site(lesion))]
            cells += [_matrix_cell(lesion, study) for study in course.studies]
            rows.append(Row((*cells, Cell(_classes(lesion), "muted")) if paired else tuple(cells)))
    notes = (
        "Each cell: SUVmax · mL · grade; in brackets the mean at the lesion's place where no focus was seen. Values of "
        "different tracers are not compared with one another. The evidence of every match is in findings.json.",
    )
    return Section("Course of the lesions", (Table(tuple(columns), tuple(rows), notes=notes, dense=True),))


def _column(study: Study) -> str:
    return f"{visit_words(study.visit)} · {wording.tracer_words(study)}" if study.visit else study_title(study)


def _number(lesion: Lesion) -> str:
    return lesion.id.rsplit("-", 1)[-1]


def _site(lesion: Lesion) -> str:
    words = wording.site_words(lesion)
    if lesion.parent:
        words += f"; part of {numbered_words(lesion.parent)}"
    if lesion.merged_into:
        words += f"; merged into {numbered_words(lesion.merged_into)}"
    return words


def _matrix_cell(lesion: Lesion, study: Study) -> Cell:
    observation = lesion.observation_in(study.id)
    if observation is not None:
        item = Shown(lesion, observation)
        words = f"{wording.suv(observation.suv_max)} · {wording.number(observation.volume_ml, 2)}"
        if item.grade is not None:
            words += f" · {wording.grade_words(item.grade)}"
        return Cell(words)
    event = next((event.event for event in lesion.history if event.study == study.id), "")
    place = lesion.place_in(study.id)
    if event == "outside_field" or (place is not None and not place.in_field):
        return Cell("not imaged", "muted")
    words = event.replace("_", " ").replace("resolved", "gone") or "no focus"
    if place is not None and place.suv_mean is not None:
        words += f" ({wording.suv(place.suv_mean)})"
    return Cell(words if event or place is not None else "–", "muted")


def _classes(lesion: Lesion) -> str:
    """The class at each visit, by the first definition that tells it: ``S+ F− → S− F+``."""
    kinds = [p.phenotype for p in lesion.pairs if p.definition == "background"]
    if not any(kind != "unknown" for kind in kinds):
        return "–"
    told = [class_words(kind) if kind != "unknown" else "?" for kind in kinds]
    return told[0] if len(set(told)) == 1 else " → ".join(told)
