"""What SUV is normalised by: body weight, lean body mass, ideal body weight, body surface area.

Formulas: IBSI-SUV manual (Vácha et al.), after Sugawara et al., Radiology 1999;213:521; the names are those of
SUV Type (0054,1006), PS3.3 C.8.9.1. Weight is kg, size m; results are kg, and m² for the surface.
"""

from __future__ import annotations

from collections.abc import Callable

#: basis → (option text, unit of the SUV)
SUV_BASES: dict[str, tuple[str, str]] = {
    "bw": ("body weight", "g/mL"),
    "lbm": ("lean body mass, James with 120", "g/mL"),
    "lbmjames128": ("lean body mass, James with 128", "g/mL"),
    "lbmjanma": ("lean body mass, Janmahasatian", "g/mL"),
    "ibw": ("ideal body weight", "g/mL"),
    "bsa": ("body surface area, Du Bois", "cm2/mL"),
}
NEEDS_SIZE = frozenset({"lbm", "lbmjames128", "lbmjanma", "ibw", "bsa"})
NEEDS_SEX = frozenset({"lbm", "lbmjames128", "lbmjanma", "ibw"})


def _james(weight_kg: float, size_m: float, male: bool, male_constant: float) -> float:
    ratio = (weight_kg / (size_m * 100.0)) ** 2
    return 1.10 * weight_kg - male_constant * ratio if male else 1.07 * weight_kg - 148.0 * ratio


def _james_120(weight_kg: float, size_m: float, male: bool) -> float:
    return _james(weight_kg, size_m, male, 120.0)


def _james_128(weight_kg: float, size_m: float, male: bool) -> float:
    return _james(weight_kg, size_m, male, 128.0)


def _janmahasatian(weight_kg: float, size_m: float, male: bool) -> float:
    # Janmahasatian et al., Clin Pharmacokinet 2005;44:1051
    bmi = weight_kg / size_m**2
    return 9270.0 * weight_kg / (6680.0 + 216.0 * bmi if male else 8780.0 + 244.0 * bmi)


def _ideal_body_weight(weight_kg: float, size_m: float, male: bool) -> float:
    size_cm = size_m * 100.0
    return 48.0 + 1.06 * (size_cm - 152.0) if male else 45.5 + 0.91 * (size_cm - 152.0)


_BY_SEX: dict[str, Callable[[float, float, bool], float]] = {
    "lbm": _james_120,
    "lbmjames128": _james_128,
    "lbmjanma": _janmahasatian,
    "ibw": _ideal_body_weight,
}


def body_surface_m2(weight_kg: float, size_m: float) -> float:
    """Body surface area by Du Bois, m²: 0.007184 · (size in cm)^0.725 · weight^0.425."""
    return float(0.007184 * (size_m * 100.0) ** 0.725 * weight_kg**0.425)


def lean_or_ideal_kg(basis: str, weight_kg: float, size_m: float, sex: str) -> float:
    """Lean body mass or ideal body weight in kg.

    Parameters
    ----------
    basis : "lbm" (James, 120), "lbmjames128", "lbmjanma" or "ibw"
    sex : "M", "F" or "O"; for "O" the mean of the two formulas, as the IBSI-SUV manual does

    Raises
    ------
    KeyError
        Another basis.
    ValueError
        Another sex.
    """
    formula = _BY_SEX[basis]
    if sex == "M":
        return formula(weight_kg, size_m, True)
    if sex == "F":
        return formula(weight_kg, size_m, False)
    if sex == "O":
        return 0.5 * (formula(weight_kg, size_m, True) + formula(weight_kg, size_m, False))
    raise ValueError(f"sex {sex!r}: no formula")


def normaliser(basis: str, weight_kg: float, size_m: float | None = None, sex: str | None = None) -> float:
    """What one Bq/mL per Bq is multiplied by: grams, and cm² for the surface.

    SUV = activity concentration [Bq/mL] × normaliser / dose [Bq] is g/mL (cm²/mL for "bsa").
    `size_m` and `sex` must be given where the basis needs them (`NEEDS_SIZE`, `NEEDS_SEX`).
    """
    if basis == "bw":
        return weight_kg * 1e3
    if size_m is None:
        raise ValueError(f"{basis} needs the size")
    if basis == "bsa":
        return body_surface_m2(weight_kg, size_m) * 1e4
    return lean_or_ideal_kg(basis, weight_kg, size_m, sex or "") * 1e3
