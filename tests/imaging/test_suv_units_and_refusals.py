"""Units, decay correction, weight, dose: what is accepted, repaired with both values shown, or refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_body import normaliser
from lutetia.model import Refusal
from lutetia.model.pet import SuvOverrides

PHILIPS = {"vendor": "Philips", "units": "CNTS"}


def scale_of(facts, overrides=None, **options):
    scale = suv_scale(facts, overrides, **options)
    assert isinstance(scale, SuvScale), scale
    return scale


def refusal_of(facts, overrides=None, **options):
    refusal = suv_scale(facts, overrides, **options)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def with_item(facts, **changes):
    return replace(facts, radiopharmaceuticals=(replace(facts.radiopharmaceuticals[0], **changes),))


def with_frames(facts, **changes):
    return replace(facts, frames=tuple(replace(f, **changes) for f in facts.frames))


@pytest.mark.parametrize(
    ("suv_type", "basis"),
    [("BW", "bw"), (None, "bw"), ("", "bw"), ("LBM", "lbm"), ("LBMJAMES128", "lbmjames128"), ("LBMJANMA", "lbmjanma"),
     ("IBW", "ibw"), ("BSA", "bsa")],
)  # fmt: skip
def test_gml_of_every_type_becomes_suvbw(pet_facts_of, suv_type, basis):
    facts = pet_facts_of(units="GML", suv_type=suv_type)
    expected = 70_000 / normaliser(basis, 70.0, 1.75, "M")
    assert scale_of(facts).factor == pytest.approx(expected)
    assert scale_of(facts, basis=basis).factor == 1.0
    assert scale_of(facts).decay_reference is None


def test_cm2ml_is_bsa_with_or_without_a_type(pet_facts_of):
    expected = 70_000 / normaliser("bsa", 70.0, 1.75)
    for suv_type in (None, "BSA"):
        assert scale_of(pet_facts_of(units="CM2ML", suv_type=suv_type)).factor == pytest.approx(expected)
    assert refusal_of(pet_facts_of(units="CM2ML", suv_type="BW")).code == "suv-type-contradicts-units"


def test_an_unknown_suv_type_is_refused(pet_facts_of):
    assert refusal_of(pet_facts_of(units="GML", suv_type="SUL")).code == "suv-type-unknown"


@pytest.mark.parametrize("units", ["PROPCNTS", "PROPCPS", "CPS", "1CM", "UMOLML", "PCNT", "NONE", "KBQML", "differing"])
def test_other_units_are_refused(pet_facts_of, units):
    refusal = refusal_of(pet_facts_of(units=units))
    assert refusal.code == "units-not-convertible"
    assert "Units (0054,1001)" in refusal.message


def test_missing_units_name_everything_else_that_is_missing(pet_facts_of):
    facts = pet_facts_of(units=None, weight_kg=None, radiopharmaceuticals=(), decay_correction=None)
    refusal = refusal_of(facts)
    assert refusal.code == "units-missing"
    for name in ("PatientWeight (0010,1030)", "RadiopharmaceuticalInformationSequence (0054,0016)", "DecayCorrection"):
        assert name in refusal.message


def test_counts_with_the_suv_factor(pet_facts_of):
    facts = with_frames(pet_facts_of(**PHILIPS), philips_suv_factor=0.0005)
    assert scale_of(facts).factor == 0.0005
    lean = scale_of(facts, basis="lbmjanma").factor
    assert lean == pytest.approx(0.0005 * normaliser("lbmjanma", 70.0, 1.75, "M") / 70_000)


def test_counts_differ_from_slice_to_slice_where_the_factors_do(pet_facts_of):
    facts = pet_facts_of(**PHILIPS, beds=("2025-01-01T11:00:00",) * 2)
    frames = tuple(replace(f, philips_suv_factor=v) for f, v in zip(facts.frames, (0.0005, 0.0007), strict=True))
    scale = scale_of(replace(facts, frames=frames))
    assert scale.frame_factors == (0.0005, 0.0007)
    assert list(scale.slice_factors(["1", "0"])) == [0.0007, 0.0005]


def test_counts_of_another_vendor_or_without_factor_are_refused(pet_facts_of):
    assert refusal_of(pet_facts_of(units="CNTS")).code == "counts-without-factor"
    assert refusal_of(pet_facts_of(**PHILIPS)).code == "counts-without-factor"
    zero = with_frames(pet_facts_of(**PHILIPS), philips_suv_factor=0.0, philips_activity_factor=0.0)
    assert refusal_of(zero).code == "counts-without-factor"


def test_counts_without_decay_correction_need_the_activity_factor(pet_facts_of):
    only_suv = with_frames(pet_facts_of(**PHILIPS, decay_correction="NONE"), philips_suv_factor=0.0005)
    assert refusal_of(only_suv).code == "philips-factor-needs-decay-correction"
    assert scale_of(with_frames(only_suv, philips_activity_factor=0.5)).factor > 0


def test_bqml_of_philips_ignores_the_factors_for_counts(pet_facts_of):
    facts = with_frames(pet_facts_of(vendor="Philips"), philips_suv_factor=0.5, philips_activity_factor=0.5)
    assert scale_of(facts).factor == pytest.approx(scale_of(pet_facts_of(vendor="Philips")).factor)


def test_weight_entered_by_hand_for_counts_goes_the_activity_way_or_is_refused(pet_facts_of):
    both = with_frames(pet_facts_of(**PHILIPS), philips_suv_factor=0.0005, philips_activity_factor=0.5)
    ratio = scale_of(both, SuvOverrides(weight_kg=84.0)).factor / scale_of(both, SuvOverrides(weight_kg=70.0)).factor
    assert ratio == pytest.approx(1.2)
    only_suv = with_frames(pet_facts_of(**PHILIPS), philips_suv_factor=0.0005)
    assert refusal_of(only_suv, SuvOverrides(weight_kg=84.0)).code == "override-not-applicable"


def test_dose_entered_by_hand_for_values_that_are_suv_already_is_refused(pet_facts_of):
    refusal = refusal_of(pet_facts_of(units="GML"), SuvOverrides(dose_mbq=200.0))
    assert (refusal.code, refusal.override) == ("override-not-applicable", "--dose-mbq")


@pytest.mark.parametrize(
    ("changes", "code", "override"),
    [
        ({"weight_kg": None}, "weight-missing", "--weight-kg"),
        ({"weight_kg": 0.0}, "weight-impossible", "--weight-kg"),
        ({"weight_kg": -70.0}, "weight-impossible", "--weight-kg"),
        ({"weight_kg": 0.07}, "weight-impossible", "--weight-kg"),
        ({"weight_kg": 800.0}, "weight-impossible", "--weight-kg"),
        ({"dose": None}, "dose-missing", "--dose-mbq"),
        ({"dose": 0.0}, "dose-impossible", "--dose-mbq"),
        ({"dose": -368.08e6}, "dose-impossible", "--dose-mbq"),
        ({"dose": 368.08e12}, "dose-impossible", "--dose-mbq"),
        ({"dose": 0.001}, "dose-impossible", "--dose-mbq"),
        ({"half_life_s": None}, "half-life-missing", "--half-life-s"),
        ({"half_life_s": 0.0}, "half-life-impossible", "--half-life-s"),
        ({"half_life_s": 109.77}, "half-life-impossible", "--half-life-s"),
        ({"decay_correction": None}, "decay-correction-missing", "--decay-correction"),
        ({"decay_correction": "SCAN"}, "decay-correction-unknown", "--decay-correction"),
        ({"radiopharmaceuticals": ()}, "radiopharmaceutical-missing", "--dose-mbq"),
    ],
)
def test_what_is_missing_or_impossible_is_refused_with_element_and_option(pet_facts_of, changes, code, override):
    refusal = refusal_of(pet_facts_of(**changes))
    assert refusal.code == code
    assert override in refusal.override
    assert "(00" in refusal.element


def test_a_missing_half_life_is_not_guessed_but_the_code_is_quoted(pet_facts_of):
    refusal = refusal_of(pet_facts_of(half_life_s=None))
    assert "--half-life-s 6586.2" in refusal.message


def test_a_half_life_of_another_nuclide_than_the_code_is_warned_about(pet_facts_of):
    scale = scale_of(pet_facts_of(half_life_s=4062.6, beds=("2025-01-01T11:00:00",)))
    assert "half-life-contradicts-radionuclide" in [w.code for w in scale.warnings]


@pytest.mark.parametrize(
    ("changes", "code", "same"),
    [
        ({"weight_kg": 70_000.0}, "weight-in-grams", {}),
        ({"dose": 368.08}, "dose-in-mbq", {}),
    ],
)
def test_what_is_plainly_in_another_unit_is_repaired_and_shown(pet_facts_of, changes, code, same):
    scale = scale_of(pet_facts_of(**changes))
    assert scale.factor == pytest.approx(scale_of(pet_facts_of(**same)).factor)
    assert code in [w.code for w in scale.warnings]
    assert len(scale.repairs) == 1


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (5.0, "unusual as MBq: 5 mCi would be 185 MBq"),
        # MBq would be a child's dose, mCi is an adult's
        (10.2, "usual as MBq (10.2 MBq) and in another unit: 10.2 mCi would be 377.4 MBq"),
        (0.185, "0.185 GBq would be 185 MBq"),
        (0.37, "0.37 mCi would be 13.69 MBq, 0.37 GBq would be 370 MBq"),
        (0.02, "0.02 GBq would be 20 MBq"),
    ],
)
def test_a_dose_that_may_be_in_millicurie_or_gigabecquerel_is_refused_with_every_reading(pet_facts_of, number, said):
    refusal = refusal_of(pet_facts_of(dose=number))
    assert (refusal.code, refusal.override) == ("dose-unit-unclear", "--dose-mbq")
    assert said in refusal.message
    assert scale_of(pet_facts_of(dose=number), SuvOverrides(dose_mbq=185.0)).dose_bq == 185e6


@pytest.mark.parametrize("number", [28.0, 37.0, 74.0, 185.0, 368.08, 999.0, 5000.0])
def test_a_dose_that_can_only_be_in_megabecquerel_is_repaired(pet_facts_of, number):
    assert scale_of(pet_facts_of(dose=number)).dose_bq == number * 1e6


def test_a_dose_of_lutetium_is_a_therapy_dose_in_whatever_unit(pet_facts_of):
    lutetium = {"radionuclide": "^177^Lutetium", "half_life_s": 574300.0}
    assert scale_of(pet_facts_of(dose=7400.0, **lutetium)).dose_bq == 7.4e9
    for number, said in ((7.4, "7.4 GBq would be 7400 MBq"), (200.0, "200 mCi would be 7400 MBq")):
        refusal = refusal_of(pet_facts_of(dose=number, **lutetium))
        assert refusal.code == "dose-unit-unclear"
        assert said in refusal.message


def test_a_repair_shows_both_values(pet_facts_of):
    scale = scale_of(pet_facts_of(dose=368.08))
    assert "368.08" in scale.repairs[0]
    assert "3.6808e+08" in scale.repairs[0]


def test_dose_of_enhanced_and_nm_objects_is_mbq_by_definition(pet_facts_of):
    facts = with_item(pet_facts_of(), total_dose=368.08, dose_unit="MBq")
    assert scale_of(facts).factor == pytest.approx(scale_of(pet_facts_of()).factor)
    assert scale_of(facts).repairs == ()
    in_bq = with_item(pet_facts_of(), dose_unit="MBq")
    assert scale_of(in_bq).factor == pytest.approx(scale_of(pet_facts_of()).factor)
    assert "dose-in-bq" in [w.code for w in scale_of(in_bq).warnings]


def test_height_in_cm_is_repaired_and_an_impossible_one_refused(pet_facts_of):
    scale = scale_of(pet_facts_of(size_m=175.0), basis="lbm")
    assert scale.factor == pytest.approx(scale_of(pet_facts_of(), basis="lbm").factor)
    assert "size-in-cm" in [w.code for w in scale.warnings]
    for size in (0.0, -1.75, 0.1, 1750.0):
        assert refusal_of(pet_facts_of(size_m=size), basis="lbm").code == "size-impossible"


@pytest.mark.parametrize(("sex", "code"), [(None, "sex-missing"), ("", "sex-missing"), ("X", "sex-unknown")])
def test_sex_is_needed_for_lean_mass_only(pet_facts_of, sex, code):
    assert scale_of(pet_facts_of(sex=sex)).factor > 0
    assert scale_of(pet_facts_of(sex=sex), basis="bsa").factor > 0
    assert refusal_of(pet_facts_of(sex=sex), basis="lbm").code == code


def test_not_decay_corrected_frames_have_their_own_factors(pet_facts_of):
    beds = ("2025-01-01T11:00:00", "2025-01-01T11:05:00")
    scale = scale_of(pet_facts_of(beds=beds, decay_correction="NONE", corrected_image=("ATTN",)))
    assert scale.frame_factors is not None
    first, second = scale.frame_factors
    assert second / first == pytest.approx(2 ** (300 / 6586.2))
    decay = 0.6931471805599453 / 6586.2
    exact = 70_000 / 368.08e6 * 300 * decay / (1 - 2.718281828459045 ** (-decay * 300)) * 2 ** (3600 / 6586.2)
    assert first == pytest.approx(exact, rel=1e-6)


def test_not_decay_corrected_frames_need_their_duration(pet_facts_of):
    facts = pet_facts_of(decay_correction="NONE", duration_s=None)
    assert refusal_of(facts).code == "frame-duration-missing"


def test_not_decay_corrected_ge_frames_whose_acquisition_time_is_that_of_the_scan(pet_facts_of):
    facts = pet_facts_of(vendor="GE", beds=("2025-01-01T11:00:00",) * 2, frame_reference_s=[0.0, 300.0],
                         decay_correction="NONE", corrected_image=("ATTN",))  # fmt: skip
    scale = scale_of(facts)
    assert scale.frame_factors[1] / scale.frame_factors[0] == pytest.approx(2 ** (300 / 6586.2))
    assert "acquisition-time-of-the-scan" in [w.code for w in scale.warnings]


@pytest.mark.parametrize("slope", [-1.0, 0.0, float("nan"), float("inf")])
def test_impossible_slopes_are_refused(pet_facts_of, slope):
    assert refusal_of(with_frames(pet_facts_of(), rescale_slope=slope)).code == "rescale-slope-impossible"


def test_an_intercept_is_refused(pet_facts_of):
    assert refusal_of(with_frames(pet_facts_of(), rescale_intercept=-1024.0)).code == "rescale-intercept-not-zero"


def test_decay_correction_that_corrected_image_contradicts_is_warned_about(pet_facts_of):
    start = scale_of(pet_facts_of(corrected_image=("ATTN",)))
    none = scale_of(pet_facts_of(decay_correction="NONE"))
    for scale in (start, none):
        assert "decay-correction-contradicted" in [w.code for w in scale.warnings]


def test_images_without_attenuation_correction_are_warned_about(pet_facts_of):
    scale = scale_of(pet_facts_of(corrected_image=("DECY",)))
    assert "not-attenuation-corrected" in [w.code for w in scale.warnings]


def test_nm_without_decay_correction_is_read_by_its_corrected_image(pet_facts_of):
    lutetium = {"half_life_s": 574300.0, "radionuclide": "177 Lutetium", "dose": 7.21e9, "modality": "NM",
                "decay_correction": None, "frame_reference_s": [None], "duration_s": None}  # fmt: skip
    plain = scale_of(pet_facts_of(corrected_image=("ATTN", "SCAT"), **lutetium))
    corrected = scale_of(pet_facts_of(corrected_image=("ATTN", "DECY"), **lutetium))
    for scale in (plain, corrected):
        assert "decay-correction-missing" in [w.code for w in scale.warnings]
    assert "NONE" in plain.decay_reference_reason
    assert corrected.decay_reference == "2025-01-01T11:00:00"
    assert refusal_of(pet_facts_of(corrected_image=(), **lutetium)).code == "decay-correction-missing"
    by_hand = scale_of(pet_facts_of(corrected_image=(), **lutetium), SuvOverrides(decay_correction="ADMIN"))
    assert by_hand.factor == pytest.approx(70_000 / 7.21e9)


def test_a_real_world_mapping_scales_the_factor(pet_facts_of):
    plain = scale_of(pet_facts_of()).factor
    assert scale_of(with_frames(pet_facts_of(), unit_per_rescaled=1000.0)).factor == pytest.approx(1000 * plain)
    assert refusal_of(with_frames(pet_facts_of(), unit_per_rescaled=-1.0)).code == "real-world-mapping-impossible"


def test_long_lived_spect_without_its_duration_is_off_by_less_than_half_a_percent(pet_facts_of):
    lutetium = {"half_life_s": 574300.0, "radionuclide": "177 Lutetium", "dose": 7.21e9, "modality": "NM"}
    facts = pet_facts_of(decay_correction="NONE", duration_s=None, corrected_image=("ATTN",), **lutetium)
    assert "frame-duration-missing" in [w.code for w in scale_of(facts).warnings]


def test_a_philips_factor_with_two_digits_gives_way_to_the_activity_factor(pet_facts_of):
    exact = scale_of(pet_facts_of(vendor="Philips")).factor
    facts = with_frames(pet_facts_of(**PHILIPS), philips_suv_factor=0.000027, philips_activity_factor=0.0000273 / exact)
    facts = replace(facts, elements=facts.elements | {"PhilipsSUVScaleFactor (7053,1000)": "0.000027"})
    assert scale_of(facts).factor == pytest.approx(0.0000273)


def test_an_override_that_changes_nothing_says_so(pet_facts_of):
    scale = suv_scale(pet_facts_of(), SuvOverrides(sex="F", weight_kg=80.0))
    assert [w.code for w in scale.warnings] == ["override-without-effect"]
    assert "--sex F" in scale.warnings[0].message
    admin = suv_scale(pet_facts_of(decay_correction="ADMIN"), SuvOverrides(reference_time="10:30"))
    assert "override-without-effect" in {w.code for w in admin.warnings}


def test_a_weight_by_hand_for_values_that_are_suvbw_already_is_refused(pet_facts_of):
    facts = pet_facts_of(units="GML", suv_type="BW", sex="M", size_m=1.75)
    refusal = suv_scale(facts, SuvOverrides(weight_kg=90.0))
    assert (refusal.code, refusal.override) == ("override-not-applicable", "--weight-kg")
    lean = suv_scale(facts, SuvOverrides(weight_kg=90.0), "lbm")
    assert lean.overrides == {"--weight-kg": "90.0"}


def test_a_weight_that_is_no_number_is_quoted_as_such(pet_facts_of):
    facts = pet_facts_of(weight_kg=None)
    written = replace(facts, elements={**facts.elements, "PatientWeight (0010,1030)": "79,5"})
    assert "PatientWeight (0010,1030) is '79,5', which is no number" in refusal_of(written).message
    differing = replace(facts, elements={**facts.elements, "PatientWeight (0010,1030)": "70 … 80 (2 different)"})
    assert refusal_of(differing).message.endswith("is 70 … 80 (2 different)")
