"""An `SuvReport` as text for a terminal."""

from __future__ import annotations

from lutetia.imaging.suv_body import SUV_BASES
from lutetia.reading.suv import SuvReport, SuvSeries

_MARK = {"info": "note", "caution": "caution", "error": "ERROR"}


def text_of(report: SuvReport) -> str:
    """One block per series: the factor, the reference time and why, every element used, statistics, warnings."""
    blocks = [_series(s) for s in report.series]
    if report.issues:
        blocks.append("\n".join(f"{_MARK[i.level]}: {i.message}" for i in report.issues))
    return "\n\n".join(blocks)


def _series(series: SuvSeries) -> str:
    title = f"{series.modality} {series.description or 'without description'}"
    part = f", {series.part}" if series.part else ""
    lines = [
        f"{title}{part} – {series.n_images} images, {series.manufacturer or 'manufacturer unknown'}, "
        f"tracer {series.tracer}",
        f"  {series.series_instance_uid}",
    ]
    if series.refusal is not None:
        lines.append(f"  NO SUV: {series.refusal.message} [{series.refusal.code}]")
        if series.refusal.override:
            lines.append(f"    settle it with {series.refusal.override}")
    factor = series.suv
    if factor is not None:
        low, high = factor.factor_range
        varies = "" if low == high else f" (slice by slice, {low:.6g} to {high:.6g})"
        lines.append(
            f"  SUV{factor.basis} = rescaled value × {factor.factor:.6g} {factor.unit}{varies}"
            f"   [{SUV_BASES[factor.basis][0]}; stored in {series.units}]"
        )
        lines.append(f"  decay reference  {factor.decay_reference or '–'}")
        lines.append(f"    because        {factor.decay_reference_reason}")
        if factor.uptake_minutes is not None:
            lines.append(f"  injection        {factor.injection}, {factor.uptake_minutes:.1f} min before")
        for flag, value in factor.overrides.items():
            lines.append(f"  BY HAND          {flag} {value}")
        lines.append("  elements used")
        lines += [f"    {name:<52} {value}" for name, value in factor.elements.items()]
    if series.stats is not None:
        s = series.stats
        lines.append(
            f"  SUV min {s.min:.4g}, median {s.median:.4g}, max {s.max:.4g}, mean {s.mean:.4g} "
            f"({s.n_voxels} voxels, {s.volume_ml:.1f} mL)"
        )
    lines += [f"  {_MARK[i.level]}: {i.message} [{i.code}]" for i in series.issues]
    return "\n".join(lines)
