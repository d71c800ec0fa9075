"""Rules applied to facts: one verdict per rule and subject; facts that rules give to other rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lutetia.model import ConventionUse
from lutetia.rules.compiled import Rule
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf, fact_of
from lutetia.rules.loader import RuleSet
from lutetia.rules.possible import possible_labels
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import convention_keys, said
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table
from lutetia.rules.verdict import Change, Note, Row, Verdict
from lutetia.rules.vocabulary import Vocabulary, split_role

READ_SUFFIX = "_read"


def patient_view(
    rules: RuleSet,
    facts: Mapping[str, Fact],
    lesions: Sequence[Mapping[str, Fact]] = (),
    identities: Sequence[str] = (),
) -> FactView:
    """A patient whose facts are derived by these rules where they are not given."""
    view = FactView(facts, rules.vocabulary, by_rule=giver(rules), identity="patient")
    return view.with_lesions(lesions, identities)


def giver(rules: RuleSet) -> Any:
    """The function that derives a fact from the rule that gives it."""

    def by_rule(name: str, view: FactView) -> Fact:
        base, role = split_role(name)
        rule_name = rules.givers.get(base) or rules.givers.get(name)
        read = _as_read(name, view, rules.vocabulary)
        if read is not None:
            return read
        if rule_name is None:
            return UNKNOWN
        return _given_fact(rules[rule_name], base, view.in_role(role), rules.vocabulary)

    return by_rule


def _as_read(name: str, view: FactView, vocabulary: Vocabulary) -> Fact | None:
    """The reader's own value, which stands before the computed one."""
    if name + READ_SUFFIX not in vocabulary:
        return None
    value = view.get(name + READ_SUFFIX)
    return None if value is UNKNOWN else value


def _given_fact(rule: Rule, base: str, view: FactView, vocabulary: Vocabulary) -> Fact:
    body = rule.body
    if isinstance(body, Scale):
        result = body.measure(body.facts(view), with_near=False)
        if result.refused is not None or set(result.value) == set(rule.file.grades):
            return UNKNOWN
        labels: Sequence[str] = result.value
    elif isinstance(body, Table):
        rows = body.matching(body.answers(view))
        column = rule.file.also_gives.get(base)
        labels = body.results(rows) if column is None else [_cell(body.rows[i], column) for i in rows]
    elif isinstance(body, Rollup):
        if body.not_scorable(view) is not None:
            return UNKNOWN
        labels = body.results(body.outcomes(view).labels)
    else:
        return UNKNOWN
    definition = vocabulary[base]
    if definition.kind in ("integer", "number"):
        return fact_of([int(label) for label in labels])
    if definition.kind == "yes_no":
        return fact_of([label in ("yes", "true", "True") for label in labels])
    return fact_of(list(labels))


def _cell(row: Row, column: str) -> str:
    return next((str(value) for key, value in row.then if key == column), row.result)


def evaluate(rule: Rule, view: FactView, *, role: str | None = None, questions: bool = True) -> Verdict:
    """Apply a rule to a patient or lesion.

    Parameters
    ----------
    rule : compiled rule
    view : the patient (rules of patient scope) or one of its lesions
    role : for rules of observation scope, which visit: ``sstr``, ``fdg``, ``previous``, ``spect``
    questions : also rank the open questions (costs time on large patients)
    """
    body = rule.body
    view = view.in_role(role)
    if isinstance(body, Scale):
        verdict = _scale(rule, body, view)
    elif isinstance(body, Table):
        verdict = _table(rule, body, view, questions)
    elif isinstance(body, Rollup):
        verdict = _rollup(rule, body, view, questions)
    else:
        verdict = _profile(rule, body, view, questions)
    return verdict


def _head(rule: Rule, subject: str) -> dict[str, Any]:
    file = rule.file
    return {
        "rule": file.rule,
        "title": file.title,
        "edition": file.edition,
        "shape": file.shape,
        "scope": file.scope,
        "subject": subject,
        "population": file.population.statement if file.population else "",
        "warnings": file.warnings,
    }


def _outside(rule: Rule, view: FactView) -> str:
    """ "yes" when the patient is certainly outside the validated population, "unknown" when it can't be told."""
    if rule.inside_population is None:
        return ""
    labels = possible_labels(rule.inside_population, view).labels
    if labels == (True,):
        return ""
    return "yes" if labels == (False,) else "unknown"


def _texts(rule: Rule, rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    texts = rule.file.texts
    found: dict[str, str] = {}
    for row in rows:
        for _, value in row.then:
            for code in value if isinstance(value, tuple) else (value,):
                if code in texts:
                    found[code] = texts[code]
    return tuple(found.items())


def _notes(rule: Rule, view: FactView) -> tuple[Note, ...]:
    return said(rule.notes, view) + said(rule.contradictions, view)


def _uses(rule: Rule, rows: Sequence[Row], extra: Sequence[str] = ()) -> tuple[ConventionUse, ...]:
    return rule.frame.uses([*convention_keys(rows), *extra])


def _scale(rule: Rule, body: Scale, view: FactView) -> Verdict:
    result = body.measure(body.facts(view))
    uptake = view.get(body.quantity)
    read = view.get(rule.file.gives + READ_SUFFIX) if rule.file.gives else UNKNOWN
    extra: list[str] = []
    for remark in (*body.refuse, *body.unusable, *body.codes):
        if remark.code == result.refused or remark.code in result.codes:
            extra.extend(remark.conventions)
    codes = result.codes
    notes = result.notes
    for name, fact in rule.file.alternatives.items():
        other = view.get(rule.frame.resolve(fact))
        if isinstance(other, int | float) and result.refused is None:
            facts = {**body.facts(view), body.quantity: other}
            if body.measure(facts, with_near=False).value != result.value:
                codes = (*codes, "METRIC-DEPENDENT")
                notes = (*notes, Note("METRIC-DEPENDENT", f"With {name} the grade differs."))
    return Verdict(
        **_head(rule, view.identity),
        results=result.value,
        near=result.near,
        refused=result.refused,
        reason=result.reason or result.explanation,
        rows=result.rows,
        margin=result.margin,
        nearest_cut=result.nearest_cut,
        codes=codes,
        notes=notes + _notes(rule, view),
        conventions=_uses(rule, result.rows, extra),
        outside_population=_outside(rule, view),
        read=str(read) if isinstance(read, int | str) else "",
        values=((body.quantity, "uptake", uptake if isinstance(uptake, int | float) else None),),
    )


def _table(rule: Rule, body: Table, view: FactView, questions: bool) -> Verdict:
    answers = body.answers(view)
    matching = body.matching(answers)
    rows = tuple(body.rows[i] for i in matching)
    results = body.results(matching)
    return Verdict(
        **_head(rule, view.identity),
        results=results,
        rows=rows,
        conventions=_uses(rule, rows),
        questions=body.questions(answers, view.identity) if questions and len(results) > 1 else (),
        notes=_notes(rule, view),
        outside_population=_outside(rule, view),
        texts=_texts(rule, rows),
        changes=_changes(rule, body, view, results) if questions else (),
    )


def _changes(rule: Rule, body: Table, view: FactView, results: Sequence[str]) -> tuple[Change, ...]:
    """What later work-up would change, one answer at a time."""
    changes: list[Change] = []
    for item in rule.file.would_change:
        fact = rule.frame.resolve(item.fact)
        value = rule.frame.vocabulary[fact].check(item.value)
        if view.get(fact) == value:
            continue
        position = next(i for i, column in enumerate(body.columns) if column.fact == fact)
        answers = list(body.answers(view))
        answers[position] = 1 << body.columns[position].index[value]
        after = body.results(body.matching(answers))
        if set(after) != set(results):
            changes.append(Change(item.say, fact, value, after))
    return tuple(changes)


def _rollup(rule: Rule, body: Rollup, view: FactView, questions: bool) -> Verdict:
    refusal = body.not_scorable(view)
    if refusal is not None:
        return Verdict(
            **_head(rule, "patient"),
            refused="NOT-SCORABLE",
            reason=refusal,
            outside_population=_outside(rule, view),
            lists=_lists(body, view),
        )
    possible = body.outcomes(view)
    rows = tuple(body.rows[str(label)] for label in possible.labels)
    says = tuple(Note(row.id, body.says[row.id], "info", row.citations) for row in rows if row.id in body.says)
    target_keys = rule.file.targets.conventions if rule.file.targets else ()
    hidden_keys = [key for item in rule.file.never_hidden for key in item.conventions]
    value_keys = [key for item in rule.file.values for key in item.conventions]
    return Verdict(
        **_head(rule, "patient"),
        results=body.results(possible.labels),
        rows=rows,
        conventions=_uses(rule, rows, [*target_keys, *hidden_keys, *value_keys]),
        questions=body.questions(view, possible) if questions else (),
        notes=says + _notes(rule, view),
        lists=_lists(body, view),
        values=tuple((entry.id, entry.title, body.reported(entry, parts, view)) for entry, parts in body.values),
        targets=body.targets(view),
        outside_population=_outside(rule, view),
        texts=_texts(rule, rows),
        exact=possible.exact,
    )


def _lists(body: Rollup, view: FactView) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    found = []
    for name, title, expression in body.hidden:
        members = body.members(view, expression, among=False)
        if members:
            found.append((name, title, members))
    return tuple(found)


def _profile(rule: Rule, body: Profile, view: FactView, questions: bool) -> Verdict:
    gates = body.judge(view)
    keys = [key for gate in gates for key in gate.conventions]
    statements = said(body.statements, view)
    return Verdict(
        **_head(rule, view.identity),
        gates=gates,
        conventions=rule.frame.uses(keys),
        questions=body.questions(view, gates) if questions else (),
        notes=statements + _notes(rule, view),
        outside_population=_outside(rule, view),
    )


__all__ = ["OneOf", "evaluate", "giver", "patient_view"]
