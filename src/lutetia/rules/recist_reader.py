"""The ``recist:`` section of a typed case read, and what is wrong with it told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lutetia.model import InputError, field_at_fault
from lutetia.rules.positions import Document, Path_
from lutetia.rules.recist_case import DIAMETER_FORMS, Merged, RecistCase
from lutetia.rules.recist_visits import judge


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
