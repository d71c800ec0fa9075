"""Where tissue could be taken: the place that the sources would sample first, in pictures and in millimetres."""

from __future__ import annotations

from collections.abc import Mapping

from lutetia.model import Course, Lesion, Phenotypes, Point, Study
from lutetia.outputs.pictures import fused
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Figure, Figures, Paragraph, Row, Section, Table
from lutetia.outputs.report.course.following import tracer_group, visit_words
from lutetia.outputs.report.course.slices import study_scene, top_of
from lutetia.outputs.report.verdicts.subjects import numbered_words, subjects_words
from lutetia.outputs.volumes import StudyVolumes


def tissue(course: Course, volumes: Mapping[str, StudyVolumes]) -> Section | None:
    """One target per visit, with the FDG and SSTR slices through it; None where no lesion stands out."""
    targets: dict[tuple[str, str], Phenotypes] = {}
    for entry in course.phenotypes:
        if entry.biopsy_target and entry.biopsy_reason:
            targets.setdefault((entry.visit, entry.biopsy_target), entry)
    if not targets:
        return None
    figures = [figure for entry in targets.values() for figure in _pictures(course, entry, volumes)]
    words = (
        "The founding review links high FDG relative to SSTR with the most aggressive lesion. This is where "
        "the sources would look first, not an order; another cause of FDG uptake is excluded by an answer, never by a "
        "number."
    )
    columns = (
        Column("Visit"),
        Column("Target", width=1.2),
        Column("Position, mm (left, posterior, superior)", width=1.3),
        Column("Why", width=2),
    )
    blocks: list[Block] = [
        Paragraph(words, "muted"),
        Table(columns, tuple(_row(course, e) for e in targets.values()), dense=True),
    ]
    if figures:
        caption = "Cross hairs at the position; the line is the measured outline. PET over CT, 13 cm wide."
        blocks.append(Figures(tuple(figures), caption, columns=6))
    return Section("Where tissue could be taken", tuple(blocks), anchor="tissue")


def _study_of_position(entry: Phenotypes) -> str:
    """The study in whose frame the position is given."""
    return entry.biopsy_study or entry.fdg_study


def _row(course: Course, entry: Phenotypes) -> Row:
    lesion = course.lesion(entry.biopsy_target)
    name = subjects_words([entry.biopsy_target or ""])
    site = f", {wording.site_words(lesion).lower()}" if lesion is not None else ""
    place = "–"
    if entry.biopsy_position_mm is not None:
        place = ", ".join(f"{v:.0f}" for v in entry.biopsy_position_mm).replace("-", "−")
        place += f" in {_study_of_position(entry).replace('-', ' ')}"
    cells = (
        Cell(visit_words(entry.visit)),
        Cell(name + site, "strong"),
        Cell(place),
        Cell(numbered_words(entry.biopsy_reason)),
    )
    return Row(cells)


def _pictures(course: Course, entry: Phenotypes, volumes: Mapping[str, StudyVolumes]) -> list[Figure]:
    """The target on FDG (axial and coronal) and on SSTR PET, each on its own grid."""
    lesion = course.lesion(entry.biopsy_target)
    given = _study_of_position(entry)
    figures = []
    for study_id, planes in ((entry.fdg_study, ("axial", "coronal")), (entry.sstr_study, ("axial",))):
        study = course.study(study_id)
        held = volumes.get(study_id)
        place = entry.biopsy_position_mm if study_id == given else None
        if lesion is not None and place is None:
            place = _place(lesion, study_id)
        if study is None or held is None or lesion is None or place is None:
            continue
        figures += [f for name in planes if (f := _picture(study, held, lesion, place, name)) is not None]
    return figures


def _place(lesion: Lesion, study_id: str) -> Point | None:
    observation, place = lesion.observation_in(study_id), lesion.place_in(study_id)
    if observation is not None:
        return observation.max_position_mm or observation.centroid_mm
    return place.centroid_mm if place is not None and place.in_field else None


def _picture(study: Study, held: StudyVolumes, lesion: Lesion, place: Point, plane: str) -> Figure | None:
    scene = study_scene(study, held)
    if scene is None:
        return None
    observation = lesion.observation_in(study.id)
    top = top_of(scene, observation.suv_max if observation is not None else 0.0)
    label = observation.label if observation is not None else 0
    picture = fused.place_picture(scene, place, held.lesions, label, top, plane=plane, cross=True)
    name = f"tissue-{study.id}-{lesion.id}-{plane}"
    tracer = tracer_group(study).split()[0]
    words = f"{visit_words(study.visit)}, {tracer} {plane}, SUV 0–{top:g}"
    alt = f"{plane.capitalize()} {tracer} slice at {subjects_words([lesion.id])} with cross hairs at the position"
    return Figure(name, "jpeg", picture, fused.PLACE_PIXELS, fused.PLACE_PIXELS, alt, words[:1].upper() + words[1:])
