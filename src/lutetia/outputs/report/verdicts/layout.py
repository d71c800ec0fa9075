"""Rule results in the report. Every source speaks for itself, and what is missing stands before what is met."""

from __future__ import annotations

from lutetia.model import Course
from lutetia.outputs.report.blocks import Block, Paragraph, Section
from lutetia.outputs.report.verdicts.history import history_table
from lutetia.outputs.report.verdicts.profiles import profile_table
from lutetia.outputs.report.verdicts.questions import question_table
from lutetia.outputs.report.verdicts.results import result_table, system_tables
from lutetia.outputs.report.verdicts.words import subject_lesion

#: Shown with every lesion already, in the lesion table.
_SHOWN_ELSEWHERE = {"krenning-modified", "krenning-spect"}


def verdict_section(course: Course) -> Section | None:
    """What each rule says: open questions first, then each system for itself. None when no rule was asked."""
    verdicts = [verdict for verdict in course.verdicts if verdict.get("rule") not in _SHOWN_ELSEWHERE]
    if not verdicts:
        return None
    profiles = [verdict for verdict in verdicts if verdict.get("gates")]
    results = [verdict for verdict in verdicts if not verdict.get("gates")]
    patient = [verdict for verdict in results if not subject_lesion(verdict)]
    words = (
        "Each source speaks for itself; nothing is merged into one answer, and none of these is a recommendation. "
        "Several results in one place mean that the answers given so far leave all of these possible."
    )
    blocks: list[Block] = [Paragraph(words, "muted")]
    if course.questions:
        blocks.append(question_table(course))
    if patient:
        blocks.append(result_table(patient))
    blocks += system_tables([verdict for verdict in results if subject_lesion(verdict)])
    if profiles:
        blocks.append(profile_table(profiles))
    history = history_table(course)
    if history is not None:
        blocks.append(history)
    return Section("What the rules say", tuple(blocks), anchor="rules")
