"""Label maps: on the PET's grid, readable by everybody, the same bytes each time."""

from __future__ import annotations

import csv
import io
import json

import nibabel as nib
import numpy as np
import pytest

from lutetia.model import Grid, Volume
from lutetia.outputs import maps


def _oblique() -> Grid:
    turn = np.deg2rad(11.0)
    z, y, x = (0.0, -np.sin(turn), np.cos(turn)), (0.0, np.cos(turn), np.sin(turn)), (1.0, 0.0, 0.0)
    direction = tuple(tuple(float(axis[i]) for axis in (z, y, x)) for i in range(3))
    return Grid(shape=(5, 6, 7), spacing_mm=(3.0, 2.0, 1.5), origin_mm=(10.0, -20.0, 30.0), direction=direction)


def _feet_first() -> Grid:
    direction = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
    return Grid(shape=(5, 6, 7), spacing_mm=(3.0, 2.0, 1.5), origin_mm=(1.0, 2.0, 3.0), direction=direction)


@pytest.mark.parametrize("grid", [Grid((5, 6, 7), (3.0, 2.0, 1.5), (1.0, 2.0, 3.0)), _oblique(), _feet_first()])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int32, np.float32])
def test_nibabel_reads_back_voxels_and_place(grid, kind, tmp_path):
    values = np.arange(5 * 6 * 7).reshape(5, 6, 7).astype(kind)
    path = tmp_path / "map.nii.gz"
    maps.write_nifti(Volume(values, grid, "label"), path)
    image = nib.load(path)
    assert image.get_data_dtype() == np.dtype(kind)
    assert np.array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), values)
    assert np.allclose(image.affine, grid.nifti_affine, atol=1e-4)
    assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-4)


def test_a_voxel_keeps_its_place_in_the_patient(tmp_path):
    grid = _oblique()
    path = tmp_path / "map.nii.gz"
    maps.write_nifti(Volume(np.zeros(grid.shape, np.uint8), grid, "label"), path)
    right_anterior_superior = nib.load(path).affine @ [4, 2, 3, 1]
    left_posterior_superior = grid.to_lps((3, 2, 4))
    assert np.allclose(right_anterior_superior[:3] * [-1, -1, 1], left_posterior_superior, atol=1e-4)


def test_the_same_map_gives_the_same_bytes_whatever_its_name(tmp_path):
    volume = Volume(np.ones((5, 6, 7), np.uint8), _oblique(), "label")
    maps.write_nifti(volume, tmp_path / "a.nii.gz")
    maps.write_nifti(volume, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_sheared_grid_carries_no_quaternion(tmp_path):
    direction = ((0.0, 0.0, 1.0), (0.2, 1.0, 0.0), (np.sqrt(1 - 0.04), 0.0, 0.0))
    grid = Grid((4, 4, 4), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), direction)
    maps.write_nifti(Volume(np.zeros((4, 4, 4), np.uint8), grid, "label"), tmp_path / "m.nii.gz")
    header = nib.load(tmp_path / "m.nii.gz").header
    assert header["qform_code"] == 0
    assert header["sform_code"] == 1


def test_labels_are_kept_in_the_smallest_type_that_holds_them():
    grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    for top, kind in ((255, np.uint8), (256, np.uint16), (70000, np.int32)):
        small = maps.smallest_label_type(Volume(np.array([[[0, top]]], np.int32), grid, "label"))
        assert small.array.dtype == kind
        assert small.array.max() == top


def test_every_label_has_its_lesion_in_the_table(made_up):
    rows = maps.lesion_labels(made_up.course, made_up.study)
    assert [(row.label, row.name) for row in rows] == [(1, "lesion-1"), (2, "lesion-2"), (3, "lesion-3")]
    table = list(csv.DictReader(io.StringIO(maps.label_table_tsv(rows).decode()), delimiter="\t"))
    assert table[0]["index"] == "1"
    assert table[2]["description"].endswith("(physiological)")


def test_the_label_table_lists_lesions_and_organs(made_up):
    organs = maps.organ_labels(made_up.study)
    content = json.loads(maps.label_table_json(maps.lesion_labels(made_up.course, made_up.study), organs))
    assert [row["name"] for row in content["organs.nii.gz"]] == ["aorta", "liver", "spleen"]


def test_the_outline_of_the_body_is_in_the_table_when_it_is_in_the_map(made_up):
    grid = Grid((1, 1, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with_body = Volume(np.array([[[0, 1, 7]]], np.uint8), grid, "label")
    assert maps.organ_labels(made_up.study, with_body)[0].label == 1
    assert maps.organ_labels(made_up.study, with_body)[0].name == "body"
    without = Volume(np.array([[[0, 0, 7]]], np.uint8), grid, "label")
    assert maps.organ_labels(made_up.study, without) == maps.organ_labels(made_up.study)
