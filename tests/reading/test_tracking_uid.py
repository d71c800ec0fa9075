"""One tracking UID per lesion, whoever looks and whenever."""

from __future__ import annotations

from lutetia.model import Lesion, Observation, Study
from lutetia.reading.course.tracking_uid import tracked


def _study(name: str, uid: str) -> Study:
    return Study(id=name, study_instance_uid=uid, date=None, tracer="dotatate")


def _lesion(name: str, *studies: str, at: tuple[float, float, float] = (10.0, -20.0, 30.0)) -> Lesion:
    seen = tuple(
        Observation(study=s, label=1, suv_max=9.0, suv_mean=6.0, suv_peak=8.0, volume_ml=2.0, tlu=12.0, centroid_mm=at)
        for s in studies
    )
    return Lesion(id=name, site="liver", tissue="liver", status="candidate", observations=seen)


BEFORE, AFTER = _study("study-1", "1.2.3"), _study("study-2", "1.2.4")


def test_a_lesion_keeps_its_uid_when_a_later_visit_is_added_and_its_number_changes():
    (alone,) = tracked([_lesion("lesion-3", "study-1")], [BEFORE])
    (again,) = tracked([_lesion("lesion-5", "study-2", "study-1")], [BEFORE, AFTER])
    assert alone.tracking_uid == again.tracking_uid != ""


def test_lesions_of_two_places_or_two_patients_have_different_uids():
    one, two = tracked([_lesion("lesion-1", "study-1"), _lesion("lesion-2", "study-1", at=(0.0, 0.0, 0.0))], [BEFORE])
    (other,) = tracked([_lesion("lesion-1", "study-1")], [_study("study-1", "1.2.9")])
    assert len({one.tracking_uid, two.tracking_uid, other.tracking_uid}) == 3


def test_a_uid_that_stands_is_kept():
    given = _lesion("lesion-1", "study-1").model_copy(update={"tracking_uid": "1.2.3.4"})
    assert tracked([given], [BEFORE])[0].tracking_uid == "1.2.3.4"
