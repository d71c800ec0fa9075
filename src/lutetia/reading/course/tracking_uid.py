"""One tracking UID per lesion of a course, the same in every study's DICOM objects and when a later visit is added."""

from __future__ import annotations

from collections.abc import Sequence

from lutetia.dicom.uids import derived_uid
from lutetia.model import Lesion, Study


def tracked(lesions: Sequence[Lesion], studies: Sequence[Study]) -> tuple[Lesion, ...]:
    """The lesions, each with the UID that follows from where its first study saw it.

    A UID that stands already is kept. The place is that of the hottest voxel, else the centroid, in whole millimetres.
    """
    order = {study.id: n for n, study in enumerate(studies)}
    uids = {study.id: study.study_instance_uid for study in studies}

    def one(lesion: Lesion) -> Lesion:
        seen = sorted((o for o in lesion.observations if o.study in order), key=lambda o: order[o.study])
        if lesion.tracking_uid or not seen:
            return lesion
        place = seen[0].max_position_mm or seen[0].centroid_mm
        words = ",".join(f"{value:.0f}" for value in place)
        uid = derived_uid(uids[seen[0].study], "lesion", words, str(seen[0].label))
        return lesion.model_copy(update={"tracking_uid": uid})

    return tuple(map(one, lesions))
