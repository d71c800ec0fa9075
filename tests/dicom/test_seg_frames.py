"""Frames encoded as bytes: the same object as highdicom builds frame by frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from builders.sources import pet_images
from lutetia.dicom import seg_frames
from lutetia.dicom.seg import Segment, build_segmentation
from lutetia.dicom.writing import save
from lutetia.model import Code, Grid, Volume

LIVER = Code(value="10200004", scheme="SCT", meaning="Liver")


def object_of(grid: Grid, array: np.ndarray, *, full: bool = False, multiframe: bool = False) -> Dataset:
    built = build_segmentation(
        pet_images(grid, multiframe=multiframe),
        Volume(array, grid, "label"),
        [Segment(n, f"thing {n}", LIVER, LIVER, f"1.2.7.{n}") for n in range(1, 7)],
        description="Things",
        content_label="THINGS",
        series_number=9,
        version="1",
        full=full,
    )
    assert built is not None
    return built.dataset


@pytest.fixture
def scattered() -> tuple[Grid, np.ndarray]:
    """Six labels strewn over 14 slices of 11 × 7 voxels, so that a frame ends within a byte; two slices are empty."""
    grid = Grid((14, 11, 7), (3.0, 2.0, 2.0), (-10.0, -12.0, 100.0), frame_of_reference_uid="1.2.9")
    rng = np.random.default_rng(5)
    array = np.where(rng.random(grid.shape) < 0.04, rng.integers(1, 7, grid.shape), 0).astype(np.int32)
    array[5:7] = 0
    array[2, 3, 4] = 6
    return grid, array


@pytest.mark.parametrize("multiframe", [False, True], ids=["slices", "multiframe"])
@pytest.mark.parametrize("full", [False, True], ids=["sparse", "full"])
def test_the_object_equals_the_one_that_highdicom_builds(
    full: bool, multiframe: bool, scattered: tuple[Grid, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(object_of(*scattered, full=full, multiframe=multiframe), tmp_path / "fast.dcm")
    monkeypatch.setattr(seg_frames, "fits", lambda _: False)
    object_of(*scattered, full=full, multiframe=multiframe).save_as(tmp_path / "slow.dcm", enforce_file_format=True)
    fast, slow = (pydicom.dcmread(tmp_path / name) for name in ("fast.dcm", "slow.dcm"))
    assert [e.keyword for e in fast] == [e.keyword for e in slow]
    for element in slow:
        assert str(fast[element.tag]) == str(element), element.keyword
        if element.VR == "SQ":
            assert [str(item) for item in fast[element.tag].value] == [str(item) for item in element.value]
    for one, other in zip(fast.PerFrameFunctionalGroupsSequence, slow.PerFrameFunctionalGroupsSequence, strict=True):
        assert str(one) == str(other)
    bits = fast.NumberOfFrames * fast.Rows * fast.Columns
    voxels = [np.unpackbits(np.frombuffer(d.PixelData, np.uint8), bitorder="little")[:bits] for d in (fast, slow)]
    assert np.array_equal(*voxels)


def test_every_image_of_a_written_slice_is_referred_to_once(scattered: tuple[Grid, np.ndarray]) -> None:
    dataset = object_of(*scattered)
    frames = {
        str(image.ReferencedSOPInstanceUID)
        for group in dataset.PerFrameFunctionalGroupsSequence
        for derivation in group.DerivationImageSequence
        for image in derivation.SourceImageSequence
    }
    for items in (dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence, dataset.SourceImageSequence):
        uids = [str(item.ReferencedSOPInstanceUID) for item in items]
        assert len(uids) == len(set(uids)) > 1
        assert set(uids) == frames


def test_a_few_slices_show_every_segment(scattered: tuple[Grid, np.ndarray]) -> None:
    _, array = scattered
    shown = np.array([(array == n).any(axis=(1, 2)) for n in range(1, 7)])
    frames = seg_frames.frames_of(shown)
    few = seg_frames.few_slices(array, frames)
    assert set(np.unique(array[few])) == set(np.unique(array))
    assert len(few) <= 6


def test_items_are_parsed_when_somebody_looks(scattered: tuple[Grid, np.ndarray]) -> None:
    dataset = object_of(*scattered)
    assert dataset.get_item(0x52009230).is_raw
    assert len(dataset.PerFrameFunctionalGroupsSequence) == dataset.NumberOfFrames
