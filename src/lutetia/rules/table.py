"""Table: answers → exactly one row → category and advice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lutetia.model import RuleError
from lutetia.rules.expressions import Scalar, compile_expression, same
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.positions import Path_
from lutetia.rules.rule import Frame, spell, unique
from lutetia.rules.verdict import Question, Row
from lutetia.rules.vocabulary import FactDefinition


@dataclass(frozen=True)
class Column:
    """A question of a table: its short name, its fact, and one representative of every class of answers."""

    name: str
    fact: str
    definition: FactDefinition
    classes: tuple[Scalar, ...]
    index: Mapping[Scalar, int]
    cuts: tuple[float, ...] = ()

    @property
    def all(self) -> int:
        """The mask of any answer inside the range of the fact."""
        if not self.cuts:
            return (1 << len(self.classes)) - 1
        inside = [self.definition.low <= float(c) <= self.definition.high for c in self.classes]
        return sum(1 << i for i, ok in enumerate(inside) if ok)


@dataclass(frozen=True, eq=False)
class Table:
    """A compiled table: every row is a box of answers, kept as one bit mask per question."""

    frame: Frame
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    masks: tuple[tuple[int, ...], ...]
    result_column: str
    as_if: Mapping[int, Mapping[int, int]]
    memo: dict[tuple[int, ...], tuple[int, ...]] = field(default_factory=dict, repr=False)

    @staticmethod
    def compile(frame: Frame) -> Table:
        """Prepare a table from its file."""
        file = frame.file
        columns = tuple(_column(frame, name, fact) for name, fact in file.questions.items())
        names = [column.name for column in columns]
        result_column = next(iter(file.columns))
        rows: list[Row] = []
        masks: list[tuple[int, ...]] = []
        as_if: dict[int, dict[int, int]] = {}
        for i, entry in enumerate(file.rows):
            path: Path_ = ("rows", i)
            for name in entry.when:
                if name not in names:
                    raise RuleError(
                        "unknown-question",
                        f"Row {entry.id} asks {name!r}, which is no question of this table",
                        where=frame.document.where((*path, "when", name)),
                        expected=", ".join(names),
                    )
            unknown = set(entry.then) - set(file.columns)
            if unknown or (result_column not in entry.then and not entry.as_if):
                raise RuleError(
                    "columns",
                    f"Row {entry.id} does not fit the columns",
                    where=frame.document.where((*path, "then")),
                    expected=", ".join(file.columns),
                )
            masks.append(
                tuple(_mask(frame, c, entry.when.get(c.name, "any"), (*path, "when", c.name)) for c in columns)
            )
            if entry.as_if:
                as_if[i] = {
                    names.index(n): _mask(frame, columns[names.index(n)], v, path) for n, v in entry.as_if.items()
                }
            then = tuple((key, _cell(value)) for key, value in entry.then.items() if key != result_column)
            rows.append(
                Row(
                    entry.id,
                    str(entry.then.get(result_column, "")),
                    frame.citations(entry.cite, path),
                    entry.conventions,
                    then,
                    entry.note,
                )
            )
        return Table(frame, columns, tuple(rows), tuple(masks), result_column, as_if)

    def answers(self, view: FactView) -> tuple[int, ...]:
        """The answers as masks: one bit if known, several if one of several, all if unknown."""
        return tuple(_answer(column, view.get(column.fact)) for column in self.columns)

    def matching(self, answers: Sequence[int]) -> tuple[int, ...]:
        """Indices of the rows that some completion of the answers meets."""
        key = tuple(answers)
        if key not in self.memo:
            if len(self.memo) > 50_000:
                self.memo.clear()
            self.memo[key] = self._matching(key)
        return self.memo[key]

    def _matching(self, answers: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for index, masks in enumerate(self.masks):
            for mask, answer in zip(masks, answers, strict=True):
                if not mask & answer:
                    break
            else:
                found.append(index)
        if self.as_if:
            return self._read_as(found, answers)
        return tuple(found)

    def _read_as(self, found: Sequence[int], answers: Sequence[int]) -> tuple[int, ...]:
        """Replace rows that are read as if another answer had been given by the rows this leads to."""
        rows: dict[int, None] = {}
        for index in found:
            replaced = self.as_if.get(index)
            if replaced is None:
                rows[index] = None
                continue
            inside = [mask & answer for mask, answer in zip(self.masks[index], answers, strict=True)]
            for position, mask in replaced.items():
                inside[position] = mask
            rows.update(dict.fromkeys(self.matching(inside)))
        return tuple(sorted(rows))

    def results(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The distinct results of rows."""
        return unique(self.rows[i].result for i in rows)

    def questions(self, answers: Sequence[int], subject: str) -> tuple[Question, ...]:
        """Open questions, the one that narrows the results most first."""
        now = len(self.results(self.matching(answers)))
        ranked: list[Question] = []
        for position, column in enumerate(self.columns):
            mask = answers[position]
            if mask & (mask - 1) == 0 or not self.frame.vocabulary.askable(column.fact):
                continue
            left: list[tuple[str, tuple[str, ...]]] = []
            for bit, value in enumerate(column.classes):
                if mask & (1 << bit):
                    tried = list(answers)
                    tried[position] = 1 << bit
                    left.append((spell(value), self.results(self.matching(tried))))
            mean = sum(len(results) for _, results in left) / len(left)
            ranked.append(
                Question(
                    column.fact,
                    column.definition.ask,
                    subject,
                    tuple(left),
                    round((now - mean) / now, 4) if now else 0.0,
                    column.definition.unit,
                    self.frame.file.rule,
                )
            )
        return tuple(sorted(ranked, key=lambda q: -q.gain))


def _column(frame: Frame, name: str, fact: str) -> Column:
    if fact not in frame.vocabulary:
        raise RuleError("unknown-fact", f"There is no fact {fact!r}", where=frame.document.where(("questions", name)))
    definition = frame.vocabulary[fact]
    if definition.kind in ("choice", "yes_no"):
        classes: tuple[Scalar, ...] = definition.values if definition.kind == "choice" else (False, True)
    else:
        cuts = sorted({cut for row in frame.file.rows for cut in _cuts(row.when.get(name))})
        classes = _stretches(cuts, definition)
        return Column(name, fact, definition, classes, {}, tuple(cuts))
    return Column(name, fact, definition, classes, {value: i for i, value in enumerate(classes)})


def _stretches(cuts: list[float], definition: FactDefinition) -> tuple[Scalar, ...]:
    """Stretch, cut, stretch, cut, … stretch: one number of each (the first may lie outside the range: never asked)."""
    points: list[Scalar] = []
    edges = [definition.low, *cuts, definition.high]
    for lower, upper in pairwise(edges):
        points.append((lower + upper) / 2 if upper > lower else lower - 1.0)
        points.append(upper)
    return tuple(points[:-1])


def _cuts(cell: Any) -> list[float]:
    return [float(match.group(2)) for text in _terms(cell) if (match := _TERM.match(text))]


_TERM = re.compile(r"^\s*(<=|>=|==|<|>)\s*(-?[0-9.]+)\s*$")


def _terms(cell: Any) -> list[str]:
    if isinstance(cell, str) and cell != "any":
        return [part for part in cell.split(",") if _TERM.match(part)]
    return [f"== {cell}"] if isinstance(cell, int | float) and not isinstance(cell, bool) else []


def _term(fact: str, text: str, where: str) -> Any:
    return compile_expression(f"{fact} {text}", where=where)


def _mask(frame: Frame, column: Column, cell: Any, path: Path_) -> int:
    if cell == "any" or cell is None:
        return column.all
    if column.definition.kind in ("choice", "yes_no"):
        mask = 0
        for item in cell if isinstance(cell, list) else [cell]:
            try:
                value = column.definition.check(item)
            except ValueError as error:
                raise RuleError(
                    "unknown-value",
                    f"{item!r} is no value of {column.fact}",
                    where=frame.document.where(path),
                    expected=str(error),
                ) from error
            mask |= 1 << column.index[value]
        return mask
    terms = _terms(cell)
    if not terms:
        raise RuleError(
            "cell",
            f"{cell!r} is no condition on a number",
            where=frame.document.where(path),
            expected='"> 3" or ">= 10, < 20"',
        )
    expressions = [_term(column.fact, text, frame.document.name) for text in terms]
    return sum(
        1 << i for i, value in enumerate(column.classes) if all(e.holds({column.fact: value}) for e in expressions)
    )


def _cell(value: Any) -> Any:
    return tuple(str(item) for item in value) if isinstance(value, list) else str(value)


def _answer(column: Column, value: Any) -> int:
    if value is UNKNOWN:
        return column.all
    if isinstance(value, OneOf):
        mask = 0
        for item in value.values:
            mask |= _one(column, item)
        return mask
    return _one(column, value)


def _one(column: Column, value: Scalar) -> int:
    if value in column.index and column.definition.kind in ("choice", "yes_no"):
        return 1 << column.index[value]
    if column.definition.kind in ("choice", "yes_no"):
        raise RuleError("unknown-value", f"{value!r} is no value of {column.fact}")
    return 1 << _class_of(column, float(value))


def _class_of(column: Column, value: float) -> int:
    """The class of a number: odd classes are the cuts themselves, even ones the stretches between."""
    for index, cut in enumerate(column.cuts):
        if same(value, cut):
            return 2 * index + 1
        if value < cut:
            return 2 * index
    return 2 * len(column.cuts)
