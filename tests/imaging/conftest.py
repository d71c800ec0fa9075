"""Builders shared by the tests of the imaging room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from lutetia.model.pet import Moment, PetFacts, PetFrame, Radiopharmaceutical, element

NAMES = {"Siemens": "SIEMENS", "GE": "GE MEDICAL SYSTEMS", "Philips": "Philips Medical Systems", "": "Synthetic"}


def moment(text: str | None) -> Moment | None:
    """ISO date-time or time of day."""
    if text is None:
        return None
    if "T" in text:
        return Moment.of(datetime.fromisoformat(text))
    return Moment.of(datetime.fromisoformat(f"2000-01-01T{text}")).on(None)


def make_pet_facts(
    *,
    vendor: str = "Siemens",
    beds: Sequence[str] = ("2025-01-01T11:00:00",),
    frame_reference_s: Sequence[float | None] | float | None = None,
    duration_s: float | None = 300.0,
    decay_factor: Sequence[float | None] | float | None = 1.0,
    injection: str | None = "2025-01-01T10:00:00",
    injection_time: str | None = None,
    series: str | None = "2025-01-01T11:00:00",
    dose: float | None = 368.08e6,
    half_life_s: float | None = 6586.2,
    radionuclide: str = "^18^Fluorine",
    **changes: Any,
) -> PetFacts:
    """A BQML series, START at 11:00, 60 min after 368.08 MBq of 18F in 70 kg; change what a test is about."""
    many = len(beds)
    if frame_reference_s is None:
        frame_reference_s = 150.0 if vendor != "GE" else 0.0

    def spread(value: Any) -> list[Any]:
        return list(value) if isinstance(value, Sequence) else [value] * many

    frames = tuple(
        PetFrame(
            key=str(k),
            acquisition=moment(bed),
            frame_reference_s=f,
            duration_s=duration_s,
            decay_factor=d,
            rescale_slope=1.0,
            rescale_intercept=0.0,
        )
        for k, (bed, f, d) in enumerate(zip(beds, spread(frame_reference_s), spread(decay_factor), strict=True))
    )
    item = Radiopharmaceutical(
        name="FDG",
        radionuclide=radionuclide,
        total_dose=dose,
        half_life_s=half_life_s,
        start_datetime=moment(injection),
        start_time=moment(injection_time),
    )
    facts = PetFacts(
        series_instance_uid="1.2.3",
        manufacturer=NAMES[vendor],
        units="BQML",
        decay_correction="START",
        corrected_image=("DECY", "ATTN"),
        weight_kg=70.0,
        size_m=1.75,
        sex="M",
        radiopharmaceuticals=(item,),
        series_time=moment(series),
        frames=frames,
        elements={
            element("PatientWeight"): "70.0",
            element("RadionuclideTotalDose"): str(dose),
            element("Units"): "BQML",
            element("PhilipsSUVScaleFactor"): "0.0005",
        },
    )
    return replace(facts, **changes)


@pytest.fixture(scope="session")
def pet_facts_of() -> Callable[..., PetFacts]:
    """Make `PetFacts`; every argument has the default of the IBSI-SUV objects."""
    return make_pet_facts


@pytest.fixture(scope="session")
def moment_of() -> Callable[[str], Moment]:
    """Make a `Moment` from ISO text."""

    def make(text: str) -> Moment:
        found = moment(text)
        assert found is not None
        return found

    return make
