"""Plain typed facts about one PET (or quantitative SPECT) series: what SUV needs, as the header says it.

Nothing here is repaired or judged; a value that can't be read is None and its text stays in `elements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

DAY_S = 86400.0

#: keyword → tag, for the messages
TAGS: dict[str, str] = {
    "PatientWeight": "0010,1030",
    "PatientSize": "0010,1020",
    "PatientSex": "0010,0040",
    "RadionuclideTotalDose": "0018,1074",
    "RadionuclideHalfLife": "0018,1075",
    "RadiopharmaceuticalStartTime": "0018,1072",
    "RadiopharmaceuticalStartDateTime": "0018,1078",
    "RadiopharmaceuticalInformationSequence": "0054,0016",
    "RadionuclideCodeSequence": "0054,0300",
    "ActualFrameDuration": "0018,1242",
    "FrameReferenceTime": "0054,1300",
    "FrameReferenceDateTime": "0018,9151",
    "AcquisitionDate": "0008,0022",
    "AcquisitionTime": "0008,0032",
    "AcquisitionDateTime": "0008,002a",
    "SeriesDate": "0008,0021",
    "SeriesTime": "0008,0031",
    "ContentTime": "0008,0033",
    "DecayCorrection": "0054,1102",
    "DecayCorrected": "0018,9758",
    "DecayCorrectionDateTime": "0018,9701",
    "DecayFactor": "0054,1321",
    "CorrectedImage": "0028,0051",
    "SeriesType": "0054,1000",
    "Units": "0054,1001",
    "SUVType": "0054,1006",
    "RescaleSlope": "0028,1053",
    "RescaleIntercept": "0028,1052",
    "Manufacturer": "0008,0070",
    "PhilipsSUVScaleFactor": "7053,1000",
    "PhilipsActivityConcentrationScaleFactor": "7053,1009",
    "GEScanDateTime": "0009,100d",
    "GEAdministrationDateTime": "0009,103b",
    "GEFrameStart": "0009,106c",
    "SiemensDecayCorrectionDateTime": "0071,1022",
    "MeasurementUnitsCodeSequence": "0040,08ea",
}


def element(keyword: str) -> str:
    """``PatientWeight (0010,1030)``."""
    return f"{keyword} ({TAGS[keyword]})" if keyword in TAGS else keyword


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day in the series' own time zone, with its date where one is known.

    Attributes
    ----------
    seconds : seconds since midnight, 0 ≤ seconds < 86400
    day : proleptic Gregorian ordinal, None when the date is unknown
    """

    seconds: float
    day: int | None = None

    @classmethod
    def of(cls, when: datetime) -> Moment:
        """The moment of a naive datetime."""
        midnight = datetime(when.year, when.month, when.day)
        return cls((when.replace(tzinfo=None) - midnight).total_seconds(), when.toordinal())

    def shifted(self, seconds: float) -> Moment:
        """`seconds` later (earlier when negative); an undated moment stays undated."""
        days, rest = divmod(self.seconds + seconds, DAY_S)
        if rest >= DAY_S:  # rounding of a tiny negative number
            days, rest = days + 1, 0.0
        return Moment(rest, None if self.day is None else self.day + int(days))

    def on(self, day: int | None) -> Moment:
        """The same time of day on another day."""
        return Moment(self.seconds, day)

    def since(self, earlier: Moment) -> float:
        """Seconds from `earlier` to this; where a date is unknown, the shorter way round the clock."""
        if self.day is not None and earlier.day is not None:
            return (self.day - earlier.day) * DAY_S + self.seconds - earlier.seconds
        return self.clock_since(earlier)

    def clock_since(self, earlier: Moment) -> float:
        """Seconds by time of day alone, in (−12 h, 12 h]."""
        difference = (self.seconds - earlier.seconds) % DAY_S
        return difference - DAY_S if difference > DAY_S / 2 else difference

    def isoformat(self) -> str:
        """``2025-01-31T13:17:03``, or ``13:17:03`` without a date; fractions to the millisecond."""
        thousandths = round(self.seconds * 1000)
        day = self.day
        if thousandths >= 86_400_000:
            thousandths, day = 0, None if day is None else day + 1
        hours, rest = divmod(thousandths, 3_600_000)
        minutes, rest = divmod(rest, 60_000)
        whole, milli = divmod(rest, 1000)
        text = f"{hours:02d}:{minutes:02d}:{whole:02d}" + (f".{milli:03d}" if milli else "")
        if day is None or not 1 <= day <= date.max.toordinal():
            return text
        return f"{date.fromordinal(day).isoformat()}T{text}"

    def datetime(self) -> datetime | None:
        """Naive datetime, None when undated."""
        if self.day is None or not 1 <= self.day <= date.max.toordinal():
            return None
        return datetime.fromordinal(self.day) + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class PetFrame:
    """One slice (or one frame of a multi-frame object): its times and its scale.

    Attributes
    ----------
    key : which image it is, unique in the series (file, archive member and frame)
    acquisition : Acquisition Date/Time as written: the start of the bed or, in one GE habit, of the scan
    frame_start : start of this frame where a private element states it (GE 0009,106c)
    representative : Frame Reference DateTime (0018,9151) of an Enhanced object
    frame_reference_s : Frame Reference Time (0054,1300); its meaning depends on the vendor
    duration_s : Actual Frame Duration (0018,1242)
    decay_factor : Decay Factor (0054,1321)
    unit_per_rescaled : what a Real World Value Mapping makes of one rescaled unit, 1 without a mapping
    """

    key: str = ""
    acquisition: Moment | None = None
    frame_start: Moment | None = None
    representative: Moment | None = None
    frame_reference_s: float | None = None
    duration_s: float | None = None
    decay_factor: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    unit_per_rescaled: float = 1.0
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None


@dataclass(frozen=True, slots=True)
class Radiopharmaceutical:
    """One item of the Radiopharmaceutical Information Sequence (0054,0016).

    `total_dose` is the number as stored; `dose_unit` the unit the object's definition demands ("Bq" or "MBq").
    """

    name: str = ""
    radionuclide_code: str = ""
    radionuclide: str = ""
    total_dose: float | None = None
    dose_unit: str = "Bq"
    half_life_s: float | None = None
    start_datetime: Moment | None = None
    start_time: Moment | None = None
    agent_number: int | None = None


@dataclass(frozen=True, slots=True)
class GePrivate:
    """What GE keeps in its private group 0009 (GEMS_PETD_01)."""

    scan_datetime: Moment | None = None  # (0009,100d)
    administration: Moment | None = None  # (0009,103b)
    measured_mbq: float | None = None  # (0009,1038)
    measured_at: Moment | None = None  # (0009,1039)
    residual_mbq: float | None = None  # (0009,103c)
    residual_at: Moment | None = None  # (0009,103d)


@dataclass(frozen=True, slots=True)
class PetFacts:
    """Everything about one series that the SUV depends on, unjudged.

    `units` is Units (0054,1001) or what the Measurement Units Code says in its terms ("BQML", "GML", …);
    `elements` maps ``Keyword (gggg,eeee)`` to the text in the header, for everything that was looked at and present.
    """

    series_instance_uid: str = ""
    modality: str = "PT"
    multiframe: bool = False
    manufacturer: str = ""
    model: str = ""
    units: str | None = None
    suv_type: str | None = None
    decay_correction: str | None = None
    corrected_image: tuple[str, ...] = ()
    series_type: tuple[str, ...] = ()
    weight_kg: float | None = None
    size_m: float | None = None
    sex: str | None = None
    age_years: float | None = None
    glucose_mmol_l: float | None = None
    fasting_h: float | None = None
    radiopharmaceuticals: tuple[Radiopharmaceutical, ...] = ()
    study_time: Moment | None = None
    series_time: Moment | None = None
    content_time: Moment | None = None
    decay_correction_datetime: Moment | None = None  # (0018,9701)
    siemens_decay_datetime: Moment | None = None  # (0071,1022)
    ge: GePrivate = GePrivate()
    philips_creator: bool = False
    frames: tuple[PetFrame, ...] = ()
    elements: dict[str, str] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """ "GE", "Philips", "Siemens" or "", matched on whole words of Manufacturer (0008,0070)."""
        words = self.manufacturer.upper().replace(".", " ").replace(",", " ").split()
        if words[:1] == ["GE"] or words[:1] == ["GEMS"] or self.manufacturer.upper().startswith("GENERAL ELECTRIC"):
            return "GE"
        if words[:1] == ["PHILIPS"] or words[:2] == ["ADAC", "PHILIPS"]:
            return "Philips"
        if words and words[0] in ("SIEMENS", "CTI", "CPS", "SIEMENS/CTI"):
            return "Siemens"
        return ""


@dataclass(frozen=True, slots=True)
class SuvOverrides:
    """Values entered by hand; each replaces the header's and is recorded as such.

    `injection_time` and `reference_time` are ISO date-times or times of day (``13:05``, ``2025-01-31T13:05:00``).
    """

    weight_kg: float | None = None
    size_m: float | None = None
    sex: str | None = None
    dose_mbq: float | None = None
    injection_time: str | None = None
    reference_time: str | None = None
    half_life_s: float | None = None
    units: str | None = None
    decay_correction: str | None = None

    def given(self) -> dict[str, str]:
        """Option name → value as text, only what was entered."""
        values = {
            "--weight-kg": self.weight_kg,
            "--size-m": self.size_m,
            "--sex": self.sex,
            "--dose-mbq": self.dose_mbq,
            "--injection-time": self.injection_time,
            "--reference-time": self.reference_time,
            "--half-life-s": self.half_life_s,
            "--units": self.units,
            "--decay-correction": self.decay_correction,
        }
        return {flag: str(value) for flag, value in values.items() if value is not None}
