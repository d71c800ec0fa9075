"""What must hold for every header: scaling laws, shifts of time, and never a factor that is no positive number."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.imaging.suv import SuvScale, suv_scale
from lutetia.imaging.suv_body import SUV_BASES
from lutetia.model import LutetiaError, Refusal
from lutetia.model.pet import GePrivate, Moment, SuvOverrides

FEW = settings(max_examples=60, deadline=None)


def factor(facts, **options):
    scale = suv_scale(facts, **options)
    assert isinstance(scale, SuvScale), scale
    return scale.factor


@FEW
@given(dose=st.floats(10e6, 1e9), times=st.floats(1.1, 8.0))
def test_twice_the_dose_is_half_the_suv(pet_facts_of, dose, times):
    ratio = factor(pet_facts_of(dose=dose)) / factor(pet_facts_of(dose=dose * times))
    assert ratio == pytest.approx(times)


@FEW
@given(weight=st.floats(5.0, 200.0), times=st.floats(1.1, 3.0))
def test_suvbw_grows_with_the_weight(pet_facts_of, weight, times):
    ratio = factor(pet_facts_of(weight_kg=weight * times)) / factor(pet_facts_of(weight_kg=weight))
    assert ratio == pytest.approx(times)


@FEW
@given(seconds=st.floats(-3e5, 3e5), vendor=st.sampled_from(["Siemens", "GE", "Philips", ""]))
def test_shifting_all_times_leaves_the_factor(pet_facts_of, seconds, vendor):
    facts = pet_facts_of(vendor=vendor)
    item = facts.radiopharmaceuticals[0]
    moved = replace(
        facts,
        series_time=facts.series_time.shifted(seconds),
        radiopharmaceuticals=(replace(item, start_datetime=item.start_datetime.shifted(seconds)),),
        frames=tuple(replace(f, acquisition=f.acquisition.shifted(seconds)) for f in facts.frames),
    )
    if moved.radiopharmaceuticals[0].start_datetime.seconds == 0.0:
        return
    assert factor(moved) == pytest.approx(factor(facts), rel=1e-9)


@FEW
@given(minutes=st.integers(1, 700))
def test_an_undated_injection_gives_what_the_dated_one_gives(pet_facts_of, minutes):
    reference = Moment(3600.0 * 3, 738000)
    facts = pet_facts_of()
    start = reference.shifted(-60.0 * minutes)
    if start.seconds == 0.0:
        return
    base = replace(facts, series_time=reference,
                   frames=tuple(replace(f, acquisition=reference) for f in facts.frames))  # fmt: skip
    item = facts.radiopharmaceuticals[0]
    dated = replace(base, radiopharmaceuticals=(replace(item, start_datetime=start),))
    undated = replace(base, radiopharmaceuticals=(replace(item, start_datetime=None, start_time=start.on(None)),))
    assert factor(undated) == pytest.approx(factor(dated), rel=1e-12)


@FEW
@given(first=st.floats(1.0, 5000.0), second=st.floats(1.0, 5000.0))
def test_a_longer_uptake_means_a_larger_factor(pet_facts_of, first, second):
    def at(seconds):
        return factor(
            pet_facts_of(), overrides=SuvOverrides(injection_time=Moment(39600.0).shifted(-seconds).isoformat())
        )

    if abs(first - second) > 0.01:
        assert (at(first) < at(second)) == (first < second)


@FEW
@given(basis=st.sampled_from(sorted(SUV_BASES)), other=st.sampled_from(sorted(SUV_BASES)))
def test_the_ratio_of_two_bases_does_not_depend_on_how_the_values_are_stored(pet_facts_of, basis, other):
    from_activity = factor(pet_facts_of(), basis=basis) / factor(pet_facts_of(), basis=other)
    stored = pet_facts_of(units="GML")
    assert factor(stored, basis=basis) / factor(stored, basis=other) == pytest.approx(from_activity)


numbers = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -1.0, 1e-300, 1e300])
)
moments = st.one_of(
    st.none(),
    st.builds(Moment, st.floats(0, 86399), st.one_of(st.none(), st.integers(1, 3_000_000))),
)
texts = st.sampled_from(
    [None, "", "BQML", "CNTS", "GML", "CM2ML", "PROPCNTS", "BW", "LBM", "BSA", "START", "ADMIN", "NONE", "X"]
)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_header_raises_or_gives_a_factor_that_is_no_positive_number(pet_facts_of, data):
    vendor = data.draw(st.sampled_from(["Siemens", "GE", "Philips", ""]))
    facts = pet_facts_of(vendor=vendor, beds=("2025-01-01T11:00:00",) * data.draw(st.integers(1, 3)))
    item = facts.radiopharmaceuticals[0]
    for name, strategy in (("total_dose", numbers), ("half_life_s", numbers), ("start_datetime", moments),
                           ("start_time", moments)):  # fmt: skip
        if data.draw(st.booleans()):
            item = replace(item, **{name: data.draw(strategy)})
    frames = []
    for frame in facts.frames:
        for name, strategy in (("acquisition", moments), ("frame_reference_s", numbers), ("duration_s", numbers),
                               ("decay_factor", numbers), ("rescale_slope", numbers), ("philips_suv_factor", numbers),
                               ("philips_activity_factor", numbers)):  # fmt: skip
            if data.draw(st.booleans()):
                frame = replace(frame, **{name: data.draw(strategy)})
        frames.append(frame)
    changes = {}
    for name, strategy in (("units", texts), ("suv_type", texts), ("decay_correction", texts), ("weight_kg", numbers),
                           ("size_m", numbers), ("sex", texts), ("series_time", moments), ("content_time", moments),
                           ("decay_correction_datetime", moments)):  # fmt: skip
        if data.draw(st.integers(0, 3)) == 0:
            changes[name] = data.draw(strategy)
    if vendor == "GE":
        changes["ge"] = GePrivate(scan_datetime=data.draw(moments), administration=data.draw(moments))
    mutated = replace(facts, radiopharmaceuticals=(item,), frames=tuple(frames), **changes)
    basis = data.draw(st.sampled_from(sorted(SUV_BASES)))
    try:
        result = suv_scale(mutated, basis=basis)
    except LutetiaError:
        return
    if isinstance(result, Refusal):
        assert result.code
        assert result.message
        return
    for value in (result.factor, *(result.frame_factors or ())):
        assert math.isfinite(value)
        assert value > 0
