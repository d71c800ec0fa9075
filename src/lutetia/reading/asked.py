"""What was asked of a reading, checked before any image is read: a slip is said at once, not after minutes."""

from __future__ import annotations

from pathlib import Path

from lutetia.dicom.masks import mask_file
from lutetia.imaging.lesions import SCHEMES
from lutetia.imaging.references.given import check_reference
from lutetia.model import UsageError
from lutetia.reading.corrections_file import load_corrections
from lutetia.reading.settings import ReadSettings
from lutetia.reading.study import overrides_of
from lutetia.rules.case import read_case
from lutetia.rules.loader import load_rules


def check_asked(settings: ReadSettings) -> None:
    """Read every typed file and look up every name once.

    Raises
    ------
    InputError, RuleError, UsageError
        A corrections file, case or rule that can't be read; a segmentation scheme or convention that is not there; an
        element overridden by what is no number; organs, references or lesions drawn by hand whose files are not there
        or hold no masks.
    """
    if settings.scheme not in ("default", *SCHEMES):
        raise UsageError(
            "unknown-segmentation-scheme",
            f"There is no segmentation scheme {settings.scheme!r}",
            where="--scheme",
            expected=", ".join(("default", *sorted(SCHEMES))),
        )
    overrides_of(settings)
    load_rules((Path(settings.rules_dir),) if settings.rules_dir else (), settings.conventions)
    if settings.organs is not None:
        _check_organs(Path(settings.organs))
    for name, text in settings.references.items():
        check_reference(name, text, mask_file)
    if settings.corrections is not None:
        for added in load_corrections(settings.corrections).added:
            if added.mask is not None:
                mask_file(added.mask)
    if settings.case:
        read_case(Path(settings.case))


def _check_organs(path: Path) -> None:
    if not path.exists():
        raise UsageError("organs-missing", "There are no organ masks there", where=str(path), remedy="check --organs")
    mask_file(path)
