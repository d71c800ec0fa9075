"""All rules at hand: the built-in ones and a site's own, under the conventions chosen."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lutetia.model import RuleError, UsageError
from lutetia.rules.compiled import RawRule, Rule, read_rule
from lutetia.rules.conventions import options_of
from lutetia.rules.schema import SourceEntry
from lutetia.rules.sources import read_sources
from lutetia.rules.vocabulary import Vocabulary, built_in_vocabulary, data_folder

NOT_RULES = ("vocabulary.yaml", "sources.yaml")


class RuleSet:
    """All rules at hand, compiled when first used, under the conventions chosen.

    Parameters
    ----------
    raw : the files
    vocabulary : facts
    choices : convention key → option
    """

    def __init__(
        self, raw: Iterable[RawRule], vocabulary: Vocabulary, choices: Mapping[str, str] | None = None
    ) -> None:
        self._raw: dict[str, RawRule] = {}
        for item in raw:
            if item.id in self._raw:
                raise RuleError("duplicate-rule", f"Two files state the rule {item.id!r}", where=item.document.name)
            self._raw[item.id] = item
        self.vocabulary = vocabulary
        self.choices = dict(choices or {})
        self.folders: tuple[Path, ...] = ()
        self._compiled: dict[str, Rule] = {}
        self._check_choices()
        self.givers: dict[str, str] = {
            str(given): name
            for name, raw in self._raw.items()
            for given in (raw.document.data.get("gives"), *(raw.document.data.get("also_gives") or {}))
            if given
        }

    def _check_choices(self) -> None:
        known = {key for raw in self._raw.values() for key in options_of(raw.document.data)}
        for key in self.choices:
            if key not in known:
                raise UsageError(
                    "unknown-convention",
                    f"There is no switchable convention {key!r}",
                    expected=", ".join(sorted(known)),
                )

    def names(self) -> tuple[str, ...]:
        """Ids of all rules."""
        return tuple(self._raw)

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def __getitem__(self, name: str) -> Rule:
        if name not in self._compiled:
            if name not in self._raw:
                near = difflib.get_close_matches(name, self._raw, n=3, cutoff=0.5)
                expected = f"perhaps {' or '.join(near)}" if near else f"one of {len(self._raw)} rules"
                raise UsageError(
                    "unknown-rule", f"There is no rule {name!r}", expected=expected, remedy="see `lutetia rules list`"
                )
            self._compiled[name] = self._raw[name].compiled(self.choices)
        return self._compiled[name]

    def raw(self, name: str) -> RawRule:
        """The file of a rule as read."""
        return self._raw[name]

    def __iter__(self) -> Any:
        return (self[name] for name in self._raw)

    def with_choices(self, choices: Mapping[str, str]) -> RuleSet:
        """The same rules under other conventions."""
        chosen = RuleSet(self._raw.values(), self.vocabulary, {**self.choices, **choices})
        chosen.folders = self.folders
        return chosen


def load_rules(folders: Iterable[Path] = (), choices: Mapping[str, str] | None = None) -> RuleSet:
    """The built-in rules and those of further folders (a site's own), under the conventions chosen.

    Raises
    ------
    UsageError
        ``no-rules-folder``, or ``unknown-convention`` for a choice that no rule offers.
    RuleError
        A file is no rule file, or two state the same rule. Schemas are checked when a rule is first used.
    """
    base = _built_in()
    folders = tuple(folders)
    extra: list[RawRule] = []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError("no-rules-folder", f"There is no folder {folder}", remedy="Give a folder of rule files.")
        library = {**base.library, **read_sources(folder / "sources.yaml")}
        extra.extend(
            read_rule(path, base.vocabulary, library)
            for path in sorted(folder.glob("*.yaml"))
            if path.name not in NOT_RULES
        )
    rules = RuleSet([*base.raw, *extra], base.vocabulary, choices)
    rules.folders = tuple(folders)
    return rules


@dataclass(frozen=True)
class _BuiltIn:
    raw: tuple[RawRule, ...]
    vocabulary: Vocabulary
    library: Mapping[str, SourceEntry]


@lru_cache(maxsize=1)
def _built_in() -> _BuiltIn:
    folder = data_folder()
    vocabulary = built_in_vocabulary()
    library = read_sources(folder / "sources.yaml")
    raw = tuple(
        read_rule(path, vocabulary, library) for path in sorted(folder.glob("*.yaml")) if path.name not in NOT_RULES
    )
    return _BuiltIn(raw, vocabulary, library)


def built_in_sources() -> Mapping[str, SourceEntry]:
    """The library of sources of the built-in rules."""
    return _built_in().library
