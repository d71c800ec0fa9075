"""What happened to each lesion between visits, in the words of the record."""

from __future__ import annotations

from collections.abc import Sequence

from lutetia.model import HistoryEvent, Lesion, Observation, Place, Visit
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import COALESCED, Identified
from lutetia.reading.course.parting import parting
from lutetia.reading.course.places import ct_contrast, focus_over, stands_out, uptake_at
from lutetia.reading.course.relative import RELATIVE, shows_uptake
from lutetia.reading.study import StudyReading

#: change of volume that is more than repeatability: ±30 % (convention C-P26: no limit is published for SSTR PET)
GROWN, SHRUNK = 1.30, 0.70
#: a focus in what was a larger uptake before is new when its mean has doubled
RISEN = 2.0
#: events that a second look at the place cannot change
SETTLED = ("split", "merged", "outside_field")


def previous_study(
    reading: StudyReading, readings: Sequence[StudyReading], visits: Sequence[Visit]
) -> StudyReading | None:
    """The study of the last earlier visit with the same tracer; a visit without a date is neither earlier nor later."""
    order = {study: n for n, visit in enumerate(visits) if visit.first_date for study in visit.studies}
    if reading.study.id not in order:
        return None
    earlier = [
        r
        for r in readings
        if r.study.tracer == reading.study.tracer
        and r.study.id in order
        and order[r.study.id] < order[reading.study.id]
    ]
    return max(earlier, key=lambda r: order[r.study.id], default=None)


def _seen_with_another_tracer(
    lesion: Identified, study: str, visits: Sequence[Visit], readings: Sequence[StudyReading]
) -> str | None:
    visit = next(v for v in visits if study in v.studies)
    tracer = {r.study.id: r.study.tracer for r in readings}
    other = [s for s in visit.studies if s in lesion.members and tracer[s] != tracer[study]]
    return other[0] if other else None


def _known_before(
    lesion: Identified, then: StudyReading, visits: Sequence[Visit], readings: Sequence[StudyReading]
) -> str | None:
    """The first PET up to the visit of `then` that saw the lesion, with whatever tracer: what is known is not new."""
    order = {study: n for n, visit in enumerate(visits) for study in visit.studies}
    earlier = (r.study.id for r in readings if r.study.id in lesion.members and not r.study.is_therapy_spect)
    return next((s for s in earlier if order[s] <= order[then.study.id]), None)


def _still_on_ct(lesion: Identified, now: StudyReading, then: StudyReading, frames: Frames) -> str | None:
    """Evidence that the lesion of the earlier study is still on the later study's CT; None when there is none."""
    shape = lesion.track.shapes.get(then.study.id)
    if shape is None:
        return None
    before, after = ct_contrast(then, shape, frames), ct_contrast(now, shape, frames)
    if before is None or after is None or not before.seen or not after.seen:
        return None
    if before.difference_hu * after.difference_hu <= 0 or abs(after.difference_hu) < 0.5 * abs(before.difference_hu):
        return None
    return f"{after.difference_hu:+.0f} HU against its surroundings, {before.difference_hu:+.0f} HU before"


def _changed(lesion: Identified, now: Observation, then: Observation, previous: str) -> tuple[str, str]:
    ratio = now.volume_ml / max(then.volume_ml, 1e-6)
    event = "growing" if ratio > GROWN else "shrinking" if ratio < SHRUNK else "stable"
    text = f"volume {then.volume_ml:.1f} → {now.volume_ml:.1f} mL, SUVmax {then.suv_max:.1f} → {now.suv_max:.1f}"
    link = lesion.track.links.get(now.study)
    return event, f"{text} since {previous}" + (f"; {link.evidence}" if link is not None else "")


def _coalesced(seen: Lesion) -> bool:
    return COALESCED in seen.observations[0].flags


def history_of(
    lesion: Identified,
    places: dict[str, Place],
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
) -> tuple[HistoryEvent, ...]:
    """One event per study, relative to the previous visit with the same tracer."""
    events = []
    track = lesion.track
    for reading in readings:
        study = reading.study.id
        if track.merged_into is not None and study not in lesion.members and study != track.merged_into[1]:
            after = [r.study.id for r in readings].index(study) > [r.study.id for r in readings].index(
                track.merged_into[1]
            )
            if after:
                continue
        then = previous_study(reading, readings, visits)
        event, evidence = _event(lesion, reading, then, places, readings, visits, frames)
        if then is not None and event not in SETTLED and not (lesion.confluent or lesion.part_of_confluent):
            parted = parting(lesion, reading, then, frames)
            if parted is not None:
                event, evidence = parted.relation, parted.evidence
        events.append(HistoryEvent(study=study, event=event, evidence=evidence))
    return _agreed(events, lesion, places, readings, visits)


def _agreed(
    events: Sequence[HistoryEvent],
    lesion: Identified,
    places: dict[str, Place],
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
) -> tuple[HistoryEvent, ...]:
    """A lesion that parted or met is said to have done so by every tracer of the visit that shows it."""
    by_study = {r.study.id: r for r in readings}
    visit_of = {study: visit.id for visit in visits for study in visit.studies}
    parted = {visit_of[e.study]: e for e in events if e.event in ("split", "merged")}
    out = []
    for event in events:
        model = parted.get(visit_of[event.study])
        place = places.get(event.study)
        shown = event.study in lesion.members or (place is not None and stands_out(place))
        follows = event.event in ("stable", "growing", "shrinking", "new", "not_visible") and shown
        if model is not None and follows and previous_study(by_study[event.study], readings, visits) is not None:
            text = f"as seen in {model.study} at the same visit: {model.evidence}; here {event.evidence}"
            event = event.model_copy(update={"event": model.event, "evidence": text})
        out.append(event)
    return tuple(out)


def _event(
    lesion: Identified,
    reading: StudyReading,
    then: StudyReading | None,
    places: dict[str, Place],
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
) -> tuple[str, str]:
    study, track = reading.study.id, lesion.track
    seen = lesion.members.get(study)
    place = places.get(study)
    if study in track.merged_in and then is not None:
        return "merged", f"one focus now with {', '.join(f'lesion-{n}' for n in track.merged_in[study])}"
    if seen is None and place is not None and place.note.startswith(RELATIVE):
        return ("baseline" if shows_uptake(place) and then is None else "not_visible"), place.note
    if seen is None and (place is None or not place.in_field):
        return "outside_field", place.note if place is not None else "this study or the lesion's own is not aligned"
    if seen is not None:
        return _of_focus(lesion, seen, reading, then, places, readings, visits, frames)
    assert place is not None
    return _of_place(lesion, place, reading, then, readings, visits, frames)


def _of_focus(
    lesion: Identified,
    seen: Lesion,
    reading: StudyReading,
    then: StudyReading | None,
    places: dict[str, Place],
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
) -> tuple[str, str]:
    """What happened to a lesion that is a focus of the study."""
    study, track = reading.study.id, lesion.track
    if study in track.split_in and then is not None:
        return "split", f"parts: {', '.join(f'lesion-{n}' for n in track.split_in[study])}"
    if then is None:
        return "baseline", "first study with this tracer"
    before = lesion.members.get(then.study.id)
    if _coalesced(seen) and (before is None or not _coalesced(before)):
        return "merged", f"no valley divides it from its neighbours any more: {seen.observations[0].mask_method}"
    if before is not None:
        return _changed(lesion, seen.observations[0], before.observations[0], then.study.id)
    earlier = places.get(then.study.id)
    if earlier is None or not earlier.in_field:
        unaligned = study not in frames.by_study or then.study.id not in frames.by_study
        return "baseline", f"{'not aligned with' if unaligned else 'its place was not imaged in'} {then.study.id}"
    if track.parent is not None:
        return "split", f"part of lesion-{track.parent}"
    there = uptake_at(then, track.shapes[study], earlier, frames)
    risen = seen.observations[0].suv_mean >= RISEN * (earlier.suv_mean or 0.0)
    if there == "focal" or (there == "runs on" and not risen):
        how = "in retrospect" if there == "focal" else "within a larger uptake"
        over = f"SUVmean {earlier.suv_mean:.1f} over {earlier.background_mean:.1f} in {then.study.id}"
        return "growing", f"{how} at {over}"
    known = _known_before(lesion, then, visits, readings)
    if known is not None:
        return "growing", f"known from {known}; SUVmean {earlier.suv_mean:.1f} at its place in {then.study.id}"
    around = f"surroundings {earlier.background_mean or 0.0:.1f}"
    return "new", f"SUVmean {earlier.suv_mean:.1f} at its place in {then.study.id}, {around}"


def _of_place(
    lesion: Identified,
    place: Place,
    reading: StudyReading,
    then: StudyReading | None,
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
) -> tuple[str, str]:
    """What happened to a lesion that is no focus of the study, though its place was imaged."""
    study = reading.study.id
    value = f"SUVmean {place.suv_mean:.1f} at its place" if place.suv_mean is not None else ""
    shape = lesion.track.last_shape(reading.study.tracer)
    there = uptake_at(reading, shape, place, frames)
    if there == "runs on":
        return "not_visible", f"{value}, above its surroundings ({place.background_mean:.1f}), not to be told from them"
    if there == "focal":
        # not outlined as a focus, yet brighter than its surroundings: seen, and not gone
        event = "baseline" if then is None or then.study.id not in lesion.members else "stable"
        return event, f"{value}, above its surroundings ({place.background_mean:.1f}); not outlined as a focus"
    if then is None or then.study.id not in lesion.members:
        return "not_visible", value
    other = _seen_with_another_tracer(lesion, study, visits, readings)
    if other is not None:
        return "not_visible", f"{value}; seen in {other}"
    outline = focus_over(reading, shape, frames)
    if outline is not None:
        return "not_visible", f"{value}; its place lies in the outline of another focus ({outline})"
    on_ct = _still_on_ct(lesion, reading, then, frames)
    if on_ct is not None:
        return "not_visible", f"{value}; still on CT: {on_ct}"
    looked = "no correlate on CT" if reading.ct is not None else "no CT to look for a correlate"
    return "resolved", f"{value}; {looked}"
