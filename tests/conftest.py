"""Fixtures shared by every room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _shared_root() -> Path | None:
    given = os.environ.get("LUTETIA_SHARED")
    root = Path(given) if given else Path(__file__).resolve().parents[2] / "shared"
    return root if (root / "data" / "README.md").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout; the test is skipped where there is none."""
    root = _shared_root()
    if root is None:
        pytest.skip("reference data are not beside this checkout (set LUTETIA_SHARED)")
    return root
