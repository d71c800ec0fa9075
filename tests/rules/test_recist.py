"""RECIST 1.1 arithmetic: boundaries, nadir, nodes, split and merged lesions, missing targets, the order of tests."""

from __future__ import annotations

import pytest

from lutetia.model import InputError
from lutetia.rules.recist import (
    NOT_VERIFIED,
    Measured,
    NonTarget,
    Response,
    Target,
    TimePoint,
    assess,
    is_confirmed,
    overall_response,
    target_response,
    tenths,
)

LIVER = Target("A", "liver")


def sums(*mm: float) -> list[str]:
    """Responses of one liver target over visits."""
    visits = [TimePoint({"A": Measured((value,))}) for value in mm]
    return [a.overall.value for a in assess([LIVER], visits)]


@pytest.mark.parametrize(
    ("course", "response"),
    [
        ((100, 70.0), "PR"),
        ((100, 70.1), "SD"),
        ((20, 24.9), "SD"),
        ((20, 25), "PD"),
        ((50, 60), "PD"),
        ((50, 59.9), "SD"),
        ((27.0, 32.4), "PD"),
        ((27.0, 32.3), "SD"),
        ((24.9, 29.9), "PD"),
        ((25.1, 30.0), "SD"),
    ],
)
def test_limits_are_met_exactly(course: tuple[float, ...], response: str) -> None:
    assert sums(*course)[-1] == response


def test_progression_counts_from_the_smallest_sum_and_comes_before_partial_response() -> None:
    assert sums(100, 40, 50) == ["PR", "PD"]
    assert sums(100, 60, 55, 66) == ["PR", "PR", "PD"]


def test_the_smallest_sum_is_never_forgotten() -> None:
    judged = assess([LIVER], [TimePoint({"A": Measured((v,))}) for v in (50, 30, 33, 36)])
    assert [a.nadir_mm for a in judged] == [50, 30, 30]
    assert [a.overall.value for a in judged] == ["PR", "PR", "PD"]


def test_twenty_percent_without_five_millimetres_is_no_progression() -> None:
    assert sums(12, 15.5) == ["SD"]


def test_nodes_are_measured_by_short_axis_and_normal_nodes_leave_a_sum() -> None:
    targets = [LIVER, Target("N", "mesenteric nodes", node=True)]
    visits = [
        TimePoint({"A": Measured((20,)), "N": Measured((15,))}),
        TimePoint({"A": Measured(()), "N": Measured((9.9,))}),
        TimePoint({"A": Measured(()), "N": Measured((10,))}),
    ]
    first, second = assess(targets, visits)
    assert (first.target, first.sum_mm) == (Response.COMPLETE, 9.9)
    assert second.target is Response.PARTIAL


def test_a_lesion_too_small_to_measure_counts_as_five_millimetres() -> None:
    (judged,) = assess([LIVER], [TimePoint({"A": Measured((20,))}), TimePoint({"A": Measured(too_small=True)})])
    assert judged.sum_mm == 5
    assert judged.target is Response.PARTIAL
    assert NOT_VERIFIED["too-small"] in judged.not_verified


def test_parts_of_a_split_lesion_are_added_up() -> None:
    (judged,) = assess([LIVER], [TimePoint({"A": Measured((30,))}), TimePoint({"A": Measured((12, 11.5))})])
    assert judged.sum_mm == 23.5
    assert NOT_VERIFIED["split"] in judged.not_verified


def test_merged_lesions_count_once() -> None:
    targets = [LIVER, Target("B", "liver")]
    visits = [
        TimePoint({"A": Measured((30,)), "B": Measured((20,))}),
        TimePoint({"A": Measured((45,)), "B": Measured(into="A")}),
    ]
    (judged,) = assess(targets, visits)
    assert judged.sum_mm == 45
    assert judged.target is Response.STABLE


def test_a_missing_target_leaves_the_visit_open_unless_the_others_show_progression() -> None:
    targets = [LIVER, Target("B", "lung")]
    start = TimePoint({"A": Measured((30,)), "B": Measured((20,))})
    lost, grown = assess(targets, [start, TimePoint({"A": Measured((30,))}), TimePoint({"A": Measured((60,))})])
    assert lost.overall is Response.NOT_EVALUABLE
    assert lost.sum_mm is None
    assert grown.overall is Response.PROGRESSION
    assert grown.nadir_mm == 50


def test_a_new_lesion_is_progression_whatever_the_sum() -> None:
    visits = [TimePoint({"A": Measured((100,))}), TimePoint({"A": Measured((50,))}, new_lesion=True)]
    (judged,) = assess([LIVER], visits)
    assert (judged.target, judged.overall, judged.decided_by) == (
        Response.PARTIAL,
        Response.PROGRESSION,
        "new lesion",
    )


@pytest.mark.parametrize(
    ("target", "non_target", "overall"),
    [
        ("CR", "complete", "CR"),
        ("CR", "none", "CR"),
        ("CR", "persists", "PR"),
        ("CR", "not_evaluable", "PR"),
        ("PR", "persists", "PR"),
        ("PR", "not_evaluable", "PR"),
        ("SD", "persists", "SD"),
        ("NE", "persists", "NE"),
        ("SD", "progression", "PD"),
        ("PD", "complete", "PD"),
    ],
)
def test_overall_response_follows_the_table(target: str, non_target: NonTarget, overall: str) -> None:
    assert overall_response(Response(target), non_target, False).value == overall


def test_disease_without_targets_is_complete_or_not() -> None:
    assert overall_response(Response.STABLE, "persists", False, has_targets=False) is Response.NON_COMPLETE
    assert overall_response(Response.STABLE, "complete", False, has_targets=False) is Response.COMPLETE
    assert overall_response(Response.STABLE, "none", True, has_targets=False) is Response.PROGRESSION


@pytest.mark.parametrize(
    ("targets", "mm", "slice_mm", "code"),
    [
        ([LIVER], {"A": 9.9}, 5.0, "not-measurable"),
        ([LIVER], {"A": 13.9}, 7.0, "not-measurable"),
        ([Target("A", "nodes", node=True)], {"A": 14.9}, 5.0, "not-measurable"),
        ([Target(c, "liver") for c in "ABC"], dict.fromkeys("ABC", 20), 5.0, "too-many-targets"),
        ([Target(c, c) for c in "ABCDEF"], dict.fromkeys("ABCDEF", 20), 5.0, "too-many-targets"),
        ([LIVER], {}, 5.0, "missing-baseline"),
    ],
)
def test_targets_that_are_not_allowed_are_refused(
    targets: list[Target], mm: dict[str, float], slice_mm: float, code: str
) -> None:
    visit = TimePoint({name: Measured((value,)) for name, value in mm.items()})
    with pytest.raises(InputError) as error:
        assess(targets, [visit], slice_mm)
    assert error.value.code == code


def test_targets_at_the_shortest_length_are_allowed() -> None:
    assert assess([LIVER], [TimePoint({"A": Measured((10.0,))})]) == ()
    assert assess([Target("A", "nodes", node=True)], [TimePoint({"A": Measured((15,))})]) == ()
    assert assess([LIVER], [TimePoint({"A": Measured((14.0,))})], slice_mm=7.0) == ()


def test_numbers_are_whole_tenths_as_typed() -> None:
    assert tenths(32.4) == 324
    assert tenths("0.05") == 0
    for wrong in (-1, "long"):
        with pytest.raises(InputError):
            tenths(wrong)


def test_confirmation_needs_four_weeks_and_no_less_of_a_response() -> None:
    assert is_confirmed(Response.PARTIAL, Response.COMPLETE, 28)
    assert not is_confirmed(Response.PARTIAL, Response.PARTIAL, 27)
    assert not is_confirmed(Response.COMPLETE, Response.PARTIAL, 60)
    assert not is_confirmed(Response.STABLE, Response.STABLE, 60)


def test_a_merge_with_something_that_is_no_target_is_refused() -> None:
    visits = [TimePoint({"A": Measured((30,))}), TimePoint({"A": Measured(into="Z")})]
    with pytest.raises(InputError):
        assess([LIVER], visits)


def test_sums_of_targets_by_hand() -> None:
    assert target_response(1000, 400, 500, all_gone=False)[0] is Response.PROGRESSION
    assert target_response(0, 0, 60, all_gone=False)[0] is Response.PROGRESSION
