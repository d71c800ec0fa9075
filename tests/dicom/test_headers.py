"""From datasets to facts: elements wherever they are kept, times in every spelling, values that can't be read."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from lutetia.dicom.header_values import clock, date_time, day, moment, number, offset_minutes
from lutetia.dicom.headers import facts_of
from lutetia.dicom.instance import InstanceHeader
from lutetia.model.pet import Moment


def dataset(**changes):
    data = Dataset()
    data.SOPClassUID, data.Modality, data.Manufacturer = "1.2.840.10008.5.1.4.1.1.128", "PT", "SIEMENS"
    data.SeriesDate, data.SeriesTime = "20250101", "110000"
    data.PatientWeight, data.PatientSize, data.PatientSex = "70", "1.75", "F"
    data.Units, data.DecayCorrection, data.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = "368080000", "6586.2"
    item.RadiopharmaceuticalStartDateTime = "20250101100000"
    data.RadiopharmaceuticalInformationSequence = Sequence([item])
    for keyword, value in changes.items():
        setattr(data, keyword, value)
    return data


def row(**changes):
    options = {"acquisition_date": "20250101", "acquisition_time": "110000", "frame_reference_time_ms": 150000.0,
               "actual_frame_duration_ms": 300000.0, "decay_factor": 1.0, "rescale_slope": 2.0}  # fmt: skip
    return InstanceHeader(path="one.dcm", **options | changes)


def facts(data=None, *rows):
    return facts_of(dataset() if data is None else data, rows or (row(),))


def test_the_usual_elements_are_read_with_their_text():
    found = facts()
    assert (found.units, found.decay_correction, found.vendor) == ("BQML", "START", "Siemens")
    assert (found.weight_kg, found.size_m, found.sex) == (70.0, 1.75, "F")
    assert found.radiopharmaceuticals[0].total_dose == 368080000.0
    assert found.radiopharmaceuticals[0].start_datetime.isoformat() == "2025-01-01T10:00:00"
    assert found.frames[0].frame_reference_s == 150.0
    assert found.elements["PatientWeight (0010,1030)"] == "70"
    assert found.elements["RadionuclideTotalDose (0018,1074)"] == "368080000"


def test_values_that_differ_over_the_slices_are_shown_as_a_span():
    found = facts(None, row(), row(acquisition_time="110500"), row(acquisition_time="111000"))
    assert found.elements["AcquisitionTime (0008,0032)"] == "110000 … 111000 (3 different)"


def test_acquisition_without_its_date_takes_the_date_of_the_series():
    assert facts(None, row(acquisition_date=None)).frames[0].acquisition.isoformat() == "2025-01-01T11:00:00"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1105", 39900), ("110530", 39930), ("110530.25", 39930.25), ("11:05:30", 39930),
     ("110530.123456", 39930.123456), (" 110530 ", 39930), ("235960", 86399.999999)],
)  # fmt: skip
def test_short_tm_and_fraction(text, seconds):
    assert clock(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", [None, "", "11", "25", "1161", "noon", "1105.5", "20250101110000"])
def test_what_is_no_time_of_day_is_none(text):
    assert clock(text) is None


@pytest.mark.parametrize(("text", "ok"), [("20250101", True), ("2025.01.01", True), ("20250230", False), ("", False)])
def test_dates(text, ok):
    assert (day(text) is not None) == ok


def test_timezone_suffix():
    assert date_time("20250101100000+0100", offset_minutes("+0100")).isoformat() == "2025-01-01T10:00:00"
    assert date_time("20250101090000+0000", offset_minutes("+0100")).isoformat() == "2025-01-01T10:00:00"
    assert date_time("20241231233000.5-0500", offset_minutes("+0000")).isoformat() == "2025-01-01T04:30:00.500"
    assert date_time("20250101100000+0100", None).isoformat() == "2025-01-01T10:00:00"
    assert date_time("20250101100000", offset_minutes("+0200")).isoformat() == "2025-01-01T10:00:00"


def test_a_date_time_without_a_time_is_none():
    assert date_time("20250101", None) is None
    assert date_time("", None) is None


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1_000", "70\\80", None])
def test_what_is_no_number_is_none(text):
    assert number(text) is None


def test_unreadable_values_become_none_and_keep_their_text():
    data = dataset()
    data.add_new(0x00101030, "LO", "seventy")
    found = facts(data)
    assert found.weight_kg is None
    assert found.elements["PatientWeight (0010,1030)"] == "seventy"


def test_an_undated_moment_when_the_date_is_unreadable():
    assert moment("XXXX", "110000") == Moment(39600.0, None)


def test_ge_private_times_need_ges_creator_or_ge_itself():
    for manufacturer, creator, there in (("GE MEDICAL SYSTEMS", "GEMS_PETD_01", True),
                                         ("", "GEMS_PETD_01", True),
                                         ("GE MEDICAL SYSTEMS", None, True),
                                         ("SIEMENS", None, False),
                                         ("GE MEDICAL SYSTEMS", "SOMEONE ELSE", False)):  # fmt: skip
        data = dataset(Manufacturer=manufacturer)
        if creator:
            data.add_new(0x00090010, "LO", creator)
        data.add_new(0x0009100D, "DT", "20250101110000.00")
        assert (facts(data).ge.scan_datetime is not None) == there


def test_two_items_are_both_kept():
    data = dataset()
    second = Dataset()
    second.RadionuclideTotalDose = "100000000"
    data.RadiopharmaceuticalInformationSequence.append(second)
    assert [i.total_dose for i in facts(data).radiopharmaceuticals] == [368080000.0, 100000000.0]


def test_dose_is_bq_in_pet_and_mbq_in_nm_objects():
    assert facts().radiopharmaceuticals[0].dose_unit == "Bq"
    nm = dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.20", Modality="NM")
    assert facts(nm).radiopharmaceuticals[0].dose_unit == "MBq"


@pytest.mark.parametrize(
    ("code", "units", "suv_type", "scale"),
    [
        ("Bq/ml", "BQML", None, 1.0),
        ("Bq/mL", "BQML", None, 1.0),
        ("kBq/ml", "BQML", None, 1000.0),
        ("{SUVbw}g/ml", "GML", "BW", 1.0),
        ("g/ml{SUVlbm(James128)}", "GML", "LBMJAMES128", 1.0),
        ("cm2/ml{SUVbsa}", "CM2ML", "BSA", 1.0),
        ("{furlongs}", "{furlongs}", None, 1.0),
    ],
)
def test_the_unit_of_a_real_world_mapping(code, units, suv_type, scale):
    data = dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.20", Modality="NM")
    del data.Units
    found = facts(data, row(value_unit=code))
    assert (found.units, found.suv_type, found.frames[0].unit_per_rescaled) == (units, suv_type, scale)


def test_glucose_and_fasting_from_the_acquisition_context_and_from_text():
    name, unit, item = Dataset(), Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "14749-6", "LN", "Glucose"
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mg/dl", "UCUM", "mg/dl"
    item.ConceptNameCodeSequence, item.MeasurementUnitsCodeSequence = Sequence([name]), Sequence([unit])
    item.NumericValue = "234"
    data = dataset(AcquisitionContextSequence=Sequence([item]), AdditionalPatientHistory="fasting 6 h")
    assert facts(data).glucose_mmol_l == pytest.approx(12.99, abs=0.01)
    assert facts(data).fasting_h == 6.0
    assert facts(dataset(AdditionalPatientHistory="BGL: 5.4 mmol/l")).glucose_mmol_l == 5.4
    assert facts().glucose_mmol_l is None
