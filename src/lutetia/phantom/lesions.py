"""Lesions: where they lie, how large they are, and what they take up at each visit.

A lesion is a lobulated solid in the patient; its coverage of a voxel is soft at the rim. Liver nodules that meet
(gap below 3 mm) are one lesion, called confluent from three nodules on, as a reader would call them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from lutetia.phantom.abdomen import liver as liver_shape
from lutetia.phantom.body import Axes, window
from lutetia.phantom.plan import BodyPlan, generator
from lutetia.phantom.shapes import Shape, Superquadric, Union
from lutetia.phantom.skeleton import rib_line, vertebrae

Kind = Literal["malignant", "benign", "physiological"]
Nodule = tuple[float, float, float, float]  # x, y, z in the standard man's mm; radius in the patient's mm


@dataclass(frozen=True)
class LesionPlan:
    """One lesion. `suv` maps a tracer to the SUV before and after therapy; `growth` is the linear size after it.

    `nodules` are balls of one mass; `fate` names what happens between the two epochs.
    """

    id: str
    site: str
    tissue: str
    side: str
    nodules: tuple[Nodule, ...]
    suv: dict[str, tuple[float, float]]
    diagnosis: str = "metastasis"
    kind: Kind = "malignant"
    ct_delta_hu: float = 0.0
    ct_hu: float | None = None
    growth: float = 1.0
    fate: str = "stable"
    first_epoch: int = 0
    last_epoch: int = 1

    @property
    def confluent(self) -> bool:
        """Three liver nodules or more that meet."""
        return self.site == "liver" and len(self.nodules) >= 3

    def exists(self, epoch: int) -> bool:
        """Whether it is in the body at that visit."""
        return self.first_epoch <= epoch <= self.last_epoch

    def solid(self, plan: BodyPlan, epoch: int) -> Shape:
        """Its shape in the standard man's coordinates: each nodule a slightly squashed ball with two lobes."""
        grown = self.growth if epoch else 1.0
        parts: list[Shape] = []
        for n, (x, y, z, r) in enumerate(self.nodules):
            rng = generator(plan.seed, "shape", self.id, n)
            stretch = np.exp(0.08 * rng.standard_normal(3))
            axes = grown * r * stretch / np.prod(stretch) ** (1 / 3) / np.asarray(plan.scale)
            parts.append(Superquadric((x, y, z), (float(axes[0]), float(axes[1]), float(axes[2])), 2.1))
            for _ in range(2):
                way = rng.standard_normal(3)
                way *= 0.5 * axes / np.linalg.norm(way)
                lobe = (float(0.66 * axes[0]), float(0.66 * axes[1]), float(0.66 * axes[2]))
                parts.append(Superquadric((x + way[0], y + way[1], z + way[2]), lobe))
        return Union(tuple(parts))


def coverage(solid: Shape, axes: Axes, step_mm: float) -> tuple[tuple[slice, slice, slice], npt.NDArray[np.float32]]:
    """The box of a solid on a grid and the share of each voxel that it fills (soft over `step_mm`)."""
    (x0, x1), (y0, y1), (z0, z1) = solid.bounds()
    m = step_mm
    wx, wy, wz = window(axes.x, x0 - m, x1 + m), window(axes.y, y0 - m, y1 + m), window(axes.z, z0 - m, z1 + m)
    value = solid.value(axes.x[wx][None, None, :], axes.y[wy][None, :, None], axes.z[wz][:, None, None])
    share = np.clip(0.5 - value / np.float32(step_mm), 0.0, 1.0).astype(np.float32)
    return (wz, wy, wx), share


def liver_nodules(
    plan: BodyPlan,
    rng: np.random.Generator,
    radii: list[float],
    gap_mm: float,
    *,
    from_radius: float = 0.0,
    avoid: tuple[Nodule, ...] = (),
) -> list[Nodule]:
    """Nodules inside the liver, largest first; `gap_mm` is the least distance between surfaces, also to `avoid`.

    Nodules smaller than `from_radius` keep 4 mm from every other, so that they stay discrete.
    """
    body = liver_shape(plan)
    (x0, x1), (y0, y1), (z0, z1) = body.bounds()
    placed: list[Nodule] = list(avoid)
    scale = np.asarray(plan.scale)
    for r in sorted(radii, reverse=True):
        tries = rng.uniform((x0, y0, z0), (x1, y1, z1), (4000, 3)).astype(np.float32)
        depth = body.value(tries[:, 0], tries[:, 1], tries[:, 2])
        gap = gap_mm if r >= from_radius else 4.0
        for x, y, z in tries[depth < -0.75 * r]:
            clear = all(np.linalg.norm((np.array([x, y, z]) - o[:3]) * scale) > r + o[3] + gap for o in placed)
            if clear:
                placed.append((float(x), float(y), float(z), r))
                break
    return placed[len(avoid) :]


def merge_meeting(nodules: list[Nodule], scale: tuple[float, float, float], gap_mm: float = 3.0) -> list[list[Nodule]]:
    """Groups of nodules whose surfaces come nearer than `gap_mm`, transitively."""
    groups: list[list[Nodule]] = []
    for nodule in nodules:
        near = [
            g
            for g in groups
            if any(
                np.linalg.norm((np.array(nodule[:3]) - o[:3]) * np.asarray(scale)) < nodule[3] + o[3] + gap_mm
                for o in g
            )
        ]
        joined = [nodule, *(o for g in near for o in g)]
        groups = [g for g in groups if g not in near] + [joined]
    return groups


def _fill_liver(plan: BodyPlan, rng: np.random.Generator) -> list[Nodule]:
    """Nodules, the largest first, until they cover the share `plan.liver_burden` of points drawn in the liver."""
    body = liver_shape(plan)
    (x0, x1), (y0, y1), (z0, z1) = body.bounds()
    points = rng.uniform((x0, y0, z0), (x1, y1, z1), (20000, 3)).astype(np.float32)
    points = points[body.value(points[:, 0], points[:, 1], points[:, 2]) <= 0]
    radii = np.exp(rng.normal(np.log(11.5), 0.42, 160)).clip(6.0, 32.0)
    covered = np.zeros(len(points), bool)
    kept: list[Nodule] = []
    large = float(np.quantile(radii, 0.93))
    for nodule in liver_nodules(plan, rng, radii.tolist(), -4.0, from_radius=large):
        distance = np.linalg.norm((points - np.asarray(nodule[:3])) * np.asarray(plan.scale), axis=1)
        covered |= distance <= nodule[3]
        kept.append(nodule)
        if covered.mean() >= plan.liver_burden:
            break
    return kept


def liver_lesions(plan: BodyPlan) -> list[LesionPlan]:
    """Five discrete metastases, or nodules and masses that fill the share `plan.liver_burden` of the liver."""
    rng = generator(plan.seed, "liver lesions")
    if plan.liver_burden <= 0:
        groups = [[n] for n in liver_nodules(plan, rng, [16.5, 12.0, 9.5, 7.5, 5.5], 9.0)]
    else:
        groups = merge_meeting(_fill_liver(plan, rng), plan.scale)
    groups.sort(key=lambda g: -sum(n[3] ** 3 for n in g))
    out = []
    for group in groups:
        hot = float(np.exp(rng.normal(np.log(24.0), 0.35)).clip(13.0, 46.0))
        sugar = float(np.exp(rng.normal(np.log(4.6), 0.3)).clip(2.8, 9.0))
        mean_x = float(np.mean([n[0] for n in group]))
        out.append(
            LesionPlan(
                id="",
                site="liver",
                tissue="liver",
                side="right" if mean_x < -10 else "left",
                nodules=tuple(group),
                suv={"dotatate": (hot, hot), "fdg": (sugar, sugar)},
                ct_delta_hu=-22.0,
            )
        )
    return out


#: site, tissue, side, place (standard man), radius mm, SUV DOTATATE, SUV FDG, HU, diagnosis
_ELSEWHERE: tuple[tuple[str, str, str, tuple[float, float, float], float, float, float, float | None, str], ...] = (
    ("small bowel", "bowel", "right", (-44.0, -22.0, 968.0), 8.5, 20.0, 3.6, 48.0, "primary"),
    ("node mesenteric", "lymph node", "right", (-14.0, -34.0, 1004.0), 13.0, 24.0, 4.8, 45.0, "metastasis"),
    ("node retroperitoneal", "lymph node", "left", (24.0, 8.0, 1078.0), 6.5, 22.0, 4.4, 45.0, "metastasis"),
    ("node retroperitoneal", "lymph node", "right", (-7.0, 6.0, 1052.0), 5.0, 18.0, 4.0, 45.0, "metastasis"),
    ("node mediastinal", "lymph node", "right", (-14.0, 8.0, 1350.0), 6.0, 13.0, 4.5, 45.0, "metastasis"),
    ("node supraclavicular left", "lymph node", "left", (44.0, 2.0, 1428.0), 7.0, 17.0, 4.8, 42.0, "metastasis"),
    ("vertebra", "bone", "midline", (6.0, 0.0, 0.0), 9.0, 15.0, 4.6, 420.0, "metastasis"),
    ("pelvis", "bone", "right", (-89.0, 24.0, 992.0), 8.0, 12.0, 4.2, 520.0, "metastasis"),
    ("rib", "bone", "left", (0.0, 0.0, 0.0), 6.0, 11.0, 4.4, 460.0, "metastasis"),
    ("femur", "bone", "left", (130.0, 10.0, 868.0), 7.5, 8.5, 3.8, 480.0, "metastasis"),
)
_PANCREAS = ("pancreas", "pancreas", "left", (44.0, -2.0, 1137.0), 11.0, 26.0, 4.2, 70.0, "primary")
_FACET = ("osteophyte", "bone", "right", (-22.0, 60.0, 1000.0), 5.0, 2.9, 2.2, 500.0, "degenerative osteophyte")


def _rib_place(plan: BodyPlan) -> tuple[float, float, float]:
    """The outer turn of the left seventh rib."""
    x, y, z, _ = rib_line(plan, 7, 1.0)[9]
    return x, y, z


def other_lesions(plan: BodyPlan) -> list[LesionPlan]:
    """A small-bowel or pancreatic primary, nodes and bone metastases (three always, the rest drawn), one mimic."""
    rng = generator(plan.seed, "other lesions")
    rows = list(_ELSEWHERE)
    if generator(plan.seed, "primary").random() < 0.4:
        rows[0] = _PANCREAS
    level = ("T8", "T11", "L2", "L4")[int(rng.integers(4))]
    out = []
    keep = [n in (0, 1, 6) or rng.random() < 0.8 for n in range(len(rows))]
    chosen = [row for row, kept in zip(rows, keep, strict=True) if kept]
    for site, tissue, side, place, radius, hot, sugar, hu, diagnosis in (*chosen, _FACET):
        jog = np.clip(rng.standard_normal(3), -1.5, 1.5)
        size = float(np.exp(0.12 * jog[0]))
        if site == "vertebra":
            x, y, z = vertebrae()[level]
            place = (x + place[0], y, z)
        elif site == "rib":
            place = _rib_place(plan)
        elif site.startswith("node") or site == "small bowel":
            place = (place[0] + 2.5 * jog[0], place[1] + 2.0 * jog[1], place[2] + 4.0 * jog[2])
        level_up = float(np.exp(0.2 * rng.standard_normal()))
        out.append(
            LesionPlan(
                id="",
                site=site,
                tissue=tissue,
                side=side,
                nodules=((float(place[0]), float(place[1]), float(place[2]), radius * size),),
                suv={"dotatate": (hot * level_up,) * 2, "fdg": (sugar * level_up**0.5,) * 2},
                diagnosis=diagnosis,
                kind="benign" if "osteophyte" in site else "malignant",
                ct_hu=hu,
            )
        )
    return out


def plan_lesions(plan: BodyPlan) -> tuple[LesionPlan, ...]:
    """All lesions of a patient, numbered L01, L02 … (liver first, largest first)."""
    rows = [*liver_lesions(plan), *other_lesions(plan)]
    if plan.situs_inversus:
        other = {"left": "right", "right": "left"}
        rows = [replace(r, side=other.get(r.side, r.side), site=r.site.replace(" left", " right")) for r in rows]
    return tuple(replace(lesion, id=f"L{n:02d}") for n, lesion in enumerate(rows, start=1))
