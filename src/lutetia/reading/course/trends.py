"""Phenotype volumes from visit to visit: what changed by more than its own uncertainty."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from lutetia.model import Comparison, Course, PhenotypeChange, Phenotypes
from lutetia.rules.pairings import in_time

#: convention C-P26: no limit of repeatability is published for these volumes
BAND_PERCENT = 30.0
#: less volume than this is nothing of a phenotype: the smallest lesion that counts in totals, mL
NOTHING_ML = 0.5
#: failed checks after which a voxel's class means something else: the tracer molecule, the kind of SUV
_BARRING = ("Q5", "Q9")
Judgement = Literal["appeared", "gone", "higher", "lower", "within", "unknown"]


def phenotype_changes(course: Course) -> tuple[PhenotypeChange, ...]:
    """Change of every phenotype's volume between visits that follow each other, by each definition.

    Returns
    -------
    tuple
        "appeared" and "gone" need the whole range on the two sides of 0.5 mL; "higher" and "lower" need ranges that do
        not overlap and a change beyond ±30 %; "unknown" where the tracer molecule or the kind of SUV changed. Another
        scanner, reconstruction or uptake time stands in `note`: each voxel is judged against its own scan's liver and
        blood pool, yet the range does not cover such a difference.
    """
    out: list[PhenotypeChange] = []
    dated = {visit.id for visit in course.visits if in_time(course, visit)}
    for definition in dict.fromkeys(p.definition for p in course.phenotypes):
        records = [p for p in course.phenotypes if p.definition == definition and p.visit in dated]
        for earlier, later in pairwise(records):
            failed = [c for c in _comparisons(course, earlier, later) if c.verdict == "not_comparable"]
            barred = any(x["state"] == "not_met" and x["id"] in _BARRING for c in failed for x in c.checks)
            note = " ".join(c.note for c in failed)
            for name in later.volume_ml:
                if name != "sstr-/fdg-" and name in earlier.volume_ml:
                    out.append(_change(earlier, later, name, barred, note))
    return tuple(out)


def _comparisons(course: Course, earlier: Phenotypes, later: Phenotypes) -> list[Comparison]:
    wanted = {(earlier.sstr_study, later.sstr_study), (earlier.fdg_study, later.fdg_study)}
    return [c for c in course.comparability if (c.earlier, c.later) in wanted]


def _change(earlier: Phenotypes, later: Phenotypes, name: str, barred: bool, note: str) -> PhenotypeChange:
    before, now = earlier.volume_ml[name], later.volume_ml[name]
    then_range = (earlier.low_ml.get(name, before), earlier.high_ml.get(name, before))
    now_range = (later.low_ml.get(name, now), later.high_ml.get(name, now))
    percent = round(100 * (now / before - 1), 1) if before > 0 else None
    return PhenotypeChange(
        definition=later.definition,
        phenotype=name,
        earlier_visit=earlier.visit,
        later_visit=later.visit,
        before_ml=before,
        before_range_ml=then_range,
        now_ml=now,
        now_range_ml=now_range,
        change_percent=percent,
        band_percent=BAND_PERCENT,
        judgement="unknown" if barred else judge(before, then_range, now, now_range),
        note=note,
    )


def judge(before: float, before_range: tuple[float, float], now: float, now_range: tuple[float, float]) -> Judgement:
    """Whether a volume (mL, with its range) changed by more than its uncertainty."""
    if before_range[1] < NOTHING_ML and now_range[1] < NOTHING_ML:
        return "within"
    if before_range[1] < NOTHING_ML <= now_range[0]:
        return "appeared"
    if now_range[1] < NOTHING_ML <= before_range[0]:
        return "gone"
    if before > 0 and now_range[0] > before_range[1] and now > (1 + BAND_PERCENT / 100) * before:
        return "higher"
    if before > 0 and now_range[1] < before_range[0] and now < (1 - BAND_PERCENT / 100) * before:
        return "lower"
    return "within"
