"""Confluent liver disease over a course: one volume with one identity, whose parts neither split nor merge.

Where foci touch, their number and their borders are those of the image, not of the disease: another day, another
tracer or a coarser scanner draws them otherwise. Once a PET calls liver disease confluent, whatever any study of that
visit or a later one shows inside its place is part of the same volume, unless another target tells it apart from the
rest (`complementary`) or an earlier PET of the tracer showed its lesions apart (`coalescence`). What a reader set by
hand is left alone.

On the SPECT of a therapy the border of a large mass is that of the blur, and so is what joins two metastases side by
side; there the outlines of the PET before it are carried over, of the mass or the lesions and of what lies beside them
in the same blur, as is done for dosimetry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lutetia.model import Lesion, Visit
from lutetia.reading.course.coalescence import part_coalesced
from lutetia.reading.course.complementary import cut_out, name_parts, parts_of_their_own
from lutetia.reading.course.confluent_foci import INSIDE, Focus, Key, Voxels, foci_of, holds, labels_of, measured
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.study import StudyReading

#: outlines of a SPECT that share so much of the smaller with the carried mass show the same uptake
SAME_UPTAKE = 0.3


class _Groups:
    """Which foci are one: a union over names."""

    def __init__(self) -> None:
        self._root: dict[Key, Key] = {}

    def of(self, key: Key) -> Key:
        self._root.setdefault(key, key)
        while self._root[key] != key:
            key = self._root[key]
        return key

    def join(self, a: Key, b: Key) -> None:
        a, b = self.of(a), self.of(b)
        self._root[max(a, b)] = min(a, b)


def gather_confluent(readings: Sequence[StudyReading], visits: Sequence[Visit], frames: Frames) -> dict[Key, str]:
    """Make confluent liver disease one lesion in every study, and say which lesions of the studies are the same.

    Parameters
    ----------
    readings : aligned and read studies in order of date; their lesions and label maps are changed in place
    visits : for the order in time
    frames : alignments

    Returns
    -------
    dict
        (study, the study's own lesion id) → a name shared by what is one lesion.
    """
    order = {study: n for n, visit in enumerate(visits) for study in visit.studies}
    pets = [
        r for r in readings if r.study.id in frames.by_study and r.found is not None and not r.study.is_therapy_spect
    ]
    same, lone = part_coalesced(pets, order, frames)
    foci = [f for r in pets for f in foci_of(r)]
    masses = [f for f in foci if f.lesion.confluent and f.lesion.tissue == "liver"]
    groups, first = _Groups(), dict[Key, int]()
    for mass in masses:
        for other in masses:
            if other.reading is not mass.reading and holds(mass, other, frames):
                groups.join(mass.key, other.key)
    for mass in masses:
        root, when = groups.of(mass.key), order[mass.reading.study.id]
        first[root] = min(when, first.get(root, when))
    members: dict[Key, list[Focus]] = {}
    for focus in foci:
        roots = [groups.of(focus.key)] if focus in masses else []
        roots += [
            groups.of(mass.key)
            for mass in masses
            if not roots
            and focus.key not in lone
            and mass.reading is not focus.reading
            and order[focus.reading.study.id] >= first[groups.of(mass.key)]
            and holds(mass, focus, frames)
        ]
        if roots:
            members.setdefault(roots[0], []).append(focus)
    apart = parts_of_their_own(members, masses, frames)
    for root, parts in members.items():
        name = f"mass of {root[0]} {root[1]}"
        own_parts = apart.get(root, ())
        names = name_parts(own_parts, frames)
        same |= names
        by_study: dict[str, list[Focus]] = {}
        for part in parts:
            if part.key not in names:
                by_study.setdefault(part.reading.study.id, []).append(part)
        for study, own in by_study.items():
            joined = _join(own)
            same[study, joined.id] = name
            if any(f in masses for f in own):
                same |= cut_out(own[0].reading, joined, own_parts, names, order, frames)
    for spect in readings:
        if spect.study.is_therapy_spect and spect.study.id in frames.by_study and spect.found is not None:
            same |= _carried(spect, pets, same, frames)
    return same


def _join(parts: Sequence[Focus]) -> Lesion:
    """The parts of a mass in one study as one lesion, measured over all of them."""
    reading = parts[0].reading
    main = max(parts, key=lambda p: (p.lesion.confluent, len(p.voxels)))
    lesion = main.lesion.model_copy(update={"confluent": True})
    if len(parts) == 1:
        reading.lesions = tuple(lesion if x.id == lesion.id else x for x in reading.lesions)
        return lesion
    assert reading.found is not None
    for part in parts:
        reading.found.labels.array[tuple(part.voxels.T)] = main.label
    voxels = np.concatenate([p.voxels for p in parts])
    method = f"{main.lesion.observations[0].mask_method}; with {len(parts) - 1} more inside the same confluent disease"
    lesion = measured(reading, lesion, voxels, main.label, method)
    gone = {p.lesion.id for p in parts} - {main.lesion.id}
    reading.lesions = tuple(lesion if x.id == lesion.id else x for x in reading.lesions if x.id not in gone)
    return lesion


def _carried(
    spect: StudyReading, pets: Sequence[StudyReading], same: Mapping[Key, str], frames: Frames
) -> dict[Key, str]:
    """Outlines of the PET before a therapy carried over to a SPECT that shows a confluent mass or joins lesions."""
    day = spect.study.date or ""
    sstr = [r for r in pets if r.tracer is not None and r.tracer.is_sstr and (r.study.date or "") <= day]
    with_mass = [r for r in sstr if any((r.study.id, x.id) in same for x in r.lesions)]
    source = next(reversed(with_mass or sstr), None)
    if source is None or spect.found is None or spect.suv is None or source.found is None:
        return {}
    here = {f.label: f for f in foci_of(spect)}
    if not here:
        return {}
    labels = spect.found.labels.array
    where, carried = labels_of(source, spect, frames)
    masses = [x for x in source.lesions if (source.study.id, x.id) in same]
    in_mass = where[np.isin(carried, [x.observations[0].label for x in masses])]
    under, counts = np.unique(labels[tuple(in_mass.T)], return_counts=True)
    shown = {
        int(n)
        for n, c in zip(under, counts, strict=True)
        if int(n) in here and c >= SAME_UPTAKE * min(len(here[int(n)].voxels), len(in_mass))
    }
    shown |= _joined_by_blur(source, labels, where, carried) & set(here)
    if not shown:
        return {}
    under_mass = np.isin(labels, list(shown))
    taken: list[tuple[Lesion, Voxels]] = []
    for lesion in source.lesions:
        own = where[carried == lesion.observations[0].label]
        beside = len(own) > 0 and float(under_mass[tuple(own.T)].mean()) >= INSIDE
        if lesion.status in POSITIVE and (lesion in masses or beside) and len(own):
            taken.append((lesion, own))
    labels[under_mass] = 0
    gone = {here[n].lesion.id for n in shown}
    kept = [x for x in spect.lesions if x.id not in gone]
    number = max((x.observations[0].label for x in spect.lesions), default=0)
    out: dict[Key, str] = {}
    for lesion, own in taken:
        number += 1
        labels[tuple(own.T)] = number
        method = f"outline of {source.study.id} carried over: SPECT does not resolve what its blur joins"
        new = measured(spect, lesion.model_copy(update={"id": f"L{number}"}), own, number, method)
        kept.append(new)
        out[spect.study.id, new.id] = same.get((source.study.id, lesion.id), f"{source.study.id} {lesion.id}")
        out[source.study.id, lesion.id] = out[spect.study.id, new.id]
    spect.lesions = tuple(kept)
    spect.found = replace(spect.found, lesions=spect.lesions)
    return out


def _joined_by_blur(source: StudyReading, labels: np.ndarray, where: Voxels, carried: np.ndarray) -> set[int]:
    """Labels of the SPECT that each hold most of two lesions or more of the PET before it."""
    held: dict[int, int] = {}
    for lesion in source.lesions:
        own = where[carried == lesion.observations[0].label]
        if lesion.status not in POSITIVE or not len(own):
            continue
        under, counts = np.unique(labels[tuple(own.T)], return_counts=True)
        for number, count in zip(under.tolist(), counts.tolist(), strict=True):
            if number > 0 and count >= INSIDE * len(own):
                held[number] = held.get(number, 0) + 1
    return {number for number, lesions in held.items() if lesions > 1}
