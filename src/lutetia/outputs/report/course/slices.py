"""Slices of each lesion side by side, one column per study, in the same plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lutetia.model import Course, Lesion, Study
from lutetia.outputs.pictures import fused, mip
from lutetia.outputs.pictures.fused import Scene
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Figure, Matrix, MatrixCell, MatrixRow
from lutetia.outputs.report.course.chosen import CHOICE, MOST_COLUMNS, MOST_PICTURES, MOST_ROWS, chosen_lesions
from lutetia.outputs.report.course.following import (
    followed,
    tracer_group,
    visit_words,
)
from lutetia.outputs.report.figures import NO_GRADE, Shown
from lutetia.outputs.volumes import StudyVolumes


def study_scene(study: Study, held: StudyVolumes | None) -> Scene | None:
    """PET, CT and window of a study; None where there are no pixels."""
    image = None if held is None else held.suv if held.suv is not None else held.stored
    if held is None or image is None:
        return None
    liver = study.references.get("liver")
    fixed = held.suv is not None and tracer_group(study) in ("SSTR PET", "FDG PET")
    observed_max = 1.0 if fixed else float(image.array.max(initial=0.0))
    return Scene(image, held.ct, mip.window_top(liver.suv_mean if liver else None, study.tracer_detail, observed_max))


def side_by_side(course: Course, volumes: Mapping[str, StudyVolumes]) -> Matrix | None:
    """Axial slices of the chosen lesions, one column per study, each on its own grid at the lesion's place."""
    studies = (
        course.studies
        if len(course.studies) <= MOST_COLUMNS
        else (
            course.studies[0],
            *course.studies[1 - MOST_COLUMNS :],
        )
    )
    scenes = {study.id: study_scene(study, volumes.get(study.id)) for study in studies}
    if not any(scenes.values()) or not course.visits:
        return None
    lesions = chosen_lesions(course, min(MOST_ROWS, max(MOST_PICTURES // len(studies), 4)))
    rows = []
    for lesion in lesions:
        tops = _windows(lesion, studies, scenes)
        cells = tuple(_cell(lesion, study, scenes[study.id], volumes.get(study.id), tops) for study in studies)
        note = " · ".join(f"{group.split()[0]} 0–{top:g}" for group, top in tops.items())
        number = lesion.id.rsplit("-", 1)[-1]
        rows.append(MatrixRow(f"{number}  {wording.site_words(lesion)}", f"SUV {note}" if note else "", cells))
    if not rows:
        return None
    columns = tuple(f"{visit_words(s.visit)} · {wording.tracer_words(s)}" for s in studies)
    total = len(followed(course))
    caption = (
        "Axial slices through the lesion's place in every study, 13 cm wide, not resampled to another study; the line "
        "is the measured outline. One SUV window per lesion and tracer, at the left."
    )
    if total > len(rows):
        caption += f" {len(rows)} of {total} lesions: {CHOICE}."
    if len(studies) < len(course.studies):
        caption += f" First and latest {MOST_COLUMNS - 1} of {len(course.studies)} studies."
    return Matrix(columns, tuple(rows), caption)


def _windows(lesion: Lesion, studies: tuple[Study, ...], scenes: Mapping[str, Scene | None]) -> dict[str, float]:
    """Per tracer group the value that is white-hot: the lesion's maximum over the studies, within the usual window."""
    tops: dict[str, float] = {}
    for study in studies:
        scene, observation = scenes[study.id], lesion.observation_in(study.id)
        if scene is None:
            continue
        group = tracer_group(study)
        wanted = observation.suv_max if observation is not None else 0.0
        tops[group] = max(tops.get(group, 0.0), top_of(scene, wanted))
    return tops


def top_of(scene: Scene, suv_max: float) -> float:
    """The SUV that is white-hot for a lesion: its maximum, within reach of the study's usual window.

    That window ends at 2.5 times the liver (FDG: three times); ended at the liver itself, liver would look like tumour.
    """
    return float(f"{np.clip(suv_max, scene.upper / 1.5, scene.upper * 2.5):.2g}")


def _cell(
    lesion: Lesion, study: Study, scene: Scene | None, held: StudyVolumes | None, tops: Mapping[str, float]
) -> MatrixCell:
    observation, place = lesion.observation_in(study.id), lesion.place_in(study.id)
    if observation is not None:
        words = f"{wording.suv(observation.suv_max)} · {wording.with_unit(observation.volume_ml, 'mL', 2)}"
        shown = Shown(lesion, observation)
        graded = shown.grade is not None and bool(shown.grade.value)
        tag, colour = (wording.grade_words(shown.grade), shown.colour) if graded else ("", NO_GRADE)
        centre = observation.max_position_mm or observation.centroid_mm
    elif place is not None and place.in_field and place.centroid_mm is not None:
        words = f"no focus, mean {wording.suv(place.suv_mean)}" if place.suv_mean is not None else "no focus"
        tag, colour, centre = "", NO_GRADE, place.centroid_mm
    else:
        return MatrixCell("not imaged" if place is not None and not place.in_field else "–")
    if scene is None:
        return MatrixCell(words, tag=colour if tag else None, tag_text=tag)
    labels = held.lesions if held is not None else None
    label = observation.label if observation is not None else 0
    top = tops.get(tracer_group(study), scene.upper)
    picture = fused.place_picture(scene, centre, labels, label, top)
    name = f"course-{lesion.id}-{study.id}"
    alt = f"Axial slice of {study.id} at {lesion.id}, {wording.site_words(lesion)}: {words}"
    figure = Figure(name, "jpeg", picture, fused.PLACE_PIXELS, fused.PLACE_PIXELS, alt)
    return MatrixCell(words, figure, colour if tag else None, tag)
