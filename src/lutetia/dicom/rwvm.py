"""A Real World Value Mapping object: SUV for viewers that only know the stored values of the PET."""

from __future__ import annotations

from collections import defaultdict

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from lutetia.dicom import writing
from lutetia.dicom.source_images import SourceImages
from lutetia.dicom.uids import derived_uid
from lutetia.model import Code

SOP_CLASS_UID = "1.2.840.10008.5.1.4.1.1.67"

#: basis → (UCUM unit of CID 85, label, method of CID 218's SUV calculation)
_BASIS: dict[str, tuple[Code, str, Code]] = {
    "bw": (
        Code(value="g/ml{SUVbw}", scheme="UCUM", meaning="Standardized Uptake Value body weight"),
        "SUVbw",
        Code(value="126410", scheme="DCM", meaning="SUV body weight calculation method"),
    ),
    "lbm": (
        Code(value="g/ml{SUVlbm}", scheme="UCUM", meaning="Standardized Uptake Value lean body mass (James)"),
        "SUVlbm",
        Code(value="126411", scheme="DCM", meaning="SUV lean body mass calculation method"),
    ),
    "bsa": (
        Code(value="cm2/ml{SUVbsa}", scheme="UCUM", meaning="Standardized Uptake Value body surface area"),
        "SUVbsa",
        Code(value="126412", scheme="DCM", meaning="SUV body surface area calculation method"),
    ),
    "ibw": (
        Code(value="g/ml{SUVibw}", scheme="UCUM", meaning="Standardized Uptake Value ideal body weight"),
        "SUVibw",
        Code(value="126413", scheme="DCM", meaning="SUV ideal body weight calculation method"),
    ),
}
_QUANTITY = Code(value="246205007", scheme="SCT", meaning="Quantity")
_SUV = Code(value="126400", scheme="DCM", meaning="Standardized Uptake Value")
_METHOD = Code(value="370129005", scheme="SCT", meaning="Measurement Method")


def build_value_mapping(
    source: SourceImages, *, factor: float, basis: str, series_number: int, version: str
) -> Dataset | None:
    """Build the object that maps stored values to SUV.

    Parameters
    ----------
    source : the PET series, with the rescale slope and intercept of every image
    factor : SUV per rescaled stored value (``source.suv_factors`` wins where slices differ)
    basis : "bw", "lbm", "bsa" or "ibw"
    series_number : of the new series
    version : of the software

    Returns
    -------
    Dataset, or None where no code for the basis exists or an image has no rescale slope
    """
    if basis not in _BASIS or any(s.rescale_slope is None for s in source.slices):
        return None
    unit, label, method = _BASIS[basis]
    groups: dict[tuple[float, float], list[int]] = defaultdict(list)
    for index, instance in enumerate(source.slices):
        scale = factor if source.suv_factors is None else source.suv_factors[index]
        slope, intercept = float(instance.rescale_slope or 0.0), float(instance.rescale_intercept or 0.0)
        groups[(slope * scale, intercept * scale)].append(index)

    identity = (source.series_instance_uid, repr(sorted(groups.items())), basis, version)
    dataset = _frame(source, identity, series_number, version)
    shared = _mapping(source, unit, label, method)
    mappings = []
    for (slope, intercept), indices in groups.items():
        mapping = Dataset(dict(shared.items()))
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, intercept
        item = Dataset()
        item.ReferencedImageSequence = Sequence(_references(source, indices))
        item.RealWorldValueMappingSequence = Sequence([mapping])
        mappings.append(item)
    dataset.ReferencedImageRealWorldValueMappingSequence = Sequence(mappings)
    series = Dataset()
    series.SeriesInstanceUID = source.series_instance_uid
    series.ReferencedInstanceSequence = Sequence([_reference(*reference) for reference in source.references()])
    dataset.ReferencedSeriesSequence = Sequence([series])
    return dataset


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning[:64]
    return item


def _reference(sop_class: str, sop_instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item


def _references(source: SourceImages, indices: list[int]) -> list[Dataset]:
    """The images (or the frames of one object) that share a mapping."""
    by_object: dict[str, list[int]] = defaultdict(list)
    for index in indices:
        by_object[source.slices[index].sop_instance_uid].append(index)
    items = []
    for uid, members in by_object.items():
        first = source.slices[members[0]]
        item = _reference(first.sop_class_uid or str(source.dataset.SOPClassUID), uid)
        if first.frame is not None:
            item.ReferencedFrameNumber = [(source.slices[i].frame or 0) + 1 for i in members]
        items.append(item)
    return items


def _mapping(source: SourceImages, unit: Code, label: str, method: Code) -> Dataset:
    """All of a mapping but its slope and intercept."""
    instance = source.slices[0]
    bits = instance.bits_stored or instance.bits_allocated or 16
    signed = instance.pixel_representation == 1
    item = Dataset()
    item.MeasurementUnitsCodeSequence = Sequence([_coded(unit)])
    item.LUTExplanation = f"Stored value to {label}"
    item.LUTLabel = label
    kind = "SS" if signed else "US"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    item.add_new("RealWorldValueFirstValueMapped", kind, low)
    item.add_new("RealWorldValueLastValueMapped", kind, high)
    quantity = []
    for name, value in ((_QUANTITY, _SUV), (_METHOD, method)):
        content = Dataset()
        content.ValueType = "CODE"
        content.ConceptNameCodeSequence = Sequence([_coded(name)])
        content.ConceptCodeSequence = Sequence([_coded(value)])
        quantity.append(content)
    item.QuantityDefinitionSequence = Sequence(quantity)
    return item


def _frame(source: SourceImages, identity: tuple[str, ...], series_number: int, version: str) -> Dataset:
    """Patient, study, series, equipment and identification: everything but the mapping itself."""
    date, time = source.moment
    dataset = Dataset()
    dataset.update(source.study_header)
    dataset.SOPClassUID = SOP_CLASS_UID
    dataset.SOPInstanceUID = derived_uid("rwvm instance", *identity)
    dataset.SeriesInstanceUID = derived_uid("rwvm series", *identity)
    dataset.Modality = "RWV"
    dataset.Laterality = ""
    dataset.SeriesNumber = series_number
    dataset.SeriesDescription = "SUV mapping"
    dataset.SeriesDate, dataset.SeriesTime = date, time
    dataset.Manufacturer = writing.MANUFACTURER
    dataset.ManufacturerModelName = writing.MODEL
    dataset.DeviceSerialNumber = writing.SERIAL_NUMBER
    dataset.SoftwareVersions = version
    dataset.InstanceNumber = 1
    dataset.ContentLabel = "SUV"
    dataset.ContentDescription = "Stored values to standardized uptake value"
    dataset.ContentCreatorName = writing.CREATOR
    dataset.ContentDate, dataset.ContentTime = date, time
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = date, time
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = UID(SOP_CLASS_UID)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset
