"""Judgements that hold for every tracer: urinary tract, marrow, blood, and the shape of the gut."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.evidence import weigh
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
        # a band that a mask of bone has taken in by a part: colon against the iliac crest, a ureter on the spine
        band = focus.label_share < 0.7 and around.joined > 0.6 and around.elongation > 1.4
        return not (band and not around.ball_like)
    lytic = around.bone >= 0.28 and around.joined < 0.5 and around.elongation < 1.8
    return around.has_ct and ((around.ct_peak_hu > 180 and around.ct_hu > 80) or lytic)


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
    if name.startswith("kidney") and (not around.renal_place or not_of_kidney(around)):
        return None  # a mask that has run into liver or mesentery
    if name in names and focus.label_share >= 0.5:
        return Judgement(True, name, f"{focus.label_share:.0%} of the core lies in the {name.replace('_', ' ')}")
    return None


def not_of_kidney(around: Surroundings) -> bool:
    """A ball that stands by itself: whatever is kidney has the rest of the kidney's uptake beside it."""
    return around.joined < 0.25 and around.evenness >= 0.5 and around.elongation < 1.4 and around.core_ml < 8


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
    if around.lung > 0.35 and focus.peak < 1.8 * levels.blood and not around.ball_like and focus.label not in BONES:
        ratio = times(focus.peak / levels.blood)
        return Judgement(True, "vessels", f"{ratio} blood pool beside lung, no ball: vessel or diaphragm")
    if chest and around.has_ct and around.ct_peak_hu < -400 and focus.peak < 1.7 * levels.blood:
        return Judgement(True, "vessels", f"{times(focus.peak / levels.blood)} blood pool, no nodule in the lung on CT")
    beside = marks.distance("heart", around.point)
    flat = around.elongation > 1.3 or around.thinness > 1.6 or around.core_ml > 5
    wall = around.joined > 0.6 and flat and not around.ball_like and not around.nodule_in_fat
    if wall and beside is not None and beside < 20 and focus.peak < 3.0 * levels.blood:
        return Judgement(True, "heart", f"{beside:.0f} mm from the heart, shaped like its wall")
    faint = focus.peak < (2.2 if around.joined > 0.65 else 1.7) * levels.blood
    shapeless = around.elongation > 1.4 or around.thinness > 1.8 or not 0.6 < around.core_ml < 6 or around.joined > 0.7
    if chest and faint and shapeless and focus.label not in BONES:
        return Judgement(True, "vessels", f"{times(focus.peak / levels.blood)} blood pool, not round: vessel or gullet")
    return None


def great_vessel(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """Blood in aorta and vena cava before the spine, which contrast makes as dense as bone."""
    dense = around.has_ct and 130.0 <= max(around.ct_hu, around.ct_peak_hu) < 260.0 and focus.label not in BONES
    place = abs(around.lateral) < 30 and 20 < around.ventral < 75
    if dense and place and focus.peak < 2.0 * levels.blood:
        return Judgement(
            True, "vessels", f"before the spine, dense, {times(focus.peak / levels.blood)} blood pool: vessel"
        )
    return None


def liver_rim(focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A shell of liver uptake outside the liver's mask: breathing moves the liver between CT and PET."""
    if levels.liver is None or not 0.3 * levels.liver < focus.peak < 1.3 * levels.liver:
        return None
    away = marks.distance("liver", work.grid.to_lps(focus.core[:: len(focus.core) // 200 + 1]))
    if away is None or away > 10:
        return None
    shell = around.thinness > 1.8 or around.elongation > 1.8 or around.joined > 0.9 or around.core_ml > 40
    if shell and not around.ball_like:
        return Judgement(True, "liver", f"{away:.0f} mm from the liver, at its level: its rim")
    return None


def kidney_and_bladder(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Rim and pelvis of the kidneys, rim of the bladder, and a kidney that the anatomy did not find."""
    for side in ("left", "right") if not node_in_fat(around) else ():
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
    front += 20 * (around.companions >= 2)
    if not (abs(around.lateral) < side and -5 < around.ventral < front) or around.core_ml > 4:
        return None
    thread = around.elongation > 1.45 and around.thinness < 1.8 and (around.joined > 0.1 or around.elongation > 1.8)
    thread = thread and around.evenness < 0.5  # a ball whose core runs into what lies beside it is none
    if abs(around.lateral) < 8 and around.has_ct and around.ct_peak_hu > 10:
        thread = False  # soft tissue in the midline: ureters run beside it
    invisible = around.has_ct and around.ct_peak_hu < -12 and around.fat > 0.4
    urine = around.has_ct and around.ct_peak_hu < 15 and around.fat > 0.3 and around.core_ml < 1.5 and focus.top > 15
    invisible = invisible or urine
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


def gut(focus: Focus, around: Surroundings, marks: Landmarks, ceiling: float) -> Judgement | None:
    """Stomach, bowel, pancreas: diffuse uptake is theirs; where the findings together speak for a lesion it stays one.

    Parameters
    ----------
    ceiling : SUV above which a focal uptake is not explained by these organs
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
    evidence = weigh(focus, around, ceiling)
    mass = around.elongation < 1.3 and around.thinness < 1.5 and around.joined < 0.1 and 5 < around.core_ml < 60
    large = around.elongation < 1.25 and around.thinness < 1.3 and around.joined < 0.45 and 8 < around.core_ml < 60
    if (mass and focus.contrast > 4) or (large and focus.contrast > 6):
        return Judgement(False, "", "round mass of uptake set apart from everything else", mark)
    above = _above_the_range(focus, around, ceiling)
    if above:
        return Judgement(False, "", f"{above}; {evidence.text}", mark)
    if evidence.enough:
        return Judgement(False, "", evidence.text, mark)
    return Judgement(True, organ, f"stomach, bowel or pancreas: {evidence.text}", mark)


def _above_the_range(focus: Focus, around: Surroundings, ceiling: float) -> str:
    """Why uptake above what bowel reaches stays a candidate whatever its shape: "" where it does not.

    Far above the range only a thread (urine, a duct) is spared; above it what is focal; just below it what is too small
    for a loop, which is 15 mm wide or more, or intense and alone.
    """
    focal = around.elongation < 1.35 and around.joined < 0.55 and around.core_ml < 15
    small = (around.summit_ml < 0.6 and around.summit_elongation < 1.45 and around.core_ml < 2.5) or (
        around.core_ml < 1.5 and around.elongation < 1.35
    )
    solid = not around.has_ct or min(around.ct_hu, around.ct_peak_hu) >= -30
    if focus.top > 2.5 * ceiling and around.elongation < 1.8 and around.core_ml < 40:
        return f"SUV {focus.top:.1f} far above bowel, stomach and pancreas"
    if focus.top > ceiling and focal:
        return f"focal, SUV {focus.top:.1f} above bowel, stomach and pancreas"
    if focus.top > 0.7 * ceiling and small and solid and around.joined < 0.56 and focus.contrast > 4.2:
        return f"SUV {focus.top:.1f}, smaller than a loop of bowel"
    if focus.top > 0.6 * ceiling and focus.contrast > 8 and around.joined < 0.15 and around.elongation < 1.4:
        return f"intense and alone, {focus.contrast:.0f} × its surroundings"
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


def uneven_liver(focus: Focus, around: Surroundings, levels: Levels) -> Judgement | None:
    """Uptake in the liver's mask that is drawn out or flat: texture, gallbladder, or an organ that lies against it.

    Masks of the liver take in parts of kidney, adrenal, stomach and bowel. Metastases are round; where the liver is
    mostly tumour, the rule does not hold.
    """
    if not focus.in_liver or focus.label != LABELS["liver"] or levels.tumour is not None:
        return None
    faint = focus.contrast < 1.6 and 0.5 < around.core_ml < 10
    if faint and (around.elongation > 1.8 or around.thinness > 1.75):
        return Judgement(True, "liver", f"not round and only {times(focus.contrast)} liver")
    longest = around.elongation * around.thinness
    if longest > 2.0 and around.evenness < 0.35 and around.core_ml < 12:
        return Judgement(
            True, "liver", f"{longest:.1f} times as long as thick: no metastasis but what lies against or in the liver"
        )
    return None


def scrotum(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Below the pelvic floor, in front, near the midline: testes or the perineum."""
    if marks.bladder_middle is None or in_bone(focus, around):
        return None
    below = float(around.point[2]) < float(marks.bladder_middle[2]) - 35 and not around.ball_like
    if below and abs(around.lateral) < 60 and around.ventral > 20:
        return Judgement(True, "gonads", f"below the pelvic floor, SUV {focus.top:.1f}: testes or urine")
    return None
