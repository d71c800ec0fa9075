"""The inputs of the SUV factor, judged one by one: override, header, repair or refusal. Never a default."""

from __future__ import annotations

import math
from dataclasses import replace

from lutetia.imaging.suv_body import NEEDS_SEX, NEEDS_SIZE, SUV_BASES, normaliser
from lutetia.imaging.suv_decay import HALF_LIFE_S, nuclide, nuclide_of_half_life
from lutetia.imaging.suv_dose_unit import unclear_unit
from lutetia.imaging.suv_evidence import Evidence
from lutetia.model.pet import PetFacts, PetFrame, Radiopharmaceutical, SuvOverrides

_DOSE_MBQ_BELOW = 1e5  # a dose below this many "Bq" is MBq
_WEIGHT_KG = (0.3, 650.0)
_SIZE_M = (0.3, 3.0)


def _readable(frame: PetFrame) -> PetFrame:
    """A frame whose absurd times count as not given, so that what needs them refuses by name."""
    return replace(
        frame,
        frame_reference_s=_within(frame.frame_reference_s, -1e6, 1e8),
        duration_s=_within(frame.duration_s, 1e-6, 1e6),
        decay_factor=_within(frame.decay_factor, 0.0, 1e6),
    )


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def _when(item: Radiopharmaceutical) -> str:
    given = item.start_datetime or item.start_time
    return "time absent" if given is None else given.isoformat()


class SuvInputs:
    """The facts, the overrides and what was collected so far; each method gives one input or raises a refusal."""

    def __init__(self, facts: PetFacts, overrides: SuvOverrides, basis: str) -> None:
        self.overrides = overrides
        self.basis = basis
        if overrides.units is not None:
            facts = replace(facts, units=overrides.units.strip().upper())
        self.facts = replace(facts, frames=tuple(_readable(frame) for frame in facts.frames))
        self.evidence = Evidence(self.facts)
        self.weight_used_kg: float | None = None

    def check_rescale(self) -> None:
        """Refuse a slope that is not above 0, an intercept in PET, and an impossible Real World Value Mapping."""
        evidence = self.evidence
        for frame in self.facts.frames:
            slope, intercept = frame.rescale_slope, frame.rescale_intercept
            if slope is not None and not (math.isfinite(slope) and slope > 0):
                shown = f"{slope:g}" if math.isfinite(slope) else "no number"
                raise evidence.refuse(
                    "rescale-slope-impossible", f"RescaleSlope (0028,1053) is {shown} in an image", "RescaleSlope"
                )
            if intercept is not None and intercept != 0.0:
                raise evidence.refuse(
                    "rescale-intercept-not-zero",
                    f"RescaleIntercept (0028,1052) is {intercept:g}; in PET it must be 0 (PS3.3 C.8.9.4)",
                    "RescaleIntercept",
                )
            if not (math.isfinite(frame.unit_per_rescaled) and frame.unit_per_rescaled > 0):
                raise evidence.refuse(
                    "real-world-mapping-impossible",
                    f"The Real World Value Mapping has a slope of {frame.unit_per_rescaled:g} per rescaled unit",
                    "MeasurementUnitsCodeSequence",
                )

    def philips_factors(self, name: str) -> list[float] | None:
        """One private factor per frame; None where any frame lacks it."""
        values = [getattr(frame, name) for frame in self.facts.frames]
        if not values or any(v is None or not math.isfinite(v) or v <= 0 for v in values):
            return None
        return [float(v) for v in values]

    def is_entered(self, *names: str) -> bool:
        """Whether any of these was entered by hand."""
        return any(getattr(self.overrides, name) is not None for name in names)

    def refuse_overrides(self, because: str, *, allow: set[str]) -> None:
        """Refuse every value entered by hand that is not in `allow`: it would be ignored silently."""
        for flag in self.overrides.given():
            name = flag.removeprefix("--").replace("-", "_")
            if name not in allow:
                raise self.evidence.refuse(
                    "override-not-applicable", f"{flag} can't be applied: {because}", "Units", flag
                )

    def renormalise(self, stored: str) -> float:
        """From one normalisation to another, per SUV."""
        if stored == self.basis:
            return 1.0
        weight = self.weight()
        wanted = normaliser(self.basis, weight, *self.size_and_sex(self.basis, weight))
        given = normaliser(stored, weight, *self.size_and_sex(stored, weight))
        return wanted / given

    def decay_correction_as_given(self) -> str:
        """What was entered, else what the header says, in capitals; "" where neither says anything."""
        text = self.overrides.decay_correction or self.facts.decay_correction or ""
        return text.strip().upper()

    def decay_correction(self) -> str:
        """How the pixels are corrected for decay: "START", "ADMIN" or "NONE"; refused where nothing tells."""
        evidence, facts = self.evidence, self.facts
        evidence.use("DecayCorrection", "DecayCorrected", "CorrectedImage")
        text = self.decay_correction_as_given()
        corrected = {part.strip().upper() for part in facts.corrected_image}
        if self.overrides.decay_correction is not None:
            evidence.entered("--decay-correction", text)
        if text in ("START", "ADMIN", "NONE"):
            if self.overrides.decay_correction is None and corrected:
                if text == "NONE" and "DECY" in corrected:
                    evidence.warn(
                        "decay-correction-contradicted",
                        "DecayCorrection (0054,1102) is NONE but CorrectedImage (0028,0051) lists DECY; "
                        "DecayCorrection is followed",
                    )
                if text != "NONE" and "DECY" not in corrected:
                    evidence.warn(
                        "decay-correction-contradicted",
                        f"DecayCorrection (0054,1102) is {text} but CorrectedImage (0028,0051) does not list DECY; "
                        "DecayCorrection is followed",
                    )
            return text
        if text:
            said = repr(text) if text != "DIFFERING" else evidence.text("DecayCorrection")
            raise evidence.refuse(
                "decay-correction-unknown",
                f"DecayCorrection (0054,1102) is {said}; START, ADMIN or NONE was expected",
                "DecayCorrection",
                "--decay-correction",
            )
        if facts.modality == "NM" and corrected and "DECY" not in corrected:
            evidence.warn(
                "decay-correction-missing",
                "DecayCorrection (0054,1102) is missing and CorrectedImage (0028,0051) does not list DECY: "
                "the values are taken as not decay-corrected",
            )
            return "NONE"
        if facts.modality == "NM" and "DECY" in corrected:
            evidence.warn(
                "decay-correction-missing",
                "DecayCorrection (0054,1102) is missing (NM objects have no place for it); CorrectedImage (0028,0051) "
                "lists DECY: the values are taken as corrected to the start of the acquisition. If they are corrected "
                "to the injection, give --decay-correction ADMIN",
            )
            return "START"
        raise evidence.refuse(
            "decay-correction-missing",
            "DecayCorrection (0054,1102) is missing: to which time the values are corrected is unknown",
            "DecayCorrection",
            "--decay-correction",
        )

    def radiopharmaceutical(self) -> Radiopharmaceutical:
        """The one item that was injected; several that differ are refused."""
        items = self.facts.radiopharmaceuticals
        if not items:
            if self.is_entered("dose_mbq"):
                return Radiopharmaceutical()
            raise self.evidence.refuse(
                "radiopharmaceutical-missing",
                "RadiopharmaceuticalInformationSequence (0054,0016) is missing: dose, injection and half-life are "
                "unknown",
                "RadiopharmaceuticalInformationSequence",
                "--dose-mbq --injection-time --half-life-s",
            )
        first = items[0]
        if any(replace(i, agent_number=first.agent_number) != first for i in items[1:]):
            if self.is_entered("dose_mbq") and self.is_entered("injection_time") and self.is_entered("half_life_s"):
                return first
            listed = "; ".join(
                f"{i.name or i.radionuclide or '?'}: {i.total_dose} {i.dose_unit}, "
                f"{_when(i)}, half-life {'absent' if i.half_life_s is None else f'{i.half_life_s:g} s'}"
                for i in items
            )
            raise self.evidence.refuse(
                "several-radiopharmaceuticals",
                f"RadiopharmaceuticalInformationSequence (0054,0016) has {len(items)} different items ({listed}); "
                "which one these images show is unknown",
                "RadiopharmaceuticalInformationSequence",
                "--dose-mbq --injection-time --half-life-s",
            )
        return first

    def weight(self) -> float:
        """Body weight in kg."""
        self.weight_used_kg = self._weight()
        return self.weight_used_kg

    def _weight(self) -> float:
        evidence = self.evidence
        if self.overrides.weight_kg is not None:
            return evidence.entered_number("--weight-kg", self.overrides.weight_kg, *_WEIGHT_KG, "PatientWeight")
        evidence.use("PatientWeight")
        value = self.facts.weight_kg
        text = evidence.text("PatientWeight")
        if value is None:
            raise evidence.refuse(
                "weight-missing",
                f"PatientWeight (0010,1030) is {evidence.no_number('PatientWeight')}",
                "PatientWeight",
                "--weight-kg",
            )
        if value > 1000.0 and _WEIGHT_KG[0] <= value / 1000.0 <= _WEIGHT_KG[1]:
            evidence.repair(
                "weight-in-grams", f"PatientWeight (0010,1030) {text} is in g: {value / 1000.0:g} kg is used"
            )
            return value / 1000.0
        if not _WEIGHT_KG[0] <= value <= _WEIGHT_KG[1]:
            raise evidence.refuse(
                "weight-impossible",
                f"PatientWeight (0010,1030) {text} kg is impossible",
                "PatientWeight",
                "--weight-kg",
            )
        return value

    def size_and_sex(self, basis: str, weight: float) -> tuple[float | None, str | None]:
        """Height (m) and sex where the basis needs them, None where not; refused where the formula gives no body."""
        size = self.size(weight) if basis in NEEDS_SIZE else None
        sex = self.sex(basis) if basis in NEEDS_SEX else None
        if size is not None and normaliser(basis, weight, size, sex) <= 0.1 * weight:
            raise self.evidence.refuse(
                "body-formula-impossible",
                f"The formula for {SUV_BASES[basis][0]} gives {normaliser(basis, weight, size, sex) / 1e3:.1f} kg for "
                f"{weight:g} kg and {size:g} m",
                "PatientSize",
                "--size-m",
            )
        return size, sex

    def size(self, weight: float) -> float:
        """Body height in m."""
        evidence = self.evidence
        if self.overrides.size_m is not None:
            return evidence.entered_number("--size-m", self.overrides.size_m, *_SIZE_M, "PatientSize")
        evidence.use("PatientSize")
        value, text = self.facts.size_m, evidence.text("PatientSize")
        if value is None:
            said = evidence.no_number("PatientSize")
            raise evidence.refuse("size-missing", f"PatientSize (0010,1020) is {said}", "PatientSize", "--size-m")
        if value > 3.0 and _SIZE_M[0] <= value / 100.0 <= _SIZE_M[1]:
            evidence.repair("size-in-cm", f"PatientSize (0010,1020) {text} is in cm: {value / 100.0:g} m is used")
            return value / 100.0
        if not _SIZE_M[0] <= value <= _SIZE_M[1]:
            raise evidence.refuse(
                "size-impossible", f"PatientSize (0010,1020) {text} m is impossible", "PatientSize", "--size-m"
            )
        return value

    def sex(self, basis: str) -> str:
        """Sex for the body formulas: "M", "F" or "O" (the mean of both)."""
        evidence = self.evidence
        if self.overrides.sex is not None:
            sex = self.overrides.sex.strip().upper()
            if sex not in ("M", "F", "O"):
                raise evidence.refuse("override-impossible", f"--sex {sex!r}: M, F or O", "PatientSex", "--sex")
            evidence.entered("--sex", sex)
        else:
            evidence.use("PatientSex")
            sex = (self.facts.sex or "").strip().upper()
            if not sex:
                raise evidence.refuse(
                    "sex-missing",
                    f"PatientSex (0010,0040) is {evidence.text('PatientSex')}; {SUV_BASES[basis][0]} needs it",
                    "PatientSex",
                    "--sex",
                )
            if sex not in ("M", "F", "O"):
                raise evidence.refuse(
                    "sex-unknown", f"PatientSex (0010,0040) is {sex!r}; M, F or O was expected", "PatientSex", "--sex"
                )
        if sex == "O":
            evidence.warn(
                "sex-other",
                f"Sex is O: {SUV_BASES[basis][0]} is the mean of the formulas for men and women",
                level="info",
            )
        return sex

    def dose(self, item: Radiopharmaceutical) -> float:
        """Injected activity in Bq."""
        evidence = self.evidence
        if self.overrides.dose_mbq is not None:
            return (
                evidence.entered_number("--dose-mbq", self.overrides.dose_mbq, 0.1, 1e5, "RadionuclideTotalDose") * 1e6
            )
        evidence.use("RadionuclideTotalDose")
        value, text = item.total_dose, evidence.text("RadionuclideTotalDose")
        flag, keyword = "--dose-mbq", "RadionuclideTotalDose"
        if value is None:
            said = evidence.no_number("RadionuclideTotalDose")
            raise evidence.refuse("dose-missing", f"RadionuclideTotalDose (0018,1074) is {said}", keyword, flag)
        if not (math.isfinite(value) and value > 0):
            raise evidence.refuse("dose-impossible", f"RadionuclideTotalDose (0018,1074) is {text}", keyword, flag)
        if item.dose_unit == "Bq" and value < _DOSE_MBQ_BELOW and (unclear := unclear_unit(value, item)):
            raise evidence.refuse(
                "dose-unit-unclear", f"RadionuclideTotalDose (0018,1074) is {text}: {unclear}", keyword, flag
            )
        dose = value * 1e6 if value < _DOSE_MBQ_BELOW else value
        if not 1e5 <= dose <= 1e11:
            raise evidence.refuse(
                "dose-impossible",
                f"RadionuclideTotalDose (0018,1074) {text} is impossible, in Bq as in MBq",
                keyword,
                flag,
            )
        if item.dose_unit == "Bq" and value < _DOSE_MBQ_BELOW:
            evidence.repair(
                "dose-in-mbq",
                f"RadionuclideTotalDose (0018,1074) {text} is in MBq, not Bq: {dose:.6g} Bq is used",
            )
        if item.dose_unit == "MBq" and value >= _DOSE_MBQ_BELOW:
            evidence.repair(
                "dose-in-bq",
                f"RadionuclideTotalDose (0018,1074) {text} is in Bq although this kind of object has it in MBq: "
                f"{dose / 1e6:.6g} MBq is used",
            )
        return dose

    def half_life(self, item: Radiopharmaceutical) -> float:
        """Half-life in s: the header's, checked against the radionuclide."""
        evidence = self.evidence
        keyword, flag = "RadionuclideHalfLife", "--half-life-s"
        named = nuclide(item.radionuclide, item.radionuclide_code)
        if self.overrides.half_life_s is not None:
            return evidence.entered_number(flag, self.overrides.half_life_s, 60.0, 1e8, keyword)
        evidence.use(keyword, "RadionuclideCodeSequence")
        value, text = item.half_life_s, evidence.text(keyword)
        hint = "" if named is None else f"; the radionuclide code names {named}: {flag} {HALF_LIFE_S[named]:g}"
        if value is None:
            raise evidence.refuse(
                "half-life-missing",
                f"RadionuclideHalfLife (0018,1075) is {evidence.no_number(keyword)}{hint}",
                keyword,
                flag,
            )
        if not (math.isfinite(value) and 60.0 <= value <= 1e8):
            raise evidence.refuse(
                "half-life-impossible", f"RadionuclideHalfLife (0018,1075) is {text} s: impossible{hint}", keyword, flag
            )
        if named is not None and abs(value / HALF_LIFE_S[named] - 1.0) > 0.03:
            other = nuclide_of_half_life(value)
            if other is None:
                raise evidence.refuse(
                    "half-life-impossible",
                    f"RadionuclideHalfLife (0018,1075) {text} s is that of no known PET nuclide{hint}",
                    keyword,
                    flag,
                )
            evidence.warn(
                "half-life-contradicts-radionuclide",
                f"RadionuclideHalfLife (0018,1075) {text} s is that of {other}, but the radionuclide code names "
                f"{named} ({HALF_LIFE_S[named]:g} s); the half-life is used as written",
            )
        return value
