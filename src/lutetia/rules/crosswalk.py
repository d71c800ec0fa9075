"""All systems on one patient side by side, with every disagreement explained and none resolved.

The systems part because of their threshold (background or liver), their unit (one lesion, all lesions, the most certain
lesion), their purpose, and what they make of lesions that are negative on both tracers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lutetia.rules.compiled import Rule
from lutetia.rules.facts import FactView
from lutetia.rules.loader import RuleSet
from lutetia.rules.partings import near_the_cut, why_they_part
from lutetia.rules.rollup import Rollup
from lutetia.rules.systems import DUAL, SYSTEMS, System
from lutetia.rules.verdict import Verdict


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """One system, in one reading of it."""

    system: str
    reading: str
    result: str
    threshold: str
    unit: str
    purpose: str
    rule: str


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Rows of all systems and the sentences that explain where they part."""

    rows: tuple[CrosswalkRow, ...]
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"rows": [asdict(row) for row in self.rows], "sentences": list(self.sentences)}


def crosswalk(verdicts: Sequence[Verdict], rules: RuleSet, view: FactView) -> Crosswalk | None:
    """All systems that spoke about this patient, and why they differ.

    Parameters
    ----------
    verdicts : of one score
    rules : the rules behind them, with their conventions
    view : the patient

    Returns
    -------
    Crosswalk or None
        None when no lesion or none of the dual-tracer systems is among the verdicts.
    """
    by_rule = {v.rule: v for v in verdicts if v.scope == "patient"}
    if not view.lesions or not any(name in by_rule for name in DUAL):
        return None
    rows: list[CrosswalkRow] = []
    for system in SYSTEMS:
        verdict = by_rule.get(system.rule)
        if verdict is None:
            continue
        rows.append(_row(system, "", _result(verdict)))
        if verdict.refused is None:
            rows += [_row(system, name, text) for name, text in _other_readings(rules, system.rule, view)]
    said = (*why_they_part(by_rule, view), *near_the_cut(verdicts, view))
    return Crosswalk(tuple(rows), tuple(dict.fromkeys(said)))


def _row(system: System, reading: str, result: str) -> CrosswalkRow:
    return CrosswalkRow(system.name, reading, result, system.threshold, system.unit, system.purpose, system.rule)


def _result(verdict: Verdict) -> str:
    if verdict.refused is not None:
        return f"no result: {verdict.reason}"
    text = " or ".join(verdict.results) or "nothing to say"
    sure = {name: [n for n in names if not n.endswith("?")] for name, _, names in verdict.lists}
    hidden = [f"{len(sure[name])} × {name}" for name in ("3C", "3D") if sure.get(name)]
    if hidden and not text.startswith(("3", "not")):
        text += " with " + " and ".join(hidden)
    if verdict.proposed and not verdict.settled:
        text += f" (proposed {verdict.proposed})"
    return text


def _other_readings(rules: RuleSet, name: str, view: FactView) -> Iterator[tuple[str, str]]:
    """The same system read otherwise: the other statement of its source, and with or without doubtful lesions."""
    if name not in DUAL:
        return
    rule = rules[name]
    if name == "karfis":
        now = rule.frame.choices.get("C-D1", "prose")
        other = "table" if now == "prose" else "prose"
        compiled = rules.raw(name).compiled({**rules.choices, "C-D1": other})
        yield f"the review's {other}", _outcome(compiled, view)
    suspicious = [v.identity for v in view.lesions if v.get("lesion.suspicious_non_nen") is True]
    if suspicious:
        kept = [v for v in view.lesions if v.identity not in suspicious]
        yield f"without {', '.join(suspicious)}, unlike the known disease", _outcome(rule, _with(view, kept))
    excluded = [v.identity for v in view.lesions if v.get("lesion.nen") in ("benign", "second_malignancy")]
    if excluded:
        every = [v.changed({"lesion.nen": "nen"}) for v in view.lesions]
        yield f"by the letter, {', '.join(excluded)} counted", _outcome(rule, _with(view, every))


def _with(view: FactView, lesions: Iterable[FactView]) -> FactView:
    other = FactView(view.given, view.vocabulary, by_rule=view.by_rule, identity=view.identity)
    other.lesions = tuple(lesions)
    return other


def _outcome(rule: Rule, view: FactView) -> str:
    body = rule.body
    assert isinstance(body, Rollup)
    return " or ".join(body.results(body.outcomes(view).labels))
