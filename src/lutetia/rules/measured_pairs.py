"""What a course shows of a lesion beyond its own foci: places without a focus, pairs of tracers, comparability."""

from __future__ import annotations

from collections.abc import Mapping

from lutetia.model import Course, Lesion, Place
from lutetia.rules.facts import UNKNOWN, Fact
from lutetia.rules.pairings import Pairing, comparison_of

#: events of a lesion's history after which nothing is left of it at its place
_ENDED = ("resolved", "merged")


def visit_order(course: Course) -> dict[str, int]:
    """Position of every study's visit in the course; studies without a visit follow their own order."""
    order = {study: number for number, visit in enumerate(course.visits) for study in visit.studies}
    for number, study in enumerate(course.studies):
        order.setdefault(study.id, number)
    return order


def per_visit(lesion: Lesion, order: Mapping[str, int]) -> dict[str, dict[str, Fact]]:
    """What each study shows at the place of a lesion, from the visit on in which it was first seen.

    Parameters
    ----------
    lesion : a lesion of a course
    order : position of each study's visit (`visit_order`)

    Returns
    -------
    dict
        study → facts of an observation (``observation.focal``, ``observation.in_field``, ``observation.gone``) and, at
        the SSTR study of a pair, what depends on both tracers.
    """
    if not lesion.observations:
        return {}
    own = {observation.study for observation in lesion.observations}
    sizes = {o.study: o.ct_long_axis_mm or o.long_axis_mm for o in lesion.observations}
    first = min(order.get(study, 0) for study in own)
    found: dict[str, dict[str, Fact]] = {}
    for place in lesion.places:
        if place.study in own or order.get(place.study, 0) < first:
            continue
        found[place.study] = _at_place(place)
    for event in lesion.history:
        if event.event not in _ENDED or (event.study in own and lesion.merged_into is None):
            continue
        if event.event == "merged" and lesion.merged_into is None:
            continue  # the lesion that took the others in
        found.setdefault(event.study, {}).update({"observation.focal": False, "observation.gone": True})
    for pair in lesion.pairs:
        if order.get(pair.sstr_study, 0) < first:
            continue
        here = found.setdefault(pair.sstr_study, {})
        if pair.normalised_ratio is not None and pair.phenotype.endswith("fdg+"):
            here["lesion.fdg_sstr_ratio"] = float(pair.normalised_ratio)
        size = sizes.get(pair.fdg_study)
        if pair.sstr_study not in own and size is not None:
            here["lesion.size_mm"] = float(size)
        if pair.definition == "liver":
            here.update(_without_focus(pair.phenotype, pair.sstr_study in own, pair.fdg_study in own))
    return {study: facts for study, facts in found.items() if facts}


def _at_place(place: Place) -> dict[str, Fact]:
    """No focus where it was imaged; its uptake is the mean of its core, which the scales grade like a focus."""
    if not place.in_field:
        return {"observation.in_field": False}
    facts: dict[str, Fact] = {"observation.focal": False, "observation.in_field": True}
    if place.core_mean is not None:
        facts["observation.suv_max"] = float(place.core_mean)
    return facts


def _without_focus(phenotype: str, sstr_focus: bool, fdg_focus: bool) -> dict[str, Fact]:
    """Above the liver without a focus of its own: neither positive nor negative, so the question stays open."""
    facts: dict[str, Fact] = {}
    if "sstr+" in phenotype and not sstr_focus:
        facts["lesion.sstr_positive_liver"] = UNKNOWN
    if "fdg+" in phenotype and not fdg_focus:
        facts["lesion.fdg_positive_liver"] = UNKNOWN
    return facts


def patient_facts(course: Course, visit: str | None = None) -> dict[str, Fact]:
    """Facts of the patient that only a course shows: discordant tissue of a visit, a treatment between its scans.

    Parameters
    ----------
    course : with phenotypes
    visit : the visit; None takes the last with phenotypes
    """
    facts: dict[str, Fact] = {}
    background = [
        record for record in course.phenotypes if record.definition == "background" and visit in (None, record.visit)
    ]
    if background:
        volume = background[-1].volume_ml.get("sstr-/fdg+")
        if volume is not None:
            facts["imaging.discordant_volume_ml"] = float(volume)
        days = {study.id: study.day for study in course.studies}
        sstr, fdg = days.get(background[-1].sstr_study), days.get(background[-1].fdg_study)
        therapies = [study.day for study in course.studies if study.tracer.startswith("lu177")]
        if sstr and fdg and any(min(sstr, fdg) < day < max(sstr, fdg) for day in therapies if day):
            facts["therapy.between_sstr_and_fdg"] = True
    return facts


def thyroid_facts(course: Course, pairing: Pairing | None) -> dict[str, dict[str, Fact]]:
    """Study → facts on the thyroid at the two SSTR scans of a pairing; empty where it was not measured in both.

    A thyroid that the earlier scan showed and that the later one measured at its place is one that should show uptake.
    """
    if pairing is None or pairing.previous is None or pairing.sstr is None:
        return {}
    comparison = comparison_of(course, pairing.previous, pairing.sstr)
    measured = comparison.measured if comparison is not None else {}
    if not {"thyroid_earlier", "thyroid_later"} <= set(measured):
        return {}
    return {
        pairing.previous: {"visit.thyroid": measured["thyroid_earlier"], "visit.thyroid_present": True},
        pairing.sstr: {"visit.thyroid": measured["thyroid_later"], "visit.thyroid_present": True},
    }


def comparison_issues(course: Course) -> tuple[tuple[str, str, str], ...]:
    """Reservations against comparing the last two SSTR scans in numbers."""
    sstr = [s.id for s in course.studies if s.is_sstr_pet]
    if len(sstr) < 2:
        return ()
    pair = (sstr[-2], sstr[-1])
    return tuple(
        ("COMPARABILITY", "caution", f"{item.earlier} and {item.later}: {item.note or item.verdict.replace('_', ' ')}")
        for item in course.comparability
        if (item.earlier, item.later) == pair and item.verdict != "comparable"
    )
