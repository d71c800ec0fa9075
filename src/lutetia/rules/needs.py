"""Which facts a rule reads."""

from __future__ import annotations

from functools import lru_cache

from lutetia.rules.compiled import Rule
from lutetia.rules.decision import Decision
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table


@lru_cache(maxsize=1024)
def needs_of(rule: Rule) -> tuple[str, ...]:
    """Every fact a rule reads: its questions, its conditions, and those of its notes."""
    names: set[str] = set()
    decisions: list[Decision] = [item.decision for item in (*rule.notes, *rule.contradictions)]
    if rule.inside_population is not None:
        decisions.append(rule.inside_population)
    body = rule.body
    if isinstance(body, Table):
        names |= {column.fact for column in body.columns}
    elif isinstance(body, Scale):
        names |= body.needed
        names |= {rule.frame.resolve(fact) for fact in rule.file.alternatives.values()}
        if rule.file.gives is not None:
            names.add(f"{rule.file.gives}_read")
    elif isinstance(body, Profile):
        for gate in body.gates:
            decisions.extend(d for d in (gate.decision, gate.applies) if d is not None)
        decisions.extend(statement.decision for statement in body.statements)
    elif isinstance(body, Rollup):
        decisions.append(body.decision)
        decisions.extend(decision for decision, _ in body.requires)
        decisions.extend(decision for _, parts in body.values for decision in parts)
    for decision in decisions:
        names |= {*decision.scalars, *decision.lesion_names}
    return tuple(sorted(name for name in names if name in rule.frame.vocabulary))
