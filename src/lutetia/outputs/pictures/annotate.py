"""Numbered marks on a projection, as one SVG that the HTML and the PDF report share."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lutetia.outputs.colours import Rgb, hexadecimal, text_on


@dataclass(frozen=True)
class Mark:
    """A lesion on a projection: where (picture pixels), what stands in its tag, its colour.

    A `quiet` mark (physiological uptake) is drawn as a dashed ring with a pale tag.
    """

    x: float
    y: float
    text: str
    colour: Rgb
    quiet: bool = False


_TAG_HEIGHT = 19.0
_TAG_GAP = 2.5
_TAG_WIDTH = 30.0
#: Room for tags left and right of the picture, in its pixels.
GUTTER = 46.0
_FONT = "font-family='Inter' font-weight='600'"


def spread_heights(wanted: list[float], low: float, high: float, step: float) -> list[float]:
    """Tag heights as near to `wanted` (ascending) as they can be while `step` apart, within low…high.

    Neighbouring tags that would touch are merged into blocks placed at the mean of what their tags want (pool
    adjacent violators).
    """
    n = len(wanted)
    if n == 0:
        return []
    blocks: list[tuple[float, int]] = []  # (sum of wanted − own offset, count)
    for i, y in enumerate(wanted):
        total, count = y - i * step, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier = blocks.pop()
            total, count = total + earlier[0], count + earlier[1]
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    top = high - (n - 1) * step
    return [min(max(start, low), top) + i * step for i, start in enumerate(starts)]


def annotated_svg(
    jpeg: bytes, width: int, height: int, marks: Sequence[Mark], description: str, scale: float = 1.0
) -> str:
    """The projection with a ring at every mark and its tag in the nearer margin, joined by a fine line.

    The picture is embedded; text is text (font Inter), so it stays sharp and searchable. `scale` makes tags and rings
    larger for a picture that is shown small; where a side has more tags than fit, all are made smaller, never overlaid.
    """
    gutter = GUTTER * scale
    total = width + 2 * gutter
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
        f"viewBox='0 0 {total:g} {height:g}' width='{total:g}' height='{height:g}' role='img'>",
        f"<title>{escape(description)}</title>",
        f"<image x='{gutter:g}' y='0' width='{width}' height='{height}' "
        f"xlink:href='data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}'/>",
    ]
    sides: tuple[list[Mark], list[Mark]] = ([], [])
    for mark in sorted(marks, key=lambda m: (m.y, m.x, m.text)):
        sides[0 if mark.x < width / 2 else 1].append(mark)
    most = max(len(sides[0]), len(sides[1]), 1)
    size = min(scale, (height - 2) / most / (_TAG_HEIGHT + _TAG_GAP))
    lines, rings, tags = [], [], []
    for right, side in enumerate(sides):
        edge = _TAG_HEIGHT * size / 2 + 1
        heights = spread_heights([m.y for m in side], edge, height - edge, (_TAG_HEIGHT + _TAG_GAP) * size)
        for mark, y in zip(side, heights, strict=True):
            tag_x = gutter + width + gutter - _TAG_WIDTH * size - 2 if right else 2.0
            lines.append(_leader(mark, y, tag_x if right else tag_x + _TAG_WIDTH * size, gutter, width, bool(right)))
            rings.append(_ring(mark, gutter, min(scale, 1.6)))
            tags.append(_tag(tag_x, y, mark, size))
    return "".join([*parts, *lines, *rings, *tags, "</svg>\n"])


def _leader(mark: Mark, y: float, end: float, gutter: float, width: float, right: bool) -> str:
    """The fine line from a mark to its tag, bent at the picture's edge."""
    bend = gutter + width + 3 if right else gutter - 3
    line = "#8a97a6" if mark.quiet else "#3a4a5c"
    return (
        f"<polyline points='{mark.x + gutter:.1f},{mark.y:.1f} {bend:.1f},{y:.1f} {end:.1f},{y:.1f}' fill='none' "
        f"stroke='{line}' stroke-width='0.8' stroke-opacity='0.75'/>"
    )


def _ring(mark: Mark, gutter: float, scale: float) -> str:
    dash = " stroke-dasharray='2.2 1.8'" if mark.quiet else ""
    at = f"cx='{mark.x + gutter:.1f}' cy='{mark.y:.1f}' r='{6.6 * scale:.1f}' fill='none'"
    return (
        f"<circle {at} stroke='#fff' stroke-width='{3 * scale:.1f}'/>"
        f"<circle {at} stroke='{hexadecimal(mark.colour)}' stroke-width='{1.7 * scale:.1f}'{dash}/>"
    )


def _tag(x: float, y: float, mark: Mark, size: float) -> str:
    width, height = _TAG_WIDTH * size, _TAG_HEIGHT * size
    fill = "#ffffff" if mark.quiet else hexadecimal(mark.colour)
    ink = "#5b6875" if mark.quiet else hexadecimal(text_on(mark.colour))
    dash = " stroke-dasharray='2.2 1.8'" if mark.quiet else ""
    return (
        f"<rect x='{x:.1f}' y='{y - height / 2:.1f}' width='{width:.1f}' height='{height:.1f}' rx='{4 * size:.1f}' "
        f"fill='{fill}' stroke='{'#8a97a6' if mark.quiet else '#2a3644'}' stroke-width='0.6'{dash}/>"
        f"<text x='{x + width / 2:.1f}' y='{y + 5.0 * size:.1f}' {_FONT} font-size='{14 * size:.1f}' "
        f"text-anchor='middle' fill='{ink}'>{escape(mark.text)}</text>"
    )
