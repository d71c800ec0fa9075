"""What SEG, SR and value mappings share: who made them, codes, and taking the clock and chance out of them."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import highdicom as hd
from highdicom.sr import CodedConcept
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import (
    correct_ambiguous_vr,
    correct_ambiguous_vr_element,
    write_data_element,
    write_file_meta_info,
)
from pydicom.uid import ExplicitVRLittleEndian

from lutetia.dicom.encode import encoded_sequence
from lutetia.dicom.source_images import SourceImages
from lutetia.dicom.uids import derived_uid
from lutetia.model import Code

# research exports name patients "STS_001": a name of one part is legal, and taken over as it stands
warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")

MANUFACTURER = "Lutetia"
#: A person name in form only: nobody has confirmed the content.
CREATOR = "Lutetia^Software"
MODEL = "Lutetia research software"
#: No device: the software itself stands for one.
SERIAL_NUMBER = "0"
#: Coding scheme of the few concepts that no public scheme has.
PRIVATE_SCHEME = "99LUTETIA"

LESION = Code(value="52988006", scheme="SCT", meaning="Lesion")
ABNORMAL_STRUCTURE = Code(value="49755003", scheme="SCT", meaning="Morphologically Abnormal Structure")
ANATOMICAL_STRUCTURE = Code(value="91723000", scheme="SCT", meaning="Anatomical Structure")
FUNCTION = Code(value="246464006", scheme="SCT", meaning="Function")
PHYSIOLOGICAL_UPTAKE = Code(value="phys-uptake", scheme=PRIVATE_SCHEME, meaning="Physiological uptake")
LATERALITY = {
    "left": Code(value="7771000", scheme="SCT", meaning="Left"),
    "right": Code(value="24028007", scheme="SCT", meaning="Right"),
}
#: Thresholds and connected regions: the nearest family of CID 7162.
ALGORITHM_FAMILY = Code(value="123101", scheme="DCM", meaning="Neighborhood Analysis")


def concept(code: Code) -> CodedConcept:
    """Our code as highdicom's; meanings are cut at the 64 characters that DICOM allows.

    The same code gives the same object: a report names a dozen of them a thousand times, and nothing changes them.
    """
    return _concept(code.value, code.scheme, code.meaning[:64])


@lru_cache(maxsize=1024)
def _concept(value: str, scheme: str, meaning: str) -> CodedConcept:
    return CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def fixed(dataset: Dataset, source: SourceImages, *identity: str) -> Dataset:
    """Replace every clock reading and random UID in a new object by what follows from its source and `identity`."""
    date, time = source.moment
    for item in _walk(dataset):
        for keyword in ("InstanceCreationDate", "ContentDate", "SeriesDate", "PresentationCreationDate"):
            if keyword in item:
                setattr(item, keyword, date)
        for keyword in ("InstanceCreationTime", "ContentTime", "SeriesTime", "PresentationCreationTime"):
            if keyword in item:
                setattr(item, keyword, time)
        for keyword in ("ContributionDateTime", "ObservationDateTime"):
            if keyword in item:
                setattr(item, keyword, date + time)
        if "DimensionOrganizationUID" in item:
            item.DimensionOrganizationUID = derived_uid("dimensions", *identity)
    return dataset


#: Sequences that may hold thousands of items and never a clock reading.
_SKIPPED = {
    "PerFrameFunctionalGroupsSequence",
    "ContentSequence",
    "ReferencedSeriesSequence",
    "PertinentOtherEvidenceSequence",
}


def _walk(dataset: Dataset) -> list[Dataset]:
    found = [dataset]
    for element in dataset:
        if element.VR == "SQ" and element.keyword not in _SKIPPED:
            for item in element.value:
                found += _walk(item)
    return found


def save(dataset: Any, path: Path) -> None:
    """Write a DICOM file (PS3.10); in explicit little endian, encoded sequences go out as they are."""
    meta = dataset.file_meta
    if meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        dataset.save_as(path, enforce_file_format=True)
        return
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta, enforce_standard=True)
    encodings = convert_encodings(dataset.get("SpecificCharacterSet", "ISO_IR 6"))
    for tag in sorted(dataset.keys()):
        element = dataset.get_item(tag)
        if not element.is_raw and element.VR == "SQ":
            known = encoded_sequence(element, encodings)
            if known is not None:
                out.write(known)
                continue
            for item in element.value:
                correct_ambiguous_vr(item, True)
        elif not element.is_raw:
            element = correct_ambiguous_vr_element(element, dataset, True)
        write_data_element(out, element, encodings)
    path.write_bytes(out.getvalue())


def algorithm(name: str, version: str, parameters: dict[str, str] | None = None) -> hd.AlgorithmIdentificationSequence:
    """Which method outlined a segment, and its parameters."""
    return hd.AlgorithmIdentificationSequence(
        name=name[:64],
        family=concept(ALGORITHM_FAMILY),
        version=version,
        source=MANUFACTURER,
        parameters=parameters,
    )
