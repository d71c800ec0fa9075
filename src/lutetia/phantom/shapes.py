"""Shapes that know their inside: superquadrics, tubes, swept ellipses, and what set algebra makes of them.

Every shape is an implicit function ``value(x, y, z)``, at most zero inside and roughly a distance in millimetres near
the surface. Coordinates are broadcastable arrays, so a shape is only ever evaluated on the box that holds it.
The superquadric is Barr's (IEEE CG&A 1:11, 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
Point = tuple[float, float, float]
Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

EVERYWHERE: Box = ((-1e4, 1e4), (-1e4, 1e4), (-1e4, 1e4))


class Shape(Protocol):
    """A solid: its bounding box ((x), (y), (z) in mm) and its implicit function."""

    def bounds(self) -> Box:
        """Intervals in x, y and z outside of which `value` is positive."""
        ...

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """At most zero inside; about the distance to the surface in mm near it."""
        ...


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> npt.NDArray[np.float64]:
    """Rotation matrix from degrees about z (yaw), x (pitch) and y (roll), applied in the order roll, pitch, yaw."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_y = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    matrix: npt.NDArray[np.float64] = about_z @ about_x @ about_y
    return matrix


@dataclass(frozen=True)
class Superquadric:
    """``(|u/a|^n + |v/b|^n + |w/c|^n)^(1/n) ≤ 1`` about `centre`; n = 2 is an ellipsoid, larger n a rounder box.

    `rotation` (degrees: yaw, pitch, roll) turns the axes (a, b, c) away from x, y and z.
    """

    centre: Point
    half_axes: Point
    exponent: float = 2.0
    rotation: Point = (0.0, 0.0, 0.0)

    def bounds(self) -> Box:
        """Box of the turned solid (that of the enclosing cuboid for n > 2)."""
        matrix = np.abs(turn(*self.rotation))
        axes = np.asarray(self.half_axes)
        reach = matrix @ axes if self.exponent > 2.0 else np.sqrt((matrix**2) @ (axes**2))
        return tuple((c - r, c + r) for c, r in zip(self.centre, reach, strict=True))  # type: ignore[return-value]

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """(radius − 1) × the mean half axis."""
        x, y, z = x - self.centre[0], y - self.centre[1], z - self.centre[2]
        a, b, c = self.half_axes
        if any(self.rotation):
            m = turn(*self.rotation).astype(np.float32)
            u, v, w = (m[0, i] * x + m[1, i] * y + m[2, i] * z for i in range(3))
        else:
            u, v, w = x, y, z
        if self.exponent == 2.0:
            radius = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2)
        else:
            n = self.exponent
            total = np.abs(u / a) ** n + np.abs(v / b) ** n + np.abs(w / c) ** n
            radius = total ** (1.0 / n)
        out: FloatArray = (radius - 1.0) * np.float32((a * b * c) ** (1.0 / 3.0))
        return out


def ball(centre: Point, radius: float) -> Superquadric:
    """A sphere."""
    return Superquadric(centre, (radius, radius, radius))


@dataclass(frozen=True)
class Sweep:
    """An ellipse of exponent `exponent` swept along z: half axes and centre change with height.

    `knots` are rows (z, half_x, half_y, centre_x, centre_y), z ascending, joined by straight lines.
    """

    knots: tuple[tuple[float, float, float, float, float], ...]
    exponent: float = 2.0

    def _rows(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.knots, float)

    def bounds(self) -> Box:
        """Box over all knots."""
        rows = self._rows()
        return (
            (float((rows[:, 3] - rows[:, 1]).min()), float((rows[:, 3] + rows[:, 1]).max())),
            (float((rows[:, 4] - rows[:, 2]).min()), float((rows[:, 4] + rows[:, 2]).max())),
            (float(rows[0, 0]), float(rows[-1, 0])),
        )

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Half axes and centre (half_x, half_y, centre_x, centre_y) at the heights z."""
        rows = self._rows()
        a, b, cx, cy = (np.interp(z, rows[:, 0], rows[:, i]).astype(np.float32) for i in (1, 2, 3, 4))
        return a, b, cx, cy

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Radial distance within the slice; positive above and below the ends."""
        a, b, cx, cy = self.at(z)
        n = np.float32(self.exponent)
        total = np.abs((x - cx) / a) ** n + np.abs((y - cy) / b) ** n
        radius = np.sqrt(total) if self.exponent == 2.0 else total ** (1 / n)
        out: FloatArray = (radius - 1) * np.minimum(a, b)
        rows = self._rows()
        beyond = np.maximum(rows[0, 0] - z, z - rows[-1, 0]).astype(np.float32)
        out = np.maximum(out, beyond)
        return out


def spline(points: Sequence[Sequence[float]], step: float) -> npt.NDArray[np.float64]:
    """A centripetal-like Catmull-Rom line through `points` (rows of any width), resampled about every `step` mm.

    Only the first three columns count for the length; further columns (a radius) ride along.
    """
    p = np.asarray(points, float)
    if len(p) == 2:
        n = max(2, int(np.ceil(np.linalg.norm(p[1, :3] - p[0, :3]) / step)) + 1)
        straight: npt.NDArray[np.float64] = p[0] + np.linspace(0, 1, n)[:, None] * (p[1] - p[0])
        return straight
    q = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    out = []
    for i in range(1, len(q) - 2):
        n = max(1, int(np.ceil(np.linalg.norm(q[i + 1, :3] - q[i, :3]) / step)))
        t = (np.arange(n) / n)[:, None]
        a, b, c, d = q[i - 1], q[i], q[i + 1], q[i + 2]
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    line: npt.NDArray[np.float64] = np.vstack([*out, p[-1:]])
    line[:, 3:] = np.maximum(line[:, 3:], p[:, 3:].min(0))
    return line


@dataclass(frozen=True)
class Tube:
    """Balls along a smooth line: `points` are rows (x, y, z, radius)."""

    points: tuple[tuple[float, float, float, float], ...]
    _line: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        radius = min(row[3] for row in self.points)
        object.__setattr__(self, "_line", spline(self.points, max(0.7 * radius, 1.2)))

    def balls(self) -> npt.NDArray[np.float64]:
        """Rows (x, y, z, radius) of the balls that make the tube."""
        return self._line

    def thinner(self, by_mm: float) -> Tube:
        """The same line, every radius less by `by_mm` (at least 0.5 mm stays): the lumen of a wall."""
        return Tube(tuple((x, y, z, max(r - by_mm, 0.5)) for x, y, z, r in self.points))

    def bounds(self) -> Box:
        """Box over all balls."""
        r = self._line[:, 3:4]
        lo, hi = (self._line[:, :3] - r).min(0), (self._line[:, :3] + r).max(0)
        return tuple((float(a), float(b)) for a, b in zip(lo, hi, strict=True))  # type: ignore[return-value]

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Distance to the nearest ball's surface (slow on large boxes; painting goes ball by ball)."""
        out: FloatArray | None = None
        for bx, by, bz, r in self._line.astype(np.float32):
            d: FloatArray = np.sqrt((x - bx) ** 2 + (y - by) ** 2 + (z - bz) ** 2) - r
            out = d if out is None else np.minimum(out, d)
        assert out is not None
        return out


@dataclass(frozen=True)
class Below:
    """Everything below a dome: z < top − Σ drop·|Δ/reach|^2.2; the diaphragm."""

    centre: tuple[float, float]
    top: float
    drop: tuple[float, float]
    reach: tuple[float, float]

    def bounds(self) -> Box:
        """Below the top."""
        return (EVERYWHERE[0], EVERYWHERE[1], (-1e4, self.top))

    def height(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Height of the dome over (x, y)."""
        return np.asarray(
            self.top
            - self.drop[0] * np.abs((x - self.centre[0]) / self.reach[0]) ** 2.2
            - self.drop[1] * np.abs((y - self.centre[1]) / self.reach[1]) ** 2.2
        ).astype(np.float32)

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Height above the dome."""
        return z - self.height(x, y)

    def lowered(self, by_mm: float) -> Below:
        """The same dome, `by_mm` further down."""
        return Below(self.centre, self.top - by_mm, self.drop, self.reach)


@dataclass(frozen=True)
class HalfSpace:
    """The side of a plane that `normal` points away from: normal · (p − point) ≤ 0."""

    point: Point
    normal: Point

    def bounds(self) -> Box:
        """Unbounded."""
        return EVERYWHERE

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Signed distance to the plane."""
        n = np.asarray(self.normal, float) / np.linalg.norm(self.normal)
        out: FloatArray = (
            np.float32(n[0]) * (x - self.point[0])
            + np.float32(n[1]) * (y - self.point[1])
            + np.float32(n[2]) * (z - self.point[2])
        )
        return out


@dataclass(frozen=True)
class Union:
    """Any of the parts."""

    parts: tuple[Shape, ...]

    def bounds(self) -> Box:
        """Box around all boxes."""
        boxes = np.array([p.bounds() for p in self.parts])
        lo, hi = boxes[:, :, 0].min(0), boxes[:, :, 1].max(0)
        return tuple((float(a), float(b)) for a, b in zip(lo, hi, strict=True))  # type: ignore[return-value]

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Smallest value of the parts."""
        out = self.parts[0].value(x, y, z)
        for part in self.parts[1:]:
            out = np.minimum(out, part.value(x, y, z))
        return out


@dataclass(frozen=True)
class Common:
    """What all parts share."""

    parts: tuple[Shape, ...]

    def bounds(self) -> Box:
        """Box that all boxes share."""
        boxes = np.array([p.bounds() for p in self.parts])
        lo, hi = boxes[:, :, 0].max(0), boxes[:, :, 1].min(0)
        return tuple((float(a), float(b)) for a, b in zip(lo, hi, strict=True))  # type: ignore[return-value]

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Largest value of the parts."""
        out = self.parts[0].value(x, y, z)
        for part in self.parts[1:]:
            out = np.maximum(out, part.value(x, y, z))
        return out


@dataclass(frozen=True)
class Without:
    """`body` less `hole`."""

    body: Shape
    hole: Shape

    def bounds(self) -> Box:
        """Box of the body."""
        return self.body.bounds()

    def value(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """max(body, −hole)."""
        return np.maximum(self.body.value(x, y, z), -self.hole.value(x, y, z))
