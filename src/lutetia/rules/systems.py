"""The systems that are laid side by side, and what each looks at."""

from __future__ import annotations

from dataclasses import dataclass

#: the systems that need both tracers
DUAL = ("netpet", "karfis", "zidan")


@dataclass(frozen=True, slots=True)
class System:
    """What a system looks at."""

    rule: str
    name: str
    threshold: str
    unit: str
    purpose: str


SYSTEMS = (
    System(
        "krenning-patient",
        "Krenning, modified",
        "above the liver (grade 3 or more)",
        "share of lesions",
        "uptake of the target",
    ),
    System(
        "sstr-rads-1.0-overall",
        "SSTR-RADS 1.0",
        "blood pool and liver",
        "the most certain lesion, 3C and 3D beside it",
        "certainty that it is a NET",
    ),
    System(
        "netpet",
        "NETPET",
        "above background on both (Krenning 2 to 4; in the liver above the liver)",
        "one lesion: the most FDG relative to SSTR",
        "prognosis",
    ),
    System(
        "karfis",
        "Karfis",
        "above background on both (Krenning 2 to 4; in the liver above the liver)",
        "all lesions",
        "prognosis",
    ),
    System("zidan", "Zidan", "above the liver on both", "all lesions", "phenotypes of lung NEN"),
    System(
        "heterogeneity", "Heterogeneity", "grade changes inside a lesion", "half of the target lesions", "prognosis"
    ),
)
