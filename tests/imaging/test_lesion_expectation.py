"""How many points a lesion needs among bowel: it depends on what else the patient has."""

from __future__ import annotations

import pytest

from builders.foci import focus
from lutetia.imaging.lesions.expectation import NEEDED_PET, Needed, need_of_each
from lutetia.imaging.lesions.judgement import CANDIDATE, Judgement

USUAL = Needed(NEEDED_PET)
NEARLY = Judgement(True, "bowel", points=NEEDED_PET - 2.0)
PLAIN_BOWEL = Judgement(True, "bowel", points=2.0)
DOUBTFUL = Judgement(False, points=NEEDED_PET + 0.3)


def needed(*others: Judgement) -> float:
    """Points that the doubtful focus needs beside these others."""
    judgements = [DOUBTFUL, *others]
    return need_of_each([focus(5.0) for _ in judgements], judgements, USUAL)[0].points


def test_where_nothing_else_is_seen_the_usual_points_are_needed() -> None:
    assert needed() == NEEDED_PET


def test_a_spot_among_many_that_look_nearly_like_it_is_the_end_of_a_row_of_bowel() -> None:
    assert needed(*[NEARLY] * 12) > DOUBTFUL.points  # type: ignore[operator]


def test_where_lesions_are_known_elsewhere_less_is_needed() -> None:
    assert needed(*[CANDIDATE] * 7) < needed(CANDIDATE) < NEEDED_PET


def test_metastases_of_the_liver_count_as_one_lesion_however_many() -> None:
    judgements = [DOUBTFUL, *[CANDIDATE] * 9]
    foci = [focus(5.0), *[focus(20.0, "liver") for _ in range(9)]]
    assert need_of_each(foci, judgements, USUAL)[0].points == needed(CANDIDATE)


def test_plain_bowel_and_known_organs_change_nothing() -> None:
    assert needed(*[PLAIN_BOWEL] * 20, Judgement(True, "kidney_left")) == NEEDED_PET


def test_as_many_lesions_as_look_alikes_leave_the_usual_need() -> None:
    assert needed(*[NEARLY] * 3, *[CANDIDATE] * 3) == pytest.approx(NEEDED_PET)


def test_what_moved_the_need_is_said() -> None:
    why = need_of_each([focus(5.0)] * 3, [DOUBTFUL, NEARLY, CANDIDATE], USUAL)[0].why
    assert why == "1 lesion elsewhere, 1 part of bowel nearly like one"


def test_a_look_alike_is_not_counted_against_itself() -> None:
    first, *_ = need_of_each([focus(5.0)] * 2, [NEARLY, PLAIN_BOWEL], USUAL)
    assert first.points == NEEDED_PET
