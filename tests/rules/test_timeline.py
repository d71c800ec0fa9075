"""Dated entries of a course: treatments, analogues, markers, pathology."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lutetia.model import InputError
from lutetia.rules.case import case_from_text

HEAD = 'case: "1.0"\n'


def test_entries_come_in_order_of_date_with_their_units() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "course.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    entries = case_from_text(example).timeline
    assert [e.kind for e in entries] == ["pathology", "treatment", "ssa", "marker", "treatment"]
    assert entries[-1].activity_gbq == 7.4
    assert len(yaml.safe_load(example)["timeline"]) == len(entries)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{kind: treatment, date: 2025-01-01}", "agent is missing"),
        ("{kind: marker, name: CgA, date: 2025-01-01, value: 230.5}", "unit"),
        ("{kind: treatment, agent: X, date: 2025-01-31, until: 2025-01-01}", "before"),
        ("{kind: treatment, agent: 177Lu-DOTATATE, date: 2025-01-31, activity_gbq: 7400}", "activity_gbq"),
        ("{kind: treatment, agent: X, date: soon}", "date"),
        ("{kind: marker, name: CgA, date: 2025-01-01, value: .nan, unit: ng/mL}", "should be a number, not nan"),
        ("{kind: marker, name: CgA, date: 2025-01-01, value: .inf, unit: ng/mL}", "should be a number, not inf"),
    ],
)
def test_a_bad_entry_is_refused_with_its_line(row: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        case_from_text(f"{HEAD}timeline:\n  - {row}\n")
    assert says in refused.value.what
    assert "3" in refused.value.where


def test_a_symptom_is_there_or_not() -> None:
    rows = "".join(
        f"  - {{kind: symptom, name: flushing, date: 2025-01-0{n}, value: {v}}}\n" for n, v in ((1, "yes"), (2, "no"))
    )
    assert [e.value for e in case_from_text(f"{HEAD}timeline:\n{rows}").timeline] == ["yes", "no"]
