"""Pictures of a course: lanes, curves per lesion, stacked volumes, slices side by side, alignment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from lutetia.model import AlignmentRecord, Course, Lesion, Study, Volume
from lutetia.outputs.pictures import charts, fused, mip, planes, shades
from lutetia.outputs.pictures.charts import Point, Share, Trajectory
from lutetia.outputs.pictures.fused import Scene
from lutetia.outputs.pictures.swimlane import Scan, Stop, Therapy, swimlane_svg
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Figure, Figures, Matrix, MatrixCell, MatrixRow, Segment
from lutetia.outputs.report.course_changes import (
    DEFINITION,
    changed,
    followed,
    observed,
    placed,
    tracer_group,
    visit_words,
)
from lutetia.outputs.report.figures import NO_GRADE, Shown
from lutetia.outputs.volumes import StudyVolumes

#: More curves or rows of pictures than this nobody compares; the caption states the rule.
MOST_CURVES, MOST_ROWS, MOST_PICTURES, MOST_COLUMNS = 12, 12, 84, 7
CHOICE = "lesions that changed first, then the largest"


def _figure(name: str, svg: str, alt: str, width: float, height: float, caption: str = "") -> Figure:
    return Figure(name, "svg", svg.encode(), width, height, alt, caption)


def _size(svg: str) -> tuple[float, float]:
    """Width and height from the view box of our own SVG."""
    box = svg.split("viewBox='", 1)[1].split("'", 1)[0].split()
    return float(box[2]), float(box[3])


# ------------------------------------------------------------------------------------------------ lanes


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text or "")[:10])
    except ValueError:
        return None


def swimlane(course: Course) -> Figure | None:
    """Visits and treatments in order of time; None without visits."""
    if not course.visits:
        return None
    by_id = {study.id: study for study in course.studies}
    stops: list[Stop] = []
    last: date | None = None
    for visit in course.visits:
        first = _day(visit.first_date)
        dates = " – ".join(
            dict.fromkeys(wording.date_words(d, short=True) for d in (visit.first_date, visit.last_date))
        )
        scans = tuple(
            Scan(tracer_group(by_id[s]), _scan_words(by_id[s], len(course.visits))) for s in visit.studies if s in by_id
        )
        since = (first - last).days if first is not None and last is not None else None
        stops.append(Stop(visit_words(visit.id).capitalize(), dates, scans, since))
        last = _day(visit.last_date) or first
    picture = swimlane_svg(stops, _therapies(course))
    width, height = _size(picture)
    alt = picture.split("<title>", 1)[1].split("</title>", 1)[0]
    return _figure("course-lanes", picture, alt, width, height)


def _scan_words(study: Study, visits: int) -> str:
    words = f"{study.id.replace('-', ' ')}, {wording.tracer_words(study)}"
    if study.modality.startswith("SPECT") and study.acquisition.uptake_minutes is not None:
        words = f"{study.id.replace('-', ' ')}, {study.acquisition.uptake_minutes / 60:.0f} h"
    room = (736 - 56 * (visits - 1)) / visits / 6.6 - 5
    return words if len(words) <= room else study.id.replace("-", " ")


def _therapies(course: Course) -> list[Therapy]:
    """Treatments of the record, and the therapy that each SPECT's own header states."""
    found: list[tuple[str, date, date]] = []
    for entry in course.treatments:
        start = next((d for key in ("date", "from", "start", "first_date") if (d := _day(entry.get(key)))), None)
        end = next((d for key in ("to", "end", "last_date") if (d := _day(entry.get(key)))), None)
        if start is not None:
            found.append((treatment_words(entry), start, end or start))
    if not course.treatments:
        found += _therapies_of_spect(course)
    firsts = [_day(visit.first_date) for visit in course.visits]

    def before(day: date) -> int:
        """The first visit that is not before a day."""
        return next((i for i, first in enumerate(firsts) if first is not None and first >= day), len(firsts))

    return [Therapy(words, before(start), before(end)) for words, start, end in sorted(found, key=lambda t: t[1])]


def _therapies_of_spect(course: Course) -> list[tuple[str, date, date]]:
    """What the SPECTs say was given, one entry a day; activities of several headers stand side by side."""
    given: dict[tuple[date, str], list[str]] = {}
    for study in course.studies:
        day, dose = _day(study.acquisition.injection), study.acquisition.injected_mbq
        if not study.modality.startswith("SPECT") or day is None:
            continue
        name = study.id.replace("-", " ")
        words = f"{wording.with_unit(dose / 1000, 'GBq')} (header of {name})" if dose else f"header of {name}"
        given.setdefault((day, wording.tracer_words(study)), []).append(words)
    return [(f"{tracer}: {', '.join(words)}", day, day) for (day, tracer), words in given.items()]


def treatment_words(entry: Mapping[str, Any]) -> str:
    """``177Lu-DOTATATE, cycle 2, 7.4 GBq``."""
    name = next((str(entry[k]) for k in ("agent", "name", "kind", "text") if entry.get(k)), "treatment")
    parts = [name]
    if entry.get("cycle"):
        parts.append(f"cycle {entry['cycle']}")
    if entry.get("cycles"):
        parts.append(f"{entry['cycles']} cycles")
    if isinstance(entry.get("activity_gbq"), int | float):
        parts.append(wording.with_unit(float(entry["activity_gbq"]), "GBq"))
    return ", ".join(parts)


# ------------------------------------------------------------------------------------------------ curves


def chosen_lesions(course: Course, most: int) -> tuple[Lesion, ...]:
    """At most so many lesions: those that changed first, then the largest; in the order of the course.

    The lesions that the sources would sample first are always among them.
    """
    targets = {entry.biopsy_target for entry in course.phenotypes}

    def rank(lesion: Lesion) -> tuple[bool, bool, float, str]:
        volume = max((o.volume_ml for o in lesion.observations), default=0.0)
        return lesion.id not in targets, not changed(lesion), -volume, lesion.id

    kept = {lesion.id for lesion in sorted(followed(course), key=rank)[:most]}
    return tuple(lesion for lesion in followed(course) if lesion.id in kept)


def trajectories(course: Course) -> Figures | None:
    """Uptake, volume, grade and class of each chosen lesion; None without lesions or visits."""
    lesions = chosen_lesions(course, MOST_CURVES)
    if not lesions or not course.visits:
        return None
    figures = []
    for lesion in lesions:
        drawn = _trajectory(course, lesion)
        picture = charts.trajectory_svg(drawn)
        figures.append(
            _figure(
                f"course-{lesion.id}",
                picture,
                f"{drawn.title}: uptake and volume over the visits",
                charts.CHART_WIDTH,
                charts.CHART_HEIGHT,
            )
        )
    groups = dict.fromkeys(tracer_group(study) for study in course.studies)
    legend = tuple(Segment(g, 0, g, charts.TRACER_COLOUR[g]) for g in charts.TRACER_COLOUR if g in groups)
    total = len(followed(course))
    caption = (
        "Upper part: SUVmax of a focus (filled), or the mean at its place where no focus was seen (open); the SUV of "
        "different tracers is not compared. Tag: modified Krenning grade. Lower part: volume of the outline. Foot: "
        f"class of the tracer pair, positive by the definition “{DEFINITION}”."
    )
    if total > len(lesions):
        caption += f" {len(lesions)} of {total} lesions: {CHOICE}; all are in the table below."
    return Figures(tuple(figures), caption, columns=4, legend=legend)


def _trajectory(course: Course, lesion: Lesion) -> Trajectory:
    index = {visit.id: i for i, visit in enumerate(course.visits)}
    points = []
    for study in course.studies:
        if study.visit not in index:
            continue
        place, observation = placed(lesion, study.id), observed(lesion, study.id)
        group, at = tracer_group(study), index[study.visit]
        if observation is not None:
            shown = Shown(lesion, observation)
            grade = wording.grade_words(shown.grade) if shown.grade is not None and shown.grade.value else ""
            points.append(
                Point(
                    at, group, observation.suv_max, observation.volume_ml, True, grade, shown.colour if grade else None
                )
            )
        elif place is not None and place.in_field:
            points.append(Point(at, group, place.suv_mean, None, False))
    kinds = {pair.visit: pair.phenotype for pair in lesion.pairs if pair.definition == DEFINITION}
    number = lesion.id.rsplit("-", 1)[-1]
    site = wording.site_words(lesion)
    title = f"{number}  {site}" if len(site) < 30 else f"{number}  {site[:28]}…"
    visits = tuple(visit_words(visit.id) for visit in course.visits)
    return Trajectory(title, tuple(points), visits, tuple(kinds.get(visit.id, "") for visit in course.visits))


# ------------------------------------------------------------------------------------------------ volumes


def phenotype_figures(course: Course) -> Figures | None:
    """Stacked volumes per visit, one chart per definition of a positive lesion."""
    figures = []
    for definition in dict.fromkeys(entry.definition for entry in course.phenotypes):
        rows = []
        for entry in course.phenotypes:
            if entry.definition != definition:
                continue
            kinds = [kind for kind in charts.PHENOTYPE_COLOUR if kind in entry.volume_ml]
            kinds += [kind for kind in entry.volume_ml if kind not in kinds]
            shares = [Share(k, entry.volume_ml[k], entry.low_ml.get(k), entry.high_ml.get(k)) for k in kinds]
            rows.append((visit_words(entry.visit).capitalize(), shares))
        title = f"Positive: above {'the liver on both' if definition == 'liver' else definition}"
        picture = charts.phenotype_svg(rows, title)
        width, height = _size(picture)
        alt = picture.split("<title>", 1)[1].split("</title>", 1)[0]
        figures.append(_figure(f"course-phenotypes-{definition}", picture, alt, width, height))
    return Figures(tuple(figures), columns=2) if figures else None


# ------------------------------------------------------------------------------------------------ side by side


def _scene(study: Study, held: StudyVolumes | None) -> Scene | None:
    image = None if held is None else held.suv if held.suv is not None else held.stored
    if held is None or image is None:
        return None
    liver = study.references.get("liver")
    fixed = held.suv is not None and tracer_group(study) in ("SSTR PET", "FDG PET")
    observed_max = 1.0 if fixed else float(image.array.max(initial=0.0))
    return Scene(image, held.ct, mip.window_top(liver.suv_mean if liver else None, study.tracer_detail, observed_max))


def side_by_side(course: Course, volumes: Mapping[str, StudyVolumes]) -> Matrix | None:
    """Axial slices of the chosen lesions, one column per study, each on its own grid at the lesion's place."""
    studies = (
        course.studies
        if len(course.studies) <= MOST_COLUMNS
        else (
            course.studies[0],
            *course.studies[1 - MOST_COLUMNS :],
        )
    )
    scenes = {study.id: _scene(study, volumes.get(study.id)) for study in studies}
    if not any(scenes.values()) or not course.visits:
        return None
    lesions = chosen_lesions(course, min(MOST_ROWS, max(MOST_PICTURES // len(studies), 4)))
    rows = []
    for lesion in lesions:
        tops = _windows(lesion, studies, scenes)
        cells = tuple(_cell(lesion, study, scenes[study.id], volumes.get(study.id), tops) for study in studies)
        note = " · ".join(f"{group.split()[0]} 0–{top:g}" for group, top in tops.items())
        number = lesion.id.rsplit("-", 1)[-1]
        rows.append(MatrixRow(f"{number}  {wording.site_words(lesion)}", f"SUV {note}" if note else "", cells))
    if not rows:
        return None
    columns = tuple(f"{visit_words(s.visit)} · {wording.tracer_words(s)}" for s in studies)
    total = len(followed(course))
    caption = (
        "Axial slices through the lesion's place in every study, 13 cm wide, not resampled to another study; the line "
        "is the measured outline. One SUV window per lesion and tracer, at the left."
    )
    if total > len(rows):
        caption += f" {len(rows)} of {total} lesions: {CHOICE}."
    if len(studies) < len(course.studies):
        caption += f" First and latest {MOST_COLUMNS - 1} of {len(course.studies)} studies."
    return Matrix(columns, tuple(rows), caption)


def _windows(lesion: Lesion, studies: tuple[Study, ...], scenes: Mapping[str, Scene | None]) -> dict[str, float]:
    """Per tracer group the value that is white-hot: the lesion's maximum over the studies, within the usual window."""
    tops: dict[str, float] = {}
    for study in studies:
        scene, observation = scenes[study.id], observed(lesion, study.id)
        if scene is None:
            continue
        group = tracer_group(study)
        wanted = observation.suv_max if observation is not None else 0.0
        low, high = scene.upper / 2.5, scene.upper * 2.5
        tops[group] = max(tops.get(group, 0.0), float(np.clip(wanted, low, high)))
    return {group: float(f"{top:.2g}") for group, top in tops.items()}


def _cell(
    lesion: Lesion, study: Study, scene: Scene | None, held: StudyVolumes | None, tops: Mapping[str, float]
) -> MatrixCell:
    observation, place = observed(lesion, study.id), placed(lesion, study.id)
    if observation is not None:
        words = f"{wording.suv(observation.suv_max)} · {wording.with_unit(observation.volume_ml, 'mL')}"
        shown = Shown(lesion, observation)
        graded = shown.grade is not None and bool(shown.grade.value)
        tag, colour = (wording.grade_words(shown.grade), shown.colour) if graded else ("", NO_GRADE)
        centre = observation.max_position_mm or observation.centroid_mm
    elif place is not None and place.in_field and place.centroid_mm is not None:
        words = f"no focus, mean {wording.suv(place.suv_mean)}" if place.suv_mean is not None else "no focus"
        tag, colour, centre = "", NO_GRADE, place.centroid_mm
    else:
        return MatrixCell("not imaged" if place is not None and not place.in_field else "–")
    if scene is None:
        return MatrixCell(words, tag=colour if tag else None, tag_text=tag)
    labels = held.lesions if held is not None else None
    label = observation.label if observation is not None else 0
    top = tops.get(tracer_group(study), scene.upper)
    picture = fused.place_picture(scene, centre, labels, label, top)
    name = f"course-{lesion.id}-{study.id}"
    alt = f"Axial slice of {study.id} at {lesion.id}, {wording.site_words(lesion)}: {words}"
    figure = Figure(name, "jpeg", picture, fused.PLACE_PIXELS, fused.PLACE_PIXELS, alt)
    return MatrixCell(words, figure, colour if tag else None, tag)


# ------------------------------------------------------------------------------------------------ alignment


def alignment_figures(course: Course, volumes: Mapping[str, StudyVolumes]) -> Figures | None:
    """One checkerboard per aligned study: its squares and those of the reference study in turn, coronal."""
    figures = []
    for record in course.alignments:
        if record.study == record.reference_study or len(record.rigid) != 4:
            continue
        picture = _checker(record, volumes)
        if picture is None:
            continue
        alt = f"Coronal checkerboard of {record.study} and {record.reference_study}, alignment {record.status}"
        caption = f"{record.study.replace('-', ' ')}: {record.status}"
        size = float(picture[1])
        figures.append(Figure(f"alignment-{record.study}", "jpeg", picture[0], size, size, alt, caption))
    caption = "Squares of the reference study and of the study in turn, coronal; edges should run on. Rigid part only."
    return Figures(tuple(figures), caption, columns=5) if figures else None


def _checker(record: AlignmentRecord, volumes: Mapping[str, StudyVolumes]) -> tuple[bytes, int] | None:
    fixed, moving = volumes.get(record.reference_study), volumes.get(record.study)
    if fixed is None or moving is None:
        return None
    by_ct = fixed.ct is not None and moving.ct is not None
    first, second = (fixed.ct, moving.ct) if by_ct else (_uptake(fixed), _uptake(moving))
    if first is None or second is None:
        return None
    pair: tuple[Volume, Volume] = (first, second)
    matrix = np.asarray(record.rigid, float)
    centre = _middle(pair[0], pair[1], matrix)
    pixels = 220

    def plane(carry: bool) -> planes.Plane:
        if not carry:
            return planes.Plane(centre, *planes.CORONAL, 440.0, pixels)
        turned = [tuple(float(v) for v in matrix[:3, :3] @ np.asarray(axis)) for axis in planes.CORONAL]
        moved = matrix[:3, :3] @ np.asarray(centre) + matrix[:3, 3]
        place = (float(moved[0]), float(moved[1]), float(moved[2]))
        right, down = turned
        return planes.Plane(place, (right[0], right[1], right[2]), (down[0], down[1], down[2]), 440.0, pixels)

    grey = [_grey(volume, plane(carry), by_ct) for volume, carry in zip(pair, (False, True), strict=True)]
    step = pixels // 8
    rows, columns = np.indices((pixels, pixels)) // step
    mixed = np.where((rows + columns) % 2 == 0, grey[0], grey[1])
    return shades.jpeg(np.asarray(mixed, np.uint8), 80), pixels


def _uptake(held: StudyVolumes) -> Volume | None:
    return held.suv if held.suv is not None else held.stored


def _grey(volume: Volume, plane: planes.Plane, by_ct: bool) -> shades.ByteImage:
    if by_ct:
        return shades.ct_grey(planes.sample(volume, plane, outside=-1024.0))
    values = planes.sample(volume, plane)
    return shades.inverted_grey(values, max(float(np.percentile(values, 99)), 1e-6))


def _middle(fixed: Volume, moving: Volume, matrix: np.ndarray) -> planes.Vector:
    """The middle of what both studies imaged, in the reference study's frame."""

    def corners(volume: Volume) -> np.ndarray:
        last = np.asarray(volume.grid.shape, float) - 1
        index = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
        return np.array([volume.grid.to_lps(row) for row in index])

    a = corners(fixed)
    b = (corners(moving) - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    middle = np.where(low <= high, (low + high) / 2, a.mean(axis=0))
    return (float(middle[0]), float(middle[1]), float(middle[2]))
