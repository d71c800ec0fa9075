"""SSTR and FDG of one visit side by side: per lesion the pair of uptakes, per voxel the phenotype, where to biopsy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.phenotype import CLASSES, PhenotypeThresholds, phenotype
from lutetia.model import Issue, Lesion, Phenotypes, Place, TracerPair, Visit, Volume
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE, Identified
from lutetia.reading.course.places import focus_over, uptake_at
from lutetia.reading.course.visits import study_day
from lutetia.reading.study import StudyReading
from lutetia.rules.grading import blood_pool_tolerance

#: convention C-C7c: liver-normalised FDG ÷ SSTR below, between, above; a proposal without validation, always labelled
RATIO_EQUAL = (0.8, 1.25)
#: lesions below 1 cm: partial volume lowers both uptakes (convention C-C8)
SMALL_MM = 10.0


@dataclass(frozen=True, eq=False)
class VisitPair:
    """The SSTR and the FDG study of a visit."""

    visit: Visit
    sstr: StudyReading
    fdg: StudyReading
    days: int | None


def visit_pairs(readings: Sequence[StudyReading], visits: Sequence[Visit]) -> tuple[list[VisitPair], list[Issue]]:
    """Pairs of SSTR and FDG PET per visit; an FDG scan without a partner is an issue, and still read."""
    by_id = {r.study.id: r for r in readings}
    pairs, issues = [], []
    for visit in visits:
        members = [by_id[s] for s in visit.studies]
        sstr = next(
            (r for r in members if r.tracer is not None and r.tracer.is_sstr and r.tracer.modality == "PET"), None
        )
        fdg = next((r for r in members if r.tracer is not None and r.tracer.binds == "glucose"), None)
        if fdg is not None and sstr is None:
            message = "This FDG PET has no SSTR PET in its visit: dual-tracer systems are not applied to it"
            issues.append(Issue(code="fdg-without-sstr", level="caution", message=message, study=fdg.study.id))
        if fdg is None or sstr is None or fdg.suv is None or sstr.suv is None:
            continue
        a, b = study_day(sstr), study_day(fdg)
        days = abs((b - a).days) if a is not None and b is not None else None
        pairs.append(VisitPair(visit, sstr, fdg, days))
    return pairs, issues


def above_equal() -> float:
    """Uptake over a reference from which it is above it, and not equal to it (convention C-A5)."""
    return 1.0 + blood_pool_tolerance()


def _uptake(lesion: Identified, study: str, place: Place | None) -> float | None:
    member = lesion.members.get(study)
    if member is not None:
        return member.observations[0].suv_max
    # not a focus: the mean of its place; the maximum of a place without a focus is its noisiest voxel
    return place.suv_mean if place is not None and place.in_field else None


def _size(lesion: Identified) -> float | None:
    sizes = [m.observations[0].long_axis_mm for m in lesion.members.values()]
    known = [s for s in sizes if s is not None]
    return max(known) if known else None


def _positive(
    reading: StudyReading,
    lesion: Identified,
    place: Place | None,
    uptake: float | None,
    definition: str,
    sstr: bool,
    frames: Frames,
) -> bool | None:
    """Whether a lesion is positive in one study by the definition; None when it can't be told."""
    if uptake is None:
        return None
    liver = reading.study.reference_mean("liver")
    if definition == "liver":
        return None if liver is None else uptake > liver
    focus = lesion.members.get(reading.study.id)
    if focus is None:
        return _positive_place(reading, lesion, place, frames) if sstr else False
    if not sstr:
        return True  # a focus above the tissue around it (convention C-C2)
    grade = focus.observations[0].krenning_modified
    if grade is None or not grade.value:
        blood = reading.study.reference_mean("blood_pool")
        return None if blood is None else uptake > above_equal() * blood
    least, most = int(min(grade.value)), int(max(grade.value))
    needed = _needed(focus.tissue)
    return True if least >= needed else False if most < needed else None


def _needed(tissue: str) -> int:
    """The least grade above the background: mK 2 in the liver is not above it (convention C-C1)."""
    return 3 if tissue == "liver" else 2


def _positive_place(reading: StudyReading, lesion: Identified, place: Place | None, frames: Frames) -> bool | None:
    """Whether the place of a lesion that SSTR did not outline takes up tracer: class and grade speak of one uptake.

    A graded uptake is the lesion's where it lies in the outline of another lesion (they are one uptake there) or has a
    peak of its own; of one that runs on beyond the place nobody can say whose it is: None.
    """
    grade = None if place is None else place.krenning_modified
    needed = max(_needed(m.tissue) for m in lesion.members.values())
    if place is None or grade is None or not grade.value or int(max(grade.value)) < needed:
        return False
    shape = lesion.track.last_shape(reading.study.tracer)
    if focus_over(reading, shape, frames) is not None:
        return True
    shown = {"focal": True, "runs on": None, "none": False}[uptake_at(reading, shape, place, frames)]
    return None if shown and int(min(grade.value)) < needed else shown


def pair_of(
    lesion: Identified,
    pair: VisitPair,
    places: dict[str, Place],
    inside: dict[str, float],
    definition: str,
    frames: Frames,
) -> TracerPair:
    """The two uptakes of one lesion at one visit, compared."""
    s_id, f_id = pair.sstr.study.id, pair.fdg.study.id
    s_place, f_place = places.get(s_id), places.get(f_id)
    s, f = _uptake(lesion, s_id, s_place), _uptake(lesion, f_id, f_place)
    s_positive = _positive(pair.sstr, lesion, s_place, s, definition, True, frames)
    f_positive = _positive(pair.fdg, lesion, f_place, f, definition, False, frames)
    name = "unknown"
    if s_positive is not None and f_positive is not None:
        name = f"sstr{'+' if s_positive else '-'}/fdg{'+' if f_positive else '-'}"
    s_liver, f_liver = pair.sstr.study.reference_mean("liver"), pair.fdg.study.reference_mean("liver")
    ratio = raw = None
    relation = "unknown"
    if s and f:
        raw = round(f / s, 4)
        if s_liver and f_liver:
            ratio = round((f / f_liver) / (s / s_liver), 4)
            relation = "less" if ratio < RATIO_EQUAL[0] else "greater" if ratio > RATIO_EQUAL[1] else "equal"
    size = _size(lesion)
    flags = ("SMALL",) if size is not None and size < SMALL_MM else ()
    if any(share >= 0.2 for c, share in inside.items() if c == "sstr-/fdg+") and name.startswith("sstr+"):
        flags = (*flags, "complementary-inside")
    return TracerPair(
        visit=pair.visit.id,
        sstr_study=s_id,
        fdg_study=f_id,
        definition=definition,
        sstr_suv_max=None if s is None else round(s, 4),
        fdg_suv_max=None if f is None else round(f, 4),
        phenotype=name,
        relation=relation,
        scale="proposed on SUVmax ÷ liver SUVmean of each scan, equal from 0.8 to 1.25 (C-C7c, not validated)",
        normalised_ratio=ratio,
        raw_ratio=raw,
        inside=inside,
        flags=flags,
    )


def thresholds_of(pair: VisitPair, definition: str) -> PhenotypeThresholds | None:
    """SUV above which a voxel is positive; None where a reference is missing."""
    s_liver, f_liver = pair.sstr.study.reference_mean("liver"), pair.fdg.study.reference_mean("liver")
    s_blood, f_blood = pair.sstr.study.reference_mean("blood_pool"), pair.fdg.study.reference_mean("blood_pool")
    if s_liver is None or f_liver is None:
        return None
    if definition == "liver":
        return PhenotypeThresholds(definition, s_liver, f_liver, s_liver, f_liver)
    if s_blood is None or f_blood is None:
        return None
    above = above_equal()
    return PhenotypeThresholds(definition, above * s_blood, above * f_blood, s_liver, above * f_liver)


def _only(reading: StudyReading, left_out: Collection[tuple[str, int]]) -> Volume:
    """Lesion labels of one study, candidates and confirmed only, without those left out."""
    assert reading.found is not None
    labels = reading.found.labels
    good = [x.observations[0].label for x in reading.lesions if x.status in POSITIVE]
    good = [label for label in good if (reading.study.id, label) not in left_out]
    table = np.zeros(int(labels.array.max()) + 1, labels.array.dtype)
    for label in good:
        table[label] = label
    return Volume(table[labels.array], labels.grid, "label")


def phenotypes_of(
    pair: VisitPair, frames: Frames, definition: str, left_out: Collection[tuple[str, int]] = ()
) -> tuple[Phenotypes, dict[int, dict[str, float]]] | None:
    """Volumes by phenotype of one visit, and per label of the SSTR study the share inside; None when not possible.

    Outlines in `left_out` (study, label) are no part of this tumour: a reader's answer calls them benign or another's.
    """
    thresholds = thresholds_of(pair, definition)
    s, f = pair.sstr, pair.fdg
    aligned = s.study.id in frames.by_study and f.study.id in frames.by_study
    if thresholds is None or not aligned or s.found is None or f.found is None or s.suv is None or f.suv is None:
        return None
    liver = s.anatomy.labels.array == LABELS["liver"] if s.anatomy is not None else None
    bridge = frames.between(s.study.id, f.study.id)
    volumes, voxels, classes = phenotype(
        s.suv, _only(s, left_out), f.suv, _only(f, left_out), liver, bridge, thresholds
    )
    discordant = voxels[classes == CLASSES.index("sstr-/fdg+")]
    largest = None
    if len(discordant):
        extent = (discordant.max(axis=0) - discordant.min(axis=0) + 1) * np.asarray(s.suv.grid.spacing_mm)
        largest = round(float(np.linalg.norm(extent)), 1) if len(discordant) > 1 else None
    record = Phenotypes(
        visit=pair.visit.id,
        sstr_study=s.study.id,
        fdg_study=f.study.id,
        definition=definition,
        thresholds={
            "sstr": round(thresholds.sstr, 4),
            "fdg": round(thresholds.fdg, 4),
            "sstr_in_liver": round(thresholds.liver_sstr, 4),
            "fdg_in_liver": round(thresholds.liver_fdg, 4),
        },
        volume_ml=volumes.volume_ml,
        low_ml=volumes.low_ml,
        high_ml=volumes.high_ml,
        discordant_largest_mm=largest,
    )
    return record, volumes.by_lesion


def biopsy_target(
    pairs: dict[str, TracerPair], centres: dict[str, tuple[float, float, float]]
) -> tuple[str, str] | None:
    """The lesion to sample first, and why (Iravani 2022; convention C-E12); None when nothing suggests one.

    Discordant lesions come first, highest FDG first; then the highest liver-normalised FDG ÷ SSTR among lesions
    positive on both. Lesions below 1 cm are left out.
    """
    large = {name: p for name, p in pairs.items() if "SMALL" not in p.flags and name in centres}
    discordant = {n: p for n, p in large.items() if p.phenotype == "sstr-/fdg+"}
    if discordant:
        best = max(discordant, key=lambda n: (discordant[n].fdg_suv_max or 0.0, n))
        return best, "FDG-avid without SSTR; the highest FDG uptake of these (C-E12)"
    both = {n: p for n, p in large.items() if p.phenotype == "sstr+/fdg+" and p.normalised_ratio is not None}
    if both:
        best = max(both, key=lambda n: (both[n].normalised_ratio or 0.0, n))
        return best, "highest FDG relative to SSTR, each on its own liver (C-E12)"
    return None


def with_target(record: Phenotypes, lesions: Sequence[Lesion], left_out: Collection[str] = ()) -> Phenotypes:
    """The phenotypes of a visit with the place that the rules would biopsy first.

    Parameters
    ----------
    record : of one visit
    lesions : of the course
    left_out : ids that an answer of the case excludes (benign, another malignancy, out of reach)

    Returns
    -------
    Phenotypes
        The position is the hottest point on the FDG scan, else on the SSTR scan; `biopsy_study` says which.
    """
    pairs: dict[str, TracerPair] = {}
    centres: dict[str, tuple[float, float, float]] = {}
    studies: dict[str, str] = {}
    for lesion in lesions:
        pair = next((p for p in lesion.pairs if p.visit == record.visit and p.definition == record.definition), None)
        seen = {o.study: o for o in lesion.observations}
        where = seen.get(record.fdg_study) or seen.get(record.sstr_study)
        if pair is None or where is None or lesion.id in left_out:
            continue
        x, y, z = where.max_position_mm or where.centroid_mm
        pairs[lesion.id], centres[lesion.id] = pair, (round(x, 2), round(y, 2), round(z, 2))
        studies[lesion.id] = where.study
    target = biopsy_target(pairs, centres)
    update = {
        "biopsy_target": target[0] if target else None,
        "biopsy_study": studies[target[0]] if target else None,
        "biopsy_position_mm": centres[target[0]] if target else None,
        "biopsy_reason": target[1] if target else "",
    }
    return record.model_copy(update=update)
