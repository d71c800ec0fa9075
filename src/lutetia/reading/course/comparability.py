"""May two studies of one tracer be compared in numbers? Each check by itself, and what a failed one suppresses.

Checks Q1 to Q11 and the thyroid sign, with their limits and sources, are those of the rule files
``sstr-comparability`` and ``fdg-comparability`` (PERCIST: uptake time within 15 min inclusive, FDG liver within 20 % of
the larger value and 0.3 SUL; EANM FDG 2.0: 10 min). Headers, images and the dated entries of the case answer; what none
of them says is "indeterminate", never "met".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lutetia.imaging.suv_body import lean_or_ideal_kg
from lutetia.model import Acquisition, Comparison, Visit
from lutetia.reading.course.frames import Frames
from lutetia.reading.course.history import previous_study
from lutetia.reading.course.scanner import scanner_check, scanner_of
from lutetia.reading.course.thyroid import thyroid_pair
from lutetia.reading.course.visits import study_day
from lutetia.reading.study import StudyReading
from lutetia.rules.measured_timeline import ssa_at, ssa_changed
from lutetia.rules.timeline import TimelineEntry

Check = dict[str, str]

_SEVERITY = {"met": 0, "indeterminate": 0, "caution": 1, "not_met": 2}
#: a failed check of these forbids every change of SUV
SUV_CHECKS = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q8", "Q9")
#: a failed check of these, or a caution of the last two, forbids ratios to normal organs
RATIO_CHECKS = ("Q10", "Q11")
ANALOGUE_CHECKS = ("Q7", "SSA-THYROID")
_SUV_NUMBERS = ("change of SUV", "change of uptake ratios", "change of TLU", "change of volume")
_RATIO_NUMBERS = (
    "change of tumour to liver ratio",
    "change of tumour to spleen ratio",
    "Krenning change as response",
)
_USABLE = ("ok", "user")


def _check(key: str, title: str, state: str, text: str) -> Check:
    return {"id": key, "title": title, "state": state, "finding": text}


def _reconstruction(a: Acquisition, b: Acquisition) -> Check:
    title = "Same reconstruction"
    texts, differs, known = [], False, False
    for name in ("reconstruction", "reconstruction_filter"):
        x, y = getattr(a, name), getattr(b, name)
        if x is not None and y is not None:
            known = known or name == "reconstruction"
            differs = differs or x != y
            texts.append(f"{x} → {y}" if x != y else str(x))
    if a.voxel_mm is not None and b.voxel_mm is not None:
        same = bool(np.allclose(a.voxel_mm, b.voxel_mm, atol=0.05))
        differs = differs or not same
        sizes = ["×".join(f"{v:.2f}" for v in voxel) for voxel in (a.voxel_mm, b.voxel_mm)]
        texts.append(f"voxels {sizes[0]}" + ("" if same else f" → {sizes[1]}") + " mm")
    if differs:
        return _check("Q2", title, "not_met", "; ".join(texts))
    if not known:
        text = "; ".join([*texts, "method not recorded in both"])
        return _check("Q2", title, "indeterminate", text)
    return _check("Q2", title, "met", "; ".join(texts))


def _uptake_time(a: Acquisition, b: Acquisition) -> Check:
    title = "Uptake time within 10 min"
    first, second = a.uptake_minutes, b.uptake_minutes
    if first is None or second is None:
        return _check("Q3", title, "indeterminate", "uptake time not known in both")
    gap = abs(first - second)
    state = "met" if gap <= 10 else "caution" if gap <= 15 else "not_met"
    return _check("Q3", title, state, f"{first:.0f} → {second:.0f} min")


def _activity(a: Acquisition, b: Acquisition) -> Check:
    title = "Activity within 20 % of the earlier"
    first, second = a.injected_mbq, b.injected_mbq
    if not first or not second:
        return _check("Q6", title, "indeterminate", "activity not known in both")
    met = abs(second - first) <= 0.2 * first
    return _check("Q6", title, "met" if met else "caution", f"{first:.0f} → {second:.0f} MBq")


def _earl(a: Acquisition, b: Acquisition) -> Check:
    title = "Same EARL standard"
    if a.earl is None and b.earl is None:
        return _check("Q8", title, "indeterminate", "no description of the series names one")
    text = f"{a.earl or 'not named'} → {b.earl or 'not named'}"
    if a.earl is None or b.earl is None or "EARL" in (a.earl, b.earl):
        return _check("Q8", title, "indeterminate", text)
    return _check("Q8", title, "met" if a.earl == b.earl else "not_met", text)


def _suv(a: StudyReading, b: StudyReading) -> Check:
    title = "Same kind of SUV; weight and injection time known"
    if a.study.suv is None or b.study.suv is None:
        return _check("Q9", title, "indeterminate", "SUV not known in both")
    first, second = a.study.suv.basis, b.study.suv.basis
    if first != second:
        return _check("Q9", title, "not_met", f"{first} → {second}")
    lacking = [
        f"{what} of {r.study.id}"
        for r in (a, b)
        for what, value in (
            ("weight", r.study.acquisition.weight_kg),
            ("injection time", r.study.acquisition.uptake_minutes),
        )
        if value is None
    ]
    if lacking:
        return _check("Q9", title, "indeterminate", f"SUV {first}; not known: {', '.join(lacking)}")
    return _check("Q9", title, "met", f"SUV {first} in both")


def _sstr_liver(a: StudyReading, b: StudyReading) -> Check:
    title = "Liver uptake within 20 % (30 % with caution)"
    first, second = a.study.reference_mean("liver"), b.study.reference_mean("liver")
    if not first or second is None:
        return _check("Q10", title, "indeterminate", "liver not measured in both")
    gap = abs(second - first) / first
    state = "met" if gap <= 0.2 else "caution" if gap <= 0.3 else "not_met"
    return _check("Q10", title, state, f"SUVmean {first:.2f} → {second:.2f} ({100 * (second / first - 1):+.0f} %)")


def _sul_factor(a: Acquisition) -> float | None:
    """SUL ÷ SUV(bw), lean mass by James with 128 as PERCIST takes it; None without weight, size and sex."""
    if not a.weight_kg or not a.size_m or a.sex not in ("M", "F", "O"):
        return None
    try:
        return lean_or_ideal_kg("lbmjames128", a.weight_kg, a.size_m, a.sex) / a.weight_kg
    except ValueError:
        return None


def _fdg_liver(a: StudyReading, b: StudyReading) -> Check:
    """PERCIST: within 20 % of the larger value and within 0.3 SUL, both inclusive."""
    title = "Liver within 20 % of the larger value and 0.3 SUL"
    first, second = a.study.reference_mean("liver"), b.study.reference_mean("liver")
    if first is None or second is None or max(first, second) <= 0:
        return _check("Q4", title, "indeterminate", "liver not measured in both")
    text = f"SUVmean {first:.2f} → {second:.2f}"
    relative = abs(second - first) <= 0.2 * max(first, second)
    factors = _sul_factor(a.study.acquisition), _sul_factor(b.study.acquisition)
    if not relative:
        return _check("Q4", title, "not_met", text)
    if factors[0] is None or factors[1] is None:
        return _check("Q4", title, "indeterminate", text + "; no SUL without weight, size and sex")
    sul = first * factors[0], second * factors[1]
    state = "met" if abs(sul[1] - sul[0]) <= 0.3 else "not_met"
    return _check("Q4", title, state, f"{text}; SUL {sul[0]:.2f} → {sul[1]:.2f}")


def _liver_usable(a: StudyReading, b: StudyReading) -> Check:
    title = "Normal liver usable as a reference in both"
    livers = [r.study.references.get("liver") if r.study.references_sought else None for r in (a, b)]
    states = ["absent" if liver is None else liver.status for liver in livers]
    text = f"{states[0]} → {states[1]}"
    if all(s in _USABLE for s in states):
        return _check("Q11", title, "met", text)
    if any(s in ("absent", "outside_field", "fallback") for s in states):
        return _check("Q11", title, "not_met", text)
    return _check("Q11", title, "indeterminate", text + ": a person decides whether that liver will do")


def _analogue(a: StudyReading, b: StudyReading, entries: Sequence[TimelineEntry]) -> Check:
    title = "Same state of the somatostatin analogue"
    first_day, second_day = study_day(a), study_day(b)
    changed = None
    if first_day is not None and second_day is not None:
        changed = ssa_changed(entries, first_day, second_day)
    if changed is None or first_day is None or second_day is None:
        return _check("Q7", title, "indeterminate", "the case dates no analogue")
    words = []
    for day in (first_day, second_day):
        kind, days = ssa_at(entries, day)
        words.append(str(kind).replace("_", "-") + ("" if days is None else f", {days} days after the dose"))
    return _check("Q7", title, "caution" if changed else "met", " → ".join(words))


def _thyroid(a: StudyReading, b: StudyReading, found: tuple[float, float, str] | None) -> Check:
    """A sign of an analogue (Iravani 2022, Fig. 12): thyroid falls by 30 % against blood, liver by 10 % (C-P23)."""
    title = "Thyroid as a sign of a somatostatin analogue"
    livers = a.study.reference_mean("liver"), b.study.reference_mean("liver")
    if found is None or not livers[0] or livers[1] is None:
        return _check("SSA-THYROID", title, "indeterminate", "thyroid or liver not measured in both")
    first, second, how = found
    fall, liver_fall = 1 - second / first, 1 - livers[1] / livers[0]
    text = f"thyroid ÷ blood pool {first:.2f} → {second:.2f} ({how}), liver {-100 * liver_fall:+.0f} %"
    if fall >= 0.30 and liver_fall >= 0.10:
        text += (
            ". Pattern compatible with a somatostatin analogue started or re-timed between the scans; "
            "ratios to liver and spleen are not directly comparable"
        )
        return _check("SSA-THYROID", title, "caution", text)
    return _check("SSA-THYROID", title, "met", text)


def compare(
    a: StudyReading, b: StudyReading, frames: Frames | None = None, entries: Sequence[TimelineEntry] = ()
) -> Comparison:
    """Compare two studies of one tracer, earlier and later.

    Parameters
    ----------
    a, b : earlier and later study
    frames : alignments, to measure the thyroid of one at its place in the other
    entries : dated entries of the case, for the somatostatin analogue

    Returns
    -------
    Comparison
        "not_comparable" where a check on SUV itself fails; "caution" where any other fails or cautions.
    """
    same = a.study.tracer == b.study.tracer
    first, second = a.study.acquisition, b.study.acquisition
    checks = [
        _check("Q5", "Same tracer molecule", "met" if same else "not_met", f"{a.study.tracer} → {b.study.tracer}"),
        scanner_check(scanner_of(a), scanner_of(b)),
        _reconstruction(first, second),
        _earl(first, second),
        _uptake_time(first, second),
        _activity(first, second),
        _suv(a, b),
    ]
    measured: dict[str, float] = {}
    if a.tracer is not None and a.tracer.is_sstr:
        thyroid = thyroid_pair(a, b, frames)
        checks += [_analogue(a, b, entries), _sstr_liver(a, b), _liver_usable(a, b), _thyroid(a, b, thyroid)]
        if thyroid is not None:
            for name, ratio, study in (("thyroid_earlier", thyroid[0], a), ("thyroid_later", thyroid[1], b)):
                measured[name] = round(ratio * (study.study.reference_mean("blood_pool") or 0.0), 4)
    elif a.tracer is not None and a.tracer.binds == "glucose":
        checks += [_fdg_liver(a, b), _liver_usable(a, b)]
    return _judged(a.study.id, b.study.id, checks).model_copy(update={"measured": measured})


def _judged(earlier: str, later: str, checks: Sequence[Check]) -> Comparison:
    states = {c["id"]: c["state"] for c in checks}
    suv = any(states.get(key) == "not_met" for key in SUV_CHECKS)
    ratios = any(states.get(key) == "not_met" for key in RATIO_CHECKS) or any(
        states.get(key) == "caution" for key in ANALOGUE_CHECKS
    )
    suppressed = (*(_SUV_NUMBERS if suv else ()), *(_RATIO_NUMBERS if suv or ratios else ()))
    worst = max(_SEVERITY[c["state"]] for c in checks)
    verdict = "not_comparable" if suv else "caution" if worst else "comparable"
    named = [c for c in checks if (c["state"] == "not_met" and c["id"] in SUV_CHECKS) or (not suv and _bad(c))]
    words = "; ".join(f"{c['title'][0].lower()}{c['title'][1:]} ({c['finding']})" for c in named)
    open_checks = ", ".join(c["title"] for c in checks if c["state"] == "indeterminate")
    note = {
        "comparable": "No check failed; numeric change may be reported with its repeatability band."
        + (f" Not answered: {open_checks}." if open_checks else ""),
        "caution": f"Numeric change is reported with reservation. In doubt: {words}.",
        "not_comparable": f"SUV change is not reported. Not met: {words}. "
        "Lesion presence and size are compared visually.",
    }[verdict]
    return Comparison.model_validate(
        {
            "earlier": earlier,
            "later": later,
            "verdict": verdict,
            "checks": tuple(checks),
            "suppressed": suppressed,
            "note": note,
        }
    )


def _bad(check: Check) -> bool:
    return _SEVERITY[check["state"]] > 0


def comparisons(
    readings: Sequence[StudyReading],
    visits: Sequence[Visit],
    frames: Frames | None = None,
    entries: Sequence[TimelineEntry] = (),
) -> tuple[Comparison, ...]:
    """Every study against the previous visit's with the same tracer, or with another molecule against that receptor."""
    out = []
    for reading in readings:
        earlier = previous_study(reading, readings, visits) or _same_target(reading, readings, visits)
        if earlier is not None:
            out.append(compare(earlier, reading, frames, entries))
    return tuple(out)


def _same_target(
    reading: StudyReading, readings: Sequence[StudyReading], visits: Sequence[Visit]
) -> StudyReading | None:
    """The last earlier PET of another molecule against the same receptor: named, and not compared in numbers.

    As in `previous_study`, a visit without a date is neither earlier nor later.
    """
    if reading.tracer is None or not reading.tracer.is_sstr or reading.tracer.modality != "PET":
        return None
    order = {study: n for n, visit in enumerate(visits) if visit.first_date for study in visit.studies}
    if reading.study.id not in order:
        return None
    earlier = [
        r
        for r in readings
        if r.tracer is not None
        and r.tracer.is_sstr
        and r.tracer.modality == "PET"
        and order.get(r.study.id, len(visits)) < order[reading.study.id]
    ]
    return max(earlier, key=lambda r: order[r.study.id], default=None)
