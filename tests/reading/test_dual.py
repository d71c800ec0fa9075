"""The class of a lesion by two tracers at one visit, where SSTR did not outline it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders.scans import aligned, scan
from lutetia.model import Grid, Place, TracerPair, Visit
from lutetia.reading.course.cores import grade_place
from lutetia.reading.course.dual import VisitPair, pair_of
from lutetia.reading.course.identity import identify
from lutetia.reading.course.places import measure_place

GRID = Grid((50, 50, 50), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
POINTS = GRID.to_lps(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1))
AT_NODE = np.linalg.norm(POINTS - 75.0, axis=-1)
#: a loop of bowel that runs through the place of the node
LOOP = np.linalg.norm(POINTS[..., 1:] - 75.0, axis=-1) <= 10
COLD = np.zeros(GRID.shape, bool)


def node_of(records: Any, name: str, labels: np.ndarray, suv: float) -> Any:
    index = np.argwhere(labels == 1)
    centre = tuple(float(v) for v in GRID.to_lps(index).mean(axis=0))
    seen = records.focus(name, suv, label=1, volume_ml=len(index) * GRID.voxel_ml, centroid_mm=centre)
    seen["max_position_mm"] = centre
    return records.lesion("L1", observations=[seen], tissue="lymph_node", site="node")


def classed(records: Any, sstr: np.ndarray, outlined: np.ndarray = COLD) -> tuple[TracerPair, Place]:
    """A node that FDG outlines, beside a scan with SSTR uptake of 14 in one place and, may be, an outline there."""
    fdg_labels = (AT_NODE <= 8).astype(np.int16)
    suv = np.where(AT_NODE <= 8, 9.0, 0.6).astype(np.float32)
    fdg = scan(records, "s2", "fdg", "2025-01-12", GRID, suv, fdg_labels, node_of(records, "s2", fdg_labels, 9.0))
    labels = outlined.astype(np.int16)
    found = [node_of(records, "s1", labels, 14.0)] if outlined.any() else []
    uptake = np.where(sstr, 14.0, 0.8).astype(np.float32)
    octreotate = scan(records, "s1", "dotatate", "2025-01-11", GRID, uptake, labels, *found)
    visit, frames = Visit(id="v1", studies=("s1", "s2"), first_date="2025-01-11"), aligned(GRID, ("s1", "s2"))
    lesion = next(i for i in identify((octreotate, fdg), (visit,), frames) if "s1" not in i.members)
    place = measure_place(octreotate, lesion.track.last_shape("dotatate"), frames)
    grade = grade_place(place, octreotate, in_liver=False, size_mm=16.0)
    places = {"s1": place.model_copy(update={"krenning_modified": grade})}
    pair = VisitPair(visit, octreotate, fdg, 1)
    return pair_of(lesion, pair, places, {}, "background", frames), places["s1"]


@pytest.mark.parametrize(
    ("sstr", "outlined", "said", "grades"),
    [
        (COLD, COLD, "sstr-/fdg+", ("0",)),
        (AT_NODE <= 8, COLD, "sstr+/fdg+", ("3",)),  # a peak of its own, though the search did not outline it
        (LOOP, COLD, "unknown", ("3",)),  # the loop's, or the node's as well: nobody can say
        (AT_NODE <= 40, AT_NODE <= 40, "sstr+/fdg+", ("3",)),  # in the outline of a larger lesion: one uptake
    ],
)
def test_class_and_grade_of_a_lesion_that_sstr_did_not_outline_speak_of_one_uptake(
    records: Any, sstr: np.ndarray, outlined: np.ndarray, said: str, grades: tuple[str, ...]
) -> None:
    pair, place = classed(records, sstr, outlined)
    assert place.krenning_modified is not None and place.krenning_modified.value == grades
    assert pair.phenotype == said
