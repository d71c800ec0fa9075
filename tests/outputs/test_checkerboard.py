"""The picture of an alignment shows what was done."""

from __future__ import annotations

from dataclasses import replace

from lutetia.outputs.report.course.alignment import alignment_figures


def test_the_checkerboard_is_drawn_through_the_transform_that_is_used(followed):
    def drawn(shift):
        volumes = {n: replace(v, from_reference=lambda points: points + shift) for n, v in followed.volumes.items()}
        return alignment_figures(followed.course, volumes).figures[0].data

    assert drawn((0.0, 0.0, 0.0)) != drawn((0.0, 0.0, 25.0))
