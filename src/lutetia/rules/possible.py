"""Three-valued evaluation: which results do the completions of the facts allow?

With every fact known exactly one label of a `Decision` holds. With facts missing, each missing fact is replaced by one
representative of every class of values that the conditions can tell apart, and the labels met are collected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lutetia.rules.completions import MAX_COMPLETIONS, completions
from lutetia.rules.decision import Decision, Label, remember
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf
from lutetia.rules.lesion_states import aggregate_values, states_of_lesions


@dataclass(frozen=True)
class Possible:
    """The labels that completions allow, in the order of the decision.

    ``open`` are the facts that were not settled; ``exact`` is False when the completions were too many to enumerate.
    """

    labels: tuple[Label, ...]
    open: tuple[str, ...] = ()
    exact: bool = True


def possible_labels(decision: Decision, view: FactView, *, assume: Mapping[str, Fact] | None = None) -> Possible:
    """The labels that some completion of the facts gives.

    `assume` replaces facts (of the patient, or of every lesion for names that start with ``lesion.``).
    """
    if assume:
        row = tuple(assume[name] if name in assume else view.get(name) for name in decision.scalars)
    else:
        row = tuple([view.get(name) for name in decision.scalars])
    columns: list[tuple[Fact, ...]] = []
    count = 0
    if decision.counters or decision.numbers:
        count = len(view.lesions)
        columns = [
            (assume[name],) * count if assume and name in assume else view.column(name)
            for name in decision.lesion_names
        ]
    key = ("possible", row, count, *columns)
    remembered: Possible | None = decision.memo.get(key)
    if remembered is None:
        lesion_values = list(zip(*columns, strict=True)) if columns else [()] * count
        remembered = remember(decision, key, _possible(decision, view, row, columns, lesion_values))
    return remembered


def _possible(
    decision: Decision,
    view: FactView,
    row: Sequence[Fact],
    columns: Sequence[tuple[Fact, ...]],
    lesion_values: Sequence[tuple[Fact, ...]],
) -> Possible:
    values = dict(zip(decision.scalars, row, strict=True))
    still_open = [name for name, value in values.items() if isinstance(value, OneOf) or value is UNKNOWN]
    for name, column in zip(decision.lesion_names, columns, strict=bool(columns)):
        if any(value is UNKNOWN or isinstance(value, OneOf) for value in column):
            still_open.append(name)
    known = {name: value for name, value in values.items() if name not in still_open}
    open_scalars = [name for name in decision.scalars if name in still_open]
    found: set[Label] = set()
    exact = True
    budget = MAX_COMPLETIONS
    for completion in completions(open_scalars, values, known, decision, view):
        budget -= 1
        if budget < 0:
            exact = False
            found.update(decision.labels)
            break
        states, exact_here = states_of_lesions(decision, lesion_values, completion, view)
        exact = exact and exact_here
        if not exact_here:
            found.update(decision.labels)
        scalars = tuple(completion.get(name) for name in decision.scalars)
        for state, number_choice in states:
            key = ("labels", scalars, state, number_choice)
            labels = decision.memo.get(key)
            if labels is None:
                aggregates = aggregate_values(decision, state, number_choice)
                labels = remember(decision, key, tuple(decision.label(completion, aggregates)))
            found.update(labels)
        if len(found) == len(decision.labels):
            break
    return Possible(tuple(label for label in decision.labels if label in found), tuple(still_open), exact)
