"""What the phantom is made of: density, uptake and the truth's organ name of every tissue.

Hounsfield units are textbook values (plain and portal-venous phase). SUV medians are typical of the normal distribution
of a somatostatin receptor agonist (spleen > kidneys > adrenals > pituitary > liver > bowel > blood pool) and of FDG
(brain > urine > myocardium > liver > blood pool); they are fitted to no patient and to no other simulator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tissue:
    """One tissue. `organ` is its name in truth/organs.nii.gz; SUV medians by tracer class; `texture` a relative SD."""

    name: str
    organ: str
    hu: float
    hu_portal: float
    sstr: float
    fdg: float
    texture: float = 0.05
    spread: float = 0.12  # SD of the logarithm between patients


_ORGANS = (
    ("liver", "spleen", "aorta_thoracic", "aorta_abdominal", "heart_blood", "vessels", "myocardium"),
    ("kidney_left", "kidney_right", "adrenal_left", "adrenal_right", "pancreas", "uncinate", "stomach"),
    ("bowel_small", "colon", "bladder", "ureter", "gallbladder", "prostate", "uterus", "brain", "pituitary"),
    ("salivary", "thyroid", "lung_left", "lung_right", "airway", "oesophagus", "bone", "muscle", "fat"),
    ("accessory_spleen", "tonsils_pharynx", "gonads", "brown_fat", "breast", "effusion", "ascites", "metal", "other"),
)
#: values of truth/organs.nii.gz
ORGAN_LABELS: dict[str, int] = {name: n for n, name in enumerate((o for row in _ORGANS for o in row), start=1)}

TISSUES: tuple[Tissue, ...] = (
    Tissue("air", "", -1000, -1000, 0.0, 0.0, 0.0),
    Tissue("skin_fat", "fat", -98, -98, 0.22, 0.25),
    Tissue("muscle", "muscle", 52, 60, 0.65, 0.75, 0.08),
    Tissue("visceral_fat", "fat", -102, -98, 0.35, 0.35),
    Tissue("mediastinum", "other", -55, -45, 0.75, 0.8),
    Tissue("lung_left", "lung_left", -830, -825, 0.35, 0.42, 0.12),
    Tissue("lung_right", "lung_right", -830, -825, 0.35, 0.42, 0.12),
    Tissue("lung_vessel", "vessels", 10, 90, 1.0, 1.2),
    Tissue("airway", "airway", -990, -990, 0.15, 0.2),
    Tissue("cortical_bone", "bone", 620, 630, 0.45, 0.6, 0.08),
    Tissue("marrow", "bone", 190, 205, 1.0, 1.3, 0.12),
    Tissue("yellow_marrow", "bone", 20, 25, 0.35, 0.4),
    Tissue("disc", "bone", 85, 90, 0.5, 0.6),
    Tissue("cartilage", "other", 95, 100, 0.5, 0.6),
    Tissue("spinal_canal", "other", 22, 25, 0.45, 1.3),
    Tissue("brain", "brain", 36, 42, 0.12, 8.5, 0.15),
    Tissue("eye", "other", 12, 12, 0.3, 0.8),
    Tissue("pituitary", "pituitary", 45, 70, 9.5, 2.2, 0.05, 0.25),
    Tissue("salivary", "salivary", 25, 60, 3.4, 2.0, 0.1, 0.25),
    Tissue("nasal", "tonsils_pharynx", 20, 40, 2.2, 1.6, 0.1, 0.2),
    Tissue("thyroid", "thyroid", 95, 150, 3.2, 1.5, 0.08, 0.25),
    Tissue("aorta_thoracic", "aorta_thoracic", 42, 145, 1.45, 1.75, 0.01, 0.15),
    Tissue("aorta_abdominal", "aorta_abdominal", 42, 145, 1.45, 1.75, 0.01, 0.15),
    Tissue("heart_blood", "heart_blood", 42, 140, 1.45, 1.75, 0.01, 0.15),
    Tissue("vein", "vessels", 42, 150, 1.45, 1.75, 0.01, 0.15),
    Tissue("myocardium", "myocardium", 45, 105, 1.6, 3.5, 0.12, 0.3),
    Tissue("oesophagus", "oesophagus", 38, 55, 1.2, 1.6),
    Tissue("liver", "liver", 58, 112, 6.2, 2.25, 0.035, 0.18),
    Tissue("gallbladder", "gallbladder", 10, 12, 1.3, 0.8),
    Tissue("spleen", "spleen", 50, 122, 21.0, 1.85, 0.035, 0.2),
    Tissue("accessory_spleen", "accessory_spleen", 50, 122, 19.0, 1.85, 0.035, 0.2),
    Tissue("breast", "breast", 25, 35, 0.6, 0.7, 0.1),
    Tissue("testis", "gonads", 35, 45, 0.8, 2.2),
    Tissue("kidney_cortex_left", "kidney_left", 34, 165, 17.0, 2.6, 0.1, 0.2),
    Tissue("kidney_cortex_right", "kidney_right", 34, 165, 17.0, 2.6, 0.1, 0.2),
    Tissue("kidney_pelvis_left", "kidney_left", 12, 60, 9.0, 5.5, 0.1, 0.3),
    Tissue("kidney_pelvis_right", "kidney_right", 12, 60, 9.0, 5.5, 0.1, 0.3),
    Tissue("ureter", "ureter", 10, 40, 7.0, 5.0, 0.5, 0.4),
    Tissue("bladder", "bladder", 6, 8, 24.0, 22.0, 0.02, 0.4),
    Tissue("bladder_wall", "bladder", 38, 60, 3.0, 3.0),
    Tissue("adrenal_left", "adrenal_left", 28, 75, 12.0, 1.9, 0.05, 0.2),
    Tissue("adrenal_right", "adrenal_right", 28, 75, 12.0, 1.9, 0.05, 0.2),
    Tissue("pancreas", "pancreas", 38, 98, 2.8, 1.5, 0.12, 0.2),
    Tissue("uncinate", "uncinate", 40, 98, 5.2, 1.5, 0.1, 0.3),
    Tissue("stomach_wall", "stomach", 40, 85, 5.0, 2.0, 0.15, 0.25),
    Tissue("stomach_contents", "stomach", 15, 15, 0.5, 0.5),
    Tissue("duodenum", "bowel_small", 36, 80, 5.0, 1.8, 0.25, 0.25),
    Tissue("bowel_small", "bowel_small", 34, 80, 3.1, 1.5, 0.45, 0.25),
    Tissue("colon_wall", "colon", 38, 75, 2.8, 1.7, 0.3, 0.25),
    Tissue("colon_contents", "colon", 10, 10, 1.4, 0.9, 0.3),
    Tissue("bowel_gas", "colon", -930, -930, 0.25, 0.25),
    Tissue("prostate", "prostate", 42, 75, 2.6, 1.6, 0.1, 0.2),
    Tissue("uterus", "uterus", 48, 100, 2.4, 2.0, 0.1, 0.2),
    Tissue("couch_shell", "", -250, -250, 0.0, 0.0, 0.0),
    Tissue("couch_foam", "", -930, -930, 0.0, 0.0, 0.0),
)

#: name → the number used in label arrays
NUMBER: dict[str, int] = {tissue.name: n for n, tissue in enumerate(TISSUES)}

#: tissues drawn together: one blood, one pair of kidneys, one pair of adrenals
TOGETHER: dict[str, str] = {
    "aorta_abdominal": "aorta_thoracic",
    "heart_blood": "aorta_thoracic",
    "vein": "aorta_thoracic",
    "kidney_cortex_right": "kidney_cortex_left",
    "kidney_pelvis_right": "kidney_pelvis_left",
    "adrenal_right": "adrenal_left",
}


def organ_table() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Tissue number → value in truth/organs.nii.gz (0 for air and couch)."""
    return np.array([ORGAN_LABELS.get(t.organ, 0) for t in TISSUES], np.uint8)


def hounsfield_table(contrast: bool) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Tissue number → HU, plain or portal-venous."""
    return np.array([t.hu_portal if contrast else t.hu for t in TISSUES], np.float32)


def draw_uptake(rng: np.random.Generator, tracer: str) -> dict[str, float]:
    """SUV of each tissue for one patient: the median times a log-normal draw, pairs drawn together.

    `tracer` is "dotatate" or "fdg". Spleen stays above liver, and liver above blood, for DOTATATE.
    """
    out: dict[str, float] = {}
    for tissue in TISSUES:
        median = tissue.fdg if tracer == "fdg" else tissue.sstr
        draw = float(np.exp(tissue.spread * np.clip(rng.standard_normal(), -1.6, 1.6)))
        out[tissue.name] = median * draw
    for name, leader in TOGETHER.items():
        out[name] = out[leader]
    if tracer != "fdg":
        out["spleen"] = max(out["spleen"], 1.9 * out["liver"])
        out["accessory_spleen"] = 0.9 * out["spleen"]
        out["liver"] = max(out["liver"], 2.5 * out["aorta_thoracic"])
    return out
