"""Rule results in the report. Every source speaks for itself, and what is missing stands before what is met."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lutetia.model import Course
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Block, Cell, Column, Paragraph, Row, Section, Table, Tone

Verdict = dict[str, Any]

#: Shown with every lesion already, in the lesion table.
_SHOWN_ELSEWHERE = {"krenning-modified", "krenning-spect"}
_TOLD = ("indeterminate", "not_provided", "not_met", "caution", "met", "provided")
_MOST_QUESTIONS = 8
_MOST_SOURCES = 4
_UNVERIFIED = "°"


def verdict_section(course: Course) -> Section | None:
    """What each rule says: open questions first, then each system for itself. None when no rule was asked."""
    verdicts = [verdict for verdict in course.verdicts if verdict.get("rule") not in _SHOWN_ELSEWHERE]
    if not verdicts:
        return None
    profiles = [verdict for verdict in verdicts if verdict.get("gates")]
    results = [verdict for verdict in verdicts if not verdict.get("gates")]
    patient = [verdict for verdict in results if not _lesion(verdict)]
    words = (
        "Each source speaks for itself; nothing is merged into one answer, and none of these is a recommendation. "
        "Several results in one place mean that the answers given so far leave all of these possible."
    )
    blocks: list[Block] = [Paragraph(words, "muted")]
    if course.questions:
        blocks.append(_open_questions(course))
    if patient:
        blocks.append(_results(patient))
    blocks += _systems([verdict for verdict in results if _lesion(verdict)])
    if profiles:
        blocks.append(_profiles(profiles))
    history = _history(course)
    if history is not None:
        blocks.append(history)
    return Section("What the rules say", tuple(blocks), anchor="rules")


def _lesion(verdict: Verdict) -> str:
    """The lesion a verdict is about, "" when it is about the patient."""
    name = str(verdict.get("subject") or "").partition("@")[0]
    return name if name.startswith("lesion") else ""


def _systems(verdicts: list[Verdict]) -> list[Block]:
    """A table per system of several rules (a line per lesion, a column per rule), one for all the other rules."""
    systems: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        systems.setdefault(str(verdict.get("title") or verdict.get("rule") or "rule").split(",")[0], []).append(verdict)
    several = {name: group for name, group in systems.items() if len({_title(v) for v in group}) > 1}
    blocks: list[Block] = [_system(name, group) for name, group in several.items()]
    single = [verdict for name, group in systems.items() if name not in several for verdict in group]
    return [*blocks, *([_single_rules(single)] if single else [])]


def _single_rules(verdicts: list[Verdict]) -> Table:
    """Rules about a lesion, each by itself: a line per result, with the lesions that have it."""
    rows: list[Row] = []
    for title, group in _by_rule(verdicts).items():
        alike: dict[str, list[Verdict]] = {}
        for verdict in group:
            alike.setdefault(_said(verdict), []).append(verdict)
        for n, (said, same) in enumerate(alike.items()):
            settled = all(_is_settled(verdict) for verdict in same)
            cells = (
                Cell("" if n else title, "strong"),
                Cell(subjects_words(_lesion(verdict) for verdict in same), more=_because(same)),
                Cell(said, "" if settled else "caution"),
                Cell(_asked(same), "muted"),
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
    rules = dict.fromkeys(_title(verdict) for verdict in verdicts)
    by_lesion: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_lesion.setdefault(_lesion(verdict), []).append(verdict)
    alike: dict[tuple[str, ...], list[str]] = {}
    for lesion, group in by_lesion.items():
        said = tuple("; ".join(dict.fromkeys(_said(v) for v in group if _title(v) == rule)) for rule in rules)
        alike.setdefault((*said, _asked(group)), []).append(lesion)
    rows = []
    for (*results, asked), lesions in alike.items():
        own = [verdict for lesion in lesions for verdict in by_lesion[lesion]]
        cells = [Cell(subjects_words(lesions), "strong", more=_because(own))]
        for rule, words in zip(rules, results, strict=True):
            settled = all(_is_settled(verdict) for verdict in own if _title(verdict) == rule)
            cells.append(Cell(words or "–", "" if settled else "caution"))
        rows.append(Row((*cells, Cell(asked, "muted"))))
    edition = next((str(v.get("edition")) for v in verdicts if v.get("edition")), "")
    head = name if not edition or edition in name else f"{name} – {edition}"
    columns = [Column(head, width=0.9)]
    columns += [Column(_part(rule, name), width=1) for rule in rules]
    columns.append(Column("Would be settled by", width=1.6))
    return Table(tuple(columns), tuple(rows), dense=True)


def _part(rule: str, system: str) -> str:
    """What a rule adds to its system's name: ``SSTR-RADS 1.0, follow-up interval`` → ``follow-up interval``."""
    rest = rule.removeprefix(system).partition(" – ")[0].strip(" ,")
    return rest or "category"


def _is_settled(verdict: Verdict) -> bool:
    return len(verdict.get("results") or ()) == 1 and not verdict.get("refused")


def _history(course: Course) -> Table | None:
    """What the lesion rules gave at each visit: a column per visit, lesions with the same course in one line."""
    visits = list(dict.fromkeys(str(entry.get("visit")) for entry in course.rule_history))
    if len(visits) < 2:
        return None
    given: dict[str, dict[str, dict[str, str]]] = {}
    for entry in course.rule_history:
        results = wording.listed(tuple(str(r) for r in entry.get("results") or ())) or "undecided"
        rule, lesion = str(entry.get("rule")), str(entry.get("lesion"))
        given.setdefault(rule, {}).setdefault(lesion, {})[str(entry.get("visit"))] = results
    rows: list[Row] = []
    for rule, lesions in given.items():
        rows.append(Row(heading=rule))
        alike: dict[tuple[str, ...], list[str]] = {}
        for lesion, by_visit in lesions.items():
            alike.setdefault(tuple(by_visit.get(visit, "–") for visit in visits), []).append(lesion)
        rows += [Row((Cell(subjects_words(who), "strong"), *map(Cell, told))) for told, who in alike.items()]
    columns = (Column("At each visit", width=1), *(Column(_visit_title(course, visit), width=1) for visit in visits))
    return Table(columns, tuple(rows), dense=True)


def _visit_title(course: Course, name: str) -> str:
    study = next((study for study in course.studies if name in (study.id, study.visit)), None)
    return name if study is None else f"{(study.visit or name).replace('-', ' ')}, {wording.tracer_words(study)}"


def _title(verdict: Verdict) -> str:
    title = str(verdict.get("title") or verdict.get("rule") or "rule")
    edition = str(verdict.get("edition") or "")
    return f"{title} – {edition}" if edition and edition not in title else title


def _by_rule(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    grouped: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(_title(verdict), []).append(verdict)
    return grouped


def subjects_words(subjects: Iterable[str]) -> str:
    """``lesion-1 … lesion-4, lesion-7`` at one visit → ``lesions 1–4, 7``; the patient stays the patient.

    A name with a question mark is one that may belong there: ``lesion-3?`` → ``perhaps lesion 3``.
    """
    numbered: dict[tuple[str, bool], list[int]] = {}
    others: list[str] = []
    for subject in subjects:
        name, _, visit = subject.rstrip("?").partition("@")
        found = re.fullmatch(r"lesion-(\d+)", name)
        if found:
            numbered.setdefault((visit, subject.endswith("?")), []).append(int(found.group(1)))
        else:
            others.append(subject)
    words = list(dict.fromkeys(others))
    visits = {visit for visit, _ in numbered}
    for (visit, open_), numbers in numbered.items():
        text = ("lesion " if len(numbers) == 1 else "lesions ") + _runs(sorted(set(numbers)))
        text = f"perhaps {text}" if open_ else text
        words.append(f"{text} at {visit}" if len(visits) > 1 else text)
    return "; ".join(words)


def _runs(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}{', ' if len(r) == 2 else '–'}{r[-1]}" for r in runs)


def _results(verdicts: list[Verdict]) -> Table:
    """One line per rule about the whole patient; rules that say nothing yet, for the same reason, share one."""
    rows: list[Row] = []
    silent: dict[str, dict[str, list[Verdict]]] = {}
    for title, group in _by_rule(verdicts).items():
        said = "; ".join(dict.fromkeys(_said(verdict) for verdict in group))
        if all(verdict.get("refused") or not verdict.get("results") for verdict in group):
            silent.setdefault(said, {})[title] = group
            continue
        settled = all(_is_settled(verdict) for verdict in group)
        notes = _notes(group)
        cells = (
            Cell(title, "strong"),
            Cell(said, "" if settled else "caution"),
            Cell(wording.shortened(notes, _MOST_REASON), "muted", more=_more(notes, _sourced(group))),
            Cell(_asked(group), "muted"),
        )
        rows.append(Row(cells))
    for said, groups in silent.items():
        reasons = dict.fromkeys(note for group in groups.values() if (note := _notes(group)) != "–")
        words = "; ".join(reasons) or "–"
        cells = (
            Cell("; ".join(groups)),
            Cell(said, "caution"),
            Cell(wording.shortened(words, _MOST_REASON), "muted", more=_more(words)),
            Cell(_asked([verdict for group in groups.values() for verdict in group]), "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Whole patient", width=1.8),
        Column("Result", width=1.2),
        Column("Because", width=1.5),
        Column("Would be settled by", width=1),
    )
    note = f"{_UNVERIFIED}: the place in the source could not be verified."
    return Table(columns, tuple(rows), notes=(note,), dense=True)


def _more(text: str, sources: str = "") -> str:
    """What is folded away: the text where the line shortens it, then the sources."""
    cut = wording.shortened(text, _MOST_REASON) != text
    return ". ".join(part for part in (text if cut else "", sources) if part)


_MOST_REASON = 150
_MOST_RESULTS = 6


def _said(verdict: Verdict) -> str:
    if verdict.get("refused"):
        return f"refused: {verdict['refused']}"
    results = tuple(str(result) for result in verdict.get("results") or ())
    if len(results) > _MOST_RESULTS:
        return f"open: {', '.join(results[:_MOST_RESULTS])} or {len(results) - _MOST_RESULTS} more"
    return wording.listed(results) or "undecided"


def _notes(verdicts: list[Verdict]) -> str:
    """The reason that all share, what goes with the result, and the lists of lesions it rests on."""
    reasons = {str(verdict.get("reason") or "") for verdict in verdicts}
    parts: list[str] = [*reasons] if len(reasons) == 1 else []
    for verdict in verdicts:
        parts += [str(note.get("message") or "") for note in verdict.get("notes") or ()]
        for _, name, members in verdict.get("lists") or ():
            parts.append(f"{name}: {subjects_words(str(member) for member in members)}")
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in parts if part)) or "–"


def _sourced(verdicts: list[Verdict]) -> str:
    """The sources of the rows that decided or may decide, and the warnings of the rule."""
    parts = [_sources(c for v in verdicts for row in v.get("rows") or () for c in row.get("citations") or ())]
    parts += [str(warning) for v in verdicts for warning in v.get("warnings") or ()]
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in parts if part))


def _because(verdicts: list[Verdict]) -> str:
    """What the HTML folds away behind a lesion: the reasons, then the sources."""
    notes = _notes(verdicts)
    return "; ".join(part for part in (notes if notes != "–" else "", _sourced(verdicts)) if part)


def _sources(citations: Iterable[dict[str, Any]]) -> str:
    """Sources with their places, a source once: ``F4: Table 1, Fig. 2; F2°``."""
    places: dict[str, dict[str, None]] = {}
    for citation in citations:
        mark = "" if citation.get("verified") else _UNVERIFIED
        place = str(citation.get("place") or "") + mark
        places.setdefault(str(citation.get("source") or "source not named"), {})[place] = None
    words = []
    for source, found in places.items():
        named = [place for place in found if place.strip(_UNVERIFIED)]
        text = ", ".join(named[:_MOST_SOURCES]) + (f" and {len(named) - _MOST_SOURCES} more" if len(named) > 4 else "")
        words.append(f"{source}: {text}" if text else source + (_UNVERIFIED if _UNVERIFIED in found else ""))
    return "; ".join(words)


def _asked(verdicts: list[Verdict]) -> str:
    asked = [str(q.get("ask") or q.get("fact") or "") for v in verdicts for q in v.get("questions") or ()]
    shown = [ask for ask in dict.fromkeys(asked) if ask]
    more = len(shown) - 1
    return "".join(shown[:1]) + (f" And {more} more." if more > 0 else "") or "–"


def _profiles(verdicts: list[Verdict]) -> Table:
    """One line per profile: what is missing first, then what is not met, cautions, and what is met, gate by gate."""
    rows: list[Row] = []
    for title, group in _by_rule(verdicts).items():
        states: dict[str, dict[str, list[str]]] = {}
        missing: dict[str, None] = {}
        citations: list[dict[str, Any]] = []
        for verdict in group:
            for gate in verdict["gates"]:
                state = str(gate.get("state") or "indeterminate")
                name = str(gate.get("title") or gate.get("id") or "gate")
                cited: list[dict[str, Any]] = gate.get("citations") or []
                if not cited or not all(citation.get("verified") for citation in cited):
                    name += _UNVERIFIED
                states.setdefault(state, {}).setdefault(name, []).append(str(verdict.get("subject") or "patient"))
                citations += cited
                if state in ("indeterminate", "not_provided"):
                    missing |= dict.fromkeys(_fact_words(fact) for fact in gate.get("missing") or ())
        rows.append(_profile_row(title, states, missing, citations, one=len(group) == 1))
    columns = (
        Column("Profile", width=1.5),
        Column("Gates", width=0.9),
        Column("Open first, then not met and caution", width=2),
        Column("Met", width=1.2),
    )
    note = (
        "Gates are judged one by one; there is no verdict on a profile as a whole. "
        + _UNVERIFIED
        + ": not verified. Every gate with its state, inputs and sources is in findings.json."
    )
    return Table(columns, tuple(rows), notes=(note,), dense=True)


_COUNTED = {"indeterminate": "open", "not_provided": "not provided", "not_met": "not met"}


def _profile_row(
    title: str,
    states: dict[str, dict[str, list[str]]],
    missing: dict[str, None],
    citations: list[Verdict],
    *,
    one: bool,
) -> Row:
    def told(state: str) -> str:
        gates = states.get(state, {})
        return "; ".join(name if one else f"{name}: {subjects_words(who)}" for name, who in gates.items())

    order = [*_TOLD, *sorted(state for state in states if state not in _TOLD)]
    counts = [
        f"{len(states[state])} {_COUNTED.get(state, state.replace('_', ' '))}" for state in order if states.get(state)
    ]
    parts, full = [], []
    for state in ("indeterminate", "not_provided", "not_met", "caution"):
        if states.get(state):
            words, name = told(state), _COUNTED.get(state, state)
            most = _MOST_OPEN if state in ("indeterminate", "not_provided") else 4 * _MOST_OPEN
            parts.append(f"{name}: {wording.shortened(words, most)}")
            full.append(f"{name}: {words}")
    if missing:
        full.append(f"missing: {', '.join(missing)}")
    good = "; ".join(told(state) for state in order if state not in _GRAVE and states.get(state))
    more = ". ".join(part for part in (". ".join(full), f"met: {good}" if good else "", _sources(citations)) if part)
    tone: Tone = "error" if states.get("not_met") else ""
    return Row(
        (
            Cell(title, "strong", more=more),
            Cell(", ".join(counts), tone or ("caution" if parts else "")),
            Cell(". ".join(parts) or "–"),
            Cell(wording.shortened(good, _MOST_OPEN) if good else "–", "muted"),
        )
    )


_GRAVE = ("indeterminate", "not_provided", "not_met", "caution", "not_addressed", "silent")
_MOST_OPEN = 110


def _fact_words(fact: object) -> str:
    """``labs.creatinine_clearance`` → ``creatinine clearance``."""
    return str(fact).rsplit(".", 1)[-1].replace("_", " ")


def _open_questions(course: Course) -> Table:
    """The questions of the record in their order; one that is asked of several lesions is one line."""
    grouped: dict[str, list[Verdict]] = {}
    for question in course.questions:
        unit = f" ({question['unit']})" if question.get("unit") else ""
        ask = str(question.get("ask") or question.get("fact") or "") + unit
        grouped.setdefault(ask, []).append(question)
    rows = []
    for ask, questions in list(grouped.items())[:_MOST_QUESTIONS]:
        proposals: dict[str, list[str]] = {}
        for question in questions:
            if question.get("proposal"):
                reason = str(question.get("proposal_reason") or "")
                words = str(question["proposal"]) + (f" ({reason})" if reason else "")
                proposals.setdefault(words, []).append(str(question.get("subject") or "patient"))
        alone = len(proposals) == 1
        told = "; ".join(w if alone else f"{subjects_words(who)}: {w}" for w, who in list(proposals.items())[:3])
        rules = list(dict.fromkeys(r for q in questions for r in str(q.get("rule") or "").split(", ") if r))
        by = ", ".join(rules) if len(rules) < 3 else wording.plural(len(rules), "rule")
        cells = (
            Cell(ask),
            Cell(subjects_words(str(question.get("subject") or "patient") for question in questions)),
            Cell(by or "–", "muted", more=", ".join(rules) if len(rules) >= 3 else ""),
            Cell(f"proposed: {told}" if told else "–", "muted"),
        )
        rows.append(Row(cells))
    hidden = len(grouped) - len(rows)
    notes = (f"And {hidden} more in findings.json.",) if hidden > 0 else ()
    columns = (
        Column("Open question, the most settling first", width=1.8),
        Column("Of", width=0.9),
        Column("Asked by", width=0.9),
        Column("Proposal", width=1.1),
    )
    return Table(columns, tuple(rows), notes=notes, dense=True)
