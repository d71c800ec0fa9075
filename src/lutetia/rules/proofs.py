"""The five proofs that run over every rule file, present and future.

1. exactly one row for every complete set of answers;
2. every citation resolves, and everything is cited;
3. every row is reached by a named case;
4. a partial answer gives exactly the union of what its completions give;
5. just under, at and just over every cut.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, product
from typing import Any

from lutetia.rules.cases import CaseFile, Outcome, run_case
from lutetia.rules.evaluate import patient_view
from lutetia.rules.expressions import Aggregate, Expression, same
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf
from lutetia.rules.loader import Rule, RuleSet
from lutetia.rules.possible import (
    Decision,
    aggregate_values,
    possible_labels,
    representatives,
    roots,
    truth_vectors,
)
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table

SAMPLES = 60


def prove(rules: RuleSet, name: str, case_files: Iterable[CaseFile]) -> list[str]:
    """All findings of the five proofs for one rule; empty when it holds."""
    rule = rules[name]
    mine = [f for f in case_files if f.rule == name]
    findings = [f"proof 1: {text}" for text in exactly_one(rule, rules)]
    findings += [f"proof 2: {text}" for text in everything_cited(rule)]
    outcomes: list[Outcome] = []
    for file in mine:
        for case in (*file.cases, *file.boundary_cases):
            outcome = run_case(rules, name, case)
            findings += [f"case: {text}" for text in outcome.failures]
            outcomes.append(outcome)
    findings += [f"proof 3: {text}" for text in every_row_reached(rule, outcomes, mine)]
    findings += [f"proof 4: {text}" for text in partial_is_union(rule, rules)]
    findings += [f"proof 5: {text}" for text in every_cut_bounded(rule, mine)]
    return findings


# ---------------------------------------------------------------------------------------------- proof 1


def exactly_one(rule: Rule, rules: RuleSet) -> Iterator[str]:
    """Exactly one row, state or grade for every complete set of answers."""
    body = rule.body
    if isinstance(body, Table):
        yield from _one_row(body)
    elif isinstance(body, Profile):
        for gate in body.gates:
            if gate.decision is not None:
                yield from _one_label(gate.entry.id, gate.decision, rule)
    elif isinstance(body, Scale):
        yield from _rising(body)
    elif isinstance(body, Rollup) and body.decision.options[-1][1] is not None:
        yield "the last outcome does not take what is left"


def _one_row(table: Table) -> Iterator[str]:
    domains = [[1 << i for i in range(len(c.classes)) if c.all & (1 << i)] for c in table.columns]
    size = 1
    for domain in domains:
        size *= len(domain)
    sets: Iterable[tuple[int, ...]] = product(*domains)
    if size > 300_000:
        pick = random.Random(1)
        sets = (tuple(pick.choice(domain) for domain in domains) for _ in range(50_000))
    reported = 0
    for answers in sets:
        found = table.matching(answers)
        if len(found) != 1 and reported < 5:
            reported += 1
            words = ", ".join(
                f"{c.name}={c.classes[a.bit_length() - 1]}" for c, a in zip(table.columns, answers, strict=True)
            )
            yield f"{len(found)} rows ({', '.join(table.rows[i].id for i in found)}) for {words}"
    for i, row in enumerate(table.rows):
        if not all(table.masks[i]):
            yield f"row {row.id} can't be met"


def _one_label(name: str, decision: Decision, rule: Rule) -> Iterator[str]:
    seen: set[str] = set()
    for facts, aggregates in _complete(decision, rule):
        labels = decision.label(facts, aggregates)
        if len(labels) != 1:
            text = f"{name}: {labels or 'no state'} at once"
            if text not in seen:
                seen.add(text)
                yield f"{text} (e.g. {dict(list(facts.items())[:4])})"


def _complete(decision: Decision, rule: Rule) -> Iterator[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """Complete facts of every class, with up to three lesions of every kind that the conditions tell apart."""
    vocabulary = rule.frame.vocabulary
    if decision.numbers:
        return
    empty = FactView({}, vocabulary)
    for facts in _assignments(list(decision.scalars), {}, decision, vocabulary):
        if not decision.counters:
            yield facts, aggregate_values(decision, (), ())
            continue
        kinds = sorted(truth_vectors(decision, (UNKNOWN,) * len(decision.lesion_names), facts, empty))
        most = 3 if len(kinds) <= 12 else 2 if len(kinds) <= 60 else 1
        for count in range(most + 1):
            for chosen in combinations_with_replacement(kinds, count):
                state = tuple(sum(column) for column in zip(*chosen, strict=True)) or (0,) * len(decision.counters)
                yield facts, aggregate_values(decision, state, ())


def _assignments(
    names: list[str], known: dict[str, Any], decision: Decision, vocabulary: Any
) -> Iterator[dict[str, Any]]:
    if not names:
        yield known
        return
    name = names[0]
    mentioned = decision.symbols.get(name, frozenset())
    for value in representatives(name, vocabulary[name], UNKNOWN, known, decision.comparisons, mentioned):
        yield from _assignments(names[1:], {**known, name: value}, decision, vocabulary)


def _rising(scale: Scale) -> Iterator[str]:
    """More uptake never gives a lower grade, and one grade is given, for references in their order."""
    grades = scale.frame.file.grades
    names = list(scale.references.values())
    for spread in (1.5, 3.0, 8.0):
        references = {name: 1.0 * spread**i for i, name in enumerate(names)}
        last = 0
        for step in range(1, 400):
            facts = {
                **scale.frame.parameters,
                **references,
                scale.quantity: step * 0.05 * spread ** (len(names) - 1) / 8,
            }
            result = scale.measure(facts, with_near=False)
            if result.refused:
                yield f"refused ({result.refused}) although all references are there and in order"
                return
            if len(result.value) != 1:
                yield f"{len(result.value)} grades for complete numbers"
                return
            now = grades.index(result.value[0])
            if now < last:
                yield "a higher uptake gave a lower grade"
                return
            last = now
        if last != len(grades) - 1:
            yield "the highest grade is out of reach"


# ---------------------------------------------------------------------------------------------- proof 2


def everything_cited(rule: Rule) -> Iterator[str]:
    """Every row, gate, outcome, cut and statement carries a citation or names a convention."""
    file = rule.file
    for section in ("rows", "outcomes", "cuts", "gates", "statements", "codes", "refuse", "notes"):
        for entry in getattr(file, section):
            if not entry.cite and not entry.conventions and getattr(entry, "otherwise", None) is not True:
                name = getattr(entry, "id", None) or getattr(entry, "code", "")
                yield f"{section} {name} has neither citation nor convention"
    used = {c.source for c in _all_citations(rule)}
    for key, source in file.sources.items():
        if key not in used:
            yield f"the source {key} is listed and never cited"
        if not source.places:
            yield f"the source {key} has no places"
    for convention in file.conventions:
        if not convention.reason:
            yield f"the convention {convention.key} has no reason"
        if not convention.options and not convention.definition:
            yield f"the convention {convention.key} has neither options nor a definition"


def _all_citations(rule: Rule) -> Iterator[Any]:
    file, frame = rule.file, rule.frame
    sections = (
        "rows",
        "outcomes",
        "cuts",
        "gates",
        "statements",
        "codes",
        "refuse",
        "unusable",
        "notes",
        "contradictions",
    )
    for section in (*sections, "conventions", "never_hidden", "values", "requires"):
        for i, entry in enumerate(getattr(file, section)):
            yield from frame.citations(entry.cite, (section, i))
    for name, entry in file.sets.items():
        yield from frame.citations(entry.cite, ("sets", name))
    if file.population is not None:
        yield from frame.citations(file.population.cite, ("population",))
    if file.targets is not None:
        yield from frame.citations(file.targets.cite, ("targets",))


# ---------------------------------------------------------------------------------------------- proof 3


def every_row_reached(rule: Rule, outcomes: Iterable[Outcome], files: list[CaseFile]) -> Iterator[str]:
    """Every row is reached by a named case."""
    if not files:
        yield "no case file"
        return
    reached: set[str] = set()
    for outcome in outcomes:
        reached |= outcome.reached
    for needed in required_rows(rule):
        if needed not in reached:
            yield f"{needed} is reached by no case"


def required_rows(rule: Rule) -> list[str]:
    """What the cases of a rule must reach: rows, outcomes, grades, refusals, states of gates."""
    file, body = rule.file, rule.body
    if isinstance(body, Table):
        return [row.id for row in body.rows]
    if isinstance(body, Rollup):
        return list(body.rows)
    if isinstance(body, Scale):
        refusals = [entry.code for entry in file.refuse]
        return [cut.id for cut in file.cuts] + [f"over {file.cuts[-1].id}"] + refusals + [c.code for c in file.codes]
    needed: list[str] = []
    for gate in body.gates:
        if gate.decision is None:
            needed.append(f"{gate.entry.id}={gate.entry.always}")
        else:
            needed.extend(f"{gate.entry.id}={label}" for label in gate.decision.labels)
    needed.extend(statement.entry.id for statement in body.statements)
    return needed


# ---------------------------------------------------------------------------------------------- proof 4


def partial_is_union(rule: Rule, rules: RuleSet) -> Iterator[str]:
    """A partial answer gives exactly the union of what its completions give."""
    body = rule.body
    if isinstance(body, Table):
        yield from _table_unions(body)
    elif isinstance(body, Profile):
        for gate in body.gates:
            if gate.decision is not None:
                yield from _decision_unions(gate.entry.id, gate.decision, rule, rules)
    elif isinstance(body, Rollup):
        yield from _decision_unions("outcomes", body.decision, rule, rules)
    else:
        yield from _scale_unions(body)


def _table_unions(table: Table) -> Iterator[str]:
    """Enumerated: for every known/open pattern, one more answer splits the results without loss or gain."""
    domains = [[1 << i for i in range(len(c.classes)) if c.all & (1 << i)] + [c.all] for c in table.columns]
    size = 1
    for domain in domains:
        size *= len(domain)
    patterns: Iterable[tuple[int, ...]] = product(*domains)
    if size > 60_000:
        pick = random.Random(2)
        patterns = (tuple(pick.choice(domain) for domain in domains) for _ in range(4_000))
    for answers in patterns:
        for position, column in enumerate(table.columns):
            if answers[position] != column.all or column.all & (column.all - 1) == 0:
                continue
            union: set[int] = set()
            for i in range(len(column.classes)):
                if column.all & (1 << i):
                    union |= set(table.matching((*answers[:position], 1 << i, *answers[position + 1 :])))
            if union != set(table.matching(answers)):
                yield f"open {column.name}: {sorted(union ^ set(table.matching(answers)))} differ"
                return
            break


def _decision_unions(name: str, decision: Decision, rule: Rule, rules: RuleSet) -> Iterator[str]:
    """Sampled: hide facts of complete patients; the engine's set equals the union over their completions."""
    pick = random.Random(f"{rule.id} {name}")
    vocabulary = rule.frame.vocabulary
    for _ in range(SAMPLES if decision.counters else SAMPLES // 3):
        scalars = _random_facts(decision.scalars, decision, vocabulary, pick)
        lesions = [
            _random_facts(decision.lesion_names, decision, vocabulary, pick, scalars)
            for _ in range(pick.randint(0, 3) if decision.counters or decision.numbers else 0)
        ]
        if decision.numbers:
            return
        hidden_scalars = [n for n in decision.scalars if pick.random() < 0.4]
        hidden = [[n for n in decision.lesion_names if pick.random() < 0.3] for _ in lesions]
        partial = {n: v for n, v in scalars.items() if n not in hidden_scalars}
        partial_lesions = [
            {n: v for n, v in row.items() if n not in gone} for row, gone in zip(lesions, hidden, strict=True)
        ]
        blank = dict.fromkeys(hidden_scalars, UNKNOWN)
        view = patient_view(
            rules,
            {**partial, **blank},
            [{**row, **dict.fromkeys(gone, UNKNOWN)} for row, gone in zip(partial_lesions, hidden, strict=True)],
        )
        said = set(possible_labels(decision, view).labels)
        union = _union(decision, rule, rules, {**partial}, hidden_scalars, partial_lesions, hidden)
        if union is not None and said != union:
            open_names = hidden_scalars + [n for gone in hidden for n in gone]
            yield f"{name}: with {open_names} open the engine says {said}, completions give {union}"
            return


def _random_facts(
    names: Iterable[str],
    decision: Decision,
    vocabulary: Any,
    pick: random.Random,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    base = dict(known or {})
    for name in names:
        mentioned = decision.symbols.get(name, frozenset())
        options = representatives(name, vocabulary[name], UNKNOWN, {**base, **facts}, decision.comparisons, mentioned)
        facts[name] = pick.choice(options)
    return facts


def _union(
    decision: Decision,
    rule: Rule,
    rules: RuleSet,
    partial: dict[str, Any],
    hidden_scalars: list[str],
    lesions: list[dict[str, Any]],
    hidden: list[list[str]],
) -> set[Any] | None:
    """The labels of every completion, each evaluated as a complete patient."""
    found: set[Any] = set()
    vocabulary = rule.frame.vocabulary
    budget = 1500
    for scalars in _assign(hidden_scalars, partial, decision, vocabulary):
        choices = [
            [dict(c) for c in _assign(gone, {**scalars, **row}, decision, vocabulary)]
            for row, gone in zip(lesions, hidden, strict=True)
        ]
        for combination in product(*choices):
            budget -= 1
            if budget < 0:
                return None
            found.update(plain_labels(decision, scalars, [{**scalars, **row} for row in combination]))
    return found


def plain_labels(decision: Decision, facts: Mapping[str, Any], lesions: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The labels of a complete patient, worked out lesion by lesion without the engine's counting."""
    counted = [row for row in lesions if decision.among is None or decision.among.holds(row)]
    found: list[Any] = []
    for label, when in decision.options:
        if when is None:
            return found or [label]
        values = tuple(_plain_aggregate(aggregate, decision, counted) for aggregate in when.aggregates)
        if when.holds(facts, values):
            found.append(label)
            if not decision.exclusive:
                return found
    return found


def _plain_aggregate(aggregate: Aggregate, decision: Decision, lesions: Sequence[Mapping[str, Any]]) -> Any:
    body = decision.sets[str(aggregate.named_set)] if aggregate.named_set is not None else aggregate.body
    inside = [row for row in lesions if aggregate.of is None or aggregate.of.holds(row)]
    meets = [row for row in inside if body is None or body.holds(row)]
    if aggregate.kind in ("count", "lesions"):
        return len(meets)
    if aggregate.kind == "any":
        return bool(meets)
    if aggregate.kind == "all":
        return len(meets) == len(inside)
    if aggregate.kind == "none":
        return not meets
    return len(meets) / len(inside) if inside else math.nan


def _assign(names: list[str], known: dict[str, Any], decision: Decision, vocabulary: Any) -> Iterator[dict[str, Any]]:
    if not names:
        yield known
        return
    for value in representatives(
        names[0],
        vocabulary[names[0]],
        UNKNOWN,
        known,
        decision.comparisons,
        decision.symbols.get(names[0], frozenset()),
    ):
        yield from _assign(names[1:], {**known, names[0]: value}, decision, vocabulary)


def _scale_unions(scale: Scale) -> Iterator[str]:
    """With one reference missing, every grade that a fitting reference would give is among those returned.

    References that would make the scale refuse, or that lie so close that their order is in doubt, are no completions.
    """
    names = list(scale.references.values())
    for gone in names:
        for references in ((2.0, 8.0, 24.0), (1.5, 6.0, 20.0)):
            full = dict(zip(names, references, strict=False))
            if len(full) < len(names):
                return
            for uptake in (1.0, 2.0, 5.0, 8.0, 9.0, 12.0, 23.0, 30.0):
                partial = {**scale.frame.parameters, **full, scale.quantity: uptake}
                partial.pop(gone)
                said = scale.measure(partial, with_near=False)
                if said.refused:
                    continue
                order = sorted(full.values())
                position = order.index(full[gone])
                low = order[position - 1] * 1.12 if position else 0.05
                high = order[position + 1] / 1.12 if position + 1 < len(order) else 100.0
                for step in range(21):
                    value = low + (high - low) * step / 20
                    done = scale.measure({**partial, gone: value}, with_near=False)
                    if done.refused is None and not set(done.value) <= set(said.value):
                        yield f"without {gone}, {uptake:g}: {done.value} is possible, {said.value} was said"
                        return


# ---------------------------------------------------------------------------------------------- proof 5


def every_cut_bounded(rule: Rule, files: list[CaseFile]) -> Iterator[str]:
    """Every cut on a number has a case just under, at and just over it."""
    stated = [b for file in files for b in file.boundaries]
    for of, fact, at in required_boundaries(rule):
        if not any(_bounds(rule, b, of, fact, at) for b in stated):
            yield f"no boundary for {of}" + (f": {fact} at {at:g}" if fact else "")


def _bounds(rule: Rule, boundary: Mapping[str, Any], of: str, fact: str, at: float) -> bool:
    if str(boundary["of"]) != of:
        return False
    if not fact:
        return True
    given = boundary.get("fact")
    return given is not None and rule.frame.resolve(str(given)) == fact and same(float(boundary["at"]), at)


def required_boundaries(rule: Rule) -> list[tuple[str, str, float]]:
    """(row or gate, fact, cut) of every cut on one number; scales need one per cut, with the references of the case."""
    file, body = rule.file, rule.body
    needed: dict[tuple[str, str, float], None] = {}
    if isinstance(body, Scale):
        for cut in file.cuts:
            needed[(cut.id, "", 0.0)] = None
        return list(needed)
    if isinstance(body, Table):
        for column in body.columns:
            for number in column.cuts:
                needed[(column.name, column.fact, number)] = None
        return list(needed)
    expressions: list[tuple[str, Expression | None]] = []
    if isinstance(body, Rollup):
        expressions = [(str(label), condition) for label, condition in body.decision.options]
    else:
        for gate in body.gates:
            if gate.decision is not None:
                expressions += [(gate.entry.id, condition) for _, condition in gate.decision.options]
    for of, expression in expressions:
        for name, number in _cuts_of(expression):
            definition = rule.frame.vocabulary[name]
            if definition.kind in ("number", "date") or definition.high - definition.low > 12:
                needed[(of, name, number)] = None
    return list(needed)


def _cuts_of(expression: Expression | None) -> Iterator[tuple[str, float]]:
    if expression is None:
        return
    for comparison in expression.comparisons:
        if len(comparison.names) == 1:
            (name,) = comparison.names
            for cut in roots(name, comparison, {}) or ():
                yield name, cut


__all__ = ["Fact", "FactView", "OneOf", "prove"]
