"""PET without CT: what uptake alone shows, and what it must not claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutetia.imaging.anatomy import morphology as mm
from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only
from lutetia.model import Grid, Volume


def organ_median(suv, anatomy, name, depth_mm=10.0):
    """Median SUV of an organ eroded by `depth_mm`."""
    core = mm.erode(anatomy.mask(name), depth_mm, suv.grid.spacing_mm)
    return float(np.median(suv.array[core if core.any() else anatomy.mask(name)]))


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_liver_and_spleen_of_an_ordinary_somatostatin_pet(make_patient, sstr):
    patient = make_patient("sstr")
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    assert anatomy.liver_side == "right"
    assert organ_median(patient.suv, anatomy, "liver") == pytest.approx(6.0, rel=0.05)
    assert organ_median(patient.suv, anatomy, "spleen", 6.0) == pytest.approx(20.0, rel=0.07)
    assert dice(anatomy.mask("liver"), patient.masks["liver"]) > 0.85
    assert anatomy.concerns["liver"] == ()


def test_without_ct_spleen_and_blood_pool_are_never_without_a_caution(make_patient, sstr):
    anatomy = find_anatomy_pet_only(make_patient("sstr").suv, sstr)
    assert anatomy.source == "embedded PET"
    assert anatomy.aorta is None
    assert anatomy.concerns["spleen"]
    assert anatomy.concerns["blood_pool"]
    assert anatomy.organ("spleen").status == "caution"
    assert [i.code for i in anatomy.issues] == ["pet-without-ct"]


def test_the_largest_even_organ_is_the_liver_not_the_hottest(make_patient, sstr):
    patient = make_patient("sstr", spleen=30.0)
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    z, y, x = (int(v) for v in patient.suv.grid.to_index((-72, -5, 0)))
    assert anatomy.mask("liver")[z, y, x]


def test_kidneys_and_bladder_are_found_where_they_are_hot(make_patient, sstr):
    patient = make_patient("sstr")
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    for name in ("kidney_left", "kidney_right", "urinary_bladder"):
        assert dice(anatomy.mask(name), patient.masks[name]) > 0.6, name


def test_the_blood_inside_the_heart_stands_in_for_the_aorta(make_patient, sstr):
    patient = make_patient("sstr")
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    assert organ_median(patient.suv, anatomy, "heart", 8.0) == pytest.approx(1.4, rel=0.1)


def test_glucose_liver_beside_a_kidney_of_nearly_the_same_uptake(make_patient, fdg):
    patient = make_patient("fdg")
    anatomy = find_anatomy_pet_only(patient.suv, fdg)
    assert organ_median(patient.suv, anatomy, "liver") == pytest.approx(2.4, rel=0.05)


def test_mirrored_anatomy_mirrors_the_result_and_says_so(make_patient, sstr):
    patient = make_patient("sstr", mirrored=True)
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    assert anatomy.liver_side == "left"
    assert organ_median(patient.suv, anatomy, "liver") == pytest.approx(6.0, rel=0.05)
    assert any("mirrored" in reason for reason in anatomy.concerns["liver"])


def test_image_rows_that_run_from_left_to_right_change_nothing(make_patient, sstr):
    straight = find_anatomy_pet_only(make_patient("sstr").suv, sstr)
    flipped = find_anatomy_pet_only(make_patient("sstr", flip=True).suv, sstr)
    assert flipped.liver_side == straight.liver_side == "right"
    a, b = straight.organ("liver"), flipped.organ("liver")
    assert np.allclose(a.centroid_mm, b.centroid_mm, atol=5.0)


def test_twice_the_uptake_gives_the_same_organs(make_patient, fdg):
    once = find_anatomy_pet_only(make_patient("fdg").suv, fdg)
    twice = find_anatomy_pet_only(make_patient("fdg", factor=2.0).suv, fdg)
    assert np.array_equal(once.labels.array, twice.labels.array)
    assert twice.evidence["liver"]["level"] == pytest.approx(2 * once.evidence["liver"]["level"], rel=0.01)
    assert any("outside" in reason for reason in twice.concerns["liver"])  # the only absolute limits


METASTASES = tuple(
    (x, y, z, 20.0, 24.0) for x in (-110, -72, -34) for y in (-45, 0, 40) for z in (-45, -5, 35) if (x + y + z) % 2
)


def test_a_liver_between_metastases_is_a_caution_with_the_level_of_normal_tissue(make_patient, sstr):
    patient = make_patient("sstr", metastases=METASTASES)
    anatomy = find_anatomy_pet_only(patient.suv, sstr)
    assert anatomy.concerns["liver"]
    level = anatomy.evidence["liver"]["level"]
    assert level == pytest.approx(6.0, rel=0.25)


def test_a_liver_replaced_by_even_tumour_is_never_without_a_caution(make_patient, sstr):
    for value in (14.0, 18.0, 40.0):
        anatomy = find_anatomy_pet_only(make_patient("sstr", liver=value).suv, sstr)
        assert anatomy.concerns["liver"], value


def test_a_spleen_that_is_not_seen_is_not_called_absent(make_patient, sstr):
    anatomy = find_anatomy_pet_only(make_patient("sstr", without=("spleen",)).suv, sstr)
    spleen = anatomy.organ("spleen")
    assert spleen.status != "absent"
    assert anatomy.concerns["liver"]  # nothing to compare with


def test_a_liver_cut_by_the_field_says_so(make_patient, sstr):
    anatomy = find_anatomy_pet_only(make_patient("sstr", high=10.0).suv, sstr)
    assert any("end of the field" in reason for reason in anatomy.concerns["liver"])


def test_a_chest_without_a_liver_gives_no_liver(make_patient, fdg):
    anatomy = find_anatomy_pet_only(make_patient("fdg", low=120.0).suv, fdg)
    assert not anatomy.mask("liver").any()
    assert anatomy.organ("liver").volume_ml is None
    assert anatomy.concerns["liver"]


def test_spect_is_never_without_a_caution(make_patient, lutetium):
    anatomy = find_anatomy_pet_only(make_patient("sstr").suv, lutetium)
    assert any("SPECT" in reason for reason in anatomy.concerns["liver"])
    assert not anatomy.tumour_suspected, "that SPECT hides small lesions is no sign of tumour"


def test_an_unknown_order_of_uptake_is_a_caution(make_patient, sstr):
    other = sstr.model_copy(update={"key": "x", "binds": "norepinephrine_transporter"})
    anatomy = find_anatomy_pet_only(make_patient("sstr").suv, other)
    assert any("not known for this tracer" in reason for reason in anatomy.concerns["liver"])


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_empty_image_gives_no_organs(sstr, value):
    grid = Grid(shape=(40, 40, 40), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 0))
    anatomy = find_anatomy_pet_only(Volume(np.full(grid.shape, value, np.float32), grid, "SUVbw"), sstr)
    assert not anatomy.labels.array.any()
    assert anatomy.concerns["liver"]
    assert anatomy.concerns["blood_pool"]


# Hand-placed 3 cm spheres in livers of real patients; factors and centres stand beside the data.
REAL = {
    "GE": ("pet_ge_sts001/pet_raw_bqml", 2.42903e-4, 2.158, (-91.4, 21.1, -358.1)),
    "Philips": ("pet_philips_cnts/pet_chus005", 0.000388, 1.904, (-78.6, 71.4, -629.9)),
    "Siemens": ("pet_siemens_qinhn/pet", 4.01664e-4, 2.482, (-139.4, -178.9, -1296.3)),
}


def read_series(folder: Path, factor: float) -> Volume:
    pydicom = pytest.importorskip("pydicom")
    slices = [pydicom.dcmread(f) for f in sorted(folder.iterdir())]
    slices.sort(key=lambda d: float(d.ImagePositionPatient[2]))
    array = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in slices]) * factor
    first = slices[0]
    step = float(np.median(np.diff([float(d.ImagePositionPatient[2]) for d in slices])))
    spacing = (step, float(first.PixelSpacing[0]), float(first.PixelSpacing[1]))
    origin = tuple(float(v) for v in first.ImagePositionPatient)
    return Volume(array.astype(np.float32), Grid(shape=array.shape, spacing_mm=spacing, origin_mm=origin), "SUVbw")


@pytest.mark.shared
@pytest.mark.parametrize("vendor", sorted(REAL))
def test_the_liver_of_real_patients_without_ct_is_met_within_ten_percent(shared, fdg, vendor):
    folder, factor, known, sphere = REAL[vendor]
    suv = read_series(shared / "data" / folder, factor)
    anatomy = find_anatomy_pet_only(suv, fdg)
    assert anatomy.liver_side == "right"
    assert organ_median(suv, anatomy, "liver") == pytest.approx(known, rel=0.10)
    z, y, x = (round(v) for v in suv.grid.to_index(sphere))
    assert anatomy.mask("liver")[z, y, x]
    for organ in ("spleen", "kidney_left", "kidney_right", "heart"):
        assert anatomy.mask(organ).any(), organ


@pytest.mark.shared
def test_a_real_lutetium_spect_shows_kidneys_spleen_and_the_liver_between_metastases(shared, lutetium):
    suv = read_series(shared / "data" / "lu177_dotatate_spect" / "scan1", 92.987e3 / 7210425599.6)
    anatomy = find_anatomy_pet_only(suv, lutetium)
    lesion = tuple(round(v) for v in np.argwhere(suv.array == suv.array.max())[0])
    assert not anatomy.mask("liver")[lesion]
    assert 0.5 < organ_median(suv, anatomy, "liver", 6.0) < 3.0
    assert organ_median(suv, anatomy, "spleen", 6.0) == pytest.approx(6.2, rel=0.1)
    assert len(anatomy.concerns["liver"]) >= 3


@pytest.mark.shared
def test_a_washed_out_liver_is_refused_rather_than_taken_from_bowel(shared, lutetium):
    suv = read_series(shared / "data" / "lu177_dotatate_spect" / "scan2", 92.987e3 / 7210425599.6)
    anatomy = find_anatomy_pet_only(suv, lutetium)
    assert anatomy.organ("liver").volume_ml is None
    assert anatomy.concerns["liver"]
    assert anatomy.mask("kidney_left").any()
    assert anatomy.mask("kidney_right").any()


def test_an_oblique_grid_keeps_the_organs_in_place(make_patient, sstr):
    suv = make_patient("sstr").suv
    angle = np.radians(8)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    direction = tuple(tuple(row) for row in (turn @ np.asarray(suv.grid.direction)).tolist())
    turned = Volume(suv.array, replace(suv.grid, direction=direction), "SUVbw")
    anatomy = find_anatomy_pet_only(turned, sstr)
    assert organ_median(turned, anatomy, "liver") == pytest.approx(6.0, rel=0.05)
