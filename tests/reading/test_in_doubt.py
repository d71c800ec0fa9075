"""An uptake that is a lesion at one visit and was set apart at another is said to be in doubt."""

from __future__ import annotations

from typing import Any

import numpy as np

from builders.scans import aligned, scan
from lutetia.model import Grid, Issue, Visit
from lutetia.reading.course.identity import identify
from lutetia.reading.course.in_doubt import set_apart_elsewhere
from lutetia.reading.course.places import measure_place

GRID = Grid((40, 40, 40), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
NODES = tuple(np.linalg.norm(POINTS - (x, 60.0, 60.0), axis=-1) <= 8 for x in (45.0, 75.0))
LOOP = np.linalg.norm(POINTS[..., 1:] - 60.0, axis=-1) <= 9


def study(records: Any, name: str, tracer: str, *outlines: np.ndarray, even: bool = False, **fields: Any) -> Any:
    """A scan that takes up 9 in its outlines and 0.6 elsewhere, or 9 everywhere where it is `even`."""
    suv, labels, found = np.full(GRID.shape, 9.0 if even else 0.6, np.float32), np.zeros(GRID.shape, np.int16), []
    for number, outline in enumerate(outlines, 1):
        suv[outline], labels[outline] = 9.0, number
        centre = tuple(float(v) for v in POINTS[outline].mean(axis=0))
        seen = records.focus(name, 9.0, label=number, volume_ml=outline.sum() * GRID.voxel_ml, centroid_mm=centre)
        seen["max_position_mm"] = centre
        made = {"site": "node mesenteric", "tissue": "lymph_node", **fields}
        found.append(records.lesion(f"L{number}", observations=[seen], **made))
    return scan(records, name, tracer, f"2025-0{name[-1]}-10", GRID, suv, labels, *found)


BOWEL = {"site": "bowel", "tissue": "other", "status": "physiological", "status_reason": "runs on"}


def said(first: Any, second: Any, status: str = "ok") -> tuple[Issue, ...]:
    visits = [Visit(id=f"v{n}", studies=(f"s{n}",), first_date=f"2025-0{n}-10") for n in (1, 2)]
    frames = aligned(GRID, ("s1", "s2"), status)
    found = identify((first, second), visits, frames)
    places = {
        i.number: {
            r.study.id: measure_place(r, i.track.last_shape(r.study.tracer), frames)
            for r in (first, second)
            if r.study.id not in i.members
        }
        for i in found
    }
    return set_apart_elsewhere(found, places, (first, second), frames)


def test_nodes_of_one_visit_that_lie_in_what_another_called_bowel_are_said_once_with_the_reason(records: Any) -> None:
    (issue,) = said(study(records, "s1", "dotatate", *NODES), study(records, "s2", "dotatate", LOOP, **BOWEL))
    assert issue.code == "set-apart-at-another-visit" and issue.study == "s2"
    assert issue.message.startswith("lesion-1, lesion-2 (node mesenteric) are candidates in s1; in s2 the uptake")
    assert "set apart as bowel (runs on)" in issue.message


def test_it_is_said_of_the_earlier_visit_too(records: Any) -> None:
    (issue,) = said(study(records, "s1", "dotatate", LOOP, **BOWEL), study(records, "s2", "dotatate", NODES[0]))
    assert issue.study == "s1" and issue.lesion == "lesion-1"


def test_another_tracer_an_even_place_a_poor_alignment_and_a_reader_leave_no_doubt(records: Any) -> None:
    nodes = study(records, "s1", "dotatate", *NODES)
    assert not said(nodes, study(records, "s2", "fdg", LOOP, **BOWEL))
    assert not said(nodes, study(records, "s2", "dotatate", LOOP, even=True, **BOWEL))
    assert not said(nodes, study(records, "s2", "dotatate", LOOP, **BOWEL), status="poor")
    assert not said(nodes, study(records, "s2", "dotatate", LOOP, corrected_by="AB", **BOWEL))
