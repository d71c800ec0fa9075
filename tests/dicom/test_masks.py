"""Masks on the PET's grid: contours by pixel centres, SEG by segment, NIfTI in any orientation."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from lutetia.dicom.contours import fill_contours, fill_polygon
from lutetia.dicom.headers import pet_facts
from lutetia.dicom.masks import load_regions, union_of
from lutetia.dicom.pixels import load_pet
from lutetia.dicom.scan import scan
from lutetia.imaging.suv import suv_scale
from lutetia.masks.sampling import sampled
from lutetia.model import Grid, InputError

GRID = Grid((6, 20, 24), (3.0, 2.0, 2.0), (-10.0, -20.0, 30.0), frame_of_reference_uid="1.2.3")


def load_label_masks(path, grid, series=None):
    """Every region's voxels by its name."""
    return {region.name: region.mask for region in load_regions(path, grid, series)}


def load_mask(path, grid, series=None):
    """Everything in the file as one mask."""
    return union_of(load_regions(path, grid, series), path, grid)


def square(z, low, high, grid=GRID):
    """A contour around the voxel centres low … high in rows and columns of slice z."""
    a, b = low - 0.3, high + 0.3
    return grid.to_lps([[z, a, a], [z, a, b], [z, b, b], [z, b, a]])


def test_a_polygon_holds_the_pixels_whose_centre_lies_inside():
    mask = fill_polygon(np.array([[1.6, 2.6], [1.6, 5.4], [4.4, 5.4], [4.4, 2.6]]), (8, 8))
    assert mask.sum() == 3 * 3
    assert mask[2:5, 3:6].all()


def test_a_triangle_covers_half_its_square():
    mask = fill_polygon(np.array([[-0.5, -0.5], [-0.5, 99.5], [99.5, -0.5]]), (100, 100))
    assert mask.sum() == pytest.approx(5000, abs=60)


def test_a_contour_inside_another_is_a_hole_and_twice_the_same_is_not():
    outer, inner = square(2, 3, 12), square(2, 6, 8)
    assert fill_contours([outer, inner], GRID)[2].sum() == 100 - 9
    assert fill_contours([outer, outer], GRID)[2].sum() == 100


def test_contours_lie_on_their_slice_within_half_a_slice():
    moved = square(2, 3, 5) + np.array([0, 0, 0.9])
    mask = fill_contours([moved], GRID)
    assert [z for z in range(6) if mask[z].any()] == [2]


def test_a_contour_across_slices_is_refused():
    with pytest.raises(InputError, match="parallel"):
        fill_contours([GRID.to_lps([[1, 2, 2], [3, 2, 9], [3, 9, 9]])], GRID)


def test_contours_follow_an_oblique_grid():
    turn = np.deg2rad(20)
    direction = ((0.0, -np.sin(turn), np.cos(turn)), (0.0, np.cos(turn), np.sin(turn)), (1.0, 0.0, 0.0))
    grid = Grid((6, 20, 24), (3.0, 2.0, 2.0), (5.0, 6.0, 7.0), direction)
    mask = fill_contours([square(3, 4, 9, grid)], grid)
    assert mask.sum() == 36
    assert mask[3, 4:10, 4:10].all()


def write_nifti(path, array, affine):
    nibabel.Nifti1Image(array, affine).to_filename(str(path))


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_a_nifti_in_any_orientation_lands_on_the_same_voxels(tmp_path, flips):
    mask = np.zeros(GRID.shape, np.uint8)
    mask[1:3, 5:9, 10:20] = 1
    array, affine = mask.transpose(2, 1, 0), GRID.nifti_affine.copy()
    for axis, flip in enumerate(flips):
        if flip < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    write_nifti(tmp_path / "mask.nii.gz", array, affine)
    assert np.array_equal(load_mask(tmp_path / "mask.nii.gz", GRID), mask.astype(bool))


def test_a_finer_nifti_is_sampled_at_the_voxel_centres(tmp_path):
    fine = np.zeros((12, 40, 48), np.uint8)
    fine[2:6, 10:20, 20:40] = 1
    grid = Grid((12, 40, 48), (1.5, 1.0, 1.0), (-10.0, -20.0, 30.0))
    write_nifti(tmp_path / "m.nii", fine.transpose(2, 1, 0), grid.nifti_affine)
    assert np.array_equal(load_mask(tmp_path / "m.nii", GRID), fine[::2, ::2, ::2].astype(bool))


def test_sampling_works_on_an_oblique_source():
    turn = np.deg2rad(30)
    to_lps = np.eye(4)
    to_lps[:3, :3] = np.array([[0, -np.sin(turn), np.cos(turn)], [0, np.cos(turn), np.sin(turn)], [1, 0, 0]])
    to_lps[:3, 3] = (-30, -40, 25)
    data = np.ones((40, 80, 80), np.uint8)
    out = sampled(data, to_lps, GRID)
    points = GRID.to_lps(np.indices(GRID.shape).reshape(3, -1).T)
    index = np.rint((np.c_[points, np.ones(len(points))] @ np.linalg.inv(to_lps).T)[:, :3])
    inside = np.all((index >= 0) & (index < data.shape), axis=1)
    assert np.array_equal(out.ravel() > 0, inside)


def test_a_label_map_and_a_folder_give_masks_by_name(tmp_path):
    labels = np.zeros(GRID.shape, np.uint8)
    labels[1, 2:4, 2:4], labels[2, 5:9, 5:9] = 1, 5
    write_nifti(tmp_path / "organs.nii.gz", labels.transpose(2, 1, 0), GRID.nifti_affine)
    found = load_label_masks(tmp_path / "organs.nii.gz", GRID)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {"1": 4, "5": 16}
    folder = tmp_path / "segmentations"
    folder.mkdir()
    for name, value in (("liver", 1), ("spleen", 5)):
        write_nifti(folder / f"{name}.nii.gz", (labels == value).astype(np.uint8).transpose(2, 1, 0), GRID.nifti_affine)
    found = load_label_masks(folder, GRID)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {"liver": 4, "spleen": 16}


def rtstruct(path, contours, frame_uid="1.2.3"):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["rt"])
    data = Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    roi, drawn = Dataset(), Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, "lesion", frame_uid
    drawn.ReferencedROINumber = 1
    items = []
    for points in contours:
        item = Dataset()
        item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
        item.ContourData = [float(f"{v:.6g}") for v in np.ravel(points)]
        items.append(item)
    drawn.ContourSequence = Sequence(items)
    data.StructureSetROISequence, data.ROIContourSequence = Sequence([roi]), Sequence([drawn])
    data.save_as(path, enforce_file_format=True)
    return path


def test_an_rtstruct_gives_its_rois(tmp_path):
    path = rtstruct(tmp_path / "rt.dcm", [square(1, 2, 4), square(2, 2, 4)])
    assert {n: int(m.sum()) for n, m in load_label_masks(path, GRID).items()} == {"lesion": 18}


def test_a_mask_of_another_study_is_refused(tmp_path):
    path = rtstruct(tmp_path / "rt.dcm", [square(1, 2, 4)], frame_uid="9.9.9")
    with pytest.raises(InputError) as caught:
        load_mask(path, GRID)
    assert caught.value.code == "mask-elsewhere"


def test_a_mask_with_nothing_in_the_image_is_refused(tmp_path):
    path = rtstruct(tmp_path / "rt.dcm", [square(40, 2, 4)])
    with pytest.raises(InputError) as caught:
        load_mask(path, GRID)
    assert caught.value.code == "mask-empty"


@pytest.mark.parametrize("content", [b"", b"not a mask", b"\x1f\x8b broken"])
@pytest.mark.parametrize("name", ["mask.nii.gz", "mask.nii", "mask.dcm"])
def test_a_damaged_mask_gives_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_mask(tmp_path / name, GRID)
    assert caught.value.code == "mask-unreadable"


def suv_of(folder):
    series = next(s for s in scan(folder).series if s.modality == "PT")
    return series, load_pet(series, suv_scale(pet_facts(series)).factor, unit="SUVbw").volume


def test_contours_of_a_sarcoma_give_the_published_volumes(shared):
    folder = shared / "data" / "pet_ge_sts001"
    series, volume = suv_of(folder / "pet_raw_bqml")
    masks = load_label_masks(folder / "rtstruct_gtv.dcm", volume.grid, series)
    for name, ml, mean in (("GTV_Mass", 366.1, 2.555), ("GTV_Edema", 579.0, 2.255)):
        assert masks[name].sum() * volume.grid.voxel_ml == pytest.approx(ml, abs=0.1)
        assert volume.array[masks[name]].mean() == pytest.approx(mean, abs=1e-3)
    assert volume.array[masks["GTV_Mass"]].max() == pytest.approx(7.911, abs=1e-3)


def test_the_same_region_as_contour_and_as_nifti(shared):
    folder = shared / "data" / "pet_ge_sts001"
    series, volume = suv_of(folder / "ibsi_pet_suv_gml")
    drawn = load_mask(folder / "ibsi_pet_rtstruct_gtv_mass.dcm", volume.grid, series)
    assert np.array_equal(drawn, load_mask(folder / "ibsi_pet_mask.nii.gz", volume.grid))


def test_a_seg_whose_other_images_are_absent_gives_the_part_that_is_there(shared):
    folder = shared / "data" / "pet_siemens_qinhn"
    series, volume = suv_of(folder / "pet")
    masks = load_label_masks(folder / "seg_lesions.dcm", volume.grid, series)
    assert len(masks) == 11
    assert {n: int(m.sum()) for n, m in masks.items() if m.any()} == {"Neoplasm, Secondary 7": 97}


@pytest.mark.parametrize(
    ("scan_name", "volumes", "means", "maxima"),
    [
        ("scan1", (106.98, 2.86), (14.74, 19.02), (29.05, 29.42)),
        ("scan2", (107.90, 2.91), (18.66, 27.84), (38.15, 44.76)),
    ],
)
def test_lesions_on_lutetium_spect(shared, scan_name, volumes, means, maxima):
    folder = shared / "data" / "lu177_dotatate_spect"
    series, volume = suv_of(folder / scan_name)
    masks = load_label_masks(folder / "rtstruct" / f"{scan_name}_lesions.dcm", volume.grid, series)
    for mask, ml, mean, maximum in zip(masks.values(), volumes, means, maxima, strict=True):
        assert mask.sum() * volume.grid.voxel_ml == pytest.approx(ml, abs=0.01)
        assert volume.array[mask].mean() == pytest.approx(mean, abs=0.01)
        assert volume.array[mask].max() == pytest.approx(maximum, abs=0.01)
