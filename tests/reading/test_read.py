"""The corridor from end to end on a small synthetic patient."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

import lutetia
from lutetia.cli import app
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select
from lutetia.model import Course, InputError, Study, UsageError
from lutetia.phantom import PhantomTruth
from lutetia.reading.one_study import measure_key
from lutetia.reading.settings import ReadSettings
from lutetia.reading.why import as_text, load_course, why

FAST = {"report": False}


def copied(source: Path, target: Path, change: Callable[[pydicom.Dataset], None], modality: str = "PT") -> Path:
    """A copy of a DICOM tree in which every object of a modality was changed."""
    shutil.copytree(source, target)
    for path in sorted(target.rglob("*.dcm")):
        dataset = pydicom.dcmread(path)
        if dataset.Modality == modality:
            change(dataset)
            dataset.save_as(path)
    return target


@pytest.fixture(scope="module")
def result(tiny_patient: PhantomTruth, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Path]:
    out = tmp_path_factory.mktemp("reading") / "out"
    return lutetia.read(tiny_patient.dicom, out), out


def test_one_call_gives_suv_references_lesions_and_every_file(result: tuple[Course, Path]) -> None:
    course, out = result
    study = course.studies[0]
    assert study.suv is not None
    assert set(study.references) == {"liver", "spleen", "blood_pool"}
    assert any(x.status == "candidate" for x in course.lesions)
    for name in ("findings.json", "lesions.csv", "report.html", "report.pdf"):
        assert (out / name).stat().st_size > 500, name
    for name in ("lesions.nii.gz", "organs.nii.gz"):
        assert (out / study.id / name).is_file()


def test_the_suv_factor_is_the_true_one(result: tuple[Course, Path], tiny_patient: PhantomTruth) -> None:
    suv = result[0].studies[0].suv
    assert suv is not None
    assert suv.factor == pytest.approx(tiny_patient.record["studies"][0]["suv"]["factor"], rel=1e-6)


def test_findings_json_is_the_record_and_reads_back(result: tuple[Course, Path]) -> None:
    course, out = result
    assert load_course(out) == course


def test_every_label_of_a_lesion_is_in_the_label_map(result: tuple[Course, Path]) -> None:
    import nibabel as nib

    course, out = result
    labels = np.asarray(nib.load(out / course.studies[0].id / "lesions.nii.gz").dataobj)
    for lesion in course.lesions:
        for observation in lesion.observations:
            assert (labels == observation.label).any(), lesion.id


def test_a_lesion_above_liver_and_below_spleen_is_grade_3_and_says_how_far_from_the_cut(
    result: tuple[Course, Path],
) -> None:
    study = result[0].studies[0]
    liver, spleen = study.references["liver"].suv_mean, study.references["spleen"].suv_mean
    assert liver is not None
    for lesion in result[0].lesions:
        for o in lesion.observations:
            grade = o.krenning_modified
            if grade is None or grade.value != ("3",):
                continue
            assert o.suv_max > liver
            assert spleen is None or o.suv_max < spleen
            assert grade.margin is not None


def test_the_same_input_and_settings_give_identical_bytes(
    result: tuple[Course, Path], tiny_patient: PhantomTruth, tmp_path: Path
) -> None:
    lutetia.read(tiny_patient.dicom, tmp_path / "again", output=FAST)
    first, second = (result[1] / "findings.json").read_bytes(), (tmp_path / "again" / "findings.json").read_bytes()
    assert first == second


def test_an_unchanged_study_is_not_measured_again_and_force_measures_it(
    tiny_patient: PhantomTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = lutetia.read(tiny_patient.dicom, out, output=FAST)
    calls: list[int] = []
    import lutetia.reading.one_study as stage

    original = stage._measure

    def counted(*args: object) -> None:
        calls.append(1)
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "_measure", counted)
    again = lutetia.read(tiny_patient.dicom, out, output=FAST)
    assert calls == []
    assert again == first
    lutetia.read(tiny_patient.dicom, out, output=FAST, force=True)
    assert calls == [1]


def test_a_header_corrected_with_its_time_of_change_kept_is_another_input(
    tiny_patient: PhantomTruth, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(tiny_patient.dicom, folder)
    (before,) = select(scan(folder))
    key = measure_key(before, ReadSettings())
    assert key == measure_key(select(scan(folder))[0], ReadSettings())
    for image in before.pet.instances:  # type: ignore[union-attr]
        status = os.stat(image.path)
        data = pydicom.dcmread(image.path)
        data.PatientWeight = "99.9"[: len(str(data.PatientWeight))]
        data.save_as(image.path)
        assert os.stat(image.path).st_size == status.st_size
        os.utime(image.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    (after,) = select(scan(folder))
    assert measure_key(after, ReadSettings()) != key


def test_an_interrupted_run_leaves_the_old_result(
    tiny_patient: PhantomTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    lutetia.read(tiny_patient.dicom, out, output=FAST)
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    import lutetia.outputs.write as write

    def broken(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "lesions_csv", broken)
    with pytest.raises(KeyboardInterrupt):
        lutetia.read(tiny_patient.dicom, out, settings={"include_small": True}, output=FAST)
    after = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file() and ".stages" not in p.parts}
    assert after == {name: data for name, data in before.items() if ".stages" not in name.parts}


def test_a_missing_weight_is_refused_by_name_and_an_override_settles_it(
    tiny_patient: PhantomTruth, tmp_path: Path
) -> None:
    def no_weight(dataset: pydicom.Dataset) -> None:
        dataset.PatientWeight = None

    folder = copied(tiny_patient.dicom, tmp_path / "in", no_weight)
    course = lutetia.read(folder, tmp_path / "out", output=FAST)
    refusal = course.studies[0].suv_refusal
    assert refusal is not None
    assert "Weight" in refusal.element
    assert "--weight-kg" in refusal.override
    assert course.studies[0].suv is None
    assert course.lesions == ()
    weight = tiny_patient.record["patient"]["weight_kg"]
    settled = lutetia.read(folder, settings={"overrides": {"weight_kg": str(weight)}})
    assert settled.studies[0].suv is not None
    assert settled.studies[0].suv.overrides == {"--weight-kg": str(weight)}


def blanked(dataset: pydicom.Dataset) -> None:
    """Every stored value 0."""
    dataset.PixelData = bytes(len(dataset.PixelData))


def test_a_pet_whose_pixels_were_lost_is_refused_by_name(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    course = lutetia.read(copied(tiny_patient.dicom, tmp_path / "in", blanked), tmp_path / "out", output=FAST)
    refusal = course.studies[0].suv_refusal
    assert refusal is not None
    assert refusal.code == "pet-without-uptake"
    assert course.lesions == ()


def test_a_ct_that_shows_no_body_is_left_aside_and_the_pet_is_read_alone(
    tiny_patient: PhantomTruth, tmp_path: Path
) -> None:
    course = lutetia.read(copied(tiny_patient.dicom, tmp_path / "in", blanked, "CT"))
    assert "ct-shows-no-body" in {i.code for i in course.issues}
    assert course.studies[0].references["liver"].suv_mean is not None
    assert all(o.source == "embedded PET" for o in course.studies[0].organs)


def assert_not_measured(study: Study, why: str) -> None:
    """Every reference of the contract is there, without a value, and says why."""
    assert set(study.references) == {"liver", "spleen", "blood_pool"}
    for reference in study.references.values():
        assert (reference.status, reference.suv_mean, reference.centroid_mm) == ("caution", None, None)
        assert reference.reasons[0].startswith(why)
    assert not study.references_sought


def test_an_unknown_tracer_is_an_issue_and_the_option_settles_it(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    def no_tracer(dataset: pydicom.Dataset) -> None:
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        item.Radiopharmaceutical = ""
        for keyword in ("RadiopharmaceuticalCodeSequence",):
            if keyword in item:
                del item[keyword]
        dataset.SeriesDescription = dataset.ProtocolName = "PET AC"
        dataset.StudyDescription = ""

    folder = copied(tiny_patient.dicom, tmp_path / "in", no_tracer)
    course = lutetia.read(folder)
    assert course.studies[0].tracer == "unknown"
    assert "tracer-needed" in {i.code for i in course.issues}
    assert_not_measured(course.studies[0], "not measured: the tracer is unknown")
    named = lutetia.read(folder, settings={"tracer": "dotatate"})
    assert named.studies[0].tracer == "dotatate"
    assert named.studies[0].tracer_detail is not None
    assert named.studies[0].tracer_detail.origin == "override"


def test_the_tracer_is_known_where_the_pixels_can_not_be_read(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    def floating_point(dataset: pydicom.Dataset) -> None:
        del dataset.PixelData
        dataset.BitsAllocated = dataset.BitsStored = 32
        dataset.HighBit = 31
        dataset.FloatPixelData = bytes(4 * dataset.Rows * dataset.Columns)

    (study,) = lutetia.read(copied(tiny_patient.dicom, tmp_path / "in", floating_point)).studies
    assert study.suv_refusal is not None and study.suv_refusal.code == "unsupported-pixels"
    assert study.tracer == "dotatate"
    assert_not_measured(study, "not measured: SUV was refused")


def test_pet_without_ct_is_read(tiny_patient: PhantomTruth) -> None:
    course = lutetia.read(tiny_patient.dicom, settings={"use_ct": False})
    study = course.studies[0]
    assert study.references["liver"].suv_mean is None or study.references["liver"].suv_mean > 0
    assert study.references["blood_pool"].status != "ok"
    assert "PET" in study.anatomy_source
    assert study.modality == "PET"
    (ct,) = [note for note in course.not_used if note.modality == "CT"]
    assert ct.reason == "PET without CT was asked for (--ct none)"


def test_ct_without_pet_is_one_clear_message(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    shutil.copytree(tiny_patient.dicom, tmp_path / "in")
    for path in (tmp_path / "in").rglob("*.dcm"):
        if pydicom.dcmread(path, stop_before_pixels=True).Modality == "PT":
            path.unlink()
    with pytest.raises(InputError) as refused:
        lutetia.read(tmp_path / "in", tmp_path / "out")
    assert refused.value.code == "no-pet"
    assert not (tmp_path / "out" / "findings.json").exists()


def test_two_patients_in_one_tree_need_a_choice(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    def other(dataset: pydicom.Dataset) -> None:
        dataset.PatientID = "SOMEBODY-ELSE"
        dataset.PatientName = "Else^Somebody"

    folder = copied(tiny_patient.dicom, tmp_path / "b", other)
    copied(folder, tmp_path / "c", other, "CT")
    with pytest.raises(UsageError) as refused:
        lutetia.read([tiny_patient.dicom, tmp_path / "c"])
    assert refused.value.code == "several-patients"


def test_nothing_is_written_outside_the_result_folder(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    shutil.copytree(tiny_patient.dicom, tmp_path / "in")
    before = set(tmp_path.rglob("*"))
    lutetia.read(tmp_path / "in", tmp_path / "out", output=FAST)
    assert {p for p in tmp_path.rglob("*") if tmp_path / "out" not in (p, *p.parents)} == before


@pytest.mark.parametrize("place", ["result", "."])
def test_a_result_that_lies_in_the_input_is_no_input_of_the_next_run(
    tiny_patient: PhantomTruth, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(tiny_patient.dicom, folder)
    lutetia.read(folder, folder / place, output=FAST)
    first = (folder / place / "findings.json").read_bytes()
    lutetia.read(folder, folder / place, output=FAST)
    assert (folder / place / "findings.json").read_bytes() == first


def test_why_walks_from_the_grade_to_the_header(result: tuple[Course, Path]) -> None:
    name = next(x.id for x in result[0].lesions if x.observations[0].krenning_modified is not None)
    text = as_text(why(result[1], name))
    for word in ("Modified Krenning", "Reference: liver", "outline", "RadionuclideTotalDose", "PET series"):
        assert word in text
    assert "History, study-1: baseline: first study with this tracer" in text


def test_why_names_the_lesions_there_are_when_asked_for_another(result: tuple[Course, Path]) -> None:
    with pytest.raises(UsageError) as refused:
        why(result[1], "lesion-999")
    assert "lesion-1" in refused.value.expected


def test_the_verb_prints_a_summary_and_ends_with_0(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["read", str(tiny_patient.dicom), "--out", str(tmp_path / "o"), "--no-report"])
    assert done.exit_code == 0, done.output
    assert "liver" in done.output
    assert "findings.json" in done.output


def test_the_verb_prints_the_record_as_json(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    call = ["read", str(tiny_patient.dicom), "--out", str(tmp_path / "o"), "--no-report", "--json"]
    done = CliRunner().invoke(app, call)
    assert json.loads(done.stdout)["schema_version"]


def test_a_refused_suv_ends_the_verb_with_1(tiny_patient: PhantomTruth, tmp_path: Path) -> None:
    def other_units(dataset: pydicom.Dataset) -> None:
        dataset.Units = "PROPCPS"

    folder = copied(tiny_patient.dicom, tmp_path / "in", other_units)
    done = CliRunner().invoke(app, ["read", str(folder), "--out", str(tmp_path / "o"), "--no-report"])
    assert done.exit_code == 1
    assert "refused" in done.output
