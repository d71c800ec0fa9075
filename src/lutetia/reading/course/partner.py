"""An FDG scan read with what the SSTR scan of the same visit knows: where the organs lie, and where tumour is.

Spleen and kidneys stand out on SSTR by their own uptake, on FDG hardly; a liver full of tumour hides which of its
parts is liver. Days apart the organs are the same. So where an FDG scan doubts its liver or spleen, or outlines spleen
or kidneys elsewhere than the SSTR scan does, the organs are carried over, known tumour is left out of the liver, and
references and lesions of the FDG scan are read anew. Nothing is carried through a poor alignment, from an organ that
the SSTR scan itself doubts, or from one cut by the edge of its field; what a reader gave stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.references.moved import change_when_moved
from lutetia.model import OrganRecord, Visit, Volume
from lutetia.reading.again import measure_again
from lutetia.reading.course.dual import visit_pairs
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.identity import POSITIVE
from lutetia.reading.course.places import sample
from lutetia.reading.one_study import measure_key
from lutetia.reading.settings import ReadSettings
from lutetia.reading.stages import StageStore, stage_key
from lutetia.reading.study import StudyReading

Mask = npt.NDArray[np.bool_]

#: below this overlap (Dice) two outlines of one organ, days apart, are not the same organ
SAME_ORGAN = 0.6
#: organs that stand out on SSTR by their own uptake
SEEN_ON_SSTR = ("spleen", "kidney_left", "kidney_right")
#: a spleen moves with every breath: PET and CT of one visit lie about so far apart, mm
BREATH_MM = 6.0
#: a reference may err by so much without a flag: a value that changes by more when the outline is moved is not sure
SURE = 0.07
_SPLEEN_MOVES = (
    "outline of {source} carried over: moved by {by:.0f} mm, as breathing may, {change}, for its edge lowers the value"
)
#: landmarks of the search, nothing is measured in them: taken even where a field cuts them, if the FDG scan has none
LANDMARKS = ("heart",)


def read_with_partners(
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames,
    settings: ReadSettings,
    progress: Callable[[str, float], None] = lambda stage, share: None,
    store: StageStore | None = None,
) -> None:
    """Read every FDG study anew, in place, whose organs or references the SSTR study of its visit can better.

    Parameters
    ----------
    readings : aligned studies, each read by itself
    visits : which of them belong together
    frames : alignments
    settings : of the reading; organs or references given by hand leave everything as it is
    progress : called with a stage's name and the share done
    store : where finished stages are kept
    """
    if settings.organs is not None or settings.anatomy == "none" or settings.references:
        return
    pairs, _ = visit_pairs(readings, visits)
    for pair in pairs:
        sstr, fdg = pair.sstr, pair.fdg
        both = {sstr.study.id, fdg.study.id} <= set(frames.by_study)
        poor = "poor" in (frames.status(sstr.study.id), frames.status(fdg.study.id))
        if not both or poor or sstr.anatomy is None or fdg.anatomy is None:
            continue
        tumour_of = [r for r in readings if _knows_tumour(r, frames)]
        name = f"measure-with-partner-{fdg.study.id}"
        key = (
            stage_key(
                "organs of the SSTR scan of the visit, a spleen doubted where its value hangs on its place",
                measure_key(fdg.selection, settings),
                *(measure_key(r.selection, settings) for r in tumour_of),
                [frames.by_study[r.study.id].rigid.tolist() for r in (sstr, fdg)],
            )
            if store is not None
            else ""
        )
        organs = _to_carry(sstr, fdg, frames)
        if not organs:
            continue
        progress(f"{fdg.study.id}: with the organs of {sstr.study.id}", 1.0)
        tumour = _tumour(tumour_of, fdg, frames) if "liver" in organs else None
        doubts = {"spleen": _moves(fdg, organs["spleen"], sstr, frames)} if "spleen" in organs else {}

        def carried(
            anatomy: Anatomy,
            organs: dict[str, Mask] = organs,
            sstr: StudyReading = sstr,
            doubts: dict[str, tuple[str, ...]] = doubts,
        ) -> Anatomy:
            return with_organs(anatomy, organs, sstr.study.id, doubts)

        measure_again(fdg, settings, carried, organs, tumour, store, name, key)


def _moves(fdg: StudyReading, spleen: Mask, sstr: StudyReading, frames: Frames) -> tuple[str, ...]:
    """The doubt about a carried spleen: none where its value stays when the outline moves as breathing moves it."""
    assert fdg.suv is not None
    residuals = [r.dome_residual_mm or 0.0 for r in frames.records if r.study in (fdg.study.id, sstr.study.id)]
    by = max(BREATH_MM, *(abs(r) for r in residuals)) if residuals else BREATH_MM
    change = change_when_moved(fdg.suv, spleen, by)
    if change is not None and change <= SURE:
        return ()
    text = "it leaves the field or has no core" if change is None else f"its value changes by {100 * change:.0f} %"
    return (_SPLEEN_MOVES.format(source=sstr.study.id, by=by, change=text),)


def _knows_tumour(reading: StudyReading, frames: Frames) -> bool:
    tracer = reading.tracer
    sstr = tracer is not None and tracer.is_sstr and not reading.study.is_therapy_spect
    return sstr and reading.found is not None and frames.status(reading.study.id) != "poor"


def _to_carry(sstr: StudyReading, fdg: StudyReading, frames: Frames) -> dict[str, Mask]:
    """Organs of the SSTR scan, on the FDG grid, that are better than the FDG scan's own."""
    assert sstr.anatomy is not None and fdg.anatomy is not None and fdg.suv is not None
    out: dict[str, Mask] = {}
    for name in ("liver", *SEEN_ON_SSTR, *LANDMARKS):
        known = sstr.anatomy.organ(name)
        mask = sstr.anatomy.mask(name)
        if known is None or known.status != "ok" or not mask.any():
            continue
        if name in LANDMARKS:
            there = carry_mask(Volume(mask, sstr.anatomy.labels.grid, "mask"), sstr, fdg, frames)
            if not fdg.anatomy.has(name) and there.any():
                out[name] = there
            continue
        if _cut(mask):
            continue
        reference = fdg.study.references.get(name)
        doubted = reference is not None and reference.status == "caution"
        if name == "liver" and not doubted:
            continue
        there = carry_mask(Volume(mask, sstr.anatomy.labels.grid, "mask"), sstr, fdg, frames)
        if not there.any() or _cut(there):
            continue
        own = fdg.anatomy.mask(name)
        overlap = 2 * np.count_nonzero(there & own) / (np.count_nonzero(there) + np.count_nonzero(own))
        if doubted or overlap < SAME_ORGAN:
            out[name] = there
    return out


def _cut(mask: Mask) -> bool:
    """Whether an organ reaches the first or the last slice, so that some of it may lie beyond."""
    return bool(mask[0].any() or mask[-1].any())


def carry_mask(mask: Volume, source: StudyReading, target: StudyReading, frames: Frames) -> Mask:
    """A mask of one study on the grid of another.

    Parameters
    ----------
    mask : nonzero inside, on a grid of the source
    source, target : aligned studies; the target has SUV
    frames : alignments

    Returns
    -------
    (z, y, x) bool on the target's PET grid
    """
    assert target.suv is not None
    grid = target.suv.grid
    out = np.zeros(grid.shape, bool)
    where = np.argwhere(mask.array)
    if not len(where):
        return out
    bridge = frames.between(target.study.id, source.study.id)
    index = grid.to_index(bridge.to_fixed(mask.grid.to_lps(where[:: max(1, len(where) // 20000)])))
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 4, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 5, grid.shape)
    if np.any(high <= low):
        return out
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    out[tuple(voxels.T)] = sample(mask, bridge.to_moving(grid.to_lps(voxels))) > 0
    return out


def _tumour(known: Sequence[StudyReading], fdg: StudyReading, frames: Frames) -> Mask:
    """What any SSTR PET of the course outlined as a candidate, on the FDG grid."""
    assert fdg.suv is not None
    out = np.zeros(fdg.suv.grid.shape, bool)
    for reading in known:
        assert reading.found is not None
        labels = [x.observations[0].label for x in reading.lesions if x.status in POSITIVE]
        mask = np.isin(reading.found.labels.array, labels)
        out |= carry_mask(Volume(mask, reading.found.labels.grid, "mask"), reading, fdg, frames)
    return out


def with_organs(
    anatomy: Anatomy, organs: Mapping[str, Mask], source: str, doubts: Mapping[str, tuple[str, ...]] | None = None
) -> Anatomy:
    """An anatomy in which some organs are those of another study of the visit.

    Parameters
    ----------
    anatomy : of the study
    organs : masks on its grid by name
    source : id of the study they come from
    doubts : reasons why the reference of a carried organ may not be trusted
    """
    labels = anatomy.labels.array.copy()
    for name in organs:
        labels[labels == LABELS[name]] = LABELS["body"]
    for name, mask in organs.items():
        labels[mask & (labels > 0)] = LABELS[name]
    grid = anatomy.labels.grid
    records: dict[str, OrganRecord] = {o.name: o for o in anatomy.organs}
    for name in organs:
        own = np.argwhere(labels == LABELS[name])
        x, y, z = (round(float(v), 2) for v in grid.to_lps(own.mean(axis=0)[None])[0])
        records[name] = OrganRecord(
            name=name,
            label=LABELS[name],
            source=f"{source}, carried over",
            status="ok",
            reasons=(f"outline of {source} at the same visit",),
            volume_ml=round(len(own) * grid.voxel_ml, 3),
            centroid_mm=(x, y, z),
        )
    concerns = {name: () if name in organs else text for name, text in anatomy.concerns.items()} | dict(doubts or {})
    evidence: dict[str, Any] = {name: facts for name, facts in anatomy.evidence.items() if name not in organs}
    return replace(
        anatomy,
        labels=Volume(labels, grid, "label"),
        organs=tuple(records.values()),
        concerns=concerns,
        tumour_suspected=anatomy.tumour_suspected - set(organs),
        evidence=evidence,
        zones=anatomy.zones - set(organs),
    )
