"""How old the inputs of a verdict are, and until when the limits that its source prints let them stand.

A date comes from the scan, the blood sample, the biopsy or the CT behind a fact. Only limits that a gate itself carries
count ("SSTR imaging within 3 months before"); where a rule has none, no expiry was published and none is made up.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lutetia.rules.compiled import Rule
from lutetia.rules.facts import UNKNOWN, FactView
from lutetia.rules.needs import needs_of
from lutetia.rules.profile import Profile

#: fact that counts days to the assessment → the date that it counts from, and what that is in words
AGES: Mapping[str, tuple[str, str]] = {
    "imaging.sstr_days_before_assessment": ("sstr.date", "SSTR scan"),
    "imaging.fdg_days_before_assessment": ("fdg.date", "FDG scan"),
    "labs.days_before_assessment": ("labs.date", "blood values"),
    "imaging.ct_newest_days": ("imaging.ct_newest_date", "newest CT or MRI"),
}
#: beginning of a fact's name → the date behind it, and what that is in words
_DATED: tuple[tuple[str, str, str], ...] = (
    ("lesion.fdg.", "fdg.date", "FDG scan"),
    ("lesion.previous.", "previous.date", "earlier SSTR scan"),
    ("lesion.spect.", "spect.date", "SPECT"),
    ("lesion.", "sstr.date", "SSTR scan"),
    ("sstr.", "sstr.date", "SSTR scan"),
    ("fdg.", "fdg.date", "FDG scan"),
    ("previous.", "previous.date", "earlier SSTR scan"),
    ("spect.", "spect.date", "SPECT"),
    ("labs.", "labs.date", "blood values"),
    ("disease.grade", "disease.biopsy_date", "biopsy"),
    ("disease.ki67", "disease.biopsy_date", "biopsy"),
    ("disease.differentiation", "disease.biopsy_date", "biopsy"),
)
_LIMIT = re.compile(r"([a-z_]+\.[a-z_]+)\s*<=\s*(\d+)")
NONE_PUBLISHED = "no expiry published"


@dataclass(frozen=True)
class Age:
    """Dates of a verdict's inputs (ISO), those without a date, and the first published limit that runs out."""

    dated: Mapping[str, str]
    undated: tuple[str, ...]
    oldest: str | None
    expires: str | None
    expiry: str


def limits_of(rule: Rule) -> tuple[tuple[str, int], ...]:
    """The limits of age that a rule's gates carry: (fact, days)."""
    if not isinstance(rule.body, Profile):
        return ()
    found = []
    for gate in rule.body.gates:
        for condition in (gate.entry.model_extra or {}).values():
            for name, days in _LIMIT.findall(str(condition)):
                if name in AGES:
                    found.append((name, int(days)))
    return tuple(dict.fromkeys(found))


def _date(view: FactView, name: str) -> datetime.date | None:
    value = view.get(name)
    return datetime.date.fromordinal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def age_of(rule: Rule, view: FactView) -> Age:
    """Dates and expiry of what one rule read of one patient.

    Parameters
    ----------
    rule : compiled
    view : the patient, with visits in their roles
    """
    dated: dict[str, str] = {}
    undated: list[str] = []
    for name in needs_of(rule):
        known = (
            any(lesion.get(name) is not UNKNOWN for lesion in view.lesions)
            if name.startswith("lesion.")
            else view.get(name) is not UNKNOWN
        )
        if not known:
            continue
        source = next(((fact, words) for start, fact, words in _DATED if name.startswith(start)), None)
        day = _date(view, source[0]) if source is not None else None
        if source is not None and day is not None:
            dated[source[1]] = day.isoformat()
        elif not name.startswith(("imaging.", "report.", "lesion.", "visit.")):
            undated.append(name)
    ends = []
    for fact, days in limits_of(rule):
        base, words = AGES[fact]
        day = _date(view, base)
        if day is not None:
            ends.append((day + datetime.timedelta(days=days), f"{words} of {day.isoformat()} within {days} days"))
            dated[words] = day.isoformat()
    expires = min(ends, default=None)
    if expires is None:
        text = NONE_PUBLISHED if not limits_of(rule) else "a limit is published, the date it counts from is not known"
        return Age(dated, tuple(undated), min(dated.values(), default=None), None, text)
    return Age(dated, tuple(undated), min(dated.values()), expires[0].isoformat(), expires[1])
