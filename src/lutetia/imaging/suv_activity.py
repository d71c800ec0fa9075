"""From activity concentration, injected activity and times to SUV.

SUV = activity concentration [Bq/mL] × N [g] / activity at the time the values are corrected to [Bq], N by the basis.
Decay Correction (0054,1102) says which time that is: the injection (ADMIN), the decay reference (START), or each
frame's own mean time (NONE). IBSI-SUV manual; PS3.3 C.8.9.
"""

from __future__ import annotations

import math

from lutetia.imaging.suv_body import SUV_BASES, normaliser
from lutetia.imaging.suv_decay import remaining
from lutetia.imaging.suv_injection import Uptake, parse_moment, uptake, uptake_by_hand
from lutetia.imaging.suv_inputs import SuvInputs
from lutetia.imaging.suv_readings import ReferenceTime
from lutetia.imaging.suv_reference import reference_time
from lutetia.imaging.suv_result import SuvScale
from lutetia.imaging.suv_uncorrected import mean_times
from lutetia.model.pet import Moment, Radiopharmaceutical


class SuvFromActivity(SuvInputs):
    """The factor by dose, weight and times, and the scale with everything it rests on."""

    def from_activity(self, philips: list[float] | None) -> SuvScale:
        """Bq/mL, as stored or by Philips' activity factor (one per frame).

        Raises
        ------
        SuvRefusedError
            An element is missing, impossible or contradictory.
        """
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
            return self.result(
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
        return self.result(
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
        return self.result(
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

    def result(
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
        """The scale of these factors, one per frame, with everything they rest on.

        Parameters
        ----------
        factors : SUV per rescaled unit, before a frame's own unit
        reference, reason : the time to which the values are corrected, and why that one
        units : as stored
        since : from the injection to that time
        per_bqml : SUV per Bq/mL, where there is one for all frames
        dose : injected activity, Bq
        half_life : s
        first : the frame whose factor stands for all
        """
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
        for flag, value in self.overrides.given().items():
            if flag not in evidence.overrides:
                evidence.warn(
                    "override-without-effect",
                    f"{flag} {value} changes nothing: SUV by {SUV_BASES[self.basis][0]} of these values does not "
                    "rest on it",
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
