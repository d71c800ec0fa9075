"""A rule, compiled: its file, its citations resolved, its expressions ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lutetia.model import Citation, ConventionUse, RuleError
from lutetia.rules.decision import Decision
from lutetia.rules.expressions import Expression, compile_expression
from lutetia.rules.facts import UNKNOWN, FactView, OneOf
from lutetia.rules.positions import Document, Path_
from lutetia.rules.possible import possible_labels
from lutetia.rules.schema import CiteEntry, ConventionEntry, RuleFile, Sentence, SourceEntry
from lutetia.rules.verdict import Note, Row
from lutetia.rules.vocabulary import Vocabulary

NOT_READ = "not read"


@dataclass(frozen=True, eq=False)
class Frame:
    """What all shapes share: the file, the vocabulary, the conventions in force, and how names resolve.

    Attributes
    ----------
    choices : convention key → option in force (conventions with options only)
    local : names that only this file knows (references and parameters of a scale)
    """

    file: RuleFile
    document: Document
    vocabulary: Vocabulary
    sources: Mapping[str, SourceEntry]
    choices: Mapping[str, str]
    local: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    used: dict[tuple[str, ...], tuple[ConventionUse, ...]] = field(default_factory=dict, repr=False)

    def resolve(self, name: str) -> str:
        """A short name of this file → the fact."""
        return self.file.questions.get(name) or self.local.get(name) or name

    def known(self, name: str) -> bool:
        """Whether the name is a fact or a parameter."""
        return name in self.vocabulary or name in self.parameters

    def expression(self, text: str, path: Path_) -> Expression:
        """Compile an expression of this file and check the values it names."""
        where = self.document.where(path)
        expression = compile_expression(text, where=where, resolve=self.resolve, known=self.known)
        self._check_symbols(expression, where)
        return expression

    def _check_symbols(self, expression: Expression, where: str) -> None:
        for name, values in expression.symbols.items():
            definition = self.vocabulary.find(name)
            if definition is None or definition.kind == "text":
                continue
            wrong = values - set(definition.values)
            if wrong:
                raise RuleError(
                    "unknown-value",
                    f"{', '.join(sorted(wrong))} is no value of {name}",
                    where=where,
                    expected=", ".join(definition.values) or definition.kind,
                )
        for aggregate in expression.aggregates:
            for part in (aggregate.body, aggregate.of, aggregate.by):
                if part is not None:
                    self._check_symbols(part, where)

    def citations(self, cites: Iterable[str | CiteEntry], path: Path_) -> tuple[Citation, ...]:
        """Resolve citations: the source must be listed, and the place must be one of its places."""
        return tuple(self._citation(cite, path) for cite in cites)

    def _citation(self, cite: str | CiteEntry, path: Path_) -> Citation:
        where = self.document.where((*path, "cite"))
        if isinstance(cite, str):
            source_id, _, place = cite.partition(":")
            entry = CiteEntry(source=source_id.strip(), place=place.strip())
        else:
            entry = cite
        source = self.sources.get(entry.source)
        if source is None or entry.source not in self.file.sources:
            raise RuleError("unresolved-citation", f"The source {entry.source!r} is not listed", where=where)
        if entry.place not in source.places:
            raise RuleError(
                "unresolved-citation",
                f"{entry.place!r} is no listed place of {entry.source}",
                where=where,
                expected="; ".join(source.places),
            )
        verified = entry.verified if entry.verified is not None else bool(source.verified)
        if entry.place.startswith(NOT_READ) and verified:
            raise RuleError("unverified", "'not read' is a place only with verified: false", where=where)
        return Citation(source=entry.source, place=entry.place, verified=verified, note=entry.note)

    def convention(self, key: str) -> ConventionEntry:
        """The convention with this key.

        Raises
        ------
        RuleError
            ``unknown-convention``.
        """
        for entry in self.file.conventions:
            if entry.key == key:
                return entry
        raise RuleError(
            "unknown-convention", f"The convention {key!r} is not stated in {self.file.rule}", where=self.document.name
        )

    def uses(self, keys: Iterable[str]) -> tuple[ConventionUse, ...]:
        """The conventions that decided something, as they were in force."""
        wanted = tuple(dict.fromkeys(keys))
        if wanted not in self.used:
            self.used[wanted] = self._uses(wanted)
        return self.used[wanted]

    def _uses(self, keys: Iterable[str]) -> tuple[ConventionUse, ...]:
        result: list[ConventionUse] = []
        for key in keys:
            entry = self.convention(key)
            chosen = self.choices.get(key, entry.default or entry.definition)
            result.append(
                ConventionUse(
                    key=key,
                    chosen=chosen,
                    default=entry.default or entry.definition,
                    reason=entry.reason,
                    title=entry.title,
                )
            )
        return tuple(result)


@dataclass(frozen=True, eq=False)
class Spoken:
    """A sentence with its compiled condition."""

    entry: Sentence
    decision: Decision
    citations: tuple[Citation, ...]


def speak(frame: Frame, sentences: Iterable[Sentence], section: str, **options: Any) -> tuple[Spoken, ...]:
    """Compile sentences that appear on a condition."""
    spoken: list[Spoken] = []
    for index, sentence in enumerate(sentences):
        path = (section, index)
        condition = frame.expression(sentence.when, (*path, "when"))
        decision = Decision.of([(True, condition), (False, None)], **options)
        spoken.append(Spoken(sentence, decision, frame.citations(sentence.cite, path)))
    return tuple(spoken)


def said(spoken: Iterable[Spoken], view: FactView) -> tuple[Note, ...]:
    """The sentences whose condition is certain to hold."""
    notes: list[Note] = []
    for item in spoken:
        if possible_labels(item.decision, view).labels == (True,):
            notes.append(Note(item.entry.id, item.entry.say, item.entry.level, item.citations))
    return tuple(notes)


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Values without repetition, in order."""
    return tuple(dict.fromkeys(values))


def plain(value: Any) -> Any:
    """A fact for output: a set of possible values as a sorted list, unknown as None."""
    if isinstance(value, OneOf):
        return sorted(value.values, key=str)
    return None if value is UNKNOWN else value


def spell(value: Any) -> str:
    """An answer as a reader would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def convention_keys(rows: Iterable[Row]) -> tuple[str, ...]:
    """The conventions behind several rows."""
    return unique(key for row in rows for key in row.conventions)
