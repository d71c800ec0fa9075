"""How uptake varies inside a lesion: the 10th and 90th percentile of its voxels, and the grade of each.

The founding review reads by eye whether the Krenning grade changes across a lesion; the percentiles propose it
(convention C-E2). A lesion of a few voxels has no percentiles.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from lutetia.imaging.anatomy.morphology import bounding_box
from lutetia.model import Lesion, Observation
from lutetia.reading.grading import spleen_state, tracer_class
from lutetia.reading.study import StudyReading
from lutetia.rules import grade_krenning_modified

#: fewer voxels than this have no 10th percentile apart from their coldest voxel
FEWEST_VOXELS = 20


def with_percentiles(reading: StudyReading) -> tuple[Lesion, ...]:
    """The lesions of a study, their observations with the percentiles of SUV and, on SSTR PET, the grades of these."""
    if reading.found is None or reading.suv is None:
        return reading.lesions
    labels = reading.found.labels.array
    around = bounding_box(labels)  # most of a PET is outside the patient
    if around is None:
        return reading.lesions
    labels, image = labels[around], reading.suv.array[around]
    boxes = ndi.find_objects(labels)
    out = []
    for lesion in reading.lesions:
        observations = []
        for observation in lesion.observations:
            box = boxes[observation.label - 1] if 0 < observation.label <= len(boxes) else None
            if box is None:
                observations.append(observation)
                continue
            values = image[box][labels[box] == observation.label]
            observations.append(_spread(observation, values, reading))
        out.append(lesion.model_copy(update={"observations": tuple(observations)}))
    return tuple(out)


def _spread(observation: Observation, values: np.ndarray, reading: StudyReading) -> Observation:
    if len(values) < FEWEST_VOXELS:
        return observation
    low, high = (round(float(v), 4) for v in np.percentile(values, (10, 90)))
    update: dict[str, object] = {"suv_p10": low, "suv_p90": high}
    tracer = reading.tracer
    if tracer is not None and tracer.is_sstr and tracer.modality == "PET":
        references = reading.study.references
        liver, spleen, blood = (reading.study.reference_mean(name) for name in ("liver", "spleen", "blood_pool"))
        for key, value in (("krenning_p10", low), ("krenning_p90", high)):
            grade = grade_krenning_modified(
                value,
                liver,
                spleen,
                blood,
                spleen_state=spleen_state(references.get("spleen")),
                tracer_class=tracer_class(tracer),
                uptake_measure=f"{key[-2:]}th percentile of its voxels",
            )
            update[key] = grade.value
    return observation.model_copy(update=update)
