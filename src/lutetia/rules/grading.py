"""The Krenning scales for the imaging pipeline: numbers in, a `Grade` out, by the rule files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from lutetia.model import Grade
from lutetia.rules.loader import RuleSet, load_rules
from lutetia.rules.scale import Scale, ScaleResult

SpleenState = Literal["present", "removed", "outside_field", "diseased", "unknown"]


@lru_cache(maxsize=8)
def _rules(choices: tuple[tuple[str, str], ...]) -> RuleSet:
    return load_rules((), dict(choices))


def _scale(name: str, choices: Mapping[str, str] | None) -> Scale:
    body = _rules(tuple(sorted((choices or {}).items())))[name].body
    assert isinstance(body, Scale)
    return body


def blood_pool_tolerance(conventions: Mapping[str, str] | None = None) -> float:
    """How far above blood pool an uptake still counts as equal to it, as a share: 0.10 (convention C-A5)."""
    return _scale("krenning-modified", conventions).frame.parameters["blood_pool_tolerance"]


def grade_krenning_modified(
    uptake: float | None,
    liver: float | None,
    spleen: float | None,
    blood_pool: float | None,
    *,
    spleen_state: SpleenState = "unknown",
    size_mm: float | None = None,
    at_liver_level: bool = False,
    in_liver: bool | None = None,
    tracer_class: str | None = None,
    ssa_changed: bool | None = None,
    blood_pool_tolerance: float | None = None,
    set_band: float | None = None,
    uptake_measure: str = "SUVmax",
    conventions: Mapping[str, str] | None = None,
) -> Grade:
    """Modified Krenning grade (0–4) of one lesion on one SSTR PET.

    Parameters
    ----------
    uptake : lesion SUV in g/mL (SUVmax by default, see convention C-A3)
    liver, spleen, blood_pool : SUVmean of normal tissue on the same scan, g/mL; None = not measured
    spleen_state : a spleen that is removed, outside the field or diseased is no reference, whatever its number
    size_mm : longest diameter, mm (2 cm or less → caution SMALL)
    at_liver_level : the lesion lies in the liver and does not stand out from it: a grade above 2 can't be given
    in_liver : whether the lesion lies in the liver
    tracer_class : a value of ``visit.tracer_class`` (``agonist_ga68``, ``antagonist`` …)
    ssa_changed : somatostatin analogue started, stopped or re-timed since the previous scan
    blood_pool_tolerance, set_band : override the conventions C-A5 (0.10) and C-A6 (0.05)
    uptake_measure : name of the number in `uptake`, for the record
    conventions : convention key → option

    Returns
    -------
    Grade
        ``value`` ("3",), ("3", "4") where no spleen tells them apart, ("0", "1", "2") without a blood pool, () with
        ``code`` where refused; ``set`` all grades met between 0.95 and 1.05 of the uptake; ``margin`` uptake ÷ nearest
        cut − 1.
    """
    facts: dict[str, Any] = {
        **_of_the_scan(uptake, liver, spleen, blood_pool, spleen_state),
        "visit.tracer_class": tracer_class,
        "lesion.size_mm": size_mm,
        "lesion.in_liver": in_liver,
        "therapy.ssa_changed": ssa_changed,
    }
    scale = _scale("krenning-modified", conventions)
    if scale.quantity != "observation.suv_max":
        facts[scale.quantity] = facts.pop("observation.suv_max")
    parameters = {"blood_pool_tolerance": blood_pool_tolerance, "set_band": set_band}
    result = _measure(scale, facts, parameters)
    grade = _grade(result, uptake, uptake_measure, "krenning-modified")
    return _capped_at_liver(grade) if at_liver_level else grade


def grade_krenning_spect(
    uptake: float | None,
    liver: float | None,
    spleen: float | None,
    blood_pool: float | None = None,
    *,
    spleen_state: SpleenState = "unknown",
    size_mm: float | None = None,
    hours: float | None = None,
) -> Grade:
    """Krenning-like grade on post-therapy SPECT, "K-SPECT(177Lu, t h)".

    Parameters
    ----------
    uptake, liver, spleen, blood_pool : numbers of the same SPECT in one unit (counts will do)
    spleen_state : as for `grade_krenning_modified`
    size_mm : longest diameter, mm; lesions under 2 cm are listed, not graded (code SPECT-SMALL)
    hours : time after injection; grades at other times than 24 h are stored and not compared with those at 24 h
    """
    facts: dict[str, Any] = {
        **_of_the_scan(uptake, liver, spleen, blood_pool, spleen_state),
        "lesion.size_mm": size_mm,
        "visit.hours_after_injection": hours,
    }
    result = _measure(_scale("krenning-spect", None), facts, {})
    grade = _grade(result, uptake, "SPECT maximum", "krenning-spect")
    return grade.model_copy(update={"hours": hours})


def _of_the_scan(
    uptake: float | None,
    liver: float | None,
    spleen: float | None,
    blood_pool: float | None,
    spleen_state: SpleenState,
) -> dict[str, Any]:
    return {
        "observation.suv_max": uptake,
        "visit.liver": liver,
        "visit.spleen": spleen,
        "visit.blood_pool": blood_pool,
        "visit.spleen_state": None if spleen_state == "unknown" else spleen_state,
    }


def _measure(scale: Scale, facts: Mapping[str, Any], parameters: Mapping[str, float | None]) -> ScaleResult:
    known = {name: value for name, value in facts.items() if value is not None}
    if any(value is not None for value in parameters.values()):
        import dataclasses

        chosen = {k: v for k, v in parameters.items() if v is not None}
        frame = dataclasses.replace(scale.frame, parameters={**scale.frame.parameters, **chosen})
        scale = dataclasses.replace(scale, frame=frame)
    return scale.measure({**scale.frame.parameters, **known})


def _grade(result: ScaleResult, uptake: float | None, measure: str, rule: str) -> Grade:
    code = result.refused
    if code is None and len(result.value) > 1:
        code = next((c for c in result.codes if c.startswith(("SPLEEN", "NO-"))), None)
    return Grade(
        value=result.value if uptake is not None else (),
        set=result.near if uptake is not None else (),
        margin=result.margin,
        nearest_cut=result.nearest_cut,
        uptake=uptake,
        uptake_measure=measure,
        code=code if uptake is not None or code is not None else "NO-UPTAKE",
        explanation=result.reason or result.explanation,
        rule=rule,
        cautions=tuple(note.message for note in result.notes if note.level != "error"),
    )


def _capped_at_liver(grade: Grade) -> Grade:
    """A liver lesion that does not stand out from the liver is at most 2, whatever its hottest voxel."""
    if not grade.value:
        return grade
    value = tuple(g for g in grade.value if int(g) <= 2) or ("2",)
    near = tuple(g for g in grade.set if int(g) <= 2) or value
    caution = "Liver lesion not visible above the liver: at most grade 2."
    return grade.model_copy(update={"value": value, "set": near, "cautions": (*grade.cautions, caution)})
