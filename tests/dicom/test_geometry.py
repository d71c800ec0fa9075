"""Where slices lie: exact in LPS, or refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from lutetia.dicom.geometry import stack_slices
from lutetia.dicom.pixels import load_ct_image, load_pet
from lutetia.dicom.scan import scan
from lutetia.model import InputError


def rotated(degrees):
    a, b, c = np.radians(degrees)
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return rz @ ry @ rx


POSES = {
    "head first": np.eye(3),
    "feet first": np.diag([-1.0, 1.0, -1.0]),
    "prone": np.diag([-1.0, -1.0, 1.0]),
    "oblique": rotated((6, -4, 9)),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).T,
    "sagittal": np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]]),
}


@pytest.mark.parametrize("pose", POSES)
def test_every_orientation_lies_where_simpleitk_puts_it(tmp_path, dicom_series, pose):
    axes = POSES[pose]
    series = dicom_series("PT", row=axes[:, 0], column=axes[:, 1])
    paths = series.write(tmp_path, name="{k:03d}.dcm")
    image = load_pet(scan(tmp_path).series[0])
    grid = image.volume.grid
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(p) for p in paths])
    theirs = reader.Execute()
    for index in [(0, 0, 0), (5, 7, 9), (2, 3, 8)]:
        point = theirs.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]])
        assert grid.to_lps(index) == pytest.approx(point, abs=1e-4)
        assert image.volume.array[index] == pytest.approx(theirs.GetPixel([int(i) for i in index[::-1]]))
    assert grid.spacing_mm == pytest.approx((5, 4, 3))
    assert np.linalg.det(np.array(grid.direction)) == pytest.approx(-1)  # (z, y, x) columns of right-handed axes


def test_instance_number_may_run_from_head_to_foot(tmp_path, dicom_series):
    series = dicom_series("PT", spacing=-5.0)
    series.edit = lambda d, k: setattr(d, "SliceThickness", "5")
    series.write(tmp_path)
    image = load_pet(scan(tmp_path).series[0])
    assert image.volume.grid.origin_mm == pytest.approx((-20, -16, 75))
    assert np.array_equal(image.volume.array, series.stored[::-1].astype(np.float32))
    assert [h.instance_number for h in image.instances] == [6, 5, 4, 3, 2, 1]


def test_positions_rounded_to_tenths_of_a_millimetre_are_regular(tmp_path, dicom_series):
    positions = np.round(np.arange(6) * 3.27, 1)
    dicom_series("PT", positions=positions, spacing=3.27).write(tmp_path)
    stack = stack_slices(scan(tmp_path).series[0])
    assert stack.regular
    assert stack.issues == ()
    assert stack.grid.spacing_mm[0] == pytest.approx(positions[-1] / 5)


def test_bed_joins_are_interpolated_and_listed(tmp_path, dicom_series):
    positions = [0, 4, 8, 11, 15, 19]
    series = dicom_series("PT", positions=positions, spacing=4)
    series.write(tmp_path)
    image = load_pet(scan(tmp_path).series[0])
    assert image.interpolated
    (issue,) = image.issues
    assert issue.code == "irregular-spacing"
    assert "3 mm × 1" in issue.message
    assert "4 mm × 4" in issue.message
    assert image.volume.grid.spacing_mm[0] == 4
    at = np.arange(image.volume.grid.shape[0]) * 4.0
    for k, z in enumerate(at):
        expected = [np.interp(z, positions, series.stored[:, r, c]) for r, c in [(0, 0), (5, 6)]]
        assert [image.volume.array[k, 0, 0], image.volume.array[k, 5, 6]] == pytest.approx(expected, rel=1e-6)
    assert len(image.instances) == image.volume.grid.shape[0]


def test_missing_slices_of_a_pet_are_refused_with_their_place(tmp_path, dicom_series):
    paths = dicom_series("PT").write(tmp_path)
    paths[3].unlink()
    with pytest.raises(InputError) as error:
        load_pet(scan(tmp_path).series[0])
    assert error.value.code == "missing-slices"
    assert "between 110.0 and 120.0 mm (about 1)" in error.value.what


def test_a_pet_whose_lower_half_has_wider_slices_that_touch_misses_none(tmp_path, dicom_series):
    """Three millimetres, then five: no slice is lost, and values between them are interpolated."""
    positions = np.r_[0:21:3, 18 + np.arange(1, 6) * 5.0]
    series = dicom_series("PT", stored=np.full((12, 8, 10), 500, np.uint16), positions=positions)
    series.edit = lambda d, k: setattr(d, "SliceThickness", "3" if k < 6 else "5")
    series.write(tmp_path)
    image = load_pet(scan(tmp_path).series[0])
    (issue,) = image.issues
    assert issue.code == "irregular-spacing"
    assert "3 mm × 6, 5 mm × 5" in issue.message
    assert image.volume.grid.spacing_mm[0] == 3


def test_thin_slices_far_apart_in_a_row_are_slices_lost(tmp_path, dicom_series):
    positions = np.r_[0:21:3, 18 + np.arange(1, 6) * 6.0]
    series = dicom_series("PT", stored=np.full((12, 8, 10), 500, np.uint16), positions=positions)
    series.edit = lambda d, k: setattr(d, "SliceThickness", "3")
    series.write(tmp_path)
    with pytest.raises(InputError) as error:
        load_pet(scan(tmp_path).series[0])
    assert error.value.code == "missing-slices"


def test_missing_slices_of_a_ct_leave_the_longest_part(tmp_path, dicom_series):
    paths = dicom_series("CT").write(tmp_path)
    paths[1].unlink()
    image = load_ct_image(scan(tmp_path).series[0])
    assert image.volume.grid.shape[0] == 4
    assert image.volume.grid.origin_mm[2] == 110
    assert [i.code for i in image.issues] == ["missing-slices"]


def test_every_eighth_slice_is_regular_but_has_gaps(tmp_path, dicom_series):
    series = dicom_series("PT", spacing=32.0)
    series.edit = lambda d, k: setattr(d, "SliceThickness", "4")
    series.write(tmp_path)
    stack = stack_slices(scan(tmp_path).series[0])
    assert [i.code for i in stack.issues] == ["gaps-between-slices"]


def test_the_same_image_twice_is_used_once(tmp_path, dicom_series):
    series = dicom_series("PT")
    series.write(tmp_path / "a")
    series.edit = lambda d, k: setattr(d, "SOPInstanceUID", f"1.2.3.{k}")
    for path in series.write(tmp_path / "b")[2:]:
        path.unlink()
    image = load_pet(scan(tmp_path).series[0])
    assert image.volume.grid.shape[0] == 6
    assert [i.code for i in image.issues] == ["duplicate-images"]


def test_two_different_images_at_one_place_are_refused(tmp_path, dicom_series):
    dicom_series("PT").write(tmp_path / "a")
    other = dicom_series("PT", stored=np.ones((6, 8, 10), np.uint16))
    other.edit = lambda d, k: setattr(d, "SOPInstanceUID", f"1.2.3.{k}")
    for path in other.write(tmp_path / "b")[1:]:
        path.unlink()
    with pytest.raises(InputError) as error:
        load_pet(scan(tmp_path).series[0])
    assert error.value.code == "different-images-same-place"


def test_mixed_orientations_become_parts_of_their_own(tmp_path, dicom_series):
    dicom_series("CT").write(tmp_path / "axial")
    coronal = dicom_series("CT", column=(0, 0, -1), stored=np.ones((3, 8, 10), np.uint16))
    coronal.edit = lambda d, k: setattr(d, "SOPInstanceUID", f"1.2.3.{k}")
    coronal.write(tmp_path / "coronal")
    inventory = scan(tmp_path)
    assert [(s.part, s.n_images) for s in inventory.series] == [("orientation axial", 6), ("orientation coronal", 3)]
    assert all(s.issues[-1].code == "series-split" for s in inventory.series)


def test_mixed_orientations_handed_over_as_one_volume_are_refused(tmp_path, dicom_series):
    dicom_series("PT").write(tmp_path)
    (series,) = scan(tmp_path).series
    tipped = replace(series.instances[2], orientation=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0))
    with pytest.raises(InputError) as error:
        stack_slices(replace(series, instances=(*series.instances[:2], tipped, *series.instances[3:])))
    assert error.value.code == "mixed-orientations"


def test_gantry_tilt_is_refused_by_name(tmp_path, dicom_series):
    def tilt(d, k):
        d.GantryDetectorTilt = "12"
        d.ImagePositionPatient = ["-20", f"{-16 + k * 5 * np.tan(np.radians(12)):.4f}", f"{100 + 5 * k}"]

    dicom_series("CT", edit=tilt).write(tmp_path)
    with pytest.raises(InputError) as error:
        stack_slices(scan(tmp_path).series[0])
    assert error.value.code == "sheared-stack"
    assert "12.0°" in error.value.what


@pytest.mark.parametrize(
    ("element", "value", "code"),
    [
        ("ImagePositionPatient", None, "no-position"),
        ("ImageOrientationPatient", None, "no-position"),
        ("PixelSpacing", None, "no-pixel-spacing"),
        ("PixelSpacing", ["0", "3"], "no-pixel-spacing"),
        ("ImageOrientationPatient", ["1", "0", "0", "0.5", "0.5", "0"], "orientation-not-orthogonal"),
        ("ImageOrientationPatient", ["0", "0", "0", "0", "0", "0"], "orientation-not-orthogonal"),
    ],
)
def test_geometry_that_is_missing_or_impossible_is_named(tmp_path, dicom_series, element, value, code):
    def change(d, k):
        if value is None:
            del d[element]
        else:
            setattr(d, element, value)

    dicom_series("PT", edit=change).write(tmp_path)
    with pytest.raises(InputError) as error:
        stack_slices(scan(tmp_path).series[0])
    assert error.value.code == code


def test_time_frames_of_one_series_are_separated(tmp_path, dicom_series):
    for frame in range(3):
        series = dicom_series("PT", stored=np.full((6, 8, 10), frame, np.uint16))

        def stamp(d, k, frame=frame):
            d.SOPInstanceUID = f"1.2.3.{frame}.{k}"
            d.InstanceNumber = frame * 6 + k + 1
            d.FrameReferenceTime = str(60000 * frame)
            d.AcquisitionTime = f"10{frame:02d}00"

        series.edit = stamp
        series.write(tmp_path / str(frame))
    parts = scan(tmp_path).series
    assert [s.part for s in parts] == ["time frame 1 of 3", "time frame 2 of 3", "time frame 3 of 3"]
    assert [float(load_pet(s).volume.array.mean()) for s in parts] == [0, 1, 2]


def test_beds_with_their_own_times_are_one_volume(tmp_path, dicom_series):
    def stamp(d, k):
        d.AcquisitionTime, d.FrameReferenceTime = f"10{k // 2:02d}00", str(60000 * (k // 2))

    dicom_series("PT", edit=stamp).write(tmp_path)
    (series,) = scan(tmp_path).series
    assert series.part == ""
