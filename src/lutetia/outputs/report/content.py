"""The report's content, section by section, from the record and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lutetia.model import Course, Study
from lutetia.outputs.dicom_objects import software_version
from lutetia.outputs.report import lesion_sections, patient_sections, study_sections, wording
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Figure,
    Notices,
    Paragraph,
    Report,
    Row,
    Section,
    Table,
)
from lutetia.outputs.report.course.layout import course_headline, course_sections
from lutetia.outputs.report.figures import Shown, StudyPictures, shown_lesions, study_pictures
from lutetia.outputs.report.verdicts.layout import verdict_section
from lutetia.outputs.volumes import StudyVolumes


def _side_by_side(course: Course) -> bool:
    """Whether the slices of a course stand side by side, once."""
    return len(course.studies) > 1 and bool(course.visits)


def draw(course: Course, volumes: Mapping[str, StudyVolumes]) -> dict[str, StudyPictures]:
    """The pictures of every study, by its id."""
    alone = not _side_by_side(course)
    return {s.id: study_pictures(s, shown_lesions(course, s), volumes.get(s.id), alone=alone) for s in course.studies}


def build_report(
    course: Course, volumes: Mapping[str, StudyVolumes], drawn: Mapping[str, StudyPictures] | None = None
) -> Report:
    """Lay out the report of a course: what a reader needs first stands first.

    Parameters
    ----------
    course : the record
    volumes : study id → pixels for the pictures; a study without an entry is reported without pictures
    drawn : what `draw` made of them; None draws here
    """
    several, together = len(course.studies) > 1, _side_by_side(course)
    drawn = draw(course, volumes) if drawn is None else drawn
    sections: list[Section] = []
    everything: list[Shown] = []
    if not several:
        for study in course.studies:
            shown = shown_lesions(course, study)
            sections.append(
                Section(
                    "", (patient_sections.headline(study, shown, _sought(study, shown, volumes)),), anchor="headline"
                )
            )
    else:
        sections.append(Section("", (course_headline(course),), anchor="headline"))
    made_up = patient_sections.made_up_words(course)
    first: tuple[Block, ...] = (Paragraph(made_up, "strong"),) if made_up else ()
    sections.append(Section("What to know first", (*first, *patient_sections.issue_blocks(course)), anchor="issues"))
    own: list[Section] = []
    projections: list[Figure] = []
    for study in course.studies:
        shown = shown_lesions(course, study)
        everything += shown
        pictures = drawn[study.id]
        sought = _sought(study, shown, volumes)
        own += _study_sections(study, shown, pictures, several, together, sought)
        projections += [_named(picture, study) for picture in pictures.projections[:1]]
    sections += course_sections(course, volumes, tuple(projections) if together else ())
    sections += own
    if several:
        words = "Header elements, SUV factors and every check of each study: folded in report.html; in findings.json."
        blocks = (study_sections.scans_table(course), Paragraph(words, "muted"), *_folded_details(course))
        sections.append(Section("How the studies were scanned", blocks, anchor="scans"))
    facts = patient_sections.fact_section(course)
    rules = verdict_section(course)
    sections += [rules] if rules is not None else []
    closing = [
        patient_sections.chain_section(course, tuple(everything)),
        facts,
        Section("Series", study_sections.series_blocks(course), anchor="series"),
        patient_sections.convention_section(course),
        patient_sections.software_section(course),
    ]
    sections += [section for section in closing if section is not None]
    return Report(
        title="PET/CT measurement report" if _has_ct(course) else "PET measurement report",
        subtitle=_subtitle(course),
        header=_header(course),
        notice=wording.RESEARCH_USE,
        footer=f"Lutetia {software_version(course)}",
        sections=tuple(sections),
        date=course.studies[0].date if course.studies else None,
    )


def _sought(study: Study, shown: tuple[Shown, ...], volumes: Mapping[str, StudyVolumes]) -> bool:
    """Whether lesions were looked for: none found is a finding only then."""
    held = volumes.get(study.id)
    return bool(shown) or study.summary is not None or (held is not None and held.lesions is not None)


def _has_ct(course: Course) -> bool:
    return any(study.modality.endswith("CT") for study in course.studies) or not course.studies


def _subtitle(course: Course) -> str:
    if not course.studies:
        return "no study was read"
    dates = [wording.date_words(study.date) for study in course.studies]
    if len(dates) == 1:
        return f"{wording.tracer_words(course.studies[0])}, {dates[0]}"
    span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    tracers = dict.fromkeys(wording.tracer_words(study) for study in course.studies)
    return f"{', '.join(tracers)}; {len(dates)} studies, {span}"


def _header(course: Course) -> tuple[tuple[str, str], ...]:
    person = [(course.patient.sex or "").replace("F", "female").replace("M", "male")]
    ages = {study.acquisition.age_years for study in course.studies} - {None}
    person += [f"{min(age for age in ages if age is not None):.0f} years"] if ages else []
    name = "Synthetic patient" if patient_sections.is_made_up(course) else "Patient"
    rows = [(name, wording.patient_words(course))]
    if any(person):
        rows.append(("Sex, age", ", ".join(part for part in person if part)))
    if len(course.studies) == 1:
        study = course.studies[0]
        facts = study.acquisition
        rows += [
            ("Tracer", wording.tracer_words(study)),
            ("Date", wording.date_words(study.date)),
            ("Scanner", " ".join(part for part in (facts.manufacturer, facts.model) if part) or "–"),
            ("Read by", f"Lutetia {software_version(course)}, unconfirmed"),
        ]
    else:
        scanners = dict.fromkeys(
            " ".join(p for p in (s.acquisition.manufacturer, s.acquisition.model) if p) for s in course.studies
        )
        rows += [
            ("Studies", f"{len(course.studies)} in {wording.plural(len(course.visits), 'visit')}"),
            ("Scanners", ", ".join(name for name in scanners if name) or "–"),
            ("Read by", f"Lutetia {software_version(course)}, unconfirmed"),
        ]
    return tuple(rows)


def _study_sections(
    study: Study, shown: tuple[Shown, ...], pictures: StudyPictures, several: bool, together: bool, sought: bool
) -> list[Section]:
    sections: list[Section] = []
    if several:
        title = f"{wording.tracer_words(study)}, {wording.date_words(study.date)}"
        title = f"{study.visit.replace('-', ' ').capitalize()}: {title}" if study.visit else title
        blocks = (patient_sections.headline(study, shown, sought),)
        sections.append(Section(title, blocks, anchor=study.id, study=True))
    candidates = [item for item in shown if not item.quiet]
    if pictures.projections and not together:
        sections.append(Section("Where the uptake is", (lesion_sections.atlas(shown, study, pictures),)))
    if study.suv is not None or study.references_sought:
        blocks_of = study_sections.reference_blocks(study, pictures, small=several)
        sections.append(Section("Reference regions", blocks_of))
    if candidates:
        sections.append(Section("Lesions", (lesion_sections.lesion_table(shown, study),)))
    elif not sought:
        words = "Lesions were not sought in this study; what it lacks is said above."
        sections.append(Section("Lesions", (Paragraph(words),)))
    else:
        words = "No candidate lesion above the stated thresholds in the imaged field. What lies outside is not imaged."
        sections.append(Section("Lesions", (Paragraph(words),)))
    sections += _apart(shown, several)
    if candidates:
        summary = lesion_sections.summary_blocks(shown, study)
        sections.append(Section("All lesions together", _in_short(summary) if several else summary))
    if not several:
        sections.append(Section("What was scanned and how", study_sections.acquisition_blocks(study)))
        sections.append(Section("How SUV came about", study_sections.suv_blocks(study)))
    return [section if section.study or not several else replace(section, level=3) for section in sections]


def _named(projection: Figure, study: Study) -> Figure:
    """A coronal projection with its visit and tracer in the caption."""
    words = f"{wording.tracer_words(study)}, {wording.date_words(study.date, short=True)}"
    words = f"{study.visit.replace('-', ' ').capitalize()}: {words}" if study.visit else words
    return replace(projection, caption=f"{words}. {projection.caption.rpartition(', ')[2]}")


def _in_short(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The same content with its facts as running words, for a course of several studies."""
    return tuple(
        Paragraph(" · ".join(f"{label}: {value}" for label, value in block.rows), "muted")
        if isinstance(block, Facts)
        else block
        for block in blocks
    )


def _apart(shown: tuple[Shown, ...], several: bool) -> list[Section]:
    """Uptake that was set apart: a table, or one sentence with the table folded away in a course."""
    table = lesion_sections.set_apart_table(shown, "Each with its reason" if several else "")
    if table is None:
        return []
    words = (Paragraph(lesion_sections.set_apart_words(shown), "muted"),) if several else ()
    return [Section("Uptake set apart", (*words, table))]


def _folded_details(course: Course) -> tuple[Block, ...]:
    """Header elements and checks of every study, folded away in a course."""
    blocks: list[Block] = []
    for study in course.studies:
        for block in (*study_sections.suv_blocks(study), *study_sections.acquisition_blocks(study)):
            if isinstance(block, Notices):
                blocks.append(block)
            elif isinstance(block, Table):
                blocks.append(replace(block, folded=f"{study.id}: every acquisition check"))
            elif isinstance(block, Facts):
                rows = tuple(Row((Cell(label), Cell(value))) for label, value in block.rows)
                name = "how SUV came about" if block.rows and block.rows[0][0] == "Basis" else "header elements"
                columns = (Column("Item", width=1), Column("Value", width=3))
                title = f"{study.id}: {name}" if block.columns == 1 or study.suv is not None else study.id
                blocks.append(Table(columns, rows, folded=title))
    return tuple(blocks)
