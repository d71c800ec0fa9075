"""Judgements that hold for every tracer: urinary tract, marrow, blood, and the shape of the gut."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.imaging.lesions.working import Working

BONES = (LABELS["skeleton"], LABELS["spine"])
KIDNEYS = (LABELS["kidney_left"], LABELS["kidney_right"])
MARKED = {
    "pancreas": "in pancreas",
    "bowel": "in bowel",
    "stomach": "in stomach",
    "gallbladder": "in gallbladder",
}


def times(ratio: float) -> str:
    """A ratio in words."""
    return f"{ratio:.1f} ×" if np.isfinite(ratio) else "many times"


def in_bone(focus: Focus, around: Surroundings, share: float = 0.4) -> bool:
    """Whether a focus lies in bone: by the skeleton mask, by its density, or by bone all around it.

    A lytic lesion is not in a mask drawn by density, but bone surrounds it. Contrast makes kidneys and vessels as dense
    as bone: what lies in a kidney's mask, or before the spine in the abdomen and not in the skeleton's, is none.
    """
    if focus.label in KIDNEYS and focus.label_share >= 0.5:
        return False
    if focus.label in BONES and focus.label_share >= share:
        return True
    return around.has_ct and (
        (around.ct_peak_hu > 180 and around.ct_hu > 80) or (around.bone >= 0.28 and around.joined < 0.5)
    )


def bone_lesion(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A focus in bone below the neck is of no soft organ, whatever lies near."""
    z = float(around.point[2])
    if marks.in_head_and_neck(z):
        return None
    before_spine = marks.in_abdomen(z) and 40 < around.ventral < 90 and abs(around.lateral) < 35
    if before_spine and focus.label not in BONES:
        return None  # contrast or calcium in the great vessels, not bone
    if in_bone(focus, around):
        return Judgement(False, "", "in bone", ())
    vertebral = abs(around.lateral) < 18 and -30 < around.ventral < 14 and around.elongation < 1.6
    if vertebral and around.joined < 0.5 and not marks.in_pelvis(z):
        return Judgement(False, "", "at the vertebral column", ())
    return None


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


def gullet(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A long band in front of the spine in the chest."""
    z = float(around.point[2])
    chest = marks.in_chest(z) or marks.in_head_and_neck(z)
    faint = around.elongation > 1.8 and around.joined > 0.6 and focus.peak < 3.0 * levels.blood
    if chest and (around.elongation > 2.5 or faint) and abs(around.lateral) < 30 and 5 < around.ventral < 65:
        return Judgement(True, "esophagus", f"a band in front of the spine, SUV {focus.top:.1f}: gullet")
    return None


def node_in_fat(around: Surroundings) -> bool:
    """A round soft-tissue nodule with fat nearly all around it: no part of an organ, however near that is."""
    return around.nodule_in_fat and around.fat > 0.7 and around.elongation < 1.25 and around.joined < 0.55


def lies_in(focus: Focus, around: Surroundings, *names: str) -> Judgement | None:
    """Most of the core lies in one of these organs."""
    name = NAMES.get(focus.label, "")
    if focus.label_share < 0.75 and node_in_fat(around):
        return None
    if name.startswith("kidney") and not around.renal_place:
        return None  # a mask that has run into liver or mesentery
    if name in names and focus.label_share >= 0.5:
        return Judgement(True, name, f"{focus.label_share:.0%} of the core lies in the {name.replace('_', ' ')}")
    return None


def marrow(focus: Focus, around: Surroundings, levels: Levels) -> Judgement | None:
    """A band, a sheet or an uneven patch of faint uptake in a bone is marrow."""
    if not in_bone(focus, around, 0.5):
        return None
    if focus.peak < 1.5 * levels.blood and (around.elongation > 1.5 or around.thinness > 1.8):
        return Judgement(True, "bone_marrow", f"not round, {times(focus.peak / levels.blood)} blood pool: marrow")
    if focus.contrast > 2.7 or focus.peak > 2.5 * levels.blood:
        return None
    if around.elongation > 1.8 or around.joined > 0.75 or (around.thinness > 1.8 and focus.contrast < 2.0):
        return Judgement(True, "bone_marrow", f"no focus but marrow, {focus.contrast:.1f} × what lies around")
    return None


def blood(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Blood in the heart and in vessels of the chest."""
    name = NAMES.get(focus.label, "")
    diffuse = around.core_ml > 8 or (not around.compact and around.core_ml > 3 and focus.peak < 3.0 * levels.blood)
    if name in ("heart", "aorta") and focus.label_share >= 0.5 and (diffuse or focus.peak < 2.0 * levels.blood):
        return Judgement(True, "heart", f"{times(focus.peak / levels.blood)} blood pool in heart or aorta")
    if around.elongation > 2.5 and focus.peak < 1.7 * levels.blood and focus.label not in BONES:
        return Judgement(True, "vessels", f"a band at {times(focus.peak / levels.blood)} blood pool: vessel")
    chest = marks.in_chest(float(around.point[2]))
    if chest and around.has_ct and around.ct_peak_hu < -400 and focus.peak < 1.7 * levels.blood:
        return Judgement(True, "vessels", f"{times(focus.peak / levels.blood)} blood pool, no nodule in the lung on CT")
    beside = marks.distance("heart", around.point)
    wall = around.joined > 0.6 and around.elongation > 1.4 and not around.nodule_in_fat
    if wall and beside is not None and beside < 10 and focus.peak < 3.0 * levels.blood:
        return Judgement(True, "heart", f"{beside:.0f} mm from the heart, shaped like its wall")
    faint = focus.peak < (2.2 if around.joined > 0.65 else 1.7) * levels.blood
    shapeless = around.elongation > 1.4 or around.thinness > 1.8 or not 0.6 < around.core_ml < 6 or around.joined > 0.7
    if chest and faint and shapeless and focus.label not in BONES:
        return Judgement(True, "vessels", f"{times(focus.peak / levels.blood)} blood pool, not round: vessel or gullet")
    return None


def liver_rim(focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A shell of liver uptake outside the liver's mask: breathing moves the liver between CT and PET."""
    if levels.liver is None or not 0.3 * levels.liver < focus.peak < 1.3 * levels.liver:
        return None
    away = marks.distance("liver", work.grid.to_lps(focus.core[:: len(focus.core) // 200 + 1]))
    if away is None or away > 10:
        return None
    if around.thinness > 1.8 or around.elongation > 1.8 or around.joined > 0.9 or around.core_ml > 40:
        return Judgement(True, "liver", f"{away:.0f} mm from the liver, at its level: its rim")
    return None


def kidney_and_bladder(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Rim and pelvis of the kidneys, rim of the bladder, and a kidney that the anatomy did not find."""
    for side in ("left", "right") if not node_in_fat(around) else ():
        name = f"kidney_{side}"
        away = marks.distance(name, around.point)
        centre = marks.kidney.get(side)
        if away is None or centre is None or not around.renal_place:
            continue
        inward = abs(around.lateral) < abs(float(centre[0]) - marks.midline(float(centre[2])))
        level = abs(float(around.point[2] - centre[2])) < 45
        urine = not (around.has_ct and 30 < around.ct_peak_hu < 150)
        if away < 6 or (inward and level and away < 16 and urine and around.ventral < 60):
            return Judgement(True, name, f"{away:.0f} mm from the {side} kidney: cortex, pelvis or spill from it")
    away = marks.distance("urinary_bladder", around.point)
    if away is not None and away < 6:
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
        if organ.startswith("kidney") and not around.renal_place:
            continue
        away = marks.distance(organ, points)
        if away is not None and away < 5:
            return Judgement(True, organ, f"runs on from the {organ.replace('_', ' ')}, {away:.0f} mm from its mask")
    bed = 25 < abs(around.lateral) < 100 and -60 < around.ventral < 30 and marks.in_abdomen(float(around.point[2]))
    if bed and not marks.in_pelvis(float(around.point[2])) and not in_bone(focus, around):
        side = "left" if around.lateral > 0 else "right"
        return Judgement(True, f"kidney_{side}", f"in the bed of the {side} kidney, part of a larger uptake")
    return None


def ureter(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A thread, or a drop without a nodule on CT, between kidney and bladder."""
    z = float(around.point[2])
    kidneys = [float(k[2]) for k in marks.kidney.values()]
    top = max(kidneys) + 10 if kidneys else marks.liver_low
    low = float(marks.bladder_middle[2]) - 10 if marks.bladder_middle is not None else None
    if top is None or (low is not None and not low < z < top) or not marks.in_abdomen(z):
        return None
    near_bladder = marks.bladder_top is not None and z < marks.bladder_top + 60
    side, front = (80, 125) if near_bladder else (60, 75)
    if not (abs(around.lateral) < side and -5 < around.ventral < front) or around.core_ml > 4:
        return None
    thread = around.elongation > 1.45 and around.thinness < 1.8 and (around.joined > 0.1 or around.elongation > 1.8)
    if abs(around.lateral) < 8 and around.has_ct and around.ct_peak_hu > 10:
        thread = False  # soft tissue in the midline: ureters run beside it
    invisible = around.has_ct and around.ct_peak_hu < -12 and around.fat > 0.4
    urine = around.has_ct and around.ct_peak_hu < 10 and around.fat > 0.5 and around.core_ml < 1.5 and focus.top > 15
    invisible = invisible or urine
    solid = around.has_ct and around.ct_peak_hu > 35 and around.core_ml > 1.5  # urine is not that dense, nor that wide
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


def gut(focus: Focus, around: Surroundings, marks: Landmarks, ceiling: float, nodule: float) -> Judgement | None:
    """Stomach, bowel, pancreas: diffuse uptake is theirs; what is focal stays a candidate.

    Parameters
    ----------
    ceiling : SUV above which a focal uptake is not explained by these organs
    nodule : SUV above which a round soft-tissue nodule in fat is not either
    """
    z = float(around.point[2])
    if not marks.in_abdomen(z) or in_bone(focus, around):
        return None
    name = NAMES.get(focus.label, "")
    known = name if name in MARKED and focus.label_share >= 0.5 else ""
    if around.ventral < -20 and not known and not marks.in_pelvis(z):
        return None
    alone = around.joined < 0.15 and around.elongation < 1.6
    bones = [marks.distance(n, around.point) for n in ("skeleton", "spine")]
    if not known and alone and any(away is not None and away < 5 for away in bones):
        return None  # against bone and apart from everything else: bowel does not lie there
    organ = known or "bowel"
    mark = (MARKED[known],) if known else ()
    focal = around.elongation < 1.35 and around.joined < 0.55 and around.core_ml < 15
    focal = focal or (around.nodule_in_fat and around.core_ml < 3 and around.elongation < 1.6 and around.joined < 0.55)
    hot = around.elongation < 1.4 and around.joined < 0.7 and around.core_ml < 15 and focus.top > 1.8 * ceiling
    if (focal and focus.top > ceiling) or hot:
        return Judgement(False, "", f"focal, SUV {focus.top:.1f} above bowel, stomach and pancreas", mark)
    if alone and around.elongation < 1.4 and focus.contrast > 8 and focus.top > 0.6 * ceiling:
        return Judgement(False, "", f"intense and alone, {focus.contrast:.0f} × its surroundings", mark)
    if around.core_ml < 40 and focus.top > 2.5 * ceiling:
        return Judgement(False, "", f"SUV {focus.top:.1f} far above bowel, stomach and pancreas", mark)
    mass = around.elongation < 1.3 and around.thinness < 1.5 and around.joined < 0.1 and 5 < around.core_ml < 60
    large = around.elongation < 1.25 and around.thinness < 1.3 and around.joined < 0.45 and 8 < around.core_ml < 60
    if _smaller_than_a_loop(focus, around) and focus.top > 0.7 * ceiling:
        return Judgement(False, "", f"SUV {focus.top:.1f}, round and smaller than a loop of bowel", mark)
    if (mass and focus.contrast > 4) or (large and focus.contrast > 6):
        return Judgement(False, "", "round mass of uptake set apart from everything else", mark)
    round_ = around.elongation < 1.3 and around.thinness < 1.7 and around.joined < 0.35 and around.core_ml < 12
    if round_ and around.nodule_in_fat and focus.top > nodule:
        return Judgement(False, "", "round soft-tissue nodule in fat on CT", mark)
    ball = around.elongation < 1.2 and around.thinness < 1.35 and around.joined < 0.5 and around.core_ml < 5
    if ball and around.nodule_in_fat and around.ct_peak_hu > 25 and focus.contrast > 6:
        return Judgement(False, "", "a ball of uptake in a soft-tissue nodule in fat on CT", mark)
    shape = []
    if around.elongation >= 1.3:
        shape.append("elongated")
    if around.joined >= 0.35:
        shape.append("part of a larger band of uptake")
    if not shape:
        shape.append("moderate")
    return Judgement(True, organ, f"{' and '.join(shape)}, SUV {focus.top:.1f}: stomach, bowel or pancreas", mark)


def _smaller_than_a_loop(focus: Focus, around: Surroundings) -> bool:
    """A sharp round summit too small for the wall or content of a bowel loop, which is 15 mm wide or more."""
    if around.joined >= 0.56 or focus.contrast < 4.2 or (around.has_ct and min(around.ct_hu, around.ct_peak_hu) < -30):
        return False
    summit = around.summit_ml < 0.6 and around.summit_elongation < 1.45 and around.core_ml < 2.5
    return summit or (around.core_ml < 1.5 and around.elongation < 1.35)


def before_the_spine(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A solid focus between vertebra and great vessels, where bowel does not lie: a retroperitoneal node."""
    z = float(around.point[2])
    place = abs(around.lateral) < 25 and 12 < around.ventral < 52 and marks.in_abdomen(z) and not marks.in_pelvis(z)
    shape = around.elongation < 1.65 and around.thinness < 1.6 and around.core_ml < 5 and around.joined < 0.62
    solid = 25 < around.ct_peak_hu < 130
    if place and shape and solid and focus.contrast > 4 and focus.peak > 3.5 * levels.blood:
        return Judgement(False, "", f"solid, before the spine, {times(focus.contrast)} what lies around")
    return None


def uneven_liver(focus: Focus, around: Surroundings) -> Judgement | None:
    """Faint uptake in the liver's mask that is drawn out or flat: texture, gallbladder, what lies against it."""
    faint = focus.in_liver and focus.label == LABELS["liver"] and focus.contrast < 1.6
    if faint and 0.5 < around.core_ml < 10 and (around.elongation > 1.8 or around.thinness > 1.75):
        return Judgement(True, "liver", f"not round and only {times(focus.contrast)} liver")
    return None


def scrotum(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Below the pelvic floor, in front, near the midline: testes or the perineum."""
    if marks.bladder_middle is None or in_bone(focus, around):
        return None
    below = float(around.point[2]) < float(marks.bladder_middle[2]) - 35
    if below and abs(around.lateral) < 60 and around.ventral > 20:
        return Judgement(True, "gonads", f"below the pelvic floor, SUV {focus.top:.1f}: testes or urine")
    return None
