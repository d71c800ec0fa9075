"""What lies in the liver's mask and is no liver: parts of bowel, kidney, adrenal and heart, which lie against it."""

from __future__ import annotations

from lutetia.imaging.lesions.densities import Densities
from lutetia.imaging.lesions.evidence import weigh
from lutetia.imaging.lesions.expectation import Needed
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import CANDIDATE, Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology import uneven_liver
from lutetia.imaging.lesions.physiology_fdg import gut_ceiling_fdg, judge_fdg
from lutetia.imaging.lesions.physiology_sstr import adrenal_uptake, gut_ceiling_sstr, judge_sstr
from lutetia.imaging.lesions.scan import Scan
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.surroundings import Surroundings

#: of 20 points: in the liver's mask a focus needs less to be a lesion; convention
AGAINST_LIVER = Needed(6.0)


def judge_in_liver(focus: Focus, around: Surroundings, scan: Scan) -> Judgement:
    """Propose what a focus is that was found against the liver."""
    marks, levels, densities, glucose = scan.marks, scan.levels, scan.densities, scan.glucose
    uneven = uneven_liver(focus, around, marks, levels, densities)
    if uneven is not None:
        return uneven
    ceiling = gut_ceiling_fdg(levels) if glucose else gut_ceiling_sstr(levels)
    bowel = bowel_in_liver_mask(focus, around, marks, ceiling, levels)
    # as dense as liver and alone: no loop, which runs on
    of_liver = glucose and around.joined < 0.3 and densities.as_dense_as_liver(around)
    if bowel is not None and not of_liver:
        return bowel
    adrenal = adrenal_in_liver_mask(focus, around, marks, scan.settings) if scan.tracer.is_sstr else None
    if glucose:
        other = (
            myocardium_in_liver_mask(focus, around, marks)
            or loop_in_liver_mask(around, marks, levels, densities)
            or neighbour_in_liver_mask(focus, around, marks, levels)
        )
        if other is not None:
            return other
    large = around.core_ml > 40  # no loop of bowel, no part of a kidney
    within = focus.label_share >= 0.6 and around.soft > 0.7 and around.fat < 0.08 and not around.renal_place
    if (
        adrenal is not None
        or focus.label_share >= 0.8
        or around.elongation < 1.3
        or large
        or (within and scan.tracer.is_sstr)
    ):
        return adrenal or CANDIDATE
    # at the rim of the mask, partly outside, not round: what lies against the liver there
    outside = judge_fdg if glucose else judge_sstr
    verdict = outside(focus, around, scan, AGAINST_LIVER)
    return verdict if verdict.physiological else CANDIDATE


def bowel_in_liver_mask(
    focus: Focus, around: Surroundings, marks: Landmarks, ceiling: float, levels: Levels
) -> Judgement | None:
    """Bowel, or a part of the kidney, that lies against the liver and in the rim of its mask.

    It is as dense as the patient's own bowel, falls off unlike in different directions, and all findings together are
    not those of a lesion. Where the liver is mostly tumour, or more than 4.5 × as hot as liver, that says nothing.
    """
    if not focus.in_liver or levels.liver is None or levels.tumour is not None or focus.peak > 4.5 * levels.liver:
        return None
    if around.core_ml > 8.0:
        return None  # as large as a loop that lies against the liver is not
    like_bowel = all(abs(hu) < 15.0 for hu in around.over_bowel_hu)
    uneven = around.evenness < 0.45 and around.weakest < 0.09
    if not (like_bowel and uneven and marks.near_the_rim("liver", around.point, 15.0)):
        return None
    evidence = weigh(focus, around, ceiling, AGAINST_LIVER)
    if evidence.enough:
        return None
    return Judgement(True, "bowel", f"in the rim of the liver's mask, as dense as bowel: {evidence.text}")


def adrenal_in_liver_mask(
    focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings
) -> Judgement | None:
    """The right adrenal lies against the liver and often in its mask: not round, behind, like the other one."""
    if around.elongation < 1.3 or abs(around.lateral) > 55 or around.ventral > 40:
        return None
    verdict = adrenal_uptake(focus, around, marks, settings)
    return verdict if verdict is not None and verdict.physiological else None


def myocardium_in_liver_mask(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """The heart lies on the left lobe, and breathing moves both: a large sheet of uptake there is its wall.

    So is a flat part of what is far hotter than liver and runs on.
    """
    away = marks.distance("heart", around.point)
    place = marks.in_chest(float(around.point[2])) and around.lateral > 20 and away is not None and away < 40
    if place and around.joined > 0.6 and around.evenness < 0.4 and focus.contrast > 3:
        return Judgement(True, "heart", f"uneven, part of a larger uptake {away:.0f} mm from the heart: myocardium")
    if away is None or away > 20 or focus.contrast <= 2.5 or around.ball_like or around.thinness <= 1.8:
        return None
    if around.core_ml > 20:
        return Judgement(True, "heart", f"a sheet of {around.core_ml:.0f} mL {away:.0f} mm from the heart: myocardium")
    bowl = around.elongation * around.thinness > 3.5 and around.evenness < 0.2
    if (around.joined > 0.7 and around.evenness < 0.35) or bowl:
        return Judgement(True, "heart", f"flat, part of a larger uptake {away:.0f} mm from the heart: myocardium")
    return None


def neighbour_in_liver_mask(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Bowel, kidney, stomach or heart in the rim of the liver's mask: what runs on into a larger uptake, unevenly.

    A metastasis that touches a hotter one falls off more alike, or has the points of a lesion against those of bowel;
    the flat top of a large one says nothing.
    Where the liver is mostly tumour the rule does not hold.
    """
    if levels.tumour is not None or around.joined <= 0.45 or around.evenness >= 0.5 or around.core_ml >= 12:
        return None
    evidence = weigh(focus, around, gut_ceiling_fdg(levels), AGAINST_LIVER)
    if evidence.enough or not marks.near_the_rim("liver", around.point, 20.0):
        return None
    organ = "bowel"
    if marks.in_chest(float(around.point[2])):
        organ = "heart"
    elif around.renal_place:
        organ = "kidney_left" if around.lateral > 0 else "kidney_right"
    what = organ.split("_")[0]
    return Judgement(
        True, organ, f"in the rim of the liver's mask, runs on into a larger uptake: {what}; {evidence.text}"
    )


def loop_in_liver_mask(
    around: Surroundings, marks: Landmarks, levels: Levels, densities: Densities
) -> Judgement | None:
    """Stomach or bowel in the rim of the liver's mask: it runs on into a larger uptake, and CT shows it to be no liver.

    There is fat beside it within 10 mm of the rim, or within 20 mm it is as dense as the patient's own bowel (10 HU)
    and not as liver. Where the liver is mostly tumour the rule does not hold.
    """
    if levels.tumour is not None or around.joined <= 0.5 or not around.has_ct:
        return None
    if around.fat > 0.1 and marks.near_the_rim("liver", around.point, 10.0):
        return Judgement(True, "bowel", "in the rim of the liver's mask, fat beside it, runs on into a larger uptake")
    of_bowel = all(abs(hu) < 10.0 for hu in around.over_bowel_hu)
    if of_bowel and densities.unlike_liver(around) and marks.near_the_rim("liver", around.point, 20.0):
        return Judgement(True, "bowel", "in the rim of the liver's mask, as dense as bowel and not as liver, runs on")
    return None
