"""One patient's draws: habitus, organ sizes and places, arms, and what is missing or mirrored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lutetia.model import UsageError

Variant = Literal["standard", "liver_disease", "no_spleen", "small", "large", "arms_down", "contrast", "situs_inversus"]
VARIANTS: tuple[Variant, ...] = (
    "standard",
    "liver_disease",
    "no_spleen",
    "small",
    "large",
    "arms_down",
    "contrast",
    "situs_inversus",
)
TRACERS = ("dotatate", "fdg")
STANDARD_HEIGHT_MM = 1720.0


def generator(*keys: object) -> np.random.Generator:
    """A random generator that depends on nothing but `keys`."""
    digest = hashlib.sha256("/".join(str(k) for k in keys).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@dataclass(frozen=True)
class BodyPlan:
    """A patient. Shapes are written for a standard man of 1.72 m; `scale` stretches them to this one.

    `scale` is (x, y, z); `fat_mm` the layer under the skin and `belly_mm` what the abdomen adds in front, both in the
    standard man's millimetres. `spleen` and `liver` are linear sizes (spleen 0: removed); `story` names the course.
    """

    seed: int
    variant: Variant
    sex: Literal["F", "M"]
    age: int
    height_m: float
    bmi: float
    scale: tuple[float, float, float]
    fat_mm: float
    belly_mm: float
    arms: Literal["up", "down"]
    liver: float
    spleen: float
    aorta: float
    situs_inversus: bool
    contrast: bool
    liver_burden: float
    story: str = ""

    @property
    def weight_kg(self) -> float:
        """Body mass from height and body mass index, to 0.1 kg."""
        return round(self.bmi * self.height_m**2, 1)

    def jitter(self, part: str, amount_mm: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """This patient's displacement (x, y, z) of `part`, normal with SD `amount_mm`, cut at 1.7 SD."""
        return amount_mm * np.clip(generator(self.seed, "jitter", part).standard_normal(3), -1.7, 1.7)

    def stretch(self, part: str, spread: float = 0.05) -> float:
        """This patient's linear size of `part` relative to the standard man's."""
        return float(np.exp(spread * np.clip(generator(self.seed, "size", part).standard_normal(), -1.7, 1.7)))


def plan_body(seed: int, variant: str) -> BodyPlan:
    """Draw a patient. Each quantity has a generator of its own, so a variant changes only what it names.

    Raises
    ------
    UsageError
        for a variant that does not exist.
    """
    if variant not in VARIANTS:
        raise UsageError(
            "phantom-variant-unknown",
            f"There is no phantom variant {variant!r}.",
            expected="one of " + ", ".join(VARIANTS),
            remedy="name a variant of that list",
        )

    def draw(what: str) -> float:
        return float(np.clip(generator(seed, what).standard_normal(), -1.7, 1.7))

    sex: Literal["F", "M"] = "F" if generator(seed, "sex").random() < 0.5 else "M"
    height = (1.64 if sex == "F" else 1.77) + 0.05 * draw("height")
    bmi = 24.5 + 1.6 * draw("bmi")
    if variant == "large":
        bmi = 36.0 + 2.0 * draw("bmi")
    elif variant == "small":
        bmi, height = 18.3 + 0.5 * draw("bmi"), height - 0.11
    girth = (bmi / 24.5) ** 0.36 * (height / 1.72) ** 0.5
    return BodyPlan(
        seed=seed,
        variant=variant,
        sex=sex,
        age=round(60 + 8 * draw("age")),
        height_m=round(height, 2),
        bmi=round(bmi, 1),
        scale=(girth, girth * (bmi / 24.5) ** 0.12, height * 1000 / STANDARD_HEIGHT_MM),
        fat_mm=11.0 * (bmi / 24.5) ** 2.4 * (1.25 if sex == "F" else 1.0),
        belly_mm=max(0.0, 2.6 * (bmi - 23.0)),
        arms="down" if variant == "arms_down" else "up",
        liver=(1.1 if variant == "liver_disease" else 1.0) * float(np.exp(0.05 * draw("liver"))),
        spleen=0.0 if variant == "no_spleen" else float(np.exp(0.07 * draw("spleen"))),
        aorta=float(np.exp(0.10 * draw("aorta"))),
        situs_inversus=variant == "situs_inversus",
        contrast=variant == "contrast",
        liver_burden=0.40 if variant == "liver_disease" else 0.0,
    )
