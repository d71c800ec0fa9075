"""Results of rules about the patient and about lesions, as tables."""

from __future__ import annotations

from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Row, Table
from lutetia.outputs.report.verdicts.subjects import subjects_words
from lutetia.outputs.report.verdicts.words import (
    MOST_REASON,
    UNVERIFIED,
    Verdict,
    asked_words,
    by_rule,
    folded_words,
    is_settled,
    note_words,
    reason_words,
    result_words,
    rule_title,
    source_words,
    subject_lesion,
)


def system_tables(verdicts: list[Verdict]) -> list[Block]:
    """A table per system of several rules (a line per lesion, a column per rule), one for all the other rules."""
    systems: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        systems.setdefault(str(verdict.get("title") or verdict.get("rule") or "rule").split(",")[0], []).append(verdict)
    several = {name: group for name, group in systems.items() if len({rule_title(v) for v in group}) > 1}
    blocks: list[Block] = [_system(name, group) for name, group in several.items()]
    single = [verdict for name, group in systems.items() if name not in several for verdict in group]
    return [*blocks, *([_single_rules(single)] if single else [])]


def _single_rules(verdicts: list[Verdict]) -> Table:
    """Rules about a lesion, each by itself: a line per result, with the lesions that have it."""
    rows: list[Row] = []
    for title, group in by_rule(verdicts).items():
        alike: dict[str, list[Verdict]] = {}
        for verdict in group:
            alike.setdefault(result_words(verdict), []).append(verdict)
        for n, (said, same) in enumerate(alike.items()):
            settled = all(is_settled(verdict) for verdict in same)
            cells = (
                Cell("" if n else title, "strong"),
                Cell(subjects_words(subject_lesion(verdict) for verdict in same), more=reason_words(same)),
                Cell(said, "" if settled else "caution"),
                Cell(asked_words(same), "muted"),
            )
            rows.append(Row(cells))
    columns = (
        Column("Rule about a lesion", width=1.1),
        Column("Lesions", width=1),
        Column("Result", width=1.1),
        Column("Would be settled by", width=1.4),
    )
    return Table(columns, tuple(rows), dense=True)


def _system(name: str, verdicts: list[Verdict]) -> Table:
    rules = {rule_title(verdict): str(verdict.get("title") or "") for verdict in verdicts}
    by_lesion: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_lesion.setdefault(subject_lesion(verdict), []).append(verdict)
    alike: dict[tuple[str, ...], list[str]] = {}
    for lesion, group in by_lesion.items():
        said = tuple(
            "; ".join(dict.fromkeys(result_words(v) for v in group if rule_title(v) == rule)) for rule in rules
        )
        alike.setdefault((*said, asked_words(group)), []).append(lesion)
    questions = {asked for *_, asked in alike}
    alone = len(alike) > 1 and len(questions) == 1
    rows = []
    for (*results, asked), lesions in alike.items():
        own = [verdict for lesion in lesions for verdict in by_lesion[lesion]]
        cells = [Cell(subjects_words(lesions), "strong", more=reason_words(own))]
        for rule, words in zip(rules, results, strict=True):
            settled = all(is_settled(verdict) for verdict in own if rule_title(verdict) == rule)
            cells.append(Cell(words or "–", "" if settled else "caution"))
        rows.append(Row(tuple(cells) if alone else (*cells, Cell(asked, "muted"))))
    edition = next((str(v.get("edition")) for v in verdicts if v.get("edition")), "")
    columns = [Column(rule_title({"title": name, "edition": edition}), width=0.9)]
    columns += [Column(_part(title, name), width=1) for title in rules.values()]
    if alone:
        asked = questions.pop()
        return Table(
            tuple(columns), tuple(rows), notes=(f"Would be settled by: {asked}",) if asked != "–" else (), dense=True
        )
    columns.append(Column("Would be settled by", width=1.6))
    return Table(tuple(columns), tuple(rows), dense=True)


def _part(rule: str, system: str) -> str:
    """What a rule adds to its system's name: ``SSTR-RADS 1.0, follow-up interval`` → ``follow-up interval``."""
    rest = rule.removeprefix(system).strip(" ,")
    return rest or "category"


def result_table(verdicts: list[Verdict]) -> Table:
    """One line per rule about the whole patient; rules that say nothing yet, for the same reason, share one."""
    rows: list[Row] = []
    silent: dict[str, dict[str, list[Verdict]]] = {}
    for title, group in by_rule(verdicts).items():
        said = "; ".join(dict.fromkeys(result_words(verdict) for verdict in group))
        if all(verdict.get("refused") or not verdict.get("results") for verdict in group):
            silent.setdefault(said, {})[title] = group
            continue
        settled = all(is_settled(verdict) for verdict in group)
        notes = note_words(group)
        cells = (
            Cell(title, "strong"),
            Cell(said, "" if settled else "caution"),
            Cell(wording.shortened(notes, MOST_REASON), "muted", more=folded_words(notes, source_words(group))),
            Cell(asked_words(group), "muted"),
        )
        rows.append(Row(cells))
    for said, groups in silent.items():
        reasons = dict.fromkeys(note for group in groups.values() if (note := note_words(group)) != "–")
        words = "; ".join(reasons) or "–"
        cells = (
            Cell("; ".join(groups)),
            Cell(said, "caution"),
            Cell(wording.shortened(words, MOST_REASON), "muted", more=folded_words(words)),
            Cell(asked_words([verdict for group in groups.values() for verdict in group]), "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Whole patient", width=1.8),
        Column("Result", width=1.2),
        Column("Because", width=1.5),
        Column("Would be settled by", width=1),
    )
    note = f"{UNVERIFIED}: the place in the source could not be verified."
    return Table(columns, tuple(rows), notes=(note,), dense=True)
