"""What was taken for a lesion at one visit and set apart at another of the same tracer: one of the two may be wrong.

Nothing is changed, for either can be right, or both (a metastasis that is gone, in bowel that now shows): a reader must
see the images side by side. So it is said, with the reason for which the uptake was set apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lutetia.model import Issue, Lesion, Place
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import Identified
from lutetia.reading.course.places import sample, stands_out
from lutetia.reading.study import StudyReading

#: share of a lesion's place that must lie in what was set apart
INSIDE = 0.5


def set_apart_elsewhere(
    found: Sequence[Identified],
    places: Mapping[int, Mapping[str, Place]],
    readings: Sequence[StudyReading],
    frames: Frames,
) -> tuple[Issue, ...]:
    """An issue for each uptake that one study set apart though another of the tracer shows it as a lesion or several.

    Parameters
    ----------
    found : the lesions of the course
    places : number of the lesion → study → what it shows at the place, where the lesion is no focus
    readings : aligned studies, each read
    frames : alignments; nothing is said through a poor one
    """
    by_study = {r.study.id: r for r in readings}
    apart: dict[tuple[str, str], tuple[Lesion, list[Identified], dict[str, None]]] = {}
    for lesion in found:
        for name, place in places[lesion.number].items():
            tracer = by_study[name].study.tracer
            shown = [s for s in lesion.track.shapes if by_study[s].study.tracer == tracer]
            if not shown or not stands_out(place) or "poor" in map(frames.status, (name, shown[-1])):
                continue
            over = _over(by_study[name], lesion, frames)
            if over is not None:
                _, lesions, studies = apart.setdefault((name, over.id), (over, [], {}))
                lesions.append(lesion)
                studies |= dict.fromkeys(shown)
    return tuple(_issue(lesions, list(studies), study, over) for (study, _), (over, lesions, studies) in apart.items())


def _over(reading: StudyReading, lesion: Identified, frames: Frames) -> Lesion | None:
    """What a study set apart at most of the place of a lesion, unless a reader did."""
    if reading.found is None:
        return None
    points = lesion.track.last_shape(reading.study.tracer).points_mm
    there = sample(reading.found.labels, frames.to_study(reading.study.id, points))
    for other in reading.lesions:
        if other.status != "physiological" or other.corrected_by is not None:
            continue
        if float(np.mean(there == other.observations[0].label)) >= INSIDE:
            return other
    return None


def _issue(lesions: Sequence[Identified], shown: Sequence[str], study: str, apart: Lesion) -> Issue:
    one = len(lesions) == 1
    named = ", ".join(f"lesion-{x.number}" for x in lesions)
    sites = dict.fromkeys(m.site or m.tissue for x in lesions for m in (next(iter(x.members.values())),))
    candidates, place = ("is a candidate", "its place") if one else ("are candidates", "their places")
    message = (
        f"{named} ({', '.join(sites)}) {candidates} in {' and '.join(shown)}; in {study} the uptake at {place} was set "
        f"apart as {apart.site or 'physiological'} ({apart.status_reason}). One of the two may be wrong: compare the "
        "images; a correction settles it"
    )
    number = f"lesion-{lesions[0].number}" if one else None
    return Issue(code="set-apart-at-another-visit", level="caution", message=message, study=study, lesion=number)
