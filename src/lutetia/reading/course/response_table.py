"""The numbers followed on SSTR and FDG PET: the published name, definition, warning and band of each.

What counts as a change is repeatability: −25 % and +33 % for SUV (Lodge, J Nucl Med 2017;58:523, FDG; borrowed for SSTR
tracers, of which no test and retest was readable), ±30 % for volume (convention C-P26 of the rule file).
"""

from __future__ import annotations

from dataclasses import dataclass

SUV_BAND = (-25.0, 33.0)
VOLUME_BAND = (-30.0, 30.0)
_BORROWED = "borrowed from FDG (review 2017): no test and retest of SSTR PET was readable"
_FDG_BAND = "FDG, careful protocol (review 2017)"
_VOLUME = "convention: no limit of repeatability was found for SSTR volume"


@dataclass(frozen=True)
class Metric:
    """What a metric is: its key in the rule file ``response-metrics``, its published name and definition.

    `falls_under` names the numbers of `Comparison.suppressed` that bar its change; `band` is the repeatability in
    percent beyond which a change counts, None where no change in percent is judged.
    """

    key: str
    name: str
    definition: str
    falls_under: tuple[str, ...]
    warning: str
    band: tuple[float, float] | None = SUV_BAND
    band_source: str = _BORROWED
    unit: str = ""
    change_unit: str = "%"


SSTR_METRICS = (
    Metric(
        "suv-max",
        "ΔSUVmax",
        "100 · (SUVmax now − SUVmax then) ÷ SUVmax then, same lesion",
        ("change of SUV",),
        "Never called response.",
    ),
    Metric(
        "tumour-spleen",
        "SUV T/S",
        "lesion SUVmax ÷ spleen SUVmean of the same scan",
        ("change of tumour to spleen ratio", "change of uptake ratios"),
        "The spleen's uptake falls under an analogue; after splenectomy the ratio does not exist.",
    ),
    Metric(
        "tumour-liver",
        "SUV T/L",
        "lesion SUVmax ÷ liver SUVmean of the same scan",
        ("change of tumour to liver ratio", "change of uptake ratios"),
        "The liver's uptake falls under an analogue and in liver disease.",
    ),
    Metric(
        "suv-max-baseline",
        "SUVmax baseline",
        "lesion SUVmax on the first SSTR PET",
        (),
        "No gate; bound to tracer and scanner, with wide overlap.",
        None,
        "",
    ),
    Metric(
        "volume",
        "SSTR-TV",
        "volume of all SSTR-positive tumour outlined, mL",
        ("change of volume",),
        "Depends on the threshold; falls with loss of receptor.",
        VOLUME_BAND,
        _VOLUME,
        unit="mL",
    ),
    Metric(
        "total-uptake",
        "TL-SSTR",
        "SSTR-TV × SUVmean, summed over lesions",
        ("change of TLU",),
        "Depends on the threshold; falls with loss of receptor.",
        VOLUME_BAND,
        _VOLUME,
        unit="g/mL · mL",
    ),
    Metric(
        "lowest-suv-mean",
        "Minimum SUVmean",
        "SUVmean of the lesion with the lowest uptake",
        ("change of SUV",),
        "Which lesion is lowest depends on what CT shows.",
    ),
    Metric(
        "lesions-without-uptake",
        "Lesions without uptake",
        "number of known lesions without a focus on this SSTR PET that CT or another tracer shows",
        (),
        "Defined on CT; the review calls it unsuitable. Foci of FDG count here as shown by another tracer.",
        None,
        "",
        unit="lesions",
        change_unit="lesions",
    ),
    Metric(
        "krenning-change",
        "Krenning change",
        "grade now − grade then, modified Krenning",
        ("Krenning change as response",),
        "Ordinal, and moved by the liver and the spleen.",
        None,
        "",
        change_unit="grades",
    ),
    Metric(
        "heterogeneity",
        "Intra-lesional heterogeneity",
        "share of lesions over 2 cm whose grades at the 10th and 90th percentile differ (proposed, convention C-E2)",
        (),
        "No validated method; the source reads it by eye.",
        None,
        "",
    ),
)
FDG_METRICS = (
    Metric(
        "repeatability-fdg",
        "FDG ΔSUVmax",
        "100 · (SUVmax now − SUVmax then) ÷ SUVmax then, same lesion",
        ("change of SUV",),
        "No PERCIST category: that needs SULpeak of the hottest lesion and a reader.",
        SUV_BAND,
        _FDG_BAND,
    ),
)
