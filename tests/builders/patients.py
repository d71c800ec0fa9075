"""Whole patients as cases: a typed case through many rules, with what each is expected to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lutetia.model import LutetiaError, RuleError
from lutetia.rules.case import case_of
from lutetia.rules.cases import Case, compare
from lutetia.rules.loader import RuleSet
from lutetia.rules.positions import Document, read_yaml
from lutetia.rules.score import Score, score

_KEYS = {"name", "case", "expect", "history", "notes", "no_notes", "refused", "source", "note"}


@dataclass(frozen=True)
class PatientCase:
    """One patient: the typed case, and what is expected of each rule (and lesion)."""

    name: str
    data: Mapping[str, Any]
    expect: Mapping[str, Any]
    history: Mapping[str, list[str]]
    notes: tuple[str, ...]
    no_notes: tuple[str, ...]
    refused: str
    where: str


def read_patients(path: Path) -> tuple[PatientCase, ...]:
    """Read a file of whole patients.

    Raises
    ------
    RuleError
        ``patient-case`` with the line of an entry without name or case, or with an unknown key.
    """
    document = read_yaml(path)
    found: list[PatientCase] = []
    for i, entry in enumerate((document.data or {}).get("patients") or []):
        where = document.where(("patients", i))
        if set(entry) - _KEYS or not {"name", "case"} <= set(entry):
            raise RuleError("patient-case", "A patient needs a name and a case", where=where, expected=", ".join(_KEYS))
        found.append(
            PatientCase(
                name=str(entry["name"]),
                data={"case": "1.0", **entry["case"]},
                expect=entry.get("expect") or {},
                history={str(k): [str(v) for v in values] for k, values in (entry.get("history") or {}).items()},
                notes=tuple(entry.get("notes") or ()),
                no_notes=tuple(entry.get("no_notes") or ()),
                refused=str(entry.get("refused", "")),
                where=where,
            )
        )
    return tuple(found)


def run_patient(rules: RuleSet, patient: PatientCase) -> list[str]:
    """Every disagreement between what is expected of a patient and what the rules say."""
    try:
        result = score(case_of(Document(patient.where, patient.data, {})), rules)
    except LutetiaError as error:
        if patient.refused == error.code:
            return []
        return [f"{patient.where}: {patient.name}: {error}"]
    if patient.refused:
        return [f"{patient.where}: {patient.name}: should have been refused ({patient.refused})"]
    return [f"{patient.where}: {patient.name}: {message}" for message in _disagreements(rules, patient, result)]


def _disagreements(rules: RuleSet, patient: PatientCase, result: Score) -> Iterator[str]:
    for rule, expected in patient.expect.items():
        if rule not in rules:
            yield f"there is no rule {rule}"
            continue
        scope = rules[rule].file.scope
        wanted = {"patient": expected} if scope == "patient" else expected
        for subject, values in wanted.items():
            name = f"{subject}@sstr" if scope == "observation" and "@" not in subject else subject
            verdicts = result.of(rule, name)
            if not verdicts:
                yield f"{rule}: no verdict for {name}"
                continue
            case = Case(patient.name, {}, (), {}, values, patient.where)
            yield from (f"{rule} {name}: {message}" for message in compare(verdicts[0], case))
    codes = {note.code for note in result.notes}
    yield from (f"the note {code} is missing" for code in patient.notes if code not in codes)
    yield from (f"the note {code} should not be there" for code in patient.no_notes if code in codes)
    for lesion, categories in patient.history.items():
        said = [" or ".join(entry.results) for entry in result.history if entry.lesion == lesion]
        if said != categories:
            yield f"history of {lesion}: expected {categories}, found {said}"
