"""What the dated entries of a case say at one point in time: analogue, treatments, markers, blood values, pathology.

An entry is known to have happened; that nothing else happened is never concluded from a list. So a treatment that is
listed settles "yes", and a list without it settles nothing. Somatostatin analogues are the exception: a case that
dates them is taken to date all of them, as the founding review asks for every one (its figure 12).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lutetia.rules.facts import Fact
from lutetia.rules.timeline import TimelineEntry
from lutetia.rules.vocabulary import FactDefinition, built_in_vocabulary

Day = datetime.date

#: names of chemotherapies as they are written; whole words
CHEMOTHERAPIES = frozenset(
    (
        *(
            "captem",
            "capecitabine",
            "temozolomide",
            "folfox",
            "folfiri",
            "folfirinox",
            "streptozocin",
            "streptozotocin",
        ),
        *("fluorouracil", "5-fu", "cisplatin", "carboplatin", "etoposide", "dacarbazine", "cvd", "cyclophosphamide"),
        *("vincristine", "doxorubicin", "oxaliplatin", "irinotecan", "docetaxel", "paclitaxel", "topotecan"),
        *("lurbinectedin", "chemotherapy"),
    )
)
_RADIOLIGAND = re.compile(
    r"prrt|lutathera|oxodotreotide|edotreotide|dotatate|dotatoc|dotanoc|satoreotide|jr11|lm3", re.I
)
_LONG_ACTING = re.compile(r"\blar\b|autogel|depot|lanreotide|long[- ]acting|pasireotide", re.I)
#: convention C-P32: a marker that moves by more than this share of the earlier value rises or falls
MARKER_BAND = 0.25
#: a blood sample or marker within so many days after a scan still belongs to it
AFTER_SCAN_DAYS = 14
#: CTCAE grade from which the US label's table modifies a dose, by the name of the toxicity
DOSE_MODIFYING = {"thrombocytopenia": 2, "platelets": 2, "anaemia": 3, "anemia": 3, "neutropenia": 3}
_CHROMOGRANIN = ("cga", "chromogranin", "chromogranin a")


def is_chemotherapy(agent: str) -> bool:
    """Whether an agent is a chemotherapy by its name."""
    words = re.split(r"[^a-z0-9-]+", agent.lower())
    return any(word in CHEMOTHERAPIES for word in words)


def is_radioligand(agent: str) -> bool:
    """Whether an agent is a radioligand against somatostatin receptors by its name."""
    return bool(_RADIOLIGAND.search(agent))


def ssa_at(entries: Iterable[TimelineEntry], day: Day) -> tuple[str | None, int | None]:
    """State of the somatostatin analogue on a day.

    Returns
    -------
    (kind, days)
        "long_acting", "short_acting" or "none" (the case dates analogues, none of them before that day); None where the
        case dates none at all. Days since the last dated long-acting dose; None under an ongoing course ("until").
    """
    dated = [e for e in entries if e.kind == "ssa"]
    if not dated:
        return None, None
    before = [e for e in dated if e.date <= day and not (e.until is not None and e.until < day and _stopped(e, day))]
    if not before:
        return "none", None
    last = max(before, key=lambda e: e.date)
    if not _LONG_ACTING.search(last.agent or ""):
        return "short_acting", None
    ongoing = last.until is not None and last.until >= day
    return "long_acting", None if ongoing and last.until != last.date else (day - last.date).days


def _stopped(entry: TimelineEntry, day: Day) -> bool:
    """A short-acting analogue is gone the day after its end; a long-acting one is kept, with the days since."""
    return not _LONG_ACTING.search(entry.agent or "") and entry.until is not None and entry.until < day


def ssa_changed(entries: Sequence[TimelineEntry], earlier: Day, later: Day) -> bool | None:
    """Whether the analogue was started, stopped or re-timed (by more than 7 days) between two scans; None if untold."""
    (first, days_first), (second, days_second) = ssa_at(entries, earlier), ssa_at(entries, later)
    if first is None or second is None:
        return None
    if first != second:
        return True
    if first != "long_acting":
        return False
    if days_first is None or days_second is None:
        return False if days_first is days_second else None
    return abs(days_second - days_first) > 7


def treated_between(entries: Iterable[TimelineEntry], earlier: Day, later: Day) -> tuple[TimelineEntry, ...]:
    """Treatments of which any part lies after the first day and before the second."""
    return tuple(
        e for e in entries if e.kind == "treatment" and e.date < later and (e.until or e.date) > earlier
    )  # a treatment on the day of the later scan comes after it


def _trend(values: Sequence[tuple[Day, float]], earlier: Day, later: Day) -> str | None:
    margin = datetime.timedelta(days=AFTER_SCAN_DAYS)
    first = [v for d, v in values if d <= earlier + margin]
    second = [v for d, v in values if earlier + margin < d <= later + margin]
    if not first or not second or first[-1] <= 0:
        return None
    change = second[-1] / first[-1] - 1
    return "rising" if change > MARKER_BAND else "falling" if change < -MARKER_BAND else "stable"


def chromogranin_trend(entries: Iterable[TimelineEntry], earlier: Day, later: Day) -> str | None:
    """Falling, stable or rising chromogranin A between two scans; None without a value near each, in one unit."""
    found = [
        e
        for e in entries
        if e.kind in ("marker", "lab") and (e.name or "").lower() in _CHROMOGRANIN and isinstance(e.value, float)
    ]
    if len({e.unit for e in found}) != 1:
        return None
    return _trend([(e.date, float(e.value or 0.0)) for e in found], earlier, later)


def _in_unit(definition: FactDefinition, value: float, unit: str | None) -> float | None:
    if unit == definition.unit:
        return value
    factor = definition.accepts.get(unit or "")
    return None if factor is None else float(f"{value * factor:.10g}")


def _blood(entries: Iterable[TimelineEntry], day: Day) -> dict[str, Fact]:
    """The latest of each blood value on or shortly after a day, and the date of the oldest of these."""
    vocabulary = built_in_vocabulary()
    latest: dict[str, tuple[Day, float]] = {}
    for entry in entries:
        name = f"labs.{(entry.name or '').lower().replace(' ', '_')}"
        if entry.kind != "lab" or not isinstance(entry.value, float) or name not in vocabulary:
            continue
        if (entry.date - day).days > AFTER_SCAN_DAYS:
            continue
        value = _in_unit(vocabulary[name], entry.value, entry.unit)
        if value is not None and (name not in latest or entry.date >= latest[name][0]):
            latest[name] = (entry.date, value)
    facts: dict[str, Fact] = {name: value for name, (_, value) in latest.items()}
    if latest:
        facts["labs.date"] = min(d for d, _ in latest.values()).toordinal()
    return facts


def _pathology(entries: Iterable[TimelineEntry], day: Day) -> dict[str, Fact]:
    """The highest Ki-67 and the last grade of the biopsies up to a day."""
    facts: dict[str, Fact] = {}
    highest: tuple[float, Day] | None = None
    for entry in entries:
        if entry.kind != "pathology" or entry.date > day:
            continue
        name = (entry.name or "").lower().replace("-", "").replace(" ", "")
        if name in ("ki67", "mib1") and isinstance(entry.value, float) and entry.unit == "%":
            if highest is None or entry.value >= highest[0]:
                highest = (entry.value, entry.date)
        elif name in ("grade", "whograde") and entry.value in ("G1", "G2", "G3"):
            facts["disease.grade"] = str(entry.value)
            facts["disease.biopsy_date"] = entry.date.toordinal()
    if highest is not None:
        facts["disease.ki67_percent"] = highest[0]
        facts.setdefault("disease.biopsy_date", highest[1].toordinal())
    return facts


def dose_modifying_toxicity(entries: Iterable[TimelineEntry], day: Day) -> TimelineEntry | None:
    """The last toxicity after a radioligand dose with a grade that the US label's table names (in `value`)."""
    dated = [e for e in entries if e.date <= day]
    doses = [e.date for e in dated if e.kind == "treatment" and is_radioligand(e.agent or "")]
    found = None
    for entry in dated:
        limit = DOSE_MODIFYING.get((entry.name or "").lower())
        grade = re.search(r"[0-5]", str(entry.value or ""))
        if entry.kind != "toxicity" or limit is None or grade is None or not doses or entry.date < min(doses):
            continue
        if int(grade.group()) >= limit:
            found = entry
    return found


def facts_at(entries: Sequence[TimelineEntry], day: Day, previous: Day | None = None) -> dict[str, Fact]:
    """Facts of the patient on the day of a visit, from the dated entries of a case.

    Parameters
    ----------
    entries : of the case, in order of date
    day : the visit
    previous : the visit before, for what changed in between

    Returns
    -------
    dict
        fact → value; nothing for what the entries leave open.
    """
    facts: dict[str, Fact] = {**_blood(entries, day), **_pathology(entries, day)}
    given = [e for e in entries if e.kind == "treatment" and e.date <= day]
    radioligand = [e for e in given if is_radioligand(e.agent or "")]
    if radioligand:
        facts["therapy.prior_prrt"] = True
        facts["therapy.prrt_days"] = float((day - max(e.until or e.date for e in radioligand)).days)
        facts["therapy.prrt_cycles"] = max([len(radioligand), *(e.cycle or 0 for e in radioligand)])
        facts["therapy.last_dose_date"] = max(e.date for e in radioligand).toordinal()
    chemotherapy = [e for e in given if is_chemotherapy(e.agent or "")]
    if chemotherapy:
        facts["therapy.prior_chemotherapy"] = True
        facts["therapy.chemotherapy_days"] = float(max(0, (day - max(e.until or e.date for e in chemotherapy)).days))
    if dose_modifying_toxicity(entries, day) is not None:
        facts["therapy.dose_modification_flag"] = True
    kind, days = ssa_at(entries, day)
    if kind is not None:
        facts["therapy.ssa"] = kind
    if kind == "long_acting" and days is not None:
        facts["therapy.ssa_long_acting_days"] = float(days)
    if previous is not None:
        facts |= _between(entries, previous, day)
    return facts


def _between(entries: Sequence[TimelineEntry], previous: Day, day: Day) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if any(is_chemotherapy(e.agent or "") for e in treated_between(entries, previous, day)):
        facts["therapy.chemotherapy_between"] = True
    changed: Any = ssa_changed(entries, previous, day)
    if changed is not None:
        facts["therapy.ssa_changed"] = changed
    trend = chromogranin_trend(entries, previous, day)
    if trend is not None:
        facts["labs.chromogranin_trend"] = trend
    return facts
