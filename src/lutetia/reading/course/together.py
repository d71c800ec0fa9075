"""The studies of a patient brought together before anything is joined: visits, one frame, and what one scan of a
visit tells another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from lutetia.model import Issue, Visit
from lutetia.reading.course.frames import Frames, align_studies
from lutetia.reading.course.known_place import outline_known_places
from lutetia.reading.course.other_scan import heed_other_scan
from lutetia.reading.course.partner import read_with_partners
from lutetia.reading.course.visits import group_visits
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore
from lutetia.reading.study import StudyReading, lesion_settings


@dataclass(frozen=True, eq=False)
class Together:
    """Visits and frame of a course.

    Attributes
    ----------
    visits : all studies by visit
    measured : the studies of which something could be read, in order of date
    seen : the visits with these studies only
    frames : carries points between them; None when there are fewer than two
    issues : of grouping and of alignment
    """

    visits: tuple[Visit, ...]
    measured: tuple[StudyReading, ...]
    seen: tuple[Visit, ...]
    frames: Frames | None
    issues: tuple[Issue, ...]


def bring_together(
    readings: Sequence[StudyReading],
    settings: ReadSettings,
    progress: Callable[[str, float], None] = lambda stage, share: None,
    treatments: Sequence[date] = (),
    store: StageStore | None = None,
) -> Together:
    """Group the studies into visits, align them, read an FDG scan anew where the SSTR scan of its visit knows better.

    Parameters
    ----------
    readings : in order of date; FDG studies may be changed in place
    settings : `visit_days`, `deformable`
    progress : called with a stage's name and the share done
    treatments : dates of systemic treatment
    store : where finished stages are kept
    """
    visits, issues = group_visits(readings, settings.visit_days, treatments)
    measured = tuple(r for r in readings if r.suv is not None or r.stored is not None or r.ct is not None)
    names = {r.study.id for r in measured}
    seen = tuple(v.model_copy(update={"studies": tuple(s for s in v.studies if s in names)}) for v in visits)
    if len(measured) < 2:
        return Together(visits, measured, seen, None, issues)
    frames = align_studies(measured, settings.deformable, progress, store)
    read_with_partners(measured, seen, frames, settings, progress, store)
    heed_other_scan(measured, seen, frames)
    outline_known_places(measured, seen, frames, lesion_settings(settings))
    return Together(visits, measured, seen, frames, (*issues, *frames.issues))
