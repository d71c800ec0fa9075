"""A typed case checked field by field; every fault with its line and remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lutetia.model import InputError
from lutetia.rules.case_record import CASE_SCHEMA, SECTIONS, CaseLesion, TypedCase, Visit
from lutetia.rules.facts import UNKNOWN, Fact, fact_of
from lutetia.rules.positions import Document, Path_
from lutetia.rules.recist_reader import read_recist
from lutetia.rules.timeline import read_timeline
from lutetia.rules.vocabulary import FactDefinition, Vocabulary

_HEAD = {"case", "id", "note", "conventions", "read", "visits", "lesions", "timeline", "recist"}

_BARE_UNITS = ("", "1", "%", "× ULN")

_BIOPSY_KEYS = {"date", "result", "diagnosis"}

_BIOPSY_RESULTS = {"benign": "benign", "net": "net", "non_net": "non_net", "negative": "none"}

DATED_LESION_FACTS = (
    "proof",
    "typicality",
    "correlate",
    "growth",
    "treated",
    "fdg_versus_sstr",
    "nen",
    "new",
    "target",
)


class CaseReader:
    """Reads one document against the vocabulary; every fault is an `InputError` with its line."""

    def __init__(self, document: Document, vocabulary: Vocabulary) -> None:
        self.document, self.vocabulary = document, vocabulary
        self.units: dict[str, str] = {}

    def fail(self, code: str, what: str, path: Path_, *, expected: str = "", remedy: str = "") -> InputError:
        """An error with the line of `path`, for the caller to raise."""
        return InputError(code, what, where=self.document.where(path), expected=expected, remedy=remedy)

    def read(self) -> TypedCase:
        """The whole case, checked.

        Raises
        ------
        InputError
            At the first fault, with its line.
        """
        data = self.document.data
        if not isinstance(data, dict):
            raise self.fail("not-a-case", "This is no typed case", (), remedy="Start from `lutetia score --template`.")
        version = str(data.get("case", ""))
        if version != CASE_SCHEMA:
            raise self.fail(
                "case-schema",
                f"The case is written in schema version {version or 'none'!r}",
                ("case",),
                expected=CASE_SCHEMA,
                remedy=f'Put `case: "{CASE_SCHEMA}"` at the top; `lutetia score --template` shows the fields.',
            )
        self._known_keys(data, (*_HEAD, *SECTIONS), ())
        facts: dict[str, Fact] = {}
        for section in SECTIONS:
            facts |= self._section(section, data.get(section) or {}, (section,))
        visits = self._visits(data.get("visits") or [])
        lesions = self._lesions(data.get("lesions") or [], {visit.id for visit in visits})
        self._contradictions(facts, visits, data)
        read = {str(k): str(v) for k, v in (data.get("read") or {}).items()}
        for role, visit in read.items():
            if role not in ("sstr", "fdg", "previous", "spect") or visit not in {v.id for v in visits}:
                raise self.fail(
                    "unknown-visit",
                    f"{role}: there is no visit {visit!r}",
                    ("read", role),
                    expected=", ".join(v.id for v in visits),
                )
        return TypedCase(
            id=str(data.get("id", self.document.name.removesuffix(".yaml"))),
            facts=facts,
            visits=visits,
            lesions=lesions,
            conventions={
                str(k): ("yes" if v is True else "no" if v is False else str(v))
                for k, v in (data.get("conventions") or {}).items()
            },
            read=read,
            timeline=read_timeline(data.get("timeline"), self.document),
            recist=read_recist(data.get("recist"), self.document),
            issues=tuple(self._issues(facts)),
            units=self.units,
        )

    # ------------------------------------------------------------------ fields

    def _known_keys(self, data: Mapping[str, Any], allowed: tuple[str, ...], path: Path_) -> None:
        for key in data:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, n=1)
                raise self.fail(
                    "unknown-field",
                    f"There is no field {key!r} here",
                    (*path, key),
                    expected=", ".join(sorted(allowed)),
                    remedy=f"Did you mean {close[0]!r}?" if close else "`lutetia score --template` shows every field.",
                )

    def _section(self, section: str, data: Any, path: Path_) -> dict[str, Fact]:
        if not isinstance(data, dict):
            raise self.fail("not-a-section", f"{section} holds named fields", path)
        allowed = self._fields(section)
        self._known_keys(data, allowed, path)
        return {f"{section}.{key}": self._value(f"{section}.{key}", value, (*path, key)) for key, value in data.items()}

    def _fields(self, section: str) -> tuple[str, ...]:
        return self.vocabulary.typed_fields(section)

    def _value(self, name: str, value: Any, path: Path_) -> Fact:
        definition = self.vocabulary[name]
        if value is None:
            return UNKNOWN
        if isinstance(value, list) and definition.kind in ("choice", "integer"):
            answers = [self._one(definition, item, (*path, i)) for i, item in enumerate(value)]
            if name == "lesion.proof" and "benign" in answers and {"net", "non_net"} & set(answers):
                raise self._both_proven(path)
            return fact_of(answers)
        one: Fact = self._one(definition, value, path)
        return one

    def _both_proven(self, path: Path_) -> InputError:
        return self.fail(
            "contradiction",
            "The lesion is both proven benign and proven malignant",
            path,
            remedy="Give the result that belongs to this very lesion, or enter two lesions.",
        )

    def _one(self, definition: FactDefinition, value: Any, path: Path_) -> Any:
        if definition.kind in ("number", "integer"):
            value = self._number(definition, value, path)
        try:
            checked: Any = definition.check(value)
            return checked
        except ValueError as error:
            raise self.fail(
                "impossible-value",
                f"{definition.name}: {value!r} is not possible",
                path,
                expected=str(error),
                remedy="Correct the value, or leave the field out if it is not known.",
            ) from error

    def _number(self, definition: FactDefinition, value: Any, path: Path_) -> Any:
        if isinstance(value, dict):
            self._known_keys(value, ("value", "unit"), path)
            value = f"{value.get('value')} {value.get('unit', '')}"
        if isinstance(value, str):
            match = re.fullmatch(r"\s*([-+]?[0-9]+(?:[.,][0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*(\S.*)?", value)
            if match is None:
                return value
            number, unit = float(match.group(1).replace(",", ".")), (match.group(2) or "").strip()
            return self._in_unit(definition, number, unit, path)
        if isinstance(value, int | float) and not isinstance(value, bool) and definition.unit not in _BARE_UNITS:
            raise self.fail(
                "missing-unit",
                f"{definition.name} needs its unit",
                path,
                expected=" or ".join(self._unit_names(definition)),
                remedy=f"Write for example `{value:g} {definition.unit}`.",
            )
        return value

    def _unit_names(self, definition: FactDefinition) -> list[str]:
        return [definition.unit, *definition.accepts]

    def _in_unit(self, definition: FactDefinition, number: float, unit: str, path: Path_) -> float:
        if unit == definition.unit or (not unit and definition.unit in _BARE_UNITS):
            factor = 1.0
        elif unit in definition.accepts:
            factor = definition.accepts[unit]
        else:
            raise self.fail(
                "wrong-unit",
                f"{definition.name}: the unit {unit or 'none'!r} is not one of its units",
                path,
                expected=" or ".join(self._unit_names(definition)) or "a bare number",
                remedy="Give the number in the unit of the laboratory, with the unit behind it.",
            )
        if unit and unit != definition.unit:
            self.units[definition.name] = f"{number:g} {unit}"
        return float(f"{number * factor:.10g}")

    # ------------------------------------------------------------------ visits and lesions

    def _visits(self, entries: Any) -> tuple[Visit, ...]:
        visits: list[Visit] = []
        taken: dict[tuple[int, str], str] = {}
        allowed = ("id", *self._fields("visit"))
        for i, entry in enumerate(entries):
            path: Path_ = ("visits", i)
            self._known_keys(entry, allowed, path)
            name = str(entry.get("id", ""))
            if not name or name in {v.id for v in visits}:
                raise self.fail("visit-id", "Every visit needs an id of its own", path)
            facts = {f"visit.{k}": self._value(f"visit.{k}", v, (*path, k)) for k, v in entry.items() if k != "id"}
            if "visit.tracer" not in facts:
                raise self.fail("visit-tracer", f"The visit {name} has no tracer", path, remedy="Give `tracer:`.")
            visit = Visit(name, facts)
            if visit.day is not None:
                key = (visit.day, visit.tracer)
                if key in taken:
                    raise self.fail(
                        "same-visit-twice",
                        f"The visits {taken[key]} and {name} have the same date and the same tracer",
                        (*path, "date"),
                        remedy="Correct the date, or enter the scan once.",
                    )
                taken[key] = name
            visits.append(visit)
        return tuple(visits)

    def _lesions(self, entries: Any, visits: set[str]) -> tuple[CaseLesion, ...]:
        lesions: list[CaseLesion] = []
        allowed = ("id", "seen", "biopsies", *self._fields("lesion"))
        for i, entry in enumerate(entries):
            path: Path_ = ("lesions", i)
            self._known_keys(entry, allowed, path)
            name = str(entry.get("id", f"L{i + 1}"))
            if name in {lesion.id for lesion in lesions}:
                raise self.fail("lesion-id", f"Two lesions are called {name}", path)
            facts = {
                f"lesion.{k}": self._value(f"lesion.{k}", v, (*path, k))
                for k, v in entry.items()
                if k not in ("id", "seen", "biopsies")
            }
            self._biopsies(entry.get("biopsies") or [], facts, path)
            seen = {
                str(visit): self._seen(values or {}, str(visit), visits, (*path, "seen", visit))
                for visit, values in (entry.get("seen") or {}).items()
            }
            self._lesion_contradictions(facts, seen, path)
            lesions.append(CaseLesion(name, facts, seen))
        return tuple(lesions)

    def _biopsies(self, entries: Any, facts: dict[str, Fact], path: Path_) -> None:
        proofs: set[str] = set()
        for i, entry in enumerate(entries):
            where: Path_ = (*path, "biopsies", i)
            self._known_keys(entry, tuple(_BIOPSY_KEYS), where)
            result = str(entry.get("result", ""))
            if result not in _BIOPSY_RESULTS:
                raise self.fail(
                    "impossible-value",
                    f"A biopsy result {result!r} is unknown",
                    where,
                    expected=", ".join(_BIOPSY_RESULTS),
                )
            proofs.add(_BIOPSY_RESULTS[result])
        given = facts.get("lesion.proof")
        stated = proofs | ({str(given)} if isinstance(given, str) else set())
        stated.discard("none")
        if "benign" in stated and stated & {"net", "non_net"}:
            raise self._both_proven((*path, "biopsies") if entries else (*path, "proof"))
        if entries and given is None:
            facts["lesion.proof"] = next(iter(sorted(stated)), "none")

    def _seen(self, values: Any, visit: str, visits: set[str], path: Path_) -> dict[str, Fact]:
        if visit not in visits:
            raise self.fail(
                "unknown-visit", f"There is no visit {visit!r}", path, expected=", ".join(sorted(visits)) or "a visit"
            )
        allowed = (*self._fields("observation"), *DATED_LESION_FACTS)
        self._known_keys(values, allowed, path)
        return {
            name: self._value(name, value, (*path, key))
            for key, value in values.items()
            for name in [f"lesion.{key}" if key in DATED_LESION_FACTS else f"observation.{key}"]
        }

    # ------------------------------------------------------------------ contradictions

    def _lesion_contradictions(
        self, facts: Mapping[str, Fact], seen: Mapping[str, Mapping[str, Fact]], path: Path_
    ) -> None:
        site, tissue = facts.get("lesion.site"), facts.get("lesion.tissue")
        if site == "bone" and tissue == "soft":
            raise self.fail("contradiction", "A bone lesion is entered as soft tissue", (*path, "tissue"))
        for visit, values in seen.items():
            focal, level = values.get("observation.focal"), values.get("observation.level_read")
            if (focal is False and level in ("1", "2", "3")) or (focal is True and level == "none"):
                raise self.fail(
                    "contradiction",
                    f"focal and level_read contradict each other on {visit}",
                    (*path, "seen", visit, "level_read"),
                    remedy="No focus means level none.",
                )
            mean, most = values.get("observation.suv_mean"), values.get("observation.suv_max")
            if isinstance(mean, float) and isinstance(most, float) and mean > most:
                raise self.fail(
                    "contradiction", f"SUVmean is above SUVmax on {visit}", (*path, "seen", visit, "suv_mean")
                )

    def _contradictions(self, facts: Mapping[str, Fact], visits: tuple[Visit, ...], data: Mapping[str, Any]) -> None:
        fdg = any(visit.tracer == "fdg" for visit in visits)
        if facts.get("imaging.fdg_done") is False and fdg:
            raise self.fail("contradiction", "fdg_done is no, but there is an FDG visit", ("imaging", "fdg_done"))
        if facts.get("patient.sex") == "male" and facts.get("patient.pregnancy") in ("established", "suspected"):
            raise self.fail("contradiction", "Pregnancy of a man", ("patient", "pregnancy"))
        for i, visit in enumerate(visits):
            removed = facts.get("therapy.splenectomy") is True or visit.facts.get("visit.spleen_state") == "removed"
            if removed and isinstance(visit.facts.get("visit.spleen"), float):
                raise self.fail(
                    "contradiction", f"The spleen is removed, but {visit.id} has a spleen SUV", ("visits", i, "spleen")
                )
        assessed = facts.get("patient.assessment_date")
        for name in ("disease.diagnosis_date", "disease.biopsy_date"):
            value = facts.get(name)
            if isinstance(assessed, int) and isinstance(value, int) and value > assessed:
                section, short = name.split(".")
                raise self.fail("impossible-value", f"{short} lies after the assessment date", (section, short))

    def _issues(self, facts: Mapping[str, Fact]) -> Iterator[tuple[str, str, str]]:
        grade, ki67 = facts.get("disease.grade"), facts.get("disease.ki67_percent")
        if isinstance(ki67, float) and isinstance(grade, str) and facts.get("disease.differentiation") != "poor":
            fits = "G1" if ki67 < 3 else "G2" if ki67 <= 20 else "G3"
            if fits != grade:
                yield (
                    "grade-ki67",
                    "caution",
                    f"Grade {grade} and Ki-67 {ki67:g} % do not go together (a Ki-67 of {ki67:g} % alone is {fits}).",
                )
