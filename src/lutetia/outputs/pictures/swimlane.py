"""The course as lanes: visits and treatments in order of time, with the days between them written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lutetia.outputs.colours import hexadecimal
from lutetia.outputs.pictures.charts import BAND, INK, LINE, SOFT, TRACER_COLOUR, svg, words


@dataclass(frozen=True)
class Scan:
    """A study in a lane: the lane's name, what stands beside its dot."""

    lane: str
    text: str


@dataclass(frozen=True)
class Stop:
    """A visit: its name, its dates in words, its scans, the days since the visit before (None = not known)."""

    name: str
    dates: str
    scans: tuple[Scan, ...]
    days_since: int | None = None


@dataclass(frozen=True)
class Therapy:
    """A treatment: from just before visit `start` to just before visit `end` (as many as the visits = after all)."""

    text: str
    start: int
    end: int


_WIDTH, _LEFT, _GAP = 840.0, 104.0, 56.0
_TOP, _LANE = 44.0, 34.0


def swimlane_svg(stops: Sequence[Stop], therapies: Sequence[Therapy]) -> str:
    """Columns are visits, rows are kinds of scan; treatments lie in the gaps. Not to scale: days are written."""
    lanes = [name for name in TRACER_COLOUR if any(s.lane == name for stop in stops for s in stop.scans)]
    deepest = {lane: max(sum(s.lane == lane for s in stop.scans) for stop in stops) for lane in lanes}
    heights = {lane: _LANE + 17.0 * (deepest[lane] - 1) for lane in lanes}
    body = sum(heights.values())
    treated = 24.0 * len(therapies) + (10 if therapies else 0)
    height = _TOP + body + treated + 8
    column = (_WIDTH - _LEFT - _GAP * (len(stops) - 1)) / max(len(stops), 1)
    starts = [_LEFT + i * (column + _GAP) for i in range(len(stops))]
    parts: list[str] = []
    for x, stop in zip(starts, stops, strict=True):
        parts.append(f"<rect x='{x:.1f}' y='0' width='{column:.1f}' height='{_TOP + body:.1f}' rx='6' fill='{BAND}'/>")
        parts.append(words(x + 10, 17, stop.name, 13, bold=True))
        parts.append(words(x + 10, 33, stop.dates, 11, colour=SOFT))
    for i in range(1, len(stops)):
        x, days = starts[i] - _GAP / 2, stops[i].days_since
        parts.append(words(x, 20, "–" if days is None else f"{days:,} d", 11, anchor="middle", colour=SOFT))
        parts.append(
            f"<path d='M{x - 20:.1f} 28 h40 m-5 -4 l5 4 l-5 4' fill='none' stroke='{SOFT}' stroke-width='1.1'/>"
        )
    y = _TOP
    for lane in lanes:
        parts.append(f"<line x1='0' y1='{y:.1f}' x2='{_WIDTH:g}' y2='{y:.1f}' stroke='{LINE}'/>")
        parts.append(words(0, y + 21, lane, 11.5, bold=True))
        colour = hexadecimal(TRACER_COLOUR[lane])
        for x, stop in zip(starts, stops, strict=True):
            for k, scan in enumerate(s for s in stop.scans if s.lane == lane):
                middle = y + 17 + 17 * k
                parts.append(f"<circle cx='{x + 16:.1f}' cy='{middle:.1f}' r='5.5' fill='{colour}'/>")
                parts.append(words(x + 28, middle + 4, scan.text, 11))
        y += heights[lane]
    if therapies:
        parts.append(f"<line x1='0' y1='{y:.1f}' x2='{_WIDTH:g}' y2='{y:.1f}' stroke='{LINE}'/>")
        parts.append(words(0, y + 21, "Treatment", 11.5, bold=True))
        for k, therapy in enumerate(therapies):
            parts += _bar(therapy, starts, column, y + 7 + 24 * k)
    said = "; ".join(f"{s.name}, {s.dates}: {', '.join(scan.text for scan in s.scans)}" for s in stops)
    said += "".join(f"; treatment: {t.text}" for t in therapies)
    return svg(_WIDTH, height, parts, f"Visits and treatments. {said}")


def _bar(therapy: Therapy, starts: Sequence[float], column: float, y: float) -> list[str]:
    def edge(index: int, share: float) -> float:
        """A place in the gap before visit `index`."""
        if index <= 0:
            return _LEFT - 6 + 4 * share
        if index >= len(starts):
            return _WIDTH - 14 + 12 * share
        return starts[index] - _GAP + _GAP * share

    left, right = edge(therapy.start, 0.2), edge(therapy.end, 0.8)
    right = max(right, left + 8)
    length = _LETTER * len(therapy.text) + 14
    bar = f"<rect x='{left:.1f}' y='{y:.1f}' width='{right - left:.1f}' height='18' rx='4' fill='#34495e'/>"
    if right - left > length:
        return [bar, words((left + right) / 2, y + 13, therapy.text, 11, anchor="middle", colour="#ffffff", bold=True)]
    room, before = _WIDTH - right - 8, left - _LEFT - 8
    text = _fitted(therapy.text, max(room, before))
    if room >= before:
        return [bar, words(right + 6, y + 13, text, 11, colour=INK)]
    return [bar, words(left - 6, y + 13, text, 11, anchor="end", colour=INK)]


#: About the width of a letter at 11 pixels.
_LETTER = 5.9


def _fitted(text: str, room: float) -> str:
    """The text, or as much of it as there is room for."""
    most = max(int(room / _LETTER), 4)
    return text if len(text) <= most else text[: most - 1].rstrip(" ,(") + "…"
