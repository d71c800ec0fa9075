"""The decay reference: three meanings of Frame Reference Time, two of Acquisition Time, and what settles doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_decay import mean_time_s
from lutetia.model import Refusal
from lutetia.model.pet import GePrivate

F18 = 6586.2
DAY = "2025-01-01T"
BEDS = (DAY + "11:00:00", DAY + "11:05:00", DAY + "11:10:00")
OFFSETS = (0.0, 300.0, 600.0)


def filled(times_s):
    """Decay Factor as scanners write it: six digits."""
    return [float(f"{2 ** (t / F18):.6g}") for t in times_s]


def reference(facts):
    scale = suv_scale(facts)
    assert isinstance(scale, SuvScale), scale
    return scale.decay_reference


def refusal_code(facts):
    refusal = suv_scale(facts)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code


MEAN = mean_time_s(300.0, F18)


@pytest.mark.parametrize(("vendor", "meaning"), [("Siemens", MEAN), ("Philips", 150.0), ("GE", 0.0), ("", MEAN)])
def test_beds_are_computed_back_to_one_reference_by_each_vendors_habit(pet_facts_of, vendor, meaning):
    facts = pet_facts_of(vendor=vendor, beds=BEDS[1:], frame_reference_s=[t + meaning for t in OFFSETS[1:]],
                         series=DAY + "11:30:00")  # fmt: skip
    assert reference(facts).startswith("2025-01-01T11:00:00")


@pytest.mark.parametrize("vendor", ["Siemens", "Philips", "GE", ""])
@pytest.mark.parametrize(("meaning", "name"), [(MEAN, "mean"), (0.0, "start")])
def test_decay_factor_settles_what_frame_reference_time_means_whatever_the_vendor(pet_facts_of, vendor, meaning, name):
    facts = pet_facts_of(vendor=vendor, beds=BEDS[1:], frame_reference_s=[t + meaning for t in OFFSETS[1:]],
                         decay_factor=filled(t + MEAN for t in OFFSETS[1:]), series=None)  # fmt: skip
    assert reference(facts).startswith("2025-01-01T11:00:00")
    assert f"the frame's {name} time" in suv_scale(facts).decay_reference_reason


def test_ge_writes_the_start_of_the_scan_into_every_slice(pet_facts_of):
    facts = pet_facts_of(vendor="GE", beds=(BEDS[0],) * 3, frame_reference_s=OFFSETS)
    assert reference(facts) == "2025-01-01T11:00:00"
    assert "start of the scan" in suv_scale(facts).decay_reference_reason


def test_a_cropped_series_has_no_first_bed_and_still_the_right_reference(pet_facts_of):
    whole = pet_facts_of(beds=BEDS, frame_reference_s=[t + MEAN for t in OFFSETS])
    cropped = pet_facts_of(beds=BEDS[2:], frame_reference_s=[OFFSETS[2] + MEAN])
    assert suv_scale(cropped).factor == pytest.approx(suv_scale(whole).factor, rel=1e-4)


def test_bed_positions_share_one_reference_time(pet_facts_of):
    scale = suv_scale(pet_facts_of(beds=BEDS, frame_reference_s=[t + MEAN for t in OFFSETS]))
    assert scale.frame_factors is None


def test_a_blanked_series_time_is_not_used_and_the_reason_says_so(pet_facts_of, moment_of):
    blank = moment_of(DAY + "11:11:11")
    facts = pet_facts_of(series=DAY + "11:11:11", study_time=blank, vendor="Philips", frame_reference_s=450.0,
                         beds=(DAY + "11:05:00",))  # fmt: skip
    assert reference(facts) == "2025-01-01T11:00:00"
    assert "blanked" in suv_scale(facts).decay_reference_reason


def test_a_series_time_after_the_acquisition_is_not_used(pet_facts_of):
    facts = pet_facts_of(beds=BEDS, frame_reference_s=[t + MEAN for t in OFFSETS], series=DAY + "11:30:00")
    assert reference(facts) == "2025-01-01T11:00:00"
    assert "after the first acquisition" in suv_scale(facts).decay_reference_reason


def test_a_one_hour_philips_frame_is_read_by_its_middle(pet_facts_of):
    facts = pet_facts_of(vendor="Philips", beds=(DAY + "17:12:19",), series=DAY + "17:11:21", duration_s=3597.793,
                         frame_reference_s=1856.793, injection=DAY + "15:56:00")  # fmt: skip
    assert reference(facts) == "2025-01-01T17:11:21"


def test_ge_private_scan_time_overrules_what_post_processing_rewrote(pet_facts_of, moment_of):
    facts = pet_facts_of(vendor="GE", beds=(DAY + "11:30:00",), frame_reference_s=150.0,
                         ge=GePrivate(scan_datetime=moment_of(DAY + "11:00:00")))  # fmt: skip
    assert reference(facts) == "2025-01-01T11:00:00"


def test_siemens_private_decay_time_is_used(pet_facts_of, moment_of):
    facts = pet_facts_of(series=DAY + "11:30:00", beds=BEDS[1:], siemens_decay_datetime=moment_of(DAY + "11:00:00"))
    assert reference(facts) == "2025-01-01T11:00:00"


def test_decay_factors_of_several_beds_overrule_a_private_time_with_a_warning(pet_facts_of, moment_of):
    facts = pet_facts_of(vendor="GE", beds=BEDS, frame_reference_s=OFFSETS,
                         decay_factor=filled(t + MEAN for t in OFFSETS),
                         ge=GePrivate(scan_datetime=moment_of(DAY + "10:40:00")))  # fmt: skip
    scale = suv_scale(facts)
    assert scale.decay_reference.startswith("2025-01-01T10:59:59.99")
    assert "reference-time-contradicted" in [w.code for w in scale.warnings]


def ge_one_bed(pet_facts_of, **changes):
    """The second bed alone of a GE scan: Acquisition Time may be that of the bed or of the scan."""
    options = {"vendor": "GE", "beds": (DAY + "11:00:00",), "frame_reference_s": 423.0, "series": None} | changes
    return pet_facts_of(**options)


def test_one_ge_bed_alone_is_refused_where_nothing_tells_bed_from_scan(pet_facts_of):
    refusal = suv_scale(ge_one_bed(pet_facts_of))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.override) == ("reference-time-unsettled", "--reference-time")
    assert "4.6 %" in refusal.message


def test_one_ge_bed_is_settled_by_the_private_start_of_the_frame(pet_facts_of, moment_of):
    for start, expected in ((DAY + "11:00:00", "2025-01-01T10:52:57"), (DAY + "11:07:03", "2025-01-01T11:00:00")):
        facts = ge_one_bed(pet_facts_of)
        frame = replace(facts.frames[0], frame_start=moment_of(start))
        assert reference(replace(facts, frames=(frame,))) == expected


def test_one_ge_bed_is_settled_by_series_time(pet_facts_of):
    assert reference(ge_one_bed(pet_facts_of, series=DAY + "11:00:00")) == "2025-01-01T11:00:00"
    assert reference(ge_one_bed(pet_facts_of, series=DAY + "10:52:57")) == "2025-01-01T10:52:57"


def test_one_ge_bed_is_settled_by_content_time(pet_facts_of, moment_of):
    after_bed = ge_one_bed(pet_facts_of, content_time=moment_of(DAY + "11:05:20"))
    assert reference(after_bed) == "2025-01-01T10:52:57"
    after_scan = ge_one_bed(pet_facts_of, content_time=moment_of(DAY + "11:12:15"))
    assert reference(after_scan) == "2025-01-01T11:00:00"


def test_a_small_doubt_is_warned_about_and_a_large_one_refused(pet_facts_of):
    scale = suv_scale(ge_one_bed(pet_facts_of, frame_reference_s=60.0))
    assert isinstance(scale, SuvScale)
    assert "reference-time-unsettled" in [w.code for w in scale.warnings]


def test_missing_frame_duration_is_refused_unless_the_vendor_is_ge(pet_facts_of):
    assert refusal_code(pet_facts_of(duration_s=None)) == "frame-duration-missing"
    assert refusal_code(pet_facts_of(duration_s=None, vendor="Philips")) == "frame-duration-missing"
    assert reference(pet_facts_of(duration_s=None, vendor="GE")) == "2025-01-01T11:00:00"


def test_missing_acquisition_time_is_refused(pet_facts_of):
    refusal = suv_scale(replace(pet_facts_of(), frames=(replace(pet_facts_of().frames[0], acquisition=None),)))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.override) == ("acquisition-time-missing", "--reference-time")


def test_missing_frame_reference_time_is_replaced_by_decay_factors_or_an_agreeing_series_time(pet_facts_of):
    by_factor = pet_facts_of(beds=BEDS[1:], frame_reference_s=[None, None],
                             decay_factor=filled(t + MEAN for t in OFFSETS[1:]), series=None)  # fmt: skip
    assert reference(by_factor).startswith("2025-01-01T11:00:00")
    by_series = pet_facts_of(beds=BEDS, frame_reference_s=[None] * 3)
    assert reference(by_series) == "2025-01-01T11:00:00"
    assert "frame-reference-time-missing" in [w.code for w in suv_scale(by_series).warnings]
    neither = pet_facts_of(beds=BEDS[1:], frame_reference_s=[None, None])
    assert refusal_code(neither) == "frame-reference-time-missing"


def test_frame_reference_times_of_zero_in_every_bed_are_not_filled_in(pet_facts_of):
    facts = pet_facts_of(beds=BEDS, frame_reference_s=[0.0] * 3)
    assert reference(facts) == "2025-01-01T11:00:00"
    assert "frame-reference-time-missing" in [w.code for w in suv_scale(facts).warnings]


def test_slices_that_contradict_each_other_are_refused(pet_facts_of):
    facts = pet_facts_of(beds=BEDS, frame_reference_s=[150.0, 10.0, 9000.0], series=None)
    assert refusal_code(facts) == "reference-time-contradictory"


def test_a_reading_that_puts_the_reference_after_the_first_bed_is_not_taken(pet_facts_of):
    facts = pet_facts_of(frame_reference_s=0.0)  # read as the mean time, the reference would be 11:02:30
    assert reference(facts) == "2025-01-01T11:00:00"


def test_a_late_dynamic_frame_counts_from_the_start_of_the_scan(pet_facts_of):
    facts = pet_facts_of(beds=(DAY + "11:35:59.109",), frame_reference_s=1048.858, duration_s=180.0,
                         decay_factor=1.11682, series=DAY + "11:19:59.109", injection=DAY + "11:19:59",
                         series_type=("DYNAMIC", "IMAGE"))  # fmt: skip
    assert reference(facts) == "2025-01-01T11:19:59.109"


def test_beds_after_midnight_with_one_date_in_all_slices(pet_facts_of):
    facts = pet_facts_of(beds=(DAY + "23:58:00", DAY + "00:03:00"), series=None, injection=DAY + "22:58:00",
                         frame_reference_s=[MEAN, 300 + MEAN])  # fmt: skip
    assert reference(facts) == "2025-01-01T23:58:00"


def test_the_enhanced_object_states_its_reference(pet_facts_of, moment_of):
    facts = pet_facts_of(decay_correction_datetime=moment_of(DAY + "11:00:00"), beds=(DAY + "11:30:00",),
                         series=DAY + "11:30:00")  # fmt: skip
    assert reference(facts) == "2025-01-01T11:00:00"


def test_an_unknown_vendor_without_anything_that_confirms_is_warned_about(pet_facts_of):
    facts = pet_facts_of(vendor="", beds=BEDS[1:], frame_reference_s=[t + MEAN for t in OFFSETS[1:]], series=None)
    scale = suv_scale(facts)
    assert scale.decay_reference.startswith("2025-01-01T11:00:00")
    assert [w.code for w in scale.warnings] == ["reference-time-unconfirmed"]
    confirmed = pet_facts_of(vendor="", beds=BEDS[1:], frame_reference_s=[t + MEAN for t in OFFSETS[1:]])
    assert suv_scale(confirmed).warnings == ()


def test_a_series_time_on_either_side_of_the_reference_is_said_to_be_there(pet_facts_of):
    before = suv_scale(pet_facts_of(series=DAY + "10:45:00"))
    assert "lies 900 s earlier" in before.decay_reference_reason
    late_beds = {"beds": BEDS[1:], "frame_reference_s": [t + MEAN for t in OFFSETS[1:]]}
    after = suv_scale(pet_facts_of(**late_beds, series=DAY + "11:01:30"))
    assert "lies 90 s later" in after.decay_reference_reason


def test_a_series_time_well_before_the_slices_is_a_caution_and_a_small_difference_a_note(pet_facts_of):
    def level(series):
        scale = suv_scale(pet_facts_of(series=series))
        return {w.code: w.level for w in scale.warnings}.get("series-time-differs")

    assert level("2025-01-01T10:45:00") == "caution"
    assert level("2025-01-01T10:58:30") == "info"
    assert level("2025-01-01T11:00:00") is None
