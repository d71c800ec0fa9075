"""The heart on FDG: myocardium takes up much of it, whole or in patches, and blood little."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import NAMES
from lutetia.imaging.lesions import physiology_basics as basics
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.surroundings import Surroundings


def heart_uptake(focus: Focus, around: Surroundings) -> Judgement | None:
    """Myocardium takes up FDG in whole or in patches (papillary muscles, septum, lateral wall), blood little."""
    if NAMES.get(focus.label) != "heart" or focus.label_share < 0.5:
        return None
    if focus.label_share < 0.75 and basics.node_in_fat(around):
        return None
    return Judgement(True, "heart", f"in the heart, SUV {focus.top:.1f}: myocardium, whose uptake may be patchy")


def heart_wall(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Myocardium in the place of the left ventricle, also where the heart's mask falls short of it.

    It is a bowl: flat, and falling off unlike along and across, which no node or metastasis is together. Its parts run
    on into one another, and papillary muscles have soft tissue of the heart on every side.
    """
    away = marks.distance("heart", around.point)
    if away is None or away > 80:
        return None
    words = f"{away:.0f} mm from the heart: myocardium"
    bowl = around.elongation * around.thinness > (1.9 if away < 20 else 2.5) and around.core_ml >= 4
    intense = focus.contrast > 4 and around.evenness < 0.22 and away < 60
    if intense and bowl and around.lateral > -20 and around.ventral > 60:
        return Judgement(True, "heart", f"an intense, uneven sheet {words}")
    in_chest = marks.in_chest(float(around.point[2]))
    if in_chest and away < 12 and around.joined > 0.75:
        return Judgement(True, "heart", f"part of a larger uptake {words}")
    over_lung = around.has_ct and around.ct_peak_hu < -400 and around.joined > 0.8
    if over_lung and away < 50 and around.evenness < 0.3:
        return Judgement(True, "heart", f"over lung on CT, part of a larger uptake {words}, which breathing moves")
    if around.lateral < 20 or around.ventral < 75:
        return None
    if around.joined > 0.8 and around.evenness < 0.3 and focus.contrast > 3:
        return Judgement(True, "heart", f"uneven, part of a larger uptake {words}")
    enclosed = around.has_ct and max(around.fat, around.lung, around.gas) < 0.01 and around.joined > 0.3
    if enclosed and away < 60 and in_chest:
        return Judgement(True, "heart", f"soft tissue on every side, {words}")
    return None


def myocardium(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Part of a larger uptake at the heart, or shaped like its wall beside it; a node of a chain is neither."""
    at_heart = NAMES.get(focus.label) == "heart" and around.joined > 0.5 and around.core_ml > 5
    if at_heart and not around.ball_like:
        return Judgement(True, "heart", f"{around.core_ml:.0f} mL of a larger uptake at the heart: myocardium")
    inside = basics.lies_in(focus, around, "heart")
    if (
        inside is not None
        and (around.core_ml > 5 or around.joined > 0.5 or not around.compact)
        and not around.ball_like
    ):
        return Judgement(True, "heart", "myocardium")
    z = float(around.point[2])
    beyond = marks.distance("heart", around.point)
    node = beyond is not None and beyond > 30 and around.elongation < 1.3 and around.thinness < 1.5  # of a chain
    if (
        not node
        and marks.in_chest(z)
        and around.joined > 0.7
        and around.evenness < 0.5
        and 15 < around.ventral < 120
        and abs(around.lateral) < 100
    ):
        return Judgement(True, "heart", "part of a larger uptake beside the heart: myocardium")
    flat = around.elongation > 1.5 or around.thinness > 1.8
    runs_on = around.joined > 0.8 and flat and focus.contrast > 3
    if marks.in_chest(z) and around.ventral > 15 and runs_on and beyond is not None and beyond < 35:
        return Judgement(
            True, "heart", f"not round, part of a larger uptake {beyond:.0f} mm from the heart: myocardium"
        )
    above = marks.liver_high is not None and -40 < z - marks.liver_high < 90 and marks.lung_top is None
    if above and 0 < around.lateral < 120 and (around.joined > 0.5 or around.core_ml > 15):
        return Judgement(True, "heart", "large uptake above and to the left of the liver: myocardium, no CT to tell")
    wall = around.thinness > 1.6 or around.elongation > 1.4 or around.core_ml > 15
    wall = wall and not (around.ball_like and around.joined < 0.1)  # a ball by itself: a node at the heart
    if beyond is not None and beyond < 8 and wall and not around.nodule_in_fat:
        return Judgement(True, "heart", f"{beyond:.0f} mm from the heart, shaped like its wall")
    return None
