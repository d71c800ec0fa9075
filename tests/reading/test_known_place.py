"""Uptake at the place of a lesion that another scan knows: the SSTR scan of the visit, or one of another visit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders.scans import aligned, scan
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.model import Grid, Visit
from lutetia.reading.course.known_place import outline_known_places
from lutetia.reading.study import StudyReading

GRID = Grid((50, 50, 50), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
NODE = (75.0, 75.0, 75.0)
Spot = tuple[tuple[float, float, float], float, float]


def ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    inside: np.ndarray = np.linalg.norm(POINTS - centre, axis=-1) <= radius
    return inside


def reading(records: Any, name: str, tracer: str, *spots: Spot, status: str = "candidate", **outline: Any) -> Any:
    """A scan with uptakes (centre, radius, SUV) on a surrounding of 0.6; one outline, unless its radius is 0."""
    suv, labels, found = np.full(GRID.shape, 0.6, np.float32), np.zeros(GRID.shape, np.int16), []
    for centre, radius, value in spots:
        suv[ball(centre, radius)] = value
    if outline:
        labels[ball(outline.get("centre", NODE), outline["radius"])] = 1
        volume = float((labels == 1).sum()) * GRID.voxel_ml
        seen = records.focus(name, 8.0, label=1, volume_ml=volume, max_position_mm=NODE, centroid_mm=NODE)
        fields = {"site": outline.get("site", "node"), "tissue": "lymph_node", "status": status}
        found.append(records.lesion("L1", observations=[seen], status_reason="as it was", **fields))
    return scan(records, name, tracer, f"2025-01-1{name[-1]}", GRID, suv, labels, *found)


def asked(sstr: StudyReading, fdg: StudyReading, status: str = "ok") -> None:
    visit = Visit(id="v1", studies=("s1", "s2"), first_date="2025-01-11")
    outline_known_places((sstr, fdg), (visit,), aligned(GRID, ("s1", "s2"), status), LesionSettings())


def known(records: Any) -> StudyReading:
    found: StudyReading = reading(records, "s1", "dotatate", (NODE, 8, 12.0), radius=8)
    return found


def test_faint_fdg_uptake_with_a_peak_of_its_own_in_a_known_lesion_is_that_lesion(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6))
    asked(known(records), fdg)
    (found,) = fdg.lesions
    assert found.status == "candidate" and "s1" in found.status_reason
    assert found.observations[0].study == "s2" and found.observations[0].suv_max == pytest.approx(2.6)
    assert found.observations[0].volume_ml == pytest.approx(ball(NODE, 8).sum() * 0.027, rel=0.25)
    assert (fdg.found.labels.array == found.observations[0].label).any()


def test_uptake_not_above_blood_pool_and_an_even_place_stay_without_a_focus(records: Any) -> None:
    for spots in ((), ((NODE, 8, 1.5),)):
        fdg = reading(records, "s2", "fdg", *spots)
        asked(known(records), fdg)
        assert not fdg.lesions


def test_what_was_set_apart_alone_becomes_the_lesion_when_it_is_this_very_uptake(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6), status="physiological", radius=8, site="vessels")
    asked(known(records), fdg)
    (found,) = fdg.lesions
    assert found.status == "candidate" and found.site == "node" and "as it was" in found.status_reason


def test_a_peak_inside_a_larger_uptake_that_was_set_apart_may_be_bowel(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6), status="physiological", radius=30, site="bowel")
    asked(known(records), fdg)
    assert [x.status for x in fdg.lesions] == ["physiological"]


def test_the_rim_of_an_uptake_whose_summit_lies_in_bowel_is_no_lesion(records: Any) -> None:
    summit, loop = (NODE[0] - 5, NODE[1], NODE[2]), (NODE[0] - 22, NODE[1], NODE[2])
    outline = {"status": "physiological", "radius": 20, "site": "bowel", "centre": loop}
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6), (summit, 3, 4.5), **outline)
    assert (fdg.found.labels.array[ball(NODE, 8)] == 0).mean() > 0.5
    asked(known(records), fdg)
    assert [x.status for x in fdg.lesions] == ["physiological"]


def test_a_focus_that_the_search_found_itself_is_left_alone(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6), radius=8)
    before = fdg.lesions
    asked(known(records), fdg)
    assert fdg.lesions == before


def test_nothing_is_outlined_through_an_alignment_in_doubt_or_for_an_uptake_set_apart_on_sstr(records: Any) -> None:
    fdg = reading(records, "s2", "fdg", (NODE, 8, 2.6))
    asked(known(records), fdg, "caution")
    asked(reading(records, "s1", "dotatate", (NODE, 8, 12.0), radius=8, status="physiological"), fdg)
    assert not fdg.lesions


def test_what_fdg_alone_shows_is_not_asked_of_sstr(records: Any) -> None:
    sstr, fdg = (
        reading(records, "s1", "dotatate", (NODE, 8, 4.0)),
        reading(records, "s2", "fdg", (NODE, 8, 6.0), radius=8),
    )
    asked(sstr, fdg)
    assert not sstr.lesions


def at_another_visit(known: StudyReading, *others: StudyReading) -> None:
    names = (known.study.id, *(r.study.id for r in others))
    visits = tuple(Visit(id=f"v{n}", studies=(name,), first_date=f"2025-0{n}-11") for n, name in enumerate(names, 1))
    outline_known_places((known, *others), visits, aligned(GRID, names), LesionSettings())


def test_a_faint_lesion_that_another_visit_shows_is_outlined_where_it_has_a_peak_of_its_own(records: Any) -> None:
    faint, gone = reading(records, "s2", "dotatate", (NODE, 8, 2.4)), reading(records, "s3", "dotatate")
    at_another_visit(known(records), faint, gone)
    (found,) = faint.lesions
    assert found.status == "candidate" and found.tissue == "lymph_node" and "s1" in found.status_reason
    assert not gone.lesions


def test_marrow_set_apart_alone_is_the_lesion_that_a_later_visit_shows(records: Any) -> None:
    before = reading(records, "s2", "dotatate", (NODE, 8, 2.4), status="physiological", radius=8, site="bone_marrow")
    at_another_visit(known(records), before)
    (found,) = before.lesions
    assert found.status == "candidate" and "as it was" in found.status_reason


def test_a_peak_inside_a_loop_of_bowel_is_not_the_lesion_that_another_visit_shows(records: Any) -> None:
    loop = reading(records, "s2", "dotatate", (NODE, 8, 2.4), status="physiological", radius=30, site="bowel")
    at_another_visit(known(records), loop)
    assert [x.status for x in loop.lesions] == ["physiological"]


def test_what_was_outlined_for_another_visit_is_no_witness_itself(records: Any) -> None:
    """The lesion of s1 is outlined in s2, whose outline would reach a peak beside it in s3; s1 does not."""
    beside = (NODE[0] + 18, NODE[1], NODE[2])
    faint = reading(records, "s2", "dotatate", (NODE, 8, 2.4), ((NODE[0] + 9, NODE[1], NODE[2]), 8, 2.4))
    third = reading(records, "s3", "dotatate", (beside, 6, 2.4))
    at_another_visit(known(records), faint, third)
    assert faint.lesions and not third.lesions
