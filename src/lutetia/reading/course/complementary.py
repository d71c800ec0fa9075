"""A part of a confluent mass that another target tells apart: a lesion of its own in every study.

Confluent liver disease is one lesion, since nobody can say where its foci end. A part that takes up much FDG while the
rest of the mass does not is another matter: its border is seen, it may be another clone, and biopsy and treatment ask
for it. So its FDG outline is cut out of the SSTR outlines of the mass, and it keeps one identity on both tracers and
over time; the mass is measured without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lutetia.model import Lesion
from lutetia.reading.course.confluent_foci import Focus, Key, Voxels, holds, labels_of, measured
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import PART
from lutetia.reading.study import StudyReading

#: volume from which an uptake counts (as in the totals), of a part and of what the mass shows at its place, mL
LEAST_ML = 0.5
#: a focus of more than an eighth of the mass shows the mass itself, as in matching
MOST_OF_MASS = 0.125
#: mean uptake of the part against the median of the rest of the mass
HOTTER = 2.0


def parts_of_their_own(
    members: Mapping[Key, Sequence[Focus]], masses: Sequence[Focus], frames: Frames
) -> dict[Key, tuple[Focus, ...]]:
    """Foci inside confluent masses that are lesions of their own.

    Parameters
    ----------
    members : name of the mass → its foci in all studies
    masses : those that a study calls confluent
    frames : alignments

    Returns
    -------
    dict
        Name of the mass → its complementary parts, in the order of `members`.
    """
    out: dict[Key, tuple[Focus, ...]] = {}
    for root, foci in members.items():
        own = [m for m in masses if m in foci]
        seen_as_mass = {m.reading.study.id for m in own}
        found = tuple(
            f
            for f in foci
            if f.reading.study.id not in seen_as_mass
            and f.lesion.observations[0].volume_ml >= LEAST_ML
            and any(_differs(f, m, frames) for m in own)
        )
        if found:
            out[root] = found
    return out


def _differs(focus: Focus, mass: Focus, frames: Frames) -> bool:
    """Whether a focus stands out from the mass around it on a tracer of another target."""
    here, there = focus.reading, mass.reading
    if here.tracer is None or there.tracer is None or here.tracer.binds == there.tracer.binds or here.suv is None:
        return False
    seen = focus.lesion.observations[0]
    if seen.volume_ml > MOST_OF_MASS * mass.lesion.observations[0].volume_ml or not holds(mass, focus, frames):
        return False
    where, labels = labels_of(there, here, frames)
    where = where[labels == mass.label]
    assert here.found is not None
    rest = where[here.found.labels.array[tuple(where.T)] == 0]
    return len(rest) > 0 and seen.suv_mean >= HOTTER * float(np.median(here.suv.array[tuple(rest.T)]))


def name_parts(parts: Sequence[Focus], frames: Frames) -> dict[Key, str]:
    """One name for what is the same part in several studies of its tracer."""
    names: dict[Key, str] = {}
    for n, part in enumerate(parts):
        earlier = next(
            (
                p
                for p in parts[:n]
                if p.reading is not part.reading and (holds(p, part, frames) or holds(part, p, frames))
            ),
            None,
        )
        names[part.key] = names[earlier.key] if earlier else f"part {part.key[0]} {part.key[1]}"
    return names


def cut_out(
    reading: StudyReading,
    mass: Lesion,
    parts: Sequence[Focus],
    names: Mapping[Key, str],
    order: Mapping[str, int],
    frames: Frames,
) -> dict[Key, str]:
    """Cut the parts out of the outline of their mass in one study; its lesions and labels are changed in place.

    Parameters
    ----------
    reading : a study that shows the mass
    mass : the mass in that study
    parts : complementary parts, of studies of another target
    names : of the parts
    order : study → number of its visit; of several outlines of a part the one nearest in time is taken
    frames : alignments

    Returns
    -------
    dict
        (study, id of the new lesion) → name of the part.
    """
    assert reading.found is not None
    when = order[reading.study.id]
    nearest: dict[str, Focus] = {}
    for part in sorted(parts, key=lambda p: (abs(order[p.reading.study.id] - when), order[p.reading.study.id])):
        nearest.setdefault(names[part.key], part)
    labels, label = reading.found.labels.array, mass.observations[0].label
    out: dict[Key, str] = {}
    for name, part in nearest.items():
        where, carried = labels_of(part.reading, reading, frames)
        where = where[carried == part.label]
        own = where[labels[tuple(where.T)] == label]
        volume_ml = len(own) * reading.found.labels.grid.voxel_ml
        if volume_ml < LEAST_ML or len(own) >= np.count_nonzero(labels == label):
            continue
        number = max(int(labels.max()), *(x.observations[0].label for x in reading.lesions)) + 1
        labels[tuple(own.T)] = number
        reading.lesions = (*reading.lesions, _part(reading, mass, own, number, part))
        out[reading.study.id, reading.lesions[-1].id] = name
    if out:
        rest: Voxels = np.argwhere(labels == label)
        method = f"{mass.observations[0].mask_method}; without {len(out)} part(s) that another tracer tells apart"
        without = measured(reading, mass, rest, label, method)
        reading.lesions = tuple(without if x.id == mass.id else x for x in reading.lesions)
    return out


def _part(reading: StudyReading, mass: Lesion, voxels: npt.NDArray[np.int64], number: int, part: Focus) -> Lesion:
    seen = mass.observations[0]
    plain = seen.model_copy(update={"flags": tuple(f for f in seen.flags if f != "confluent")})
    lesion = mass.model_copy(update={"id": f"L{number}", "confluent": False, "observations": (plain,)})
    method = f"outline of {part.reading.study.id} cut out of the confluent mass around it"
    found = measured(reading, lesion, voxels, number, method)
    flags = (*found.observations[0].flags, PART)
    return found.model_copy(update={"observations": (found.observations[0].model_copy(update={"flags": flags}),)})
