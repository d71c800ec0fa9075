"""Uptake alone as a witness: it adds a caution where it contradicts the CT's organs, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lutetia.imaging.anatomy import LABELS
from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.anatomy.second_opinion import weighed
from lutetia.model import OrganRecord, Volume


def on_ct(patient, organs, *, side="right", spleen="ok"):
    """What a search on CT may have found: the organs named, by the masks given."""
    labels = np.zeros(patient.suv.grid.shape, np.uint8)
    for name, mask in organs.items():
        labels[mask] = LABELS[name]
    records = tuple(
        OrganRecord(name=n, label=LABELS[n], source="embedded CT+PET", status=spleen if n == "spleen" else "ok")
        for n in ("liver", "spleen")
    )
    return Anatomy(Volume(labels, patient.suv.grid, "label"), records, "embedded CT+PET", liver_side=side)


@pytest.fixture
def patient(make_patient):
    return make_patient("sstr")


@pytest.fixture
def alone(patient, sstr):
    return find_anatomy_pet_only(patient.suv, sstr)


def test_a_witness_that_agrees_changes_nothing(patient, alone):
    found = on_ct(patient, {n: patient.masks[n] for n in ("liver", "spleen")})
    assert weighed(patient.suv, found, alone) is found


def test_a_liver_on_the_other_side_is_a_caution_for_liver_and_spleen(patient, alone):
    organs = {"liver": patient.masks["spleen"], "spleen": patient.masks["liver"]}
    judged = weighed(patient.suv, on_ct(patient, organs, side="left"), alone)
    assert judged.organ("liver").status == judged.organ("spleen").status == "caution"
    assert "on the right" in judged.concerns["liver"][0]


def test_absent_is_not_said_while_uptake_shows_an_even_organ_in_the_bed(patient, alone):
    found = on_ct(patient, {"liver": patient.masks["liver"]}, spleen="absent")
    judged = weighed(patient.suv, found, alone)
    assert judged.organ("spleen").status == "caution"
    assert judged.concerns["spleen"]
    assert "liver" not in judged.concerns


def test_a_spleen_of_another_uptake_is_a_caution(patient, alone):
    organs = {"liver": patient.masks["liver"], "spleen": patient.masks["kidney_left"]}
    judged = weighed(patient.suv, on_ct(patient, organs), alone)
    assert any("another spleen" in reason for reason in judged.concerns["spleen"])


def test_a_liver_without_the_uptake_that_is_seen_is_a_caution(patient, alone):
    lungs_edge = np.roll(patient.masks["liver"], 30, axis=0)  # 12 cm too high: lung
    judged = weighed(patient.suv, on_ct(patient, {"liver": lungs_edge, "spleen": patient.masks["spleen"]}), alone)
    assert any("uptake alone gives a liver" in reason for reason in judged.concerns["liver"])
    assert judged.organ("spleen").status == "ok"


def test_an_uncertain_witness_is_not_heard_about_the_spleen(patient, alone):
    unsure = replace(
        alone, concerns={**alone.concerns, "spleen": (*alone.concerns["spleen"], "lies where a kidney lies")}
    )
    found = on_ct(patient, {"liver": patient.masks["liver"]}, spleen="absent")
    assert weighed(patient.suv, found, unsure).organ("spleen").status == "absent"
