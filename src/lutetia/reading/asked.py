"""What was asked of a reading, checked before any image is read: a slip is said at once, not after minutes."""

from __future__ import annotations

from pathlib import Path

from lutetia.imaging.lesions import SCHEMES
from lutetia.model import UsageError
from lutetia.reading.corrections_file import load_corrections
from lutetia.reading.settings import ReadSettings
from lutetia.rules.case import read_case
from lutetia.rules.loader import load_rules


def check_asked(settings: ReadSettings) -> None:
    """Read every typed file and look up every name once.

    Raises
    ------
    InputError, RuleError, UsageError
        A corrections file, case or rule that can't be read; a segmentation scheme or convention that is not there.
    """
    if settings.scheme not in ("default", *SCHEMES):
        raise UsageError(
            "unknown-segmentation-scheme",
            f"There is no segmentation scheme {settings.scheme!r}",
            where="--scheme",
            expected=", ".join(("default", *sorted(SCHEMES))),
        )
    load_rules((Path(settings.rules_dir),) if settings.rules_dir else (), settings.conventions)
    if settings.corrections is not None:
        load_corrections(settings.corrections)
    if settings.case:
        read_case(Path(settings.case))
