"""Physiological uptake of FDG, as reasoned proposals."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import NAMES
from lutetia.imaging.lesions import physiology as common
from lutetia.imaging.lesions import physiology_basics as basics
from lutetia.imaging.lesions import physiology_heart as heart
from lutetia.imaging.lesions import physiology_urinary as urinary
from lutetia.imaging.lesions.expectation import Needed
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import CANDIDATE, Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology_gut import before_the_spine, gut
from lutetia.imaging.lesions.scan import Scan
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.surroundings import Surroundings

#: bowel and stomach vary; focal uptake above this many times liver is not theirs alone; convention
_GUT_OVER_LIVER = 2.3


def judge_fdg(
    focus: Focus,
    around: Surroundings,
    scan: Scan,
    needed: Needed,
) -> Judgement:
    """Propose what a focus of FDG uptake outside the liver is; `needed` points make a lesion of it where bowel lies."""
    work, marks, levels, settings = scan.work, scan.marks, scan.levels, scan.settings
    ceiling = gut_ceiling_fdg(levels)
    return (
        basics.lies_in(focus, around, "brain", "kidney_left", "kidney_right", "urinary_bladder", "spleen")
        or urine_in_kidney(focus, around, levels)
        or heart.heart_uptake(focus, around)
        or heart.heart_wall(focus, around, marks)
        or _beside_kidney(focus, around, marks)
        or kidney_taken_for_bone(focus, around, marks)
        or brown_fat(focus, around, marks, settings)
        or marrow_uptake(focus, around, marks, levels)
        or rectal_uptake(focus, around, marks, levels)
        or common.liver_rim(focus, around, work, marks, levels)
        or common.great_vessel(focus, around, marks, levels)
        or urinary.ureter_beside_bone(focus, around, marks)
        or common.bone_lesion(focus, around, marks)
        or common.gullet(focus, around, marks, levels)
        or _brain(focus, around, marks)
        or heart.myocardium(focus, around, marks)
        or urinary.kidney_and_bladder(focus, around, marks)
        or urinary.part_of_organ(focus, around, work, marks)
        or _head_and_neck(focus, around, marks, settings)
        or _cord_and_gullet(focus, around, marks, levels)
        or urinary.ureter(focus, around, marks)
        or urine_drop(focus, around, marks, levels)
        or vascular_blood(focus, around, marks, levels)
        or common.scrotum(focus, around, marks)
        or gonadal_uptake(focus, around, marks)
        or faint_uptake(focus, around, levels)
        or before_the_spine(focus, around, marks, levels)
        or gut(focus, around, marks, ceiling, levels, needed, glucose=True)
        or CANDIDATE
    )


def gut_ceiling_fdg(levels: Levels) -> float:
    """SUV above which focal FDG uptake is not explained by stomach and bowel."""
    return _GUT_OVER_LIVER * (levels.liver or 1.5 * levels.blood)


def kidney_taken_for_bone(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """An enhanced kidney is as dense as bone: where the one of this side was not found, its mask may be bone's.

    A lesion of a rib or a transverse process stands apart; this runs on into a larger uptake beside the spine.
    """
    side = "left" if around.lateral > 0 else "right"
    if side in marks.kidney or not around.renal_place or around.joined <= 0.7 or not basics.in_bone(focus, around):
        return None
    if abs(around.lateral) < 30 or not marks.in_abdomen(float(around.point[2])):
        return None
    return Judgement(True, f"kidney_{side}", f"part of a larger uptake where the {side} kidney was not found on CT")


def marrow_uptake(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Marrow, and its noise: faint uptake in bone with a flat top. A ball well above the rest of marrow is none."""
    ball = around.ball_like and focus.contrast > 2.5 and not marks.in_head_and_neck(float(around.point[2]))
    vertebral = abs(around.lateral) < 18 and -30 < around.ventral < 14
    faint = focus.peak < 1.5 * levels.blood and around.weakest < 0.08 and not around.ball_like
    # pelvic bones are less dense than their mask asks for: what is faint and runs on there is their marrow
    runs_on = focus.peak < 1.6 * levels.blood and around.joined > 0.8 and around.weakest < 0.09
    pelvic = runs_on and not around.ball_like and marks.in_pelvis(float(around.point[2]))
    if pelvic or (faint and (vertebral or basics.in_bone(focus, around))):
        ratio = basics.times(focus.peak / levels.blood)
        return Judgement(True, "bone_marrow", f"{ratio} blood pool, no ball: marrow")
    return None if ball else common.marrow(focus, around, levels)


def rectal_uptake(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Behind the bladder in the midline, as wide as a bowel: the rectum, hot when it fills or empties."""
    if marks.bladder_middle is None or basics.in_bone(focus, around) or around.core_ml < 2.0:
        return None
    behind = float(around.point[1] - marks.bladder_middle[1])
    above = float(around.point[2] - marks.bladder_middle[2])
    if abs(around.lateral) < 32 and behind > 40 and -50 < above < 15 and focus.top < 2.5 * gut_ceiling_fdg(levels):
        return Judgement(
            True, "bowel", f"{behind:.0f} mm behind the middle of the bladder, SUV {focus.top:.1f}: rectum"
        )
    return None


def faint_uptake(focus: Focus, around: Surroundings, levels: Levels) -> Judgement | None:
    """Little above blood pool and what lies around, and no ball: vessels, muscle and glands are all so uneven."""
    if basics.in_bone(focus, around) or around.ball_like or focus.peak >= 1.3 * levels.blood or focus.contrast >= 2.7:
        return None
    ratio = basics.times(focus.peak / levels.blood)
    return Judgement(True, "vessels", f"{ratio} blood pool, no ball, little contrast: vessel, muscle or gland")


def vascular_blood(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Blood in vessels; a ball far from heart and great vessels, or a nodule in fat beside them, is none."""
    aside = abs(around.lateral)
    nodule = around.has_ct and -20 < around.ct_peak_hu < 130 and around.fat >= 0.3 and around.elongation < 1.6
    if (aside > 60 and around.ball_like) or (aside > 30 and nodule):
        return None
    return common.blood(focus, around, marks, levels)


def _beside_kidney(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Bone near a kidney (ribs, transverse processes, contrast as dense as bone) does not make its rim a lesion."""
    if focus.label in basics.BONES and focus.label_share >= 0.7:
        return None
    beside = urinary.kidney_and_bladder(focus, around, marks)
    return beside if beside is not None and beside.organ.startswith("kidney") else None


def urine_in_kidney(focus: Focus, around: Surroundings, levels: Levels) -> Judgement | None:
    """Intense and as thin as fluid in a kidney's mask: urine in a calix, however round and apart."""
    thin = around.has_ct and max(around.ct_hu, around.ct_peak_hu) < 25
    if focus.label not in basics.KIDNEYS or focus.label_share <= 0.8 or not thin or focus.top < 4.0 * levels.blood:
        return None
    name = NAMES[focus.label]
    return Judgement(True, name, f"as thin as fluid in the {name.replace('_', ' ')}, SUV {focus.top:.1f}: urine")


def urine_drop(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A drop in the course of the ureter as thin as water, or an intense one there or at a kidney's pelvis.

    A node is solid; a round one by itself that CT doesn't show as thin as water is weighed with all that speaks for a
    lesion.
    """
    if _drop_of_water(around) and abs(around.lateral) > 8 and urinary.in_course_of_ureter(around, marks):
        return Judgement(
            True,
            "ureter",
            f"a drop of SUV {focus.top:.1f} in the course of the ureter, as thin as water; follow the ureter",
        )
    intense = focus.top > 2.5 * (levels.liver if levels.liver is not None else 1.5 * levels.blood)
    unseen = around.has_ct and max(around.ct_hu, around.ct_peak_hu) < 15 and around.fat > 0.15
    at_pelvis = [marks.distance(name, around.point) for name in ("kidney_left", "kidney_right")]
    place = urinary.in_course_of_ureter(around, marks) or any(mm is not None and mm < 12 for mm in at_pelvis)
    if not (intense and unseen and around.core_ml < 1.5 and place):
        return None
    if around.ball_like and around.joined < 0.3 and around.companions == 0 and around.elongation < 1.35:
        return None  # one round focus by itself: weighed with all that speaks for a lesion
    return Judgement(
        True, "ureter", f"a drop of SUV {focus.top:.1f} in the course of the ureter, nothing on CT; follow the ureter"
    )


def _drop_of_water(around: Surroundings) -> bool:
    """Small (1.2 mL), and no denser than water (10 HU with the noise of a CT) where uptake is highest."""
    return around.has_ct and around.ct_peak_hu < 10 and around.core_ml < 1.2


def gonadal_uptake(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Well below the bladder, in front and near the midline: testes are round, and take up FDG to about SUV 5.

    A woman has nothing round there.
    """
    if marks.sex == "F" or marks.bladder_middle is None or basics.in_bone(focus, around) or focus.top > 5.0:
        return None
    below = float(around.point[2]) < float(marks.bladder_middle[2]) - 70
    if below and abs(around.lateral) < 50 and around.ventral > 20:
        return Judgement(True, "gonads", f"well below the bladder near the midline, SUV {focus.top:.1f}: testis")
    return None


def _brain(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    away = marks.distance("brain", around.point)
    part = around.joined > 0.5 and not around.ball_like
    if away is not None and away < (16 if part else 8):
        return Judgement(True, "brain", f"{away:.0f} mm from the brain")
    if not marks.brain_found and around.core_ml > 300 and marks.in_head_and_neck(float(around.point[2])):
        return Judgement(True, "brain", f"{around.core_ml:.0f} mL of uptake in the head")
    return None


def brown_fat(focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings) -> Judgement | None:
    """Uptake in fat on both sides of neck, shoulders or spine."""
    if not around.has_ct or marks.lung_top is None:
        return None
    fatty = -150 < around.ct_hu < -35 and around.fat > 0.3
    level = around.point[2] > marks.lung_top - 120
    diffuse = around.core_ml > 1.5 or around.elongation > 1.4 or around.joined > 0.3
    plainly_fat = -200 < around.ct_hu < -65 and -200 < around.ct_peak_hu < -60  # lung is thinner
    if plainly_fat and level:
        return Judgement(True, "brown_fat", f"nothing but fat on CT ({around.ct_hu:.0f} HU), SUV {focus.top:.1f}")
    if fatty and diffuse and level and around.other_side <= settings.asymmetry:
        return Judgement(True, "brown_fat", f"fat on CT ({around.ct_hu:.0f} HU) on both sides, SUV {focus.top:.1f}")
    return None


def _head_and_neck(focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings) -> Judgement | None:
    """Tonsils, glands, larynx, eyes: alike on both sides, or in the midline."""
    z = float(around.point[2])
    if not marks.in_head_and_neck(z):
        return None
    if not marks.brain_found and marks.lung_top is not None and z > marks.lung_top + 100 and around.joined > 0.55:
        return Judgement(True, "head_and_neck", "part of a larger uptake in the head, whose brain was not found")
    part = around.evenness < 0.5 and around.joined > 0.6 and around.other_side <= settings.asymmetry
    if part or (around.other_side < 0.6 and not around.ball_like):
        return Judgement(
            True,
            "head_and_neck",
            f"no ball, and the other side is as hot or hotter (ratio {around.other_side:.1f}): "
            "brain, eyes, glands, tonsils or muscles",
        )
    if around.has_ct and around.ct_peak_hu > 180:
        return None
    if focus.label in basics.BONES and focus.label_share >= 0.5 and not around.ct_peak_hu < 100:
        return None
    if abs(around.lateral) < 12:
        return Judgement(True, "head_and_neck", f"midline uptake of larynx, pharynx or mouth, SUV {focus.top:.1f}")
    paired = 1 / settings.asymmetry <= around.other_side <= settings.asymmetry
    glands = marks.lung_top is None or z > marks.lung_top + 50  # above the supraclavicular nodes
    if (paired and glands and around.core_ml > 0.4) or (
        around.other_side <= settings.asymmetry and around.core_ml > 0.8
    ):
        return Judgement(
            True, "head_and_neck", f"both sides alike (ratio {around.other_side:.1f}): tonsils, glands, muscles or eyes"
        )
    return None


def _cord_and_gullet(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Thin midline structures: the spinal cord behind, the oesophagus in front of the spine."""
    if abs(around.lateral) > 25 or focus.peak > 2.5 * levels.blood or basics.in_bone(focus, around, 0.6):
        return None
    z = float(around.point[2])
    if around.ventral < 5 and abs(around.lateral) < 12:
        return Judgement(True, "spinal_cord", f"behind the vertebral bodies in the midline, SUV {focus.top:.1f}")
    chest = marks.in_chest(z) or marks.in_head_and_neck(z)
    if chest and 10 < around.ventral < 60 and (around.elongation > 1.5 or around.joined > 0.6):
        return Judgement(True, "esophagus", f"a band in front of the spine, SUV {focus.top:.1f}: gullet")
    return None
