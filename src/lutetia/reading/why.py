"""The chain behind a number: from a lesion's grade to cut, references, voxels, SUV factor and header elements."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lutetia.model import Course, Grade, HistoryEvent, InputError, Observation, Record, Reference, Study, UsageError


class Link(Record):
    """One step of a chain: what is said, what it rests on, and the steps behind it."""

    title: str
    text: str
    rests_on: tuple[Link, ...] = ()


def load_course(folder: Path) -> Course:
    """The record in a result folder.

    Raises
    ------
    InputError
        ``no-findings``, ``unreadable-findings`` or ``other-schema`` when there is none that this version reads.
    """
    path = folder / "findings.json" if folder.is_dir() else folder
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "no-findings",
            "There is no findings.json",
            where=str(path),
            expected="a folder written by lutetia read",
            remedy="run lutetia read first, or give its --out folder",
        ) from error
    except (OSError, ValueError) as error:
        raise InputError("unreadable-findings", f"findings.json can't be read: {error}", where=str(path)) from error
    try:
        return Course.model_validate(data)
    except ValueError as error:
        version = data.get("schema_version") if isinstance(data, dict) else None
        raise InputError(
            "other-schema",
            f"findings.json (schema {version}) is not what this version writes",
            where=str(path),
            expected="a findings.json of this version",
            remedy="read the images again",
        ) from error


def _suv_link(study: Study) -> Link:
    suv = study.suv
    if suv is None:
        text = study.suv_refusal.message if study.suv_refusal else "no SUV"
        return Link(title="SUV", text=f"refused: {text}")
    elements = tuple(Link(title=name, text=value) for name, value in sorted(suv.elements.items()))
    repairs = tuple(Link(title="repaired", text=text) for text in suv.repairs)
    by_hand = tuple(Link(title=f"{name} by hand", text=value) for name, value in sorted(suv.overrides.items()))
    reason = Link(title="Reference time", text=f"{suv.decay_reference}: {suv.decay_reference_reason}")
    pet = next((n for n in study.series if n.role == "PET"), None)
    series = (Link(title="PET series", text=f"{pet.series_instance_uid}: {pet.reason}"),) if pet else ()
    return Link(
        title="SUV",
        text=f"{suv.factor:.6g} × the rescaled stored value ({suv.units or 'units not named'}) = SUV{suv.basis}",
        rests_on=(reason, *by_hand, *repairs, *elements, *series),
    )


def _reference_link(name: str, reference: Reference) -> Link:
    value = "no value" if reference.suv_mean is None else f"SUVmean {reference.suv_mean:.3f}"
    behind = []
    for measure in (reference.whole_organ, reference.classical):
        if measure is not None:
            centre = ", ".join(f"{v:.0f}" for v in measure.centroid_mm)
            text = (
                f"SUVmean {measure.suv_mean:.3f} ± {measure.standard_error:.3f} (SD {measure.suv_sd:.3f}), "
                f"{measure.volume_ml:.1f} mL at ({centre}) mm"
            )
            behind.append(Link(title=measure.method, text=text))
    behind += [Link(title="reason", text=reason) for reason in reference.reasons]
    title = f"Reference: {name.replace('_', ' ')}"
    return Link(title=title, text=f"{value}, {reference.status}; {reference.method}", rests_on=tuple(behind))


def _grade_link(title: str, grade: Grade, study: Study) -> Link:
    value = " or ".join(grade.value) if grade.value else f"refused ({grade.code})"
    text = value
    if grade.margin is not None and grade.nearest_cut:
        text += f"; nearest cut {grade.nearest_cut}, uptake {100 * grade.margin:+.1f} % from it"
    if grade.set and grade.set != grade.value:
        text += f"; within ±5 % of the uptake: {', '.join(grade.set)}"
    behind = [Link(title="rule", text=f"{grade.rule}: {grade.explanation}".rstrip(": "))]
    if grade.uptake is not None:
        behind.append(Link(title="graded uptake", text=f"{grade.uptake_measure} {grade.uptake:.3f}"))
    behind += [Link(title="caution", text=text) for text in grade.cautions]
    behind += [_reference_link(name, r) for name, r in study.references.items()]
    return Link(title=title, text=text, rests_on=tuple(behind))


def _voxel_link(observation: Observation, study: Study) -> Link:
    where = observation.max_position_mm or observation.centroid_mm
    place = ", ".join(f"{v:.1f}" for v in where)
    text = (
        f"label {observation.label} in {study.id}/lesions.nii.gz: {observation.volume_ml:.2f} mL, "
        f"SUVmax {observation.suv_max:.3f} at ({place}) mm, SUVmean {observation.suv_mean:.3f}"
    )
    threshold = "" if observation.mask_threshold_suv is None else f", SUV ≥ {observation.mask_threshold_suv:.3f}"
    behind = [Link(title="outline", text=f"{observation.mask_method}{threshold}")]
    if observation.local_background is not None:
        behind.append(Link(title="local background", text=f"SUV {observation.local_background:.3f}"))
    behind.append(_suv_link(study))
    return Link(title="Voxels", text=text, rests_on=tuple(behind))


def _observation_link(observation: Observation, study: Study) -> Link:
    grades = []
    if observation.krenning_modified is not None:
        grades.append(_grade_link("Modified Krenning", observation.krenning_modified, study))
    if observation.krenning_spect is not None:
        hours = observation.krenning_spect.hours
        name = "K-SPECT(177Lu" + (f", {hours:.0f} h)" if hours is not None else ")")
        grades.append(_grade_link(name, observation.krenning_spect, study))
    title = f"{study.id} ({study.tracer}, {study.date or 'undated'})"
    flags = f"; flags: {', '.join(observation.flags)}" if observation.flags else ""
    text = f"SUVmax {observation.suv_max:.2f}, {observation.volume_ml:.2f} mL{flags}"
    return Link(title=title, text=text, rests_on=(*grades, _voxel_link(observation, study)))


def why(folder: str | os.PathLike[str], lesion: str | int) -> Link:
    """The chain behind one lesion.

    Parameters
    ----------
    folder : result folder of ``lutetia read``
    lesion : its id, "lesion-3", or its number

    Returns
    -------
    Link
        The lesion, and in `rests_on` what each grade, voxel and SUV factor rests on, down to the header elements.

    Raises
    ------
    InputError
        As `load_course`.
    UsageError
        ``no-such-lesion``.
    """
    course = load_course(Path(folder))
    name = str(lesion) if str(lesion).startswith("lesion-") else f"lesion-{lesion}"
    found = course.lesion(name)
    if found is None:
        known = ", ".join(x.id for x in course.lesions[:12]) + (" …" if len(course.lesions) > 12 else "")
        raise UsageError("no-such-lesion", f"There is no {name}", where=str(folder), expected=known or "no lesions")
    studies = {s.id: s for s in course.studies}
    status = f"{found.status}" + (f": {found.status_reason}" if found.status_reason else "")
    links = [Link(title="Status", text=status)]
    links += [Link(title=f"History, {e.study}", text=_event_words(e)) for e in found.history]
    for place in found.places:
        value = "not imaged" if not place.in_field else f"not a focus; SUVmean {place.suv_mean} at its place"
        links.append(Link(title=place.study, text=value))
    links += [_observation_link(o, studies[o.study]) for o in found.observations]
    side = f", {found.side}" if found.side else ""
    return Link(title=found.id, text=f"{found.site}{side} ({found.tissue})", rests_on=tuple(links))


def _event_words(entry: HistoryEvent) -> str:
    event = entry.event.replace("_", " ")
    return f"{event}: {entry.evidence}" if entry.evidence else event


def as_text(link: Link, depth: int = 0) -> str:
    """A chain as an indented list."""
    lines = [f"{'  ' * depth}{link.title}: {link.text}"]
    lines += [as_text(child, depth + 1) for child in link.rests_on]
    return "\n".join(lines)
