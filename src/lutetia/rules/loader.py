"""Reading rule files: YAML → schema → compiled rule, with every error at its line."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lutetia.model import RuleError, UsageError, field_at_fault
from lutetia.rules.decision import Decision
from lutetia.rules.positions import Document, read_yaml
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import Frame, Spoken, speak
from lutetia.rules.scale import Scale
from lutetia.rules.schema import RuleFile, SourceEntry
from lutetia.rules.table import Table
from lutetia.rules.vocabulary import Vocabulary, built_in_vocabulary, data_folder, read_vocabulary

NOT_RULES = ("vocabulary.yaml", "sources.yaml")
Body = Scale | Table | Rollup | Profile


@dataclass(frozen=True, eq=False)
class Rule:
    """A compiled rule."""

    frame: Frame
    body: Body
    notes: tuple[Spoken, ...]
    contradictions: tuple[Spoken, ...]
    inside_population: Decision | None

    @property
    def id(self) -> str:
        """The rule's id, which is its file name."""
        return self.frame.file.rule

    @property
    def file(self) -> RuleFile:
        """The file as validated, conventions applied."""
        return self.frame.file


@dataclass(frozen=True, eq=False)
class RawRule:
    """A rule file as read, before conventions are applied."""

    document: Document
    vocabulary: Vocabulary
    library: Mapping[str, SourceEntry]
    _compiled: dict[tuple[tuple[str, str], ...], Rule] = field(default_factory=dict, repr=False)

    def compiled(self, choices: Mapping[str, str]) -> Rule:
        """The compiled rule under these conventions; compiled once for each combination that concerns it."""
        mine = {
            str(entry.get("key")): str(entry.get("default"))
            for entry in self.document.data.get("conventions") or []
            if entry.get("options")
        }
        key = tuple(sorted((k, v) for k, v in choices.items() if k in mine and v != mine[k]))
        if key not in self._compiled:
            self._compiled[key] = compile_rule(self, dict(key))
        return self._compiled[key]

    @property
    def id(self) -> str:
        """The rule's id."""
        return str(self.document.data.get("rule", self.document.name.removesuffix(".yaml")))


def read_rule(path: Path, vocabulary: Vocabulary, library: Mapping[str, SourceEntry] | None = None) -> RawRule:
    """Read one rule file (its schema is checked when it is compiled)."""
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise RuleError("rule-file", f"{path.name} is not a rule file", where=document.where(()))
    if document.data.get("rule") != path.stem:
        raise RuleError(
            "rule-id",
            f"The file {path.name} calls itself {document.data.get('rule')!r}",
            where=document.where(("rule",)),
            expected=path.stem,
        )
    return RawRule(document, vocabulary, library or {})


def compile_rule(raw: RawRule, choices: Mapping[str, str] | None = None) -> Rule:
    """Check and compile a rule, with the options chosen for its conventions.

    Parameters
    ----------
    raw : the file as read
    choices : convention key → option; keys of other rules are ignored

    Raises
    ------
    RuleError
        The file breaks its schema, a citation does not resolve, a name is unknown.
    UsageError
        An option that the convention does not have.
    """
    document = raw.document
    data = copy.deepcopy(document.data)
    in_force = _choose(data, choices or {}, document)
    file = _validate(data, document)
    sources = {key: _merged(entry, raw.library.get(key)) for key, entry in file.sources.items()}
    for key, entry in sources.items():
        if not entry.citation:
            raise RuleError(
                "source",
                f"The source {key!r} has no citation",
                where=document.where(("sources", key)),
                remedy="Add it to sources.yaml, or give it a citation here.",
            )
    frame = Frame(
        file=file,
        document=document,
        vocabulary=raw.vocabulary,
        sources=sources,
        choices=in_force,
        local=dict(file.references),
        parameters=dict(file.parameters),
    )
    body: Body
    if file.shape == "scale":
        body = Scale.compile(frame)
    elif file.shape == "table":
        body = Table.compile(frame)
    elif file.shape == "rollup":
        body = Rollup.compile(frame)
    else:
        body = Profile.compile(frame)
    _check_conventions(frame)
    options: dict[str, Any] = {"sets": body.sets, "among": body.among} if isinstance(body, Rollup) else {}
    inside = None
    if file.population is not None and file.population.when is not None:
        condition = frame.expression(file.population.when, ("population", "when"))
        inside = Decision.of([(True, condition), (False, None)])
    return Rule(
        frame,
        body,
        speak(frame, file.notes, "notes", **options),
        speak(frame, file.contradictions, "contradictions", **options),
        inside,
    )


def _merged(entry: SourceEntry, library: SourceEntry | None) -> SourceEntry:
    if library is None:
        return entry if entry.verified is not None else entry.model_copy(update={"verified": bool(entry.read)})
    return SourceEntry(
        citation=entry.citation or library.citation,
        doi=entry.doi or library.doi,
        read=entry.read or library.read,
        verified=entry.verified if entry.verified is not None else bool(library.verified),
        places=entry.places,
        note=entry.note or library.note,
    )


def _validate(data: Any, document: Document) -> RuleFile:
    try:
        return RuleFile.model_validate(data)
    except ValidationError as error:
        fault = field_at_fault(error)
        raise RuleError(
            "rule-schema",
            str(fault) if fault.path else f"the file: {fault}",
            where=document.where(fault.path),
            remedy="docs/rules_format.md shows a complete example of each shape.",
        ) from error


def _choose(data: dict[str, Any], choices: Mapping[str, str], document: Document) -> dict[str, str]:
    """Apply the chosen options; return what is in force."""
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


def _check_conventions(frame: Frame) -> None:
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


def read_sources(path: Path) -> dict[str, SourceEntry]:
    """The library of sources: id → what it is and how far it was read."""
    if not path.is_file():
        return {}
    document = read_yaml(path)
    result: dict[str, SourceEntry] = {}
    for key, entry in (document.data or {}).items():
        try:
            result[key] = SourceEntry.model_validate(entry)
        except ValidationError as error:
            raise RuleError("source", f"{key}, {field_at_fault(error)}", where=document.where((key,))) from error
    return result


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
        known = {
            str(entry.get("key"))
            for raw in self._raw.values()
            for entry in raw.document.data.get("conventions") or []
            if entry.get("options")
        }
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
    """The built-in rules and those of further folders (a site's own), under the conventions chosen."""
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


__all__ = [
    "RawRule",
    "Rule",
    "RuleSet",
    "built_in_sources",
    "compile_rule",
    "load_rules",
    "read_rule",
    "read_vocabulary",
]
