"""Research dose estimates: the arithmetic, the band, and every reason for none."""

from __future__ import annotations

import math

import pytest

from lutetia.imaging.dosimetry import effective_half_life, remaining, single_time_point_dose


def test_one_decay_per_physical_half_life_halves_the_activity() -> None:
    assert remaining(159.53) == pytest.approx(0.5)


def test_dose_at_96_hours_follows_2_delta_over_ln2_times_t_times_concentration() -> None:
    dose = single_time_point_dose(0.5, 96.0, 20.0, "liver")
    assert dose.value == pytest.approx(0.2462 * 96 * 0.5 / 1.06, rel=1e-3)
    assert dose.low == pytest.approx(0.7 * (dose.value or 0))
    assert dose.high == pytest.approx(1.3 * (dose.value or 0))


def test_a_mono_exponential_curve_with_77_hours_is_met_within_7_percent_at_96_hours() -> None:
    half_life, hours = 77.0, 96.0
    true = 0.0853 * 1.0 / 1.04 * half_life / math.log(2)  # Δ × time-integrated concentration, 1 MBq/mL at t = 0
    measured = single_time_point_dose(2 ** (-hours / half_life), hours, 10.0, "soft").value
    assert measured is not None
    assert abs(measured / true - 1) < 0.07


def test_a_lesion_below_4_millilitres_is_not_estimated() -> None:
    dose = single_time_point_dose(2.0, 96.0, 2.9, "liver")
    assert dose.value is None
    assert "partial volume" in dose.reasons[0]


@pytest.mark.parametrize("hours", [3.7, 27.7, 168.0])
def test_scans_far_from_96_hours_are_not_estimated(hours: float) -> None:
    assert single_time_point_dose(1.0, hours, 50.0, "liver").value is None


def test_bone_is_not_estimated_because_its_density_is_unknown() -> None:
    assert "density" in single_time_point_dose(1.0, 96.0, 50.0, "bone").reasons[0]


def test_100_to_60_between_24_and_96_hours_gives_97_7_hours() -> None:
    assert effective_half_life(100.0, 24.0, 60.0, 96.0).value == pytest.approx(97.7, abs=0.05)


def test_a_half_life_above_the_physical_one_is_refused() -> None:
    found = effective_half_life(100.0, 24.0, 80.0, 96.0)
    assert found.value is None
    assert "physical" in found.reasons[0]


def test_two_scans_on_the_first_two_days_with_rising_activity_name_every_reason() -> None:
    found = effective_half_life(122.2, 3.74, 138.4, 27.73)
    text = " ".join(found.reasons)
    assert found.value is None
    assert "too early" in text
    assert "rises" in text
    assert "at least 48 h" in text
