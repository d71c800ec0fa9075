"""Named cases of a rule: small files a physician can review, run against the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lutetia.model import LutetiaError, RuleError
from lutetia.rules.compiled import Rule
from lutetia.rules.evaluate import evaluate, patient_view
from lutetia.rules.expressions import is_number
from lutetia.rules.facts import UNKNOWN, Fact, FactView, fact_of
from lutetia.rules.loader import RuleSet
from lutetia.rules.positions import Document, read_yaml
from lutetia.rules.verdict import Verdict
from lutetia.rules.vocabulary import in_role

_CASE_KEYS = {"name", "facts", "lesions", "with", "expect", "source", "note"}
_BOUNDARY_KEYS = {"of", "fact", "at", "expect", "with", "facts", "lesions", "lesions_of", "step", "note", "source"}


@dataclass(frozen=True)
class Case:
    """One named case: facts, lesions, conventions chosen, and what is expected."""

    name: str
    facts: Mapping[str, Any]
    lesions: tuple[Mapping[str, Any], ...]
    choices: Mapping[str, str]
    expect: Mapping[str, Any]
    where: str
    source: str = ""
    of: str = ""


@dataclass(frozen=True)
class CaseFile:
    """The cases of one rule."""

    rule: str
    name: str
    cases: tuple[Case, ...]
    boundaries: tuple[Mapping[str, Any], ...] = ()
    boundary_cases: tuple[Case, ...] = ()


@dataclass
class Outcome:
    """What running a case showed: disagreements, and the rows it reached."""

    failures: list[str] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    verdict: Verdict | None = None


def read_cases(path: Path) -> CaseFile:
    """Read a case file.

    Raises
    ------
    RuleError
        ``case-file``, or the line of a case that can't be read.
    """
    document = read_yaml(path)
    data = document.data or {}
    extra = set(data) - {"rule", "cases", "boundaries", "note"}
    if "rule" not in data or extra:
        raise RuleError("case-file", f"{path.name} is no case file", where=document.where(()), expected="rule, cases")
    cases = tuple(_case(entry, document, ("cases", i)) for i, entry in enumerate(data.get("cases") or []))
    boundaries = tuple(data.get("boundaries") or ())
    expanded = tuple(
        case for i, entry in enumerate(boundaries) for case in _boundary(entry, document, ("boundaries", i))
    )
    return CaseFile(str(data["rule"]), path.name, cases, boundaries, expanded)


def _case(entry: Mapping[str, Any], document: Document, path: tuple[str | int, ...]) -> Case:
    where = document.where(path)
    unknown = set(entry) - _CASE_KEYS
    if unknown or not {"name", "expect"} <= set(entry):
        raise RuleError("case", f"A case needs a name and what is expected ({sorted(unknown)})", where=where)
    return Case(
        name=str(entry["name"]),
        facts=entry.get("facts") or {},
        lesions=tuple(entry.get("lesions") or ()),
        choices={str(k): _option(v) for k, v in (entry.get("with") or {}).items()},
        expect=entry["expect"],
        where=where,
        source=str(entry.get("source", "")),
    )


def _option(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _boundary(entry: Mapping[str, Any], document: Document, path: tuple[str | int, ...]) -> Iterator[Case]:
    where = document.where(path)
    unknown = set(entry) - _BOUNDARY_KEYS
    if unknown or not {"of", "at", "expect"} <= set(entry) or not ({"fact", "lesions_of"} & set(entry)):
        raise RuleError(
            "boundary", f"A boundary needs of, fact (or lesions_of), at, expect {sorted(unknown)}", where=where
        )
    expected = entry["expect"]
    if not isinstance(expected, list) or len(expected) != 3:
        raise RuleError("boundary", "A boundary expects three results: just under, at, just over", where=where)
    at = entry["at"]
    of = str(entry["of"])
    whole = isinstance(at, int) and "lesions_of" in entry
    step = entry.get("step", 1 if whole else 0.01)
    for word, value, result in zip(
        ("just under", "at", "just over"), (at - step, at, at + step), expected, strict=True
    ):
        facts = dict(entry.get("facts") or {})
        lesions = list(entry.get("lesions") or ())
        if "lesions_of" in entry:
            lesions.extend([entry["lesions_of"]] * int(value))
            fact = "lesions"
        else:
            fact = str(entry["fact"])
            facts[fact] = value
        yield Case(
            name=f"{of}: {fact} {word} {at:g}",
            facts=facts,
            lesions=tuple(lesions),
            choices={str(k): _option(v) for k, v in (entry.get("with") or {}).items()},
            expect={"boundary": result},
            where=where,
            of=of,
        )


def facts_of(given: Mapping[str, Any], rule: Rule, *, prefix: str = "") -> dict[str, Fact]:
    """Case facts under their full names, checked. A list is a set of possible values, an empty value is unknown.

    Raises
    ------
    RuleError
        ``unknown-fact``, or ``unknown-value`` for one that the vocabulary does not allow.
    """
    frame = rule.frame
    rename = in_role("sstr") if rule.file.scope == "observation" else in_role(None)
    checked: dict[str, Fact] = {}
    for short, value in given.items():
        name = rename(frame.resolve(short))
        if prefix and not name.startswith(prefix):
            name = prefix + name
        definition = frame.vocabulary.find(name)
        if definition is None:
            raise RuleError("unknown-fact", f"There is no fact {name!r}", where=frame.document.name)
        if value is None:
            checked[name] = UNKNOWN
        elif isinstance(value, list):
            checked[name] = fact_of([definition.check(item) for item in value])
        else:
            try:
                checked[name] = definition.check(value)
            except ValueError as error:
                if is_number(value) and definition.kind == "number":
                    checked[name] = float(value)
                    continue
                raise RuleError(
                    "unknown-value", f"{name}: {value!r} is not {error}", where=frame.document.name
                ) from error
    return checked


def view_of(rules: RuleSet, rule: Rule, facts: Mapping[str, Any], lesions: Sequence[Mapping[str, Any]]) -> FactView:
    """The patient, or the one lesion, that a rule-level case describes."""
    known = facts_of(facts, rule)
    if rule.file.scope == "patient":
        return patient_view(rules, known, [facts_of(lesion, rule, prefix="lesion.") for lesion in lesions])
    mine = {name: value for name, value in known.items() if name.startswith("lesion.")}
    others = {name: value for name, value in known.items() if name not in mine}
    return patient_view(rules, others, [mine]).lesions[0]


def run_case(rules: RuleSet, rule_name: str, case: Case) -> Outcome:
    """Run one case; the outcome lists every disagreement."""
    outcome = Outcome()
    try:
        chosen = rules.with_choices(case.choices) if case.choices else rules
        rule = chosen[rule_name]
        view = view_of(chosen, rule, case.facts, case.lesions)
        role = "sstr" if rule.file.scope == "observation" else None
        verdict = evaluate(rule, view, role=role, questions=False)
    except LutetiaError as error:
        outcome.failures.append(f"{case.where}: {case.name}: {error}")
        return outcome
    outcome.verdict = verdict
    for message in compare(verdict, case):
        outcome.failures.append(f"{case.where}: {case.name}: {message}")
    outcome.reached = _reached(verdict)
    return outcome


def _reached(verdict: Verdict) -> set[str]:
    reached = {f"{gate.id}={gate.state}" for gate in verdict.gates}
    reached |= {note.code for note in verdict.notes} | set(verdict.codes)
    if verdict.refused:
        reached.add(verdict.refused)
    elif len(verdict.rows) == 1:
        reached.add(verdict.rows[0].id)
    return reached


def compare(verdict: Verdict, case: Case) -> Iterator[str]:
    """Every disagreement between what a case expects and what the rule said."""
    for key, wanted in case.expect.items():
        found = _found(verdict, key, case, wanted)
        if key in ("gates", "then", "lists", "values"):
            for item, value in wanted.items():
                if not _agrees(value, found.get(str(item))):
                    yield f"{key} {item}: expected {value}, found {found.get(str(item))}"
        elif key in ("codes", "notes", "conventions", "texts"):
            missing = [str(item) for item in _list(wanted) if str(item) not in found]
            if missing:
                yield f"{key}: missing {missing}, found {sorted(found)}"
        elif key in ("no_codes", "no_notes"):
            present = [str(item) for item in _list(wanted) if str(item) in found]
            if present:
                yield f"{key}: present {present}"
        elif not _agrees(wanted, found):
            yield f"{key}: expected {wanted}, found {found}"


def _found(verdict: Verdict, key: str, case: Case, wanted: Any) -> Any:
    if key == "boundary":
        return _boundary_result(verdict, case, wanted)
    simple: dict[str, Any] = {
        "result": verdict.result,
        "results": list(verdict.results),
        "rows": [row.id for row in verdict.rows],
        "set": list(verdict.near),
        "refused": verdict.refused,
        "codes": set(verdict.codes),
        "no_codes": set(verdict.codes),
        "notes": {note.code for note in verdict.notes},
        "no_notes": {note.code for note in verdict.notes},
        "conventions": {use.key for use in verdict.conventions},
        "texts": {code for code, _ in verdict.texts},
        "targets": list(verdict.targets),
        "outside_population": verdict.outside_population or "no",
    }
    if key in simple:
        return simple[key]
    if key == "gates":
        return {gate.id: gate.state if gate.missing == () else list(gate.possible) for gate in verdict.gates} | {
            "absent": "does not apply"
        }
    if key == "then":
        return dict(verdict.rows[0].then) if len(verdict.rows) == 1 else {}
    if key == "lists":
        return {name: members for name, _, members in verdict.lists}
    if key == "values":
        return {name: value for name, _, value in verdict.values}
    raise RuleError("case", f"A case can't expect {key!r}", where=case.where)


def _boundary_result(verdict: Verdict, case: Case, wanted: Any) -> Any:
    for gate in verdict.gates:
        if gate.id == case.of:
            return gate.state
    codes = set(verdict.codes) | {note.code for note in verdict.notes}
    if wanted in (f"{case.of}", f"no {case.of}"):
        return case.of if case.of in codes else f"no {case.of}"
    if verdict.refused is not None:
        return verdict.refused
    return list(verdict.results) if len(verdict.results) != 1 else verdict.results[0]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _agrees(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, bool):
        return found is wanted or found in (("yes", "true") if wanted else ("no", "false"))
    if isinstance(wanted, list):
        found = list(found) if isinstance(found, tuple | list) else [found]
        return len(wanted) == len(found) and all(
            _agrees(a, b) for a, b in zip(_ordered(wanted), _ordered(found), strict=True)
        )
    if is_number(wanted) and is_number(found):
        return abs(float(wanted) - float(found)) < 5e-4
    if is_number(wanted) and isinstance(found, tuple):
        return bool(len(found) == wanted)
    if found is None:
        return wanted is None or wanted == "left out"
    return str(wanted) == str(found)


def _ordered(values: Sequence[Any]) -> list[Any]:
    return sorted(values, key=lambda v: (0, v, "") if is_number(v) else (1, 0, str(v)))
