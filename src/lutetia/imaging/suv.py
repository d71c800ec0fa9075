"""From what a header says to the factor that makes SUV of the rescaled stored values.

SUV = activity concentration [Bq/mL] × body weight [g] / activity at the time the values are corrected to [Bq]
(and lean mass, ideal weight or surface instead of the weight). Formulas: IBSI-SUV manual (Vácha, Zwanenburg et al.);
units and attributes: PS3.3 C.8.9. Whatever is missing, impossible or contradictory is refused with the element and
the option that settles it; there is no default weight, dose, time or half-life.
"""

from __future__ import annotations

import math
from dataclasses import replace

from lutetia.imaging.suv_body import SUV_BASES, normaliser
from lutetia.imaging.suv_decay import remaining
from lutetia.imaging.suv_evidence import SuvRefusedError
from lutetia.imaging.suv_injection import Uptake, parse_moment, uptake, uptake_by_hand
from lutetia.imaging.suv_inputs import SuvInputs
from lutetia.imaging.suv_reference import ReferenceTime, reference_time
from lutetia.imaging.suv_result import SuvScale
from lutetia.imaging.suv_uncorrected import mean_times
from lutetia.model import Refusal, UsageError
from lutetia.model.pet import Moment, PetFacts, Radiopharmaceutical, SuvOverrides, element

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


class _Working(SuvInputs):
    """One calculation, from the kind of stored value to the factor."""

    # -- the four kinds of stored value ---------------------------------------------------------------------------

    def scale(self) -> SuvScale:
        evidence, facts = self.evidence, self.facts
        self.check_rescale()
        units = (facts.units or "").strip().upper()
        evidence.use("Units", "MeasurementUnitsCodeSequence")
        if self.overrides.units is not None:
            evidence.entered("--units", units)
        if units == "BQML":
            return self._from_activity(None)
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
        self.refuse_overrides("the values are SUV already", allow={"weight_kg", "size_m", "sex", "units"})
        factor = self.renormalise(stored)
        reason = f"the values are SUV already ({text or ('BSA' if stored == 'bsa' else 'BW, as SUVType is absent')})"
        result = self._result([factor] * len(self.facts.frames) or [factor], None, reason, units, None, None)
        return _with_times_of(result, self._by_activity(None))

    def _by_activity(self, philips: list[float] | None) -> SuvScale | SuvRefusedError:
        """What the header gives as activity, dose and times; for comparison and for the record only."""
        try:
            return _Working(self.facts, SuvOverrides(), "bw")._from_activity(philips)
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
            return self._from_activity(activity)
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
        result = self._result([f * ratio for f in suv], None, reason, "CNTS", None, None)
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

    def _from_activity(self, philips: list[float] | None) -> SuvScale:
        """Bq/mL, as stored or by Philips' activity factor (one per frame)."""
        evidence, facts = self.evidence, self.facts
        decay = self.decay_correction()
        item = self.radiopharmaceutical()
        weight = self.weight()
        grams = normaliser(self.basis, weight, *self.size_and_sex(self.basis, weight))
        dose = self.dose(item)
        per_frame = [1.0] * max(1, len(facts.frames)) if philips is None else philips
        if decay == "ADMIN":
            given = item.start_datetime or item.start_time
            evidence.use("RadiopharmaceuticalStartDateTime", "RadiopharmaceuticalStartTime")
            moment = None if given is None else self._dated(given)
            return self._result(
                [f * grams / dose for f in per_frame],
                moment,
                "DecayCorrection (0054,1102) is ADMIN: the values are corrected to the injection",
                facts.units or "",
                None,
                grams / dose,
                dose=dose,
            )
        half_life = self.half_life(item)
        if decay == "NONE":
            return self._uncorrected(per_frame, grams, dose, half_life, item)
        reference = self._reference(half_life)
        since = self._uptake(item, half_life, reference.moment, "the decay reference")
        per_bqml = grams / (dose * remaining(since.seconds, half_life))
        return self._result(
            [f * per_bqml for f in per_frame],
            self._dated_like(reference.moment),
            reference.reason,
            facts.units or "",
            since,
            per_bqml,
            dose=dose,
            half_life=half_life,
        )

    def _uncorrected(
        self, per_frame: list[float], grams: float, dose: float, half_life: float, item: Radiopharmaceutical
    ) -> SuvScale:
        """Not decay-corrected: every frame has its own mean time, and its own factor."""
        evidence = self.evidence
        if self.is_entered("reference_time"):
            raise evidence.refuse(
                "override-not-applicable",
                "--reference-time can't be used: the images are not decay-corrected, every frame has its own time",
                "DecayCorrection",
            )
        means = mean_times(self.facts, half_life, evidence)
        first = min(range(len(means)), key=lambda i: means[i].clock_since(means[0]))
        since = self._uptake(item, half_life, means[first], "the mean time of the first frame")
        factors = []
        for moment, factor in zip(means, per_frame, strict=True):
            seconds = since.seconds + moment.clock_since(means[first])
            factors.append(factor * grams / (dose * remaining(seconds, half_life)))
        return self._result(
            factors,
            None,
            "DecayCorrection (0054,1102) is NONE: each frame is corrected from its own mean time to the injection",
            self.facts.units or "",
            since,
            None,
            dose=dose,
            half_life=half_life,
            first=first,
        )

    # -- times and the result ---------------------------------------------------------------------------------------

    def _reference(self, half_life: float) -> ReferenceTime:
        evidence = self.evidence
        text = self.overrides.reference_time
        if text is None:
            return reference_time(self.facts, half_life, evidence)
        moment = parse_moment(text)
        if moment is None:
            raise evidence.refuse(
                "override-unreadable",
                f"--reference-time {text!r} is no time; write 2025-01-31T13:05:00 or 13:05:00",
                "AcquisitionTime",
                "--reference-time",
            )
        evidence.entered("--reference-time", text)
        if moment.day is None:
            days = [f.acquisition.day for f in self.facts.frames if f.acquisition is not None]
            moment = moment.on(days[0] if days else None)
        return ReferenceTime(moment, "entered by hand", "override")

    def _uptake(self, item: Radiopharmaceutical, half_life: float, until: Moment, name: str) -> Uptake:
        if self.overrides.injection_time is not None:
            return uptake_by_hand(self.overrides.injection_time, until, name, half_life, self.evidence)
        return uptake(self.facts, item, half_life, until, name, self.evidence)

    def _dated(self, moment: Moment) -> Moment:
        """An undated time on the day of the first acquisition, for printing."""
        if moment.day is not None:
            return moment
        return self._dated_like(moment)

    def _dated_like(self, moment: Moment) -> Moment:
        for frame in self.facts.frames:
            if moment.day is None and frame.acquisition is not None and frame.acquisition.day is not None:
                return moment.on(frame.acquisition.day)
        return moment

    def _result(
        self,
        factors: list[float],
        reference: Moment | None,
        reason: str,
        units: str,
        since: Uptake | None,
        per_bqml: float | None,
        *,
        dose: float | None = None,
        half_life: float | None = None,
        first: int = 0,
    ) -> SuvScale:
        evidence, frames = self.evidence, self.facts.frames
        if frames:
            factors = [f * frame.unit_per_rescaled for f, frame in zip(factors, frames, strict=True)]
        if not all(math.isfinite(f) and f > 0 for f in factors):
            raise evidence.refuse("suv-factor-impossible", "The SUV factor is not a positive number", "Units")
        one = max(factors) - min(factors) <= 1e-9 * max(factors)
        if "ATTN" not in {p.strip().upper() for p in self.facts.corrected_image} and self.facts.corrected_image:
            evidence.warn(
                "not-attenuation-corrected",
                "CorrectedImage (0028,0051) does not list ATTN: SUV of images without attenuation correction is not "
                "quantitative",
            )
        return SuvScale(
            basis=self.basis,
            factor=factors[first],
            frame_factors=None if one else tuple(factors),
            unit=SUV_BASES[self.basis][1],
            stored_units=units,
            decay_reference=None if reference is None else reference.isoformat(),
            decay_reference_reason=reason,
            suv_per_bqml=per_bqml,
            elements=dict(evidence.elements),
            repairs=tuple(evidence.repairs),
            overrides=dict(evidence.overrides),
            warnings=tuple(evidence.issues),
            injection=None if since is None else since.injection,
            uptake_s=None if since is None else since.seconds,
            dose_bq=dose,
            weight_used_kg=self.weight_used_kg,
            half_life_s=half_life,
            frame_keys=tuple(f.key for f in frames),
        )


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
