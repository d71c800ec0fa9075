"""What may take the place of facts that are missing: one value of every class that the conditions can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lutetia.rules.answer_classes import representatives
from lutetia.rules.decision import Decision
from lutetia.rules.facts import Fact, FactView

MAX_COMPLETIONS = 60_000


def completions(
    names: Sequence[str], values: Mapping[str, Fact], known: Mapping[str, Any], decision: Decision, view: FactView
) -> Iterator[dict[str, Any]]:
    """Every way to fill in `names`, one value per class that the decision can tell apart.

    Parameters
    ----------
    names : facts to fill in
    values : what is left possible of each
    known : facts already filled in; part of each completion
    decision : whose comparisons make the classes
    view : for the definition of each fact
    """
    if not names:
        yield dict(known)
        return
    name, rest = names[0], names[1:]
    for value in representatives(
        name,
        view.vocabulary[name],
        values[name],
        known,
        decision.comparisons,
        decision.symbols.get(name, frozenset()),
    ):
        yield from completions(rest, values, {**known, name: value}, decision, view)
