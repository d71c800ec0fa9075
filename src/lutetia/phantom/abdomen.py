"""Liver, gallbladder, spleen, kidneys, adrenals, stomach, pancreas, bowel, bladder. Coordinates as in `trunk`."""

from __future__ import annotations

import numpy as np

from lutetia.phantom.plan import BodyPlan, generator
from lutetia.phantom.shapes import Common, HalfSpace, Shape, Superquadric, Tube, Union, Without, ball
from lutetia.phantom.trunk import Part, cavity, domes

Path = tuple[tuple[float, float, float, float], ...]


def liver(plan: BodyPlan) -> Shape:
    """Right and left lobe under the diaphragm, within the cavity, cut by a sloping lower edge."""
    k = plan.liver
    jog = plan.jitter("liver", 3.0)
    low = 84.0 * k
    right = Superquadric((-66 + jog[0], 4, 1182), (70 * k, 84 * k, low), 2.5, (0, 0, -8))
    left = Superquadric((8 + jog[0], -44, 1196), (74 * k, 36 * k, 38 * k), 2.3, (-10, 0, -14))
    edge = HalfSpace((-80, 0, 1182 - 0.93 * low), (0.44, -0.18, -1.0))
    roof = Union(tuple(dome.lowered(5.0) for dome in domes(plan)))
    return Common((Union((Common((right, edge)), left)), roof, cavity(plan, 6.0)))


def liver_vessels() -> list[tuple[str, Tube]]:
    """Portal vein with its two branches and three hepatic veins, to be painted inside the liver."""
    lines: tuple[Path, ...] = (
        ((12, -4, 1122, 7), (-14, -8, 1142, 7), (-34, -8, 1164, 6.5)),
        ((-34, -8, 1164, 6), (-62, 6, 1176, 5), (-88, 20, 1180, 3.2)),
        ((-34, -8, 1164, 5.5), (-20, -34, 1186, 4.5), (14, -50, 1196, 3)),
        ((-24, 2, 1226, 5), (-52, 22, 1216, 4.5), (-92, 34, 1192, 2.8)),
        ((-24, 0, 1226, 5), (-50, -26, 1212, 4.5), (-76, -52, 1182, 2.8)),
        ((-20, -4, 1228, 4.5), (-6, -34, 1218, 4), (12, -52, 1204, 2.5)),
    )
    return [("vein", Tube(line)) for line in lines]


def kidney_parts(plan: BodyPlan) -> list[Part]:
    """Cortex, medulla with pelvis towards the hilum, ureters with their peristaltic gaps."""
    parts: list[Part] = []
    for side, name, z in ((1.0, "left", 1112.0), (-1.0, "right", 1094.0)):
        jog = plan.jitter(f"kidney_{name}", 4.0)
        k = plan.stretch(f"kidney_{name}", 0.06)
        x, y, z = side * 62.0 + 0.5 * jog[0], 46.0 + 0.4 * jog[1], z + jog[2]
        tilt = (side * 28.0, 8.0, side * 13.0)
        capsule = 4.0 + 0.25 * plan.fat_mm  # perirenal fat, thicker in a large patient
        shell = (25 * k + capsule, 29 * k + capsule, 55 * k + capsule)
        around = Superquadric((x, y, z), shell, 2.15, tilt)
        parts.append(("visceral_fat", Common((around, cavity(plan, 1.0)))))
        parts.append((f"kidney_cortex_{name}", Superquadric((x, y, z), (25 * k, 29 * k, 55 * k), 2.15, tilt)))
        parts.append(("visceral_fat", Superquadric((x - side * 20, y - 8, z), (13.0, 13.0, 24.0), 2.0, tilt)))
        inner = Superquadric((x - side * 8, y - 3, z), (11 * k, 14 * k, 33 * k), 2.2, tilt)
        parts.append((f"kidney_pelvis_{name}", inner))
        hilum = (x - side * 20, y - 10, z - 2)
        ureter: Path = (
            (*hilum, 5.0),
            (x - side * 26, y - 14, z - 42, 2.6),
            (side * 34, 18, 1032, 2.3),
            (side * 38, 8, 985, 2.3),
            (side * 52, 26, 930, 2.3),
            (side * 24, 16, 894, 2.3),
        )
        parts.append(("ureter", Tube(ureter)))
        # renal vessels
        parts.append(("vein", Tube(((x - side * 20, y - 10, z + 6, 4.5), (side * 14, 12, z + 14, 4.5)))))
    return parts


def adrenals(plan: BodyPlan) -> list[Part]:
    """Thin lambda-shaped glands above the kidneys."""
    left: tuple[Path, ...] = (
        ((30, 16, 1174, 4.3), (36, 24, 1160, 4.1), (44, 34, 1146, 3.7)),
        ((30, 16, 1174, 4.3), (28, 26, 1160, 3.9), (29, 36, 1148, 3.5)),
    )
    right: tuple[Path, ...] = (
        ((-30, 24, 1176, 4.3), (-34, 32, 1162, 3.9), (-42, 44, 1150, 3.5)),
        ((-30, 24, 1176, 4.1), (-27, 33, 1164, 3.9), (-27, 42, 1152, 3.5)),
    )
    return [*(("adrenal_left", Tube(p)) for p in left), *(("adrenal_right", Tube(p)) for p in right)]


def stomach(plan: BodyPlan) -> list[Part]:
    """Fundus, body, antrum, pylorus; contents with a gas bubble in front; the duodenum's C."""
    jog = plan.jitter("stomach", 3.0)
    fill = plan.stretch("stomach", 0.12)
    path = (
        (28 + jog[0], 14, 1214, 12),
        (54 + jog[0], 12, 1206, 29 * fill),
        (66 + jog[0], -12, 1176, 29 * fill),
        (60 + jog[0], -38, 1142, 25 * fill),
        (34, -54, 1116, 20 * fill),
        (2, -52, 1110, 17),
        (-22, -42, 1112, 11),
    )
    wall = Tube(path)
    lumen = wall.thinner(5.5)
    inside = cavity(plan, 3.0)
    _, left, _ = domes(plan)
    roof = left.lowered(4.0)
    duodenum: Path = (
        (-22, -42, 1112, 11),
        (-44, -26, 1106, 12),
        (-48, -8, 1076, 12),
        (-38, 4, 1044, 12),
        (-8, 0, 1034, 11),
        (24, -2, 1044, 11),
        (32, -14, 1072, 10),
    )
    return [
        ("stomach_wall", Common((wall, inside, roof))),
        ("stomach_contents", Common((lumen, inside, roof.lowered(5.0)))),
        ("bowel_gas", Common((lumen, inside, roof.lowered(5.0), HalfSpace((0, -30, 1190), (0, 1, -0.25))))),
        ("duodenum", Tube(duodenum)),
    ]


def pancreas(plan: BodyPlan) -> list[Part]:
    """Head, neck, body, tail, and the uncinate process behind the mesenteric vessels."""
    path: Path = (
        (-28, -10, 1086, 15),
        (-16, -18, 1104, 13),
        (8, -22, 1118, 9),
        (34, -8, 1132, 10),
        (62, 14, 1146, 10),
        (82, 30, 1156, 8),
    )
    return [("pancreas", Tube(path)), ("uncinate", Superquadric((-16, -4, 1068), (15, 9, 12)))]


def small_bowel(plan: BodyPlan) -> list[Part]:
    """Loops that fill the middle of the abdomen: a serpentine with a random walk, drawn from the seed."""
    rng = generator(plan.seed, "small bowel")
    front = -0.62 * plan.belly_mm
    loops: list[Part] = []
    for depth, (y0, z_top) in enumerate(((-14.0, 1052.0), (-44.0, 1072.0), (-66.0 + 0.4 * front, 1030.0))):
        points = []
        z = z_top
        side = 1.0 if depth % 2 else -1.0
        while z > 918.0:
            width = float(np.interp(z, [910, 960, 1040, 1090], [44, 62, 68, 46]))
            for t in np.linspace(-1.0, 1.0, 5):
                wobble = rng.normal(0.0, [5.0, 6.0, 7.0])
                points.append(
                    (side * t * width + wobble[0], y0 + 0.5 * front + wobble[1], z + wobble[2], rng.uniform(9.0, 12.5))
                )
            side = -side
            z -= rng.uniform(27.0, 34.0)
        loops.append(("bowel_small", Common((Tube(tuple(points)), cavity(plan, 2.0)))))
    return loops


def colon(plan: BodyPlan) -> list[Part]:
    """Caecum to rectum: wall, stool, gas in the transverse part and the flexures."""
    f = -0.6 * plan.belly_mm
    path: Path = (
        (-66, -14, 950, 24),
        (-80, -12, 990, 24),
        (-94, 2, 1040, 22),
        (-90, 4, 1078, 20),
        (-62, -44 + 0.5 * f, 1078, 19),
        (-24, -68 + f, 1054, 19),
        (24, -70 + f, 1050, 19),
        (66, -48 + 0.5 * f, 1086, 18),
        (96, 8, 1128, 18),
        (100, 28, 1086, 16),
        (100, 22, 1020, 15),
        (92, 14, 968, 15),
        (66, 0, 934, 16),
        (30, 6, 918, 16),
        (4, 26, 930, 16),
        (0, 46, 902, 18),
        (0, 48, 868, 17),
        (0, 42, 846, 11),
    )
    wall = Tube(path)
    inside = cavity(plan, 1.0)
    lumen = wall.thinner(4.0)
    gas = Union(
        (
            Common((lumen, HalfSpace((0, -60 + f, 1060), (0, 1, 0)), HalfSpace((0, 0, 1030), (0, 0, -1)))),
            Common((lumen, HalfSpace((90, 4, 1100), (0, 1, -0.4)), HalfSpace((60, 0, 1085), (0, 0, -1)))),
        )
    )
    return [
        ("colon_wall", Common((wall, inside))),
        ("colon_contents", Common((lumen, inside))),
        ("bowel_gas", Common((gas, inside))),
    ]


def pelvic_organs(plan: BodyPlan) -> list[Part]:
    """Bladder, and prostate or uterus."""
    fill = plan.stretch("bladder", 0.1)
    size = (36 * fill, 30 * fill, 27 * fill)
    parts: list[Part] = []
    if plan.sex == "F":
        parts.append(("uterus", Superquadric((4, 14, 912), (24, 22, 20), 2.0, (0, -25, 0))))
    else:
        parts.append(("prostate", Superquadric((0, -2, 852), (21, 17, 15))))
        parts += [("testis", Superquadric((side * 18, -62, 794), (13, 14, 19))) for side in (-1.0, 1.0)]
    wall = Superquadric((0, -18, 888), (size[0] + 3, size[1] + 3, size[2] + 3), 2.2)
    return [*parts, ("bladder_wall", wall), ("bladder", Superquadric((0, -18, 888), size, 2.2))]


def spleen(plan: BodyPlan) -> list[Part]:
    """The spleen under the left dome, behind the stomach; none when it was removed."""
    if plan.spleen <= 0.0:
        return []
    k = plan.spleen
    jog = plan.jitter("spleen", 3.0)
    _, left, _ = domes(plan)
    solid = Superquadric((99 + jog[0], 44 + jog[1], 1184 + jog[2]), (40 * k, 54 * k, 65 * k), 2.3, (-28, 14, -16))
    hilum = Superquadric((64, 20, 1172), (15, 21, 34))
    return [("spleen", Common((Without(solid, hilum), left.lowered(5.0), cavity(plan, 5.0))))]


def accessory_spleen(plan: BodyPlan) -> list[Part]:
    """A small ball of splenic tissue at the hilum, in one patient of four who has a spleen."""
    if plan.spleen <= 0.0 or generator(plan.seed, "accessory spleen").random() > 0.25:
        return []
    jog = plan.jitter("accessory spleen", 3.0)
    return [("accessory_spleen", ball((74 + jog[0], 2 + jog[1], 1140 + jog[2]), 7.0 * plan.stretch("accessory", 0.15)))]


def abdominal_organs(plan: BodyPlan) -> list[Part]:
    """All of them, in the order in which one covers the other."""
    body = liver(plan)
    parts: list[Part] = []
    parts += colon(plan)
    parts += small_bowel(plan)
    parts += stomach(plan)
    parts += pancreas(plan)
    parts.append(("liver", body))
    parts += [(name, Common((tube, body))) for name, tube in liver_vessels()]
    parts.append(("vein", Tube(((12, -4, 1122, 7), (-12, -8, 1142, 7), (-26, -8, 1156, 6.5)))))
    parts.append(("vein", Tube(((12, -4, 1122, 6), (40, 2, 1138, 5), (78, 32, 1160, 4)))))
    parts.append(("vein", Tube(((12, -4, 1122, 6), (4, -16, 1070, 5.5), (6, -26, 1010, 4)))))
    parts += spleen(plan)
    parts += accessory_spleen(plan)
    parts += kidney_parts(plan)
    parts += adrenals(plan)
    parts.append(("gallbladder", Superquadric((-44, -46, 1112), (13, 15, 27), 2.0, (0, 25, 10))))
    parts += pelvic_organs(plan)
    return parts
