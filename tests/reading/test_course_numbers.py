"""Response metrics, phenotype volumes and coverage of two targets, filled from two reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lutetia.imaging.matching import Focus
from lutetia.model import Course, MetricValue, ResponseMetric
from lutetia.reading.course.cores import core_of
from lutetia.reading.course.coverage import coverage
from lutetia.reading.course.response import response_metrics
from lutetia.reading.course.response_table import FDG_METRICS, SSTR_METRICS
from lutetia.reading.course.trends import judge
from lutetia.rules.case import case_from_text
from lutetia.rules.loader import RuleSet

Make = Callable[..., Course]
COMPARABLE = {"earlier": "s1", "later": "s2", "verdict": "comparable"}


def by_key(course: Course, rules: RuleSet) -> dict[str, ResponseMetric]:
    return {m.key: m for m in response_metrics(course, rules)}


def of_lesion(metric: ResponseMetric, name: str | None = None) -> MetricValue:
    return next(v for v in metric.values if v.lesion == name)


@pytest.fixture
def grown(records: Any) -> Any:
    """SUVmax 10 → 14, a grade up."""
    return records.lesion(
        "lesion-1",
        observations=[
            records.focus("s1", 10.0, 3, krenning_p10=("2",), krenning_p90=("3",)),
            records.focus("s2", 14.0, 4, krenning_p10=("3",), krenning_p90=("3",)),
        ],
    )


def test_every_metric_of_the_sources_has_its_name_evidence_and_warning(rule_set: RuleSet) -> None:
    names = {m.name for m in SSTR_METRICS}
    assert {"ΔSUVmax", "SUV T/S", "SUV T/L", "SUVmax baseline", "SSTR-TV", "TL-SSTR", "Minimum SUVmean"} <= names
    assert {"Lesions without uptake", "Krenning change", "Intra-lesional heterogeneity"} <= names
    ids = {statement.id for statement in rule_set["response-metrics"].file.statements}
    assert {m.key for m in (*SSTR_METRICS, *FDG_METRICS)} <= ids
    assert all(m.warning for m in (*SSTR_METRICS, *FDG_METRICS))


def test_metrics_are_filled_from_two_reads(two_visits: Make, grown: Any, rule_set: RuleSet) -> None:
    metrics = by_key(two_visits(grown, comparability=[COMPARABLE]), rule_set)
    change = of_lesion(metrics["suv-max"], "lesion-1")
    assert (change.before, change.now, change.change, change.judgement) == (10.0, 14.0, 40.0, "higher")
    ratio = of_lesion(metrics["tumour-liver"], "lesion-1")
    assert (ratio.before, ratio.now) == (1.667, 2.333)
    assert of_lesion(metrics["krenning-change"], "lesion-1").change == 1
    assert of_lesion(metrics["suv-max-baseline"], "lesion-1").before == 10.0
    spread = of_lesion(metrics["heterogeneity"])
    assert (spread.before, spread.now) == (100.0, 0.0)
    assert "HAUG10: abstract" in metrics["suv-max"].sources and metrics["suv-max"].evidence
    assert "borrowed from FDG" in metrics["suv-max"].band_source


@pytest.mark.parametrize(
    ("now", "judgement"), [(7.5, "within"), (7.4, "lower"), (13.3, "within"), (13.4, "higher"), (10.0, "within")]
)
def test_repeatability_decides_what_is_change(
    two_visits: Make, records: Any, rule_set: RuleSet, now: float, judgement: str
) -> None:
    lesion = records.lesion("lesion-1", observations=[records.focus("s1", 10.0, 3), records.focus("s2", now, 3)])
    metrics = by_key(two_visits(lesion, comparability=[COMPARABLE]), rule_set)
    assert of_lesion(metrics["suv-max"], "lesion-1").judgement == judgement


def test_a_new_analogue_suppresses_the_ratio_and_leaves_suv(two_visits: Make, grown: Any, rule_set: RuleSet) -> None:
    check = {"id": "Q7", "title": "Analogue", "state": "caution", "finding": "none → long-acting"}
    barred = {
        "earlier": "s1",
        "later": "s2",
        "verdict": "caution",
        "checks": [check],
        "suppressed": ("change of tumour to liver ratio", "Krenning change as response"),
    }
    metrics = by_key(two_visits(grown, comparability=[barred]), rule_set)
    ratio = of_lesion(metrics["tumour-liver"], "lesion-1")
    assert ratio.judgement == "suppressed" and ratio.change is None and "none → long-acting" in ratio.reason
    assert of_lesion(metrics["krenning-change"], "lesion-1").judgement == "suppressed"
    assert of_lesion(metrics["suv-max"], "lesion-1").judgement == "higher"


def test_a_place_without_focus_gives_its_value_and_says_so(two_visits: Make, records: Any, rule_set: RuleSet) -> None:
    lesion = records.lesion(
        "lesion-1", observations=[records.focus("s2", 12.0, 3)], places=[records.place("s1", 1.4, 1)]
    )
    value = of_lesion(by_key(two_visits(lesion, comparability=[COMPARABLE]), rule_set)["suv-max"], "lesion-1")
    assert value.before == 1.4 and "core of its place" in value.before_text


def test_lesions_without_uptake_are_those_that_another_tracer_shows(
    two_visits: Make, records: Any, rule_set: RuleSet
) -> None:
    lesion = records.lesion(
        "lesion-1",
        observations=[records.focus("s1", 9.0, 3), records.focus("f2", 8.0)],
        places=[records.place("s2", 1.0, 0), records.place("f1", 1.0)],
    )
    value = by_key(two_visits(lesion, comparability=[COMPARABLE]), rule_set)["lesions-without-uptake"].values[0]
    assert (value.before, value.now, value.now_text) == (0.0, 1.0, "lesion-1")


@pytest.mark.parametrize(
    ("before", "then", "now", "later", "judgement"),
    [
        (0.0, (0.0, 0.2), 6.0, (4.0, 8.0), "appeared"),
        (6.0, (4.0, 8.0), 0.1, (0.0, 0.4), "gone"),
        (6.0, (5.0, 7.0), 9.0, (7.5, 10.0), "higher"),
        (6.0, (5.0, 7.0), 9.0, (6.9, 10.0), "within"),
        (6.0, (5.9, 6.1), 7.5, (7.4, 7.6), "within"),
        (6.0, (5.9, 6.1), 3.0, (2.9, 3.1), "lower"),
        (0.1, (0.0, 0.3), 0.2, (0.0, 0.4), "within"),
    ],
)
def test_a_volume_changes_only_beyond_its_own_range_and_a_third(
    before: float, then: tuple[float, float], now: float, later: tuple[float, float], judgement: str
) -> None:
    assert judge(before, then, now, later) == judgement


def test_the_core_of_a_place_is_its_middle() -> None:
    axis = np.arange(-20.0, 21.0, 4.0)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) <= 20.0]
    core = core_of(Focus("a", points, 30.0))
    assert 0 < core.sum() < 0.2 * len(points)
    assert np.linalg.norm(points[core], axis=1).max() < 10.0


def test_the_core_of_a_few_voxels_is_all_of_them() -> None:
    points = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]])
    assert core_of(Focus("a", points, 0.1)).all()


# ------------------------------------------------------------------------------------------------ coverage


def _targets(records: Any, *lesions: Any, mibg: bool = True, exendin: bool = False) -> Course:
    studies = [records.study("s1", "dotatate", "2025-01-10")]
    if mibg:
        studies.append(records.study("m1", "i123-mibg", "2025-01-20"))
    if exendin:
        studies.append(records.study("e1", "exendin", "2025-01-12"))
    visits = [{"id": f"v{n}", "studies": (s["id"],)} for n, s in enumerate(studies, 1)]
    return Course.model_validate({"patient": {"id": "P"}, "studies": studies, "visits": visits, "lesions": lesions})


@pytest.fixture
def four(records: Any) -> tuple[Any, ...]:
    """Reached by SSTR only, by MIBG only, by both, and by neither (known from elsewhere: FDG)."""
    rows = (
        ("lesion-1", 12.0, 3, None),
        ("lesion-2", None, None, 6.0),
        ("lesion-3", 12.0, 3, 6.0),
        ("lesion-4", None, None, None),
    )
    made = []
    for name, sstr, grade, mibg in rows:
        observations, places = [], []
        if sstr is not None:
            observations.append(records.focus("s1", sstr, grade))
        else:
            places.append(records.place("s1", 1.0, 0))
        if mibg is not None:
            observations.append(records.focus("m1", mibg, volume_ml=4.0))
        else:
            places.append(records.place("m1", 0.5))
        if not observations:
            observations.append(records.focus("s1", 3.0, 1))
            places = places[1:]
        made.append(records.lesion(name, observations=observations, places=places))
    return tuple(made)


def test_two_targets_give_union_each_alone_and_what_neither_reaches(records: Any, four: tuple[Any, ...]) -> None:
    (found,) = coverage(_targets(records, *four))
    assert found.targets_joined == ("sstr", "mibg")
    assert found.only == {"sstr": ("lesion-1",), "mibg": ("lesion-2",)}
    assert found.both == ("lesion-3",) and found.neither == ("lesion-4",)
    assert found.union == ("lesion-1", "lesion-2", "lesion-3")
    assert found.volume_ml["neither"] == 8.0 and found.volume_ml["union"] == 20.0
    assert "1 of 4 lesions show neither uptake." in found.note and found.source == "F2: Fig. 8"
    assert "no recommendation" in found.note


def test_what_the_reader_says_of_mibg_stands_before_what_was_measured(records: Any, four: tuple[Any, ...]) -> None:
    case = case_from_text(
        'case: "1.0"\nlesions:\n  - {id: lesion-3, mibg: negative}\n  - {id: lesion-4, mibg: uncertain}\n'
    )
    (found,) = coverage(_targets(records, *four), case)
    assert found.both == () and "lesion-3" in found.only["sstr"]
    assert found.open == ("lesion-4",) and found.neither == ()
    assert next(c.origin for c in found.columns if c.target == "mibg") == "mixed"


def test_typed_mibg_alone_makes_a_column(records: Any, four: tuple[Any, ...]) -> None:
    case = case_from_text('case: "1.0"\nlesions:\n  - {id: lesion-1, mibg: positive}\n')
    (found,) = coverage(_targets(records, *four, mibg=False), case)
    assert found.both == ("lesion-1",)
    column = next(c for c in found.columns if c.target == "mibg")
    assert column.studies == () and column.reached == 1 and column.not_imaged >= 1
    assert column.origin == "case_file"


def test_another_target_is_a_column_without_a_rule_of_its_own_and_never_joined(
    records: Any, four: tuple[Any, ...]
) -> None:
    (found,) = coverage(_targets(records, *four, mibg=False, exendin=True))
    column = next(c for c in found.columns if c.target == "glp1r")
    assert "no published positivity rule" in column.positivity
    assert found.targets_joined == ("sstr",) and found.union == ()


def test_an_image_of_another_target_far_away_in_time_is_not_read_beside_it(records: Any, four: tuple[Any, ...]) -> None:
    course = _targets(records, *four)
    late = course.studies[1].model_copy(update={"date": "2025-06-20"})
    assert coverage(course.model_copy(update={"studies": (course.studies[0], late)})) == ()


def test_sstr_and_fdg_alone_are_no_coverage_of_two_targets(two_visits: Make, grown: Any) -> None:
    assert coverage(two_visits(grown)) == ()
