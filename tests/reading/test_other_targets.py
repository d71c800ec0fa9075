"""Targets beside the somatostatin receptor, read from images: MIBG, exendin and DOPA in one course with SSTR and FDG.

The images are those of the made-up course, relabelled: what is written as MIBG shows what SSTR shows after therapy.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
import yaml

from builders.records import record_of
from lutetia.model import Course, Coverage
from lutetia.phantom import PhantomTruth

SECONDS = {"124I": 360806.0, "68Ga": 4062.6, "18F": 6586.2}
pytestmark = pytest.mark.usefixtures("coarse_alignment")
NUCLIDES = {"124I": "I-124", "68Ga": "Ga-68", "18F": "F-18"}


def relabelled(source: Path, target: Path, name: str, nuclide: str, day: str, suffix: str) -> None:
    """A study of another tracer: its name, its radionuclide, another date and its own identifiers."""
    shutil.copytree(source, target)
    for path in target.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        away = datetime.strptime(day, "%Y%m%d") - datetime.strptime(dataset.StudyDate, "%Y%m%d")
        for item in dataset.get("RadiopharmaceuticalInformationSequence", []):
            item.Radiopharmaceutical = f"{NUCLIDES[nuclide]} {name}"
            item.RadionuclideHalfLife = SECONDS[nuclide]
            item.pop("RadionuclideCodeSequence", None)
            item.pop("RadiopharmaceuticalCodeSequence", None)
        for word in ("SeriesDescription", "StudyDescription"):
            dataset[word].value = "whole body" if word in dataset else ""
        for place in (dataset, *dataset.get("RadiopharmaceuticalInformationSequence", [])):
            for element in place:
                if element.VR in ("DA", "DT") and len(text := str(element.value)) >= 8:
                    element.value = (datetime.strptime(text[:8], "%Y%m%d") + away).strftime("%Y%m%d") + text[8:]
        for uid in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            dataset[uid].value += suffix
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(path)


@pytest.fixture(scope="module")
def read(
    captem: PhantomTruth, captem_reading: tuple[Course, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Course, list[Path], Path]:
    others, out = tmp_path_factory.mktemp("targets"), tmp_path_factory.mktemp("reading")
    first = datetime.strptime(str(captem.studies[0]["date"]), "%Y%m%d")
    for n, (source, name, nuclide) in enumerate(
        (("S3_SSTR", "MIBG", "124I"), ("S3_SSTR", "NODAGA-exendin-4", "68Ga"), ("S4_FDG", "fluorodopa", "18F")), 1
    ):
        day = (first + timedelta(days=5 + 2 * n)).strftime("%Y%m%d")
        relabelled(captem.dicom / source, others / name, name, nuclide, day, f".{n}")
    for study in ("study-1", "study-2"):  # SSTR and FDG of the first visit were measured already
        for stage in (captem_reading[1] / ".stages").glob(f"measure-{study}*"):
            shutil.copytree(stage, out / ".stages" / stage.name)
    paths = [captem.dicom / "S1_SSTR", captem.dicom / "S2_FDG", others]
    return record_of(paths, out, deformable=False), paths, out


def column(record: Coverage, key: str) -> Any:
    return next(c for c in record.columns if c.target == key)


def test_every_tracer_is_known_read_and_stands_in_the_visit(read: tuple[Course, list[Path], Path]) -> None:
    course = read[0]
    assert [s.tracer for s in course.studies] == ["dotatate", "fdg", "i124-mibg", "exendin", "fdopa"]
    assert len(course.visits) == 1
    assert all(s.suv is not None for s in course.studies)


def test_coverage_is_measured_by_lesion_and_by_volume(read: tuple[Course, list[Path], Path]) -> None:
    (record,) = read[0].coverage
    assert [c.target for c in record.columns] == ["sstr", "fdg", "mibg", "glp1r", "dopa"]
    assert record.targets_joined == ("sstr", "mibg")
    mibg = column(record, "mibg")
    assert mibg.origin == "measured" and mibg.reached > 0 and 0 < mibg.share_of_volume <= 1
    rows = {row.lesion: row for row in record.lesions}
    for lesion in read[0].lesions:
        if lesion.id in rows and lesion.observation_in("study-3") is not None:
            assert rows[lesion.id].by_target["mibg"] == "reached"
    assert set(record.union) == {n for n, r in rows.items() if "reached" in (r.by_target["sstr"], r.by_target["mibg"])}
    assert record.volume_ml["union"] == pytest.approx(sum(rows[n].volume_ml or 0 for n in record.union), abs=0.01)


def test_liver_lesions_below_liver_on_sstr_are_reached_by_mibg_alone(read: tuple[Course, list[Path], Path]) -> None:
    (record,) = read[0].coverage
    tissue = {x.id: x.tissue for x in read[0].lesions}
    assert any(tissue[n] == "liver" for n in record.only["mibg"])
    assert record.volume_ml["only mibg"] > 0


def test_what_neither_reaches_is_named_and_counted(read: tuple[Course, list[Path], Path]) -> None:
    (record,) = read[0].coverage
    rows = {row.lesion: row for row in record.lesions}
    for name in record.neither:
        assert {rows[name].by_target[key] for key in ("sstr", "mibg")} == {"not reached"}
    assert f"{len(record.neither)} of {len(rows)} lesions show neither uptake" in record.note


def test_other_targets_are_columns_outside_the_union_with_their_rule_or_none(
    read: tuple[Course, list[Path], Path],
) -> None:
    (record,) = read[0].coverage
    for key in ("glp1r", "dopa"):
        assert "no published positivity rule" in column(record, key).positivity
        assert key not in record.only
    assert (
        "modified Krenning" in column(record, "sstr").positivity
        and "No liver scale" in column(record, "mibg").positivity
    )


def test_no_grade_of_the_somatostatin_scale_is_given_to_another_target(read: tuple[Course, list[Path], Path]) -> None:
    for lesion in read[0].lesions:
        for seen in lesion.observations:
            if seen.study in ("study-3", "study-4", "study-5"):
                assert seen.krenning_modified is None


def test_what_the_reader_says_of_mibg_stands_before_the_image(
    read: tuple[Course, list[Path], Path], tmp_path: Path
) -> None:
    course, paths, out = read
    name = next(n for n in course.coverage[0].only["mibg"])
    case = tmp_path / "case.yaml"
    case.write_text(yaml.safe_dump({"case": "1.0", "lesions": [{"id": name, "mibg": "negative"}]}))
    again = record_of(paths, out, deformable=False, case=str(case))
    (record,) = again.coverage
    assert name in record.neither
    assert column(record, "mibg").origin == "mixed"
