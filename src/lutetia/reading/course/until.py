"""The course as it stood at a visit: what came later is not known yet."""

from __future__ import annotations

from lutetia.model import Course, Lesion, Visit
from lutetia.rules.measured_pairs import visit_order


def until(course: Course, visit: str, spect: str | None = None) -> Course:
    """The course as it stood at a visit: its scans and those before, SPECT only where it is asked for.

    Parameters
    ----------
    course : whole
    visit : the last visit that counts
    spect : the one SPECT that counts
    """
    order = visit_order(course)
    last = next(n for n, v in enumerate(course.visits) if v.id == visit)
    kept = {s.id for s in course.studies if order[s.id] <= last and (not s.is_therapy_spect or s.id == spect)}
    visits = {v.id for v in course.visits[: last + 1]}
    lesions = [_lesion_until(lesion, kept, visits) for lesion in course.lesions]
    return course.model_copy(
        update={
            "studies": tuple(s for s in course.studies if s.id in kept),
            "visits": tuple(_visit_until(v, kept) for v in course.visits[: last + 1]),
            "lesions": tuple(lesion for lesion in lesions if lesion.observations),
            "phenotypes": tuple(p for p in course.phenotypes if p.visit in visits),
        }
    )


def _visit_until(visit: Visit, kept: set[str]) -> Visit:
    return visit.model_copy(update={"studies": tuple(s for s in visit.studies if s in kept)})


def _lesion_until(lesion: Lesion, kept: set[str], visits: set[str]) -> Lesion:
    return lesion.model_copy(
        update={
            "observations": tuple(o for o in lesion.observations if o.study in kept),
            "places": tuple(p for p in lesion.places if p.study in kept),
            "history": tuple(h for h in lesion.history if h.study in kept),
            "pairs": tuple(p for p in lesion.pairs if p.visit in visits),
        }
    )
