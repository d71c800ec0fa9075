"""Radioactive decay: half-lives of the nuclides in use, the mean time of a frame, decay between two times.

Half-lives in seconds from the evaluated tables of BNM-LNHB (Decay Data Evaluation Project), rounded.
"""

from __future__ import annotations

import math
import re

#: nuclide → half-life in seconds
HALF_LIFE_S: dict[str, float] = {
    "11C": 1221.8,
    "13N": 597.9,
    "15O": 122.27,
    "18F": 6586.2,
    "22Na": 8.2109e7,
    "43Sc": 14007.6,
    "44Sc": 14551.2,
    "61Cu": 12020.0,
    "64Cu": 45721.1,
    "68Ga": 4062.6,
    "68Ge": 2.3410e7,
    "82Rb": 75.5,
    "86Y": 53064.0,
    "89Zr": 282276.0,
    "90Y": 230550.0,
    "99mTc": 21624.0,
    "111In": 242330.0,
    "123I": 47574.0,
    "124I": 360806.0,
    "131I": 693350.0,
    "152Tb": 63000.0,
    "161Tb": 600480.0,
    "177Lu": 574300.0,
    "67Ga": 281800.0,
}
_ELEMENTS = {
    "carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "fluor": "F", "sodium": "Na", "scandium": "Sc",
    "copper": "Cu", "gallium": "Ga", "germanium": "Ge", "rubidium": "Rb", "yttrium": "Y", "zirconium": "Zr",
    "technetium": "Tc", "indium": "In", "iodine": "I", "terbium": "Tb", "lutetium": "Lu",
}  # fmt: skip
#: SNOMED RT and SNOMED CT codes of CID 4020 (PET Radionuclide) seen without a meaning that names the nuclide
_CODES = {"C-105A1": "11C", "C-107A1": "13N", "C-B1038": "15O", "C-111A1": "18F", "C-131A3": "68Ga", "77004003": "18F"}
_MASS_FIRST = re.compile(r"(?<!\d)(\d{2,3}m?)[\s^\-\[\]]*([a-z]+)", re.IGNORECASE)
_ELEMENT_FIRST = re.compile(r"([a-z]+)[\s^\-\[\]]*(\d{2,3}m?)(?!\d)", re.IGNORECASE)


def nuclide(meaning: str, code: str = "") -> str | None:
    """The nuclide ("18F") that a radionuclide code or its meaning plainly names, else None.

    Code and meaning that name different nuclides settle nothing: None.
    """
    found = {name for name in (_CODES.get(code.strip()), _from_text(meaning)) if name}
    return found.pop() if len(found) == 1 else None


def _from_text(meaning: str) -> str | None:
    names = set()
    for pattern, mass_group, element_group in ((_MASS_FIRST, 1, 2), (_ELEMENT_FIRST, 2, 1)):
        for match in pattern.finditer(meaning):
            element = match.group(element_group)
            symbol = _ELEMENTS.get(element.lower(), element.capitalize())
            name = match.group(mass_group).lower() + symbol
            if name in HALF_LIFE_S:
                names.add(name)
    return names.pop() if len(names) == 1 else None


def nuclide_of_half_life(half_life_s: float, tolerance: float = 0.02) -> str | None:
    """The nuclide whose half-life lies within `tolerance` (relative) of the one given, None if none or several."""
    near = [name for name, value in HALF_LIFE_S.items() if abs(half_life_s / value - 1.0) <= tolerance]
    return near[0] if len(near) == 1 else None


def mean_time_s(duration_s: float, half_life_s: float) -> float:
    """Time after the start of a frame at which the activity equals the frame's mean, s.

    T_ave = ln(λT / (1 − e^−λT)) / λ (IBSI-SUV manual); duration/2 as λT → 0.
    """
    decay = math.log(2.0) / half_life_s
    product = decay * duration_s
    if product < 1e-6:
        return duration_s / 2.0
    return math.log(product / -math.expm1(-product)) / decay


def remaining(elapsed_s: float, half_life_s: float) -> float:
    """Share of the activity left after `elapsed_s`: 2^(−elapsed / half-life)."""
    return float(2.0 ** (-elapsed_s / half_life_s))
