"""Spine, ribs, sternum, shoulder girdle, pelvis, femora. Coordinates as in `trunk`."""

from __future__ import annotations

import numpy as np

from lutetia.phantom.plan import BodyPlan
from lutetia.phantom.shapes import Common, HalfSpace, Superquadric, Tube, Without, ball
from lutetia.phantom.trunk import Part, cavity

Ball = tuple[float, float, float, float]

# height of the vertebral bodies' centres: L5 … L1, T12 … T1, C7 … C2
_LEVELS: tuple[tuple[str, float], ...] = (
    *((f"L{5 - i}", 998.0 + 35.0 * i) for i in range(5)),
    *((f"T{12 - i}", 1170.0 + 26.0 * i - 0.28 * i * i) for i in range(12)),
    *((f"C{7 - i}", 1439.0 + 17.0 * i) for i in range(6)),
)


def spine_y(z: float) -> float:
    """Depth of the vertebral bodies' centres at a height: lordosis, kyphosis, lordosis."""
    return float(
        np.interp(z, [880, 960, 1040, 1168, 1290, 1380, 1432, 1480, 1540], [74, 56, 43, 50, 62, 56, 44, 28, 18])
    )


def vertebrae() -> dict[str, tuple[float, float, float]]:
    """Name → centre (x, y, z) of each vertebral body."""
    return {name: (0.0, spine_y(z), z) for name, z in _LEVELS}


def _size(z: float) -> tuple[float, float, float]:
    """Half width, half depth, half height of the vertebral body at a height."""
    half = np.interp(z, [998, 1168, 1290, 1432, 1530], [25, 20, 16, 13, 10])
    return float(half), float(half * 0.74), float(np.interp(z, [998, 1168, 1400, 1440, 1530], [14, 12, 9.5, 7, 6.5]))


def spine() -> list[Part]:
    """Discs as one column, bodies in it, arches with spinous and transverse processes, canal, sacrum."""
    line = np.arange(985.0, 1545.0, 9.0)
    column = [(0.0, spine_y(z), z, 0.72 * _size(z)[0]) for z in line]
    parts: list[Part] = [("disc", Tube(tuple((float(x), y, float(z), r) for x, y, z, r in column)))]
    for name, (x, y, z) in vertebrae().items():
        a, b, c = _size(z)
        parts.append(("cortical_bone", Superquadric((x, y, z), (a, b, c), 3.0)))
        parts.append(("marrow", Superquadric((x, y, z), (a - 2.0, b - 2.0, c - 1.6), 3.0)))
        back = y + b + 9.0
        parts.append(("cortical_bone", Superquadric((x, back, z - 2), (14.0, 12.0, 0.8 * c))))
        reach = 20.0 if name[0] == "L" else 12.0
        slope = 16.0 if name[0] == "T" else 4.0
        parts.append(("marrow", Tube(((x, back + 9, z - 4, 4.0), (x, back + 9 + reach, z - 4 - slope, 3.2)))))
        for side in (-1.0, 1.0):
            wide = a + (16.0 if name[0] != "C" else 9.0)
            tip = (side * wide, back + (6.0 if name[0] == "T" else -4.0), z + 1, 3.2)
            parts.append(("cortical_bone", Tube(((side * 9.0, back - 2, z, 4.0), tip))))
            parts.append(("marrow", Tube(((side * 9.0, back - 2, z, 2.4), (*tip[:3], 1.8)))))
    sacrum = ((0, 60, 972, 27), (0, 74, 940, 24), (0, 84, 905, 17), (0, 82, 872, 9), (0, 72, 852, 5))
    parts.append(("cortical_bone", Tube(sacrum)))
    parts.append(("marrow", Tube(tuple((x, y, z, r - 3.0) for x, y, z, r in sacrum))))
    for side in (-1.0, 1.0):
        parts.append(("cortical_bone", Superquadric((side * 36, 68, 955), (26, 17, 28), 2.4, (side * 20, 0, 0))))
        parts.append(("marrow", Superquadric((side * 36, 68, 955), (23, 14, 25), 2.4, (side * 20, 0, 0))))
    canal = [(0.0, spine_y(z) + _size(z)[1] + 8.0, float(z), 8.0) for z in np.arange(960.0, 1590.0, 12.0)]
    parts.append(("spinal_canal", Tube(tuple(canal))))
    return parts


def _rib_points(plan: BodyPlan, n: int, side: float) -> tuple[list[Ball], list[Ball]]:
    """Rib `n` from its head to its end, and the cartilage that goes on to the sternum."""
    chest = cavity(plan, -5.0)
    _, y0, z0 = vertebrae()[f"T{n}"]
    end = {11: 95.0, 12: 70.0}.get(n, 138.0 if n <= 7 else 128.0)
    drop = float(np.interp(n, [1, 4, 7, 10, 12], [34, 66, 92, 84, 45]))
    bone: list[Ball] = [(side * 12.0, y0 + 8.0, z0 + 4.0, 4.5)]
    gristle: list[Ball] = []
    for angle in np.arange(14.0, 172.0, 8.0):
        t = float(np.deg2rad(angle))
        z = z0 + 4 - drop * (1 - float(np.cos(min(t, 2.6)))) / 1.86
        a, b, cx, cy = (float(v[0]) for v in chest.at(np.array([z])))
        x, y = side * a * float(np.sin(t)) + cx, cy + b * float(np.cos(t))
        if angle <= end:
            bone.append((x, y, z, 5.6))
        elif n <= 10:
            gristle.append((x, y, z + (angle - end) * (0.9 if n > 6 else 0.35), 5.0))
    return bone, gristle


def rib_line(plan: BodyPlan, n: int, side: float) -> list[Ball]:
    """Points (x, y, z, radius) along the bony part of rib `n` (1–12); `side` is 1 for left, −1 for right."""
    return _rib_points(plan, n, side)[0]


def ribs(plan: BodyPlan) -> list[Part]:
    """Twelve pairs along the chest wall, sloping down to the front; costal cartilage; sternum."""
    chest = cavity(plan, -5.0)
    parts: list[Part] = []
    for n in range(1, 13):
        for side in (-1.0, 1.0):
            line, gristle = _rib_points(plan, n, side)
            parts.append(("cortical_bone", Tube(tuple(line))))
            parts.append(("marrow", Tube(tuple((x, y, z, r - 2.1) for x, y, z, r in line))))
            if len(gristle) > 1:
                parts.append(("cartilage", Tube(tuple(gristle))))
    for tissue, thin in (("cortical_bone", 0.0), ("marrow", 2.2)):
        _a, b, _cx, cy = (float(v[0]) for v in chest.at(np.array([1300.0])))
        front = cy - b + 3.0
        sternum = Superquadric((0, front, 1300), (17 - thin, 6.5 - thin, 66 - thin), 3.0, (0, -9, 0))
        parts.append((tissue, sternum))
        parts.append(
            (tissue, Superquadric((0, front + 14, 1376), (27 - thin, 6.5 - thin, 22 - thin), 3.0, (0, -14, 0)))
        )
    return parts


def girdle(plan: BodyPlan) -> list[Part]:
    """Clavicles, scapulae, humeral heads."""
    parts: list[Part] = []
    for side in (-1.0, 1.0):
        clavicle = ((side * 16, -32, 1398, 6), (side * 70, -26, 1412, 6), (side * 128, 6, 1414, 6))
        parts.append(("cortical_bone", Tube(clavicle)))
        parts.append(("marrow", Tube(tuple((x, y, z, 3.4) for x, y, z, _ in clavicle))))
        for tissue, thin in (("cortical_bone", 0.0), ("marrow", 1.6)):
            blade = Superquadric(
                (side * 88, 84, 1335), (44 - thin, 4.0 - thin, 58 - thin), 2.6, (side * -32, 0, side * 12)
            )
            parts.append((tissue, blade))
            parts.append((tissue, ball((side * 138, 16, 1390), 22 - thin)))
        parts.append(("cortical_bone", Tube(((side * 92, 78, 1372, 5), (side * 132, 34, 1412, 7)))))
    return parts


def pelvis(plan: BodyPlan) -> list[Part]:
    """Iliac wings, acetabula, pubis, ischia, femora."""
    parts: list[Part] = []
    wide = 1.05 if plan.sex == "F" else 1.0
    for side in (-1.0, 1.0):

        def at(x: float, y: float, z: float, side: float = side) -> tuple[float, float, float]:
            return (side * x * wide, y, z)

        wing = Superquadric(at(88, 22, 982), (9.0, 66.0, 62.0), 2.3, (side * 36, -6, side * -14))
        lean = Superquadric(at(88, 22, 982), (6.4, 63.5, 59.5), 2.3, (side * 36, -6, side * -14))
        keep = HalfSpace((0, 0, 905), (0, 0, -1))
        parts += [("cortical_bone", Common((wing, keep))), ("marrow", Common((lean, keep)))]
        rods: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
            ((72, -14, 900, 12), (48, -42, 888, 9), (14, -50, 868, 10)),
            ((80, 22, 890, 16), (66, 40, 852, 13), (46, 26, 826, 11), (26, -18, 838, 8), (12, -48, 862, 8)),
        )
        for rod in rods:
            parts.append(("cortical_bone", Tube(tuple((*at(x, y, z), r) for x, y, z, r in rod))))
            parts.append(("marrow", Tube(tuple((*at(x, y, z), r - 3.0) for x, y, z, r in rod))))
        # the cup faces outward and down: what lies on that side of the plane is taken away
        cup = Without(ball(at(90, 2, 906), 36), HalfSpace(at(98, 2, 900), (-side, 0, 0.45)))
        parts.append(("cortical_bone", cup))
        parts.append(("marrow", Without(ball(at(90, 2, 906), 33), HalfSpace(at(95, 2, 903), (-side, 0, 0.45)))))
        parts.append(("muscle", ball(at(91, 2, 905), 26.5)))
        parts.append(("cortical_bone", ball(at(91, 2, 905), 23.5)))
        shaft = (at(134, 10, 872), at(124, 10, 800), at(100, 6, 590))
        neck = (at(91, 2, 905), at(132, 10, 880))
        for tissue, radii, thin in (
            ("cortical_bone", (17.0, 14.0, 13.5), 0.0),
            ("yellow_marrow", (17.0, 14.0, 13.5), 6.0),
        ):
            parts.append((tissue, Tube(tuple((*p, r - thin) for p, r in zip(shaft, radii, strict=True)))))
        parts.append(("cortical_bone", Tube(tuple((*p, 15.0) for p in neck))))
        parts.append(("cortical_bone", ball(at(138, 12, 886), 17)))
        parts.append(("marrow", Tube(tuple((*p, 12.5) for p in neck))))
        parts.append(("marrow", ball(at(138, 12, 884), 14)))
        parts.append(("marrow", ball(at(91, 2, 905), 21)))
        parts.append(("marrow", Tube(((*at(134, 10, 872), 12), (*at(129, 10, 835), 8)))))
    return parts
