"""Stomach, bowel and pancreas, for every tracer: what is theirs, and what stays a candidate although it lies there."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import NAMES
from lutetia.imaging.lesions.evidence import weigh
from lutetia.imaging.lesions.expectation import Needed
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology_basics import in_bone, times
from lutetia.imaging.lesions.surroundings import Surroundings

MARKED = {
    "pancreas": "in pancreas",
    "bowel": "in bowel",
    "stomach": "in stomach",
    "gallbladder": "in gallbladder",
}


def gut(
    focus: Focus,
    around: Surroundings,
    marks: Landmarks,
    ceiling: float,
    levels: Levels,
    needed: Needed,
    *,
    glucose: bool = False,
) -> Judgement | None:
    """Stomach, bowel, pancreas: diffuse uptake is theirs; where the findings together speak for a lesion it stays one.

    Parameters
    ----------
    ceiling : SUV above which a focal uptake is not explained by these organs
    needed : points of 20 that make it a lesion, see `expectation`
    glucose : FDG, which hot loops take up far above the ceiling
    """
    z = float(around.point[2])
    if not marks.in_abdomen(z) or in_bone(focus, around):
        return None
    if _at_the_dome(focus, around, marks, levels) or (glucose and around.lung > 0.5):
        return None  # bowel does not lie in lung
    name = NAMES.get(focus.label, "")
    known = name if name in MARKED and focus.label_share >= 0.5 else ""
    if around.ventral < -20 and not known and not marks.in_pelvis(z):
        return None
    alone = (around.joined < 0.15 or (around.ball_like and around.joined < 0.35)) and around.elongation < 1.6
    bones = [marks.distance(n, around.point) for n in ("skeleton", "spine")]
    if not known and alone and any(away is not None and away < 5 for away in bones):
        return None  # against bone and apart from everything else: bowel does not lie there
    organ = known or "bowel"
    mark = (MARKED[known],) if known else ()
    evidence = weigh(focus, around, ceiling, needed)
    mass = around.elongation < 1.3 and around.thinness < 1.5 and around.joined < 0.1 and 5 < around.core_ml < 60
    large = around.elongation < 1.25 and around.thinness < 1.3 and around.joined < 0.45 and 8 < around.core_ml < 60
    if (mass and focus.contrast > 4) or (large and focus.contrast > 6):
        return Judgement(False, "", "round mass of uptake set apart from everything else", mark)
    weighed = glucose and around.joined > 0.5 and not around.ball_like  # a hot loop runs on
    above = "" if weighed else _far_above(focus, around, ceiling)
    if above:
        return Judgement(False, "", f"{above}; {evidence.text}", mark)
    if evidence.enough:
        return Judgement(False, "", evidence.text, mark, evidence.points)
    return Judgement(True, organ, f"stomach, bowel or pancreas: {evidence.text}", mark, evidence.points)


def _at_the_dome(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> bool:
    """Hotter than liver, and lung on CT: a lesion of the lung, or of the liver's dome that breathing has moved."""
    if levels.liver is None or focus.peak < 1.4 * levels.liver or not around.has_ct or around.ct_peak_hu > -400:
        return False
    away = [marks.distance(name, around.point) for name in ("lung_left", "lung_right")]
    return around.lung > 0.3 and any(mm is not None and mm < 5 for mm in away)


def _far_above(focus: Focus, around: Surroundings, ceiling: float) -> str:
    """Why uptake far above what bowel reaches stays a candidate unless it is a thread (urine, a duct): "" if not."""
    if focus.top > 2.5 * ceiling and around.elongation < 1.8 and around.core_ml < 40:
        return f"SUV {focus.top:.1f} far above bowel, stomach and pancreas"
    return ""


def before_the_spine(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A solid focus between vertebra and great vessels, where bowel does not lie: a retroperitoneal node."""
    z = float(around.point[2])
    place = abs(around.lateral) < 25 and 12 < around.ventral < 52 and marks.in_abdomen(z) and not marks.in_pelvis(z)
    shape = around.elongation < 1.65 and around.thinness < 1.6 and around.core_ml < 5 and around.joined < 0.62
    solid = 25 < around.ct_peak_hu < 130
    if place and shape and solid and focus.contrast > 4 and focus.peak > 3.5 * levels.blood:
        return Judgement(False, "", f"solid, before the spine, {times(focus.contrast)} what lies around")
    return None
