"""Scale: a measured quantity against ordered cuts → one grade, with the margin to the nearest cut."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lutetia.model import Citation
from lutetia.rules.expressions import Expression, is_number, same
from lutetia.rules.facts import FactView
from lutetia.rules.rule import Frame, unique
from lutetia.rules.schema import CodeEntry, CutEntry, RefuseEntry, UnusableEntry
from lutetia.rules.verdict import Note, Row


@dataclass(frozen=True)
class ScaleResult:
    """What a scale gives for one set of numbers.

    ``value`` are the grades that remain possible, ``near`` all grades met inside the set band around the quantity,
    ``margin`` quantity ÷ nearest cut − 1.
    """

    value: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    refused: str | None = None
    reason: str = ""
    margin: float | None = None
    nearest_cut: str = ""
    codes: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    rows: tuple[Row, ...] = ()
    open_references: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, eq=False)
class Remark:
    """A code with its condition: a refusal, a reference that can't serve, or a caution."""

    code: str
    message: str
    condition: Expression | None
    reference: str | None
    gate: bool
    conventions: tuple[str, ...]
    citations: tuple[Citation, ...]

    def applies(self, facts: Mapping[str, Any]) -> bool:
        """Whether the condition is known to hold."""
        return self.condition is not None and self.condition.names <= facts.keys() and self.condition.holds(facts)

    def note(self, level: str = "caution") -> Note:
        """The remark as a sentence."""
        return Note(self.code, self.message, level, self.citations)


def _remarks(
    frame: Frame, section: str, entries: Sequence[RefuseEntry | UnusableEntry | CodeEntry]
) -> tuple[Remark, ...]:
    return tuple(
        Remark(
            code=entry.code,
            message=entry.message,
            condition=frame.expression(entry.when, (section, i, "when")) if entry.when is not None else None,
            reference=getattr(entry, "missing", None) or getattr(entry, "reference", None),
            gate=getattr(entry, "gate", True),
            conventions=entry.conventions,
            citations=frame.citations(entry.cite, (section, i)),
        )
        for i, entry in enumerate(entries)
    )


@dataclass(frozen=True, eq=False)
class _Cut:
    entry: CutEntry
    at: Expression
    row: Row


@dataclass(frozen=True, eq=False)
class Scale:
    """A compiled scale."""

    frame: Frame
    quantity: str
    references: Mapping[str, str]
    cuts: tuple[_Cut, ...]
    refuse: tuple[Remark, ...]
    unusable: tuple[Remark, ...]
    codes: tuple[Remark, ...]
    needed: frozenset[str]

    @staticmethod
    def compile(frame: Frame) -> Scale:
        """Prepare a scale from its file."""
        file = frame.file
        cuts: list[_Cut] = []
        for index, cut in enumerate(file.cuts):
            path = ("cuts", index)
            row = Row(
                cut.id,
                file.grades[index],
                frame.citations(cut.cite, path),
                cut.conventions,
                note=cut.note,
            )
            cuts.append(_Cut(cut, frame.expression(cut.at, (*path, "at")), row))
        assert file.quantity is not None
        refuse = _remarks(frame, "refuse", file.refuse)
        unusable = _remarks(frame, "unusable", file.unusable)
        codes = _remarks(frame, "codes", file.codes)
        quantity = frame.resolve(file.quantity)
        needed = {quantity, *file.references.values()}
        for remark in (*refuse, *unusable, *codes):
            needed |= remark.condition.names if remark.condition is not None else frozenset()
        needed -= set(file.parameters)
        return Scale(frame, quantity, file.references, tuple(cuts), refuse, unusable, codes, frozenset(needed))

    def facts(self, view: FactView) -> dict[str, Any]:
        """The numbers and words this scale needs, as far as they are known."""
        known: dict[str, Any] = dict(self.frame.parameters)
        for name in self.needed:
            value = view.get(name)
            if isinstance(value, bool | int | float | str):
                known[name] = value
        return known

    def measure(self, known: Mapping[str, Any], *, with_near: bool = True) -> ScaleResult:
        """The grade for numbers that are at hand.

        Parameters
        ----------
        known : fact → value, the parameters of the scale among them; what is not there is missing
        with_near : also the grades met inside the set band
        """
        facts = dict(known)
        codes: list[str] = []
        notes: list[Note] = []
        lost: dict[str, Note] = {}
        for name in (self.quantity, *self.references.values()):
            value = facts.get(name)
            if value is not None and (not is_number(value) or not math.isfinite(value) or value <= 0):
                return ScaleResult(
                    refused="BAD-INPUT",
                    reason="A value is not positive, or not a number.",
                    codes=("BAD-INPUT",),
                    rows=(),
                )
        quantity = facts.get(self.quantity)
        for remark in self.refuse:
            absent = remark.reference is not None and self.references[remark.reference] not in facts
            if absent or remark.applies(facts):
                return ScaleResult(
                    refused=remark.code, reason=remark.message, notes=(remark.note("error"),), codes=(remark.code,)
                )
        for remark in self.unusable:
            if remark.reference is not None and remark.applies(facts):
                facts.pop(self.references[remark.reference], None)
                lost[self.references[remark.reference]] = remark.note()
        for remark in self.codes:
            if remark.applies(facts):
                codes.append(remark.code)
                notes.append(remark.note())
        if quantity is None:
            return ScaleResult(
                value=self.frame.file.grades, near=self.frame.file.grades, codes=tuple(codes), notes=tuple(notes)
            )
        cuts = [self._position(cut, facts) for cut in self.cuts]
        value, rows = self._grade(quantity, cuts, facts)
        if len(value) > 1:
            for note in self._why_open(cuts, rows, lost):
                codes.append(note.code)
                notes.append(note)
        near = value
        if with_near:
            band = self.frame.parameters.get("set_band", 0.0)
            near = self._near(quantity, band, cuts, facts)
        margin, nearest = _margin(quantity, cuts)
        open_references = tuple(n for n, fact in self.references.items() if fact not in facts)
        return ScaleResult(
            value=value,
            near=near,
            margin=margin,
            nearest_cut=nearest,
            codes=unique(codes),
            notes=tuple(notes),
            rows=rows,
            open_references=open_references,
            explanation=_explain(quantity, cuts),
        )

    def _why_open(
        self,
        cuts: list[tuple[_Cut, float | None, float | None]],
        rows: tuple[Row, ...],
        lost: Mapping[str, Note],
    ) -> list[Note]:
        """Why grades can't be told apart: the reference of an open cut is missing, or was declared unusable."""
        found: list[Note] = []
        for cut, at, _ in cuts:
            if at is not None or cut.row not in rows:
                continue
            declared = [note for fact, note in lost.items() if fact in cut.at.names]
            if declared:
                found.extend(declared)
            elif cut.entry.open is not None:
                found.append(Note(cut.entry.open.code, cut.entry.open.message, "caution", cut.row.citations))
        return found

    def _position(self, cut: _Cut, facts: Mapping[str, Any]) -> tuple[_Cut, float | None, float | None]:
        at = float(cut.at.value(facts)) if cut.at.names <= facts.keys() else None
        passed = cut.entry.passed_above
        limit = facts.get(self.references[passed]) if passed is not None else None
        return cut, at, limit

    def _grade(
        self, quantity: float, cuts: list[tuple[_Cut, float | None, float | None]], facts: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], tuple[Row, ...]]:
        grades = self.frame.file.grades
        possible: list[str] = []
        rows: list[Row] = []
        for index, (cut, at, limit) in enumerate(cuts):
            if at is None:
                if limit is not None and quantity > limit and not same(quantity, limit):
                    continue
                possible.append(grades[index])
                rows.append(cut.row)
                continue
            below = (quantity < at and not same(quantity, at)) or (cut.entry.under == "<=" and same(quantity, at))
            if below:
                possible.append(grades[index])
                rows.append(cut.row)
                return tuple(possible), tuple(rows)
        possible.append(grades[-1])
        last = cuts[-1][0].row
        rows.append(Row(f"over {last.id}", grades[-1], last.citations, last.conventions, note=last.note))
        return tuple(possible), tuple(rows)

    def _near(
        self,
        quantity: float,
        band: float,
        cuts: list[tuple[_Cut, float | None, float | None]],
        facts: Mapping[str, Any],
    ) -> tuple[str, ...]:
        grades = self.frame.file.grades
        low, _ = self._grade(quantity * (1 - band), cuts, facts)
        high, _ = self._grade(quantity * (1 + band), cuts, facts)
        indices = [grades.index(g) for g in (*low, *high)]
        return grades[min(indices) : max(indices) + 1]


def _margin(quantity: float, cuts: list[tuple[_Cut, float | None, float | None]]) -> tuple[float | None, str]:
    best: tuple[float, float, str] | None = None
    for cut, at, _ in cuts:
        if at is None or at <= 0:
            continue
        margin = quantity / at - 1.0
        if same(quantity, at):
            margin = 0.0
        if best is None or abs(margin) < best[0]:
            best = (abs(margin), margin, cut.entry.id)
    return (best[1], best[2]) if best else (None, "")


def _explain(quantity: float, cuts: list[tuple[_Cut, float | None, float | None]]) -> str:
    parts = [
        f"{'below' if quantity < at and not same(quantity, at) else 'at' if same(quantity, at) else 'above'}"
        f" {cut.entry.id} ({at:.3g})"
        for cut, at, _ in cuts
        if at is not None
    ]
    return f"{quantity:.3g}: " + ", ".join(parts) if parts else ""
