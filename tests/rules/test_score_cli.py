"""The verbs `score` and `rules`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli import app
from lutetia.model import InputError, RuleError, UsageError
from lutetia.rules import load_rules, table_of_cases

RUN = CliRunner()
CASE = """case: "1.0"
id: demo
visits: [{id: s, date: 2025-03-03, tracer: ga68-dotatate, blood_pool: 2, liver: 8, spleen: 24}]
lesions:
  - {id: L1, site: liver, place: <b>dome</b>, proof: none, typicality: typical, correlate: definitive, growth: no,
     seen: {s: {suv_max: 20, focal: yes, size_mm: 31}}}
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "case.yaml"
    path.write_text(CASE, encoding="utf-8")
    return path


def test_score_prints_result_row_citation_and_footer(case: Path) -> None:
    result = RUN.invoke(app, ["score", str(case)])
    assert result.exit_code == 0, result.output
    assert "category of a lesion: 5" in result.output
    assert "R43" in result.output
    assert "F4 Table 1, 5" in result.output
    assert "research software" in result.output


def test_score_writes_json_and_one_html_page(case: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = RUN.invoke(app, ["score", str(case), "--json", "--html", str(page)])
    data = json.loads(result.output)
    rads = next(v for v in data["verdicts"] if v["rule"] == "sstr-rads-1.0")
    assert rads["results"] == ["5"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "<script" not in text
    assert "http" not in text.split("</style>")[1].replace("https://", "")


def test_score_chooses_conventions_and_refuses_unknown_ones(case: Path) -> None:
    result = RUN.invoke(app, ["score", str(case), "--set", "C-A6=none", "--only", "krenning-modified"])
    assert "C-A6" not in result.output or "none" in result.output
    failed = RUN.invoke(app, ["score", str(case), "--set", "C-Z9=1"])
    assert isinstance(failed.exception, UsageError)
    assert isinstance(RUN.invoke(app, ["score", str(case), "--set", "nonsense"]).exception, UsageError)


def test_score_prints_a_template_that_scores(tmp_path: Path) -> None:
    text = RUN.invoke(app, ["score", "--template"]).output
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    assert RUN.invoke(app, ["score", str(path)]).exit_code == 0
    assert json.loads(RUN.invoke(app, ["score", "--schema"]).output)["title"] == "Lutetia typed case"


def test_a_bad_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text('case: "1.0"\ndisease: {ki67_percent: 120}\n', encoding="utf-8")
    failed = RUN.invoke(app, ["score", str(path)])
    assert isinstance(failed.exception, InputError)
    assert "bad.yaml:2" in failed.exception.where


def test_a_table_of_cases_scores_the_good_rows_and_names_the_bad(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(
        "case,lesion,disease.ki67_percent,sstr.tracer,sstr.blood_pool,sstr.liver,sstr.spleen,lesion.site,"
        "lesion.sstr.suv_max,lesion.sstr.focal\n"
        "p1,A,5,ga68-dotatate,2,8,24,liver,20,yes\n"
        "p1,B,5,ga68-dotatate,2,8,24,bone,5,yes\n"
        "p2,A,120,ga68-dotatate,2,8,24,liver,20,yes\n",
        encoding="utf-8",
    )
    output = RUN.invoke(app, ["score", "--table", str(path)]).output
    rows = list(csv.DictReader(io.StringIO(output)))
    grades = {row["subject"]: row["results"] for row in rows if row["rule"] == "krenning-modified"}
    assert grades == {"A@sstr": "3", "B@sstr": "2"}
    assert [row["results"] for row in rows if row["case"] == "p2"] == ["refused: impossible-value"]


def test_several_processes_give_the_same_table_as_one(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    head = "case,lesion,disease.ki67_percent,sstr.tracer,sstr.blood_pool,sstr.liver,sstr.spleen,lesion.sstr.suv_max"
    lines = [f"p{i},A,{i % 150},ga68-dotatate,2,8,24,{1 + i % 30}" for i in range(table_of_cases.PARALLEL_FROM)]
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    rules = load_rules()
    only = ["krenning-modified", "krenning-patient"]
    one = table_of_cases.score_table(path, rules, only=only, workers=1)
    assert one == table_of_cases.score_table(path, rules, only=only, workers=2)
    assert "refused: impossible-value" in one


def test_rules_list_show_sources_and_diff() -> None:
    assert "sstr-rads-1.0" in RUN.invoke(app, ["rules", "list"]).output
    shown = RUN.invoke(app, ["rules", "show", "sstr-rads-1.0"]).output
    assert "R63" in shown
    assert "C-B14" in shown
    assert "NOT VERIFIED" in RUN.invoke(app, ["rules", "sources"]).output
    changed = RUN.invoke(app, ["rules", "diff", "krenning-original-4", "krenning-original-5"]).output
    assert "edition" in changed
    assert RUN.invoke(app, ["rules", "diff", "krenning-qa", "krenning-qa"]).output.strip() == "no difference"


SITE_RULE = """rule: site-gates
shape: profile
title: Our own gates
edition: "1"
scope: patient
summary: A site's own profile.
sources: {SOP: {citation: "Our procedure", read: whole, verified: true, places: ["4.2"]}}
gates:
  - {id: platelets, title: Platelets, met: labs.platelets >= 90, otherwise: not_met, cite: ["SOP: 4.2"]}
"""


def test_a_site_adds_its_own_profile_as_one_file(case: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "site-gates.yaml").write_text(SITE_RULE, encoding="utf-8")
    text = case.read_text(encoding="utf-8") + "labs: {platelets: 89 G/L}\n"
    case.write_text(text, encoding="utf-8")
    result = RUN.invoke(app, ["score", str(case), "--rules", str(folder), "--only", "site-gates"])
    assert "not met: Platelets" in result.output
    assert "SOP 4.2" in result.output


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("labs.platelets >= 90", "labs.platlets >= 90", "expression", 9),
        ('"SOP: 4.2"', '"SOP: 4.3"', "unresolved-citation", 9),
        ("shape: profile", "shape: circle", "rule-schema", 2),
        ("otherwise: not_met", "otherwise: maybe", "state", 9),
        ("rule: site-gates", "rule: other", "rule-id", 1),
        ("summary: A", "sumary: A", "rule-schema", 6),
    ],
)
def test_a_faulty_rule_file_is_refused_at_its_line(
    old: str, new: str, code: str, line: int, case: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "site-gates.yaml").write_text(SITE_RULE.replace(old, new), encoding="utf-8")
    failed = RUN.invoke(app, ["score", str(case), "--rules", str(folder), "--only", "site-gates"])
    assert isinstance(failed.exception, RuleError)
    assert failed.exception.code == code
    assert f"site-gates.yaml:{line}" in failed.exception.where
