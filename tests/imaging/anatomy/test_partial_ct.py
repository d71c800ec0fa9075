"""A CT that covers only part of the PET is used where it lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lutetia.imaging.anatomy import LABELS, find_anatomy
from lutetia.imaging.anatomy.partial_ct import joined, share_inside, slices_covered
from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only
from lutetia.imaging.anatomy.record import Anatomy, VesselTrack
from lutetia.imaging.references import measure_references
from lutetia.model import Grid, OrganRecord, Volume


def ct_of(patient, low_mm, high_mm):
    """A CT of the slices between two heights: air, soft tissue, lungs, a vertebral column."""
    grid = patient.suv.grid
    z = grid.to_lps(np.stack([np.arange(grid.shape[0]), np.zeros(grid.shape[0]), np.zeros(grid.shape[0])], axis=1))[
        :, 2
    ]
    kept = np.flatnonzero((z >= low_mm) & (z <= high_mm))
    hu = np.full(grid.shape, -1000, np.int16)
    hu[patient.suv.array > 0.12] = 40
    for lung in ("lung_left", "lung_right"):
        hu[patient.masks[lung]] = -820
    x = grid.to_lps(np.argwhere(np.ones(grid.shape, bool))).reshape(*grid.shape, 3)
    hu[(np.hypot(x[..., 0], x[..., 1] - 72) < 18) & (hu > 0)] = 350
    part = replace(grid, shape=(len(kept), *grid.shape[1:]), origin_mm=(*grid.origin_mm[:2], float(z[kept[0]])))
    return Volume(hu[kept], part, "HU")


def ct_anatomy(patient, ct, names):
    """Organs as a CT would show them: those of the schematic patient that lie in the CT's field."""
    grid = patient.suv.grid
    index = np.argwhere(np.ones(grid.shape, bool))
    inside = ct.grid.to_index(grid.to_lps(index))
    inside = np.all((inside > -0.5) & (inside < np.asarray(ct.grid.shape) - 0.5), axis=1).reshape(grid.shape)
    labels = np.where((patient.suv.array > 0.12) & inside, LABELS["body"], 0).astype(np.uint8)
    records = []
    for name in names:
        labels[patient.masks[name] & inside] = LABELS[name]
        records.append(OrganRecord(name=name, label=LABELS[name], source="embedded CT+PET", status="ok"))
    track = VesselTrack(np.array([[16.0, 48.0, z] for z in range(150, 50, -5)]), np.full(20, 12.0))
    return Anatomy(Volume(labels, grid, "label"), tuple(records), "embedded CT+PET", aorta=track, liver_side="right")


def test_the_share_of_slices_is_measured_in_the_patient_not_in_numbers_of_images(make_patient):
    patient = make_patient("sstr")
    assert slices_covered(patient.suv.grid, ct_of(patient, -420, 260).grid) == 1.0
    assert slices_covered(patient.suv.grid, ct_of(patient, -420, -80).grid) == pytest.approx(0.5, abs=0.02)


def test_no_points_have_no_share():
    grid = Grid(shape=(2, 2, 2), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    assert np.isnan(share_inside(np.zeros((0, 3)), grid))


def test_a_ct_of_the_thighs_leaves_the_organs_to_uptake(make_patient, sstr):
    patient = make_patient("sstr")
    ct = ct_of(patient, -420, -250)
    anatomy = find_anatomy(patient.suv, ct, sstr)
    alone = find_anatomy_pet_only(patient.suv, sstr)
    assert anatomy.source == "embedded PET, CT in part"
    assert np.array_equal(anatomy.mask("liver"), alone.mask("liver"))
    assert np.array_equal(anatomy.mask("spleen"), alone.mask("spleen"))
    issue = next(i for i in anatomy.issues if i.code == "ct-covers-part")
    assert "25 %" in issue.message
    references = measure_references(patient.suv, anatomy, sstr, ct=ct).by_name
    assert references["liver"].suv_mean == pytest.approx(6.0, rel=0.05)
    assert references["blood_pool"].status == "caution"
    assert references["blood_pool"].suv_mean == pytest.approx(1.4, rel=0.1)


def test_a_ct_of_the_trunk_gives_its_organs_and_uptake_adds_the_bladder(make_patient, sstr):
    patient = make_patient("sstr")
    ct = ct_of(patient, -200, 260)
    from_ct = ct_anatomy(patient, ct, ("lung_left", "lung_right", "liver", "spleen", "kidney_left", "kidney_right"))
    anatomy = joined(find_anatomy_pet_only(patient.suv, sstr), from_ct, ct.grid)
    assert np.array_equal(anatomy.mask("liver"), from_ct.mask("liver"))
    assert anatomy.organ("liver").source == "embedded CT+PET"
    assert anatomy.organ("urinary_bladder").source == "embedded PET"
    assert anatomy.mask("urinary_bladder").any()
    assert anatomy.aorta is from_ct.aorta
    below = anatomy.labels.array[:40]
    assert (below == LABELS["body"]).any()  # the outline goes on below the CT


def test_a_ct_that_cuts_the_liver_does_not_give_the_liver(make_patient, sstr):
    patient = make_patient("sstr")
    ct = ct_of(patient, 0, 260)  # the upper half of the liver only
    from_ct = ct_anatomy(patient, ct, ("lung_left", "lung_right", "liver"))
    alone = find_anatomy_pet_only(patient.suv, sstr)
    anatomy = joined(alone, from_ct, ct.grid)
    assert anatomy.organ("liver").source == "embedded PET"
    assert anatomy.organ("liver").volume_ml == pytest.approx(alone.organ("liver").volume_ml)
    assert anatomy.organ("lung_left").source == "embedded CT+PET"
    assert anatomy.organ("lung_left").status == "caution"
