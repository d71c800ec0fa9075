"""How the command handles memory is the command's own affair."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

import pytest

from lutetia.cli import process


@pytest.fixture
def thresholds() -> Any:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_cycles_are_looked_for_seldom(thresholds: None) -> None:
    process.settle()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == process.COLLECT_AFTER


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt belongs to glibc")
def test_a_c_library_without_mallopt_is_left_as_it_is(thresholds: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    process.settle()
    assert gc.get_threshold()[0] == process.COLLECT_AFTER
