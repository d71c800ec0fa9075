"""A focus on its way to a record."""

from __future__ import annotations

from dataclasses import dataclass

from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.outline import Outline
from lutetia.imaging.lesions.sites import Site
from lutetia.imaging.lesions.surroundings import Surroundings


@dataclass(eq=False)
class Found:
    """A focus with everything known about it before it becomes a record."""

    focus: Focus
    around: Surroundings
    judgement: Judgement
    site: Site
    outline: Outline | None = None
    members: int = 1
    confluent: bool = False
