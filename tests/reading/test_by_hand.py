"""An outline that a reader drew is measured: the region named, or the only one there is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

from lutetia.model import Grid, InputError, Study, Volume
from lutetia.reading.by_hand import voxels_by_hand
from lutetia.reading.corrections_file import AddedLesion
from lutetia.reading.study import StudyReading

GRID = Grid((8, 10, 12), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))


@pytest.fixture
def reading(records: Any) -> StudyReading:
    study = Study.model_validate(records.study("s1", "dotatate", "2025-01-11"))
    selection: Any = SimpleNamespace(pet=None)
    return StudyReading(study, selection, suv=Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw"))


def drawn(place: Path, labels: dict[int, tuple[slice, ...]]) -> str:
    array = np.zeros(GRID.shape, np.uint8)
    for label, box in labels.items():
        array[box] = label
    nibabel.Nifti1Image(array.transpose(2, 1, 0), GRID.nifti_affine).to_filename(str(place))
    return str(place)


def added(mask: str, roi: str | None = None) -> AddedLesion:
    return AddedLesion(study="s1", mask=mask, roi=roi, tissue="liver", by="AB")


ONE, OTHER = (slice(1, 3), slice(1, 3), slice(1, 3)), (slice(5, 8), slice(5, 8), slice(5, 8))


def test_the_only_region_needs_no_name(reading: StudyReading, tmp_path: Path) -> None:
    assert len(voxels_by_hand(reading, added(drawn(tmp_path / "m.nii", {1: ONE})))) == 8


def test_the_region_named_is_taken_and_a_name_that_is_not_there_is_refused_with_those_that_are(
    reading: StudyReading, tmp_path: Path
) -> None:
    mask = drawn(tmp_path / "m.nii", {1: ONE, 4: OTHER})
    assert len(voxels_by_hand(reading, added(mask, "4"))) == 27
    for roi in (None, "liver"):
        with pytest.raises(InputError) as refused:
            voxels_by_hand(reading, added(mask, roi))
        assert refused.value.code == "no-such-region"
        assert refused.value.expected == "roi: 1, 4"
