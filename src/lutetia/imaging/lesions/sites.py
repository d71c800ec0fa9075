"""Where a lesion lies: site by name and SNOMED CT code, side, tissue, region for totals.

The site is a proposal from geometry; a reader corrects it. Codes are from SNOMED CT body structures.
"""

from __future__ import annotations

from dataclasses import dataclass

from lutetia.imaging.anatomy.labels import CODES, LABELS, NAMES
from lutetia.imaging.lesions.foci import Focus
from lutetia.imaging.lesions.landmarks import Landmarks
from lutetia.imaging.lesions.surroundings import Surroundings
from lutetia.model import Code

_SCT: dict[str, tuple[str, str]] = {
    "liver": ("10200004", "Liver"),
    "lung": ("39607008", "Lung"),
    "vertebra": ("51282000", "Vertebra"),
    "rib": ("113197003", "Rib"),
    "pelvis": ("118645006", "Pelvic bones"),
    "femur": ("71341001", "Femur"),
    "skull": ("89546000", "Skull"),
    "bone": ("272673000", "Bone"),
    "sternum": ("56873002", "Sternum"),
    "shoulder girdle": ("16982005", "Shoulder region"),
    "brain": ("12738006", "Brain"),
    "heart": ("80891009", "Heart"),
    "node supraclavicular": ("76838003", "Supraclavicular lymph node"),
    "node cervical": ("81105003", "Cervical lymph node"),
    "node axillary": ("68171009", "Axillary lymph node"),
    "node mediastinal": ("62683002", "Mediastinal lymph node"),
    "node retroperitoneal": ("91394001", "Retroperitoneal lymph node"),
    "node mesenteric": ("279795005", "Mesenteric lymph node"),
    "node pelvic": ("54268001", "Pelvic lymph node"),
    "node inguinal": ("8928004", "Inguinal lymph node"),
    "pancreas": ("15776009", "Pancreas"),
    "bowel": ("113276009", "Intestine"),
    "stomach": ("69695003", "Stomach"),
    "abdomen": ("113345001", "Abdomen"),
    "head and neck": ("774007", "Head and neck"),
    "soft tissue": ("87784001", "Soft tissue"),
    "adrenal": ("23451007", "Adrenal gland"),
    "thyroid": ("69748006", "Thyroid gland"),
    "pituitary": ("56329008", "Pituitary gland"),
    "kidney": ("64033007", "Kidney"),
    "spleen": ("78961009", "Spleen"),
    "ureter": ("87953007", "Ureter"),
    "bladder": ("89837001", "Urinary bladder"),
    "salivary glands": ("385294005", "Salivary gland"),
    "prostate": ("41216001", "Prostate"),
    "uterus": ("35039007", "Uterus"),
    "gallbladder": ("28231008", "Gallbladder"),
}

_ORGAN_SITE = {
    "kidney_left": "kidney",
    "kidney_right": "kidney",
    "urinary_bladder": "bladder",
    "adrenal_gland_left": "adrenal",
    "adrenal_gland_right": "adrenal",
    "thyroid_gland": "thyroid",
    "pituitary_gland": "pituitary",
    "salivary_glands": "salivary glands",
    "accessory_spleen": "spleen",
}
_MARK_SITE = {
    "in adrenal": "adrenal",
    "in thyroid": "thyroid",
    "at the pituitary": "pituitary",
    "in brain or meninges": "brain",
    "in prostate": "prostate",
    "in uterus": "uterus",
    "in pancreas": "pancreas",
    "in bowel": "bowel",
    "in stomach": "stomach",
}


#: before the spine the diaphragm lies less than this below the top of the liver
_DIAPHRAGM_MM = 40.0


@dataclass(frozen=True)
class Site:
    """Site, its code, side, tissue, and the region totals are summed by."""

    name: str
    code: Code | None
    side: str | None
    tissue: str
    region: str


def code_of(name: str) -> Code | None:
    """SNOMED CT code of a site name, None when there is none in the table."""
    row = _SCT.get(name)
    return Code(value=row[0], scheme="SCT", meaning=row[1]) if row else None


def organ_site(organ: str, point_side: str) -> Site:
    """The site of uptake ascribed to an organ."""
    name = _ORGAN_SITE.get(organ, organ)
    side = "left" if organ.endswith("_left") else "right" if organ.endswith("_right") else None
    if side is None and organ in ("ureter", "salivary_glands"):
        side = point_side
    code = code_of(name) or CODES.get(organ)
    return Site(name, code, side, "other", "other")


def site_of(focus: Focus, around: Surroundings, marks: Landmarks, found_marks: tuple[str, ...]) -> Site:
    """Name the site of a candidate lesion."""
    side = marks.side(around.point)
    if focus.in_liver:
        return Site("liver", code_of("liver"), side, "liver", "liver")
    for mark in found_marks:
        if mark in _MARK_SITE:
            name = _MARK_SITE[mark]
            return Site(name, code_of(name), side, "soft", "other")
    organ = NAMES.get(focus.label, "")
    if organ in ("pancreas", "bowel", "stomach", "brain", "heart", "prostate", "uterus") and focus.label_share >= 0.5:
        return Site(organ, code_of(organ), side, "soft", "other")
    bone = organ in ("skeleton", "spine") and focus.label_share >= 0.4
    dense = around.has_ct and around.ct_peak_hu > 150 and around.bone > 0.15
    if bone or dense:
        name = _bone(organ, around, marks)
        return Site(name, code_of(name), side, "bone", "bone")
    in_lung = focus.label in (LABELS["lung_left"], LABELS["lung_right"])
    if in_lung or (around.has_ct and around.lung > 0.55):
        return Site("lung", code_of("lung"), side, "lung", "lung")
    name = _soft(around, marks)
    if name.startswith("node"):
        return Site(name, code_of(name), side, "lymph_node", "lymph_nodes")
    return Site(name, code_of(name), side, "soft", "other")


def _bone(organ: str, around: Surroundings, marks: Landmarks) -> str:
    z = float(around.point[2])
    spinal = organ == "spine" or (abs(around.lateral) < 25 and abs(around.ventral) < 40)
    if marks.brain_base is not None and z > marks.brain_base - 5:
        return "skull"
    pelvic = marks.bladder_top is not None and z < marks.bladder_top + 60
    if spinal and not (pelvic and marks.bladder_top is not None and z < marks.bladder_top + 20):
        return "vertebra"
    if pelvic and marks.bladder_middle is not None:
        if z < float(marks.bladder_middle[2]) - 20 and abs(around.lateral) > 60:
            return "femur"
        return "pelvis"
    if marks.lung_top is not None and z > marks.lung_top - 40 and abs(around.lateral) > 90:
        return "shoulder girdle"
    if marks.in_chest(z) and abs(around.lateral) < 25:
        return "sternum"
    if marks.lung_base is not None and z > marks.lung_base - 120:
        return "rib"
    return "bone"


def _soft(around: Surroundings, marks: Landmarks) -> str:
    z = float(around.point[2])
    if marks.brain_base is not None and z > marks.brain_base:
        return "head and neck"
    if marks.lung_top is not None and z > marks.lung_top - 25:
        if abs(around.lateral) > 95:
            return "node axillary"
        return "node supraclavicular" if z < marks.lung_top + 45 else "node cervical"
    # the lungs reach lower behind than the diaphragm in front
    belly = marks.liver_high is not None and z < marks.liver_high - _DIAPHRAGM_MM and around.ventral > 20
    if marks.in_chest(z) and not belly:
        if abs(around.lateral) > 85 and marks.lung_top is not None and z > marks.lung_top - 130:
            return "node axillary"
        return "node mediastinal" if abs(around.lateral) < 70 else "soft tissue"
    if marks.bladder_top is not None and z < marks.bladder_top + 20:
        low = float(marks.bladder_middle[2]) - 10 if marks.bladder_middle is not None else marks.bladder_top - 60
        return "node inguinal" if z < low and abs(around.lateral) > 40 and around.ventral > 20 else "node pelvic"
    if marks.in_abdomen(z):
        if abs(around.lateral) < 60 and -10 < around.ventral < 62:
            return "node retroperitoneal"
        return "node mesenteric" if around.ventral >= 62 and abs(around.lateral) < 110 else "abdomen"
    return "soft tissue"
