"""Physiological uptake of somatostatin-receptor tracers, as reasoned proposals.

Ranges are those of the rules dossier F.1.1 (Kuyumcu 2013, Moradi 2016, serial scans of 81 patients): SUVmax of the
pituitary 4.5–23, adrenals 4.1–29.4, thyroid, uterus and colon mild (2–3.5), prostate, pancreas, salivary glands and
bowel moderate (3.5–7). They are used for plausibility only: what lies above them stays a candidate.
"""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import CANDIDATE, Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.imaging.lesions.working import Working

PITUITARY_MAX = 23.0
ADRENAL_MAX = 29.4
UNCINATE_MAX = 12.0
MODERATE_MAX = 7.0
MILD_MAX = 3.5

_EXCRETORY = {"kidney_left": "kidney", "kidney_right": "kidney", "urinary_bladder": "bladder"}
_MARKED = {
    "pancreas": "in pancreas",
    "bowel": "in bowel",
    "stomach": "in stomach",
    "thyroid_gland": "in thyroid",
    "prostate": "in prostate",
    "uterus": "in uterus",
    "adrenal_gland_left": "in adrenal",
    "adrenal_gland_right": "in adrenal",
}


def judge_sstr(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement:
    """Propose what a focus of SSTR uptake outside the liver is."""
    for rule in (
        _organ,
        _marrow,
        _pituitary,
        _head_and_neck,
        _kidney_and_pelvis,
        _adrenal,
        _ureter,
        _chest,
        _pelvic_organs,
        _uncinate,
        _gut,
    ):
        verdict = rule(focus, around, work, marks, levels, settings)
        if verdict is not None:
            return verdict
    return CANDIDATE


def _organ(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """Most of the core lies in an organ whose uptake is physiological."""
    name = NAMES.get(focus.label, "")
    if focus.label_share >= 0.5 and name in ("kidney_left", "kidney_right", "urinary_bladder", "spleen"):
        organ = name.replace("_", " ")
        return Judgement(True, name, f"{focus.label_share:.0%} of the core lies in the {organ}")
    if focus.label_share >= 0.5 and name == "accessory_spleen":
        return Judgement(True, name, "lies in an accessory spleen")
    return None


def _marrow(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """A band of faint uptake along a bone is marrow."""
    bone = focus.label in (LABELS["skeleton"], LABELS["spine"]) and focus.label_share >= 0.5
    if bone and around.elongation > 1.8 and focus.contrast < 2.7 and focus.peak < 2.5 * levels.blood:
        return Judgement(True, "bone_marrow", f"a band along the bone, {focus.contrast:.1f} × the marrow elsewhere")
    return None


def _pituitary(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    if marks.brain_base is None or marks.brain_middle is None or around.core_ml > 2.5:
        return None
    below = marks.brain_base - 15 < around.point[2] < float(marks.brain_middle[2])
    central = abs(around.lateral) < 14 and abs(float(around.point[1] - marks.brain_middle[1])) < 45
    if not (below and central):
        return None
    if focus.top > PITUITARY_MAX:
        return Judgement(
            False,
            "",
            f"at the skull base in the midline; SUV {focus.top:.1f} is above the pituitary's {PITUITARY_MAX:g}",
            ("at the pituitary", "above the published range"),
        )
    return Judgement(True, "pituitary_gland", f"small midline focus at the skull base, SUV {focus.top:.1f}")


def _head_and_neck(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    z = float(around.point[2])
    if not marks.in_head_and_neck(z):
        return None
    in_bone = focus.label in (LABELS["skeleton"], LABELS["spine"]) and focus.label_share >= 0.5
    if in_bone or (around.has_ct and around.ct_peak_hu > 180):
        return None
    in_brain = focus.label == LABELS["brain"] and focus.label_share >= 0.5
    if in_brain:
        return Judgement(False, "", "in the skull, where receptors are not expressed", ("in brain or meninges",))
    base = marks.brain_base
    apex = marks.lung_top
    gland_level = z > apex + 0.4 * (base - apex) if base is not None and apex is not None else True
    organ = "salivary_glands" if gland_level else "thyroid_gland"
    limit = MODERATE_MAX
    symmetric = around.other_side <= settings.asymmetry
    near_airway = abs(around.lateral) < 45 and around.ventral > 10
    if organ == "thyroid_gland":
        dense = around.has_ct and 65 <= around.ct_hu < 180  # iodine makes the gland denser than muscle
        if not near_airway or not (symmetric or dense or abs(around.lateral) < 12):
            return None
        diffuse = around.core_ml > 2.5 and (dense or around.elongation > 1.4)
        if diffuse and focus.top <= limit:
            return Judgement(True, organ, f"diffuse uptake of the thyroid, SUV {focus.top:.1f}")
        if not symmetric and abs(around.lateral) >= 12:
            return Judgement(
                False, "", f"in the thyroid, {_times(around.other_side)} the other side", ("in thyroid", "asymmetric")
            )
        if focus.top > limit:
            return Judgement(
                False, "", f"in the thyroid, SUV {focus.top:.1f}", ("in thyroid", "above the published range")
            )
        return Judgement(True, organ, f"both sides of the lower neck alike, SUV {focus.top:.1f}")
    if symmetric and focus.top <= 2 * limit:
        return Judgement(True, organ, f"both sides alike (ratio {around.other_side:.1f}), SUV {focus.top:.1f}")
    if abs(around.lateral) < 15 and focus.top <= limit:
        return Judgement(True, organ, f"midline uptake of pharynx or mouth, SUV {focus.top:.1f}")
    if not symmetric and around.core_ml > 2 and focus.top <= MILD_MAX:
        return Judgement(True, organ, f"mild diffuse uptake at the level of the glands, SUV {focus.top:.1f}")
    return Judgement(False, "", f"head or neck, {_times(around.other_side)} the other side", ("asymmetric",))


def _kidney_and_pelvis(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """The renal pelvis, the rim of the kidney, and a kidney, spleen or bladder that the anatomy did not find."""
    for side in ("left", "right"):
        name = f"kidney_{side}"
        away = marks.distance(name, around.point)
        if away is None:
            continue
        centre = marks.kidney.get(side)
        inward = centre is not None and abs(around.lateral) < abs(float(centre[0]) - marks.midline(float(centre[2])))
        level = centre is not None and abs(float(around.point[2] - centre[2])) < 45
        urine = not (around.has_ct and 30 < around.ct_peak_hu < 150)
        if away < 6 or (inward and level and away < 16 and urine and around.ventral < 60):
            return Judgement(True, name, f"{away:.0f} mm from the {side} kidney: cortex, pelvis or spill from it")
    away = marks.distance("spleen", around.point)
    if away is not None and away < 6 and focus.peak < 1.3 * (levels.spleen or np.inf):
        return Judgement(True, "spleen", f"{away:.0f} mm from the spleen: its rim or spill from it")
    away = marks.distance("urinary_bladder", around.point)
    if away is not None and away < 6:
        return Judgement(True, "urinary_bladder", f"{away:.0f} mm from the bladder: its rim or spill from it")
    if around.core_ml > 40 and marks.in_abdomen(float(around.point[2])) and abs(around.lateral) > 25:
        side = "left" if around.lateral > 0 else "right"
        if around.ventral < 45 and not marks.kidney.get(side) is not None:
            return Judgement(
                True,
                f"kidney_{side}",
                f"{around.core_ml:.0f} mL of uptake beside the spine where the {side} kidney was not found on CT",
            )
    return None


def _adrenal(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    side = "left" if around.lateral > 0 else "right"
    top = marks.kidney_top.get(side)
    centre = marks.kidney.get(side)
    if top is None or centre is None:
        return None
    above = float(centre[2]) + 5 < around.point[2] < top + 40
    lateral = 12 < abs(around.lateral) < abs(float(centre[0]) - marks.midline(float(centre[2]))) + 15
    depth = -15 < around.ventral < 62
    if not (above and lateral and depth) or around.core_ml > 12:
        return None
    if focus.top > ADRENAL_MAX:
        return Judgement(
            False, "", f"at the {side} adrenal, SUV {focus.top:.1f}", ("in adrenal", "above the published range")
        )
    if around.other_side > 2 * settings.asymmetry:
        return Judgement(
            False,
            "",
            f"at the {side} adrenal, {_times(around.other_side)} the other side",
            ("in adrenal", "asymmetric"),
        )
    return Judgement(
        True,
        f"adrenal_gland_{side}",
        f"above and inward of the {side} kidney, SUV {focus.top:.1f}, {_times(around.other_side)} the other side",
    )


def _ureter(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    z = float(around.point[2])
    kidneys = [float(k[2]) for k in marks.kidney.values()]
    top = max(kidneys) + 10 if kidneys else marks.liver_low
    low = float(marks.bladder_middle[2]) - 10 if marks.bladder_middle is not None else None
    if top is None or (low is not None and not low < z < top) or not marks.in_abdomen(z):
        return None
    near_bladder = marks.bladder_top is not None and z < marks.bladder_top + 60
    course = abs(around.lateral) < (80 if near_bladder else 60) and -5 < around.ventral < (125 if near_bladder else 75)
    if not course or around.core_ml > 4:
        return None
    thread = around.elongation > 1.45 and around.thinness < 1.8 and (around.joined > 0.1 or around.elongation > 1.8)
    invisible = around.has_ct and around.ct_peak_hu < 0 and around.fat > 0.5
    if invisible or (thread and not (around.nodule_in_fat and around.elongation < 1.6)):
        why = "thread-like" if thread else "no nodule on CT"
        return Judgement(True, "ureter", f"in the course of the ureter, {why}; follow the ureter")
    return None


def _chest(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """Blood in the heart and the hilar vessels."""
    name = NAMES.get(focus.label, "")
    diffuse = not around.compact or around.core_ml > 8
    if name in ("heart", "aorta") and focus.label_share >= 0.5 and (diffuse or focus.peak < 2.0 * levels.blood):
        return Judgement(True, "heart", f"{focus.peak / levels.blood:.1f} × blood pool in heart or aorta")
    faint = focus.peak < 1.7 * levels.blood
    shapeless = around.elongation > 1.4 or around.thinness > 1.8 or around.core_ml < 0.6
    if marks.in_chest(float(around.point[2])) and faint and shapeless:
        bone = focus.label in (LABELS["skeleton"], LABELS["spine"])
        if not bone:
            return Judgement(
                True, "vessels", f"{focus.peak / levels.blood:.1f} × blood pool, not round: vessel or gullet"
            )
    return None


def _pelvic_organs(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    if marks.bladder_middle is None or marks.bladder_top is None:
        return None
    in_bone = focus.label in (LABELS["skeleton"], LABELS["spine"]) and focus.label_share >= 0.4
    z = float(around.point[2])
    if in_bone or z > marks.bladder_top + 30 or abs(around.lateral) > 45:
        return None
    if around.has_ct and around.ct_peak_hu > 150:
        return None
    below = z < float(marks.bladder_middle[2])
    limit = MODERATE_MAX if below else MILD_MAX
    if focus.top <= limit and (around.core_ml > 1.0 or around.other_side <= settings.asymmetry):
        organ = "prostate" if below else "uterus"
        return Judgement(
            True,
            organ,
            f"soft tissue beside the bladder, SUV {focus.top:.1f} within the range of prostate, uterus or rectum",
        )
    return None


def _uncinate(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """Head and uncinate process of the pancreas, seen in half of all patients; any mass on CT overrules it."""
    if not marks.kidney:
        return None
    centre = float(np.mean([k[2] for k in marks.kidney.values()]))
    right = -1.0 if marks.liver_x is None or marks.liver_x < 0 else 1.0
    place = 3 < right * around.lateral < 55 and 30 < around.ventral < 100 and -45 < around.point[2] - centre < 45
    if not place or around.core_ml < 1.5 or around.nodule_in_fat or focus.top > UNCINATE_MAX or around.elongation > 1.6:
        return None
    return Judgement(
        True, "pancreas", f"at the uncinate process of the pancreas, SUV {focus.top:.1f}, no mass set apart on CT"
    )


def _gut(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels, settings: LesionSettings
) -> Judgement | None:
    """Stomach, bowel, pancreas: diffuse uptake is theirs; what is focal stays a candidate."""
    z = float(around.point[2])
    in_bone = focus.label in (LABELS["skeleton"], LABELS["spine"]) and focus.label_share >= 0.4
    if not marks.in_abdomen(z) or in_bone or (around.has_ct and around.ct_peak_hu > 150):
        return None
    name = NAMES.get(focus.label, "")
    known = name if name in ("bowel", "stomach", "pancreas", "gallbladder") and focus.label_share >= 0.5 else ""
    if around.ventral < -20 and not known:
        return None
    organ = known or "bowel"
    mark = (_MARKED[known],) if known in _MARKED else ()
    liver = levels.liver or 4 * levels.blood
    ceiling = 1.5 * max(liver, MODERATE_MAX)
    focal = around.elongation < 1.6 and around.joined < 0.6 and around.core_ml < 15
    if focal and focus.top > ceiling:
        return Judgement(False, "", f"focal, SUV {focus.top:.1f} above bowel, stomach and pancreas", mark)
    if around.core_ml < 40 and focus.top > 2.5 * ceiling:
        return Judgement(False, "", f"SUV {focus.top:.1f} far above bowel, stomach and pancreas", mark)
    round_ = around.elongation < 1.3 and around.joined < 0.35 and around.core_ml < 12
    if round_ and around.nodule_in_fat:
        return Judgement(False, "", "round soft-tissue nodule in fat on CT", mark)
    shape = []
    if around.elongation >= 1.3:
        shape.append("elongated")
    if around.joined >= 0.35:
        shape.append("part of a larger band of uptake")
    if not shape:
        shape.append("moderate")
    return Judgement(True, organ, f"{' and '.join(shape)}, SUV {focus.top:.1f}: stomach, bowel or pancreas", mark)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} ×" if np.isfinite(ratio) else "many times"
