"""One SeriesInstanceUID may hold several volumes: orientations, matrices, time frames, gates, energy windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from lutetia.dicom.instance import InstanceHeader
from lutetia.dicom.series import SeriesFiles
from lutetia.model import Issue

_ORIENTATION_TOLERANCE = 1e-3
_SAME_PLACE_MM = 0.02

Key = Callable[[InstanceHeader], Hashable]

#: what may tell two images of one place apart, in the order tried: (kind, value)
_DISCRIMINATORS: tuple[tuple[str, Key], ...] = (
    ("time frame", lambda h: h.temporal_position),
    ("gate", lambda h: h.trigger_time_ms),
    ("time frame", lambda h: h.frame_reference_time_ms),
    ("acquisition", lambda h: h.acquisition_number),
    ("time frame", lambda h: (h.acquisition_date, h.acquisition_time)),
    ("reconstruction", lambda h: h.convolution_kernel),
    ("correction", lambda h: h.corrected_image),
    ("reconstruction", lambda h: h.image_type),
)


def split_series(series: SeriesFiles) -> list[SeriesFiles]:
    """The volumes of a series, each as a `SeriesFiles` of its own; most series come back as they are.

    Parts keep the SeriesInstanceUID and say in ``part`` what sets them apart. A part of a mixed series carries
    an issue ``series-split`` that names the mixture.
    """
    shapes = _groups(series.instances, _shape_key(series.instances))
    if len(shapes) <= 1:
        return _split_repeats(series)
    parts: list[SeriesFiles] = []
    for kind, name, members in _named_shapes(shapes):
        issue = Issue(
            code="series-split",
            level="info",
            message=f"The series mixes {len(shapes)} kinds of images; this part is {name} ({len(members)} images)",
            where=series.label,
        )
        part = replace(
            series,
            modality=members[0].modality,
            description=members[0].series_description,
            instances=members,
            issues=(*series.issues, issue),
            part=name,
            part_kind=kind,
            damaged=(),
        )
        parts.extend(_split_repeats(part))
    parts[0] = replace(parts[0], damaged=series.damaged)
    return parts


def _groups(instances: tuple[InstanceHeader, ...], key: Key) -> dict[Hashable, tuple[InstanceHeader, ...]]:
    found: dict[Hashable, list[InstanceHeader]] = {}
    for instance in instances:
        found.setdefault(key(instance), []).append(instance)
    return {k: tuple(v) for k, v in found.items()}


def _shape_key(instances: tuple[InstanceHeader, ...]) -> Key:
    """A key that is equal for images of one stack: class, frame of reference, matrix, pixel size, orientation."""
    seen: dict[tuple[float, ...] | None, int] = {}
    centres: list[np.ndarray] = []

    def cluster(orientation: tuple[float, ...] | None) -> int:
        if orientation is None:
            return -1
        known = seen.get(orientation)
        if known is None:
            vector = np.asarray(orientation)
            close = [i for i, c in enumerate(centres) if np.abs(c - vector).max() <= _ORIENTATION_TOLERANCE]
            known = close[0] if close else len(centres)
            if not close:
                centres.append(vector)
            seen[orientation] = known
        return known

    def key(h: InstanceHeader) -> Hashable:
        pixel = None if h.pixel_spacing_mm is None else tuple(round(v, 4) for v in h.pixel_spacing_mm)
        localizer = "LOCALIZER" in h.image_type
        return (h.sop_class_uid, h.frame_of_reference_uid, h.rows, h.columns, pixel, cluster(h.orientation), localizer)

    return key


def _named_shapes(
    shapes: dict[Hashable, tuple[InstanceHeader, ...]],
) -> list[tuple[str, str, tuple[InstanceHeader, ...]]]:
    """(kind, name, images) of each kind of image, the most numerous first."""
    ordered = sorted(shapes.values(), key=lambda m: (-len(m), m[0].sop_instance_uid))
    firsts = [members[0] for members in ordered]
    matrices = {(h.rows, h.columns, h.pixel_spacing_mm) for h in firsts}
    named: list[tuple[str, str, tuple[InstanceHeader, ...]]] = []
    for number, members in enumerate(ordered, 1):
        h = members[0]
        if len({f.sop_class_uid for f in firsts}) > 1:
            kind, name = "modality", h.modality or "unknown modality"
        elif "LOCALIZER" in h.image_type:
            kind, name = "localizer", "localizer"
        elif len({f.frame_of_reference_uid for f in firsts}) > 1:
            kind, name = "frame of reference", f"frame of reference …{h.frame_of_reference_uid[-8:]}"
        elif len(matrices) > 1:
            kind, name = "matrix", f"matrix {h.columns}×{h.rows}"
        else:
            kind, name = "orientation", f"orientation {orientation_name(h.orientation)}"
        if any(name == other for _, other, _ in named):
            name = f"{name}, {number}"
        named.append((kind, name, members))
    return named


def orientation_name(orientation: tuple[float, ...] | None) -> str:
    """The plane nearest to an orientation, in words."""
    if orientation is None:
        return "unknown"
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    plane = ("sagittal", "coronal", "axial")[int(normal.argmax())]
    return plane if normal.max() > 0.999 else f"oblique {plane}"


def _split_repeats(series: SeriesFiles) -> list[SeriesFiles]:
    """Separate images that lie at the same place by what tells them apart."""
    places = [place_key(h) for h in series.instances]
    counts = Counter(places)
    repeated = sum(1 for n in counts.values() if n > 1)
    if None in counts or repeated * 2 < len(counts) or repeated == 0:
        return [series]
    for kind, value in _DISCRIMINATORS:
        groups = _groups(series.instances, value)
        if len(groups) > 1 and all(len({place_key(h) for h in g}) == len(g) for g in groups.values()):
            return _parts(series, kind, list(groups.values()))
    return [series]


def place_key(h: InstanceHeader) -> Hashable:
    """Where an image lies, to a fiftieth of a millimetre; None where the header does not say."""
    if h.position_mm is None:
        return None
    return tuple(round(v / _SAME_PLACE_MM) for v in h.position_mm)


def _parts(series: SeriesFiles, kind: str, groups: list[tuple[InstanceHeader, ...]]) -> list[SeriesFiles]:
    groups.sort(key=lambda g: _moment(g[0]))
    parts = []
    for number, members in enumerate(groups, 1):
        name = f"{kind} {number} of {len(groups)}"
        issue = Issue(
            code="series-split",
            level="info",
            message=f"The series holds {len(groups)} {kind}s of the same place; this part is {name}",
            where=series.label,
        )
        part = f"{series.part}, {name}" if series.part else name
        damaged = series.damaged if number == 1 else ()
        parts.append(
            replace(
                series,
                instances=members,
                issues=(*series.issues, issue),
                part=part,
                part_kind=kind,
                damaged=damaged,
            )
        )
    return parts


def _moment(h: InstanceHeader) -> tuple[object, ...]:
    return (
        h.temporal_position or 0,
        h.trigger_time_ms or 0.0,
        h.frame_reference_time_ms or 0.0,
        h.acquisition_date or "",
        h.acquisition_time or "",
        h.acquisition_number or 0,
        h.instance_number or 0,
    )
