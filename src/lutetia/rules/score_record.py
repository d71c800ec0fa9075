"""A score: everything the rules said about one patient, and what they would ask next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lutetia.rules.crosswalk import Crosswalk
from lutetia.rules.recist_visits import RecistResult
from lutetia.rules.verdict import Note, Question, Verdict

#: the subject under which proposals for facts of the patient stand
PATIENT = "patient"

FOOTER = (
    "Lutetia is open-source research software. It is not a medical device, not cleared or certified by any "
    "authority, and not intended for diagnosis, treatment selection, dosing, monitoring or prognosis of individual "
    "patients. Results need reading by qualified physicians."
)


@dataclass(frozen=True)
class HistoryEntry:
    """What a lesion rule gave at one visit."""

    rule: str
    lesion: str
    visit: str
    date: str
    results: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """All verdicts on one case. Nothing is merged: each rule speaks for itself."""

    case: str
    roles: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    questions: tuple[Question, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    notes: tuple[Note, ...] = ()
    conventions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    crosswalk: Crosswalk | None = None
    recist: RecistResult | None = None

    def of(self, rule: str, subject: str | None = None) -> tuple[Verdict, ...]:
        """The verdicts of one rule (for one subject)."""
        return tuple(v for v in self.verdicts if v.rule == rule and (subject is None or v.subject == subject))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "case": self.case,
            "research_use": FOOTER,
            "roles": dict(self.roles),
            "conventions_chosen": dict(self.conventions),
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
            "crosswalk": self.crosswalk.as_dict() if self.crosswalk is not None else None,
            "recist": self.recist.as_dict() if self.recist is not None else None,
            "questions": [dataclasses.asdict(question) for question in self.questions],
            "history": [dataclasses.asdict(entry) for entry in self.history],
            "notes": [{"code": n.code, "message": n.message, "level": n.level} for n in self.notes],
        }
