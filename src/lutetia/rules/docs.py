"""``python -m lutetia.rules.docs [--check]``: a page for every rule, made from its file and its cases.

With ``--check`` nothing is written; the exit status is 1 when a page differs from what the files would give.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lutetia.rules.__main__ import all_cases, cases_folder
from lutetia.rules.cases import Case, CaseFile
from lutetia.rules.contradictions import contradictions_page
from lutetia.rules.describe import describe, list_rules, sources_text
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.rule import spell
from lutetia.rules.tables import table_pages
from lutetia.rules.template import json_schema, template

_MADE = "<!-- Made from the rule file and its cases by `python -m lutetia.rules.docs`; do not edit. -->\n\n"


def pages(rules: RuleSet, cases: Iterable[CaseFile]) -> dict[str, str]:
    """Every page by file name."""
    files = list(cases)
    made = {f"{name}.md": _MADE + describe(rules[name]) + _cases(name, files) for name in rules.names()}
    made["README.md"] = _MADE + _index(rules)
    made["sources.md"] = _MADE + "# Sources\n\n```\n" + sources_text(rules) + "\n```\n"
    made["contradictions.md"] = _MADE + contradictions_page(rules)
    made |= {name: _MADE + text for name, text in table_pages(rules).items()}
    made["case.schema.json"] = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    made["case.template.yaml"] = template()
    return made


def _index(rules: RuleSet) -> str:
    head = ("rule", "shape", "about one", "title", "edition", "made or tested for")
    lines = ["# The rules", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in list_rules(rules):
        cells = (row["shape"], row["scope"], row["title"], row["edition"], row["population"] or "–")
        lines.append(f"| [{row['rule']}]({row['rule']}.md) | {' | '.join(cells)} |")
    lines += ["", "[Sources](sources.md) · [Where the sources contradict each other](contradictions.md) · "]
    lines += [
        "[Where the PRRT profiles disagree](guideline-disagreements.md) · [Outcomes of groups](group-outcomes.md) · "
    ]
    lines += ["[Format of a rule file](../rules_format.md) · [Schema of a typed case](case.schema.json)"]
    return "\n".join(lines) + "\n"


def _cases(name: str, files: list[CaseFile]) -> str:
    mine = [file for file in files if file.rule == name]
    if not mine:
        return ""
    lines = ["", "## Cases", "", "| case | facts | expected | source |", "|---|---|---|---|"]
    for file in mine:
        lines += [_case_line(case) for case in file.cases]
    boundaries = [boundary for file in mine for boundary in file.boundaries]
    if boundaries:
        lines += ["", "| cut | fact | at | just under, at, just over |", "|---|---|---|---|"]
        for boundary in boundaries:
            fact = boundary.get("fact", "number of such lesions")
            expected = ", ".join(_word(value) for value in boundary["expect"])
            lines.append(f"| {boundary['of']} | {fact} | {boundary['at']:g} | {expected} |")
    return "\n".join(lines) + "\n"


def _case_line(case: Case) -> str:
    facts = _words(case.facts)
    if case.lesions:
        facts += ("; " if facts else "") + "lesions: " + " · ".join(_words(lesion) for lesion in case.lesions)
    if case.choices:
        facts += " with " + ", ".join(f"{k} = {v}" for k, v in case.choices.items())
    return f"| {case.name} | {facts} | {_words(case.expect)} | {case.source} |".replace("\n", " ")


def _words(values: Mapping[str, object]) -> str:
    return "; ".join(f"{key}: {_word(value)}" for key, value in values.items()).replace("|", "/")


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + _words(value) + "}"
    if isinstance(value, list | tuple):
        return ", ".join(_word(item) for item in value)
    return "unknown" if value is None else spell(value)


def docs_folder() -> Path:
    """Where the pages lie in a checkout."""
    return Path(__file__).resolve().parents[3] / "docs" / "rules"


def drift(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Names of pages that differ from what the files give, or that have no rule any more."""
    stale = [name for name, text in made.items() if not _same(folder / name, text)]
    known = set(made)
    gone = [path.name for path in sorted(folder.glob("*")) if path.is_file() and path.name not in known]
    return sorted({*stale, *gone})


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    made = pages(load_rules(), all_cases(cases_folder()))
    folder = docs_folder()
    changed = drift(folder, made)
    if "--check" in arguments:
        for name in changed:
            print(f"docs/rules/{name} differs from the rule files; run python -m lutetia.rules.docs")
        return 1 if changed else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    print(f"{len(made)} pages, {len(changed)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
