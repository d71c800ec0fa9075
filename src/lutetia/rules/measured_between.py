"""What two visits of a course show together, as the facts that rules about change ask for.

Numbers of the software's own outlines are measured facts, as a single scan's are. What would need a reader's eye on CT
(size, correlate) is only proposed. RECIST diameters that a reader typed answer for size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lutetia.model import Comparison, Course, Lesion, Study
from lutetia.rules.correlates import correlate_of
from lutetia.rules.facts import Fact
from lutetia.rules.pairings import Pairing, comparison_of, grades_at, pair_at, pairings, phenotypes_at

#: SUV repeatability, borrowed from FDG (convention C-P26)
SUV_BAND = (0.75, 1.33)
#: RECIST 1.1: an increase counts from 20 % and 5 mm
GROWN, GROWN_MM = 1.20, 5.0
#: a correlate of that size makes a lesion on CT (convention C-P27)
CORRELATE_MM = 10.0

Proposals = dict[str, dict[str, tuple[Any, str]]]


@dataclass
class Between:
    """Facts of the patient and of lesions at one visit, and what is proposed for them (lesion or "patient")."""

    patient: dict[str, Fact] = field(default_factory=dict)
    lesions: dict[str, dict[str, Fact]] = field(default_factory=dict)
    proposals: Proposals = field(default_factory=dict)

    def measured(self, fact: str, value: Any, barred: str = "") -> None:
        """A fact of the patient measured on two scans; only proposed where these may not be compared in numbers."""
        if value is None:
            return
        if barred:
            self.propose("patient", fact, value, barred)
        else:
            self.patient[fact] = value

    def propose(self, subject: str, fact: str, value: Any, reason: str) -> None:
        """Note a value that a reader would have to confirm."""
        self.proposals.setdefault(subject, {})[fact] = (value, reason)


def between(course: Course, pairing: Pairing, order: Mapping[str, int], left_out: Collection[str] = ()) -> Between:
    """Facts at one visit from its comparison with the visit before.

    Parameters
    ----------
    course : with lesions, pairs, phenotypes, comparability
    pairing : which studies
    order : position of each study's visit
    left_out : lesions that an answer calls benign or another malignancy; they have no part in facts of the patient

    Returns
    -------
    Between
        Empty for a first visit.
    """
    found = Between()
    if pairing.previous is None:
        return found
    kept = [lesion for lesion in course.lesions if lesion.counts]
    for lesion in kept:
        facts = _lesion(lesion, pairing, order, found)
        if facts:
            found.lesions[lesion.id] = facts
    _patient(course, [lesion for lesion in kept if lesion.id not in left_out], pairing, order, found)
    return found


def _lesion(lesion: Lesion, pairing: Pairing, order: Mapping[str, int], found: Between) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    before = _seen_before(lesion, pairing)
    if before is not None:
        facts["lesion.seen_before"] = before
    place = lesion.place_in(pairing.previous)
    if place is not None:
        facts["lesion.previous.in_field"] = place.in_field
        if lesion.parent is not None and place.core_mean is not None:
            facts["lesion.previous.suv_max"] = float(place.core_mean)  # a part of what was one lesion then
    size = _last_size(lesion, order, max(order[s] for s in (pairing.sstr, pairing.fdg) if s is not None))
    if size is not None and lesion.observation_in(pairing.sstr) is None:
        facts["lesion.size_mm"] = size
    events = {e.study: e.event for e in lesion.history}
    now = [events[s] for s in (pairing.sstr, pairing.fdg) if s is not None and s in events]
    if "new" in now:
        facts["lesion.new"] = True
    elif now and not all(event in ("baseline", "outside_field") for event in now):
        facts["lesion.new"] = False
    earlier = pair_at(lesion, pairing.previous_visit)
    if _shown_unoutlined(lesion, pairing.fdg_before, events):
        facts["lesion.fdg_positive_before"] = True
    elif earlier is not None and earlier.phenotype != "unknown":
        facts["lesion.fdg_positive_before"] = earlier.phenotype.endswith("fdg+")
    _propose_size(lesion, pairing, found)
    _propose_correlates(lesion, pairing, found)
    return facts


def _shown_unoutlined(lesion: Lesion, study: str | None, events: Mapping[str, str]) -> bool:
    """Whether a study shows an uptake of its own at the place that was not outlined as a focus.

    History then says "baseline" or "stable" of a place: a peak above its surroundings and blood pool in a closed
    contour. What was there before is not newly avid.
    """
    place = lesion.place_in(study)
    shown = events.get(study or "") in ("baseline", "stable")
    return shown and place is not None and place.in_field and lesion.observation_in(study) is None


def _last_size(lesion: Lesion, order: Mapping[str, int], last: int) -> float | None:
    """The last known longest diameter of a lesion up to a visit, mm."""
    sizes = [
        (order.get(o.study, 0), size)
        for o in lesion.observations
        if (size := o.ct_long_axis_mm or o.long_axis_mm) is not None and order.get(o.study, 0) <= last
    ]
    return float(max(sizes)[1]) if sizes else None


def _seen_before(lesion: Lesion, pairing: Pairing) -> bool | None:
    if lesion.observation_in(pairing.previous) is not None:
        return True
    place = lesion.place_in(pairing.previous)
    return False if place is not None and place.in_field else None


def _propose_size(lesion: Lesion, pairing: Pairing, found: Between) -> None:
    """Larger or not, by CT size where both scans have one, else by the volume of the same tracer."""
    tracers = ((pairing.previous, pairing.sstr), (pairing.fdg_before, pairing.fdg))
    for earlier, later in tracers:
        then, now = lesion.observation_in(earlier), lesion.observation_in(later)
        if then is None or now is None or then.ct_long_axis_mm is None or now.ct_long_axis_mm is None:
            continue
        a, b = then.ct_long_axis_mm, now.ct_long_axis_mm
        larger = b >= GROWN * a and b - a >= GROWN_MM
        found.propose(lesion.id, "lesion.larger", larger, f"CT size measured by the software {a:.0f} → {b:.0f} mm")
        return
    for earlier, later in tracers:
        then, now = lesion.observation_in(earlier), lesion.observation_in(later)
        if then is None or now is None:
            continue
        larger = now.volume_ml > 1.30 * then.volume_ml
        reason = f"volume of uptake {then.volume_ml:.1f} → {now.volume_ml:.1f} mL, not a size on CT"
        found.propose(lesion.id, "lesion.larger", larger, reason)
        return


def _propose_correlates(lesion: Lesion, pairing: Pairing, found: Between) -> None:
    place = lesion.place_in(pairing.previous)
    if lesion.observation_in(pairing.fdg_before) is not None:
        found.propose(lesion.id, "lesion.correlate_before", True, "a focus of FDG at the earlier visit")
    elif place is not None and place.in_field:
        seen = place.ct_correlate is not None
        reason = place.ct_correlate or "no density of its own at its place"
        found.propose(lesion.id, "lesion.correlate_before", seen, f"CT of the earlier scan: {reason}")
    now = lesion.observation_in(pairing.sstr)
    if now is not None and now.ct_long_axis_mm is not None:
        found.propose(
            lesion.id,
            "lesion.correlate_now",
            now.ct_long_axis_mm >= CORRELATE_MM,
            f"CT size measured by the software {now.ct_long_axis_mm:.0f} mm",
        )
    elif now is not None and correlate_of(now) == "nil":
        found.propose(lesion.id, "lesion.correlate_now", False, "no correlate on the CT of this scan")


# ------------------------------------------------------------------------------------------------ the patient


def _patient(
    course: Course, kept: Sequence[Lesion], pairing: Pairing, order: Mapping[str, int], found: Between
) -> None:
    studies = {study.id: study for study in course.studies}
    now, then = studies[pairing.sstr or ""], studies[pairing.previous or ""]
    comparison = comparison_of(course, pairing.previous, pairing.sstr)
    facts = found.patient
    if comparison is not None:
        states = {c["id"]: c["state"] for c in comparison.checks}
        if comparison.verdict == "not_comparable":
            facts["imaging.comparable"] = False
        elif comparison.verdict == "comparable" and "indeterminate" not in states.values():
            facts["imaging.comparable"] = True
        elif comparison.verdict == "caution":
            found.propose("patient", "imaging.comparable", True, f"with reservation: {comparison.note}")
        else:
            open_checks = ", ".join(c["title"] for c in comparison.checks if c["state"] == "indeterminate")
            found.propose("patient", "imaging.comparable", True, f"no check failed; not answered: {open_checks}")
        for check, fact in (("Q1", "imaging.same_scanner"), ("Q2", "imaging.same_reconstruction")):
            if states.get(check) in ("met", "not_met"):
                facts[fact] = states[check] == "met"
        if states.get("SSA-THYROID") == "caution":
            found.propose("patient", "therapy.ssa_changed", True, "thyroid and liver uptake fell together")
    glucose = comparison_of(course, pairing.fdg_before, pairing.fdg)
    sstr_note = _barred(comparison, "change of SUV")
    found.measured("imaging.sstr_uptake_raised", uptake_raised(kept, pairing, now, then), sstr_note)
    found.measured("imaging.sstr_uptake_stable", uptake_stable(kept, pairing), sstr_note)
    found.measured("imaging.fdg_uptake_fallen", fdg_fallen(kept, pairing), _barred(glucose, "change of SUV"))
    _volumes(course, pairing, found, _barred(comparison, "change of volume"))
    accumulate = _accumulate(course, kept, pairing, order)
    if accumulate is not None:
        facts["imaging.new_lesions_accumulate"] = accumulate


def uptake_raised(lesions: Sequence[Lesion], pairing: Pairing, now: Study, then: Study) -> bool | None:
    """Whether SSTR uptake (SUVmax or lesion-to-liver beyond the band, or the grade) rose in any lesion."""
    seen = False
    livers = [s.reference_mean("liver") for s in (then, now)]
    for lesion in lesions:
        before, after = grades_at(lesion, pairing.previous), grades_at(lesion, pairing.sstr)
        if before and after:
            seen = True
            if min(after) > max(before):
                return True
        a, b = lesion.observation_in(pairing.previous), lesion.observation_in(pairing.sstr)
        if a is None or b is None:
            continue
        seen = True
        if b.suv_max > SUV_BAND[1] * a.suv_max:
            return True
        if livers[0] and livers[1] and b.suv_max / livers[1] > SUV_BAND[1] * a.suv_max / livers[0]:
            return True
    return False if seen else None


def uptake_stable(lesions: Sequence[Lesion], pairing: Pairing) -> bool | None:
    """Whether every lesion that took up SSTR tracer before does so within the band now; None without any."""
    found = False
    for lesion in lesions:
        a = lesion.observation_in(pairing.previous)
        if a is None:
            continue
        b = lesion.observation_in(pairing.sstr)
        if b is None or not SUV_BAND[0] * a.suv_max <= b.suv_max <= SUV_BAND[1] * a.suv_max:
            return False
        found = True
    return True if found else None


def fdg_fallen(lesions: Sequence[Lesion], pairing: Pairing) -> bool | None:
    """Whether FDG fell by more than 25 %, or to no focus, in every FDG-avid lesion, and none is newly avid."""
    if pairing.fdg is None or pairing.fdg_before is None:
        return None
    found = False
    for lesion in lesions:
        a, b = lesion.observation_in(pairing.fdg_before), lesion.observation_in(pairing.fdg)
        if a is None and b is not None:
            return False
        if a is None:
            continue
        place = lesion.place_in(pairing.fdg)
        if b is None and place is not None and not place.in_field:
            continue
        if b is not None and b.suv_max >= SUV_BAND[0] * a.suv_max:
            return False
        found = True
    return True if found else None


def _barred(comparison: Comparison | None, number: str) -> str:
    """Why a number may not be compared between two scans; "" where it may."""
    return comparison.note if comparison is not None and number in comparison.suppressed else ""


def _volumes(course: Course, pairing: Pairing, found: Between, barred: str) -> None:
    visits = (pairing.previous_visit, pairing.visit)
    both = (d for d in ("background", "liver") if all(phenotypes_at(course, v, d) is not None for v in visits))
    definition = next(both, "background")
    now = phenotypes_at(course, pairing.visit, definition)
    then = phenotypes_at(course, pairing.previous_visit, definition)
    if now is not None and then is not None:
        a, b = then.volume_ml.get("sstr-/fdg+"), now.volume_ml.get("sstr-/fdg+")
        if a and b is not None:
            percent = max(-100.0, min(10000.0, round(100 * (b / a - 1), 2)))
            found.measured("imaging.fdg_low_volume_change_percent", percent, barred)
    change = next(
        (
            c
            for c in course.phenotype_changes
            if (c.later_visit, c.earlier_visit) == (pairing.visit, pairing.previous_visit)
            and c.definition == definition
            and c.phenotype == "sstr-/fdg+"
        ),
        None,
    )
    if change is not None and change.judgement != "unknown":
        grown = change.judgement in ("appeared", "higher")
        found.measured("imaging.discordant_volume_grown", grown, change.note)
    totals = [
        next((s.summary.volume_ml for s in course.studies if s.id == name and s.summary is not None), None)
        for name in (pairing.previous, pairing.sstr)
    ]
    if totals[0] and totals[1] is not None:
        percent = round(100 * (totals[1] / totals[0] - 1), 2)
        found.measured("imaging.sstr_volume_change_percent", max(-100.0, min(10000.0, percent)), barred)


def _accumulate(course: Course, lesions: Sequence[Lesion], pairing: Pairing, order: Mapping[str, int]) -> bool | None:
    """New lesions at two visits in a row, or none at all; one visit with new lesions settles nothing."""
    sequence = [p for p in pairings(course) if order[p.sstr or ""] <= order[pairing.sstr or ""]]
    new = [
        any(e.study == p.sstr and e.event == "new" for lesion in lesions for e in lesion.history)
        for p in sequence
        if p.previous is not None
    ]
    if len(new) >= 2 and new[-1] and new[-2]:
        return True
    return False if new and not new[-1] else None
