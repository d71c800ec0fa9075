"""The label table of organ maps: TotalSegmentator's class names, our own small integers, SNOMED CT codes."""

from __future__ import annotations

from lutetia.model import Code

#: name → (label in organs.nii.gz, SNOMED CT code, SNOMED CT meaning)
_TABLE: dict[str, tuple[int, str, str]] = {
    "body": (1, "38266002", "Entire body"),
    "lung_left": (2, "44029006", "Left lung"),
    "lung_right": (3, "3341006", "Right lung"),
    "skeleton": (4, "113192009", "Skeletal system"),
    "spine": (5, "421060004", "Vertebral column"),
    "aorta": (6, "15825003", "Aorta"),
    "liver": (7, "10200004", "Liver"),
    "spleen": (8, "78961009", "Spleen"),
    "kidney_left": (9, "18639004", "Left kidney"),
    "kidney_right": (10, "9846003", "Right kidney"),
    "urinary_bladder": (11, "89837001", "Urinary bladder"),
    "heart": (12, "80891009", "Heart"),
    "brain": (13, "12738006", "Brain"),
    "stomach": (14, "69695003", "Stomach"),
    "bowel": (15, "113276009", "Intestine"),
    "pancreas": (16, "15776009", "Pancreas"),
    "gallbladder": (17, "28231008", "Gallbladder"),
    "adrenal_gland_left": (18, "38360003", "Left adrenal gland"),
    "adrenal_gland_right": (19, "23451007", "Adrenal gland"),
    "thyroid_gland": (20, "69748006", "Thyroid gland"),
    "pituitary_gland": (21, "56329008", "Pituitary gland"),
    "salivary_glands": (22, "385294005", "Salivary gland"),
    "prostate": (23, "41216001", "Prostate"),
    "uterus": (24, "35039007", "Uterus"),
    "ureter": (25, "87953007", "Ureter"),
    "accessory_spleen": (26, "78961009", "Spleen"),
    "esophagus": (27, "32849002", "Esophagus"),
}

LABELS: dict[str, int] = {name: row[0] for name, row in _TABLE.items()}
NAMES: dict[int, str] = {row[0]: name for name, row in _TABLE.items()}
CODES: dict[str, Code] = {name: Code(value=row[1], scheme="SCT", meaning=row[2]) for name, row in _TABLE.items()}
