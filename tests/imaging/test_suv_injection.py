"""The time of injection: undated, before midnight, shifted, blanked, impossible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_injection import parse_moment
from lutetia.model import Refusal
from lutetia.model.pet import GePrivate, SuvOverrides

DAY = "2025-01-01T"
NIGHT = {"beds": ("2025-01-02T00:30:00",), "series": "2025-01-02T00:30:00"}


def minutes(facts, overrides=None):
    scale = suv_scale(facts, overrides)
    assert isinstance(scale, SuvScale), scale
    return round(scale.uptake_s / 60, 2)


def refused(facts):
    refusal = suv_scale(facts)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def test_injection_before_midnight_uses_the_previous_day(pet_facts_of):
    facts = pet_facts_of(injection=None, injection_time="23:30:00", **NIGHT)
    assert minutes(facts) == 60
    assert suv_scale(facts).injection.isoformat() == "2025-01-01T23:30:00"


def test_injection_before_midnight_with_its_date(pet_facts_of):
    assert minutes(pet_facts_of(injection=DAY + "23:30:00", **NIGHT)) == 60


def test_only_the_time_of_day(pet_facts_of):
    assert minutes(pet_facts_of(injection=None, injection_time="10:00:00")) == 60


def test_injection_after_the_scan_is_refused(pet_facts_of):
    for facts in (
        pet_facts_of(injection=DAY + "12:00:00"),
        pet_facts_of(injection=None, injection_time="12:00:00"),
        pet_facts_of(injection="2025-01-02T10:00:00"),
    ):
        assert (refused(facts).code, refused(facts).override) == ("injection-after-scan", "--injection-time")


def test_an_injection_more_than_ten_half_lives_ago_is_refused(pet_facts_of):
    assert refused(pet_facts_of(injection="2024-12-31T10:00:00")).code == "uptake-time-impossible"


def test_zirconium_over_days_with_dates(pet_facts_of):
    zirconium = {"half_life_s": 282240.0, "radionuclide": "^89^Zirconium"}
    later = {"beds": ("2025-01-04T11:00:00",), "series": "2025-01-04T11:00:00"}
    assert minutes(pet_facts_of(**zirconium, **later)) == 73 * 60
    undated = pet_facts_of(injection=None, injection_time="10:00:00", **zirconium, **later)
    assert refused(undated).code == "injection-date-missing"
    blanked = pet_facts_of(injection="1900-01-01T10:00:00", **zirconium, **later)
    assert refused(blanked).code == "uptake-time-impossible"


def test_dates_shifted_apart_by_deidentification_leave_the_times_of_day(pet_facts_of):
    for beds in (("1900-01-01T11:00:00",), ("2031-06-05T11:00:00",)):
        facts = pet_facts_of(beds=beds, series=beds[0])
        assert minutes(facts) == 60
        assert "dates-shifted" in [w.code for w in suv_scale(facts).warnings]
        assert any("2025-01-01" in repair and beds[0][:10] in repair for repair in suv_scale(facts).repairs)


def test_a_blanked_acquisition_date_is_settled_by_series_date(pet_facts_of):
    facts = pet_facts_of(beds=("1900-01-01T00:30:00",), series="2025-01-02T00:30:00", injection=DAY + "23:30:00")
    assert minutes(facts) == 60
    assert "scan-date-repaired" in [w.code for w in suv_scale(facts).warnings]


def test_dates_missing_altogether(pet_facts_of):
    assert minutes(pet_facts_of(beds=("11:00:00",), series="11:00:00")) == 60


def ge_shifted(pet_facts_of, moment_of, **private):
    scan = moment_of("1997-09-14T11:00:00")
    return pet_facts_of(vendor="GE", injection="1997-09-15T10:00:00",
                        ge=GePrivate(scan_datetime=scan, **private))  # fmt: skip


def test_an_injection_dated_after_the_scan_is_settled_by_the_private_times(pet_facts_of, moment_of):
    facts = ge_shifted(pet_facts_of, moment_of, administration=moment_of("1997-09-14T10:00:00"))
    assert minutes(facts) == 60
    warning = next(w for w in suv_scale(facts).warnings if w.code == "injection-date-repaired")
    assert "1997-09-15T10:00:00" in warning.message
    assert "1997-09-14T10:00:00" in warning.message


def test_an_injection_dated_after_the_scan_is_settled_by_the_private_scan_time_alone(pet_facts_of, moment_of):
    assert minutes(ge_shifted(pet_facts_of, moment_of)) == 60


def test_a_date_time_that_disagrees_with_the_time_is_used_and_both_are_shown(pet_facts_of):
    scale = suv_scale(pet_facts_of(injection_time="10:20:00"))
    assert round(scale.uptake_s / 60) == 60
    warning = next(w for w in scale.warnings if w.code == "injection-times-differ")
    assert "10:00:00" in warning.message
    assert "10:20:00" in warning.message


def test_a_date_time_without_time_of_day_takes_the_time_beside_it(pet_facts_of):
    facts = pet_facts_of(injection=DAY + "00:00:00", injection_time="10:00:00")
    assert minutes(facts) == 60
    assert "injection-time-blanked" in [w.code for w in suv_scale(facts).warnings]


def test_missing_injection_time_is_not_midnight(pet_facts_of):
    assert refused(pet_facts_of(injection=None)).code == "injection-time-missing"
    assert refused(pet_facts_of(injection=DAY + "00:00:00")).code == "injection-time-blank"
    assert refused(pet_facts_of(injection=None, injection_time="00:00:00")).code == "injection-time-blank"


def test_an_injection_shortly_after_midnight_is_one(pet_facts_of):
    facts = pet_facts_of(injection="2025-01-02T00:00:00", beds=("2025-01-02T01:00:00",), series="2025-01-02T01:00:00")
    assert minutes(facts) == 60


def test_a_dynamic_scan_may_start_before_its_injection(pet_facts_of):
    dynamic = {"series_type": ("DYNAMIC", "IMAGE")}
    assert minutes(pet_facts_of(injection=DAY + "11:00:30", **dynamic)) == -0.5
    assert minutes(pet_facts_of(injection=None, injection_time="11:00:30", **dynamic)) == -0.5
    assert refused(pet_facts_of(injection=DAY + "11:00:30")).code == "injection-after-scan"


def test_admin_needs_no_injection_time(pet_facts_of):
    scale = suv_scale(pet_facts_of(injection=None, decay_correction="ADMIN"))
    assert scale.factor == pytest.approx(70_000 / 368.08e6)


def test_an_undated_copper_injection_says_what_it_assumes(pet_facts_of):
    scale = suv_scale(pet_facts_of(injection=None, injection_time="10:00:00", half_life_s=45721.0, radionuclide="64Cu"))
    assert "injection-date-missing" in [w.code for w in scale.warnings]


def test_the_private_injection_stands_in_where_the_public_ones_are_gone(pet_facts_of, moment_of):
    facts = pet_facts_of(vendor="GE", injection=None, ge=GePrivate(administration=moment_of(DAY + "10:00:00")))
    assert minutes(facts) == 60
    assert "injection-time-from-private" in [w.code for w in suv_scale(facts).warnings]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2025-01-31T13:05:00", "2025-01-31T13:05:00"),
        ("2025-01-31 13:05", "2025-01-31T13:05:00"),
        ("20250131130500", "2025-01-31T13:05:00"),
        ("13:05:30.5", "13:05:30.500"),
        ("1305", "13:05:00"),
    ],
)
def test_times_entered_by_hand_are_read(text, iso):
    assert parse_moment(text).isoformat() == iso


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:61", "2025-13-01T10:00:00", "2025-02-30 10:00"])
def test_what_is_no_time_is_none(text):
    assert parse_moment(text) is None


def test_a_time_entered_by_hand_is_the_last_one_before_the_scan(pet_facts_of):
    assert minutes(pet_facts_of(**NIGHT), SuvOverrides(injection_time="23:30")) == 60


def test_two_injections_are_refused_unless_everything_is_entered(pet_facts_of):
    facts = pet_facts_of()
    second = replace(facts.radiopharmaceuticals[0], name="DOTATATE", total_dose=150e6)
    both = replace(facts, radiopharmaceuticals=(*facts.radiopharmaceuticals, second))
    assert refused(both).code == "several-radiopharmaceuticals"
    by_hand = SuvOverrides(dose_mbq=368.08, injection_time="10:00", half_life_s=6586.2)
    assert minutes(both, by_hand) == 60


def test_a_date_time_blanked_to_1900_with_no_time_of_day_takes_the_time_beside_it(pet_facts_of):
    facts = pet_facts_of(injection="1900-01-01T00:00:00", injection_time="10:00:00")
    assert minutes(facts) == 60
    assert "injection-time-repaired" in [w.code for w in suv_scale(facts).warnings]
    assert refused(pet_facts_of(injection="1900-01-01T00:00:00")).code == "injection-time-blank"


def test_a_date_time_after_the_scan_is_settled_by_a_time_that_fits(pet_facts_of):
    assert minutes(pet_facts_of(injection=DAY + "12:00:00", injection_time="10:00:00")) == 60


def test_shifted_dates_with_two_times_of_day_that_could_both_be_true_are_refused(pet_facts_of):
    facts = pet_facts_of(injection="1900-01-01T09:30:00", injection_time="10:00:00")
    assert refused(facts).code == "injection-times-differ"
