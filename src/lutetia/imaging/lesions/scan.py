"""What every judgement of one scan asks."""

from __future__ import annotations

from dataclasses import dataclass

from lutetia.imaging.lesions.densities import Densities
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.working import Working
from lutetia.model import Tracer


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan as a focus is judged in it.

    Attributes
    ----------
    work : the working grid foci were sought on
    marks : where organs lie
    levels : uptake of blood, liver and spleen, and noise
    densities : of liver and kidney on CT
    tracer, settings : what was injected, and the choices in force
    """

    work: Working
    marks: Landmarks
    levels: Levels
    densities: Densities
    tracer: Tracer
    settings: LesionSettings

    @property
    def glucose(self) -> bool:
        """Whether the tracer shows glucose uptake."""
        return self.tracer.binds == "glucose"
