"""A reading that was asked for no organs looks for lesions all the same, and says what it can't tell."""

from __future__ import annotations

import lutetia
from lutetia.phantom import PhantomTruth


def test_without_organs_lesions_are_sought_in_the_outline_of_the_body(tiny_patient: PhantomTruth) -> None:
    course = lutetia.read(tiny_patient.dicom, settings={"anatomy": "none"})
    (issue,) = [i for i in course.issues if i.code == "organs-not-sought"]
    assert issue.level == "caution" and "kidneys" in issue.message
    assert len(course.lesions) >= len(tiny_patient.lesions)
    assert course.studies[0].summary is not None
