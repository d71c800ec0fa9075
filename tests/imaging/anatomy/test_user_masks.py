"""Organ masks that the user has: names, numbers, places, and what is refused."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from lutetia.imaging.anatomy import LABELS
from lutetia.imaging.anatomy.organ_files import load_organ_masks
from lutetia.imaging.anatomy.organ_names import numbering, numberings, organ_of
from lutetia.imaging.anatomy.user_masks import anatomy_from_masks, masks_by_organ
from lutetia.imaging.references import measure_references
from lutetia.imaging.references.given import reference_name, user_reference
from lutetia.model import Grid, InputError, UsageError, Volume


def write(path, mask, grid, dtype=np.uint8, names=None):
    image = nibabel.Nifti1Image(np.ascontiguousarray(np.asarray(mask, dtype).transpose(2, 1, 0)), grid.nifti_affine)
    if names:
        rows = "".join(
            f'<Label Key="{k}" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[{n}]]></Label>' for k, n in names
        )
        text = f"<CaretExtension><LabelTable>{rows}</LabelTable></CaretExtension>"
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, text.encode()))
    nibabel.save(image, str(path))


def label_map(masks, numbers):
    array = np.zeros(next(iter(masks.values())).shape, np.uint8)
    for organ, number in numbers.items():
        array[masks[organ]] = number
    return array


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("liver", "liver"),
        ("Liver", "liver"),
        ("10200004", "liver"),
        ("kidney_left", "kidney_left"),
        ("Left Kidney", "kidney_left"),
        ("Kidney_R", "kidney_right"),
        ("RightKidney", "kidney_right"),
        ("lung_upper_lobe_left.nii.gz", "lung_left"),
        ("vertebrae_L3", "spine"),
        ("rib_left_12", "skeleton"),
        ("bladder", "urinary_bladder"),
        ("heart_ventricle_left", "heart"),
        ("small_bowel", "bowel"),
        ("thyroid_right", "thyroid_gland"),
        ("Parotid gland, left", "salivary_glands"),
        ("Entire spleen", "spleen"),
    ],
)
def test_names_of_programs_and_people_are_understood(written, ours):
    assert organ_of(written) == ours


@pytest.mark.parametrize(
    "written", ["lesion1 liver R lobe", "liver_tumor", "GTV_liver", "kidney", "Kidneys", "organ 7"]
)
def test_a_name_that_is_not_sure_is_not_guessed(written):
    assert organ_of(written) is None


@pytest.mark.parametrize("written", ["spinal_cord", "gluteus_maximus_left", "kidney_cyst_left", "inferior_vena_cava"])
def test_known_structures_that_are_not_needed_are_left_out_silently(written):
    assert organ_of(written) == ""


def test_every_name_of_every_numbering_is_known():
    for key in numberings():
        for name in numbering(key).values():
            assert organ_of(name) is not None, (key, name)


def test_the_numberings_of_two_programs_disagree_about_liver_and_spleen():
    assert numbering("moose_v2_organs")[5] == numbering("totalsegmentator_v2_total")[5] == "liver"
    assert numbering("moose_v3_organs")[8] == "liver"
    assert numbering("moose_v3_organs")[5] == "gallbladder"


def test_a_totalsegmentator_folder_is_read_as_it_is(tmp_path, make_patient, sstr):
    patient = make_patient("sstr")
    for organ in ("liver", "spleen", "kidney_left", "kidney_right", "aorta", "lung_left", "lung_right"):
        name = organ if not organ.startswith("lung") else organ.replace("lung", "lung_upper_lobe")
        write(tmp_path / f"{name}.nii.gz", patient.masks[organ], patient.suv.grid)
    write(tmp_path / "autochthon_left.nii.gz", patient.masks["liver"], patient.suv.grid)
    (tmp_path / "statistics.json").write_text("{}", encoding="utf-8")
    given = load_organ_masks(tmp_path, patient.suv.grid)
    assert set(given.masks) == {"liver", "spleen", "kidney_left", "kidney_right", "aorta", "lung_left", "lung_right"}
    anatomy = anatomy_from_masks(patient.suv, given)
    assert anatomy.source.startswith("user masks")
    assert anatomy.liver_side == "right"
    assert anatomy.aorta.length_mm > 60
    measured = measure_references(patient.suv, anatomy, sstr).by_name
    assert measured["liver"].suv_mean == pytest.approx(6.0, rel=0.03)
    assert measured["spleen"].suv_mean == pytest.approx(20.0, rel=0.05)
    assert measured["blood_pool"].suv_mean == pytest.approx(1.4, rel=0.1)


def test_a_label_map_brings_its_names_in_the_header(tmp_path, make_patient):
    patient = make_patient("sstr")
    numbers = {"liver": 3, "spleen": 9}
    array = label_map(patient.masks, numbers)
    write(tmp_path / "seg.nii.gz", array, patient.suv.grid, names=[(3, "liver"), (9, "spleen")])
    given = load_organ_masks(tmp_path / "seg.nii.gz", patient.suv.grid)
    assert np.array_equal(given.masks["liver"], patient.masks["liver"])
    assert np.array_equal(given.masks["spleen"], array == 9)
    assert not given.issues


def test_a_moose_folder_is_read_by_its_index_files(tmp_path, make_patient):
    patient = make_patient("sstr")
    folder = tmp_path / "segmentations"
    folder.mkdir()
    organs = label_map(patient.masks, {"liver": 8, "spleen": 15, "kidney_left": 6, "kidney_right": 7})
    write(folder / "clin_CT_organs_segmentation_CT_0001.nii.gz", organs, patient.suv.grid)
    index = {"8": {"name": "liver", "SNOMED": {"ID": "10200004"}}, "15": {"name": "spleen"}}
    index |= {"6": {"name": "kidney_left"}, "7": {"name": "kidney_right"}}
    (folder / "clin_CT_organs_organ_indices.json").write_text(json.dumps({"organ_indices": index}), encoding="utf-8")
    write(folder / "clin_CT_cardiac_segmentation_CT_0001.nii.gz", 6 * patient.masks["aorta"], patient.suv.grid)
    cardiac = {"organ_indices": {"6": {"name": "aorta"}}}
    (folder / "clin_CT_cardiac_organ_indices.json").write_text(json.dumps(cardiac), encoding="utf-8")
    given = load_organ_masks(tmp_path, patient.suv.grid)
    assert np.array_equal(given.masks["liver"], organs == 8)
    assert np.array_equal(given.masks["spleen"], organs == 15)
    assert np.array_equal(given.masks["aorta"], patient.masks["aorta"])


def test_moose_two_is_known_by_its_file_name_and_the_assumption_is_said(tmp_path, make_patient):
    patient = make_patient("sstr")
    write(tmp_path / "CT_Organs_0001.nii.gz", label_map(patient.masks, {"liver": 5, "spleen": 1}), patient.suv.grid)
    given = load_organ_masks(tmp_path, patient.suv.grid)
    assert np.array_equal(given.masks["liver"], patient.masks["liver"])
    assert [i.code for i in given.issues] == ["organ-numbering-assumed"]


def test_a_label_map_without_names_is_refused_until_someone_says_whose_it_is(tmp_path, make_patient):
    patient = make_patient("sstr")
    write(tmp_path / "organs.nii.gz", label_map(patient.masks, {"liver": 5, "spleen": 1}), patient.suv.grid)
    with pytest.raises(InputError) as refused:
        load_organ_masks(tmp_path / "organs.nii.gz", patient.suv.grid)
    assert refused.value.code == "organs-without-names"
    assert "organs.json" in refused.value.remedy
    given = load_organ_masks(tmp_path / "organs.nii.gz", patient.suv.grid, numbering="totalsegmentator_v2_total")
    assert np.array_equal(given.masks["liver"], patient.masks["liver"])


def test_a_number_that_the_numbering_does_not_have_is_a_contradiction(tmp_path, make_patient):
    patient = make_patient("sstr")
    write(tmp_path / "organs.nii.gz", label_map(patient.masks, {"liver": 5, "spleen": 200}), patient.suv.grid)
    with pytest.raises(InputError) as refused:
        load_organ_masks(tmp_path / "organs.nii.gz", patient.suv.grid, numbering="moose_v2_organs")
    assert refused.value.code == "organs-numbering-contradicts"


def test_masks_on_the_grid_of_the_ct_are_taken_by_the_nearest_voxel(tmp_path, make_patient):
    fine, coarse = make_patient("sstr", spacing=3.0), make_patient("sstr")
    write(tmp_path / "liver.nii.gz", fine.masks["liver"], fine.suv.grid)
    given = load_organ_masks(tmp_path, coarse.suv.grid)
    a, b = given.masks["liver"], coarse.masks["liver"]
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.97


def test_axes_of_the_file_may_run_in_any_direction(tmp_path, make_patient):
    straight, flipped = make_patient("sstr"), make_patient("sstr", flip=True)
    write(tmp_path / "liver.nii.gz", flipped.masks["liver"], flipped.suv.grid)
    given = load_organ_masks(tmp_path, straight.suv.grid)
    a, b = given.masks["liver"], straight.masks["liver"]
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.9


def test_masks_of_another_scan_are_refused(tmp_path, make_patient):
    patient = make_patient("sstr")
    away = Grid(
        shape=patient.suv.grid.shape, spacing_mm=patient.suv.grid.spacing_mm, origin_mm=(5000.0, -138.0, -420.0)
    )
    write(tmp_path / "liver.nii.gz", patient.masks["liver"], away)
    with pytest.raises(InputError) as refused:
        load_organ_masks(tmp_path, patient.suv.grid)
    assert refused.value.code == "organs-elsewhere"


def test_another_frame_of_reference_is_refused_by_name(make_patient):
    grid = Grid(shape=(4, 4, 4), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 0), frame_of_reference_uid="1.2.3")
    other = Grid(shape=(4, 4, 4), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 0), frame_of_reference_uid="1.2.4")
    with pytest.raises(InputError) as refused:
        masks_by_organ({"Liver": Volume(np.ones((4, 4, 4), bool), other, "mask")}, grid, source="seg.dcm")
    assert refused.value.code == "organs-elsewhere"


def test_segments_are_found_by_label_or_code_and_the_rest_is_named(make_patient):
    patient = make_patient("sstr")
    masks = {n: Volume(m, patient.suv.grid, "mask") for n, m in patient.masks.items()}
    given = masks_by_organ(
        {"10200004": masks["liver"], "Spleen": masks["spleen"], "Neoplasm": masks["liver"]},
        patient.suv.grid,
        source="seg.dcm",
    )
    assert set(given.masks) == {"liver", "spleen"}
    assert "Neoplasm" in given.issues[0].message


def test_mirrored_masks_are_refused(make_patient):
    patient = make_patient("sstr")
    swapped = {
        "kidney_left": Volume(patient.masks["kidney_right"], patient.suv.grid, "mask"),
        "kidney_right": Volume(patient.masks["kidney_left"], patient.suv.grid, "mask"),
        "liver": Volume(patient.masks["liver"], patient.suv.grid, "mask"),
    }
    given = masks_by_organ(swapped, patient.suv.grid, source="seg.dcm")
    with pytest.raises(InputError) as refused:
        anatomy_from_masks(patient.suv, given)
    assert refused.value.code == "organs-mirrored"


def test_an_empty_spleen_mask_is_a_caution_and_no_value(tmp_path, make_patient, sstr):
    patient = make_patient("sstr")
    write(tmp_path / "liver.nii.gz", patient.masks["liver"], patient.suv.grid)
    write(tmp_path / "spleen.nii.gz", np.zeros(patient.suv.grid.shape), patient.suv.grid)
    anatomy = anatomy_from_masks(patient.suv, load_organ_masks(tmp_path, patient.suv.grid))
    assert anatomy.organ("spleen").status == "caution"
    reference = measure_references(patient.suv, anatomy, sstr).by_name["spleen"]
    assert reference.status == "caution"
    assert reference.suv_mean is None


def test_a_mask_beside_the_patient_is_a_caution(make_patient):
    patient = make_patient("sstr")
    shifted = np.roll(patient.masks["liver"], -30, axis=2)
    given = masks_by_organ({"liver": Volume(shifted, patient.suv.grid, "mask")}, patient.suv.grid, source="x")
    anatomy = anatomy_from_masks(patient.suv, given)
    assert any("outside the patient" in r for r in anatomy.concerns["liver"])


def test_an_organ_cut_by_the_end_of_the_ct_is_a_caution(make_patient):
    patient = make_patient("sstr")
    grid = patient.suv.grid
    top = 108  # the CT ends in the middle of the liver
    part = Grid(shape=(top, *grid.shape[1:]), spacing_mm=grid.spacing_mm, origin_mm=grid.origin_mm)
    given = masks_by_organ({"liver": Volume(patient.masks["liver"][:top], part, "mask")}, grid, source="x")
    anatomy = anatomy_from_masks(patient.suv, given)
    assert any("cut off" in r for r in anatomy.concerns["liver"])


def test_what_was_not_given_is_said(make_patient):
    patient = make_patient("sstr")
    given = masks_by_organ(
        {"liver": Volume(patient.masks["liver"], patient.suv.grid, "mask")}, patient.suv.grid, source="x"
    )
    anatomy = anatomy_from_masks(patient.suv, given)
    assert any(i.code == "organ-mask-missing" and "spleen, aorta" in i.message for i in anatomy.issues)


def test_a_file_that_is_no_nifti_is_refused(tmp_path, make_patient):
    (tmp_path / "liver.nii.gz").write_bytes(b"not a nifti")
    with pytest.raises(InputError) as refused:
        load_organ_masks(tmp_path, make_patient("sstr").suv.grid)
    assert refused.value.code == "mask-unreadable"


def test_a_nifti_without_a_place_is_refused(tmp_path, make_patient):
    image = nibabel.Nifti1Image(np.ones((5, 5, 5), np.uint8), None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    nibabel.save(image, str(tmp_path / "liver.nii.gz"))
    with pytest.raises(InputError) as refused:
        load_organ_masks(tmp_path, make_patient("sstr").suv.grid)
    assert refused.value.code == "mask-unreadable"


@pytest.mark.shared
def test_the_real_totalsegmentator_label_map_gives_the_volumes_beside_it(shared):
    file = shared / "data" / "ct_totalsegmentator" / "ct_thorax_abdomen_3mm_seg.nii.gz"
    grid = Grid(shape=(100, 100, 100), spacing_mm=(4, 4, 4), origin_mm=(-200.0, -320.0, 100.0))
    given = load_organ_masks(file, grid)
    known = {"spleen": 261.0, "kidney_right": 192.6, "kidney_left": 137.4, "liver": 1125.7, "aorta": 49.7}
    for organ, volume in known.items():
        assert given.volumes_ml[organ] == pytest.approx(volume, abs=0.1)
        assert given.masks[organ].sum() * grid.voxel_ml == pytest.approx(volume, rel=0.06)
    liver, spleen = (grid.to_lps(np.argwhere(given.masks[o]).mean(axis=0)) for o in ("liver", "spleen"))
    assert np.allclose(liver, (-67, -185, 392), atol=4)
    assert np.allclose(spleen, (113, -123, 395), atol=4)


# -- references in words ------------------------------------------------------------------------------------------

GRID = Grid(shape=(50, 50, 50), spacing_mm=(4, 4, 4), origin_mm=(-100, -100, -100))


def never(path):
    raise AssertionError("no file is read")


def test_a_sphere_is_given_by_centre_and_radius():
    name, given = user_reference("liver", "-40, 10, 20, 15", GRID, never)
    assert (name, given.centre_mm, given.radius_mm) == ("liver", (-40.0, 10.0, 20.0), 15.0)


def test_blood_pool_has_other_names():
    assert reference_name("blood") == reference_name("Aorta") == reference_name("blood_pool") == "blood_pool"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("lung", "0,0,0,10", "reference-unknown"),
        ("liver", "0,0,0", "reference-sphere"),
        ("liver", "0,0,0,-5", "reference-sphere"),
        ("liver", "0,0,0,0.5", "reference-sphere"),
        ("liver", "0,0,nan,10", "reference-sphere"),
        ("liver", "900,0,0,10", "reference-outside"),
    ],
)
def test_a_sphere_that_can_not_be_meant_is_refused(name, text, code):
    with pytest.raises(UsageError) as refused:
        user_reference(name, text, GRID, never)
    assert refused.value.code == code


def test_a_mask_file_is_read_by_the_reader_given(tmp_path):
    file = tmp_path / "mask.nii.gz"
    file.touch()
    mask = np.zeros(GRID.shape, bool)
    mask[3:6] = True
    name, given = user_reference("spleen", str(file), GRID, lambda path: mask)
    assert name == "spleen"
    assert given.mask.sum() == mask.sum()
    with pytest.raises(InputError) as refused:
        user_reference("spleen", str(file), GRID, lambda path: np.zeros(GRID.shape))
    assert refused.value.code == "mask-empty"
    with pytest.raises(InputError) as missing:
        user_reference("spleen", str(tmp_path / "none.nii.gz"), GRID, never)
    assert missing.value.code == "reference-file"


def test_labels_are_those_of_the_table(make_patient):
    patient = make_patient("sstr")
    given = masks_by_organ(
        {"liver": Volume(patient.masks["liver"], patient.suv.grid, "mask")}, patient.suv.grid, source="x"
    )
    anatomy = anatomy_from_masks(patient.suv, given)
    assert set(np.unique(anatomy.labels.array)) == {0, LABELS["body"], LABELS["liver"]}
