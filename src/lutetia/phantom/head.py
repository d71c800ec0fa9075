"""Head and neck: skull, brain, face, glands. Coordinates as in `trunk`."""

from __future__ import annotations

from lutetia.phantom.plan import BodyPlan
from lutetia.phantom.shapes import Common, HalfSpace, Superquadric, Sweep, Tube, Without, ball
from lutetia.phantom.trunk import Part


def head(plan: BodyPlan) -> list[Part]:
    """Scalp, skull vault and base, brain, orbits, nose, jaws, neck."""
    crown = (0.0, 8.0, 1624.0)
    parts: list[Part] = [
        ("skin_fat", Superquadric(crown, (77, 98, 97), 2.15)),
        ("skin_fat", Superquadric((0, -40, 1552), (59, 58, 72), 2.4)),
        ("skin_fat", Sweep(((1450, 62, 60, 0, 15), (1500, 60, 60, 0, 12), (1560, 62, 64, 0, 18)), 2.1)),
        ("muscle", Sweep(((1440, 58, 54, 0, 15), (1500, 53, 53, 0, 13), (1570, 55, 58, 0, 16)), 2.1)),
        ("muscle", Superquadric((0, -36, 1548), (51, 52, 62), 2.4)),
        ("skin_fat", Superquadric((0, -100, 1566), (11, 14, 20), 2.0, (0, 20, 0))),
        ("cortical_bone", Superquadric(crown, (72, 92, 91), 2.15)),
        ("muscle", Common((Superquadric(crown, (72, 92, 91), 2.15), HalfSpace((0, -20, 1579), (0, 0.22, 1))))),
    ]
    vault = Superquadric((0, 8, 1624), (65, 85, 84), 2.15)
    base = HalfSpace((0, -20, 1588), (0, -0.22, -1))
    parts += [
        ("brain", Common((vault, base))),
        ("brain", Superquadric((0, 48, 1572), (46, 30, 24))),
        (
            "cortical_bone",
            Common((Superquadric((0, -10, 1580), (64, 78, 7), 3.0, (0, -12, 0)), Superquadric(crown, (71, 91, 90)))),
        ),
        ("cortical_bone", Tube(((-60, 16, 1566, 12), (-30, 4, 1578, 8)))),
        ("cortical_bone", Tube(((60, 16, 1566, 12), (30, 4, 1578, 8)))),
        ("pituitary", ball((0.0, -20.0, 1594.0), 5.2)),
    ]
    for side in (-1.0, 1.0):
        parts += [
            ("cortical_bone", Superquadric((side * 33, -66, 1584), (22, 22, 19))),
            ("skin_fat", Superquadric((side * 33, -72, 1584), (18, 22, 16))),
            ("eye", ball((side * 33, -80, 1584), 12)),
            ("cortical_bone", Superquadric((side * 30, -58, 1552), (20, 20, 17), 2.5)),
            ("airway", Superquadric((side * 30, -58, 1552), (16, 16, 14), 2.5)),
            ("nasal", Superquadric((side * 8, -66, 1556), (6, 26, 18), 2.5)),
            (
                "cortical_bone",
                Tube(
                    ((side * 52, 0, 1568, 6), (side * 48, -14, 1522, 7), (side * 30, -62, 1500, 8), (0, -82, 1498, 8))
                ),
            ),
            ("marrow", Tube(((side * 47, -20, 1518, 3.5), (side * 30, -62, 1500, 4.5), (0, -82, 1498, 4.5)))),
            ("salivary", Superquadric((side * 53, 2, 1540), (11, 19, 25), 2.0, (side * 15, 0, 0))),
            ("salivary", Superquadric((side * 32, -34, 1497), (9, 17, 11), 2.0, (side * -20, 0, 0))),
            ("salivary", Superquadric((side * 13, -58, 1503), (6, 14, 6))),
            ("nasal", ball((side * 18, -14, 1528), 7)),
        ]
    parts += [
        ("cortical_bone", Superquadric((0, -68, 1530), (30, 24, 10), 2.6)),
        ("muscle", Superquadric((0, -50, 1512), (22, 30, 16))),
        ("airway", Tube(((0, -20, 1560, 9), (0, -6, 1530, 8), (0, -4, 1500, 7), (0, 0, 1482, 8)))),
        ("nasal", Without(Superquadric((0, 2, 1556), (20, 7, 12)), ball((0, -14, 1556), 9))),
        ("cartilage", Superquadric((0, -18, 1490), (17, 15, 14))),
        ("airway", Superquadric((0, -8, 1490), (8, 8, 20))),
    ]
    return parts


def thyroid(plan: BodyPlan) -> list[Part]:
    """Two lobes and an isthmus before the trachea."""
    k = plan.stretch("thyroid", 0.07)
    lobes: list[Part] = [
        ("thyroid", Superquadric((side * 18, -3, 1456), (8 * k, 9 * k, 21 * k), 2.0, (0, 0, side * 8)))
        for side in (-1.0, 1.0)
    ]
    return [*lobes, ("thyroid", Superquadric((0, -11, 1450), (14, 3.5, 7)))]
