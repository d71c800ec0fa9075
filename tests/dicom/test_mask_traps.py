"""Masks as other programs write them: shared groups, frames left out, planes far apart, files without a place."""

from __future__ import annotations

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

import lutetia
from lutetia.dicom.contours import fill_contours, interpolate, plane_reach, slices_between
from lutetia.dicom.masks import load_regions
from lutetia.dicom.pixels import load_pet
from lutetia.dicom.scan import scan
from lutetia.model import Grid, InputError

GRID = Grid((12, 20, 24), (4.0, 2.0, 2.0), (-10.0, -20.0, 30.0), frame_of_reference_uid="1.2.3")
TUMOUR = highdicom.sr.CodedConcept("4147007", "SCT", "Mass")


def load_label_masks(path, grid, series=None):
    """Every region's voxels by its name."""
    return {region.name: region.mask for region in load_regions(path, grid, series)}


def square(z, low, high, grid=GRID):
    """A contour around the voxel centres low … high in rows and columns of slice z."""
    a, b = low - 0.3, high + 0.3
    return grid.to_lps([[z, a, a], [z, a, b], [z, b, b], [z, b, a]])


def slices_of(mask):
    return np.flatnonzero(mask.any(axis=(1, 2))).tolist()


@pytest.fixture
def pet(tmp_path, dicom_series):
    """A PET of twelve slices: its folder, its series, its volume."""
    stored = np.arange(12 * 8 * 10, dtype=np.uint16).reshape(12, 8, 10)

    def edit(d, k):
        d.AcquisitionTime, d.PatientBirthDate, d.StudyID, d.AccessionNumber = "101500", "", "1", ""
        d.ReferringPhysicianName = ""

    dicom_series(stored=stored, edit=edit).write(tmp_path / "pet")
    (series,) = scan(tmp_path / "pet").series
    return tmp_path / "pet", series, load_pet(series).volume


def write_seg(folder, mask, place, kind, omit=True):
    sources = [pydicom.dcmread(f) for f in sorted(folder.iterdir())]
    segment = highdicom.seg.SegmentDescription(
        1, "lesion", TUMOUR, TUMOUR, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    more = {"max_fractional_value": 100} if kind == "FRACTIONAL" else {}
    highdicom.seg.Segmentation(
        sources,
        mask.astype(float if kind == "FRACTIONAL" else np.uint8),
        highdicom.seg.SegmentationTypeValues[kind],
        [segment],
        "1.2.3.9.1",
        1,
        "1.2.3.9.2",
        1,
        "maker",
        "model",
        "1",
        "1",
        omit_empty_frames=omit,
        **more,
    ).save_as(place)
    return place


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("slices", [[4], [2, 8], [1, 3, 5, 7]])
def test_a_segment_written_by_highdicom_keeps_its_voxels_though_empty_frames_are_left_out(pet, tmp_path, kind, slices):
    folder, series, volume = pet
    mask = np.zeros(volume.array.shape, bool)
    mask[slices, 2:5, 3:7] = True
    file = write_seg(folder, mask, tmp_path / "seg.dcm", kind)
    found = load_label_masks(file, volume.grid, series)
    assert list(found) == ["lesion"]
    assert np.array_equal(found["lesion"], mask)


def test_two_places_of_one_roi_are_not_joined_through_what_lies_between():
    mask = fill_contours([square(2, 3, 6), square(8, 3, 6)], GRID)
    assert slices_of(mask) == [2, 8]


def test_contours_on_thicker_slices_cover_them_and_no_more():
    mask = fill_contours([square(z, 3, 6) for z in (2.5, 4.5, 6.5)], GRID)  # 8 mm slices over 4 mm ones
    assert slices_of(mask) == [2, 3, 4, 5, 6, 7]


def test_as_many_planes_half_a_slice_off_are_as_many_slices():
    mask = fill_contours([square(z + 0.5, 3, 6) for z in (3, 4, 5)], GRID)
    assert len(slices_of(mask)) == 3


def test_neighbouring_planes_tell_how_far_a_contour_reaches():
    assert plane_reach([1, 2, 3], 4.0) == 0.5
    assert plane_reach([0.0, 1.5, 3.0, 9.0], 4.0) == 0.75
    assert plane_reach([2, 8], 4.0) is None
    assert plane_reach([2], 4.0) is None


def write_structures(path, rois, frame_uid, images=()):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.5"
    frame = Dataset()
    frame.FrameOfReferenceUID = frame_uid
    data.ReferencedFrameOfReferenceSequence = [frame]
    data.StructureSetROISequence, data.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(rois.items(), 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for k, points in enumerate(contours):
            item = Dataset()
            item.ContourGeometricType, item.ContourData = "CLOSED_PLANAR", points.ravel().tolist()
            if images:
                image = Dataset()
                image.ReferencedSOPInstanceUID = images[k]
                item.ContourImageSequence = [image]
            drawn.ContourSequence.append(item)
        data.StructureSetROISequence.append(roi)
        data.ROIContourSequence.append(drawn)
    data.save_as(path, enforce_file_format=True)
    return path


def test_contours_drawn_on_the_pet_itself_stand_for_their_own_slice_only(pet, tmp_path):
    _, series, volume = pet
    images = [series.instances[k].sop_instance_uid for k in (2, 4, 6)]
    contours = [square(k, 2, 5, volume.grid) for k in (2, 4, 6)]
    drawn = write_structures(tmp_path / "own.dcm", {"GTV": contours}, volume.grid.frame_of_reference_uid, images)
    assert slices_of(load_label_masks(drawn, volume.grid, series)["GTV"]) == [2, 4, 6]


def test_statistics_of_several_regions_together_say_so(pet, tmp_path):
    folder, _, volume = pet
    rois = {"GTV": [square(4, 2, 3, volume.grid)], "BODY": [square(k, 1, 6, volume.grid) for k in range(12)]}
    mask = write_structures(tmp_path / "two.dcm", rois, volume.grid.frame_of_reference_uid)
    (series,) = lutetia.suv(folder, mask=mask).series
    (issue,) = [i for i in series.issues if i.code == "mask-of-several-regions"]
    assert "GTV, BODY" in issue.message


def test_a_mask_that_reaches_beyond_the_image_says_so(pet, tmp_path):
    folder, _, volume = pet
    affine = volume.grid.nifti_affine.copy()
    affine[:3, 3] += affine[:3, 2] * 5
    nibabel.Nifti1Image(np.ones(volume.array.shape[::-1], np.uint8), affine).to_filename(tmp_path / "m.nii.gz")
    (series,) = lutetia.suv(folder, mask=tmp_path / "m.nii.gz").series
    assert series.stats.n_voxels == 7 * 8 * 10
    assert "mask-beyond-image" in {i.code for i in series.issues}
    (region,) = load_regions(tmp_path / "m.nii.gz", volume.grid)
    assert region.beyond


def test_a_nifti_without_a_place_is_not_laid_anywhere(pet, tmp_path):
    nibabel.Nifti1Image(np.ones((10, 8, 12), np.uint8), None).to_filename(tmp_path / "m.nii")
    with pytest.raises(InputError, match="does not say where it lies"):
        load_regions(tmp_path / "m.nii", pet[2].grid)


def test_a_mask_half_a_voxel_off_keeps_its_number_of_slices(pet, tmp_path):
    _, _, volume = pet
    mask = np.zeros(volume.array.shape, np.uint8)
    mask[2:9, 2:5, 3:7] = 1
    affine = volume.grid.nifti_affine.copy()
    affine[:3, 3] += affine[:3, 2] / 2
    nibabel.Nifti1Image(mask.transpose(2, 1, 0), affine).to_filename(tmp_path / "m.nii")
    (region,) = load_regions(tmp_path / "m.nii", volume.grid)
    assert len(slices_of(region.mask)) == 7


# -- contours on some slices --------------------------------------------------------------------------------------


def disc(z, radius, grid):
    """A round contour of so many voxels around the middle of slice z."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return grid.to_lps(np.stack([np.full(60, float(z)), 4 + radius * np.sin(turn), 4 + radius * np.cos(turn)], axis=1))


def second_slices(volume, tmp_path, at=(2, 4, 6), radii=(1.2, 2.2, 3.2), series_uid="", images=()):
    contours = [disc(z, r, volume.grid) for z, r in zip(at, radii, strict=True)]
    file = write_structures(tmp_path / "rt.dcm", {"GTV": contours}, volume.grid.frame_of_reference_uid, images)
    if series_uid:
        data = pydicom.dcmread(file)
        study, of = Dataset(), Dataset()
        of.SeriesInstanceUID = series_uid
        study.RTReferencedSeriesSequence = [of]
        data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence = [study]
        data.save_as(file)
    return file


def test_a_slice_between_two_contours_takes_a_size_between_theirs():
    grid = Grid((7, 60, 60), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    discs = [
        grid.to_lps(np.stack([np.full(90, z), 30 + r * np.sin(turn), 30 + r * np.cos(turn)], axis=1))
        for z, r in ((1.0, 8.0), (4.0, 20.0))
    ]
    areas = interpolate(discs, grid).sum(axis=(1, 2))
    assert np.sqrt(areas / np.pi)[[1, 2, 3, 4]] == pytest.approx([8, 12, 16, 20], abs=0.5)
    assert areas[0] == areas[5] == 0


@pytest.mark.parametrize("named", [False, True])
def test_contours_on_every_second_slice_of_the_image_are_interpolated_and_the_region_says_so(pet, tmp_path, named):
    folder, series, volume = pet
    file = second_slices(volume, tmp_path, series_uid=series.series_instance_uid if named else "")
    (region,) = load_regions(file, volume.grid, series)
    areas = region.mask.sum(axis=(1, 2))
    assert slices_of(region.mask) == [2, 3, 4, 5, 6]  # no slice before the first contour, none behind the last
    assert areas[2] <= areas[3] <= areas[4] <= areas[5] <= areas[6]
    assert region.interpolated == 2
    (report,) = lutetia.suv(folder, mask=file).series
    (issue,) = [i for i in report.issues if i.code == "contours-interpolated"]
    assert "GTV" in issue.message and "2 slices" in issue.message


def test_contours_of_another_series_on_every_second_slice_are_thick_slices(pet, tmp_path):
    _, series, volume = pet
    (region,) = load_regions(second_slices(volume, tmp_path, series_uid="1.2.3.4.5"), volume.grid, series)
    assert len(slices_of(region.mask)) == 6
    assert region.interpolated == 0


def test_contours_too_far_apart_to_interpolate_leave_gaps_that_are_said(pet, tmp_path):
    folder, series, volume = pet
    file = second_slices(volume, tmp_path, at=(0, 5, 10))
    (region,) = load_regions(file, volume.grid, series)
    assert slices_of(region.mask) == [0, 5, 10]
    assert region.left_out == 8
    (report,) = lutetia.suv(folder, mask=file).series
    assert "contours-with-gaps" in {i.code for i in report.issues}


def test_two_places_drawn_on_every_slice_have_no_gap_between_them():
    assert slices_between([2, 3, 4, 9, 10, 11], 3.0) == (0, 0)
    assert slices_between([2, 4, 6], 3.0) == (2, 0)
    assert slices_between([2, 4, 6], 8.0) == (0, 2)
    assert slices_between([5], 3.0) == (0, 0)


def test_slices_left_out_of_contours_that_name_their_images_are_said(pet, tmp_path):
    _, series, volume = pet
    file = second_slices(volume, tmp_path, images=[series.instances[k].sop_instance_uid for k in (2, 4, 6)])
    (region,) = load_regions(file, volume.grid, series)
    assert slices_of(region.mask) == [2, 4, 6]
    assert region.left_out == 2


def test_a_region_that_reaches_beyond_the_image_knows_its_whole_volume(pet, tmp_path):
    _, series, volume = pet
    grid = volume.grid
    contours = [square(z, 2, 5, grid) for z in range(8, 16)]
    file = write_structures(tmp_path / "rt.dcm", {"liver": contours}, grid.frame_of_reference_uid)
    (region,) = load_regions(file, grid, series)
    assert region.beyond
    assert region.own_ml == pytest.approx(8 * 16 * grid.voxel_ml)
    assert region.mask.sum() == 4 * 16
