"""Warnings about what is unusual; none of them changes a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_plausibility import (
    acquisition_warnings,
    injection_site_warning,
    liver_warning,
    total_activity_warning,
)
from lutetia.model import Grid, Volume
from lutetia.model.pet import GePrivate


def codes(facts, tracer=""):
    scale = suv_scale(facts)
    assert isinstance(scale, SuvScale), scale
    return [w.code for w in acquisition_warnings(facts, scale, tracer)]


def messages(facts):
    scale = suv_scale(facts)
    return [w.message for w in acquisition_warnings(facts, scale) if w.code == "dose-unusual"]


def test_a_usual_scan_is_not_warned_about(pet_facts_of):
    assert codes(pet_facts_of(), "fdg") == []


def test_unusual_dose_and_weight(pet_facts_of):
    assert "dose-unusual" in codes(pet_facts_of(dose=2e6))
    assert "dose-unusual" in codes(pet_facts_of(dose=3e9))
    (kilo,) = messages(pet_facts_of(dose=185e3))
    assert "185000 kBq would be 185 MBq" in kilo
    (micro,) = messages(pet_facts_of(dose=5000.0))
    assert "5000 uCi would be 185 MBq" in micro
    assert "weight-unusual" in codes(pet_facts_of(weight_kg=9.3))


def test_dose_and_uptake_outside_the_tracers_window(pet_facts_of):
    gallium = {"half_life_s": 4062.6, "radionuclide": "^68^Gallium", "dose": 150e6}
    assert codes(pet_facts_of(**gallium), "dotatate") == []
    assert codes(pet_facts_of(**gallium | {"dose": 300e6}), "dotatate") == ["dose-outside-window"]
    late = pet_facts_of(**gallium, injection="2025-01-01T09:15:00")
    assert codes(late, "dotatate") == ["uptake-time-outside-window"]


def test_an_uptake_of_hours_for_a_short_lived_tracer(pet_facts_of):
    assert "uptake-time-unusual" in codes(pet_facts_of(injection="2025-01-01T06:00:00"))
    assert "uptake-time-unusual" in codes(pet_facts_of(injection="2025-01-01T10:58:00"))


def test_glucose_and_fasting_are_judged_for_fdg_only(pet_facts_of):
    facts = pet_facts_of(glucose_mmol_l=13.0, fasting_h=2.0)
    assert codes(facts, "fdg") == ["glucose-high", "fasting-short"]
    assert codes(facts, "dotatate") == ["dose-outside-window"]


def syringe(pet_facts_of, moment_of, dose, residual=46.028):
    ge = GePrivate(
        administration=moment_of("2025-01-01T10:00:00"),
        measured_mbq=592.0,
        measured_at=moment_of("2025-01-01T09:59:00"),
        residual_mbq=residual,
        residual_at=moment_of("2025-01-01T10:03:00"),
    )
    return pet_facts_of(vendor="GE", dose=dose, half_life_s=6588.0, ge=ge)


def test_residual_in_the_syringe_is_checked_where_ge_keeps_it(pet_facts_of, moment_of):
    assert codes(syringe(pet_facts_of, moment_of, 541.37e6)) == []
    assert codes(syringe(pet_facts_of, moment_of, 588.3e6)) == ["residual-not-subtracted"]
    assert codes(syringe(pet_facts_of, moment_of, 400e6)) == ["dose-contradicts-syringe"]
    assert codes(syringe(pet_facts_of, moment_of, 441.0e6, residual=144.5)) == ["residual-large"]


@pytest.mark.parametrize(
    ("suv", "tracer", "warned"),
    [(2.2, "fdg", False), (0.3, "fdg", True), (9.0, "fdg", True), (6.0, "dotatate", False), (0.5, "dotatate", True),
     (0.5, "", False)],
)  # fmt: skip
def test_liver_suv(suv, tracer, warned):
    assert (liver_warning(suv, tracer) is not None) == warned


def body(arm_suv=0.0, arm_at=8, gap=True):
    """A trunk 320 mm wide and an arm beside it, 4 mm voxels."""
    array = np.zeros((20, 80, 160), np.float32)
    array[:, 20:60, 40:120] = 1.0
    array[:, 30:50, 10:25] = 0.8
    if not gap:
        array[:, 30:50, 25:40] = 0.8
    array[8:12, 38:42, arm_at + 8 : arm_at + 12] += arm_suv
    return Volume(array, Grid((20, 80, 160), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)), "SUVbw")


def test_tracer_left_in_an_arm_is_found_and_its_share_given():
    warning = injection_site_warning(body(arm_suv=400.0), 70.0)
    assert warning is not None
    assert warning.code == "injection-site"
    assert "2.3 % of the dose" in warning.message


def test_a_hot_focus_in_the_trunk_is_no_injection_site():
    assert injection_site_warning(body(arm_suv=400.0, arm_at=70), 70.0) is None
    assert injection_site_warning(body(), 70.0) is None


def test_an_arm_that_touches_the_trunk_counts_at_the_edge():
    assert injection_site_warning(body(arm_suv=400.0, arm_at=4, gap=False), 70.0) is not None


def test_more_activity_than_was_injected_is_an_error():
    volume = body()
    assert total_activity_warning(volume, 70.0) is None
    doubled = replace(volume, array=volume.array * 40)
    assert total_activity_warning(doubled, 70.0).level == "error"


def test_values_in_kilobecquerel_leave_next_to_nothing_of_the_dose():
    volume = body()
    length = volume.grid.shape[0] * volume.grid.spacing_mm[0]
    issue = total_activity_warning(replace(volume, array=volume.array / 1000), 70.0)
    assert (issue is None) == (length < 200)
    grid = Grid((60, 40, 40), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    trunk = Volume(np.full(grid.shape, 1.0, np.float32), grid, "SUVbw")
    assert total_activity_warning(trunk, 70.0) is None
    assert total_activity_warning(replace(trunk, array=trunk.array / 1000), 70.0).code == "activity-far-below-dose"
    short = replace(trunk, array=trunk.array[:20] / 1000, grid=Grid((20, 40, 40), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)))
    assert total_activity_warning(short, 70.0) is None, "a short field may hold little"
