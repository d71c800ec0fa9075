"""From what a header says to the factor that makes SUV of the rescaled stored values.

SUV = activity concentration [Bq/mL] × body weight [g] / activity at the time the values are corrected to [Bq]
(and lean mass, ideal weight or surface instead of the weight). Formulas: IBSI-SUV manual (Vácha, Zwanenburg et al.);
units and attributes: PS3.3 C.8.9. Whatever is missing, impossible or contradictory is refused with the element and
the option that settles it; there is no default weight, dose, time or half-life.
"""

from __future__ import annotations

from dataclasses import replace

from lutetia.imaging.suv_activity import SuvFromActivity
from lutetia.imaging.suv_body import SUV_BASES
from lutetia.imaging.suv_evidence import SuvRefusedError
from lutetia.imaging.suv_result import SuvScale
from lutetia.model import Refusal, UsageError
from lutetia.model.pet import PetFacts, SuvOverrides, element

__all__ = ["SuvScale", "suv_scale"]

#: SUV Type (0054,1006) → basis
_TYPES = {
    "": "bw",
    "BW": "bw",
    "LBM": "lbm",
    "LBMJAMES128": "lbmjames128",
    "LBMJANMA": "lbmjanma",
    "IBW": "ibw",
    "BSA": "bsa",
}


def suv_scale(facts: PetFacts, overrides: SuvOverrides | None = None, basis: str = "bw") -> SuvScale | Refusal:
    """SUV per unit of the rescaled stored value.

    Parameters
    ----------
    facts : PetFacts
    overrides : SuvOverrides, optional
        Values entered by hand; they replace the header's and are recorded.
    basis : str
        "bw" (default), "lbm" (James, 120), "lbmjames128", "lbmjanma", "ibw" or "bsa".

    Returns
    -------
    SuvScale or Refusal
        A refusal names the element at fault and the option that would settle it.

    Raises
    ------
    UsageError
        `basis` is not one of these.
    """
    if basis not in SUV_BASES:
        raise UsageError(
            "unknown-suv-basis", f"SUV basis {basis!r} is unknown", expected=", ".join(SUV_BASES), where="--basis"
        )
    try:
        return _Working(facts, overrides or SuvOverrides(), basis).scale()
    except SuvRefusedError as refused:
        return _with_what_else(facts, overrides or SuvOverrides(), refused.refusal)


def _with_what_else(facts: PetFacts, overrides: SuvOverrides, refusal: Refusal) -> Refusal:
    """Name the other elements that are missing too, so that one reading tells all."""
    if not refusal.code.endswith("-missing"):
        return refusal
    item = facts.radiopharmaceuticals[0] if facts.radiopharmaceuticals else None
    absent = {
        "Units": not facts.units and overrides.units is None,
        "PatientWeight": facts.weight_kg is None and overrides.weight_kg is None,
        "RadiopharmaceuticalInformationSequence": item is None,
        "RadionuclideTotalDose": item is not None and item.total_dose is None and overrides.dose_mbq is None,
        "RadionuclideHalfLife": item is not None and item.half_life_s is None and overrides.half_life_s is None,
        "DecayCorrection": not facts.decay_correction and overrides.decay_correction is None,
        "AcquisitionTime": not any(f.acquisition for f in facts.frames) and overrides.reference_time is None,
    }
    also = [element(keyword) for keyword, missing in absent.items() if missing and element(keyword) != refusal.element]
    if not also or facts.units in ("GML", "CM2ML"):
        return refusal
    return refusal.model_copy(update={"message": f"{refusal.message}; missing as well: {', '.join(also)}"})


class _Working(SuvFromActivity):
    """One calculation, from the kind of stored value to the factor: Bq/mL, counts, SUV, or none of these."""

    def scale(self) -> SuvScale:
        evidence, facts = self.evidence, self.facts
        self.check_rescale()
        units = (facts.units or "").strip().upper()
        evidence.use("Units", "MeasurementUnitsCodeSequence")
        if self.overrides.units is not None:
            evidence.entered("--units", units)
        if units == "BQML":
            return self.from_activity(None)
        if units == "CNTS":
            return self._from_counts()
        if units in ("GML", "CM2ML"):
            return self._from_suv(units)
        if not units:
            raise evidence.refuse(
                "units-missing", "Units (0054,1001) is missing: the values can't be made SUV", "Units", "--units"
            )
        said = repr(units) if units != "DIFFERING" else evidence.text("Units")
        raise evidence.refuse(
            "units-not-convertible",
            f"Units (0054,1001) is {said}: such values can't be made SUV (BQML, GML, CM2ML and Philips' CNTS can)",
            "Units",
        )

    def _from_suv(self, units: str) -> SuvScale:
        """Values that are SUV already: change the normalisation, nothing else. Dose and times play no part."""
        evidence = self.evidence
        evidence.use("SUVType")
        text = (self.facts.suv_type or "").strip().upper()
        if text not in _TYPES:
            said = repr(text) if text != "DIFFERING" else evidence.text("SUVType")
            raise evidence.refuse("suv-type-unknown", f"SUVType (0054,1006) is {said}", "SUVType")
        stored = "bsa" if units == "CM2ML" and not text else _TYPES[text]
        if units == "CM2ML" and stored != "bsa":
            raise evidence.refuse(
                "suv-type-contradicts-units",
                f"Units (0054,1001) is CM2ML but SUVType (0054,1006) is {text}",
                "SUVType",
            )
        if units == "GML" and stored == "bsa":
            evidence.warn(
                "suv-type-contradicts-units",
                "SUVType (0054,1006) is BSA although Units (0054,1001) is GML; the values are read as cm²/mL",
            )
        allowed = {"size_m", "sex", "units"} | ({"weight_kg"} if stored != self.basis else set())
        self.refuse_overrides("the values are SUV already", allow=allowed)
        factor = self.renormalise(stored)
        reason = f"the values are SUV already ({text or ('BSA' if stored == 'bsa' else 'BW, as SUVType is absent')})"
        result = self.result([factor] * len(self.facts.frames) or [factor], None, reason, units, None, None)
        return _with_times_of(result, self._by_activity(None))

    def _by_activity(self, philips: list[float] | None) -> SuvScale | SuvRefusedError:
        """What the header gives as activity, dose and times; for comparison and for the record only."""
        try:
            return SuvFromActivity(self.facts, SuvOverrides(), "bw").from_activity(philips)
        except SuvRefusedError as refused:
            return refused

    def _from_counts(self) -> SuvScale:
        evidence, facts = self.evidence, self.facts
        evidence.use("Manufacturer", "PhilipsSUVScaleFactor", "PhilipsActivityConcentrationScaleFactor")
        if facts.vendor != "Philips" and not facts.philips_creator:
            raise evidence.refuse(
                "counts-without-factor",
                f"Units (0054,1001) is CNTS and the manufacturer is {facts.manufacturer or 'not given'!r}: "
                "only Philips' private factors turn counts into activity",
                "Units",
            )
        suv = self.philips_factors("philips_suv_factor")
        activity = self.philips_factors("philips_activity_factor")
        if suv is None and activity is None:
            raise evidence.refuse(
                "counts-without-factor",
                "Units (0054,1001) is CNTS, and neither the SUV factor (7053,1000) nor the activity factor (7053,1009) "
                f"of Philips can be used ({evidence.text('PhilipsSUVScaleFactor')}; "
                f"{evidence.text('PhilipsActivityConcentrationScaleFactor')})",
                "PhilipsSUVScaleFactor",
            )
        undecayed = self.decay_correction_as_given() == "NONE"
        by_hand = self.is_entered("weight_kg", "dose_mbq", "injection_time", "reference_time", "half_life_s")
        if activity is not None and (suv is None or undecayed or by_hand):
            return self.from_activity(activity)
        assert suv is not None
        if undecayed:
            raise evidence.refuse(
                "philips-factor-needs-decay-correction",
                "DecayCorrection (0054,1102) is NONE: Philips' SUV factor (7053,1000) can't be used, "
                "and the activity factor (7053,1009) is missing",
                "PhilipsActivityConcentrationScaleFactor",
            )
        self.refuse_overrides("Philips' SUV factor (7053,1000) already holds weight, dose and times",
                          allow={"size_m", "sex", "units", "decay_correction"})  # fmt: skip
        ratio = self.renormalise("bw")
        reason = "Philips' SUV factor (7053,1000), which holds weight, dose and decay"
        second = None if activity is None else self._factors_agree(suv, activity)
        if second is not None and self._too_coarse(suv, second):
            return second
        result = self.result([f * ratio for f in suv], None, reason, "CNTS", None, None)
        if second is None:
            return result
        return replace(
            _with_times_of(result, second),
            decay_reference=second.decay_reference,
            decay_reference_reason=f"{reason}; the times give {second.decay_reference_reason}",
        )

    def _too_coarse(self, suv: list[float], second: SuvScale) -> bool:
        """Whether (7053,1000) was written with so few digits that the other way is the better one."""
        rounding = _rounding(self.evidence.text("PhilipsSUVScaleFactor"), suv[0])
        return self.basis == "bw" and rounding > 0.005 and abs(suv[0] / second.factor - 1.0) <= 1.2 * rounding

    def _factors_agree(self, suv: list[float], activity: list[float]) -> SuvScale | None:
        """Both Philips factors must say the same, as far as the header lets us work out the second way."""
        second = self._by_activity(activity)
        if isinstance(second, SuvRefusedError):
            self.evidence.warn(
                "philips-factors-not-compared",
                f"Philips' SUV factor (7053,1000) could not be checked with (7053,1009): {second.refusal.message}",
                level="info",
            )
            return None
        apart = suv[0] / second.factor - 1.0
        rounding = 1.2 * _rounding(self.evidence.text("PhilipsSUVScaleFactor"), suv[0])
        self.evidence.elements.update(second.elements)
        if abs(apart) > max(0.02, rounding):
            self.evidence.warn(
                "philips-factors-disagree",
                f"Philips' SUV factor (7053,1000) gives {suv[0]:.6g} SUV per count; the activity factor (7053,1009) "
                f"with dose, weight and times gives {second.factor:.6g} ({100 * apart:+.1f} %); the SUV factor is used",
            )
        return second


def _with_times_of(result: SuvScale, other: SuvScale | SuvRefusedError) -> SuvScale:
    """Injection, uptake and dose beside a factor that does not rest on them."""
    if isinstance(other, SuvRefusedError):
        return result
    return replace(
        result,
        injection=other.injection,
        uptake_s=other.uptake_s,
        dose_bq=other.dose_bq,
        weight_used_kg=other.weight_used_kg,
        half_life_s=other.half_life_s,
    )


def _rounding(text: str, value: float) -> float:
    """Relative error that the digits of a decimal text leave: "0.000027" → 0.0185."""
    mantissa, _, exponent = text.strip().lower().partition("e")
    try:
        power = int(exponent or 0) - len(mantissa.partition(".")[2])
    except ValueError:
        return 0.0
    return float(0.5 * 10.0**power / value)
