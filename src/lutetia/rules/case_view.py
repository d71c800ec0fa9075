"""A typed case as the rules see it: which visit plays which role, and the facts under those roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutetia.rules.case import CaseLesion, TypedCase, Visit
from lutetia.rules.evaluate import patient_view
from lutetia.rules.facts import UNKNOWN, Fact, FactView
from lutetia.rules.loader import RuleSet
from lutetia.rules.rollup import Rollup
from lutetia.rules.verdict import Note

#: the rule whose list of target lesions other rules use
TARGET_LIST = "sstr-rads-1.0-overall"

SSTR_PET = ("agonist_ga68", "agonist_cu64", "agonist_f18", "antagonist")


def roles_of(case: TypedCase, vocabulary: Any) -> dict[str, str]:
    """Which visit plays which role: latest SSTR PET, nearest FDG, the SSTR PET before, latest SPECT."""
    roles = dict(case.read)
    classes = {visit.id: tracer_class(visit, vocabulary) for visit in case.visits}
    sstr = sorted(
        (v for v in case.visits if classes[v.id] in SSTR_PET), key=lambda v: v.day if v.day is not None else -1
    )
    if sstr and "sstr" not in roles:
        roles["sstr"] = sstr[-1].id
    now = next((v for v in case.visits if v.id == roles.get("sstr")), None)
    earlier = [v for v in sstr if now is not None and v.id != now.id and (v.day or 0) <= (now.day or 0)]
    if earlier and "previous" not in roles:
        roles["previous"] = earlier[-1].id
    fdg = [v for v in case.visits if classes[v.id] == "fdg"]
    if fdg and "fdg" not in roles:
        day = now.day if now is not None and now.day is not None else None
        roles["fdg"] = (min(fdg, key=lambda v: abs((v.day or 0) - day)) if day is not None else fdg[-1]).id
    spect = [v for v in case.visits if classes[v.id] == "therapy"]
    if spect and "spect" not in roles:
        roles["spect"] = spect[-1].id
    return roles


def tracer_class(visit: Visit, vocabulary: Any) -> str:
    """Class of a visit's tracer as the vocabulary derives it; "not_listed" where it has none."""
    view = FactView(visit.facts, vocabulary)
    value = view.get("visit.tracer_class")
    return str(value) if isinstance(value, str) else "not_listed"


def view_of_case(case: TypedCase, rules: RuleSet, roles: Mapping[str, str]) -> FactView:
    """The patient as rules see it, with visits in their roles."""
    facts: dict[str, Fact] = dict(case.facts)
    visits = {visit.id: visit for visit in case.visits}
    for role, name in roles.items():
        for fact, value in visits[name].facts.items():
            facts[f"{role}.{fact.removeprefix('visit.')}"] = value
    if facts.get("therapy.splenectomy") is True:
        for role in roles:
            facts.setdefault(f"{role}.spleen_state", "removed")
    facts.setdefault("imaging.fdg_done", "fdg" in roles)
    has_pet = "sstr" in roles
    scintigraphy = any(tracer_class(v, rules.vocabulary) == "scintigraphy" for v in case.visits)
    facts["imaging.sstr_done"] = has_pet or scintigraphy
    if has_pet or scintigraphy:
        facts["imaging.sstr_modality"] = "pet" if has_pet else "scintigraphy"
    present = [lesion for lesion in case.lesions if _absence(lesion, roles) is None]
    view = patient_view(
        rules,
        facts,
        [_lesion_facts(lesion, case, roles) for lesion in present],
        [lesion.id for lesion in present],
    )
    _list_targets(view, rules)
    return view


def _absence(lesion: CaseLesion, roles: Mapping[str, str]) -> str | None:
    """Why a lesion has no part in a reading: not imaged by any of its scans, or gone (or merged) in all of them."""
    seen = [lesion.seen.get(roles[role], {}) for role in ("sstr", "fdg") if role in roles]
    if seen and all(values.get("observation.in_field") is False for values in seen):
        return "not imaged"
    here = [values for values in seen if values.get("observation.in_field") is not False]
    unseen = [v.get("observation.gone") is True or v.get("observation.focal") is False for v in here]
    if here and all(unseen) and any(v.get("observation.gone") is True for v in here):
        return "gone"
    return None


def absent_notes(case: TypedCase, roles: Mapping[str, str]) -> tuple[Note, ...]:
    """Lesions of the case that this reading leaves out, by reason."""
    words = {
        "not imaged": ("NOT-IMAGED", "Not imaged by the scans being read, so in no score: "),
        "gone": (
            "GONE",
            "Resolved (no focus, nothing on CT at their place) or merged into another, so in no score of their own: ",
        ),
    }
    notes: list[Note] = []
    for reason, (code, text) in words.items():
        names = [lesion.id for lesion in case.lesions if _absence(lesion, roles) == reason]
        if names:
            notes.append(Note(code, text + ", ".join(names)))
    return tuple(notes)


def _list_targets(view: FactView, rules: RuleSet) -> None:
    """Mark the target lesions: the reader's own list where there is one, else the list of the overall score."""
    if any(lesion.get("lesion.target") is not UNKNOWN for lesion in view.lesions):
        for lesion in view.lesions:
            lesion.give("lesion.sstr_rads_target", lesion.get("lesion.target") is True)
        return
    body = rules[TARGET_LIST].body if TARGET_LIST in rules else None
    listed = body.targets(view) if isinstance(body, Rollup) else ()
    for lesion in view.lesions if listed else ():
        lesion.give("lesion.sstr_rads_target", lesion.identity in listed)


def _lesion_facts(lesion: CaseLesion, case: TypedCase, roles: Mapping[str, str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = dict(lesion.facts)
    days = {visit.id: visit.day if visit.day is not None else -1 for visit in case.visits}
    now = days.get(roles.get("sstr", ""), 10**9)
    for visit in sorted(lesion.seen, key=lambda name: days.get(name, -1)):
        if days.get(visit, -1) <= now:
            facts |= {n: v for n, v in lesion.seen[visit].items() if n.startswith("lesion.")}
    for role, name in roles.items():
        for fact, value in lesion.seen.get(name, {}).items():
            if fact.startswith("observation."):
                facts[f"lesion.{role}.{fact.removeprefix('observation.')}"] = value
    return facts
