"""SSTR-RADS 1.0 over all 1,200 answer sets: the checksums of the decision table."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.table import Table

BY_CATEGORY = {"1A": 192, "1B": 120, "2": 24, "3A": 9, "3B": 22, "3C": 194, "3D": 294, "4": 26, "5": 127}
OUTSIDE = {"NS": 18, "INV": 174}
BY_ROW = [
    72,
    96,
    72,
    24,
    24,
    48,
    24,
    24,
    48,
    48,
    60,
    60,
    60,
    60,
    60,
    60,
    60,
    60,
    12,
    12,
    12,
    12,
    6,
    6,
    4,
    2,
    4,
    3,
    3,
    8,
]
BY_ROW += [6, 4, 1, 4, 1, 3, 1, 2, 8, 6, 4, 2, 2, 2, 10, 10, 6, 2, 6, 2, 1, 1, 6, 6, 8, 8, 2, 12, 4, 2, 2, 2, 20]
PUBLISHED = {"R01", "R04", "R06", "R14", "R18", "R19", "R25", "R28", "R29"}
PUBLISHED |= {"R32", "R41", "R43", "R46", "R47", "R53", "R59", "R61"}


def _table(rules: RuleSet) -> Table:
    body = rules["sstr-rads-1.0"].body
    assert isinstance(body, Table)
    return body


def _met(table: Table) -> list[tuple[int, ...]]:
    return [
        table.matching([1 << i for i in answers])
        for answers in product(*(range(len(c.classes)) for c in table.columns))
    ]


def test_the_1200_answer_sets_give_the_published_checksums(rules: RuleSet) -> None:
    table = _table(rules)
    met = _met(table)
    assert len(met) == 1200
    assert all(len(rows) == 1 for rows in met)
    assert Counter(table.rows[rows[0]].result for rows in met) == {**BY_CATEGORY, **OUTSIDE}
    counted = Counter(table.rows[rows[0]].id for rows in met)
    assert [counted[f"R{i:02d}"] for i in range(1, 64)] == BY_ROW


def test_seventeen_rows_are_published_without_any_convention(rules: RuleSet) -> None:
    table = _table(rules)
    assert {row.id for row in table.rows if not row.conventions} == PUBLISHED
    assert sum(bool(row.conventions) and any(c.source == "F4" for c in row.citations) for row in table.rows) == 13
    assert len(table.rows) == 63


OPTIONS = [
    (entry.key, option)
    for entry in load_rules()["sstr-rads-1.0"].file.conventions
    for option in entry.options
    if option != entry.default
]


@pytest.mark.parametrize(("key", "option"), OPTIONS)
def test_every_option_keeps_the_table_whole(key: str, option: str, rules: RuleSet) -> None:
    table = _table(rules.with_choices({key: option}))
    assert all(len(rows) == 1 for rows in _met(table))


@pytest.mark.parametrize(("key", "option"), OPTIONS)
def test_every_option_changes_only_rows_that_name_its_convention(key: str, option: str, rules: RuleSet) -> None:
    default, other = _table(rules), _table(rules.with_choices({key: option}))
    for before, after in zip(_met(default), _met(other), strict=True):
        if default.rows[before[0]].result != other.rows[after[0]].result:
            assert key in default.rows[before[0]].conventions
