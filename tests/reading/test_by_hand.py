"""An outline that a reader drew is measured: the region named, or the only one there is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

from builders.scans import scan
from lutetia.model import Grid, InputError, Study, Volume
from lutetia.reading.by_hand import add_by_hand, voxels_by_hand
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


def outlined(records: Any, box: tuple[slice, ...], status: str = "candidate") -> StudyReading:
    """A scan in which the search outlined one box, of SUV 5 on a surrounding of 1."""
    labels = np.zeros(GRID.shape, np.int16)
    labels[box] = 1
    suv = np.where(labels > 0, 5.0, 1.0).astype(np.float32)
    volume = float((labels > 0).sum()) * GRID.voxel_ml
    seen = records.focus("s1", 5.0, label=1, volume_ml=volume, mask_method="threshold")
    found = records.lesion("L1", observations=[seen], status=status, site="liver")
    return scan(records, "s1", "dotatate", "2025-01-11", GRID, suv, labels, found)


def sphere(diameter: float) -> AddedLesion:
    at = (20.0, 20.0, 16.0)
    return AddedLesion(study="s1", at_mm=at, diameter_mm=diameter, tissue="liver", by="AB", name="seen on MRI")


def test_a_sphere_on_a_focus_of_the_search_confirms_it_and_is_no_ring_around_it(records: Any) -> None:
    reading = outlined(records, (slice(3, 6), slice(4, 7), slice(4, 7)))
    assert add_by_hand(reading, sphere(14.0)) == "L1"
    (lesion,) = reading.lesions
    assert lesion.status == "confirmed" and lesion.corrected_by == "AB" and "seen on MRI" in lesion.status_reason
    assert lesion.observations[0].volume_ml == pytest.approx(27 * GRID.voxel_ml)
    assert [i.code for i in reading.issues] == ["added-lesion-found"]


def test_a_sphere_inside_a_large_mass_is_cut_out_of_it_so_that_each_voxel_counts_once(records: Any) -> None:
    whole = (slice(0, 8), slice(0, 10), slice(0, 12))
    reading = outlined(records, whole)
    own = add_by_hand(reading, sphere(8.0))
    mass, lesion = reading.lesions
    assert own == lesion.id != mass.id
    volumes = [x.observations[0].volume_ml for x in reading.lesions]
    assert sum(volumes) == pytest.approx(np.prod(GRID.shape) * GRID.voxel_ml)
    assert "without what was given by hand" in mass.observations[0].mask_method
    assert lesion.observations[0].suv_mean == pytest.approx(5.0)


def test_a_sphere_in_what_was_set_apart_is_measured_whole(records: Any) -> None:
    reading = outlined(records, (slice(3, 6), slice(4, 7), slice(4, 7)), status="physiological")
    own = add_by_hand(reading, sphere(18.0))
    lesion = next(x for x in reading.lesions if x.id == own)
    inside = voxels_by_hand(reading, sphere(18.0))
    assert lesion.observations[0].volume_ml == pytest.approx(len(inside) * GRID.voxel_ml)
    assert lesion.observations[0].suv_max == pytest.approx(5.0)


def test_an_outline_drawn_inside_a_large_mass_does_not_remove_the_mass(records: Any, tmp_path: Path) -> None:
    reading = outlined(records, (slice(0, 8), slice(0, 10), slice(0, 12)))
    reading.selection = SimpleNamespace(pet=None)  # type: ignore[assignment]
    add_by_hand(reading, added(drawn(tmp_path / "m.nii", {1: ONE})))
    volumes = [x.observations[0].volume_ml for x in reading.lesions]
    assert volumes == pytest.approx([(np.prod(GRID.shape) - 8) * GRID.voxel_ml, 8 * GRID.voxel_ml])
