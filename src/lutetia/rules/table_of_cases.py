"""Many typed cases as a CSV: one row per lesion (or per patient), one column per fact; results as a CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from lutetia.model import InputError, LutetiaError
from lutetia.rules.case import CASE_SCHEMA, SECTIONS, TypedCase, case_of
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.positions import Document
from lutetia.rules.score import Score, score
from lutetia.rules.text import count_states

#: from this many cases on, and in parts of this size, a table is scored by several processes
PARALLEL_FROM, CHUNK = 400, 100
_Refused = tuple[str, str]
_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def read_case_table(path: Path) -> Iterator[tuple[str, TypedCase | InputError]]:
    """Cases of a CSV, in order.

    Columns: ``case`` (id of the patient; rows with the same id belong together), ``lesion`` (id, may be empty), patient
    facts as ``disease.grade``, fields of visits as ``sstr.liver``, ``fdg.liver``, ``previous.liver``, ``spect.liver``,
    fields of lesions as ``lesion.site``, and what a visit shows of them as ``lesion.sstr.suv_max``. Empty cells are
    unknown. A row at fault gives an error for its case; the other cases are scored.

    Raises
    ------
    InputError
        ``case-table``: the file can't be read, or has no column ``case``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not reader.fieldnames or "case" not in reader.fieldnames:
                raise InputError("case-table", "The table has no column 'case'", where=f"{path.name}:1")
            groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
            for row in reader:
                groups.setdefault(str(row["case"]), []).append((reader.line_num, row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("case-table", f"Can't read the table: {error}", where=str(path)) from error
    for name, rows in groups.items():
        try:
            yield name, _case(name, rows, path.name)
        except InputError as error:
            line = rows[0][0]
            yield (
                name,
                InputError(
                    error.code, error.what, where=f"{path.name}:{line}", expected=error.expected, remedy=error.remedy
                ),
            )


def _case(name: str, rows: Sequence[tuple[int, dict[str, str]]], file: str) -> TypedCase:
    data: dict[str, Any] = {"case": CASE_SCHEMA, "id": name}
    visits: dict[str, dict[str, Any]] = {}
    lesions: list[dict[str, Any]] = []
    marks: dict[tuple[str | int, ...], tuple[int, int]] = {(): (rows[0][0], 1)}
    for line, row in rows:
        lesion: dict[str, Any] = {}
        for column, cell in row.items():
            text = (cell or "").strip()
            if not text or column in ("case", "lesion"):
                continue
            value = _cell(text)
            head, _, rest = column.partition(".")
            if head in SECTIONS:
                data.setdefault(head, {})[rest] = value
            elif head in ("sstr", "fdg", "previous", "spect"):
                visits.setdefault(head, {"id": head})[rest] = value
            elif head == "lesion":
                role, _, short = rest.partition(".")
                if short:
                    visits.setdefault(role, {"id": role})
                    lesion.setdefault("seen", {}).setdefault(role, {})[short] = value
                else:
                    lesion[rest] = value
            else:
                raise InputError(
                    "unknown-field",
                    f"There is no column {column!r}",
                    where=f"{file}:1",
                    expected="case, lesion, disease.…, sstr.…, lesion.…",
                )
        if lesion:
            lesion["id"] = (row.get("lesion") or "").strip() or f"L{len(lesions) + 1}"
            marks[("lesions", len(lesions))] = (line, 1)
            lesions.append(lesion)
    for role, visit in visits.items():
        visit.setdefault("tracer", "fdg" if role == "fdg" else "other")
    data["visits"], data["lesions"] = list(visits.values()), lesions
    data["read"] = {role: role for role in visits}
    return case_of(Document(file, data, marks))


def _cell(text: str) -> Any:
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if "|" in text:
        return [_cell(part.strip()) for part in text.split("|")]
    try:
        return float(text) if "." in text or "e" in text.lower() else int(text)
    except ValueError:
        return text


def score_table(path: Path, rules: RuleSet, *, only: Sequence[str] | None = None, workers: int | None = None) -> str:
    """Results of every case as CSV: one row per verdict, with the rows and conventions behind it, or the error.

    Large tables are scored by several processes (`workers`; by default one per core, at most four); the result is the
    same, in the order of the table.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["case", "subject", "rule", "edition", "results", "settled", "rows", "conventions", "notes"])
    cases = [
        (name, case if isinstance(case, TypedCase) else (case.code, case.what)) for name, case in read_case_table(path)
    ]
    count = workers if workers is not None else min(4, os.cpu_count() or 1)
    if count < 2 or len(cases) < PARALLEL_FROM:
        for name, case in cases:
            writer.writerows(_scored(name, case, rules, only))
        return stream.getvalue()
    parts = [cases[i : i + CHUNK] for i in range(0, len(cases), CHUNK)]
    setting = (tuple(rules.folders), dict(rules.choices), only)
    with ProcessPoolExecutor(count, initializer=_start, initargs=setting) as pool:
        for rows in pool.map(_part, parts):
            writer.writerows(rows)
    return stream.getvalue()


_WORKER: dict[str, Any] = {}


def _start(folders: tuple[Path, ...], choices: dict[str, str], only: Sequence[str] | None) -> None:
    _WORKER["rules"], _WORKER["only"] = load_rules(folders, choices), only


def _part(cases: list[tuple[str, TypedCase | _Refused]]) -> list[list[str]]:
    return [row for name, case in cases for row in _scored(name, case, _WORKER["rules"], _WORKER["only"])]


def _scored(name: str, case: TypedCase | _Refused, rules: RuleSet, only: Sequence[str] | None) -> Iterator[list[str]]:
    if not isinstance(case, TypedCase):
        code, what = case
        yield [name, "", "", "", f"refused: {code}", "no", "", "", what]
        return
    try:
        yield from _rows(name, score(case, rules, only=only, questions=False))
    except LutetiaError as error:
        yield [name, "", "", "", f"refused: {error.code}", "no", "", "", error.what]


def _rows(name: str, result: Score) -> Iterator[list[str]]:
    for verdict in result.verdicts:
        said = " | ".join(verdict.results) if verdict.refused is None else f"refused: {verdict.refused}"
        if verdict.gates:
            said = count_states(verdict.gates)
        states = [f"{gate.id}={gate.state}" for gate in verdict.gates]
        yield [
            name,
            verdict.subject,
            verdict.rule,
            verdict.edition,
            said,
            "yes" if verdict.settled or verdict.gates else "no",
            " ".join([*(row.id for row in verdict.rows), *states]),
            " ".join(f"{use.key}={use.chosen}" for use in verdict.conventions if use.chosen != use.default),
            " ".join([*verdict.codes, *(note.code for note in verdict.notes)]),
        ]
