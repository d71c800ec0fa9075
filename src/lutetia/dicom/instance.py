"""What the fast header walk keeps of one DICOM instance: enough to sort, place, rescale and time a slice."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One image file (or one member of an archive) without its pixels.

    Strings are as stored (stripped); a missing element is None. `pixel_offset` is the byte offset of native
    pixel data in the file, None where the data are encapsulated or the offset is not known. `member` names the
    entry inside an archive, "" for plain files. Multi-frame objects have `n_frames` > 1; their per-frame
    geometry is read by pydicom, not here.
    """

    path: str
    member: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    patient_id: str = ""
    modality: str = ""
    transfer_syntax_uid: str = ""
    series_description: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    image_type: tuple[str, ...] = ()
    study_date: str | None = None
    series_date: str | None = None
    series_time: str | None = None
    acquisition_date: str | None = None
    acquisition_time: str | None = None
    frame_reference_time_ms: float | None = None
    actual_frame_duration_ms: float | None = None
    decay_factor: float | None = None
    rows: int = 0
    columns: int = 0
    n_frames: int = 1
    bits_allocated: int = 0
    pixel_representation: int = 0
    samples_per_pixel: int = 1
    photometric_interpretation: str = ""
    position_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    pixel_offset: int | None = None
    pixel_length: int | None = None
    private: dict[str, str] = field(default_factory=dict)  # "0009,100d" → text, only the few that matter for SUV
