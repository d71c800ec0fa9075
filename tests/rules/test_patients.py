"""Whole patients: those of the founding documents and made-up ones, through every rule they concern."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.patients import PatientCase, read_patients, run_patient
from lutetia.rules.loader import RuleSet

FOLDER = Path(__file__).parents[1] / "cases" / "patients"
PATIENTS = [patient for path in sorted(FOLDER.glob("*.yaml")) for patient in read_patients(path)]


@pytest.mark.parametrize("patient", PATIENTS, ids=[patient.name.split(":")[0] for patient in PATIENTS])
def test_patient(patient: PatientCase, rules: RuleSet) -> None:
    assert run_patient(rules, patient) == []
