"""Events between visits, raised from two reads: the patterns of the founding review with their lesions and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lutetia.model import Course, CourseEvent
from lutetia.reading.course.story import story
from lutetia.reading.course.trends import phenotype_changes
from lutetia.reading.course.visit_scores import score_visits
from lutetia.reading.settings import ReadSettings
from lutetia.reading.verdicts import with_verdicts
from lutetia.rules.case import case_from_text
from lutetia.rules.claims import forbidden_claims
from lutetia.rules.loader import RuleSet

Make = Callable[..., Course]
CAPTEM = 'case: "1.0"\ntimeline:\n  - {kind: treatment, agent: CAPTEM, date: 2025-02-01, until: 2025-06-20}\n'
RECIST = (
    "recist:\n  targets:\n    - {id: T1, organ: liver}\n  visits:\n    - {date: 2025-01-10, mm: {T1: 40}}\n"
    "    - {date: 2025-07-10, mm: {T1: 34}, non_target: persists, new_lesion: no}\n"
)


def by_code(events: tuple[CourseEvent, ...]) -> dict[str, CourseEvent]:
    return {event.code: event for event in events}


@pytest.fixture
def redifferentiated(records: Any) -> Any:
    """A liver metastasis at blood pool with FDG before, above the liver without FDG after."""
    return records.lesion(
        "lesion-1",
        observations=[records.focus("f1", 8.0), records.focus("s2", 12.0, 3)],
        places=[records.place("s1", 1.4, 1), records.place("f2", 2.4)],
        pairs=[*records.pair("v1", "s1", "f1", "sstr-/fdg+"), *records.pair("v2", "s2", "f2", "sstr+/fdg-")],
        history=[{"study": "s1", "event": "not_visible"}, {"study": "s2", "event": "new"}],
    )


@pytest.mark.parametrize(("then", "raised"), [("baseline", False), ("not_visible", True)])
def test_fdg_uptake_that_was_there_before_though_not_outlined_is_not_newly_avid(
    two_visits: Make, records: Any, rule_set: RuleSet, then: str, raised: bool
) -> None:
    """A loop of bowel that the search outlines at one visit and not at the other is no dedifferentiation."""
    lesion = records.lesion(
        "lesion-2",
        site="node mesenteric",
        tissue="lymph_node",
        region="lymph_nodes",
        observations=[records.focus("f2", 4.4)],
        places=[records.place("s1", 0.9, 0), records.place("f1", 3.4), records.place("s2", 0.9, 0)],
        pairs=[*records.pair("v1", "s1", "f1", "sstr-/fdg-"), *records.pair("v2", "s2", "f2", "sstr-/fdg+")],
        history=[{"study": "f1", "event": then}, {"study": "f2", "event": "growing"}],
    )
    assert ("DE-1" in by_code(score_visits(two_visits(lesion), None, rule_set).events)) is raised


@pytest.fixture
def dedifferentiated(records: Any) -> Any:
    """A node with receptors and no FDG before, the other way round after."""
    return records.lesion(
        "lesion-2",
        site="node retroperitoneal",
        tissue="lymph_node",
        region="lymph_nodes",
        observations=[records.focus("s1", 16.0, 3), records.focus("f2", 8.0)],
        places=[records.place("f1", 0.9), records.place("s2", 0.9, 0)],
        pairs=[*records.pair("v1", "s1", "f1", "sstr+/fdg-"), *records.pair("v2", "s2", "f2", "sstr-/fdg+")],
        history=[{"study": "s2", "event": "not_visible"}, {"study": "f2", "event": "new"}],
    )


def test_a_lesion_that_loses_sstr_and_gains_fdg_is_an_event_with_its_numbers(
    two_visits: Make, dedifferentiated: Any, rule_set: RuleSet
) -> None:
    events = by_code(score_visits(two_visits(dedifferentiated), None, rule_set).events)
    assert {"DE-1", "DE-2"} <= set(events)
    assert events["DE-2"].lesions == ("lesion-2",) and events["DE-2"].state == "raised"
    assert events["DE-2"].evidence == (
        "lesion-2 (node retroperitoneal): SSTR SUV 16.0 (grade 3) → SUV 0.9 (grade 0), no focus; "
        "FDG SUV 0.9, no focus → SUV 8.0",
    )
    assert events["DE-2"].visit == "v2" and events["DE-2"].previous_visit == "v1"


def test_uptake_that_rises_above_the_liver_after_chemotherapy_is_the_founding_event(
    two_visits: Make, redifferentiated: Any, rule_set: RuleSet
) -> None:
    case = case_from_text(CAPTEM + RECIST)
    events = by_code(score_visits(two_visits(redifferentiated), case, rule_set).events)
    assert events["DE-3"].state == "raised" and events["DE-3"].lesions == ("lesion-1",)
    assert events["DE-3-liver"].state == "raised"
    assert "no proof of response" in events["DE-3"].statement


def test_without_sizes_from_a_reader_the_founding_event_is_not_raised(
    two_visits: Make, redifferentiated: Any, rule_set: RuleSet
) -> None:
    """Nothing says whether the lesion grew on CT: the software's own outlines do not."""
    events = by_code(score_visits(two_visits(redifferentiated), case_from_text(CAPTEM), rule_set).events)
    assert "DE-3" not in events


def test_outlines_of_one_tracer_only_propose_that_a_lesion_is_not_larger(
    two_visits: Make, redifferentiated: Any, records: Any, rule_set: RuleSet
) -> None:
    more = (*redifferentiated.observations, *records.lesion("x", observations=[records.focus("f2", 3.0)]).observations)
    lesion = redifferentiated.model_copy(update={"observations": more})
    events = by_code(score_visits(two_visits(lesion), case_from_text(CAPTEM), rule_set).events)
    assert events["DE-3"].state == "proposed"
    assert events["DE-3"].rests_on == ("lesion.larger",)
    assert "Larger on CT or MRI than before?" in events["DE-3"].statement


def test_without_chemotherapy_in_between_the_founding_event_stays_open(
    two_visits: Make, redifferentiated: Any, rule_set: RuleSet
) -> None:
    events = by_code(
        score_visits(two_visits(redifferentiated), case_from_text('case: "1.0"\n' + RECIST), rule_set).events
    )
    assert "DE-3" not in events


def test_a_focus_of_fdg_before_makes_a_new_sstr_focus_a_known_lesion(
    two_visits: Make, redifferentiated: Any, rule_set: RuleSet
) -> None:
    checked = {"earlier": "s1", "later": "s2", "verdict": "comparable"}
    course = two_visits(redifferentiated, comparability=[checked])
    events = by_code(score_visits(course, None, rule_set).events)
    assert (
        events["NL-3"].statement.startswith("Newly SSTR-positive, known lesion") and events["NL-3"].state == "proposed"
    )


def discordant_volumes(before_ml: float, now_ml: float) -> list[dict[str, Any]]:
    """The SSTR-negative, FDG-positive volume at both visits, without uncertainty."""
    return [
        {"visit": v, "sstr_study": s, "fdg_study": f, "definition": "background"}
        | {key: {"sstr-/fdg+": ml} for key in ("volume_ml", "low_ml", "high_ml")}
        for v, s, f, ml in (("v1", "s1", "f1", before_ml), ("v2", "s2", "f2", now_ml))
    ]


def test_a_discordant_volume_that_appears_is_an_event(
    two_visits: Make, dedifferentiated: Any, rule_set: RuleSet
) -> None:
    volumes = discordant_volumes(0.0, 6.0)
    course = with_verdicts(two_visits(dedifferentiated, phenotypes=volumes), ReadSettings())
    event = by_code(course.events)["DE-9"]
    assert event.numbers == {"discordant_ml_before": 0.0, "discordant_ml_now": 6.0}
    assert [c.judgement for c in course.phenotype_changes] == ["appeared"]


@pytest.mark.parametrize("comparable", [True, False])
def test_a_volume_change_between_scans_that_are_not_comparable_is_told_with_that_doubt(
    two_visits: Make, dedifferentiated: Any, comparable: bool
) -> None:
    volumes = discordant_volumes(2.0, 6.0)
    verdict = "comparable" if comparable else "not_comparable"
    checked = {"earlier": "f1", "later": "f2", "verdict": verdict, "note": "" if comparable else "Another scanner."}
    made = two_visits(dedifferentiated, phenotypes=volumes, comparability=[checked])
    told = next(x for x in with_verdicts(made, ReadSettings()).story if "2 → 6 mL (higher)" in x)
    assert ("not comparable" in told) is not comparable


def test_fdg_that_falls_while_sstr_holds_is_an_event(two_visits: Make, records: Any, rule_set: RuleSet) -> None:
    lesion = records.lesion(
        "lesion-1",
        observations=[
            records.focus("s1", 14.0, 3),
            records.focus("f1", 8.0),
            records.focus("s2", 14.5, 3),
            records.focus("f2", 4.0),
        ],
        pairs=[*records.pair("v1", "s1", "f1", "sstr+/fdg+"), *records.pair("v2", "s2", "f2", "sstr+/fdg+")],
    )
    assert "DE-10" in by_code(score_visits(two_visits(lesion), None, rule_set).events)


def test_a_benign_focus_that_kept_its_fdg_does_not_hide_that_the_disease_lost_it(
    two_visits: Make, records: Any, rule_set: RuleSet
) -> None:
    def made(name: str, now: float) -> Any:
        values = (("s1", 14.0), ("f1", 8.0), ("s2", 14.5), ("f2", now))
        return records.lesion(name, observations=[records.focus(s, v) for s, v in values])

    course = two_visits(made("lesion-1", 4.0), made("lesion-2", 8.0))
    assert "DE-10" not in by_code(score_visits(course, None, rule_set).events)
    answered = case_from_text('case: "1.0"\nlesions:\n  - {id: lesion-2, nen: benign}\n')
    assert by_code(score_visits(course, answered, rule_set).events)["DE-10"].lesions == ()


def test_numbers_that_may_not_be_compared_only_propose_an_event(
    two_visits: Make, records: Any, rule_set: RuleSet
) -> None:
    lesion = records.lesion(
        "lesion-1",
        observations=[records.focus(s, v) for s, v in (("s1", 14.0), ("f1", 8.0), ("s2", 14.5), ("f2", 4.0))],
        pairs=[*records.pair("v1", "s1", "f1", "sstr+/fdg+"), *records.pair("v2", "s2", "f2", "sstr+/fdg+")],
    )
    barred = {
        "earlier": "f1",
        "later": "f2",
        "verdict": "not_comparable",
        "suppressed": ("change of SUV",),
        "note": "x",
    }
    event = by_code(score_visits(two_visits(lesion, comparability=[barred]), None, rule_set).events)["DE-10"]
    assert event.state == "proposed" and event.rests_on == ("imaging.fdg_uptake_fallen",)


def test_higher_uptake_across_a_new_analogue_may_be_altered_biodistribution(
    two_visits: Make, records: Any, rule_set: RuleSet
) -> None:
    lesion = records.lesion("lesion-1", observations=[records.focus("s1", 8.0, 3), records.focus("s2", 12.0, 3)])
    text = 'case: "1.0"\ntimeline:\n  - {kind: ssa, agent: octreotide LAR, date: 2025-04-01}\n' + RECIST
    event = by_code(score_visits(two_visits(lesion), case_from_text(text), rule_set).events)["PP-1"]
    assert event.state == "raised" and "altered biodistribution" in event.statement


def test_a_rising_marker_is_not_explained_away(two_visits: Make, records: Any, rule_set: RuleSet) -> None:
    lesion = records.lesion("lesion-1", observations=[records.focus("s1", 8.0, 3), records.focus("s2", 8.0, 3)])
    text = (
        'case: "1.0"\ntimeline:\n  - {kind: marker, name: CgA, date: 2025-01-05, value: 100, unit: ng/mL}\n'
        "  - {kind: marker, name: CgA, date: 2025-07-05, value: 180, unit: ng/mL}\n"
    )
    assert "PP-4" in by_code(score_visits(two_visits(lesion), case_from_text(text), rule_set).events)


def test_retention_is_judged_against_the_pet_before_therapy_not_the_one_after(records: Any, rule_set: RuleSet) -> None:
    """The later PET shows grade 4: against it the SPECT would look low; against the earlier, grade 2, it is high."""
    lesion = records.lesion(
        "lesion-1",
        observations=[
            records.focus("s1", 5.0, 2),
            records.focus("t1", 7.0, 3, spect=True),
            records.focus("s2", 20.0, 4),
        ],
    )
    course = Course.model_validate(
        {
            "patient": {"id": "P"},
            "studies": [
                records.study("s1", "dotatate", "2025-01-10"),
                records.study("t1", "lu177-dotatate", "2025-02-02", acquisition={"uptake_minutes": 1440.0}),
                records.study("s2", "dotatate", "2025-07-10"),
            ],
            "visits": [{"id": f"v{n}", "studies": (s,)} for n, s in enumerate(("s1", "t1", "s2"), 1)],
            "lesions": [lesion],
        }
    )
    text = (
        'case: "1.0"\ntimeline:\n  - {kind: treatment, agent: 177Lu-DOTATATE, date: 2025-02-01}\n'
        "  - {kind: toxicity, name: thrombocytopenia, date: 2025-02-02, value: G2}\n"
    )
    found = score_visits(course, case_from_text(text), rule_set)
    events = by_code(found.events)
    assert events["OT-1"].visit == "v2" and events["OT-1"].lesions == ("lesion-1",)
    assert "OT-3" not in events and events["OT-6"].state == "raised"
    assert not found.now.of("krenning-spect")


def test_every_visit_carries_its_verdicts_with_the_age_of_their_inputs(
    two_visits: Make, redifferentiated: Any, rule_set: RuleSet
) -> None:
    case = case_from_text(
        CAPTEM + "  - {kind: pathology, name: Ki-67, date: 2024-12-01, value: 8, unit: '%'}\n"
        "  - {kind: lab, name: platelets, date: 2025-07-01, value: 190, unit: G/L}\n"
    )
    visits = score_visits(two_visits(redifferentiated), case, rule_set).visits
    assert [v.visit for v in visits] == ["v1", "v2"]
    later = {v.rule: v for v in visits[1].verdicts}
    netter = later["prrt-netter-2"]
    assert netter.dated_inputs["SSTR scan"] == "2025-07-10" and netter.expires == "2025-10-09"
    assert later["netpet"].expires is None and later["netpet"].expiry == "no expiry published"
    assert later["prrt-qa-page"].dated_inputs["blood values"] == "2025-07-01"
    assert later["prrt-qa-page"].dated_inputs["biopsy"] == "2024-12-01"


def test_retreatment_judges_every_gate_anew(two_visits: Make, redifferentiated: Any, rule_set: RuleSet) -> None:
    visits = score_visits(two_visits(redifferentiated), None, rule_set).visits
    qa = [next(v for v in visit.verdicts if v.rule == "prrt-qa-page") for visit in visits]
    changed = [gate for gate in qa[0].gates if qa[0].gates[gate] != qa[1].gates[gate]]
    assert changed and len(qa[1].changed) == len(changed)
    assert all(visit.crosswalk["rows"] for visit in visits)


def test_a_benign_focus_is_left_out_by_an_answer_and_never_by_a_number(
    two_visits: Make, dedifferentiated: Any, records: Any, rule_set: RuleSet
) -> None:
    volumes = [{"visit": "v2", "sstr_study": "s2", "fdg_study": "f2", "definition": "background"}]
    course = two_visits(dedifferentiated, phenotypes=volumes)
    free = with_verdicts(course, ReadSettings())
    assert free.phenotypes[0].biopsy_target == "lesion-2" and free.phenotypes[0].biopsy_study == "f2"
    assert free.phenotypes[0].biopsy_position_mm == (1.0, 2.0, 3.0)
    answered = case_from_text('case: "1.0"\nlesions:\n  - {id: lesion-2, nen: benign}\n')
    held = with_verdicts(course, ReadSettings(), answered)
    assert held.phenotypes[0].biopsy_target is None
    assert {"DE-1", "DE-2"} <= set(by_code(free.events)) and not {"DE-1", "DE-2"} & set(by_code(held.events))
    discordant = [next(v for v in c.verdicts if v["rule"] == "discordance") for c in (free, held)]
    assert discordant[0]["results"] == ["discordant"] and discordant[1]["results"] == ["not applicable"]


def test_between_visits_without_dates_nothing_is_said_to_have_changed(
    two_visits: Make, redifferentiated: Any, dedifferentiated: Any
) -> None:
    dated = two_visits(redifferentiated, dedifferentiated)
    undated = dated.model_copy(update={"studies": tuple(s.model_copy(update={"date": None}) for s in dated.studies)})
    assert any(
        v.changed for v in with_verdicts(dated, ReadSettings(), case_from_text(CAPTEM)).visit_scores[-1].verdicts
    )
    read = with_verdicts(undated, ReadSettings(), case_from_text(CAPTEM))
    assert not any(v.changed for visit in read.visit_scores for v in visit.verdicts)
    assert "Judged anew" not in "\n".join(read.story)


def test_with_a_visit_without_a_date_no_volume_and_no_focus_is_compared(
    two_visits: Make, dedifferentiated: Any, rule_set: RuleSet
) -> None:
    volumes = [
        {"visit": v, "sstr_study": f"s{v[1]}", "fdg_study": f"f{v[1]}", "definition": "background"}
        for v in ("v1", "v2")
    ]
    for record, discordant in zip(volumes, (0.0, 20.0), strict=True):
        record |= {n: {"sstr-/fdg+": discordant} for n in ("volume_ml", "low_ml", "high_ml")}
    dated = two_visits(dedifferentiated, phenotypes=volumes)
    first, last = dated.visits
    studies = [s.model_copy(update={"date": None}) if s.id in first.studies else s for s in dated.studies]
    visits = (first.model_copy(update={"first_date": None}), last)
    undated = dated.model_copy(update={"studies": tuple(studies), "visits": visits})
    assert phenotype_changes(dated) and not phenotype_changes(undated)
    assert score_visits(dated, None, rule_set).events
    found = score_visits(undated, None, rule_set)
    assert found.events == () and found.visits[-1].previous_study is None
    assert story(undated)[1:] == ()


def test_the_story_tells_both_lesions_in_words(two_visits: Make, redifferentiated: Any, dedifferentiated: Any) -> None:
    course = with_verdicts(
        two_visits(redifferentiated, dedifferentiated), ReadSettings(), case_from_text(CAPTEM + RECIST)
    )
    text = "\n".join(course.story)
    assert forbidden_claims(text) == []
    assert all(forbidden_claims(" ".join((e.statement, *e.evidence))) == [] for e in course.events)
    assert "Judged anew on 2025-07-14" in text
    assert "at or below blood pool (1.4; blood pool 1.5, liver 6.0)" in text and "rose above the liver (12.0" in text
    assert "lost SSTR uptake (SUV 16.0 (grade 3) → SUV 0.9 (grade 0), no focus) and gained FDG" in text
    assert "RECIST 1.1 on the diameters that the reader gave, 2025-07-10: SD, sum -15 % from baseline." in text


def test_one_visit_has_no_story_and_no_events(records: Any) -> None:
    course = Course.model_validate(
        {
            "patient": {"id": "P"},
            "studies": [records.study("s1", "dotatate", "2025-01-10")],
            "visits": [{"id": "v1", "studies": ("s1",)}],
            "lesions": [records.lesion("lesion-1", observations=[records.focus("s1", 8.0, 3)])],
        }
    )
    read = with_verdicts(course, ReadSettings())
    assert read.story == () and read.events == () and read.response == ()
    assert len(read.visit_scores) == 1


def test_a_course_without_sstr_pet_is_scored_without_events(records: Any) -> None:
    """Two SPECTs of one injection and an FDG PET: nothing to compare with, and nothing fails."""
    course = Course.model_validate(
        {
            "patient": {"id": "P"},
            "studies": [
                records.study("f1", "fdg", "2025-01-10"),
                records.study("t1", "lu177-dotatate", "2025-02-02", acquisition={"uptake_minutes": 240.0}),
                records.study("t2", "lu177-dotatate", "2025-02-03", acquisition={"uptake_minutes": 1660.0}),
            ],
            "visits": [{"id": "v1", "studies": ("f1",)}, {"id": "v2", "studies": ("t1", "t2")}],
            "lesions": [records.lesion("lesion-1", observations=[records.focus("t1", 9.0, 4, spect=True)])],
        }
    )
    read = with_verdicts(course, ReadSettings())
    assert read.events == () and read.visit_scores == () and read.verdicts
    assert read.story == ("2 visits: no date (fdg); no date (lu177-dotatate).",)


def test_studies_without_dates_are_scored_and_nothing_is_said_of_time(records: Any, rule_set: RuleSet) -> None:
    lesion = records.lesion("lesion-1", observations=[records.focus("s1", 8.0, 3), records.focus("s2", 9.0, 3)])
    course = Course.model_validate(
        {
            "patient": {"id": "P"},
            "studies": [records.study(n, "dotatate", "") for n in ("s1", "s2")],
            "visits": [{"id": "v1", "studies": ("s1",)}, {"id": "v2", "studies": ("s2",)}],
            "lesions": [lesion],
        }
    )
    found = score_visits(course, case_from_text(CAPTEM), rule_set)
    assert [(v.date, v.previous_study) for v in found.visits] == [(None, None), (None, None)]
    assert found.events == ()
    assert all(v.expires is None for visit in found.visits for v in visit.verdicts)
