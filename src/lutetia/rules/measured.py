"""What was measured, as a typed case: so that images and typed cases meet the same rules."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from lutetia.model import Course, Lesion, Observation, Reference, Study
from lutetia.rules.case import CaseLesion, TypedCase, Visit
from lutetia.rules.correlates import correlate_of
from lutetia.rules.facts import Fact, fact_of
from lutetia.rules.measured_between import Between, between
from lutetia.rules.measured_pairs import comparison_issues, patient_facts, per_visit, thyroid_facts, visit_order
from lutetia.rules.measured_timeline import facts_at, ssa_at
from lutetia.rules.pairings import Pairing, pairings
from lutetia.rules.recist_visits import judge
from lutetia.rules.timeline import TimelineEntry
from lutetia.rules.vocabulary import built_in_vocabulary

_TRACERS = {
    ("dotatate", "68Ga"): "ga68-dotatate",
    ("dotatoc", "68Ga"): "ga68-dotatoc",
    ("dotanoc", "68Ga"): "ga68-dotanoc",
    ("jr11", "68Ga"): "ga68-nodaga-jr11",
    ("lm3", "68Ga"): "ga68-nodaga-lm3",
    ("pentetreotide", "111In"): "in111-pentetreotide",
    ("octreoscan", "111In"): "in111-pentetreotide",
}
_SITE_OF_TISSUE = {"liver": "liver", "bone": "bone", "lung": "lung"}
_SITE_OF_NODE = {
    "node retroperitoneal": "retroperitoneal_nodes",
    "node mediastinal": "mediastinal_nodes",
    "node hilar": "mediastinal_nodes",
    "node supraclavicular": "supraclavicular_nodes",
    "node axillary": "axillary_nodes",
    "node inguinal": "inguinal_nodes",
    "node mesenteric": "mesentery",
}
#: SUV bases as the vocabulary names them
_SUV_TYPES = {
    "bw": "bw",
    "lbm": "lbm_james120",
    "lbmjames128": "lbm_james128",
    "lbmjanma": "lbm_janmahasatian",
    "bsa": "bsa",
    "ibw": "ibw",
}
#: RECIST diameters within so many days of a scan speak for it
RECIST_DAYS = 60


def case_of_course(course: Course, case: TypedCase | None = None, pairing: Pairing | None = None) -> TypedCase:
    """A typed case of what the course holds.

    Lesions that were called physiological or rejected are left out (they stay in the record). A lesion found by the
    software is a focus by definition; at a place that a later scan shows without a focus there is none, and a place
    outside the field says nothing. What the images only propose (CT correlate, comparison of tracers by ratio) stays a
    proposal. Facts and answers of `case` stand before measured ones; its lesions are matched by id. What changed since
    the visit before is that of `pairing`, by default of the last visit with an SSTR PET.
    """
    if pairing is None:
        pairing = next(reversed(pairings(course)), None)
    entries = case.timeline if case is not None else ()
    answers = {lesion.id: lesion for lesion in case.lesions} if case else {}
    thyroid = thyroid_facts(course, pairing)
    visits = tuple(_visit(study, entries, thyroid.get(study.id)) for study in course.studies)
    kept = [lesion for lesion in course.lesions if lesion.counts]
    order = visit_order(course)
    change = between(course, pairing, order, not_this_tumour(answers)) if pairing is not None else Between()
    if case is not None and pairing is not None:
        _sizes_of_reader(case, course, pairing, kept, change)
    lesions = tuple(
        _with_change(_lesion(lesion, answers.get(lesion.id), order), answers.get(lesion.id), change, pairing)
        for lesion in kept
    )
    facts: dict[str, Fact] = _patient(course) | patient_facts(course, pairing.visit if pairing else None)
    facts |= _dated_facts(course, entries, pairing) | change.patient
    apart = [s.summary.lesions_more_than_2cm_apart for s in course.studies if s.summary is not None]
    if apart and apart[-1] is not None:
        facts["imaging.lesions_more_than_2cm_apart"] = apart[-1]
    proposals: dict[str, dict[str, tuple[Any, str]]] = {k: dict(v) for k, v in change.proposals.items()}
    for lesion in kept:
        proposed = _correlate(lesion)
        if proposed is not None:
            reason = "CT density and size on this scan"
            proposals.setdefault(lesion.id, {})["lesion.correlate"] = (proposed, reason)
    return TypedCase(
        id=course.patient.id,
        facts={**facts, **(case.facts if case else {})},
        visits=visits or (case.visits if case else ()),
        lesions=lesions,
        conventions=case.conventions if case else {},
        read={k: v for k, v in (case.read if case else {}).items() if v in {visit.id for visit in visits}},
        proposals=proposals,
        issues=(case.issues if case else ()) + comparison_issues(course),
        timeline=entries,
        recist=case.recist if case else None,
    )


def not_this_tumour(answers: Mapping[str, CaseLesion]) -> frozenset[str]:
    """Ids of the lesions that an answer calls benign, physiological or another malignancy. No number ever does.

    Parameters
    ----------
    answers : lesions of the case by id
    """
    other = {"lesion.nen": ("benign", "second_malignancy"), "lesion.proof": ("benign", "physiological", "non_net")}
    return frozenset(
        name
        for name, answer in answers.items()
        if any(answer.facts.get(fact) in values for fact, values in other.items())
    )


def _dated_facts(course: Course, entries: tuple[TimelineEntry, ...], pairing: Pairing | None) -> dict[str, Fact]:
    """Facts from the dated entries of the case, as of the visit that is read."""
    if not entries:
        return {}
    days = {study.id: study.day for study in course.studies}
    now = days.get(pairing.sstr or "") if pairing is not None else max((d for d in days.values() if d), default=None)
    if now is None:
        return {}
    facts = facts_at(entries, now, days.get(pairing.previous or "") if pairing is not None else None)
    other = days.get(pairing.fdg or "") if pairing is not None else None
    first, last = (min(now, other), max(now, other)) if other is not None else (now, now)
    if any(e.kind == "treatment" and first < e.date < last for e in entries):
        facts["therapy.between_sstr_and_fdg"] = True
    return facts


def _sizes_of_reader(case: TypedCase, course: Course, pairing: Pairing, kept: list[Lesion], change: Between) -> None:
    """RECIST diameters that a reader typed: judged without progression, no lesion is unequivocally larger."""
    now = next((s.day for s in course.studies if s.id == pairing.sstr), None)
    if case.recist is None or now is None or pairing.previous is None:
        return
    near = [
        v for v in judge(case.recist).visits if abs((datetime.date.fromisoformat(v.date) - now).days) <= RECIST_DAYS
    ]
    judged = min(near, key=lambda v: abs((datetime.date.fromisoformat(v.date) - now).days), default=None)
    if judged is None or judged.overall not in ("CR", "PR", "SD"):
        return
    for lesion in kept:
        change.lesions.setdefault(lesion.id, {})["lesion.larger"] = False


def _with_change(
    lesion: CaseLesion, answers: CaseLesion | None, change: Between, pairing: Pairing | None
) -> CaseLesion:
    """The lesion with what changed since the visit before; an answer of the reader stands before it."""
    found = change.lesions.get(lesion.id)
    if not found or pairing is None or pairing.sstr is None:
        return lesion
    own = lesion.seen.get(pairing.sstr, {})
    answered = {*(answers.facts if answers else {}), *own}
    new = {name: value for name, value in found.items() if name not in answered}
    return CaseLesion(lesion.id, lesion.facts, {**lesion.seen, pairing.sstr: {**own, **new}})


def _patient(course: Course) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    sex = {"F": "female", "M": "male", "O": "other"}.get((course.patient.sex or "").upper())
    if sex is not None:
        facts["patient.sex"] = sex
    for study in course.studies:
        if study.acquisition.age_years is not None:
            facts["patient.age_years"] = float(study.acquisition.age_years)
        if study.acquisition.weight_kg is not None and 1 <= study.acquisition.weight_kg <= 400:
            facts["patient.weight_kg"] = float(study.acquisition.weight_kg)
    return facts


def tracer_name(study: Study) -> str:
    """The tracer of a study as the rules name it; "other" when they have no name for it."""
    values = built_in_vocabulary()["visit.tracer"].values
    key = study.tracer.lower()
    nuclide = study.tracer_detail.radionuclide if study.tracer_detail else ""
    return _TRACERS.get((key, nuclide or "68Ga")) or (key if key in values else "other")


def _visit(study: Study, entries: tuple[TimelineEntry, ...] = (), more: Mapping[str, Fact] | None = None) -> Visit:
    facts: dict[str, Fact] = {"visit.tracer": tracer_name(study), **(more or {})}
    if study.day is not None:
        facts["visit.date"] = study.day.toordinal()
    for name in ("liver", "spleen", "blood_pool"):
        mean = study.reference_mean(name)
        if mean is not None:
            facts[f"visit.{name}"] = float(mean)
    state = _spleen_state(study.references.get("spleen"))
    if state is not None:
        facts["visit.spleen_state"] = state
    acquisition = study.acquisition
    if acquisition.uptake_minutes is not None and acquisition.uptake_minutes >= 0:
        facts["visit.uptake_minutes"] = float(acquisition.uptake_minutes)
    if acquisition.injected_mbq is not None and acquisition.injected_mbq >= 0:
        facts["visit.injected_mbq"] = float(acquisition.injected_mbq)
    if acquisition.glucose_mmol_l is not None and 0 <= acquisition.glucose_mmol_l <= 60:
        facts["visit.glucose"] = float(acquisition.glucose_mmol_l)
    if acquisition.manufacturer or acquisition.model:
        facts["visit.scanner"] = " ".join(part for part in (acquisition.manufacturer, acquisition.model) if part)
    if acquisition.reconstruction:
        facts["visit.reconstruction"] = acquisition.reconstruction
    if acquisition.earl in ("EARL1", "EARL2"):
        facts["visit.earl"] = acquisition.earl.lower()
    if study.suv is not None and study.suv.basis in _SUV_TYPES:
        facts["visit.suv_type"] = _SUV_TYPES[study.suv.basis]
    if acquisition.uptake_minutes is not None and acquisition.weight_kg is not None:
        facts["visit.injection_time_known"] = True
    liver = study.references.get("liver")
    if liver is not None and liver.status in ("ok", "user"):
        facts["visit.liver_usable"] = True
    elif liver is not None and liver.status in ("absent", "outside_field", "fallback"):
        facts["visit.liver_usable"] = False
    if study.modality.startswith("SPECT") and acquisition.uptake_minutes is not None:
        facts["visit.hours_after_injection"] = round(acquisition.uptake_minutes / 60, 2)
    kind, days = ssa_at(entries, study.day) if study.day is not None else (None, None)
    if kind is not None:
        facts["visit.ssa"] = kind
    if days is not None:
        facts["visit.ssa_days"] = float(days)
    return Visit(study.id, facts)


def _spleen_state(reference: Reference | None) -> str | None:
    if reference is None:
        return None
    found = "present" if reference.suv_mean is not None else None  # not seen is not "there"
    return {"absent": "removed", "outside_field": "outside_field"}.get(reference.status, found)


def _lesion(lesion: Lesion, answers: CaseLesion | None, order: Mapping[str, int]) -> CaseLesion:
    facts: dict[str, Fact] = {"lesion.place": lesion.site} if lesion.site else {}
    sites = built_in_vocabulary()["lesion.site"].values
    plain = lesion.site.lower().replace(" ", "_")
    named = _SITE_OF_NODE.get(lesion.site.lower()) or (plain if plain in sites else None)
    site = _SITE_OF_TISSUE.get(lesion.tissue) or named
    if site is not None:
        facts["lesion.site"] = site
    facts["lesion.tissue"] = "bone" if lesion.tissue == "bone" else "soft"
    facts["lesion.in_liver"] = lesion.tissue == "liver"
    if lesion.region == "lymph_nodes":
        facts["lesion.system"] = "lymph_nodes"
    seen: dict[str, dict[str, Fact]] = {o.study: _observation(o) for o in lesion.observations}
    for study, values in per_visit(lesion, order).items():
        seen[study] = {**values, **seen.get(study, {})}
    if answers is not None:
        facts |= answers.facts
        for visit, answered in answers.seen.items():
            seen[visit] = {**seen.get(visit, {}), **answered}
    return CaseLesion(lesion.id, facts, seen)


def _observation(observation: Observation) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "observation.suv_max": float(observation.suv_max),
        "observation.suv_mean": float(observation.suv_mean),
        "observation.volume_ml": float(observation.volume_ml),
        "observation.focal": True,
        "observation.in_field": True,
    }
    optional = {
        "suv_peak": observation.suv_peak,
        "size_mm": observation.ct_long_axis_mm or observation.long_axis_mm,
        "short_axis_mm": observation.short_axis_mm,
        "coefficient_of_variation": observation.coefficient_of_variation,
    }
    facts |= {f"observation.{name}": float(value) for name, value in optional.items() if value is not None}
    for name in ("krenning_p10", "krenning_p90"):
        grades = getattr(observation, name)
        if grades:
            facts[f"observation.{name}"] = fact_of([int(g) for g in grades])
    return facts


def _correlate(lesion: Lesion) -> str | None:
    return next((c for c in map(correlate_of, reversed(lesion.observations)) if c is not None), None)
