"""What is new, gone or changed, in words: from the history of every lesion, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lutetia.model import Course, HistoryEvent, Lesion, Observation, Place, Study
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Cell, Column, Row, Table, Tone
from lutetia.outputs.report.verdict_sections import subjects_words

#: Event → how the group of its lesions is called, in the order in which a reader wants them.
EVENT_WORDS: dict[str, str] = {
    "new": "new",
    "resolved": "gone",
    "not_visible": "not visible",
    "split": "split",
    "merged": "merged",
    "growing": "larger",
    "shrinking": "smaller",
    "stable": "unchanged in volume",
    "baseline": "first imaged here",
    "outside_field": "not imaged here",
}
_TONE: dict[str, Tone] = {"new": "caution", "resolved": "strong", "split": "strong", "merged": "strong"}
#: More rows of one kind than this are told in one row; all of them are in findings.json.
MOST_TOLD = 6
DEFINITION = "background"
Level = Literal["at or below blood pool", "between blood pool and liver", "above liver"]


def tracer_group(study: Study) -> str:
    """Which lane of a course a study belongs to: "SSTR PET", "FDG PET", "therapy SPECT" or "other"."""
    if study.modality.startswith("SPECT"):
        return "therapy SPECT"
    detail = study.tracer_detail
    if detail is not None and detail.is_sstr:
        return "SSTR PET"
    if study.tracer == "fdg" or (detail is not None and detail.binds == "glucose"):
        return "FDG PET"
    return "other"


def followed(course: Course) -> tuple[Lesion, ...]:
    """The lesions of a course: what was set apart or rejected is not followed."""
    return tuple(lesion for lesion in course.lesions if lesion.status not in ("physiological", "rejected"))


def visit_words(visit: str | None) -> str:
    """``visit-2`` → ``visit 2``."""
    return (visit or "–").replace("-", " ")


def observed(lesion: Lesion, study: str) -> Observation | None:
    """What a study measured of a lesion."""
    return next((o for o in lesion.observations if o.study == study), None)


def placed(lesion: Lesion, study: str) -> Place | None:
    """What a study shows at the place of a lesion that is no focus there."""
    return next((p for p in lesion.places if p.study == study), None)


def changed(lesion: Lesion) -> bool:
    """Whether anything happened to a lesion that a reader should look at."""
    plain = ("baseline", "stable", "outside_field")
    classes = {p.phenotype for p in lesion.pairs if p.definition == DEFINITION and p.phenotype != "unknown"}
    return any(event.event not in plain for event in lesion.history) or len(classes) > 1


def newly_seen(course: Course, lesion: Lesion) -> bool:
    """Whether a lesion is new, and no earlier study of any tracer measured it."""
    order = [study.id for study in course.studies]
    seen = [order.index(o.study) for o in lesion.observations if o.study in order]
    new = [order.index(e.study) for e in lesion.history if e.event == "new" and e.study in order]
    visit = {study.id: study.visit for study in course.studies}
    return any(not any(i < n and visit[order[i]] != visit[order[n]] for i in seen) for n in new)


def gone(course: Course, lesion: Lesion) -> bool:
    """Whether a lesion is gone with one tracer, and no study of the last visit measured it with another."""
    if not any(event.event == "resolved" for event in lesion.history) or not course.studies:
        return False
    last = course.studies[-1]
    late = {study.id for study in course.studies if study.visit == last.visit} if last.visit else {last.id}
    return not any(observation.study in late for observation in lesion.observations)


def uptake_level(lesion: Lesion, study: Study) -> Level | None:
    """Where a lesion's SSTR uptake lies in one study: by its grade, or by the mean at its place without one."""
    observation = observed(lesion, study.id)
    if observation is not None and observation.krenning_modified is not None and observation.krenning_modified.value:
        grades = [int(g) for g in observation.krenning_modified.value if g.isdigit()]
        if grades and max(grades) <= 1:
            return "at or below blood pool"
        if grades and min(grades) >= 3:
            return "above liver"
        return "between blood pool and liver" if grades == [2] else None
    place = placed(lesion, study.id)
    blood, liver = (study.references.get(name) for name in ("blood_pool", "liver"))
    if observation is not None or place is None or place.suv_mean is None or blood is None or liver is None:
        return None
    if blood.suv_mean is None or liver.suv_mean is None:
        return None
    if place.suv_mean <= 1.1 * blood.suv_mean:
        return "at or below blood pool"
    return "above liver" if place.suv_mean > liver.suv_mean else "between blood pool and liver"


def change_table(course: Course) -> Table | None:
    """One group per later study against the previous one with its tracer, one row per event; None when none is told."""
    rows: list[Row] = []
    for study in course.studies:
        told = [(lesion, event) for lesion in followed(course) for event in lesion.history if event.study == study.id]
        earlier = _previous(course, study)
        if earlier is None or not told:
            continue
        rows.append(Row(heading=f"{_short(study)} against {_short(earlier)}"))
        rows += _level_rows(course, earlier, study)
        for name in EVENT_WORDS:
            rows += _event_rows(name, [(lesion, event) for lesion, event in told if event.event == name], earlier)
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


def _previous(course: Course, study: Study) -> Study | None:
    """The last earlier study with the same tracer, of an earlier visit where visits are known."""
    earlier = course.studies[: [s.id for s in course.studies].index(study.id)]
    same = [s for s in earlier if s.tracer == study.tracer and (s.visit is None or s.visit != study.visit)]
    return same[-1] if same else None


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
        observation, place = observed(lesion, study.id), placed(lesion, study.id)
        values.append(observation.suv_max if observation is not None else place.suv_mean if place is not None else None)
    known = sorted(value for value in values if value is not None)
    words = ""
    if known:
        low, high = wording.suv(known[0]), wording.suv(known[-1])
        words = f"SUV {low}" if low == high else f"SUV {low} to {high}"
    references = [
        f"{name} {wording.suv(study.references[key].suv_mean)}"
        for key, name in (("blood_pool", "blood pool"), ("liver", "liver"))
        if key in study.references
    ]
    return "; ".join(part for part in (words, ", ".join(references)) if part)


def _event_rows(name: str, told: list[tuple[Lesion, HistoryEvent]], earlier: Study) -> list[Row]:
    """One row per lesion; those of which nothing more is to be said share one."""
    rows: list[Row] = []
    what = Cell(EVENT_WORDS[name], _TONE.get(name, ""))
    plain = [lesion for lesion, _ in told]
    if name in ("stable", "baseline", "outside_field"):
        return [Row((what, Cell(_numbered(plain)), Cell("–", "muted")))] if told else []
    if name == "not_visible":
        plain = [lesion for lesion, _ in told if observed(lesion, earlier.id) is None]
        told = [(lesion, event) for lesion, event in told if lesion not in plain]
        if plain:
            rows.append(Row((what, Cell(_numbered(plain)), Cell("no focus before either", "muted"))))
    rows += [Row((what, Cell(_named(x)), Cell(_sentence(e.evidence), "muted"))) for x, e in told[:MOST_TOLD]]
    rest = [lesion for lesion, _ in told[MOST_TOLD:]]
    if rest:
        words = "their evidence is in findings.json"
        rows.append(Row((what, Cell(f"and {_numbered(rest)}"), Cell(words, "muted"))))
    return rows


_MOST_EVIDENCE = 110


def _sentence(evidence: str) -> str:
    """The first parts of an evidence sentence, as many as fit in a table row."""
    kept = ""
    for part in evidence.replace("lesion lesion-", "lesion-").split(", "):
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


def class_words(kind: str) -> str:
    """``sstr+/fdg-`` → ``SSTR+ / FDG−``."""
    return kind.replace("/", " / ").replace("sstr", "SSTR").replace("fdg", "FDG").replace("-", "−")
