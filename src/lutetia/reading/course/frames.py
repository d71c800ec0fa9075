"""Every study brought into the frame of one reference study, and points carried between any two."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lutetia.imaging.anatomy.labels import LABELS
from lutetia.imaging.registration import (
    Alignment,
    AlignmentQuality,
    AlignmentSettings,
    align,
    identity_alignment,
    organ_overlap,
)
from lutetia.model import AlignmentRecord, Grid, Issue, Volume
from lutetia.reading.stages import StageStore, fingerprint, stage_key
from lutetia.reading.study import StudyReading

_ORGANS = {name: LABELS[name] for name in ("liver", "spleen", "kidney_left", "kidney_right")}


@dataclass(frozen=True, eq=False)
class Frames:
    """Alignments of all studies to the reference study, and what was measured of them."""

    reference: str
    by_study: dict[str, Alignment]
    records: tuple[AlignmentRecord, ...]
    issues: tuple[Issue, ...]

    def status(self, study: str) -> str:
        """Quality of one study's alignment."""
        return self.by_study[study].quality.status if study in self.by_study else "poor"

    def to_reference(self, study: str, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of a study → LPS mm of the reference study."""
        return self.by_study[study].to_fixed(points_mm)

    def to_study(self, study: str, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of the reference study → LPS mm of a study."""
        return self.by_study[study].to_moving(points_mm)

    def between(self, earlier: str, later: str) -> Bridge:
        """The map from one study to another, through the reference study."""
        return Bridge(self.by_study[earlier], self.by_study[later])


@dataclass(frozen=True, eq=False)
class Bridge:
    """Points from one study (fixed) to another (moving), through the reference frame."""

    start: Alignment
    end: Alignment

    def to_moving(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of the start study → LPS mm of the end study."""
        return self.end.to_moving(self.start.to_fixed(points_mm))

    def to_fixed(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of the end study → LPS mm of the start study."""
        return self.start.to_moving(self.end.to_fixed(points_mm))


def reference_study(readings: Sequence[StudyReading]) -> StudyReading:
    """The first SSTR PET with a CT; failing that the first PET with a CT, the first with SUV, the first."""
    tests: tuple[Callable[[StudyReading], bool], ...] = (
        lambda r: r.ct is not None and r.tracer is not None and r.tracer.is_sstr and r.tracer.modality == "PET",
        lambda r: r.ct is not None,
        lambda r: _uptake(r) is not None,
    )
    for test in tests:
        found = next((r for r in readings if test(r)), None)
        if found is not None:
            return found
    return readings[0]


def _uptake(reading: StudyReading) -> Volume | None:
    return reading.suv if reading.suv is not None else reading.stored


def align_studies(
    readings: Sequence[StudyReading],
    deformable: bool,
    progress: Callable[[str, float], None],
    store: StageStore | None = None,
) -> Frames:
    """Align every study to the reference study, by CT where both have one, by uptake where not."""
    fixed = reference_study(readings)
    settings = AlignmentSettings(deformable=deformable)
    by_study: dict[str, Alignment] = {}
    records, issues = [], []
    for n, moving in enumerate(readings):
        progress(f"aligning {moving.study.id}", n / len(readings))
        name = moving.study.id
        image = _uptake(fixed)
        if moving is fixed:
            assert image is not None or fixed.ct is not None
            alignment = identity_alignment((image or fixed.ct).grid)  # type: ignore[union-attr]
        else:
            try:
                found = _kept_or_aligned(fixed, moving, settings, store)
                why = "it has neither a CT nor an uptake image in common with the others"
            except (RuntimeError, ValueError) as error:  # what the registration library raises when it can't go on
                found, why = None, f"the registration to {fixed.study.id} failed ({_last_line(error)})"
            if found is None:
                message = (
                    f"The study could not be aligned: {why}. It is read by itself, and its lesions keep identities "
                    "of their own; name them with a corrections file"
                )
                issues.append(Issue(code="not-aligned", level="error", message=message, study=name))
                continue
            alignment = found
        by_study[name] = alignment
        record = _record(name, fixed, moving, alignment)
        records.append(record)
        if record.status != "ok":
            level = "error" if record.status == "poor" else "caution"
            why = "; ".join(record.reasons) or record.method
            message = f"Alignment to {fixed.study.id} is {record.status}: {why}. Matching of lesions is less sure"
            issues.append(Issue(code=f"alignment-{record.status}", level=level, message=message, study=name))
    return Frames(fixed.study.id, by_study, tuple(records), tuple(issues))


def _last_line(error: Exception) -> str:
    """What a library says, without the file and line it stands at."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:160] if lines else type(error).__name__


def _files(reading: StudyReading) -> str:
    series = reading.selection.ct if reading.ct is not None else reading.selection.pet
    return fingerprint(i.path for i in series.instances) if series is not None else ""


def _kept_or_aligned(
    fixed: StudyReading, moving: StudyReading, settings: AlignmentSettings, store: StageStore | None
) -> Alignment | None:
    """The alignment of an earlier run on the same images and settings, or a new one."""
    if store is None:
        return _align(fixed, moving, settings)
    name = f"align-{moving.study.id}"
    key = stage_key(
        name, "kept where uptakes agree, started anew where poor", _files(fixed), _files(moving), asdict(settings)
    )
    kept = store.find(name, key)
    if kept is not None:
        return load_alignment(kept)
    found = _align(fixed, moving, settings)
    if found is not None:
        with store.writing(name, key) as folder:
            save_alignment(found, folder)
    return found


def save_alignment(alignment: Alignment, folder: Path) -> None:
    """Write an alignment into an empty folder."""
    arrays: dict[str, Any] = {"rigid": alignment.rigid}
    if alignment.displacement_mm is not None:
        arrays["displacement_mm"] = alignment.displacement_mm
    np.savez(folder / "alignment.npz", **arrays)
    record = {
        "grid": asdict(alignment.grid),
        "method": alignment.method,
        "overlap_mm": alignment.overlap_mm,
        "quality": asdict(alignment.quality),
    }
    (folder / "alignment.json").write_text(json.dumps(record), encoding="utf-8")


def load_alignment(folder: Path) -> Alignment:
    """Read what `save_alignment` wrote."""
    record = json.loads((folder / "alignment.json").read_text(encoding="utf-8"))
    with np.load(folder / "alignment.npz") as arrays:
        rigid, displacement = arrays["rigid"], arrays.get("displacement_mm")
    g, q = record["grid"], record["quality"]
    grid = Grid(
        tuple(g["shape"]),
        tuple(g["spacing_mm"]),
        tuple(g["origin_mm"]),
        tuple(tuple(row) for row in g["direction"]),
        g["frame_of_reference_uid"],
    )
    quality = AlignmentQuality(**{**q, "reasons": tuple(q["reasons"])})
    return Alignment(rigid, displacement, grid, record["method"], record["overlap_mm"], quality)


def _align(fixed: StudyReading, moving: StudyReading, settings: AlignmentSettings) -> Alignment | None:
    a, b = _uptake(fixed), _uptake(moving)
    if fixed.ct is not None and moving.ct is not None:
        return align(fixed.ct, moving.ct, "CT", settings, (a, b) if a is not None and b is not None else None)
    return align(a, b, "PET", settings) if a is not None and b is not None else None


def _record(name: str, fixed: StudyReading, moving: StudyReading, alignment: Alignment) -> AlignmentRecord:
    quality = alignment.quality
    organs: dict[str, float] = {}
    if moving is not fixed and fixed.anatomy is not None and moving.anatomy is not None:
        organs = organ_overlap(alignment, fixed.anatomy.labels, moving.anatomy.labels, _ORGANS)

    def tidy(value: float | None) -> float | None:
        return None if value is None or not np.isfinite(value) else round(float(value), 3)

    return AlignmentRecord(
        study=name,
        reference_study=fixed.study.id,
        method=alignment.method,
        status=quality.status,
        overlap_mm=tidy(alignment.overlap_mm),
        body_dice=tidy(quality.body_dice),
        bone_dice=tidy(quality.bone_dice),
        similarity=tidy(quality.similarity),
        dome_residual_mm=tidy(quality.dome_residual_mm),
        organ_dice=organs,
        smallest_jacobian=tidy(quality.smallest_jacobian),
        reasons=quality.reasons,
        rigid=tuple(tuple(round(float(v), 6) for v in row) for row in alignment.rigid),
    )
