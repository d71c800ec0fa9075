"""Physiological uptake of FDG, as reasoned proposals."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import CANDIDATE, Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.imaging.lesions.working import Working


def judge_fdg(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement:
    """Propose what a focus of FDG uptake outside the liver is."""
    name = NAMES.get(focus.label, "")
    if focus.label_share >= 0.5 and name in ("kidney_left", "kidney_right", "urinary_bladder", "brain", "spleen"):
        return Judgement(True, name, f"{focus.label_share:.0%} of the core lies in the {name.replace('_', ' ')}")
    if focus.label_share >= 0.4 and name == "heart":
        return Judgement(True, "heart", "myocardium")
    for organ in ("brain", "urinary_bladder", "kidney_left", "kidney_right"):
        away = marks.distance(organ, around.point)
        if away is not None and away < 8:
            return Judgement(True, organ, f"{away:.0f} mm from the {organ.replace('_', ' ')}")
    return CANDIDATE if focus.label != LABELS["heart"] else Judgement(True, "heart", "myocardium")
