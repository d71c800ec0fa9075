"""A typed case through every rule: verdicts side by side, open questions ranked, and what would change them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lutetia.model import Course
from lutetia.rules.case import CaseLesion, TypedCase, Visit, iso_day, read_case
from lutetia.rules.crosswalk import Crosswalk, crosswalk
from lutetia.rules.evaluate import evaluate, patient_view
from lutetia.rules.facts import UNKNOWN, Fact, FactView, OneOf
from lutetia.rules.loader import Rule, RuleSet, load_rules
from lutetia.rules.needs import needs_of
from lutetia.rules.profile import Profile
from lutetia.rules.recist_case import RecistResult, judge
from lutetia.rules.rollup import Rollup
from lutetia.rules.rule import spell
from lutetia.rules.scale import Scale
from lutetia.rules.table import Table
from lutetia.rules.verdict import Change, Note, Question, Verdict
from lutetia.rules.vocabulary import FactDefinition

#: with more unsettled lesions than this, what one of them would change in the overall score says nothing
MAX_UNSETTLED = 12
#: the rule whose list of target lesions other rules use
TARGET_LIST = "sstr-rads-1.0-overall"
#: the subject under which proposals for facts of the patient stand
PATIENT = "patient"
SSTR_PET = ("agonist_ga68", "agonist_cu64", "agonist_f18", "antagonist")
FOOTER = (
    "Lutetia is open-source research software. It is not a medical device, not cleared or certified by any "
    "authority, and not intended for diagnosis, treatment selection, dosing, monitoring or prognosis of individual "
    "patients. Results need reading by qualified physicians."
)


@dataclass(frozen=True)
class HistoryEntry:
    """What a lesion rule gave at one visit."""

    rule: str
    lesion: str
    visit: str
    date: str
    results: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """All verdicts on one case. Nothing is merged: each rule speaks for itself."""

    case: str
    roles: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    questions: tuple[Question, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    notes: tuple[Note, ...] = ()
    conventions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    crosswalk: Crosswalk | None = None
    recist: RecistResult | None = None

    def of(self, rule: str, subject: str | None = None) -> tuple[Verdict, ...]:
        """The verdicts of one rule (for one subject)."""
        return tuple(v for v in self.verdicts if v.rule == rule and (subject is None or v.subject == subject))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "case": self.case,
            "research_use": FOOTER,
            "roles": dict(self.roles),
            "conventions_chosen": dict(self.conventions),
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
            "crosswalk": self.crosswalk.as_dict() if self.crosswalk is not None else None,
            "recist": self.recist.as_dict() if self.recist is not None else None,
            "questions": [dataclasses.asdict(question) for question in self.questions],
            "history": [dataclasses.asdict(entry) for entry in self.history],
            "notes": [{"code": n.code, "message": n.message, "level": n.level} for n in self.notes],
        }


def roles_of(case: TypedCase, vocabulary: Any) -> dict[str, str]:
    """Which visit plays which role: latest SSTR PET, nearest FDG, the SSTR PET before, latest SPECT."""
    roles = dict(case.read)
    classes = {visit.id: _tracer_class(visit, vocabulary) for visit in case.visits}
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


def _tracer_class(visit: Visit, vocabulary: Any) -> str:
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
    scintigraphy = any(_tracer_class(v, rules.vocabulary) == "scintigraphy" for v in case.visits)
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
    """Why a lesion has no part in a reading: not imaged by any of its scans, or gone from all of them."""
    seen = [lesion.seen.get(roles[role], {}) for role in ("sstr", "fdg") if role in roles]
    if seen and all(values.get("observation.in_field") is False for values in seen):
        return "not imaged"
    here = [values for values in seen if values.get("observation.in_field") is not False]
    unseen = [v.get("observation.gone") is True or v.get("observation.focal") is False for v in here]
    if here and all(unseen) and any(v.get("observation.gone") is True for v in here):
        return "gone"
    return None


def _absent_notes(case: TypedCase, roles: Mapping[str, str]) -> tuple[Note, ...]:
    """Lesions of the case that this reading leaves out, by reason."""
    words = {
        "not imaged": ("NOT-IMAGED", "Not imaged by the scans being read, so in no score: "),
        "gone": ("GONE", "No focus and nothing on CT at their place any more, so in no score: "),
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


def score(
    case: TypedCase | str | Path,
    rules: RuleSet | None = None,
    *,
    conventions: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    questions: bool = True,
) -> Score:
    """Apply every rule to a typed case.

    Parameters
    ----------
    case : a checked case (`read_case`), or the path of a typed case in YAML
    rules : the rules; the built-in ones by default
    conventions : options chosen on top of those of the case
    only : ids of rules to apply
    questions : also rank the open questions and what would change the result

    Returns
    -------
    Score
        One verdict per rule and subject.
    """
    if not isinstance(case, TypedCase):
        case = read_case(Path(case))
    chosen = {**case.conventions, **(conventions or {})}
    at_hand = (rules or load_rules()).with_choices(chosen) if chosen else (rules or load_rules())
    roles = roles_of(case, at_hand.vocabulary)
    view = view_of_case(case, at_hand, roles)
    proposals = _proposals(at_hand, view, case)
    verdicts: list[Verdict] = []
    for rule in at_hand:
        if only is None or rule.id in only:
            verdicts.extend(_verdicts(rule, view, roles, proposals, questions))
    if questions:
        verdicts = _with_overall_effects(verdicts, at_hand, view)
    return Score(
        case=case.id,
        roles=roles,
        verdicts=tuple(verdicts),
        questions=_ranked(verdicts) if questions else (),
        history=_history(case, at_hand, roles, only),
        notes=tuple(Note(code, text, level) for code, level, text in case.issues)
        + _absent_notes(case, roles)
        + _visit_notes(at_hand, view, roles),
        conventions=chosen,
        crosswalk=crosswalk(verdicts, at_hand, view),
        recist=judge(case.recist) if case.recist is not None and only is None else None,
    )


def _verdicts(
    rule: Rule,
    view: FactView,
    roles: Mapping[str, str],
    proposals: Mapping[str, Mapping[str, tuple[Any, str]]],
    questions: bool,
) -> list[Verdict]:
    if rule.file.scope == "patient":
        return [_proposed_for_all(rule, evaluate(rule, view, questions=questions), view, proposals)]
    needed = needs_of(rule)
    found: list[Verdict] = []
    memo: dict[tuple[Any, ...], Verdict] = {}
    for lesion in view.lesions:
        for role in _roles_for(rule, roles):
            seen = lesion.in_role(role)
            key = tuple(seen.get(name) for name in needed)
            if rule.file.scope == "observation" and not _asked(rule, seen):
                continue
            subject = f"{lesion.identity}@{role}" if role else lesion.identity
            if key not in memo:
                memo[key] = evaluate(rule, lesion, role=role, questions=questions)
            verdict = memo[key]
            offered = {**proposals.get(PATIENT, {}), **proposals.get(lesion.identity, {})}
            found.append(_proposed(rule, _for_subject(verdict, subject), lesion, offered))
    return found


def _for_subject(verdict: Verdict, subject: str) -> Verdict:
    if verdict.subject == subject:
        return verdict
    asked = tuple(dataclasses.replace(question, subject=subject) for question in verdict.questions)
    return dataclasses.replace(verdict, subject=subject, questions=asked)


def _roles_for(rule: Rule, roles: Mapping[str, str]) -> tuple[str | None, ...]:
    if rule.file.scope != "observation":
        return (None,)
    if rule.id == "krenning-spect":
        return ("spect",) if "spect" in roles else ()
    return tuple(role for role in ("sstr", "previous") if role in roles)


def _asked(rule: Rule, view: FactView) -> bool:
    """Whether a rule about observations has anything to go by."""
    body = rule.body
    if isinstance(body, Scale):
        return view.get(body.quantity) is not UNKNOWN
    if isinstance(body, Table):
        return any(
            view.get(column.fact) is not UNKNOWN and column.fact.startswith("observation.") for column in body.columns
        )
    return True


# ---------------------------------------------------------------------------------------------- proposals


def _proposals(rules: RuleSet, view: FactView, case: TypedCase) -> dict[str, dict[str, tuple[Any, str]]]:
    """Values that cited tables (or the images) propose for open facts; never counted as answers."""
    found: dict[str, dict[str, tuple[Any, str]]] = {lesion: dict(values) for lesion, values in case.proposals.items()}
    for rule in rules:
        fact = rule.file.proposes
        if fact is None or not isinstance(rule.body, Table):
            continue
        for lesion in view.lesions:
            if lesion.get(fact) is not UNKNOWN:
                continue
            rows = rule.body.matching(rule.body.answers(lesion))
            results = rule.body.results(rows)
            definition = rules.vocabulary[fact]
            value = _as_value(definition, results[0]) if len(results) == 1 else None
            if value is not None:
                row = rule.body.rows[rows[0]]
                source = row.citations[0].source if row.citations else ", ".join(row.conventions)
                found.setdefault(lesion.identity, {}).setdefault(fact, (value, f"{rule.file.title} ({source})"))
    return found


def _as_value(definition: FactDefinition, label: str) -> Any:
    """A table's result as a value of the fact it proposes; None when it is none (a table may answer "ask")."""
    if definition.kind == "yes_no":
        return {"yes": True, "no": False}.get(label)
    return label if label in definition.values else None


def _proposed_for_all(
    rule: Rule, verdict: Verdict, view: FactView, proposals: Mapping[str, Mapping[str, tuple[Any, str]]]
) -> Verdict:
    """What a rollup or a gate would give with what is proposed; the possible set stays the result."""
    body = rule.body
    if isinstance(body, Profile):
        return _proposed_gates(body, verdict, view, proposals)
    if verdict.settled or verdict.refused is not None or not isinstance(body, Rollup) or not proposals:
        return verdict
    asked = {question.fact for question in verdict.questions} or set(body.decision.lesion_names)
    used: dict[str, tuple[Any, str]] = {}
    lesions: list[FactView] = []
    for lesion in view.lesions:
        mine = {n: p for n, p in proposals.get(lesion.identity, {}).items() if lesion.get(n) is UNKNOWN}
        lesions.append(lesion.changed({n: value for n, (value, _) in mine.items()}) if mine else lesion)
        used |= {n: p for n, p in mine.items() if n in asked}
    other = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity="patient")
    other.lesions = tuple(lesions)
    results = body.results(body.outcomes(other).labels)
    if results == verdict.results:
        return verdict
    questions = tuple(
        dataclasses.replace(q, proposal="as proposed lesion by lesion", proposal_reason=used[q.fact][1])
        if q.fact in used
        else q
        for q in verdict.questions
    )
    return dataclasses.replace(verdict, questions=questions, proposed=" or ".join(results))


def _proposed_gates(
    body: Profile, verdict: Verdict, view: FactView, proposals: Mapping[str, Mapping[str, tuple[Any, str]]]
) -> Verdict:
    """The state that each open gate would have with the proposals, and which of them it hangs on."""
    if not proposals or not any(len(gate.possible) > 1 for gate in verdict.gates):
        return verdict
    used: set[str] = set()
    mine = {n: v for n, (v, _) in proposals.get(PATIENT, {}).items() if view.get(n) is UNKNOWN}
    used |= set(mine)
    lesions: list[dict[str, Fact]] = []
    for lesion in view.lesions:
        own = {n: v for n, (v, _) in proposals.get(lesion.identity, {}).items() if lesion.get(n) is UNKNOWN}
        used |= set(own)
        lesions.append({**lesion.given, **own})
    other = FactView({**view.given, **mine}, view.vocabulary, by_rule=view.by_rule, identity="patient")
    other.with_lesions(lesions, [lesion.identity for lesion in view.lesions])
    then = {gate.id: gate for gate in body.judge(other)}
    gates = []
    for gate in verdict.gates:
        found = then.get(gate.id)
        hangs_on = tuple(name for name in gate.missing if name in used)
        if len(gate.possible) > 1 and hangs_on and found is not None and len(found.possible) == 1:
            gate = dataclasses.replace(gate, proposed=found.state, proposed_from=hangs_on)
        gates.append(gate)
    return dataclasses.replace(verdict, gates=tuple(gates))


def _proposed(rule: Rule, verdict: Verdict, lesion: FactView, proposals: Mapping[str, tuple[Any, str]]) -> Verdict:
    if not proposals or verdict.settled or not isinstance(rule.body, Table) or rule.file.scope != "lesion":
        return verdict
    filled: dict[str, Fact] = {name: value for name, (value, _) in proposals.items() if lesion.get(name) is UNKNOWN}
    if not filled:
        return verdict
    body = rule.body
    results = body.results(body.matching(body.answers(lesion.changed(filled))))
    asked = tuple(
        dataclasses.replace(q, proposal=spell(proposals[q.fact][0]), proposal_reason=proposals[q.fact][1])
        if q.fact in proposals
        else q
        for q in verdict.questions
    )
    return dataclasses.replace(verdict, questions=asked, proposed=" or ".join(results))


# ---------------------------------------------------------------------------------------------- effects, questions


def _with_overall_effects(verdicts: list[Verdict], rules: RuleSet, view: FactView) -> list[Verdict]:
    """For every change of a lesion's result: what the patient-level rollups that rest on it would then say."""
    unsettled = sum(not v.settled and bool(v.changes) for v in verdicts)
    if unsettled > MAX_UNSETTLED:
        return verdicts
    rollups = [rule for rule in rules if isinstance(rule.body, Rollup) and rule.file.gives]
    lesions = {lesion.identity: lesion for lesion in view.lesions}
    before: dict[str, tuple[str, ...]] = {}
    memo: dict[tuple[Any, ...], tuple[str, ...]] = {}
    result: list[Verdict] = []
    for verdict in verdicts:
        if not verdict.changes or verdict.subject not in lesions:
            result.append(verdict)
            continue
        lesion = lesions[verdict.subject]
        changes: list[Change] = []
        for change in verdict.changes:
            affected = _resting_on(rollups, rules, verdict.rule)
            if affected is None:
                changes.append(change)
                continue
            body = affected.body
            assert isinstance(body, Rollup)
            if affected.id not in before:
                before[affected.id] = body.results(body.outcomes(view).labels)
            key = (affected.id, verdict.results, tuple(r.id for r in verdict.rows), change.fact, change.value)
            if key not in memo:
                other = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity="patient")
                other.lesions = tuple(
                    v if v is not lesion else lesion.changed({change.fact: change.value}) for v in view.lesions
                )
                memo[key] = body.results(body.outcomes(other).labels)
            changes.append(dataclasses.replace(change, overall=memo[key], overall_before=before[affected.id]))
        result.append(dataclasses.replace(verdict, changes=tuple(changes)))
    return result


def _resting_on(rollups: Sequence[Rule], rules: RuleSet, name: str) -> Rule | None:
    file = rules[name].file
    given = {file.gives, *file.also_gives}
    for rule in rollups:
        assert isinstance(rule.body, Rollup)
        if given & set(rule.body.decision.lesion_names):
            return rule
    return None


def _ranked(verdicts: Sequence[Verdict]) -> tuple[Question, ...]:
    """One question per fact and subject, ranked by how much it settles over all rules."""
    merged: dict[tuple[str, str], Question] = {}
    for verdict in verdicts:
        for question in verdict.questions:
            key = (question.fact, question.subject.partition("@")[0])
            known = merged.get(key)
            if known is None:
                merged[key] = question
            else:
                merged[key] = dataclasses.replace(
                    known if known.gain >= question.gain else question,
                    gain=round(known.gain + question.gain, 4),
                    rule=known.rule if question.rule in known.rule.split(", ") else f"{known.rule}, {question.rule}",
                    proposal=known.proposal or question.proposal,
                    proposal_reason=known.proposal_reason or question.proposal_reason,
                )
    return tuple(sorted((q for q in merged.values() if q.gain > 0), key=lambda q: (-q.gain, q.fact, q.subject)))


# ---------------------------------------------------------------------------------------------- history


def _history(
    case: TypedCase, rules: RuleSet, roles: Mapping[str, str], only: Sequence[str] | None
) -> tuple[HistoryEntry, ...]:
    """Lesion rules marked ``history``, scored again at every SSTR visit with the facts of that day."""
    dated = sorted(
        (v for v in case.visits if _tracer_class(v, rules.vocabulary) in SSTR_PET),
        key=lambda v: v.day if v.day is not None else -1,
    )
    tracked = [rule for rule in rules if rule.file.history and (only is None or rule.id in only)]
    if len(dated) < 2 or not tracked:
        return ()
    entries: list[HistoryEntry] = []
    for index, visit in enumerate(dated):
        then = {**roles, "sstr": visit.id}
        then.pop("previous", None)
        if index:
            then["previous"] = dated[index - 1].id
        view = view_of_case(case, rules, then)
        for rule in tracked:
            for lesion in view.lesions:
                source = next(item for item in case.lesions if item.id == lesion.identity)
                if visit.id not in source.seen:
                    continue
                verdict = evaluate(rule, lesion, questions=False)
                rows = tuple(row.id for row in verdict.rows)
                entries.append(
                    HistoryEntry(rule.id, lesion.identity, visit.id, iso_day(visit.day), verdict.results, rows)
                )
    return tuple(entries)


def _visit_notes(rules: RuleSet, view: FactView, roles: Mapping[str, str]) -> tuple[Note, ...]:
    """Changes between the two SSTR visits that would make a comparison unsafe."""
    if "previous" not in roles or "sstr" not in roles:
        return ()
    notes: list[Note] = []
    then, now = view.get("previous.tracer"), view.get("sstr.tracer")
    if isinstance(then, str) and isinstance(now, str) and then != now:
        notes.append(
            Note(
                "TRACER-CHANGE",
                f"The tracer changed ({then} → {now}): grades compare with reservation, SUV not at all.",
            )
        )
    if "krenning-modified" in rules and isinstance(rules["krenning-modified"].body, Scale):
        notes.extend(_reference_driven(rules["krenning-modified"].body, view))
    return tuple(notes)


def _reference_driven(scale: Scale, view: FactView) -> list[Note]:
    """A grade change that vanishes with the other visit's references."""
    notes: list[Note] = []
    for lesion in view.lesions:
        now, then = scale.facts(lesion.in_role("sstr")), scale.facts(lesion.in_role("previous"))
        after, before = scale.measure(now, with_near=False), scale.measure(then, with_near=False)
        if after.refused or before.refused or len(after.value) != 1 or len(before.value) != 1:
            continue
        if after.value == before.value or scale.quantity not in now or scale.quantity not in then:
            continue
        references = {name: then[name] for name in scale.references.values() if name in then}
        if scale.measure({**now, **references}, with_near=False).value == before.value:
            notes.append(
                Note(
                    "REFERENCE-DRIVEN",
                    f"{lesion.identity}: grade {before.value[0]} → {after.value[0]}, but with the earlier references "
                    f"it would still be {before.value[0]}: the references changed, not the lesion.",
                )
            )
    return notes


def score_course(course: Course, case: TypedCase | None = None, rules: RuleSet | None = None, **options: Any) -> Score:
    """Apply every rule to what was measured, with referral data and reader's answers from a typed case where given.

    Parameters
    ----------
    course : the record of one patient
    case : facts of the patient, and answers for lesions by their id; its visits are used only where the course has none
    rules, options : as for `score`
    """
    from lutetia.rules.measured import case_of_course

    return score(case_of_course(course, case), rules, **options)


__all__ = ["FOOTER", "HistoryEntry", "OneOf", "Score", "roles_of", "score", "score_course", "view_of_case"]
