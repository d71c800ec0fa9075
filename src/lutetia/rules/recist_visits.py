"""The visits of a typed case judged by RECIST 1.1: responses, sums, changes, and whether a later visit confirms."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lutetia.rules.recist import (
    NOT_VERIFIED,
    Assessment,
    Measured,
    Response,
    Target,
    TimePoint,
    assess,
    diameter,
    is_confirmed,
)
from lutetia.rules.recist_case import Merged, RecistCase, RecistVisit, Shown

NO_SLICE = "The slice thickness is not given; slices of 5 mm or less are taken for granted."


@dataclass(frozen=True, slots=True)
class JudgedVisit:
    """One visit after the baseline.

    Attributes
    ----------
    date, day : of the visit, as YYYY-MM-DD and in days after the baseline
    target : response of the targets; None for disease without target lesions
    overall : response of the visit
    decided_by : the rule that decided
    sum_mm : sum of diameters in mm; None when a target was not measured
    nadir_mm : smallest sum before this visit, the baseline included
    change_from_baseline_percent, change_from_baseline_mm, change_from_nadir_percent, change_from_nadir_mm : of the sum
    confirmed : for CR and PR, whether a later visit confirms it after four weeks or more; else None
    not_verified : statements used that stand on general knowledge
    """

    date: str
    day: int
    target: Response | None
    overall: Response
    decided_by: str
    sum_mm: float | None
    nadir_mm: float
    change_from_baseline_percent: float | None
    change_from_baseline_mm: float | None
    change_from_nadir_percent: float | None
    change_from_nadir_mm: float | None
    confirmed: bool | None
    not_verified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecistResult:
    """RECIST 1.1 on the diameters of one case; ``notes`` says what was taken for granted."""

    reader: str
    baseline_date: str
    baseline_mm: float
    targets: tuple[Target, ...]
    visits: tuple[JudgedVisit, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dataclasses.asdict(self)


def judge(case: RecistCase) -> RecistResult:
    """Every visit after the baseline judged by RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228-247)."""
    targets = _targets(case)
    judged = assess(targets, [_time_point(visit) for visit in case.visits], case.slice_mm or 5.0)
    start = case.visits[0]
    baseline = _time_point(start)
    return RecistResult(
        reader=case.reader or "",
        baseline_date=start.date.isoformat(),
        baseline_mm=judged[0].baseline_mm if judged else sum(map(diameter, baseline.targets.values())) / 10,
        targets=targets,
        visits=tuple(_visit(case, n, one, judged) for n, one in enumerate(judged)),
        notes=(NO_SLICE,) if case.slice_mm is None and targets else (),
    )


def _targets(case: RecistCase) -> tuple[Target, ...]:
    return tuple(Target(t.id, " ".join(t.organ.split()).casefold(), t.node) for t in case.targets)


def _time_point(visit: RecistVisit) -> TimePoint:
    return TimePoint(
        {name: _measured(shown) for name, shown in visit.mm.items()},
        non_target=visit.non_target or "none",
        new_lesion=visit.new_lesion is True,
        day=visit.date.toordinal(),
    )


def _measured(shown: Shown) -> Measured:
    if isinstance(shown, Merged):
        return Measured(into=shown.merged_with)
    if isinstance(shown, str):
        return Measured(
            mm=(0.0,) if shown == "gone" else (),
            too_small=shown == "too_small",
            missing=shown == "not_measured",
        )
    return Measured(mm=shown if isinstance(shown, tuple) else (shown,))


def _visit(case: RecistCase, n: int, one: Assessment, judged: Sequence[Assessment]) -> JudgedVisit:
    date = case.visits[n + 1].date
    confirmed = _confirmed(case, n, judged)
    targets = bool(case.targets)
    unverified = set(one.not_verified) | ({NOT_VERIFIED["confirmation"]} if confirmed is not None else set())
    complete = one.sum_mm is not None and targets
    return JudgedVisit(
        date=date.isoformat(),
        day=(date - case.visits[0].date).days,
        target=one.target if targets else None,
        overall=one.overall,
        decided_by=_why(one, case.visits[n + 1], targets),
        sum_mm=one.sum_mm if targets else None,
        nadir_mm=one.nadir_mm,
        change_from_baseline_percent=one.change_from_baseline_percent,
        change_from_baseline_mm=round((one.sum_mm or 0.0) - one.baseline_mm, 1) if complete else None,
        change_from_nadir_percent=one.change_from_nadir_percent,
        change_from_nadir_mm=round((one.sum_mm or 0.0) - one.nadir_mm, 1) if complete else None,
        confirmed=confirmed,
        not_verified=tuple(text for text in NOT_VERIFIED.values() if text in unverified),
    )


def _why(one: Assessment, visit: RecistVisit, targets: bool) -> str:
    state = str(visit.non_target).replace("_", " ")
    if not targets and one.overall is not Response.PROGRESSION:
        return f"no target lesions; non-target lesions: {state}"
    if one.target is Response.COMPLETE and one.overall is Response.PARTIAL:
        return f"{one.decided_by}; but non-target lesions: {state}"
    return one.decided_by


def _confirmed(case: RecistCase, n: int, judged: Sequence[Assessment]) -> bool | None:
    """Whether a later visit confirms this one, with nothing worse in between; visits not evaluable are passed over."""
    first = judged[n].overall
    if first not in (Response.COMPLETE, Response.PARTIAL):
        return None
    for m in range(n + 1, len(judged)):
        later = judged[m].overall
        if later is Response.NOT_EVALUABLE:
            continue
        if later is not first and later is not Response.COMPLETE:
            return False
        if is_confirmed(first, later, (case.visits[m + 1].date - case.visits[n + 1].date).days):
            return True
    return False
