"""Trunk, limbs, chest: outline, muscle, cavity, lungs, mediastinum, heart and great vessels.

Standard man of 1.72 m: x to the left, y to the back, z the height above the soles, in millimetres.
"""

from __future__ import annotations

from lutetia.phantom.plan import BodyPlan
from lutetia.phantom.shapes import Below, Common, HalfSpace, Shape, Superquadric, Sweep, Tube, Union, Without

Part = tuple[str, Shape]
Knots = tuple[tuple[float, float, float, float, float], ...]

# z, half width, half depth, centre x, centre y: the skin of a lean man
_TRUNK: Knots = (
    (800, 160, 92, 0, 8),
    (845, 178, 106, 0, 8),
    (895, 178, 112, 0, 8),
    (950, 166, 108, 0, 4),
    (1030, 142, 99, 0, 0),
    (1110, 143, 103, 0, 0),
    (1190, 152, 108, 0, 0),
    (1270, 157, 112, 0, 2),
    (1330, 162, 108, 0, 6),
    (1380, 168, 94, 0, 12),
    (1410, 158, 78, 0, 16),
    (1432, 118, 66, 0, 18),
    (1450, 78, 58, 0, 16),
    (1470, 58, 56, 0, 12),
)
# inner face of the ribs, then of the abdominal and pelvic wall
_CAVITY: Knots = (
    (850, 62, 52, 0, 14),
    (880, 78, 62, 0, 12),
    (930, 96, 72, 0, 2),
    (985, 108, 76, 0, -8),
    (1040, 118, 78, 0, -10),
    (1110, 122, 84, 0, -6),
    (1180, 128, 90, 0, 0),
    (1260, 126, 93, 0, 4),
    (1320, 116, 84, 0, 8),
    (1360, 98, 70, 0, 12),
    (1390, 76, 54, 0, 16),
    (1412, 52, 38, 0, 20),
    (1426, 30, 22, 0, 22),
)


def outline(plan: BodyPlan) -> Sweep:
    """The skin of trunk and neck, with this patient's fat."""
    rows = []
    for z, a, b, cx, cy in _TRUNK:
        fat = plan.fat_mm - 8.0
        belly = plan.belly_mm * max(0.0, 1.0 - abs(z - 1060.0) / 190.0)
        hips = 8.0 if plan.sex == "F" and z < 930 else 0.0
        rows.append((z, a + fat + 0.4 * belly + hips, b + fat + 0.5 * belly, cx, cy - 0.5 * belly))
    return Sweep(tuple(rows), 2.35)


def muscle_wall(plan: BodyPlan) -> Sweep:
    """Outer face of the muscles: the lean man's skin less 8 mm."""
    return Sweep(tuple((z, a - 9.0, b - 9.0, cx, cy) for z, a, b, cx, cy in _TRUNK), 2.35)


def cavity(plan: BodyPlan, inset_mm: float = 0.0) -> Sweep:
    """Chest, abdominal and pelvic cavity as one; the belly pushes its front forward."""
    rows = []
    for z, a, b, cx, cy in _CAVITY:
        belly = 0.8 * plan.belly_mm * max(0.0, 1.0 - abs(z - 1060.0) / 170.0)
        rows.append((z, a + 0.3 * belly - inset_mm, b + 0.5 * belly - inset_mm, cx, cy - 0.5 * belly))
    return Sweep(tuple(rows), 2.25)


def domes(plan: BodyPlan) -> tuple[Below, Below, Below]:
    """Right half, left half and central tendon of the diaphragm; what lies under any of them is abdomen."""
    shift = plan.jitter("diaphragm", 6.0)
    right = Below((-66.0, -12.0), 1252.0 + shift[2], (78.0, 62.0), (78.0, 92.0))
    left = Below((64.0, -8.0), 1234.0 + shift[2], (72.0, 66.0), (72.0, 92.0))
    tendon = Below((2.0, -18.0), 1229.0 + shift[2], (60.0, 70.0), (70.0, 85.0))
    return right, left, tendon


def limbs(plan: BodyPlan) -> list[Part]:
    """Thighs, and arms raised beside the head or lying beside the trunk."""
    fat = plan.fat_mm - 8.0
    parts: list[Part] = []
    for side in (-1.0, 1.0):
        for tissue, extra in (("skin_fat", fat), ("muscle", -10.0)):
            thigh = ((590.0, 64.0), (700.0, 76.0), (790.0, 88.0), (850.0, 90.0))
            rows = tuple((z, r + extra, r + 4 + extra, side * (86.0 + 0.25 * fat), 8.0) for z, r in thigh)
            parts.append((tissue, Sweep(rows)))
        joints: tuple[tuple[float, float, float, float], ...]
        if plan.arms == "up":
            joints = (
                (138, 14, 1392, 46),
                (176, 16, 1470, 42),
                (196, 12, 1580, 39),
                (196, 0, 1690, 36),
                (150, -6, 1800, 33),
            )
        else:
            joints = (
                (146, 14, 1392, 46),
                (188, 20, 1330, 42),
                (208, 22, 1200, 38),
                (218, 12, 1090, 35),
                (222, -10, 960, 30),
                (212, -22, 850, 26),
            )
        away = 0.0 if plan.arms == "up" else 0.7 * fat + 0.4 * plan.belly_mm
        path = [(side * (x + away * min(1.0, abs(z - 1392) / 120)), y, z, r) for x, y, z, r in joints]
        parts.append(("skin_fat", Tube(tuple((x, y, z, r + 0.3 * fat) for x, y, z, r in path))))
        parts.append(("muscle", Tube(tuple((x, y, z, r - 8.0) for x, y, z, r in path))))
        parts.append(("cortical_bone", Tube(tuple((x, y, z, 11.0 if z > 1000 else 8.0) for x, y, z, _ in path))))
        parts.append(("yellow_marrow", Tube(tuple((x, y, z, 6.0 if z > 1000 else 4.5) for x, y, z, _ in path))))
    return parts


def wall(plan: BodyPlan) -> list[Part]:
    """Skin and fat, muscle, cavity fat; breasts; gluteal cleft is not modelled."""
    parts: list[Part] = [("skin_fat", outline(plan))]
    if plan.sex == "F":
        front = -0.78 * 108.0 - 0.8 * (plan.fat_mm - 8.0)
        size = 30.0 + 0.9 * plan.fat_mm
        parts += [
            ("skin_fat", Superquadric((side * 78.0, front, 1278.0), (52.0 + 0.4 * plan.fat_mm, size, 48.0)))
            for side in (-1.0, 1.0)
        ]
    if plan.sex == "M":
        parts.append(("skin_fat", Superquadric((0, -62, 800), (40, 24, 32))))
    parts += limbs(plan)
    parts.append(("muscle", muscle_wall(plan)))
    if plan.sex == "F":
        parts += [
            ("breast", Superquadric((side * 78.0, -0.74 * 108.0 - 0.8 * plan.fat_mm, 1276.0), (24.0, 14.0, 22.0)))
            for side in (-1.0, 1.0)
        ]
    if plan.belly_mm > 4.0:  # the rectus sheath goes where the belly goes
        parts.append(("muscle", Common((cavity(plan, -9.0), HalfSpace((0, 0, 960), (0, 0, -1))))))
    parts.append(("visceral_fat", cavity(plan)))
    for side in (-1.0, 1.0):  # psoas and quadratus
        psoas = ((27, 30, 1140, 9), (38, 34, 1060, 17), (56, 26, 985, 20), (78, -6, 915, 15), (96, -2, 860, 10))
        parts.append(("muscle", Tube(tuple((side * x, y, z, r) for x, y, z, r in psoas))))
    return parts


def chest(plan: BodyPlan) -> list[Part]:
    """Lungs above the diaphragm, mediastinum, airways, heart, great vessels."""
    diaphragm = Union(domes(plan))
    pleura = cavity(plan, 3.0)
    above = HalfSpace((0, 0, 1085), (0, 0, -1))
    parts: list[Part] = []
    for tissue, side in (("lung_right", -1.0), ("lung_left", 1.0)):
        half = HalfSpace((side * 8.0, 0, 0), (-side, 0, 0))
        parts.append((tissue, Without(Common((pleura, above, half)), diaphragm)))
    middle: Knots = (
        (1150, 30, 70, 6, 4),
        (1215, 44, 84, 14, -6),
        (1265, 44, 84, 14, -6),
        (1305, 36, 78, 5, -2),
        (1360, 32, 62, 0, 4),
        (1400, 34, 52, 0, 10),
        (1430, 30, 34, 0, 14),
    )
    floor = Union(tuple(dome.lowered(-5.0) for dome in domes(plan)))
    parts.append(("mediastinum", Without(Common((pleura, Sweep(middle, 2.2))), floor)))
    for side in (-1.0, 1.0):
        for n, (dx, dy, dz) in enumerate(
            ((52, 26, 46), (58, -30, 34), (60, 20, -40), (54, 45, -10), (40, 5, 78), (70, -5, -4))
        ):
            start = (side * 26.0, 10.0, 1305.0)
            mid = (side * (26 + 0.5 * dx), 10 + 0.4 * dy, 1305 + 0.55 * dz)
            end = (side * (26 + dx), 10.0 + dy, 1305.0 + dz)
            vessel = Tube(((*start, 5.0 - 0.2 * n), (*mid, 3.2), (*end, 1.3)))
            parts.append(("lung_vessel", Common((vessel, pleura))))
    jog = plan.jitter("heart", 3.0)
    x, y, z = 30.0 + jog[0], -26.0 + jog[1], 1268.0 + 0.7 * plan.jitter("diaphragm", 6.0)[2]
    heart = plan.stretch("heart", 0.06)
    parts += [
        ("mediastinum", Superquadric((x - 2, y, z), (54 * heart, 47 * heart, 50 * heart), 2.0, (-35, 0, 20))),
        ("heart_blood", Superquadric((x - 12, y - 2, z + 6), (45 * heart, 40 * heart, 44 * heart), 2.0, (-35, 0, 20))),
        ("myocardium", Superquadric((x + 14, y + 2, z - 10), (34 * heart, 29 * heart, 38 * heart), 2.0, (-40, 25, 35))),
        ("heart_blood", Superquadric((x + 11, y + 2, z - 4), (22 * heart, 18 * heart, 29 * heart), 2.0, (-40, 25, 35))),
    ]
    trachea = Tube(((0, 2, 1482, 9), (0, 10, 1440, 9), (1, 18, 1390, 9), (2, 22, 1346, 9)))
    parts += [
        (
            "oesophagus",
            Tube(((0, 18, 1470, 6), (2, 36, 1400, 7), (4, 40, 1330, 7), (10, 36, 1260, 7), (24, 18, 1218, 8))),
        ),
        ("airway", trachea),
        ("airway", Tube(((2, 22, 1346, 8), (-18, 20, 1326, 7), (-40, 14, 1306, 5)))),
        ("airway", Tube(((2, 22, 1346, 8), (24, 22, 1322, 7), (44, 18, 1300, 5)))),
        ("vein", Tube(((-24, -6, 1388, 8), (-26, -8, 1340, 9), (-26, -10, 1296, 10)))),
        ("vein", Tube(((-40, -8, 1425, 6), (-30, -12, 1402, 7), (-24, -6, 1388, 8)))),
        ("vein", Tube(((48, -8, 1425, 5), (20, -18, 1400, 6), (-22, -8, 1388, 7)))),
        ("vein", Tube(((14, -42, 1288, 13), (12, -30, 1318, 13), (2, -8, 1330, 12)))),
        ("vein", Tube(((2, -8, 1328, 11), (-24, 2, 1320, 8), (-44, 6, 1312, 6)))),
        ("vein", Tube(((8, -14, 1332, 11), (30, 10, 1328, 9), (46, 16, 1318, 6)))),
    ]
    return parts


def aorta(plan: BodyPlan) -> list[Part]:
    """Ascending aorta, arch, descending aorta along the spine, iliac and femoral arteries; vena cava."""
    k = plan.aorta
    arch = (
        (6, -30, 1292, 14 * k),
        (-12, -30, 1328, 14 * k),
        (-8, -16, 1362, 13.5 * k),
        (8, 8, 1374, 13 * k),
        (20, 32, 1358, 12.5 * k),
    )
    descending = (
        (20, 32, 1358, 12.5 * k),
        (24, 46, 1322, 12 * k),
        (22, 46, 1260, 11.5 * k),
        (16, 38, 1200, 11 * k),
        (11, 25, 1168, 10.5 * k),
    )
    abdominal = ((11, 25, 1168, 10.5 * k), (6, 18, 1110, 9.5 * k), (5, 12, 1060, 8.5 * k), (4, 12, 1032, 8 * k))
    parts: list[Part] = [
        ("aorta_abdominal", Tube(abdominal)),
        ("aorta_thoracic", Tube(descending)),
        ("heart_blood", Tube(arch)),
    ]
    for side in (-1.0, 1.0):
        iliac = (
            (4, 12, 1032, 6.5),
            (4 + side * 22, 14, 996, 5.5),
            (side * 54, 4, 946, 5),
            (side * 78, -40, 896, 4.5),
            (side * 84, -42, 830, 4),
        )
        vein = (
            (-20, 18, 1028, 8),
            (side * 24 - 8, 22, 990, 6.5),
            (side * 48, 12, 946, 6),
            (side * 70, -34, 896, 5.5),
            (side * 76, -34, 830, 5),
        )
        parts += [("aorta_abdominal", Tube(iliac)), ("vein", Tube(vein))]
        parts += [
            ("vein", Tube(((side * 26, 4, 1500, 5), (side * 30, 2, 1460, 6), (side * 36, -6, 1426, 6)))),
            ("vein", Tube(((side * 22, 10, 1500, 3.5), (side * 20, 8, 1460, 4), (side * 12, -6, 1400, 4)))),
        ]
    cava = ((-20, 18, 1028, 9), (-21, 14, 1100, 10), (-22, 14, 1170, 11), (-20, 4, 1225, 11), (-14, -12, 1256, 11))
    parts.append(("vein", Tube(cava)))
    return parts


def couch(plan: BodyPlan) -> list[Part]:
    """A carbon-fibre couch under the back: thin shell, foam inside. Seen by the CT only."""
    low = plan.jitter("couch", 3.0)[1]
    back = max(b + cy for _, _, b, _, cy in outline(plan).knots) * 0.97 + 24.0 + low
    rows: Knots = ((0.0, 225.0, 22.0, 0.0, back), (2500.0, 225.0, 22.0, 0.0, back))
    inner: Knots = ((0.0, 220.0, 19.0, 0.0, back), (2500.0, 220.0, 19.0, 0.0, back))
    return [("couch_shell", Sweep(rows, 6.0)), ("couch_foam", Sweep(inner, 6.0))]


__all__ = ["Part", "aorta", "cavity", "chest", "couch", "domes", "limbs", "muscle_wall", "outline", "wall"]
