"""The ``recist:`` section of a typed case: diameters that a reader gives or confirms, judged by RECIST 1.1.

::

    recist:
      slice_mm: 5
      targets:
        - {id: T1, organ: liver}
        - {id: N1, organ: lymph nodes, node: yes}
      visits:                                        # baseline first
        - {date: 2025-01-10, mm: {T1: 32.4, N1: 18}}
        - {date: 2025-04-10, mm: {T1: [12, 11.5], N1: 9.9}, non_target: persists, new_lesion: no}

No image and no SSTR number enters here: what is not typed is not measured.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from lutetia.model import InputError, Record, field_at_fault
from lutetia.rules.positions import Document, Path_
from lutetia.rules.recist import (
    NOT_VERIFIED,
    Assessment,
    Measured,
    NonTarget,
    Response,
    Target,
    TimePoint,
    assess,
    diameter,
    is_confirmed,
)

Diameter = Annotated[float, Field(ge=0, le=1000, strict=True, allow_inf_nan=False)]
DIAMETER_FORMS = "a number in mm, [a, b] if split, gone, too_small, not_measured, or {merged_with: ID}"
NO_SLICE = "The slice thickness is not given; slices of 5 mm or less are taken for granted."


class Merged(Record):
    """A target that has merged with another one, which then carries the diameter of both."""

    merged_with: str


Shown = (
    Diameter
    | Annotated[tuple[Diameter, ...], Field(min_length=2)]
    | Literal["gone", "too_small", "not_measured"]
    | Merged
)


class RecistTarget(Record):
    """A target lesion: its organ, and whether it is a lymph node (short axis instead of longest diameter)."""

    id: str = Field(min_length=1)
    organ: str = Field(min_length=1)
    node: bool = False


class RecistVisit(Record):
    """One CT or MRI: diameters in mm by target, the non-target lesions as a whole, new lesions on CT, MRI or FDG PET.

    After the baseline both ``non_target`` and ``new_lesion`` must be answered: silence is never "none".
    """

    date: datetime.date
    mm: Mapping[str, Shown] = Field(default_factory=dict)
    non_target: NonTarget | None = None
    new_lesion: bool | None = None


class RecistCase(Record):
    """The section, checked: targets as chosen at baseline, visits in order of date, baseline first."""

    targets: tuple[RecistTarget, ...] = ()
    visits: tuple[RecistVisit, ...] = Field(min_length=1)
    slice_mm: float | None = Field(default=None, gt=0, le=20)
    reader: str | None = None


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


def read_recist(data: Any, document: Document) -> RecistCase | None:
    """The section of a typed case, or None where there is none.

    Raises
    ------
    InputError
        ``bad-recist`` for a field, or the code of the RECIST rule that the targets break; with line and remedy.
    """
    if data is None:
        return None
    try:
        found = RecistCase.model_validate(data)
    except ValidationError as error:
        raise _bad_field(error, data, document) from error
    _check_targets(found, document)
    for n in range(len(found.visits)):
        _check_visit(found, n, document)
    _try_out(found, document)
    return found


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


# ---------------------------------------------------------------------------------------------- judging


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


# ---------------------------------------------------------------------------------------------- checking


def _fail(document: Document, path: Path_, what: str, *, expected: str = "", remedy: str) -> InputError:
    return InputError("bad-recist", what, where=document.where(("recist", *path)), expected=expected, remedy=remedy)


def _bad_field(error: ValidationError, data: Any, document: Document) -> InputError:
    fault = field_at_fault(error)
    path: list[str | int] = []
    node = data
    for part in fault.path:  # the rest of the place names alternatives, not fields
        there = (isinstance(node, Mapping) and part in node) or (isinstance(node, list) and isinstance(part, int))
        if not there:
            break
        path.append(part)
        node = node[part]
    missing = str(fault.path[-1]) if fault.missing else ""
    measured = "mm" in path and path[-1] != "mm"
    what = f"{missing} is missing" if missing else f"{node!r} is no diameter" if measured else fault.said
    named = ".".join(str(part) for part in path)
    return _fail(
        document,
        tuple(path),
        f"recist{'.' + named if named else ''}: {what}",
        expected=DIAMETER_FORMS if measured else "targets (id, organ, node), visits (date, mm, non_target, new_lesion)",
        remedy="`lutetia score --template` shows the section.",
    )


def _check_targets(case: RecistCase, document: Document) -> None:
    seen: set[str] = set()
    for n, target in enumerate(case.targets):
        if target.id in seen:
            raise _fail(document, ("targets", n), f"Two targets are called {target.id}", remedy="Rename one of them.")
        seen.add(target.id)


def _check_visit(case: RecistCase, n: int, document: Document) -> None:
    visit, path = case.visits[n], ("visits", n)
    names = [target.id for target in case.targets]
    if n and visit.date <= case.visits[n - 1].date:
        raise _fail(
            document,
            (*path, "date"),
            f"The visit of {visit.date} does not lie after the one before it",
            expected="visits in order of date, the baseline first",
            remedy="Correct the date or the order.",
        )
    if n and (visit.non_target is None or visit.new_lesion is None):
        field = "non_target" if visit.non_target is None else "new_lesion"
        raise _fail(
            document,
            path,
            f"{field} is not answered on {visit.date}",
            expected="none, complete, persists, progression or not_evaluable" if field == "non_target" else "yes or no",
            remedy="Answer it on every visit after the baseline: an open answer is never taken as none.",
        )
    stated = {v.non_target == "none" for v in case.visits[: n + 1] if v.non_target is not None}
    if len(stated) > 1:
        raise _fail(
            document,
            (*path, "non_target"),
            "non_target is none on some visits and not on others",
            expected="none on every visit, or on no visit",
            remedy="Non-target lesions are those of the baseline: one that appears later is a new lesion.",
        )
    if not n and visit.new_lesion is not None:
        raise _fail(
            document, (*path, "new_lesion"), "There is nothing new at baseline", remedy="Leave new_lesion out here."
        )
    for name, shown in visit.mm.items():
        where = (*path, "mm", name)
        if name not in names:
            raise _fail(
                document, where, f"There is no target {name!r}", expected=", ".join(names), remedy="Correct the id."
            )
        if not isinstance(shown, Merged):
            continue
        other = visit.mm.get(shown.merged_with, "not_measured")
        if not n or shown.merged_with == name or isinstance(other, str | Merged):
            raise _fail(
                document,
                where,
                f"{name} has merged with {shown.merged_with!r}, which has no diameter of its own on {visit.date}",
                expected="another target measured on this visit, after the baseline",
                remedy="Give the merged lesion's longest diameter to that target.",
            )


def _try_out(case: RecistCase, document: Document) -> None:
    try:
        judge(case)
    except InputError as error:
        place: Path_ = ("recist", "targets") if error.code == "too-many-targets" else ("recist", "visits", 0)
        raise InputError(
            error.code,
            error.what,
            where=document.where(place),
            expected=error.expected,
            remedy="Choose target lesions that RECIST 1.1 allows; enter the others as non-target lesions.",
        ) from error


__all__ = ["JudgedVisit", "RecistCase", "RecistResult", "RecistTarget", "RecistVisit", "judge", "read_recist"]
