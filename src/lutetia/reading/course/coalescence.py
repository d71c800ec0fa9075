"""Metastases that have grown to touch: a mass that a later PET draws as one, though an earlier one knows its lesions.

RECIST 1.1 (appendix II, "lesions that coalesce") follows each of such lesions by itself as long as a plane between
them is kept. So the uptakes of the mass that are resolved (Rayleigh: the valley between them falls by 26 %) are tied to
the lesions of the previous PET of the same tracer; what belongs to several of them is parted at the valleys, and each
part goes on as the lesion it was. Where no valley is left they have coalesced: that is said (`merged`), and the earlier
outlines, carried over, divide the mass, as another tracer or a biopsy may still tell its lesions apart. A resolved
uptake where no lesion lay is one of its own, unless it is the slope of a focus beside the mass; any other goes with the
neighbour across the highest saddle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from lutetia.imaging.lesions.basins import divide
from lutetia.imaging.matching import Focus as Shape
from lutetia.imaging.matching import MatchSettings, match, thinned
from lutetia.imaging.uptakes import SMOOTHING_MM, box_around
from lutetia.model import Lesion
from lutetia.reading.course.confluent_foci import INSIDE, Focus, Key, Voxels, foci_of, labels_of, measured
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import COALESCED, study_foci
from lutetia.reading.study import StudyReading

#: share of the lower peak by which the valley between two resolved uptakes falls
RESOLVED = 0.26
#: volume from which a lesion is followed inside a mass, then and now, mL (a sphere of 10 mm, RECIST's least)
LEAST_ML = 0.5


@dataclass(frozen=True, eq=False)
class _Earlier:
    """A lesion of the previous PET, carried to the study of the mass: LPS mm of that study."""

    lesion: Lesion
    points_mm: np.ndarray
    tree: cKDTree


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of a mass: its voxels, the earlier lesions it is, and whether no valley divides it from another part."""

    voxels: Voxels
    keys: frozenset[str]
    coalesced: bool = False


def part_coalesced(
    pets: Sequence[StudyReading], order: Mapping[str, int], frames: Frames
) -> tuple[dict[Key, str], set[Key]]:
    """Part confluent masses of the liver, in place, into the lesions that the previous PET of the tracer showed apart.

    Parameters
    ----------
    pets : aligned and read, in order of date; their lesions and label maps are changed in place
    order : study → number of its visit
    frames : alignments; nothing is parted through a poor one

    Returns
    -------
    names : (study, lesion id) → a name shared by a part and the earlier lesion it is
    own : (study, lesion id) of all parts that are lesions of their own, and no confluent mass
    """
    names: dict[Key, str] = {}
    own: set[Key] = set()
    for reading in pets:
        earlier = [
            r
            for r in pets
            if r.study.tracer == reading.study.tracer and order[r.study.id] < order[reading.study.id] and r.study.date
        ]
        if not earlier or not reading.study.date:
            continue
        source = earlier[-1]
        if "poor" in (frames.status(reading.study.id), frames.status(source.study.id)):
            continue
        for mass in foci_of(reading):
            if not mass.lesion.confluent or mass.lesion.tissue != "liver":
                continue
            for lesion, part in _set_parts(mass, source, *_parts(mass, source, order, frames)):
                key = (reading.study.id, lesion.id)
                if not lesion.confluent:
                    own.add(key)
                if len(part.keys) == 1 and not lesion.confluent:
                    (was,) = part.keys
                    names[key] = names.setdefault((source.study.id, was), f"{source.study.id} {was}")
    return names, own


def _parts(
    mass: Focus, source: StudyReading, order: Mapping[str, int], frames: Frames
) -> tuple[list[_Part], list[Lesion]]:
    """The parts of a mass, and foci beside it that are part of it; fewer than two parts where it is to stay whole."""
    reading = mass.reading
    assert reading.suv is not None
    grid, name = reading.suv.grid, reading.study.id
    worse = "caution" if "caution" in (frames.status(name), frames.status(source.study.id)) else "ok"
    slack = 0.5 * MatchSettings().tolerance(worse)
    rims = _rims(mass)
    voxels = np.concatenate([mass.voxels, *(r.voxels for r in rims)])
    uptakes, contacts = _resolved(mass, voxels)
    before = _carried(source, reading, frames)
    if len(before) < 2:
        return [], []
    keys: list[set[str]] = [set() for _ in uptakes]
    shapes = [_shape(f"#{n}", reading, v, frames) for n, v in enumerate(uptakes)]
    beside = {mass.lesion.id, *(r.lesion.id for r in rims)}
    others = [f for f in study_foci(reading, order[name], frames).foci if f.key not in beside]
    for link in match(study_foci(source, order[source.study.id], frames).foci, [*shapes, *others], worse):
        if link.later.startswith("#"):
            keys[int(link.later[1:])].add(link.earlier)
    alone: list[int] = []
    for n, own in enumerate(uptakes):
        points = grid.to_lps(own)
        near = {k: float((e.tree.query(points)[0] <= slack).mean()) for k, e in before.items()}
        keys[n] |= {k for k, share in near.items() if share >= INSIDE}
        unknown = not keys[n] and max(near.values()) < INSIDE and len(own) * grid.voxel_ml >= LEAST_ML
        if unknown and not _is_slope(reading, own, {mass.label, *(r.label for r in rims)}):
            alone.append(n)
    parts = []
    for ns, of in _grouped(uptakes, contacts, keys, alone):
        parts += _divided(np.concatenate([uptakes[n] for n in ns]), of, before, reading)
    return parts, [r.lesion for r in rims]


def _rims(mass: Focus) -> list[Focus]:
    """Foci of the lung that touch a mass of the liver without a valley between: its dome, which breathing moves."""
    near = cKDTree(mass.voxels)
    beside = [
        f for f in foci_of(mass.reading) if f.lesion.tissue == "lung" and near.query(f.voxels, p=np.inf)[0].min() <= 1
    ]
    out = []
    for focus in beside:
        uptakes, _ = _resolved(mass, np.concatenate([mass.voxels, focus.voxels]))
        tree = cKDTree(focus.voxels)
        alone = sum(len(u) for u in uptakes if (tree.query(u)[0] < 0.5).all())
        if alone < INSIDE * len(focus.voxels):
            out.append(focus)
    return out


def _shape(key: str, reading: StudyReading, voxels: Voxels, frames: Frames) -> Shape:
    assert reading.suv is not None
    points = reading.suv.grid.to_lps(voxels)
    hottest = points[int(reading.suv.array[tuple(voxels.T)].argmax())]
    name = reading.study.id
    there, peak = frames.to_reference(name, thinned(points)), frames.to_reference(name, hottest[None])[0]
    return Shape(key, there, len(voxels) * reading.suv.grid.voxel_ml, "liver", reading.study.tracer, peak)


def _carried(source: StudyReading, reading: StudyReading, frames: Frames) -> dict[str, _Earlier]:
    """The outlines of the previous PET's lesions in another study, by their id."""
    assert reading.suv is not None
    where, labels = labels_of(source, reading, frames)
    points = reading.suv.grid.to_lps(where)
    out = {}
    for focus in foci_of(source):
        own = points[labels == focus.label]
        if len(own):
            out[focus.lesion.id] = _Earlier(focus.lesion, own, cKDTree(own))
    return out


def _resolved(mass: Focus, voxels: Voxels) -> tuple[list[Voxels], list[tuple[int, int]]]:
    """The uptakes that a valley divides, smoothed to about one resolution element; neighbours, highest saddle first."""
    suv = mass.reading.suv
    assert suv is not None
    box = box_around(suv, suv.grid.to_lps(voxels), 6.0)
    if box is None:
        return [voxels], []
    start = np.array([s.start for s in box])
    smooth = ndi.gaussian_filter(suv.array[box], SMOOTHING_MM / np.asarray(suv.grid.spacing_mm), mode="nearest")
    mask = np.zeros(smooth.shape, bool)
    mask[tuple((voxels - start).T)] = True
    background = mass.lesion.observations[0].local_background or 0.0
    basins = divide(smooth, mask, lambda peak: RESOLVED * np.maximum(peak - background, 0.0))
    where = np.stack(np.unravel_index(basins.voxels, smooth.shape), axis=1) + start
    levels = np.argsort(-basins.contact_level, kind="stable")
    contacts = [(int(a), int(b)) for a, b in basins.contacts[levels]]
    return [where[basins.owner == n] for n in range(len(basins))], contacts


def _is_slope(reading: StudyReading, own: Voxels, mass: set[int]) -> bool:
    """Whether the hottest voxel of an uptake touches a hotter one of another outline: its slope, no peak of its own."""
    assert reading.suv is not None and reading.found is not None
    suv, labels = reading.suv.array, reading.found.labels.array
    hottest = own[int(suv[tuple(own.T)].argmax())]
    around = tuple(slice(max(0, int(i) - 1), int(i) + 2) for i in hottest)
    other = (labels[around] > 0) & ~np.isin(labels[around], list(mass))
    return bool((suv[around][other] > suv[tuple(hottest)]).any())


def _grouped(
    uptakes: Sequence[Voxels], contacts: Sequence[tuple[int, int]], keys: Sequence[set[str]], alone: Sequence[int]
) -> list[tuple[list[int], frozenset[str]]]:
    """Uptakes of one part, with the earlier lesions it is: those of a lesion in common, then what has none and is not
    `alone` with the neighbour across the highest saddle, or, an island, with the largest."""
    part = list(range(len(uptakes)))
    of = {n: set(keys[n]) for n in part}

    def join(a: int, b: int) -> None:
        kept, gone = part[a], part[b]
        if kept != gone:
            of[kept] |= of.pop(gone)
            part[:] = [kept if p == gone else p for p in part]

    for a in range(len(part)):
        for b in range(a):
            if of[part[a]] & of[part[b]]:
                join(b, a)
    settled = {part[n] for n in alone} | {p for p in of if of[p]}
    while loose := [(a, b) for a, b in contacts if part[a] != part[b] and not {part[a], part[b]} <= settled]:
        a, b = loose[0]
        join(*((a, b) if part[a] in settled else (b, a)))
    largest = max(range(len(part)), key=lambda n: len(uptakes[n]))
    for n in range(len(part)):
        if part[n] not in settled:
            join(largest, n)
    return [([n for n in range(len(part)) if part[n] == p], frozenset(of[p])) for p in of]


def _divided(
    voxels: Voxels, keys: frozenset[str], before: Mapping[str, _Earlier], reading: StudyReading
) -> list[_Part]:
    """A part that no valley divides, by the nearest of the outlines that lay there before."""
    assert reading.suv is not None
    grid = reading.suv.grid
    points = grid.to_lps(voxels)
    here = cKDTree(points)
    held = [
        before[k]
        for k in sorted(keys & set(before))
        if before[k].lesion.observations[0].volume_ml >= LEAST_ML
        and float((here.query(before[k].points_mm)[0] < max(grid.spacing_mm)).mean()) >= INSIDE
    ]
    if len(held) < 2:
        return [_Part(voxels, keys)]
    nearest = np.argmin(np.stack([e.tree.query(points)[0] for e in held]), axis=0)
    large = [n for n in range(len(held)) if np.count_nonzero(nearest == n) * grid.voxel_ml >= LEAST_ML]
    if len(large) < 2:
        return [_Part(voxels, keys)]
    nearest = np.argmin(np.stack([held[n].tree.query(points)[0] for n in large]), axis=0)
    return [_Part(voxels[nearest == i], frozenset({held[n].lesion.id}), True) for i, n in enumerate(large)]


def _set_parts(
    mass: Focus, source: StudyReading, parts: Sequence[_Part], rims: Sequence[Lesion]
) -> list[tuple[Lesion, _Part]]:
    """Write the parts into the study; the largest keeps the number of the mass."""
    if len(parts) < 2:
        return []
    reading, whole = mass.reading, mass.lesion
    assert reading.found is not None
    labels = reading.found.labels.array
    was = {x.id: x for x in source.lesions}
    number = max([int(labels.max()), *(x.observations[0].label for x in reading.lesions)])
    seen = whole.observations[0]
    volume = sum(len(p.voxels) for p in parts) * reading.found.labels.grid.voxel_ml
    made: list[tuple[Lesion, _Part]] = []
    for n, part in enumerate(sorted(parts, key=lambda p: -len(p.voxels))):
        confluent = any(was[k].confluent for k in part.keys if k in was) or len(part.keys) > 2
        label = seen.label if n == 0 else number + n
        labels[tuple(part.voxels.T)] = label
        how = "where their outlines lay" if part.coalesced else "at its valleys"
        method = (
            f"{seen.mask_method}; part of a mass of {volume:.1f} mL, divided {how}: {source.study.id} shows them apart"
        )
        flags = tuple(f for f in seen.flags if f != "confluent") + ((COALESCED,) if part.coalesced else ())
        plain = seen.model_copy(update={"flags": flags})
        update = {"id": whole.id if n == 0 else f"L{label}", "confluent": confluent, "observations": (plain,)}
        made.append((measured(reading, whole.model_copy(update=update), part.voxels, label, method), part))
    gone = {whole.id, *(x.id for x in rims)}
    reading.lesions = (*(x for x in reading.lesions if x.id not in gone), *(lesion for lesion, _ in made))
    reading.found = replace(reading.found, lesions=reading.lesions)
    return made
