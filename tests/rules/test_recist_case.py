"""RECIST 1.1 from a typed case: limits, nodes, split, merged and missing targets, what is refused, what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli import app
from lutetia.model import InputError
from lutetia.rules.case import TypedCase, case_from_text
from lutetia.rules.claims import forbidden_claims
from lutetia.rules.loader import RuleSet
from lutetia.rules.page import render_page
from lutetia.rules.recist import NOT_VERIFIED
from lutetia.rules.recist_visits import RecistResult, judge
from lutetia.rules.score import score
from lutetia.rules.template import json_schema, template
from lutetia.rules.text import render

HEAD = 'case: "1.0"\nid: demo\n'
ANSWERS = "non_target: none, new_lesion: no"


def _case(targets: str, *visits: str) -> TypedCase:
    rows = "".join(f"    - {{{visit}}}\n" for visit in visits)
    return case_from_text(f"{HEAD}recist:\n  slice_mm: 5\n  targets: {targets}\n  visits:\n{rows}")


def _judged(case: TypedCase) -> RecistResult:
    assert case.recist is not None
    return judge(case.recist)


def _course(targets: str, *shown: str) -> RecistResult:
    rows = [f"date: 2025-0{n}-10, mm: {mm}{', ' + ANSWERS if n > 1 else ''}" for n, mm in enumerate(shown, 1)]
    return _judged(_case(targets, *rows))


def _liver(*mm: float) -> RecistResult:
    return _course("[{id: A, organ: liver}]", *(f"{{A: {value}}}" for value in mm))


@pytest.mark.parametrize(
    ("course", "response"),
    [
        ((100, 70.0), "PR"),
        ((100, 70.1), "SD"),
        ((30, 20, 24.9), "SD"),
        ((30, 20, 25), "PD"),
        ((50, 60), "PD"),
        ((50, 59.9), "SD"),
        ((100, 40, 50), "PD"),
    ],
)
def test_limits_are_met_exactly_through_the_case(course: tuple[float, ...], response: str) -> None:
    assert _liver(*course).visits[-1].overall.value == response


def test_each_visit_tells_its_sum_and_its_changes_in_percent_and_mm() -> None:
    last = _liver(30, 20, 24.9).visits[-1]
    assert (last.sum_mm, last.nadir_mm) == (24.9, 20)
    assert (last.change_from_baseline_mm, last.change_from_nadir_mm) == (-5.1, 4.9)
    assert last.change_from_baseline_percent == pytest.approx(-17)
    assert last.change_from_nadir_percent == pytest.approx(24.5)
    assert last.day == 59


def test_nodes_count_by_short_axis_and_a_normal_node_may_stay() -> None:
    targets = "[{id: A, organ: liver}, {id: N, organ: lymph nodes, node: yes}]"
    result = _course(targets, "{A: 20, N: 15}", "{A: gone, N: 9.9}", "{A: gone, N: 10}")
    assert [(v.overall.value, v.sum_mm) for v in result.visits] == [("CR", 9.9), ("PR", 10)]
    with pytest.raises(InputError) as refused:
        _course(targets, "{A: 20, N: 14.9}")
    assert refused.value.code == "not-measurable"
    assert ":7:" in refused.value.where
    assert "non-target" in refused.value.remedy


@pytest.mark.parametrize("absent", ["{A: 30}", "{A: 30, B: not_measured}"])
def test_with_a_target_not_measured_there_is_no_sum(absent: str) -> None:
    result = _course("[{id: A, organ: liver}, {id: B, organ: lung}]", "{A: 30, B: 20}", absent, "{A: 60}")
    lost, grown = result.visits
    assert (lost.overall.value, lost.sum_mm, lost.change_from_baseline_mm) == ("NE", None, None)
    assert grown.overall.value == "PD"
    assert NOT_VERIFIED["missing"] in lost.not_verified


def test_parts_are_added_up_merged_lesions_count_once_and_small_ones_count_five() -> None:
    targets = "[{id: A, organ: liver}, {id: B, organ: liver}]"
    result = _course(targets, "{A: 30, B: 20}", "{A: [12, 11.5], B: too_small}", "{A: 45, B: {merged_with: A}}")
    split, merged = result.visits
    assert split.sum_mm == 28.5
    assert {NOT_VERIFIED["split"], NOT_VERIFIED["too-small"]} <= set(split.not_verified)
    assert merged.sum_mm == 45
    assert merged.overall.value == "PD"
    assert NOT_VERIFIED["merged"] in merged.not_verified


def test_a_new_lesion_and_non_targets_decide_before_the_sum() -> None:
    start = "date: 2025-01-10, mm: {A: 100}"
    new = _judged(
        _case("[{id: A, organ: liver}]", start, "date: 2025-03-10, mm: {A: 50}, non_target: none, new_lesion: yes")
    )
    assert (new.visits[0].overall.value, new.visits[0].decided_by) == ("PD", "new lesion")
    left = "date: 2025-03-10, mm: {A: gone}, non_target: persists, new_lesion: no"
    partial = _judged(_case("[{id: A, organ: liver}]", start, left)).visits[0]
    assert partial.overall.value == "PR"
    assert "non-target lesions: persists" in partial.decided_by


def test_disease_without_target_lesions_has_no_sum() -> None:
    result = _judged(_case("[]", "date: 2025-01-10", "date: 2025-03-10, non_target: persists, new_lesion: no"))
    (visit,) = result.visits
    assert (visit.target, visit.sum_mm, visit.overall.value) == (None, None, "non-CR/non-PD")
    assert visit.decided_by == "no target lesions; non-target lesions: persists"


def test_a_response_is_confirmed_by_a_visit_four_weeks_later() -> None:
    def confirmed(*days: tuple[str, float]) -> list[bool | None]:
        rows = [f"date: {day}, mm: {{A: {mm}}}, {ANSWERS}" for day, mm in days]
        judged = _judged(_case("[{id: A, organ: liver}]", "date: 2025-01-01, mm: {A: 100}", *rows))
        return [visit.confirmed for visit in judged.visits]

    assert confirmed(("2025-03-01", 60), ("2025-03-29", 60)) == [True, False]
    assert confirmed(("2025-03-01", 60), ("2025-03-28", 60)) == [False, False]
    assert confirmed(("2025-03-01", 60), ("2025-03-20", 71), ("2025-05-01", 60)) == [False, None, False]


@pytest.mark.parametrize(
    ("rows", "says", "line"),
    [
        ("  targets: [{id: A, organ: liver}]\n  visits: []\n", "visits", 5),
        ("  targets: [{id: A}]\n  visits: [{date: 2025-01-10}]\n", "organ is missing", 4),
        ("  target: []\n  visits: [{date: 2025-01-10}]\n", "no such field", 4),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10, mm: {A: 32 mm}}\n", "no diameter", 6),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10, mm: {A: yes}}\n", "no diameter", 6),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10, mm: {A: -3}}\n", "no diameter", 6),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10, mm: {A: .nan}}\n", "no diameter", 6),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10, mm: {B: 20}}\n", "no target 'B'", 6),
        ("  targets: [{id: A, organ: liver}]\n  visits:\n  - {date: 2025-01-10}\n", "no baseline diameter", 6),
        ("  targets: [{id: A, organ: x}, {id: A, organ: y}]\n  visits: [{date: 2025-01-10}]\n", "Two targets", 4),
    ],
)
def test_a_bad_section_is_refused_with_line_and_remedy(rows: str, says: str, line: int) -> None:
    with pytest.raises(InputError) as refused:
        case_from_text(f"{HEAD}recist:\n{rows}")
    assert says in refused.value.what
    assert f":{line}:" in refused.value.where
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("visit", "says"),
    [
        ("date: 2025-03-10, mm: {A: 20, B: 20}, new_lesion: no", "non_target is not answered"),
        ("date: 2025-03-10, mm: {A: 20, B: 20}, non_target: none", "new_lesion is not answered"),
        ("date: 2025-01-10, mm: {A: 20, B: 20}, non_target: none, new_lesion: no", "does not lie after"),
        ("date: 2025-03-10, mm: {A: 20, B: {merged_with: Z}}, non_target: none, new_lesion: no", "merged with 'Z'"),
        ("date: 2025-03-10, mm: {B: {merged_with: A}}, non_target: none, new_lesion: no", "merged with 'A'"),
        ("date: 2025-03-10, mm: {A: 20, B: 20}, non_target: growing, new_lesion: no", "non_target"),
    ],
)
def test_an_unanswered_or_contradictory_visit_is_refused(visit: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        _case("[{id: A, organ: liver}, {id: B, organ: liver}]", "date: 2025-01-10, mm: {A: 30, B: 20}", visit)
    assert says in refused.value.what
    assert ":8:" in refused.value.where


def test_non_target_lesions_are_there_on_every_visit_or_on_none() -> None:
    start = "date: 2025-01-10, mm: {A: 30}, non_target: persists"
    with pytest.raises(InputError) as refused:
        _case("[{id: A, organ: liver}]", start, f"date: 2025-03-10, mm: {{A: gone}}, {ANSWERS}")
    assert "non_target is none on some visits" in refused.value.what
    assert ":8:" in refused.value.where


def test_three_targets_of_one_organ_are_refused_however_it_is_spelled() -> None:
    with pytest.raises(InputError) as refused:
        _course("[{id: A, organ: liver}, {id: B, organ: Liver}, {id: C, organ: ' liver'}]", "{A: 20, B: 20, C: 20}")
    assert refused.value.code == "too-many-targets"


def _shown() -> TypedCase:
    start = "date: 2025-01-10, mm: {<b>: 100}"
    return _case("[{id: <b>, organ: liver}]", start, f"date: 2025-04-10, mm: {{<b>: 70.1}}, {ANSWERS}")


def test_score_shows_it_as_text_page_and_json_and_says_no_forbidden_sentence(rules: RuleSet) -> None:
    result = score(_shown(), rules)
    text, page = render(result), render_page(result)
    assert "2025-04-10 (day 90): SD — neither partial response nor progression" in text
    assert "sum 70.1 mm; against baseline -29.90 % (-29.9 mm)" in text
    assert f"not verified: {NOT_VERIFIED['overall']} (2025-04-10)" in text
    assert "-29.90 % (-29.9 mm)" in page
    assert "<b>" not in page
    shown: Mapping[str, object] = json.loads(json.dumps(result.as_dict()))["recist"]["visits"][0]
    assert (shown["overall"], shown["sum_mm"]) == ("SD", 70.1)
    plain = re.sub(r"<[^>]+>", "\n", page)
    said = [line for line in (text + plain).splitlines() if "RECIST" in line or "response" in line]
    assert [found for line in said for found in forbidden_claims(line)] == []


def test_without_the_section_or_with_chosen_rules_only_there_is_none(rules: RuleSet) -> None:
    bare = score(case_from_text(HEAD), rules)
    assert bare.recist is None
    assert bare.as_dict()["recist"] is None
    assert score(_shown(), rules, only=["krenning-modified"]).recist is None


def test_a_slice_that_is_not_given_is_said() -> None:
    text = f"{HEAD}recist:\n  targets: [{{id: A, organ: liver}}]\n  visits: [{{date: 2025-01-10, mm: {{A: 12}}}}]\n"
    result = _judged(case_from_text(text))
    assert result.baseline_mm == 12
    assert "slice thickness is not given" in result.notes[0]


def test_the_section_of_the_template_and_of_the_documentation_can_be_read() -> None:
    commented = re.search(r"^# recist:\n(?:#.*\n)+", template(), re.M)
    assert commented is not None
    text = HEAD + re.sub(r"^# ", "", commented[0], flags=re.M)
    assert _judged(case_from_text(text)).visits[0].sum_mm == 33.4
    page = (Path(__file__).resolve().parents[2] / "docs" / "rules_format.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(recist:\n.*?)^```", page, re.M | re.S)
    assert _judged(case_from_text(HEAD + example)).visits
    assert "recist" in json_schema()["properties"]


def test_the_verb_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        f"{HEAD}recist:\n  reader: Dr. Example\n  targets: [{{id: A, organ: liver}}]\n  visits:\n"
        f"    - {{date: 2025-01-10, mm: {{A: 50}}}}\n    - {{date: 2025-04-10, mm: {{A: 60}}, {ANSWERS}}}\n",
        encoding="utf-8",
    )
    printed = CliRunner().invoke(app, ["score", str(path)])
    assert printed.exit_code == 0, printed.output
    assert "PD — sum 20 % and 5 mm or more above the smallest sum" in printed.output
    assert "read by Dr. Example" in printed.output
