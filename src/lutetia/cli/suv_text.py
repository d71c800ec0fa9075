"""An `SuvReport` as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lutetia.dicom.condense import stands_for
from lutetia.imaging.suv_body import SUV_BASES
from lutetia.model import Issue
from lutetia.model.base import Level
from lutetia.reading.suv import SuvReport, SuvSeries

#: messages of one kind that are printed; the rest are counted
_MOST_ALIKE = 3
_MARK = {"info": "note", "caution": "caution", "error": "ERROR"}


def text_of(report: SuvReport) -> str:
    """One block per series: the factor, the reference time and why, every element used, statistics, warnings."""
    blocks = [_series(s) for s in report.series]
    told = {(i.code, i.message, i.where) for s in report.series for i in s.issues}
    rest = [i for i in report.issues if (i.code, i.message, i.where) not in told]
    if rest:
        blocks.append("\n".join(issue_lines(rest)))
    return "\n\n".join(blocks)


def _series(series: SuvSeries) -> str:
    title = f"{series.modality} {series.description or 'without description'}"
    part = f", {series.part}" if series.part else ""
    images = "1 image" if series.n_images == 1 else f"{series.n_images} images"
    lines = [
        f"{title}{part} – {images}, {series.manufacturer or 'manufacturer unknown'}, tracer {series.tracer}",
        f"  {series.series_instance_uid}",
    ]
    if series.refusal is not None:
        lines.append(f"  NO SUV: {series.refusal.message} [{series.refusal.code}]")
        if not series.refusal.override and series.refusal.element:
            lines.append(f"    where: {series.refusal.element}")
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
    lines += [f"  {line}" for line in issue_lines(series.issues)]
    return "\n".join(lines)


def issue_lines(issues: Sequence[Issue]) -> list[str]:
    """Issues as lines, with their place; many of one kind are counted after the first few."""
    lines: list[str] = []
    counts: Counter[tuple[str, Level]] = Counter()
    for issue in issues:
        counts[issue.code, issue.level] += stands_for(issue)
    shown: Counter[tuple[str, Level]] = Counter()
    for issue in issues:
        kind = issue.code, issue.level
        shown[kind] += 1
        if shown[kind] > _MOST_ALIKE:
            continue
        place = f"  [{issue.where}]" if issue.where else ""
        lines.append(f"{_MARK[issue.level]}: {issue.message} [{issue.code}]{place}")
        if shown[kind] == _MOST_ALIKE and counts[kind] > _MOST_ALIKE:
            lines.append(f"{_MARK[issue.level]}: and {counts[kind] - _MOST_ALIKE:,} more of this kind [{issue.code}]")
    return lines
