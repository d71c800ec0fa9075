"""What the other scan of a visit says of an uptake: bowel that both show, a gland on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from builders.scans import aligned, scan
from lutetia.imaging.lesions.evidence import Evidence
from lutetia.imaging.lesions.expectation import Needed
from lutetia.model import Grid, Visit
from lutetia.reading.course.other_scan import heed_other_scan
from lutetia.reading.study import StudyReading

GRID = Grid((40, 40, 40), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
WEIGHED = Evidence(11.4, Needed(10.5), ("round",), ()).text
LOOP = (slice(18, 21), slice(18, 22), slice(4, 36))
ON_LOOP = (slice(18, 22), slice(17, 22), slice(10, 15))
Box = tuple[slice, slice, slice]


def reading(records: Any, name: str, tracer: str, *lesions: tuple[Box, dict[str, Any]]) -> StudyReading:
    labels, found = np.zeros(GRID.shape, np.int16), []
    for number, (box, fields) in enumerate(lesions, 1):
        labels[box] = number
        volume = float((labels == number).sum()) * GRID.voxel_ml
        seen = records.focus(name, 8.0, label=number, volume_ml=volume)
        found.append(records.lesion(f"L{number}", **{"region": "other", "observations": [seen], **fields}))
    return scan(records, name, tracer, f"2025-01-1{name[-1]}", GRID, np.ones(GRID.shape, np.float32), labels, *found)


def heeded(sstr: StudyReading, fdg: StudyReading, status: str = "ok") -> None:
    visit = Visit(id="v1", studies=("s1", "s2"), first_date="2025-01-11")
    heed_other_scan((sstr, fdg), (visit,), aligned(GRID, ("s1", "s2"), status))


def node(**more: Any) -> dict[str, Any]:
    return {"site": "node mesenteric", "tissue": "lymph_node", "status_reason": WEIGHED, **more}


BOWEL: dict[str, Any] = {"site": "bowel", "tissue": "other", "status": "physiological"}


def test_an_uptake_on_a_loop_that_the_other_scan_shows_is_bowel(records: Any) -> None:
    sstr = reading(records, "s1", "dotatate", (ON_LOOP, node()))
    heeded(sstr, reading(records, "s2", "fdg", (LOOP, BOWEL)))
    (found,) = sstr.lesions
    assert found.status == "physiological" and found.site == "bowel"
    assert "s2" in found.status_reason and WEIGHED in found.status_reason


def test_it_holds_for_fdg_by_sstr_too_and_not_through_a_poor_alignment(records: Any) -> None:
    for status, expected in (("ok", "physiological"), ("poor", "candidate")):
        fdg = reading(records, "s2", "fdg", (ON_LOOP, node()))
        heeded(reading(records, "s1", "dotatate", (LOOP, BOWEL)), fdg, status)
        assert fdg.lesions[0].status == expected


def test_a_mass_that_the_other_scan_mistook_for_bowel_stays_a_candidate(records: Any) -> None:
    """Hot on both tracers and nowhere else: no loop runs on beyond it."""
    sstr = reading(records, "s1", "dotatate", (ON_LOOP, node()))
    heeded(sstr, reading(records, "s2", "fdg", (ON_LOOP, BOWEL)))
    assert sstr.lesions[0].status == "candidate"


def test_a_small_focus_in_a_loop_may_be_the_primary_in_its_wall(records: Any) -> None:
    small = (slice(18, 21), slice(18, 21), slice(10, 13))
    sstr = reading(records, "s1", "dotatate", (small, node()))
    heeded(sstr, reading(records, "s2", "fdg", (LOOP, BOWEL)))
    assert sstr.lesions[0].status == "candidate"


def test_bone_liver_and_what_was_never_taken_for_bowel_are_left_alone(records: Any) -> None:
    for fields in (node(tissue="bone"), node(tissue="liver"), node(status_reason="in bone")):
        sstr = reading(records, "s1", "dotatate", (ON_LOOP, fields))
        heeded(sstr, reading(records, "s2", "fdg", (LOOP, BOWEL)))
        assert sstr.lesions[0].status == "candidate"


def test_nothing_on_the_other_tracer_is_no_argument(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (ON_LOOP, node()))
    heeded(reading(records, "s1", "dotatate"), fdg)
    assert fdg.lesions[0].status == "candidate"


def test_an_uptake_of_the_neck_in_a_gland_of_the_other_scan_is_that_gland(records: Any) -> None:
    gland = {"site": "salivary glands", "tissue": "other", "status": "physiological"}
    fdg = reading(records, "s2", "fdg", (ON_LOOP, node(site="node cervical", status_reason="")))
    heeded(reading(records, "s1", "dotatate", (ON_LOOP, gland)), fdg)
    assert (fdg.lesions[0].status, fdg.lesions[0].site) == ("physiological", "salivary glands")
