"""A mask in a NIfTI file means the same whatever it is for: organs, a reference, a lesion, a region of statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from lutetia.dicom.masks import load_regions, union_of
from lutetia.imaging.anatomy.organ_files import load_organ_masks
from lutetia.imaging.anatomy.user_masks import anatomy_from_masks, masks_by_organ
from lutetia.masks.nifti import nifti_files, read_nifti
from lutetia.model import Grid, InputError, Volume

GRID = Grid((12, 20, 24), (4.0, 2.0, 2.0), (-10.0, -20.0, 30.0))


def write(place: Path, array: NDArray[Any], affine: NDArray[np.float64] = GRID.nifti_affine) -> Path:
    nibabel.Nifti1Image(np.ascontiguousarray(array.transpose(2, 1, 0)), affine).to_filename(str(place))
    return place


def regions_of(place: Path) -> dict[str, NDArray[np.bool_]]:
    """Every region's voxels by its name."""
    return {region.name: region.mask for region in load_regions(place, GRID)}


def load_mask(place: Path, grid: Grid) -> NDArray[np.bool_]:
    """Everything in the file as one mask."""
    return union_of(load_regions(place, grid), place, grid)


def block(dtype: type = np.uint8) -> NDArray[Any]:
    mask = np.zeros(GRID.shape, dtype)
    mask[3:9, 5:11, 8:14] = 1
    return mask


def half_a_voxel_on() -> NDArray[np.float64]:
    affine: NDArray[np.float64] = GRID.nifti_affine.copy()
    affine[:3, 3] += affine[:3, 2] / 2
    return affine


@pytest.mark.parametrize("affine", [GRID.nifti_affine, half_a_voxel_on()])
def test_organs_and_regions_take_the_same_voxels_also_half_a_voxel_off(
    tmp_path: Path, affine: NDArray[np.float64]
) -> None:
    file = write(tmp_path / "liver.nii.gz", block(), affine)
    organs = load_organ_masks(file, GRID)
    assert np.array_equal(organs.masks["liver"], load_mask(file, GRID))
    assert len(np.flatnonzero(organs.masks["liver"].any(axis=(1, 2)))) == 6
    assert organs.volumes_ml["liver"] == pytest.approx(block().sum() * GRID.voxel_ml)


def test_probabilities_are_cut_at_a_half_for_organs_and_regions(tmp_path: Path) -> None:
    file = write(tmp_path / "spleen.nii", 0.3 * np.ones(GRID.shape) + 0.4 * block(float))
    assert np.array_equal(load_organ_masks(file, GRID).masks["spleen"], block() > 0)
    assert np.array_equal(load_mask(file, GRID), block() > 0)


def test_names_beside_a_label_map_name_regions_too(tmp_path: Path) -> None:
    labels = block()
    labels[0, :3, :3] = 7
    file = write(tmp_path / "drawn.nii.gz", labels)
    (tmp_path / "drawn.json").write_text(json.dumps({"1": "liver", "7": "spleen"}), encoding="utf-8")
    assert set(regions_of(file)) == {"liver", "spleen"} == set(load_organ_masks(file, GRID).masks)


def test_a_map_with_the_table_that_a_reading_lays_beside_it_can_be_given_back(tmp_path: Path) -> None:
    labels = block()
    labels[0, :3, :3] = 7
    file = write(tmp_path / "organs.nii.gz", labels)
    (tmp_path / "labels.json").write_text('{"organs.nii.gz": []}', encoding="utf-8")
    with pytest.raises(InputError, match=r"organs.json beside it") as refused:
        load_organ_masks(file, GRID)
    assert refused.value.code == "organs-without-names"
    table = "index\tname\tcolor\tdescription\n1\tspleen\t#e69f00\ta\n7\tliver\t#009e73\tb\n"
    (tmp_path / "organs.tsv").write_text(table, encoding="utf-8")
    given = load_organ_masks(file, GRID)
    assert np.array_equal(given.masks["liver"], labels == 7)
    assert "names in organs.tsv" in given.source
    assert set(regions_of(file)) == {"liver", "spleen"}


def test_the_same_label_in_two_files_is_two_regions(tmp_path: Path) -> None:
    for name, at in (("first", 1), ("second", 6)):
        labels = np.zeros(GRID.shape, np.uint8)
        labels[at, 2:4, 2:4], labels[at, 8:12, 8:12] = 1, 2
        write(tmp_path / f"{name}.nii.gz", labels)
    sizes = {name: int(mask.sum()) for name, mask in regions_of(tmp_path).items()}
    assert sizes == {"first 1": 4, "first 2": 16, "second 1": 4, "second 2": 16}


@pytest.mark.parametrize("code", [4, 700_000, 10_200_004])
def test_labels_may_be_small_numbers_or_codes(tmp_path: Path, code: int) -> None:
    mask = read_nifti(write(tmp_path / "m.nii.gz", block(np.int32) * code))
    assert mask.counts == {code: int(block().sum())}


def test_a_coloured_picture_is_no_mask(tmp_path: Path) -> None:
    colours = np.zeros((4, 4, 4), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nibabel.Nifti1Image(colours, np.eye(4)).to_filename(str(tmp_path / "liver.nii"))
    for read in (load_organ_masks, load_mask):
        with pytest.raises(InputError) as refused:
            read(tmp_path / "liver.nii", GRID)
        assert refused.value.code == "mask-unreadable"


def test_masks_without_one_voxel_are_refused_as_empty_not_as_of_another_scan(tmp_path: Path) -> None:
    for organ in ("liver", "spleen"):
        write(tmp_path / f"{organ}.nii.gz", 0 * block())
    with pytest.raises(InputError) as files:
        load_organ_masks(tmp_path, GRID)
    empty = Volume(block() > 1, GRID, "mask")
    with pytest.raises(InputError) as segments:
        masks_by_organ({"Liver": empty}, GRID, source="seg.dcm")
    assert files.value.code == segments.value.code == "organs-empty"


def test_a_segment_that_lies_outside_the_pet_is_no_empty_mask(tmp_path: Path) -> None:
    away = write(tmp_path / "both.nii.gz", block())
    (region,) = load_regions(away, GRID)
    here = {"liver": Volume(region.mask, GRID, "mask"), "spleen": Volume(block() > 1, GRID, "mask")}
    given = masks_by_organ(here, GRID, source="seg.dcm", own_ml={"liver": region.own_ml, "spleen": 180.0})
    anatomy = anatomy_from_masks(Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw"), given)
    liver, spleen = anatomy.organ("liver"), anatomy.organ("spleen")
    assert liver is not None and liver.status != "outside_field"
    assert spleen is not None and spleen.status == "outside_field"


def test_the_files_of_a_folder_or_of_its_segmentations_are_found(tmp_path: Path) -> None:
    assert nifti_files(tmp_path) == []
    (tmp_path / "segmentations").mkdir()
    inner = write(tmp_path / "segmentations" / "organs.nii.gz", block())
    assert nifti_files(tmp_path) == [inner]
    outer = write(tmp_path / "LIVER.NII", block())
    assert nifti_files(tmp_path) == [outer]
    assert nifti_files(outer) == [outer]
