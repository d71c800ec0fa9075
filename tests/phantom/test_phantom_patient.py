"""The synthetic patient: real DICOM, exact truth, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from lutetia.model import UsageError
from lutetia.phantom import VARIANTS, PhantomTruth, make_phantom

Phantoms = Callable[..., PhantomTruth]


def read_series(folder: Path) -> tuple[npt.NDArray[np.float32], list[pydicom.Dataset]]:
    """Rescaled values (z, y, x), feet first, and the data sets in that order."""
    sets = sorted((pydicom.dcmread(f) for f in folder.glob("*.dcm")), key=lambda d: float(d.ImagePositionPatient[2]))
    volume = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in sets])
    return volume.astype(np.float32), sets


@pytest.fixture(scope="module")
def suv(tiny_patient: PhantomTruth) -> npt.NDArray[np.float32]:
    study = tiny_patient.studies[0]
    values, _ = read_series(tiny_patient.folder / study["dicom"] / "PT")
    return values * np.float32(study["suv"]["factor"])


def test_the_same_seed_gives_the_same_bytes(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = [f for f in folder.rglob("*") if f.is_file() and f.suffix != ".gz"]
        return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    again = make_phantom(tmp_path, 1, "standard", size="small")
    assert digest(again.folder) == digest(tiny_patient.folder)


def test_another_seed_is_another_patient(tiny_phantom: Phantoms, tiny_patient: PhantomTruth) -> None:
    other = tiny_phantom(seed=2)
    assert other.record["patient"]["height_m"] != tiny_patient.record["patient"]["height_m"]
    assert other.studies[0]["study_instance_uid"] != tiny_patient.studies[0]["study_instance_uid"]


def test_suv_in_the_image_is_the_suv_of_the_truth(tiny_patient: PhantomTruth, suv: npt.NDArray[np.float32]) -> None:
    study = tiny_patient.studies[0]
    organs = tiny_patient.label_map(study["id"], "organs")
    lesions = tiny_patient.label_map(study["id"], "lesions")
    labels = tiny_patient.record["organ_labels"]
    liver = (organs == labels["liver"]) & (lesions == 0)
    assert suv[liver].mean() == pytest.approx(study["references"]["liver"]["suv_mean_blurred"], rel=0.01)
    assert study["references"]["liver"]["suv_mean_blurred_core"] == pytest.approx(
        study["references"]["liver"]["suv_mean_expected"], rel=0.03
    )


def test_suv_factor_follows_from_the_header(tiny_patient: PhantomTruth) -> None:
    study = tiny_patient.studies[0]
    _, sets = read_series(tiny_patient.folder / study["dicom"] / "PT")
    item = sets[0].RadiopharmaceuticalInformationSequence[0]

    def seconds(text: str) -> float:
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    wait = seconds(str(sets[0].SeriesTime)) - seconds(str(item.RadiopharmaceuticalStartTime))
    dose = float(item.RadionuclideTotalDose) * 2 ** (-wait / float(item.RadionuclideHalfLife))
    assert float(sets[0].PatientWeight) * 1000 / dose == pytest.approx(study["suv"]["factor"], rel=1e-9)


def test_spleen_is_hotter_than_liver_and_liver_than_blood(tiny_phantom: Phantoms) -> None:
    for seed in (1, 2):
        reference = tiny_phantom(seed=seed).studies[0]["references"]
        values = [reference[name]["suv_mean"] for name in ("blood_pool", "liver", "spleen")]
        assert values == sorted(values)
        assert values[1] > 2 * values[0]


def test_every_lesion_lies_where_the_truth_says(tiny_patient: PhantomTruth, suv: npt.NDArray[np.float32]) -> None:
    study = tiny_patient.studies[0]
    to_index = np.linalg.inv(np.array(study["pet_grid"]["affine_lps"]))
    lesions = tiny_patient.label_map(study["id"], "lesions")
    for row in tiny_patient.lesions:
        seen = row["observations"][0]
        x, y, z = np.rint(to_index @ [*seen["centroid_mm"], 1.0])[:3].astype(int)
        assert row["label"] in lesions[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2]
        noisy = suv[lesions == row["label"]]
        if noisy.size >= 8:
            assert noisy.max() == pytest.approx(seen["suv_max"], rel=0.35)


def test_voxels_of_a_lesion_add_up_to_its_volume(tiny_phantom: Phantoms) -> None:
    truth = tiny_phantom("liver_disease")
    study = truth.studies[0]
    lesions = truth.label_map(study["id"], "lesions")
    voxel_ml = float(np.prod(study["pet_grid"]["spacing"])) / 1000
    big = [r for r in truth.lesions if r["observations"][0]["volume_ml"] > 20]
    assert big
    for row in big:
        volume = row["observations"][0]["volume_ml"]
        assert (lesions == row["label"]).sum() * voxel_ml == pytest.approx(volume, rel=0.1)


def test_a_heavily_diseased_liver_is_two_fifths_tumour_and_confluent(tiny_phantom: Phantoms) -> None:
    truth = tiny_phantom("liver_disease")
    assert truth.record["liver_burden"]["0"] == pytest.approx(0.40, abs=0.08)
    assert any(row["confluent"] for row in truth.lesions)


def test_a_removed_spleen_is_absent(tiny_phantom: Phantoms) -> None:
    truth = tiny_phantom("no_spleen")
    assert truth.studies[0]["references"]["spleen"] == {"present": False, "in_field": 0.0}
    assert truth.record["organ_labels"]["spleen"] not in truth.label_map("S1_SSTR", "organs")


def test_situs_inversus_has_its_liver_on_the_left(tiny_phantom: Phantoms, tiny_patient: PhantomTruth) -> None:
    def liver_side(truth: PhantomTruth) -> float:
        study = truth.studies[0]
        return float(study["references"]["liver"]["centroid_mm"][0] - study["plan"]["shift_mm"][0])

    assert liver_side(tiny_patient) < -20
    assert liver_side(tiny_phantom("situs_inversus")) > 20


def test_habitus_changes_weight_and_body_volume(tiny_phantom: Phantoms, tiny_patient: PhantomTruth) -> None:
    def body_litres(truth: PhantomTruth) -> float:
        organs = truth.label_map("S1_SSTR", "organs")
        return float((organs > 0).sum() * np.prod(truth.studies[0]["pet_grid"]["spacing"]) / 1e6)

    small, large = tiny_phantom("small"), tiny_phantom("large")
    litres = [body_litres(t) for t in (small, tiny_patient, large)]
    assert litres == sorted(litres)
    assert large.record["patient"]["weight_kg"] > 1.6 * small.record["patient"]["weight_kg"]


def test_arms_lie_beside_the_trunk_or_above_the_head(tiny_phantom: Phantoms, tiny_patient: PhantomTruth) -> None:
    def width_at_the_liver(truth: PhantomTruth) -> float:
        study = truth.studies[0]
        organs = truth.label_map(study["id"], "organs")
        k = int(np.argmax((organs == truth.record["organ_labels"]["liver"]).sum((1, 2))))
        inside = np.flatnonzero((organs[k] > 0).any(0))
        return float((inside[-1] - inside[0]) * study["pet_grid"]["spacing"][0])

    assert width_at_the_liver(tiny_phantom("arms_down")) > width_at_the_liver(tiny_patient) + 80


def test_contrast_makes_the_aorta_brighter_than_the_liver_on_ct(tiny_phantom: Phantoms) -> None:
    truth = tiny_phantom("contrast")
    study = truth.studies[0]
    hu, sets = read_series(truth.folder / study["dicom"] / "CT")
    assert sets[0].ContrastBolusAgent
    x, y, z = study["references"]["liver"]["centroid_mm"]
    k = int(np.argmin([abs(float(d.ImagePositionPatient[2]) - z) for d in sets]))
    spacing, origin = float(sets[0].PixelSpacing[0]), sets[0].ImagePositionPatient
    column, row = (round((v - float(o)) / spacing) for v, o in zip((x, y), origin[:2], strict=True))
    assert 80 < hu[k - 1 : k + 2, row - 2 : row + 3, column - 2 : column + 3].mean() < 150


def test_ct_shows_air_lung_fat_soft_tissue_bone_and_a_couch(tiny_patient: PhantomTruth) -> None:
    hu, _ = read_series(tiny_patient.folder / tiny_patient.studies[0]["dicom"] / "CT")
    counts, _ = np.histogram(hu, [-1100, -900, -700, -200, -60, 20, 90, 300, 4000])
    assert (counts > 500).all()
    empty = hu[:, 84:96]  # behind the patient there is nothing but the couch
    assert ((empty > -600) & (empty < -100)).any()


def test_fdg_phantom_has_a_bright_brain_and_no_grades(tiny_phantom: Phantoms) -> None:
    truth = tiny_phantom(tracer="fdg")
    study = truth.studies[0]
    values, sets = read_series(truth.folder / study["dicom"] / "PT")
    brain = truth.label_map(study["id"], "organs") == truth.record["organ_labels"]["brain"]
    assert (values[brain] * study["suv"]["factor"]).mean() > 5
    assert all(row["observations"][0]["krenning_acceptable"] is None for row in truth.lesions)
    codes = sets[0].RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalCodeSequence[0]
    assert codes.CodeValue == "35321007"


def test_truth_file_holds_what_the_call_returns(tiny_patient: PhantomTruth) -> None:
    stored = json.loads((tiny_patient.folder / "truth.json").read_text())
    assert stored["format"] == "lutetia-sim-truth/1"
    assert stored == json.loads(json.dumps(tiny_patient.record))


@pytest.mark.parametrize(
    "options", [{"variant": "two_heads"}, {"tracer": "water"}, {"size": "huge"}], ids=["variant", "tracer", "size"]
)
def test_what_does_not_exist_is_refused_with_the_list_of_what_does(options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        make_phantom(tmp_path, 1, **options)
    assert "one of" in caught.value.expected
    assert not any(tmp_path.iterdir())


def test_variants_are_eight_and_named() -> None:
    assert len(set(VARIANTS)) == len(VARIANTS) == 8


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error_in_what_we_write(tiny_phantom: Phantoms) -> None:
    for truth in (tiny_phantom(), tiny_phantom("contrast"), tiny_phantom(tracer="fdg")):
        for modality in ("PT", "CT"):
            file = min((truth.folder / truth.studies[0]["dicom"] / modality).glob("*.dcm"))
            said = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
            assert "Error" not in said.stderr, said.stderr
