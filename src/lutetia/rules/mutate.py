"""``python -m lutetia.rules.mutate [RULE…]``: break every rule file in small ways; each mutant must be noticed.

Mutants: drop a row, gate, outcome, cut, refusal, code, note or option; widen a row (forget one of its answers); flip an
equality (< and ≤, > and ≥, == and !=); change a source. A mutant is killed when the file no longer loads, a proof
fails, or a case disagrees. A changed source that still resolves is killed by the generated page, which differs.
"""

from __future__ import annotations

import copy
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lutetia.model import LutetiaError
from lutetia.rules import proofs
from lutetia.rules.__main__ import all_cases, cases_folder
from lutetia.rules.cases import CaseFile, Outcome, run_case
from lutetia.rules.compiled import RawRule
from lutetia.rules.describe import describe
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.positions import Document

_DROPPED = ("rows", "gates", "outcomes", "cuts", "refuse", "unusable", "codes", "notes", "statements", "contradictions")
_CONDITIONS = {"when", "at", "of", "applies", "met", "not_met", "caution", "lesions"}
_FLIPS = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "=="}
_COMPARATOR = re.compile(r"<=|>=|==|!=|<|>")


@dataclass(frozen=True)
class Mutant:
    """A broken rule file: what was done, and the data."""

    rule: str
    kind: str
    what: str
    data: dict[str, Any]


def mutants(name: str, data: dict[str, Any]) -> Iterator[Mutant]:
    """Every mutant of one rule file."""
    yield from _drops(name, data)
    yield from _widened(name, data)
    yield from _flipped(name, data)
    yield from _sources(name, data)


def _drops(name: str, data: dict[str, Any]) -> Iterator[Mutant]:
    for section in _DROPPED:
        for i, entry in enumerate(data.get(section) or []):
            broken = copy.deepcopy(data)
            del broken[section][i]
            if section == "cuts":
                del broken["grades"][i]
            if not broken[section] and section in ("rows", "gates", "outcomes", "cuts"):
                continue
            label = entry.get("id") or entry.get("code")
            yield Mutant(name, f"drop from {section}", str(label), broken)
    for i, entry in enumerate(data.get("conventions") or []):
        for option in entry.get("options") or {}:
            if str(option) != str(entry.get("default")):
                broken = copy.deepcopy(data)
                del broken["conventions"][i]["options"][option]
                yield Mutant(name, "drop an option", f"{entry['key']} {option}", broken)


def _widened(name: str, data: dict[str, Any]) -> Iterator[Mutant]:
    for i, row in enumerate(data.get("rows") or []):
        for key in row.get("when") or {}:
            broken = copy.deepcopy(data)
            del broken["rows"][i]["when"][key]
            yield Mutant(name, "widen a row", f"{row['id']} without {key}", broken)


def _flipped(name: str, data: dict[str, Any]) -> Iterator[Mutant]:
    for path, text in _conditions(data, ()):
        for match in _COMPARATOR.finditer(text):
            broken = copy.deepcopy(data)
            changed = text[: match.start()] + _FLIPS[match.group()] + text[match.end() :]
            _put(broken, path, changed)
            yield Mutant(name, "flip an equality", f"{'.'.join(map(str, path))}: {changed}", broken)
    for i, cut in enumerate(data.get("cuts") or []):
        broken = copy.deepcopy(data)
        broken["cuts"][i]["under"] = "<" if cut["under"] == "<=" else "<="
        yield Mutant(name, "flip an equality", f"cut {cut['id']}", broken)


def _conditions(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    states = {"raised", "fires", "given", "open", "indeterminate", "positive", "low avidity", "not as expected"}
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("conventions", "sources", "population"):
                continue
            if isinstance(value, str) and (key in _CONDITIONS | states or (path and path[-1] == "when")):
                yield (*path, key), value
            else:
                yield from _conditions(value, (*path, key))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _conditions(value, (*path, i))


def _put(data: Any, path: tuple[str | int, ...], value: Any) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def _sources(name: str, data: dict[str, Any]) -> Iterator[Mutant]:
    sources = list(data.get("sources") or {})
    for path, cite in _cites(data, ()):
        own = cite.partition(":")[0] if isinstance(cite, str) else cite["source"]
        other = next((s for s in sources if s != own), "ELSEWHERE")
        changed = other + cite[len(own) :] if isinstance(cite, str) else {**cite, "source": other}
        broken = copy.deepcopy(data)
        _put(broken, path, changed)
        yield Mutant(name, "change a source", f"{'.'.join(map(str, path))}: {own} → {other}", broken)


def _cites(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "cite":
                listed = value if isinstance(value, list) else [value]
                if isinstance(value, list):
                    yield from (((*path, key, i), item) for i, item in enumerate(listed))
                else:
                    yield (*path, key), value
            else:
                yield from _cites(value, (*path, key))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _cites(value, (*path, i))


def killed_by(mutant: Mutant, rules: RuleSet, files: list[CaseFile], page: str) -> str:
    """What notices the mutant; empty when nothing does."""
    raw = rules.raw(mutant.rule)
    document = Document(raw.document.name, mutant.data, raw.document.marks)
    try:
        broken = RuleSet(
            [
                RawRule(document, raw.vocabulary, raw.library) if n == mutant.rule else rules.raw(n)
                for n in rules.names()
            ],
            rules.vocabulary,
        )
        rule = broken[mutant.rule]
        if next(proofs.exactly_one(rule, broken), ""):
            return "proof 1"
        mine = [f for f in files if f.rule == mutant.rule]
        outcomes: list[Outcome] = []
        for file in mine:
            for case in (*file.cases, *file.boundary_cases):
                outcome = run_case(broken, mutant.rule, case)
                if outcome.failures:
                    return "a case"
                outcomes.append(outcome)
        if next(proofs.everything_cited(rule), ""):
            return "proof 2"
        if next(proofs.every_row_reached(rule, outcomes, mine), ""):
            return "proof 3"
        if next(proofs.every_cut_bounded(rule, mine), ""):
            return "proof 5"
        if mutant.kind == "change a source" and describe(rule) != page:
            return "its page"
    except (LutetiaError, KeyError, ValueError, IndexError) as error:
        return f"loading ({getattr(error, 'code', type(error).__name__)})"
    return ""


def run(names: list[str]) -> tuple[dict[str, int], list[Mutant]]:
    """Kill counts by what killed, and the survivors."""
    rules = load_rules()
    files = all_cases(cases_folder())
    killers: dict[str, int] = {}
    survivors: list[Mutant] = []
    for name in names or list(rules.names()):
        page = describe(rules[name])
        if sound := proofs.prove(rules, name, files):
            print(f"  {name} does not hold before it is broken: {sound[0]}")
            survivors.append(Mutant(name, "unbroken", sound[0], {}))
            continue
        before, count = time.perf_counter(), 0
        for mutant in mutants(name, rules.raw(name).document.data):
            count += 1
            killer = killed_by(mutant, rules, files, page)
            if killer:
                killers[killer.split(" (")[0]] = killers.get(killer.split(" (")[0], 0) + 1
            else:
                survivors.append(mutant)
                print(f"  SURVIVED {name}: {mutant.kind}: {mutant.what}")
        print(f"{name}: {count} mutants, {time.perf_counter() - before:.1f} s", flush=True)
    return killers, survivors


def main(arguments: list[str]) -> int:
    """Run; exit status 1 when a mutant survives."""
    killers, survivors = run([a.removesuffix(".yaml") for a in arguments])
    total = sum(killers.values()) + len(survivors)
    listed = ", ".join(f"{count} by {killer}" for killer, count in sorted(killers.items()))
    print(f"{total} mutants: {total - len(survivors)} killed ({listed}), {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
