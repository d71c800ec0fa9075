"""Whether a series can serve as the PET or the CT of a study, and why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lutetia.dicom.geometry import SliceStack, stack_slices
from lutetia.dicom.series import SeriesFiles
from lutetia.dicom.tracers import TracerFinding, identify_tracer
from lutetia.dicom.transfer_syntax import decodable
from lutetia.model import Grid, InputError, Issue

PET_CLASSES = frozenset(("1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.128.1", "1.2.840.10008.5.1.4.1.1.130"))
CT_CLASSES = frozenset(("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"))
NM_CLASS = "1.2.840.10008.5.1.4.1.1.20"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

#: what a class of object is called when it is no image to measure
_OTHER_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.481.3": "structure set",
    "1.2.840.10008.5.1.4.1.1.481.2": "dose",
    "1.2.840.10008.5.1.4.1.1.67": "real world value mapping",
    "1.2.840.10008.5.1.4.1.1.66.1": "registration",
    "1.2.840.10008.5.1.4.1.1.104.1": "encapsulated PDF",
    "1.2.840.10008.5.1.4.1.1.11.1": "presentation state",
    "1.2.840.10008.5.1.4.1.1.88.67": "radiation dose report",
}
#: Rescale Type (0028,1054) of a CT whose values are no Hounsfield units, PS3.3 C.11.1.1.2: maps of multi-energy CT
_NOT_HOUNSFIELD = {
    "OD": "optical density",
    "MGML": "material density (mg/mL)",
    "Z_EFF": "effective atomic number",
    "ED": "electron density",
    "EDW": "electron density relative to water",
    "HU_MOD": "modified Hounsfield units",
    "PCT": "a percentage",
}
_NAC = re.compile(
    r"(?<![a-z])(nac|no[nt]?[ _-]?(ac|attn|att(enuation)?)|un[ck]orr\w*|non[ _-]?corr\w*|wo[ _-]?ac|without[ _-]ac)"
    r"(?![a-z])",
    re.I,
)
_MIP = re.compile(r"(?<![a-z])(mip|maximum[ _-]?intensity|max[ _-]?ip|projection|3d[ _-]?rotat\w*)(?![a-z])", re.I)
_SCOUT = re.compile(r"(?<![a-z])(scout|topogram|topo|surview|localizer|scanogram|localiser)(?![a-z])", re.I)
_FUSED = re.compile(r"(?<![a-z])(fus(ed|ion)|overlay|screen ?save|captured?|snapshot)(?![a-z])", re.I)
_SHARP = re.compile(r"(?<![a-z])(lung|bone|poumon|lunge|knochen|osseu?x?)(?![a-z])", re.I)

#: parts of a series that are moments of a scan, not the scan
_MOMENTS = {"time frame": "dynamic", "gate": "gated"}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A series looked at for a role: usable or not, the reason, and what ranks it.

    ``stack`` is None where geometry refused it. ``code`` names a refusal, "" for series that are simply not it.
    """

    series: SeriesFiles
    usable: bool
    reason: str = ""
    code: str = ""
    stack: SliceStack | None = None
    attenuation_corrected: bool | None = None
    original: bool = True
    tracer: TracerFinding | None = None
    issues: tuple[Issue, ...] = field(default=())

    @property
    def length_mm(self) -> float:
        """Axial length of the volume."""
        return 0.0 if self.stack is None else self.stack.grid.shape[0] * self.stack.grid.spacing_mm[0]


def is_image(series: SeriesFiles) -> bool:
    """Whether the series is one of the images this software reads (PET, CT, NM)."""
    return series.first.sop_class_uid in PET_CLASSES | CT_CLASSES | {NM_CLASS} and bool(series.instances)


def is_emission(series: SeriesFiles) -> bool:
    """Whether the series is PET or tomographic NM."""
    head = series.first
    return head.sop_class_uid in PET_CLASSES or head.sop_class_uid == NM_CLASS


def other_kind(series: SeriesFiles) -> str:
    """Why a series that is neither PET, CT nor NM is not used."""
    head = series.first
    if head.sop_class_uid.startswith(SECONDARY_CAPTURE):
        return "secondary capture"
    kind = _OTHER_CLASSES.get(head.sop_class_uid)
    if kind is None:
        kind = "structured report" if head.modality == "SR" else f"{head.modality or 'unknown'} object"
    return f"{kind}, not an image to measure"


def judge_pet(series: SeriesFiles) -> Candidate:
    """Whether a PET or SPECT series can be measured."""
    if not series.instances:
        return Candidate(series, False, "none of its images can be read", "no-images")
    if unknown := _unknown_syntax(series):
        return Candidate(series, False, unknown, "unsupported-transfer-syntax")
    head, text = series.first, series.description
    if head.sop_class_uid == NM_CLASS and "RECON TOMO" not in head.image_type:
        return _judge_planar(series)
    if is_projection(series):
        return Candidate(series, False, "maximum-intensity projection")
    if _FUSED.search(text):
        return Candidate(series, False, "fused or captured pictures")
    if series.part_kind in _MOMENTS:
        name = _MOMENTS[series.part_kind]
        return Candidate(series, False, f"{name} PET: one moment is not the scan", f"{name}-pet")
    if "GATED" in head.series_type:
        return Candidate(series, False, "gated PET: not a static image", "gated-pet")
    corrected = attenuation_corrected(series)
    try:
        stack = stack_slices(series)
        finding = identify_tracer(series.dataset())
    except InputError as error:
        return Candidate(series, False, error.what, error.code, attenuation_corrected=corrected)
    if not finding.measurable:
        return Candidate(series, False, finding.refusal, "tracer-not-measured", stack, corrected, tracer=finding)
    original = "DERIVED" not in head.image_type[:1] or head.sop_class_uid == NM_CLASS
    if corrected is False:
        return Candidate(
            series, False, "not attenuation-corrected", "not-attenuation-corrected", stack, False, original
        )
    issues = []
    if "DYNAMIC" in head.series_type[:1]:
        text = "Series Type (0054,1000) is DYNAMIC and one time frame is here: it may be one moment of a scan"
        issues.append(Issue(code="dynamic-pet", level="caution", message=text, where=series.label))
    return Candidate(series, True, "", "", stack, corrected, original, finding, tuple(issues))


def _unknown_syntax(series: SeriesFiles) -> str:
    """Why the pixels of a series can't be decoded; "" where they can."""
    syntax = next((h.transfer_syntax_uid for h in series.instances if not decodable(h)), "")
    return f"its transfer syntax {syntax} can't be decoded; export it uncompressed" if syntax else ""


def _judge_planar(series: SeriesFiles) -> Candidate:
    """An NM image that is no reconstructed volume: why it is not measured."""
    kinds = series.first.image_type[2:3]
    reason = f"{kinds[0].lower() if kinds else 'planar'} NM image: no reconstructed volume"
    try:
        finding = identify_tracer(series.dataset())
    except InputError:
        finding = TracerFinding(None)
    if not finding.measurable:
        return Candidate(series, False, f"{reason}; {finding.refusal}", "tracer-not-measured", tracer=finding)
    return Candidate(series, False, reason, "nm-not-tomographic", tracer=finding)


def attenuation_corrected(series: SeriesFiles) -> bool | None:
    """From Corrected Image (0028,0051), then from the name; None when neither tells."""
    said = {h.corrected_image for h in series.instances} or {series.first.corrected_image}
    named_nac = bool(_NAC.search(series.description))
    if any(said):
        return all("ATTN" in terms for terms in said) and not named_nac
    return False if named_nac else None


def is_projection(series: SeriesFiles) -> bool:
    """Whether the images are projections (MIP, views of a rotation), by Image Type, Series Type or the name."""
    words = " ".join(series.first.image_type[2:])
    if "REPROJECTION" in series.first.series_type[1:2]:  # Series Type (0054,1000): views of a volume, not the volume
        return True
    return bool(_MIP.search(words) or "MIP" in words or _MIP.search(series.description))


def judge_ct(series: SeriesFiles) -> Candidate:
    """Whether a CT series is a stack of axial slices in Hounsfield units."""
    if not series.instances:
        return Candidate(series, False, "none of its images can be read", "no-images")
    if unknown := _unknown_syntax(series):
        return Candidate(series, False, unknown, "unsupported-transfer-syntax")
    head, text = series.first, series.description
    if "LOCALIZER" in head.image_type or _SCOUT.search(text):
        return Candidate(series, False, "scout (localizer)")
    if is_projection(series):
        return Candidate(series, False, "maximum-intensity projection")
    if _FUSED.search(text):
        return Candidate(series, False, "fused or captured pictures")
    if len(series.instances) < 2:
        return Candidate(series, False, "a single image")
    scale = next((_NOT_HOUNSFIELD[h.rescale_type] for h in series.instances if h.rescale_type in _NOT_HOUNSFIELD), "")
    if scale:
        return Candidate(series, False, f"a map of {scale}, not in Hounsfield units")
    try:
        stack = stack_slices(series, allow_gaps=True)
    except InputError as error:
        return Candidate(series, False, error.what, error.code)
    normal = np.abs(np.array(stack.grid.direction)[:, 0])
    if normal[2] < 0.8:
        return Candidate(series, False, "reformatted slices, not axial", stack=stack)
    original = "DERIVED" not in head.image_type[:1]
    return Candidate(series, True, "", "", stack, original=original)


def sharp_kernel(series: SeriesFiles) -> bool:
    """Whether a CT was reconstructed for lung or bone: noisy for soft tissue."""
    kernel = series.first.convolution_kernel
    number = re.search(r"[A-Z][A-Za-z]?(\d\d)", kernel)
    return bool(_SHARP.search(f"{series.description} {kernel}") or (number and int(number.group(1)) >= 60))


def coverage(pet: Grid, ct: Grid) -> tuple[float, float]:
    """How much of the PET's length and of its width (at most 480 mm) the CT covers, each 0 … 1."""
    low, high = _extent(pet, pet)
    ct_low, ct_high = _extent(ct, pet)
    both = np.minimum(high, ct_high) - np.maximum(low, ct_low)
    length = both[0] / (high[0] - low[0])
    width = both[1:] / np.minimum(high[1:] - low[1:], 480.0)
    return float(np.clip(length, 0, 1)), float(np.clip(width.min(), 0, 1))


def coverage_beside(pet: Grid, ct: Grid, other: Grid) -> float:
    """How much of the PET's length, 0 … 1, another CT covers beside what the first one does."""
    edges = [_extent(grid, pet) for grid in (pet, ct, other)]
    low, high = edges[0][0][0], edges[0][1][0]
    spans = [tuple(np.clip((a[0], b[0]), low, high)) for a, b in edges[1:]]
    both = max(0.0, min(s[1] for s in spans) - max(s[0] for s in spans))
    return float((spans[1][1] - spans[1][0] - both) / (high - low))


def _extent(grid: Grid, frame: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest outer edge of a grid along the axes (z, y, x) of another, in millimetres."""
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in grid.shape], indexing="ij")).reshape(3, -1).T
    along = grid.to_lps(corners) @ np.array(frame.direction)
    return along.min(axis=0), along.max(axis=0)
