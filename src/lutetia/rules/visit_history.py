"""What the lesion rules gave at each visit, and notes on how the visits compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lutetia.rules.case import TypedCase, iso_day
from lutetia.rules.case_view import SSTR_PET, tracer_class, view_of_case
from lutetia.rules.evaluate import evaluate
from lutetia.rules.facts import FactView
from lutetia.rules.loader import RuleSet
from lutetia.rules.scale import Scale
from lutetia.rules.score_record import HistoryEntry
from lutetia.rules.verdict import Note


def history_of_visits(
    case: TypedCase, rules: RuleSet, roles: Mapping[str, str], only: Sequence[str] | None
) -> tuple[HistoryEntry, ...]:
    """Lesion rules marked ``history``, scored again at every SSTR visit with the facts of that day."""
    dated = sorted(
        (v for v in case.visits if tracer_class(v, rules.vocabulary) in SSTR_PET),
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


def visit_notes(rules: RuleSet, view: FactView, roles: Mapping[str, str]) -> tuple[Note, ...]:
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
