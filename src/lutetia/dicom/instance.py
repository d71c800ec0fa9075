"""What the fast header walk keeps of one DICOM instance: enough to sort, place, rescale and time a slice."""

from __future__ import annotations

from dataclasses import dataclass, field

#: between the name of an archive inside an archive and that of a file in it: no name in an archive may hold it
WITHIN = "\0"


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One image file (or one member of an archive, or one frame of a multi-frame object) without its pixels.

    Strings are as stored (stripped); a missing element is None. `pixel_offset` is the byte offset of native
    pixel data in the file, None where the data are encapsulated or the offset is not known. `member` names the
    entry inside an archive, "" for plain files.

    Multi-frame objects have `n_frames` > 1 and `frame` None; once their functional groups are read each frame
    is a row of its own, with `frame` its zero-based index and that frame's geometry, times and rescale.

    A numeric element whose text is no number is NaN, never a default, and its keyword is in `problems`.
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
    patient_name: str = ""
    study_time: str | None = None
    study_description: str = ""
    manufacturer: str = ""
    bits_stored: int = 0
    pixel_padding_value: int | None = None  # as unsigned 16-bit word
    units: str | None = None
    corrected_image: tuple[str, ...] = ()
    series_type: tuple[str, ...] = ()
    acquisition_number: int | None = None
    temporal_position: int | None = None
    trigger_time_ms: float | None = None
    convolution_kernel: str = ""
    spacing_between_slices_mm: float | None = None
    gantry_tilt_deg: float | None = None
    rescale_type: str | None = None
    lossy: bool = False
    encapsulated_offset: int | None = None  # where the first item of encapsulated pixel data starts
    file_size: int | None = None
    frame: int | None = None
    problems: tuple[str, ...] = ()
    mapped_range: tuple[float, float] | None = None  # stored values the mapping is valid for
    of_the_series: str = ""  # digest of what all images of a series must say alike: weight, dose, injection, units …
    high_bit: int | None = None
    number_of_slices: int | None = None
    patient_birth_date: str | None = None
    value_unit: str | None = None  # what rescale_slope and rescale_intercept lead to, where a mapping says so (UCUM)

    @property
    def where(self) -> str:
        """The file, archive member and frame, for messages."""
        place = file_place(self.path, self.member)
        return place if self.frame is None else f"{place} frame {self.frame + 1}"


def file_place(path: str, member: str = "") -> str:
    """A file or archive member as text for messages; bytes of a name that are no UTF-8 are shown as �."""
    place = f"{path}!{member.replace(WITHIN, '!')}" if member else path
    return place.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
