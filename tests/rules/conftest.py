"""Fixtures of the rules room."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutetia.rules.cases import CaseFile, read_cases
from lutetia.rules.loader import RuleSet, load_rules


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    """The built-in rules under their default conventions."""
    return load_rules()


@pytest.fixture(scope="session")
def case_files() -> list[CaseFile]:
    """All rule-level case files."""
    return [read_cases(path) for path in sorted((Path(__file__).parents[1] / "cases").glob("*.yaml"))]
