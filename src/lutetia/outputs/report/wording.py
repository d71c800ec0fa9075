"""Numbers and findings in words. Careful by design: what the project must never claim is not in this file."""

from __future__ import annotations

import math
import re
from typing import Any

from lutetia.model import Course, Grade, Lesion, Study

NARROW = "\u202f"  # no break between a number and its unit

RESEARCH_USE = "Research software – not a medical device – not for diagnosis or treatment decisions"

POSITION = (
    "Lutetia is open-source research software. It is not a medical device, not cleared or certified by any "
    "authority, not intended for diagnosis, treatment selection, dosing, monitoring or prognosis of individual "
    "patients. Results need reading by qualified physicians."
)

REFERENCE_NAMES = {"liver": "Liver", "spleen": "Spleen", "blood_pool": "Blood pool"}

REFERENCE_STATUS = {
    "ok": "ok",
    "caution": "caution",
    "fallback": "fallback",
    "user": "given by the user",
    "absent": "absent",
    "outside_field": "outside the field",
}

REGIONS = {
    "liver": "Liver",
    "lymph_nodes": "Lymph nodes",
    "bone": "Bone",
    "lung": "Lung",
    "other": "Other sites",
}

FLAGS = {
    "small": "< 2 cm",
    "partial_volume": "partial volume",
    "below_0.5_ml": "< 0.5 mL, not in totals",
    "near_field_edge": "near the edge of the field",
    "confluent": "confluent",
    "part_of_confluent": "part of confluent disease, outlined on another tracer",
    "coalesced": "no border to its neighbours any more, divided as they lay before",
}

#: Codes of the rule files as a reader understands them.
CODES = {
    "SPLEEN-MISSING": "spleen not measured: grades 3 and 4 can't be told apart",
    "SPLEEN-LE-LIVER": "spleen at or below liver: grades 3 and 4 can't be told apart",
    "NO-LIVER": "no usable liver reference: not graded",
    "NO-BLOODPOOL": "no blood pool reference: grades 0 to 2 can't be told apart",
    "REF-INVERTED": "blood pool at or above liver: not graded",
    "REF-CLOSE": "blood pool band reaches the liver",
    "BAD-INPUT": "a value is not positive, not finite, or from another scan",
    "ANTAGONIST": "SSTR antagonist: outside the scale's tracers",
    "TRACER-18F": "18F agonist: outside the scale's tracers",
    "SSA": "somatostatin analogue status changed",
    "METRIC-DEPENDENT": "SUVmax and SUVpeak give different grades",
    "SPECT-SMALL": "under 2 cm: listed, not graded on SPECT",
    "NOT-SCORABLE": "not scorable",
    "SMALL": "2 cm or less: the grade may be overestimated",
}

CORRECTIONS = {
    "ATTN": "attenuation",
    "DECY": "decay",
    "SCAT": "scatter",
    "RAN": "randoms",
    "RADL": "radial non-uniformity",
    "DTIM": "dead time",
    "NORM": "normalisation",
    "MOTN": "motion",
    "SLSENS": "slice sensitivity",
    "PMTC": "PMT",
    "DCAL": "detector calibration",
}


_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def number(value: float | None, digits: int = 3, missing: str = "–") -> str:
    """`value` with about `digits` significant digits, no exponent for everyday sizes: 0.023, 4.57, 12.3, 1,240."""
    if value is None or not math.isfinite(value):
        return missing
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e7 or size < 1e-4:
        return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e")
    size = float(f"{size:.{digits}g}")  # 9.98 with two digits is 10, not 10.0
    decimals = max(digits - 1 - math.floor(math.log10(size)), 0)
    return f"{value:,.{min(decimals, 6)}f}".replace("-", "−")


def suv(value: float | None) -> str:
    """SUV with two decimals below 10, one from there on."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def with_unit(value: float | None, unit: str, digits: int = 3) -> str:
    """Number and unit with a space that does not break; a dash when unknown."""
    return "–" if value is None else f"{number(value, digits)}{NARROW}{unit}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage."""
    return "–" if share is None else f"{100 * share:.{digits}f}{NARROW}%"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``3 lesions``, ``1 lesion``, ``no lesions``."""
    word = one if count == 1 else (many or one + "s")
    return f"{'no' if count == 0 else count} {word}"


def listed(grades: tuple[str, ...]) -> str:
    """``3``, ``3 or 4``, ``0, 1 or 2``."""
    if len(grades) < 2:
        return "".join(grades)
    return ", ".join(grades[:-1]) + " or " + grades[-1]


def grade_words(grade: Grade | None) -> str:
    """The grade itself: ``3``, ``3 or 4``, ``not graded``."""
    if grade is None:
        return "–"
    return listed(grade.value) or "not graded"


def is_borderline(grade: Grade | None) -> bool:
    """Whether 5 % less or more uptake would meet another grade."""
    return grade is not None and bool(set(grade.set) - set(grade.value))


def cut_words(cut: str) -> str:
    """A cut's key in words: ``blood_pool_upper`` → ``blood pool upper``."""
    return re.sub(r"[_]+", " ", cut).strip()


def margin_words(grade: Grade | None) -> str:
    """How far the uptake lies from the nearest cut: ``4 % above liver: borderline (2 or 3)``."""
    if grade is None:
        return "–"
    if not grade.value:
        return CODES.get(grade.code or "", grade.code or grade.explanation or "refused")
    if grade.margin is None or not math.isfinite(grade.margin):
        return CODES.get(grade.code or "", "")
    size = abs(grade.margin) * 100
    amount = f"{size:.1f}" if size < 10 else f"{size:,.0f}"
    cut = cut_words(grade.nearest_cut) or "nearest cut"
    side = "above" if grade.margin > 0 else "below"
    words = f"at {cut}" if size < 0.05 else f"{amount}{NARROW}% {side} {cut}"
    if is_borderline(grade):
        words += f": borderline ({listed(grade.set)})"
    return words


def shortened(text: str, most: int, at: str = "; ") -> str:
    """The first parts of a text that fit into `most` characters, with "and n more" for the rest; at least one part."""
    parts = text.split(at)
    kept = parts[:1]
    for part in parts[1:]:
        if len(at.join([*kept, part])) > most:
            break
        kept.append(part)
    left = len(parts) - len(kept)
    first = kept[0] if len(kept) > 1 or len(kept[0]) <= 2 * most else kept[0][: 2 * most].rsplit(" ", 1)[0] + " …"
    return at.join([first, *kept[1:]]) + (f"{at}and {left} more" if left else "")


def site_words(lesion: Lesion) -> str:
    """Site, side and marks: ``Liver, right``; ``Lymph node, left (in adrenal)``."""
    site = lesion.site.replace("_", " ").strip() or "site not named"
    words = site[:1].upper() + site[1:]
    if lesion.side and lesion.side not in site:
        words += f", {lesion.side}"
    return words


def remarks(lesion: Lesion, flags: tuple[str, ...], notes: tuple[str, ...] = ()) -> str:
    """Marks and flags in words, then the letters of the notes under the table."""
    words = list(lesion.marks)
    if lesion.confluent and "confluent" not in flags:
        words.append("confluent")
    words += [FLAGS.get(flag, flag.replace("_", " ")) for flag in flags]
    words += [f"({note})" for note in notes]
    return "; ".join(dict.fromkeys(words))


def grade_notes(grade: Grade | None) -> tuple[str, ...]:
    """What must be said with a grade, as sentences: its cautions, and its code where it was not refused."""
    if grade is None:
        return ()
    said = [CODES.get(caution, caution) for caution in grade.cautions]
    if grade.code and grade.value:
        said.append(CODES.get(grade.code, grade.code))
    return tuple(dict.fromkeys(words[:1].upper() + words[1:].rstrip(".") + "." for words in said if words))


def tracer_words(study: Study) -> str:
    """The tracer's name, or that it is not known."""
    if study.tracer_detail is not None:
        return study.tracer_detail.name
    return "unknown tracer" if study.tracer == "unknown" else study.tracer


def date_words(date: str | None, *, short: bool = False) -> str:
    """``2026-03-14`` or ``20260314`` → ``14 March 2026`` (``14 Mar 2026``); other text as it is."""
    if not date:
        return "date not recorded"
    found = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})", date.strip()[:10])
    if not found:
        return date
    year, month, day = (int(part) for part in found.groups())
    if not 1 <= month <= 12:
        return date
    name = _MONTHS[month - 1]
    return f"{day} {name[:3] if short else name} {year}"


def moment_words(moment: str | None) -> str:
    """An ISO date-time as ``2026-03-14 13:05:09``; a dash when unknown."""
    if not moment:
        return "–"
    return re.sub(r"(\.\d+)?([+-]00:00|Z)?$", "", moment.replace("T", " "))


def patient_words(course: Course) -> str:
    """The patient's id, marked when it is a pseudonym."""
    return f"{course.patient.id} (pseudonym)" if course.patient.pseudonymous else course.patient.id


def value_words(value: Any) -> str:
    """Any value of a free record in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_words(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return str(value)
