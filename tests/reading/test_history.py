"""What is said of a known lesion at a later visit where its place takes up tracer, though it is no focus there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders.scans import aligned, scan
from lutetia.model import Grid, HistoryEvent, Visit
from lutetia.reading.course.history import history_of
from lutetia.reading.course.identity import identify
from lutetia.reading.course.places import measure_place

GRID = Grid((50, 50, 50), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
AT_NODE = np.linalg.norm(POINTS - 75.0, axis=-1) <= 8
#: a loop of bowel that runs through the place of the node
LOOP = np.linalg.norm(POINTS[..., 1:] - 75.0, axis=-1) <= 10


def later_event(records: Any, loop: float, *dates: str) -> HistoryEvent:
    """A node of SUV 14, and a later scan that shows nothing but a loop of bowel there."""
    labels, middle = AT_NODE.astype(np.int16), (75.0, 75.0, 75.0)
    seen = records.focus("s1", 14.0, label=1, suv_mean=14.0, centroid_mm=middle, max_position_mm=middle)
    node = records.lesion("L1", observations=[seen], tissue="lymph_node", site="node")
    before = scan(
        records, "s1", "dotatate", dates[0], GRID, np.where(AT_NODE, 14.0, 0.8).astype(np.float32), labels, node
    )
    now = np.where(LOOP, loop, 0.8).astype(np.float32)
    after = scan(records, "s2", "dotatate", dates[1], GRID, now, np.zeros(GRID.shape, np.int16))
    visits = tuple(Visit(id=f"v{n}", studies=(f"s{n}",), first_date=d or None) for n, d in enumerate(dates, 1))
    frames = aligned(GRID, ("s1", "s2"))
    (lesion,) = identify((before, after), visits, frames)
    place = measure_place(after, lesion.track.last_shape("dotatate"), frames)
    return history_of(lesion, {"s2": place}, (before, after), visits, frames)[-1]


@pytest.mark.parametrize("loop", [9.0, 3.0])
def test_a_lesion_whose_place_lies_in_a_larger_uptake_is_not_called_gone_however_faint_that_is(
    records: Any, loop: float
) -> None:
    """It may have lost its receptors and live on in the loop: what is left can't be told from it."""
    found = later_event(records, loop, "2025-01-11", "2025-07-11")
    assert found.event == "not_visible"
    assert f"SUVmean {loop:.1f}" in found.evidence and "not to be told from them" in found.evidence


def test_an_even_place_without_a_ct_is_gone_since_a_scan_with_a_date_only(records: Any) -> None:
    assert later_event(records, 0.8, "2025-01-11", "2025-07-11").event == "resolved"
    assert later_event(records, 0.8, "", "2025-07-11").event == "not_visible"


@pytest.mark.parametrize(("date", "events"), [("2025-01-11", {"merged"}), ("", {"baseline", "not_visible"})])
def test_two_lesions_merge_since_a_scan_with_a_date_only(records: Any, date: str, events: set[str]) -> None:
    parts = np.zeros(GRID.shape, np.int16)
    for label, x in ((1, 66.0), (2, 84.0)):
        parts[np.linalg.norm(POINTS - (x, 75.0, 75.0), axis=-1) <= 8] = label
    whole = (np.linalg.norm(POINTS - 75.0, axis=-1) <= 18).astype(np.int16)
    scans = []
    for name, day, labels in (("s1", date, parts), ("s2", "2025-07-11", whole)):
        found = []
        for label in range(1, int(labels.max()) + 1):
            index = np.argwhere(labels == label)
            centre = tuple(float(v) for v in GRID.to_lps(index).mean(axis=0))
            volume = len(index) * GRID.voxel_ml
            seen = records.focus(name, 14.0, label=label, volume_ml=volume, centroid_mm=centre, max_position_mm=centre)
            found.append(records.lesion(f"L{label}", observations=[seen], tissue="lymph_node", site="node"))
        scans.append(
            scan(records, name, "dotatate", day, GRID, np.where(labels, 14.0, 0.8).astype("f4"), labels, *found)
        )
    visits = (
        Visit(id="v1", studies=("s1",), first_date=date or None),
        Visit(id="v2", studies=("s2",), first_date="2025"),
    )
    frames = aligned(GRID, ("s1", "s2"))
    said = set()
    for lesion in identify(scans, visits, frames):
        places = {"s2": measure_place(scans[1], lesion.track.last_shape("dotatate"), frames)}
        said.add(history_of(lesion, places, scans, visits, frames)[-1].event)
    assert said == events
