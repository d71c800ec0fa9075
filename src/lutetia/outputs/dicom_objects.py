"""The DICOM objects of one study, from the record: SEG of lesions and organs, SR, real world value mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lutetia.imaging.anatomy.labels import CODES
from lutetia.model import Code, Course, Grade, Lesion, Observation, Study, Volume
from lutetia.outputs.colours import categorical
from lutetia.outputs.volumes import StudyVolumes

if TYPE_CHECKING:
    from lutetia.dicom.seg import Segment, WrittenSegmentation
    from lutetia.dicom.sr import Measured, MeasurementGroup

_SERIES = {"lesions": 9101, "organs": 9102, "measurements": 9103, "suv": 9104}


@dataclass(frozen=True, eq=False)
class DicomObject:
    """A finished object and the name of its file."""

    name: str
    dataset: Any


def software_version(course: Course) -> str:
    """The version that wrote the record."""
    return course.software.get("version") or course.software.get("lutetia") or "unknown"


def study_objects(
    course: Course, study: Study, held: StudyVolumes, *, full: bool = False, labelmap: bool = False, rwvm: bool = True
) -> tuple[DicomObject, ...]:
    """Build every DICOM object of a study that there is content for.

    Parameters
    ----------
    course, study : the record
    held : its volumes; without ``pet`` there is nothing to refer to and nothing is built
    full : write empty SEG frames too
    labelmap : SEG as label map
    rwvm : also the mapping of stored values to SUV
    """
    if held.pet is None:
        return ()
    from lutetia.dicom.rwvm import build_value_mapping
    from lutetia.dicom.seg import build_segmentation
    from lutetia.dicom.sr import build_report

    version = software_version(course)
    pet = held.pet

    def segmentation(what: str, labels: Volume, segments: tuple[Segment, ...]) -> WrittenSegmentation | None:
        return build_segmentation(
            pet,
            labels,
            segments,
            description=f"Lutetia {what} (unverified)",
            content_label=what.upper(),
            series_number=_SERIES[what],
            version=version,
            full=full,
            labelmap=labelmap,
        )

    objects: list[DicomObject] = []
    lesion_seg, numbers = None, {}
    if held.lesions is not None:
        built = segmentation("lesions", held.lesions, _lesion_segments(course, study))
        if built is not None:
            lesion_seg, numbers = built.dataset, built.numbers
            objects.append(DicomObject("lesions.seg.dcm", lesion_seg))
    if held.organs is not None and held.suv is not None and held.organs.grid.same_as(held.suv.grid):
        built = segmentation("organs", held.organs, _organ_segments(study))
        if built is not None:
            objects.append(DicomObject("organs.seg.dcm", built.dataset))
    report = build_report(
        held.pet,
        lesion_seg,
        [*_lesion_groups(course, study, numbers), *_reference_groups(study)],
        modality=study.modality,
        series_number=_SERIES["measurements"],
        version=version,
    )
    if report is not None:
        objects.append(DicomObject("measurements.sr.dcm", report))
    if rwvm and study.suv is not None:
        mapping = build_value_mapping(
            held.pet, factor=study.suv.factor, basis=study.suv.basis, series_number=_SERIES["suv"], version=version
        )
        if mapping is not None:
            objects.append(DicomObject("suv.rwvm.dcm", mapping))
    return tuple(objects)


def _tracking_uid(lesion: Lesion, study: Study) -> str:
    from lutetia.dicom.uids import derived_uid, valid_uid

    return lesion.tracking_uid if valid_uid(lesion.tracking_uid) else derived_uid(study.study_instance_uid, lesion.id)


def _observed(course: Course, study: Study) -> list[tuple[Lesion, Observation]]:
    return [(le, ob) for le in course.lesions for ob in le.observations if ob.study == study.id and ob.label > 0]


def _lesion_segments(course: Course, study: Study) -> tuple[Segment, ...]:
    from lutetia.dicom import writing
    from lutetia.dicom.seg import Segment

    segments = []
    for lesion, observation in _observed(course, study):
        physiological = lesion.status == "physiological"
        parameters = [("method", observation.mask_method)] if observation.mask_method else []
        if observation.mask_threshold_suv is not None:
            parameters.append(("threshold_suv", f"{observation.mask_threshold_suv:.6g}"))
        segments.append(
            Segment(
                label=observation.label,
                name=lesion.id,
                category=writing.FUNCTION if physiological else writing.ABNORMAL_STRUCTURE,
                kind=writing.PHYSIOLOGICAL_UPTAKE if physiological else writing.LESION,
                tracking_uid=_tracking_uid(lesion, study),
                regions=(lesion.site_code,) if lesion.site_code is not None else (),
                colour=categorical(observation.label - 1),
                method="lutetia lesions",
                parameters=tuple(parameters),
            )
        )
    return tuple(segments)


def _organ_segments(study: Study) -> tuple[Segment, ...]:
    from lutetia.dicom import writing
    from lutetia.dicom.seg import Segment
    from lutetia.dicom.uids import derived_uid

    return tuple(
        Segment(
            label=organ.label,
            name=organ.name,
            category=writing.ANATOMICAL_STRUCTURE,
            kind=CODES[organ.name],
            tracking_uid=derived_uid(study.study_instance_uid, "organ", organ.name),
            colour=categorical(organ.label - 1),
            method=(organ.source or "lutetia anatomy")[:64],
        )
        for organ in study.organs
        if organ.name in CODES and organ.label > 0 and organ.name != "body"  # an outline of everything helps nobody
    )


def _suv_measures(*values: tuple[float | None, Code]) -> list[Measured]:
    from lutetia.dicom import sr

    return [sr.Measured(sr.SUV_BW, value, sr.SUV_UNIT, derivation) for value, derivation in values if value is not None]


def _lesion_groups(course: Course, study: Study, numbers: dict[int, int]) -> list[MeasurementGroup]:
    from lutetia.dicom import sr, writing

    groups = []
    for lesion, seen in _observed(course, study):
        if lesion.status == "rejected":
            continue
        measured = _suv_measures(
            (seen.suv_max, sr.MAXIMUM),
            (seen.suv_mean, sr.MEAN),
            (seen.suv_peak, sr.PEAK),
            (seen.suv_sd, sr.STANDARD_DEVIATION),
        )
        measured.append(sr.Measured(sr.VOLUME, seen.volume_ml, sr.MILLILITRE))
        measured.append(sr.Measured(sr.TOTAL_UPTAKE, seen.tlu, sr.GRAM))
        for name, length in ((sr.LONG_AXIS, seen.long_axis_mm), (sr.SHORT_AXIS, seen.short_axis_mm)):
            if length is not None:
                measured.append(sr.Measured(name, length, sr.MILLIMETRE))
        for key, ratio in (
            ("liver", seen.ratio_liver),
            ("spleen", seen.ratio_spleen),
            ("blood pool", seen.ratio_blood_pool),
        ):
            if ratio is not None:
                code = Code(
                    value=f"ratio-{key.replace(' ', '-')}",
                    scheme=writing.PRIVATE_SCHEME,
                    meaning=f"Lesion SUVmax to {key} SUVmean",
                )
                measured.append(sr.Measured(code, ratio, sr.RATIO))
        groups.append(
            sr.MeasurementGroup(
                name=lesion.id,
                tracking_uid=_tracking_uid(lesion, study),
                measurements=tuple(measured),
                finding=writing.PHYSIOLOGICAL_UPTAKE if lesion.status == "physiological" else writing.LESION,
                site=lesion.site_code,
                side=writing.LATERALITY.get(lesion.side or ""),
                segment=numbers.get(seen.label),
                judgements=_judgements(lesion, seen),
                method="lutetia lesions",
                parameters=(seen.mask_method,) if seen.mask_method else (),
            )
        )
    return groups


def _judgements(lesion: Lesion, seen: Observation) -> tuple[tuple[Code, Code], ...]:
    """The grade and the status as coded answers of our own scheme."""
    from lutetia.dicom import writing

    scheme = writing.PRIVATE_SCHEME
    answers = [
        (
            Code(value="status", scheme=scheme, meaning="Status of the finding"),
            Code(value=lesion.status, scheme=scheme, meaning=lesion.status.capitalize()),
        )
    ]
    grades: tuple[tuple[str, str, Grade | None], ...] = (
        ("mK", "Modified Krenning grade", seen.krenning_modified),
        ("kSPECT", "Krenning grade on SPECT", seen.krenning_spect),
    )
    for key, meaning, grade in grades:
        if grade is not None and grade.value:
            words = " or ".join(grade.value)
            value = Code(value=f"{key}-{'-'.join(grade.value)}", scheme=scheme, meaning=f"{meaning} {words}")
            answers.append((Code(value=key, scheme=scheme, meaning=meaning), value))
    return tuple(answers)


_REFERENCE_SITES = {"liver": "liver", "spleen": "spleen", "blood_pool": "aorta"}


def _reference_groups(study: Study) -> list[MeasurementGroup]:
    from lutetia.dicom import sr
    from lutetia.dicom.uids import derived_uid

    groups = []
    for name, reference in study.references.items():
        if reference.suv_mean is None:
            continue
        measured = _suv_measures((reference.suv_mean, sr.MEAN), (reference.suv_sd, sr.STANDARD_DEVIATION))
        if reference.volume_ml is not None:
            measured.append(sr.Measured(sr.VOLUME, reference.volume_ml, sr.MILLILITRE))
        groups.append(
            sr.MeasurementGroup(
                name=f"reference: {name.replace('_', ' ')}",
                tracking_uid=derived_uid(study.study_instance_uid, "reference", name),
                measurements=tuple(measured),
                finding=Code(value="C94970", scheme="NCIt", meaning="Reference Region"),
                site=CODES.get(_REFERENCE_SITES.get(name, "")),
                method="lutetia references",
                parameters=(reference.method,) if reference.method else (),
            )
        )
    return groups
