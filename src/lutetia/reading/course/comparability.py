"""May two studies of one tracer be compared in numbers? Each check by itself, and what a failed one suppresses.

Checks Q3, Q5, Q6, Q9, Q10 and the thyroid sign of eligibility §2.4 and §2.2 that headers and images can answer; the
others (software, EARL version, SSA) are asked of the reader.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lutetia.model import Comparison, Visit
from lutetia.reading.course.history import previous_study
from lutetia.reading.study import StudyReading

_SEVERITY = {"met": 0, "indeterminate": 0, "caution": 1, "not_met": 2}


def _check(key: str, title: str, state: str, text: str) -> dict[str, str]:
    return {"id": key, "title": title, "state": state, "finding": text}


def _scanner(a: StudyReading, b: StudyReading) -> dict[str, str]:
    first = (a.study.acquisition.manufacturer, a.study.acquisition.model)
    second = (b.study.acquisition.manufacturer, b.study.acquisition.model)
    voxels = a.study.acquisition.voxel_mm, b.study.acquisition.voxel_mm
    same_grid = voxels[0] is not None and voxels[1] is not None and np.allclose(voxels[0], voxels[1], atol=0.05)
    text = " ".join(x for x in first if x) + " → " + " ".join(x for x in second if x)
    if None in first or None in second:
        return _check("Q1", "Same scanner and reconstruction", "indeterminate", "scanner not recorded")
    if first == second and same_grid and a.study.acquisition.reconstruction == b.study.acquisition.reconstruction:
        return _check("Q1", "Same scanner and reconstruction", "met", text)
    return _check(
        "Q1", "Same scanner and reconstruction", "caution", text + (": same grid" if same_grid else ": other grid")
    )


def _uptake_time(a: StudyReading, b: StudyReading) -> dict[str, str]:
    first, second = a.study.acquisition.uptake_minutes, b.study.acquisition.uptake_minutes
    if first is None or second is None:
        return _check("Q3", "Uptake time within 10 min", "indeterminate", "uptake time not known")
    gap = abs(first - second)
    state = "met" if gap <= 10 else "caution" if gap < 15 else "not_met"
    return _check("Q3", "Uptake time within 10 min", state, f"{first:.0f} → {second:.0f} min")


def _activity(a: StudyReading, b: StudyReading) -> dict[str, str]:
    first, second = a.study.acquisition.injected_mbq, b.study.acquisition.injected_mbq
    if not first or not second:
        return _check("Q6", "Activity within 20 %", "indeterminate", "activity not known")
    gap = abs(second / first - 1)
    return _check("Q6", "Activity within 20 %", "met" if gap <= 0.2 else "caution", f"{first:.0f} → {second:.0f} MBq")


def _reference(a: StudyReading, b: StudyReading, name: str, key: str, title: str) -> dict[str, str]:
    first, second = a.study.references.get(name), b.study.references.get(name)
    values = (first.suv_mean if first else None, second.suv_mean if second else None)
    if values[0] is None or values[1] is None:
        return _check(key, title, "indeterminate", f"{name} not measured in both")
    gap = abs(values[1] / values[0] - 1)
    state = "met" if gap <= 0.2 else "caution" if gap <= 0.3 else "not_met"
    return _check(
        key, title, state, f"SUVmean {values[0]:.2f} → {values[1]:.2f} ({100 * (values[1] / values[0] - 1):+.0f} %)"
    )


def thyroid_uptake(reading: StudyReading) -> float | None:
    """Mean SUV of the thyroid relative to blood pool; None where the anatomy has no thyroid or no blood pool."""
    blood = reading.study.references.get("blood_pool")
    if reading.anatomy is None or reading.suv is None or blood is None or not blood.suv_mean:
        return None
    mask = reading.anatomy.mask("thyroid_gland")
    if mask.sum() < 10:
        return None
    return float(reading.suv.array[mask].mean()) / blood.suv_mean


def _thyroid(a: StudyReading, b: StudyReading) -> dict[str, str]:
    """The sign of eligibility §2.2: thyroid falls by 30 % against blood pool and liver by 10 %."""
    first, second = thyroid_uptake(a), thyroid_uptake(b)
    title = "Thyroid as a sign of a somatostatin analogue"
    if first is None or second is None:
        return _check("SSA-THYROID", title, "indeterminate", "thyroid not measured in both")
    livers = [r.study.references.get("liver") for r in (a, b)]
    fall = 1 - second / first
    values = [x.suv_mean for x in livers if x is not None and x.suv_mean is not None]
    liver_fall = 1 - values[1] / values[0] if len(values) == 2 else 0.0
    text = f"thyroid ÷ blood pool {first:.2f} → {second:.2f}, liver {-100 * liver_fall:+.0f} %"
    if fall >= 0.30 and liver_fall >= 0.10:
        text += (
            ". Pattern compatible with a somatostatin analogue started or re-timed between the scans; "
            "ratios to liver and spleen are not directly comparable"
        )
        return _check("SSA-THYROID", title, "caution", text)
    return _check("SSA-THYROID", title, "met", text)


def compare(a: StudyReading, b: StudyReading) -> Comparison:
    """Compare two studies of one tracer, earlier and later."""
    checks = []
    same = a.study.tracer == b.study.tracer
    checks.append(
        _check("Q5", "Same tracer molecule", "met" if same else "not_met", f"{a.study.tracer} → {b.study.tracer}")
    )
    checks.append(_scanner(a, b))
    checks.append(_uptake_time(a, b))
    checks.append(_activity(a, b))
    basis = (a.study.suv.basis if a.study.suv else None, b.study.suv.basis if b.study.suv else None)
    state = "indeterminate" if None in basis else "met" if basis[0] == basis[1] else "not_met"
    checks.append(_check("Q9", "Same kind of SUV", state, f"{basis[0]} → {basis[1]}"))
    title = "Liver uptake within 20 %"
    checks.append(_reference(a, b, "liver", "Q10" if a.tracer is not None and a.tracer.is_sstr else "Q4", title))
    sstr = a.tracer is not None and a.tracer.is_sstr
    if sstr:
        checks.append(_thyroid(a, b))
        checks.append(_check("Q7", "Same state of somatostatin analogue", "indeterminate", "asked of the reader"))
    checks.append(_check("Q8", "Same EARL standard", "indeterminate", "not recorded in the headers"))
    worst = max(_SEVERITY[c["state"]] for c in checks)
    verdict = ("comparable", "caution", "not_comparable")[worst]
    suppressed: list[str] = []
    failed = {c["id"] for c in checks if c["state"] == "not_met"}
    if failed & {"Q3", "Q5", "Q9"}:
        suppressed += ["change of SUV", "change of uptake ratios", "change of TLU"]
    if failed & {"Q4", "Q10"} or any(c["id"] == "SSA-THYROID" and c["state"] == "caution" for c in checks):
        suppressed += [
            "change of tumour to liver ratio",
            "change of tumour to spleen ratio",
            "Krenning change as response",
        ]
    words = [f"{c['title']}: {c['finding']}" for c in checks if _SEVERITY[c["state"]] == worst and worst]
    note = {
        0: "The checks that headers and images can answer are met; change may be reported with its repeatability band.",
        1: "Numeric change is reported with reservation: " + "; ".join(words) + ".",
        2: "SUV change is not reported because of: " + "; ".join(words) + ". Presence and size are compared visually.",
    }[worst]
    return Comparison(
        earlier=a.study.id,
        later=b.study.id,
        verdict=verdict,
        checks=tuple(checks),
        suppressed=tuple(dict.fromkeys(suppressed)),
        note=note,
    )


def comparisons(readings: Sequence[StudyReading], visits: Sequence[Visit]) -> tuple[Comparison, ...]:
    """Every study against the previous visit's with the same tracer."""
    out = []
    for reading in readings:
        earlier = previous_study(reading, readings, visits)
        if earlier is not None:
            out.append(compare(earlier, reading))
    return tuple(out)
