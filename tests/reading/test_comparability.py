"""May two studies of one tracer be compared in numbers? Each check at its limit, and what a failed one forbids."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest

from lutetia.model import Acquisition, Comparison, Course, Grid, Patient, Study, Tracer, Visit, Volume
from lutetia.reading.acquisition import earl_version
from lutetia.reading.course.comparability import compare, comparisons
from lutetia.reading.course.scanner import Scanner, scanner_check, scanner_of
from lutetia.reading.course.thyroid import thyroid_pair
from lutetia.reading.course.visits import group_visits
from lutetia.reading.study import StudyReading
from lutetia.rules.case import case_from_text
from lutetia.rules.loader import RuleSet
from lutetia.rules.score import score_course

USUAL = {
    "manufacturer": "A",
    "model": "1",
    "reconstruction": "OSEM3D",
    "voxel_mm": (4.0, 4.0, 4.0),
    "uptake_minutes": 60.0,
    "injected_mbq": 150.0,
    "weight_kg": 80.0,
    "size_m": 1.8,
    "sex": "M",
}


def reading(records: Any, name: str, date: str, tracer: str = "dotatate", **changes: Any) -> StudyReading:
    suv = {"basis": "bw", "factor": 1.0, "decay_reference": "start"}
    values = {k: changes.pop(k) for k in ("liver", "blood_pool", "spleen") if k in changes}
    made = records.study(name, tracer, date, acquisition=USUAL | changes, suv=suv, **values)
    detail = Tracer.model_validate(made["tracer_detail"])
    return StudyReading(Study.model_validate(made), selection=None, tracer=detail)  # type: ignore[arg-type]


def compared(records: Any, tracer: str = "dotatate", **later: Any) -> Comparison:
    return compare(reading(records, "s1", "2025-01-10", tracer), reading(records, "s2", "2025-07-10", tracer, **later))


def states(found: Comparison) -> dict[str, str]:
    return {c["id"]: c["state"] for c in found.checks}


@pytest.mark.parametrize(("minutes", "state"), [(70, "met"), (70.1, "caution"), (75, "caution"), (75.1, "not_met")])
def test_uptake_times_may_differ_by_ten_minutes_and_fifteen_with_caution(
    records: Any, minutes: float, state: str
) -> None:
    assert states(compared(records, uptake_minutes=minutes))["Q3"] == state


@pytest.mark.parametrize(("mbq", "state"), [(180, "met"), (180.1, "caution"), (120, "met"), (119.9, "caution")])
def test_activity_may_differ_by_a_fifth_of_the_earlier(records: Any, mbq: float, state: str) -> None:
    assert states(compared(records, injected_mbq=mbq))["Q6"] == state


@pytest.mark.parametrize(("liver", "state"), [(7.1, "met"), (7.3, "caution"), (7.7, "caution"), (7.9, "not_met")])
def test_the_liver_of_sstr_pet_may_move_by_a_fifth_and_a_third_with_caution(
    records: Any, liver: float, state: str
) -> None:
    assert states(compared(records, liver=liver))["Q10"] == state


def test_the_liver_of_fdg_pet_is_held_to_a_fifth_of_the_larger_and_three_tenths_of_sul(records: Any) -> None:
    assert states(compared(records, "fdg", liver=2.7))["Q4"] == "met"
    assert states(compared(records, "fdg", liver=2.9))["Q4"] == "not_met", "17 % of the larger, yet more than 0.3 SUL"
    assert states(compared(records, "fdg", liver=3.1))["Q4"] == "not_met"
    assert states(compared(records, "fdg", liver=2.5, sex=None))["Q4"] == "indeterminate"


@pytest.mark.parametrize("change", [{"model": "2"}, {"reconstruction": "PSF"}, {"voxel_mm": (2.0, 2.0, 2.0)}])
def test_another_scanner_or_reconstruction_forbids_every_change_of_suv(records: Any, change: dict[str, Any]) -> None:
    found = compared(records, **change)
    assert found.verdict == "not_comparable"
    assert {"change of SUV", "change of volume", "change of tumour to liver ratio"} <= set(found.suppressed)
    assert "Lesion presence and size are compared visually" in found.note


def header(**elements: Any) -> Scanner:
    """The scanner that a header names, through a reading as any other."""
    dataset = pydicom.Dataset()
    codes = elements.pop("codes", ())
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.DeidentificationMethodCodeSequence = [pydicom.Dataset() for _ in codes]
    for item, code in zip(dataset.DeidentificationMethodCodeSequence, codes, strict=True):
        item.CodeValue = code
    study = SimpleNamespace(acquisition=Acquisition(manufacturer="A", model="1"))
    selection = SimpleNamespace(pet=SimpleNamespace(dataset=lambda: dataset))
    return scanner_of(SimpleNamespace(study=study, selection=selection))  # type: ignore[arg-type]


SITE, OTHER_SITE = {"InstitutionName": "St Mary"}, {"InstitutionName": "St Anne"}
ONE, TWO = {"DeviceSerialNumber": "4711"}, {"DeviceSerialNumber": "4712"}
GONE = {"PatientIdentityRemoved": "YES"}
SOFTWARE, LATER = {"SoftwareVersions": ["VB20", "P"]}, {"SoftwareVersions": ["VB21", "P"]}


@pytest.mark.parametrize(
    ("first", "second", "state", "words"),
    [
        ({}, {}, "indeterminate", "no header says"),
        (ONE, ONE, "met", "same machine by its serial number"),
        (ONE | SITE, TWO | SITE, "met", "another machine of the same model at the same institution"),
        (SITE, {"InstitutionName": " ST  MARY "}, "met", "same model at the same institution"),
        (ONE, TWO, "indeterminate", "another machine"),
        (SITE, OTHER_SITE, "indeterminate", "no header says"),  # one hospital under two names, or two hospitals
        ({"InstitutionName": "ANONYMIZED"}, {"InstitutionName": "ANONYMIZED"}, "indeterminate", "no header says"),
        (ONE | GONE, ONE | GONE, "indeterminate", "no header says"),
        (ONE | GONE | {"codes": ("113100", "113109")}, ONE | GONE | {"codes": ("113109",)}, "met", "same machine"),
        (ONE | SOFTWARE, ONE | LATER, "caution", "another software version"),
        (ONE | SOFTWARE, ONE | SOFTWARE, "met", "same machine"),
        (SOFTWARE, LATER, "indeterminate", "no header says"),
    ],
)
def test_one_model_is_the_same_scanner_only_where_a_header_tells_machine_or_site(
    first: dict[str, Any], second: dict[str, Any], state: str, words: str
) -> None:
    found = scanner_check(header(**first), header(**second))
    assert (found["id"], found["state"]) == ("Q1", state)
    assert words in found["finding"]
    assert not any(value in found["finding"] for value in ("4711", "Mary", "mary", "VB2"))


def test_what_no_header_says_is_indeterminate_and_never_met(records: Any) -> None:
    found = states(compared(records, model=None, reconstruction=None, uptake_minutes=None, injected_mbq=None))
    assert {found[key] for key in ("Q1", "Q2", "Q3", "Q6", "Q7", "Q8", "Q9", "SSA-THYROID")} == {"indeterminate"}


def test_a_new_analogue_forbids_ratios_to_normal_organs_but_not_suv(records: Any) -> None:
    text = 'case: "1.0"\ntimeline:\n  - {kind: ssa, agent: octreotide LAR, date: 2025-06-20}\n'
    a, b = reading(records, "s1", "2025-01-10"), reading(records, "s2", "2025-07-10")
    found = compare(a, b, None, case_from_text(text).timeline)
    assert found.verdict == "caution"
    assert "change of SUV" not in found.suppressed and "change of tumour to liver ratio" in found.suppressed
    check = next(c for c in found.checks if c["id"] == "Q7")
    assert check["finding"] == "none → long-acting, 20 days after the dose"


def test_earl_versions_are_read_from_descriptions_and_must_agree(records: Any) -> None:
    assert earl_version("PET EARL1 corrected") == "EARL1"
    assert earl_version("wb_EARL_2") == "EARL2"
    assert earl_version("PET EARL") == "EARL"
    assert earl_version("Pearl street", "early dynamic", None) is None
    first = reading(records, "s1", "2025-01-10", earl="EARL1")
    mixed = compare(first, reading(records, "s2", "2025-07-10", earl="EARL2"))
    assert states(mixed)["Q8"] == "not_met" and mixed.verdict == "not_comparable"


def test_another_molecule_is_not_compared_in_numbers(records: Any) -> None:
    a, b = reading(records, "s1", "2025-01-10"), reading(records, "s2", "2025-07-10")
    b.study = b.study.model_copy(update={"tracer": "dotatoc"})
    assert compare(a, b).verdict == "not_comparable"


class _Anatomy:
    """An outline of the thyroid and nothing else."""

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask

    def mask(self, name: str) -> np.ndarray:
        return self._mask if name == "thyroid_gland" else np.zeros_like(self._mask)


def with_thyroid(records: Any, name: str, date: str, uptake: float, **changes: Any) -> StudyReading:
    made = reading(records, name, date, **changes)
    mask = np.zeros((6, 6, 6), bool)
    mask[2:4, 2:5, 2:5] = True
    axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    grid = Grid((6, 6, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), axes)
    made.suv = Volume(np.where(mask, uptake, 0.5).astype(np.float32), grid, "suv")
    made.anatomy = _Anatomy(mask)  # type: ignore[assignment]
    return made


def test_thyroid_and_liver_that_fall_together_are_the_sign_of_an_analogue(records: Any) -> None:
    a = with_thyroid(records, "s1", "2025-01-10", 3.0)
    b = with_thyroid(records, "s2", "2025-07-10", 1.5, liver=5.0)
    assert thyroid_pair(a, b, None) == (2.0, 1.0, "outlined in both")
    found = compare(a, b)
    check = next(c for c in found.checks if c["id"] == "SSA-THYROID")
    assert check["state"] == "caution" and "started or re-timed" in check["finding"]
    assert "change of tumour to liver ratio" in found.suppressed


def test_the_thyroids_numbers_reach_the_rule_and_its_option(records: Any, rule_set: RuleSet) -> None:
    """The gate is answered by the measured values of the pair, not by the check's verdict, so that an option counts."""
    a = with_thyroid(records, "s1", "2025-01-10", 3.0)
    for uptake, expected in ((1.5, "caution"), (2.2, "met")):
        b = with_thyroid(records, "s2", "2025-07-10", uptake, liver=5.0)
        found = compare(a, b)
        assert found.measured == {"thyroid_earlier": 3.0, "thyroid_later": uptake}
        visits = [Visit(id=f"v{n}", studies=(f"s{n}",), first_date=f"2025-0{6 * n - 5}-10") for n in (1, 2)]
        course = Course(patient=Patient(id="P"), studies=(a.study, b.study), visits=visits, comparability=(found,))
        verdicts = score_course(course, rules=rule_set).as_dict()["verdicts"]
        gates = next(v for v in verdicts if v["rule"] == "sstr-comparability")["gates"]
        assert next(g for g in gates if g["id"] == "thyroid")["state"] == expected


@pytest.mark.parametrize(("thyroid", "liver"), [(2.2, 5.0), (1.5, 5.5)])
def test_a_smaller_fall_of_either_is_no_sign(records: Any, thyroid: float, liver: float) -> None:
    a = with_thyroid(records, "s1", "2025-01-10", 3.0)
    b = with_thyroid(records, "s2", "2025-07-10", thyroid, liver=liver)
    assert states(compare(a, b))["SSA-THYROID"] == "met"


def test_no_thyroid_before_makes_the_check_unavailable(records: Any) -> None:
    a, b = reading(records, "s1", "2025-01-10"), with_thyroid(records, "s2", "2025-07-10", 1.5)
    assert thyroid_pair(a, b, None) is None


def test_an_sstr_scan_without_a_date_is_compared_with_none(records: Any) -> None:
    readings = [reading(records, "s1", ""), reading(records, "s2", "2025-07-10"), reading(records, "s3", "2025-12-10")]
    readings[0].study = readings[0].study.model_copy(update={"tracer": "dotatoc"})
    visits, _ = group_visits(readings, 31)
    assert [(c.earlier, c.later) for c in comparisons(readings, visits)] == [("s2", "s3")]
