"""What is new, gone or changed, in words: from the history of every lesion, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable

from lutetia.model import Course, HistoryEvent, Lesion, Study
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table, Tone
from lutetia.outputs.report.course.following import (
    DEFINITION,
    EVENT_WORDS,
    Level,
    class_words,
    followed,
    newly_seen,
    previous_study,
    tracer_group,
    uptake_level,
    visit_words,
)
from lutetia.outputs.report.verdicts.subjects import numbered_words, subjects_words

_TONE: dict[str, Tone] = {"new": "caution", "resolved": "strong", "split": "strong", "merged": "strong"}

#: More rows of one kind than this are told in one row; all of them are in findings.json.
MOST_TOLD = 6


def change_table(course: Course) -> Table | None:
    """One group per later study against the previous one with its tracer, one row per event; None when none is told."""
    rows: list[Row] = []
    for study in course.studies:
        told = [(lesion, event) for lesion in followed(course) for event in lesion.history if event.study == study.id]
        earlier = previous_study(course, study)
        if earlier is None or not told:
            continue
        rows.append(Row(heading=f"{_short(study)} against {_short(earlier)}"))
        rows += _level_rows(course, earlier, study)
        for name in EVENT_WORDS:
            rows += _event_rows(
                course, name, [(lesion, event) for lesion, event in told if event.event == name], earlier
            )
    rows += _class_rows(course)
    if not rows:
        return None
    columns = (Column("What", width=1), Column("Lesion", width=1.3), Column("Evidence", width=2.7))
    notes = (
        "Larger and smaller: volume of the outline by more than 30 % (convention: no limit is published for SSTR PET). "
        "Gone: no uptake and no correlate on CT at its place; not visible: still on CT or with the other tracer.",
        "A change of uptake alone is neither progression nor response: technique, somatostatin analogues and receptor "
        "density change it too. New foci are unconfirmed.",
    )
    return Table(columns, tuple(rows), notes=notes, dense=True)


def _short(study: Study) -> str:
    of = f" of {visit_words(study.visit)}" if study.visit else ""
    return f"{wording.tracer_words(study)}{of} ({wording.date_words(study.date, short=True)})"


def _numbered(lesions: Iterable[Lesion]) -> str:
    return subjects_words(lesion.id for lesion in lesions)


def _named(lesion: Lesion) -> str:
    return f"{subjects_words([lesion.id])}: {wording.site_words(lesion)}"


def _level_rows(course: Course, earlier: Study, later: Study) -> list[Row]:
    """SSTR uptake that crossed the liver or the blood pool, lesions of one way together, with the numbers."""
    if tracer_group(later) != "SSTR PET":
        return []
    ways: dict[tuple[Level, Level], list[Lesion]] = {}
    for lesion in followed(course):
        before, after = uptake_level(lesion, earlier), uptake_level(lesion, later)
        if before is not None and after is not None and before != after:
            ways.setdefault((before, after), []).append(lesion)
    rows = []
    for (before, after), lesions in ways.items():
        regions = dict.fromkeys(wording.REGIONS.get(x.region, x.region).lower() for x in lesions)
        then, now = _uptakes(lesions, earlier), _uptakes(lesions, later)
        cells = (
            Cell("uptake level", "caution"),
            Cell(f"{_numbered(lesions)} ({', '.join(regions)})"),
            Cell(f"SSTR uptake {before} before ({then}), {after} now ({now})"),
        )
        rows.append(Row(cells))
    return rows


def _uptakes(lesions: list[Lesion], study: Study) -> str:
    """``SUV 2.1 to 5.2; blood pool 1.14, liver 7.44``: the maximum of a focus, the mean at a place without one."""
    values = []
    for lesion in lesions:
        observation, place = lesion.observation_in(study.id), lesion.place_in(study.id)
        values.append(observation.suv_max if observation is not None else place.suv_mean if place is not None else None)
    known = sorted(value for value in values if value is not None)
    words = ""
    if known:
        low, high = wording.suv(known[0]), wording.suv(known[-1])
        words = f"SUV {low}" if low == high else f"SUV {low} to {high}"
    references = [
        f"{name} {wording.suv(study.references[key].suv_mean)}"
        for key, name in (("blood_pool", "blood pool"), ("liver", "liver"))
        if key in study.references and study.references_sought
    ]
    return "; ".join(part for part in (words, ", ".join(references)) if part)


def _event_rows(course: Course, name: str, told: list[tuple[Lesion, HistoryEvent]], earlier: Study) -> list[Row]:
    """One row per lesion; those of which nothing more is to be said share one."""
    rows: list[Row] = []
    what = Cell(EVENT_WORDS[name], _TONE.get(name, ""))
    plain = [lesion for lesion, _ in told]
    if name in ("stable", "baseline", "outside_field"):
        return [Row((what, Cell(_numbered(plain)), Cell("–", "muted")))] if told else []
    if name == "not_visible":
        plain = [lesion for lesion, _ in told if lesion.observation_in(earlier.id) is None]
        told = [(lesion, event) for lesion, event in told if lesion not in plain]
        if plain:
            rows.append(Row((what, Cell(_numbered(plain)), Cell("no focus before either", "muted"))))
    if name == "new":  # what no tracer showed before stands before what one tracer newly shows
        told = sorted(told, key=lambda pair: not newly_seen(course, pair[0]))
    rows += [
        Row((_what(course, x, name), Cell(_named(x)), Cell(_sentence(e.evidence), "muted")))
        for x, e in told[:MOST_TOLD]
    ]
    rest = [lesion for lesion, _ in told[MOST_TOLD:]]
    if rest:
        words = "their evidence is in findings.json"
        rows.append(Row((_what(course, rest[0], name), Cell(f"and {_numbered(rest)}"), Cell(words, "muted"))))
    return rows


def _what(course: Course, lesion: Lesion, name: str) -> Cell:
    """The event in words; a lesion that another tracer showed before is new with this tracer only."""
    if name == "new" and not newly_seen(course, lesion):
        return Cell("newly seen with this tracer", "caution")
    return Cell(EVENT_WORDS[name], _TONE.get(name, ""))


_MOST_EVIDENCE = 110


def _sentence(evidence: str) -> str:
    """The first parts of an evidence sentence, as many as fit in a table row."""
    kept = ""
    for part in numbered_words(evidence).split(", "):
        longer = f"{kept}, {part}" if kept else part
        if kept and len(longer) > _MOST_EVIDENCE:
            break
        kept = longer
    return kept or "–"


def _class_rows(course: Course) -> list[Row]:
    """Lesions whose pair of tracers changed class between visits."""
    ways: dict[tuple[str, ...], list[Lesion]] = {}
    for lesion in followed(course):
        seen = [(p.visit, p.phenotype) for p in lesion.pairs if p.definition == DEFINITION and p.phenotype != "unknown"]
        if len({kind for _, kind in seen}) > 1:
            told = tuple(f"{class_words(kind)} at {visit_words(visit)}" for visit, kind in seen)
            ways.setdefault(told, []).append(lesion)
    if not ways:
        return []
    rows = [Row(heading="What the lesions bind has changed")]
    for told, lesions in ways.items():
        what = "loses SSTR, gains FDG" if _lost(told) else "class of the pair"
        cells = (Cell(what, "caution"), Cell(f"{_numbered(lesions)}: {_sites(lesions)}"), Cell(", then ".join(told)))
        rows.append(Row(cells))
    return rows


def _lost(told: tuple[str, ...]) -> bool:
    return told[0].startswith("SSTR+ / FDG−") and told[-1].startswith("SSTR− / FDG+")


def _sites(lesions: list[Lesion]) -> str:
    sites = dict.fromkeys(wording.site_words(lesion).lower() for lesion in lesions)
    words = list(sites)
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more sites" if len(words) > 3 else "")
