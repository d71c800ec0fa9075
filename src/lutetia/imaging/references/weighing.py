"""The references held against one another and against what the tracer allows; what is reported, and what it raises."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lutetia.imaging.references.checks import RANGES, implausible
from lutetia.imaging.references.draft import Draft, Status
from lutetia.imaging.references.region import Placed
from lutetia.imaging.references.settings import ReferenceSettings
from lutetia.model import Issue, Reference, Tracer
from lutetia.model.region import Region
from lutetia.model.study import Suspicion

#: FDG in tissue so far below blood pool is no liver at all
FAR_BELOW = 0.8


@dataclass(frozen=True)
class References:
    """The references by name, the issues they raise, and where they were measured.

    `regions` holds voxels of the PET grid: ``"liver"`` the whole-organ region, ``"liver:classical"`` the sphere or
    cylinder; likewise ``spleen`` and ``blood_pool``. What was not measured is missing.
    """

    by_name: dict[str, Reference]
    issues: tuple[Issue, ...]
    regions: dict[str, Region] = field(default_factory=dict)


def _tumour_level(value: float, tracer: Tracer, reasons: list[str]) -> bool:
    """Whether a doubtful liver is too hot to be liver: far above the usual range, or above it with another doubt."""
    limits = RANGES.get(tracer.binds)
    if limits is None or limits.liver is None or tracer.modality != "PET":
        return False
    return value > 1.5 * limits.liver[1] or (value > limits.liver[1] and len(reasons) > 1)


def _below_blood(value: float, blood: float | None, tracer: Tracer) -> bool:
    """Whether a doubtful FDG liver is too cold to be liver: normal liver takes up more FDG than blood an hour later.

    Well differentiated metastases do not; where they are the majority, the most frequent tissue lies below blood pool.
    """
    return tracer.binds == "glucose" and blood is not None and value < blood


def _not_blood(value: float | None, liver: float | None, tracer: Tracer) -> bool:
    """Whether a blood pool on PET is too hot to be blood: above its usual range and as hot as the liver.

    Then the track of the aorta runs through another organ (liver, in a field that cuts the chest away).
    """
    limits = RANGES.get(tracer.binds)
    if limits is None or limits.blood is None or tracer.modality != "PET":
        return False
    if value is None or liver is None:
        return False
    return value > limits.blood[1] and value > 0.8 * liver


def _above_blood(hotter: Placed | None, blood: float | None) -> Placed | None:
    """The hotter part of a liver with cold tumour, where it takes up the FDG of a liver: 0.8 to 2.5 times blood."""
    if hotter is None or not blood:
        return None
    return hotter if FAR_BELOW < hotter.measure.suv_mean / blood < 2.5 else None


def _without_tumour(
    draft: Draft, reasons: list[str], suspected: list[Suspicion], blood: float | None, tracer: Tracer
) -> tuple[Placed | None, Placed | None]:
    """Classical and whole region of a doubtful liver, less those whose uptake is that of tumour; adds the reason."""
    classical, whole = draft.classical, draft.whole
    if whole is not None and _tumour_level(whole.measure.suv_mean, tracer, reasons):
        suspected.append("tumour")
        reasons.append("no value is given: so hot a liver is most likely tumour")
        return None, None
    if whole is not None and _below_blood(whole.measure.suv_mean, blood, tracer):
        above = _above_blood(draft.hotter, blood)
        if above is not None:
            suspected.append("tumour")
            reasons.append(
                "tissue below blood pool on FDG is most likely cold tumour: the hotter part is taken for liver"
            )
            return None, above
        if whole.measure.suv_mean < FAR_BELOW * (blood or 0.0):
            suspected.append("tumour")
            reasons.append("no value is given: tissue below blood pool on FDG is most likely cold tumour, not liver")
            return None, None
    return classical, whole


def _disagreement(
    name: str, classical: Placed | None, whole: Placed | None, settings: ReferenceSettings
) -> list[Issue]:
    """The issue of two estimates that differ by more than both the share and the standard errors allow."""
    if classical is None or whole is None:
        return []
    small, large = classical.measure, whole.measure
    gap = abs(small.suv_mean - large.suv_mean)
    error = float(np.hypot(small.standard_error, large.standard_error))
    if not (gap > settings.disagreement * large.suv_mean and gap > settings.disagreement_sigma * error):
        return []
    return [
        Issue(
            code="reference-estimates-disagree",
            message=f"{name.replace('_', ' ')}: the classical region gives {small.suv_mean:.2f}, "
            f"the whole organ {large.suv_mean:.2f}.",
            where=name,
        )
    ]


def _record(
    name: str,
    status: Status,
    reasons: list[str],
    suspected: list[Suspicion],
    chosen: Placed | None,
    classical: Placed | None,
    whole: Placed | None,
) -> Reference:
    """What stands in the record of the study."""
    reported = None if chosen is None else chosen.measure
    return Reference(
        name=name,
        status=status,
        reasons=tuple(dict.fromkeys(reasons)),
        suspected=tuple(sorted(set(suspected))),
        method="" if reported is None else reported.method,
        suv_mean=None if reported is None else reported.suv_mean,
        suv_sd=None if reported is None else reported.suv_sd,
        suv_max=None if reported is None else reported.suv_max,
        standard_error=None if reported is None else reported.standard_error,
        volume_ml=None if reported is None else reported.volume_ml,
        centroid_mm=None if reported is None else reported.centroid_mm,
        classical=None if classical is None else classical.measure,
        whole_organ=None if whole is None else whole.measure,
    )


def weighed(drafts: dict[str, Draft], tracer: Tracer, settings: ReferenceSettings) -> References:
    """Compare the references, choose what is reported, write records and issues."""
    values = {n: (None if d.whole is None else d.whole.measure.suv_mean) for n, d in drafts.items()}
    pool = drafts["blood_pool"]
    if pool.status != "user" and _not_blood(values["blood_pool"], values["liver"], tracer):
        # what is not blood says nothing of the liver either
        why = f"no value is given: SUV {values['blood_pool']:.2f}, as hot as the liver, is no blood"
        empty = replace(pool, status="caution", reasons=[*pool.reasons, why], whole=None, classical=None, trusted=False)
        drafts, values = {**drafts, "blood_pool": empty}, {**values, "blood_pool": None}
    odd = implausible(tracer, values, {n: d.trusted for n, d in drafts.items()})
    blood = values["blood_pool"] if drafts["blood_pool"].trusted else None
    records: dict[str, Reference] = {}
    regions: dict[str, Region] = {}
    issues: list[Issue] = []
    for name, draft in drafts.items():
        status, reasons, suspected = draft.status, [*draft.reasons, *odd[name]], list(draft.suspected)
        if status == "ok" and odd[name]:
            status = "caution"
        classical, whole = draft.classical, draft.whole
        if name == "liver" and status == "caution":
            classical, whole = _without_tumour(draft, reasons, suspected, blood, tracer)
        for key, placed in ((name, whole), (f"{name}:classical", classical)):
            if placed is not None:
                regions[key] = placed.region
        prefers_classical = settings.estimate == "classical" and classical is not None and status != "user"
        chosen = classical if prefers_classical else whole
        disagreement = [] if status == "user" else _disagreement(name, classical, whole, settings)
        issues += disagreement
        if disagreement and status in ("ok", "caution"):
            # of two estimates of one organ that noise does not explain neither is known to be right
            status, reasons = "caution", [*reasons, disagreement[0].message.split(": ", 1)[1].rstrip(".")]
        if status == "ok" and chosen is None:
            status, reasons = "caution", [*reasons, "no region could be measured"]
        if status in ("caution", "fallback", "absent", "outside_field"):
            issues.append(
                Issue(
                    code=f"reference-{status.replace('_', '-')}",
                    level="info" if status in ("absent", "outside_field") else "caution",
                    message=f"{name.replace('_', ' ')}: {'; '.join(reasons)}.",
                    where=name,
                )
            )
        records[name] = _record(name, status, [*reasons, *draft.notes], suspected, chosen, classical, whole)
    return References(records, tuple(issues), regions)
