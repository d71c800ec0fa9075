"""Is this SUV believable? Warnings about dose, weight, uptake time, residual, liver, glucose, injection site.

None of these changes a number. Windows with a source carry it; the wide limits on dose, weight and uptake are plain
sense and say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lutetia.imaging.components import components, hot_voxels
from lutetia.imaging.suv import SuvScale
from lutetia.imaging.suv_decay import nuclide_of_half_life, remaining
from lutetia.imaging.suv_dose_unit import in_words, readings, usual_range
from lutetia.model import Issue, Volume
from lutetia.model.pet import PetFacts

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Accepted range of one quantity, with where it comes from."""

    low: float
    high: float
    source: str

    def outside(self, value: float) -> bool:
        """Whether `value` lies outside."""
        return not self.low <= value <= self.high


_LABEL = "Netspot prescribing information"
_EANM_FDG = "EANM FDG guideline 2.0"
#: tracer → minutes from injection to scan
UPTAKE_MIN: dict[str, Window] = {
    "dotatate": Window(40, 90, _LABEL),
    "cu64-dotatate": Window(45, 90, "Detectnet prescribing information"),
    "fdg": Window(55, 75, _EANM_FDG),
}
#: tracer → injected MBq
DOSE_MBQ: dict[str, Window] = {
    "dotatate": Window(0, 200, f"{_LABEL}: 2 MBq/kg, at most 200 MBq"),
    "dotatoc": Window(111, 185, "68Ga-DOTATOC prescribing information"),
    "cu64-dotatate": Window(133, 163, "Detectnet prescribing information: 148 MBq ± 10 %"),
}
#: tracer → SUVmean (bw) of normal liver. FDG: 1.3–3.0 is met by 95 % of adults (Boellaard 2015); SSTR agonists:
#: 2.3–12.4 in 81 patients with 68Ga-DOTATATE, widened to whole numbers
LIVER_SUV: dict[str, Window] = {
    "fdg": Window(1.0, 4.0, "liver SUVmean 1.3–3.0 in most adults"),
    "dotatate": Window(1.5, 15.0, "2.3–12.4 in 81 patients"),
    "dotatoc": Window(1.5, 15.0, "as 68Ga-DOTATATE"),
    "dotanoc": Window(1.5, 15.0, "as 68Ga-DOTATATE"),
    "cu64-dotatate": Window(1.5, 18.0, "as 68Ga-DOTATATE"),
}
_ANY_DOSE_MBQ = {"PT": Window(10, 1000, "usual for PET"), "NM": Window(20, 12000, "usual for SPECT")}
_ANY_WEIGHT_KG = Window(20, 250, "usual for adults")
#: nuclide → latest usual start of a scan in minutes
_LATEST_MIN = {"18F": 240.0, "68Ga": 180.0, "11C": 90.0, "13N": 40.0, "15O": 20.0, "82Rb": 15.0, "64Cu": 1500.0}
#: of the dose, in a field of this length: a part of the trunk or the head holds ten times as much
LEAST_SHARE, LONG_FIELD_MM = 0.005, 200.0
GLUCOSE_MMOL_L = 11.1
FASTING_H = 4.0


def acquisition_warnings(facts: PetFacts, scale: SuvScale, tracer: str = "") -> tuple[Issue, ...]:
    """What is unusual in dose, weight, uptake time and, for FDG, glucose and fasting, as far as it is recorded.

    Parameters
    ----------
    tracer : key of the tracer ("dotatate", "fdg" …), "" when it is not known
    """
    found: list[Issue] = []
    if scale.dose_bq is not None:
        found += _dose(facts, scale.dose_bq / 1e6, tracer)
        found += _residual(facts, scale.dose_bq)
    if scale.weight_used_kg is not None and _ANY_WEIGHT_KG.outside(scale.weight_used_kg):
        found.append(_caution("weight-unusual", f"Body weight is {scale.weight_used_kg:g} kg: is it right?"))
    if scale.uptake_s is not None:
        found += _uptake(facts, scale, tracer)
    if tracer == "fdg":
        if facts.glucose_mmol_l is not None and facts.glucose_mmol_l > GLUCOSE_MMOL_L:
            found.append(
                _caution(
                    "glucose-high",
                    f"Blood glucose is {facts.glucose_mmol_l:.1f} mmol/L: above 11 mmol/L FDG uptake of tumours falls "
                    f"({_EANM_FDG})",
                )
            )
        if facts.fasting_h is not None and facts.fasting_h < FASTING_H:
            found.append(
                _caution(
                    "fasting-short", f"Fasting lasted {facts.fasting_h:g} h; at least 4 h are asked for ({_EANM_FDG})"
                )
            )
    return tuple(found)


def _caution(code: str, message: str) -> Issue:
    return Issue(code=code, level="caution", message=message)


def _dose(facts: PetFacts, mbq: float, tracer: str) -> list[Issue]:
    wide = _ANY_DOSE_MBQ["NM" if facts.modality == "NM" else "PT"]
    window = DOSE_MBQ.get(tracer)
    therapy = any("177" in item.radionuclide for item in facts.radiopharmaceuticals)
    if wide.outside(mbq) and not (therapy and mbq <= 12000):
        return [_caution("dose-unusual", f"The injected dose is {mbq:.4g} MBq: is it right?{_other_unit(facts)}")]
    if window is not None and window.outside(mbq):
        return [
            _caution(
                "dose-outside-window",
                f"The injected dose is {mbq:.4g} MBq, outside {window.low:g}–{window.high:g} MBq ({window.source})",
            )
        ]
    return []


def _other_unit(facts: PetFacts) -> str:
    """In which other unit the number in the header would be a usual dose."""
    items = facts.radiopharmaceuticals
    number = items[0].total_dose if items else None
    if number is None:
        return ""
    found = readings(number, usual_range(items[0]))
    return f" {in_words(f'{number:g}', found)}" if set(found) - {"MBq"} else ""


def _uptake(facts: PetFacts, scale: SuvScale, tracer: str) -> list[Issue]:
    minutes = (scale.uptake_s or 0.0) / 60.0
    if "DYNAMIC" in facts.series_type:
        return []
    nuclide = nuclide_of_half_life(scale.half_life_s) if scale.half_life_s else None
    latest = _LATEST_MIN.get(nuclide or "")
    if minutes < 5 or (latest is not None and minutes > latest):
        return [
            _caution("uptake-time-unusual", f"The scan began {minutes:.0f} min after injection: are the times right?")
        ]
    window = UPTAKE_MIN.get(tracer)
    if window is not None and window.outside(minutes):
        return [
            _caution(
                "uptake-time-outside-window",
                f"The scan began {minutes:.0f} min after injection, outside {window.low:g}–{window.high:g} min "
                f"({window.source})",
            )
        ]
    return []


def _residual(facts: PetFacts, dose_bq: float) -> list[Issue]:
    """Where GE kept the syringe's measurements: is the dose what was measured less what stayed in the syringe?"""
    ge, items = facts.ge, facts.radiopharmaceuticals
    half_life = items[0].half_life_s if items else None
    if ge.measured_mbq is None or ge.measured_at is None or ge.administration is None or not half_life:
        return []
    full = ge.measured_mbq * remaining(ge.administration.clock_since(ge.measured_at), half_life)
    rest = 0.0
    if ge.residual_mbq and ge.residual_at is not None:
        rest = ge.residual_mbq * remaining(ge.administration.clock_since(ge.residual_at), half_life)
    if full <= 0 or rest < 0:
        return []
    net, dose = full - rest, dose_bq / 1e6
    if abs(dose / net - 1.0) <= 0.02 if net > 0 else False:
        if rest / full > 0.2:
            return [
                _caution(
                    "residual-large", f"{rest:.3g} of {full:.4g} MBq stayed in the syringe ({100 * rest / full:.0f} %)"
                )
            ]
        return []
    if abs(dose / full - 1.0) <= 0.02 and rest / full > 0.02:
        return [
            _caution(
                "residual-not-subtracted",
                f"RadionuclideTotalDose is {dose:.4g} MBq, the full syringe; {rest:.3g} MBq stayed in it, so SUV is "
                f"{100 * rest / net:.1f} % too low",
            )
        ]
    return [
        _caution(
            "dose-contradicts-syringe",
            f"RadionuclideTotalDose is {dose:.4g} MBq, but the scanner's own record of the syringe gives {net:.4g} MBq "
            f"({full:.4g} before, {rest:.3g} left)",
        )
    ]


def liver_warning(suv_mean: float, tracer: str, basis: str = "bw") -> Issue | None:
    """Whether the liver's SUVmean is so unusual that dose, weight or time may be wrong.

    Parameters
    ----------
    suv_mean : SUVmean of normal liver
    tracer : key of the tracer; without a window for it nothing is said
    basis : only "bw" has windows
    """
    window = LIVER_SUV.get(tracer)
    if window is None or basis != "bw" or not window.outside(suv_mean):
        return None
    return _caution(
        "liver-suv-unusual",
        f"SUVmean of the liver is {suv_mean:.2f}, outside {window.low:g}–{window.high:g} ({window.source}): check "
        "dose, weight and times, and whether the liver is healthy",
    )


def total_activity_warning(suv: Volume, weight_kg: float | None) -> Issue | None:
    """More activity in the field than was injected, or next to none: dose, weight, time or unit must be wrong.

    Σ SUVbw × voxel volume / body weight is the share of the decayed dose that lies in the field of view. Too little
    is said of fields 20 cm long and more only: a wrong unit (kBq for Bq) is off by a thousand, a short field by its
    length.
    """
    if weight_kg is None or suv.unit != "SUVbw":
        return None
    share = float(suv.array.sum(dtype=np.float64)) * suv.grid.voxel_ml / (weight_kg * 1e3)
    if share < LEAST_SHARE and suv.grid.shape[0] * suv.grid.spacing_mm[0] >= LONG_FIELD_MM:
        return _caution(
            "activity-far-below-dose",
            f"Only {100 * share:.2g} % of the injected dose seems to lie in {suv.grid.shape[0]} slices: is the unit of "
            "the values, the dose or the weight right?",
        )
    if share <= 1.3:
        return None
    return Issue(
        code="activity-exceeds-dose",
        level="error" if share > 2 else "caution",
        message=f"{100 * share:.0f} % of the injected dose seems to lie in the field of view: dose, weight or time is "
        "wrong",
    )


def injection_site_warning(
    suv: Volume, weight_kg: float | None, *, body: Bool | None = None, least_share: float = 0.01
) -> Issue | None:
    """Tracer left at the injection site: a hot focus in a limb or at the edge of the body.

    Parameters
    ----------
    suv : SUVbw volume (z, y, x)
    weight_kg : body weight, for the share of the dose
    body : mask of the body where one is known; else everything above 0.05 SUV after smoothing
    least_share : share of the dose below which nothing is said

    Notes
    -----
    A focus counts when it lies off the trunk (in a part of the body that is separate from the largest one in its
    slice) or, touching it, in the outer tenth of the body's width. What such a focus holds never reached the
    circulation, so SUV everywhere else is too low by about its share of the dose.
    """
    if weight_kg is None or suv.unit != "SUVbw":
        return None
    foci = components(hot_voxels(suv.array, float(np.nextafter(np.float32(10), np.float32(11)))), suv.grid.shape)
    if len(foci) > 2000:
        return None
    lateral = int(np.argmax(np.abs(np.asarray(suv.grid.direction)[0])))
    for index in range(len(foci)):
        voxels = foci.indices(index)
        share = float(suv.array[tuple(voxels.T)].sum(dtype=np.float64)) * suv.grid.voxel_ml / (weight_kg * 1e3)
        if share < least_share:
            continue
        centre = voxels.mean(axis=0)
        if not _off_trunk(suv, centre, lateral, body):
            continue
        x, y, z = suv.grid.to_lps(centre)
        return _caution(
            "injection-site",
            f"{100 * share:.1f} % of the dose lies in a focus in a limb or at the body's edge, at ({x:.0f}, {y:.0f}, "
            f"{z:.0f}) mm: if this is the injection site, SUV elsewhere is too low by about that share",
        )
    return None


def _off_trunk(suv: Volume, centre: npt.NDArray[np.float64], lateral: int, body: Bool | None) -> bool:
    if lateral == 0:
        return False
    z = round(float(centre[0]))
    row, column = round(float(centre[1])), round(float(centre[2]))
    plane = suv.array[z]
    outline = body[z] if body is not None else ndimage.uniform_filter(np.minimum(plane, 5.0), 3) > 0.05
    outline = ndimage.binary_fill_holes(outline)
    parts, count = ndimage.label(outline)
    here = int(parts[row, column])
    if count == 0 or here == 0:
        return False
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if sizes[here] < 0.3 * sizes.max():
        return True
    along = np.flatnonzero((parts == here).any(axis=0 if lateral == 2 else 1))
    at = column if lateral == 2 else row
    width = along[-1] - along[0]
    spacing = suv.grid.spacing_mm[lateral]
    return bool(width * spacing > 350 and min(at - along[0], along[-1] - at) < 0.1 * width)
