"""What every judgement asks first: in bone, in an organ's mask, a nodule in fat."""

from __future__ import annotations

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.judgement import Judgement
from lutetia.imaging.lesions.surroundings import Surroundings

BONES = (LABELS["skeleton"], LABELS["spine"])
KIDNEYS = (LABELS["kidney_left"], LABELS["kidney_right"])


def times(ratio: float) -> str:
    """A ratio in words."""
    return f"{ratio:.1f} ×" if np.isfinite(ratio) else "many times"


def in_bone(focus: Focus, around: Surroundings, share: float = 0.4) -> bool:
    """Whether a focus lies in bone: by the skeleton mask, by its density, or by bone all around it.

    A lytic lesion is not in a mask drawn by density, but bone surrounds it: more than a quarter of its shell, and it
    stands apart and is compact, as no muscle between ribs is. Outside the mask bone is told by a peak above 180 HU,
    which soft tissue with contrast seldom reaches, over a core above 80 HU. Contrast makes kidneys and vessels denser
    still: what lies in a kidney's mask, or before the spine in the abdomen and not in the skeleton's, is none.
    `share` of the core must lie in the skeleton's mask: less than half, for a lesion at its surface has a part outside.
    """
    if focus.label in KIDNEYS and focus.label_share >= 0.5:
        return False
    if focus.label in BONES and focus.label_share >= share:
        # 60 HU: muscle and bowel wall reach it, marrow between trabeculae lies above.
        # A band that a mask of bone has taken in by a part: colon against the iliac crest, a ureter on the spine
        soft = around.has_ct and max(around.ct_hu, around.ct_peak_hu) < 60
        band = (focus.label_share < 0.7 or soft) and around.joined > 0.6 and around.elongation > 1.4
        return not (band and not around.ball_like)
    lytic = around.bone >= 0.28 and around.joined < 0.5 and around.elongation < 1.8 and around.ct_hu > -10
    return around.has_ct and ((around.ct_peak_hu > 180 and around.ct_hu > 80) or lytic)


def node_in_fat(around: Surroundings) -> bool:
    """A round soft-tissue nodule with fat nearly all around it: no part of an organ, however near that is.

    Fat in 0.7 of its shell: a node that touches an organ on one side has about so much left.
    """
    return around.nodule_in_fat and around.fat > 0.7 and around.elongation < 1.25 and around.joined < 0.55


def lies_in(focus: Focus, around: Surroundings, *names: str) -> Judgement | None:
    """Most of the core lies in one of these organs.

    A node in fat is not taken in unless three quarters of it lie in the mask: masks spill by a voxel or two. Nor is a
    ball of up to 8 mL with fat nearly all around it by the bladder: urine has urine or the bladder's wall beside it.
    """
    name = NAMES.get(focus.label, "")
    if name == "urinary_bladder" and around.fat > 0.65 and around.weakest >= 0.12 and around.core_ml < 8:
        return None
    if focus.label_share < 0.75 and node_in_fat(around):
        return None
    # a kidney that lies low or is fused with the other one reaches before the spine, in one piece with the rest
    part = around.joined >= 0.75 and focus.label_share >= 0.6
    if name.startswith("kidney") and ((not around.renal_place and not part) or not_of_kidney(around)):
        return None  # a mask that has run into liver or mesentery
    if name in names and focus.label_share >= 0.5:
        return Judgement(True, name, f"{focus.label_share:.0%} of the core lies in the {name.replace('_', ' ')}")
    return None


def not_of_kidney(around: Surroundings) -> bool:
    """A ball that stands by itself: whatever is kidney has the rest of the kidney's uptake beside it."""
    return around.joined < 0.25 and around.evenness >= 0.5 and around.elongation < 1.4 and around.core_ml < 8
