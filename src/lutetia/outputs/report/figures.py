"""The pictures of one study, made once for both reports: projections, a strip per lesion, a strip per reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lutetia.model import Course, Grade, Lesion, Observation, Reference, Study, Volume
from lutetia.outputs import colours
from lutetia.outputs.colours import Rgb
from lutetia.outputs.pictures import annotate, fused, mip
from lutetia.outputs.pictures.fused import Outlined, Scene, Strip
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import Figure
from lutetia.outputs.volumes import StudyVolumes

#: More tags than this can't be read on one projection; the largest lesions keep theirs, and the caption says so.
MOST_MARKS = 64
#: More strips than this make a report nobody turns over; the largest lesions keep theirs, and the caption says so.
MOST_STRIPS = 80
#: Set-apart uptake longer than this is an organ, not a focus somebody may doubt: it gets neither mark nor strip.
LARGEST_FOCUS_MM = 60.0
#: Tags of a projection that is shown small, beside those of other studies, are larger by this.
SMALL = 2.3


@dataclass(frozen=True)
class Shown:
    """A lesion and what this study shows of it."""

    lesion: Lesion
    observation: Observation

    @property
    def grade(self) -> Grade | None:
        """The PET grade, or the SPECT grade."""
        return self.observation.krenning_modified or self.observation.krenning_spect

    @property
    def quiet(self) -> bool:
        """Set apart: proposed as physiological, or rejected by a reader."""
        return self.lesion.status in ("physiological", "rejected")

    @property
    def is_focal(self) -> bool:
        """Worth a mark and a strip: a lesion, or set-apart uptake that is not the whole of an organ."""
        return not self.quiet or (self.observation.long_axis_mm or 0.0) <= LARGEST_FOCUS_MM

    @property
    def number(self) -> str:
        """The lesion's number as every list, picture and label map of this study shows it."""
        tail = self.lesion.id.rsplit("-", 1)[-1].lstrip("Ll")
        return tail if tail.isdigit() else self.lesion.id

    @property
    def colour(self) -> Rgb:
        """The colour of its grade; a neutral blue where there is none."""
        grade = self.grade
        return colours.grade_colour(wording.grade_words(grade)) if grade and grade.value else NO_GRADE


NO_GRADE: Rgb = (62, 96, 128)


@dataclass(frozen=True)
class StudyPictures:
    """The finished pictures of one study."""

    projections: tuple[Figure, ...] = ()
    strips: dict[str, Figure] = field(default_factory=dict)  # lesion id → strip
    references: dict[str, Figure] = field(default_factory=dict)  # "liver" → strip
    upper: float | None = None
    marked: int = 0


def shown_lesions(course: Course, study: Study) -> tuple[Shown, ...]:
    """Every lesion measured in a study, in the order of the course."""
    return tuple(
        Shown(lesion, observation)
        for lesion in course.lesions
        for observation in lesion.observations
        if observation.study == study.id
    )


def _most_important(shown: tuple[Shown, ...], most: int) -> tuple[Shown, ...]:
    if len(shown) <= most:
        return shown
    ranked = sorted(shown, key=lambda s: (s.quiet, -s.observation.volume_ml, s.lesion.id))[:most]
    kept = {s.lesion.id for s in ranked}
    return tuple(s for s in shown if s.lesion.id in kept)


def study_pictures(
    study: Study, shown: tuple[Shown, ...], held: StudyVolumes | None, *, alone: bool = True
) -> StudyPictures:
    """Draw everything of one study that there are pixels for.

    With `alone` False it stands beside other studies: no slices of each lesion, and its projection, shown smaller, has
    larger tags and none for what was set apart.
    """
    image = None if held is None else held.suv if held.suv is not None else held.stored
    if held is None or image is None:
        return StudyPictures()
    liver = study.references.get("liver")
    observed = float(image.array.max(initial=0.0)) if held.suv is None or not _has_window(study) else 1.0
    upper = mip.window_top(liver.suv_mean if liver else None, study.tracer_detail, observed)
    if held.suv is None:
        upper = max(observed * 0.25, 1e-6)
    scene = Scene(image, held.ct, upper)
    shown = tuple(item for item in shown if item.is_focal and (alone or not item.quiet))
    marked = _most_important(shown, MOST_MARKS)
    drawn: dict[str, Figure] = {}
    if held.lesions is not None and alone:
        for item in _most_important(shown, MOST_STRIPS):
            drawn[item.lesion.id] = _lesion_figure(scene, held.lesions, item, study)
    return StudyPictures(
        projections=_projection_figures(image, upper, marked, study, held.suv is not None, 1.0 if alone else SMALL),
        strips=drawn,
        references=_reference_figures(scene, study, held),
        upper=upper,
        marked=len(marked),
    )


def _has_window(study: Study) -> bool:
    return study.tracer_detail is not None and (study.tracer_detail.is_sstr or study.tracer_detail.binds == "glucose")


def _projection_figures(
    image: Volume, upper: float, shown: tuple[Shown, ...], study: Study, is_suv: bool, scale: float
) -> tuple[Figure, ...]:
    window = f"SUV 0 to {upper:g}" if is_suv else f"{image.unit}, 0 to {wording.number(upper)}; no SUV"
    figures = []
    for name, view in zip(("coronal", "sagittal"), mip.projections(image, upper), strict=True):
        marks = []
        for item in shown:
            place = item.observation.max_position_mm or item.observation.centroid_mm
            x, y = view.locate(place)
            inside = 0 <= x <= view.width and 0 <= y <= view.height
            if inside and all(math.isfinite(v) for v in (x, y)):
                marks.append(annotate.Mark(x, y, item.number, item.colour, item.quiet))
        alt = (
            f"{name.capitalize()} maximum intensity projection of {wording.tracer_words(study)}, {window}, "
            f"with {wording.plural(len(marks), 'numbered mark')}"
        )
        svg = annotate.annotated_svg(view.jpeg, view.width, view.height, marks, alt, scale)
        width = view.width + 2 * annotate.GUTTER * scale
        caption = f"{name.capitalize()} projection, {window}"
        figures.append(Figure(f"{study.id}-{name}", "svg", svg.encode(), width, view.height, alt, caption))
    return tuple(figures)


def _strip_figure(strip: Strip, name: str, alt: str, caption: str = "") -> Figure:
    return Figure(name, "jpeg", strip.jpeg, strip.width, strip.height, alt, caption, strip.panels)


def _lesion_figure(scene: Scene, labels: Volume, item: Shown, study: Study) -> Figure:
    observation = item.observation
    centre = observation.max_position_mm or observation.centroid_mm
    strip = fused.lesion_strip(scene, labels, observation.label, centre, observation.suv_max, observation.long_axis_mm)
    alt = (
        f"{', '.join(strip.panels).capitalize()} through lesion {item.number}, "
        f"{wording.site_words(item.lesion)}, SUVmax {wording.suv(observation.suv_max)}"
    )
    return _strip_figure(strip, f"{study.id}-{item.lesion.id}", alt, f"SUV 0–{strip.upper:g}")


def _reference_figures(scene: Scene, study: Study, held: StudyVolumes) -> dict[str, Figure]:
    figures = {}
    for name, reference in study.references.items():
        found = _outlines(name, reference, scene.pet, study, held)
        if found is None:
            continue
        centre, whole, classical = found
        strip = fused.reference_strip(scene, centre, whole, classical, 150.0 if name == "blood_pool" else 260.0)
        words = wording.REFERENCE_NAMES.get(name, name)
        alt = f"{', '.join(strip.panels).capitalize()} through the {words.lower()} reference region, outlined"
        figures[name] = _strip_figure(strip, f"{study.id}-reference-{name}", alt, words)
    return figures


_ORGANS = {"blood_pool": "aorta"}


def _label(study: Study, organ: str) -> int:
    return next((record.label for record in study.organs if record.name == organ), -1)


def _outlines(
    name: str, reference: Reference, image: Volume, study: Study, held: StudyVolumes
) -> tuple[tuple[float, float, float], Outlined, Outlined] | None:
    centre = reference.centroid_mm
    if reference.classical is not None:
        centre = reference.classical.centroid_mm
    if centre is None:
        return None

    def outlined(key: str, measured_centre: tuple[float, float, float] | None, volume: float | None) -> Outlined:
        region = held.references.get(key)
        if region is not None and region.mask.size:
            return Outlined(region=fused.region_volume(region, image.grid))
        return Outlined(centre_mm=measured_centre, volume_ml=volume)

    small = reference.classical
    classical = outlined(f"{name}:classical", small.centroid_mm if small else None, small.volume_ml if small else None)
    # Without its voxels a whole-organ region is shown by its organ: a sphere of its volume would be no honest outline.
    whole = outlined(name, None, None)
    if whole.region is None and held.organs is not None:
        whole = Outlined(region=held.organs, label=_label(study, _ORGANS.get(name, name)))
    if reference.classical is None and whole.region is None:
        classical = Outlined(centre_mm=reference.centroid_mm, volume_ml=reference.volume_ml)
    return centre, whole, classical
