"""Which studies of a course belong together at a visit, what they are compared with, what each shows of a lesion."""

from __future__ import annotations

from dataclasses import dataclass

from lutetia.model import Comparison, Course, Grade, Lesion, Phenotypes, TracerPair, Visit


@dataclass(frozen=True)
class Pairing:
    """The studies of one visit and what they are compared with; ids, None where there is none."""

    visit: str
    sstr: str | None
    fdg: str | None
    previous: str | None = None
    fdg_before: str | None = None
    previous_visit: str | None = None

    def roles(self, spect: str | None = None) -> dict[str, str]:
        """Role → study, as rules name them: "sstr", "fdg", "previous", and "spect" where one is given."""
        named = {"sstr": self.sstr, "fdg": self.fdg, "previous": self.previous, "spect": spect}
        return {role: study for role, study in named.items() if study is not None}


def in_time(course: Course, visit: Visit) -> bool:
    """Whether a visit has a date; one without is neither earlier nor later than another."""
    return visit.first_date is not None or any(s.day is not None for s in course.studies if s.id in visit.studies)


def pairings(course: Course) -> tuple[Pairing, ...]:
    """The visits with an SSTR PET, in order, each with its FDG and the SSTR and FDG studies before it.

    With a visit that has no date nothing is compared: nobody knows whether it came before.
    """
    dated = {visit.id for visit in course.visits if in_time(course, visit)}
    studies = {study.id: study for study in course.studies}
    out: list[Pairing] = []
    for visit in course.visits:
        members = [studies[name] for name in visit.studies if name in studies]
        sstr = next((s.id for s in members if s.is_sstr_pet), None)
        fdg = next((s.id for s in members if s.is_fdg), None)
        if sstr is None:
            continue
        earlier = [p for p in out if p.visit in dated and visit.id in dated]
        before = next(reversed(earlier), None)
        fdg_before = next((p.fdg for p in reversed(earlier) if p.fdg is not None), None)
        out.append(
            Pairing(visit.id, sstr, fdg, before.sstr if before else None, fdg_before, before.visit if before else None)
        )
    return tuple(out)


def grade_of(grade: Grade | None) -> tuple[int, ...]:
    """The grades that a scale left possible, as numbers."""
    return tuple(sorted(int(g) for g in grade.value)) if grade is not None else ()


def grades_at(lesion: Lesion, study: str | None) -> tuple[int, ...]:
    """Grades of a lesion in a study: of its focus, else of its place; () where neither has one."""
    focus = lesion.observation_in(study)
    if focus is not None:
        return grade_of(focus.krenning_modified or focus.krenning_spect)
    place = lesion.place_in(study)
    return grade_of(place.krenning_modified) if place is not None else ()


def pair_at(lesion: Lesion, visit: str | None, definition: str = "background") -> TracerPair | None:
    """The pair of tracers of a lesion at a visit."""
    return next((p for p in lesion.pairs if p.visit == visit and p.definition == definition), None)


def comparison_of(course: Course, earlier: str | None, later: str | None) -> Comparison | None:
    """The comparability of two studies."""
    return next((c for c in course.comparability if (c.earlier, c.later) == (earlier, later)), None)


def phenotypes_at(course: Course, visit: str | None, definition: str = "background") -> Phenotypes | None:
    """Phenotype volumes of a visit."""
    return next((p for p in course.phenotypes if p.visit == visit and p.definition == definition), None)
