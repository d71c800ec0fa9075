"""The course in the report: lanes, changes in words, pictures side by side, curves, and what they must not claim."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lutetia.model import (
    AlignmentRecord,
    CourseEvent,
    Coverage,
    Grade,
    HistoryEvent,
    MetricValue,
    PhenotypeChange,
    Phenotypes,
    Place,
    ResponseMetric,
    TracerPair,
    Visit,
    VisitScore,
    VisitVerdict,
)
from lutetia.outputs.pictures import charts, fused
from lutetia.outputs.pictures.swimlane import Scan, Stop, Therapy, swimlane_svg
from lutetia.outputs.report import wording
from lutetia.outputs.report.content import build_report
from lutetia.outputs.report.course.alignment import alignment_figures
from lutetia.outputs.report.course.following import gone, newly_seen, uptake_level
from lutetia.outputs.report.course.lanes import swimlane
from lutetia.outputs.report.course.phenotypes import phenotype_figures
from lutetia.outputs.report.course.slices import side_by_side, study_scene, top_of
from lutetia.outputs.report.html import report_html
from lutetia.outputs.report.pdf import report_pdf
from lutetia.outputs.report.verdicts.subjects import numbered_words


def _text(course, volumes) -> str:
    page = report_html(build_report(course, volumes)).decode()
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.S)
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def followed(two_visits):
    """Two visits with SSTR PET; lesion 1 loses SSTR and gains FDG, lesion 2 is not visible at first."""
    course = two_visits.course
    first, second = (
        study.model_copy(update={"visit": f"visit-{n}"}) for n, study in enumerate(course.studies, start=1)
    )
    one, two, three = course.lesions
    place = Place(
        study="study-2",
        in_field=True,
        centroid_mm=one.observations[0].centroid_mm,
        suv_max=1.2,
        suv_mean=0.9,
        krenning_modified=Grade(value=("1",), set=("1",), uptake=0.9, rule="krenning-modified"),
    )
    pairs = tuple(
        TracerPair(visit=f"visit-{n}", sstr_study=f"study-{n}", fdg_study="x", definition="background", phenotype=kind)
        for n, kind in ((1, "sstr+/fdg-"), (2, "sstr-/fdg+"))
    )
    history = (
        HistoryEvent(study="study-1", event="baseline"),
        HistoryEvent(study="study-2", event="resolved", evidence="SUVmean 0.9 at its place; no correlate on CT"),
    )
    lost = one.model_copy(
        update={"observations": one.observations[:1], "places": (place,), "pairs": pairs, "history": history}
    )
    volumes = dict.fromkeys(charts.PHENOTYPE_COLOUR, 4.0)
    phenotypes = tuple(
        Phenotypes(
            visit=f"visit-{n}",
            sstr_study=f"study-{n}",
            fdg_study="x",
            definition="background",
            volume_ml=volumes,
            low_ml=dict.fromkeys(volumes, 3.0),
            high_ml=dict.fromkeys(volumes, 5.0),
        )
        for n in (1, 2)
    )
    unit = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    alignment = AlignmentRecord(
        study="study-2", reference_study="study-1", method="rigid", status="caution", bone_dice=0.8, rigid=unit
    )
    made = course.model_copy(
        update={
            "studies": (first, second),
            "lesions": (lost, two, three),
            "visits": (
                Visit(id="visit-1", studies=("study-1",), first_date="2026-03-14", last_date="2026-03-14"),
                Visit(id="visit-2", studies=("study-2",), first_date="2026-09-20", last_date="2026-09-20"),
            ),
            "phenotypes": phenotypes,
            "alignments": (alignment,),
            "treatments": ({"name": "CAPTEM", "from": "2026-04-01", "to": "2026-08-20", "cycles": 6},),
        }
    )
    return type(two_visits)(made, two_visits.volumes)


def test_the_course_comes_first_and_the_rules_after_the_measurements(followed):
    course = followed.course.model_copy(update={"verdicts": ({"rule": "r", "title": "Some rule", "results": ["a"]},)})
    page = _text(course, followed.volumes)
    order = (
        "Visits and treatments",
        "Where the uptake is",
        "What changed between visits",
        "Lesions side by side",
        "Uptake and volume over the visits",
        "Course of the lesions",
        "Volume by what it binds",
        "How the studies were aligned",
        "Reference regions",
        "What the rules say",
    )
    places = [page.index(title) for title in order]
    assert places == sorted(places)


def test_a_lesion_that_loses_sstr_and_gains_fdg_is_said_in_words(followed):
    page = _text(followed.course, followed.volumes)
    assert "loses SSTR, gains FDG lesion 1" in page
    assert "SSTR+ / FDG− at visit 1, then SSTR− / FDG+ at visit 2" in page
    assert "differentiat" not in page


def test_uptake_without_a_focus_is_compared_with_blood_pool_and_liver(followed):
    lesion, (first, second) = followed.course.lesions[0], followed.course.studies
    assert uptake_level(lesion, first) == "above liver"
    assert uptake_level(lesion, second) == "at or below blood pool"
    ungraded = lesion.places[0].model_copy(update={"krenning_modified": None})
    assert uptake_level(lesion.model_copy(update={"places": (ungraded,)}), second) is None
    page = _text(followed.course, followed.volumes)
    assert re.search(
        r"SSTR uptake above liver before \(SUV [^)]*liver [^)]*\), at or below blood pool now \(SUV 0.90", page
    )


def test_the_lanes_write_the_days_and_the_treatment_in_the_gap(followed):
    figure = swimlane(followed.course)
    picture = figure.data.decode()
    assert "190 d" in picture and "CAPTEM, 6 cycles" in picture and "SSTR PET" in picture
    ElementTree.fromstring(picture)


def test_a_treatment_after_all_visits_stays_inside_the_picture():
    stops = (Stop("Visit 1", "1 May", (Scan("SSTR PET", "a"),)), Stop("Visit 2", "2 May", (Scan("FDG PET", "b"),)))
    picture = ElementTree.fromstring(swimlane_svg(stops, (Therapy("later", 2, 2), Therapy("earlier", 0, 0))))
    width = float(picture.get("width", "0"))
    for box in picture.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("x", "0")) >= 0 and float(box.get("x", "0")) + float(box.get("width", "0")) <= width + 1


def test_a_lesion_seen_with_the_other_tracer_is_neither_new_nor_gone(followed):
    lost, faint, _ = followed.course.lesions
    assert gone(followed.course, lost)
    elsewhere = faint.observations[0].model_copy(update={"study": "study-2"})
    both = lost.model_copy(update={"observations": (*lost.observations, elsewhere)})
    assert not gone(followed.course, both)
    history = (HistoryEvent(study="study-2", event="new"),)
    assert not newly_seen(followed.course, both.model_copy(update={"history": history}))
    assert newly_seen(followed.course, both.model_copy(update={"history": history, "observations": (elsewhere,)}))


def test_a_long_treatment_is_written_where_there_is_room():
    stops = tuple(Stop(f"Visit {n}", "1 May", (Scan("SSTR PET", "a"),)) for n in range(1, 5))
    long = "a treatment with a name that goes on and on " * 4
    for start in range(5):
        picture = ElementTree.fromstring(swimlane_svg(stops, (Therapy(long, start, start),)))
        label = next(
            t for t in picture.iter("{http://www.w3.org/2000/svg}text") if (t.text or "").startswith("a treat")
        )
        length, x = 5.9 * len(label.text), float(label.get("x"))
        low, high = (x - length, x) if label.get("text-anchor") == "end" else (x, x + length)
        assert low >= 98 and high <= 842 and label.text.endswith("…")


def test_pictures_of_a_row_share_the_window_of_their_tracer(followed):
    matrix = side_by_side(followed.course, followed.volumes)
    row = matrix.rows[0]
    assert len(row.cells) == 2 and row.note.startswith("SUV SSTR 0–")
    assert row.cells[1].words == "no focus, mean 0.90"
    for cell in row.cells:
        assert Image.open(io.BytesIO(cell.figure.data)).size == (fused.PLACE_PIXELS, fused.PLACE_PIXELS)


def test_normal_liver_is_not_white_hot_where_the_lesion_is_faint(followed):
    study = followed.course.studies[0]
    liver = study.references["liver"].suv_mean
    scene = study_scene(study, followed.volumes[study.id])
    assert top_of(scene, 0.5) > 1.5 * liver
    assert top_of(scene, 3 * liver) == pytest.approx(3 * liver, rel=0.05)


def test_a_place_outside_the_field_is_called_not_imaged(followed):
    lesion = followed.course.lesions[0]
    away = lesion.model_copy(update={"places": (Place(study="study-2", in_field=False),)})
    course = followed.course.model_copy(update={"lesions": (away,)})
    matrix = side_by_side(course, followed.volumes)
    assert matrix.rows[0].cells[1].words == "not imaged" and matrix.rows[0].cells[1].figure is None


def test_forty_lesions_stay_readable_and_the_rule_of_choice_is_stated(followed):
    first = followed.course.lesions[0]
    many = tuple(first.model_copy(update={"id": f"lesion-{n}"}) for n in range(1, 41))
    course = followed.course.model_copy(update={"lesions": many})
    page = _text(course, followed.volumes)
    assert page.count("12 of 40 lesions: lesions that changed first, then the largest") == 2
    assert "gone and lesions 7–40" in page


def test_curves_mark_what_is_measured_and_what_is_only_a_place():
    points = (
        charts.Point(0, "SSTR PET", 12.0, 3.0, True, "3", (226, 136, 28)),
        charts.Point(1, "SSTR PET", 0.9, None, False),
        charts.Point(1, "therapy SPECT", 5.0, 2.0, True),
    )
    drawn = charts.trajectory_svg(charts.Trajectory("1 <Liver>", points, ("visit 1", "visit 2"), ("", "sstr-/fdg+")))
    picture = ElementTree.fromstring(drawn)
    circles = list(picture.iter("{http://www.w3.org/2000/svg}circle"))
    assert [c.get("fill") == "#ffffff" for c in circles] == [False, True]
    assert "SSTR−/FDG+" in drawn and "1 &lt;Liver&gt;" in drawn


def test_volumes_by_what_they_bind_carry_their_range(followed):
    figures = phenotype_figures(followed.course).figures
    assert len(figures) == 1 and "4 (3–5)" in figures[0].data.decode()


def test_an_alignment_is_shown_as_a_checkerboard_of_both_studies(followed):
    figures = alignment_figures(followed.course, followed.volumes).figures
    pixels = np.asarray(Image.open(io.BytesIO(figures[0].data)))
    assert figures[0].caption == "study 2: caution" and pixels.shape == (220, 220)


def test_a_refused_half_life_says_why(followed):
    entry = {
        "kind": "effective_half_life",
        "lesion": "lesion-1",
        "hours": [3.7, 27.7],
        "activity_mbq": [1.0, 2.0],
        "half_life_h": None,
        "reasons": ["activity rises"],
    }
    page = _text(followed.course.model_copy(update={"dosimetry": (entry,)}), followed.volumes)
    assert "refused activity rises" in page


def test_only_a_phantom_calls_itself_synthetic(followed):
    assert "Synthetic patient" not in _text(followed.course, followed.volumes)
    study = followed.course.studies[0]
    ours = study.model_copy(
        update={"acquisition": study.acquisition.model_copy(update={"manufacturer": "Lutetia", "model": "phantom"})}
    )
    patient = followed.course.patient.model_copy(update={"id": "PHANTOM 0001 CAPTEM"})
    course = followed.course.model_copy(update={"studies": (ours, followed.course.studies[1]), "patient": patient})
    page = _text(course, followed.volumes)
    assert "Synthetic patient: images, lesions and numbers are made up." in page
    assert "made up after the CAPTEM case, Fig. 4" in page


def test_the_course_prints_and_the_same_course_gives_the_same_pages(followed):
    first, second = (report_pdf(build_report(followed.course, followed.volumes)) for _ in range(2))
    assert first == second and first.startswith(b"%PDF")


def test_an_issue_of_several_places_is_told_once(made_up):
    issue = made_up.course.issues[0] if made_up.course.issues else None
    assert issue is not None
    again = issue.model_copy(update={"where": "elsewhere"})
    course = made_up.course.model_copy(update={"issues": (issue, again)})
    assert _text(course, made_up.volumes).count(issue.message) == 1


def test_long_reasons_are_cut_at_a_part_and_counted():
    assert wording.shortened("one; two; three", 8) == "one; two; and 1 more"
    assert wording.shortened("one", 2) == "one"


def test_the_course_is_told_in_words_with_each_event_s_source(followed):
    event = CourseEvent(
        code="DE-2",
        visit="visit-2",
        previous_visit="visit-1",
        date="2026-09-20",
        lesions=("lesion-1",),
        title="SSTR lost, FDG gained",
        statement="less differentiated clones are possible",
        source="F2, Fig. 4",
        state="proposed",
        rests_on=("lesion.benign_cause",),
        evidence=tuple(f"lesion-{n}: SSTR 16 to 1.3" for n in range(1, 8)),
    )
    course = followed.course.model_copy(update={"events": (event,), "story": ("lesion-1 lost its receptors.",)})
    page = _text(course, followed.volumes)
    assert page.index("The course in words Lesion 1 lost its receptors.") < page.index("Visits and treatments")
    assert "visit 1 → visit 2, 20 Sep 2026" in page
    assert "(proposed; to be confirmed: benign cause)" in page
    assert "and 4 more" in page and "lesion 7: SSTR 16 to 1.3" in page
    assert "DE-2 F2, Fig. 4" in page


def metric_of(**fields) -> ResponseMetric:
    """A metric between the two SSTR scans of `followed`."""
    between = {"tracer": "dotatate", "earlier_study": "study-1", "later_study": "study-2"}
    return ResponseMetric(**between, **fields)


def test_a_metric_stands_with_its_evidence_and_is_never_called_response(followed):
    values = (
        MetricValue(before=62.0, now=31.0, change=-50.0, judgement="lower"),
        MetricValue(lesion="lesion-1", judgement="suppressed", reason="a new analogue"),
        MetricValue(lesion="lesion-2", before=2.0, now=2.1, change=5.0, judgement="within"),
    )
    metric = metric_of(
        key="sstr-tv",
        name="SSTR-TV",
        definition="volume above the threshold",
        unit="mL",
        values=values,
        evidence="one retrospective series",
        warning="not a response criterion",
        verified=False,
    )
    page = _text(followed.course.model_copy(update={"response": (metric,)}), followed.volumes)
    assert "SSTR-TV, mL°" in page
    assert "−50\u202f%" in page
    assert "within repeatability: lesion 2" in page and "suppressed because a new analogue" in page
    assert "one retrospective series. not a response criterion" in page
    assert "None of them is called response" in page


def test_why_numbers_are_not_compared_is_said_once_for_all_that_rest_on_it(followed):
    why = (
        "Same scanner: A mCT → B Vereos; Same reconstruction: voxels 4.07 → 4.00 mm; Uptake time within 10 min: 54 → 74"
    )
    metrics = tuple(
        metric_of(
            key=key,
            name=key,
            definition="",
            values=(MetricValue(lesion="lesion-1", before=8.0, now=4.0, judgement="suppressed", reason=why),),
        )
        for key in ("SUV T/L", "SUV T/S", "TL-SSTR")
    )
    page = _text(followed.course.model_copy(update={"response": metrics}), followed.volumes)
    assert page.count(why) == 1
    assert page.count("suppressed: lesion 1") == 3
    assert page.index(why) < page.index("SUV T/L")


def test_a_remark_that_all_changes_of_volume_share_stands_once_below_them(followed):
    changes = tuple(
        PhenotypeChange(
            definition="background",
            phenotype=kind,
            earlier_visit="visit-1",
            later_visit="visit-2",
            before_ml=4.0,
            before_range_ml=(3.0, 5.0),
            now_ml=12.0,
            now_range_ml=(10.0, 14.0),
            change_percent=200.0,
            judgement="higher",
            note="Another scanner.",
        )
        for kind in ("sstr+/fdg-", "sstr-/fdg+")
    )
    page = _text(followed.course.model_copy(update={"phenotype_changes": changes}), followed.volumes)
    assert page.count("Another scanner.") == 1
    assert page.count("200\u202f% higher") == 2


def test_what_a_proposed_event_asks_is_said_once(followed):
    event = CourseEvent(
        code="DE-9",
        visit="visit-2",
        lesions=("lesion-1",),
        title="Discordant volume grows",
        statement="Proposed: Discordant volume grows. To be confirmed: Has it grown?",
        source="F2",
        state="proposed",
        rests_on=("imaging.discordant_volume_grown",),
    )
    page = _text(followed.course.model_copy(update={"events": (event,)}), followed.volumes)
    assert "Discordant volume grows (proposed; to be confirmed: Has it grown?)" in page
    assert page.count("Discordant volume grows") == 1


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ("gone: lesion-5, lesion-6, lesion-7, lesion-13", "gone: lesions 5–7, 13"),
        ("lesion-2, lesion-3 and lesion-18 lie near the cut", "lesions 2, 3, 18 lie near the cut"),
        ("one focus now with lesion-7", "one focus now with lesion 7"),
        ("lesion lesion-3 in study-2 at visit-1", "lesion 3 in study 2 at visit 1"),
    ],
)
def test_ids_are_written_as_a_reader_says_them(ids, words):
    assert numbered_words(ids) == words


def test_a_count_of_lesions_is_whole_and_a_warning_that_repeats_the_evidence_is_left_out(followed):
    metric = metric_of(
        key="without-uptake",
        name="Lesions without uptake",
        definition="lesions on CT without SSTR uptake",
        unit="lesions",
        change_unit="lesions",
        values=(MetricValue(before=7.0, now=2.0, change=-5.0, judgement="not assessed"),),
        evidence="Studied as a marker of outcome in NET. They are defined on CT and the review calls it unsuitable.",
        warning="Defined on CT; the review calls it unsuitable",
        verified=True,
    )
    page = _text(followed.course.model_copy(update={"response": (metric,)}), followed.volumes)
    assert "Lesions without uptake, lesions more" in page
    assert re.search(r" 7 2 −5 lesions ", page)
    assert page.count("calls it unsuitable") == 1


def test_systems_stand_side_by_side_at_each_visit_with_what_changed_and_until_when(followed):
    def score(n: int, result: str, changed: tuple[str, ...] = ()) -> VisitScore:
        row = {"system": "NETPET", "reading": "", "result": result, "threshold": "background", "unit": "one lesion"}
        verdict = VisitVerdict(
            rule="prrt",
            title="PRRT gates",
            changed=changed,
            oldest_input="2026-01-01",
            expires="2026-12-01",
            expiry="FDG within 2 months",
        )
        walk = {"rows": [row], "sentences": ["Unit: lesion-1 alone sets it."]}
        return VisitScore(visit=f"visit-{n}", date="2026-03-14", verdicts=(verdict,), crosswalk=walk)

    scores = (score(1, "P1"), score(2, "P5", ("uptake gate: met → not met",)))
    page = _text(followed.course.model_copy(update={"visit_scores": scores}), followed.volumes)
    table = page[page.index("Systems side by side") :]
    assert re.search(r"NETPET P1 P5 background one lesion", table)
    assert "Visit 2, 14 Mar 2026: Unit: lesion 1 alone sets it." in table
    assert "uptake gate: met → not met" in table and "1 Dec 2026 (FDG within 2 months)" in table


def test_coverage_groups_lesions_and_names_what_no_target_reaches(followed):
    coverage = Coverage.model_validate(
        {
            "visit": "visit-1",
            "columns": [
                {"target": t, "title": title, "positivity": "above background", "reached": 2, "share_of_volume": 0.5}
                for t, title in (("sstr", "SSTR"), ("mibg", "MIBG"))
            ],
            "lesions": [
                {"lesion": f"lesion-{n}", "site": "liver", "volume_ml": 2.0, "by_target": by}
                for n, by in enumerate(
                    (
                        {"sstr": "reached", "mibg": "not_reached"},
                        {"sstr": "reached", "mibg": "not_reached"},
                        {"sstr": "not_reached", "mibg": "not_reached"},
                    ),
                    start=1,
                )
            ],
            "targets_joined": ["sstr", "mibg"],
            "union": ["lesion-1", "lesion-2"],
            "neither": ["lesion-3"],
            "volume_ml": {"union": 4.0, "neither": 2.0},
        }
    )
    page = _text(followed.course.model_copy(update={"coverage": (coverage,)}), followed.volumes)
    assert "lesions 1, 2 4.00 reached not reached" in page
    assert "Reached by at least one of SSTR, MIBG: lesions 1, 2, 4.00\u202fmL" in page
    assert "by neither: lesion 3, 2.00\u202fmL" in page


def test_a_volume_that_grew_beyond_its_range_is_said(followed):
    change = PhenotypeChange(
        definition="background",
        phenotype="sstr-/fdg+",
        earlier_visit="visit-1",
        later_visit="visit-2",
        before_ml=4.0,
        before_range_ml=(3.0, 5.0),
        now_ml=12.0,
        now_range_ml=(10.0, 14.0),
        change_percent=200.0,
        judgement="higher",
    )
    page = _text(followed.course.model_copy(update={"phenotype_changes": (change,)}), followed.volumes)
    assert "4.00 (3.00–5.00) 12.0 (10.0–14.0) 200\u202f% higher" in page


def test_the_place_for_tissue_is_a_picture_and_a_position(followed):
    lesion = followed.course.lesions[0]
    target = followed.course.phenotypes[0].model_copy(
        update={
            "fdg_study": "study-1",
            "biopsy_target": "lesion-1",
            "biopsy_position_mm": lesion.observations[0].centroid_mm,
            "biopsy_reason": "FDG-avid without SSTR",
        }
    )
    course = followed.course.model_copy(update={"phenotypes": (target,)})
    page = report_html(build_report(course, followed.volumes)).decode()
    section = page[page.index("Where tissue could be taken") :]
    assert section.count("with cross hairs at the position") >= 2
    assert "in study 1" in section


def test_events_of_one_kind_share_a_row(followed):
    alike = [
        CourseEvent(code="NL-3", visit="visit-2", lesions=(f"lesion-{n}",), statement="newly visible", source="F2")
        for n in (1, 2, 3)
    ]
    page = _text(followed.course.model_copy(update={"events": tuple(alike)}), followed.volumes)
    assert page.count("newly visible") == 1
    assert "lesions 1–3" in page


def test_lesions_that_were_not_sought_are_not_counted_as_none(followed):
    bare = tuple(study.model_copy(update={"summary": None}) for study in followed.course.studies)
    course = followed.course.model_copy(update={"lesions": (), "studies": bare, "phenotypes": ()})
    page = _text(course, {})
    assert "– lesions followed not sought in any study" in page
    assert "new foci" not in page


def test_open_results_are_counted_and_not_listed(followed):
    row = {"system": "Score", "reading": "", "result": " or ".join("0123456789"), "threshold": "t", "unit": "u"}
    scores = tuple(VisitScore(visit=f"visit-{n}", crosswalk={"rows": [row]}) for n in (1, 2))
    page = _text(followed.course.model_copy(update={"visit_scores": scores}), followed.volumes)
    assert "open: 0, 1, 2, 3 or 6 more" in page
