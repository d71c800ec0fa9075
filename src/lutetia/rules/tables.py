"""Tables of the documentation that are no rules: where the guideline profiles disagree, and outcomes of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lutetia.model import RuleError
from lutetia.rules.loader import RuleSet, built_in_sources
from lutetia.rules.positions import Document, read_yaml
from lutetia.rules.profile import Profile
from lutetia.rules.vocabulary import data_folder

DISAGREEMENTS = "guideline-disagreements"
OUTCOMES = "group-outcomes"


def table_pages(rules: RuleSet) -> dict[str, str]:
    """The pages of both tables, by file name."""
    return {f"{DISAGREEMENTS}.md": disagreements(rules), f"{OUTCOMES}.md": group_outcomes()}


def _read(name: str) -> Document:
    return read_yaml(data_folder() / "tables" / f"{name}.yaml")


def disagreements(rules: RuleSet) -> str:
    """Where the profiles disagree, gate by gate; what no citation verifies is called so.

    Raises
    ------
    RuleError
        A cell names a profile or a gate that does not exist.
    """
    document = _read(DISAGREEMENTS)
    data: Mapping[str, Any] = document.data
    profiles: Mapping[str, str] = data["profiles"]
    lines = [f"# {data['title']}", "", data["sentence"].strip(), ""]
    lines += ["| gate | " + " | ".join(f"[{name}]({rule}.md)" for rule, name in profiles.items()) + " |"]
    lines += ["|" + "---|" * (len(profiles) + 1)]
    for index, row in enumerate(data["rows"]):
        where = document.where(("rows", index))
        cells = row["cells"]
        unknown = set(cells) - set(profiles)
        if unknown:
            raise RuleError("table-cell", f"No such profile: {', '.join(sorted(unknown))}", where=where)
        texts = [_cell(rules, rule, cells[rule], where) if rule in cells else "–" for rule in profiles]
        lines.append(f"| {row['gate']} | {' | '.join(texts)} |")
    lines += [
        "",
        "## The largest disagreements",
        "",
        *(f"{i}. {text}" for i, text in enumerate(data["disagreements"], 1)),
    ]
    lines += [
        "",
        "## Limits that conflict after conversion of units",
        "",
        *(f"- {text}" for text in data["twin_units"]),
    ]
    return "\n".join(lines) + "\n"


def _cell(rules: RuleSet, rule: str, cell: Mapping[str, str], where: str) -> str:
    profile = rules[rule].body if rule in rules else None
    found = (
        next((g for g in profile.gates if g.entry.id == cell["gate"]), None) if isinstance(profile, Profile) else None
    )
    if found is None:
        raise RuleError("table-cell", f"{rule} has no gate {cell['gate']!r}", where=where)
    verified = [citation.verified for citation in found.citations]
    mark = "" if all(verified) else " *(partly not verified)*" if any(verified) else " *(not verified)*"
    return cell["says"] + mark


def group_outcomes() -> str:
    """Outcomes of published groups with number and source: for the documentation only."""
    data: Mapping[str, Any] = _read(OUTCOMES).data
    lines = [f"# {data['title']}", "", data["sentence"].strip(), ""]
    lines += ["| group | n | median OS, months | median TTP, months | remark | source |", "|---|---|---|---|---|---|"]
    lines += list(_outcome_lines(data["rows"]))
    return "\n".join(lines) + "\n"


def _outcome_lines(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    sources = built_in_sources()
    for row in rows:
        source = sources[row["source"]]
        os_, ttp = row.get("os_months", "–"), row.get("ttp_months", "–")
        read = f"{source.citation} ({source.read})"
        yield f"| {row['group']} | {row['n']} | {os_} | {ttp} | {row.get('note', '')} | {read} |"


__all__ = ["disagreements", "group_outcomes", "table_pages"]
