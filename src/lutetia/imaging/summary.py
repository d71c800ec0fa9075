"""Totals of one study over its lesions: volumes, grades by number and by volume, extremes, spread.

Candidates and confirmed lesions count; physiological and rejected ones do not. Lesions below 0.5 mL are left out of
volume totals unless asked for (a volume of a few voxels is mostly partial volume), but never out of the counts.
"Most avid" alone is never the patient's grade (convention C-A16): every number here stands beside the others.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lutetia.imaging.lesions.schemes import SCHEMES
from lutetia.imaging.lesions.settings import LesionSettings
from lutetia.model import Grade, Lesion, Observation, StudySummary

_LARGE_MM = 20.0


def summarise(lesions: Iterable[Lesion], study: str, settings: LesionSettings | None = None) -> StudySummary:
    """Summarise the lesions that one study shows.

    Parameters
    ----------
    lesions : of the course; those without an observation in `study` are passed over
    study : id of the study
    settings : for the scheme's name and whether small volumes count

    Returns
    -------
    StudySummary
        `count_by_grade` and `volume_share_by_grade` have a key for every grade met: "0" … "4", "3/4" where the rule
        gives a set, "refused" where it gives none, "not graded" where no grade was asked for. A share is of the volume
        that is counted.
    """
    settings = settings or LesionSettings()
    rows = [
        (lesion, observation)
        for lesion in lesions
        if lesion.counts
        for observation in lesion.observations
        if observation.study == study
    ]
    scheme = SCHEMES[settings.scheme].text(settings)
    if not rows:
        return StudySummary(segmentation_scheme=scheme, note="No lesion counted.")
    in_totals = [(x, o) for x, o in rows if settings.count_small_volumes or o.volume_ml >= settings.small_volume_ml]
    volume = sum(o.volume_ml for _, o in in_totals)
    counts: dict[str, int] = {}
    volumes: dict[str, float] = {}
    for _, observation in rows:
        key = grade_key(observation)
        counts[key] = counts.get(key, 0) + 1
    for _, observation in in_totals:
        key = grade_key(observation)
        volumes[key] = volumes.get(key, 0.0) + observation.volume_ml
    regions = {"liver": 0.0, "lymph_nodes": 0.0, "bone": 0.0, "lung": 0.0, "other": 0.0}
    for lesion, observation in in_totals:
        regions[lesion.region] += observation.volume_ml
    hottest = max(rows, key=lambda r: r[1].suv_max)[0].id
    coldest = min(rows, key=lambda r: r[1].suv_max)[0].id
    palest = min(rows, key=lambda r: r[1].suv_mean)
    apart = _largest_distance([o for _, o in rows])
    high_count, high_volume = _share_high(rows, in_totals)
    return StudySummary(
        lesion_count=len(rows),
        volume_ml=volume,
        tlu=sum(o.tlu for _, o in in_totals),
        lowest_suv_mean=palest[1].suv_mean,
        lowest_suv_mean_lesion=palest[0].id,
        hottest_lesion=hottest,
        coldest_lesion=coldest,
        largest_distance_mm=apart,
        lesions_more_than_2cm_apart=None if apart is None else apart > _LARGE_MM,
        count_by_grade=dict(sorted(counts.items())),
        volume_share_by_grade={k: v / volume for k, v in sorted(volumes.items())} if volume > 0 else {},
        share_grade_3_or_more_by_count=high_count,
        share_grade_3_or_more_by_volume=high_volume,
        volume_by_region_ml=regions,
        segmentation_scheme=scheme,
        note=_note(rows, len(rows) - len(in_totals), settings),
    )


def grade_of(observation: Observation) -> Grade | None:
    """The grade of an observation: modified Krenning on PET, its SPECT form on SPECT."""
    return observation.krenning_modified or observation.krenning_spect


def grade_key(observation: Observation) -> str:
    """The grade as a word for counting."""
    grade = grade_of(observation)
    if grade is None:
        return "not graded"
    return "/".join(grade.value) if grade.value else "refused"


def _share_high(
    rows: list[tuple[Lesion, Observation]], in_totals: list[tuple[Lesion, Observation]]
) -> tuple[float | None, float | None]:
    """Share of lesions, and of volume, whose every possible grade is 3 or more; None while any grade is open.

    A refused grade, or a set on both sides of 3, could change the share, so there is none then.
    """

    def high(observation: Observation) -> bool | None:
        grade = grade_of(observation)
        if grade is None or not grade.value:
            return None
        sides = {int(v) >= 3 for v in grade.value}
        return sides.pop() if len(sides) == 1 else None

    by_count = [high(o) for _, o in rows]
    share = None if None in by_count else sum(map(bool, by_count)) / len(by_count)
    by_volume = [(high(o), o.volume_ml) for _, o in in_totals]
    total = sum(v for _, v in by_volume)
    if not by_volume or total <= 0 or any(h is None for h, _ in by_volume):
        return share, None
    return share, sum(v for h, v in by_volume if h) / total


def _largest_distance(observations: list[Observation]) -> float | None:
    """Greatest distance between two lesions' centroids, mm; None for fewer than two."""
    if len(observations) < 2:
        return None
    points = np.array([o.centroid_mm for o in observations])
    return float(np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).max())


def _note(rows: list[tuple[Lesion, Observation]], left_out: int, settings: LesionSettings) -> str:
    words = []
    if left_out:
        words.append(f"{left_out} below {settings.small_volume_ml:g} mL left out of volumes.")
    if any(x.confluent for x, _ in rows):
        words.append("Confluent liver disease counts as one lesion, graded by its hottest part.")
    large = [(x, o) for x, o in rows if (o.long_axis_mm or 0.0) > _LARGE_MM]
    grades = sorted({grade_key(o) for _, o in large})
    if large:
        words_alone = set(grades) <= {"not graded", "refused"}
        named = f"{'' if words_alone else 'grade ' if len(grades) == 1 else 'grades '}{', '.join(grades)}"
        words.append(f"{len(large)} longer than 2 cm ({named}).")
    else:
        words.append("None longer than 2 cm: grades may be overestimated (Iravani 2022).")
    return " ".join(words)
