"""The frames of a binary segmentation, encoded as bytes.

A whole-body segmentation has thousands of frames, each with an item of functional groups (PS3.3 C.8.20.4, C.7.6.16).
Built and written item by item they cost more time than reading the study did. Here a valid object with a few frames
serves as the model: of every other frame only what differs is encoded (source image, position, segment, dimension
indices), and the items are put together as bytes. pydicom parses them when somebody looks.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag
from pydicom.valuerep import format_number_as_ds

from lutetia.dicom.encode import encoded
from lutetia.dicom.source_images import SourceImages

_PER_FRAME = Tag(0x5200, 0x9230)
_DERIVATION, _CONTENT = Tag(0x0008, 0x9124), Tag(0x0020, 0x9111)
_PLANE, _SEGMENT = Tag(0x0020, 0x9113), Tag(0x0062, 0x000A)
_INDICES, _POSITION = Tag(0x0020, 0x9157), Tag(0x0020, 0x0032)
_SOURCE, _UID, _FRAME = Tag(0x0008, 0x2112), Tag(0x0008, 0x1155), Tag(0x0008, 0x1160)
#: the dimensions that frames are indexed by: segment, position
_DIMENSIONS = [Tag(0x0062, 0x000B), Tag(0x0020, 0x0032)]


@dataclass(frozen=True)
class Frame:
    """A frame: segment number, and which of the written slices it shows (index into `slices`)."""

    segment: int
    slice_: int


def frames_of(shown: npt.NDArray[np.bool_]) -> list[Frame]:
    """Frames in the order segment, slice.

    Parameters
    ----------
    shown : which segment gets a frame in which written slice, shape (segments, slices); segment 1 first
    """
    return [Frame(int(n) + 1, int(k)) for n, k in np.argwhere(shown)]


def few_slices(pixels: npt.NDArray[Any], frames: Sequence[Frame]) -> list[int]:
    """A few slices that together show every segment, at least two where there are two: a model of the object.

    In ascending order. Two tell in which direction positions are counted.
    """
    best: dict[int, int] = {}
    chosen: set[int] = set()
    for frame in frames:
        if frame.segment not in best or (frame.slice_ in chosen and best[frame.segment] not in chosen):
            best[frame.segment] = frame.slice_
        chosen = set(best.values())
    if len(chosen) == 1 and len(pixels) > 1:
        chosen.add(0 if 0 not in chosen else len(pixels) - 1)
    return sorted(chosen)


def fits(model: Dataset) -> bool:
    """Whether an object is indexed by segment and position, and its items hold nothing but what is known here."""
    pointers = [item.DimensionIndexPointer for item in model.DimensionIndexSequence]
    known = {_DERIVATION, _CONTENT, _PLANE, _SEGMENT}
    items = model.PerFrameFunctionalGroupsSequence
    return pointers == _DIMENSIONS and all(set(item.keys()) == known for item in items)


def with_frames(
    model: Dataset,
    source: SourceImages,
    slices: npt.NDArray[np.intp],
    pixels: npt.NDArray[Any],
    frames: Sequence[Frame],
) -> Dataset:
    """The model with all frames instead of its few.

    Parameters
    ----------
    model : a valid object of some of the slices, with every segment, whose frames name their images already
    source : the images that are referred to
    slices : slice numbers of `pixels` in the source
    pixels : segment numbers, shape (slices, rows, columns)
    frames : which frames to write; they go in the order of their dimension indices
    """
    out = Dataset()
    out.update(model)
    out.file_meta = model.file_meta
    out.NumberOfFrames = len(frames)
    images = source.lean(int(z) for z in slices)
    rank = _ranks(model, images)
    frames = sorted(frames, key=lambda frame: (frame.segment, rank[frame.slice_]))
    items = b"".join(_items(model, source, slices, images, frames, rank))
    raw = RawDataElement(_PER_FRAME, "SQ", len(items), items, 0, False, True)
    out[_PER_FRAME] = raw
    packed = _packed(pixels, frames)
    out.PixelData = packed + b"\0" * (len(packed) % 2)
    out["PixelData"].VR = model["PixelData"].VR
    _refer_to_all(out, source, slices)
    _space(out, images)
    return out


def _items(
    model: Dataset,
    source: SourceImages,
    slices: npt.NDArray[np.intp],
    images: Sequence[Dataset],
    frames: Sequence[Frame],
    rank: Sequence[int],
) -> Iterator[bytes]:
    """The item of each frame."""
    pattern = copy.deepcopy(model.PerFrameFunctionalGroupsSequence[0])
    derivation = pattern.DerivationImageSequence[0]
    shared = {int(e.tag): encoded(e) for e in derivation if e.keyword != "SourceImageSequence"}
    named = {int(e.tag): encoded(e) for e in derivation.SourceImageSequence[0]}
    derivations, places = [], []
    for z, image in zip(slices, images, strict=True):
        instance = source.slices[int(z)]
        named[_UID] = _text(_UID, b"UI", instance.sop_instance_uid, b"\0")
        if instance.frame is not None:
            named[_FRAME] = _text(_FRAME, b"IS", str(instance.frame + 1), b" ")
        inner = shared | {_SOURCE: _sequence(_SOURCE, named)}
        derivations.append(_sequence(_DERIVATION, inner))
        where = "\\".join(str(v) for v in image.ImagePositionPatient)
        places.append(_sequence(_PLANE, {_POSITION: _text(_POSITION, b"DS", where, b" ")}))
    segments: dict[int, bytes] = {}
    for number in {frame.segment for frame in frames}:
        pattern.SegmentIdentificationSequence[0].ReferencedSegmentNumber = number
        segments[number] = encoded(pattern[_SEGMENT])
    for frame in frames:
        item = (
            derivations[frame.slice_] + _content(frame.segment, rank[frame.slice_])
            + places[frame.slice_] + segments[frame.segment]
        )  # fmt: skip
        yield struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item


def _content(segment: int, position: int) -> bytes:
    """Frame Content Sequence with the two Dimension Index Values (UL)."""
    values = struct.pack("<HH2sHII", _INDICES >> 16, _INDICES & 0xFFFF, b"UL", 8, segment, position)
    return _sequence(_CONTENT, {_INDICES: values})


def _sequence(tag: int, elements: dict[int, bytes]) -> bytes:
    """A sequence with one item of encoded elements (defined lengths, PS3.5 §7.5)."""
    item = b"".join(elements[key] for key in sorted(elements))
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
    return struct.pack("<HH2s2xI", tag >> 16, tag & 0xFFFF, b"SQ", len(item)) + item


def _text(tag: int, vr: bytes, value: str, padding: bytes) -> bytes:
    """A short text element, padded to an even length."""
    text = value.encode("ascii")
    text += padding * (len(text) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(text)) + text


def _ranks(model: Dataset, images: Sequence[Dataset]) -> list[int]:
    """Dimension index of every written slice, counted in the direction in which the model counts."""
    uids = {
        tuple(float(v) for v in item.PlanePositionSequence[0].ImagePositionPatient): int(
            item.FrameContentSequence[0].DimensionIndexValues[1]
        )
        for item in model.PerFrameFunctionalGroupsSequence
    }
    known = []
    for k, image in enumerate(images):
        index = uids.get(tuple(float(v) for v in image.ImagePositionPatient))
        if index is not None:
            known.append((k, index))
    falling = len(known) > 1 and known[0][1] > known[-1][1]
    return [len(images) - k if falling else k + 1 for k in range(len(images))]


def _packed(pixels: npt.NDArray[Any], frames: Sequence[Frame]) -> bytes:
    """Frames as bits, one after the other without padding between them (PS3.5 §8.1.1)."""
    parts = []
    for at in range(0, len(frames), 8):  # eight frames end on a whole byte whatever their size
        bits = np.concatenate([(pixels[f.slice_] == f.segment).ravel() for f in frames[at : at + 8]])
        parts.append(np.packbits(bits, bitorder="little").tobytes())
    return b"".join(parts)


def _space(out: Dataset, images: Sequence[Dataset]) -> None:
    """Spacing Between Slices belongs to all written slices (absent where they lie unevenly), not to the model's few."""
    spacing, _ = hd.spatial.get_volume_positions(
        image_positions=[[float(v) for v in image.ImagePositionPatient] for image in images],
        image_orientation=[float(v) for v in images[0].ImageOrientationPatient],
    )
    shared = copy.deepcopy(out.SharedFunctionalGroupsSequence)
    measures = shared[0].PixelMeasuresSequence[0]
    measures.pop("SpacingBetweenSlices", None)
    if spacing is not None:
        measures.SpacingBetweenSlices = format_number_as_ds(float(spacing))
    out.SharedFunctionalGroupsSequence = shared


def _refer_to_all(out: Dataset, source: SourceImages, slices: npt.NDArray[np.intp]) -> None:
    """Source Image Sequence and Referenced Series Sequence name every image of a written slice, each once."""
    uids = list(dict.fromkeys(source.slices[int(z)].sop_instance_uid for z in slices))
    series = copy.deepcopy(out.ReferencedSeriesSequence)
    series[0].ReferencedInstanceSequence = _one_each(series[0].ReferencedInstanceSequence[0], uids)
    out.ReferencedSeriesSequence = series
    if "SourceImageSequence" in out:
        out.SourceImageSequence = _one_each(out.SourceImageSequence[0], uids)


def _one_each(pattern: Dataset, uids: Sequence[str]) -> DicomSequence:
    """The item once for every image; what names the image is its own element, the others are shared."""
    items = []
    for uid in uids:
        item = Dataset(dict(pattern.items()))
        item[_UID] = DataElement(_UID, "UI", uid)
        items.append(item)
    return DicomSequence(items)
