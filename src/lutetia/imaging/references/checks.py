"""Plausibility of reference values per tracer: wide limits, each with its reason; a breach is a caution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lutetia.imaging.anatomy.liver import HOTTEST_SSTR_LIVER
from lutetia.imaging.anatomy.verdicts import HOTTEST_FDG_LIVER
from lutetia.model import Tracer


@dataclass(frozen=True)
class Plausible:
    """Wide ranges of one tracer class.

    `liver`, `blood` are SUVmean ranges; `spleen_to_liver` the ratio; `blood_to_liver` the highest ratio;
    `spleen_to_blood` the lowest: the spleen holds much blood, muscle in its place takes up less than half of it.
    None = no limit known.
    """

    liver: tuple[float, float] | None = None
    blood: tuple[float, float] | None = None
    spleen_to_liver: tuple[float, float] | None = None
    blood_to_liver: float | None = None
    spleen_to_blood: float | None = None


#: Wide limits. SSTR agonists: blood pool < liver < spleen. FDG: PERCIST-era livers 1.2 to 4.5, above blood pool an hour
#: after injection (3 in 100 simulated ones are not), spleen near liver.
#: SSTR antagonists: lower liver and spleen, higher early blood pool. Other tracers have none.
RANGES: dict[str, Plausible] = {
    "sstr_agonist": Plausible((1.5, HOTTEST_SSTR_LIVER), (0.3, 3.5), (1.1, 12.0), 0.9, 1.5),
    "sstr_antagonist": Plausible((0.5, 12.0), (0.3, 5.0), (0.8, 12.0), 1.1, 0.7),
    "glucose": Plausible((1.0, HOTTEST_FDG_LIVER), (0.6, 3.5), (0.42, 1.6), 1.0, 0.6),
}


def implausible(tracer: Tracer, values: Mapping[str, float | None], sure: Mapping[str, bool]) -> dict[str, list[str]]:
    """Reasons per reference that its value does not fit the tracer or the other references.

    A relation between two references blames the one whose own placement is not sure; when both are sure, both. Only an
    FDG liver below a blood pool that is sure and in its usual range is blamed alone: cold metastases, fat and insulin
    lower the liver's uptake, and nothing raises that of blood so far.

    Parameters
    ----------
    tracer : its class chooses the ranges; SPECT has none for single values
    values : SUV per reference name, None where there is none
    sure : whether each reference passed its own checks
    """
    found: dict[str, list[str]] = {name: [] for name in ("liver", "spleen", "blood_pool")}
    limits = RANGES.get(tracer.binds)
    if limits is None:
        return found
    liver, spleen, blood = (values.get(n) for n in ("liver", "spleen", "blood_pool"))
    single = tracer.modality == "PET"
    if single and liver is not None and limits.liver and not limits.liver[0] <= liver <= limits.liver[1]:
        found["liver"].append(f"liver SUV {liver:.2f} is outside the usual {limits.liver[0]:g} to {limits.liver[1]:g}")
    if single and blood is not None and limits.blood and not limits.blood[0] <= blood <= limits.blood[1]:
        found["blood_pool"].append(
            f"blood pool SUV {blood:.2f} is outside the usual {limits.blood[0]:g} to {limits.blood[1]:g}"
        )

    def blame(first: str, second: str, reason: str) -> None:
        for name, other in ((first, second), (second, first)):
            if not sure.get(name, False) or sure.get(other, False):
                found[name].append(reason)

    if liver and spleen is not None and limits.spleen_to_liver:
        ratio = spleen / liver
        if ratio < limits.spleen_to_liver[0]:
            blame("liver", "spleen", f"spleen is {ratio:.2f} × liver, below the usual order")
        elif ratio > limits.spleen_to_liver[1]:
            blame("liver", "spleen", f"spleen is {ratio:.1f} × liver, more than usual")
    if liver and blood is not None and limits.blood_to_liver and blood > limits.blood_to_liver * liver:
        reason = f"blood pool is {blood / liver:.2f} × liver, above the usual order"
        usual = limits.blood is None or limits.blood[0] <= blood <= limits.blood[1]
        if tracer.binds == "glucose" and usual and sure.get("blood_pool", False):
            found["liver"].append(reason)
        else:
            blame("liver", "blood_pool", reason)
    if spleen is not None and blood and limits.spleen_to_blood and spleen < limits.spleen_to_blood * blood:
        blame("spleen", "blood_pool", f"spleen is {spleen / blood:.2f} × blood pool, as low as muscle")
    return found
