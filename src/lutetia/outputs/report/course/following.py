"""Which lesions of a course are followed, and what each study shows of one."""

from __future__ import annotations

from typing import Literal

from lutetia.model import Course, Lesion, Study
from lutetia.outputs.report import wording

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

DEFINITION = "background"

Level = Literal["at or below blood pool", "between blood pool and liver", "above liver"]


def tracer_group(study: Study) -> str:
    """Which lane of a course a study belongs to: "SSTR PET", "FDG PET", "therapy SPECT" or "other"."""
    if study.is_therapy_spect:
        return "therapy SPECT"
    if study.is_sstr_pet:
        return "SSTR PET"
    if study.is_fdg or study.tracer == "fdg":
        return "FDG PET"
    return "other"


def followed(course: Course) -> tuple[Lesion, ...]:
    """The lesions of a course: what was set apart or rejected is not followed."""
    return tuple(lesion for lesion in course.lesions if lesion.counts)


def visit_words(visit: str | None) -> str:
    """``visit-2`` → ``visit 2``."""
    return (visit or "–").replace("-", " ")


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
    """Where a lesion's SSTR uptake lies in one study, by the modified Krenning grade of its focus or of its place."""
    seen = lesion.observation_in(study.id) or lesion.place_in(study.id)
    if seen is None or seen.krenning_modified is None:
        return None
    grades = [int(g) for g in seen.krenning_modified.value if g.isdigit()]
    if grades and max(grades) <= 1:
        return "at or below blood pool"
    if grades and min(grades) >= 3:
        return "above liver"
    return "between blood pool and liver" if grades == [2] else None


def previous_study(course: Course, study: Study) -> Study | None:
    """The last earlier study with the same tracer, of an earlier visit where visits are known."""
    earlier = course.studies[: [s.id for s in course.studies].index(study.id)]
    same = [s for s in earlier if s.tracer == study.tracer and (s.visit is None or s.visit != study.visit)]
    return same[-1] if same else None


def class_words(kind: str) -> str:
    """``sstr+/fdg-`` → ``SSTR+ / FDG−``."""
    return kind.replace("/", " / ").replace("sstr", "SSTR").replace("fdg", "FDG").replace("-", "−")


def study_title(study: Study) -> str:
    """``visit 1: 68Ga-DOTATATE, 3 Sep 2025``."""
    title = f"{wording.tracer_words(study)}, {wording.date_words(study.date, short=True)}"
    return f"{visit_words(study.visit)}: {title}" if study.visit else title


def named_study(course: Course, study_id: str) -> str:
    """The title of a study by its id."""
    return next((study_title(study) for study in course.studies if study.id == study_id), study_id)
