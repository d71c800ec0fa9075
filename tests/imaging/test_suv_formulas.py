"""SUV and its normalisations, against values worked out by hand from the IBSI-SUV manual's formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_body import body_surface_m2, lean_or_ideal_kg, normaliser
from lutetia.imaging.suv_decay import mean_time_s, nuclide, nuclide_of_half_life, remaining
from lutetia.model import Refusal, UsageError
from lutetia.model.pet import SuvOverrides


def factor(facts, **options):
    scale = suv_scale(facts, **options)
    assert isinstance(scale, SuvScale), scale
    return scale.factor


def test_sixty_minutes_of_fluorine_give_the_factor_of_the_default_object(pet_facts_of):
    expected = 70_000 / (368.08e6 * 2 ** (-3600 / 6586.2))
    assert factor(pet_facts_of()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("basis", "sex", "kilograms"),
    [
        ("lbm", "M", 1.10 * 80 - 120 * (80 / 175) ** 2),
        ("lbm", "F", 1.07 * 80 - 148 * (80 / 175) ** 2),
        ("lbmjames128", "M", 1.10 * 80 - 128 * (80 / 175) ** 2),
        ("lbmjames128", "F", 1.07 * 80 - 148 * (80 / 175) ** 2),
        ("lbmjanma", "M", 9270 * 80 / (6680 + 216 * 80 / 1.75**2)),
        ("lbmjanma", "F", 9270 * 80 / (8780 + 244 * 80 / 1.75**2)),
        ("ibw", "M", 48.0 + 1.06 * (175 - 152)),
        ("ibw", "F", 45.5 + 0.91 * (175 - 152)),
    ],
)
def test_each_formula_gives_what_the_manual_says(basis, sex, kilograms):
    assert lean_or_ideal_kg(basis, 80.0, 1.75, sex) == pytest.approx(kilograms, rel=1e-12)
    assert normaliser(basis, 80.0, 1.75, sex) == pytest.approx(kilograms * 1000)


@pytest.mark.parametrize("basis", ["lbm", "lbmjames128", "lbmjanma", "ibw"])
def test_sex_other_is_the_mean_of_both_formulas(basis):
    both = [lean_or_ideal_kg(basis, 70.0, 1.7, sex) for sex in "MF"]
    assert lean_or_ideal_kg(basis, 70.0, 1.7, "O") == pytest.approx(sum(both) / 2)


def test_lbm_formula_named_120_and_128_differ_for_men_as_published():
    # +2.7 % at 80 kg / 175 cm, +5.8 % at 120 kg / 170 cm
    for weight, size, percent in ((80.0, 1.75, 2.7), (120.0, 1.70, 5.8)):
        ratio = lean_or_ideal_kg("lbm", weight, size, "M") / lean_or_ideal_kg("lbmjames128", weight, size, "M")
        assert 100 * (ratio - 1) == pytest.approx(percent, abs=0.06)


def test_suvbsa_in_cm2_per_ml(pet_facts_of):
    assert body_surface_m2(70.0, 1.75) == pytest.approx(1.848, abs=5e-4)
    ratio = factor(pet_facts_of(), basis="bsa") / factor(pet_facts_of())
    assert ratio == pytest.approx(1.848e4 / 70_000, rel=3e-4)  # cm²/g, not m²


def test_bsa_and_lbm_units_are_named(pet_facts_of):
    assert suv_scale(pet_facts_of(), basis="bsa").unit == "cm2/mL"
    assert suv_scale(pet_facts_of(), basis="lbm").unit == "g/mL"


def test_an_unknown_basis_is_a_usage_error(pet_facts_of):
    with pytest.raises(UsageError, match="unknown"):
        suv_scale(pet_facts_of(), basis="sul")


def test_sex_other_keeps_suvbw(pet_facts_of):
    facts = pet_facts_of(sex="O")
    assert factor(facts) == factor(pet_facts_of())
    scale = suv_scale(facts, basis="lbmjanma")
    assert isinstance(scale, SuvScale)
    assert [w.code for w in scale.warnings] == ["sex-other"]


def test_missing_height_refuses_lean_mass_but_not_body_weight(pet_facts_of):
    facts = pet_facts_of(size_m=None)
    assert factor(facts) > 0
    refusal = suv_scale(facts, basis="lbm")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.override) == ("size-missing", "--size-m")


def test_a_formula_that_turns_negative_is_refused(pet_facts_of):
    refusal = suv_scale(pet_facts_of(weight_kg=300.0, size_m=1.4, sex="F"), basis="lbm")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "body-formula-impossible"


def test_mean_time_of_a_frame_lies_before_its_middle_and_tends_to_it():
    assert mean_time_s(603.0, 6586.2) == pytest.approx(299.906, abs=1e-3)
    assert mean_time_s(3597.8, 6586.2) == pytest.approx(1742.2, abs=0.2)
    assert mean_time_s(100.0, 1e12) == 50.0


def test_decay_is_a_power_of_two():
    assert remaining(6586.2, 6586.2) == 0.5
    assert remaining(0.0, 6586.2) == 1.0


@pytest.mark.parametrize(
    ("meaning", "code", "expected"),
    [
        ("^18^Fluorine", "C-111A1", "18F"),
        ("18F", "C-111A1", "18F"),
        ("F^18^[^18^Fluorine]", "C-111A1", "18F"),
        ("^68^Gallium", "", "68Ga"),
        ("Ga-68", "", "68Ga"),
        ("177 Lutetium", "C-101ED", "177Lu"),
        ("^99m^Technetium", "C-163A8", "99mTc"),
        ("", "C-111A1", "18F"),
        ("^68^Gallium", "C-111A1", None),
        ("Fluorodeoxyglucose", "", None),
        ("", "", None),
    ],
)
def test_a_nuclide_is_named_only_where_code_and_text_agree(meaning, code, expected):
    assert nuclide(meaning, code) == expected


def test_a_half_life_tells_the_nuclide():
    assert nuclide_of_half_life(6588.0) == "18F"
    assert nuclide_of_half_life(4057.7) == "68Ga"
    assert nuclide_of_half_life(5000.0) is None


def test_overrides_replace_the_header_and_are_recorded(pet_facts_of):
    scale = suv_scale(pet_facts_of(), SuvOverrides(weight_kg=80.0, dose_mbq=200.0, injection_time="10:15"))
    assert isinstance(scale, SuvScale)
    expected = 80_000 / (200e6 * 2 ** (-2700 / 6586.2))
    assert scale.factor == pytest.approx(expected, rel=1e-4)
    assert scale.overrides == {"--weight-kg": "80.0", "--dose-mbq": "200.0", "--injection-time": "10:15"}


def test_an_override_of_the_reference_time_needs_no_times_in_the_header(pet_facts_of):
    bare = replace(pet_facts_of(), frames=(replace(pet_facts_of().frames[0], acquisition=None),), series_time=None)
    assert isinstance(suv_scale(bare), Refusal)
    assert factor(bare, overrides=SuvOverrides(reference_time="2025-01-01T11:00:00")) == pytest.approx(
        factor(pet_facts_of()), rel=1e-4
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight_kg", 0.0),
        ("weight_kg", math.nan),
        ("dose_mbq", -1.0),
        ("half_life_s", 0.0),
        ("injection_time", "noon"),
        ("injection_time", "2025-01-01T12:00:00"),
        ("reference_time", "25:00"),
        ("decay_correction", "YES"),
    ],
)
def test_an_impossible_override_is_refused_by_name(pet_facts_of, name, value):
    refusal = suv_scale(pet_facts_of(), SuvOverrides(**{name: value}))
    assert isinstance(refusal, Refusal)
    assert "--" + name.replace("_", "-") in refusal.override


def test_every_element_used_is_listed_with_its_text(pet_facts_of):
    scale = suv_scale(pet_facts_of())
    assert isinstance(scale, SuvScale)
    assert scale.elements["PatientWeight (0010,1030)"] == "70.0"
    assert "RadionuclideTotalDose (0018,1074)" in scale.elements
    assert scale.record().elements == scale.elements
