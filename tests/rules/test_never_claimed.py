"""What the software must never claim: 28 sentences, as patterns over everything that rules and scores can say.

A pattern may stand where a source's own cell is quoted (the PRRT column and the suitability words) and in the footer.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lutetia.rules.case import case_of
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.page import render_page
from lutetia.rules.patients import read_patients
from lutetia.rules.positions import Document
from lutetia.rules.score import FOOTER, Score, score
from lutetia.rules.text import render
from lutetia.rules.verdict import Verdict

NEVER = {
    1: r"\b(?:not |in)?eligible for PRRT\b",
    2: r"\bsuitable (?:candidate|patient)\b",
    3: r"\bresponding to PRRT\b",
    4: r"\bprogression (?:is )?(?:shown|proven|confirmed) by (?:SUV|uptake|Krenning)",
    5: r"\bpartial response\b(?!.*(?:RECIST|PERCIST|EORTC|figure|review|Fig))",
    6: r"\b(?:median )?survival (?:for|of) this patient\b|\bwill (?:live|survive)\b",
    7: r"\b\d+ ?% (?:chance|probability) of\b",
    8: r"\bPRRT is contraindicated\b",
    9: r"\bsafe to give\b",
    10: r"(?:^|[.;:] )give \d",
    11: r"\blimit (?:is )?not reached\b",
    12: r"\bno disease\b(?!\s*\(|, not| entered)|\bcomplete remission\b",
    13: r"\bis dedifferentiated\b|(?:^|[.;] )dedifferentiated\.",
    14: r"\bredifferentiated after\b",
    15: r"\bis a grade 3 tumou?r\b|(?:^|[.;] )grade 3 tumou?r\.",
    16: r"(?:^|[.;:] )benign\.(?: |$)|\bis benign\.",
    17: r"\bis a metastasis\b|(?:^|[.;:] )metastasis\.",
    18: r"\bSSTR.negative (?:outside|beyond) the field\b",
    19: r"\bpatient (?:takes|started|is on) (?:a )?somatostatin",
    20: r"(?:^|[.;:] )use (?:MIBG|exendin|CCK2R|FDG|an? SSTR)",
    21: r"(?:^|[.;:] )biopsy (?:of )?segment",
    22: r"\bmeets (?:the )?\S+ criteria\b",
    23: r"\bnormal kidney function\b",
    24: r"\b(?:scan|imaging) repeat (?:is )?unnecessary\b",
    25: r"\bAI.detected\b|\bdiagnosed by Lutetia\b",
    26: r"\b(?:FDA.cleared|CE.marked|approved medical device|clinically validated)\b",
    27: r"\btreatment should be changed\b",
}
QUOTED_CELLS = ("prrt", "suitability", "suitable")
SCORES = Path(__file__).parents[1] / "cases" / "patients"


def _sentences(node: Any, key: str = "") -> Iterator[str]:
    """Every sentence a rule file can print; the cells of a source's own table are quotations."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in QUOTED_CELLS or (key == "then" and name in QUOTED_CELLS) or name in ("sources", "when"):
                continue
            yield from _sentences(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _sentences(value, key)


@cache
def _all_scores() -> tuple[Score, ...]:
    rules = load_rules()
    found = []
    for path in sorted(SCORES.glob("*.yaml")):
        for patient in read_patients(path):
            if not patient.refused:
                found.append(score(case_of(Document(patient.where, patient.data, {})), rules))
    return tuple(found)


@pytest.fixture(scope="module")
def spoken() -> list[str]:
    """Everything that was said of the case patients, without the footer and the quoted cells."""
    texts: list[str] = []
    for result in _all_scores():
        bare = dataclasses.replace(
            result,
            verdicts=tuple(dataclasses.replace(verdict, rows=(), texts=()) for verdict in result.verdicts),
        )
        texts += render(bare).replace(FOOTER, "").splitlines()
        texts.append(re.sub(r"<[^>]+>", " ", render_page(bare)).replace(FOOTER, ""))
    return texts


@pytest.mark.parametrize("number", NEVER)
def test_no_rule_file_can_say_it(number: int, rules: RuleSet) -> None:
    pattern = re.compile(NEVER[number], re.IGNORECASE)
    for name in rules.names():
        for sentence in _sentences(rules.raw(name).document.data):
            assert pattern.search(sentence) is None, f"{name}: {sentence}"


@pytest.mark.parametrize("number", NEVER)
def test_no_score_of_a_case_patient_says_it(number: int, spoken: list[str]) -> None:
    pattern = re.compile(NEVER[number], re.IGNORECASE)
    assert [line for line in spoken if pattern.search(line)] == []


def test_22_a_profile_has_no_verdict_of_its_own() -> None:
    names = {field.name for field in dataclasses.fields(Verdict)}
    assert not names & {"overall", "eligible", "suitable", "decision"}
    for result in _all_scores():
        for verdict in result.verdicts:
            if verdict.shape == "profile":
                assert verdict.results == ()
                assert verdict.result is None


def test_28_what_is_missing_stands_first_and_is_never_hidden_in_a_count() -> None:
    for result in _all_scores():
        for verdict in result.verdicts:
            states = [gate.state for gate in verdict.gates]
            missing = [i for i, state in enumerate(states) if state == "indeterminate"]
            assert missing == list(range(len(missing)))
            if missing:
                plain = verdict.as_dict()
                assert next(iter(plain)) == "indeterminate_gates"
                assert len(plain["indeterminate_gates"]) == len(missing)


def test_nothing_is_merged_over_profiles() -> None:
    for result in _all_scores():
        plain = json.dumps(result.as_dict()).lower()
        assert "overall_eligibility" not in plain
        assert "combined" not in result.as_dict()


def test_group_medians_never_stand_on_a_page_with_a_person() -> None:
    for result in _all_scores():
        text = render(result)
        assert re.search(r"\b(?:101\.8|46\.5|11\.5) ?months", text) is None
