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


def _spread(wanted: list[float], low: float, high: float) -> list[float]:
    """Tag heights as near to `wanted` (ascending) as they can be without touching, within low…high.

    Neighbouring tags that would touch are merged into blocks placed at the mean of what their tags want (pool
    adjacent violators); where all of them don't fit they share the room evenly.
    """
    n = len(wanted)
    if n == 0:
        return []
    step = min(_TAG_HEIGHT + _TAG_GAP, (high - low) / max(n - 1, 1))
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


def annotated_svg(jpeg: bytes, width: int, height: int, marks: Sequence[Mark], description: str) -> str:
    """The projection with a ring at every mark and its tag in the nearer margin, joined by a fine line.

    The picture is embedded; text is text (font Inter), so it stays sharp and searchable.
    """
    total = width + 2 * GUTTER
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
        f"viewBox='0 0 {total:g} {height:g}' width='{total:g}' height='{height:g}' role='img'>",
        f"<title>{escape(description)}</title>",
        f"<image x='{GUTTER:g}' y='0' width='{width}' height='{height}' "
        f"xlink:href='data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}'/>",
    ]
    sides: tuple[list[Mark], list[Mark]] = ([], [])
    for mark in sorted(marks, key=lambda m: (m.y, m.x, m.text)):
        sides[0 if mark.x < width / 2 else 1].append(mark)
    lines, rings, tags = [], [], []
    for right, side in enumerate(sides):
        heights = _spread([m.y for m in side], _TAG_HEIGHT / 2 + 1, height - _TAG_HEIGHT / 2 - 1)
        for mark, y in zip(side, heights, strict=True):
            tag_x = GUTTER + width + GUTTER - _TAG_WIDTH - 2 if right else 2.0
            end = tag_x if right else tag_x + _TAG_WIDTH
            x = mark.x + GUTTER
            colour = hexadecimal(mark.colour)
            bend = GUTTER + width + 3 if right else GUTTER - 3
            line = "#8a97a6" if mark.quiet else "#3a4a5c"
            lines.append(
                f"<polyline points='{x:.1f},{mark.y:.1f} {bend:.1f},{y:.1f} {end:.1f},{y:.1f}' fill='none' "
                f"stroke='{line}' stroke-width='0.8' stroke-opacity='0.75'/>"
            )
            dash = " stroke-dasharray='2.2 1.8'" if mark.quiet else ""
            rings.append(f"<circle cx='{x:.1f}' cy='{mark.y:.1f}' r='6.6' fill='none' stroke='#fff' stroke-width='3'/>")
            rings.append(
                f"<circle cx='{x:.1f}' cy='{mark.y:.1f}' r='6.6' fill='none' stroke='{colour}' "
                f"stroke-width='1.7'{dash}/>"
            )
            tags.append(_tag(tag_x, y, mark, colour))
    return "".join([*parts, *lines, *rings, *tags, "</svg>\n"])


def _tag(x: float, y: float, mark: Mark, colour: str) -> str:
    top = y - _TAG_HEIGHT / 2
    fill = "#ffffff" if mark.quiet else colour
    ink = "#5b6875" if mark.quiet else hexadecimal(text_on(mark.colour))
    dash = " stroke-dasharray='2.2 1.8'" if mark.quiet else ""
    return (
        f"<rect x='{x:.1f}' y='{top:.1f}' width='{_TAG_WIDTH:g}' height='{_TAG_HEIGHT:g}' rx='4' fill='{fill}' "
        f"stroke='{'#8a97a6' if mark.quiet else '#2a3644'}' stroke-width='0.6'{dash}/>"
        f"<text x='{x + _TAG_WIDTH / 2:.1f}' y='{y + 5.0:.1f}' {_FONT} font-size='14' text-anchor='middle' "
        f"fill='{ink}'>{escape(mark.text)}</text>"
    )
