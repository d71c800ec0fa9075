"""The report's content, section by section, from the record and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lutetia.model import Course, Study
from lutetia.outputs.dicom_objects import software_version
from lutetia.outputs.report import course_sections, lesion_sections, study_sections, wording
from lutetia.outputs.report.blocks import Paragraph, Report, Section
from lutetia.outputs.report.figures import Shown, StudyPictures, shown_lesions, study_pictures
from lutetia.outputs.report.verdict_sections import verdict_section
from lutetia.outputs.report.visit_sections import visit_sections
from lutetia.outputs.volumes import StudyVolumes


def build_report(course: Course, volumes: Mapping[str, StudyVolumes]) -> Report:
    """Lay out the report of a course: what a reader needs first stands first.

    Parameters
    ----------
    course : the record
    volumes : study id → pixels for the pictures; a study without an entry is reported without pictures
    """
    several = len(course.studies) > 1
    sections: list[Section] = []
    everything: list[Shown] = []
    if not several:
        for study in course.studies:
            shown = shown_lesions(course, study)
            sections.append(
                Section(
                    "", (course_sections.headline(study, shown, _sought(study, shown, volumes)),), anchor="headline"
                )
            )
    sections.append(Section("What to know first", course_sections.issue_blocks(course), anchor="issues"))
    sections += visit_sections(course)
    for study in course.studies:
        shown = shown_lesions(course, study)
        everything += shown
        pictures = study_pictures(study, shown, volumes.get(study.id))
        sections += _study_sections(study, shown, pictures, several, _sought(study, shown, volumes))
    facts = course_sections.fact_section(course)
    closing = [
        verdict_section(course),
        course_sections.chain_section(course, tuple(everything)),
        facts,
        Section("Series", study_sections.series_blocks(course), anchor="series"),
        course_sections.convention_section(course),
        course_sections.software_section(course),
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
    rows = [("Patient", wording.patient_words(course))]
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
        rows.append(("Studies", str(len(course.studies))))
    return tuple(rows)


def _study_sections(
    study: Study, shown: tuple[Shown, ...], pictures: StudyPictures, several: bool, sought: bool
) -> list[Section]:
    sections: list[Section] = []
    if several:
        title = f"{wording.tracer_words(study)}, {wording.date_words(study.date)}"
        blocks = (course_sections.headline(study, shown, sought),)
        sections.append(Section(title, blocks, anchor=study.id, study=True))
    candidates = [item for item in shown if not item.quiet]
    if pictures.projections:
        sections.append(Section("Where the uptake is", (lesion_sections.atlas(shown, study, pictures),)))
    if candidates:
        sections.append(Section("Lesions", (lesion_sections.lesion_table(shown, study),)))
    elif not sought:
        words = "Lesions were not sought in this study; what it lacks is said above."
        sections.append(Section("Lesions", (Paragraph(words),)))
    else:
        words = "No candidate lesion above the stated thresholds in the imaged field. What lies outside is not imaged."
        sections.append(Section("Lesions", (Paragraph(words),)))
    apart = lesion_sections.set_apart_table(shown)
    if apart is not None:
        sections.append(Section("Uptake set apart", (apart,)))
    if candidates:
        sections.append(Section("All lesions together", lesion_sections.summary_blocks(shown, study)))
    if study.suv is not None or study.references:
        sections.append(Section("Reference regions", study_sections.reference_blocks(study, pictures)))
    sections.append(Section("What was scanned and how", study_sections.acquisition_blocks(study)))
    sections.append(Section("How SUV came about", study_sections.suv_blocks(study)))
    return [section if section.study or not several else replace(section, level=3) for section in sections]
