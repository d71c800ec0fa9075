"""Conventions of a rule file: the options that can be chosen, and what a choice sets in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutetia.model import RuleError, UsageError
from lutetia.rules.positions import Document
from lutetia.rules.rule import Frame


def options_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The conventions of a rule file that can be switched: key → default."""
    return {
        str(entry.get("key")): str(entry.get("default"))
        for entry in data.get("conventions") or []
        if entry.get("options")
    }


def apply_options(data: dict[str, Any], choices: Mapping[str, str], document: Document) -> dict[str, str]:
    """Set in `data` what the chosen options set.

    Parameters
    ----------
    data : a rule file as read; changed in place
    choices : convention key → option; other keys are ignored
    document : for the lines of errors

    Returns
    -------
    dict
        Convention key → option in force.

    Raises
    ------
    RuleError
        A default that is no option or sets anything, or a path that leads nowhere.
    UsageError
        An option that the convention does not have.
    """
    in_force: dict[str, str] = {}
    for index, entry in enumerate(data.get("conventions") or []):
        options = entry.get("options") or {}
        if not options:
            continue
        key, default = str(entry.get("key")), str(entry.get("default"))
        names = {str(name): option or {} for name, option in options.items()}
        if default not in names:
            raise RuleError(
                "convention",
                f"{key}: the default is none of the options",
                where=document.where(("conventions", index)),
                expected=", ".join(names),
            )
        if (names[default] or {}).get("sets"):
            raise RuleError(
                "convention",
                f"{key}: the default must be the text as it stands ({{}})",
                where=document.where(("conventions", index)),
            )
        chosen = str(choices.get(key, default))
        if chosen not in names:
            raise UsageError(
                "unknown-option", f"The convention {key} has no option {chosen!r}", expected=", ".join(names)
            )
        in_force[key] = chosen
        for path, value in (names[chosen].get("sets") or {}).items():
            _set(data, str(path), value, document.where(("conventions", index, "options")))
    return in_force


def _set(data: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Set what a dotted path leads to; list items go by id or code, ``+`` appends."""
    parts = path.split(".")
    node: Any = data
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if isinstance(node, list) and part == "+":
            node.extend(value if isinstance(value, list) else [value])
            return
        if isinstance(node, list):
            found = [
                i
                for i, item in enumerate(node)
                if isinstance(item, dict) and str(item.get("id", item.get("code"))) == part
            ]
            if not found:
                raise RuleError("convention", f"There is no {path!r} to set", where=where)
            if last:
                item = node[found[0]]
                if parts[0] == "rows" and isinstance(value, dict) and not set(value) & {"when", "then", "id"}:
                    item["then"] = value
                elif isinstance(value, dict):
                    item.update(value)
                else:
                    node[found[0]] = value
                return
            node = node[found[0]]
            continue
        if last:
            node[part] = value
            return
        if part not in node:
            raise RuleError("convention", f"There is no {path!r} to set", where=where)
        node = node[part]


def check_conventions(frame: Frame) -> None:
    """Refuse an entry that names a convention which the file does not state, and citations that do not resolve.

    Raises
    ------
    RuleError
        At the line of the entry.
    """
    file = frame.file
    for section in ("rows", "outcomes", "cuts", "refuse", "unusable", "codes", "notes", "statements", "contradictions"):
        for index, entry in enumerate(getattr(file, section)):
            for key in entry.conventions:
                if not any(c.key == key for c in file.conventions):
                    raise RuleError(
                        "unknown-convention",
                        f"The convention {key!r} is not stated here",
                        where=frame.document.where((section, index, "conventions")),
                    )
    for index, convention in enumerate(file.conventions):
        frame.citations(convention.cite, ("conventions", index))
    if file.population is not None:
        frame.citations(file.population.cite, ("population",))
