"""A rule file compiled: YAML → schema → rule, with every error at its line."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lutetia.model import RuleError, field_at_fault
from lutetia.rules.conventions import apply_options, check_conventions, options_of
from lutetia.rules.decision import Decision
from lutetia.rules.positions import Document, read_yaml
from lutetia.rules.profile import Profile
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import Frame, Spoken, speak
from lutetia.rules.scale import Scale
from lutetia.rules.schema import RuleFile, SourceEntry
from lutetia.rules.sources import merged_source
from lutetia.rules.table import Table
from lutetia.rules.vocabulary import Vocabulary

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
        mine = options_of(self.document.data)
        key = tuple(sorted((k, v) for k, v in choices.items() if k in mine and v != mine[k]))
        if key not in self._compiled:
            self._compiled[key] = compile_rule(self, dict(key))
        return self._compiled[key]

    @property
    def id(self) -> str:
        """The rule's id."""
        return str(self.document.data.get("rule", self.document.name.removesuffix(".yaml")))


def read_rule(path: Path, vocabulary: Vocabulary, library: Mapping[str, SourceEntry] | None = None) -> RawRule:
    """Read one rule file; its schema is checked when it is compiled.

    Parameters
    ----------
    path : the YAML file, named after the rule's id
    vocabulary : the facts that expressions may name
    library : sources that the file may cite by id alone

    Raises
    ------
    RuleError
        ``rule-file`` when it is no mapping, ``rule-id`` when it calls itself otherwise.
    """
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
    in_force = apply_options(data, choices or {}, document)
    file = _validate(data, document)
    sources = {key: merged_source(entry, raw.library.get(key)) for key, entry in file.sources.items()}
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
    check_conventions(frame)
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
