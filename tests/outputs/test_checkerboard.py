"""The picture of an alignment shows what was done."""

from __future__ import annotations

from dataclasses import replace

from lutetia.model import AlignmentRecord
from lutetia.outputs.report.course.alignment import alignment_figures

IDENTITY = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))


def test_the_checkerboard_is_drawn_through_the_transform_that_is_used(two_visits):
    first, second = (study.id for study in two_visits.course.studies)
    record = AlignmentRecord(study=second, reference_study=first, method="rigid", status="ok", rigid=IDENTITY)
    course = two_visits.course.model_copy(update={"alignments": (record,)})

    def drawn(shift):
        volumes = {n: replace(v, from_reference=lambda points: points + shift) for n, v in two_visits.volumes.items()}
        return alignment_figures(course, volumes).figures[0].data

    assert drawn((0.0, 0.0, 0.0)) != drawn((0.0, 0.0, 25.0))
