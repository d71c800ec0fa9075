"""The 28 sentences never to be said: each is found, what is said instead is not, and nothing generated says one."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from builders.patients import read_patients
from lutetia.rules.case import case_of
from lutetia.rules.cases import CaseFile
from lutetia.rules.claims import CLAIMS, forbidden_claims, hidden_verdicts
from lutetia.rules.docs import pages
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.page import render_page
from lutetia.rules.positions import Document
from lutetia.rules.score import FOOTER, Score, score
from lutetia.rules.text import render
from lutetia.rules.verdict import Gate, Verdict

NEVER = {
    1: ["Eligible for PRRT.", "Not eligible for PRRT.", "The patient is ineligible.", "Qualifies for PRRT."],
    2: ["Suitable candidate for 177Lu-DOTATATE.", "A good candidate.", "Suitable for PRRT."],
    3: ["Responding to PRRT.", "The patient responds well to treatment."],
    4: ["Progression: SUVmax rose by 40 %.", "The rise of uptake shows progression."],
    5: ["Partial response.", "Complete response of all lesions."],
    6: ["Median survival for this patient is 46 months.", "Prognosis is good.", "Median OS 101.8 months."],
    7: ["70 % chance of response.", "Probability of response: 0.7"],
    8: ["PRRT is contraindicated.", "Therapy remains contraindicated."],
    9: ["Safe to give the next cycle.", "It is safe to proceed."],
    10: ["Give 3.7 GBq.", "Toxicity seen. Administer 3.7 GBq.", "The patient should receive 3.7 GBq."],
    11: ["Kidney dose is 18 Gy – limit not reached."],
    12: ["No disease.", "Complete remission.", "The patient is disease-free."],
    13: ["Dedifferentiated.", "The lesion is dedifferentiated."],
    14: ["Redifferentiated after CAPTEM."],
    15: ["Grade 3 tumour.", "PET shows a grade 3 lesion."],
    16: ["Benign.", "The lesion is benign."],
    17: ["Metastasis.", "This focus is a metastasis."],
    18: ["SSTR negative outside the field of view."],
    19: ["Patient takes somatostatin analogues.", "The patient started octreotide."],
    20: ["Use MIBG imaging.", "Order an FDG PET."],
    21: ["Biopsy segment VII.", "Lesion 3 should be biopsied."],
    22: ["Meets NETTER-2 criteria.", "Fails the EU label."],
    23: ["Normal kidney function.", "Kidneys are normal."],
    24: ["Scan repeat unnecessary.", "FDG is not needed."],
    25: ["AI-detected lesion.", "Diagnosed by Lutetia."],
    26: ["FDA-cleared.", "Lutetia is validated.", "CE marked."],
    27: ["Treatment should be changed.", "Stop PRRT."],
}
INSTEAD = [
    "EU-SMPC: 11 of 12 addressed gates met; 1 caution (creatinine clearance).",
    "The founding review's Table 1 words for this class: probably suitable.",
    "Retention at cycle 2 is lower than at cycle 1.",
    "Uptake rose by 12 % (inside the band); size unchanged.",
    "SSTR tumour volume fell by 30 % (scheme 50 % of SUVmax).",
    "EU label gate 'pregnancy excluded' is not met.",
    "No dose-modification trigger of the US profile in the entered values; not all inputs present.",
    "The US label profile names 3.7 GBq after resolution (unverified row).",
    "Research estimate 18 Gy (14–22); not for decisions.",
    "No lesion above the stated threshold in the imaged field.",
    "FDG-avid, SSTR-negative; possible dedifferentiation.",
    "SSTR expression higher after CAPTEM.",
    "Imaging pattern more often seen with higher grade (group statement).",
    "SSTR-RADS 2 as entered by the reader.",
    "New focus, unconfirmed.",
    "Not imaged.",
    "Pattern compatible with a somatostatin analogue started or re-timed between the scans.",
    "The founding review describes MIBG and exendin imaging.",
    "Highest FDG/SSTR ratio: segment VII; the review links this with the most aggressive lesion.",
    "Addressed and entered gates: 12; unverified rows: 6.",
    "CG 85 mL/min (actual weight 74 kg).",
    "Measured by Lutetia, read by Dr. Example.",
    "Research software.",
    "Diverging components (DE-5); discuss in the tumour board.",
    FOOTER,
]
QUOTED_CELLS = ("prrt", "suitability", "suitable", "next")
NOT_SENTENCES = ("when", "met", "not_met", "otherwise", "of", "sets", "read", "citation", "places", "questions")
PATIENTS = Path(__file__).parents[1] / "cases" / "patients"
DATA = Path(__file__).parents[2] / "src" / "lutetia" / "rules" / "data"


@pytest.mark.parametrize(("number", "text"), [(n, text) for n, texts in NEVER.items() for text in texts])
def test_each_sentence_is_found(number: int, text: str) -> None:
    assert number in {found.number for found in forbidden_claims(text)}


@pytest.mark.parametrize("text", INSTEAD)
def test_what_is_said_instead_is_allowed(text: str) -> None:
    assert forbidden_claims(text) == []


def test_every_claim_has_its_number_an_example_and_something_to_say_instead() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 28))
    assert set(NEVER) == {claim.number for claim in CLAIMS}
    for claim in CLAIMS:
        assert claim.never
        assert claim.instead


def test_a_quoted_cell_of_a_source_may_say_it_and_plain_speech_may_not() -> None:
    assert forbidden_claims("Suitable for PRRT", "source_cell") == []
    assert forbidden_claims("Suitable for PRRT")
    assert forbidden_claims("The page calls them “eligible” at grade 2.", "documentation") == []
    assert forbidden_claims("The page calls them “eligible” at grade 2.")


def _sentences(node: Any) -> Iterator[tuple[str, str]]:
    """Every sentence of a rule file, with the context it stands in."""
    if isinstance(node, str):
        yield node, "documentation"
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in NOT_SENTENCES:
                continue
            context = "source_cell" if name in QUOTED_CELLS else ""
            for text, inner in _sentences(value):
                yield text, context or inner
    elif isinstance(node, list):
        for value in node:
            yield from _sentences(value)


def test_no_rule_file_says_it(rules: RuleSet) -> None:
    said = []
    for name in rules.names():
        for text, context in _sentences(rules.raw(name).document.data):
            said += [(name, found) for found in forbidden_claims(text, context)]  # type: ignore[arg-type]
    assert said == []


def test_no_generated_page_says_it(rules: RuleSet, case_files: list[CaseFile]) -> None:
    """Pages quote sources in tables and in quotation marks; group medians stand on the group page only."""
    said = []
    for name, text in pages(rules, case_files).items():
        if not name.endswith(".md"):
            continue
        for line in text.splitlines():
            context: Any = "source_cell" if line.startswith("|") else "documentation"
            said += [(name, line[:120], found) for found in forbidden_claims(line, context)]
    assert said == []


@cache
def _scores() -> tuple[Score, ...]:
    rules = load_rules()
    scores = tuple(
        score(case_of(Document(patient.where, patient.data, {})), rules)
        for path in sorted(PATIENTS.glob("*.yaml"))
        for patient in read_patients(path)
        if not patient.refused
    )
    assert len(scores) > 60
    return scores


def _bare(result: Score) -> Score:
    """A score without the cells that a source's own table says."""
    verdicts = tuple(dataclasses.replace(v, rows=(), texts=()) for v in result.verdicts)
    return dataclasses.replace(result, verdicts=verdicts)


@cache
def _lines() -> frozenset[str]:
    """Every line that text and page say of the case patients, without the footer."""
    lines: set[str] = set()
    for result in _scores():
        bare = _bare(result)
        page = re.sub(r"<[^>]+>", "\n", re.sub(r"<(style|script).*?</\1>", "", render_page(bare), flags=re.DOTALL))
        lines.update(render(bare).replace(FOOTER, "").splitlines())
        lines.update(page.replace(FOOTER, "").splitlines())
    return frozenset(line.strip() for line in lines)


def test_no_score_of_a_patient_says_it_as_text_or_page() -> None:
    said = [(line[:160], found) for line in _lines() for found in forbidden_claims(line)]
    assert said == []


def test_profiles_never_hide_an_open_gate_and_have_no_result() -> None:
    for result in _scores():
        assert hidden_verdicts(result.verdicts) == []


def test_a_profile_with_a_result_or_with_open_gates_behind_others_is_found() -> None:
    open_gate = Gate("a", "A", "indeterminate", ("met", "not_met"), ())
    met = Gate("b", "B", "met", ("met",), ())
    plain = Verdict("r", "R", "1", "profile", "patient", "patient", gates=(met, open_gate))
    assert [found.number for found in hidden_verdicts([plain])] == [28]
    merged = dataclasses.replace(plain, gates=(open_gate, met), results=("met",))
    assert [found.number for found in hidden_verdicts([merged])] == [22]


def test_group_outcomes_are_no_rule_and_never_in_a_score() -> None:
    text = (DATA / "tables" / "group-outcomes.yaml").read_text(encoding="utf-8")
    assert "101.8" in text
    for line in _lines():
        assert not re.search(r"\b(?:101\.8|46\.5|25\.5|16\.7|11\.5)\b months", line)
        assert "median OS" not in line


def test_what_is_missing_stands_first_in_the_data_too() -> None:
    for result in _scores():
        for verdict in result.verdicts:
            missing = [gate for gate in verdict.gates if gate.state == "indeterminate"]
            if missing:
                plain = verdict.as_dict()
                assert next(iter(plain)) == "indeterminate_gates"
                assert len(plain["indeterminate_gates"]) == len(missing)


def test_nothing_is_merged_over_profiles() -> None:
    assert not {field.name for field in dataclasses.fields(Verdict)} & {"overall", "eligible", "suitable", "decision"}
    for result in _scores():
        plain = result.as_dict()
        assert "combined" not in plain
        assert "overall_eligibility" not in json.dumps(plain).lower()
