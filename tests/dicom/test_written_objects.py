"""SEG, SR and value mapping: valid, readable by others, and the same bytes each time."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from builders.sources import pet_images
from lutetia.dicom import sr, writing
from lutetia.dicom.rwvm import build_value_mapping
from lutetia.dicom.seg import Segment, build_segmentation
from lutetia.dicom.source_images import SourceImages
from lutetia.dicom.uids import derived_uid, valid_uid
from lutetia.dicom.writing import save
from lutetia.model import Code, Grid, InputError, Volume

LIVER = Code(value="10200004", scheme="SCT", meaning="Liver")
GRID = Grid((8, 12, 10), (3.0, 2.0, 2.0), (-10.0, -12.0, 100.0), frame_of_reference_uid="1.2.9")


def _labels(grid: Grid = GRID) -> Volume:
    array = np.zeros(grid.shape, np.int32)
    array[2:4, 3:6, 2:5] = 7
    array[3:6, 7:10, 5:9] = 3
    return Volume(array, grid, "label")


def _segment(label: int) -> Segment:
    return Segment(
        label=label,
        name=f"lesion-{label}",
        category=writing.ABNORMAL_STRUCTURE,
        kind=writing.LESION,
        tracking_uid=derived_uid("lesion", str(label)),
        regions=(LIVER,),
        method="lutetia lesions",
        parameters=(("method", "45 % of SUVmax"),),
    )


def _seg(source: SourceImages, labels: Volume | None = None, **options: bool):
    built = build_segmentation(
        source,
        labels if labels is not None else _labels(),
        [_segment(3), _segment(7)],
        description="Lesions",
        content_label="LESIONS",
        series_number=9101,
        version="1.0",
        **options,
    )
    assert built is not None
    return built


def _groups() -> list[sr.MeasurementGroup]:
    measured = (
        sr.Measured(sr.SUV_BW, 12.3456789, sr.SUV_UNIT, sr.MAXIMUM),
        sr.Measured(sr.VOLUME, 4.5, sr.MILLILITRE),
        sr.Measured(sr.LONG_AXIS, 21.0, sr.MILLIMETRE),
    )
    grade = Code(value="mK", scheme=writing.PRIVATE_SCHEME, meaning="Modified Krenning grade")
    three = Code(value="mK-3", scheme=writing.PRIVATE_SCHEME, meaning="Modified Krenning grade 3")
    lesion = sr.MeasurementGroup(
        name="lesion-3",
        tracking_uid=derived_uid("lesion", "3"),
        measurements=measured,
        finding=writing.LESION,
        site=LIVER,
        side=writing.LATERALITY["right"],
        segment=1,
        judgements=((grade, three),),
        parameters=("45 % of SUVmax",),
    )
    reference = sr.MeasurementGroup(
        name="reference: liver", tracking_uid=derived_uid("liver"), measurements=measured[:1], site=LIVER
    )
    return [lesion, reference]


def _report(source: SourceImages):
    return sr.build_report(
        source, _seg(source).dataset, _groups(), modality="PET/CT", series_number=9103, version="1.0"
    )


def _mapping(source: SourceImages):
    return build_value_mapping(source, factor=0.001, basis="bw", series_number=9104, version="1.0")


def _bytes(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _frames(dataset: Dataset) -> list[tuple[int, Dataset, list[float]]]:
    """(segment number, source image reference, position) of every frame."""
    return [
        (
            int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber),
            group.DerivationImageSequence[0].SourceImageSequence[0],
            [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient],
        )
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]


def _errors(dataset: Dataset, folder: Path) -> list[str]:
    """What dciodvfy calls an error."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    path = folder / "object.dcm"
    save(dataset, path)
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, timeout=60, check=False)
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("multiframe", [False, True])
@pytest.mark.parametrize("make", [lambda s: _seg(s).dataset, _report, _mapping], ids=["seg", "sr", "rwvm"])
def test_dciodvfy_reports_no_error(make, multiframe, tmp_path):
    assert _errors(make(pet_images(GRID, multiframe=multiframe)), tmp_path) == []


def test_a_full_segmentation_is_valid_too(tmp_path):
    assert _errors(_seg(pet_images(GRID), full=True).dataset, tmp_path) == []


@pytest.mark.parametrize("make", [lambda s: _seg(s).dataset, _report, _mapping], ids=["seg", "sr", "rwvm"])
def test_the_same_content_gives_the_same_bytes(make):
    assert _bytes(make(pet_images(GRID))) == _bytes(make(pet_images(GRID)))


def test_other_content_gets_another_uid():
    labels = _labels()
    labels.array[2, 3, 2] = 0
    first, second = _seg(pet_images(GRID)), _seg(pet_images(GRID), labels)
    assert first.dataset.SOPInstanceUID != second.dataset.SOPInstanceUID
    assert first.dataset.SeriesInstanceUID != second.dataset.SeriesInstanceUID


@pytest.mark.parametrize("options", [{}, {"full": True}, {"labelmap": True}], ids=["binary", "full", "labelmap"])
def test_highdicom_reads_back_the_voxels_of_every_segment(options, tmp_path):
    built = _seg(pet_images(GRID), **options)
    save(built.dataset, tmp_path / "s.dcm")
    read = hd.seg.segread(tmp_path / "s.dcm")
    assert built.numbers == {3: 1, 7: 2}
    pixels = read.get_pixels_by_source_instance(
        [s.sop_instance_uid for s in pet_images(GRID).slices],
        assert_missing_frames_are_empty=True,
        ignore_spatial_locations=True,
        combine_segments=True,
    )
    expected = np.select([_labels().array == 3, _labels().array == 7], [1, 2], 0)
    assert np.array_equal(pixels, expected)


def test_empty_frames_are_left_out_unless_asked_for():
    sparse, full = _seg(pet_images(GRID)).dataset, _seg(pet_images(GRID), full=True).dataset
    assert sparse.NumberOfFrames == 2 + 3
    assert full.NumberOfFrames == 2 * 8


def test_every_frame_names_its_pet_image():
    dataset = _seg(pet_images(GRID)).dataset
    named = {(number, str(source.ReferencedSOPInstanceUID)) for number, source, _ in _frames(dataset)}
    assert named == {(1, "1.2.3.1.4"), (1, "1.2.3.1.5"), (1, "1.2.3.1.6"), (2, "1.2.3.1.3"), (2, "1.2.3.1.4")}
    assert dataset.FrameOfReferenceUID == "1.2.9"


def test_frames_of_a_multiframe_pet_are_named_by_number():
    dataset = _seg(pet_images(GRID, multiframe=True)).dataset
    frames = _frames(dataset)
    assert {str(source.ReferencedSOPInstanceUID) for _, source, _ in frames} == {"1.2.3.1.99"}
    assert {(number, source.ReferencedFrameNumber) for number, source, _ in frames if number == 2} == {(2, 3), (2, 4)}
    assert {source.ReferencedSOPClassUID for _, source, _ in frames} == {"1.2.840.10008.5.1.4.1.1.130"}
    references = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert [item.ReferencedSOPInstanceUID for item in references] == ["1.2.3.1.99"]


def test_a_segment_says_what_it_is_who_drew_it_and_which_lesion_it_is():
    item = _seg(pet_images(GRID)).dataset.SegmentSequence[0]
    assert item.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"
    assert item.AnatomicRegionSequence[0].CodeValue == "10200004"
    assert item.SegmentAlgorithmType == "AUTOMATIC"
    assert item.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == "1.0"
    assert item.TrackingID == "lesion-3"
    assert item.TrackingUID == derived_uid("lesion", "3")


def test_labels_without_a_segment_and_segments_without_voxels_are_left_out():
    built = build_segmentation(
        pet_images(GRID),
        _labels(),
        [_segment(7), _segment(99)],
        description="Lesions",
        content_label="LESIONS",
        series_number=1,
        version="1.0",
    )
    assert built is not None
    assert built.numbers == {7: 1}


def test_nothing_to_write_gives_no_object():
    empty = Volume(np.zeros(GRID.shape, np.int32), GRID, "label")
    args = {"description": "x", "content_label": "X", "series_number": 1, "version": "1"}
    assert build_segmentation(pet_images(GRID), empty, [_segment(3)], **args) is None
    assert sr.build_report(pet_images(GRID), None, [], modality="PET", series_number=1, version="1") is None


def test_a_label_map_that_does_not_lie_on_the_images_is_refused():
    smaller = Grid((7, 12, 10), GRID.spacing_mm, GRID.origin_mm)
    with pytest.raises(InputError) as error:
        _seg(pet_images(GRID), _labels(smaller))
    assert error.value.code == "seg-geometry"


def test_an_oblique_segmentation_lies_where_the_pet_lies():
    turn = np.deg2rad(9.0)
    direction = ((0.0, 0.0, 1.0), (-np.sin(turn), np.cos(turn), 0.0), (np.cos(turn), np.sin(turn), 0.0))
    grid = Grid((8, 12, 10), (3.0, 2.0, 2.0), (-10.0, -12.0, 100.0), direction)
    dataset = _seg(pet_images(grid), _labels(grid)).dataset
    for _, source, place in _frames(dataset):
        z = int(source.ReferencedSOPInstanceUID.rsplit(".", 1)[1]) - 1
        assert np.allclose(place, grid.to_lps((z, 0, 0)), atol=1e-6)


def test_no_clock_and_no_chance_in_the_objects():
    for dataset in (_seg(pet_images(GRID)).dataset, _report(pet_images(GRID)), _mapping(pet_images(GRID))):
        assert dataset.ContentDate == "20260314"
        assert dataset.StudyDate == "20260314"
        assert str(dataset.SOPInstanceUID).startswith("2.25.")


def test_the_report_links_each_measurement_to_its_segment(tmp_path):
    dataset = _report(pet_images(GRID))
    save(dataset, tmp_path / "r.dcm")
    read = hd.sr.srread(tmp_path / "r.dcm")
    groups = read.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 1
    assert groups[0].tracking_uid == derived_uid("lesion", "3")
    links = [item for item in groups[0][0].ContentSequence if item.name.meaning == "Referenced Segment"]
    reference = links[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSegmentNumber == 1
    assert reference.ReferencedSOPInstanceUID == _seg(pet_images(GRID)).dataset.SOPInstanceUID
    values = {m.name.meaning: (m.value, m.unit.value) for m in groups[0].get_measurements()}
    assert values["SUVbw"] == (12.3457, "g/ml{SUVbw}")
    assert values["Volume"] == (4.5, "ml")


def test_references_are_measured_without_a_segment():
    text = str(_report(pet_images(GRID)))
    assert "reference: liver" in text


def test_the_report_is_unverified():
    dataset = _report(pet_images(GRID))
    assert dataset.VerificationFlag == "UNVERIFIED"
    assert dataset.PreliminaryFlag == "PRELIMINARY"


def test_images_with_another_slope_get_a_mapping_of_their_own():
    dataset = _mapping(pet_images(GRID))
    items = dataset.ReferencedImageRealWorldValueMappingSequence
    slopes = [item.RealWorldValueMappingSequence[0].RealWorldValueSlope for item in items]
    assert slopes == pytest.approx([0.002, 0.003])
    assert [len(item.ReferencedImageSequence) for item in items] == [4, 4]
    unit = items[0].RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence[0]
    assert unit.CodeValue == "g/ml{SUVbw}"


def test_slices_with_a_factor_of_their_own_keep_it_in_the_mapping():
    source = replace(pet_images(GRID), suv_factors=tuple(0.001 * (z + 1) for z in range(8)))
    items = _mapping(source).ReferencedImageRealWorldValueMappingSequence
    slopes = sorted(item.RealWorldValueMappingSequence[0].RealWorldValueSlope for item in items)
    assert slopes[0] == pytest.approx(0.002)
    assert slopes[-1] == pytest.approx(0.024)


def test_no_mapping_is_written_where_an_image_has_no_slope():
    source = pet_images(GRID)
    broken = replace(source, slices=(replace(source.slices[0], rescale_slope=None), *source.slices[1:]))
    assert _mapping(broken) is None


def test_pydicom_reads_all_of_them_back(tmp_path):
    for name, dataset in (
        ("s", _seg(pet_images(GRID)).dataset),
        ("r", _report(pet_images(GRID))),
        ("v", _mapping(pet_images(GRID))),
    ):
        save(dataset, tmp_path / name)
        read = pydicom.dcmread(tmp_path / name)
        assert read.PatientID == "P1"
        assert read.PatientName == ""
        assert read.StudyInstanceUID == "1.2.3"


def test_derived_uids_are_valid_and_differ_by_their_parts():
    uids = {derived_uid(*parts) for parts in (("a", "b"), ("ab", ""), ("a",), (b"a",))}
    assert len(uids) == 3  # text and bytes of the same content are the same part
    assert all(valid_uid(uid) for uid in uids)
    assert not valid_uid("1.02.3")
    assert not valid_uid("")
