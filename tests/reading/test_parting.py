"""A lesion that came apart or together, told from the images where the parts are no foci of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutetia.imaging.matching import Focus, thinned
from lutetia.imaging.registration import Alignment, AlignmentQuality, identity_alignment
from lutetia.imaging.tracking import Track
from lutetia.model import Grid, Study, Volume
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import Identified
from lutetia.reading.course.parting import Parting, parting
from lutetia.reading.study import StudyReading

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
WHOLE = ((51, 58, 58, 9, 8), (65, 58, 58, 8, 8))
PARTS = ((43, 58, 58, 6, 8), (73, 58, 58, 6, 8))


def study(name: str, *balls: tuple[float, float, float, float, float], seed: int = 1) -> StudyReading:
    """A PET with balls of (x, y, z, radius, SUV) on a background of 1."""
    suv = 1.0 + np.random.default_rng(seed).normal(0, 0.25, GRID.shape)
    for x, y, z, radius, value in balls:
        suv += value / (1 + np.exp((np.linalg.norm(POINTS - (x, y, z), axis=-1) - radius) / 1.5))
    record = Study(id=name, study_instance_uid=f"1.2.{name[-1]}", date="2024-01-01", tracer="dotatate")
    volume = Volume(suv.astype(np.float32), GRID, "SUVbw")
    return StudyReading(study=record, selection=None, suv=volume)  # type: ignore[arg-type]


def outlined(x: float, radius: float) -> Focus:
    own = POINTS[np.linalg.norm(POINTS - (x, 58, 58), axis=-1) <= radius]
    return Focus("focus", thinned(own), len(own) * 0.027, "liver")


def asked(
    earlier: StudyReading, later: StudyReading, status: str = "ok", then: Focus | None = None, now: Focus | None = None
) -> Parting | None:
    """Ask about a lesion outlined `then`, `now` or both."""
    own: Alignment = identity_alignment(GRID)
    aligned = replace(own, quality=AlignmentQuality(status))  # type: ignore[arg-type]
    frames = Frames("study-1", {"study-1": own, "study-2": aligned}, (), ())
    shapes = {"study-1": then, "study-2": now}
    track = Track(1, shapes={k: v for k, v in shapes.items() if v is not None})
    return parting(Identified(track, {}), later, earlier, frames)


def test_a_whole_of_which_one_part_only_was_outlined_is_a_split() -> None:
    found = asked(study("study-1", *WHOLE), study("study-2", *PARTS, seed=2), now=outlined(43, 6))
    assert found is not None
    assert found.relation == "split"
    assert "mL" in found.evidence


def test_two_maxima_in_one_outline_are_a_split_of_the_whole_before() -> None:
    both = outlined(58, 22)
    found = asked(study("study-1", *WHOLE), study("study-2", *PARTS, seed=2), then=outlined(58, 16), now=both)
    assert found is not None
    assert found.relation == "split"


def test_a_whole_that_covers_two_earlier_uptakes_is_a_merger_though_one_was_not_outlined() -> None:
    found = asked(
        study("study-1", *PARTS), study("study-2", *WHOLE, seed=2), then=outlined(43, 6), now=outlined(58, 16)
    )
    assert found is not None
    assert found.relation == "merged"


def test_a_lesion_that_grows_or_shrinks_has_not_parted() -> None:
    small, large = study("study-1", (58, 58, 58, 7, 8)), study("study-2", (58, 58, 58, 12, 8), seed=2)
    assert asked(small, large, then=outlined(58, 7), now=outlined(58, 12)) is None
    again = (replace(large, study=small.study), replace(small, study=large.study))
    assert asked(*again, then=outlined(58, 12), now=outlined(58, 7)) is None


def test_two_neighbours_that_were_always_two_have_not_parted() -> None:
    found = asked(study("study-1", *PARTS), study("study-2", *PARTS, seed=2), then=outlined(43, 6), now=outlined(43, 6))
    assert found is None


def test_a_new_neighbour_outside_the_place_is_no_split() -> None:
    before = study("study-1", (43, 58, 58, 7, 8))
    after = study("study-2", *PARTS, seed=2)
    assert asked(before, after, then=outlined(43, 7), now=outlined(43, 6)) is None


def test_a_poor_alignment_says_nothing_of_parts() -> None:
    whole, parts = study("study-1", *WHOLE), study("study-2", *PARTS, seed=2)
    assert asked(whole, parts, status="poor", now=outlined(43, 6)) is None
