"""Small charts of a course as SVG: uptake and volume of a lesion over its studies, volumes by what they bind.

Text is text (font Inter), so that the HTML and the PDF report share the same sharp pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lutetia.outputs.colours import Rgb, hexadecimal, text_on

INK, SOFT, LINE, BAND = "#18222d", "#586675", "#dbe1e7", "#f3f6f8"
FONT = "font-family='Inter'"

#: Tracer group → colour, the same in every chart of a report.
TRACER_COLOUR: dict[str, Rgb] = {
    "SSTR PET": (0, 114, 178),
    "FDG PET": (213, 94, 0),
    "therapy SPECT": (0, 158, 115),
    "other": (112, 112, 112),
}
#: What tumour binds → colour.
PHENOTYPE_COLOUR: dict[str, Rgb] = {
    "sstr+/fdg-": (0, 114, 178),
    "sstr+/fdg+": (140, 96, 170),
    "sstr-/fdg+": (213, 94, 0),
    "sstr-/fdg-": (176, 184, 192),
}
#: How each class is written for a reader.
PHENOTYPE_WORDS: dict[str, str] = {
    "sstr+/fdg-": "SSTR+ / FDG−",
    "sstr+/fdg+": "SSTR+ / FDG+",
    "sstr-/fdg+": "SSTR− / FDG+",
    "sstr-/fdg-": "SSTR− / FDG−",
}


def svg(width: float, height: float, parts: Sequence[str], description: str) -> str:
    """A picture of `parts` with its description as the title."""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' width='{width:g}' "
        f"height='{height:g}' role='img'><title>{escape(description)}</title>{''.join(parts)}</svg>\n"
    )


def words(
    x: float,
    y: float,
    text: str,
    size: float = 11,
    *,
    anchor: str = "start",
    colour: str = INK,
    bold: bool = False,
) -> str:
    """One line of text with its baseline at `y`."""
    weight = " font-weight='600'" if bold else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size:g}'{weight} text-anchor='{anchor}' "
        f"fill='{colour}'>{escape(text)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = LINE, width: float = 1.0, dash: str = "") -> str:
    dashed = f" stroke-dasharray='{dash}'" if dash else ""
    return (
        f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' "
        f"stroke-width='{width:g}'{dashed}/>"
    )


@dataclass(frozen=True)
class Point:
    """One study of a lesion: `seen` as a focus, or the mean uptake at its place; None where it was not imaged."""

    visit: int
    tracer: str
    suv: float | None
    volume_ml: float | None
    seen: bool
    grade: str = ""
    colour: Rgb | None = None


@dataclass(frozen=True)
class Trajectory:
    """A lesion over the visits; `classes` names what it binds at each visit, "" where it can't be told."""

    title: str
    points: tuple[Point, ...]
    visits: tuple[str, ...]
    classes: tuple[str, ...] = ()


CHART_WIDTH, CHART_HEIGHT = 250.0, 176.0
_LEFT, _RIGHT, _TOP, _FLOOR, _BASE = 38.0, 8.0, 30.0, 96.0, 138.0


def trajectory_svg(lesion: Trajectory) -> str:
    """Uptake above, volume below, one column per visit.

    A filled dot is a measured focus, an open one the mean at the lesion's place where no focus was seen. Lines join
    studies with the same tracer; therapy SPECT is a diamond and is joined to nothing.
    """
    n = max(len(lesion.visits), 1)
    step = (CHART_WIDTH - _LEFT - _RIGHT) / n
    most = max((p.suv for p in lesion.points if p.suv is not None), default=1.0) * 1.12 or 1.0
    most_ml = max((p.volume_ml for p in lesion.points if p.volume_ml is not None), default=0.0)

    def at(point: Point) -> tuple[float, float]:
        x = _LEFT + (point.visit + 0.5) * step
        return x, _FLOOR - (_FLOOR - _TOP - 8) * (point.suv or 0.0) / most

    parts = [words(0, 13, lesion.title, 12, bold=True)]
    parts.append(_line(_LEFT, _FLOOR, CHART_WIDTH - _RIGHT, _FLOOR, "#8a97a6", 0.8))
    parts.append(words(_LEFT - 5, _TOP + 11, f"{most / 1.12:.3g}", 10.5, anchor="end", colour=SOFT))
    parts.append(words(_LEFT - 5, _FLOOR + 3, "SUV 0", 10.5, anchor="end", colour=SOFT))
    for tracer in ("SSTR PET", "FDG PET", "other"):
        row = [p for p in lesion.points if p.tracer == tracer and p.suv is not None]
        colour = hexadecimal(TRACER_COLOUR[tracer])
        if len(row) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, row))
            parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>")
    parts += [_mark(point, *at(point)) for point in lesion.points if point.suv is not None]
    parts += _grades(lesion, at)
    parts += _volumes(lesion, step, most_ml)
    for i, visit in enumerate(lesion.visits):
        x = _LEFT + (i + 0.5) * step
        parts.append(words(x, _BASE + 15, visit, 10.5, anchor="middle", colour=SOFT))
        kind = lesion.classes[i] if i < len(lesion.classes) else ""
        if kind in PHENOTYPE_WORDS:
            colour = hexadecimal(PHENOTYPE_COLOUR[kind])
            parts.append(f"<rect x='{x - 40:.1f}' y='{_BASE + 20:.1f}' width='80' height='16' rx='3' fill='{colour}'/>")
            ink = hexadecimal(text_on(PHENOTYPE_COLOUR[kind]))
            short = PHENOTYPE_WORDS[kind].replace(" / ", "/")
            parts.append(words(x, _BASE + 31.8, short, 10, anchor="middle", colour=ink, bold=True))
    said = ", ".join(f"{p.tracer} {lesion.visits[p.visit]} {p.suv:.3g}" for p in lesion.points if p.suv is not None)
    return svg(CHART_WIDTH, CHART_HEIGHT, parts, f"{lesion.title}: uptake over the visits: {said}")


def _mark(point: Point, x: float, y: float) -> str:
    colour = hexadecimal(TRACER_COLOUR[point.tracer])
    fill = colour if point.seen else "#ffffff"
    if point.tracer == "therapy SPECT":
        return (
            f"<path d='M{x:.1f} {y - 5:.1f} l5 5 l-5 5 l-5 -5 z' fill='{fill}' stroke='{colour}' stroke-width='1.6'/>"
        )
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{fill}' stroke='{colour}' stroke-width='1.8'/>"


def _grades(lesion: Trajectory, at: object) -> list[str]:
    """The Krenning grade of each SSTR study, in its colour, along the top."""
    assert callable(at)
    parts = []
    for point in lesion.points:
        if point.tracer != "SSTR PET" or not point.grade or point.colour is None:
            continue
        x, _ = at(point)
        width = 10 + 5.6 * len(point.grade)
        parts.append(
            f"<rect x='{x - width / 2:.1f}' y='{_TOP - 9:.1f}' width='{width:.1f}' height='13' rx='3' "
            f"fill='{hexadecimal(point.colour)}'/>"
        )
        ink = hexadecimal(text_on(point.colour))
        parts.append(words(x, _TOP + 1, point.grade, 10.5, anchor="middle", colour=ink, bold=True))
    return parts


def _volumes(lesion: Trajectory, step: float, most_ml: float) -> list[str]:
    """Bars of the outlined volume under the uptake, one per study that outlined it."""
    parts = [_line(_LEFT, _BASE, CHART_WIDTH - _RIGHT, _BASE, "#8a97a6", 0.8)]
    parts.append(words(_LEFT - 5, _BASE + 3, "mL 0", 10.5, anchor="end", colour=SOFT))
    if most_ml <= 0:
        return parts
    parts.append(words(_LEFT - 5, _BASE - 22, f"{most_ml:.3g}", 10.5, anchor="end", colour=SOFT))
    for i in range(len(lesion.visits)):
        drawn = [p for p in lesion.points if p.visit == i and p.volume_ml]
        for k, point in enumerate(drawn):
            height = 28 * (point.volume_ml or 0.0) / most_ml
            x = _LEFT + (i + 0.5) * step + (k - len(drawn) / 2) * 10
            colour = hexadecimal(TRACER_COLOUR[point.tracer])
            parts.append(
                f"<rect x='{x:.1f}' y='{_BASE - height:.1f}' width='9' height='{height:.1f}' fill='{colour}' "
                f"fill-opacity='0.55'/>"
            )
    return parts


@dataclass(frozen=True)
class Share:
    """Volume of one class at one visit, mL, with its range."""

    kind: str
    volume_ml: float
    low_ml: float | None = None
    high_ml: float | None = None


def phenotype_svg(visits: Sequence[tuple[str, Sequence[Share]]], title: str) -> str:
    """Stacked volumes per visit, and under each stack every class by itself with its range."""
    left, width, gap = 104.0, 480.0, 18.0
    totals = [sum(s.volume_ml for s in shares) for _, shares in visits]
    highs = [s.high_ml or s.volume_ml for _, shares in visits for s in shares]
    most = max([*totals, *highs, 1e-6])
    scale = (width - left - 136) / most
    parts = [words(0, 14, title, 13.5, bold=True)]
    y = 30.0
    for (visit, shares), total in zip(visits, totals, strict=True):
        parts.append(words(0, y + 15, visit, 12.5, bold=True))
        x = left
        for share in shares:
            size = share.volume_ml * scale
            colour = hexadecimal(PHENOTYPE_COLOUR.get(share.kind, (112, 112, 112)))
            parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{size:.1f}' height='20' fill='{colour}'/>")
            x += size
        parts.append(words(x + 6, y + 14, f"{total:.3g} mL", 12.5))
        y += 28
        for share in shares:
            colour = hexadecimal(PHENOTYPE_COLOUR.get(share.kind, (112, 112, 112)))
            parts.append(words(left - 6, y + 9.5, PHENOTYPE_WORDS.get(share.kind, share.kind), 11.5, anchor="end"))
            low, high = share.low_ml, share.high_ml
            end = left + share.volume_ml * scale
            said = f"{share.volume_ml:.3g}"
            if low is not None and high is not None:
                parts.append(_line(left + low * scale, y + 5, left + high * scale, y + 5, colour, 2.4))
                end = max(end, left + high * scale)
                said += f" ({low:.3g}–{high:.3g})"
            parts.append(
                f"<circle cx='{left + share.volume_ml * scale:.1f}' cy='{y + 5:.1f}' r='3.6' fill='{colour}'/>"
            )
            parts.append(words(end + 8, y + 9.5, said, 11.5, colour=SOFT))
            y += 16
        y += gap
    said = "; ".join(f"{visit} {total:.3g} mL" for (visit, _), total in zip(visits, totals, strict=True))
    return svg(width, y - gap + 6, parts, f"{title}: {said}")
