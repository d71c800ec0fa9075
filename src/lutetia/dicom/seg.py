"""DICOM segmentation objects that refer to the PET: lesions in one, organs in another."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, RLELossless

from lutetia.dicom import seg_frames, writing
from lutetia.dicom.source_images import SourceImages
from lutetia.dicom.uids import derived_uid
from lutetia.model import Code, InputError, Volume


@dataclass(frozen=True)
class Segment:
    """One segment: its label in the map and what it is.

    Attributes
    ----------
    label : integer in the label map
    name : segment label and tracking identifier
    category, kind : coded category and type (CID 7150, 7159 and 7193)
    tracking_uid : identity of the thing over all studies
    regions : coded anatomic regions
    colour : RGB for display
    automatic : whether software drew it (AUTOMATIC) or a person changed it (SEMIAUTOMATIC)
    method : name of the outlining method
    parameters : its parameters, in words
    """

    label: int
    name: str
    category: Code
    kind: Code
    tracking_uid: str
    regions: tuple[Code, ...] = ()
    colour: tuple[int, int, int] = (200, 60, 40)
    automatic: bool = True
    method: str = "lutetia"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class WrittenSegmentation:
    """A finished object and the segment number of every label in it."""

    dataset: Any
    numbers: dict[int, int]


def build_segmentation(
    source: SourceImages,
    labels: Volume,
    segments: Sequence[Segment],
    *,
    description: str,
    content_label: str,
    series_number: int,
    version: str,
    full: bool = False,
    labelmap: bool = False,
) -> WrittenSegmentation | None:
    """Build a SEG object of a label map on the PET grid.

    Parameters
    ----------
    source : the PET series; slice z of `labels` is its image z
    labels : integer labels, shape (z, y, x); a voxel belongs to at most one segment
    segments : what the labels are; labels without a segment are left out, segments without voxels too
    description, content_label : series description; content label (upper case, at most 16 characters)
    series_number : of the new series
    version : of the software
    full : write empty frames too (BINARY only)
    labelmap : label map encoding (Supplement 243), RLE compressed, instead of binary

    Returns
    -------
    WrittenSegmentation, or None when there is no voxel to write

    Raises
    ------
    InputError
        ``seg-geometry`` when the label map and the images differ in size or the images do not say where they lie.
    """
    _check(source, labels)
    wanted = {segment.label: segment for segment in segments}
    there = _there(labels.array, max(wanted, default=0))
    present = [label for label in sorted(wanted) if label > 0 and there[label].any()]
    if not present:
        return None
    numbers = {label: number for number, label in enumerate(present, start=1)}
    slices = np.arange(labels.array.shape[0]) if full else np.flatnonzero(there[present].any(axis=0))
    pixels = _renumbered(labels.array, slices, numbers)
    drawn = [wanted[label] for label in present]
    draft = _Draft(
        source=source,
        described=[_description(segment, number, version) for number, segment in enumerate(drawn, start=1)],
        identity=_identity(source, pixels, slices, drawn, content_label, labelmap, full),
        description=description[:64],
        content_label=content_label,
        series_number=series_number,
        version=version,
        full=full,
        labelmap=labelmap,
    )
    if labelmap:
        return WrittenSegmentation(_built(draft, slices, pixels), numbers)
    frames = seg_frames.frames_of(np.ones((len(present), len(slices)), bool) if full else there[present][:, slices])
    few = seg_frames.few_slices(pixels, frames)
    model = _built(draft, slices[few], pixels[few])
    if not seg_frames.fits(model):  # highdicom wrote something that the fast way does not know
        return WrittenSegmentation(_built(draft, slices, pixels), numbers)
    return WrittenSegmentation(seg_frames.with_frames(model, source, slices, pixels, frames), numbers)


@dataclass(frozen=True, eq=False)
class _Draft:
    """What an object says whichever of its slices are put into it."""

    source: SourceImages
    described: list[hd.seg.SegmentDescription]
    identity: tuple[str, ...]
    description: str
    content_label: str
    series_number: int
    version: str
    full: bool
    labelmap: bool


def _built(draft: _Draft, slices: npt.NDArray[np.intp], pixels: npt.NDArray[Any]) -> Dataset:
    """The object with these slices, by highdicom."""
    date, time = draft.source.moment
    dataset: Dataset = hd.seg.Segmentation(
        source_images=_single_frames(draft.source, slices),
        pixel_array=pixels,
        segmentation_type="LABELMAP" if draft.labelmap else "BINARY",
        segment_descriptions=draft.described,
        series_instance_uid=derived_uid("series", *draft.identity),
        series_number=draft.series_number,
        sop_instance_uid=derived_uid("instance", *draft.identity),
        instance_number=1,
        manufacturer=writing.MANUFACTURER,
        manufacturer_model_name=writing.MODEL,
        software_versions=draft.version,
        device_serial_number=writing.SERIAL_NUMBER,
        content_description=draft.description,
        content_creator_name=writing.CREATOR,
        content_label=draft.content_label,
        transfer_syntax_uid=RLELossless if draft.labelmap else ExplicitVRLittleEndian,
        omit_empty_frames=not draft.full,
        series_description=draft.description,
        content_date=date,
        content_time=time,
        series_date=date,
        series_time=time,
    )
    writing.fixed(dataset, draft.source, *draft.identity)
    _name_frames(dataset, draft.source, slices)
    return dataset


def _check(source: SourceImages, labels: Volume) -> None:
    nz, ny, nx = labels.array.shape
    first = source.slices[0]
    placed = all(s.position_mm and s.orientation and s.pixel_spacing_mm for s in source.slices)
    if len(source.slices) != nz or (first.rows, first.columns) != (ny, nx) or not placed:
        raise InputError(
            "seg-geometry",
            "the label map does not lie on the images it would refer to",
            where=source.series_instance_uid,
            expected=f"{nz} images of {ny} × {nx} with position, orientation and spacing; "
            f"there are {len(source.slices)} of {first.rows} × {first.columns}",
        )


def _there(labels: npt.NDArray[Any], top: int) -> npt.NDArray[np.bool_]:
    """Which label has voxels in which slice: shape (top + 1, slices). Labels above `top` count as none (0)."""
    there = np.zeros((top + 1, len(labels)), bool)
    for z, plane in enumerate(labels):
        found = plane[plane > 0]
        if len(found):
            there[np.where(found <= top, found, 0) if found.max() > top else found, z] = True
    return there


def _renumbered(
    labels: npt.NDArray[Any], slices: npt.NDArray[np.intp], numbers: dict[int, int]
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """The slices with segment numbers instead of labels; labels without a number become 0."""
    kind = np.uint8 if len(numbers) < 256 else np.uint16
    table = np.zeros(max(int(labels.max()), max(numbers)) + 1, kind)
    for label, number in numbers.items():
        table[label] = number
    out = np.empty((len(slices), *labels.shape[1:]), kind)
    for i, z in enumerate(slices):
        np.take(table, labels[z], out=out[i], mode="clip")  # nothing is below zero or above the table
    return out


def _description(segment: Segment, number: int, version: str) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.name[:64],
        segmented_property_category=writing.concept(segment.category),
        segmented_property_type=writing.concept(segment.kind),
        algorithm_type="AUTOMATIC" if segment.automatic else "SEMIAUTOMATIC",
        algorithm_identification=writing.algorithm(segment.method, version, dict(segment.parameters) or None),
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.name[:64],
        anatomic_regions=[writing.concept(region) for region in segment.regions] or None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.colour),
    )


def _identity(
    source: SourceImages,
    pixels: npt.NDArray[Any],
    slices: npt.NDArray[np.intp],
    segments: Sequence[Segment],
    content_label: str,
    labelmap: bool,
    full: bool,
) -> tuple[str, ...]:
    """What the object's UIDs follow from: its source, its voxels, and what its segments are called."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    digest.update(slices.astype("<i8").tobytes())
    digest.update(repr(tuple(segments)).encode())
    study = str(source.study_header.StudyInstanceUID)
    return (study, source.series_instance_uid, content_label, f"{labelmap}{full}", digest.hexdigest())


def _single_frames(source: SourceImages, slices: npt.NDArray[np.intp]) -> list[Dataset]:
    """The slices as single-frame images; frames of one object stand in for them until `_name_frames`."""
    images = source.lean(int(z) for z in slices)
    if source.slices[0].frame is not None:
        for image in images:
            image.SOPClassUID = PositronEmissionTomographyImageStorage
    return images


def _name_frames(dataset: Dataset, source: SourceImages, slices: npt.NDArray[np.intp]) -> None:
    """Frames of a multi-frame source went in under made-up UIDs: put the object's UID and the frame number there."""
    if source.slices[0].frame is None:
        return
    real = {source.frame_uid(int(z)): source.slices[int(z)] for z in slices}
    for group in dataset.PerFrameFunctionalGroupsSequence:
        for derivation in group.get("DerivationImageSequence", ()):
            for image in derivation.SourceImageSequence:
                instance = real.get(str(image.ReferencedSOPInstanceUID))
                if instance is None:  # segments on one slice share the item, and it is named already
                    continue
                image.ReferencedSOPClassUID = UID(instance.sop_class_uid)
                image.ReferencedSOPInstanceUID = UID(instance.sop_instance_uid)
                image.ReferencedFrameNumber = (instance.frame or 0) + 1
    holders = [(series, "ReferencedInstanceSequence") for series in dataset.get("ReferencedSeriesSequence", ())]
    for holder, keyword in [*holders, (dataset, "SourceImageSequence")]:
        seen: dict[str, Dataset] = {}
        for item in holder.get(keyword, ()):
            image = copy.deepcopy(item)  # highdicom may share the item with a frame, where it has a frame number
            image.pop("ReferencedFrameNumber", None)
            instance = real.get(str(image.ReferencedSOPInstanceUID))
            if instance is not None:
                image.ReferencedSOPClassUID = UID(instance.sop_class_uid)
                image.ReferencedSOPInstanceUID = UID(instance.sop_instance_uid)
            seen[str(image.ReferencedSOPInstanceUID)] = image
        if seen:
            setattr(holder, keyword, DicomSequence(seen.values()))
