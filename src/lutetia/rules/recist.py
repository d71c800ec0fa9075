"""RECIST 1.1 arithmetic on typed diameters: exact, in whole tenths of a millimetre.

The rules were read as tabulated in reviews of Eisenhauer et al., Eur J Cancer 2009;45:228-247. What was not found there
(slice thickness, 5 mm default, split and merged lesions, missing targets, confirmation) is general knowledge and is
listed in `NOT_VERIFIED`. Nothing here measures an image, and no SSTR focus counts as a new lesion: RECIST knows new
lesions on CT, MRI and FDG PET only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Literal

from lutetia.model import InputError

MAX_TARGETS = 5
MAX_TARGETS_PER_ORGAN = 2
MIN_DIAMETER = 100
MIN_NODE = 150
NORMAL_NODE = 100
MIN_INCREASE = 50
TOO_SMALL = 50
CONFIRMATION_DAYS = 28

#: statements that stand on general knowledge: shown with every result that used one of them
NOT_VERIFIED: Mapping[str, str] = {
    "slice": "With slices over 5 mm a target must be at least twice as long as the slice is thick.",
    "too-small": "A lesion too small to measure counts as 5 mm, one that is gone as 0.",
    "split": "Parts of a split lesion are added up.",
    "merged": "A merged lesion counts once, with its longest diameter.",
    "missing": "With a target not measured the visit is not evaluable, unless the others already show progression.",
    "confirmation": "Complete and partial response are confirmed after four weeks where response is the endpoint.",
    "overall": "The table of the overall response.",
}

NonTarget = Literal["none", "complete", "persists", "progression", "not_evaluable"]


class Response(StrEnum):
    """Categories of response."""

    COMPLETE = "CR"
    PARTIAL = "PR"
    STABLE = "SD"
    PROGRESSION = "PD"
    NOT_EVALUABLE = "NE"
    NON_COMPLETE = "non-CR/non-PD"


def tenths(mm: float | int | str | Decimal) -> int:
    """Millimetres as whole tenths, as typed: 32.4 is 324.

    Parameters
    ----------
    mm : diameter in mm, not negative; more than one decimal is rounded half to even once, here and nowhere else

    Raises
    ------
    InputError
        Not a number, or negative.
    """
    try:
        value = Decimal(str(mm))
        whole = int((value * 10).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    except (ArithmeticError, ValueError) as error:
        raise InputError("impossible-value", f"{mm!r} is no diameter", expected="millimetres") from error
    if value < 0:
        raise InputError("impossible-value", f"A diameter of {mm} mm", expected="0 mm or more")
    return whole


@dataclass(frozen=True, slots=True)
class Target:
    """A target lesion: its organ, and whether it is a lymph node (then its short axis is measured)."""

    id: str
    organ: str
    node: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What one visit shows of a target.

    Attributes
    ----------
    mm : longest diameter in mm (nodes: short axis); several numbers for a lesion that has split
    too_small : seen, too small to measure: counts as 5 mm
    missing : not measured on this visit
    into : id of the target it has merged with; that target then carries the diameter of both
    """

    mm: tuple[float, ...] = ()
    too_small: bool = False
    missing: bool = False
    into: str = ""


@dataclass(frozen=True, slots=True)
class TimePoint:
    """One visit: the targets measured, the non-targets as a whole, new lesions on CT, MRI or FDG PET."""

    targets: Mapping[str, Measured]
    non_target: NonTarget = "none"
    new_lesion: bool = False
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """One visit judged: sums in mm, changes in percent, the rule that decided, what is not verified."""

    target: Response
    overall: Response
    sum_mm: float | None
    baseline_mm: float
    nadir_mm: float
    change_from_baseline_percent: float | None
    change_from_nadir_percent: float | None
    decided_by: str
    not_verified: tuple[str, ...] = field(default=())


def check_targets(targets: Sequence[Target], baseline: TimePoint, slice_mm: float = 5.0) -> None:
    """Refuse a choice of target lesions that RECIST 1.1 does not allow.

    Raises
    ------
    InputError
        More than five targets or two per organ; a diameter under 10 mm (slices over 5 mm: twice the slice) or a node
        under 15 mm; a target without a baseline diameter.
    """
    if len(targets) > MAX_TARGETS:
        raise InputError("too-many-targets", f"{len(targets)} target lesions", expected=f"at most {MAX_TARGETS}")
    organs: dict[str, int] = {}
    shortest = max(MIN_DIAMETER, 2 * tenths(slice_mm) if slice_mm > 5 else 0)
    for target in targets:
        organs[target.organ] = organs.get(target.organ, 0) + 1
        if organs[target.organ] > MAX_TARGETS_PER_ORGAN:
            raise InputError("too-many-targets", f"More than two target lesions in {target.organ}")
        shown = baseline.targets.get(target.id)
        if shown is None or shown.missing or not shown.mm:
            raise InputError("missing-baseline", f"The target {target.id} has no baseline diameter")
        need = MIN_NODE if target.node else shortest
        if max(tenths(mm) for mm in shown.mm) < need:
            axis = "short axis" if target.node else "longest diameter"
            raise InputError("not-measurable", f"The {axis} of {target.id} is too short", expected=f"{need / 10:g} mm")


def assess(targets: Sequence[Target], visits: Sequence[TimePoint], slice_mm: float = 5.0) -> tuple[Assessment, ...]:
    """Judge every visit after the first against the baseline and the smallest sum so far.

    Parameters
    ----------
    targets : target lesions as chosen at baseline
    visits : baseline first, then in the order of time
    slice_mm : thickness of the CT slices, in mm

    Returns
    -------
    tuple of Assessment
        One for each visit after the baseline.

    Raises
    ------
    InputError
        No visit, or targets that RECIST 1.1 does not allow (number, organs, size).
    """
    if not visits:
        raise InputError("missing-baseline", "There is no visit")
    check_targets(targets, visits[0], slice_mm)
    baseline, _, _ = _sum(targets, visits[0])
    nadir = baseline
    found: list[Assessment] = []
    for visit in visits[1:]:
        now, complete, used = _sum(targets, visit)
        target, why = _target(targets, visit, baseline, nadir, now, complete)
        overall = overall_response(target, visit.non_target, visit.new_lesion, has_targets=bool(targets))
        if overall is Response.PROGRESSION and (visit.new_lesion or visit.non_target == "progression"):
            why = "new lesion" if visit.new_lesion else "non-target progression"
        notes = {*used, "overall"} | ({"missing"} if not complete else set()) | ({"slice"} if slice_mm > 5 else set())
        found.append(
            Assessment(
                target=target,
                overall=overall,
                sum_mm=now / 10 if complete else None,
                baseline_mm=baseline / 10,
                nadir_mm=nadir / 10,
                change_from_baseline_percent=_percent(now, baseline) if complete else None,
                change_from_nadir_percent=_percent(now, nadir) if complete else None,
                decided_by=why,
                not_verified=tuple(NOT_VERIFIED[key] for key in sorted(notes)),
            )
        )
        if complete:
            nadir = min(nadir, now)
    return tuple(found)


def _sum(targets: Sequence[Target], visit: TimePoint) -> tuple[int, bool, set[str]]:
    """Sum of diameters in tenths of a mm, whether every target was measured, and unverified rules used."""
    total, complete, used = 0, True, set[str]()
    ids = {target.id for target in targets}
    for target in targets:
        shown = visit.targets.get(target.id, Measured(missing=True))
        if shown.into:
            if (
                shown.into not in ids
                or shown.into == target.id
                or visit.targets.get(shown.into, Measured(into="?")).into
            ):
                raise InputError("merged-lesion", f"{target.id} has merged with {shown.into!r}, which is no target")
            used.add("merged")
        elif shown.missing:
            complete = False
        else:
            if len(shown.mm) > 1:
                used.add("split")
            if shown.too_small:
                used.add("too-small")
            total += diameter(shown)
    return total, complete, used


def diameter(shown: Measured) -> int:
    """What one measured target adds to the sum, in tenths of a mm: parts added up, 5 mm if too small, 0 if gone."""
    return TOO_SMALL if shown.too_small else sum(tenths(mm) for mm in shown.mm)


def target_response(baseline: int, nadir: int, now: int, *, all_gone: bool) -> tuple[Response, str]:
    """Response of the targets by their sums in tenths of a mm: complete, progression, partial, stable, in this order.

    ``all_gone``: every target has disappeared, nodes have a short axis under 10 mm (the sum may stay above 0).
    Progression comes before partial response: 100 mm, then 40, now 50 is progression.
    """
    if all_gone:
        return Response.COMPLETE, "all targets gone, nodes under 10 mm"
    if _progressed(nadir, now):
        return Response.PROGRESSION, "sum 20 % and 5 mm or more above the smallest sum"
    if baseline > 0 and 10 * now <= 7 * baseline:
        return Response.PARTIAL, "sum 30 % or more below baseline"
    return Response.STABLE, "neither partial response nor progression"


def _progressed(nadir: int, now: int) -> bool:
    return 10 * now >= 12 * nadir and now - nadir >= MIN_INCREASE


def _target(
    targets: Sequence[Target], visit: TimePoint, baseline: int, nadir: int, now: int, complete: bool
) -> tuple[Response, str]:
    if not complete:
        if _progressed(nadir, now):
            return Response.PROGRESSION, "the measured targets alone show progression"
        return Response.NOT_EVALUABLE, "a target was not measured"
    gone = all(_gone(target, visit.targets[target.id]) for target in targets)
    return target_response(baseline, nadir, now, all_gone=gone)


def _gone(target: Target, shown: Measured) -> bool:
    if shown.into:
        return True  # judged by the lesion it has merged with
    size = diameter(shown)
    return size < NORMAL_NODE if target.node else size == 0


def _percent(now: int, before: int) -> float | None:
    return 100.0 * (now - before) / before if before else None


def overall_response(
    target: Response, non_target: NonTarget, new_lesion: bool, *, has_targets: bool = True
) -> Response:
    """The overall response of one visit.

    Parameters
    ----------
    target : response of the target lesions
    non_target : the non-target lesions as a whole; "persists" is neither complete response nor progression
    new_lesion : an unequivocal new lesion on CT, MRI or FDG PET
    has_targets : False for disease without any target lesion
    """
    if new_lesion or non_target == "progression" or (has_targets and target is Response.PROGRESSION):
        return Response.PROGRESSION
    if not has_targets:
        return {
            "complete": Response.COMPLETE,
            "persists": Response.NON_COMPLETE,
            "none": Response.NOT_EVALUABLE,
            "not_evaluable": Response.NOT_EVALUABLE,
        }[non_target]
    if target is Response.COMPLETE:
        return Response.COMPLETE if non_target in ("none", "complete") else Response.PARTIAL
    return target


def is_confirmed(first: Response, later: Response, days: int) -> bool:
    """Whether a complete or partial response is confirmed by a later visit, four weeks or more after it."""
    good = {Response.PARTIAL: 1, Response.COMPLETE: 2}
    return first in good and good.get(later, 0) >= good[first] and days >= CONFIRMATION_DAYS


__all__ = [
    "NOT_VERIFIED",
    "Assessment",
    "Measured",
    "Response",
    "Target",
    "TimePoint",
    "assess",
    "check_targets",
    "diameter",
    "is_confirmed",
    "overall_response",
    "target_response",
    "tenths",
]
