"""How the studies were brought to one frame: quality in numbers, and a picture that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage as ndi

from lutetia.model import (
    AlignmentRecord,
    Course,
    Volume,
)
from lutetia.outputs.pictures import planes, shades
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Row,
    Section,
    Table,
    Tone,
)
from lutetia.outputs.report.course.following import (
    named_study,
)
from lutetia.outputs.volumes import StudyVolumes


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
    caption = "Squares of the reference study and of the study in turn, coronal; edges should run on."
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

    straight = planes.Plane(centre, *planes.CORONAL, 440.0, pixels)

    def plane(carry: bool) -> planes.Plane:
        if not carry:
            return straight
        turned = [tuple(float(v) for v in matrix[:3, :3] @ np.asarray(axis)) for axis in planes.CORONAL]
        moved = matrix[:3, :3] @ np.asarray(centre) + matrix[:3, 3]
        place = (float(moved[0]), float(moved[1]), float(moved[2]))
        right, down = turned
        return planes.Plane(place, (right[0], right[1], right[2]), (down[0], down[1], down[2]), 440.0, pixels)

    if moving.from_reference is None:  # the record alone: its rigid part
        grey = [_grey(volume, plane(carry), by_ct) for volume, carry in zip(pair, (False, True), strict=True)]
    else:
        grey = [_grey(pair[0], straight, by_ct), _carried_grey(pair[1], straight, moving.from_reference, by_ct)]
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


def _carried_grey(
    volume: Volume, plane: planes.Plane, carry: Callable[[np.ndarray], np.ndarray], by_ct: bool
) -> shades.ByteImage:
    """The moving study on a plane of the reference study, through the transform that is used."""
    offsets = (np.arange(plane.pixels) - (plane.pixels - 1) / 2) * plane.width_mm / plane.pixels
    points = (
        np.asarray(plane.centre)
        + offsets[:, None, None] * np.asarray(plane.down)
        + offsets[None, :, None] * np.asarray(plane.right)
    )
    index = volume.grid.to_index(carry(points))
    outside = -1024.0 if by_ct else 0.0
    values = ndi.map_coordinates(volume.array, np.moveaxis(index, -1, 0), np.float32, order=1, cval=outside)
    if by_ct:
        return shades.ct_grey(values)
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


def alignment(course: Course, volumes: Mapping[str, StudyVolumes]) -> Section | None:
    """Quality of every alignment and its checkerboard; None where nothing was aligned."""
    records = [record for record in course.alignments if record.study != record.reference_study]
    if not records:
        return None
    rows = []
    for record in records:
        tone: Tone = "" if record.status == "ok" else "caution"
        organs = ", ".join(f"{k.replace('_', ' ')} {wording.number(v, 2)}" for k, v in record.organ_dice.items())
        cells = (
            Cell(named_study(course, record.study)),
            Cell(record.method),
            Cell(record.status, tone),
            Cell(wording.number(record.bone_dice, 2)),
            Cell(wording.number(record.body_dice, 2)),
            Cell(wording.number(record.dome_residual_mm, 2)),
            Cell("; ".join([*([organs] if organs else []), *record.reasons]) or "–", "muted"),
        )
        rows.append(Row(cells))
    columns = (
        Column("Study", width=1),
        Column("Method", width=1.1),
        Column("Quality"),
        Column("Bone", "right"),
        Column("Body", "right"),
        Column("Dome, mm", "right"),
        Column("Organs and remarks", width=1.7),
    )
    reference = named_study(course, records[0].reference_study)
    notes = (
        f"Reference study: {reference}. Bone, body, organs: overlap (Dice). Dome: what is left at the liver dome.",
    )
    blocks: list[Block] = [Table(columns, tuple(rows), notes=notes, dense=True)]
    pictures = alignment_figures(course, volumes)
    if pictures is not None:
        blocks.append(pictures)
    return Section("How the studies were aligned", tuple(blocks))
