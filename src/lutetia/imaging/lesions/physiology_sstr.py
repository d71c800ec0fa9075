"""Physiological uptake of somatostatin-receptor tracers, as reasoned proposals.

Ranges are those of Kuyumcu (Ann Nucl Med 2013, doi 10.1007/s12149-013-0718-4), Moradi (Clin Nucl Med 2016) and serial
scans of 81 patients ("Highly variable biodistribution"), each as its abstract gives them: SUVmax of the pituitary
4.5–23, adrenals 4.1–29.4; thyroid, uterus and colon mild (2–3.5); prostate, pancreas, salivary glands and bowel
moderate (3.5–7). They serve plausibility only: what lies above them stays a candidate.
"""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.lesions import physiology as common
from lutetia.imaging.lesions import physiology_basics as basics
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
from lutetia.imaging.lesions.working import Working

PITUITARY_MAX = 23.0
ADRENAL_MAX = 29.4
#: a gland holds 4-5 mL; the core of a blurred one is no larger than this; convention
ADRENAL_ML = 7.0
MODERATE_MAX = 7.0
MILD_MAX = 3.5
#: SUVmax of diffuse thyroid uptake 4.6 ± 1.6 (34 of 1,150 scans, Endokrynol Pol 2015, abstract): mean + 2 SD
DIFFUSE_THYROID_MAX = 7.8
#: no range is published for the uncinate process; convention
UNCINATE_MAX = 12.0


def judge_sstr(
    focus: Focus,
    around: Surroundings,
    scan: Scan,
    needed: Needed,
    *,
    adrenal_known: bool = False,
) -> Judgement:
    """Propose what a focus of SSTR uptake outside the liver is.

    `needed` points make a lesion of it where bowel lies. With `adrenal_known`, the adrenal of this side is another
    focus, so this one is something else.
    """
    work, marks, levels, settings = scan.work, scan.marks, scan.levels, scan.settings
    ceiling = gut_ceiling_sstr(levels)
    return (
        basics.lies_in(focus, around, "kidney_left", "kidney_right", "urinary_bladder", "spleen", "accessory_spleen")
        or common.marrow(focus, around, levels)
        or common.liver_rim(focus, around, work, marks, levels)
        or common.great_vessel(focus, around, marks, levels)
        or urinary.ureter_beside_bone(focus, around, marks)
        or common.bone_lesion(focus, around, marks)
        or common.gullet(focus, around, marks, levels)
        or _pituitary(focus, around, marks)
        or _head_and_neck(focus, around, marks, settings)
        or urinary.kidney_and_bladder(focus, around, marks)
        or urinary.part_of_organ(focus, around, work, marks)
        or splenic_tissue(focus, around, work, marks, levels)
        or (None if adrenal_known else adrenal_uptake(focus, around, marks, settings))
        or urinary.ureter(focus, around, marks)
        or common.blood(focus, around, marks, levels)
        or common.scrotum(focus, around, marks)
        or pelvic_uptake(focus, around, marks, settings)
        or _uncinate(focus, around, marks)
        or before_the_spine(focus, around, marks, levels)
        or gut(focus, around, marks, ceiling, levels, needed)
        or CANDIDATE
    )


def gut_ceiling_sstr(levels: Levels) -> float:
    """SUV above which uptake is not explained by stomach, bowel and pancreas."""
    liver = levels.liver if levels.liver is not None and levels.liver_from == "reference" else MODERATE_MAX
    return 1.6 * max(liver, MODERATE_MAX)


def _pituitary(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    if marks.brain_base is None or marks.brain_middle is None or around.core_ml > 2.5:
        return None
    slack = 15 if marks.brain_found else 40
    below = marks.brain_base - slack < around.point[2] < float(marks.brain_middle[2]) + slack
    central = abs(around.lateral) < 16 and abs(float(around.point[1] - marks.brain_middle[1])) < 45
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


def _head_and_neck(focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings) -> Judgement | None:
    z = float(around.point[2])
    if not marks.in_head_and_neck(z):
        dense = around.has_ct and 80 <= around.ct_hu < 180 and around.ventral > 25 and around.core_ml > 2
        low = marks.lung_top is not None and z > marks.lung_top - (40 if dense else 15)
        return thyroid_uptake(focus, around, settings) if low and (dense or around.core_ml > 4) else None
    masked = focus.label in basics.BONES and focus.label_share >= 0.5
    if (masked and not around.ct_peak_hu < 100) or (around.has_ct and around.ct_peak_hu > 180):
        return None
    if focus.label == LABELS["brain"] and focus.label_share >= 0.5:
        return Judgement(False, "", "in the skull, where receptors are not expressed", ("in brain or meninges",))
    base, apex = marks.brain_base, marks.lung_top
    if base is not None and apex is not None and z <= apex + 0.4 * (base - apex):
        return thyroid_uptake(focus, around, settings)
    symmetric = around.other_side <= settings.asymmetry
    if symmetric and focus.top <= 2 * MODERATE_MAX:
        return Judgement(
            True, "salivary_glands", f"both sides alike (ratio {around.other_side:.1f}), SUV {focus.top:.1f}"
        )
    if abs(around.lateral) < 15 and focus.top <= MODERATE_MAX:
        return Judgement(True, "salivary_glands", f"midline uptake of pharynx or mouth, SUV {focus.top:.1f}")
    band = around.joined > 0.6 and not around.ball_like
    if around.core_ml > 2 and (focus.top <= MILD_MAX or (band and focus.top <= MODERATE_MAX)):
        return Judgement(
            True, "salivary_glands", f"mild diffuse uptake at the level of the glands, SUV {focus.top:.1f}"
        )
    return Judgement(False, "", f"head or neck, {basics.times(around.other_side)} the other side", ("asymmetric",))


def thyroid_uptake(focus: Focus, around: Surroundings, settings: LesionSettings) -> Judgement | None:
    """Thyroid: in front of the lower neck, alike on both sides, or one dense or elongated body."""
    symmetric = around.other_side <= settings.asymmetry
    dense = around.has_ct and 65 <= around.ct_hu < 180  # iodine makes the gland denser than muscle
    central = abs(around.lateral) < 12
    if abs(around.lateral) >= 50 or around.ventral <= 10 or not (symmetric or dense or central):
        return None
    diffuse = around.core_ml > 2.5 and (dense or around.elongation > 1.4)
    if diffuse and focus.top <= DIFFUSE_THYROID_MAX:
        return Judgement(True, "thyroid_gland", f"diffuse uptake of the thyroid, SUV {focus.top:.1f}")
    if not symmetric and not central:
        ratio = basics.times(around.other_side)
        return Judgement(False, "", f"in the thyroid, {ratio} the other side", ("in thyroid", "asymmetric"))
    if focus.top > DIFFUSE_THYROID_MAX:
        return Judgement(False, "", f"in the thyroid, SUV {focus.top:.1f}", ("in thyroid", "above the published range"))
    return Judgement(True, "thyroid_gland", f"both sides of the lower neck alike, SUV {focus.top:.1f}")


def splenic_tissue(
    focus: Focus, around: Surroundings, work: Working, marks: Landmarks, levels: Levels
) -> Judgement | None:
    """The rim of the spleen, spill from it, or a large body of its own uptake that its mask leaves out."""
    away = marks.distance("spleen", around.point)
    if away is not None and away < 6 and focus.peak < 1.3 * (levels.spleen or np.inf):
        return Judgement(True, "spleen", f"{away:.0f} mm from the spleen: its rim or spill from it")
    if levels.spleen is None or around.core_ml < 40 or not 0.7 < focus.peak / levels.spleen < 1.3:
        return None
    touching = marks.distance("spleen", work.grid.to_lps(focus.core[:: len(focus.core) // 200 + 1]))
    if touching is None or touching > 3:
        return None
    return Judgement(True, "spleen", f"{around.core_ml:.0f} mL at the spleen's level, one with it: more of the spleen")


def adrenal_uptake(focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings) -> Judgement | None:
    """Adrenal: above and inward of the kidney; a candidate in it when hot, one-sided or a ball."""
    side = "left" if around.lateral > 0 else "right"
    top, centre = marks.kidney_top.get(side), marks.kidney.get(side)
    if top is None or centre is None or around.core_ml > ADRENAL_ML:
        return None
    above = max(float(centre[2]) + 5, top - 25) < around.point[2] < top + 40
    lateral = 12 < abs(around.lateral) < abs(float(centre[0]) - marks.midline(float(centre[2]))) + 15
    if not (above and lateral and -15 < around.ventral < 52):
        return None
    ratio = basics.times(around.other_side)
    if focus.top > ADRENAL_MAX:
        return Judgement(
            False, "", f"at the {side} adrenal, SUV {focus.top:.1f}", ("in adrenal", "above the published range")
        )
    if around.other_side > settings.asymmetry:
        return Judgement(False, "", f"at the {side} adrenal, {ratio} the other side", ("in adrenal", "asymmetric"))
    if around.ball_like and around.weakest > 0.12:
        return Judgement(False, "", f"at the {side} adrenal, but a ball, as the gland is not", ("in adrenal",))
    if around.core_ml > 4.0 and around.joined < 0.6 and max(around.elongation, around.thinness) < 1.3:
        reason = f"at the {side} adrenal, but round and {around.core_ml:.0f} mL, as its thin limbs are not"
        return Judgement(False, "", reason, ("in adrenal",))
    return Judgement(
        True,
        f"adrenal_gland_{side}",
        f"above and inward of the {side} kidney, SUV {focus.top:.1f}, {ratio} the other side",
    )


def pelvic_uptake(focus: Focus, around: Surroundings, marks: Landmarks, settings: LesionSettings) -> Judgement | None:
    """Prostate or uterus: soft tissue beside the bladder, broad or alike on both sides, within the published range."""
    if marks.bladder_middle is None or marks.bladder_top is None or basics.in_bone(focus, around):
        return None
    z = float(around.point[2])
    if z > marks.bladder_top + 30 or abs(around.lateral) > 45:
        return None
    below = z < float(marks.bladder_middle[2])
    limit = MODERATE_MAX if below else MILD_MAX
    if focus.top <= limit and (around.core_ml > 1.0 or around.other_side <= settings.asymmetry):
        organ, range_of = _organ_beside_bladder(marks.sex, below)
        return Judgement(
            True, organ, f"soft tissue beside the bladder, SUV {focus.top:.1f} within the range of {range_of}"
        )
    return None


def _organ_beside_bladder(sex: str | None, below: bool) -> tuple[str, str]:
    """The organ that uptake beside the bladder is named after, and those it may be; place alone tells no sex.

    The prostate lies under the bladder, so above its middle a man's uptake keeps the general name.
    """
    if sex == "F":
        return "uterus", "uterus or rectum"
    if sex == "M":
        return ("prostate", "prostate or rectum") if below else ("pelvic_organ", "rectum")
    return "pelvic_organ", "prostate, uterus or rectum"


def _uncinate(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Head and uncinate process of the pancreas; a mass on CT overrules it."""
    if not marks.kidney:
        return None
    centre = float(np.mean([k[2] for k in marks.kidney.values()]))
    right = -1.0 if marks.liver_x is None or marks.liver_x < 0 else 1.0
    place = 3 < right * around.lateral < 55 and 30 < around.ventral < 100 and abs(around.point[2] - centre) < 45
    if not place or around.core_ml < 1.5 or around.nodule_in_fat or around.elongation > 1.6:
        return None
    if focus.top > UNCINATE_MAX:
        return None
    return Judgement(
        True, "pancreas", f"at the uncinate process of the pancreas, SUV {focus.top:.1f}, no mass set apart on CT"
    )
