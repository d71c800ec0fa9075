"""Each fault found in another SUV tool by reading its source or running it, as a test of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_body import normaliser
from lutetia.imaging.suv_decay import mean_time_s
from lutetia.model import Refusal
from lutetia.model.pet import GePrivate, PetFacts, SuvOverrides

DAY = "2025-01-01T"
RIGHT = 70_000 / (368.08e6 * 2 ** (-3600 / 6586.2))
MEAN = mean_time_s(300.0, 6586.2)


def factor(facts, **options):
    scale = suv_scale(facts, **options)
    assert isinstance(scale, SuvScale), scale
    return scale.factor


def refused(facts, **options):
    refusal = suv_scale(facts, **options)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code


def philips(pet_facts_of, suv=None, activity=None, **changes):
    facts = pet_facts_of(vendor="Philips", units="CNTS", **changes)
    frames = tuple(replace(f, philips_suv_factor=suv, philips_activity_factor=activity) for f in facts.frames)
    return replace(facts, frames=frames)


def test_injection_before_midnight_undated(pet_facts_of):
    # moved a day forward, decayed by −23 h, or put on the scan's date by nine tools
    facts = pet_facts_of(injection=None, injection_time="23:30:00", beds=("2025-01-02T00:30:00",),
                         series="2025-01-02T00:30:00")  # fmt: skip
    assert factor(facts) == pytest.approx(RIGHT, rel=1e-4)


def test_missing_injection_time_is_not_midnight(pet_facts_of):
    assert refused(pet_facts_of(injection=None)) == "injection-time-missing"


def test_missing_time_is_not_zero_decay(pet_facts_of):
    assert refused(pet_facts_of(half_life_s=None)) == "half-life-missing"
    assert refused(replace(pet_facts_of(), frames=())) == "acquisition-time-missing"


def test_start_requires_decay_of_dose(pet_facts_of):
    assert factor(pet_facts_of()) / (70_000 / 368.08e6) == pytest.approx(1.461, abs=1e-3)


def test_admin_no_second_decay(pet_facts_of):
    assert factor(pet_facts_of(decay_correction="ADMIN")) == pytest.approx(70_000 / 368.08e6)


def test_none_is_not_admin(pet_facts_of):
    none = factor(pet_facts_of(decay_correction="NONE", corrected_image=("ATTN",)))
    assert none / factor(pet_facts_of(decay_correction="ADMIN")) == pytest.approx(2 ** ((3600 + MEAN) / 6586.2))


def test_bed_positions_share_one_reference_time(pet_facts_of):
    beds = [DAY + f"11:{m:02d}:00" for m in (0, 5, 10, 15, 20)]
    facts = pet_facts_of(beds=beds, frame_reference_s=[300.0 * k + MEAN for k in range(5)])
    scale = suv_scale(facts)
    assert scale.frame_factors is None
    assert scale.factor == pytest.approx(RIGHT, rel=1e-4)


def test_reprocessed_ge_series_uses_private_scan_time(pet_facts_of, moment_of):
    facts = pet_facts_of(vendor="GE", beds=(DAY + "11:30:00",), series=DAY + "11:30:00",
                         ge=GePrivate(scan_datetime=moment_of(DAY + "11:00:00")))  # fmt: skip
    assert factor(facts) == pytest.approx(RIGHT)


def test_decayfactor_is_a_multiplier_on_pixels(pet_facts_of):
    # the dose is never multiplied by it: filled or not, the factor stays
    facts = pet_facts_of(decay_factor=round(2 ** (MEAN / 6586.2), 6), frame_reference_s=MEAN)
    assert factor(facts) == pytest.approx(RIGHT, rel=1e-5)


def test_gml_untouched_by_decay(pet_facts_of):
    for decay in ("START", "ADMIN", "NONE", None):
        assert factor(pet_facts_of(units="GML", suv_type="BW", decay_correction=decay)) == 1.0


def test_gml_needs_no_dose(pet_facts_of):
    assert factor(pet_facts_of(units="GML", radiopharmaceuticals=(), frames=(), weight_kg=None)) == 1.0


def test_gml_suv_type_honoured(pet_facts_of):
    facts = pet_facts_of(units="GML", suv_type="LBMJAMES128")
    assert factor(facts) == pytest.approx(70_000 / normaliser("lbmjames128", 70.0, 1.75, "M"))


def test_sul_from_counts_and_gml(pet_facts_of):
    lean = normaliser("lbm", 70.0, 1.75, "M") / 70_000
    assert factor(philips(pet_facts_of, suv=0.0005), basis="lbm") == pytest.approx(0.0005 * lean)
    assert factor(pet_facts_of(units="GML", suv_type="BW"), basis="lbm") == pytest.approx(lean)


def test_philips_activity_factor_only(pet_facts_of):
    assert factor(philips(pet_facts_of, activity=0.5)) == pytest.approx(0.5 * RIGHT)


def test_philips_both_factors_agree(pet_facts_of):
    agreeing = suv_scale(philips(pet_facts_of, suv=0.0005, activity=0.0005 / RIGHT))
    assert [w.code for w in agreeing.warnings] == []
    apart = suv_scale(philips(pet_facts_of, suv=0.0005, activity=0.5))
    assert [w.code for w in apart.warnings] == ["philips-factors-disagree"]


def test_philips_no_factor_refused(pet_facts_of):
    assert refused(philips(pet_facts_of)) == "counts-without-factor"


def test_unit_unknown_refused(pet_facts_of):
    assert refused(pet_facts_of(units="COUNTS")) == "units-not-convertible"


def test_suvbsa_in_cm2_per_ml(pet_facts_of):
    # ten times or ten thousand times too small in three tools
    ratio = factor(pet_facts_of(), basis="bsa") / factor(pet_facts_of())
    assert ratio == pytest.approx(0.264, abs=1e-3)


def test_lbm_formula_named(pet_facts_of):
    heavy = pet_facts_of(weight_kg=120.0, size_m=1.70)
    assert factor(heavy, basis="lbm") / factor(heavy, basis="lbmjames128") == pytest.approx(1.058, abs=1e-3)
    assert suv_scale(heavy, basis="lbm").basis == "lbm"


def test_sex_other_keeps_suvbw(pet_facts_of):
    assert factor(pet_facts_of(sex="O")) == pytest.approx(RIGHT, rel=1e-4)


def test_height_in_cm_and_weight_in_g(pet_facts_of):
    odd = pet_facts_of(weight_kg=70_000.0, size_m=175.0)
    assert factor(odd, basis="lbm") == pytest.approx(factor(pet_facts_of(), basis="lbm"))
    assert {"weight-in-grams", "size-in-cm"} <= {w.code for w in suv_scale(odd, basis="lbm").warnings}


def test_missing_weight_never_defaulted(pet_facts_of):
    assert refused(pet_facts_of(weight_kg=None)) == "weight-missing"
    assert refused(pet_facts_of(weight_kg=0.07)) == "weight-impossible"


@pytest.mark.parametrize("changes", [{"dose": None}, {"injection": None}, {"half_life_s": None}])
def test_missing_dose_or_time_never_defaulted(pet_facts_of, changes):
    assert refused(pet_facts_of(**changes)).endswith("-missing")


def test_scan_date_is_never_today(pet_facts_of):
    refused(replace(pet_facts_of(series=None), frames=(replace(pet_facts_of().frames[0], acquisition=None),)))


def test_no_factor_is_not_one(pet_facts_of):
    assert factor(pet_facts_of()) != 1.0
    assert refused(pet_facts_of(units=None)) == "units-missing"


@pytest.mark.parametrize("radionuclide", ["^18^Fluorine", "^68^Gallium"])
def test_dose_in_mbq_for_fdg_and_for_dotatate(pet_facts_of, radionuclide):
    half_life = {"^18^Fluorine": 6586.2, "^68^Gallium": 4062.6}[radionuclide]
    odd = pet_facts_of(dose=150.0, radionuclide=radionuclide, half_life_s=half_life)
    usual = pet_facts_of(dose=150e6, radionuclide=radionuclide, half_life_s=half_life)
    assert factor(odd) == pytest.approx(factor(usual))
    assert "dose-in-mbq" in [w.code for w in suv_scale(odd).warnings]


def test_two_radiopharmaceutical_items(pet_facts_of):
    facts = pet_facts_of()
    second = replace(facts.radiopharmaceuticals[0], total_dose=100e6)
    assert refused(replace(facts, radiopharmaceuticals=(*facts.radiopharmaceuticals, second))) == (
        "several-radiopharmaceuticals"
    )
    twice = replace(facts, radiopharmaceuticals=facts.radiopharmaceuticals * 2)
    assert factor(twice) == factor(facts)


@pytest.mark.parametrize(
    ("manufacturer", "vendor"),
    [
        ("GE MEDICAL SYSTEMS", "GE"),
        ("GE", "GE"),
        ("GE HealthCare", "GE"),
        ("Integrity Medical Image Importer", ""),
        ("Agfa-Gevaert", ""),
        ("SIEMENS", "Siemens"),
        ("Siemens Healthineers", "Siemens"),
        ("CPS", "Siemens"),
        ("Philips Medical Systems", "Philips"),
        ("PHILIPS", "Philips"),
        ("", ""),
    ],
)
def test_vendor_matched_exactly(manufacturer, vendor):
    assert PetFacts(manufacturer=manufacturer).vendor == vendor


def test_only_datetime_present(pet_facts_of):
    assert factor(pet_facts_of(injection_time=None)) == pytest.approx(RIGHT, rel=1e-4)


def test_correction_by_the_user_changes_the_result(pet_facts_of):
    changed = factor(pet_facts_of(), overrides=SuvOverrides(dose_mbq=184.04))
    assert changed == pytest.approx(2 * factor(pet_facts_of()))
