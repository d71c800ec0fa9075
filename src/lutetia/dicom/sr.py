"""A structured report (TID 1500): what was measured in every lesion, linked to the segments it was measured in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from lutetia.dicom import writing
from lutetia.dicom.source_images import SourceImages
from lutetia.dicom.uids import derived_uid
from lutetia.model import Code

MEAN = Code(value="373098007", scheme="SCT", meaning="Mean")
MAXIMUM = Code(value="56851009", scheme="SCT", meaning="Maximum")
STANDARD_DEVIATION = Code(value="386136009", scheme="SCT", meaning="Standard Deviation")
PEAK = Code(value="126031", scheme="DCM", meaning="Peak Value Within ROI")
SUV_BW = Code(value="126401", scheme="DCM", meaning="SUVbw")
SUV_UNIT = Code(value="g/ml{SUVbw}", scheme="UCUM", meaning="Standardized Uptake Value body weight")
VOLUME = Code(value="118565006", scheme="SCT", meaning="Volume")
LONG_AXIS = Code(value="103339001", scheme="SCT", meaning="Long axis")
SHORT_AXIS = Code(value="103340004", scheme="SCT", meaning="Short axis")
MILLILITRE = Code(value="ml", scheme="UCUM", meaning="milliliter")
MILLIMETRE = Code(value="mm", scheme="UCUM", meaning="millimeter")
GRAM = Code(value="g", scheme="UCUM", meaning="gram")
RATIO = Code(value="{ratio}", scheme="UCUM", meaning="ratio")
TOTAL_UPTAKE = Code(value="tlu", scheme=writing.PRIVATE_SCHEME, meaning="Total lesion uptake (SUVmean times volume)")

_PROCEDURES = {
    "PET": Code(value="82918005", scheme="SCT", meaning="Positron emission tomography"),
    "PET/CT": Code(value="450436003", scheme="SCT", meaning="Positron emission tomography with computed tomography"),
    "SPECT": Code(value="105371005", scheme="SCT", meaning="Single photon emission computerized tomography"),
}
_REPORT = Code(value="126000", scheme="DCM", meaning="Imaging Measurement Report")


@dataclass(frozen=True)
class Measured:
    """A number with its coded name, unit and how it was derived (mean, maximum …)."""

    name: Code
    value: float
    unit: Code
    derivation: Code | None = None


@dataclass(frozen=True)
class MeasurementGroup:
    """The measurements of one lesion (with a segment) or of one reference region (without).

    Attributes
    ----------
    name, tracking_uid : identity over all studies
    measurements : its numbers
    finding : coded kind of finding, None for a reference region
    site, side : where it is
    segment : number in the referenced SEG
    judgements : coded name and value, for instance the grade
    method, parameters : how it was outlined
    """

    name: str
    tracking_uid: str
    measurements: tuple[Measured, ...]
    finding: Code | None = None
    site: Code | None = None
    side: Code | None = None
    segment: int | None = None
    judgements: tuple[tuple[Code, Code], ...] = ()
    method: str = "lutetia"
    parameters: tuple[str, ...] = ()


def build_report(
    source: SourceImages,
    segmentation: Any,
    groups: Sequence[MeasurementGroup],
    *,
    modality: str,
    series_number: int,
    version: str,
) -> Dataset | None:
    """Build a Comprehensive 3D SR after TID 1500.

    Parameters
    ----------
    source : the PET series that was measured
    segmentation : the SEG object (highdicom) whose segments the groups name, None when no group has one
    groups : lesions and reference regions
    modality : "PET/CT", "PET", "SPECT/CT" or "SPECT"
    series_number : of the new series
    version : of the software

    Returns
    -------
    Dataset, or None when there is no group
    """
    if not groups:
        return None
    identity = _identity(source, segmentation, groups, version)
    observer = sr.ObserverContext(
        observer_type=writing.concept(Code(value="121007", scheme="DCM", meaning="Device")),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=derived_uid("lutetia software", version),
            name="Lutetia",
            manufacturer_name=writing.MANUFACTURER,
            model_name=writing.MODEL,
            serial_number=writing.SERIAL_NUMBER,
        ),
    )
    procedure = _PROCEDURES.get(modality) or _PROCEDURES[modality.split("/")[0]]

    def content(measured: Sequence[MeasurementGroup]) -> Any:
        return sr.MeasurementReport(
            observation_context=sr.ObservationContext(observer_device_context=observer),
            procedure_reported=writing.concept(procedure),
            imaging_measurements=[_group(group, segmentation, source, version) for group in measured],
            title=writing.concept(_REPORT),
        )

    evidence = [segmentation] if segmentation is not None else source.lean([0])
    date, time = source.moment
    dataset = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content([next((group for group in groups if group.segment is not None), groups[0])]),
        series_instance_uid=derived_uid("sr series", *identity),
        series_number=series_number,
        sop_instance_uid=derived_uid("sr instance", *identity),
        instance_number=1,
        manufacturer=writing.MANUFACTURER,
        is_complete=True,
        is_final=False,
        series_description="Lutetia measurements (unverified)",
        manufacturer_model_name=writing.MODEL,
        software_versions=version,
        device_serial_number=writing.SERIAL_NUMBER,
        content_date=date,
        content_time=time,
        series_date=date,
        series_time=time,
    )
    # highdicom copies the content it is given more than once: it gets one group, and all of them go in here
    dataset.ContentSequence = content(groups)[0].ContentSequence
    dataset.PertinentOtherEvidenceSequence = DicomSequence([_measured_series(source)])
    return writing.fixed(dataset, source, *identity)


def _measured_series(source: SourceImages) -> Dataset:
    """The PET series as further evidence: the content names it by its UID, here are its images."""
    instances = []
    for sop_class, sop_instance in source.references():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
        instances.append(item)
    series = Dataset()
    series.SeriesInstanceUID = source.series_instance_uid
    series.ReferencedSOPSequence = DicomSequence(instances)
    study = Dataset()
    study.StudyInstanceUID = source.study_header.StudyInstanceUID
    study.ReferencedSeriesSequence = DicomSequence([series])
    return study


def _identity(
    source: SourceImages, segmentation: Any, groups: Sequence[MeasurementGroup], version: str
) -> tuple[str, ...]:
    digest = hashlib.sha256(repr(tuple(groups)).encode()).hexdigest()
    linked = str(segmentation.SOPInstanceUID) if segmentation is not None else ""
    return (source.series_instance_uid, linked, digest, version)


def _measurement(measured: Measured) -> sr.Measurement:
    return sr.Measurement(
        name=writing.concept(measured.name),
        value=_decimal(measured.value),
        unit=writing.concept(measured.unit),
        derivation=writing.concept(measured.derivation) if measured.derivation is not None else None,
    )


def _decimal(value: float) -> float:
    return float(f"{value:.6g}")


def _group(group: MeasurementGroup, segmentation: Any, source: SourceImages, version: str) -> Any:
    sites = None
    if group.site is not None:
        side = writing.concept(group.side) if group.side is not None else None
        sites = [sr.FindingSite(anatomic_location=writing.concept(group.site), laterality=side)]
    shared: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(uid=group.tracking_uid, identifier=group.name[:64]),
        "finding_type": writing.concept(group.finding) if group.finding is not None else None,
        "finding_sites": sites,
        "algorithm_id": sr.AlgorithmIdentification(
            name=group.method, version=version, parameters=list(group.parameters) or None
        ),
        "measurements": [_measurement(measured) for measured in group.measurements],
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(name=writing.concept(name), value=writing.concept(value))
            for name, value in group.judgements
        ]
        or None,
    }
    if group.segment is None or segmentation is None:
        return sr.MeasurementsAndQualitativeEvaluations(**shared)
    segment = sr.ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=group.segment,
        source_series=sr.SourceSeriesForSegmentation(source.series_instance_uid),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **shared)
