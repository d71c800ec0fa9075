"""A lesion that an answer calls benign or another malignancy has no part in the volumes of this tumour."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutetia.imaging.lesions import LesionResult
from lutetia.imaging.registration import identity_alignment
from lutetia.model import Grid, Study, Tracer, Visit, Volume
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.join import join_studies
from lutetia.reading.course.together import Together
from lutetia.reading.settings import ReadSettings
from lutetia.reading.study import StudyReading
from lutetia.rules.case import case_from_text
from lutetia.rules.measured import not_this_tumour

GRID = Grid((30, 30, 30), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
NODE, OTHER = (slice(5, 9),) * 3, (slice(18, 22),) * 3


def reading(records: Any, name: str, tracer: str, node: float, other: float) -> StudyReading:
    """Two soft-tissue foci; the second is on FDG alone."""
    made = Study.model_validate(records.study(name, tracer, f"2025-01-1{name[-1]}"))
    suv, labels, lesions = np.full(GRID.shape, 0.5, np.float32), np.zeros(GRID.shape, np.int16), []
    for number, (box, value) in enumerate(((NODE, node), (OTHER, other)), 1):
        suv[box] = value
        if value < 1.0:
            continue
        labels[box] = number
        at = GRID.to_lps(np.argwhere(labels == number)).mean(axis=0)
        seen = records.focus(name, value, label=number, volume_ml=4.1, centroid_mm=tuple(at), max_position_mm=tuple(at))
        lesions.append(records.lesion(f"L{number}", tissue="soft", region="other", observations=[seen]))
    found = LesionResult(Volume(labels, GRID, "label"), tuple(lesions), (), None, None, frozenset(), (), "drawn")
    tracer_of = Tracer.model_validate(made.tracer_detail)
    volume = Volume(suv, GRID, "SUVbw")
    return StudyReading(made, None, tracer=tracer_of, lesions=tuple(lesions), suv=volume, found=found)  # type: ignore[arg-type]


def joined(records: Any, left_out: frozenset[str] = frozenset()) -> Any:
    studies = (reading(records, "s1", "dotatate", 9.0, 0.5), reading(records, "s2", "fdg", 4.0, 8.0))
    frames = Frames("s1", {n: identity_alignment(GRID) for n in ("s1", "s2")}, (), ())
    visits = (Visit(id="v1", studies=("s1", "s2"), first_date="2025-01-11"),)
    together = Together(visits, studies, visits, frames, ())
    return join_studies(studies, together, ReadSettings(), not_this_tumour=left_out)


def test_a_second_cancer_counts_until_an_answer_says_so(records: Any) -> None:
    before = next(p for p in joined(records).phenotypes if p.definition == "background")
    assert before.volume_ml["sstr-/fdg+"] > 3.0 and before.biopsy_target == "lesion-2"
    case = case_from_text('case: "1.0"\nlesions:\n  - {id: lesion-2, nen: second_malignancy}\n')
    apart = not_this_tumour({x.id: x for x in case.lesions})
    assert apart == {"lesion-2"}
    after = next(p for p in joined(records, apart).phenotypes if p.definition == "background")
    assert after.volume_ml["sstr-/fdg+"] == 0.0 and after.discordant_largest_mm is None
    assert after.volume_ml["sstr+/fdg+"] == before.volume_ml["sstr+/fdg+"] > 0
    assert after.biopsy_target != "lesion-2"


def test_the_lesion_itself_stays_in_the_record(records: Any) -> None:
    assert [x.id for x in joined(records, frozenset({"lesion-2"})).lesions] == ["lesion-1", "lesion-2"]
