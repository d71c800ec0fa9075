"""Single-scan acquisition checks for the page "What was scanned and how": the value, the window, where it comes from.

Windows are those of the rule files ``sstr-acquisition`` and ``fdg-acquisition``, which a test holds together; a value
outside is a caution to read, nothing more. Sources: NETSPOT label (68Ga-DOTATATE), 68Ga-DOTATOC label, Detectnet label
(64Cu-DOTATATE), the Krenning Q&A page (45–60 min), EANM FDG guideline 2.0 (uptake 55–75 min, glucose ≤ 11 mmol/L).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lutetia.model import Study
from lutetia.outputs.report.wording import number, with_unit

Status = Literal["met", "caution", "not recorded", "note"]


@dataclass(frozen=True)
class Check:
    """One line of the check list."""

    item: str
    value: str
    window: str
    status: Status
    source: str


@dataclass(frozen=True)
class _Window:
    """What a tracer's sources accept. `per_kg` with its ±10 % is met unless the cap holds first."""

    activity_mbq: tuple[float, float] | None = None
    activity_words: str = ""
    per_kg: float | None = None
    cap_mbq: float | None = None
    uptake_min: tuple[float, float] | None = None
    uptake_words: str = ""
    activity_source: str = ""
    uptake_source: str = ""


_TOLERANCE = 0.10  # of a stated single dose; our convention, printed with the window

_WINDOWS: dict[str, _Window] = {
    "dotatate": _Window(
        per_kg=2.0,
        cap_mbq=200.0,
        activity_words="2 MBq/kg (±10 %), at most 200 MBq",
        uptake_min=(40.0, 90.0),
        uptake_words="40–90 min; the narrower 45–60 min is also in use",
        activity_source="NETSPOT label",
        uptake_source="NETSPOT label; Krenning Q&A",
    ),
    "dotatoc": _Window(
        activity_mbq=(111.0, 185.0),
        activity_words="148 MBq (111–185 MBq), adults",
        activity_source="68Ga-DOTATOC label",
    ),
    "cu64-dotatate": _Window(
        activity_mbq=(148.0 * (1 - _TOLERANCE), 148.0 * (1 + _TOLERANCE)),
        activity_words="148 MBq (±10 %)",
        uptake_min=(45.0, 90.0),
        uptake_words="45–90 min",
        activity_source="Detectnet label",
        uptake_source="Detectnet label",
    ),
    "fdg": _Window(
        uptake_min=(55.0, 75.0),
        uptake_words="60 min; 55–75 min accepted",
        uptake_source="EANM FDG 2.0",
    ),
}


def _window(study: Study) -> _Window | None:
    if study.modality.startswith("SPECT"):
        return None
    return _WINDOWS.get(study.tracer)


def _activity(study: Study, window: _Window | None) -> Check:
    facts = study.acquisition
    if facts.injected_mbq is None:
        words = window.activity_words if window else ""
        return Check("Injected activity", "–", words or "–", "not recorded", window.activity_source if window else "")
    per_kg = facts.injected_mbq / facts.weight_kg if facts.weight_kg else None
    value = with_unit(facts.injected_mbq, "MBq") + (f" ({number(per_kg, 2)} MBq/kg)" if per_kg else "")
    if window is None or not window.activity_words:
        return Check("Injected activity", value, "no window in our sources", "note", "")
    met = True
    if window.activity_mbq:
        met = window.activity_mbq[0] <= facts.injected_mbq <= window.activity_mbq[1]
    elif window.per_kg and window.cap_mbq:
        if not facts.weight_kg:
            return Check("Injected activity", value, window.activity_words, "not recorded", window.activity_source)
        meant = min(window.per_kg * facts.weight_kg, window.cap_mbq)
        met = abs(facts.injected_mbq / meant - 1) <= _TOLERANCE and facts.injected_mbq <= window.cap_mbq
    return Check("Injected activity", value, window.activity_words, "met" if met else "caution", window.activity_source)


def _uptake_time(study: Study, window: _Window | None) -> Check:
    minutes = study.acquisition.uptake_minutes
    words = window.uptake_words if window and window.uptake_words else "no window in our sources"
    source = window.uptake_source if window else ""
    if minutes is None:
        return Check("Uptake time", "–", words, "not recorded", source)
    value = with_unit(minutes, "min") if minutes < 600 else with_unit(minutes / 60, "h")
    if window is None or window.uptake_min is None:
        return Check("Uptake time", value, words, "note", "")
    met = window.uptake_min[0] <= minutes <= window.uptake_min[1]
    return Check("Uptake time", value, words, "met" if met else "caution", source)


def _field_of_view(study: Study) -> Check:
    grid = study.grid
    if grid is None:
        return Check("Field of view", "–", "must be stated", "not recorded", "SSTR-RADS 1.0")
    length = grid.shape[0] * grid.spacing_mm[0] / 10
    words = f"{number(length)}{chr(0x202F)}cm along the body; what lies outside is not imaged, not absent"
    return Check("Field of view", words, "stated", "note", "SSTR-RADS 1.0")


def _order(study: Study) -> Check | None:
    values = {name: study.references.get(name) for name in ("blood_pool", "liver", "spleen")}
    means = {name: ref.suv_mean for name, ref in values.items() if ref is not None and ref.suv_mean is not None}
    if study.tracer_detail is None or not study.tracer_detail.is_sstr or len(means) < 2:
        return None
    words = [f"{name.replace('_', ' ')} {number(value)}" for name, value in sorted(means.items(), key=lambda m: m[1])]
    expected = [name for name in ("blood_pool", "liver", "spleen") if name in means]
    met = sorted(means, key=lambda name: means[name]) == expected
    return Check(
        "Order of normal uptake",
        " < ".join(words),
        "blood pool < liver < spleen",
        "met" if met else "caution",
        "Krenning Q&A",
    )


def acquisition_checks(study: Study) -> tuple[Check, ...]:
    """The checks that the headers and the references allow; what is not recorded is said, never assumed met."""
    window = _window(study)
    checks = [_activity(study, window), _uptake_time(study, window)]
    tracer = study.tracer_detail
    if tracer is not None and tracer.binds == "glucose":
        glucose = study.acquisition.glucose_mmol_l
        status: Status = "not recorded" if glucose is None else "met" if glucose <= 11 else "caution"
        checks.append(Check("Blood glucose", with_unit(glucose, "mmol/L"), "≤ 11 mmol/L", status, "EANM FDG 2.0"))
        checks.append(Check("Fasting", "–", "≥ 4 h", "not recorded", "EANM FDG 2.0"))
    if tracer is not None and tracer.is_sstr:
        missing = "imaged just before the next long-acting dose; short-acting stopped 24 h before"
        checks.append(Check("Somatostatin analogue", "–", missing, "not recorded", "NETSPOT label"))
    order = _order(study)
    if order is not None:
        checks.append(order)
    checks.append(_field_of_view(study))
    return tuple(checks)
