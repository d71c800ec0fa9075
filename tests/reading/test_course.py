"""Several studies of one patient: the founding story as a made-up course, and what a reader corrects in it."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
import pytest
import yaml

import lutetia
from builders.records import record_of
from lutetia.model import Course, InputError, Lesion, UsageError
from lutetia.phantom import PhantomTruth

FAST = {"report": False}


pytestmark = pytest.mark.usefixtures("coarse_alignment")


@pytest.fixture(scope="module")
def course(captem_reading: tuple[Course, Path]) -> tuple[Course, Path]:
    return captem_reading


def by_study(lesion: Lesion) -> dict[str, float]:
    return {o.study: o.suv_max for o in lesion.observations}


def test_sstr_and_fdg_before_and_after_are_two_visits(course: tuple[Course, Path]) -> None:
    assert [len(v.studies) for v in course[0].visits] == [2, 2]
    assert [s.tracer for s in course[0].studies] == ["dotatate", "fdg", "dotatate", "fdg"]


def test_every_study_is_aligned_and_says_how_well(course: tuple[Course, Path]) -> None:
    assert {a.study for a in course[0].alignments} == {s.id for s in course[0].studies}
    assert all(a.bone_dice is not None for a in course[0].alignments)


def test_liver_uptake_that_was_at_or_below_liver_rises_above_it_after_chemotherapy(course: tuple[Course, Path]) -> None:
    """The founding case: Krenning at most 1 before, 3 after; told by values at the place, not by gaps."""
    record, _ = course
    first, last = record.studies[0], record.studies[2]
    liver = first.references["liver"].suv_mean
    assert liver is not None
    gained = []
    for lesion in record.lesions:
        if lesion.tissue != "liver" or last.id not in by_study(lesion):
            continue
        place = next((p for p in lesion.places if p.study == first.id), None)
        if place is not None and place.in_field and place.suv_mean is not None and place.suv_mean <= liver:
            gained.append(lesion.id)
    assert gained


def test_the_course_says_the_founding_story_and_the_node_that_went_the_other_way(course: tuple[Course, Path]) -> None:
    record = course[0]
    text = "\n".join(record.story)
    assert "rose above the liver" in text and "lost SSTR uptake" in text and "gained FDG" in text
    lost = next(e for e in record.events if e.code == "DE-2")
    assert lost.state == "raised" and lost.visit == record.visits[1].id and len(lost.lesions) == 1
    (node,) = (x for x in record.lesions if x.id == lost.lesions[0])
    assert node.tissue == "lymph_node"
    assert [v.visit for v in record.visit_scores] == [v.id for v in record.visits]
    assert {m.key for m in record.response} >= {"suv-max", "tumour-liver", "volume", "krenning-change"}


def test_a_lesion_keeps_its_identity_over_tracers_and_visits(course: tuple[Course, Path]) -> None:
    assert any(len(x.observations) >= 3 for x in course[0].lesions)


def test_pairs_are_given_by_both_definitions_and_the_scale_is_named(course: tuple[Course, Path]) -> None:
    pairs = [p for x in course[0].lesions for p in x.pairs]
    assert {p.definition for p in pairs} == {"background", "liver"}
    assert all("not validated" in p.scale for p in pairs)


def test_phenotype_volumes_carry_a_range(course: tuple[Course, Path]) -> None:
    assert course[0].phenotypes
    for record in course[0].phenotypes:
        for name, volume in record.volume_ml.items():
            assert record.low_ml[name] <= volume <= record.high_ml[name]


def test_studies_of_one_tracer_are_compared_check_by_check(course: tuple[Course, Path]) -> None:
    pairs = {(c.earlier, c.later) for c in course[0].comparability}
    assert pairs == {("study-1", "study-3"), ("study-2", "study-4")}
    assert all(len(c.checks) >= 6 for c in course[0].comparability)


def test_an_identity_set_by_the_reader_survives_a_re_run(
    captem: PhantomTruth, course: tuple[Course, Path], tmp_path: Path
) -> None:
    record, _ = course
    lesions = [x for x in record.lesions if x.status == "candidate" and x.observations]
    first = lesions[0]
    other = next(x for x in lesions if "study-3" in by_study(x) and x.id != first.id)
    seen = next(o for o in other.observations if o.study == "study-3")
    at = [float(v) for v in (seen.max_position_mm or seen.centroid_mm)]
    rejected = next(o for o in lesions[-1].observations)
    corrections = {
        "version": 1,
        "foci": [
            {"study": "study-3", "at_mm": at, "lesion": first.id, "by": "AB"},
            {
                "study": rejected.study,
                "at_mm": [float(v) for v in (rejected.max_position_mm or rejected.centroid_mm)],
                "status": "rejected",
                "by": "AB",
            },
        ],
        "added": [
            {"study": "study-1", "at_mm": [0.0, 0.0, 0.0], "diameter_mm": 15, "tissue": "soft", "by": "AB"},
        ],
    }
    out = again(course[1], tmp_path / "out", aligned=True)
    (out / "corrections.yaml").write_text(yaml.safe_dump(corrections))
    for _ in range(2):
        reread = lutetia.read(captem.dicom, out, output=FAST)
        kept = next(x for x in reread.lesions if x.id == first.id)
        assert any(o.study == "study-3" and abs(o.suv_max - seen.suv_max) < 1e-6 for o in kept.observations)
        assert any(x.status == "rejected" for x in reread.lesions)
        added = next(x for x in reread.lesions if x.corrected_by == "AB" and "added by AB" in x.status_reason)
        assert added.status == "confirmed"
        assert len(added.observations) + len(added.places) == 4


def test_a_bad_correction_names_its_field(captem: PhantomTruth, tmp_path: Path) -> None:
    path = tmp_path / "corrections.yaml"
    path.write_text("version: 1\nfoci: [{study: study-1, at_mm: [1, 2], by: AB}]\n")
    with pytest.raises(InputError) as refused:
        lutetia.read(captem.dicom, settings={"corrections": str(path)})
    assert refused.value.code == "bad-corrections"
    assert "at_mm" in refused.value.what


def test_visits_of_two_patients_stop_the_reading(captem: PhantomTruth, tiny_patient: PhantomTruth) -> None:
    with pytest.raises(UsageError) as refused:
        lutetia.read([captem.dicom, tiny_patient.dicom])
    assert refused.value.code == "several-patients"


def again(out: Path, to: Path, *, aligned: bool = False) -> Path:
    """A result folder that keeps the measured studies of an earlier reading, and its alignments on demand."""
    to.mkdir()
    ignore = None if aligned else shutil.ignore_patterns("align-*")
    shutil.copytree(out / ".stages", to / ".stages", ignore=ignore)
    return to


@cache
def tracking(path: Path) -> set[str]:
    """Every tracking UID of a SEG or an SR; each file is read once."""
    dataset = pydicom.dcmread(path)
    if "SegmentSequence" in dataset:
        return {str(s.TrackingUID) for s in dataset.SegmentSequence}
    items = [e.value for e in dataset.iterall() if e.keyword == "UID"]
    return {str(v) for v in items}


def test_seg_and_sr_of_every_visit_carry_the_tracking_uid_of_the_lesion(course: tuple[Course, Path]) -> None:
    record, out = course
    lesions = [x for x in record.lesions if x.status == "candidate" and len(x.observations) > 1]
    assert lesions
    assert len({x.tracking_uid for x in record.lesions}) == len(record.lesions)
    for lesion in lesions:
        for observation in lesion.observations:
            folder = out / observation.study
            assert lesion.tracking_uid in tracking(folder / "lesions.seg.dcm")
            assert lesion.tracking_uid in tracking(folder / "measurements.sr.dcm")


def test_the_evidence_of_a_match_names_overlap_distance_and_organ(course: tuple[Course, Path]) -> None:
    matched = [
        e.evidence for x in course[0].lesions for e in x.history if e.event in ("stable", "growing", "shrinking")
    ]
    assert any("overlap" in text and "mm apart" in text and "both" in text for text in matched)


def test_a_registration_that_fails_is_said_and_the_rest_is_read(
    captem: PhantomTruth, course: tuple[Course, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lutetia.reading.course import frames

    align, calls = frames.align, []

    def fails_once(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 3:
            raise RuntimeError("itk::ERROR:\nAll samples map outside moving image buffer")
        return align(*given)

    monkeypatch.setattr(frames, "align", fails_once)
    out = again(course[1], tmp_path / "out")
    record = record_of([captem.dicom], out, deformable=False)
    said = next(i for i in record.issues if i.code == "not-aligned")
    assert said.study == "study-4"
    assert "All samples map outside" in said.message and "ERROR" not in said.message
    assert {a.study for a in record.alignments} == {"study-1", "study-2", "study-3"}
    own = [x for x in record.lesions if any(o.study == "study-4" for o in x.observations) and x.status == "candidate"]
    assert own
    assert all(len(x.observations) == 1 for x in own)
    # what is asked at the place of a lesion of the other scan needs an alignment
    asked = "at the place of a lesion of"
    seen = [o for x in course[0].lesions for o in x.observations]
    before = {(o.study, o.label) for o in seen if o.study != "study-4" or asked not in o.mask_method}
    assert {(o.study, o.label) for x in record.lesions for o in x.observations} == before


def test_counts_that_nothing_calibrates_give_relative_measures_and_say_so(
    captem: PhantomTruth, course: tuple[Course, Path], tmp_path: Path
) -> None:
    dicom = tmp_path / "dicom"
    for name in ("S1_SSTR", "S3_SSTR"):
        shutil.copytree(captem.dicom / name, dicom / name)
    for path in (dicom / "S3_SSTR").rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        if dataset.Modality == "PT":
            dataset.Units = "CNTS"
            dataset.save_as(path)
    record = lutetia.read(dicom, settings={"deformable": False})
    assert any(i.code == "relative-measures-only" and i.study == "study-2" for i in record.issues)
    places = [p for x in record.lesions for p in x.places if p.study == "study-2"]
    assert any("its surroundings" in p.note and "liver" in p.note for p in places)
    assert all(p.suv_mean is None and p.suv_max is None for p in places)
    assert not any(e.event in ("resolved", "new") for x in record.lesions for e in x.history)


def test_fdg_without_an_sstr_partner_is_read_and_says_what_is_left_out(captem: PhantomTruth, tmp_path: Path) -> None:
    record = lutetia.read([captem.dicom / "S1_SSTR", captem.dicom / "S4_FDG"], settings={"deformable": False})
    assert any(i.code == "fdg-without-sstr" and i.study == "study-2" for i in record.issues)
    assert any(o.study == "study-2" for x in record.lesions for o in x.observations)
    assert not record.phenotypes


def test_a_lesion_given_by_hand_on_one_visit_is_followed_at_every_other(
    captem: PhantomTruth, course: tuple[Course, Path], tmp_path: Path
) -> None:
    record, out = course
    seen = next(o for x in record.lesions if x.status == "candidate" for o in x.observations if o.study == "study-3")
    at = [float(v) for v in seen.centroid_mm]
    given = {
        "study": "study-3",
        "at_mm": [at[0], at[1], at[2] + 60.0],
        "diameter_mm": 12,
        "tissue": "liver",
        "by": "AB",
    }
    folder = again(out, tmp_path / "out", aligned=True)
    (folder / "corrections.yaml").write_text(yaml.safe_dump({"version": 1, "added": [given]}))
    followed = lutetia.read(captem.dicom, folder, output=FAST)
    lesion = next(x for x in followed.lesions if "added by AB" in x.status_reason)
    assert lesion.status == "confirmed"
    assert [o.study for o in lesion.observations] == ["study-3"]
    assert {e.study for e in lesion.history} == {s.id for s in followed.studies}
    assert {p.study for p in lesion.places if p.in_field and p.suv_mean is not None} == {
        "study-1",
        "study-2",
        "study-4",
    }
    assert lesion.tracking_uid in tracking(folder / "study-3" / "lesions.seg.dcm")
