"""What was not looked for is no finding: rules about lesions are silent where no study was searched."""

from __future__ import annotations

from lutetia.model import Course, Patient, Refusal, Study
from lutetia.reading.settings import ReadSettings
from lutetia.reading.verdicts import with_verdicts
from lutetia.rules.case import case_from_text

REFUSED = Study(
    id="study-1",
    study_instance_uid="1.2.3",
    date="2025-03-14",
    tracer="dotatate",
    suv_refusal=Refusal(code="weight-missing", message="PatientWeight (0010,1030) is absent"),
)
CASE = """case: "1.0"
id: typed
visits: [{id: s, date: 2025-03-03, tracer: ga68-dotatate, blood_pool: 2, liver: 8, spleen: 24}]
lesions: [{id: L1, site: liver, seen: {s: {suv_max: 20, focal: yes, size_mm: 31}}}]
"""


def test_a_scan_without_suv_is_never_scored_as_a_scan_without_lesions():
    course = with_verdicts(Course(patient=Patient(id="P"), studies=(REFUSED,)), ReadSettings())
    assert course.verdicts == () and course.questions == ()
    assert [issue.code for issue in course.issues] == ["rules-not-asked"]


def test_typed_lesions_are_scored_though_no_study_was_searched():
    course = Course(patient=Patient(id="P"), studies=(REFUSED,))
    assert with_verdicts(course, ReadSettings(), case_from_text(CASE)).verdicts
