"""The report: complete, readable with none and with many lesions, and careful in its words."""

from __future__ import annotations

import re

import pytest

from lutetia.model import Code, Comparison, Grade, Issue, Patient, Reference
from lutetia.outputs.report import wording
from lutetia.outputs.report.acquisition import acquisition_checks
from lutetia.outputs.report.chain import chain
from lutetia.outputs.report.content import build_report
from lutetia.outputs.report.html import report_html
from lutetia.outputs.report.patient_sections import issue_blocks
from lutetia.outputs.report.pdf import report_pdf
from lutetia.outputs.report.verdicts.subjects import subjects_words
from lutetia.outputs.report.verdicts.words import rule_title
from lutetia.rules.claims import forbidden_claims


def _html(made) -> str:
    return report_html(build_report(made.course, made.volumes)).decode()


def _text(made) -> str:
    """What a reader sees: no style, no pictures, no tags."""
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", _html(made), flags=re.S)
    plain = re.sub(r"<[^>]+>", " ", page)
    return re.sub(r"[ \n]+", " ", plain.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'"))


#: Words that a report does without, stricter than the sentences of `lutetia.rules.claims`.
NEVER_IN_A_REPORT = (
    r"\b(not )?eligible for\b",
    r"suitable candidate",
    r"responding to",
    r"(?<!neither )\bprogression\b(?! nor)",
    r"partial response",
    r"median survival",
    r"chance of response",
    r"contraindicated",
    r"\bsafe to\b",
    r"\bgive \d",
    r"limit not reached",
    r"no disease|complete remission",
    r"\b(de|re)differentiated",
    r"grade \d tumou?r",
    r"\bbenign\b",
    r"\bmetasta",
    r"SSTR[- ]negative",
    r"takes somatostatin",
    r"\b(use|repeat) (MIBG|exendin|imaging)",
    r"\bbiopsy segment",
    r"meets .* criteria",
    r"normal kidney function",
    r"repeat unnecessary",
    r"AI-detected|diagnosed by",
    r"\bvalidated\b|\bapproved\b|FDA-cleared|\bCE[- ]mark",
    r"treatment should",
    r"\brecommend(?!ation)",
)


@pytest.mark.parametrize("which", ["made_up", "refused", "without_lesions", "two_visits"])
def test_no_report_says_what_must_never_be_claimed(which, request):
    page = _text(request.getfixturevalue(which))
    assert forbidden_claims(page) == []
    said = [found.group(0) for pattern in NEVER_IN_A_REPORT if (found := re.search(pattern, page, flags=re.I))]
    assert said == []


def test_every_section_a_reader_looks_for_is_there(made_up):
    page = _text(made_up)
    for title in (
        "What to know first",
        "Where the uptake is",
        "Lesions",
        "Uptake set apart",
        "All lesions together",
        "Reference regions",
        "What was scanned and how",
        "How SUV came about",
        "One result, read back to its origin",
        "Series",
        "Conventions in force",
        "Software",
    ):
        assert f" {title} " in page


def test_a_grade_near_a_cut_is_called_borderline_with_its_distance(made_up):
    assert "3.3\u202f% above liver: borderline (2 or 3)" in _text(made_up)


def test_physiological_uptake_is_set_apart_with_its_reason(made_up):
    page = _text(made_up)
    section = page[page.index(" Uptake set apart ") :]
    assert "physiological tubular uptake on the way from kidney to bladder 4.00 4.20" in section
    assert "nothing is deleted" in section


def test_both_estimates_of_a_reference_stand_side_by_side(made_up):
    page = _text(made_up)
    assert "Liver ok 6.00 0.02 0.30 6.00 300 6.24 14.1 +4.0\u202f%" in page


def test_series_that_were_not_used_are_listed_with_the_reason(made_up):
    page = _text(made_up)
    assert "Not used" in page
    assert "PET NAC PT 30 not corrected" in page


def test_a_convention_that_differs_from_its_default_shows_both(made_up):
    assert "reference estimate classical whole organ" in _text(made_up)


def test_the_research_notice_stands_at_the_top_and_on_every_printed_page(made_up):
    page = _html(made_up)
    assert page.count(wording.RESEARCH_USE) >= 3
    assert "not a medical device, not cleared or certified by any authority" in _text(made_up)


def test_a_refused_suv_says_why_what_settles_it_and_what_is_missing(refused):
    page = _text(refused)
    assert "PatientWeight is missing. It can be settled with --weight KG." in page
    assert "no reference values, no lesion measures and no grades" in page
    assert "no SUV" in re.sub(r"\s+", " ", _html(refused))


def test_without_lesions_the_report_claims_no_more_than_the_thresholds_do(without_lesions):
    assert "No candidate lesion above the stated thresholds in the imaged field." in _text(without_lesions)


def test_lesions_that_were_not_sought_are_not_called_absent(refused):
    page = _text(refused)
    assert "Lesions were not sought in this study" in page
    assert "No candidate lesion" not in page


def test_a_refused_grade_is_written_without_the_word_grade_before_it(made_up):
    lesion = made_up.course.lesions[0]
    seen = lesion.observations[0].model_copy(update={"krenning_modified": Grade(value=(), code="NO-LIVER")})
    course = made_up.course.model_copy(update={"lesions": (lesion.model_copy(update={"observations": (seen,)}),)})
    page = _text(type(made_up)(course, made_up.volumes))
    assert "not graded" in page
    assert "grade not graded" not in page


def test_seventy_lesions_are_all_in_the_table_and_the_caption_counts_the_rest(many_lesions):
    made = many_lesions(70)
    page = _text(made)
    assert "Lymph nodes – 70 lesions" in page
    assert "6 smaller lesions without a mark" in page


def test_pet_without_ct_says_what_that_costs(made_up):
    study = made_up.study.model_copy(update={"modality": "PET"})
    course = made_up.course.model_copy(update={"studies": (study,)})
    page = _text(type(made_up)(course, made_up.volumes))
    assert "PET measurement report" in page
    assert "none was read: sites, references and outlines rest on the PET alone" in page


def test_a_lost_spleen_reference_is_said_with_its_status(made_up):
    absent = Reference(name="spleen", status="absent", reasons=("not seen; confirm splenectomy",))
    study = made_up.study.model_copy(update={"references": made_up.study.references | {"spleen": absent}})
    page = _text(type(made_up)(made_up.course.model_copy(update={"studies": (study,)}), made_up.volumes))
    assert "2 of 3" in page
    assert "Spleen: not seen; confirm splenectomy" in page


def test_several_studies_get_a_matrix_and_a_part_each(two_visits):
    page = _text(two_visits)
    assert "Course of the lesions" in page
    assert "smaller lesion 1: " in page and "volume −42 %" in page
    assert "How the studies were scanned" in page and page.count("Reference regions") == 2
    assert "not visible" in page


def test_issues_stand_with_the_gravest_first(made_up):
    issues = (Issue(code="a", level="info", message="AAA"), Issue(code="b", level="error", message="BBB"))
    page = _text(type(made_up)(made_up.course.model_copy(update={"issues": issues}), made_up.volumes))
    assert page.index("BBB") < page.index("AAA")


def test_the_page_needs_no_network_and_no_script(made_up):
    page = _html(made_up)
    assert "<script" not in page
    links = [link for link in re.findall(r"(?:src|href)=[\"']([^\"']+)", page) if not link.startswith(("data:", "#"))]
    assert links == []
    assert not re.search(r"url\((?!data:)", page)


def test_text_from_a_header_can_not_become_markup(made_up):
    course = made_up.course.model_copy(update={"patient": Patient(id="<img src=x onerror=alert(1)>")})
    page = _html(type(made_up)(course, made_up.volumes))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_same_result_gives_the_same_pages(made_up):
    report = build_report(made_up.course, made_up.volumes)
    again = build_report(made_up.course, made_up.volumes)
    assert report_html(report) == report_html(again)
    assert report_pdf(report) == report_pdf(again)


def test_the_pdf_is_archival_and_accessible(made_up):
    pdf = report_pdf(build_report(made_up.course, made_up.volumes))
    assert pdf.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


@pytest.mark.parametrize("which", ["refused", "without_lesions", "two_visits"])
def test_every_kind_of_result_can_be_printed(which, request):
    made = request.getfixturevalue(which)
    assert report_pdf(build_report(made.course, made.volumes)).startswith(b"%PDF")


def test_a_script_the_font_lacks_does_not_stop_the_pdf(made_up):
    course = made_up.course.model_copy(update={"patient": Patient(id="検査 – é – Ω")})
    assert report_pdf(build_report(course, made_up.volumes)).startswith(b"%PDF")


def test_a_course_without_pixels_is_reported_without_pictures(made_up):
    page = report_html(build_report(made_up.course, {})).decode()
    assert "<svg" not in page
    assert "Reference regions" in page


def test_verdicts_are_shown_each_for_itself_with_what_is_missing_first(made_up):
    verdict = {
        "rule": "some-profile",
        "title": "Some profile",
        "edition": "2024",
        "gates": [
            {"id": "g1", "title": "Ki-67", "state": "met", "citations": [{"source": "S", "place": "p. 2"}]},
            {"id": "g2", "title": "Creatinine", "state": "indeterminate", "missing": ["labs.creatinine"]},
        ],
    }
    table = {
        "rule": "sstr-rads-1.0",
        "title": "SSTR-RADS",
        "subject": "lesion-1",
        "results": ["4", "5"],
        "questions": [{"fact": "lesion.typical", "ask": "Is the site typical?"}],
    }
    course = made_up.course.model_copy(update={"verdicts": (verdict, table, table | {"subject": "lesion-2"})})
    page = _text(type(made_up)(course, made_up.volumes))
    assert page.index("open: Creatinine°. missing: creatinine") < page.index("met: Ki-67°")
    assert "1 open, 1 met" in page and "S: p. 2°" in page
    assert "lesions 1, 2 4 or 5 " in page
    assert "Is the site typical?" in page


def test_the_chain_goes_from_the_grade_to_the_header(made_up):
    lesion = made_up.course.lesions[1]
    names = [name for name, _ in chain(made_up.course, lesion, lesion.observations[0])]
    assert names[0] == "Grade"
    assert names.index("Liver") < names.index("Uptake") < names.index("SUV factor") < names.index("Header")
    words = dict(chain(made_up.course, lesion, lesion.observations[0]))
    assert "PatientWeight = 75" in words["Header"]
    assert "label 2 in study-1/lesions.nii.gz" in words["Outline"]


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        (Grade(value=("3",), set=("3",), margin=0.5, nearest_cut="liver"), "50\u202f% above liver"),
        (
            Grade(value=("3",), set=("2", "3"), margin=0.034, nearest_cut="liver"),
            "3.4\u202f% above liver: borderline (2 or 3)",
        ),
        (Grade(value=("2",), set=("2", "3"), margin=0.0, nearest_cut="liver"), "at liver: borderline (2 or 3)"),
        (
            Grade(value=("1",), set=("1",), margin=-0.2, nearest_cut="blood_pool_upper"),
            "20\u202f% below blood pool upper",
        ),
        (Grade(value=(), code="NO-LIVER"), "no usable liver reference: not graded"),
        (Grade(value=("3", "4"), set=("3", "4"), margin=1.2, nearest_cut="liver"), "120\u202f% above liver"),
        (None, "–"),
    ],
)
def test_margins_in_words(grade, words):
    assert wording.margin_words(grade) == words


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (0.0234, 3, "0.0234"),
        (4.567, 3, "4.57"),
        (12.34, 3, "12.3"),
        (1240.4, 3, "1,240"),
        (9.98, 2, "10"),
        (0.0, 3, "0"),
        (-0.5, 2, "−0.50"),
        (None, 3, "–"),
        (float("nan"), 3, "–"),
    ],
)
def test_numbers_as_a_reader_writes_them(value, digits, words):
    assert wording.number(value, digits) == words


def _check(study, item):
    return next(check for check in acquisition_checks(study) if check.item == item)


def _changed(study, **facts):
    return study.model_copy(update={"acquisition": study.acquisition.model_copy(update=facts)})


@pytest.mark.parametrize(
    ("mbq", "kg", "status"),
    [
        (150.0, 75.0, "met"),
        (200.0, 120.0, "met"),
        (210.0, 120.0, "caution"),
        (100.0, 75.0, "caution"),
        (None, 75.0, "not recorded"),
    ],
)
def test_dotatate_activity_is_two_mbq_per_kg_and_at_most_two_hundred(made_up, mbq, kg, status):
    assert _check(_changed(made_up.study, injected_mbq=mbq, weight_kg=kg), "Injected activity").status == status


@pytest.mark.parametrize(
    ("minutes", "status"), [(39.9, "caution"), (40.0, "met"), (90.0, "met"), (90.1, "caution"), (None, "not recorded")]
)
def test_dotatate_uptake_time_is_forty_to_ninety_minutes(made_up, minutes, status):
    assert _check(_changed(made_up.study, uptake_minutes=minutes), "Uptake time").status == status


def test_a_scan_made_outside_what_its_source_accepts_is_said_first_although_it_raised_no_issue(made_up):
    met = _changed(made_up.study, injected_mbq=150.0, weight_kg=75.0, uptake_minutes=60.0)
    over = _changed(met, injected_mbq=210.0, uptake_minutes=95.0)
    said = []
    for study in (met, over):
        (block,) = issue_blocks(made_up.course.model_copy(update={"issues": (), "studies": (study,)}))
        said.append(block.text)
    assert said[0] == "No issue was raised."
    assert said[1].endswith("Outside what its source accepts, further down: injected activity, uptake time.")


def test_blood_glucose_is_checked_for_fdg_only(made_up):
    detail = made_up.study.tracer_detail.model_copy(update={"binds": "glucose", "key": "fdg"})
    fdg = made_up.study.model_copy(update={"tracer": "fdg", "tracer_detail": detail})
    assert _check(_changed(fdg, glucose_mmol_l=11.0), "Blood glucose").status == "met"
    assert _check(_changed(fdg, glucose_mmol_l=11.1), "Blood glucose").status == "caution"
    assert "Blood glucose" not in [check.item for check in acquisition_checks(made_up.study)]


def test_the_order_of_normal_uptake_is_checked(made_up):
    low = made_up.study.references["spleen"].model_copy(update={"suv_mean": 5.0})
    study = made_up.study.model_copy(update={"references": made_up.study.references | {"spleen": low}})
    assert _check(made_up.study, "Order of normal uptake").status == "met"
    assert _check(study, "Order of normal uptake").status == "caution"


def test_a_tracer_without_a_window_in_the_sources_gets_none(made_up):
    study = made_up.study.model_copy(update={"tracer": "exendin"})
    assert _check(study, "Uptake time").status == "note"
    assert _check(study, "Uptake time").window == "no window in our sources"


def test_codes_with_long_meanings_are_cut_for_dicom():
    from lutetia.dicom.writing import concept

    assert len(concept(Code(value="1", scheme="SCT", meaning="x" * 90)).meaning) == 64


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        (["patient"], "patient"),
        (["lesion-3"], "lesion 3"),
        (["lesion-1", "lesion-2", "lesion-3", "lesion-7"], "lesions 1–3, 7"),
        (["lesion-2@sstr", "lesion-1@sstr"], "lesions 1, 2"),
        (["lesion-1", "lesion-2?", "lesion-3?"], "lesion 1; perhaps lesions 2, 3"),
        (["lesion-1@visit-1", "lesion-1@visit-2"], "lesion 1 at visit-1; lesion 1 at visit-2"),
    ],
)
def test_lesions_with_the_same_result_share_a_row(subjects, words):
    assert subjects_words(subjects) == words


def test_comparability_names_each_check_and_what_is_not_met_first(two_visits):
    comparison = Comparison(
        earlier="study-1",
        later="study-2",
        verdict="caution",
        checks=(
            {"id": "Q5", "title": "Same tracer molecule", "finding": "dotatate → dotatate", "state": "met"},
            {"id": "Q3", "title": "Uptake time within 10 min", "finding": "63 → 74 min", "state": "caution"},
        ),
    )
    course = two_visits.course.model_copy(update={"comparability": (comparison,)})
    page = _text(type(two_visits)(course, two_visits.volumes))
    first = page.index("Uptake time within 10 min: 63 → 74 min (caution)")
    assert first < page.index("Met: same tracer molecule")


def test_a_question_that_would_settle_every_lesion_alike_stands_once_below_the_table(made_up):
    verdicts = tuple(
        {
            "rule": rule,
            "title": title,
            "edition": "1.0 (2018)",
            "subject": f"lesion-{n}",
            "results": ["3C", str(n)],
            "questions": [{"ask": "Is its nature proven?"}],
        }
        for n in (1, 2)
        for rule, title in (("sstr-rads-1.0", "SSTR-RADS 1.0"), ("sstr-rads-follow", "SSTR-RADS 1.0, follow-up"))
    )
    course = made_up.course.model_copy(update={"verdicts": verdicts})
    page = _text(type(made_up)(course, made_up.volumes))
    table = page[page.index("What the rules say") :]
    assert "SSTR-RADS 1.0 (2018) category follow-up lesion 1" in table
    assert table.count("Is its nature proven?") == 1


def test_a_finding_that_decides_comparability_is_said_once(two_visits):
    comparison = Comparison(
        earlier="study-1",
        later="study-2",
        verdict="caution",
        checks=(
            {
                "id": "Q6",
                "title": "Activity within 20 % of the earlier",
                "finding": "198 → 155 MBq",
                "state": "caution",
            },
            {"id": "Q8", "title": "Same EARL standard", "finding": "none named", "state": "indeterminate"},
        ),
        note="Numeric change is reported with reservation: Activity within 20 % of the earlier: 198 → 155 MBq.",
    )
    course = two_visits.course.model_copy(update={"comparability": (comparison,)})
    page = _text(type(two_visits)(course, two_visits.volumes))
    assert page.count("198 → 155 MBq") == 1
    assert "155 MBq; Same EARL standard: none named (indeterminate)" in page


def test_the_facts_of_the_case_stand_in_order_of_their_dates_and_a_zero_is_a_value(made_up):
    treatments = (
        {"kind": "treatment", "date": "2025-11-03", "agent": "177Lu-DOTATATE", "activity_gbq": 7.4, "cycle": 1},
    )
    facts = (
        {"kind": "toxicity", "date": "2025-12-01", "name": "nausea", "value": 0.0, "unit": "CTCAE", "note": "mild"},
        {"kind": "marker", "date": "2025-08-30", "name": "CgA", "value": 410.0, "unit": "ng/mL", "origin": "case_file"},
    )
    course = made_up.course.model_copy(update={"treatments": treatments, "facts": facts})
    page = _text(type(made_up)(course, made_up.volumes))
    section = page[page.index("Facts of the case") :]
    assert "30 Aug 2025 marker CgA 410\u202fng/mL – case file" in section
    assert "3 Nov 2025 treatment 177Lu-DOTATATE 7.4\u202fGBq, cycle 1" in section
    assert "1 Dec 2025 toxicity nausea 0\u202fCTCAE note: mild" in section
    assert section.index("CgA") < section.index("177Lu-DOTATATE") < section.index("nausea")


@pytest.mark.parametrize(
    ("title", "edition", "words"),
    [
        ("SSTR-RADS 1.0", "1.0 (2018)", "SSTR-RADS 1.0 (2018)"),
        ("PRRT column of SSTR-RADS 1.0", "1.0, 2018", "PRRT column of SSTR-RADS 1.0 – 2018"),
        ("PERCIST", "1.0 (2009)", "PERCIST – 1.0 (2009)"),
        ("NETPET score", "2017", "NETPET score – 2017"),
    ],
)
def test_a_version_in_the_title_of_a_rule_is_not_said_again(title, edition, words):
    assert rule_title({"title": title, "edition": edition}) == words


def test_retention_is_never_called_response(two_visits):
    dose = {"gy": 1.1, "low_gy": 0.77, "high_gy": 1.42, "reasons": []}
    entry = {
        "lesion": "lesion-1",
        "study": "study-2",
        "hours_after_injection": 96.0,
        "tumour_to_liver": 1.4,
        "dose": dose,
    }
    course = two_visits.course.model_copy(update={"dosimetry": (entry,)})
    page = _text(type(two_visits)(course, two_visits.volumes))
    assert "1.10 (0.770–1.42)" in page and "Doses: research estimates" in page
    assert "Retention of the therapy agent is not response" in page
