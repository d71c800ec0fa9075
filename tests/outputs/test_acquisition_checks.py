"""The report's windows for one scan are those of the rule files: neither is changed without the other."""

from __future__ import annotations

import dataclasses

import pytest

from lutetia.model import Acquisition, Course, Patient, Study, Tracer, Visit
from lutetia.outputs.report.acquisition import acquisition_checks
from lutetia.rules.loader import load_rules
from lutetia.rules.measured import case_of_course
from lutetia.rules.score import score

WEIGHT_KG = 75.0
RULES = load_rules()


def scan(tracer: str, nuclide: str, **recorded: float) -> Study:
    return Study(
        id="s",
        study_instance_uid="1.2",
        date="2026-03-14",
        visit="visit-1",
        tracer=tracer,
        tracer_detail=Tracer(
            key=tracer,
            name=tracer,
            binds="glucose" if tracer == "fdg" else "sstr_agonist",
            radionuclide=nuclide,
        ),
        acquisition=Acquisition(weight_kg=WEIGHT_KG, **recorded),
    )


def gate(study: Study, name: str) -> str:
    role = "fdg" if study.is_fdg else "sstr"
    visit = Visit(id="visit-1", studies=("s",), first_date=study.date)
    case = case_of_course(Course(patient=Patient(id="P"), studies=(study,), visits=(visit,)))
    facts = {**case.facts, "patient.weight_kg": WEIGHT_KG, f"imaging.{role}_done": True}
    case = dataclasses.replace(case, facts=facts, read={role: "s"})
    (verdict,) = score(case, RULES, only=(f"{role}-acquisition",), questions=False).verdicts
    return next(g.state for g in verdict.gates if g.id == name)


def status(study: Study, item: str) -> str:
    return next(check.status for check in acquisition_checks(study) if check.item == item)


@pytest.mark.parametrize(
    ("tracer", "nuclide", "name", "minutes"),
    [
        ("dotatate", "68Ga", "dotatate-window", (39.9, 40.0, 90.0, 90.1)),
        ("cu64-dotatate", "64Cu", "cu64-window", (44.9, 45.0, 90.0, 90.1)),
        ("fdg", "18F", "window-eanm", (54.9, 55.0, 75.0, 75.1)),
    ],
)
def test_uptake_times_are_judged_alike(tracer: str, nuclide: str, name: str, minutes: tuple[float, ...]) -> None:
    scans = [scan(tracer, nuclide, uptake_minutes=m) for m in minutes]
    assert [status(s, "Uptake time") for s in scans] == ["caution", "met", "met", "caution"]
    assert [gate(s, name) for s in scans] == ["caution", "met", "met", "caution"]


@pytest.mark.parametrize(
    ("tracer", "nuclide", "name", "mbq"),
    [
        ("dotatate", "68Ga", "dotatate-activity", (134.9, 135.1, 164.9, 165.1)),
        ("dotatoc", "68Ga", "dotatoc-activity", (110.9, 111.0, 185.0, 185.1)),
        ("cu64-dotatate", "64Cu", "cu64-activity", (133.1, 133.3, 162.7, 162.9)),
    ],
)
def test_activities_are_judged_alike(tracer: str, nuclide: str, name: str, mbq: tuple[float, ...]) -> None:
    scans = [scan(tracer, nuclide, injected_mbq=a) for a in mbq]
    assert [status(s, "Injected activity") for s in scans] == ["caution", "met", "met", "caution"]
    assert [gate(s, name) for s in scans] == ["caution", "met", "met", "caution"]


def test_blood_glucose_is_judged_alike() -> None:
    scans = [scan("fdg", "18F", glucose_mmol_l=g) for g in (11.0, 11.1)]
    assert [status(s, "Blood glucose") for s in scans] == ["met", "caution"]
    assert [gate(s, "glucose-eanm") for s in scans] == ["met", "caution"]
