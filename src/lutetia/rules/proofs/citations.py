"""Proof 2: every citation resolves, and everything is cited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lutetia.rules.compiled import Rule


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
