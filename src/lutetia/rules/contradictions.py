"""Where the founding documents contradict one another: two statements, their sources, how both are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lutetia.model import Citation, RuleError
from lutetia.rules.loader import RuleSet, built_in_sources
from lutetia.rules.positions import Document, Path_, read_yaml
from lutetia.rules.vocabulary import data_folder

TABLE = "contradictions"
_KEYS = {"id", "topic", "a", "b", "shown", "rules", "conventions"}


@dataclass(frozen=True, slots=True)
class Statement:
    """What one side says, and where."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two statements that can't both hold, and where the software shows both."""

    id: str
    topic: str
    one: Statement
    other: Statement
    shown: str
    rules: tuple[str, ...]
    conventions: tuple[str, ...] = ()


def contradictions(rules: RuleSet) -> tuple[Contradiction, ...]:
    """Every contradiction of the data file, checked against the sources and the rules.

    Raises
    ------
    RuleError
        A source, rule or convention that does not exist; an entry without its parts.
    """
    document = read_yaml(data_folder() / "tables" / f"{TABLE}.yaml")
    found: list[Contradiction] = []
    for i, entry in enumerate(document.data[TABLE]):
        path: Path_ = (TABLE, i)
        if set(entry) - _KEYS or not _KEYS - {"conventions"} <= set(entry):
            raise RuleError(
                "contradiction", "An entry needs two statements and how they are shown", where=_at(document, path)
            )
        names, keys = tuple(entry["rules"]), tuple(entry.get("conventions") or ())
        _check(document, path, rules, names, keys)
        found.append(
            Contradiction(
                str(entry["id"]),
                str(entry["topic"]),
                _statement(document, (*path, "a"), entry["a"]),
                _statement(document, (*path, "b"), entry["b"]),
                str(entry["shown"]),
                names,
                keys,
            )
        )
    return tuple(found)


def _at(document: Document, path: Path_) -> str:
    return document.where(path)


def _check(document: Document, path: Path_, rules: RuleSet, names: tuple[str, ...], keys: tuple[str, ...]) -> None:
    for name in names:
        if name not in rules:
            raise RuleError("unknown-rule", f"There is no rule {name!r}", where=_at(document, (*path, "rules")))
    stated = {entry.key for name in names for entry in rules[name].file.conventions}
    for key in keys:
        if key not in stated:
            raise RuleError(
                "unknown-convention",
                f"None of {', '.join(names)} states the convention {key!r}",
                where=_at(document, (*path, "conventions")),
            )


def _statement(document: Document, path: Path_, entry: Mapping[str, Any]) -> Statement:
    library = built_in_sources()
    citations: list[Citation] = []
    for item in entry["cite"]:
        ((source, place),) = item.items()
        if source not in library:
            raise RuleError("unresolved-citation", f"The source {source!r} is not listed", where=_at(document, path))
        citations.append(Citation(source=source, place=str(place), verified=bool(library[source].verified)))
    if not citations:
        raise RuleError("unresolved-citation", "A statement without a source", where=_at(document, path))
    return Statement(str(entry["say"]), tuple(citations))


def contradictions_page(rules: RuleSet) -> str:
    """The page of the documentation: the founding documents' contradictions, then those that single rules state."""
    data = read_yaml(data_folder() / "tables" / f"{TABLE}.yaml").data
    lines = [f"# {data['title']}", "", data["sentence"].strip(), ""]
    lines += ["| # | topic | one statement | the other | how both are shown | rules |", "|---|---|---|---|---|---|"]
    for entry in contradictions(rules):
        where = ", ".join(f"[{name}]({name}.md)" for name in entry.rules)
        keys = f" ({', '.join(entry.conventions)})" if entry.conventions else ""
        cells = (entry.id, entry.topic, _cell(entry.one), _cell(entry.other), entry.shown, where + keys)
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    stated = _stated_in_rules(rules)
    if stated:
        lines += ["", "## Sentences that a verdict carries where the sources differ", ""]
        lines += ["| rule | sentence | sources |", "|---|---|---|", *stated]
    return "\n".join(lines) + "\n"


def _cell(statement: Statement) -> str:
    return f"{statement.text} [{_sources(statement.citations)}]"


def _sources(citations: tuple[Citation, ...]) -> str:
    return "; ".join(f"{c.source} {c.place}" + ("" if c.verified else " (not verified)") for c in citations)


def _stated_in_rules(rules: RuleSet) -> list[str]:
    lines: list[str] = []
    for rule in rules:
        for section in ("contradictions", "notes"):
            for index, entry in enumerate(getattr(rule.file, section)):
                if section == "notes" and not entry.say.startswith("Sources differ"):
                    continue
                sources = _sources(rule.frame.citations(entry.cite, (section, index)))
                lines.append(f"| [{rule.id}]({rule.id}.md) | {entry.say.replace('|', '/')} | {sources} |")
    return lines


__all__ = ["Contradiction", "Statement", "contradictions", "contradictions_page"]
