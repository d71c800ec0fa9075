"""What the SSTR scan of a visit knows of the organs serves the FDG scan of the same visit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.lesions import LesionResult
from lutetia.imaging.registration import AlignmentQuality, identity_alignment
from lutetia.model import Acquisition, Grid, OrganRecord, Reference, Study, Tracer, Visit, Volume
from lutetia.reading import again
from lutetia.reading.course import partner
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.partner import read_with_partners, with_organs
from lutetia.reading.settings import ReadSettings
from lutetia.reading.study import StudyReading, lesion_stage

GRID = Grid((40, 40, 40), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
LIVER, SPLEEN = (slice(10, 28), slice(8, 30), slice(4, 18)), (slice(14, 22), slice(14, 22), slice(30, 36))
KIDNEY = (slice(6, 12), slice(24, 30), slice(28, 34))
Boxes = dict[str, tuple[slice, ...]]
SSTR_ORGANS: Boxes = {"liver": LIVER, "spleen": SPLEEN, "kidney_left": KIDNEY}


def moved(box: tuple[slice, ...], by: int) -> tuple[slice, ...]:
    return (slice(box[0].start + by, box[0].stop + by), *box[1:])


def reading(records: Any, name: str, tracer: str, organs: Boxes, **status: str) -> StudyReading:
    """A study with boxes for organs; `liver="caution"` and the like give its references' status."""
    made = Study.model_validate(records.study(name, tracer, f"2025-01-1{name[-1]}"))
    labels = np.full(GRID.shape, LABELS["body"], np.uint8)
    for organ, box in organs.items():
        labels[box] = LABELS[organ]
    found = tuple(OrganRecord(name=o, label=LABELS[o], source="embedded CT+PET", status="ok") for o in organs)
    references = {n: Reference(name=n, status=status.get(n, "ok"), suv_mean=2.0) for n in ("liver", "spleen")}  # type: ignore[arg-type]
    lesions = LesionResult(
        Volume(np.zeros(GRID.shape, np.int16), GRID, "label"), (), (), None, None, frozenset(), (), "drawn"
    )
    return StudyReading(
        made.model_copy(update={"references": references}),
        selection=None,  # type: ignore[arg-type]
        tracer=Tracer.model_validate(made.tracer_detail),
        suv=Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw"),
        anatomy=Anatomy(Volume(labels, GRID, "label"), found, "embedded CT+PET"),
        found=lesions,
    )


def carried(
    monkeypatch: pytest.MonkeyPatch, sstr: StudyReading, fdg: StudyReading, status: str = "ok", **settings: Any
) -> dict[str, Any]:
    """Organs that were carried to the FDG scan, with their masks there."""
    seen: dict[str, Any] = {}

    def note(reading: StudyReading, s: Any, change: Any, organs: dict[str, Any], *rest: Any) -> None:
        seen.update(organs)
        reading.anatomy = change(reading.anatomy)

    monkeypatch.setattr(partner, "measure_again", note)
    own = identity_alignment(GRID)
    aligned = replace(own, quality=AlignmentQuality(status))  # type: ignore[arg-type]
    frames = Frames(sstr.study.id, {sstr.study.id: own, fdg.study.id: aligned}, (), ())
    visits = (Visit(id="v1", studies=(sstr.study.id, fdg.study.id), first_date="2025-01-11"),)
    read_with_partners((sstr, fdg), visits, frames, ReadSettings(**settings))
    return seen


def test_a_spleen_outlined_elsewhere_on_fdg_is_that_of_the_sstr_scan(
    records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sstr = reading(records, "s1", "dotatate", SSTR_ORGANS)
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS | {"spleen": moved(SPLEEN, 10)})
    found = carried(monkeypatch, sstr, fdg)
    assert set(found) == {"spleen"}
    assert fdg.anatomy is not None and sstr.anatomy is not None
    assert np.array_equal(fdg.anatomy.mask("spleen"), sstr.anatomy.mask("spleen"))
    record = fdg.anatomy.organ("spleen")
    assert record is not None and "s1" in record.source and record.centroid_mm is not None


def test_organs_that_agree_stay_as_the_fdg_scan_has_them(records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS | {"spleen": moved(SPLEEN, 1)})
    assert carried(monkeypatch, reading(records, "s1", "dotatate", SSTR_ORGANS), fdg) == {}


def test_a_doubted_fdg_liver_is_measured_in_the_liver_of_the_sstr_scan(
    records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sstr, fdg = (reading(records, *a, SSTR_ORGANS) for a in (("s1", "dotatate"), ("s2", "fdg")))
    assert carried(monkeypatch, sstr, fdg) == {}
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS, liver="caution")
    assert set(carried(monkeypatch, sstr, fdg)) == {"liver"}


def test_nothing_is_carried_that_is_cut_doubted_or_badly_aligned(records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS | {"spleen": moved(SPLEEN, 10)})
    sstr = reading(records, "s1", "dotatate", SSTR_ORGANS)
    assert carried(monkeypatch, sstr, fdg, status="poor") == {}
    assert carried(monkeypatch, sstr, fdg, references={"liver": "1,2,3,15"}) == {}
    cut = reading(records, "s1", "dotatate", SSTR_ORGANS | {"spleen": (slice(0, 9), *SPLEEN[1:])})
    assert carried(monkeypatch, cut, fdg) == {}
    assert sstr.anatomy is not None
    doubted = tuple(o.model_copy(update={"status": "caution"}) for o in sstr.anatomy.organs)
    sstr.anatomy = replace(sstr.anatomy, organs=doubted)
    assert carried(monkeypatch, sstr, fdg) == {}


def test_only_references_of_changed_organs_change_and_issues_are_not_said_twice(
    records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS)
    new = {n: Reference(name=n, status="ok", suv_mean=9.0) for n in ("liver", "spleen")}  # type: ignore[arg-type]
    asked: list[dict[str, Reference]] = []

    def search(r: StudyReading, references: dict[str, Reference], *rest: Any) -> None:
        asked.append(references)

    monkeypatch.setattr(again, "reference_stage", lambda *a: new)
    monkeypatch.setattr(again, "lesion_stage", search)
    assert fdg.anatomy is not None
    organ = {"spleen": fdg.anatomy.mask("spleen")}
    again.measure_again(fdg, ReadSettings(), lambda a: with_organs(a, organ, "s1"), organ)
    assert fdg.study.references["spleen"].suv_mean == 9.0 and fdg.study.references["liver"].suv_mean == 2.0
    assert asked == [dict(fdg.study.references)]


@pytest.mark.parametrize(
    ("recorded", "by_hand", "handed"), [("M", None, "M"), ("O", None, "O"), (None, None, None), ("M", "f", "F")]
)
def test_the_search_knows_the_patients_sex_also_when_a_study_is_read_again(
    records: Any, monkeypatch: pytest.MonkeyPatch, recorded: str | None, by_hand: str | None, handed: str | None
) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS)
    fdg.study = fdg.study.model_copy(update={"acquisition": Acquisition(sex=recorded)})
    settings = ReadSettings(overrides={"sex": by_hand} if by_hand else {})
    seen: list[str | None] = []

    def find(*_: Any, sex: str | None, **__: Any) -> LesionResult:
        seen.append(sex)
        assert fdg.found is not None
        return fdg.found

    monkeypatch.setattr("lutetia.imaging.lesions.find_lesions", find)
    monkeypatch.setattr(again, "reference_stage", lambda *a: {})
    lesion_stage(fdg, {}, settings)
    again.measure_again(fdg, settings, lambda a: a, ())
    assert seen == [handed, handed]


def test_known_tumour_colder_than_liver_is_no_liver_for_the_search(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS)
    assert fdg.suv is not None and fdg.anatomy is not None
    fdg.suv.array[LIVER] = 2.0
    fdg.suv.array[12:16, 10:14, 6:10] = 1.2
    tumour = np.zeros(GRID.shape, bool)
    tumour[12:18, 10:14, 6:10] = True
    without = again.without_cold_tumour(fdg, dict(fdg.study.references), tumour)
    gone = fdg.anatomy.mask("liver") & ~without.mask("liver")
    assert gone.sum() == 4 * 4 * 4


def carried_spleen(
    records: Any, monkeypatch: pytest.MonkeyPatch, box: tuple[slice, ...], displaced: int = 0
) -> tuple[str, ...]:
    """What is doubted of a spleen of 3 in surroundings of 1 that the FDG scan did not find."""
    sstr = reading(records, "s1", "dotatate", SSTR_ORGANS | {"spleen": box})
    fdg = reading(records, "s2", "fdg", {"liver": LIVER, "kidney_left": KIDNEY})
    assert fdg.suv is not None
    fdg.suv.array[moved(box, displaced)] = 3.0
    assert "spleen" in carried(monkeypatch, sstr, fdg)
    assert fdg.anatomy is not None
    return fdg.anatomy.concerns["spleen"]


def test_the_value_of_a_carried_spleen_is_sure_where_breathing_does_not_change_it(
    records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thick = (slice(12, 26), slice(10, 24), slice(24, 38))
    assert carried_spleen(records, monkeypatch, thick) == ()


def test_a_carried_spleen_of_a_few_millilitres_stays_a_caution(records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small = (slice(14, 20), slice(14, 18), slice(30, 34))
    (doubt,) = carried_spleen(records, monkeypatch, small)
    assert "s1 carried over" in doubt and "%" in doubt


def test_a_carried_outline_that_lies_beside_the_spleen_is_a_caution(
    records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thick = (slice(12, 26), slice(10, 24), slice(24, 38))
    assert carried_spleen(records, monkeypatch, thick, displaced=6)


def test_a_liver_carried_over_brings_no_doubt_of_its_own(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", SSTR_ORGANS)
    assert fdg.anatomy is not None
    assert not with_organs(fdg.anatomy, {"liver": fdg.anatomy.mask("liver")}, "s1").concerns.get("liver")
