"""What is known of a patient: values, sets of values that are still possible, or unknown; derived when asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lutetia.rules.expressions import Scalar
from lutetia.rules.vocabulary import FactDefinition, Vocabulary, in_role, split_role


@dataclass(frozen=True)
class OneOf:
    """A fact that is known to be one of several values."""

    values: frozenset[Scalar]


class _Unknown:
    """Nothing is known."""

    def __repr__(self) -> str:
        return "unknown"

    def __reduce__(self) -> str:
        return "UNKNOWN"  # one object, in every process


UNKNOWN = _Unknown()
Fact = Scalar | OneOf | _Unknown
ByRule = Callable[[str, "FactView"], Fact]


def fact_of(values: Sequence[Scalar] | frozenset[Scalar]) -> Fact:
    """One value, a set of values, or unknown when the set is empty."""
    distinct = frozenset(values)
    if not distinct:
        return UNKNOWN
    return next(iter(distinct)) if len(distinct) == 1 else OneOf(distinct)


class FactView:
    """Facts by name, for the patient or for one lesion of the patient.

    Parameters
    ----------
    given : name → value, `OneOf`, or `UNKNOWN`; names of a lesion view start with ``lesion.``
    vocabulary : definitions and derivations
    parent : the patient, for a lesion's view
    by_rule : called for facts that a rule gives
    """

    def __init__(
        self,
        given: Mapping[str, Fact],
        vocabulary: Vocabulary,
        *,
        parent: FactView | None = None,
        by_rule: ByRule | None = None,
        identity: str = "",
    ) -> None:
        self.given = dict(given)
        self.vocabulary = vocabulary
        self.parent = parent
        self.by_rule = by_rule
        self.identity = identity
        self.lesions: tuple[FactView, ...] = ()
        self._memo: dict[str, Fact] = dict(self.given)
        self._busy: set[str] = set()
        self._columns: dict[str, tuple[tuple[FactView, ...], tuple[Fact, ...]]] = {}

    def with_lesions(self, lesions: Sequence[Mapping[str, Fact]], identities: Sequence[str] = ()) -> FactView:
        """The same patient with these lesions; returns itself."""
        names = list(identities) or [f"L{index + 1}" for index in range(len(lesions))]
        self.lesions = tuple(
            FactView(given, self.vocabulary, parent=self, by_rule=self.by_rule, identity=name)
            for given, name in zip(lesions, names, strict=True)
        )
        return self

    def give(self, name: str, value: Fact) -> None:
        """Add a fact before anything that rests on it has been asked."""
        self.given[name] = self._memo[name] = value
        self._columns.clear()

    def get(self, name: str) -> Fact:
        """The fact, derived if need be. A derivation that needs itself is unknown."""
        try:
            return self._memo[name]
        except KeyError:
            pass
        if self.parent is not None and not name.startswith("lesion."):
            value = self._memo[name] = self.parent.get(name)
            return value
        if name in self._busy:
            return UNKNOWN
        self._busy.add(name)
        try:
            value = self._derive(name)
        finally:
            self._busy.discard(name)
        self._memo[name] = value
        return value

    def column(self, name: str) -> tuple[Fact, ...]:
        """One fact of every lesion."""
        known = self._columns.get(name)
        if known is None or known[0] is not self.lesions:
            known = (self.lesions, tuple(lesion.get(name) for lesion in self.lesions))
            self._columns[name] = known
        return known[1]

    def in_role(self, role: str | None) -> FactView:
        """The same lesion with ``observation.X`` and ``visit.X`` read as what one visit shows."""
        return self if role is None else _RoleView(self, role)

    def changed(self, changes: Mapping[str, Fact]) -> FactView:
        """The same view with some facts answered otherwise; nothing derived is carried over."""
        view = FactView(
            {**self.given, **changes},
            self.vocabulary,
            parent=self.parent,
            by_rule=self.by_rule,
            identity=self.identity,
        )
        view.lesions = self.lesions
        return view

    def _derive(self, name: str) -> Fact:
        definition = self.vocabulary.find(name)
        if definition is None or definition.derived is None:
            return UNKNOWN
        if definition.derived == "case":
            return UNKNOWN
        if definition.derived == "known":
            rename = in_role(split_role(name)[1])
            return any(self.get(rename(needed)) is not UNKNOWN for needed in definition.known)
        value = self._compute(name, definition)
        if definition.if_unknown is not None and (isinstance(value, OneOf) or value is UNKNOWN):
            return definition.if_unknown
        return value

    def _compute(self, name: str, definition: FactDefinition) -> Fact:
        if definition.derived == "rule":
            return self.by_rule(name, self) if self.by_rule else UNKNOWN
        from lutetia.rules.decision import Decision, condition
        from lutetia.rules.possible import possible_labels

        pairs = self.vocabulary.derivation(name)
        if len(pairs) == 1 and pairs[0][0] is not None and pairs[0][1] is None:
            expression = pairs[0][0]
            if definition.kind == "yes_no":
                return fact_of(possible_labels(condition(expression), self).labels)
            known: dict[str, Any] = {}
            for needed in expression.names:
                value = self.get(needed)
                if isinstance(value, OneOf | _Unknown):
                    return UNKNOWN
                known[needed] = value
            number = expression.value(known)
            return UNKNOWN if isinstance(number, float) and not math.isfinite(number) else number
        decision = self.vocabulary.decisions.get(name)
        if decision is None:
            decision = Decision.of([("" if value is None else value, when) for when, value in pairs])
            self.vocabulary.decisions[name] = decision
        return fact_of(possible_labels(decision, self).labels)


class _RoleView(FactView):
    """A lesion seen on one visit."""

    def __init__(self, base: FactView, role: str) -> None:
        super().__init__({}, base.vocabulary, by_rule=base.by_rule, identity=f"{base.identity}@{role}")
        self._base, self._rename = base, in_role(role)

    def get(self, name: str) -> Fact:
        return self._base.get(self._rename(name))
