"""A rule in words: its table, citations, conventions with reasons. Markdown, made from the file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from lutetia.model import Citation
from lutetia.rules.compiled import Rule
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import spell
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table
from lutetia.rules.text import cited


def list_rules(rules: RuleSet | None = None) -> list[dict[str, str]]:
    """All rules with shape, edition and population, as ``lutetia rules list --json``; the built-in ones by default."""
    return [
        {
            "rule": rule.id,
            "shape": rule.file.shape,
            "scope": rule.file.scope,
            "title": rule.file.title,
            "edition": rule.file.edition,
            "family": rule.file.family or rule.id,
            "population": rule.file.population.statement if rule.file.population else "",
        }
        for rule in rules or load_rules()
    ]


def show_rule(rule: str, rules: RuleSet | None = None) -> dict[str, Any]:
    """One rule as its file has it, as ``lutetia rules show --json``; `describe` says it in words.

    Raises
    ------
    UsageError
        There is no such rule; the nearest names are given.
    """
    found: dict[str, Any] = (rules or load_rules())[rule].frame.document.data
    return found


def describe(rule: Rule) -> str:
    """The whole rule as Markdown."""
    return "\n".join(_lines(rule)).rstrip() + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    file = rule.file
    yield f"# {file.title}"
    yield ""
    yield f"`{file.rule}` · {file.shape} · edition {file.edition} · about one {file.scope}"
    yield ""
    yield file.summary.strip()
    yield ""
    if file.population is not None:
        where = cited(rule.frame.citations(file.population.cite, ("population",)))
        yield f"**Made or tested for:** {file.population.statement}{where}"
        if file.population.when:
            yield f"(a patient for whom `{file.population.when}` is false is marked)"
        yield ""
    for warning in file.warnings:
        yield f"> {warning}"
    if file.warnings:
        yield ""
    yield from _questions(rule)
    yield from _body(rule)
    yield from _sentences(rule)
    yield from _conventions(rule)
    yield from _sources(rule)


def _questions(rule: Rule) -> Iterator[str]:
    if not rule.file.questions:
        return
    yield "## Questions"
    yield ""
    yield "| name | fact | question | answers |"
    yield "|---|---|---|---|"
    for name, fact in rule.file.questions.items():
        definition = rule.frame.vocabulary[fact]
        answers = ", ".join(definition.values) or {"yes_no": "yes, no"}.get(definition.kind, definition.kind)
        unit = f" ({definition.unit})" if definition.unit else ""
        yield f"| {name} | `{fact}` | {definition.ask} | {answers}{unit} |"
    yield ""


def _body(rule: Rule) -> Iterator[str]:
    body = rule.body
    if isinstance(body, Scale):
        yield from _scale(rule, body)
    elif isinstance(body, Table):
        yield from _table(rule, body)
    elif isinstance(body, Rollup):
        yield from _rollup(rule, body)
    else:
        yield from _profile(rule, body)


def _basis(citations: Sequence[Citation], conventions: Sequence[str], note: str = "") -> str:
    parts = [cited(citations).strip(" []"), ", ".join(conventions), note]
    return "; ".join(part for part in parts if part).replace("|", "/")


def _scale(rule: Rule, body: Scale) -> Iterator[str]:
    file = rule.file
    yield "## Cuts"
    yield ""
    yield f"Quantity: `{body.quantity}`; references: {', '.join(f'{k} = `{v}`' for k, v in body.references.items())}; "
    yield f"parameters: {', '.join(f'{k} = {v:g}' for k, v in file.parameters.items()) or 'none'}"
    yield ""
    yield "| grade | when | cut | basis |"
    yield "|---|---|---|---|"
    for grade, cut in zip(file.grades, body.cuts, strict=False):
        sign = "<" if cut.entry.under == "<" else "≤"
        basis = _basis(cut.row.citations, cut.row.conventions)
        yield f"| {grade} | {sign} `{cut.entry.at}` | {cut.entry.id} | {basis} |"
    yield f"| {file.grades[-1]} | otherwise | | |"
    yield ""
    yield "| code | when | what it says | basis |"
    yield "|---|---|---|---|"
    for remark in (*body.refuse, *body.unusable, *body.codes):
        when = f"`{remark.condition.text}`" if remark.condition is not None else f"{remark.reference} missing"
        extra = " (no grade)" if remark in body.refuse else ""
        message = remark.message + ("" if remark.gate else " No gate result.")
        basis = _basis(remark.citations, remark.conventions)
        yield f"| {remark.code}{extra} | {when} | {message} | {basis} |"
    yield ""


def _table(rule: Rule, body: Table) -> Iterator[str]:
    names = [column.name for column in body.columns]
    columns = list(rule.file.columns)
    yield "## Rows"
    yield ""
    yield f"| row | {' | '.join(names)} | → {' | '.join(columns)} | basis |"
    yield "|" + "---|" * (len(names) + len(columns) + 2)
    for entry, row in zip(rule.file.rows, body.rows, strict=True):
        asked = [_cell(entry.when.get(name, "any")) for name in names]
        then = dict(row.then) | {columns[0]: row.result or f"as if {_cell(list(entry.as_if.values()))}"}
        given = [_cell(then.get(name, "")) for name in columns]
        basis = _basis(row.citations, row.conventions, row.note)
        yield f"| {row.id} | {' | '.join(asked)} | {' | '.join(given)} | {basis} |"
    yield ""
    if rule.file.texts:
        yield "| code | text |"
        yield "|---|---|"
        for code, text in rule.file.texts.items():
            yield f"| {code} | {text} |"
        yield ""


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return spell(value).replace("|", "/")


def _rollup(rule: Rule, body: Rollup) -> Iterator[str]:
    if rule.file.lesions is not None:
        yield f"Lesions that count: `{rule.file.lesions}`"
        yield ""
    for requirement in rule.file.requires:
        yield f"Needs `{requirement.when}`: {requirement.say}"
        yield ""
    if rule.file.sets:
        yield "| set | lesions with | |"
        yield "|---|---|---|"
        for name, entry in rule.file.sets.items():
            yield f"| {name} | `{entry.when}` | {entry.title} |".replace("||", "|")
        yield ""
    yield "## Outcomes, read from the top"
    yield ""
    yield "| outcome | result | when | then | basis |"
    yield "|---|---|---|---|---|"
    for outcome in rule.file.outcomes:
        row = body.rows[outcome.id]
        when = "otherwise" if outcome.otherwise else f"`{outcome.when}`"
        then = "; ".join(f"{k}: {v}" for k, v in outcome.then.items())
        said = f" {outcome.say}" if outcome.say else ""
        basis = _basis(row.citations, row.conventions, row.note)
        yield f"| {row.id} | {row.result} | {when} | {then}{said} | {basis} |"
    yield ""
    if rule.file.never_hidden:
        yield "Never hidden: " + "; ".join(title for _, title, _ in body.hidden)
        yield ""
    for value in rule.file.values:
        yield f"- reported: {value.title} (`{'`, `'.join(value.of)}`)"
    if rule.file.values:
        yield ""


def _profile(rule: Rule, body: Profile) -> Iterator[str]:
    if body.gates:
        yield "## Gates"
        yield ""
        yield "| gate | what | states | basis |"
        yield "|---|---|---|---|"
        for gate in body.gates:
            entry = gate.entry
            states = [f"{state}: `{text}`" for state, text in (entry.model_extra or {}).items()]
            if entry.otherwise:
                states.append(f"otherwise {entry.otherwise}")
            if entry.always:
                states.append(f"always {entry.always}. {entry.why}")
            if entry.applies:
                states.insert(0, f"applies when `{entry.applies}`")
            says = "; ".join(f"{state}: {text}" for state, text in entry.say.items())
            title = entry.title + (f". {entry.ask}" if entry.ask else "") + (f" ({says})" if says else "")
            basis = _basis(gate.citations, entry.conventions, entry.note)
            yield f"| {entry.id} | {title} | {'; '.join(states).replace('|', '/')} | {basis} |"
        yield ""
    if body.statements:
        yield "## Statements"
        yield ""
        yield "| id | when | statement | numbers | basis |"
        yield "|---|---|---|---|---|"
        for item in body.statements:
            sentence = item.entry
            basis = _basis(item.citations, sentence.conventions, sentence.note)
            yield f"| {sentence.id} | `{sentence.when}` | {sentence.say} | {sentence.numbers} | {basis} |"
        yield ""


def _sentences(rule: Rule) -> Iterator[str]:
    for title, spoken in (("Notes", rule.notes), ("Where the sources contradict each other", rule.contradictions)):
        if not spoken:
            continue
        yield f"## {title}"
        yield ""
        for item in spoken:
            yield f"- **{item.entry.id}** when `{item.entry.when}`: {item.entry.say}{cited(item.citations)}"
        yield ""


def _conventions(rule: Rule) -> Iterator[str]:
    if not rule.file.conventions:
        return
    yield "## Conventions"
    yield ""
    yield "| key | question | options (default first) | reason | sources |"
    yield "|---|---|---|---|---|"
    for index, entry in enumerate(rule.file.conventions):
        others = [name for name in entry.options if name != entry.default]
        options = "; ".join([f"**{entry.default}**", *others]) if entry.options else entry.definition
        sources = cited(rule.frame.citations(entry.cite, ("conventions", index))).strip(" []")
        yield f"| {entry.key} | {entry.title} | {options} | {entry.reason} | {sources} |"
    yield ""


def _sources(rule: Rule) -> Iterator[str]:
    yield "## Sources"
    yield ""
    for key in rule.file.sources:
        source = rule.frame.sources[key]
        doi = f" doi {source.doi}." if source.doi else ""
        read = source.read or "not read"
        mark = "" if source.verified else " **Not verified.**"
        note = f" {source.note}" if source.note else ""
        yield f"- **{key}** {source.citation}.{doi} Read: {read}.{mark}{note} Places: {'; '.join(source.places)}."
    yield ""


def list_sources(rules: RuleSet | None = None) -> list[dict[str, Any]]:
    """All sources: what each is, how far it was read, and the rules that cite it; as ``rules sources --json``."""
    found: dict[str, dict[str, Any]] = {}
    for rule in rules or load_rules():
        for key in rule.file.sources:
            source = rule.frame.sources[key]
            entry = found.setdefault(
                key,
                {
                    "source": key,
                    "citation": source.citation,
                    "doi": source.doi or None,
                    "verified": source.verified,
                    "read": source.read or "not read",
                    "cited_by": [],
                },
            )
            entry["cited_by"].append(rule.id)
    return [found[key] for key in sorted(found)]


def sources_text(rules: RuleSet) -> str:
    """`list_sources` in words."""
    lines = []
    for entry in list_sources(rules):
        mark = "verified" if entry["verified"] else "NOT VERIFIED"
        doi = f" doi {entry['doi']}" if entry["doi"] else ""
        lines.append(f"{entry['source']}: {entry['citation']}{doi} — {mark}; read: {entry['read']}")
        lines.append(f"    cited by {', '.join(entry['cited_by'])}")
    return "\n".join(lines)


def diff_rules(first: str, second: str, rules: RuleSet | None = None) -> list[dict[str, Any]]:
    """The entries in which two rules differ, as ``lutetia rules diff --json``; None where one of them has none."""
    rules = rules or load_rules()
    a, b = _entries(rules, first), _entries(rules, second)
    return [
        {"entry": key, first: a.get(key), second: b.get(key)}
        for key in dict.fromkeys([*a, *b])
        if a.get(key) != b.get(key)
    ]


def difference(rules: RuleSet, first: str, second: str) -> str:
    """`diff_rules` in words."""
    lines: list[str] = []
    for entry in diff_rules(first, second, rules):
        key, a, b = entry["entry"], entry[first], entry[second]
        if b is None:
            lines.append(f"- {key}: only in {first}")
        elif a is None:
            lines.append(f"+ {key}: only in {second}")
        else:
            lines.append(f"~ {key}")
            lines.extend(f"    {line}" for line in difflib.ndiff(a.splitlines(), b.splitlines()) if line[:1] in "-+")
    return "\n".join(lines) or "no difference"


def _entries(rules: RuleSet, name: str) -> dict[str, str]:
    data = rules[name].frame.document.data
    found: dict[str, str] = {}
    for section, value in data.items():
        if isinstance(value, list):
            for index, item in enumerate(value):
                label = (
                    item.get("id") or item.get("code") or item.get("key") or index if isinstance(item, dict) else index
                )
                found[f"{section} {label}"] = json.dumps(item, indent=1, ensure_ascii=False, sort_keys=True)
        elif isinstance(value, dict):
            for key, item in value.items():
                found[f"{section} {key}"] = json.dumps(item, indent=1, ensure_ascii=False, sort_keys=True)
        elif section != "rule":
            found[section] = str(value)
    return found
