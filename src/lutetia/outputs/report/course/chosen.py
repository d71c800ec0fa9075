"""Pictures of a course show the lesions that a reader asks for first."""

from __future__ import annotations

from lutetia.model import Course, Lesion
from lutetia.outputs.report.blocks import Figure
from lutetia.outputs.report.course.following import (
    changed,
    followed,
)

#: More curves or rows of pictures than this nobody compares; the caption states the rule.
MOST_CURVES, MOST_ROWS, MOST_PICTURES, MOST_COLUMNS = 12, 12, 84, 7

CHOICE = "lesions that changed first, then the largest"


def svg_figure(name: str, svg: str, alt: str, width: float, height: float, caption: str = "") -> Figure:
    """A chart of ours as a figure."""
    return Figure(name, "svg", svg.encode(), width, height, alt, caption)


def svg_size(svg: str) -> tuple[float, float]:
    """Width and height from the view box of our own SVG."""
    box = svg.split("viewBox='", 1)[1].split("'", 1)[0].split()
    return float(box[2]), float(box[3])


def chosen_lesions(course: Course, most: int) -> tuple[Lesion, ...]:
    """At most so many lesions: those that changed first, then the largest; in the order of the course.

    The lesions that the sources would sample first are always among them.
    """
    targets = {entry.biopsy_target for entry in course.phenotypes}

    def rank(lesion: Lesion) -> tuple[bool, bool, float, str]:
        volume = max((o.volume_ml for o in lesion.observations), default=0.0)
        return lesion.id not in targets, not changed(lesion), -volume, lesion.id

    kept = {lesion.id for lesion in sorted(followed(course), key=rank)[:most]}
    return tuple(lesion for lesion in followed(course) if lesion.id in kept)
