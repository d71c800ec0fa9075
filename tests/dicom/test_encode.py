"""Sequences encoded the short way: the bytes that pydicom writes, whatever they hold."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.valuerep import DA, DSdecimal, DSfloat

from lutetia.dicom.encode import encoded, encoded_sequence


def item(**values: Any) -> Dataset:
    """An item with these elements."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def sequence(*items: Dataset) -> DataElement:
    """A content sequence of these items."""
    return DataElement(0x0040A730, "SQ", Sequence(items))


INNER = Sequence([item(CodeValue="121071", CodingSchemeDesignator="DCM", CodeMeaning="Finding")])
ITEMS = {
    "texts of odd and even length": item(CodeMeaning="Lesion", CodeValue="52988006", ValueType="NUM"),
    "texts beyond ASCII": item(CodeMeaning="Größe", PatientName="Müller^Ä"),
    "a person's name": item(PatientName="Doe^Jane", VerifyingObserverName="A^B"),
    "several texts": item(ImageType=["DERIVED", "PRIMARY"], OtherPatientNames=["A^B", "C^D"]),
    "an identifier of odd length": item(ReferencedSOPInstanceUID="1.2.840.1"),
    "several identifiers": item(RelatedGeneralSOPClassUID=["1.2.3", "1.2.34"]),
    "numbers in text": item(NumericValue=[1.5, DSfloat("2.50")], InstanceNumber=7, SliceThickness=DSdecimal("1.250")),
    "a number that was not read from text": item(PixelSpacing=[2.03642, 1e-7], SliceThickness=DSfloat(0.1 + 0.2, True)),
    "binary numbers": item(ReferencedSegmentNumber=3, DimensionIndexValues=[1, 2, 3], RealWorldValueSlope=0.1),
    "empty elements": item(StudyID="", AccessionNumber=None, SliceThickness=None, ConceptNameCodeSequence=[]),
    "a long text": item(TextValue="x" * 70001),
    "items within items": item(ContentSequence=[item(ConceptCodeSequence=INNER), item(ConceptNameCodeSequence=INNER)]),
    "a date": item(Date="20250131", Time="101500.5", DateTime="20250131101500"),
    "a date that was parsed": item(StudyDate=DA(date(2025, 1, 31))),
    "a tag": item(DimensionIndexPointer=0x00620B00),
    "nothing": item(),
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_has_the_bytes_that_pydicom_writes(name: str) -> None:
    element = sequence(ITEMS[name], item(ValueType="TEXT"), ITEMS[name])
    encodings = convert_encodings("ISO_IR 192")
    assert encoded_sequence(element, encodings) == encoded(element, encodings)


def test_texts_are_written_in_the_character_set_of_the_object() -> None:
    element = sequence(item(CodeMeaning="Größe"))
    latin = convert_encodings("ISO_IR 100")
    assert encoded_sequence(element, latin) == encoded(element, latin)
    assert "Größe".encode("latin-1") in (encoded_sequence(element, latin) or b"")


def raw_item() -> Dataset:
    """An item with an element that nobody has looked at yet."""
    dataset = Dataset()
    dataset[Tag(0x00080100)] = RawDataElement(Tag(0x00080100), "SH", 4, b"ABCD", 0, False, True)
    return dataset


def open_item() -> Dataset:
    """An item of undefined length."""
    dataset = item(ValueType="TEXT")
    dataset.is_undefined_length_sequence_item = True  # type: ignore[attr-defined]
    return dataset


@pytest.mark.parametrize(
    "odd",
    [
        item(PixelPaddingValue=3),  # US or SS, which the image's sign decides
        item(SpecificCharacterSet="ISO_IR 100", CodeMeaning="Größe"),
        raw_item(),
        open_item(),
    ],
    ids=["an open value representation", "a character set of its own", "an element as read", "undefined length"],
)
def test_what_has_no_single_answer_is_left_to_pydicom(odd: Dataset) -> None:
    assert encoded_sequence(sequence(item(ConceptNameCodeSequence=[odd])), ["utf8"]) is None


def test_a_sequence_of_undefined_length_is_left_to_pydicom() -> None:
    element = sequence(item(ValueType="TEXT"))
    element.is_undefined_length = True
    assert encoded_sequence(element, ["utf8"]) is None
