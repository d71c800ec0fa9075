"""The record of a reading without the files that are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lutetia.model import Course
from lutetia.reading.read import read_course
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore


def record_of(paths: Sequence[Path], out: Path, **settings: Any) -> Course:
    """Read as `lutetia.read` does, with the finished stages that `out` keeps; nothing but stages is written."""
    return read_course(paths, ReadSettings(**settings), store=StageStore(out)).course
