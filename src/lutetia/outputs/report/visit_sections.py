"""Several studies in the report: the matrix of lesions × studies, what happened, whether numbers may be compared."""

from __future__ import annotations

from lutetia.model import Course, Lesion, Study
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Notice, Notices, Paragraph, Row, Section, Table, Tone
from lutetia.outputs.report.figures import Shown

_MOST_EVIDENCE = 70


def visit_sections(course: Course) -> tuple[Section, ...]:
    """The course of the lesions, comparability, phenotypes and alignment; nothing for a single study."""
    if len(course.studies) < 2:
        return ()
    found = [
        _matrix(course),
        _events(course),
        _comparability(course),
        _phenotypes(course),
        _retention(course),
        _alignment(course),
    ]
    return tuple(section for section in found if section is not None)


def _study_title(study: Study) -> str:
    title = f"{wording.tracer_words(study)}, {wording.date_words(study.date, short=True)}"
    return f"{study.visit}: {title}" if study.visit else title


def _named(course: Course, study_id: str) -> str:
    return next((_study_title(study) for study in course.studies if study.id == study_id), study_id)


def _matrix(course: Course) -> Section | None:
    followed = [lesion for lesion in course.lesions if not _quiet(lesion)]
    if not followed:
        return None
    columns = [Column("Lesion", width=1.1)]
    columns += [Column(_study_title(study), "right", 0.8) for study in course.studies]
    columns.append(Column("What happened", width=1.9))
    rows = [
        Row(
            (
                Cell(f"{lesion.id}: {wording.site_words(lesion)}"),
                *(_matrix_cell(lesion, study) for study in course.studies),
                Cell(_happened(lesion), "muted"),
            )
        )
        for lesion in followed
    ]
    notes = (
        "Each cell: SUVmax · volume · grade. Values of different tracers are not compared with one another. "
        "The evidence of every event is in findings.json.",
        "A change of uptake alone is neither progression nor response: technique, somatostatin analogues and receptor "
        "density change it too.",
    )
    return Section("Course of the lesions", (Table(tuple(columns), tuple(rows), notes=notes, dense=True),))


def _quiet(lesion: Lesion) -> bool:
    return lesion.status in ("physiological", "rejected")


def _matrix_cell(lesion: Lesion, study: Study) -> Cell:
    for observation in lesion.observations:
        if observation.study == study.id:
            item = Shown(lesion, observation)
            words = f"{wording.suv(observation.suv_max)} · {wording.with_unit(observation.volume_ml, 'mL')}"
            if item.grade is not None:
                words += f" · {wording.grade_words(item.grade)}"
            return Cell(words)
    event = next((event for event in lesion.history if event.study == study.id), None)
    if event is not None:
        return Cell(event.event.replace("_", " "), "muted")
    place = next((place for place in lesion.places if place.study == study.id), None)
    if place is not None and not place.in_field:
        return Cell("not imaged", "muted")
    if place is not None and place.suv_max is not None:
        return Cell(f"not seen (SUVmax there {wording.suv(place.suv_max)})", "muted")
    return Cell("–", "muted")


def _happened(lesion: Lesion) -> str:
    told = ("baseline", "not_visible", "outside_field")  # the cells say these
    words = [
        f"{event.event} ({_shortened(event.evidence)})" if event.evidence else event.event
        for event in lesion.history
        if event.event not in told
    ]
    if lesion.parent:
        words.append(f"part of {lesion.parent}")
    if lesion.merged_into:
        words.append(f"merged into {lesion.merged_into}")
    words += [f"{pair.phenotype} at {pair.visit}" for pair in lesion.pairs if pair.phenotype != "unknown"]
    return "; ".join(dict.fromkeys(words)) or "–"


def _shortened(evidence: str) -> str:
    """The first parts of an evidence sentence, as many as fit in a table cell."""
    kept = ""
    for part in evidence.split(", "):
        longer = f"{kept}, {part}" if kept else part
        if kept and len(longer) > _MOST_EVIDENCE:
            break
        kept = longer
    return kept


def _events(course: Course) -> Section | None:
    if not course.events:
        return None
    items = [Notice("info", event.statement, event.code, event.source) for event in course.events]
    return Section("What changed between visits", (Notices(tuple(items)),))


_VERDICT_TONE: dict[str, Tone] = {"comparable": "", "caution": "caution", "not_comparable": "error"}


def _comparability(course: Course) -> Section | None:
    if not course.comparability:
        return None
    rows = []
    for comparison in course.comparability:
        pair = f"{_named(course, comparison.earlier)} → {_named(course, comparison.later)}"
        ordered = sorted(comparison.checks, key=lambda check: check.get("state") == "met")
        checks = "; ".join(_check_words(check) for check in ordered)
        because = "; ".join(part for part in (comparison.note, checks) if part)
        if comparison.suppressed:
            because += f". Not reported: {', '.join(comparison.suppressed)}"
        verdict = comparison.verdict.replace("_", " ")
        rows.append(Row((Cell(pair), Cell(verdict, _VERDICT_TONE[comparison.verdict]), Cell(because, "muted"))))
    columns = (Column("Studies", width=1), Column("Numbers"), Column("Because", width=2.2))
    return Section("May the numbers be compared?", (Table(columns, tuple(rows), dense=True),))


def _check_words(check: dict[str, str]) -> str:
    """``Uptake time within 10 min: 63 → 74 min (caution)``."""
    title = check.get("title") or check.get("id") or "check"
    finding = f": {check['finding']}" if check.get("finding") else ""
    return f"{title}{finding} ({(check.get('state') or 'unknown').replace('_', ' ')})"


def _phenotypes(course: Course) -> Section | None:
    if not course.phenotypes:
        return None
    blocks: list[Block] = []
    rows = []
    for entry in course.phenotypes:
        rows.append(Row(heading=f"Visit {entry.visit}: positive by the definition “{entry.definition}”"))
        for name, volume in entry.volume_ml.items():
            low, high = entry.low_ml.get(name), entry.high_ml.get(name)
            span = f"{wording.number(low)} to {wording.number(high)}" if low is not None and high is not None else "–"
            rows.append(Row((Cell(name), Cell(wording.number(volume)), Cell(span, "muted"))))
    columns = (Column("Class", width=1), Column("mL", "right", 0.6), Column("Range, mL", "right", 1))
    note = "Range: thresholds 10 % lower and higher, and a shift of one voxel."
    blocks.append(Table(columns, tuple(rows), notes=(note,), dense=True))
    for entry in course.phenotypes:
        if entry.biopsy_target and entry.biopsy_reason:
            blocks.append(Paragraph(f"Visit {entry.visit}, {entry.biopsy_target}: {entry.biopsy_reason}.", "muted"))
    return Section("Volume by what it binds", tuple(blocks))


def _retention(course: Course) -> Section | None:
    """Uptake of the therapy agent after it was given: retention, in words that never call it response."""
    if not course.dosimetry:
        return None
    rows = []
    for entry in course.dosimetry:
        dose = entry.get("dose") or {}
        if dose.get("gy") is not None:
            span = f"{wording.number(dose.get('low_gy'))} to {wording.number(dose.get('high_gy'))}"
            words = f"research estimate {wording.number(dose['gy'])} Gy ({span})"
        else:
            words = "; ".join(str(reason) for reason in dose.get("reasons") or ()) or "–"
        hours = entry.get("hours_after_injection")
        cells = (
            Cell(str(entry.get("lesion") or entry.get("organ") or "–")),
            Cell(str(entry.get("study") or "–")),
            Cell(wording.number(hours) if hours is not None else "–"),
            *(Cell(wording.number(entry.get(f"tumour_to_{name}"), 2)) for name in ("liver", "spleen", "kidney")),
            Cell(wording.listed(tuple(entry.get("krenning_spect") or ())) or "–"),
            Cell(words, "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Of"),
        Column("Study"),
        Column("Hours", "right"),
        Column("T/L", "right"),
        Column("T/S", "right"),
        Column("T/kidney", "right"),
        Column("Krenning on SPECT", "center"),
        Column("Absorbed dose", width=1),
    )
    note = "Retention of the therapy agent is not response. Doses are research estimates, not for decisions."
    return Section("Retention after therapy", (Table(columns, tuple(rows), notes=(note,), dense=True),))


def _alignment(course: Course) -> Section | None:
    if not course.alignments:
        return None
    rows = []
    for record in course.alignments:
        quality = [
            f"bone overlap {wording.number(record.bone_dice, 2)}" if record.bone_dice is not None else "",
            f"at the dome {wording.with_unit(record.dome_residual_mm, 'mm')}" if record.dome_residual_mm else "",
        ]
        tone: Tone = "" if record.status == "ok" else "caution"
        cells = (
            Cell(_named(course, record.study)),
            Cell(record.method),
            Cell(record.status, tone),
            Cell("; ".join([*(q for q in quality if q), *record.reasons]) or "–", "muted"),
        )
        rows.append(Row(cells))
    columns = (Column("Study", width=1), Column("Method", width=1), Column("Quality"), Column("Measured", width=1.6))
    return Section("How the studies were aligned", (Table(columns, tuple(rows), dense=True),))
