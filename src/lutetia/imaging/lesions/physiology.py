"""Judgements that hold for every tracer: marrow, blood, gullet, the liver's rim."""

from __future__ import annotations

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.densities import UNKNOWN, Densities
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.levels import Levels
from lutetia.imaging.lesions.physiology_basics import BONES, in_bone, times
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.imaging.lesions.working import Working

#: up to how many times blood pool a peak may be blood; conventions, each with what raises it
_NOISE = 1.7  #: noise alone
_HILUM = 1.8  #: vessels that cross beside lung, and breathing
_CHAMBER = 2.0  #: within the masks of heart and aorta: the uptake of their walls
_RUNS_ON = 2.2  #: what runs on into a larger uptake has that of its neighbour in it
_WALL = 3.0  #: a sheet of myocardium, whose uptake is its own
_NO_BLOOD = 4.0  #: what is hotter is neither blood nor heart


def bone_lesion(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """A focus in bone below the neck is of no soft organ, whatever lies near."""
    z = float(around.point[2])
    if marks.in_head_and_neck(z):
        return None
    before_spine = marks.in_abdomen(z) and 40 < around.ventral < 90 and abs(around.lateral) < 35
    if before_spine and focus.label not in BONES:
        return None  # contrast or calcium in the great vessels, not bone
    if _enhanced_kidney(focus, around, marks):
        return None
    if in_bone(focus, around):
        return Judgement(False, "", "in bone", ())
    vertebral = abs(around.lateral) < 18 and -30 < around.ventral < 14 and around.elongation < 1.6
    if vertebral and around.joined < 0.5 and not marks.in_pelvis(z):
        return Judgement(False, "", "at the vertebral column", ())
    return None


def _enhanced_kidney(focus: Focus, around: Surroundings, marks: Landmarks) -> bool:
    """A large part of an uptake that runs on within 15 mm of a kidney's mask, not in bone's.

    Contrast makes kidneys as dense as bone; bone that is so dense lies in the skeleton's mask.
    """
    away = [marks.distance(f"kidney_{side}", around.point) for side in ("left", "right")]
    near = any(mm is not None and mm < 15.0 for mm in away)
    return near and focus.label not in BONES and around.joined > 0.75 and around.core_ml > 4.0


def gullet(focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels) -> Judgement | None:
    """A long band in front of the spine in the chest."""
    z = float(around.point[2])
    chest = marks.in_chest(z) or marks.in_head_and_neck(z)
    faint = around.elongation > 1.8 and around.joined > 0.6 and focus.peak < 3.0 * levels.blood
    if chest and (around.elongation > 2.5 or faint) and abs(around.lateral) < 30 and 5 < around.ventral < 65:
        return Judgement(True, "esophagus", f"a band in front of the spine, SUV {focus.top:.1f}: gullet")
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
    """Blood in the heart and in vessels of the chest.

    The peak of a focus is the hottest of many voxels: in blood alone noise takes it to 1.7 times the mean. What adds to
    that allows more, and only where the shape is not that of a lesion: see the multiples above.
    """
    name = NAMES.get(focus.label, "")
    # no lesion of the heart is so large; one of 3 mL that is neither round nor apart is not, either
    diffuse = around.core_ml > 8 or (not around.compact and around.core_ml > 3 and focus.peak < _WALL * levels.blood)
    hot = focus.peak > _NO_BLOOD * levels.blood and focus.peak > 1.3 * (levels.liver or 0.0)  # nor spill of liver
    inside = name in ("heart", "aorta") and focus.label_share >= 0.5
    if inside and not hot and (diffuse or focus.peak < _CHAMBER * levels.blood):
        return Judgement(True, "heart", f"{times(focus.peak / levels.blood)} blood pool in heart or aorta")
    if around.elongation > 2.5 and focus.peak < _NOISE * levels.blood and focus.label not in BONES:
        return Judgement(True, "vessels", f"a band at {times(focus.peak / levels.blood)} blood pool: vessel")
    chest = marks.in_chest(float(around.point[2]))
    hilum = around.lung > 0.35 and not around.other_side > 1.5  # both hila hold the same vessels
    if hilum and focus.peak < _HILUM * levels.blood and not around.ball_like and focus.label not in BONES:
        ratio = times(focus.peak / levels.blood)
        return Judgement(True, "vessels", f"{ratio} blood pool beside lung, no ball: vessel or diaphragm")
    # −400 HU: aerated lung, which a nodule that could be seen would replace
    if chest and around.has_ct and around.ct_peak_hu < -400 and focus.peak < _NOISE * levels.blood:
        return Judgement(True, "vessels", f"{times(focus.peak / levels.blood)} blood pool, no nodule in the lung on CT")
    beside = marks.distance("heart", around.point)
    flat = around.elongation > 1.3 or around.thinness > 1.6 or around.core_ml > 5
    wall = around.joined > 0.6 and flat and not around.ball_like and not around.nodule_in_fat
    # 20 mm: the heart's motion, and what its mask leaves out of pericardium and great vessels
    if wall and beside is not None and beside < 20 and focus.peak < _WALL * levels.blood:
        return Judgement(True, "heart", f"{beside:.0f} mm from the heart, shaped like its wall")
    faint = focus.peak < (_RUNS_ON if around.joined > 0.65 else _NOISE) * levels.blood
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
    """A shell of liver uptake outside the liver's mask: breathing moves the liver between CT and PET.

    Over the dome, where CT shows nothing but lung, a thin sheet may lie a deep breath (35 mm) away.
    """
    if levels.liver is None or not 0.3 * levels.liver < focus.peak < 1.3 * levels.liver:
        return None
    away = marks.distance("liver", work.grid.to_lps(focus.core[:: len(focus.core) // 200 + 1]))
    over_dome = around.gas > 0.8 and around.thinness > 3.0
    if away is None or away > (35 if over_dome else 10):
        return None
    shell = around.thinness > 1.8 or around.elongation > 1.8 or around.joined > 0.9 or around.core_ml > 40
    if shell and not around.ball_like:
        return Judgement(True, "liver", f"{away:.0f} mm from the liver, at its level: its rim")
    return None


def uneven_liver(
    focus: Focus, around: Surroundings, marks: Landmarks, levels: Levels, densities: Densities = UNKNOWN
) -> Judgement | None:
    """Uptake in the liver's mask that is drawn out or flat: texture, gallbladder, or an organ that lies against it.

    Masks of the liver take in parts of kidney, adrenal, stomach and bowel. Metastases are round; where the liver is
    mostly tumour, the rule does not hold, nor where it is no other organ: with liver on every side, as dense as liver,
    away from both kidneys and too hot for texture.
    """
    if not focus.in_liver or focus.label != LABELS["liver"] or levels.tumour is not None:
        return None
    only_liver = around.soft > 0.98 and around.fat < 0.015 and densities.as_dense_as_liver(around)
    if only_liver and focus.contrast > 1.65 and _off_the_kidneys(around, marks):
        return None
    faint = focus.contrast < 1.6 and 0.5 < around.core_ml < 10
    if faint and (around.elongation > 1.8 or around.thinness > 1.75):
        return Judgement(True, "liver", f"not round and only {times(focus.contrast)} liver")
    longest = around.elongation * around.thinness
    enclosed = around.soft > 0.9 and around.fat < 0.03 and around.gas < 0.03
    if enclosed and focus.contrast > 3.0 and not around.renal_place:
        return None  # intense, with liver on every side, and not where kidney or adrenal lie against it
    if longest > 2.0 and around.evenness < 0.35 and around.core_ml < 12:
        return Judgement(
            True, "liver", f"{longest:.1f} times as long as thick: no metastasis but what lies against or in the liver"
        )
    return None


def _off_the_kidneys(around: Surroundings, marks: Landmarks) -> bool:
    """Whether the peak lies more than 18 mm from either kidney's mask, beyond its blur and spill."""
    away = [marks.distance(f"kidney_{side}", around.point) for side in ("left", "right")]
    return all(mm is None or mm > 18.0 for mm in away)


def scrotum(focus: Focus, around: Surroundings, marks: Landmarks) -> Judgement | None:
    """Below the pelvic floor, in front, near the midline: testes or the perineum."""
    if marks.bladder_middle is None or in_bone(focus, around):
        return None
    below = float(around.point[2]) < float(marks.bladder_middle[2]) - 35 and not around.ball_like
    if below and abs(around.lateral) < 60 and around.ventral > 20:
        organ, what = ("pelvic_organ", "perineum or urine") if marks.sex == "F" else ("gonads", "testes or urine")
        return Judgement(True, organ, f"below the pelvic floor, SUV {focus.top:.1f}: {what}")
    return None
