"""Several studies in the report: lanes, what changed in words, pictures side by side, curves, volumes, checks."""

from __future__ import annotations

from collections.abc import Mapping

from lutetia.model import Comparison, Course, Lesion, Phenotypes, Study
from lutetia.outputs.report import course_figures, wording
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Notice,
    Notices,
    Paragraph,
    Row,
    Section,
    Table,
    Tile,
    Tiles,
    Tone,
)
from lutetia.outputs.report.course_changes import (
    change_table,
    class_words,
    followed,
    gone,
    newly_seen,
    observed,
    placed,
    visit_words,
)
from lutetia.outputs.report.figures import Shown
from lutetia.outputs.report.lesion_sections import legend
from lutetia.outputs.report.retention_section import retention
from lutetia.outputs.volumes import StudyVolumes


def course_headline(course: Course) -> Tiles:
    """How many lesions are followed over how many visits, and what happened to them."""
    lesions = followed(course)
    events = [{event.event for event in lesion.history} for lesion in lesions]
    tiles = [
        Tile(str(len(lesions)), "lesions followed", f"{len(course.studies)} studies, {len(course.visits)} visits"),
        Tile(str(sum(newly_seen(course, x) for x in lesions)), "new foci", "with no tracer before; unconfirmed"),
        Tile(str(sum(gone(course, x) for x in lesions)), "gone", "with every tracer of the last visit"),
    ]
    changed = sum(bool(e & {"growing", "shrinking"}) for e in events)
    tiles.append(Tile(str(changed), "larger or smaller", "volume by more than 30 %"))
    return Tiles(tuple(tiles))


def visit_sections(
    course: Course, volumes: Mapping[str, StudyVolumes] | None = None, projections: tuple[Figure, ...] = ()
) -> tuple[Section, ...]:
    """The course of the patient: lanes, changes, pictures, curves, volumes, checks; nothing for a single study.

    Parameters
    ----------
    course : the record
    volumes : study id → pixels, for the pictures
    projections : a coronal projection per study, to be shown side by side
    """
    if len(course.studies) < 2:
        return ()
    held = volumes or {}
    lanes = course_figures.swimlane(course)
    found = [
        Section("Visits and treatments", _lanes(lanes), anchor="course") if lanes is not None else None,
        _projections(course, projections),
        _changes(course),
        _pictures(course, held),
        _curves(course),
        _matrix(course),
        _phenotypes(course),
        retention(course),
        _comparability(course),
        _alignment(course, held),
    ]
    return tuple(section for section in found if section is not None)


def _lanes(figure: Figure) -> tuple[Block, ...]:
    return (Figures((figure,), "In order of time, not to scale; days between visits are written.", columns=1),)


def _projections(course: Course, figures: tuple[Figure, ...]) -> Section | None:
    if not figures:
        return None
    columns = 3 if len(figures) in (5, 6) else min(len(figures), 4)
    caption = (
        "Coronal maximum intensity projections; the patient's right is on the left. A lesion has the same number in "
        "every study. Dashed: set apart."
    )
    shown = tuple(Shown(lesion, observation) for lesion in course.lesions for observation in lesion.observations)
    return Section("Where the uptake is", (Figures(figures, caption, columns, legend(shown)),))


def _changes(course: Course) -> Section | None:
    blocks: list[Block] = []
    if course.events:
        items = [Notice("info", event.statement, event.code, event.source) for event in course.events]
        blocks.append(Notices(tuple(items)))
    table = change_table(course)
    if table is not None:
        blocks.append(table)
    return Section("What changed between visits", tuple(blocks)) if blocks else None


def _pictures(course: Course, volumes: Mapping[str, StudyVolumes]) -> Section | None:
    matrix = course_figures.side_by_side(course, volumes)
    return Section("Lesions side by side", (matrix,)) if matrix is not None else None


def _curves(course: Course) -> Section | None:
    curves = course_figures.trajectories(course)
    return Section("Uptake and volume over the visits", (curves,)) if curves is not None else None


def _study_title(study: Study) -> str:
    title = f"{wording.tracer_words(study)}, {wording.date_words(study.date, short=True)}"
    return f"{visit_words(study.visit)}: {title}" if study.visit else title


def _named(course: Course, study_id: str) -> str:
    return next((_study_title(study) for study in course.studies if study.id == study_id), study_id)


def _matrix(course: Course) -> Section | None:
    lesions = followed(course)
    if not lesions:
        return None
    columns = [Column("No.", "right"), Column("Site", width=1.1)]
    columns += [Column(_column(study), width=1) for study in course.studies]
    paired = any(lesion.pairs for lesion in lesions)
    if paired:
        columns.append(Column("Class of the pair", width=1.1))
    rows = []
    for region, name in wording.REGIONS.items():
        group = [lesion for lesion in lesions if lesion.region == region]
        if group:
            rows.append(Row(heading=f"{name} – {wording.plural(len(group), 'lesion')}"))
        for lesion in group:
            cells = [Cell(_number(lesion), "strong"), Cell(_site(lesion))]
            cells += [_matrix_cell(lesion, study) for study in course.studies]
            rows.append(Row((*cells, Cell(_classes(lesion), "muted")) if paired else tuple(cells)))
    notes = (
        "Each cell: SUVmax · mL · grade; in brackets the mean at the lesion's place where no focus was seen. Values of "
        "different tracers are not compared with one another. The evidence of every match is in findings.json.",
    )
    return Section("Course of the lesions", (Table(tuple(columns), tuple(rows), notes=notes, dense=True),))


def _column(study: Study) -> str:
    return f"{visit_words(study.visit)} · {wording.tracer_words(study)}" if study.visit else _study_title(study)


def _number(lesion: Lesion) -> str:
    return lesion.id.rsplit("-", 1)[-1]


def _site(lesion: Lesion) -> str:
    words = wording.site_words(lesion)
    if lesion.parent:
        words += f"; part of {lesion.parent}"
    if lesion.merged_into:
        words += f"; merged into {lesion.merged_into}"
    return words


def _matrix_cell(lesion: Lesion, study: Study) -> Cell:
    observation = observed(lesion, study.id)
    if observation is not None:
        item = Shown(lesion, observation)
        words = f"{wording.suv(observation.suv_max)} · {wording.number(observation.volume_ml, 2)}"
        if item.grade is not None:
            words += f" · {wording.grade_words(item.grade)}"
        return Cell(words)
    event = next((event.event for event in lesion.history if event.study == study.id), "")
    place = placed(lesion, study.id)
    if event == "outside_field" or (place is not None and not place.in_field):
        return Cell("not imaged", "muted")
    words = event.replace("_", " ").replace("resolved", "gone") or "no focus"
    if place is not None and place.suv_mean is not None:
        words += f" ({wording.suv(place.suv_mean)})"
    return Cell(words if event or place is not None else "–", "muted")


def _classes(lesion: Lesion) -> str:
    """The class at each visit, by the first definition that tells it: ``S+ F− → S− F+``."""
    kinds = [p.phenotype for p in lesion.pairs if p.definition == "background"]
    if not any(kind != "unknown" for kind in kinds):
        return "–"
    told = [class_words(kind) if kind != "unknown" else "?" for kind in kinds]
    return told[0] if len(set(told)) == 1 else " → ".join(told)


_VERDICT_TONE: dict[str, Tone] = {"comparable": "", "caution": "caution", "not_comparable": "error"}


def _comparability(course: Course) -> Section | None:
    if not course.comparability:
        return None
    rows = []
    for comparison in course.comparability:
        pair = f"{_named(course, comparison.earlier)} → {_named(course, comparison.later)}"
        verdict = comparison.verdict.replace("_", " ")
        rows.append(
            Row(
                (
                    Cell(pair),
                    Cell(verdict, _VERDICT_TONE[comparison.verdict]),
                    Cell(_because(comparison), "muted"),
                    Cell(
                        ", ".join(comparison.suppressed) or "nothing", "caution" if comparison.suppressed else "muted"
                    ),
                )
            )
        )
    columns = (
        Column("Studies", width=1),
        Column("Numbers"),
        Column("Because", width=2),
        Column("Not reported", width=0.8),
    )
    return Section("May the numbers be compared?", (Table(columns, tuple(rows), dense=True),))


def _because(comparison: Comparison) -> str:
    """What is not met, word for word; what is met, by its name."""
    open_ = [check for check in comparison.checks if check.get("state") != "met"]
    met = [check.get("title") or check.get("id") or "check" for check in comparison.checks if check not in open_]
    parts = [part for part in (comparison.note, *map(_check_words, open_)) if part]
    if met:
        parts.append(f"Met: {', '.join(title[:1].lower() + title[1:] for title in met)}")
    return "; ".join(parts)


def _check_words(check: dict[str, str]) -> str:
    """``Uptake time within 10 min: 63 → 74 min (caution)``."""
    title = check.get("title") or check.get("id") or "check"
    finding = f": {check['finding']}" if check.get("finding") else ""
    return f"{title}{finding} ({(check.get('state') or 'unknown').replace('_', ' ')})"


def _phenotypes(course: Course) -> Section | None:
    if not course.phenotypes:
        return None
    blocks: list[Block] = []
    charts = course_figures.phenotype_figures(course)
    if charts is not None:
        blocks.append(charts)
    kinds = list(dict.fromkeys(kind for entry in course.phenotypes for kind in entry.volume_ml))
    rows = []
    for entry in sorted(course.phenotypes, key=lambda e: e.definition):
        cells = [Cell(visit_words(entry.visit)), Cell(entry.definition)]
        cells += [Cell(_span(entry.volume_ml.get(k), entry.low_ml.get(k), entry.high_ml.get(k))) for k in kinds]
        rows.append(Row((*cells, Cell(wording.number(entry.discordant_largest_mm, 2)))))
    columns = [Column("Visit"), Column("Positive above")]
    columns += [Column(f"{class_words(kind)}, mL", "right", 1) for kind in kinds]
    columns.append(Column("Largest discordant, mm", "right", 0.8))
    note = "In brackets the range: thresholds 10 % lower and higher, and a shift of one voxel."
    blocks.append(Table(tuple(columns), tuple(rows), notes=(note,), dense=True))
    said = dict.fromkeys(
        f"{visit_words(entry.visit).capitalize()}, {entry.biopsy_target}{_position(entry)}: {entry.biopsy_reason}."
        for entry in course.phenotypes
        if entry.biopsy_target and entry.biopsy_reason
    )
    if said:
        words = "The founding review links high FDG relative to SSTR with the most aggressive lesion (pictures above). "
        blocks.append(Paragraph(words + " ".join(said), "muted"))
    return Section("Volume by what it binds", tuple(blocks))


def _position(entry: Phenotypes) -> str:
    """`` at (12, −40, 310) mm``, left–posterior–superior of its study; "" where it is not known."""
    if entry.biopsy_position_mm is None:
        return ""
    return f" at ({', '.join(f'{v:.0f}' for v in entry.biopsy_position_mm)}) mm".replace("-", "−")


def _span(value: float | None, low: float | None, high: float | None) -> str:
    words = wording.number(value)
    return words if low is None or high is None else f"{words} ({wording.number(low)}–{wording.number(high)})"


def _alignment(course: Course, volumes: Mapping[str, StudyVolumes]) -> Section | None:
    records = [record for record in course.alignments if record.study != record.reference_study]
    if not records:
        return None
    rows = []
    for record in records:
        tone: Tone = "" if record.status == "ok" else "caution"
        organs = ", ".join(f"{k.replace('_', ' ')} {wording.number(v, 2)}" for k, v in record.organ_dice.items())
        cells = (
            Cell(_named(course, record.study)),
            Cell(record.method),
            Cell(record.status, tone),
            Cell(wording.number(record.bone_dice, 2)),
            Cell(wording.number(record.body_dice, 2)),
            Cell(wording.number(record.dome_residual_mm, 2)),
            Cell("; ".join([*([organs] if organs else []), *record.reasons]) or "–", "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Study", width=1),
        Column("Method", width=1.1),
        Column("Quality"),
        Column("Bone", "right"),
        Column("Body", "right"),
        Column("Dome, mm", "right"),
        Column("Organs and remarks", width=1.7),
    )
    reference = _named(course, records[0].reference_study)
    notes = (
        f"Reference study: {reference}. Bone, body, organs: overlap (Dice). Dome: what is left at the liver dome.",
    )
    blocks: list[Block] = [Table(columns, tuple(rows), notes=notes, dense=True)]
    pictures = course_figures.alignment_figures(course, volumes)
    if pictures is not None:
        blocks.append(pictures)
    return Section("How the studies were aligned", tuple(blocks))
