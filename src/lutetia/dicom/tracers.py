"""Which tracer was injected: from the code sequences, then from text, never from a guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lutetia.dicom.tracer_table import Radionuclide, TracerEntry, TracerTable, as_tracer, compact, tracer_table
from lutetia.model import Issue, Tracer, UsageError
from lutetia.model.base import Level

#: a recorded half-life may differ from the table by this part (tables differ in the fourth digit)
HALF_LIFE_TOLERANCE = 0.03


@dataclass(frozen=True)
class TracerFinding:
    """What is known about the injection.

    Attributes
    ----------
    tracer : Tracer or None
        None when the header does not tell; then ``issues`` says what is missing.
    radionuclide : str or None
        "68Ga" …, as far as the header tells, also when the tracer stays unknown.
    emission : "positron", "single-photon" or None
        How that radionuclide is imaged.
    measurable : bool
        False for tracers that are graded by eye and not measured here (``refusal`` says why).
    issues : tuple of Issue
    refusal : str
    """

    tracer: Tracer | None
    radionuclide: str | None = None
    emission: Literal["positron", "single-photon"] | None = None
    measurable: bool = True
    issues: tuple[Issue, ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class _Evidence:
    """What one radiopharmaceutical item says."""

    codes: tuple[tuple[str, str, str], ...]  # scheme, value, meaning
    nuclide_codes: tuple[tuple[str, str, str], ...]
    text: str
    half_life_s: float | None


def radiopharmaceutical_items(dataset: Any) -> list[Any]:
    """Items of the Radiopharmaceutical Information Sequence, wherever the object keeps it.

    Legacy converted objects keep it inside Shared Functional Groups, Unassigned Shared Converted Attributes.
    """
    items = _items(dataset, "RadiopharmaceuticalInformationSequence")
    if items:
        return items
    for shared in _items(dataset, "SharedFunctionalGroupsSequence"):
        for unassigned in _items(shared, "UnassignedSharedConvertedAttributesSequence"):
            items = _items(unassigned, "RadiopharmaceuticalInformationSequence")
            if items:
                return items
    return []


def identify_tracer(dataset: Any, override: str | None = None) -> TracerFinding:
    """Identify the tracer of a PET or SPECT series.

    Order: the user's word; Radiopharmaceutical Code Sequence; the Radiopharmaceutical text (and code
    meanings); the series, protocol and study descriptions. A name shared by several tracers is settled by the
    radionuclide (codes, text, then half-life); otherwise the tracer is unknown.

    Parameters
    ----------
    dataset : pydicom.Dataset
    override : str, optional
        A key or name of the table ("dotatate", "FDG", "Detectnet"); wins over the header, and is recorded.

    Raises
    ------
    UsageError
        ``unknown-tracer`` when the override is not in the table.
    """
    table = tracer_table()
    evidence = [_evidence(item) for item in radiopharmaceutical_items(dataset)]
    nuclide, nuclide_issues = _radionuclide(table, evidence)
    if override is not None:
        return _overridden(table, override, nuclide)
    found: dict[str, tuple[TracerEntry, Literal["code", "text"], str]] = {}
    for item in evidence:
        for entry, origin, quote in _of_item(table, item, nuclide):
            found.setdefault(entry.key, (entry, origin, quote))
    issues = list(nuclide_issues)
    if not found:
        for entry, quote in _of_descriptions(table, dataset, nuclide):
            found.setdefault(entry.key, (entry, "text", quote))
        if len(found) == 1:
            (_, _, quote) = next(iter(found.values()))
            text = f"The tracer is known from a description only ({quote}); --tracer confirms it"
            if named := sorted({item.text for item in evidence if _names_another(table, item.text)}):
                text += f". Radiopharmaceutical (0018,0031) says {', '.join(map(repr, named))}, which is not known"
            issues.append(_issue("tracer-from-description", text))
    return _result(table, found, nuclide, evidence, issues)


def _names_another(table: TracerTable, text: str) -> bool:
    """Whether a radiopharmaceutical text says more than a radionuclide, and none of the tracers of the table."""
    nuclides = {compact(name) for r in table.radionuclides.values() for name in r.names}
    return bool(compact(text)) and compact(text) not in nuclides and not table.tracers_in(text)


def _result(
    table: TracerTable,
    found: dict[str, tuple[TracerEntry, Literal["code", "text"], str]],
    nuclide: Radionuclide | None,
    evidence: list[_Evidence],
    issues: list[Issue],
) -> TracerFinding:
    name = nuclide.name if nuclide else None
    emission = nuclide.emission if nuclide else None
    if len(found) == 1 and not any(i.level == "error" for i in issues):
        entry, origin, quote = next(iter(found.values()))
        own = table.radionuclides[entry.radionuclide]
        contradiction = _half_life_issue(own, evidence)
        if contradiction is None:
            tracer = as_tracer(entry, origin, quote)
            return TracerFinding(tracer, own.name, own.emission, entry.measurable, tuple(issues), entry.reason)
        issues.append(contradiction)
    elif len(found) > 1:
        names = " or ".join(sorted(entry.name for entry, _, _ in found.values()))
        text = f"The header fits more than one tracer ({names}); say which with --tracer"
        issues.append(_issue("tracer-ambiguous", text, "error"))
    elif not issues or all(i.level != "error" for i in issues):
        issues.append(_unknown(table, nuclide, evidence))
    return TracerFinding(None, name, emission, issues=tuple(issues))


def _unknown(table: TracerTable, nuclide: Radionuclide | None, evidence: list[_Evidence]) -> Issue:
    texts = sorted({item.text for item in evidence if item.text})
    contradicting = [t for t in texts if table.tracers_in(t)]
    if contradicting and nuclide is not None:
        said = (
            f"the header says {', '.join(map(repr, contradicting))}, which contradicts its radionuclide {nuclide.name}"
        )
    elif texts:
        said = f"the header says {', '.join(repr(t) for t in texts)}, which is not in the table"
    elif nuclide is not None:
        candidates = ", ".join(sorted(t.key for t in table.tracers.values() if t.radionuclide == nuclide.name))
        said = f"the header names {nuclide.name} but no radiopharmaceutical (it may be {candidates})"
    elif evidence:
        said = "the radiopharmaceutical sequence names neither tracer nor radionuclide"
    else:
        said = "the header has no Radiopharmaceutical Information Sequence (0054,0016)"
    return _issue("tracer-unknown", f"The tracer is unknown: {said}; say it with --tracer")


def _overridden(table: TracerTable, override: str, nuclide: Radionuclide | None) -> TracerFinding:
    entry = _entry_of_override(table, override, nuclide)
    own = table.radionuclides[entry.radionuclide]
    issues = []
    if nuclide is not None and nuclide.name != own.name:
        text = f"--tracer {override} is {own.name}, the header says {nuclide.name}; the user's word is used"
        issues.append(_issue("tracer-contradicts-header", text))
    tracer = as_tracer(entry, "override", f"entered by hand: {override}")
    return TracerFinding(tracer, own.name, own.emission, entry.measurable, tuple(issues), entry.reason)


def _entry_of_override(table: TracerTable, override: str, nuclide: Radionuclide | None) -> TracerEntry:
    wanted = compact(override)
    exact = [t for t in table.tracers.values() if wanted in (compact(t.key), compact(t.name))]
    if exact:
        return exact[0]
    named = [t for t in table.tracers.values() if wanted in t.names or wanted in t.brands]
    if not named:
        stated = table.radionuclides_in(override)
        named = [t for t, _ in table.tracers_in(override) if not stated or t.radionuclide in {r.name for r in stated}]
    fitting = [t for t in named if nuclide is not None and t.radionuclide == nuclide.name] or named
    if len(fitting) == 1:
        return fitting[0]
    raise UsageError(
        "unknown-tracer",
        f"The tracer {override!r} is {'ambiguous' if fitting else 'not known'}",
        where="--tracer",
        expected=", ".join(t.key for t in fitting) if fitting else ", ".join(table.tracers),
        remedy="give one of these keys",
    )


def _items(dataset: Any, keyword: str) -> list[Any]:
    try:
        value = dataset.get(keyword)
        return list(value) if value else []
    except Exception:  # a damaged sequence is an absent one; the tracer is then unknown
        return []


def _text(dataset: Any, keyword: str) -> str:
    try:
        return str(dataset.get(keyword) or "").strip()
    except Exception:  # an element that can't be decoded says nothing
        return ""


def _evidence(item: Any) -> _Evidence:
    half_life = _text(item, "RadionuclideHalfLife")
    try:
        seconds: float | None = float(half_life)
    except ValueError:
        seconds = None
    codes = tuple(_codes(item, "RadiopharmaceuticalCodeSequence"))
    return _Evidence(
        codes, tuple(_codes(item, "RadionuclideCodeSequence")), _text(item, "Radiopharmaceutical"), seconds
    )


def _codes(item: Any, keyword: str) -> Iterator[tuple[str, str, str]]:
    for code in _items(item, keyword):
        yield (
            _text(code, "CodingSchemeDesignator"),
            _text(code, "CodeValue") or _text(code, "LongCodeValue"),
            _text(code, "CodeMeaning"),
        )


def _radionuclide(table: TracerTable, evidence: list[_Evidence]) -> tuple[Radionuclide | None, list[Issue]]:
    """The radionuclide all items agree on, by code, then by text, then by half-life."""
    named: dict[str, Radionuclide] = {}
    for item in evidence:
        named.update({found.name: found for found in _nuclides_of_item(table, item)})
    if len(named) > 1:
        text = f"The header names more than one radionuclide ({', '.join(sorted(named))}); say the tracer with --tracer"
        return None, [_issue("radionuclide-contradictory", text, "error")]
    nuclide = next(iter(named.values()), None)
    if nuclide is not None:
        contradiction = _half_life_issue(nuclide, evidence)
        return nuclide, [contradiction] if contradiction else []
    lives = {item.half_life_s for item in evidence if item.half_life_s}
    fitting = [
        r for r in table.radionuclides.values() if lives and all(abs(v / r.half_life_s - 1) < 0.01 for v in lives)
    ]
    return (fitting[0] if len(fitting) == 1 else None), []


def _nuclides_of_item(table: TracerTable, item: _Evidence) -> list[Radionuclide]:
    coded = [n for s, v, _ in item.nuclide_codes if (n := table.radionuclide_of_code(s, v)) is not None]
    if coded:
        return coded
    meanings = [m for _, _, m in item.nuclide_codes]
    agents = [m for _, _, m in item.codes] + [item.text]
    for texts in (meanings, agents):
        found = table.radionuclides_in(" / ".join(texts))
        if found:
            return found
    entries = [e for s, v, _ in item.codes if (e := table.tracer_of_code(s, v)) is not None]
    return [table.radionuclides[e.radionuclide] for e in entries]


def _half_life_issue(nuclide: Radionuclide, evidence: list[_Evidence]) -> Issue | None:
    for item in evidence:
        seconds = item.half_life_s
        if seconds and abs(seconds / nuclide.half_life_s - 1) > HALF_LIFE_TOLERANCE:
            text = (
                f"Radionuclide Half Life is {seconds:g} s, but {nuclide.name} has {nuclide.half_life_s:g} s: "
                "the header contradicts itself; say the tracer with --tracer"
            )
            return _issue("half-life-contradicts-radionuclide", text, "error")
    return None


def _of_item(
    table: TracerTable, item: _Evidence, nuclide: Radionuclide | None
) -> list[tuple[TracerEntry, Literal["code", "text"], str]]:
    for scheme, value, meaning in item.codes:
        entry = table.tracer_of_code(scheme, value)
        if entry is not None and (nuclide is None or nuclide.name == entry.radionuclide):
            quote = f"Radiopharmaceutical Code Sequence ({value}, {scheme}, {meaning!r})"
            return [(entry, "code", quote)]
    texts = [item.text, *(m for _, _, m in item.codes)]
    for text in filter(None, texts):
        entries = _fitting(table.tracers_in(text), nuclide)
        if entries:
            return [(entry, "text", f"Radiopharmaceutical {text!r}") for entry in entries]
    return []


def _of_descriptions(
    table: TracerTable, dataset: Any, nuclide: Radionuclide | None
) -> Iterator[tuple[TracerEntry, str]]:
    for keyword in ("SeriesDescription", "ProtocolName", "StudyDescription"):
        text = _text(dataset, keyword)
        stated = table.radionuclides_in(text)
        settled = nuclide or (stated[0] if len(stated) == 1 else None)
        entries = _fitting(table.tracers_in(text), settled)
        if entries:
            yield from ((entry, f"{keyword} {text!r}") for entry in entries)
            return


def _fitting(hits: list[tuple[TracerEntry, bool]], nuclide: Radionuclide | None) -> list[TracerEntry]:
    """Hits that agree with the radionuclide; a brand name settles it where the header does not."""
    if nuclide is not None:
        return [entry for entry, _ in hits if entry.radionuclide == nuclide.name]
    branded = [entry for entry, brand in hits if brand]
    return branded or [entry for entry, _ in hits]


def _issue(code: str, message: str, level: Level = "caution") -> Issue:
    return Issue(code=code, level=level, message=message, where="Radiopharmaceutical Information Sequence (0054,0016)")
