"""What a reader corrects: found again by place, so that a correction survives a re-run.

A corrections file is YAML, kept as ``corrections.yaml`` beside the results or given with ``--corrections``::

    version: 1
    foci:
      - {study: study-2, at_mm: [12.0, -45.5, 610.0], lesion: lesion-4, by: AB}      # this focus is lesion-4
      - {study: study-1, at_mm: [80.1, 33.0, 402.0], status: rejected, by: AB, note: accessory spleen}
    added:
      - {study: study-1, at_mm: [20.0, 10.0, 500.0], diameter_mm: 14, tissue: liver, by: AB, name: seen on MRI}
      - {study: study-1, mask: contours.dcm, roi: lesion 1, tissue: liver, by: AB, lesion: lesion-1}

`study` is the id of a study in the record or its Study Instance UID. Two foci of one study with the same `lesion` are
measured as one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from lutetia.model import InputError, Point, Record, Side, Tissue, field_at_fault


class FocusCorrection(Record):
    """What a reader says of one focus."""

    study: str
    at_mm: Point
    by: str = Field(min_length=1)
    lesion: str | None = Field(default=None, pattern=r"^lesion-[1-9]\d*$")
    status: Literal["candidate", "confirmed", "rejected", "physiological"] | None = None
    site: str | None = None
    tissue: Tissue | None = None
    note: str = ""


class AddedLesion(Record):
    """A lesion given by hand: seen on CT or MRI, missed by the search, or outlined by a reader.

    Either `at_mm` with `diameter_mm`, or `mask` (NIfTI, DICOM SEG, RTSTRUCT; relative to the corrections file), with
    `roi` naming the region when the file holds several. `lesion` gives it the identity of a lesion of the course.
    """

    study: str
    at_mm: Point | None = None
    diameter_mm: float | None = Field(default=None, gt=0, le=300)
    mask: str | None = None
    roi: str | None = None
    lesion: str | None = Field(default=None, pattern=r"^lesion-[1-9]\d*$")
    tissue: Tissue
    by: str = Field(min_length=1)
    site: str = ""
    side: Side | None = None
    name: str = ""

    @model_validator(mode="after")
    def _has_a_place(self) -> AddedLesion:
        sphere = self.at_mm is not None and self.diameter_mm is not None
        if sphere == (self.mask is not None):
            raise ValueError("give either at_mm with diameter_mm, or mask")
        return self


class Corrections(Record):
    """A corrections file."""

    version: Literal[1] = 1
    foci: tuple[FocusCorrection, ...] = ()
    added: tuple[AddedLesion, ...] = ()


def load_corrections(path: str | Path) -> Corrections:
    """Read a corrections file.

    Raises
    ------
    InputError
        ``bad-corrections`` naming the field at fault.
    """
    try:
        data: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError("bad-corrections", f"The corrections can't be read: {error}", where=str(path)) from error
    try:
        corrections = Corrections.model_validate(data or {})
    except ValidationError as error:
        raise InputError(
            "bad-corrections",
            str(field_at_fault(error)),
            where=str(path),
            expected="foci and added as the documentation of corrections shows",
            remedy="mend the field, or leave it out",
        ) from error
    folder = Path(path).parent
    added = tuple(
        a.model_copy(update={"mask": str(folder / a.mask)}) if a.mask is not None else a for a in corrections.added
    )
    return corrections.model_copy(update={"added": added})
