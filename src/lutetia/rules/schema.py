"""What may stand in a rule file. See ``docs/rules_format.md`` for the words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Shape = Literal["scale", "table", "rollup", "profile"]
Scope = Literal["observation", "lesion", "patient"]
STATES = ("met", "not_met", "caution", "indeterminate", "not_addressed")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Text = Annotated[str, BeforeValidator(_text)]
Condition = Annotated[str, BeforeValidator(_text)]


class Part(BaseModel):
    """A part of a rule file: frozen, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CiteEntry(Part):
    """A citation in the long form."""

    source: str
    place: Text
    verified: bool | None = None
    note: str = ""


Cites = Annotated[tuple[str | CiteEntry, ...], BeforeValidator(_listed)]
Keys = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class SourceEntry(Part):
    """A source: what it is, how far it was read, and the places in it that this rule points at."""

    citation: str = ""
    doi: str = ""
    read: str = ""
    verified: bool | None = None
    places: tuple[Text, ...] = ()
    note: str = ""


class OptionEntry(Part):
    """One option of a convention: what it sets, by path."""

    sets: dict[str, Any] = {}
    note: str = ""


class ConventionEntry(Part):
    """A named choice where the sources are silent or contradict each other; without options, a definition."""

    key: str
    title: str
    options: dict[Text, OptionEntry] = {}
    default: Text = ""
    definition: str = ""
    reason: str
    cite: Cites = ()


class Population(Part):
    """Whom the rule was made or tested for."""

    statement: str
    when: Condition | None = None
    cite: Cites = ()


class Cited(Part):
    """Something that carries its sources."""

    cite: Cites = ()
    conventions: Keys = ()
    note: str = ""


class Sentence(Cited):
    """A sentence that appears when its condition holds."""

    id: Text
    title: str = ""
    when: Condition = "true"
    say: str
    numbers: str = ""
    level: Literal["info", "caution"] = "caution"


class RefuseEntry(Cited):
    """A reason to give no grade."""

    code: str
    message: str
    when: Condition | None = None
    missing: str | None = None


class UnusableEntry(Cited):
    """A reference that is there but can't serve."""

    code: str
    message: str
    reference: str
    when: Condition


class OpenCode(Part):
    """The code given when a cut stays open because its reference is missing."""

    code: str
    message: str


class CutEntry(Cited):
    """One cut of a scale."""

    id: Text
    at: Condition
    under: Literal["<", "<="]
    passed_above: str | None = None
    open: OpenCode | None = None


class CodeEntry(Cited):
    """A caution that goes with a grade."""

    code: str
    when: Condition
    message: str
    gate: bool = True  # False: with this code no gate result is given


class RowEntry(Cited):
    """One row of a table; with ``as_if`` these answers are read as if others had been given."""

    id: Text
    when: dict[str, Any] = {}
    then: dict[str, Any] = {}
    as_if: dict[str, Any] = {}


class WouldChange(Part):
    """An answer that later work-up may give, and how to say it."""

    fact: str
    value: Any
    say: str


class SetEntry(Cited):
    """A named predicate over a lesion."""

    when: Condition
    title: str = ""


class OutcomeEntry(Cited):
    """One outcome of a rollup."""

    id: Text
    result: Text
    when: Condition | None = None
    otherwise: bool = False
    then: dict[str, Any] = {}
    say: str = ""

    @model_validator(mode="after")
    def _condition_or_otherwise(self) -> OutcomeEntry:
        if (self.when is None) is not self.otherwise:
            raise ValueError("an outcome has either 'when' or 'otherwise: true'")
        return self


class HiddenEntry(Cited):
    """A set that is always listed beside the result."""

    set: str
    title: str = ""


class ValueEntry(Cited):
    """A number reported with a rollup."""

    id: Text
    title: str
    of: Annotated[tuple[Condition, ...], BeforeValidator(_listed)]
    unit: str = ""
    who: bool = False


class OnePer(Part):
    """One lesion per group."""

    one_per: str
    by: str
    tie: str


class Targets(Cited):
    """How target lesions are chosen."""

    when: Condition = "true"
    up_to: int
    otherwise: OnePer | None = None
    at_most_per: dict[str, Any] = {}


class RequireEntry(Cited):
    """What must hold before a rule may speak at all."""

    when: Condition
    say: str


class GateEntry(Part):
    """One gate of a profile. States are further keys: ``met: expression``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Text
    title: str
    otherwise: str | None = None
    always: str | None = None
    why: str = ""
    applies: Condition | None = None
    say: dict[str, str] = {}
    ask: str = ""
    group: str = ""
    cite: Cites = ()
    conventions: Keys = ()
    note: str = ""


class RuleFile(Part):
    """A whole rule file."""

    rule: Text
    shape: Shape
    title: str
    edition: Text
    family: str = ""
    scope: Scope
    gives: str | None = None
    also_gives: dict[str, str] = {}
    proposes: str | None = None
    history: bool = False
    summary: str
    population: Population | None = None
    sources: dict[str, SourceEntry]
    conventions: tuple[ConventionEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    questions: dict[str, str] = {}
    texts: dict[Text, str] = {}
    requires: tuple[RequireEntry, ...] = ()
    notes: tuple[Sentence, ...] = ()
    would_change: tuple[WouldChange, ...] = ()
    computed_from: str = ""
    contradictions: tuple[Sentence, ...] = ()
    # scale
    quantity: str | None = None
    alternatives: dict[str, str] = {}
    references: dict[str, str] = {}
    parameters: dict[str, float] = {}
    refuse: tuple[RefuseEntry, ...] = ()
    unusable: tuple[UnusableEntry, ...] = ()
    grades: tuple[Text, ...] = ()
    cuts: tuple[CutEntry, ...] = ()
    codes: tuple[CodeEntry, ...] = ()
    # table
    columns: dict[str, str] = {}
    rows: tuple[RowEntry, ...] = ()
    # rollup
    lesions: Condition | None = None
    sets: dict[str, SetEntry] = {}
    outcomes: tuple[OutcomeEntry, ...] = ()
    never_hidden: tuple[HiddenEntry, ...] = ()
    values: tuple[ValueEntry, ...] = ()
    targets: Targets | None = None
    # profile
    states: tuple[str, ...] = Field(default=STATES)
    gates: tuple[GateEntry, ...] = ()
    statements: tuple[Sentence, ...] = ()

    @model_validator(mode="after")
    def _body_fits_shape(self) -> RuleFile:
        needed = {
            "scale": self.cuts,
            "table": self.rows,
            "rollup": self.outcomes,
            "profile": self.gates or self.statements,
        }
        if not needed[self.shape]:
            raise ValueError(f"a {self.shape} without a body")
        if self.shape == "scale" and len(self.grades) != len(self.cuts) + 1:
            raise ValueError("a scale has one grade more than cuts")
        if self.shape == "rollup" and not self.outcomes[-1].otherwise:
            raise ValueError("the last outcome of a rollup is 'otherwise: true'")
        return self
