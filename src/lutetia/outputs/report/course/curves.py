"""Uptake, volume, grade and class of each lesion over the visits."""

from __future__ import annotations

from lutetia.model import Course, Lesion
from lutetia.outputs.pictures import charts
from lutetia.outputs.pictures.charts import Point, Trajectory
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Figures, Segment
from lutetia.outputs.report.course.chosen import CHOICE, MOST_CURVES, chosen_lesions, svg_figure
from lutetia.outputs.report.course.following import (
    DEFINITION,
    followed,
    tracer_group,
    visit_words,
)
from lutetia.outputs.report.figures import Shown


def trajectories(course: Course) -> Figures | None:
    """Uptake, volume, grade and class of each chosen lesion; None without lesions or visits."""
    lesions = chosen_lesions(course, MOST_CURVES)
    if not lesions or not course.visits:
        return None
    figures = []
    for lesion in lesions:
        drawn = _trajectory(course, lesion)
        picture = charts.trajectory_svg(drawn)
        figures.append(
            svg_figure(
                f"course-{lesion.id}",
                picture,
                f"{drawn.title}: uptake and volume over the visits",
                charts.CHART_WIDTH,
                charts.CHART_HEIGHT,
            )
        )
    groups = dict.fromkeys(tracer_group(study) for study in course.studies)
    legend = tuple(Segment(g, 0, g, charts.TRACER_COLOUR[g]) for g in charts.TRACER_COLOUR if g in groups)
    total = len(followed(course))
    caption = (
        "Upper part: SUVmax of a focus (filled), or the mean at its place where no focus was seen (open); the SUV of "
        "different tracers is not compared. Tag: modified Krenning grade. Lower part: volume of the outline. Foot: "
        f"class of the tracer pair, positive by the definition “{DEFINITION}”."
    )
    if total > len(lesions):
        caption += f" {len(lesions)} of {total} lesions: {CHOICE}; all are in the table below."
    return Figures(tuple(figures), caption, columns=3, legend=legend)


def _trajectory(course: Course, lesion: Lesion) -> Trajectory:
    index = {visit.id: i for i, visit in enumerate(course.visits)}
    points = []
    for study in course.studies:
        if study.visit not in index:
            continue
        place, observation = lesion.place_in(study.id), lesion.observation_in(study.id)
        group, at = tracer_group(study), index[study.visit]
        if observation is not None:
            shown = Shown(lesion, observation)
            grade = wording.grade_words(shown.grade) if shown.grade is not None and shown.grade.value else ""
            points.append(
                Point(
                    at, group, observation.suv_max, observation.volume_ml, True, grade, shown.colour if grade else None
                )
            )
        elif place is not None and place.in_field:
            points.append(Point(at, group, place.suv_mean, None, False))
    kinds = {pair.visit: pair.phenotype for pair in lesion.pairs if pair.definition == DEFINITION}
    number = lesion.id.rsplit("-", 1)[-1]
    site = wording.site_words(lesion)
    title = f"{number}  {site}" if len(site) < 30 else f"{number}  {site[:28]}…"
    visits = tuple(visit_words(visit.id) for visit in course.visits)
    return Trajectory(title, tuple(points), visits, tuple(kinds.get(visit.id, "") for visit in course.visits))
