"""Which foci belong to the liver although the mask says otherwise: masks, breathing and tumour disagree."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions.densities import UNKNOWN, Densities
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology_urinary import one_of_two_kidneys
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.model import Tracer

#: a lobe that the mask leaves out may lie so far from it, and so far before the spine's centre at least
_LOBE_MM, _BEFORE_SPINE_MM = 45.0, 20.0
_AROUND_LIVER = tuple(LABELS[name] for name in ("body", "liver", "lung_left", "lung_right", "heart"))


def belongs_to_liver(
    focus: Focus,
    around: Surroundings,
    marks: Landmarks,
    levels: Levels,
    tracer: Tracer,
    densities: Densities = UNKNOWN,
) -> None:
    """A focus at the rim of the liver's mask with liver around it is one of the liver: masks and breathing differ."""
    if focus.in_liver or levels.liver is None or focus.peak < 1.3 * levels.liver:
        return
    if one_of_two_kidneys(focus, around, marks, levels) is not None:
        return
    over = focus.background / levels.liver
    alone = around.ball_like or around.joined < 0.6  # kidney has the rest of the kidney beside it
    if focus.label in marks.swollen_kidney and 0.9 < over < 1.3 and (alone or around.joined < 0.75):
        _to_liver(focus, levels.liver)  # a kidney lies in fat; this lies in liver, so the kidney's mask holds liver
        return
    away = marks.distance("liver", around.point)
    kidneys = (LABELS["kidney_left"], LABELS["kidney_right"])
    same_side = marks.liver_x is not None and marks.liver_x * around.lateral > 0
    splinter = around.joined >= 0.8 and around.core_ml < 8.0  # a small part of a larger uptake: the kidney
    no_fat = around.fat + around.gas < 0.08 and not splinter
    if focus.label in kidneys and same_side and no_fat and densities.of_liver(around):
        _to_liver(focus, levels.liver)  # as dense as liver, and no fat between: a kidney's mask that holds liver
        return
    # the mask of a kidney that has run into the liver takes some of the fat between them along
    round_ = max(around.elongation, around.thinness) < 1.25 and around.joined < 0.6
    enclosed = around.fat < (0.08 if round_ else 0.03) and around.joined < 0.8 and around.evenness >= 0.45
    enclosed = enclosed and not densities.of_urine(around)
    if focus.label in kidneys and same_side and 0.85 < over < 1.3 and enclosed:
        _to_liver(focus, levels.liver)  # a ball without perirenal fat, and liver's uptake all around
        return
    beside = away is not None and away < 8 and around.fat < 0.15 and focus.label in _AROUND_LIVER
    if levels.tumour is not None and beside and focus.peak > 1.4 * levels.liver:
        _to_liver(focus, levels.liver)  # a liver mostly of tumour: its mask, drawn by uptake, falls short
        return
    in_kidney = focus.label in kidneys
    reach = 15 if over > 0.6 else 10 + 12 * (around.core_ml > 8)  # the peak of a large focus lies deeper
    beyond = in_kidney and not around.renal_place and alone
    if beyond and away is not None and away < reach and focus.peak > 1.6 * levels.liver:
        _to_liver(focus, levels.liver)
        return
    if focus.label not in (LABELS["liver"], LABELS["body"]):
        return
    if away is None:
        return
    if tracer.is_sstr and away < _LOBE_MM and _in_a_lobe(around, marks, over):
        _to_liver(focus, levels.liver)
        return
    if away >= 10:
        return
    compact = over >= 0.7 and around.elongation < 1.4 and around.joined < 0.8
    at_dome = around.lung > 0.15 and focus.peak > 1.5 * levels.liver and around.elongation < 1.8 and tracer.is_sstr
    # in FDG heart and kidney beside the liver are as hot
    intense = tracer.is_sstr and over >= 0.55 and focus.peak > 2.2 * levels.liver
    if ((compact or at_dome) and away < 8) or intense:
        _to_liver(focus, levels.liver)


def _in_a_lobe(around: Surroundings, marks: Landmarks, over: float) -> bool:
    """Liver all around, where a left lobe lies: the mask ends where a lobe hangs on by a narrow bridge.

    Liver's uptake around it, neither fat nor gas as round a node or in bowel, at the liver's height, before the spine.
    """
    low, high = marks.liver_low, marks.liver_high
    if low is None or high is None or not low < float(around.point[2]) < high or around.ventral <= _BEFORE_SPINE_MM:
        return False
    return around.has_ct and 0.85 < over < 1.15 and around.fat + around.gas < 0.03 and 20 < around.ct_hu < 110


def _to_liver(focus: Focus, liver: float) -> None:
    focus.in_liver = True
    focus.background = liver
