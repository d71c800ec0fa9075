"""What a record refuses is said in one sentence that names the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError, model_validator

from lutetia.model import FieldFault, Record, field_at_fault


class Dose(Record):
    activity_mbq: float = Field(gt=0)
    unit: str = "MBq"

    @model_validator(mode="after")
    def _only_mbq(self) -> Dose:
        if self.unit != "MBq":
            raise ValueError("the unit is MBq")
        return self


class Injections(Record):
    doses: tuple[Dose, ...]


def fault(**values: Any) -> FieldFault:
    with pytest.raises(ValidationError) as refused:
        Injections.model_validate(values)
    return field_at_fault(refused.value)


@pytest.mark.parametrize(
    ("dose", "says"),
    [
        ({"activity_mbq": -1.0}, "doses.1.activity_mbq: should be greater than 0, not -1.0"),
        ({}, "doses.1.activity_mbq: missing"),
        ({"activity_mbq": 1.0, "unit": "Ci"}, "doses.1: the unit is MBq"),
    ],
)
def test_the_message_names_the_field_and_what_was_given(dose: dict[str, Any], says: str) -> None:
    assert str(fault(doses=[{"activity_mbq": 100.0}, dose])) == says


def test_a_misspelt_name_is_told_before_the_field_that_it_leaves_empty() -> None:
    found = fault(doses=[{"activity_mbk": 100.0}])
    assert str(found) == "doses.0.activity_mbk: there is no such field"
    assert not found.missing and found.path == ("doses", 0, "activity_mbk")
