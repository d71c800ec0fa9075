"""Several studies in the report: what happened in words first, then pictures, curves, numbers and checks."""

from __future__ import annotations

from collections.abc import Mapping

from lutetia.model import Course
from lutetia.outputs.report.blocks import Block, Figure, Figures, Paragraph, Section, Tile, Tiles
from lutetia.outputs.report.course.alignment import alignment
from lutetia.outputs.report.course.changes import change_table
from lutetia.outputs.report.course.comparability import comparability
from lutetia.outputs.report.course.coverage import coverage
from lutetia.outputs.report.course.curves import trajectories
from lutetia.outputs.report.course.events import event_table
from lutetia.outputs.report.course.following import followed, gone, newly_seen
from lutetia.outputs.report.course.lanes import swimlane
from lutetia.outputs.report.course.phenotypes import phenotypes
from lutetia.outputs.report.course.response import response
from lutetia.outputs.report.course.retention import retention
from lutetia.outputs.report.course.slices import side_by_side
from lutetia.outputs.report.course.systems import systems
from lutetia.outputs.report.course.table import lesion_table
from lutetia.outputs.report.course.tissue import tissue
from lutetia.outputs.report.figures import Shown
from lutetia.outputs.report.lesion_sections import legend
from lutetia.outputs.report.verdicts.subjects import numbered_words
from lutetia.outputs.volumes import StudyVolumes


def course_headline(course: Course) -> Tiles:
    """How many lesions are followed over how many visits, and what happened to them."""
    lesions = followed(course)
    if not lesions and all(study.summary is None for study in course.studies):
        return Tiles((Tile("–", "lesions followed", "not sought in any study"),))
    events = [{event.event for event in lesion.history} for lesion in lesions]
    tiles = [
        Tile(str(len(lesions)), "lesions followed", f"{len(course.studies)} studies, {len(course.visits)} visits"),
        Tile(str(sum(newly_seen(course, x) for x in lesions)), "new foci", "with no tracer before; unconfirmed"),
        Tile(str(sum(gone(course, x) for x in lesions)), "gone", "with every tracer of the last visit"),
    ]
    changed = sum(bool(e & {"growing", "shrinking"}) for e in events)
    tiles.append(Tile(str(changed), "larger or smaller", "volume by more than 30 %"))
    return Tiles(tuple(tiles))


def course_sections(
    course: Course, volumes: Mapping[str, StudyVolumes] | None = None, projections: tuple[Figure, ...] = ()
) -> tuple[Section, ...]:
    """The course of the patient: story, lanes, changes, pictures, curves, volumes, checks; nothing for a single study.

    Parameters
    ----------
    course : the record
    volumes : study id → pixels, for the pictures
    projections : a coronal projection per study, to be shown side by side
    """
    if len(course.studies) < 2:
        return ()
    held = volumes or {}
    found = [
        _story(course),
        _lanes(course),
        _projections(course, projections),
        _changes(course),
        _pictures(course, held),
        _curves(course),
        lesion_table(course),
        phenotypes(course),
        tissue(course, held),
        systems(course),
        response(course),
        coverage(course),
        retention(course),
        comparability(course),
        alignment(course, held),
    ]
    return tuple(section for section in found if section is not None)


def _story(course: Course) -> Section | None:
    if not course.story:
        return None
    told = (numbered_words(text) for text in course.story)
    return Section("The course in words", tuple(Paragraph(text[:1].upper() + text[1:]) for text in told))


def _lanes(course: Course) -> Section | None:
    figure = swimlane(course)
    if figure is None:
        return None
    caption = "In order of time, not to scale; days between visits are written."
    return Section("Visits and treatments", (Figures((figure,), caption, columns=1),), anchor="course")


def _projections(course: Course, figures: tuple[Figure, ...]) -> Section | None:
    if not figures:
        return None
    columns = 3 if len(figures) in (5, 6) else min(len(figures), 4)
    caption = (
        "Coronal maximum intensity projections; the patient's right is on the left. A lesion has the same number in "
        "every study. Uptake that was set apart is not numbered here."
    )
    shown = (Shown(lesion, observation) for lesion in course.lesions for observation in lesion.observations)
    followed_only = tuple(item for item in shown if not item.quiet)
    return Section("Where the uptake is", (Figures(figures, caption, columns, legend(followed_only)),))


def _changes(course: Course) -> Section | None:
    tables = (event_table(course), change_table(course))
    blocks: list[Block] = [table for table in tables if table is not None]
    return Section("What changed between visits", tuple(blocks)) if blocks else None


def _pictures(course: Course, volumes: Mapping[str, StudyVolumes]) -> Section | None:
    matrix = side_by_side(course, volumes)
    return Section("Lesions side by side", (matrix,)) if matrix is not None else None


def _curves(course: Course) -> Section | None:
    curves = trajectories(course)
    return Section("Uptake and volume over the visits", (curves,)) if curves is not None else None
