"""Confluent liver disease over a course: one volume with one identity, whose parts neither split nor merge.

Where foci touch, their number and their borders are those of the image, not of the disease: another day, another
tracer or a coarser scanner draws them otherwise. Once a PET calls liver disease confluent, whatever any study of that
visit or a later one shows inside its place is part of the same volume. An earlier study, in which the foci still lay
apart, keeps them apart: coming together is then an event. What a reader set by hand is left alone.

On the SPECT of a therapy the border of a large mass is that of the blur; there the outlines of the PET before it are
carried over, of the mass and of what lies beside it in the same blur, as is done for dosimetry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lutetia.imaging.lesions.observed import observed
from lutetia.imaging.measures import sample_at_voxels
from lutetia.model import Lesion, Visit
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.course.places import sample
from lutetia.reading.grading import grade_observation
from lutetia.reading.study import StudyReading

Voxels = npt.NDArray[np.int64]
Key = tuple[str, str]

#: a focus is part of a mass when so large a share of its voxels lies in the outline of the mass
INSIDE = 0.5
#: outlines of a SPECT that share so much of the smaller with the carried mass show the same uptake
SAME_UPTAKE = 0.3


@dataclass(frozen=True)
class _Focus:
    """A focus of a study with its voxels on the grid of that study."""

    reading: StudyReading
    lesion: Lesion
    voxels: Voxels

    @property
    def key(self) -> Key:
        return self.reading.study.id, self.lesion.id

    @property
    def label(self) -> int:
        return self.lesion.observations[0].label


def _foci(reading: StudyReading) -> list[_Focus]:
    """The candidates of a study that the software itself outlined."""
    if reading.found is None:
        return []
    labels = reading.found.labels.array
    where = np.argwhere(labels > 0)
    numbers = labels[tuple(where.T)]
    return [
        _Focus(reading, lesion, where[numbers == lesion.observations[0].label])
        for lesion in reading.lesions
        if lesion.status in POSITIVE and lesion.corrected_by is None and lesion.observations[0].volume_ml > 0
    ]


def _labels_at(focus: _Focus, other: StudyReading, frames: Frames) -> npt.NDArray[np.float32]:
    """Labels of another study at the voxels of a focus, thinned; NaN outside its field."""
    assert focus.reading.found is not None and other.found is not None
    voxels = focus.voxels[:: max(1, len(focus.voxels) // 4000)]
    points = focus.reading.found.labels.grid.to_lps(voxels)
    bridge = frames.between(focus.reading.study.id, other.study.id)
    return sample(other.found.labels, bridge.to_moving(points))


def _holds(mass: _Focus, focus: _Focus, frames: Frames) -> bool:
    """Whether a focus lies mostly in the outline of a mass of another study."""
    return float(np.mean(_labels_at(focus, mass.reading, frames) == mass.label)) >= INSIDE


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
    foci = [f for r in pets for f in _foci(r)]
    masses = [f for f in foci if f.lesion.confluent and f.lesion.tissue == "liver"]
    if not masses:
        return {}
    groups, first = _Groups(), dict[Key, int]()
    for mass in masses:
        for other in masses:
            if other.reading is not mass.reading and _holds(mass, other, frames):
                groups.join(mass.key, other.key)
    for mass in masses:
        root, when = groups.of(mass.key), order[mass.reading.study.id]
        first[root] = min(when, first.get(root, when))
    members: dict[Key, list[_Focus]] = {}
    for focus in foci:
        roots = [groups.of(focus.key)] if focus in masses else []
        roots += [
            groups.of(mass.key)
            for mass in masses
            if not roots
            and mass.reading is not focus.reading
            and order[focus.reading.study.id] >= first[groups.of(mass.key)]
            and _holds(mass, focus, frames)
        ]
        if roots:
            members.setdefault(roots[0], []).append(focus)
    same: dict[Key, str] = {}
    for root, parts in members.items():
        name = f"mass of {root[0]} {root[1]}"
        by_study: dict[str, list[_Focus]] = {}
        for part in parts:
            by_study.setdefault(part.reading.study.id, []).append(part)
        for study, own in by_study.items():
            same[study, _join(own).id] = name
    for spect in readings:
        if spect.study.is_therapy_spect and spect.study.id in frames.by_study and spect.found is not None:
            same |= _carried(spect, pets, same, frames)
    return same


def _join(parts: Sequence[_Focus]) -> Lesion:
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
    lesion = _measured(reading, lesion, voxels, main.label, method)
    gone = {p.lesion.id for p in parts} - {main.lesion.id}
    reading.lesions = tuple(lesion if x.id == lesion.id else x for x in reading.lesions if x.id not in gone)
    return lesion


def _measured(reading: StudyReading, lesion: Lesion, voxels: Voxels, label: int, method: str) -> Lesion:
    """A lesion of the liver with the one observation that its voxels in a study give."""
    assert reading.suv is not None and reading.tracer is not None
    before = lesion.observations[0]
    same_study = before.study == reading.study.id
    seen = observed(
        reading.suv,
        voxels,
        reading.study.id,
        label,
        method=method,
        threshold=before.mask_threshold_suv if same_study else None,
        background=before.local_background if same_study else None,
        references=reading.study.references,
    )
    update: dict[str, object] = {"flags": ("confluent",) if lesion.confluent else ()}
    if reading.ct is not None:
        hu = sample_at_voxels(reading.ct, reading.suv.grid, voxels)
        hu = hu[np.isfinite(hu)]
        if len(hu):
            update |= {"ct_mean_hu": float(hu.mean()), "ct_sd_hu": float(hu.std())}
    if same_study:
        update |= {"ct_correlate": before.ct_correlate, "organ_distances_mm": before.organ_distances_mm}
        update["flags"] = tuple(dict.fromkeys((*before.flags, *update["flags"])))  # type: ignore[misc]
    minutes = reading.study.acquisition.uptake_minutes
    graded = grade_observation(
        seen.model_copy(update=update),
        reading.study,
        reading.tracer,
        in_liver=lesion.tissue == "liver",
        at_liver_level=False,
        hours=None if minutes is None else round(minutes / 60, 2),
    )
    return lesion.model_copy(update={"observations": (graded,)})


def _carried(
    spect: StudyReading, pets: Sequence[StudyReading], same: Mapping[Key, str], frames: Frames
) -> dict[Key, str]:
    """Outlines of the PET before a therapy carried over to its SPECT, where that shows a confluent mass."""
    day = spect.study.date or ""
    sstr = [r for r in pets if r.tracer is not None and r.tracer.is_sstr and (r.study.date or "") <= day]
    source = next((r for r in reversed(sstr) if any((r.study.id, x.id) in same for x in r.lesions)), None)
    if source is None or spect.found is None or spect.suv is None or source.found is None:
        return {}
    here = {f.label: f for f in _foci(spect)}
    if not here:
        return {}
    labels = spect.found.labels.array
    where, carried = _labels_of(source, spect, frames)
    masses = [x for x in source.lesions if (source.study.id, x.id) in same]
    in_mass = where[np.isin(carried, [x.observations[0].label for x in masses])]
    under, counts = np.unique(labels[tuple(in_mass.T)], return_counts=True)
    shown = {
        int(n)
        for n, c in zip(under, counts, strict=True)
        if int(n) in here and c >= SAME_UPTAKE * min(len(here[int(n)].voxels), len(in_mass))
    }
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
        method = f"outline of {source.study.id} carried over: SPECT does not resolve the border of a confluent mass"
        new = _measured(spect, lesion.model_copy(update={"id": f"L{number}"}), own, number, method)
        kept.append(new)
        out[spect.study.id, new.id] = same.get((source.study.id, lesion.id), f"{source.study.id} {lesion.id}")
        out[source.study.id, lesion.id] = out[spect.study.id, new.id]
    spect.lesions = tuple(kept)
    spect.found = replace(spect.found, lesions=spect.lesions)
    return out


def _labels_of(source: StudyReading, target: StudyReading, frames: Frames) -> tuple[Voxels, npt.NDArray[np.float32]]:
    """Voxels of the target's grid that lie in an outline of the source, and the source's label there."""
    assert source.found is not None and target.suv is not None
    grid = target.suv.grid
    bridge = frames.between(target.study.id, source.study.id)
    outlined = np.argwhere(source.found.labels.array > 0)
    index = grid.to_index(bridge.to_fixed(source.found.labels.grid.to_lps(outlined)))
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 3, grid.shape)
    if np.any(high <= low):
        return np.zeros((0, 3), np.int64), np.zeros(0, np.float32)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    there = sample(source.found.labels, bridge.to_moving(grid.to_lps(voxels)))
    inside = np.isfinite(there) & (there > 0)
    return voxels[inside], there[inside]
