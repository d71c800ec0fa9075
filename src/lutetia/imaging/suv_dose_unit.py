"""In which unit a dose was written: what a number would mean, and which of that could have been injected.

185 MBq = 0.185 GBq = 5 mCi. A number written in the wrong unit changes SUV by 37 or by 1,000.
"""

from __future__ import annotations

from lutetia.imaging.suv_decay import nuclide
from lutetia.model.pet import Radiopharmaceutical

#: unit → MBq
UNITS = {"kBq": 1e-3, "MBq": 1.0, "GBq": 1e3, "mCi": 37.0, "uCi": 0.037}
#: MBq injected for a scan of a person: 10 MBq is a child's or a long-lived tracer's, 1,000 MBq more than any label asks
USUAL_MBQ = (10.0, 1000.0)
#: MBq of a nuclide that is given for therapy, scanned afterwards (7.4 GBq a cycle; 2 GBq is a much reduced one)
THERAPY_MBQ = {"177Lu": (1000.0, 12000.0)}


def usual_range(item: Radiopharmaceutical) -> tuple[float, float]:
    """MBq between which a dose of this radiopharmaceutical is usual."""
    return THERAPY_MBQ.get(nuclide(item.radionuclide, item.radionuclide_code) or "", USUAL_MBQ)


def readings(number: float, usual: tuple[float, float], units: tuple[str, ...] = tuple(UNITS)) -> dict[str, float]:
    """Units in which the number is a usual dose, each with that dose in MBq.

    Parameters
    ----------
    number : as written, whatever its unit
    usual : lowest and highest MBq
    units : those asked about
    """
    found = {unit: number * UNITS[unit] for unit in units}
    return {unit: mbq for unit, mbq in found.items() if usual[0] <= mbq <= usual[1]}


def in_words(number: str, found: dict[str, float]) -> str:
    """``5 mCi would be 185 MBq``, for every reading but MBq itself."""
    return ", ".join(f"{number} {unit} would be {mbq:.4g} MBq" for unit, mbq in found.items() if unit != "MBq")


def unclear_unit(number: float, item: Radiopharmaceutical) -> str | None:
    """Why a number that can't be Bq is no sure dose in MBq either, with every reading; None where it is MBq alone.

    A number that is usual in no unit is None too: it is judged as MBq.
    """
    found = readings(number, usual_range(item), ("MBq", "mCi", "GBq"))
    if not found or set(found) == {"MBq"}:
        return None
    in_mbq = f"usual as MBq ({number:g} MBq) and in another unit" if "MBq" in found else "unusual as MBq"
    return f"too small for Bq, {in_mbq}: {in_words(f'{number:g}', found)}"
