"""Multi-frame PET, CT and tomographic NM become slices like any other."""

from __future__ import annotations

import warnings

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from lutetia.dicom.pixels import load_ct, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.dicom.suitability import judge_ct
from lutetia.model import InputError, LutetiaError

STORED = np.random.default_rng(11).integers(0, 2000, (5, 8, 10)).astype(np.uint16)


def base(modality, sop_class):
    d = Dataset()
    d.SOPClassUID, d.SOPInstanceUID = sop_class, "1.2.3.4.1"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "1.2.3.2", "1.2.3.3", "1.2.3.5"
    d.PatientID, d.PatientName, d.Modality = "P1", "A", modality
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.NumberOfFrames, d.Rows, d.Columns = STORED.shape
    d.BitsAllocated = d.BitsStored = 16
    d.HighBit, d.PixelRepresentation = 15, 0
    d.PixelData = STORED.tobytes()
    d["PixelData"].VR = "OW"
    return d


def item(**values):
    d = Dataset()
    for key, value in values.items():
        setattr(d, key, value)
    return d


@pytest.fixture
def enhanced(coded):
    """An enhanced PET whose frames are stored from head to foot with a slope of their own."""

    def make(modality="PT", sop_class="1.2.840.10008.5.1.4.1.1.130", **top):
        d = base(modality, sop_class)
        d.ImageType = ["ORIGINAL", "PRIMARY", "STATIC", "NONE"]
        d.AttenuationCorrected, d.DecayCorrected = "YES", "YES"
        radiopharmaceutical = item(Radiopharmaceutical="Ga-68 DOTATATE")
        radiopharmaceutical.RadionuclideCodeSequence = [coded("35337001", "SCT", "Ga68")]
        d.RadiopharmaceuticalInformationSequence = [radiopharmaceutical]
        d.SharedFunctionalGroupsSequence = [
            item(
                PixelMeasuresSequence=[item(PixelSpacing=["4", "3"], SliceThickness="5")],
                PlaneOrientationSequence=[item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])],
            )
        ]
        d.PerFrameFunctionalGroupsSequence = [
            item(
                PlanePositionSequence=[item(ImagePositionPatient=["-20", "-16", str(120 - 5 * k)])],
                PixelValueTransformationSequence=[item(RescaleSlope=str(k + 1), RescaleIntercept="0")],
                FrameContentSequence=[
                    item(FrameAcquisitionDateTime=f"2025010210{k:02d}00.5", FrameAcquisitionDuration=120000.0)
                ],
            )
            for k in range(5)
        ]
        for key, value in top.items():
            setattr(d, key, value)
        return d

    return make


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"])
def test_enhanced_pet_has_slope_place_and_time_per_frame(tmp_path, enhanced, save_dicom, syntax):
    save_dicom(enhanced(), tmp_path / "e.dcm", syntax)
    (selection,) = select(scan(tmp_path))
    assert selection.tracer.tracer.key == "dotatate"
    image = load_pet(selection.pet)
    expected = (STORED * np.arange(1, 6)[:, None, None])[::-1].astype(np.float32)
    assert np.array_equal(image.volume.array, expected)
    assert image.volume.grid.origin_mm == (-20, -16, 100)
    assert [h.frame for h in image.instances] == [4, 3, 2, 1, 0]
    assert image.instances[0].acquisition_date == "20250102"
    assert image.instances[0].acquisition_time == "100400.5"
    assert image.instances[0].actual_frame_duration_ms == 120000


@pytest.mark.parametrize("codec", ["1.2.840.10008.1.2.5"])
def test_compressed_frames_decode_one_by_one(tmp_path, enhanced, save_dicom, codec):
    d = enhanced()
    d.file_meta = pydicom.dataset.FileMetaDataset()
    d.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    d.compress(codec, generate_instance_uid=False)
    save_dicom(d, tmp_path / "e.dcm", codec)
    image = load_pet(scan(tmp_path).series[0])
    assert np.array_equal(image.volume.array, (STORED * np.arange(1, 6)[:, None, None])[::-1].astype(np.float32))


def test_a_mapping_to_becquerel_wins_over_the_display_rescale(tmp_path, enhanced, save_dicom, coded):
    d = enhanced()
    mapping = item(RealWorldValueSlope=7.5, RealWorldValueIntercept=0.0)
    mapping.MeasurementUnitsCodeSequence = [coded("Bq/ml", "UCUM", "Becquerels/milliliter")]
    d.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping]
    save_dicom(d, tmp_path / "e.dcm")
    image = load_pet(scan(tmp_path).series[0])
    assert np.array_equal(image.volume.array, (STORED[::-1] * 7.5).astype(np.float32))
    assert image.instances[0].units == "BQML"


def test_uncorrected_enhanced_pet_is_not_measured(tmp_path, enhanced, save_dicom):
    save_dicom(enhanced(AttenuationCorrected="NO"), tmp_path / "e.dcm")
    (selection,) = select(scan(tmp_path))
    assert selection.pet is None
    assert selection.issues[-1].code == "not-attenuation-corrected"


def test_dynamic_enhanced_pet_is_split_into_time_frames(tmp_path, enhanced, save_dicom):
    d = enhanced()
    for k, group in enumerate(d.PerFrameFunctionalGroupsSequence):
        group.PlanePositionSequence[0].ImagePositionPatient = ["0", "0", str(5 * (k % 2))]
        group.FrameContentSequence[0].TemporalPositionIndex = k // 2 + 1
    del d.PerFrameFunctionalGroupsSequence[4]
    d.NumberOfFrames, d.PixelData = 4, STORED[:4].tobytes()
    save_dicom(d, tmp_path / "e.dcm")
    assert [s.part for s in scan(tmp_path).series] == ["time frame 1 of 2", "time frame 2 of 2"]


def test_enhanced_ct_is_a_ct(tmp_path, enhanced, save_dicom):
    d = enhanced("CT", "1.2.840.10008.5.1.4.1.1.2.1")
    for group in d.PerFrameFunctionalGroupsSequence:
        group.PixelValueTransformationSequence = [item(RescaleSlope="1", RescaleIntercept="-1024")]
    save_dicom(d, tmp_path / "e.dcm")
    volume = load_ct(scan(tmp_path).series[0])
    assert np.array_equal(volume.array, STORED[::-1].astype(int) - 1024)


def test_an_enhanced_map_of_electron_density_is_not_a_ct_in_hounsfield_units(tmp_path, enhanced, save_dicom):
    d = enhanced("CT", "1.2.840.10008.5.1.4.1.1.2.1")
    for group in d.PerFrameFunctionalGroupsSequence:
        group.PixelValueTransformationSequence = [item(RescaleSlope="1", RescaleIntercept="0", RescaleType="ED")]
    save_dicom(d, tmp_path / "e.dcm")
    judged = judge_ct(scan(tmp_path).series[0])
    assert not judged.usable
    assert judged.reason == "a map of electron density, not in Hounsfield units"


def test_functional_groups_that_do_not_fit_the_frames_are_named(tmp_path, enhanced, save_dicom):
    d = enhanced()
    del d.PerFrameFunctionalGroupsSequence[3]
    save_dicom(d, tmp_path / "e.dcm")
    inventory = scan(tmp_path)
    assert [i.code for i in inventory.issues] == ["bad-functional-groups"]
    assert "4 functional groups for 5 frames" in inventory.issues[0].message


@pytest.fixture
def tomographic(coded):
    """A quantitative SPECT as one NM object."""

    def make(spacing="5", mapped=True, first=0, last=65535):
        d = base("NM", "1.2.840.10008.5.1.4.1.1.20")
        d.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
        d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = ["4", "3"], "5", spacing
        d.CorrectedImage = ["DECY", "ATTN", "SCAT"]
        d.SliceVector, d.FrameIncrementPointer = [1, 2, 3, 4, 5], 0x00540080
        d.DetectorInformationSequence = [
            item(ImagePositionPatient=["-20", "-16", "100"], ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])
        ]
        radiopharmaceutical = item(Radiopharmaceutical="Lu-177 DOTATATE")
        d.RadiopharmaceuticalInformationSequence = [radiopharmaceutical]
        if mapped:
            mapping = item(RealWorldValueSlope=2.5, RealWorldValueIntercept=0.0)
            mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = first, last
            mapping["RealWorldValueFirstValueMapped"].VR = mapping["RealWorldValueLastValueMapped"].VR = "US"
            mapping.MeasurementUnitsCodeSequence = [coded("Bq/ml", "UCUM", "Becquerels/milliliter")]
            d.RealWorldValueMappingSequence = [mapping]
        return d

    return make


def test_quantitative_spect_is_mapped_to_becquerel(tmp_path, tomographic, save_dicom):
    save_dicom(tomographic(), tmp_path / "nm.dcm")
    (selection,) = select(scan(tmp_path))
    assert selection.modality == "SPECT"
    image = load_pet(selection.pet)
    assert np.array_equal(image.volume.array, (STORED * 2.5).astype(np.float32))
    assert image.volume.unit == "Bq/ml"
    assert image.volume.grid.origin_mm == (-20, -16, 100)
    assert image.volume.grid.spacing_mm == (5, 4, 3)


def test_negative_spacing_stacks_slices_the_other_way(tmp_path, tomographic, save_dicom):
    save_dicom(tomographic(spacing="-5"), tmp_path / "nm.dcm")
    image = load_pet(scan(tmp_path).series[0])
    assert image.volume.grid.origin_mm == (-20, -16, 80)
    assert np.array_equal(image.volume.array, (STORED[::-1] * 2.5).astype(np.float32))


def test_spect_without_a_mapping_is_counts(tmp_path, tomographic, save_dicom):
    save_dicom(tomographic(mapped=False), tmp_path / "nm.dcm")
    image = load_pet(scan(tmp_path).series[0])
    assert image.volume.unit == "CNTS"


def test_values_outside_the_mapping_are_refused(tmp_path, tomographic, save_dicom):
    save_dicom(tomographic(last=100), tmp_path / "nm.dcm")
    with pytest.raises(InputError) as error:
        load_pet(scan(tmp_path).series[0])
    assert error.value.code == "outside-value-mapping"


def test_pentetreotide_spect_is_refused_by_name(tmp_path, tomographic, save_dicom):
    d = tomographic(mapped=False)
    d.RadiopharmaceuticalInformationSequence = [item(Radiopharmaceutical="In-111 Octreoscan")]
    save_dicom(d, tmp_path / "nm.dcm")
    (selection,) = select(scan(tmp_path))
    assert selection.pet is None
    assert selection.issues[-1].code == "tracer-not-measured"
    assert "111In-pentetreotide" in selection.issues[-1].message


def test_planar_pentetreotide_is_refused_by_name(tmp_path, tomographic, save_dicom):
    d = tomographic(mapped=False)
    d.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    d.RadiopharmaceuticalInformationSequence = [item(Radiopharmaceutical="Octreoscan")]
    save_dicom(d, tmp_path / "nm.dcm")
    (selection,) = select(scan(tmp_path))
    assert selection.pet is None
    assert selection.issues[-1].code == "tracer-not-measured"
    assert "graded by eye" in selection.issues[-1].message


def test_a_planar_image_is_no_volume(tmp_path, tomographic, save_dicom):
    d = tomographic(mapped=False)
    d.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    save_dicom(d, tmp_path / "nm.dcm")
    (selection,) = select(scan(tmp_path))
    assert selection.pet is None
    assert selection.issues[-1].code == "nm-not-tomographic"


def test_the_enhanced_object_made_from_the_dro(shared):
    path = shared / "data" / "dicom_samples" / "multiframe" / "enhanced_pet_synthetic_from_dro_1_0.dcm"
    image = load_pet(scan(path).series[0], 70_000 / (368.08e6 * 2 ** (-3600 / 6586.2)), unit="SUVbw")
    assert image.volume.array.max() == pytest.approx(4.0, rel=5e-3)
    assert sorted({h.rescale_slope for h in image.instances}) == [3, 4]


def test_the_legacy_converted_object_equals_its_single_slices(shared):
    data = shared / "data"
    converted = load_pet(
        scan(data / "dicom_samples" / "multiframe" / "legacy_converted_enhanced_pet_20frames.dcm").series[0]
    )
    single = load_pet(scan(data / "pet_ge_sts001" / "pet_raw_bqml").series[0])
    start = int(np.rint(single.volume.grid.to_index(converted.volume.grid.origin_mm)[0]))
    part = slice(start, start + 20)
    assert np.array_equal(converted.volume.array, single.volume.array[part])
    pairs = list(zip(converted.instances, single.instances[part], strict=True))
    assert all(a.frame_reference_time_ms == b.frame_reference_time_ms for a, b in pairs)
    assert all(a.decay_factor == b.decay_factor for a, b in pairs)
    assert all(a.units == b.units == "BQML" for a, b in pairs)


def test_a_reconstructed_phantom_spect_lies_where_its_detector_says(shared):
    path = shared / "data" / "dicom_samples" / "nm" / "mediso_jaszczak_spect_45frames_rle.dcm"
    image = load_pet(scan(path).series[0])
    assert image.volume.grid.shape == (45, 128, 128)
    assert image.volume.grid.origin_mm == pytest.approx((0, -264.32, -165.2 - 44 * 4.13), abs=1e-3)
    assert np.array_equal(image.volume.array, pydicom.dcmread(path).pixel_array[::-1].astype(np.float32))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_multi_frame_objects_never_raise_anything_but_a_named_refusal(
    tmp_path, enhanced, tomographic, save_dicom, data
):
    path = tmp_path / "m.dcm"
    save_dicom(data.draw(st.sampled_from([enhanced, tomographic]))(), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(132, len(content) - 801))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    refused = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            for series in scan(path).series:
                load_pet(series)
            select(scan(path))
        except LutetiaError as error:
            refused = error
    assert refused is None or refused.code
