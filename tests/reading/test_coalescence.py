"""Metastases that grow until they touch are followed one by one, as RECIST asks of lesions that coalesce."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders.scans import aligned, scan
from lutetia.imaging.lesions.observed import observed
from lutetia.model import Grid, Lesion, Visit, Volume
from lutetia.reading.course.confluent import gather_confluent
from lutetia.reading.course.history import history_of
from lutetia.reading.course.identity import COALESCED, Identified, identify
from lutetia.reading.study import StudyReading

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
Ball = tuple[float, float, float, float]
#: three metastases, then grown until they touch
APART: tuple[Ball, ...] = ((33, 60, 60, 9), (60, 60, 60, 9), (87, 60, 60, 9))
TOUCHING: tuple[Ball, ...] = tuple((x, y, z, 14.5) for x, y, z, _ in APART)


def depth(ball: Ball) -> np.ndarray:
    """0 outside a ball, up to 1 in its centre."""
    inside: np.ndarray = np.clip(1 - np.linalg.norm(POINTS - ball[:3], axis=-1) / ball[3], 0, 1)
    return inside


def liver(
    records: Any, name: str, *foci: tuple[Ball, ...], even: bool = False, confluent: int | None = None, **more: Any
) -> StudyReading:
    """A scan of a liver of 1: hottest (10) in the middle of each ball, 4 at its border; `even`: 10 throughout.

    Each of the `foci` is one outline. `tracer`, and the `tissue` of single outlines by number, may differ.
    """
    suv, labels = np.ones(GRID.shape, np.float32), np.zeros(GRID.shape, np.int16)
    for number, balls in enumerate(foci, 1):
        for ball in balls:
            deep = depth(ball)
            suv = np.where(deep > 0, np.maximum(suv, 10 if even else 4 + 6 * deep), suv).astype(np.float32)
            labels[(deep > 0) & (labels == 0)] = number
    volume, found = Volume(suv, GRID, "SUVbw"), []
    for number in range(1, len(foci) + 1):
        seen = observed(volume, np.argwhere(labels == number), name, number, method="drawn", background=1.0)
        tissue = more.get("tissue", {}).get(number, "liver")
        lesion: Lesion = records.lesion(
            f"L{number}", observations=[seen], confluent=number == confluent, tissue=tissue, site=tissue
        )
        found.append(lesion)
    return scan(records, name, more.get("tracer", "dotatate"), f"2025-0{name[-1]}-10", GRID, suv, labels, *found)


def followed(*readings: StudyReading, status: str = "ok") -> tuple[list[Identified], dict[str, set[int]]]:
    """The lesions of the course, and the numbers of those that each study shows; one visit a study."""
    names = [r.study.id for r in readings]
    visits = [Visit(id=f"v{n}", studies=(n,), first_date=f"2025-0{n[-1]}-01") for n in names]
    frames = aligned(GRID, names, status)
    found = identify(readings, visits, frames, same=gather_confluent(readings, visits, frames))
    return found, {n: {i.number for i in found if n in i.members} for n in names}


def seen_in(study: str, found: list[Identified]) -> list[Any]:
    return [i.members[study].observations[0] for i in found if study in i.members]


def test_metastases_that_have_grown_to_touch_stay_lesions_of_their_own_where_a_valley_divides_them(
    records: Any,
) -> None:
    before = liver(records, "s1", *((b,) for b in APART))
    after = liver(records, "s2", TOUCHING, confluent=1)
    whole = after.lesions[0].observations[0].volume_ml
    found, shown = followed(before, after)
    assert shown["s1"] == shown["s2"] and len(found) == 3
    parts = seen_in("s2", found)
    assert sum(p.volume_ml for p in parts) == pytest.approx(whole)
    for lesion in found:
        then, now = (lesion.members[s].observations[0] for s in ("s1", "s2"))
        assert np.linalg.norm(np.subtract(then.centroid_mm, now.centroid_mm)) < 3
        assert f"part of a mass of {whole:.1f} mL, divided at its valleys" in now.mask_method
        assert COALESCED not in now.flags and not lesion.members["s2"].confluent


def test_lesions_that_no_valley_divides_any_more_have_merged_and_can_still_be_followed(records: Any) -> None:
    before = liver(records, "s1", *((b,) for b in APART))
    after = liver(records, "s2", TOUCHING, confluent=1, even=True)
    found, shown = followed(before, after)
    assert shown["s1"] == shown["s2"] and len(found) == 3
    assert all(
        COALESCED in seen.flags and "where their outlines lay" in seen.mask_method for seen in seen_in("s2", found)
    )
    visits = [Visit(id=f"v{n}", studies=(f"s{n}",), first_date=f"2025-0{n}-01") for n in (1, 2)]
    for lesion in found:
        events = history_of(lesion, {}, (before, after), visits, aligned(GRID, ("s1", "s2")))
        assert [e.event for e in events] == ["baseline", "merged"]


def test_a_new_metastasis_that_touches_the_others_is_a_lesion_of_its_own(records: Any) -> None:
    before = liver(records, "s1", (APART[0],), (APART[1],))
    after = liver(records, "s2", TOUCHING, confluent=1)
    found, shown = followed(before, after)
    assert len(shown["s1"]) == 2 and len(shown["s2"]) == 3
    (new,) = (i for i in found if "s1" not in i.members)
    assert new.members["s2"].observations[0].centroid_mm[0] == pytest.approx(87, abs=3)


def test_the_slope_of_a_metastasis_beside_the_mass_is_no_new_lesion(records: Any) -> None:
    small, grown, with_its_slope = (60, 97, 60, 5), (60, 97, 60, 9), (60, 97, 60, 14)
    before = liver(records, "s1", *((b,) for b in APART), (small,))
    after = liver(records, "s2", (grown,), (*TOUCHING, with_its_slope), confluent=2)
    _, shown = followed(before, after)
    assert len(shown["s1"]) == 4 and shown["s2"] == shown["s1"]


def test_a_nodule_below_half_a_millilitre_is_lost_in_the_mass_that_took_it_in(records: Any) -> None:
    tiny: Ball = (60, 60, 60, 4.2)
    before = liver(records, "s1", (APART[0],), (tiny,), (APART[2],))
    after = liver(records, "s2", ((33, 60, 60, 24), tiny, (87, 60, 60, 24)), confluent=1, even=True)
    assert sum(x.observations[0].volume_ml < 0.5 for x in before.lesions) == 1
    found, shown = followed(before, after)
    assert len(shown["s1"]) == 3 and len(shown["s2"]) >= 2
    small = next(i for i in found if i.members["s1"].observations[0].volume_ml < 0.5)
    assert "s2" not in small.members


def test_a_mass_that_was_one_lesion_before_stays_one(records: Any) -> None:
    found, _ = followed(liver(records, "s1", APART, confluent=1), liver(records, "s2", TOUCHING, confluent=1))
    assert len(found) == 1


@pytest.mark.parametrize(("tracer", "status"), [("fdg", "ok"), ("dotatate", "poor")])
def test_neither_another_tracer_nor_a_poor_alignment_parts_a_mass(records: Any, tracer: str, status: str) -> None:
    before = liver(records, "s1", *((b,) for b in APART), tracer=tracer)
    after = liver(records, "s2", TOUCHING, confluent=1)
    followed(before, after, status=status)
    assert len(after.lesions) == 1


def test_the_dome_of_a_liver_mass_that_breathing_puts_into_the_lung_is_part_of_its_lesion(records: Any) -> None:
    before = liver(records, "s1", *((b,) for b in APART))
    grown = (*TOUCHING[:2], (87, 60, 56, 14.5))
    rim: Ball = (87, 60, 63, 14.5)
    after = liver(records, "s2", grown, (rim,), confluent=1, even=True, tissue={2: "lung"})
    found, shown = followed(before, after)
    assert shown["s1"] == shown["s2"] and all(i.members["s2"].tissue == "liver" for i in found)
