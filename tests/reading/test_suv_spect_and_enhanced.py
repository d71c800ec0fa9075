"""Multi-frame objects: 177Lu SPECT as NM, Enhanced PET in the spellings that occur, written here and read as files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from lutetia.model.pet import SuvOverrides
from lutetia.phantom.suv_objects import suv_objects, write_suv_objects
from lutetia.reading.suv import read_suv

LUTETIUM_S = 574300.0
DAY = 24 * 3600.0


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def write_spect(path, **changes):
    """A reconstructed 177Lu SPECT as NM: 7,200 MBq, 80 kg, 24 h after injection, SUV 2 (START) everywhere."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.20"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["nm"])
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(entropy_srcs=["a"]), generate_uid(entropy_srcs=["b"])
    data.FrameOfReferenceUID = generate_uid(entropy_srcs=["c"])
    data.Modality, data.Manufacturer, data.PatientID = "NM", "SIEMENS NM", "P"
    data.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    data.PatientWeight, data.PatientSex = "80", "F"
    data.SeriesDate = data.AcquisitionDate = "20250102"
    data.SeriesTime = data.AcquisitionTime = "090000"
    data.CorrectedImage = ["DECY", "ATTN", "SCAT"]
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = "7200", "574300"
    item.RadiopharmaceuticalStartDateTime = "20250101090000"
    item.RadionuclideCodeSequence = Sequence([code("447553000", "SCT", "^177^Lutetium")])
    data.RadiopharmaceuticalInformationSequence = Sequence([item])
    frames, size = 5, 8
    data.NumberOfFrames = data.NumberOfSlices = frames
    data.Rows = data.Columns = size
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelSpacing, data.SliceThickness, data.SpacingBetweenSlices = [4, 4], 4, 4
    data.FrameIncrementPointer = 0x00540080
    data.SliceVector = list(range(1, frames + 1))
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    data.DetectorInformationSequence = Sequence([detector])
    activity = 2.0 * 7200e6 * 2 ** (-DAY / LUTETIUM_S) / 80_000
    mapping = Dataset()
    mapping.MeasurementUnitsCodeSequence = Sequence([code("Bq/ml", "UCUM", "Becquerels/milliliter")])
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = activity / 1000.0, 0.0
    mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = 0, 65535
    mapping.LUTLabel = mapping.LUTExplanation = "BQML"
    data.RealWorldValueMappingSequence = Sequence([mapping])
    data.PixelData = np.full((frames, size, size), 1000, "<u2").tobytes()
    for keyword, value in changes.items():
        setattr(data, keyword, value) if value is not None else delattr(data, keyword)
    data.save_as(path, enforce_file_format=True)
    return path


def one(path, **options):
    report = read_suv(path, **options)
    assert len(report.series) == 1
    return report.series[0]


def test_lutetium_spect_as_nm_has_its_dose_in_mbq_and_its_unit_from_the_mapping(tmp_path):
    series = one(write_spect(tmp_path / "nm.dcm"))
    assert series.units == "BQML"
    assert series.suv.factor == pytest.approx(80_000 / (7200e6 * 2 ** (-DAY / LUTETIUM_S)))
    assert series.suv.decay_reference == "2025-01-02T09:00:00"
    assert series.stats.median == pytest.approx(2.0, rel=1e-5)
    assert series.suv.repairs == ()
    assert any("--decay-correction" in warning for warning in series.warnings)


def test_lutetium_spect_corrected_to_the_injection(tmp_path):
    stated = one(write_spect(tmp_path / "a.dcm", DecayCorrection="ADMIN"))
    by_hand = one(write_spect(tmp_path / "b.dcm"), overrides=SuvOverrides(decay_correction="ADMIN"))
    for series in (stated, by_hand):
        assert series.suv.factor == pytest.approx(80_000 / 7200e6)


def test_lutetium_spect_not_corrected_for_decay(tmp_path):
    series = one(write_spect(tmp_path / "nm.dcm", CorrectedImage=["ATTN", "SCAT"]))
    assert series.suv.factor == pytest.approx(80_000 / (7200e6 * 2 ** (-DAY / LUTETIUM_S)), rel=1e-3)
    assert "not decay-corrected" in " ".join(series.warnings)


def test_lutetium_injection_without_a_date_is_refused(tmp_path):
    path = write_spect(tmp_path / "nm.dcm")
    data = dcmread(path)
    item = data.RadiopharmaceuticalInformationSequence[0]
    del item.RadiopharmaceuticalStartDateTime
    item.RadiopharmaceuticalStartTime = "090000"
    data.save_as(path)
    assert one(path).refusal.code == "injection-date-missing"
    series = one(path, overrides=SuvOverrides(injection_time="2025-01-01T09:00:00"))
    assert series.stats.median == pytest.approx(2.0, rel=1e-5)


def test_counts_without_a_mapping_are_refused(tmp_path):
    series = one(write_spect(tmp_path / "nm.dcm", RealWorldValueMappingSequence=None))
    assert series.refusal.code == "units-missing"


@pytest.fixture(scope="module")
def enhanced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enhanced")
    write_suv_objects(folder, tuple(o for o in suv_objects() if o.enhanced))
    return folder


def edited(enhanced, name, tmp_path, change):
    data = dcmread(enhanced / name / "PT" / "enhanced.dcm")
    change(data)
    data.save_as(tmp_path / "edited.dcm")
    return one(tmp_path / "edited.dcm", mask=enhanced / "DRO_mask.nii.gz")


def triple(series):
    assert series.refusal is None, series.refusal
    return series.stats.min, series.stats.median, series.stats.max


def each_frame(data):
    return data.PerFrameFunctionalGroupsSequence


def test_enhanced_units_at_the_top_level_instead_of_a_mapping(enhanced, tmp_path):
    def change(data):
        data.Units = "BQML"
        for frame in each_frame(data):
            del frame.RealWorldValueMappingSequence

    assert triple(edited(enhanced, "DRO_7_0_0", tmp_path, change)) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)


def test_enhanced_suv_by_its_mapping_in_either_spelling(enhanced, tmp_path):
    for spelling in ("{SUVbw}g/ml", "g/ml{SUVbw}", "g/ml"):

        def change(data, spelling=spelling):
            for frame in each_frame(data):
                frame.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = spelling

        series = edited(enhanced, "DRO_7_2_0", tmp_path, change)
        assert series.units == "GML"
        assert triple(series) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)


def test_enhanced_mapping_whose_slope_differs_from_the_rescale(enhanced, tmp_path):
    def change(data):
        for frame in each_frame(data):
            frame.PixelValueTransformationSequence[0].RescaleSlope = "1"

    assert triple(edited(enhanced, "DRO_7_2_0", tmp_path, change)) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)


def test_enhanced_uncorrected_by_acquisition_and_duration_alone(enhanced, tmp_path):
    def change(data):
        for frame in each_frame(data):
            del frame.FrameContentSequence[0].FrameReferenceDateTime

    assert triple(edited(enhanced, "DRO_7_3_1", tmp_path, change)) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)


def test_enhanced_corrected_without_saying_to_when_is_refused(enhanced, tmp_path):
    def change(data):
        del data.DecayCorrectionDateTime

    assert edited(enhanced, "DRO_7_0_0", tmp_path, change).refusal.code == "reference-time-missing"


def test_enhanced_dose_in_bq_by_mistake(enhanced, tmp_path):
    def change(data):
        data.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "368080000"

    series = edited(enhanced, "DRO_7_0_0", tmp_path, change)
    assert triple(series) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)
    assert len(series.suv.repairs) == 1


def test_enhanced_with_two_agents_uses_the_one_its_frames_name(enhanced, tmp_path):
    def change(data):
        first = data.RadiopharmaceuticalInformationSequence[0]
        first.RadiopharmaceuticalAgentNumber = 1
        second = Dataset()
        second.RadiopharmaceuticalAgentNumber, second.RadionuclideTotalDose = 2, "100"
        data.RadiopharmaceuticalInformationSequence.append(second)
        usage = Dataset()
        usage.RadiopharmaceuticalAgentNumber = 1
        data.SharedFunctionalGroupsSequence[0].RadiopharmaceuticalUsageSequence = Sequence([usage])

    assert triple(edited(enhanced, "DRO_7_0_0", tmp_path, change)) == pytest.approx((0.2, 1.0, 4.0), rel=0.003)


def test_a_value_that_differs_between_images_is_refused_with_both(tmp_path):
    write_suv_objects(tmp_path, suv_objects()[:1])
    last = sorted((tmp_path / "DRO_0_0" / "PT").iterdir())[-1]
    data = dcmread(last)
    data.PatientWeight = "80"
    data.save_as(last)
    refusal = one(tmp_path / "DRO_0_0").refusal
    assert refusal.code == "weight-missing"
    assert "70.0 in the first image, 80 in another" in refusal.message


def test_gml_records_uptake_and_dose_beside_a_factor_that_needs_neither(tmp_path):
    objects = {o.id: o for o in suv_objects()}
    write_suv_objects(tmp_path, (replace(objects["DRO_2_0"]),))
    suv = one(tmp_path / "DRO_2_0").suv
    assert suv.factor == 1.0
    assert suv.decay_reference is None
    assert suv.uptake_minutes == pytest.approx(60.0)
    assert suv.dose_mbq == pytest.approx(368.08)


def test_a_secondary_capture_of_a_pet_gives_no_suv(tmp_path):
    write_suv_objects(tmp_path, suv_objects()[:1])
    folder = tmp_path / "DRO_0_0" / "PT"
    for number, file in enumerate(sorted(folder.iterdir())):
        data = dcmread(file)
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        data.SeriesInstanceUID, data.SOPInstanceUID = "1.2.3.4", f"1.2.3.4.{number}"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(folder.parent / f"capture{number}")
    report = read_suv(tmp_path / "DRO_0_0")
    assert len(report.series) == 1
    assert [i.code for i in report.issues] == ["series-not-measured"]
    assert "secondary capture" in report.issues[0].message


def test_statistics_of_a_projection_are_said_to_be_none_of_a_volume(tmp_path):
    write_suv_objects(tmp_path, suv_objects()[:1])
    for file in (tmp_path / "DRO_0_0" / "PT").iterdir():
        data = dcmread(file)
        data.SeriesType = ["WHOLE BODY", "REPROJECTION"]
        data.save_as(file)
    assert "projection" in {i.code for i in one(tmp_path / "DRO_0_0").issues}


def with_start(tmp_path, change):
    """The default object with other injection times."""
    write_suv_objects(tmp_path, suv_objects()[:1])
    for file in (tmp_path / "DRO_0_0" / "PT").iterdir():
        data = dcmread(file)
        change(data, data.RadiopharmaceuticalInformationSequence[0])
        data.save_as(file)
    return one(tmp_path / "DRO_0_0")


def test_an_offset_from_utc_that_the_scan_lacks_is_said(tmp_path):
    def alone(data, item):
        item.RadiopharmaceuticalStartDateTime = "20250101100000+0000"
        del item.RadiopharmaceuticalStartTime

    assert "time-zone-unknown" in {i.code for i in with_start(tmp_path, alone).issues}


def test_an_offset_from_utc_is_no_doubt_where_the_time_of_day_agrees_or_the_scan_has_one(tmp_path):
    def agreeing(data, item):
        item.RadiopharmaceuticalStartDateTime = "20250101100000+0100"

    def both(data, item):
        data.TimezoneOffsetFromUTC = "+0100"
        item.RadiopharmaceuticalStartDateTime = "20250101090000+0000"
        del item.RadiopharmaceuticalStartTime

    for number, change in enumerate((agreeing, both)):
        series = with_start(tmp_path / str(number), change)
        assert "time-zone-unknown" not in {i.code for i in series.issues}
        assert series.suv.uptake_minutes == pytest.approx(60)


def test_an_unknown_tracer_is_said_beside_its_suv(tmp_path):
    def nameless(data, item):
        item.Radiopharmaceutical = "Compound 7"

    series = with_start(tmp_path, nameless)
    assert series.suv is not None
    assert "tracer-unknown" in {i.code for i in series.issues}
