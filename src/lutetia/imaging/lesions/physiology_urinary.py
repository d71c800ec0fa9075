"""Kidneys, ureters and bladder, for every tracer."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology_basics import BONES, KIDNEYS, in_bone, node_in_fat
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.imaging.lesions.working import Working


def one_of_two_kidneys(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Hot uptake beside the spine that shows itself as kidney, whatever mask it lies in.

    It is as hot as the mirrored place (kidneys come in pairs, lesions do not), or, in a kidney's mask, enhanced on CT
    beyond what liver reaches (150 HU), or lies in perirenal fat.
    """
    z = float(around.point[2])
    if not marks.in_abdomen(z) or marks.in_pelvis(z) or not 30 < abs(around.lateral) < 120:
        return None
    hot = focus.peak > 1.5 * (levels.liver if levels.liver is not None else 3.0 * levels.blood)
    if not hot or around.core_ml > 250 or node_in_fat(around) or (focus.label in BONES and focus.label_share >= 0.5):
        return None
    in_mask = focus.label in KIDNEYS and focus.label_share >= 0.8
    own = marks.distance("kidney_left" if around.lateral > 0 else "kidney_right", around.point)
    if focus.in_liver and focus.label == LABELS["liver"]:
        elsewhere = own is not None and own > 12
        enclosed = focus.label_share >= 0.9 and around.fat < 0.03 and around.soft > 0.9
        if elsewhere or enclosed:
            return None  # the kidney of this side lies elsewhere, or there is liver on every side and no perirenal fat
    why = ""
    if in_mask and around.ct_peak_hu > 150 and -70 < around.ventral < 75:
        why = f"enhanced to {around.ct_peak_hu:.0f} HU"
    elif in_mask and around.fat > 0.4 and -70 < around.ventral < 25:
        why = "in perirenal fat"
    elif 0.8 < around.other_side < 1.25 and -70 < around.ventral < 25 and around.core_ml > 1.0:
        part = around.joined > 0.7 if in_mask else (around.joined > 0.7 and around.elongation > 1.15)
        if part or around.thinness > 1.5 or (around.thinness > 1.3 and around.elongation > 1.3):
            why = f"as hot as the mirrored place (ratio {around.other_side:.1f})"
    if not why:
        return None
    side = "left" if around.lateral > 0 else "right"
    return Judgement(True, f"kidney_{side}", f"beside the spine, {why}: kidney")


def ball_in_organ_mask(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A ball of its own far from the middle of the kidney or bladder in whose mask it lies: what lies against it.

    A kidney's own round uptake is urine in its pelvis, in the middle; its cortex is a rind, which is no ball and does
    not stand apart. A bladder is one vessel. Drops in the calices are smaller.
    """
    name = NAMES.get(focus.label, "")
    middle = {
        "kidney_left": marks.kidney.get("left"),
        "kidney_right": marks.kidney.get("right"),
        "urinary_bladder": marks.bladder_middle,
    }.get(name)
    if middle is None or focus.label_share < 0.5 or not 4.0 < around.core_ml < 30.0:
        return None
    apart = 0.0 < around.joined < (0.3 if name == "urinary_bladder" else 0.65)
    ball = around.weakest >= 0.10 and around.elongation < 1.25 and around.thinness < 1.25
    away = float(np.linalg.norm(around.point - middle))
    if not (apart and ball) or away < 35.0:
        return None
    words = name.replace("_", " ")
    why = f"a ball of its own, {away:.0f} mm from the middle of the {words} in whose mask it lies"
    return Judgement(False, "", why, (f"against the {words}",))


def kidney_and_bladder(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Rim and pelvis of the kidneys, rim of the bladder, and a kidney that the anatomy did not find."""
    bone = around.has_ct and around.ct_peak_hu > 350 and around.bone > 0.5  # denser than any enhanced kidney
    for side in ("left", "right") if not (node_in_fat(around) or bone) else ():
        name = f"kidney_{side}"
        away = marks.distance(name, around.point)
        centre = marks.kidney.get(side)
        if away is None or centre is None or not around.renal_place or (around.ball_like and around.joined < 0.6):
            continue
        inward = abs(around.lateral) < abs(float(centre[0]) - marks.midline(float(centre[2])))
        level = abs(float(around.point[2] - centre[2])) < 45
        urine = not (around.has_ct and 30 < around.ct_peak_hu < 150)
        if away < 6 or (inward and level and away < 16 and urine and around.ventral < 60):
            return Judgement(True, name, f"{away:.0f} mm from the {side} kidney: cortex, pelvis or spill from it")
    away = marks.distance("urinary_bladder", around.point)
    if away is not None and away < 6 and not (around.ball_like and around.joined < 0.75):
        return Judgement(True, "urinary_bladder", f"{away:.0f} mm from the bladder: its rim or spill from it")
    if around.core_ml > 40 and marks.in_abdomen(float(around.point[2])) and abs(around.lateral) > 25:
        side = "left" if around.lateral > 0 else "right"
        if around.ventral < 45 and marks.kidney.get(side) is None:
            return Judgement(
                True,
                f"kidney_{side}",
                f"{around.core_ml:.0f} mL of uptake beside the spine where the {side} kidney was not found on CT",
            )
    return None


def part_of_organ(focus: Focus, around: Surroundings, work: Working, marks: Landmarks) -> Judgement | None:
    """Uptake that runs on from kidney, spleen or bladder beyond the mask: masks and breathing differ."""
    if around.joined < 0.6 or around.core_ml < 0.3:
        return None
    points = work.grid.to_lps(focus.core[:: len(focus.core) // 200 + 1])
    for organ in ("kidney_left", "kidney_right", "spleen", "urinary_bladder"):
        if organ.startswith("kidney") and (not around.renal_place or _node_beside_kidney(around, marks, organ)):
            continue
        away = marks.distance(organ, points)
        if away is not None and away < 5:
            return Judgement(True, organ, f"runs on from the {organ.replace('_', ' ')}, {away:.0f} mm from its mask")
    bed = 25 < abs(around.lateral) < 100 and -60 < around.ventral < 30 and marks.in_abdomen(float(around.point[2]))
    if bed and not marks.in_pelvis(float(around.point[2])) and not in_bone(focus, around):
        side = "left" if around.lateral > 0 else "right"
        return Judgement(True, f"kidney_{side}", f"in the bed of the {side} kidney, part of a larger uptake")
    return None


def _node_beside_kidney(around: Surroundings, marks: Landmarks, kidney: str) -> bool:
    """A round nodule of soft tissue between kidney and spine, with its own flanks: a para-aortic or paracaval node.

    What runs on from a kidney is its cortex (a shell), its pelvis (fluid, drawn out) or its upper and lower pole.
    """
    centre = marks.kidney.get(kidney.removeprefix("kidney_"))
    if centre is None or not around.has_ct or around.ct_peak_hu < 15 or around.core_ml < 1.0:
        return False
    beside = abs(float(centre[0]) - marks.midline(float(centre[2]))) - abs(around.lateral)
    return around.elongation < 1.3 and around.thinness < 1.3 and around.joined < 0.75 and beside > 15.0


def in_course_of_ureter(around: Surroundings, marks: Landmarks) -> bool:
    """Between kidney and bladder, beside or before the spine; near the bladder farther out and in front."""
    z = float(around.point[2])
    kidneys = [float(k[2]) for k in marks.kidney.values()]
    top = max(kidneys) + 10 if kidneys else marks.liver_low
    low = float(marks.bladder_middle[2]) - 10 if marks.bladder_middle is not None else None
    if top is None or (low is not None and not low < z < top) or not marks.in_abdomen(z):
        return False
    near_bladder = marks.bladder_top is not None and z < marks.bladder_top + 60
    side, front = (80, 125) if near_bladder else (60, 75)
    front += 20 * (around.companions >= 2)
    return abs(around.lateral) < side and -5 < around.ventral < front


def ureter(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A thread, or a drop without a nodule on CT, between kidney and bladder."""
    if not in_course_of_ureter(around, marks) or around.core_ml > 4:
        return None
    thread = around.elongation > 1.45 and around.thinness < 1.8 and (around.joined > 0.1 or around.elongation > 1.8)
    thread = thread and around.evenness < 0.5  # a ball whose core runs into what lies beside it is none
    if abs(around.lateral) < 8 and around.has_ct and around.ct_peak_hu > 10:
        thread = False  # soft tissue in the midline: ureters run beside it
    invisible = around.has_ct and around.ct_peak_hu < -12 and around.fat > 0.4
    urine = around.has_ct and around.ct_peak_hu < 15 and around.fat > 0.3 and around.core_ml < 1.5 and focus.top > 15
    invisible = invisible or urine
    # a drop on a string: threads above and below on the same course, joined to them, and no solid nodule
    beaded = around.companions >= 2 and 0.25 <= around.joined < 0.6 and around.weakest < 0.17
    no_nodule = around.has_ct and around.ct_peak_hu < 30 and around.core_ml <= 1.0
    if beaded and no_nodule and abs(around.lateral) >= 15:
        return Judgement(
            True, "ureter", f"one of {around.companions + 1} on the course of the ureter, no nodule on CT; follow it"
        )
    if around.ball_like and around.joined < 0.3 and around.companions == 0 and around.elongation < 1.35:
        return None  # one round focus by itself: weighed with all that speaks for a lesion
    # urine is not that dense, nor that wide
    solid = around.has_ct and around.ct_peak_hu > 35 and around.core_ml > 1.5 and around.elongation < 2.2
    if invisible or (thread and not solid and not (around.nodule_in_fat and around.elongation < 1.6)):
        why = "thread-like" if thread else "no nodule on CT"
        return Judgement(True, "ureter", f"in the course of the ureter, {why}; follow the ureter")
    return None


def ureter_beside_bone(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A thread along the front of the spine that a mask of bone has taken in: drawn out, thin, not dense."""
    thread = around.elongation > 2.2 and around.thinness < 1.5 and around.core_ml < 2.5
    if not thread or around.ventral < 20 or not around.has_ct or around.ct_peak_hu > 100 or around.ct_hu > 100:
        return None
    return ureter(focus, around, marks)
