"""What a reader entered is used, or it is said why not: nothing of it is lost in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders.scans import scan
from lutetia.model import Grid
from lutetia.reading.corrections import apply_corrections, unplaced
from lutetia.reading.corrections_file import Corrections
from lutetia.reading.study import StudyReading

GRID = Grid((30, 30, 30), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
LEFT, RIGHT = (40.0, 60.0, 60.0), (72.0, 60.0, 60.0)


@pytest.fixture
def two_parts(records: Any) -> StudyReading:
    """A scan in which the search outlined a lesion in two parts: 27 and 8 voxels."""
    labels = np.zeros(GRID.shape, np.int16)
    labels[14:17, 14:17, 9:12], labels[15:17, 15:17, 18:20] = 1, 2
    suv = np.where(labels == 1, 9.0, np.where(labels == 2, 6.0, 0.6)).astype(np.float32)
    found = []
    for label in (1, 2):
        inside = np.argwhere(labels == label)
        centre = tuple(float(v) for v in GRID.to_lps(inside).mean(axis=0))
        volume = len(inside) * GRID.voxel_ml
        flags = ("partial_volume",) if label == 1 else ("small", "partial_volume")
        seen = records.focus("s1", 9.0, label=label, volume_ml=volume, centroid_mm=centre, flags=flags)
        found.append(records.lesion(f"L{label}", observations=[seen], tissue="lymph_node", site="node"))
    return scan(records, "s1", "dotatate", "2025-01-11", GRID, suv, labels, *found)


def given(*foci: dict[str, Any]) -> Corrections:
    return Corrections.model_validate({"foci": [{"study": "s1", "by": "AB"} | f for f in foci]})


def test_two_foci_that_the_reader_calls_one_lesion_are_measured_as_one(two_parts: StudyReading) -> None:
    same = [{"at_mm": place, "lesion": "lesion-4"} for place in (RIGHT, LEFT)]
    assert apply_corrections(two_parts, given(*same)) == {("s1", "L1"): 4}
    (one,) = two_parts.lesions
    seen = one.observations[0]
    assert seen.volume_ml == pytest.approx(35 * GRID.voxel_ml)
    assert seen.suv_max == pytest.approx(9.0)
    assert seen.suv_mean == pytest.approx((27 * 9.0 + 8 * 6.0) / 35)
    assert "small" not in seen.flags
    assert one.corrected_by == "AB" and "joined by AB" in seen.mask_method
    assert two_parts.found is not None
    assert set(np.unique(two_parts.found.labels.array)) == {0, 1}


def test_two_foci_of_two_lesions_stay_two(two_parts: StudyReading) -> None:
    apart = given({"at_mm": LEFT, "lesion": "lesion-4"}, {"at_mm": RIGHT, "lesion": "lesion-5"})
    assert apply_corrections(two_parts, apart) == {("s1", "L1"): 4, ("s1", "L2"): 5}
    assert [x.observations[0].volume_ml for x in two_parts.lesions] == pytest.approx([1.728, 0.512])


def test_a_study_may_be_named_by_its_uid_so_that_an_earlier_visit_added_later_changes_nothing(
    two_parts: StudyReading,
) -> None:
    by_uid = given({"study": "1.2.s1", "at_mm": LEFT, "status": "rejected"})
    apply_corrections(two_parts, by_uid)
    assert [x.status for x in two_parts.lesions] == ["rejected", "candidate"]
    assert not unplaced(by_uid, (two_parts,))


def test_a_correction_for_a_study_that_was_not_read_is_said(two_parts: StudyReading) -> None:
    asked = {
        "foci": [{"study": "s1", "at_mm": LEFT, "by": "AB"}, {"study": "s9", "at_mm": LEFT, "by": "AB"}],
        "added": [{"study": "s8", "at_mm": LEFT, "diameter_mm": 9, "tissue": "liver", "by": "CD"}],
    }
    said = unplaced(Corrections.model_validate(asked), (two_parts,))
    assert [i.code for i in said] == ["correction-without-study"] * 2
    assert "Correction 2 by AB is for s9" in said[0].message
    assert "Added lesion 1 by CD is for s8" in said[1].message
