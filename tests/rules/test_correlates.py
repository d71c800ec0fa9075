"""What CT shows at a lesion becomes an answer only where density alone can tell."""

from __future__ import annotations

import pytest

from lutetia.model import Observation
from lutetia.rules.correlates import ANSWERS, correlate_of


def observed(correlate: str | None) -> Observation:
    return Observation(
        study="study-1",
        label=1,
        suv_max=5.0,
        suv_mean=4.0,
        suv_peak=4.5,
        tlu=4.0,
        volume_ml=1.0,
        centroid_mm=(0.0, 0.0, 0.0),
        ct_correlate=correlate,
    )


@pytest.mark.parametrize("words", ["no nodule", "no soft tissue at the focus"])
def test_nothing_on_ct_at_the_focus_is_nil(words: str) -> None:
    assert correlate_of(observed(words)) == "nil"


@pytest.mark.parametrize(
    "words", ["nodule", "soft-tissue nodule", "sclerotic", "not separable from surrounding tissue", None]
)
def test_what_a_nodule_or_bone_means_is_left_to_the_reader(words: str | None) -> None:
    assert correlate_of(observed(words)) is None


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_readers_answer_stands(answer: str) -> None:
    assert correlate_of(observed(answer)) == answer
