"""Who a header is about: one Patient ID is one person unless names and birth dates say otherwise.

De-identification and test exports put the same ID ("ANON", "0") on everybody; two people's scans must not become
one course. Names are compared by their words, so that a second given name or another order is no other person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lutetia.dicom.instance import InstanceHeader


@dataclass(frozen=True, slots=True)
class Person:
    """What a header says of the patient beside the ID: the words of the name, and the birth date."""

    words: frozenset[str]
    birth_date: str

    def may_be(self, other: Person) -> bool:
        """Whether nothing tells the two apart: names that agree (or are not given), or the same birth date."""
        if not self.words or not other.words or self.words <= other.words or other.words <= self.words:
            return True
        return bool(self.birth_date) and self.birth_date == other.birth_date


def person_of(header: InstanceHeader) -> Person:
    """The person a header names."""
    alphabetic = header.patient_name.split("=")[0].casefold()
    return Person(frozenset(re.findall(r"\w+", alphabetic)), header.patient_birth_date or "")


def persons(headers: Iterable[InstanceHeader]) -> list[frozenset[Person]]:
    """The different people among headers of one Patient ID, in the order in which they are met."""
    found: list[set[Person]] = []
    for person in dict.fromkeys(map(person_of, headers)):
        same = [group for group in found if any(person.may_be(known) for known in group)]
        joined = {person}.union(*same)
        found = [group for group in found if all(group is not s for s in same)] + [joined]
    return [frozenset(group) for group in found]
